//! The optimum in whole pairs, and what it says of each language.

use super::level::{least_worst, worst_loss};
use super::{Budget, Group, Objective, Problem};
use crate::allocate::{Active, AllocatedLanguage, Allocation, GroupPrice, Term};
use crate::solver::SolveError;

/// Share of the objective that is only the rounding which a bound allows for: the plan is exact.
const ROUNDING: f64 = 1e-13;

/// Solves a checked problem.
pub(super) fn solve(problem: &Problem) -> Result<Allocation, SolveError> {
    if problem.objective().is_of_worst() {
        return solve_worst(problem);
    }
    let (pairs, solved) = problem.posed()?.solve(problem)?;
    let excess = solved.objective - solved.lower_bound;
    let excess = if excess <= ROUNDING * solved.objective { 0.0 } else { excess };
    // the sum in the order of the terms, digit for digit what anybody adds up; CVaR is the solver's
    let tail = matches!(problem.objective(), Objective::Cvar(_));
    let objective = if tail { solved.objective } else { problem.weighted_loss(&pairs) };
    let mut allocation = describe(problem, &pairs, objective, excess);
    let plain = matches!(problem.budget(), Budget::Pairs(_))
        && problem.groups().is_empty()
        && problem.coupling().is_none()
        && !tail;
    if !plain {
        allocation.shadow_price = solved.budget_multiplier;
    }
    let price = |(group, &shadow_price): (&Group, &f64)| GroupPrice {
        group: group.name.clone(),
        shadow_price,
    };
    allocation.groups = problem.groups().iter().zip(&solved.row_multipliers).map(price).collect();
    Ok(allocation)
}

/// The least worst loss, and of all allocations that reach it the one of the least sum.
fn solve_worst(problem: &Problem) -> Result<Allocation, SolveError> {
    let (held, unreached) = least_worst(problem);
    let (pairs, _) = held.posed()?.solve(problem)?;
    let worst = worst_loss(problem, &pairs);
    let all = worst_loss(
        problem,
        &problem.terms().iter().map(|term| problem.most(term)).collect::<Vec<_>>(),
    );
    let bound = if worst <= all { worst } else { unreached.min(worst) };
    let mut allocation = describe(problem, &pairs, worst, worst - bound);
    // what a unit of budget does for the worst loss: the slope of every language that is at the
    // level
    let at_level = |(term, &x): (&Term, &u64)| {
        let slope = -term.weight * term.slope(x as f64);
        let near = term.weight * term.loss(x as f64) >= worst - slope;
        (near && x < problem.most(term) && slope > 0.0).then(|| problem.cost(term) / slope)
    };
    let cost: f64 = problem.terms().iter().zip(&pairs).filter_map(at_level).sum();
    let stuck =
        problem.terms().iter().zip(&pairs).any(|(term, &x)| {
            x >= problem.most(term) && term.weight * term.loss(x as f64) >= worst
        });
    allocation.shadow_price = if stuck || cost == 0.0 { 0.0 } else { 1.0 / cost };
    Ok(allocation)
}

fn describe(problem: &Problem, pairs: &[u64], objective: f64, excess: f64) -> Allocation {
    let given = pairs.iter().sum::<u64>() as f64;
    let total =
        if let (Budget::Pairs(budget), true) = (problem.budget(), problem.groups().is_empty()) {
            budget as f64
        } else {
            given
        };
    let language = |(i, (term, &x)): (usize, (&Term, &u64))| {
        allocated(term, x, problem.floor(i), total.max(1.0))
    };
    let mut languages: Vec<AllocatedLanguage> =
        problem.terms().iter().zip(pairs).enumerate().map(language).collect();
    if let Some(coupling) = problem.coupling() {
        let both = coupling
            .losses(problem.terms(), pairs)
            .into_iter()
            .zip(coupling.gains(problem.terms(), pairs));
        languages.iter_mut().zip(both).for_each(|(row, (loss, gain))| {
            (row.loss_nats, row.marginal_gain_per_1k) = (loss, 1000.0 * gain);
        });
    }
    let floor: f64 = match problem.objective() {
        Objective::Worst | Objective::Fair => 0.0,
        _ => problem.terms().iter().map(|term| term.weight * term.laws.irreducible()).sum(),
    };
    let price = |(term, &x): (&Term, &u64)| term.weight * term.fall(x as f64, x as f64 + 1.0);
    let wanting = problem
        .terms()
        .iter()
        .zip(pairs)
        .filter(|(term, x)| term.weight > 0.0 && term.upper.is_none_or(|upper| **x < upper));
    Allocation {
        languages,
        budget: problem.budget(),
        objective,
        shadow_price: wanting.map(price).fold(0.0, f64::max),
        groups: Vec::new(),
        lower_bound: objective - excess,
        gap: if excess.is_infinite() {
            excess
        } else if excess > 0.0 {
            excess / (objective - floor)
        } else {
            0.0
        },
    }
}

fn allocated(term: &Term, pairs: u64, floor: u64, total: f64) -> AllocatedLanguage {
    let x = pairs as f64;
    AllocatedLanguage {
        lang: term.lang.clone(),
        pairs,
        share: x / total,
        epochs: term.unique.filter(|&unique| unique > 0).map(|unique| x / unique as f64),
        // a language of weight 0 has no part in the objective, even at a pole
        marginal_gain_per_1k: if term.weight == 0.0 {
            0.0
        } else {
            -1000.0 * term.weight * term.slope(x)
        },
        active: match pairs {
            _ if pairs == term.lower => Active::Lower,
            _ if pairs == floor => Active::Floor,
            _ if term.upper == Some(pairs) => Active::Upper,
            _ => Active::None,
        },
        loss_nats: term.loss(x),
    }
}
