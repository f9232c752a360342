//! The front between the mean and the worst language: for each level that the worst may have, the
//! least mean.

use super::problem::{at_level, least_worst, worst_loss};
use super::{Objective, Problem, SolveError};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// One allocation of the front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParetoPoint {
    /// Pairs per language, in the order of the problem.
    pub pairs: Vec<u64>,
    /// Weighted mean of the losses, nats per target token.
    pub mean_loss_nats: f64,
    /// The largest weighted loss, nats per target token.
    pub worst_loss_nats: f64,
}

/// `count` allocations from the one of the least worst loss to the one of the least mean, their
/// worst losses evenly apart. No allocation has both a lower mean and a lower worst loss than one
/// of them, but for whole pairs. Under transfer, where no language has a level of its own, there is
/// none.
pub fn pareto_front(problem: &Problem, count: usize) -> Result<Vec<ParetoPoint>, SolveError> {
    if problem.coupling().is_some() {
        return Ok(Vec::new());
    }
    let Ok(mean) = problem.clone().with_objective(Objective::Mean) else { return Ok(Vec::new()) };
    let weights: f64 = problem.terms().iter().map(|term| term.weight).sum();
    let point = |problem: &Problem| -> Result<ParetoPoint, SolveError> {
        let pairs = problem.solve()?.pairs();
        let mean_loss_nats = problem.weighted_loss(&pairs) / weights;
        Ok(ParetoPoint { mean_loss_nats, worst_loss_nats: worst_loss(problem, &pairs), pairs })
    };
    let (first, last) = (point(&least_worst(&mean).0)?, point(&mean)?);
    let apart = last.worst_loss_nats - first.worst_loss_nats;
    if !(apart > 0.0 && apart.is_finite()) || count < 2 {
        return Ok(vec![last]);
    }
    let level = |at: usize| first.worst_loss_nats + apart * at as f64 / (count - 1) as f64;
    let between =
        (1..count - 1).into_par_iter().filter_map(|at| point(&at_level(&mean, level(at))?).ok());
    let between: Vec<ParetoPoint> = between.collect();
    Ok(std::iter::once(first).chain(between).chain([last]).collect())
}
