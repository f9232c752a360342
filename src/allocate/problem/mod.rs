//! A checked problem: terms, a budget, groups, what counts, and the proof that some allocation
//! meets them all.

mod check;
mod coupling;
mod error;
mod fair;
mod level;
mod optimum;
mod posed;
mod slots;
mod solution;
mod whole;

pub use coupling::Coupling;
pub use error::ProblemError;
pub use level::no_worse_than;
pub(super) use level::{at_level, least_worst, pairs_for, worst_loss};
pub(super) use posed::Posed;
pub(super) use slots::{Slot, round};

use super::{Allocation, Drawn, Term};
use crate::solver::{PartsError, SolveError};
use crate::units::Short;
use check::check_terms;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Arc, OnceLock};

pub use crate::solver::Rule;

/// What may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// The largest of the losses over what all pairs of the budget would bring the language, in the
    /// unit of a loss: [`Problem::with_fair_weights`].
    Fair,
    /// The weighted sum, its mean over the worst draws of the laws: those above this level, from 0
    /// (all) to below 1.
    Cvar(f64),
}

impl Objective {
    /// Whether one language decides: the one of the largest weighted loss.
    pub fn is_of_worst(self) -> bool {
        matches!(self, Objective::Worst | Objective::Fair)
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Objective::Mean => write!(f, "mean"),
            Objective::Worst => write!(f, "worst"),
            Objective::Fair => write!(f, "fair"),
            Objective::Cvar(level) => write!(f, "cvar:{level}"),
        }
    }
}

/// Terms and a budget that some allocation meets.
///
/// Invariants, checked when it is made: at least one term; names unique; weights finite, not
/// negative, with a finite sum above 0; costs above 0; `lower <= upper`; the budget at most
/// [`Problem::MAX_BUDGET`], the lower bounds cost at most the budget and the upper bounds at least
/// a budget of pairs; groups can be met; the objective is finite somewhere.
#[derive(Debug, Clone)]
pub struct Problem {
    terms: Vec<Term>,
    budget: Budget,
    groups: Vec<Group>,
    objective: Objective,
    /// Draws of the laws and of what repeats are worth, one `Vec` per draw, in the order of the
    /// terms.
    draws: Arc<Vec<Vec<Drawn>>>,
    /// Transfer between the languages, where it counts.
    coupling: Option<Arc<Coupling>>,
    /// Whether this is one of many problems about the one that is asked: a draw, another budget,
    /// another level. Its optimum need not be searched for to the end.
    is_sketch: bool,
    /// Pairs below which laws are read downwards beyond what was run, a language; empty where
    /// nothing is known.
    asked_floors: Arc<Vec<u64>>,
    /// What of them the budget, the bounds and the groups leave room for: the optimum keeps to
    /// these.
    floors: Vec<u64>,
    /// Whole pairs that meet bounds, budget and groups; absent without groups, where nothing needs
    /// to be shown.
    witness: Option<Arc<Vec<u64>>>,
    /// Weights as they were asked for, where those of the terms are fair shares' ones.
    asked_weights: Option<Arc<Vec<f64>>>,
    /// The problem as the solver takes it, made once; whatever changes the problem empties it.
    posed: OnceLock<Arc<Posed>>,
}

impl Problem {
    /// Largest budget, 2^53 pairs: above it an `f64` no longer tells neighbouring whole numbers
    /// apart.
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
            is_sketch: false,
            asked_floors: Arc::default(),
            floors: Vec::new(),
            witness: None,
            asked_weights: None,
            posed: OnceLock::new(),
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

    /// The same problem with draws of its laws: one `Vec` per draw, in the order of the terms. A
    /// term beyond its end keeps its own laws.
    pub fn with_draws(self, draws: Vec<Vec<impl Into<Drawn>>>) -> Self {
        let draws =
            draws.into_iter().map(|draw| draw.into_iter().map(Into::into).collect()).collect();
        let mut problem = Problem { draws: Arc::new(draws), ..self };
        problem.settle_floors();
        problem
    }

    /// The same problem whose optimum gives no language fewer pairs than these where budget, bounds
    /// and groups leave room for them all: at most half an even share, none to a language of weight
    /// 0. Baselines and the mix in use know no floors.
    pub fn with_floors(self, floors: Vec<u64>) -> Self {
        let mut problem = Problem { asked_floors: Arc::new(floors), ..self };
        problem.settle_floors();
        problem
    }

    /// The same problem with another objective; CVaR needs draws.
    pub fn with_objective(self, objective: Objective) -> Result<Self, ProblemError> {
        match objective {
            Objective::Cvar(found) if !(0.0..1.0).contains(&found) => {
                Err(ProblemError::Level { found })
            }
            Objective::Cvar(_) if self.draws.is_empty() => Err(ProblemError::NoDraws),
            _ => Ok(Problem { objective, posed: OnceLock::new(), ..self }),
        }
    }

