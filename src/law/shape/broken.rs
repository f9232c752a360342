//! `R(X) = B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)`: one smoothly broken power law (Caballero et al. 2022), `X^-c0` well before the
//! break d and `X^-c` well after it; the smaller f, the sharper the break.
//!
//! With `u = ln(X/d) / f` and `s = sigmoid(u)`, the falling exponent is `g = -d ln R / d ln X = c0 (1-s) + c s`.

use super::{Origin, Reducible, ln_quotient, scaled};
use crate::numeric::ln_add_exp;
use crate::numeric::logistic::{sigmoid, softplus, softplus_fall};

/// The broken shape.
pub(crate) struct Broken {
    pub ln_scale: f64,
    pub before: f64,
    pub after: f64,
    pub ln_break: f64,
    pub width: f64,
}

impl Broken {
    /// The shape from B, c0, c, d and f.
    pub(crate) fn new(scale: f64, before: f64, after: f64, break_at: f64, width: f64) -> Self {
        Broken { ln_scale: scale.ln(), before, after, ln_break: break_at.ln(), width }
    }

    /// `u` at `ln X = v`.
    pub(crate) fn position(&self, v: f64) -> f64 {
        (v - self.ln_break) / self.width
    }

    /// What is left of `x = 0` where `c0` is 0; with `c0` above 0 there is a pole.
    fn origin(&self) -> Origin {
        let (c, f) = (self.after, self.width);
        let ln_fall = self.ln_scale + (c * f).ln() - self.ln_break / f;
        Origin { power: 1.0 / f, ln_fall, ln_turn: ln_fall + (1.0 + c * f).ln() - self.ln_break / f }
    }

    /// `ln g - v`.
    fn ln_rate(&self, v: f64) -> f64 {
        let u = self.position(v);
        if self.before == 0.0 && u < 0.0 {
            // u - v, gathered before it cancels
            let ln_power = v * (1.0 / self.width - 1.0) - self.ln_break / self.width;
            return self.after.ln() + ln_power - softplus(u);
        }
        ln_add_exp(self.before.ln() - softplus(u), self.after.ln() - softplus(-u)) - v
    }

    /// `x` at `s = part / (part + rest)`.
    fn amount(&self, part: f64, rest: f64) -> f64 {
        (self.ln_break + self.width * (part.ln() - rest.ln())).exp()
    }
}

impl Reducible for Broken {
    fn ln_reducible(&self, x: f64) -> f64 {
        let (v, change) = (x.ln(), (self.after - self.before) * self.width);
        let u = self.position(v);
        // 0 times an infinite logarithm is 0 here
        let power = |exponent: f64| if exponent == 0.0 { 0.0 } else { exponent * v };
        if u <= 0.0 {
            self.ln_scale - power(self.before) - change * softplus(u)
        } else {
            self.ln_scale - power(self.after) + change * self.ln_break / self.width - change * softplus(-u)
        }
    }

    fn ln_ratio(&self, from: f64, to: f64) -> f64 {
        let (u, step) = (self.position(to.ln()), ln_quotient(from, to) / self.width);
        let after = self.after * softplus_fall(u, step);
        let before = if self.before == 0.0 { 0.0 } else { self.before * softplus_fall(step - u, step) };
        self.width * (before + after)
    }

    fn ln_steepness(&self, x: f64) -> f64 {
        match (x, self.before) {
            (0.0, 0.0) => self.origin().ln_steepness(),
            (0.0, _) => f64::INFINITY,
            _ => self.ln_reducible(x) + self.ln_rate(x.ln()),
        }
    }

    fn curvature(&self, x: f64) -> f64 {
        if x == 0.0 {
            return if self.before == 0.0 { self.origin().curvature() } else { f64::INFINITY };
        }
        let (c0, c, f) = (self.before, self.after, self.width);
        let u = self.position(x.ln());
        let (s, rest) = (sigmoid(u), sigmoid(-u));
        let g = c0 * rest + c * s;
        // 1 - (dg/dv) / g, with all that cancels gathered
        let bend = if c0 == 0.0 { (f - 1.0 + s) / f } else { (c0 * rest * (f + s) + c * s * (f - 1.0 + s)) / (f * g) };
        scaled(self.ln_steepness(x) - x.ln(), g + bend)
    }

    /// Concave between the roots in s of `g (1 + g) - dg/dv = A s^2 + 2 H s + C`, where they lie in 0..1.
    fn concave_range(&self) -> Option<(f64, f64)> {
        let (c0, change, sharpness) = (self.before, self.after - self.before, 1.0 / self.width);
        let a = change * (change + sharpness);
        let h = 0.5 * change * (1.0 + 2.0 * c0 - sharpness);
        let c = c0 * (1.0 + c0);
        let discriminant = h * h - a * c;
        if change <= 0.0 || h >= 0.0 || discriminant <= 0.0 {
            return None;
        }
        let root = discriminant.sqrt();
        // the same roots in 1 - s, so that neither end cancels
        let at_one = self.after * (1.0 + self.after);
        let lower = self.amount(c / (root - h), (a + h + root) / a);
        let upper = self.amount((root - h) / a, at_one / (a + h + root));
        Some((lower, upper))
    }
}
