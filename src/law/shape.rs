//! The two shapes under the five forms, computed in logarithms so that no power overflows on the way.
//!
//! ```text
//! shifted     R(X) = B (X + D0)^-beta
//! rectified   R(X) = B / (Dl + X^beta)
//! ```

use crate::numeric::ln_add_exp;

/// The reducible part `R` of a law.
pub(super) struct Shape {
    ln_scale: f64,
    exponent: f64,
    kind: Kind,
}

enum Kind {
    Shifted { offset: f64 },
    Rectified { ln_transition: f64 },
}

impl Shape {
    pub(super) fn shifted(ln_scale: f64, exponent: f64, offset: f64) -> Self {
        Shape { ln_scale, exponent, kind: Kind::Shifted { offset } }
    }

    /// Without a transition it is the shifted shape without an offset, so every rectified shape below has `Dl > 0`.
    pub(super) fn rectified(ln_scale: f64, exponent: f64, transition: f64) -> Self {
        if transition == 0.0 {
            return Shape::shifted(ln_scale, exponent, 0.0);
        }
        Shape { ln_scale, exponent, kind: Kind::Rectified { ln_transition: transition.ln() } }
    }

    pub(super) fn ln_reducible(&self, x: f64) -> f64 {
        match self.kind {
            Kind::Shifted { offset } => self.ln_scale - self.exponent * (x + offset).ln(),
            Kind::Rectified { ln_transition } => self.ln_scale - ln_add_exp(ln_transition, self.exponent * x.ln()),
        }
    }

    /// `ln R(from) - ln R(to)` for `from <= to`, exact to rounding however close the two are.
    pub(super) fn ln_ratio(&self, from: f64, to: f64) -> f64 {
        if from == to {
            return 0.0;
        }
        match self.kind {
            Kind::Shifted { offset } => -self.exponent * (-(to - from) / (to + offset)).ln_1p(),
            Kind::Rectified { ln_transition } => {
                // (Dl + from^beta) / (Dl + to^beta) = 1 - weight (1 - (from/to)^beta), weight = to^beta / (Dl + to^beta)
                let shrink = (self.exponent * (-(to - from) / to).ln_1p()).exp_m1();
                -(self.power_weight(to.ln(), ln_transition) * shrink).ln_1p()
            }
        }
    }

    /// `ln(-R'(X))`.
    pub(super) fn ln_steepness(&self, x: f64) -> f64 {
        let ln_front = self.ln_scale + self.exponent.ln();
        match self.kind {
            Kind::Shifted { offset } => ln_front - (1.0 + self.exponent) * (x + offset).ln(),
            Kind::Rectified { ln_transition } => self.ln_rectified_steepness(x.ln(), ln_transition),
        }
    }

    /// `ln(-R')` of the rectified shape at `ln X = v`: `ln(B beta) + (beta-1) v - 2 ln(Dl + e^(beta v))`.
    fn ln_rectified_steepness(&self, v: f64, ln_transition: f64) -> f64 {
        // at X = 0 and beta = 1 the middle term is 0 times infinity, and its limit is 0
        let middle = if self.exponent == 1.0 { 0.0 } else { (self.exponent - 1.0) * v };
        self.ln_scale + self.exponent.ln() + middle - 2.0 * ln_add_exp(ln_transition, self.exponent * v)
    }

    /// `X^beta / (Dl + X^beta)` at `ln X = v`.
    fn power_weight(&self, v: f64, ln_transition: f64) -> f64 {
        1.0 / (1.0 + (ln_transition - self.exponent * v).exp())
    }

    pub(super) fn curvature(&self, x: f64) -> f64 {
        let beta = self.exponent;
        match self.kind {
            Kind::Shifted { offset } => (self.ln_steepness(x) + (1.0 + beta).ln() - (x + offset).ln()).exp(),
            Kind::Rectified { ln_transition } if x == 0.0 => self.curvature_at_zero(ln_transition),
            Kind::Rectified { ln_transition } => {
                let weight = self.power_weight(x.ln(), ln_transition);
                let factor = (beta + 1.0) * weight - (beta - 1.0) * (1.0 - weight);
                (self.ln_steepness(x) - x.ln()).exp() * factor
            }
        }
    }

    /// Limit of `R''` of the rectified shape at 0: the leading term of `-R' = B beta X^(beta-1) / Dl^2` once more differentiated.
    fn curvature_at_zero(&self, ln_transition: f64) -> f64 {
        match self.exponent {
            beta if beta < 1.0 => f64::INFINITY,
            1.0 => 2.0 * (self.ln_scale - 3.0 * ln_transition).exp(),
            beta if beta < 2.0 => f64::NEG_INFINITY,
            2.0 => -2.0 * (self.ln_scale - 2.0 * ln_transition).exp(),
            _ => 0.0,
        }
    }

    /// The largest `X` with `ln(-R'(X)) >= target`, 0 where there is none.
    pub(super) fn pairs_at(&self, target: f64) -> f64 {
        // where the power law without offset and transition is that steep; the others are flatter, so it is never too small
        let v = (self.ln_scale + self.exponent.ln() - target) / (1.0 + self.exponent);
        match self.kind {
            Kind::Shifted { offset } => (v.exp() - offset).max(0.0),
            Kind::Rectified { ln_transition } => self.rectified_pairs_at(target, v, ln_transition),
        }
    }

    /// Newton from the right in `v = ln X`. `ln(-R')` is concave in v, so its tangents lie above it and no step passes the root;
    /// where the tangent no longer falls, v has left the convex part and the law is nowhere that steep.
    fn rectified_pairs_at(&self, target: f64, mut v: f64, ln_transition: f64) -> f64 {
        // the slopes differ at most by a factor, so each step gains digits; forty would be a fault of rounding, not of distance
        for _ in 0..40 {
            let excess = self.ln_rectified_steepness(v, ln_transition) - target;
            if excess >= 0.0 {
                break;
            }
            let beta = self.exponent;
            let tangent = (beta - 1.0) - 2.0 * beta * self.power_weight(v, ln_transition);
            if tangent >= 0.0 {
                return 0.0;
            }
            let next = v - excess / tangent;
            if next >= v {
                break;
            }
            v = next;
        }
        // the last step of a law nowhere so steep may land anywhere below
        if self.ln_rectified_steepness(v, ln_transition) < target - 1e-6 { 0.0 } else { v.exp() }
    }
}
