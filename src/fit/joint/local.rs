//! What the joint law misses inside a design: a smooth function of the mixture, of mean 0.
//!
//! ```text
//! k(mi, m'i') = s1^2 k_z + [i = i'] (s2^2 k_z + s3^2 k_p)
//! k_z = exp(-|z - z'|^2 / 2 l1^2),   z = (ln X_i, ln T / 0.7)          k_p = exp(-|sqrt p - sqrt p'|^2 / 2 l2^2),   p the shares of the model
//! ```
//!
//! a Gaussian process (Rasmussen and Williams 2006) beside the noise of models. Its scales are the most likely ones under priors around what two
//! studies of pooled models show.

use super::cells::Cell;
use super::mode::{Noise, covariance};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// Scales of what the law misses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// `s1`: standard deviation of what all languages share.
    pub shared_log: f64,
    /// `s2`: of what is a language's own.
    pub own_log: f64,
    /// `s3`: of what goes by the shares of all languages.
    pub shares_log: f64,
    /// `l1`: length over which amounts are alike, e-foldings.
    pub amounts_length: f64,
    /// `l2`: length over which square roots of shares are alike.
    pub shares_length: f64,
}

/// ln of a total that is as far as an e-folding of a language's own data.
const TOTAL_LENGTH: f64 = 0.7;
/// Logarithms of the scales and of the noises before any data, with their spreads.
const PRIOR: [(f64, f64); 7] = [(0.01, 1.0), (0.01, 1.0), (0.01, 1.0), (1.0, 0.7), (0.4, 0.7), (0.006, 0.5), (0.004, 0.7)];
/// First step of the search, ln.
const STEP: f64 = 0.8;
/// Last step of the search, ln.
const LAST_STEP: f64 = 0.1;

impl Local {
    /// Covariance of what the law misses in two cells.
    pub(super) fn covariance(&self, a: &Cell, b: &Cell) -> f64 {
        let amounts = (a.own / b.own).ln().powi(2) + ((a.total() / b.total()).ln() / TOTAL_LENGTH).powi(2);
        let by_amounts = (-0.5 * amounts / self.amounts_length.powi(2)).exp();
        let shared = self.shared_log.powi(2) * by_amounts;
        if a.lang != b.lang {
            return shared;
        }
        let shares: f64 = a.root_shares.iter().zip(&b.root_shares).map(|(a, b)| (a - b).powi(2)).sum();
        let by_shares = (-0.5 * shares / self.shares_length.powi(2)).exp();
        shared + self.own_log.powi(2) * by_amounts + self.shares_log.powi(2) * by_shares
    }

    /// The most likely scales and noises of some residuals of pooled models, by a search along the axes.
    pub(super) fn new(cells: &[Cell], residuals: &DVector<f64>, noise: Noise) -> (Self, Noise) {
        let split = |at: &[f64; 7]| {
            let [shared_log, own_log, shares_log, amounts_length, shares_length, own, common] = at.map(f64::exp);
            let local = Local { shared_log, own_log, shares_log, amounts_length, shares_length };
            (local, Noise { own_log: own, common_log: common, ..noise })
        };
        let objective = |at: &[f64; 7]| {
            let (local, noise) = split(at);
            let prior: f64 = at.iter().zip(PRIOR).map(|(value, (mean, spread))| ((value - mean.ln()) / spread).powi(2)).sum();
            unlikeliness(&covariance(cells, &noise, Some(&local)), residuals) + 0.5 * prior
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
}

/// `(r' S^-1 r + ln det S) / 2`; infinite where S is not positive.
fn unlikeliness(covariance: &DMatrix<f64>, residuals: &DVector<f64>) -> f64 {
    let Some(factor) = covariance.clone().cholesky() else { return f64::INFINITY };
    let ln_root: f64 = factor.l_dirty().diagonal().iter().map(|d| d.ln()).sum();
    0.5 * residuals.dot(&factor.solve(residuals)) + ln_root
}
