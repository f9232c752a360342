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
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum BuildError {
    /// A name that means no language of the fits, or more than one.
    #[error("`{ask}` names `{lang}`, expected one of {}", known.join(", "))]
    UnknownLang { ask: Ask, lang: String, known: Vec<String> },
    /// Two values of one thing for one language, however the language is spelled.
    #[error(
        "`{ask}` names `{lang}` twice, as `{first}` and `{second}`, expected each language once"
    )]
    Repeated { ask: Ask, lang: String, first: String, second: String },
    /// A group with the same language twice.
    #[error(
        "group `{group}` counts `{lang}` twice, as `{first}` and `{second}`, expected each \
        language once"
    )]
    RepeatedMember { group: String, lang: String, first: String, second: String },
    /// Two groups of one name.
    #[error("two groups are called `{name}`, expected each name once")]
    RepeatedGroup { name: String },
    /// Most passes over the unique pairs, out of their range.
    #[error("`epochs` is {}, expected a finite number above 0", Short(*found))]
    Epochs { found: f64 },
    /// Amounts in tokens over fits that do not say how many target tokens a pair has.
    #[error(
        "the fits do not say how many tokens a pair of `{lang}` has, expected it where amounts are \
        in tokens"
    )]
    NoTokens { lang: String },
    /// Two costs of a pair: its tokens, and a price or a budget of cost.
    #[error("amounts in tokens and prices are asked for, expected one of them")]
    TokensAndPrices,
    /// Prices beside a budget that is counted in pairs.
    #[error("prices and a budget of pairs are given, expected a budget in units of the prices")]
    PricesAndPairs,
    /// A budget that is no amount.
    #[error("the budget is {}, expected a finite number above 0", Short(*found))]
    NoBudget { found: f64 },
    /// Neither a budget, nor a target, nor a mix in use whose cost would be the budget.
    #[error("no budget, no target and no mix in use, expected one of them")]
    NothingToSpend,
    /// A target beside another objective than the mean: targets are of the mean loss, or of named
    /// languages.
    #[error("a target and objective `{objective}` are asked for, expected one of them")]
    TargetBesideObjective { objective: Objective },
    /// A loss to be reached that no law can have.
    #[error(
        "target loss of `{lang}` is {}, expected a finite number of nats above 0",
        Short(*found)
    )]
    TargetLoss { lang: String, found: f64 },
    /// A target relative to the loss of the mix in use, where no mix is given.
    #[error("the target is a change, and there is no mix in use that it changes")]
    ChangeOfNothing,
    /// A promise to be no worse than a policy that is not defined here: `current` without a mix,
    /// others without unique pairs.
    #[error(
        "no language may do worse than under `{policy}`, and what that goes by is not known of \
        every language"
    )]
    UnknownPolicy { policy: Policy },
    /// Transfer is asked for, and the fits have none.
    #[error("the fits hold no transfer, expected those of an experiment that trained mixtures")]
    NoTransfer,
    /// The joint law is asked for where there is none, or where a problem cannot stand on it.
    #[error(
        "joint laws are asked for beside {beside}, expected a budget of pairs over fits of an \
        experiment that trained mixtures"
    )]
    NoJoint { beside: &'static str },
    /// What only curves say is asked of fits without any.
    #[error(
        "{asked} needs models of one language, found none in the fits, expected a budget of pairs"
    )]
    NoCurves { asked: &'static str },
    /// Transfer is asked for beside what is only solved without it.
    #[error(
        "transfer beside groups, targets or promises is asked for, expected a budget and bounds \
        alone"
    )]
    TransferBesideMore,
    /// Terms and a budget that are not a problem.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// A target that no budget reaches.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A problem without an optimum where a target or a promise needs one.
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
