//! What the repeated runs of one language say of its R.
//!
//! The ln losses of all repeated runs of a language are normal about `ln L(d)`, with the covariance
//! of what the law is wrong by at their effective, of its misfit beyond its sizes, a random walk
//! and the integral of one, and of the noise of each run. So ten runs at one size do not outvote a
//! law that lies wrong there.

use super::prior::PRIOR_VARIANCE;
use crate::curve::Point;
use crate::fit::Fit;
use crate::law::{Law, Repetition};
use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Least noise of an ln loss: no law holds to more than a ten-thousandth of the loss.
const LEAST_NOISE: f64 = 1e-4;

/// Rounds in which the covariance is taken at the likeliest R of the round before. Where it went
/// along with R, an R that makes the law uncertain could explain anything.
const ROUNDS: usize = 3;

/// Repeated runs against the law at every R of the grid.
pub(super) struct Evidence {
    /// ln likelihood at every R, 0 at its largest.
    pub(super) ln_likelihood: Vec<f64>,
    /// ln measured less the ln loss of each draw of the law, at every R; empty where there are no
    /// repeated runs.
    residuals: Vec<Vec<DVector<f64>>>,
    covariance: Covariance,
}

/// Lower factors of the covariance of the runs: all of it, and that of noise and misfit alone.
struct Covariance {
    factor: DMatrix<f64>,
    other: DMatrix<f64>,
}

/// ln loss of the weighted laws within the sizes at an amount of unique pairs, and its variance
/// over the draws.
pub(super) fn ln_loss(fit: &Fit, pairs: f64) -> (f64, f64) {
    let drawn: Vec<f64> = fit.draws.iter().map(|law| law.loss(pairs).ln()).collect();
    let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
    let squares: f64 = drawn.iter().map(|ln_loss| (ln_loss - mean).powi(2)).sum();
    (fitted(fit, pairs), if drawn.len() < 2 { 0.0 } else { squares / (drawn.len() - 1) as f64 })
}

/// ln loss of the weighted laws.
fn fitted(fit: &Fit, pairs: f64) -> f64 {
    let counted = || fit.candidates.iter().filter(|candidate| candidate.weight_within > 0.0);
    let sum: f64 = counted().map(|candidate| candidate.weight_within).sum();
    let mean = counted()
        .map(|candidate| candidate.weight_within * candidate.law.loss(pairs).ln())
        .sum::<f64>()
        / sum;
    if mean.is_finite() { mean } else { fit.law.loss(pairs).ln() }
}

impl Evidence {
    /// The repeated points of a fit, whose unique pairs are known, at every `ln R` of a grid.
    /// Numbers that no law predicts say nothing.
    pub(super) fn new(fit: &Fit, points: &[Point], grid: &[f64]) -> Self {
        let nothing = || Covariance { factor: DMatrix::zeros(0, 0), other: DMatrix::zeros(0, 0) };
        let silent = || Evidence {
            ln_likelihood: vec![0.0; grid.len()],
            residuals: Vec::new(),
            covariance: nothing(),
        };
        if points.is_empty() {
            silent()
        } else {
            Evidence::of_runs(fit, points, grid).unwrap_or_else(silent)
        }
    }

    fn of_runs(fit: &Fit, points: &[Point], grid: &[f64]) -> Option<Self> {
        let unique = fit.unique? as f64;
        let repetitions = grid.iter().map(|ln_r| Repetition::new(unique, ln_r.exp()));
        let repetitions: Vec<Repetition> = repetitions.collect::<Result<_, _>>().ok()?;
        let effective: Vec<Vec<f64>> = repetitions
            .iter()
            .map(|repetition| {
                points.iter().map(|point| repetition.effective(point.pairs)).collect()
            })
            .collect();
        let residual = |worth: &[f64], ln_loss: &dyn Fn(f64) -> f64| {
            DVector::from_iterator(
                points.len(),
                points
                    .iter()
                    .zip(worth)
                    .map(|(point, &worth)| point.loss_nats.ln() - ln_loss(worth)),
            )
        };
        let of_draws = |worth: &Vec<f64>| {
            fit.draws
                .iter()
                .map(|law: &Law| residual(worth, &|worth| law.loss(worth).ln()))
                .collect()
        };
        let residuals: Vec<Vec<DVector<f64>>> = effective.iter().map(of_draws).collect();
        let of_fit: Vec<DVector<f64>> =
            effective.iter().map(|worth| residual(worth, &|worth| fitted(fit, worth))).collect();
        let off = |g: usize| (grid[g] - Repetition::R_STAR.ln()).powi(2) / PRIOR_VARIANCE;
        let mut likeliest = (0..grid.len()).min_by(|&a, &b| off(a).total_cmp(&off(b)))?;
        let mut found = None;
        for _ in 0..ROUNDS {
            let covariance = Covariance::new(fit, &effective[likeliest])?;
            let ln_likelihood: Vec<f64> =
                of_fit.iter().map(|residual| -0.5 * covariance.squares(residual)).collect();
            likeliest = (0..grid.len()).max_by(|&a, &b| {
                let density = |g: usize| ln_likelihood[g] - 0.5 * off(g);
                density(a).total_cmp(&density(b))
            })?;
            found = Some((ln_likelihood, covariance));
        }
        let (ln_likelihood, covariance) = found?;
        let most = ln_likelihood.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let finite = ln_likelihood.iter().all(|one| one.is_finite());
        let ln_likelihood = ln_likelihood.iter().map(|one| one - most).collect();
        finite.then_some(Evidence { ln_likelihood, residuals, covariance })
    }

