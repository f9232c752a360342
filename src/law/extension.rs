//! How a law goes on below the data at which it is trusted.
//!
//! ```text
//! R(X) = R(from) e^(rate (X - from)),   rate = R'(from) / R(from),   X < from
//! ```
//!
//! The law's own loss and slope at `from`: finite and convex everywhere, also for data that
//! transfer pushes below 0.

use super::shape::{Jet, LnJet};

/// The exponential below an amount.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extension {
    /// Where it ends, pairs.
    pub(crate) from: f64,
    ln_reducible: f64,
    /// Per pair, not above 0.
    rate: f64,
}

impl Extension {
    /// That below an amount with this `ln R` and this `R'`: the slope as whoever goes on above
    /// counts it, to the last digit, or the two would meet in a kink that is not convex.
    pub(crate) fn new(from: f64, ln_reducible: f64, slope: f64) -> Self {
        Extension { from, ln_reducible, rate: slope / ln_reducible.exp() }
    }

    /// The same times `e^ln_factor`.
    pub(crate) fn times(self, ln_factor: f64) -> Self {
        Extension { ln_reducible: self.ln_reducible + ln_factor, ..self }
    }

    /// `ln R(x)` for `x` below the end, or at it.
    pub(crate) fn ln_reducible(&self, x: f64) -> f64 {
        self.ln_reducible + self.rate * (x - self.from)
    }

    /// `R(x)` with its derivatives.
    pub(crate) fn jet(&self, x: f64) -> Jet {
        let value = self.ln_reducible.exp() * (self.rate * (x - self.from)).exp();
        Jet { value, slope: self.rate * value, curvature: self.rate * self.rate * value }
    }

    /// `ln(-R'(x))` and its derivative.
    pub(crate) fn ln_steepness(&self, x: f64) -> LnJet {
        (self.ln_reducible(x) + (-self.rate).ln(), self.rate)
    }

    /// The amount, at most the end, with this `ln R`.
    pub(crate) fn amount_at(&self, ln_reducible: f64) -> f64 {
        self.from + (ln_reducible - self.ln_reducible) / self.rate
    }
}
