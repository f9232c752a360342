//! `R(X) = B / (Dl + X^beta)` with `Dl > 0`: flat up to a transition, a power law beyond it.

use super::{Origin, Reducible, ln_quotient, scaled};
use crate::numeric::ln_add_exp;
use crate::numeric::logistic::sigmoid;

/// The rectified shape.
pub(crate) struct Rectified {
    pub ln_scale: f64,
    pub exponent: f64,
    pub ln_transition: f64,
}

impl Rectified {
    fn origin(&self) -> Origin {
        let ln_fall = self.ln_scale - 2.0 * self.ln_transition;
        Origin { power: self.exponent, ln_fall, ln_turn: 2f64.ln() + ln_fall - self.ln_transition }
    }

    /// `X^beta / (Dl + X^beta)` at `ln X = v`.
    fn power_weight(&self, v: f64) -> f64 {
        sigmoid(self.exponent * v - self.ln_transition)
    }

    /// `ln(-R')` at `ln X = v`: `ln(B beta) + (beta-1) v - 2 ln(Dl + e^(beta v))`.
    fn ln_steepness_at(&self, v: f64) -> f64 {
        let ln_sum = ln_add_exp(self.ln_transition, self.exponent * v);
        self.ln_scale + self.exponent.ln() + (self.exponent - 1.0) * v - 2.0 * ln_sum
    }
}

impl Reducible for Rectified {
    fn ln_reducible(&self, x: f64) -> f64 {
        self.ln_scale - ln_add_exp(self.ln_transition, self.exponent * x.ln())
    }

    fn ln_ratio(&self, from: f64, to: f64) -> f64 {
        // (Dl + from^beta) / (Dl + to^beta) = 1 - weight (1 - (from/to)^beta), weight = to^beta / (Dl + to^beta)
        let shrink = (-self.exponent * ln_quotient(from, to)).exp_m1();
        -(self.power_weight(to.ln()) * shrink).ln_1p()
    }

    fn ln_steepness(&self, x: f64) -> f64 {
        if x == 0.0 { self.origin().ln_steepness() } else { self.ln_steepness_at(x.ln()) }
    }

    fn curvature(&self, x: f64) -> f64 {
        if x == 0.0 {
            return self.origin().curvature();
        }
        let (beta, v) = (self.exponent, x.ln());
        let weight = self.power_weight(v);
        scaled(self.ln_steepness_at(v) - v, 2.0 * beta * weight - (beta - 1.0))
    }

    fn concave_range(&self) -> Option<(f64, f64)> {
        let beta = self.exponent;
        let ln_inflection = (self.ln_transition + ((beta - 1.0) / (beta + 1.0)).ln()) / beta;
        (beta > 1.0).then(|| (0.0, ln_inflection.exp()))
    }
}
