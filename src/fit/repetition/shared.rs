//! The prior that the languages of a family share, and what all of them say of it: quadrature over
//! `ln R`, its mean and its spread.
//!
//! ```text
//! p(m, s | runs)  ~  p(m) p(s) prod_i Z_i(m, s)
//! Z_i = sum_g N(g; m, s^2) p(runs of i | R = e^g)
//! ```

use super::evidence::Evidence;
use super::prior::{MEAN_DEVIATION, SPREAD_DEVIATION, STEP, grid};
use crate::law::Repetition;
use crate::numeric::softmax;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How far from `ln 15.4` the mean is sought, steps.
const MEAN_REACH: i32 = 40;
/// Spreads tried, in steps of 0.1.
const SPREADS: i32 = 15;

/// Means and spreads of a family with their weights given all its runs.
pub(super) struct Shared {
    /// Mean and spread of `ln R`, and the weight of the two; weights sum to 1.
    hyper: Vec<((f64, f64), f64)>,
    grid: Vec<f64>,
}

/// A distribution over the grid.
pub(super) struct Marginal {
    grid: Vec<f64>,
    weight: Vec<f64>,
}

impl Shared {
    /// The family of these languages; without repeated runs its prior.
    pub(super) fn new(evidence: &[Evidence]) -> Self {
        let grid = grid();
        let ln_weight = |(mean, spread): (f64, f64)| {
            let off = (mean - Repetition::R_STAR.ln()) / MEAN_DEVIATION;
            let prior = -0.5 * (off * off + (spread / SPREAD_DEVIATION).powi(2));
            let told = evidence.iter().filter(|evidence| !evidence.is_empty());
            prior
                + told
                    .map(|evidence| sum(&product(&grid, (mean, spread), evidence)).ln())
                    .sum::<f64>()
        };
        let mean = |step: i32| Repetition::R_STAR.ln() + STEP * f64::from(step);
        let pairs = (-MEAN_REACH..=MEAN_REACH)
            .flat_map(|m| (1..=SPREADS).map(move |s| (mean(m), 0.1 * f64::from(s))));
        let pairs: Vec<(f64, f64)> = pairs.collect();
        let weights = softmax(&pairs.iter().copied().map(ln_weight).collect::<Vec<_>>());
        Shared { hyper: pairs.into_iter().zip(weights).collect(), grid }
    }

    /// `ln R` of one language, given the runs of all.
    pub(super) fn marginal(&self, evidence: &Evidence) -> Marginal {
        let mut weight = vec![0.0; self.grid.len()];
        for (pair, share) in self.hyper.iter().filter(|(_, share)| *share > 1e-12) {
            let part = product(&self.grid, *pair, evidence);
            let total = sum(&part);
            weight.iter_mut().zip(part).for_each(|(weight, part)| *weight += share * part / total);
        }
        Marginal { grid: self.grid.clone(), weight }
    }

    /// Draws of the mean and the spread.
    pub(super) fn draws(&self, count: usize, generator: &mut ChaCha8Rng) -> Vec<(f64, f64)> {
        let mut one = || {
            let mut left: f64 = generator.random();
            let found = self.hyper.iter().find(|(_, share)| {
                left -= share;
                left < 0.0
            });
            found.or(self.hyper.last()).map(|(pair, _)| *pair)
        };
        (0..count).filter_map(|_| one()).collect()
    }
}

impl Marginal {
    /// The `ln R` below which `part` of the weight lies, each weight spread evenly over a step.
    pub(super) fn quantile(&self, part: f64) -> f64 {
        let mut left = part * sum(&self.weight);
        for (ln_r, weight) in self.grid.iter().zip(&self.weight) {
            if left <= *weight && *weight > 0.0 {
                return ln_r + STEP * (left / weight - 0.5);
            }
            left -= weight;
        }
        self.grid.last().map_or(f64::NAN, |last| last + 0.5 * STEP)
    }
}

/// `N(ln R; mean, spread^2)` on the grid, times what the runs of a language say.
fn product(grid: &[f64], (mean, spread): (f64, f64), evidence: &Evidence) -> Vec<f64> {
    let prior: Vec<f64> =
        grid.iter().map(|ln_r| (-0.5 * ((ln_r - mean) / spread).powi(2)).exp()).collect();
    let total = sum(&prior);
    prior
        .iter()
        .zip(&evidence.ln_likelihood)
        .map(|(prior, ln_likelihood)| prior / total * ln_likelihood.exp())
        .collect()
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}
