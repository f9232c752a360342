//! `R / (S - R)^a = B X^-c` with `0 < R < S`: from chance level at no data to a power law (M4 of Alabdulmohsin et al. 2022).
//!
//! With `p = R/S = sigmoid(z)` and `q = 1 - p` the equation is `h(z) = ln p - a ln q = t`, `t = ln B + (a-1) ln S - c ln X`.
//! `h' = D = q + a p` and `|h''| <= h'`, so Newton's method gains digits from the start and passes the root at most once.

use super::{Origin, Reducible, ln_quotient, scaled};
use crate::numeric::logistic::{sigmoid, softplus, softplus_fall};

/// The sigmoid shape.
pub(crate) struct Sigmoid {
    pub ln_span: f64,
    pub ln_scale: f64,
    pub exponent: f64,
    pub bend: f64,
}

/// Steps of Newton's method; far from the root each moves z by about 1, and z is below 750 where the loss is neither end.
const STEPS: usize = 1000;

/// Newton's method for `f(z) = 0`, f given with its slope. The error after a step is at most about its square.
fn newton(f: impl Fn(f64) -> (f64, f64), start: f64) -> f64 {
    let mut z = start;
    for _ in 0..STEPS {
        let (value, slope) = f(z);
        let step = value / slope;
        z -= step;
        if step.abs() <= (1e-15 * z.abs()).max(1e-8) {
            break;
        }
    }
    z
}

impl Sigmoid {
    /// The shape from S, B, c and a.
    pub(crate) fn new(span: f64, scale: f64, exponent: f64, bend: f64) -> Self {
        Sigmoid { ln_span: span.ln(), ln_scale: scale.ln(), exponent, bend }
    }

    /// `t` at `ln X = 0`.
    fn ln_front(&self) -> f64 {
        (self.ln_scale + (self.bend - 1.0) * self.ln_span).clamp(f64::MIN, f64::MAX)
    }

    /// `D` from `z`.
    pub(crate) fn tilt(&self, z: f64) -> f64 {
        sigmoid(-z) + self.bend * sigmoid(z)
    }

    /// `logit(R/S)` at `x`, infinite at no data.
    pub(crate) fn logit(&self, x: f64) -> f64 {
        let t = self.ln_front() - self.exponent * x.ln();
        if t.is_infinite() {
            return t;
        }
        // h lies on one side of both its asymptotes z and a z, so that no step passes the root
        let start = if self.bend >= 1.0 { t.min(t / self.bend) } else { t.max(t / self.bend) };
        newton(|z| (self.bend * softplus(z) - softplus(-z) - t, self.tilt(z)), start)
    }

    fn origin(&self) -> Origin {
        let ln_first = -self.ln_front() / self.bend;
        let ln_fall = self.ln_span + ln_first;
        Origin { power: self.exponent / self.bend, ln_fall, ln_turn: (2.0 / self.bend).ln() + ln_fall + ln_first }
    }

    fn ln_steepness_at(&self, v: f64, z: f64) -> f64 {
        self.ln_span + self.exponent.ln() - softplus(-z) - softplus(z) - self.tilt(z).ln() - v
    }
}

impl Reducible for Sigmoid {
    fn ln_reducible(&self, x: f64) -> f64 {
        self.ln_span - softplus(-self.logit(x))
    }

    fn ln_ratio(&self, from: f64, to: f64) -> f64 {
        let (z, wanted) = (self.logit(to), self.exponent * ln_quotient(from, to));
        if wanted.is_infinite() {
            return softplus(-z);
        }
        // h(z + step) - h(z) = c ln(to / from)
        let rise = |step: f64| softplus_fall(-z, step) + self.bend * softplus_fall(z + step, step);
        let step = newton(|step| (rise(step) - wanted, self.tilt(z + step)), wanted / self.tilt(z));
        softplus_fall(-z, step)
    }

    fn ln_steepness(&self, x: f64) -> f64 {
        if x == 0.0 { self.origin().ln_steepness() } else { self.ln_steepness_at(x.ln(), self.logit(x)) }
    }

    /// `-R' (1 + g - c a p / D^2) / X` with `g = c q / D`, its factor times `D^2` gathered in the smaller of p and q.
    fn curvature(&self, x: f64) -> f64 {
        if x == 0.0 {
            return self.origin().curvature();
        }
        let (v, z) = (x.ln(), self.logit(x));
        let (a, c, p, q, d) = (self.bend, self.exponent, sigmoid(z), sigmoid(-z), self.tilt(z));
        let rest = 1.0 + c - a;
        let factor = if p < 0.5 {
            ((1.0 + c) - rest * p * (2.0 + (a - 1.0) * p)) / d / d
        } else {
            ((a - c) * (a / d) + rest * q * (2.0 * a - (a - 1.0) * q) / d) / d
        };
        scaled(self.ln_steepness_at(v, z) - v, factor)
    }

    /// Concave from 0 to the smaller root p of the factor of [`Sigmoid::curvature`] where `c > a`, nowhere else.
    fn concave_range(&self) -> Option<(f64, f64)> {
        let (a, c) = (self.bend, self.exponent);
        if c <= a {
            return None;
        }
        let rest = 1.0 + c - a;
        let root = (rest * c * a).sqrt();
        let sum = (rest * c).sqrt() + a.sqrt();
        // p and q over rest + root
        let (p, q) = (1.0 + c, a.sqrt() * (1.0 + c) * (c - a) / sum);
        let h = (p / (rest + root)).ln() - a * (q / (rest + root)).ln();
        Some((0.0, ((self.ln_front() - h) / c).exp()))
    }
}
