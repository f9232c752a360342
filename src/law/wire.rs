//! Laws and surfaces as they stand in files and before people: the name of the form, then each
//! parameter under its own.

use super::{Form, Law, LawError};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// A form with parameters that nobody has checked yet.
#[derive(Deserialize)]
pub(super) struct Wire<F> {
    pub(super) form: F,
    #[serde(flatten)]
    parameters: BTreeMap<String, f64>,
}

impl<F> Wire<F> {
    /// The parameters of these names, which are to be all there are.
    pub(super) fn values(
        &self,
        form: &'static str,
        names: &'static [&'static str],
    ) -> Result<Vec<f64>, LawError> {
        if let Some(parameter) =
            self.parameters.keys().find(|found| !names.contains(&found.as_str()))
        {
            return Err(LawError::Unknown { form, parameter: parameter.clone() });
        }
        let value = |&parameter: &&'static str| {
            self.parameters.get(parameter).copied().ok_or(LawError::Missing { form, parameter })
        };
        names.iter().map(value).collect()
    }
}

/// Writes a form and its parameters.
pub(super) fn write<S: Serializer>(
    form: &impl Serialize,
    parameters: &[(&'static str, f64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1 + parameters.len()))?;
    map.serialize_entry("form", form)?;
    parameters.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
    map.end()
}

impl TryFrom<Wire<Form>> for Law {
    type Error = LawError;

    fn try_from(wire: Wire<Form>) -> Result<Self, LawError> {
        Law::new(wire.form, &wire.values(wire.form.name(), wire.form.parameter_names())?)
    }
}

impl Serialize for Law {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(&self.form, &self.parameters(), serializer)
    }
}

impl fmt::Display for Law {
    /// The formula with its numbers, rounded for the eye.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.form, self.values) {
            (Form::Metric, [alpha, gamma, beta, ..]) => {
                write!(f, "{alpha:.4} ({gamma:.4} X)^-{beta:.4}")
            }
            (Form::Power, [scale, exponent, ..]) => write!(f, "{scale:.4} X^-{exponent:.4}"),
            (Form::PowerFloor, [floor, scale, exponent, ..]) => {
                write!(f, "{floor:.4} + {scale:.4} X^-{exponent:.4}")
            }
            (Form::Offset, [floor, scale, exponent, offset, ..]) => {
                write!(f, "{floor:.4} + {scale:.4} (X + {offset:.1})^-{exponent:.4}")
            }
            (Form::Rectified, [floor, scale, exponent, transition, ..]) => {
                write!(f, "{floor:.4} + {scale:.4} / ({transition:.4} + X^{exponent:.4})")
            }
            (Form::Bnsl, [floor, scale, exponent, after, break_at, width]) => {
                let outer = (exponent - after) * width;
                write!(
                    f,
                    "{floor:.4} + {scale:.4} X^-{exponent:.4} (1 + \
                    (X/{break_at:.1})^(1/{width:.4}))^{outer:.4}"
                )
            }
            (Form::M4, [floor, start, scale, exponent, bend, ..]) => {
                write!(
                    f,
                    "(L - {floor:.4}) / ({start:.4} - L)^{bend:.4} = {scale:.4} X^-{exponent:.4}"
                )
            }
            (Form::Joint, _) => write!(f, "joint law of X pairs in a model of several languages"),
        }
    }
}
