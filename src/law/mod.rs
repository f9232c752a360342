//! Laws: the loss `L(X)` of one language, in nats per target token, as a falling function of its pairs `X`.
//!
//! | form | `L(X)` | parameters, all finite |
//! |---|---|---|
//! | `metric` | `alpha (gamma X)^-beta`, the paper's `100 - S` with `S = 100 - alpha (gamma X)^-beta` | alpha, gamma, beta > 0 |
//! | `power` | `B X^-beta` | B, beta > 0 |
//! | `power_floor` | `E + B X^-beta` | E >= 0; B, beta > 0 |
//! | `offset` | `E + B (X + D0)^-beta` | E, D0 >= 0; B, beta > 0 |
//! | `rectified` | `E + B / (Dl + X^beta)` | E, Dl >= 0; B, beta > 0 |
//! | `bnsl` | `E + B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)` | E, c0 >= 0; B, c, d, f > 0 |
//! | `m4` | the L with `(L - E) / (L0 - L)^a = B X^-c` | 0 <= E < L0; B, c, a > 0 |
//!
//! Sources: `metric` Zhu et al. 2023 (arXiv 2308.04948, eq. 2), `power_floor` Hoffmann et al. 2022, `offset` Hernandez et al. 2021
//! in its use of prior data, `rectified` Lin et al. 2024, `bnsl` Caballero et al. 2022 with one break, `m4` Alabdulmohsin et al. 2022.
//! A language whose alpha is its own gives `metric` no shape that `power` lacks: gamma only scales alpha. `bnsl` without a change of
//! exponent, and the limit of `m4` at a = 0, are `power_floor`; `m4` with a = 1 is `rectified` with `Dl = B` and B times `L0 - E`.
//!
//! Convexity. The first four are convex. `rectified` with beta > 1 and `m4` with c > a are concave up to one inflection and convex from
//! there; `bnsl` that steepens sharply at its break may be concave between two. [`Law::convex_from`] says from where a law is convex.
//!
//! What is no law of one language alone has types of its own: [`Repetition`] on the amount, [`Surface`] for model sizes,
//! [`Average`] where no form is certain.

mod amount;
mod average;
mod form;
pub mod pooled;
mod shape;
mod surface;
mod wire;

pub use amount::{AmountError, Repetition};
pub use average::{Average, AverageError, Weighted};
pub use form::Form;
use serde::{Deserialize, Serialize};
use shape::{Broken, Rectified, Reducible, Shifted, Sigmoid};
pub use surface::{Surface, SurfaceForm};
use wire::WireLaw;

/// A loss law with checked parameters.
///
/// Invariants, checked in [`Law::new`] and on reading: every parameter finite and in the range of the table above. So the loss falls
/// everywhere, and is infinite only at a pole: `X = 0` without offset or transition, or with an exponent before the break.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WireLaw", into = "WireLaw")]
pub struct Law(WireLaw);

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
    #[error("`{found}` is not a form of law, expected `metric`, `power`, `power_floor`, `offset`, `rectified`, `bnsl` or `m4`")]
    Form { found: String },
    /// Not the name of a form of surface.
    #[error("`{found}` is not a form of surface, expected `additive` or `multiplicative`")]
    Surface { found: String },
}

impl Law {
    /// The law of a form from its parameters, in the order of [`Form::parameter_names`].
    pub fn new(form: Form, parameters: &[f64]) -> Result<Self, LawError> {
        let expected = form.parameter_names().len();
        let wire = WireLaw::new(form, parameters);
        wire.ok_or(LawError::Count { form: form.name(), found: parameters.len(), expected })?.try_into()
    }

    /// Form of the law.
    pub fn form(&self) -> Form {
        self.0.form()
    }

