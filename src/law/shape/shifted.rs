//! `R(X) = B (X + D0)^-beta`: a power law of data to which an amount had been added before.

use super::Reducible;

/// The shifted shape.
pub(crate) struct Shifted {
    pub ln_scale: f64,
    pub exponent: f64,
    pub offset: f64,
}

impl Reducible for Shifted {
    fn ln_reducible(&self, x: f64) -> f64 {
        self.ln_scale - self.exponent * (x + self.offset).ln()
    }

    fn ln_ratio(&self, from: f64, to: f64) -> f64 {
        -self.exponent * (-(to - from) / (to + self.offset)).ln_1p()
    }

    fn ln_steepness(&self, x: f64) -> f64 {
        self.ln_scale + self.exponent.ln() - (1.0 + self.exponent) * (x + self.offset).ln()
    }

    fn curvature(&self, x: f64) -> f64 {
        (self.ln_steepness(x) + (1.0 + self.exponent).ln() - (x + self.offset).ln()).exp()
    }

    fn concave_range(&self) -> Option<(f64, f64)> {
        None
    }
}
