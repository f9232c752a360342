//! Laws: the loss `L(X)` of one language, in nats per target token, as a falling function of its pairs `X`.
//!
//! | form | `L(X)` | parameters, all finite |
//! |---|---|---|
//! | `metric` | `alpha (gamma X)^-beta`, the paper's `100 - S` with `S = 100 - alpha (gamma X)^-beta` | alpha, gamma, beta > 0 |
//! | `power` | `B X^-beta` | B, beta > 0 |
//! | `power_floor` | `E + B X^-beta` | E >= 0; B, beta > 0 |
//! | `offset` | `E + B (X + D0)^-beta` | E, D0 >= 0; B, beta > 0 |
//! | `rectified` | `E + B / (Dl + X^beta)` | E, Dl >= 0; B, beta > 0 |
//!
//! Sources: `metric` Zhu et al. 2023 (arXiv 2308.04948, eq. 2), `power_floor` Hoffmann et al. 2022, `offset` Hernandez et al. 2021
//! in its use of prior data, `rectified` Lin et al. 2024. All but `rectified` with an exponent above 1 are convex.
//! A language whose alpha is its own gives `metric` no shape that `power` lacks: gamma only scales alpha.

mod form;
mod shape;

pub use form::Form;
use serde::{Deserialize, Serialize};
use shape::Shape;
use std::fmt;

/// A loss law with checked parameters.
///
/// Invariants, checked in [`Law::new`] and on reading: every parameter finite; `irreducible`, `offset` and `transition` not below 0;
/// all others above 0. So the loss falls everywhere, and is infinite only at a pole: `X = 0` without offset or transition.
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
    /// Too many or too few numbers.
    #[error("a `{form}` law has {expected} parameters, found {found}")]
    Count { form: &'static str, found: usize, expected: usize },
    /// Not the name of a form.
    #[error("`{found}` is not a form of law, expected `metric`, `power`, `power_floor`, `offset` or `rectified`")]
    Form { found: String },
}

impl Law {
    /// The law of a form from its parameters, in the order of [`Form::parameter_names`].
    pub fn new(form: Form, parameters: &[f64]) -> Result<Self, LawError> {
        let wire = match (form, parameters) {
            (Form::Metric, &[alpha, gamma, beta]) => WireLaw::Metric { alpha, gamma, beta },
            (Form::Power, &[scale, exponent]) => WireLaw::Power { scale, exponent },
            (Form::PowerFloor, &[irreducible, scale, exponent]) => WireLaw::PowerFloor { irreducible, scale, exponent },
            (Form::Offset, &[irreducible, scale, exponent, offset]) => WireLaw::Offset { irreducible, scale, exponent, offset },
            (Form::Rectified, &[irreducible, scale, exponent, transition]) => {
                WireLaw::Rectified { irreducible, scale, exponent, transition }
            }
            _ => {
                let expected = form.parameter_names().len();
                return Err(LawError::Count { form: form.name(), found: parameters.len(), expected });
            }
        };
        Law::try_from(wire)
    }

    /// Form of the law.
    pub fn form(&self) -> Form {
        match self.0 {
            WireLaw::Metric { .. } => Form::Metric,
            WireLaw::Power { .. } => Form::Power,
            WireLaw::PowerFloor { .. } => Form::PowerFloor,
            WireLaw::Offset { .. } => Form::Offset,
            WireLaw::Rectified { .. } => Form::Rectified,
        }
    }

    /// Names and values of the parameters, in the order of [`Form::parameter_names`].
    pub fn parameters(&self) -> Vec<(&'static str, f64)> {
        let values: &[f64] = match &self.0 {
            WireLaw::Metric { alpha, gamma, beta } => &[*alpha, *gamma, *beta],
            WireLaw::Power { scale, exponent } => &[*scale, *exponent],
            WireLaw::PowerFloor { irreducible, scale, exponent } => &[*irreducible, *scale, *exponent],
            WireLaw::Offset { irreducible, scale, exponent, offset } => &[*irreducible, *scale, *exponent, *offset],
            WireLaw::Rectified { irreducible, scale, exponent, transition } => &[*irreducible, *scale, *exponent, *transition],
        };
        self.form().parameter_names().iter().copied().zip(values.iter().copied()).collect()
    }

