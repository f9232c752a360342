//! Effective data of an amount: pairs seen again count for less.
//!
//! ```text
//! d(X) = X                                       X <= U
//! d(X) = U + U R (1 - e^(-(X/U - 1) / R))        X >  U
//! ```
//!
//! U are the unique pairs and R the passes over them that all repeats together are worth at most
//! (R* of Muennighoff et al. 2023, 15.4 for language models). It is concave and rises, so a convex
//! falling law of it is convex and falls.

use serde::{Deserialize, Serialize};

/// Why numbers are no repetition.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum AmountError {
    /// A number out of its range.
    #[error("{parameter} is {found}, expected {expected}")]
    Parameter { parameter: &'static str, found: f64, expected: &'static str },
}

/// Repetition of a corpus: seen again, a pair is worth less each time.
///
/// Invariant: both numbers finite and above 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WireRepetition")]
pub struct Repetition {
    unique: f64,
    r_star: f64,
}

/// Repetition with numbers that nobody has checked yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRepetition {
    unique: f64,
    r_star: f64,
}

impl TryFrom<WireRepetition> for Repetition {
    type Error = AmountError;

    fn try_from(wire: WireRepetition) -> Result<Self, AmountError> {
        Repetition::new(wire.unique, wire.r_star)
    }
}

impl Repetition {
    /// R* of Muennighoff et al. 2023.
    pub const R_STAR: f64 = 15.4;

    /// Repetition of `unique` pairs whose repeats are worth at most `r_star` passes.
    pub fn new(unique: f64, r_star: f64) -> Result<Self, AmountError> {
        for (parameter, found) in [("unique", unique), ("r_star", r_star)] {
            if !(found.is_finite() && found > 0.0) {
                return Err(AmountError::Parameter {
                    parameter,
                    found,
                    expected: "a finite number above 0",
                });
            }
        }
        Ok(Repetition { unique, r_star })
    }

    /// The unique pairs.
    pub fn unique(&self) -> f64 {
        self.unique
    }

    /// Passes that all repeats together are worth at most.
    pub fn r_star(&self) -> f64 {
        self.r_star
    }

    /// Repeats seen, in passes over the unique pairs; not above 0 where nothing is repeated.
    fn repeats(&self, pairs: f64) -> f64 {
        (pairs - self.unique) / self.unique
    }

    /// `-ln d'(X)`: how many times 1/e a further repeat is worth.
    pub(crate) fn decay(&self, pairs: f64) -> f64 {
        self.repeats(pairs).max(0.0) / self.r_star
    }

    /// Fall of `ln d'` a repeated pair.
    pub(crate) fn decay_rate(&self) -> f64 {
        1.0 / (self.unique * self.r_star)
    }

    /// What `pairs` are worth, in unique pairs.
    pub fn effective(&self, pairs: f64) -> f64 {
        match self.repeats(pairs) {
            repeats if repeats > 0.0 => {
                self.unique * (1.0 - self.r_star * (-repeats / self.r_star).exp_m1())
            }
            _ => pairs,
        }
    }

    /// Effective data of one more pair, from 1 down to 0.
    pub fn slope(&self, pairs: f64) -> f64 {
        (-self.decay(pairs)).exp()
    }

    /// Change of the slope a pair; at the end of the unique pairs, where it jumps, that of the next
    /// pair.
    pub fn curvature(&self, pairs: f64) -> f64 {
        if pairs < self.unique { 0.0 } else { -self.slope(pairs) / (self.r_star * self.unique) }
    }

    /// `d(X + more) - d(X)`, without the cancellation of the plain difference.
    pub(crate) fn gained(&self, pairs: f64, more: f64) -> f64 {
        if pairs + more <= self.unique {
            return more;
        }
        let fresh = (self.unique - pairs).max(0.0);
        fresh
            - self.unique
                * self.r_star
                * self.slope(pairs)
                * (-(more - fresh) / (self.unique * self.r_star)).exp_m1()
    }

