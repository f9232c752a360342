//! `R(X) = B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)`: one smoothly broken power law (Caballero et al.
//! 2022), `X^-c0` well before the break d and `X^-c` well after it; the smaller f, the sharper the
//! break.
//!
//! With `u = ln(X/d) / f` and `s = sigmoid(u)`, the falling exponent is
//! `g = -d ln R / d ln X = c0 (1-s) + c s`.

use super::origin::Origin;
use super::{Gradient, Jet, LnJet, ln_quotient, scaled};
use crate::numeric::ln_add_exp;
use crate::numeric::logistic::{sigmoid, softplus, softplus_fall};
use crate::numeric::roots::falling_root;

/// Range of `ln X` in which an amount is sought.
const LN_AMOUNTS: (f64, f64) = (-60.0, 300.0);

/// The broken shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Broken {
    pub(super) ln_scale: f64,
    pub(super) before: f64,
    pub(super) after: f64,
    ln_break: f64,
    width: f64,
}

impl Broken {
    /// The shape from `ln B`, c0, c, `ln d` and f.
    pub(crate) fn new(ln_scale: f64, before: f64, after: f64, ln_break: f64, width: f64) -> Self {
        Broken { ln_scale, before, after, ln_break, width }
    }

    /// B, c0, c, d and f in pairs, from amounts in units of `e^ln_unit` of them.
    pub(super) fn numbers(&self, ln_unit: f64) -> Vec<f64> {
        vec![
            (self.ln_scale + self.before * ln_unit).exp(),
            self.before,
            self.after,
            (self.ln_break + ln_unit).exp(),
            self.width,
        ]
    }

    pub(super) fn multiply(&mut self, ln_factor: f64) {
        self.ln_scale += ln_factor;
    }

    /// `u` at `ln X = v`.
    fn position(&self, v: f64) -> f64 {
        (v - self.ln_break) / self.width
    }

    /// What is left of `x = 0` where `c0` is 0; with `c0` above 0 there is a pole.
    fn origin(&self) -> Origin {
        let (c, f) = (self.after, self.width);
        let ln_fall = self.ln_scale + (c * f).ln() - self.ln_break / f;
        Origin {
            power: 1.0 / f,
            ln_fall,
            ln_turn: ln_fall + (1.0 + c * f).ln() - self.ln_break / f,
        }
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

    /// `-X R'' / R'` at `ln X = v`: `1 + g - (dg/dv) / g`, with all that cancels gathered.
    fn bend(&self, v: f64) -> f64 {
        let (c0, c, f) = (self.before, self.after, self.width);
        let u = self.position(v);
        let (s, rest) = (sigmoid(u), sigmoid(-u));
        let g = c0 * rest + c * s;
        g + if c0 == 0.0 {
            (f - 1.0 + s) / f
        } else {
            (c0 * rest * (f + s) + c * s * (f - 1.0 + s)) / (f * g)
        }
    }

    /// `x` at `s = part / (part + rest)`.
    fn amount(&self, part: f64, rest: f64) -> f64 {
        (self.ln_break + self.width * (part.ln() - rest.ln())).exp()
    }

    pub(super) fn ln_reducible(&self, x: f64) -> f64 {
        let (v, change) = (x.ln(), (self.after - self.before) * self.width);
        let u = self.position(v);
        // 0 times an infinite logarithm is 0 here
        let power = |exponent: f64| if exponent == 0.0 { 0.0 } else { exponent * v };
        if u <= 0.0 {
            self.ln_scale - power(self.before) - change * softplus(u)
        } else {
            self.ln_scale - power(self.after) + change * self.ln_break / self.width
                - change * softplus(-u)
        }
    }

    pub(super) fn ln_ratio(&self, to: f64, more: f64) -> f64 {
        let (u, step) = (self.position(to.ln()), ln_quotient(to, more) / self.width);
        let after = self.after * softplus_fall(u, step);
        let before =
            if self.before == 0.0 { 0.0 } else { self.before * softplus_fall(step - u, step) };
        self.width * (before + after)
    }

    pub(super) fn ln_steepness(&self, x: f64) -> LnJet {
        match (x, self.before) {
            (0.0, 0.0) => self.origin().ln_steepness(),
            (0.0, _) => (f64::INFINITY, f64::NEG_INFINITY),
            _ => (self.ln_reducible(x) + self.ln_rate(x.ln()), -self.bend(x.ln()) / x),
        }
    }

    pub(super) fn jet(&self, x: f64) -> Jet {
        let ln_reducible = self.ln_reducible(x);
        let (ln_steepness, curvature) = match (x, self.before) {
            (0.0, 0.0) => (self.origin().ln_steepness().0, self.origin().curvature()),
            (0.0, _) => (f64::INFINITY, f64::INFINITY),
            _ => {
                let v = x.ln();
                let ln_steepness = ln_reducible + self.ln_rate(v);
                (ln_steepness, scaled(ln_steepness - v, self.bend(v)))
            }
        };
        Jet { value: ln_reducible.exp(), slope: -ln_steepness.exp(), curvature }
    }

    /// Concave between the roots in s of `g (1 + g) - dg/dv = A s^2 + 2 H s + C`, where they lie in
    /// 0..1.
    pub(super) fn concave_range(&self) -> Option<(f64, f64)> {
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

    pub(super) fn amount_at(&self, ln_reducible: f64) -> f64 {
        if self.ln_reducible(0.0) <= ln_reducible {
            return 0.0;
        }
        falling_root(|v| self.ln_reducible(v.exp()) - ln_reducible, LN_AMOUNTS.0, LN_AMOUNTS.1)
            .right
            .exp()
    }

    pub(super) fn gradient(&self, v: f64) -> Gradient {
        let (u, change) = (self.position(v), self.after - self.before);
        let (bent, weight) = (self.width * softplus(u), sigmoid(u));
        let by_width = -change * (bent - weight * (v - self.ln_break));
        (
            self.ln_scale + (-self.before * v - change * bent),
            [-self.after * bent, change * weight, by_width, bent - v],
        )
    }
}
