//! Weights of languages and draws: made admissible for the risk, and what they leave of the
//! objective.

use crate::solver::kernel::Jet;
use crate::solver::problem::{Over, Program, Risk, sum};

/// `F(x) - sum q w L`, a sum of parts that are not negative.
pub(super) fn spread(program: &Program, jets: &[Jet], losses: &[f64], atoms: &[f64]) -> f64 {
    let own = program.draw_weights(losses);
    // weights of draws: what their atoms sum to, or any one of them where they stand for the sum
    // over languages
    let weight = |k: usize| match program.over {
        Over::Worst => sum((0..program.len()).map(|i| atoms[i * program.draws + k])),
        Over::Sum => atoms[k],
    };
    let pivot = losses
        .iter()
        .zip(&own)
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(loss, _)| *loss)
        .fold(f64::INFINITY, f64::min);
    let between = sum((0..program.draws).map(|k| (own[k] - weight(k)) * (losses[k] - pivot)));
    let within = match program.over {
        Over::Sum => 0.0,
        Over::Worst => sum((0..program.kernels.len()).filter(|&at| atoms[at] > 0.0).map(|at| {
            atoms[at] * (losses[at % program.draws] - program.kernels[at].floor - jets[at].value)
        })),
    };
    between.max(0.0) + within.max(0.0)
}

/// Weights scaled and clipped to sum to 1 within what the risk allows a draw; absent for a mean of
/// sums.
pub(super) fn admissible(program: &Program, atoms: &[f64]) -> Option<Vec<f64>> {
    let (n, draws) = (program.len(), program.draws);
    let is_mean = matches!(program.risk, Risk::Mean);
    if program.over == Over::Sum && is_mean {
        return None;
    }
    let mut atoms: Vec<f64> = if atoms.len() == n * draws {
        atoms.iter().map(|q| q.max(0.0)).collect()
    } else {
        vec![1.0; n * draws]
    };
    let count = |k: usize| (0..n).map(move |i| i * draws + k);
    (0..n * draws)
        .filter(|at| program.over == Over::Worst && program.kernels[*at].is_idle())
        .for_each(|at| atoms[at] = 0.0);
    let held: Vec<f64> = match program.over {
        Over::Sum => atoms[..draws].to_vec(),
        Over::Worst => (0..draws).map(|k| sum(count(k).map(|at| atoms[at]))).collect(),
    };
    let wanted = match program.risk {
        Risk::Mean => vec![1.0 / draws as f64; draws],
        Risk::Cvar { level } => capped(&held, 1.0 / ((1.0 - level) * draws as f64)),
    };
    for k in 0..draws {
        let weighted = count(k).filter(|&at| !program.kernels[at].is_idle()).count() as f64;
        for at in count(k) {
            atoms[at] = match program.over {
                Over::Sum => wanted[k],
                Over::Worst if held[k] > 0.0 => atoms[at] / held[k] * wanted[k],
                Over::Worst if program.kernels[at].is_idle() => 0.0,
                Over::Worst => wanted[k] / weighted,
            };
        }
    }
    Some(atoms)
}

/// The nearest multiples of the weights that sum to 1, none above `most`.
fn capped(weights: &[f64], most: f64) -> Vec<f64> {
    let total = sum(weights.iter().copied());
    let even = 1.0 / weights.len() as f64;
    let mut scaled: Vec<f64> =
        weights.iter().map(|weight| if total > 0.0 { weight / total } else { even }).collect();
    // what is above the cap goes to the others in proportion; each round caps one more, and a last
    // round spreads rounding
    for _ in 0..weights.len() {
        let over = sum(scaled.iter().map(|weight| (weight - most).max(0.0)));
        let free = sum(scaled.iter().filter(|weight| **weight < most).copied());
        if over <= f64::EPSILON {
            break;
        }
        let grow = if free > 0.0 { 1.0 + over / free } else { 1.0 };
        scaled
            .iter_mut()
            .for_each(|weight| *weight = if *weight >= most { most } else { *weight * grow });
        if free <= 0.0 {
            let room = scaled.iter().filter(|weight| **weight == 0.0).count() as f64;
            scaled
                .iter_mut()
                .filter(|weight| **weight == 0.0)
                .for_each(|weight| *weight = over / room);
        }
    }
    scaled
}
