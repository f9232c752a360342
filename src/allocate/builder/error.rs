//! Why what was asked for is no problem over some fits.

use crate::allocate::{Objective, Policy, ProblemError, SolveError, TargetError};
use crate::units::Short;
use std::fmt;

/// What a person may ask of each language by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Least amount.
    Min,
    /// Most.
    Max,
    /// Weight of its loss.
    Weight,
    /// Cost of a pair.
    Price,
    /// Its part in a group.
    Group,
    /// Its pairs in the mix in use.
    From,
    /// The loss that it is to reach.
    TargetLoss,
}

/// Why what was asked for is no problem over some fits.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BuildError {
    #[error("`{ask}` names `{lang}`, expected one of {}", known.join(", "))]
    UnknownLang { ask: Ask, lang: String, known: Vec<String> },
    #[error("`{ask}` names `{lang}` twice, as `{first}` and `{second}`, expected each language once")]
    Repeated { ask: Ask, lang: String, first: String, second: String },
    #[error("group `{group}` counts `{lang}` twice, as `{first}` and `{second}`, expected each language once")]
    RepeatedMember { group: String, lang: String, first: String, second: String },
    #[error("two groups are called `{name}`, expected each name once")]
    RepeatedGroup { name: String },
    #[error("`epochs` is {}, expected a finite number above 0", Short(*found))]
    Epochs { found: f64 },
    #[error("the fits do not say how many tokens a pair of `{lang}` has, expected it where amounts are in tokens")]
    NoTokens { lang: String },
    #[error("amounts in tokens and prices are asked for, expected one of them")]
    TokensAndPrices,
    #[error("prices and a budget of pairs are given, expected a budget in units of the prices")]
    PricesAndPairs,
    #[error("the budget is {}, expected a finite number above 0", Short(*found))]
    NoBudget { found: f64 },
    #[error("no budget, no target and no mix in use, expected one of them")]
    NothingToSpend,
    #[error("a target and objective `{objective}` are asked for, expected one of them")]
    TargetBesideObjective { objective: Objective },
    #[error("target loss of `{lang}` is {}, expected a finite number of nats above 0", Short(*found))]
    TargetLoss { lang: String, found: f64 },
    #[error("the target is a change, and there is no mix in use that it changes")]
    ChangeOfNothing,
    #[error("no language may do worse than under `{policy}`, and what that goes by is not known of every language")]
    UnknownPolicy { policy: Policy },
    #[error("the fits hold no transfer, expected those of an experiment that trained mixtures")]
    NoTransfer,
    #[error("joint laws are asked for beside {beside}, expected a budget of pairs over fits of an experiment that trained mixtures")]
    NoJoint { beside: &'static str },
    #[error("transfer beside groups, targets or promises is asked for, expected a budget and bounds alone")]
    TransferBesideMore,
    #[error(transparent)]
    Problem(#[from] ProblemError),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Solve(#[from] SolveError),
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ask::Min => "min",
            Ask::Max => "max",
            Ask::Weight => "weight",
            Ask::Price => "price",
            Ask::Group => "group",
            Ask::From => "from",
            Ask::TargetLoss => "target-loss",
        })
    }
}
