//! `R / (S - R)^a = B X^-c` with `0 < R < S`: from chance level at no data to a power law (M4 of
//! Alabdulmohsin et al. 2022).
//!
//! With `p = R/S = sigmoid(z)` and `q = 1 - p` the equation is `h(z) = ln p - a ln q = t`,
//! `t = c (ln T - ln X)`, `c ln T = ln B + (a-1) ln S`. `h' = D = q + a p` and `|h''| <= h'`, so
//! Newton's method gains digits from the start and passes the root at most once.

use super::origin::Origin;
use super::{Gradient, Jet, LnJet, ln_quotient, scaled};
use crate::numeric::logistic::{sigmoid, softplus, softplus_fall};

/// The sigmoid shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sigmoid {
    pub(super) ln_span: f64,
    /// `t` at `ln X = 0`, finite.
    ln_front: f64,
    /// `ln T`.
    ln_turn: f64,
    pub(super) exponent: f64,
    bend: f64,
}

/// Steps of Newton's method; far from the root each moves z by about 1, and z is below 750 where
/// the loss is neither end.
const STEPS: usize = 1000;

/// Newton's method for `f(z) = 0`, f given with its slope, up to a step that `is_last`. The error
/// after a step is at most about its square.
fn newton(f: impl Fn(f64) -> (f64, f64), start: f64, is_last: impl Fn(f64, f64) -> bool) -> f64 {
    let mut z = start;
    for _ in 0..STEPS {
        let (value, slope) = f(z);
        let step = value / slope;
        z -= step;
        if is_last(step.abs(), z.abs()) {
            break;
        }
    }
    z
}

/// A step whose square is below the rounding of a loss.
fn is_small(step: f64, z: f64) -> bool {
    step <= (1e-15 * z).max(1e-8)
}

impl Sigmoid {
    /// The shape from S, `ln B`, c and a.
    pub(crate) fn new(span: f64, ln_scale: f64, exponent: f64, bend: f64) -> Self {
        let ln_span = span.ln();
        let ln_front = (ln_scale + (bend - 1.0) * ln_span).clamp(f64::MIN, f64::MAX);
        Sigmoid { ln_span, ln_front, ln_turn: ln_front / exponent, exponent, bend }
    }

    /// The shape with `S = 1` from c, `ln T` and a.
    pub(crate) fn natural(exponent: f64, ln_turn: f64, bend: f64) -> Self {
        Sigmoid { ln_span: 0.0, ln_front: exponent * ln_turn, ln_turn, exponent, bend }
    }

    /// S, B, c and a in pairs, from amounts in units of `e^ln_unit` of them.
    pub(super) fn numbers(&self, ln_unit: f64) -> Vec<f64> {
        let ln_scale = (1.0 - self.bend) * self.ln_span + self.exponent * (self.ln_turn + ln_unit);
        vec![self.ln_span.exp(), ln_scale.exp(), self.exponent, self.bend]
    }

    /// The span counts, not B: t is that of `R / S`.
    pub(super) fn multiply(&mut self, ln_factor: f64) {
        self.ln_span += ln_factor;
    }

    /// `D` from `z`.
    fn tilt(&self, z: f64) -> f64 {
        sigmoid(-z) + self.bend * sigmoid(z)
    }

    /// A z that lies on one side of the root of `h(z) = t`, so that no step passes it: h does so of
    /// both its asymptotes z and a z.
    fn start(&self, t: f64) -> f64 {
        if self.bend >= 1.0 { t.min(t / self.bend) } else { t.max(t / self.bend) }
    }

    /// `logit(R/S)` at `x`, infinite at no data.
    fn logit(&self, x: f64) -> f64 {
        let t = self.ln_front - self.exponent * x.ln();
        if t.is_infinite() {
            return t;
        }
        newton(
            |z| (self.bend * softplus(z) - softplus(-z) - t, self.tilt(z)),
            self.start(t),
            is_small,
        )
    }

    fn origin(&self) -> Origin {
        let ln_first = -self.ln_front / self.bend;
        let ln_fall = self.ln_span + ln_first;
        Origin {
            power: self.exponent / self.bend,
            ln_fall,
            ln_turn: (2.0 / self.bend).ln() + ln_fall + ln_first,
        }
    }