    /// The same problem under another budget; joint laws and their draws are those of models of its
    /// size.
    pub fn with_budget(&self, budget: impl Into<Budget>) -> Result<Self, ProblemError> {
        let mut problem = Problem { budget: budget.into(), ..self.clone() };
        if let (true, Budget::Pairs(total)) = (self.is_joint(), problem.budget) {
            let total = total as f64;
            problem.terms.iter_mut().for_each(|term| term.laws = term.laws.of_total(total));
            let resized = |draw: &Vec<Drawn>| {
                draw.iter()
                    .map(|drawn| Drawn { law: drawn.law.of_total(total), ..*drawn })
                    .collect()
            };
            problem.draws = Arc::new(self.draws.iter().map(resized).collect());
        }
        problem.checked()
    }

    /// Whether it stands on the joint law of the pooled model.
    pub fn is_joint(&self) -> bool {
        self.terms.iter().any(Term::is_joint)
    }

    /// The same problem with other laws, in the order of the terms; a term beyond the end of `laws`
    /// keeps its own.
    pub fn with_laws(&self, laws: &[impl Into<Drawn> + Copy]) -> Result<Self, ProblemError> {
        let mut problem = self.sketched();
        problem.terms.iter_mut().zip(laws).for_each(|(term, &law)| *term = term.under(&law.into()));
        check_terms(&problem.terms)?;
        // other laws move a pole at most, which the budget shows
        problem.check_budget().map(|()| problem)
    }

    /// The same problem with higher lower bounds, in pairs.
    pub fn with_least(&self, least: &[u64]) -> Result<Self, ProblemError> {
        let mut problem = self.clone();
        problem
            .terms
            .iter_mut()
            .zip(least)
            .for_each(|(term, &least)| term.lower = term.lower.max(least));
        check_terms(&problem.terms)?;
        problem.checked()
    }

    /// The languages, in the order given.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The budget.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Whether this is one of many problems about another one, whose whole pairs are as good as
    /// rounded.
    pub(super) fn is_sketch(&self) -> bool {
        self.is_sketch
    }

    /// The same problem as one of many about another one.
    pub(super) fn sketched(&self) -> Self {
        Problem { is_sketch: true, posed: OnceLock::new(), ..self.clone() }
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

    /// The optimum in whole pairs, with its certificate. A language of weight 0 gets its lower
    /// bound unless the others are full.
    pub fn solve(&self) -> Result<Allocation, SolveError> {
        solution::solve(self)
    }

    /// The problem as the solver takes it.
    pub(super) fn posed(&self) -> Result<&Posed, PartsError> {
        match self.posed.get() {
            Some(posed) => Ok(posed),
            None => Posed::of(self).map(|posed| &**self.posed.get_or_init(|| Arc::new(posed))),
        }
    }

    /// Loss of each language under an allocation, nats per target token.
    pub fn losses(&self, pairs: &[u64]) -> Vec<f64> {
        match &self.coupling {
            Some(coupling) => coupling.losses(&self.terms, pairs),
            None => self.terms.iter().zip(pairs).map(|(term, &x)| term.loss(x as f64)).collect(),
        }
    }

    /// Weighted sum of losses of an allocation, nats per target token; terms of weight 0 have no
    /// part in it.
    pub fn weighted_loss(&self, pairs: &[u64]) -> f64 {
        self.terms
            .iter()
            .zip(self.losses(pairs))
            .filter(|(term, _)| term.weight > 0.0)
            .map(|(term, loss)| term.weight * loss)
            .sum()
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
        let affordable = (self.budget.amount() / self.cost(term) * (1.0 + 1e-12))
            .floor()
            .min(Problem::MAX_BUDGET as f64) as u64;
        let affordable = if let Budget::Pairs(pairs) = self.budget { pairs } else { affordable };
        term.upper.unwrap_or(u64::MAX).min(affordable)
    }
}

/// The optimum at each budget. Budgets that no allocation meets, or for which none was found, are
/// left out: an allocation names its budget.
pub fn budget_path(problem: &Problem, budgets: &[Budget]) -> Vec<Allocation> {
    let mut sketch = problem.sketched();
    if !matches!(sketch.objective(), Objective::Cvar(_)) {
        // nothing goes by them, and joint laws would have each made anew for each budget
        sketch.draws = Arc::default();
    }
    budgets.par_iter().filter_map(|&budget| sketch.with_budget(budget).ok()?.solve().ok()).collect()
}

/// Pairs as the solver has them.
fn amounts(pairs: &[u64]) -> Vec<f64> {
    pairs.iter().map(|&x| x as f64).collect()
}
