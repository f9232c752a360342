//! Laws: the loss `L(X)` of one language, in nats per target token, as a falling function of its pairs `X`.
//!
//! | form | `L(X)` | parameters, all finite |
//! |---|---|---|
//! | `metric` | `alpha (gamma X)^-beta`, the paper's `100 - S` with `S = 100 - alpha (gamma X)^-beta` | alpha, gamma, beta > 0 |
//! | `power` | `B X^-beta` | B, beta > 0 |
//! | `power_floor` | `E + B X^-beta` | E >= 0; B, beta > 0 |
//! | `offset` | `E + B (X + D0)^-beta` | E, D0 >= 0; B, beta > 0 |
//! | `rectified` | `E + B / (Dl + X^beta)` | E, Dl >= 0; B, beta > 0 |

use serde::{Deserialize, Serialize};

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

/// A loss law with checked parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WireLaw", into = "WireLaw")]
pub struct Law(WireLaw);

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case", deny_unknown_fields)]
enum WireLaw {
    Metric { alpha: f64, gamma: f64, beta: f64 },
    Power { scale: f64, exponent: f64 },
    PowerFloor { irreducible: f64, scale: f64, exponent: f64 },
    Offset { irreducible: f64, scale: f64, exponent: f64, offset: f64 },
    Rectified { irreducible: f64, scale: f64, exponent: f64, transition: f64 },
}

/// Why numbers are not a law.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LawError {
    /// A parameter out of its range.
    #[error("{parameter} of a `{form}` law is {found}, expected {expected}")]
    Parameter { form: &'static str, parameter: &'static str, found: f64, expected: &'static str },
}

impl TryFrom<WireLaw> for Law {
    type Error = LawError;

    fn try_from(wire: WireLaw) -> Result<Self, LawError> {
        Ok(Law(wire))
    }
}

impl From<Law> for WireLaw {
    fn from(law: Law) -> WireLaw {
        law.0
    }
}
