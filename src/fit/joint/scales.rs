//! The most likely scales of what the law misses, and of noise, under priors around what two
//! studies of pooled models show.

use super::cells::Cell;
use super::local::Local;
use super::noise::{Noise, covariance};
use nalgebra::{DMatrix, DVector};

/// Logarithms of the scales and of the noises before any data, with their spreads.
const PRIOR: [(f64, f64); 7] =
    [(0.01, 1.0), (0.01, 1.0), (0.01, 1.0), (1.0, 0.7), (0.4, 0.7), (0.006, 0.5), (0.004, 0.7)];
/// First step of the search, ln.
const STEP: f64 = 0.8;
/// Last step of the search, ln.
const LAST_STEP: f64 = 0.1;

/// Cells that the search looks at: scales of so few kinds need no more, and its time grows with
/// their third power.
const MOST_CELLS: usize = 400;
/// Languages of a model that it looks at, at least: what they have in common is one of the scales.
const LEAST_LANGUAGES: usize = 6;

/// Places of the cells that are looked at: every so many languages of every so many models.
fn looked_at(cells: &[Cell]) -> Vec<usize> {
    let all: Vec<usize> = (0..cells.len()).collect();
    if cells.len() <= MOST_CELLS {
        return all;
    }
    let languages = 1 + cells.iter().map(|cell| cell.lang).max().unwrap_or(0);
    let models: Vec<&[usize]> = all.chunk_by(|&a, &b| cells[a].run == cells[b].run).collect();
    let kept = (MOST_CELLS / models.len()).clamp(LEAST_LANGUAGES.min(languages), languages);
    let (every_language, every_model) =
        (languages.div_ceil(kept), (models.len() * kept).div_ceil(MOST_CELLS));
    let turn = |(number, model): (usize, &&[usize])| {
        let is_kept = number.is_multiple_of(every_model);
        model.iter().copied().filter(|_| is_kept).collect::<Vec<usize>>()
    };
    let kept = models.iter().enumerate().flat_map(turn);
    kept.filter(|&at| cells[at].lang.is_multiple_of(every_language)).collect()
}

/// The most likely scales and noises of some residuals of pooled models, by a search along the
/// axes.
pub(super) fn most_likely(
    cells: &[Cell],
    residuals: &DVector<f64>,
    noise: Noise,
) -> (Local, Noise) {
    let places = looked_at(cells);
    let cells: Vec<Cell> = places.iter().map(|&at| cells[at].clone()).collect();
    let residuals = DVector::from_iterator(places.len(), places.iter().map(|&at| residuals[at]));
    let split = |at: &[f64; 7]| {
        let [shared_log, own_log, shares_log, amounts_length, shares_length, own, common] =
            at.map(f64::exp);
        let local = Local { shared_log, own_log, shares_log, amounts_length, shares_length };
        (local, Noise { own_log: own, common_log: common, ..noise })
    };
    let objective = |at: &[f64; 7]| {
        let (local, noise) = split(at);
        let prior: f64 = at
            .iter()
            .zip(PRIOR)
            .map(|(value, (mean, spread))| ((value - mean.ln()) / spread).powi(2))
            .sum();
        unlikeliness(&covariance(&cells, &noise, Some(&local)), &residuals) + 0.5 * prior
    };
    let mut at = PRIOR.map(|(mean, _)| mean.ln());
    let (mut value, mut step) = (objective(&at), STEP);
    while step > LAST_STEP {
        let before = value;
        for axis in 0..at.len() {
            for direction in [step, -step] {
                let mut moved = at;
                moved[axis] += direction;
                let found = objective(&moved);
                if found < value {
                    (at, value) = (moved, found);
                    break;
                }
            }
        }
        if value > before - 0.1 {
            step *= 0.5;
        }
    }
    split(&at)
}

/// `(r' S^-1 r + ln det S) / 2`; infinite where S is not positive.
fn unlikeliness(covariance: &DMatrix<f64>, residuals: &DVector<f64>) -> f64 {
    let Some(factor) = covariance.clone().cholesky() else { return f64::INFINITY };
    let ln_root: f64 = factor.l_dirty().diagonal().iter().map(|d| d.ln()).sum();
    0.5 * residuals.dot(&factor.solve(residuals)) + ln_root
}
