//! What the laws miss beyond the largest size, learnt from the sizes held back.
//!
//! A curve leaves its law in level and in local exponent: at ln distances `a` and `b` beyond the
//! sizes the errors of ln loss have the covariance
//!
//! ```text
//! M(a, b) = level^2 (a b)^(1/2) + slope^2 (a b)^(3/2)
//! ```
//!
//! With `e` the errors of an averaged prediction at the sizes that a cut held back, and `S` the
//! covariance expected of them,
//!
//! ```text
//! ln p(level, slope) = ln prior + w / cuts sum over curves and cuts of ln t(e; 0, S + M)
//! w = min(1, 1.5 / curves)
//! ```
//!
//! with Student's density of 4 degrees, as curves of a family miss more or less. They miss alike,
//! though: thirty curves that turn after the last size tell of it no more than one or two, so that
//! a family counts for `1.5` curves. Predictions take draws of the posterior, on a grid: where
//! little was held back it is wide, and never nothing.

use super::Misfit;
use super::series::Series;
use crate::numeric::softmax;
use nalgebra::{DMatrix, DVector};

/// Degrees of freedom of the misfit of one curve.
pub(super) const DEGREES: f64 = 4.0;
/// Means that the sizes held back of one curve are gathered in.
const BINS: usize = 6;
/// Mean and standard deviation of ln level and of ln slope before any data: a per cent at an
/// e-folding, within a factor of three.
const PRIOR: (f64, f64) = (-4.6, 1.0);
/// Curves that a family counts for, at most.
const WORTH: f64 = 1.5;
/// Least and largest level and slope of the grid, and its steps.
const GRID: (f64, f64, usize) = (2e-4, 0.4, 14);
/// Draws of the posterior.
const DRAWS: usize = 40;

/// What the sizes held back of a family show.
pub(super) struct Shown {
    /// The misfit where each curve tells of it by itself: that of what is found from many curves at
    /// once.
    pub(super) singly: Misfit,
    /// Draws of it where the curves turn alike.
    pub(super) draws: Vec<Misfit>,
}

/// Sizes of a curve that were held back, gathered.
pub(super) struct Held {
    /// ln amounts less the reference, rising.
    pub(super) z: Vec<f64>,
    /// Means of the measured ln losses.
    pub(super) ln_loss: Vec<f64>,
    /// Weights that they stand for.
    pub(super) weight: Vec<f64>,
    /// ln amount less the reference where the sizes end that were kept.
    pub(super) end: f64,
}

/// ln losses that something predicts of sizes held back, and their covariance.
#[derive(Clone)]
pub(super) struct Ahead {
    pub(super) ln_loss: DVector<f64>,
    pub(super) covariance: DMatrix<f64>,
}

/// What a cut of a curve showed: errors, what was expected of them, and how far beyond the sizes.
pub(super) struct Miss {
    distance: Vec<f64>,
    error: DVector<f64>,
    expected: DMatrix<f64>,
}

impl Held {
    /// Means over equal steps of the ln amount.
    pub(super) fn new(held: &Series, end: f64) -> Self {
        let step = (held.end() - end) / BINS as f64;
        let bin = |z: f64| (((z - end) / step).ceil() as usize).min(BINS);
        let mut found = Held { z: Vec::new(), ln_loss: Vec::new(), weight: Vec::new(), end };
        let points: Vec<usize> = (0..held.len()).collect();
        for bin in points.chunk_by(|&a, &b| bin(held.z[a]) == bin(held.z[b])) {
            let weight: f64 = bin.iter().map(|&i| held.weight[i]).sum();
            let mean = |values: &[f64]| {
                bin.iter().map(|&i| held.weight[i] * values[i]).sum::<f64>() / weight
            };
            found.z.push(mean(&held.z));
            found.ln_loss.push(mean(&held.ln_loss));
            found.weight.push(weight);
        }
        found
    }
}

impl Miss {
    /// Errors of the average of some predictions by `weights`, and what is expected of their
    /// average by `by_all`; each sums to 1.
    pub(super) fn new(
        held: &Held,
        predictions: &[&Ahead],
        weights: &[f64],
        by_all: &[f64],
    ) -> Self {
        let size = held.z.len();
        let average = |weights: &[f64]| {
            let terms = predictions.iter().zip(weights).map(|(one, weight)| &one.ln_loss * *weight);
            terms.fold(DVector::zeros(size), |sum, term| sum + term)
        };
        let mean = average(by_all);
        let of = |(one, weight): (&&Ahead, &f64)| {
            let apart = &one.ln_loss - &mean;
            (&one.covariance + &apart * apart.transpose()) * *weight
        };
        let terms = predictions.iter().zip(by_all).map(of);
        Miss {
            distance: held.z.iter().map(|z| z - held.end).collect(),
            error: average(weights) - DVector::from_column_slice(&held.ln_loss),
            expected: terms.fold(DMatrix::zeros(size, size), |sum, term| sum + term),
        }
    }

    /// ln density of the errors but for a constant; none where the covariance is not one.
    fn ln_likelihood(&self, misfit: &Misfit) -> Option<f64> {
        let size = self.distance.len();
        let of = |i: usize, j: usize| misfit.covariance_log(self.distance[i], self.distance[j]);
        let factor = (&self.expected + DMatrix::from_fn(size, size, of)).cholesky()?;
        let whitened = factor.l().solve_lower_triangular(&self.error)?;
        let ln_det: f64 = factor.l_dirty().diagonal().iter().map(|entry| entry.ln()).sum();
        let half = 0.5 * (DEGREES + size as f64);
        Some(-ln_det - half * (whitened.norm_squared() / DEGREES).ln_1p())
    }
}

