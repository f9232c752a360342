//! Few whole amounts: all of them are looked at.

use crate::optimum::certificate::Duals;
use crate::optimum::program::Program;
use crate::optimum::separable::Solution;

/// The best whole amounts that meet budget and rows; absent where none do at a finite loss.
pub(super) fn best(program: &Program, grains: &[f64]) -> Option<Solution> {
    let reach: Vec<f64> = program.reach().zip(&program.own).map(|(reach, own)| reach.min(own.upper)).collect();
    let steps: Vec<u64> =
        (0..program.len()).map(|i| ((reach[i] - program.own[i].lower) / grains[i] + 1e-9).floor().max(0.0) as u64).collect();
    let mut best: Option<(f64, Vec<f64>)> = None;
    let mut counts = vec![0u64; program.len()];
    loop {
        let x: Vec<f64> = (0..program.len()).map(|i| program.own[i].lower + grains[i] * counts[i] as f64).collect();
        if program.holds(&x) {
            let objective = program.objective(&x);
            if objective.is_finite() && best.as_ref().is_none_or(|(known, _)| objective < *known) {
                best = Some((objective, x));
            }
        }
        // the next number, its digits the steps
        let Some(digit) = (0..counts.len()).find(|&i| counts[i] < steps[i]) else { break };
        counts[digit] += 1;
        counts[..digit].fill(0);
    }
    best.map(|(_, x)| Solution { x, duals: Duals::default(), ln_price: None })
}
