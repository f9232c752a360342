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
    /// `E + B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)`.
    Bnsl,
    /// `(L - E) / (L0 - L)^a = B X^-c`.
    M4,
}

impl Form {
    /// All forms.
    pub const ALL: [Form; 7] = [Form::Metric, Form::Power, Form::PowerFloor, Form::Offset, Form::Rectified, Form::Bnsl, Form::M4];

    /// Most parameters of a form.
    pub const MOST_PARAMETERS: usize = 6;

    /// Name in files and flags.
    pub fn name(self) -> &'static str {
        match self {
            Form::Metric => "metric",
            Form::Power => "power",
            Form::PowerFloor => "power_floor",
            Form::Offset => "offset",
            Form::Rectified => "rectified",
            Form::Bnsl => "bnsl",
            Form::M4 => "m4",
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
            Form::Bnsl => "E + B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)",
            Form::M4 => "(L - E) / (L0 - L)^a = B X^-c",
        }
    }

    /// Names of the parameters: E is `irreducible`, B `scale`, beta, c0 and the c of `m4` `exponent`, D0 `offset` (pairs), Dl
    /// `transition` (pairs to the beta), the c of `bnsl` `exponent_after`, d `break` (pairs), f `width`, L0 `start`, a `bend`.
    pub fn parameter_names(self) -> &'static [&'static str] {
        match self {
            Form::Metric => &["alpha", "gamma", "beta"],
            Form::Power => &["scale", "exponent"],
            Form::PowerFloor => &["irreducible", "scale", "exponent"],
            Form::Offset => &["irreducible", "scale", "exponent", "offset"],
            Form::Rectified => &["irreducible", "scale", "exponent", "transition"],
            Form::Bnsl => &["irreducible", "scale", "exponent", "exponent_after", "break", "width"],
            Form::M4 => &["irreducible", "start", "scale", "exponent", "bend"],
        }
    }

    /// Whether a parameter of this form may be 0; all others are above it.
    pub(super) fn may_vanish(self, parameter: &str) -> bool {
        matches!(parameter, "irreducible" | "offset" | "transition") || (self == Form::Bnsl && parameter == "exponent")
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
