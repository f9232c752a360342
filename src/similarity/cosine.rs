//! Gamma by cosine: how much nearer translations lie to each other than strangers do.
//!
//! With `C_ij` the cosine of English sentence i and sentence j of the language, averaged over the
//! middle layers:
//!
//! ```text
//! p = mean_i C_ii,   r = mean_{i != j} C_ij,   gamma = (p - r) / (1 - r)
//! ```
//!
//! States of a language model share a large common direction, which gives strangers a cosine far
//! from 0 and p by itself little meaning. Gamma is 0 where translations are no nearer than
//! strangers, and 1 where they coincide.

use crate::numeric::quantiles::around;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::Estimate;
use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Resamples of the sentences.
const RESAMPLES: usize = 500;

/// Cosines of English sentences and those of one language.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosine {
    /// Mean cosine of translations.
    pub parallel: f64,
    /// Mean cosine of sentences that are no translations.
    pub random: f64,
    /// `(parallel - random) / (1 - random)`, with a bootstrap interval over the sentences.
    pub gamma: Estimate,
}

impl Cosine {
    /// From the cosines (n, n) of n English sentences (rows) and their translations, n at least 2;
    /// `lang` seeds the bootstrap.
    pub fn new(cosines: &DMatrix<f64>, lang: &str) -> Self {
        let n = cosines.nrows();
        let (parallel, random) = means(cosines, &DVector::from_element(n, 1.0));
        let mut rng = generator(0, Purpose::Similarity, Item::Of(lang));
        let mut drawn: Vec<f64> = (0..RESAMPLES)
            .map(|_| {
                let mut counts = DVector::zeros(n);
                (0..n).for_each(|_| counts[rng.random_range(0..n)] += 1.0);
                let (parallel, random) = means(cosines, &counts);
                beyond_chance(parallel, random)
            })
            .filter(|gamma| gamma.is_finite())
            .collect();
        let value = beyond_chance(parallel, random);
        Cosine {
            parallel,
            random,
            gamma: Estimate { value, interval_90: around(value, &mut drawn, 0.9).into() },
        }
    }
}

/// Means of parallel and of other cosines where sentence i counts `counts_i` times.
fn means(cosines: &DMatrix<f64>, counts: &DVector<f64>) -> (f64, f64) {
    let diagonal = cosines.diagonal();
    let squares = counts.component_mul(counts);
    let others = counts.dot(&(cosines * counts)) - squares.dot(&diagonal);
    (counts.dot(&diagonal) / counts.sum(), others / (counts.sum().powi(2) - squares.sum()))
}

fn beyond_chance(parallel: f64, random: f64) -> f64 {
    (parallel - random) / (1.0 - random)
}

/// The middle third of the layers of a network of so many blocks, counted in blocks before them:
/// `ceil(n / 3)` to `floor(2 n / 3)`, at least one.
pub fn middle_layers(blocks: usize) -> std::ops::RangeInclusive<usize> {
    let first = blocks.div_ceil(3);
    first..=first.max(2 * blocks / 3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Interval;

    #[test]
    fn gamma_is_what_lies_between_chance_and_one() {
        let cosines = DMatrix::from_row_slice(3, 3, &[0.9, 0.5, 0.4, 0.6, 0.8, 0.5, 0.4, 0.6, 0.7]);
        let found = Cosine::new(&cosines, "x");
        approx::assert_relative_eq!(found.parallel, 0.8, epsilon = 1e-12);
        approx::assert_relative_eq!(found.random, 0.5, epsilon = 1e-12);
        approx::assert_relative_eq!(found.gamma.value, 0.6, epsilon = 1e-12);
        assert!(
            found.gamma.interval_90.contains(0.6) && found == Cosine::new(&cosines, "x"),
            "{found:?}"
        );
    }

    #[test]
    fn the_interval_narrows_with_the_root_of_the_sentences() {
        let width = |n: usize| {
            let mut rng = generator(3, Purpose::Planted, Item::Nth(n as u64));
            let cosines = DMatrix::from_fn(
                n,
                n,
                |i, j| if i == j { 0.6 } else { 0.2 } + 0.2 * rng.random_range(-1.0..1.0),
            );
            let Interval { lo, hi } = Cosine::new(&cosines, "x").gamma.interval_90;
            hi - lo
        };
        // 2 * 1.645 deviations of a mean of n uniform parallel cosines, over 1 - 0.2
        let expected = 2.0 * 1.645 * 0.2 / 3.0_f64.sqrt() / 0.8 / 20.0;
        assert!((width(400) / expected - 1.0).abs() < 0.15, "{} {expected}", width(400));
        assert!((width(100) / expected / 2.0 - 1.0).abs() < 0.3, "{} {expected}", width(100));
    }

    #[test]
    fn the_middle_third_is_never_empty() {
        let of = |blocks| middle_layers(blocks).collect::<Vec<_>>();
        assert_eq!((of(1), of(2), of(4), of(5)), (vec![1], vec![1], vec![2], vec![2, 3]));
        assert_eq!(of(12), (4..=8).collect::<Vec<_>>());
        assert!((1..100).all(|blocks| *middle_layers(blocks).end() <= blocks));
    }
}