    /// Whether there are no repeated runs.
    pub(super) fn is_empty(&self) -> bool {
        self.residuals.is_empty()
    }

    /// ln R of one draw of the law, under `ln R ~ N(mean, spread^2)`: the mode for measurements and
    /// a prior mean disturbed by their deviations, the law's own part of them being that draw
    /// itself (randomised maximum likelihood, Oliver et al. 1996).
    pub(super) fn drawn(
        &self,
        draw: usize,
        (mean, spread): (f64, f64),
        grid: &[f64],
        generator: &mut ChaCha8Rng,
    ) -> f64 {
        let mut normal = || -> f64 { StandardNormal.sample(generator) };
        let prior = mean + spread * normal();
        let other = &self.covariance.other;
        let noise = other * DVector::from_fn(other.nrows(), |_, _| normal());
        let cost = |g: usize| {
            let residual = self.residuals.get(g).and_then(|drawn| drawn.get(draw));
            ((grid[g] - prior) / spread).powi(2)
                + residual.map_or(0.0, |residual| self.covariance.squares(&(residual + &noise)))
        };
        let costs: Vec<f64> = (0..grid.len()).map(cost).collect();
        let best = (0..costs.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap_or(0);
        if best == 0 || best + 1 == costs.len() {
            return grid[best];
        }
        // the vertex of the parabola through the least cost and its neighbours
        let (below, above) = (costs[best - 1] - costs[best], costs[best + 1] - costs[best]);
        let shift = 0.5 * (below - above) / (below + above).max(f64::MIN_POSITIVE);
        grid[best] + shift * (grid[best + 1] - grid[best])
    }
}

impl Covariance {
    /// That of the points of a fit where they are worth so much; nothing where it is no covariance.
    fn new(fit: &Fit, worth: &[f64]) -> Option<Self> {
        let other = of_noise_and_misfit(fit, worth);
        let factor = (&other + of_law(fit, worth)).cholesky()?.l();
        Some(Covariance { factor, other: other.cholesky()?.l() })
    }

    /// Sum of the squares of residuals in their deviations.
    fn squares(&self, residual: &DVector<f64>) -> f64 {
        self.factor
            .solve_lower_triangular(residual)
            .map_or(f64::NAN, |whitened| whitened.norm_squared())
    }
}

/// What the law is wrong by at these amounts of effective data: the second moments, about the laws
/// within the sizes, of the draws for what lies beyond, as all effective data of repeated runs do.
/// So a disagreement between the two counts as well.
fn of_law(fit: &Fit, worth: &[f64]) -> DMatrix<f64> {
    let count = fit.draws_beyond.len() as f64;
    let off = |law: &Law| {
        DVector::from_iterator(
            worth.len(),
            worth.iter().map(|&worth| law.loss(worth).ln() - fitted(fit, worth)),
        )
    };
    let product = |off: DVector<f64>| &off * off.transpose() / count;
    fit.draws_beyond
        .iter()
        .map(off)
        .fold(DMatrix::zeros(worth.len(), worth.len()), |sum, off| sum + product(off))
}

/// Covariance of noise and misfit. At ln distances `a <= b` beyond the largest size a random walk
/// has the covariance `a`, and the integral of one, at variance `d^3`, has `a^2 (3 b - a) / 2`.
fn of_noise_and_misfit(fit: &Fit, worth: &[f64]) -> DMatrix<f64> {
    let distance: Vec<f64> =
        worth.iter().map(|worth| (worth / fit.largest()).ln().max(0.0)).collect();
    DMatrix::from_fn(worth.len(), worth.len(), |p, q| {
        let (a, b) = (distance[p].min(distance[q]), distance[p].max(distance[q]));
        let noise = if p == q { fit.noise_log.max(LEAST_NOISE).powi(2) } else { 0.0 };
        noise
            + fit.misfit.level_log.powi(2) * a
            + fit.misfit.slope_log.powi(2) * a * a * (3.0 * b - a) / 2.0
    })
}
