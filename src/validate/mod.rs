//! Validation: what the laws predict of models tuned on mixtures, set against what those models
//! lose.
//!
//! The laws `L_i` were fitted to dev losses; a mixture `X` is scored on test sets, which are other
//! sentences. With `r_i`, what test loses over dev by the base model or by the mixtures of the
//! sweep, and `U` the pairs of uniform, what is predicted before any mixture is trained is
//!
//! ```text
//! loss_i(X) = r_i L_i(X_i)                            by the law of each language alone
//!             r_i L_i(X_i, sum X - X_i)               by the joint law
//!             r_i L_i(X_i + sum_j tau_ij X_j)         with transfer,   nats per target token
//! gain(X)   = sum_i w_i (loss_i(U) - loss_i(X)) / sum_i w_i
//! ```
//!
//! The interval of a loss holds the draws of its law, what a joint law misses, the noise of runs
//! over the seeds, and what is not known of `r_i`. What is measured is the mean over seeds, and of
//! the gain the paired differences of seeds with Student's interval.

mod coupled;
mod dose;
mod measured;
mod outcome;
mod power;
mod prediction;
mod rows;

pub use coupled::CoupledResult;
pub use dose::{
    DoseResponse, correction as dose_correction, dose_of, gain_by_doses, spread as dose_spread,
};
pub use measured::{Asked, nearest};
pub use outcome::{Validation, Winner};
pub use power::{difference_nats, seeds_to_show};
pub use prediction::{Coupled, Known, PolicyPrediction, Prediction, Shift, distinct, predict};
pub use rows::{CoupledRow, LossRow, PolicyResult};

/// Standard deviations from the middle of a normal 90 % interval to its ends.
const HALF_WIDTH: f64 = 1.644_853_626_951_472_7;

#[cfg(test)]
mod tests;