    fn ln_steepness_at(&self, v: f64, z: f64) -> f64 {
        self.ln_span + self.exponent.ln() - softplus(-z) - softplus(z) - self.tilt(z).ln() - v
    }

    /// `-X R'' / R'` from z: `1 + g - c a p / D^2` with `g = c q / D`, its factor times `D^2`
    /// gathered in the smaller of p and q.
    fn bend_at(&self, z: f64) -> f64 {
        let (a, c, p, q, d) = (self.bend, self.exponent, sigmoid(z), sigmoid(-z), self.tilt(z));
        let rest = 1.0 + c - a;
        if p < 0.5 {
            ((1.0 + c) - rest * p * (2.0 + (a - 1.0) * p)) / d / d
        } else {
            ((a - c) * (a / d) + rest * q * (2.0 * a - (a - 1.0) * q) / d) / d
        }
    }

    pub(super) fn ln_reducible(&self, x: f64) -> f64 {
        self.ln_span - softplus(-self.logit(x))
    }

    pub(super) fn ln_ratio(&self, to: f64, more: f64) -> f64 {
        let (z, wanted) = (self.logit(to), self.exponent * ln_quotient(to, more));
        if wanted.is_infinite() {
            return softplus(-z);
        }
        // h(z + step) - h(z) = c ln(to / from)
        let rise = |step: f64| softplus_fall(-z, step) + self.bend * softplus_fall(z + step, step);
        let step = newton(
            |step| (rise(step) - wanted, self.tilt(z + step)),
            wanted / self.tilt(z),
            is_small,
        );
        softplus_fall(-z, step)
    }

    pub(super) fn ln_steepness(&self, x: f64) -> LnJet {
        if x == 0.0 {
            return self.origin().ln_steepness();
        }
        let z = self.logit(x);
        (self.ln_steepness_at(x.ln(), z), -self.bend_at(z) / x)
    }

    pub(super) fn jet(&self, x: f64) -> Jet {
        if x == 0.0 {
            let origin = self.origin();
            return Jet {
                value: self.ln_span.exp(),
                slope: -origin.ln_steepness().0.exp(),
                curvature: origin.curvature(),
            };
        }
        let (v, z) = (x.ln(), self.logit(x));
        let ln_steepness = self.ln_steepness_at(v, z);
        Jet {
            value: (self.ln_span - softplus(-z)).exp(),
            slope: -ln_steepness.exp(),
            curvature: scaled(ln_steepness - v, self.bend_at(z)),
        }
    }

    /// Concave from 0 to the smaller root p of [`Sigmoid::bend_at`] where `c > a`, nowhere else.
    pub(super) fn concave_range(&self) -> Option<(f64, f64)> {
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
        Some((0.0, ((self.ln_front - h) / c).exp()))
    }

    /// `ln X = (c ln T - h) / c`, `h = ln p - a ln q`.
    pub(super) fn amount_at(&self, ln_reducible: f64) -> f64 {
        let ln_part = ln_reducible - self.ln_span;
        if ln_part >= 0.0 {
            0.0
        } else {
            ((self.ln_front - ln_part + self.bend * (-ln_part.exp_m1()).ln()) / self.exponent).exp()
        }
    }

    pub(super) fn gradient(&self, v: f64) -> Gradient {
        let (a, t) = (self.bend, -self.exponent * (v - self.ln_turn));
        let excess = |z: f64| {
            let p = sigmoid(z);
            (a * softplus(z) - softplus(-z) - t, (1.0 - p) + a * p)
        };
        // to the last digit: a descent compares objectives in it
        let z = newton(excess, self.start(t), |step, z| step <= 1e-13 * (1.0 + z));
        let q = sigmoid(-z);
        // dz/dt times q
        let slope = q / (q + a * (1.0 - q));
        (
            self.ln_span - softplus(-z),
            [t * slope, self.exponent * slope, -a * softplus(z) * slope, 0.0],
        )
    }
}
