//! Why terms, a budget and constraints are not a problem.

use super::Budget;
use crate::solver::{Conflict, PartsError, SolveError};
use crate::units::Short;

/// Why terms and a budget are not a problem.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum ProblemError {
    /// A law of a shape that the solver does not take.
    #[error(
        "the law of `{lang}`, `{form}`, is convex first and then concave, expected one that is \
        concave from 0 or nowhere"
    )]
    Form { lang: String, form: &'static str },
    /// No terms.
    #[error("there is no language to give pairs to, expected at least one")]
    Empty,
    /// Two terms of one language.
    #[error("`{lang}` stands twice in the problem, expected once")]
    Duplicate { lang: String },
    /// A weight out of its range.
    #[error("weight of `{lang}` is {}, expected a finite number not below 0", Short(*found))]
    Weight { lang: String, found: f64 },
    /// Weights that are all 0, or whose sum overflows.
    #[error("weights sum to {}, expected a finite number above 0", Short(*found))]
    WeightSum { found: f64 },
    /// A cost of a pair out of its range.
    #[error("cost of a pair of `{lang}` is {}, expected a finite number above 0", Short(*found))]
    Cost { lang: String, found: f64 },
    /// Bounds of a language in the wrong order.
    #[error("lower bound of `{lang}` is {lower} pairs, above its upper bound of {upper}")]
    Crossed { lang: String, lower: u64, upper: u64 },
    /// A budget above `Problem::MAX_BUDGET`.
    #[error("budget of {budget} is too large, expected at most {most}")]
    TooLarge { budget: Budget, most: u64 },
    /// A budget that is no amount.
    #[error("budget is {}, expected a finite number above 0", Short(*found))]
    Budget { found: f64 },
    /// A budget that does not pay for the lower bounds.
    #[error(
        "budget of {budget} is {} below the lower bounds, which sum to {}",
        Short(*short),
        Short(*least)
    )]
    BelowLower { budget: Budget, least: f64, short: f64 },
    /// A budget of pairs that the upper bounds leave no room for.
    #[error(
        "budget of {budget} is {} above the upper bounds, which sum to {}; capped are {}",
        Short(*over),
        Short(*most),
        capped.join(", ")
    )]
    AboveUpper { budget: Budget, most: f64, over: f64, capped: Vec<String> },
    /// An infinite loss: languages that must get a pair, since their laws have a pole at 0, and
    /// cannot.
    #[error("no finite loss: {} get no pair and their laws are infinite there, expected a budget \
    of at least {least} and upper bounds above 0", langs.join(", "))]
    NoFiniteValue { langs: Vec<String>, least: Budget },
    /// A budget of cost below the cost of the cheapest pair.
    #[error(
        "budget of {budget} buys no pair, expected at least what the cheapest costs, {cheapest}"
    )]
    BuysNothing { budget: Budget, cheapest: Budget },
    /// A group without languages.
    #[error("group `{group}` names nobody, expected at least one language")]
    EmptyGroup { group: String },
    /// A level of CVaR out of its range.
    #[error("level of CVaR is {}, expected a number from 0 to below 1", Short(*found))]
    Level { found: f64 },
    /// CVaR over laws without draws.
    #[error("the mean of the worst draws needs draws of the laws, found none")]
    NoDraws,
    /// Transfer beside what needs a law per language: groups, or the worst language as objective.
    #[error(
        "transfer counts beside {beside}, expected it alone: under transfer no language has a loss \
        of its own amount"
    )]
    Coupled { beside: &'static str },
    /// Bounds, budget and groups that cannot all hold.
    #[error("no allocation meets all constraints: {0}")]
    Conflict(Conflict),
    /// A number that the solver refuses.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// Groups for which the search for whole pairs found none.
    #[error("no whole pairs that meet all groups were found")]
    NoWholePairs,
}

impl From<SolveError> for ProblemError {
    fn from(error: SolveError) -> Self {
        match error {
            SolveError::Infeasible(conflict) => ProblemError::Conflict(conflict),
            SolveError::Parts(error) => ProblemError::Parts(error),
            SolveError::NoFiniteValue(_) | SolveError::NoneFound => ProblemError::NoWholePairs,
        }
    }
}
