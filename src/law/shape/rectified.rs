//! `R(X) = B / (Dl + X^beta)` with `Dl = T^beta > 0`: flat up to a transition at T, a power law
//! beyond it.
//!
//! With `w = X^beta / (Dl + X^beta)` the slope is `R' = -beta w R / X`, and
//! `R'' = -R' (2 beta w - (beta - 1)) / X`.

use super::origin::Origin;
use super::{Gradient, Jet, LnJet, ln_quotient};
use crate::numeric::ln_add_exp;
use crate::numeric::logistic::{sigmoid, softplus};

/// The rectified shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rectified {
    pub(super) ln_scale: f64,
    /// `ln(B beta)`, which every slope needs.
    pub(super) ln_front: f64,
    pub(super) exponent: f64,
    /// `ln Dl`.
    ln_transition: f64,
    /// `ln T`.
    ln_turn: f64,
}

impl Rectified {
    /// The shape from `ln B`, beta and Dl.
    pub(crate) fn new(ln_scale: f64, exponent: f64, transition: f64) -> Self {
        let ln_transition = transition.ln();
        Rectified {
            ln_scale,
            ln_front: ln_scale + exponent.ln(),
            exponent,
            ln_transition,
            ln_turn: ln_transition / exponent,
        }
    }

    /// The shape with `B = 1` from beta and `ln T`.
    pub(crate) fn natural(exponent: f64, ln_turn: f64) -> Self {
        Rectified {
            ln_scale: 0.0,
            ln_front: exponent.ln(),
            exponent,
            ln_transition: exponent * ln_turn,
            ln_turn,
        }
    }

    /// B, beta and Dl in pairs, from amounts in units of `e^ln_unit` of them.
    pub(super) fn numbers(&self, ln_unit: f64) -> Vec<f64> {
        vec![
            (self.ln_scale + self.exponent * ln_unit).exp(),
            self.exponent,
            (self.exponent * (self.ln_turn + ln_unit)).exp(),
        ]
    }

    pub(super) fn multiply(&mut self, ln_factor: f64) {
        self.ln_scale += ln_factor;
        self.ln_front += ln_factor;
    }

    fn origin(&self) -> Origin {
        let ln_fall = self.ln_scale - 2.0 * self.ln_transition;
        Origin { power: self.exponent, ln_fall, ln_turn: 2f64.ln() + ln_fall - self.ln_transition }
    }

    /// `w` from `ln X^beta`.
    fn weight(&self, ln_power: f64) -> f64 {
        sigmoid(ln_power - self.ln_transition)
    }

    pub(super) fn ln_reducible(&self, x: f64) -> f64 {
        self.ln_scale - ln_add_exp(self.ln_transition, self.exponent * x.ln())
    }

    pub(super) fn ln_ratio(&self, to: f64, more: f64) -> f64 {
        // (Dl + from^beta) / (Dl + to^beta) = 1 - w (1 - (from/to)^beta), w that of `to`
        let shrink = (-self.exponent * ln_quotient(to, more)).exp_m1();
        -(self.weight(self.exponent * to.ln()) * shrink).ln_1p()
    }

    pub(super) fn ln_steepness(&self, x: f64) -> LnJet {
        if x == 0.0 {
            return self.origin().ln_steepness();
        }
        let (beta, v) = (self.exponent, x.ln());
        let ln_power = beta * v;
        let ln = self.ln_front + (beta - 1.0) * v - 2.0 * ln_add_exp(self.ln_transition, ln_power);
        (ln, (beta - 1.0 - 2.0 * beta * self.weight(ln_power)) / x)
    }

    pub(super) fn jet(&self, x: f64) -> Jet {
        if x == 0.0 {
            let origin = self.origin();
            return Jet {
                value: self.ln_reducible(x).exp(),
                slope: -origin.ln_steepness().0.exp(),
                curvature: origin.curvature(),
            };
        }
        let beta = self.exponent;
        let ln_power = beta * x.ln();
        let value = (self.ln_scale - ln_add_exp(self.ln_transition, ln_power)).exp();
        let weight = self.weight(ln_power);
        let slope = -beta * weight * value / x;
        Jet { value, slope, curvature: -slope / x * (2.0 * beta * weight - (beta - 1.0)) }
    }

    /// Concave up to `(Dl (beta-1) / (beta+1))^(1/beta)` where beta is above 1.
    pub(super) fn concave_range(&self) -> Option<(f64, f64)> {
        let beta = self.exponent;
        (beta > 1.0).then(|| {
            (0.0, ((self.ln_transition + ((beta - 1.0) / (beta + 1.0)).ln()) / beta).exp())
        })
    }

    pub(super) fn amount_at(&self, ln_reducible: f64) -> f64 {
        // X^beta = B / R - Dl, in logarithms
        let excess = self.ln_scale - ln_reducible - self.ln_transition;
        if excess <= 0.0 {
            0.0
        } else {
            ((self.ln_transition + excess.exp_m1().ln()) / self.exponent).exp()
        }
    }

    pub(super) fn gradient(&self, v: f64) -> Gradient {
        let (beta, t) = (self.exponent, self.ln_turn);
        let (past, weight) = (softplus(beta * (v - t)), sigmoid(beta * (v - t)));
        (
            self.ln_scale + (-beta * t - past),
            [-beta * (t + weight * (v - t)), -beta * (1.0 - weight), 0.0, 0.0],
        )
    }
}
