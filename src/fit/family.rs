//! One form on a family of curves that share a prior, its strength taken from the data (empirical
//! Bayes).
//!
//! ```text
//! ln loss_ci = ln L(X_ci; theta_c) + sigma_c sqrt((1 + (D_ci / h)^2) / w_ci) e
//! theta_cj ~ N(mu_j, tau_j^2)     sigma_c^2 ~ s^2
//! ```
//!
//! `D` is the ln distance below the largest amount of the curve. No law is exact, and one that
//! misses by a little everywhere is best fitted where the prediction starts from: its reach `h`
//! says how far down it is believed. Modes by Levenberg-Marquardt; `mu`, `tau` and `sigma` by
//! expectation-maximisation with Laplace's approximation (Dempster, Laird and Rubin 1977; Kass and
//! Steffey 1989). A curve alone has the weak prior of its form.

use super::coordinates::{DIMENSION, Frame};
use super::misfit::{Ahead, Held};
use super::mode::{Mode, Noise, STEPS, approach, descend, deviations, start};
use super::series::Series;
use crate::numeric::akaike;
use crate::numeric::least_squares::Prior;
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Noise of ln loss expected before any data, and how many points that expectation weighs.
const NOISE: (f64, f64) = (3e-3, 0.5);
/// Noise of ln loss that the first descents assume.
const FIRST_NOISE: f64 = 0.01;
/// Steps of the first descents.
const FIRST_STEPS: usize = 15;
/// Steps of a descent in a round: the next goes on where it stops.
const ROUND_STEPS: usize = 6;
/// Points that the family's noise weighs for one of its curves.
const SHARED_NOISE: f64 = 4.0;
/// Curves that the spread expected within a family weighs against the spread found.
const SHARED_SPREAD: f64 = 3.0;
/// Spread expected within a family, in standard deviations of the weak prior.
const WITHIN: f64 = 0.4;
/// Rounds of expectation-maximisation: `mu` and `sigma` settle in three, `tau` of a coordinate that
/// the data hardly know creeps on.
const ROUNDS: usize = 8;

/// A form fitted to every curve of a family.
#[derive(Debug, Clone)]
pub(super) struct FamilyFit {
    pub(super) frame: Frame,
    pub(super) prior: Prior<DIMENSION>,
    pub(super) modes: Vec<Mode>,
}

/// Fits a form to a family of curves that are not empty, once for each reach.
pub(super) fn fit(
    frame: Frame,
    family: &[Series],
    starts: usize,
    delta: f64,
    reaches: &[f64],
) -> Vec<FamilyFit> {
    let weak = frame.weak_prior();
    let search = |series: &Series| {
        let all: Vec<_> = (0..starts).map(|index| start(frame, series, index)).collect();
        let noise = |sigma| Noise { sigma, reach: f64::INFINITY, delta };
        // the noise first, roughly: which of two minima is the lower hangs on it
        let minima = approach(frame, series, &weak, noise(FIRST_NOISE), &all, FIRST_STEPS);
        let ends: Vec<_> = minima.iter().map(|minimum| minimum.at).collect();
        let rough = descend(frame, series, &weak, noise(FIRST_NOISE), &ends, 1);
        descend(frame, series, &weak, noise(sigma(&rough, None)), &ends, STEPS)
    };
    let modes: Vec<Mode> = family.par_iter().map(search).collect();
    reaches
        .par_iter()
        .map(|&reach| share(FamilyFit { frame, prior: weak, modes: modes.clone() }, family, reach))
        .collect()
}

