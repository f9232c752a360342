//! Few whole amounts: all of them are looked at.

use crate::solver::certificate::{Duals, PrimalDual};
use crate::solver::problem::Program;

/// What all whole amounts come to.
pub(crate) enum Looked {
    /// The best of those that meet budget and rows.
    Best(PrimalDual),
    /// Some meet them, all at an infinite loss.
    Infinite,
    /// None meet them.
    None,
}

/// Looks at all whole amounts within bounds that are whole grains.
pub(crate) fn look(program: &Program, grains: &[f64]) -> Looked {
    let reach: Vec<f64> =
        program.reach().zip(&program.own).map(|(reach, own)| reach.min(own.upper)).collect();
    let steps: Vec<u64> = (0..program.len())
        .map(|i| ((reach[i] - program.own[i].lower) / grains[i] + 1e-9).floor().max(0.0) as u64)
        .collect();
    let mut best: Option<(f64, Vec<f64>)> = None;
    let mut counts = vec![0u64; program.len()];
    loop {
        let x: Vec<f64> = (0..program.len())
            .map(|i| program.own[i].lower + grains[i] * counts[i] as f64)
            .collect();
        if program.holds(&x) {
            let objective = program.objective(&x);
            let objective = if objective.is_nan() { f64::INFINITY } else { objective };
            if best.as_ref().is_none_or(|(known, _)| objective < *known) {
                best = Some((objective, x));
            }
        }
        // the next number, its digits the steps
        let Some(digit) = (0..counts.len()).find(|&i| counts[i] < steps[i]) else { break };
        counts[digit] += 1;
        counts[..digit].fill(0);
    }
    match best {
        Some((objective, x)) if objective.is_finite() => {
            Looked::Best(PrimalDual { x, duals: Duals::default(), ln_price: None })
        }
        Some(_) => Looked::Infinite,
        None => Looked::None,
    }
}