impl Shown {
    /// After the errors of so many cuts of a family.
    pub(super) fn new(misses: &[Miss], cuts: usize) -> Self {
        Shown {
            singly: Misfit::mean(&posterior(misses, cuts, f64::INFINITY)),
            draws: posterior(misses, cuts, WORTH),
        }
    }
}

impl Misfit {
    /// Geometric mean of some draws; nothing is missed without any.
    fn mean(draws: &[Misfit]) -> Misfit {
        let mean = |of: fn(&Misfit) -> f64| {
            let count = draws.len() as f64;
            if draws.is_empty() {
                0.0
            } else {
                (draws.iter().map(|one| of(one).ln()).sum::<f64>() / count).exp()
            }
        };
        Misfit { level_log: mean(|one| one.level_log), slope_log: mean(|one| one.slope_log) }
    }

    /// Covariance of what the laws miss of two ln losses at ln distances beyond the largest size.
    pub(super) fn covariance_log(&self, one: f64, other: f64) -> f64 {
        let product = one * other;
        self.level_log.powi(2) * product.sqrt() + self.slope_log.powi(2) * product.powf(1.5)
    }
}

/// Draws of the misfit after the errors of `cuts` cuts of a family, which overlap and count for
/// one; the family counts for `most` curves at most.
fn posterior(misses: &[Miss], cuts: usize, most: f64) -> Vec<Misfit> {
    let curves = misses.len() as f64 / cuts.max(1) as f64;
    let worth = (most / curves).min(1.0) / cuts.max(1) as f64;
    let step = |k: usize| GRID.0 * (GRID.1 / GRID.0).powf(k as f64 / (GRID.2 - 1) as f64);
    let all = (0..GRID.2).flat_map(|i| (0..GRID.2).map(move |j| (i, j)));
    let grid: Vec<Misfit> =
        all.map(|(i, j)| Misfit { level_log: step(i), slope_log: step(j) }).collect();
    let score = |misfit: &Misfit| {
        let apart = |value: f64| ((value.ln() - PRIOR.0) / PRIOR.1).powi(2);
        let prior = apart(misfit.level_log) + apart(misfit.slope_log);
        let likelihood: f64 = misses.iter().filter_map(|miss| miss.ln_likelihood(misfit)).sum();
        worth * likelihood - 0.5 * prior
    };
    let weights = softmax(&grid.iter().map(score).collect::<Vec<_>>());
    let mut draws = Vec::with_capacity(DRAWS);
    let mut passed = 0.0;
    for (misfit, weight) in grid.iter().zip(weights) {
        passed += weight;
        while draws.len() < DRAWS && passed * DRAWS as f64 > draws.len() as f64 + 0.5 {
            draws.push(*misfit);
        }
    }
    draws
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A curve that misses by so much of a random level and slope, known to a thousandth.
    fn miss(level: f64, slope: f64) -> Miss {
        let distance: Vec<f64> = (1..=6).map(|step| 0.2 * f64::from(step)).collect();
        let error = distance.iter().map(|d| level * d.sqrt() + slope * d.powf(1.5));
        Miss {
            error: DVector::from_iterator(6, error),
            expected: DMatrix::identity(6, 6) * 1e-6,
            distance,
        }
    }

    #[test]
    fn nothing_held_back_leaves_what_was_known_before() {
        let known = posterior(&[], 0, WORTH);
        let median = |of: fn(&Misfit) -> f64| {
            let mut values: Vec<f64> = known.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2].ln()
        };
        assert_eq!(known.len(), DRAWS);
        assert!((median(|one| one.level_log) - PRIOR.0).abs() < 0.5);
        assert!((Misfit::mean(&known).slope_log.ln() - PRIOR.0).abs() < 0.2);
        assert_eq!(Misfit::mean(&[]).level_log, 0.0);
    }

    #[test]
    fn errors_move_the_misfit_and_a_family_counts_for_little_more_than_a_curve() {
        let level = |misses: &[Miss]| Misfit::mean(&posterior(misses, 1, WORTH)).level_log;
        let (none, one) = (level(&[miss(1e-5, 0.0)]), level(&[miss(0.08, 0.0)]));
        assert!(one > 3.0 * none, "{one} and {none}");
        let many: Vec<Miss> = (0..30).map(|_| miss(0.08, 0.0)).collect();
        let family = level(&many);
        assert!(family > one && family < 0.08 && level(&many[..2]) > 0.99 * family, "{family}");
        assert!(Shown::new(&many, 1).singly.level_log > family);
        let slope = Misfit::mean(&posterior(&[miss(0.0, 0.08)], 1, WORTH)).slope_log;
        assert!(slope > 2.0 * none, "{slope}");
    }

    #[test]
    fn the_covariance_is_that_of_a_level_and_a_slope() {
        let misfit = Misfit { level_log: 0.1, slope_log: 0.2 };
        approx::assert_relative_eq!(misfit.covariance_log(1.0, 1.0), 0.05, epsilon = 1e-12);
        approx::assert_relative_eq!(misfit.covariance_log(4.0, 1.0), 0.02 + 0.32, epsilon = 1e-12);
        assert_eq!(misfit.covariance_log(0.0, 2.0), 0.0);
    }
}
