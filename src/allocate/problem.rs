//! A checked problem: terms, a budget, groups, what counts, and the proof that some allocation meets them all.

use super::solution::{self, Posed};
use super::{Allocation, Coupling, Drawn, Term};
use crate::optimum::{Conflict, Kernel};
use crate::units::Short;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

pub use crate::optimum::Rule;

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Budget {
    /// Pairs, all of which are given as far as groups let them.
    Pairs(u64),
    /// Units of cost, at most.
    Cost(f64),
}

impl Budget {
    /// The number.
    pub fn amount(self) -> f64 {
        match self {
            Budget::Pairs(pairs) => pairs as f64,
            Budget::Cost(cost) => cost,
        }
    }

    /// The same kind of budget of another size; pairs are rounded down.
    pub fn of(self, amount: f64) -> Self {
        match self {
            Budget::Pairs(_) => Budget::Pairs(amount as u64),
            Budget::Cost(_) => Budget::Cost(amount),
        }
    }
}

impl From<u64> for Budget {
    fn from(pairs: u64) -> Self {
        Budget::Pairs(pairs)
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Budget::Pairs(pairs) => write!(f, "{pairs} pairs"),
            Budget::Cost(cost) => write!(f, "{} units of cost", Short(*cost)),
        }
    }
}

/// How much a group is held by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many pairs.
    Pairs(u64),
    /// So many units of cost.
    Cost(f64),
    /// Such a fraction of the budget.
    Share(f64),
}

/// Languages whose pairs together are held.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Name, for messages.
    pub name: String,
    /// Places of its languages among the terms.
    pub members: Vec<usize>,
    /// Which side is held.
    pub rule: Rule,
    /// By what.
    pub amount: Amount,
}

/// What counts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Objective {
    /// The weighted sum of the losses.
    #[default]
    Mean,
    /// The largest weighted loss; of allocations with the same, the one of the least weighted sum.
    Worst,
    /// The weighted sum, its mean over the worst draws of the laws: those above this level, from 0 (all) to below 1.
    Tail(f64),
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objective::Mean => write!(f, "mean"),
            Objective::Worst => write!(f, "worst"),
            Objective::Tail(level) => write!(f, "cvar:{level}"),
        }
    }
}

/// Terms and a budget that some allocation meets.
///
/// Invariants, checked when it is made: at least one term; names unique; weights finite, not negative, with a finite sum above 0; costs
/// above 0; `lower <= upper`; the budget at most [`Problem::MAX_BUDGET`], the lower bounds cost at most the budget and the upper bounds at
/// least a budget of pairs; groups can be met; the objective is finite somewhere.
#[derive(Debug, Clone)]
pub struct Problem {
    terms: Vec<Term>,
    budget: Budget,
    groups: Vec<Group>,
    objective: Objective,
    /// Draws of the laws and of what repeats are worth, one `Vec` a draw, in the order of the terms.
    pub(super) draws: Arc<Vec<Vec<Drawn>>>,
    /// Transfer between the languages, where it counts.
    pub(super) coupling: Option<Arc<Coupling>>,
    /// Whether whole pairs under groups are worth a search: not for one draw of many.
    is_draw: bool,
}