/// Rounds of expectation-maximisation at a given reach.
fn share(mut fitted: FamilyFit, family: &[Series], reach: f64) -> FamilyFit {
    let FamilyFit { frame, .. } = fitted;
    let weak = frame.weak_prior();
    let several = family.len() > 1;
    for round in 1..=ROUNDS {
        let steps = if round == ROUNDS { STEPS } else { ROUND_STEPS };
        let shared = several.then(|| shared_sigma(&fitted.modes));
        if several {
            fitted.prior = estimated_prior(&weak, &fitted.modes, &fitted.prior);
        }
        let prior = fitted.prior;
        let again = |(series, mode): (&Series, &Mode)| {
            let noise = Noise { sigma: sigma(mode, shared), reach, ..mode.noise };
            Mode {
                agreed: mode.agreed,
                starts: mode.starts,
                ..descend(frame, series, &prior, noise, &[mode.theta], steps)
            }
        };
        fitted.modes = family.iter().zip(&fitted.modes).map(again).collect();
    }
    fitted
}

/// Standard deviation of a curve's noise, beside what the family has.
fn sigma(mode: &Mode, shared: Option<f64>) -> f64 {
    let (expected, count) = shared.map_or(NOISE, |shared| (shared, SHARED_NOISE));
    ((count * expected * expected + mode.squares) / (count + mode.degrees)).sqrt()
}

fn shared_sigma(modes: &[Mode]) -> f64 {
    let squares: f64 = modes.iter().map(|mode| mode.squares).sum();
    let degrees: f64 = modes.iter().map(|mode| mode.degrees).sum();
    ((NOISE.1 * NOISE.0 * NOISE.0 + squares) / (NOISE.1 + degrees)).sqrt()
}

/// Means and spreads of the coordinates over the family, the weak prior counting as some curves
/// more.
fn estimated_prior(
    weak: &Prior<DIMENSION>,
    modes: &[Mode],
    before: &Prior<DIMENSION>,
) -> Prior<DIMENSION> {
    let count = modes.len() as f64;
    let mut prior = *weak;
    for j in (0..DIMENSION).filter(|&j| weak.precision[j] > 0.0) {
        let sum: f64 = modes.iter().map(|mode| mode.theta[j]).sum();
        prior.mean[j] = (before.precision[j] * sum + weak.precision[j] * weak.mean[j])
            / (before.precision[j] * count + weak.precision[j]);
        let spread =
            |mode: &Mode| (mode.theta[j] - prior.mean[j]).powi(2) + mode.covariance[(j, j)];
        let expected = SHARED_SPREAD * WITHIN * WITHIN / weak.precision[j];
        prior.precision[j] =
            (SHARED_SPREAD + count) / (expected + modes.iter().map(spread).sum::<f64>());
    }
    prior
}

impl FamilyFit {
    /// Predicted ln loss of a curve.
    pub(super) fn ln_loss(&self, curve: usize, z: f64) -> f64 {
        self.frame.at(&self.modes[curve].theta).ln_loss(z)
    }

    /// Predicted ln losses of sizes held back of a curve, with their covariance by Laplace's
    /// approximation, what its reach says that the form misses, and the noise.
    pub(super) fn ahead(&self, curve: usize, held: &Held) -> Ahead {
        let Mode { theta, covariance, noise, .. } = &self.modes[curve];
        let rows: Vec<_> = held.z.iter().map(|&z| self.frame.gradient(theta, z)).collect();
        let far = |i: usize| noise.sigma * (held.z[i] - held.end) / noise.reach;
        let of = |i: usize, j: usize| {
            let scatter = if i == j { noise.sigma.powi(2) / held.weight[i] } else { 0.0 };
            rows[i].1.dot(&(covariance * rows[j].1)) + far(i) * far(j) + scatter
        };
        Ahead {
            ln_loss: rows.iter().map(|row| row.0).collect::<Vec<_>>().into(),
            covariance: DMatrix::from_fn(rows.len(), rows.len(), of),
        }
    }

    /// Akaike's criterion of one curve.
    pub(super) fn aicc(&self, curve: usize, series: &Series) -> Option<f64> {
        let mode = &self.modes[curve];
        let ln_deviations =
            deviations(series, mode.noise.reach).iter().map(|deviation| deviation.ln()).sum();
        akaike::aicc(mode.squares, ln_deviations, series.len(), self.frame.freedom())
    }
}
