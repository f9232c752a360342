//! What the repeated runs of one language say of its R.
//!
//! The ln losses of all repeated runs of a language are normal about `ln L(d)`, with the covariance of the draws of the law at their
//! worths, of the law's misfit beyond its sizes, a random walk and the integral of one, and of the noise of each run. So ten runs at one size do not
//! outvote a law that lies wrong there.

use super::super::Fit;
use crate::curve::Point;
use crate::law::{Law, Repetition};
use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Least noise of an ln loss: no law holds to more than a ten-thousandth of the loss.
const LEAST_NOISE: f64 = 1e-4;

/// Repeated runs against the law at every R of the grid.
pub(super) struct Evidence {
    /// ln likelihood at every R, 0 at its largest.
    pub(super) ln_likelihood: Vec<f64>,
    at: Vec<AtR>,
    /// Factor of the covariance of noise and misfit at the likeliest R.
    other: DMatrix<f64>,
}

/// The runs against the law at one R.
struct AtR {
    /// Lower factor of the whole covariance.
    factor: DMatrix<f64>,
    /// Of noise and misfit alone.
    other: DMatrix<f64>,
    ln_likelihood: f64,
    /// ln measured less the ln loss of each draw of the law.
    residuals: Vec<DVector<f64>>,
}

/// ln loss of the weighted laws within the sizes at an amount of unique pairs, and its variance over the draws.
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
    let mean = counted().map(|candidate| candidate.weight_within * candidate.law.loss(pairs).ln()).sum::<f64>() / sum;
    if mean.is_finite() { mean } else { fit.law.loss(pairs).ln() }
}

impl Evidence {
    /// The repeated points of a fit, whose unique pairs are known, at every `ln R` of a grid.
    pub(super) fn new(fit: &Fit, points: &[Point], grid: &[f64]) -> Self {
        let at: Vec<AtR> = match points {
            [] => Vec::new(),
            points => grid.iter().filter_map(|ln_r| AtR::new(fit, points, ln_r.exp())).collect(),
        };
        // numbers that no law foretells say nothing
        if at.len() < grid.len() {
            return Evidence { ln_likelihood: vec![0.0; grid.len()], at: Vec::new(), other: DMatrix::zeros(0, 0) };
        }
        let best = (0..at.len()).max_by(|&a, &b| at[a].ln_likelihood.total_cmp(&at[b].ln_likelihood)).unwrap_or(0);
        let most = at[best].ln_likelihood;
        Evidence { ln_likelihood: at.iter().map(|at| at.ln_likelihood - most).collect(), other: at[best].other.clone(), at }
    }

    /// Whether there are no repeated runs.
    pub(super) fn is_empty(&self) -> bool {
        self.at.is_empty()
    }

    /// ln R of one draw of the law, under `ln R ~ N(mean, spread^2)`: the mode for measurements and a prior mean disturbed by their
    /// deviations, the law's own part of them being that draw itself (randomised maximum likelihood, Oliver et al. 1996).
    pub(super) fn drawn(&self, draw: usize, (mean, spread): (f64, f64), grid: &[f64], generator: &mut ChaCha8Rng) -> f64 {
        let mut normal = || -> f64 { StandardNormal.sample(generator) };
        let prior = mean + spread * normal();
        let noise = &self.other * DVector::from_fn(self.other.nrows(), |_, _| normal());
        let cost = |g: usize| {
            let of_runs = self.at.get(g).map_or(0.0, |at| at.distance(draw, &noise));
            ((grid[g] - prior) / spread).powi(2) + of_runs
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

impl AtR {
    /// The points of a fit under one R; nothing where some loss or covariance is no number.
    fn new(fit: &Fit, points: &[Point], r_star: f64) -> Option<Self> {
        let repetition = Repetition::new(fit.unique? as f64, r_star).ok()?;
        let worth: Vec<f64> = points.iter().map(|point| repetition.worth(point.pairs)).collect();
        let residual = |ln_loss: &dyn Fn(f64) -> f64| {
            DVector::from_iterator(points.len(), points.iter().zip(&worth).map(|(point, &worth)| point.loss_nats.ln() - ln_loss(worth)))
        };
        let residuals: Vec<DVector<f64>> = fit.draws.iter().map(|law: &Law| residual(&|worth| law.loss(worth).ln())).collect();
        let other = other_covariance(fit, &worth);
        let factor = (&other + covariance(&residuals, points.len())).cholesky()?.l();
        let whitened = factor.solve_lower_triangular(&residual(&|worth| fitted(fit, worth)))?;
        let ln_likelihood = -0.5 * whitened.norm_squared() - factor.diagonal().map(f64::ln).sum();
        let other = other.cholesky()?.l();
        ln_likelihood.is_finite().then_some(AtR { factor, other, ln_likelihood, residuals })
    }

    /// Squared distance, in deviations, of disturbed measurements from one draw of the law.
    fn distance(&self, draw: usize, noise: &DVector<f64>) -> f64 {
        let whitened = self.residuals.get(draw).and_then(|residual| self.factor.solve_lower_triangular(&(residual + noise)));
        whitened.map_or(0.0, |whitened| whitened.norm_squared())
    }
}

/// Covariance over the draws of the law.
fn covariance(residuals: &[DVector<f64>], size: usize) -> DMatrix<f64> {
    let count = residuals.len() as f64;
    let mean = residuals.iter().fold(DVector::zeros(size), |sum, residual| sum + residual / count);
    let product = |residual: &DVector<f64>| (residual - &mean) * (residual - &mean).transpose() / (count - 1.0).max(1.0);
    residuals.iter().fold(DMatrix::zeros(size, size), |sum, residual| sum + product(residual))
}

/// Covariance of noise and misfit. At ln distances `a <= b` beyond the largest size a random walk has the covariance `a`, and the integral
/// of one, at variance `d^3`, has `a^2 (3 b - a) / 2`.
fn other_covariance(fit: &Fit, worth: &[f64]) -> DMatrix<f64> {
    let distance: Vec<f64> = worth.iter().map(|worth| (worth / fit.largest()).ln().max(0.0)).collect();
    DMatrix::from_fn(worth.len(), worth.len(), |p, q| {
        let (a, b) = (distance[p].min(distance[q]), distance[p].max(distance[q]));
        let noise = if p == q { fit.noise_log.max(LEAST_NOISE).powi(2) } else { 0.0 };
        noise + fit.misfit.level_log.powi(2) * a + fit.misfit.slope_log.powi(2) * a * a * (3.0 * b - a) / 2.0
    })
}
