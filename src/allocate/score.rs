//! What policies are judged by, and by how many draws.

use super::{Objective, Problem};

/// Draws that a problem with groups is solved for, each a search of whole pairs.
const DRAWS_WITH_GROUPS: usize = 125;

/// Of so many draws every which one the problem is solved for.
pub(super) fn stride(problem: &Problem, count: usize) -> usize {
    if problem.groups().is_empty() { 1 } else { count.div_ceil(DRAWS_WITH_GROUPS).max(1) }
}

/// What policies are judged by: the mean loss, or the worst weighted one where that is the
/// objective; nats per target token.
pub(super) fn score(problem: &Problem, losses: &[f64]) -> f64 {
    match problem.objective() {
        Objective::Mean | Objective::Cvar(_) => weighted_mean(problem, losses),
        Objective::Worst | Objective::Fair => counted(problem, losses)
            .map(|(weight, loss)| weight * loss)
            .fold(f64::NEG_INFINITY, f64::max),
    }
}

/// Weights and losses of the languages that count.
fn counted<'a>(problem: &'a Problem, losses: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    problem
        .terms()
        .iter()
        .zip(losses)
        .filter(|(term, _)| term.weight > 0.0)
        .map(|(term, &loss)| (term.weight, loss))
}

/// Mean loss over languages by weight, nats per target token; those of weight 0 have no part in it.
pub(super) fn weighted_mean(problem: &Problem, losses: &[f64]) -> f64 {
    let counted =
        problem.mean_weights().into_iter().zip(losses).filter(|(weight, _)| *weight > 0.0);
    let (sum, weights) = counted
        .fold((0.0, 0.0), |(sum, weights), (weight, loss)| (sum + weight * loss, weights + weight));
    sum / weights
}

/// The largest loss of a language that counts.
pub(super) fn worst(problem: &Problem, losses: &[f64]) -> f64 {
    counted(problem, losses).map(|(_, loss)| loss).fold(f64::NEG_INFINITY, f64::max)
}