/// Why terms and a budget are not a problem.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProblemError {
    #[error("the law of `{lang}`, `{form}`, is convex first and then concave, expected one that is concave from 0 or nowhere")]
    Form { lang: String, form: &'static str },
    #[error("there is no language to give pairs to, expected at least one")]
    Empty,
    #[error("`{lang}` stands twice in the problem, expected once")]
    Duplicate { lang: String },
    #[error("weight of `{lang}` is {}, expected a finite number not below 0", Short(*found))]
    Weight { lang: String, found: f64 },
    #[error("weights sum to {}, expected a finite number above 0", Short(*found))]
    WeightSum { found: f64 },
    #[error("cost of a pair of `{lang}` is {}, expected a finite number above 0", Short(*found))]
    Cost { lang: String, found: f64 },
    #[error("lower bound of `{lang}` is {lower} pairs, above its upper bound of {upper}")]
    Crossed { lang: String, lower: u64, upper: u64 },
    #[error("budget of {budget} is too large, expected at most {most}")]
    TooLarge { budget: Budget, most: u64 },
    #[error("budget is {}, expected a finite number above 0", Short(*found))]
    Budget { found: f64 },
    #[error("budget of {budget} is {} below the lower bounds, which sum to {}", Short(*short), Short(*least))]
    BelowLower { budget: Budget, least: f64, short: f64 },
    #[error("budget of {budget} is {} above the upper bounds, which sum to {}; capped are {}", Short(*over), Short(*most), capped.join(", "))]
    AboveUpper { budget: Budget, most: f64, over: f64, capped: Vec<String> },
    #[error("no finite loss: {} get no pair and their laws are infinite there; a budget of at least {least} and upper bounds above 0 are needed", langs.join(", "))]
    NoFiniteValue { langs: Vec<String>, least: Budget },
    #[error("group `{group}` names nobody, expected at least one language")]
    EmptyGroup { group: String },
    #[error("level of the tail is {}, expected a number from 0 to below 1", Short(*found))]
    Level { found: f64 },
    #[error("the mean of the worst draws needs draws of the laws, found none")]
    NoDraws,
    #[error("transfer counts beside {beside}, expected it alone: under transfer no language has a loss of its own amount")]
    Coupled { beside: &'static str },
    #[error("no allocation meets all constraints: {0}")]
    Conflict(Conflict),
}

impl Problem {
    /// Largest budget, 2^53 pairs: above it an `f64` no longer tells neighbouring whole numbers apart.
    pub const MAX_BUDGET: u64 = 1 << 53;

    /// Checks terms and budget; what counts is the weighted sum of losses.
    pub fn new(terms: Vec<Term>, budget: impl Into<Budget>) -> Result<Self, ProblemError> {
        let problem = Problem {
            terms,
            budget: budget.into(),
            groups: Vec::new(),
            objective: Objective::Mean,
            draws: Arc::default(),
            coupling: None,
            is_draw: false,
        };
        check_terms(&problem.terms)?;
        problem.checked()
    }

    /// The same problem with groups.
    pub fn with_groups(self, groups: Vec<Group>) -> Result<Self, ProblemError> {
        if let Some(group) = groups.iter().find(|group| group.members.is_empty()) {
            return Err(ProblemError::EmptyGroup { group: group.name.clone() });
        }
        Problem { groups, ..self }.checked()
    }

    /// The same problem with draws of its laws: one `Vec` a draw, in the order of the terms. A term beyond its end keeps its own laws.
    pub fn with_draws(self, draws: Vec<Vec<impl Into<Drawn>>>) -> Self {
        let draws = draws.into_iter().map(|draw| draw.into_iter().map(Into::into).collect()).collect();
        Problem { draws: Arc::new(draws), ..self }
    }

    /// The same problem with another objective; a tail needs draws.
    pub fn with_objective(self, objective: Objective) -> Result<Self, ProblemError> {
        match objective {
            Objective::Tail(found) if !(0.0..1.0).contains(&found) => Err(ProblemError::Level { found }),
            Objective::Tail(_) if self.draws.is_empty() => Err(ProblemError::NoDraws),
            _ => Ok(Problem { objective, ..self }),
        }
    }

    /// The same problem under another budget.
    pub fn with_budget(&self, budget: impl Into<Budget>) -> Result<Self, ProblemError> {
        Problem { budget: budget.into(), ..self.clone() }.checked()
    }

    /// The same problem with other laws, in the order of the terms; a term beyond the end of `laws` keeps its own.
    pub fn with_laws(&self, laws: &[impl Into<Drawn> + Copy]) -> Result<Self, ProblemError> {
        let mut problem = Problem { is_draw: true, ..self.clone() };
        problem.terms.iter_mut().zip(laws).for_each(|(term, &law)| *term = term.under(&law.into()));
        check_terms(&problem.terms)?;
        // other laws move a pole at most, which the budget shows
        problem.check_budget().map(|()| problem)
    }

    /// The same problem with higher lower bounds, in pairs.
    pub fn with_least(&self, least: &[u64]) -> Result<Self, ProblemError> {
        let mut problem = self.clone();
        problem.terms.iter_mut().zip(least).for_each(|(term, &least)| term.lower = term.lower.max(least));
        check_terms(&problem.terms)?;
        problem.checked()
    }

    fn checked(self) -> Result<Self, ProblemError> {
        self.check_budget()?;
        if self.groups.is_empty() {
            return Ok(self);
        }
        match Posed::of(&self).conflict() {
            Some(conflict) => Err(ProblemError::Conflict(conflict)),
            None => Ok(self),
        }
    }

    /// The languages, in the order given.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The budget.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Whether this is one draw of many, whose whole pairs are as good as rounded.
    pub(super) fn is_draw(&self) -> bool {
        self.is_draw
    }

    /// The groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// What counts.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// Draws of the laws.
    pub fn draws(&self) -> &[Vec<Drawn>] {
        &self.draws
    }

    /// The optimum in whole pairs, with its certificate. A language of weight 0 gets its lower bound unless the others are full.
    pub fn solve(&self) -> Allocation {
        solution::solve(self)
    }

    /// Loss of each language under an allocation, nats per target token.
    pub fn losses(&self, pairs: &[u64]) -> Vec<f64> {
        match &self.coupling {
            Some(coupling) => coupling.losses(&self.terms, pairs),
            None => self.terms.iter().zip(pairs).map(|(term, &x)| term.loss(x as f64)).collect(),
        }
    }

    /// Weighted sum of losses of an allocation, nats per target token; terms of weight 0 have no part in it.
    pub fn weighted_loss(&self, pairs: &[u64]) -> f64 {
        self.terms.iter().zip(self.losses(pairs)).filter(|(term, _)| term.weight > 0.0).map(|(term, loss)| term.weight * loss).sum()
    }

    /// Whether pairs meet the groups, to rounding.
    pub fn meets_groups(&self, pairs: &[u64]) -> bool {
        self.groups.iter().all(|group| {
            let sum = |cost: &dyn Fn(&Term) -> f64| group.members.iter().map(|&j| cost(&self.terms[j]) * pairs[j] as f64).sum::<f64>();
            let (found, asked) = match group.amount {
                Amount::Pairs(pairs) => (sum(&|_| 1.0), pairs as f64),
                Amount::Cost(cost) => (sum(&|term| self.cost(term)), cost),
                Amount::Share(share) => (sum(&|term| self.cost(term)), share * self.budget.amount()),
            };
            // a share of whole pairs is met to the pair
            let slack = 1e-9 * asked + if matches!(group.amount, Amount::Share(_)) { 0.5 } else { 0.0 };
            match group.rule {
                Rule::AtLeast => found >= asked - slack,
                Rule::AtMost => found <= asked + slack,
                Rule::Exactly => (found - asked).abs() <= slack,
            }
        })
    }

    /// Cost of a pair: 1 where the budget is one of pairs.
    pub fn cost(&self, term: &Term) -> f64 {
        match self.budget {
            Budget::Pairs(_) => 1.0,
            Budget::Cost(_) => term.cost,
        }
    }

    /// Most pairs that `term` can get in this problem.
    pub(super) fn most(&self, term: &Term) -> u64 {
        // a budget of so many pairs' cost to the last digit pays for as many
        let affordable = (self.budget.amount() / self.cost(term) * (1.0 + 1e-12)).floor().min(Problem::MAX_BUDGET as f64) as u64;
        let affordable = if let Budget::Pairs(pairs) = self.budget { pairs } else { affordable };
        term.upper.unwrap_or(u64::MAX).min(affordable)
    }

    fn check_budget(&self) -> Result<(), ProblemError> {
        let (budget, amount) = (self.budget, self.budget.amount());
        if !(amount.is_finite() && amount >= 0.0) {
            return Err(ProblemError::Budget { found: amount });
        }
        if amount > Problem::MAX_BUDGET as f64 {
            return Err(ProblemError::TooLarge { budget, most: Problem::MAX_BUDGET });
        }
        let total = |pairs: &dyn Fn(&Term) -> u64| self.terms.iter().map(|term| self.cost(term) * pairs(term) as f64).sum::<f64>();
        let least = total(&|term| term.lower);
        if least > amount * (1.0 + 1e-12) {
            return Err(ProblemError::BelowLower { budget, least, short: least - amount });
        }
        let most = total(&|term| term.upper.unwrap_or(u64::MAX));
        let must_spend = matches!(budget, Budget::Pairs(_)) && self.groups.is_empty();
        if must_spend && self.terms.iter().all(|term| term.upper.is_some()) && most < amount {
            let capped = self.terms.iter().map(|term| format!("`{}`", term.lang)).collect();
            return Err(ProblemError::AboveUpper { budget, most, over: amount - most, capped });
        }
        let least = total(&Term::least);
        let starved = |term: &&Term| term.least() > term.lower && (least > amount || term.upper == Some(0));
        let langs: Vec<String> = self.terms.iter().filter(starved).map(|term| format!("`{}`", term.lang)).collect();
        if langs.is_empty() { Ok(()) } else { Err(ProblemError::NoFiniteValue { langs, least: budget.of(least) }) }
    }
}

fn check_terms(terms: &[Term]) -> Result<(), ProblemError> {
    if terms.is_empty() {
        return Err(ProblemError::Empty);
    }
    let mut seen = HashSet::new();
    for term in terms {
        let lang = || term.lang.clone();
        if !seen.insert(&term.lang) {
            return Err(ProblemError::Duplicate { lang: lang() });
        }
        if !(term.weight.is_finite() && term.weight >= 0.0) {
            return Err(ProblemError::Weight { lang: lang(), found: term.weight });
        }
        if !(term.cost.is_finite() && term.cost > 0.0) {
            return Err(ProblemError::Cost { lang: lang(), found: term.cost });
        }
        if let Some(part) = term.laws.laws().iter().find(|part| Kernel::of(&part.law).is_none()) {
            return Err(ProblemError::Form { lang: lang(), form: part.law.form().name() });
        }
        if let Some(upper) = term.upper.filter(|&upper| upper < term.lower) {
            return Err(ProblemError::Crossed { lang: lang(), lower: term.lower, upper });
        }
    }
    let sum: f64 = terms.iter().map(|term| term.weight).sum();
    if sum.is_finite() && sum > 0.0 { Ok(()) } else { Err(ProblemError::WeightSum { found: sum }) }
}

/// The optimum at each budget. Budgets that no allocation meets are left out: an allocation names its budget.
pub fn budget_path(problem: &Problem, budgets: &[Budget]) -> Vec<Allocation> {
    budgets.par_iter().filter_map(|&budget| Some(problem.with_budget(budget).ok()?.solve())).collect()
}
