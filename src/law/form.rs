//! The closed set of forms, their names and formulas.

use super::LawError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The closed set of forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `alpha (gamma X)^-beta`.
    Metric,
    /// `B X^-beta`.
    Power,
    /// `E + B X^-beta`.
    PowerFloor,
    /// `E + B (X + D0)^-beta`.
    Offset,
    /// `E + B / (Dl + X^beta)`.
    Rectified,
}

impl Form {
    /// All forms.
    pub const ALL: [Form; 5] = [Form::Metric, Form::Power, Form::PowerFloor, Form::Offset, Form::Rectified];

    /// Name in files and flags.
    pub fn name(self) -> &'static str {
        match self {
            Form::Metric => "metric",
            Form::Power => "power",
            Form::PowerFloor => "power_floor",
            Form::Offset => "offset",
            Form::Rectified => "rectified",
        }
    }

    /// The formula, for people.
    pub fn formula(self) -> &'static str {
        match self {
            Form::Metric => "alpha (gamma X)^-beta",
            Form::Power => "B X^-beta",
            Form::PowerFloor => "E + B X^-beta",
            Form::Offset => "E + B (X + D0)^-beta",
            Form::Rectified => "E + B / (Dl + X^beta)",
        }
    }

    /// Names of the parameters: E is `irreducible`, B `scale`, beta `exponent`, D0 `offset` (pairs), Dl `transition` (pairs to the beta).
    pub fn parameter_names(self) -> &'static [&'static str] {
        match self {
            Form::Metric => &["alpha", "gamma", "beta"],
            Form::Power => &["scale", "exponent"],
            Form::PowerFloor => &["irreducible", "scale", "exponent"],
            Form::Offset => &["irreducible", "scale", "exponent", "offset"],
            Form::Rectified => &["irreducible", "scale", "exponent", "transition"],
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Form {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        Form::ALL.into_iter().find(|form| form.name() == text).ok_or_else(|| LawError::Form { found: text.to_owned() })
    }
}
