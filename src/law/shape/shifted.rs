//! `R(X) = B (X + D0)^-beta`: a power law of data to which an amount had been added before.

use super::{Gradient, Jet, LnJet};
use crate::numeric::logistic::{sigmoid, softplus};

/// The shifted shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shifted {
    pub(super) ln_scale: f64,
    /// `ln(B beta)`, which every slope needs.
    pub(super) ln_front: f64,
    pub(super) exponent: f64,
    pub(super) offset: f64,
    ln_offset: f64,
}

impl Shifted {
    /// The shape from `ln B`, beta and D0.
    pub(crate) fn new(ln_scale: f64, exponent: f64, offset: f64) -> Self {
        Shifted {
            ln_scale,
            ln_front: ln_scale + exponent.ln(),
            exponent,
            offset,
            ln_offset: offset.ln(),
        }
    }

    /// The shape with `B = 1` from beta and `ln D0`.
    pub(crate) fn natural(exponent: f64, ln_offset: f64) -> Self {
        Shifted {
            ln_scale: 0.0,
            ln_front: exponent.ln(),
            exponent,
            offset: ln_offset.exp(),
            ln_offset,
        }
    }

    /// B, beta and D0 in pairs, from amounts in units of `e^ln_unit` of them.
    pub(super) fn numbers(&self, ln_unit: f64) -> Vec<f64> {
        vec![
            (self.ln_scale + self.exponent * ln_unit).exp(),
            self.exponent,
            (self.ln_offset + ln_unit).exp(),
        ]
    }

    pub(super) fn multiply(&mut self, ln_factor: f64) {
        self.ln_scale += ln_factor;
        self.ln_front += ln_factor;
    }

    pub(super) fn ln_reducible(&self, x: f64) -> f64 {
        self.ln_scale - self.exponent * (x + self.offset).ln()
    }

    pub(super) fn ln_ratio(&self, to: f64, more: f64) -> f64 {
        -self.exponent * (-more / (to + self.offset)).ln_1p()
    }

    pub(super) fn ln_steepness(&self, x: f64) -> LnJet {
        let (base, power) = (x + self.offset, self.exponent + 1.0);
        (self.ln_front - power * base.ln(), -power / base)
    }

    pub(super) fn jet(&self, x: f64) -> Jet {
        let base = x + self.offset;
        let value = (self.ln_scale - self.exponent * base.ln()).exp();
        let slope = -self.exponent * value / base;
        Jet { value, slope, curvature: -(self.exponent + 1.0) * slope / base }
    }

    pub(super) fn concave_range(&self) -> Option<(f64, f64)> {
        None
    }

    pub(super) fn amount_at(&self, ln_reducible: f64) -> f64 {
        (((self.ln_scale - ln_reducible) / self.exponent).exp() - self.offset).max(0.0)
    }

    /// `p` and `q` of `x + D0 = e^(q - p ln_price)` where the slope is a price.
    pub(super) fn response(&self) -> (f64, f64) {
        let p = 1.0 / (self.exponent + 1.0);
        (p, p * self.ln_front)
    }

    pub(super) fn gradient(&self, v: f64) -> Gradient {
        let (t, beta) = (self.ln_offset, self.exponent);
        // ln(e^v + e^t), and the part of e^t in the sum
        let (ln_sum, part) =
            if t == f64::NEG_INFINITY { (v, 0.0) } else { (t + softplus(v - t), sigmoid(t - v)) };
        (self.ln_scale - beta * ln_sum, [-beta * ln_sum, -beta * part, 0.0, 0.0])
    }
}
