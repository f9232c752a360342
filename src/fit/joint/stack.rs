//! Which forms of the joint law to believe: each is asked for models of several languages that it
//! was not fitted to.
//!
//! ```text
//! maximise over weights w   sum_m ln sum_f w_f p_f(m)
//! ln p_f(m) = mean over languages of the ln density of ln loss_mi
//! ```
//!
//! (Yao et al. 2018), each form as if one model spoke for it before any. The mean over languages,
//! not the sum: languages of one model err together.

use super::cells::Cell;
use super::coordinates::Frame;
use super::mode::{Data, Mode};
use super::noise::covariance;
use super::whitener::blocks;
use crate::law::joint::{Interference, References};
use rayon::prelude::*;

/// Parts of the models of which each is predicted by a fit to the others.
const FOLDS: usize = 6;
/// Steps of the iteration for the weights.
const STEPS: usize = 400;

/// What one form predicts of a cell that it was not fitted to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct HeldOutCell {
    /// Place among the cells.
    pub at: usize,
    /// ln measured - ln predicted.
    pub residual_log: f64,
    /// Variance of it by law and noise.
    pub variance: f64,
}

/// A form fitted to all cells, what it misses not counted.
pub(super) struct Candidate {
    pub frame: Frame,
    pub mode: Mode,
    pub held_out: Vec<HeldOutCell>,
}

/// The fold of each cell: whole models of several languages in turn; models of one language are in
/// none.
pub(super) fn folds(cells: &[Cell]) -> Vec<Option<usize>> {
    let mut fold = vec![None; cells.len()];
    let pooled = blocks(cells)
        .into_iter()
        .filter(|block| cells[block.start].is_pooled() && !cells[block.start].is_test);
    for (number, block) in pooled.enumerate() {
        block.for_each(|at| fold[at] = Some(number % FOLDS));
    }
    fold
}

impl Candidate {
    /// The form with the spread of the largest evidence, and what it says of models left out;
    /// nothing where equations break down.
    pub(super) fn new(
        interference: Interference,
        languages: usize,
        references: References,
        data: Data,
    ) -> Option<Self> {
        let ln_unit =
            data.cells.iter().map(|cell| cell.ln_loss).sum::<f64>() / data.cells.len() as f64;
        let has_test = data.cells.iter().any(|cell| cell.is_test);
        let frame =
            |spread: f64| Frame { languages, interference, references, ln_unit, spread, has_test };
        let tried = Frame::spreads(interference)
            .par_iter()
            .filter_map(|&spread| Some((frame(spread), Mode::new(&frame(spread), data)?)));
        let tried: Vec<(Frame, Mode)> = tried.collect();
        let (frame, mode) =
            tried.into_iter().max_by(|a, b| a.1.evidence.total_cmp(&b.1.evidence))?;
        let held_out = held_out(&frame, &mode, data)?;
        Some(Candidate { frame, mode, held_out })
    }
}

/// Every fold predicted by a fit to the rest, at the noise of the whole.
pub(super) fn held_out(frame: &Frame, whole: &Mode, data: Data) -> Option<Vec<HeldOutCell>> {
    let fold = folds(data.cells);
    let of_fold = |left_out: usize| {
        let part = |inside: bool| -> Vec<usize> {
            (0..data.cells.len()).filter(|&at| (fold[at] == Some(left_out)) == inside).collect()
        };
        let select = |places: &[usize]| -> Vec<Cell> {
            places.iter().map(|&at| data.cells[at].clone()).collect()
        };
        let (rest, asked) = (select(&part(false)), part(true));
        let mode = Mode::from(
            frame,
            Data { cells: &rest, ..data },
            whole.noise,
            whole.local,
            whole.z.clone(),
        )?;
        let cells = select(&asked);
        let forecast = mode.forecast(frame, Data { cells: &rest, ..data }, &cells)?;
        let cell = |(i, &at): (usize, &usize)| HeldOutCell {
            at,
            residual_log: cells[i].ln_loss - forecast.mean[i],
            variance: forecast.covariance[(i, i)]
                + covariance(&cells[i..=i], &whole.noise, None)[(0, 0)],
        };
        Some(asked.iter().enumerate().map(cell).collect::<Vec<_>>())
    };
    let found: Option<Vec<_>> = (0..FOLDS).into_par_iter().map(of_fold).collect();
    let mut cells = found?.concat();
    cells.sort_by_key(|cell| cell.at);
    Some(cells)
}

/// Mean ln density of each held-out model by each candidate, over the languages that count.
fn densities(cells: &[Cell], candidates: &[Candidate]) -> Vec<Vec<f64>> {
    let of = |candidate: &Candidate| {
        let mut models: Vec<(usize, f64, f64)> = Vec::new();
        for held in &candidate.held_out {
            let ln_density =
                -0.5 * (held.residual_log.powi(2) / held.variance + held.variance.ln());
            let run = cells[held.at].run;
            match models.last_mut() {
                Some(last) if last.0 == run => {
                    (last.1, last.2) = (last.1 + ln_density, last.2 + 1.0)
                }
                _ => models.push((run, ln_density, 1.0)),
            }
        }
        models.into_iter().map(|(_, sum, count)| sum / count).collect::<Vec<f64>>()
    };
    candidates.iter().map(of).collect()
}

/// Weights of the candidates; they sum to 1.
pub(super) fn weights(cells: &[Cell], candidates: &[Candidate]) -> Vec<f64> {
    let densities = densities(cells, candidates);
    let models = densities.first().map_or(0, Vec::len);
    let mut weights = vec![1.0 / candidates.len() as f64; candidates.len()];
    for _ in 0..STEPS {
        // one model for each form before any
        let mut next = vec![1.0; weights.len()];
        for model in 0..models {
            let highest = densities.iter().map(|one| one[model]).fold(f64::NEG_INFINITY, f64::max);
            let parts: Vec<f64> = densities
                .iter()
                .zip(&weights)
                .map(|(one, weight)| weight * (one[model] - highest).exp())
                .collect();
            let sum: f64 = parts.iter().sum();
            next.iter_mut().zip(parts).for_each(|(next, part)| *next += part / sum);
        }
        let sum: f64 = next.iter().sum();
        weights = next.into_iter().map(|weight| weight / sum).collect();
    }
    weights
}
