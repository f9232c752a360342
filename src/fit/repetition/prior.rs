//! What is known of `ln R` before any run, and the grid on which it is computed.

use crate::law::Repetition;

/// Step of `ln R` and of its mean.
pub(super) const STEP: f64 = 0.1;
/// How far below and above `ln 15.4` the grid of `ln R` reaches, steps.
const REACH: (i32, i32) = (60, 50);
/// Deviation of the mean over the family about `ln 15.4`, and of the spread about 0: our own.
pub(super) const MEAN_DEVIATION: f64 = 1.0;
pub(super) const SPREAD_DEVIATION: f64 = 0.5;
/// Variance of `ln R` of one language before any run.
pub(super) const PRIOR_VARIANCE: f64 =
    MEAN_DEVIATION * MEAN_DEVIATION + SPREAD_DEVIATION * SPREAD_DEVIATION;

/// `ln R` at which everything is computed.
pub(super) fn grid() -> Vec<f64> {
    (-REACH.0..=REACH.1).map(|step| Repetition::R_STAR.ln() + STEP * f64::from(step)).collect()
}
