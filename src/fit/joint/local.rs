//! What the joint law misses inside a design: a smooth function of the mixture, of mean 0.
//!
//! ```text
//! k(mi, m'i') = s1^2 k_z + [i = i'] (s2^2 k_z + s3^2 k_p)
//! k_z = exp(-|z - z'|^2 / 2 l1^2),             z = (ln X_i, ln T / 0.7)
//! k_p = exp(-|sqrt p - sqrt p'|^2 / 2 l2^2),   p the shares of the model
//! ```
//!
//! a Gaussian process (Rasmussen and Williams 2006) beside the noise of models.

use super::cells::Cell;
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
impl Local {
    /// Covariance of what the law misses in two cells.
    pub(super) fn covariance(&self, a: &Cell, b: &Cell) -> f64 {
        let amounts =
            (a.own / b.own).ln().powi(2) + ((a.total() / b.total()).ln() / TOTAL_LENGTH).powi(2);
        let by_amounts = (-0.5 * amounts / self.amounts_length.powi(2)).exp();
        let shared = self.shared_log.powi(2) * by_amounts;
        if a.lang != b.lang {
            return shared;
        }
        let shares: f64 =
            a.root_shares.iter().zip(&b.root_shares).map(|(a, b)| (a - b).powi(2)).sum();
        let by_shares = (-0.5 * shares / self.shares_length.powi(2)).exp();
        shared + self.own_log.powi(2) * by_amounts + self.shares_log.powi(2) * by_shares
    }
}
