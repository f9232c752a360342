//! Allocation: spread a budget over languages in whole pairs so that the weighted sum of their
//! losses is least, or the worst loss, or the mean of the worst draws.
//!
//! ```text
//! minimise  F(X) = sum_i w_i L_i(X_i)
//! subject to  sum_i X_i = budget  (or  sum_i c_i X_i <= budget),
//!             lower_i <= X_i <= upper_i,   group rows,   X_i whole
//! ```
//!
//! `L_i` is the average of the laws that the fit weighs, over what its pairs are worth where they
//! are repeated. `solver` solves the problem, and every answer carries the bound that proves it;
//! here are the baselines beside it, what the uncertainty of the laws makes of both, and the
//! problems turned round: the least budget that reaches a target, the front between the mean and
//! the worst language.

mod baseline;
mod builder;
mod comparison;
mod equivalent;
mod pareto;
mod problem;
mod regret;
mod score;
mod target;
mod term;
mod verdict;

pub use builder::{
    Ask, BuildError, GroupRequest, Laws, MeanTarget, ProblemBuilder, TextError, Unit, coupling,
    place_of,
};
pub(crate) use builder::{CVAR_LEVEL, percent};
pub use comparison::{compare, distinct, predict_losses};
pub use equivalent::{BaselinePath, PathPoint};
pub use pareto::{ParetoPoint, pareto_front};
pub use problem::{
    Amount, Budget, Coupling, Group, Objective, Problem, ProblemError, Rule, budget_path,
    no_worse_than,
};
pub use target::{Target, TargetError, least_budget};
pub use term::{Drawn, Term};
pub use verdict::{Finding, GainOf, Measured, Predicted, PredictedBy, Verdict};

pub use crate::solver::{SolveError, Status};

use crate::units::Estimate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which bound holds a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// Neither.
    None,
    /// At its least pairs.
    Lower,
    /// At its floor: half the smallest size that was run, or half an even share.
    Floor,
    /// At its most pairs.
    Upper,
}

/// What one language gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AllocatedLanguage {
    /// Language.
    pub lang: String,
    /// Pairs.
    pub pairs: u64,
    /// Fraction of all pairs allocated.
    pub share: f64,
    /// Pairs over unique pairs, where the latter are known.
    pub epochs: Option<f64>,
    /// Fall of the weighted loss a thousand further pairs at the margin, `-1000 w L'(X)`, nats per
    /// target token.
    #[serde(with = "crate::units::any_number")]
    pub marginal_gain_per_1k: f64,
    /// Active bound.
    pub active: Active,
    /// Predicted loss, nats per target token; infinite only where a language of weight 0 gets
    /// nothing and its law has a pole there.
    #[serde(with = "crate::units::any_number")]
    pub loss_nats: f64,
}

/// What relaxing a group by one unit of its amount is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupPrice {
    /// Name of the group.
    pub group: String,
    /// Fall of the objective; of either sign for a group held exactly.
    #[serde(with = "crate::units::any_number")]
    pub shadow_price: f64,
}

/// A solved problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Allocation {
    /// One entry per language, in the order of the problem.
    pub languages: Vec<AllocatedLanguage>,
    /// The budget. Without groups the allocated pairs sum to a budget of pairs.
    pub budget: Budget,
    /// What was minimised: the weighted sum of losses, or the worst weighted loss.
    #[serde(with = "crate::units::any_number")]
    pub objective: f64,
    /// What a further unit of budget is worth, nats per target token: of pairs, the largest fall
    /// that one more brings; 0 where all are full.
    #[serde(with = "crate::units::any_number")]
    pub shadow_price: f64,
    /// The same of each group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupPrice>,
    /// A bound below which no allocation of this budget can come, from the dual.
    #[serde(with = "crate::units::any_number")]
    pub lower_bound: f64,
    /// (objective - lower_bound) over the reducible part of the objective; 0 is a proof of
    /// optimality.
    #[serde(with = "crate::units::any_number")]
    pub gap: f64,
}

impl Allocation {
    /// Largest gap of an optimum that is proven.
    pub const PROVEN: f64 = 1e-8;

    /// Whether the bound proves that nothing is better, but for rounding.
    pub fn status(&self) -> Status {
        if self.gap <= Allocation::PROVEN { Status::Optimal } else { Status::Feasible }
    }

    /// Pairs per language.
    pub fn pairs(&self) -> Vec<u64> {
        self.languages.iter().map(|language| language.pairs).collect()
    }
}

