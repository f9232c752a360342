//! Laws as they stand in files and before people: the name of the form, then each parameter under its own.

use super::{Form, Law, LawError};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// A law with parameters that nobody has checked yet.
#[derive(Deserialize)]
pub(super) struct WireLaw {
    form: Form,
    #[serde(flatten)]
    parameters: BTreeMap<String, f64>,
}

impl TryFrom<WireLaw> for Law {
    type Error = LawError;

    fn try_from(WireLaw { form, mut parameters }: WireLaw) -> Result<Self, LawError> {
        let missing = |name| LawError::Missing { form: form.name(), parameter: name };
        let found = |name: &&'static str| parameters.remove(*name).ok_or(missing(*name));
        let values = form.parameter_names().iter().map(found).collect::<Result<Vec<f64>, _>>()?;
        match parameters.into_keys().next() {
            Some(parameter) => Err(LawError::Unknown { form: form.name(), parameter }),
            None => Law::new(form, &values),
        }
    }
}

impl Serialize for Law {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parameters = self.parameters();
        let mut map = serializer.serialize_map(Some(1 + parameters.len()))?;
        map.serialize_entry("form", &self.form())?;
        parameters.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
        map.end()
    }
}

impl fmt::Display for Law {
    /// The formula with its numbers, rounded for the eye.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.form, self.values) {
            (Form::Metric, [alpha, gamma, beta, ..]) => write!(f, "{alpha:.4} ({gamma:.4} X)^-{beta:.4}"),
            (Form::Power, [scale, exponent, ..]) => write!(f, "{scale:.4} X^-{exponent:.4}"),
            (Form::PowerFloor, [floor, scale, exponent, ..]) => write!(f, "{floor:.4} + {scale:.4} X^-{exponent:.4}"),
            (Form::Offset, [floor, scale, exponent, offset, ..]) => {
                write!(f, "{floor:.4} + {scale:.4} (X + {offset:.1})^-{exponent:.4}")
            }
            (Form::Rectified, [floor, scale, exponent, transition, ..]) => {
                write!(f, "{floor:.4} + {scale:.4} / ({transition:.4} + X^{exponent:.4})")
            }
            (Form::Bnsl, [floor, scale, exponent, after, break_at, width]) => {
                let outer = (exponent - after) * width;
                write!(f, "{floor:.4} + {scale:.4} X^-{exponent:.4} (1 + (X/{break_at:.1})^(1/{width:.4}))^{outer:.4}")
            }
            (Form::M4, [floor, start, scale, exponent, bend, ..]) => {
                write!(f, "(L - {floor:.4}) / ({start:.4} - L)^{bend:.4} = {scale:.4} X^-{exponent:.4}")
            }
            (Form::Joint, _) => write!(f, "joint law of X pairs in a model of several languages"),
        }
    }
}
