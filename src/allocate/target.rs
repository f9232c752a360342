//! The problem turned round: the least budget whose optimum reaches a target.

use super::Term;
use super::problem::{Budget, Group, Problem, ProblemError, pairs_for};
use crate::solver::SolveError;
use crate::units::Short;

/// What is to be reached.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The weighted mean of the losses is at most this, nats per target token.
    Mean(f64),
    /// Languages, by their places, are at most at these losses.
    Losses(Vec<(usize, f64)>),
}

/// Why no budget reaches a target.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum TargetError {
    /// A mean loss below that of the optimum under all that may be spent.
    #[error("no amount of data brings the mean loss to {} nats: with all that the bounds allow it \
    is {}", Short(*target), Short(*best))]
    Mean { target: f64, best: f64 },
    /// A loss of a language below that of the most pairs that it can get.
    #[error(
        "at most {pairs} pairs do not bring `{lang}` to {} nats: its loss is {} there",
        Short(*target),
        Short(*best)
    )]
    Loss { lang: String, target: f64, best: f64, pairs: u64 },
    /// The lower bounds that a target asks for, or the groups, do not fit into the budget.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// The optimum under all that may be spent was not found.
    #[error(transparent)]
    Solve(#[from] SolveError),
}

impl Budget {
    /// A budget of pairs, or of cost, that fills every language of the terms, as far as numbers go.
    pub fn ample(terms: &[Term], of_cost: bool) -> Self {
        let cost = |term: &Term| if of_cost { term.cost } else { 1.0 };
        let full: f64 = terms
            .iter()
            .map(|term| term.upper.map_or(f64::INFINITY, |upper| cost(term) * upper as f64))
            .sum();
        let amount = full.min(Problem::MAX_BUDGET as f64);
        if of_cost { Budget::Cost(amount) } else { Budget::Pairs(amount as u64) }
    }
}

/// The problem under the least budget that reaches a target: to the pair, or to the cost of the
/// cheapest pair. The budget of `problem` is the most that may be spent. Groups come apart from it,
/// for shares of that most need not fit where those of the least do.
pub fn least_budget(
    problem: &Problem,
    groups: &[Group],
    target: &Target,
) -> Result<Problem, TargetError> {
    let step = problem.terms().iter().map(|term| problem.cost(term)).fold(f64::INFINITY, f64::min);
    let most = (problem.budget().amount() / step).ceil().min(Problem::MAX_BUDGET as f64) as u64;
    let held = match target {
        Target::Losses(losses) => problem.with_least(&needs(problem, losses)?)?,
        Target::Mean(_) => problem.clone(),
    };
    let at = |steps: u64| {
        let budget =
            held.budget().of((steps as f64 * step * (1.0 + 1e-12)).min(held.budget().amount()));
        let grouped =
            held.with_budget(budget).and_then(|problem| problem.with_groups(groups.to_vec()));
        grouped.ok().filter(|problem| reaches(problem, target))
    };
    if let Target::Mean(target) = *target {
        let best = mean_loss(&held)?;
        if best > target {
            return Err(TargetError::Mean { target, best });
        }
    }
    if let Some(nothing) = at(0) {
        return Ok(nothing);
    }
    let mut best = None;
    // what is enough is found by doubling: a budget beyond all sense makes a slow problem
    let (mut below, mut enough) = (0, 1);
    while enough < most {
        match at(enough) {
            Some(problem) => {
                best = Some(problem);
                break;
            }
            None => (below, enough) = (enough, enough.saturating_mul(2).min(most)),
        }
    }
    while enough - below > 1 {
        let middle = below + (enough - below) / 2;
        match at(middle) {
            Some(problem) => (enough, best) = (middle, Some(problem)),
            None => below = middle,
        }
    }
    match best.or_else(|| at(most)) {
        Some(problem) => Ok(problem),
        None => Ok(held.with_groups(groups.to_vec())?),
    }
}

/// Pairs that bring each language to its loss.
fn needs(problem: &Problem, losses: &[(usize, f64)]) -> Result<Vec<u64>, TargetError> {
    let mut needs = vec![0; problem.terms().len()];
    for &(i, target) in losses {
        let term = &problem.terms()[i];
        let most = problem.most(term);
        let best = term.loss(most as f64);
        let failed = || TargetError::Loss { lang: term.lang.clone(), target, best, pairs: most };
        needs[i] = needs[i].max(pairs_for(term, target, most).ok_or_else(failed)?);
    }
    Ok(needs)
}

fn reaches(problem: &Problem, target: &Target) -> bool {
    match target {
        Target::Mean(mean) => mean_loss(problem).is_ok_and(|found| found <= *mean),
        Target::Losses(_) => true,
    }
}

/// Weighted mean loss of the optimum.
fn mean_loss(problem: &Problem) -> Result<f64, SolveError> {
    Ok(problem.weighted_loss(&problem.solve()?.pairs())
        / problem.terms().iter().map(|term| term.weight).sum::<f64>())
}
