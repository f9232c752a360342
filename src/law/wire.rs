//! Laws as they stand in files, and the list of numbers that each form is.

use super::{Form, Law, LawError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A law with parameters that nobody has checked yet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum WireLaw {
    Metric {
        alpha: f64,
        gamma: f64,
        beta: f64,
    },
    Power {
        scale: f64,
        exponent: f64,
    },
    PowerFloor {
        irreducible: f64,
        scale: f64,
        exponent: f64,
    },
    Offset {
        irreducible: f64,
        scale: f64,
        exponent: f64,
        offset: f64,
    },
    Rectified {
        irreducible: f64,
        scale: f64,
        exponent: f64,
        transition: f64,
    },
    Bnsl {
        irreducible: f64,
        scale: f64,
        exponent: f64,
        exponent_after: f64,
        #[serde(rename = "break")]
        break_at: f64,
        width: f64,
    },
    M4 {
        irreducible: f64,
        start: f64,
        scale: f64,
        exponent: f64,
        bend: f64,
    },
}

impl WireLaw {
    /// The law of a form from its parameters in the order of [`Form::parameter_names`]; nothing where their number is wrong.
    pub(super) fn new(form: Form, values: &[f64]) -> Option<Self> {
        Some(match (form, values) {
            (Form::Metric, &[alpha, gamma, beta]) => WireLaw::Metric { alpha, gamma, beta },
            (Form::Power, &[scale, exponent]) => WireLaw::Power { scale, exponent },
            (Form::PowerFloor, &[irreducible, scale, exponent]) => WireLaw::PowerFloor { irreducible, scale, exponent },
            (Form::Offset, &[irreducible, scale, exponent, offset]) => WireLaw::Offset { irreducible, scale, exponent, offset },
            (Form::Rectified, &[irreducible, scale, exponent, transition]) => {
                WireLaw::Rectified { irreducible, scale, exponent, transition }
            }
            (Form::Bnsl, &[irreducible, scale, exponent, exponent_after, break_at, width]) => {
                WireLaw::Bnsl { irreducible, scale, exponent, exponent_after, break_at, width }
            }
            (Form::M4, &[irreducible, start, scale, exponent, bend]) => WireLaw::M4 { irreducible, start, scale, exponent, bend },
            _ => return None,
        })
    }

    pub(super) fn form(&self) -> Form {
        match self {
            WireLaw::Metric { .. } => Form::Metric,
            WireLaw::Power { .. } => Form::Power,
            WireLaw::PowerFloor { .. } => Form::PowerFloor,
            WireLaw::Offset { .. } => Form::Offset,
            WireLaw::Rectified { .. } => Form::Rectified,
            WireLaw::Bnsl { .. } => Form::Bnsl,
            WireLaw::M4 { .. } => Form::M4,
        }
    }

    /// Parameters in the order of [`Form::parameter_names`].
    pub(super) fn values(&self) -> Vec<f64> {
        match *self {
            WireLaw::Metric { alpha, gamma, beta } => vec![alpha, gamma, beta],
            WireLaw::Power { scale, exponent } => vec![scale, exponent],
            WireLaw::PowerFloor { irreducible, scale, exponent } => vec![irreducible, scale, exponent],
            WireLaw::Offset { irreducible, scale, exponent, offset } => vec![irreducible, scale, exponent, offset],
            WireLaw::Rectified { irreducible, scale, exponent, transition } => vec![irreducible, scale, exponent, transition],
            WireLaw::Bnsl { irreducible, scale, exponent, exponent_after, break_at, width } => {
                vec![irreducible, scale, exponent, exponent_after, break_at, width]
            }
            WireLaw::M4 { irreducible, start, scale, exponent, bend } => vec![irreducible, start, scale, exponent, bend],
        }
    }
}

impl TryFrom<WireLaw> for Law {
    type Error = LawError;

    fn try_from(wire: WireLaw) -> Result<Self, LawError> {
        let form = wire.form();
        let wrong = |parameter, found, expected| LawError::Parameter { form: form.name(), parameter, found, expected };
        for (&parameter, found) in form.parameter_names().iter().zip(wire.values()) {
            let may_vanish = form.may_vanish(parameter);
            if !found.is_finite() || found < 0.0 || (found == 0.0 && !may_vanish) {
                let expected = if may_vanish { "a finite number not below 0" } else { "a finite number above 0" };
                return Err(wrong(parameter, found, expected));
            }
        }
        match wire {
            WireLaw::M4 { irreducible, start, .. } if start <= irreducible => {
                Err(wrong("start", start, "a number above the irreducible loss"))
            }
            _ => Ok(Law(wire)),
        }
    }
}

impl From<Law> for WireLaw {
    fn from(law: Law) -> WireLaw {
        law.0
    }
}

impl fmt::Display for Law {
    /// The formula with its numbers, rounded for the eye.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            WireLaw::Metric { alpha, gamma, beta } => write!(f, "{alpha:.4} ({gamma:.4} X)^-{beta:.4}"),
            WireLaw::Power { scale, exponent } => write!(f, "{scale:.4} X^-{exponent:.4}"),
            WireLaw::PowerFloor { irreducible, scale, exponent } => write!(f, "{irreducible:.4} + {scale:.4} X^-{exponent:.4}"),
            WireLaw::Offset { irreducible, scale, exponent, offset } => {
                write!(f, "{irreducible:.4} + {scale:.4} (X + {offset:.1})^-{exponent:.4}")
            }
            WireLaw::Rectified { irreducible, scale, exponent, transition } => {
                write!(f, "{irreducible:.4} + {scale:.4} / ({transition:.4} + X^{exponent:.4})")
            }
            WireLaw::Bnsl { irreducible, scale, exponent, exponent_after, break_at, width } => {
                let outer = (exponent - exponent_after) * width;
                write!(f, "{irreducible:.4} + {scale:.4} X^-{exponent:.4} (1 + (X/{break_at:.1})^(1/{width:.4}))^{outer:.4}")
            }
            WireLaw::M4 { irreducible, start, scale, exponent, bend } => {
                write!(f, "(L - {irreducible:.4}) / ({start:.4} - L)^{bend:.4} = {scale:.4} X^-{exponent:.4}")
            }
        }
    }
}
