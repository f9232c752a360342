//! Allocation: spread a budget of whole pairs over languages so that the weighted sum of their losses is least.
//!
//! ```text
//! minimise  F(X) = sum_i w_i L_i(X_i)   subject to   sum_i X_i = budget,   lower_i <= X_i <= upper_i,   X_i whole
//! ```
//!
//! The laws fall, so the budget is always spent. `optimum` solves the problem in whole pairs, exactly, and every answer carries the bound
//! that proves it; here are the baselines beside it, and what the uncertainty of the laws makes of both.

mod baseline;
mod comparison;
mod problem;
mod solution;
mod verdict;

pub use comparison::compare;
pub use problem::{Problem, ProblemError, budget_path};
pub use verdict::Verdict;

use crate::law::Law;
use crate::units::Estimate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One language of a problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Language code, or any other name, unique in the problem.
    pub lang: String,
    /// Loss law, nats per target token over pairs.
    pub law: Law,
    /// Weight in the objective, not negative.
    pub weight: f64,
    /// Least pairs.
    pub lower: u64,
    /// Most pairs: unique pairs times allowed epochs; absent = no limit.
    pub upper: Option<u64>,
    /// Unique pairs of the corpus, where known; the size that proportional policies go by.
    pub unique: Option<u64>,
}

/// Which bound holds a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// Neither.
    None,
    /// At its least pairs.
    Lower,
    /// At its most pairs.
    Upper,
}

/// What one language gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Allotted {
    /// Language.
    pub lang: String,
    /// Pairs.
    pub pairs: u64,
    /// Fraction of all pairs allotted.
    pub share: f64,
    /// Pairs over unique pairs, where the latter are known.
    pub epochs: Option<f64>,
    /// Fall of the weighted loss a thousand further pairs at the margin, `-1000 w L'(X)`, nats per target token.
    #[serde(with = "crate::units::any_number")]
    pub marginal_gain_per_1k: f64,
    /// Active bound.
    pub active: Active,
    /// Predicted loss, nats per target token; infinite only where a language of weight 0 gets nothing and its law has a pole there.
    #[serde(with = "crate::units::any_number")]
    pub loss_nats: f64,
}

/// A solved problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    /// One entry a language, in the order of the problem.
    pub languages: Vec<Allotted>,
    /// The budget, pairs; the allotted pairs sum to it.
    pub budget: u64,
    /// Weighted sum of losses.
    #[serde(with = "crate::units::any_number")]
    pub objective: f64,
    /// What a further pair of budget is worth, nats per target token a pair: the largest fall that one more pair brings; 0 where all are full.
    #[serde(with = "crate::units::any_number")]
    pub shadow_price: f64,
    /// A bound below which no allocation of this budget can come, from the dual.
    #[serde(with = "crate::units::any_number")]
    pub lower_bound: f64,
    /// (objective - lower_bound) over the reducible part of the objective; 0 is a proof of optimality.
    #[serde(with = "crate::units::any_number")]
    pub gap: f64,
}

/// A way to spend a budget. Every baseline is clipped into the bounds, and what that frees or lacks is shared out by its own rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The optimum of the laws.
    Parallot,
    /// The same for every language.
    Uniform,
    /// By unique pairs.
    Proportional,
    /// By unique pairs to the power 1 / T.
    Temperature(f64),
    /// Uniform, capped at so many epochs a language, smallest corpus first (Chung et al. 2023).
    UniMax(f64),
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Policy::Parallot => write!(f, "parallot"),
            Policy::Uniform => write!(f, "uniform"),
            Policy::Proportional => write!(f, "proportional"),
            Policy::Temperature(t) => write!(f, "temperature-{t}"),
            Policy::UniMax(epochs) => write!(f, "unimax-{epochs}"),
        }
    }
}

/// What a policy gives and what it brings, with intervals over the draws of the laws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// The policy.
    pub policy: Policy,
    /// Pairs a language, in the order of the problem.
    pub pairs: Vec<u64>,
    /// Predicted loss a language: of the fitted laws, with the interval over the draws.
    pub loss_nats: Vec<Estimate>,
    /// Weighted mean of the losses, nats per target token: of the fitted laws, with the interval over the draws.
    pub mean_loss_nats: Estimate,
    /// Mean loss of uniform less that of this policy, nats per target token: positive is better than uniform.
    /// Its value is the mean over the draws, not the gain under the fitted laws: those chose the allocation and so flatter it.
    pub gain_nats: Estimate,
    /// Share of the draws in which the gain is above 0.
    pub chance_to_beat_uniform: f64,
}

/// The allocation beside the baselines, under the uncertainty of the laws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The solved problem.
    pub allocation: Allocation,
    /// 90 % interval of each share when the problem is solved anew for every draw.
    pub shares: Vec<Estimate>,
    /// Policies; the first is ours, the second uniform. Those that go by unique pairs are left out where a language's are unknown.
    pub policies: Vec<PolicyRow>,
    /// What noise in the laws costs the allocation in the mean, nats per target token: the mean loss, under the fitted laws, of the
    /// allocations of the draws less that of ours. The gain over uniform is corrected by twice this (see [`compare`]).
    #[serde(with = "crate::units::any_number")]
    pub expected_regret_nats: f64,
    /// Draws used.
    pub draws: usize,
}

#[cfg(test)]
mod tests;