    /// Names and values of the parameters, in the order of [`Form::parameter_names`].
    pub fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.form().parameter_names().iter().copied().zip(self.0.values()).collect()
    }

    /// Loss at `pairs`, nats per target token; infinite at a pole.
    pub fn loss(&self, pairs: f64) -> f64 {
        self.irreducible() + self.reducible(pairs)
    }

    /// The part of the loss above the floor, nats per target token.
    pub fn reducible(&self, pairs: f64) -> f64 {
        self.with_shape(|shape| shape.ln_reducible(pairs).exp())
    }

    /// Loss that no amount of data removes, nats per target token.
    pub fn irreducible(&self) -> f64 {
        match self.0 {
            WireLaw::Metric { .. } | WireLaw::Power { .. } => 0.0,
            WireLaw::PowerFloor { irreducible, .. }
            | WireLaw::Offset { irreducible, .. }
            | WireLaw::Rectified { irreducible, .. }
            | WireLaw::Bnsl { irreducible, .. }
            | WireLaw::M4 { irreducible, .. } => irreducible,
        }
    }

    /// `L(from) - L(to)` for `from <= to`, nats per target token, without the cancellation of the plain difference.
    pub fn fall(&self, from: f64, to: f64) -> f64 {
        if from == to {
            return 0.0;
        }
        self.with_shape(|shape| {
            let (ln_high, ln_ratio) = (shape.ln_reducible(from), shape.ln_ratio(from, to));
            // of the two equal products this one has no 0 times infinity
            ln_high.exp() * -(-ln_ratio).exp_m1()
        })
    }

    /// First derivative, nats per target token per pair; never above 0, infinite at a pole.
    pub fn slope(&self, pairs: f64) -> f64 {
        -self.ln_steepness(pairs).exp()
    }

    /// `ln(-L'(X))`: finite where the slope itself underflows.
    pub fn ln_steepness(&self, pairs: f64) -> f64 {
        self.with_shape(|shape| shape.ln_steepness(pairs))
    }

    /// Second derivative, nats per target token per pair squared.
    pub fn curvature(&self, pairs: f64) -> f64 {
        self.with_shape(|shape| shape.curvature(pairs))
    }

    /// Whether the law is convex on all amounts.
    pub fn is_convex(&self) -> bool {
        self.concave_range().is_none()
    }

    /// The amounts, pairs, between which the law is concave; nothing where it is convex everywhere. The range starts at 0 except for
    /// a `bnsl` that is a power law first and then steepens sharply.
    pub fn concave_range(&self) -> Option<(f64, f64)> {
        self.with_shape(|shape| shape.concave_range())
    }

    /// The last inflection, in pairs: from there on the law is convex.
    pub fn inflection(&self) -> Option<f64> {
        self.concave_range().map(|(_, to)| to)
    }

    /// The amount, pairs, from which on the law is convex; 0 where it is convex everywhere.
    pub fn convex_from(&self) -> f64 {
        self.inflection().unwrap_or(0.0)
    }

    /// Whether the loss is infinite without data.
    pub fn has_pole(&self) -> bool {
        self.with_shape(|shape| shape.ln_reducible(0.0) == f64::INFINITY)
    }

    /// What `view` sees in the shape of the law.
    fn with_shape<T>(&self, view: impl FnOnce(&dyn Reducible) -> T) -> T {
        let shifted = |ln_scale, exponent, offset| Shifted { ln_scale, exponent, offset };
        match self.0 {
            WireLaw::Metric { alpha, gamma, beta } => view(&shifted(alpha.ln() - beta * gamma.ln(), beta, 0.0)),
            WireLaw::Power { scale, exponent } | WireLaw::PowerFloor { scale, exponent, .. } => view(&shifted(scale.ln(), exponent, 0.0)),
            WireLaw::Offset { scale, exponent, offset, .. } => view(&shifted(scale.ln(), exponent, offset)),
            WireLaw::Rectified { scale, exponent, transition: 0.0, .. } => view(&shifted(scale.ln(), exponent, 0.0)),
            WireLaw::Rectified { scale, exponent, transition, .. } => {
                view(&Rectified { ln_scale: scale.ln(), exponent, ln_transition: transition.ln() })
            }
            WireLaw::Bnsl { scale, exponent, exponent_after, break_at, width, .. } => {
                view(&Broken::new(scale, exponent, exponent_after, break_at, width))
            }
            WireLaw::M4 { irreducible, start, scale, exponent, bend } => view(&Sigmoid::new(start - irreducible, scale, exponent, bend)),
        }
    }
}

#[cfg(test)]
mod tests;