/// A way to spend a budget. Every baseline is clipped into the bounds, and what that frees or lacks
/// is shared out by its own rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The optimum of the fitted laws.
    Parallot,
    /// The optimum of the mean over the draws of the laws.
    DrawsMean,
    /// The optimum of the mean over the worst draws: those above this level.
    DrawsCvar(f64),
    /// The mix in use.
    Current,
    /// The same for every language.
    Uniform,
    /// By unique pairs.
    Proportional,
    /// By unique pairs to the power 1 / T.
    Temperature(f64),
    /// So many steps from uniform towards the optimum of the fitted laws: 0 is uniform, 1 the
    /// optimum, -1 its mirror.
    Dose(f64),
    /// Uniform, capped at so many epochs a language, smallest corpus first (Chung et al. 2023).
    UniMax(f64),
}

impl Policy {
    /// Whether the draws chose it by which policies are compared.
    pub fn is_of_draws(&self) -> bool {
        matches!(self, Policy::DrawsMean | Policy::DrawsCvar(_))
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Policy::Parallot => write!(f, "parallot"),
            Policy::DrawsMean => write!(f, "draws-mean"),
            Policy::DrawsCvar(level) => write!(f, "draws-cvar-{level}"),
            Policy::Current => write!(f, "current"),
            Policy::Uniform => write!(f, "uniform"),
            Policy::Proportional => write!(f, "proportional"),
            Policy::Temperature(t) => write!(f, "temperature-{t}"),
            Policy::UniMax(epochs) => write!(f, "unimax-{epochs}"),
            Policy::Dose(steps) => write!(f, "dose:{steps}"),
        }
    }
}

impl std::str::FromStr for Policy {
    type Err = ();

    /// The inverse of its text; `parallot` and what goes by draws are no baselines.
    fn from_str(text: &str) -> Result<Self, ()> {
        let number = |prefix: &str| {
            text.strip_prefix(prefix)?
                .parse::<f64>()
                .ok()
                .filter(|number| *number > 0.0 && number.is_finite())
        };
        match text {
            "uniform" => Ok(Policy::Uniform),
            "proportional" => Ok(Policy::Proportional),
            "current" => Ok(Policy::Current),
            _ => number("temperature-")
                .map(Policy::Temperature)
                .or_else(|| number("unimax-").map(Policy::UniMax))
                .ok_or(()),
        }
    }
}

/// What a policy gives and what it brings, with intervals over the draws of the laws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyRow {
    /// The policy.
    pub policy: Policy,
    /// Pairs per language, in the order of the problem.
    pub pairs: Vec<u64>,
    /// Predicted loss per language: of the fitted laws, with the interval over the draws.
    pub loss_nats: Vec<Estimate>,
    /// Weighted mean of the losses, nats per target token: of the fitted laws, with the interval
    /// over the draws.
    pub mean_loss_nats: Estimate,
    /// The largest loss of a language that counts, nats per target token.
    pub worst_loss_nats: Estimate,
    /// Score of uniform less that of this policy, nats per target token: positive is better than
    /// uniform. The score is the mean loss, or the worst where that is the objective. Its value is
    /// the mean over the draws, not the gain under the fitted laws: those chose the allocation and
    /// so flatter it. Absent of uniform itself, and of ours where the optimum is not proven.
    pub gain_nats: Option<Estimate>,
    /// Score of this policy less that of ours, likewise: what going over to ours brings. Absent of
    /// ours, of the optima over the draws, which the very draws flatter that would judge them, and
    /// where the optimum is not proven.
    pub behind_nats: Option<Estimate>,
}

/// The allocation beside the baselines, under the uncertainty of the laws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The solved problem.
    pub allocation: Allocation,
    /// 90 % interval of each share when the problem is solved anew for every draw.
    pub shares: Vec<Estimate>,
    /// Policies; the first is ours, the second uniform. Those that go by unique pairs are left out
    /// where a language's are unknown.
    pub policies: Vec<PolicyRow>,
    /// Whether uniform meets the groups; where it does not there is nothing to keep.
    pub uniform_meets_groups: bool,
    /// Whether bounds, groups and budget leave more than one allocation.
    pub has_choice: bool,
    /// What the gains are of.
    pub gain_of: GainOf,
    /// Which laws predict the gains.
    pub predicted_by: PredictedBy,
    /// By how much another allocation may be better for all that is proven, nats per target token
    /// of the score.
    #[serde(with = "crate::units::any_number")]
    pub slack_nats: f64,
    /// What not knowing the laws is expected to cost the allocation, nats per target token of the
    /// score: the mean over the draws of what the draw's own optimum would save under it.
    #[serde(with = "crate::units::any_number")]
    pub expected_regret_nats: f64,
    /// The part of it that is noise around the fitted laws: the mean score, under the fitted laws,
    /// of the optima of draws of their form, less that of ours. Our gain over another policy is
    /// lowered by twice this (see [`compare`]). 0 by joint laws.
    #[serde(with = "crate::units::any_number")]
    pub noise_regret_nats: f64,
    /// The expected regret in closed form, to second order; absent where groups or an objective
    /// other than the mean couple the languages.
    pub regret_formula_nats: Option<f64>,
    /// Draws used.
    pub draws: usize,
}

#[cfg(test)]
mod tests;
