//! Repetition: data beyond the unique amount is repeated and counts for less.
//!
//! ```text
//! d(x) = x                                            x <= U
//! d(x) = U + U R (1 - exp(-(x / U - 1) / R))          x >  U        (Muennighoff et al. 2023)
//! ```
//!
//! Slope 1 on both sides of `U`, never more than `U (1 + R)`; amounts in pairs.

/// Unique amount `U` and the rate `R` at which repeats lose their worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeat {
    /// Unique amount, pairs.
    pub unique: f64,
    /// Passes after which a further one is worth `1/e` of the first.
    pub r: f64,
}

impl Repeat {
    /// Effective data of `x`.
    pub fn effective(&self, x: f64) -> f64 {
        let Repeat { unique, r } = *self;
        if x <= unique { x } else { unique - unique * r * (-self.decay(x)).exp_m1() }
    }

    /// First and second derivative of the effective data.
    pub(crate) fn derivatives(&self, x: f64) -> (f64, f64) {
        if x <= self.unique {
            return (1.0, 0.0);
        }
        let slope = (-self.decay(x)).exp();
        (slope, -slope / (self.unique * self.r))
    }

    /// `d(x + more) - d(x)`, without the cancellation of the plain difference.
    pub(crate) fn gained(&self, x: f64, more: f64) -> f64 {
        let Repeat { unique, r } = *self;
        if x + more <= unique {
            return more;
        }
        let fresh = (unique - x).max(0.0);
        let repeated = more - fresh;
        fresh - unique * r * (-self.decay(x)).exp() * (-repeated / (unique * r)).exp_m1()
    }

    /// `-ln d'(x)`: how many times 1/e a repeat at `x` is worth.
    pub(crate) fn decay(&self, x: f64) -> f64 {
        ((x / self.unique - 1.0) / self.r).max(0.0)
    }

    /// The amount whose effective data is `d`; infinite where there is none.
    pub(crate) fn amount_for(&self, d: f64) -> f64 {
        let Repeat { unique, r } = *self;
        if d <= unique {
            return d;
        }
        let left = 1.0 - (d - unique) / (unique * r);
        if left > 0.0 { unique * (1.0 - r * left.ln()) } else { f64::INFINITY }
    }
}
