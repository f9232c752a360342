//! Derivatives of the loss in the parameters, for fits and for the uncertainty of what follows from them.

use super::shape::{Broken, Sigmoid};
use super::wire::WireLaw;
use super::{Form, Law};
use crate::numeric::logistic::{entropy, sigmoid, softplus};

impl Law {
    /// `dL/dparameter` at `pairs` in the order of [`Form::parameter_names`], 0 beyond the last; infinite at a pole.
    pub fn gradient(&self, pairs: f64) -> [f64; Form::MOST_PARAMETERS] {
        let (r, ln_x) = (self.reducible(pairs), pairs.ln());
        match self.0 {
            WireLaw::Metric { alpha, gamma, beta } => padded([r / alpha, -beta * r / gamma, -times(gamma.ln() + ln_x, r)]),
            WireLaw::Power { scale, .. } => padded([r / scale, -times(ln_x, r)]),
            WireLaw::PowerFloor { scale, .. } => padded([1.0, r / scale, -times(ln_x, r)]),
            WireLaw::Offset { scale, exponent, offset, .. } => {
                let x = pairs + offset;
                padded([1.0, r / scale, -times(x.ln(), r), -times(exponent / x, r)])
            }
            WireLaw::Rectified { scale, exponent, transition, .. } => {
                // X^beta / (Dl + X^beta)
                let weight = if transition == 0.0 { 1.0 } else { sigmoid(exponent * ln_x - transition.ln()) };
                padded([1.0, r / scale, -times(ln_x, weight * r), -r * (r / scale)])
            }
            WireLaw::Bnsl { scale, exponent, exponent_after, break_at, width, .. } => {
                let shape = Broken::new(scale, exponent, exponent_after, break_at, width);
                let (u, change) = (shape.position(ln_x), exponent_after - exponent);
                // f softplus(u) - ln X, gathered where u is large
                let by_exponent = if u > 0.0 { width * softplus(-u) - break_at.ln() } else { width * softplus(u) - ln_x };
                let by_after = -times(width * softplus(u), r);
                let (by_break, by_width) = (times(change * sigmoid(u) / break_at, r), -times(change * entropy(u), r));
                [1.0, r / scale, times(by_exponent, r), by_after, by_break, by_width]
            }
            WireLaw::M4 { irreducible, start, scale, exponent, bend } => {
                let span = start - irreducible;
                let shape = Sigmoid::new(span, scale, exponent, bend);
                let z = shape.logit(pairs);
                let (p, q, tilt) = (sigmoid(z), sigmoid(-z), shape.tilt(z));
                let by_t = span * p * q / tilt;
                padded([q / tilt, bend * p / tilt, by_t / scale, -times(ln_x, by_t), times(span.ln() - softplus(z), by_t)])
            }
        }
    }
}

/// `factor size`, where 0 wins over infinity: each such product here tends to 0.
fn times(factor: f64, size: f64) -> f64 {
    if factor == 0.0 || size == 0.0 { 0.0 } else { factor * size }
}

fn padded<const N: usize>(derivatives: [f64; N]) -> [f64; Form::MOST_PARAMETERS] {
    std::array::from_fn(|at| derivatives.get(at).copied().unwrap_or(0.0))
}
