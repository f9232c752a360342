//! What a shape without a pole is near `x = 0`.

/// `R(0) - e^ln_fall x^power + e^ln_turn x^(2 power) / 2`.
pub(super) struct Origin {
    pub(super) power: f64,
    pub(super) ln_fall: f64,
    pub(super) ln_turn: f64,
}

impl Origin {
    /// `ln(-R'(0))` and its derivative.
    pub(super) fn ln_steepness(&self) -> (f64, f64) {
        match self.power {
            power if power < 1.0 => (f64::INFINITY, f64::NEG_INFINITY),
            1.0 => (self.ln_fall, -(self.ln_turn - self.ln_fall).exp()),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// `R''(0)`.
    pub(super) fn curvature(&self) -> f64 {
        match self.power {
            power if power < 1.0 => f64::INFINITY,
            1.0 => self.ln_turn.exp(),
            power if power < 2.0 => f64::NEG_INFINITY,
            2.0 => -2.0 * self.ln_fall.exp(),
            _ => 0.0,
        }
    }
}