    /// The pairs that have these effective data; infinite where none have.
    pub(crate) fn amount_for(&self, effective: f64) -> f64 {
        if effective <= self.unique {
            return effective;
        }
        let left = 1.0 - (effective - self.unique) / (self.unique * self.r_star);
        if left > 0.0 { self.unique * (1.0 - self.r_star * left.ln()) } else { f64::INFINITY }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::differences::derivative;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn derivatives_agree(
            unique in 1.0..1e9f64,
            r_star in 0.1..40.0f64,
            part in -0.99..12.0f64,
        ) {
            // repeats in units of R: the slope is down to e^-12
            let repeats = if part < 0.0 { part } else { 1e-3 + part * r_star };
            let (repetition, pairs) =
                (Repetition::new(unique, r_star).unwrap(), unique * (1.0 + repeats));
            let step = 1e-4 * unique * repeats.abs().min(r_star).min(1.0 + repeats);
            let slope = derivative(|x| repetition.effective(x), pairs, step);
            prop_assert!(
                (repetition.slope(pairs) - slope).abs() <= 1e-7,
                "{} and {slope}",
                repetition.slope(pairs)
            );
            let curvature = derivative(|x| repetition.slope(x), pairs, step);
            prop_assert!((repetition.curvature(pairs) - curvature).abs() <= 1e-7 / unique);
        }

        #[test]
        fn gains_and_amounts_are_those_of_the_effective_data(
            unique in 1.0..1e9f64,
            r_star in 0.1..40.0f64,
            passes in 0.0..9.0f64,
            more in 0.0..3.0f64,
        ) {
            let repetition = Repetition::new(unique, r_star).unwrap();
            let (pairs, more) = (passes * unique, more * unique);
            let gained = repetition.effective(pairs + more) - repetition.effective(pairs);
            prop_assert!(
                (repetition.gained(pairs, more) - gained).abs()
                    <= 1e-14 * (1.0 + r_star) * unique * 8.0
            );
            // as far as the effective data still tell pairs apart; where all that repeats can bring
            // is there, none is told from more
            let back = repetition.amount_for(repetition.effective(pairs));
            let is_told = repetition.slope(pairs) > 1e-15;
            prop_assert!(
                !is_told
                    || (back - pairs).abs()
                        <= 1e-13 * (1.0 + r_star) * unique / repetition.slope(pairs).max(1e-300)
            );
        }
    }

    #[test]
    fn the_ends_are_exact() {
        let repetition = Repetition::new(1000.0, Repetition::R_STAR).unwrap();
        assert_eq!(
            (repetition.effective(0.0), repetition.effective(1000.0), repetition.slope(1000.0)),
            (0.0, 1000.0, 1.0)
        );
        approx::assert_relative_eq!(repetition.effective(1e300), 16_400.0, max_relative = 1e-12);
        assert_eq!(repetition.slope(1e300), 0.0);
        // (1 - e^-h) / h = 1 - h / 2 for a repeat of h R passes
        let short = repetition.effective(1000.0 * (1.0 + 1e-9)) - 1000.0;
        approx::assert_relative_eq!(short, 1e-6, max_relative = 1e-6);
    }

    #[test]
    fn repetition_from_json_is_checked() {
        let repetition = Repetition::new(1000.0, 2.5).unwrap();
        let text = serde_json::to_string(&repetition).unwrap();
        assert_eq!(serde_json::from_str::<Repetition>(&text).unwrap(), repetition);
        assert!(serde_json::from_str::<Repetition>(&text.replace("2.5", "-2.5")).is_err());
    }

    #[test]
    fn bad_numbers_are_named() {
        let error = Repetition::new(0.0, 15.4).unwrap_err();
        assert_eq!(error.to_string(), "unique is 0, expected a finite number above 0");
        assert!(Repetition::new(10.0, f64::NAN).is_err());
    }
}
