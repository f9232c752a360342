//! Laws: the loss `L(X)` of one language, in nats per target token, as a falling function of its
//! pairs `X`.
//!
//! | form | `L(X)` | parameters, all finite |
//! |---|---|---|
//! | `metric` | `alpha (gamma X)^-beta` | alpha, gamma, beta > 0 |
//! | `power` | `B X^-beta` | B, beta > 0 |
//! | `power_floor` | `E + B X^-beta` | E >= 0; B, beta > 0 |
//! | `offset` | `E + B (X + D0)^-beta` | E, D0 >= 0; B, beta > 0 |
//! | `rectified` | `E + B / (Dl + X^beta)` | E, Dl >= 0; B, beta > 0 |
//! | `bnsl` | `E + B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)` | E, c0 >= 0; B, c, d, f > 0 |
//! | `m4` | the L with `(L - E) / (L0 - L)^a = B X^-c` | 0 <= E < L0; B, c, a > 0 |
//!
//! Sources: `metric` Zhu et al. 2023 (arXiv 2308.04948, eq. 2), in whose words it is `100 - S` with
//! `S = 100 - alpha (gamma X)^-beta`; `power_floor` Hoffmann et al. 2022, `offset` Hernandez et al.
//! 2021 in its use of prior data, `rectified` Lin et al. 2024, `bnsl` Caballero et al. 2022 with a
//! single break, `m4` Alabdulmohsin et al. 2022. A language whose alpha is its own gives `metric`
//! no shape that `power` lacks: gamma only scales alpha. `bnsl` without a change of exponent, and
//! the limit of `m4` at a = 0, are `power_floor`; `m4` with a = 1 is `rectified` with `Dl = B` and
//! B times `L0 - E`.
//!
//! Convexity. The first four are convex. `rectified` with beta > 1 and `m4` with c > a are concave
//! up to one inflection and convex from there; `bnsl` that steepens sharply at its break may be
//! concave between two. [`Law::convex_from`] says from where a law is convex.
//!
//! What is no law of one language alone has types of its own: [`Repetition`] on the amount,
//! [`Surface`] for model sizes, [`Average`] where no form is certain.

mod amount;
mod average;
mod extension;
mod form;
pub mod joint;
mod shape;
mod surface;
mod wire;

pub use amount::{AmountError, Repetition};
pub use average::{Average, AverageError, Weighted};
pub(crate) use extension::Extension;
pub use form::Form;
pub(crate) use form::Role;
use joint::AtTotal;
use serde::Deserialize;
use shape::OfTotal;
pub(crate) use shape::{Jet, LnJet, Shape};
pub use surface::{Surface, SurfaceForm};
use wire::Wire;

/// A loss law with checked parameters: a floor and a falling shape above it.
///
/// Invariants, checked in [`Law::new`] and on reading: every parameter finite and in the range of
/// the table above. So the loss falls everywhere, and is infinite only at a pole: `X = 0` without
/// offset or transition, or with an exponent before the break.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "Wire<Form>")]
pub struct Law {
    form: Form,
    /// Parameters in the order of their names; 0 beyond the last, and where the shape has them.
    values: [f64; Form::MOST_PARAMETERS],
    floor: f64,
    shape: Shape,
}

/// Why numbers are not a law.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum LawError {
    /// A parameter out of its range.
    #[error("{parameter} of a `{form}` law is {found}, expected {expected}")]
    Parameter { form: &'static str, parameter: &'static str, found: f64, expected: &'static str },
    /// Too many or too few numbers.
    #[error("a `{form}` law has {expected} parameters, found {found}")]
    Count { form: &'static str, found: usize, expected: usize },
    /// A parameter that is not given.
    #[error("missing field `{parameter}` of a `{form}` law")]
    Missing { form: &'static str, parameter: &'static str },
    /// A name that is no parameter's.
    #[error("unknown field `{parameter}` of a `{form}` law")]
    Unknown { form: &'static str, parameter: String },
    /// Numbers that are no joint law.
    #[error(
        "a `joint` law has {} finite parameters, the total and its references above 0",
        AtTotal::NAMES.len()
    )]
    Joint,
    /// Not the name of a form.
    #[error(
        "`{found}` is not a form of law, expected `metric`, `power`, `power_floor`, `offset`, \
        `rectified`, `bnsl` or `m4`"
    )]
    Form { found: String },
    /// Not the name of a form of surface.
    #[error("`{found}` is not a form of surface, expected `additive` or `multiplicative`")]
    Surface { found: String },
}

/// The parameters of a form, as many as it has, finite, and above 0 or at least not below it; 0
/// beyond the last.
fn checked<const N: usize>(
    form: &'static str,
    names: &'static [&'static str],
    may_vanish: impl Fn(usize) -> bool,
    parameters: &[f64],
) -> Result<[f64; N], LawError> {
    if names.len() != parameters.len() {
        return Err(LawError::Count { form, found: parameters.len(), expected: names.len() });
    }
    let mut values = [0.0; N];
    for (number, (&parameter, &found)) in names.iter().zip(parameters).enumerate() {
        let may_vanish = may_vanish(number);
        if !found.is_finite() || found < 0.0 || (found == 0.0 && !may_vanish) {
            let expected =
                if may_vanish { "a finite number not below 0" } else { "a finite number above 0" };
            return Err(LawError::Parameter { form, parameter, found, expected });
        }
        values[number] = found;
    }
    Ok(values)
}

