//! The optimum in whole pairs, as the general solver of `optimum` finds it, and what it says of each language.

use super::problem::Problem;
use super::{Active, Allocation, Allotted, Term};
use crate::optimum::{self, Budget, Kernel, Language, Over, Parts, Risk};

/// Share of the objective that is only the rounding which a bound allows for: the plan is exact.
const ROUNDING: f64 = 1e-14;

/// Solves a checked problem.
pub(super) fn solve(problem: &Problem) -> Allocation {
    let language = |term: &Term| Language {
        name: term.lang.clone(),
        weight: term.weight,
        cost: 1.0,
        lower: term.lower as f64,
        upper: Some(problem.most(term) as f64),
        laws: Kernel::of(&term.law).into_iter().collect(),
        repeat: None,
        grain: Some(1.0),
    };
    let parts = Parts {
        languages: problem.terms().iter().map(language).collect(),
        budget: Budget { amount: problem.budget() as f64, exactly: true },
        groups: Vec::new(),
        transfer: Vec::new(),
        over: Over::Sum,
        risk: Risk::Mean,
    };
    // a checked problem is one to the solver too, and has amounts; the lower bounds stand in for what cannot be
    let solved = optimum::Problem::new(parts).ok().and_then(|posed| optimum::solve(&posed).solved);
    match solved {
        Some(solved) => {
            let pairs: Vec<u64> = solved.x.iter().map(|&x| x.round() as u64).collect();
            let excess = solved.objective - solved.lower_bound;
            let excess = if excess <= ROUNDING * solved.objective { 0.0 } else { excess };
            describe(problem, &pairs, excess)
        }
        None => describe(problem, &problem.terms().iter().map(|term| term.lower).collect::<Vec<u64>>(), f64::INFINITY),
    }
}

fn describe(problem: &Problem, pairs: &[u64], excess: f64) -> Allocation {
    let total = (problem.budget() as f64).max(1.0);
    let languages = problem.terms().iter().zip(pairs).map(|(term, &x)| allotted(term, x, total)).collect();
    let objective = problem.objective(pairs);
    let floor: f64 = problem.terms().iter().map(|term| term.weight * term.law.irreducible()).sum();
    let lower_bound = objective - excess;
    let gap = if excess > 0.0 { excess / (objective - floor) } else { 0.0 };
    let price = |(term, &x): (&Term, &u64)| term.weight * term.law.fall(x as f64, x as f64 + 1.0);
    let wanting = problem.terms().iter().zip(pairs).filter(|(term, x)| term.weight > 0.0 && term.upper.is_none_or(|upper| **x < upper));
    let shadow_price = wanting.map(price).fold(0.0, f64::max);
    Allocation { languages, budget: problem.budget(), objective, shadow_price, lower_bound, gap }
}

fn allotted(term: &Term, pairs: u64, total: f64) -> Allotted {
    let x = pairs as f64;
    Allotted {
        lang: term.lang.clone(),
        pairs,
        share: x / total,
        epochs: term.unique.filter(|&unique| unique > 0).map(|unique| x / unique as f64),
        // a language of weight 0 has no part in the objective, even at a pole
        marginal_gain_per_1k: if term.weight == 0.0 { 0.0 } else { -1000.0 * term.weight * term.law.slope(x) },
        active: match pairs {
            _ if pairs == term.lower => Active::Lower,
            _ if term.upper == Some(pairs) => Active::Upper,
            _ => Active::None,
        },
        loss_nats: term.law.loss(x),
    }
}
