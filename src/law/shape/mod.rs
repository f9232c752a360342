//! The shapes under the forms: the reducible part `R(X)` of a loss, computed in logarithms so that no power overflows on the way.
//!
//! ```text
//! shifted     R(X) = B (X + D0)^-beta
//! rectified   R(X) = B / (Dl + X^beta)
//! broken      R(X) = B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)
//! sigmoid     R / (S - R)^a = B X^-c,   0 < R < S
//! ```

mod broken;
mod rectified;
mod shifted;
mod sigmoid;

pub(super) use broken::Broken;
pub(super) use rectified::Rectified;
pub(super) use shifted::Shifted;
pub(super) use sigmoid::Sigmoid;

/// The reducible part of a loss, falling in the amount `x >= 0`.
pub(super) trait Reducible {
    /// `ln R(x)`; infinite at a pole.
    fn ln_reducible(&self, x: f64) -> f64;

    /// `ln R(from) - ln R(to)` for `from < to`, exact to rounding however close the two are.
    fn ln_ratio(&self, from: f64, to: f64) -> f64;

    /// `ln(-R'(x))`.
    fn ln_steepness(&self, x: f64) -> f64;

    /// `R''(x)`.
    fn curvature(&self, x: f64) -> f64;

    /// The amounts between which the shape is concave; it is convex on both sides. Nothing where it is convex everywhere.
    fn concave_range(&self) -> Option<(f64, f64)>;
}

/// What a shape without a pole is near `x = 0`: `R(0) - e^ln_fall x^power + e^ln_turn x^(2 power) / 2`.
struct Origin {
    power: f64,
    ln_fall: f64,
    ln_turn: f64,
}

impl Origin {
    /// `ln(-R'(0))`.
    fn ln_steepness(&self) -> f64 {
        match self.power {
            power if power < 1.0 => f64::INFINITY,
            1.0 => self.ln_fall,
            _ => f64::NEG_INFINITY,
        }
    }

    /// `R''(0)`.
    fn curvature(&self) -> f64 {
        match self.power {
            power if power < 1.0 => f64::INFINITY,
            1.0 => self.ln_turn.exp(),
            power if power < 2.0 => f64::NEG_INFINITY,
            2.0 => -2.0 * self.ln_fall.exp(),
            _ => 0.0,
        }
    }
}

/// `factor e^ln_size`, 0 where the factor is, even if the size overflows.
fn scaled(ln_size: f64, factor: f64) -> f64 {
    factor.signum() * (ln_size + factor.abs().ln()).exp()
}

/// `ln(to / from)` for `from < to`, exact however close the two are.
fn ln_quotient(from: f64, to: f64) -> f64 {
    -(-(to - from) / to).ln_1p()
}