    /// Loss at `pairs`, nats per target token; infinite at a pole.
    pub fn loss(&self, pairs: f64) -> f64 {
        self.irreducible() + self.reducible(pairs)
    }

    /// The part of the loss above the floor, nats per target token.
    pub fn reducible(&self, pairs: f64) -> f64 {
        self.shape().ln_reducible(pairs).exp()
    }

    /// Loss that no amount of data removes, nats per target token.
    pub fn irreducible(&self) -> f64 {
        match self.0 {
            WireLaw::Metric { .. } | WireLaw::Power { .. } => 0.0,
            WireLaw::PowerFloor { irreducible, .. } | WireLaw::Offset { irreducible, .. } | WireLaw::Rectified { irreducible, .. } => {
                irreducible
            }
        }
    }

    /// `L(from) - L(to)` for `from <= to`, nats per target token, without the cancellation of the plain difference.
    pub fn fall(&self, from: f64, to: f64) -> f64 {
        let shape = self.shape();
        shape.ln_reducible(to).exp() * shape.ln_ratio(from, to).exp_m1()
    }

    /// First derivative, nats per target token a pair; never above 0, infinite at a pole.
    pub fn slope(&self, pairs: f64) -> f64 {
        -self.ln_steepness(pairs).exp()
    }

    /// `ln(-L'(X))`: finite where the slope itself underflows.
    pub fn ln_steepness(&self, pairs: f64) -> f64 {
        self.shape().ln_steepness(pairs)
    }

    /// Second derivative, nats per target token a pair squared.
    pub fn curvature(&self, pairs: f64) -> f64 {
        self.shape().curvature(pairs)
    }

    /// The largest amount at which the law still falls by `e^ln_steepness` nats a pair; 0 where it is flatter everywhere.
    /// Inverse of [`Law::ln_steepness`] on the convex part of the law.
    pub fn pairs_at(&self, ln_steepness: f64) -> f64 {
        self.shape().pairs_at(ln_steepness)
    }

    /// Whether the law is convex on all amounts.
    pub fn is_convex(&self) -> bool {
        self.inflection().is_none()
    }

    /// Where a law that starts concave turns convex, in pairs: `(Dl (beta-1) / (beta+1))^(1/beta)` of `rectified` with beta > 1.
    pub fn inflection(&self) -> Option<f64> {
        match self.0 {
            WireLaw::Rectified { exponent, transition, .. } if exponent > 1.0 && transition > 0.0 => {
                Some(((transition.ln() + ((exponent - 1.0) / (exponent + 1.0)).ln()) / exponent).exp())
            }
            _ => None,
        }
    }

    /// Whether the loss is infinite without data.
    pub fn has_pole(&self) -> bool {
        match self.0 {
            WireLaw::Metric { .. } | WireLaw::Power { .. } | WireLaw::PowerFloor { .. } => true,
            WireLaw::Offset { offset, .. } => offset == 0.0,
            WireLaw::Rectified { transition, .. } => transition == 0.0,
        }
    }

    fn shape(&self) -> Shape {
        match self.0 {
            WireLaw::Metric { alpha, gamma, beta } => Shape::shifted(alpha.ln() - beta * gamma.ln(), beta, 0.0),
            WireLaw::Power { scale, exponent } | WireLaw::PowerFloor { scale, exponent, .. } => Shape::shifted(scale.ln(), exponent, 0.0),
            WireLaw::Offset { scale, exponent, offset, .. } => Shape::shifted(scale.ln(), exponent, offset),
            WireLaw::Rectified { scale, exponent, transition, .. } => Shape::rectified(scale.ln(), exponent, transition),
        }
    }
}

impl TryFrom<WireLaw> for Law {
    type Error = LawError;

    fn try_from(wire: WireLaw) -> Result<Self, LawError> {
        let law = Law(wire);
        for (parameter, found) in law.parameters() {
            let may_vanish = matches!(parameter, "irreducible" | "offset" | "transition");
            if !found.is_finite() || found < 0.0 || (found == 0.0 && !may_vanish) {
                let expected = if may_vanish { "a finite number not below 0" } else { "a finite number above 0" };
                return Err(LawError::Parameter { form: law.form().name(), parameter, found, expected });
            }
        }
        Ok(law)
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
        }
    }
}

#[cfg(test)]
mod tests;
