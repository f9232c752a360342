//! Where the interior point stands, or the direction in which it goes: every variable, slack and
//! multiplier.

/// Where the method stands.
#[derive(Clone)]
pub(crate) struct State {
    pub x: Vec<f64>,
    /// How far the amounts are above their lower bounds and below their upper ones, to more digits
    /// than `x` has next to a bound.
    pub below: Vec<f64>,
    pub above: Vec<f64>,
    pub e: Vec<f64>,
    /// Multipliers of the lower and the upper bounds.
    pub low: Vec<f64>,
    pub high: Vec<f64>,
    pub slack: Vec<f64>,
    pub rows: Vec<f64>,
    /// Slacks of the functions and their multipliers.
    pub v: Vec<f64>,
    pub q: Vec<f64>,
    /// Multipliers of the data, in the smooth case.
    pub prices: Vec<f64>,
}