impl Law {
    /// The law of a form from its parameters, in the order of [`Form::parameter_names`].
    pub fn new(form: Form, parameters: &[f64]) -> Result<Self, LawError> {
        if form == Form::Joint {
            return AtTotal::from_numbers(parameters).map(Law::at_total).ok_or(LawError::Joint);
        }
        let may_vanish = |number: usize| form.roles()[number].may_vanish();
        let values = checked(form.name(), form.parameter_names(), may_vanish, parameters)?;
        let (floor, shape) = form.parts(&values);
        if form == Form::M4 && values[1] <= floor {
            let expected = "a number above the irreducible loss";
            return Err(LawError::Parameter {
                form: form.name(),
                parameter: "start",
                found: values[1],
                expected,
            });
        }
        Ok(Law { form, values, floor, shape })
    }

    /// The law of a form from its floor and a shape made by [`Form::natural`], whose amounts are in
    /// units of `e^ln_unit` pairs; nothing where a parameter left the range of an `f64`.
    pub(crate) fn of_natural(form: Form, floor: f64, shape: &Shape, ln_unit: f64) -> Option<Self> {
        Law::new(form, &form.parameters(floor, shape, ln_unit)).ok()
    }

    /// The joint law of a language in models of one total.
    pub fn at_total(law: AtTotal) -> Self {
        let shape = Shape::OfTotal(OfTotal::new(law));
        Law {
            form: Form::Joint,
            values: [0.0; Form::MOST_PARAMETERS],
            floor: law.irreducible(),
            shape,
        }
    }

    /// The same language in models of `total` pairs, where the law is a joint one; any other law
    /// itself.
    pub fn of_total(self, total: f64) -> Self {
        match self.shape {
            Shape::OfTotal(shape) => Law::at_total(shape.law().of_total(total)),
            _ => self,
        }
    }

    /// Form of the law.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Names and values of the parameters, in the order of [`Form::parameter_names`].
    pub fn parameters(&self) -> Vec<(&'static str, f64)> {
        let names = self.form.parameter_names().iter().copied();
        match self.shape {
            Shape::OfTotal(_) => names.zip(self.shape.numbers(0.0)).collect(),
            _ => names.zip(self.values).collect(),
        }
    }

    /// The part above the floor.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Loss at `pairs`, nats per target token; infinite at a pole.
    pub fn loss(&self, pairs: f64) -> f64 {
        self.floor + self.reducible(pairs)
    }

    /// The part of the loss above the floor, nats per target token.
    pub fn reducible(&self, pairs: f64) -> f64 {
        self.shape.ln_reducible(pairs).exp()
    }

    /// Loss that no amount of data removes, nats per target token.
    pub fn irreducible(&self) -> f64 {
        self.floor
    }

    /// `L(from) - L(to)` for `from <= to`, nats per target token, without the cancellation of the
    /// plain difference.
    pub fn fall(&self, from: f64, to: f64) -> f64 {
        if from == to { 0.0 } else { self.shape.fall(from, to, to - from) }
    }

    /// First derivative, nats per target token per pair; never above 0, infinite at a pole.
    pub fn slope(&self, pairs: f64) -> f64 {
        -self.ln_steepness(pairs).exp()
    }

    /// `ln(-L'(X))`: finite where the slope itself underflows.
    pub fn ln_steepness(&self, pairs: f64) -> f64 {
        self.shape.ln_steepness(pairs).0
    }

    /// Second derivative, nats per target token per pair squared.
    pub fn curvature(&self, pairs: f64) -> f64 {
        self.shape.jet(pairs).curvature
    }

    /// Loss and slope, where below `from`, or below the inflection, what is above the floor goes on
    /// as an exponential with the law's slope there: for data that transfer may push below 0. A
    /// falling law becomes convex and finite everywhere.
    pub fn extended_below(&self, from: f64, pairs: f64) -> (f64, f64) {
        let from = from.max(self.convex_from());
        if pairs >= from {
            return (self.loss(pairs), self.slope(pairs));
        }
        let extension = Extension::new(from, self.shape.ln_reducible(from), self.slope(from));
        let Jet { value, slope, .. } = extension.jet(pairs);
        (self.floor + value, slope)
    }

    /// Whether the law is convex on all amounts.
    pub fn is_convex(&self) -> bool {
        self.concave_range().is_none()
    }

    /// The amounts, pairs, between which the law is concave; nothing where it is convex everywhere.
    /// The range starts at 0 except for a `bnsl` that is a power law first and then steepens
    /// sharply.
    pub fn concave_range(&self) -> Option<(f64, f64)> {
        self.shape.concave_range()
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
        self.shape.has_pole()
    }
}

#[cfg(test)]
mod tests;
