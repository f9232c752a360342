//! Fits of mixtures as they are kept: the runs, and per target what its law was found to be. The
//! laws are made from them again.

use super::law::TargetLaw;
use super::table::Run;
use super::{LeftOut, MixtureTable, TargetFit};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// What was found of one target, and where its law is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedTarget {
    /// Its name.
    pub target: String,
    /// How well each run is predicted from the others.
    pub left_out: LeftOut,
    /// Per scale of the shares the logarithms of lengths, amplitude, slope and noise.
    coordinates: Vec<Vec<f64>>,
}

/// The fits of a table of mixtures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixtureFits {
    /// Domains that were mixed.
    pub domains: Vec<String>,
    /// Unique amount of each, where it is known.
    pub unique: Vec<Option<f64>>,
    /// Runs that were fitted; their losses stand in the order of the targets.
    pub runs: Vec<Run>,
    /// Targets.
    pub targets: Vec<FittedTarget>,
}

impl MixtureFits {
    /// What is kept of a table and its fits; targets without a fit are left out. None where there
    /// is none.
    pub fn new(table: &MixtureTable, fits: &[Option<TargetFit>]) -> Option<Self> {
        let found: Vec<(usize, &TargetFit)> =
            fits.iter().enumerate().filter_map(|(at, fit)| Some((at, fit.as_ref()?))).collect();
        let run = |run: &Run| Run {
            losses: found.iter().map(|&(at, _)| run.losses[at]).collect(),
            ..run.clone()
        };
        let target = |&(at, fit): &(usize, &TargetFit)| FittedTarget {
            target: table.targets()[at].clone(),
            left_out: fit.left_out,
            coordinates: fit.coordinates.clone(),
        };
        (!found.is_empty()).then(|| MixtureFits {
            domains: table.domains().to_vec(),
            unique: table.unique().to_vec(),
            runs: table.fitted().map(run).collect(),
            targets: found.iter().map(target).collect(),
        })
    }

    /// The laws of the targets; none where the file does not hold together.
    pub fn laws(&self) -> Option<MixtureLaws<'_>> {
        let domains = self.domains.len();
        let is_loss = |loss: &f64| loss.is_finite() && *loss > 0.0;
        let is_whole = |run: &Run| {
            run.shares.len() == domains
                && run.losses.len() == self.targets.len()
                && run.losses.iter().flatten().all(is_loss)
        };
        if domains < 2
            || self.unique.len() != domains
            || self.targets.is_empty()
            || !self.runs.iter().all(is_whole)
        {
            return None;
        }
        let law = |(at, target): (usize, &FittedTarget)| {
            let known: Vec<(&Run, f64)> =
                self.runs.iter().filter_map(|run| Some((run, run.losses[at]?.ln()))).collect();
            let (runs, ln_losses): (Vec<&Run>, Vec<f64>) = known.into_iter().unzip();
            TargetLaw::restored(&runs, &DVector::from_vec(ln_losses), domains, &target.coordinates)
        };
        let laws: Vec<TargetLaw> =
            self.targets.iter().enumerate().map(law).collect::<Option<_>>()?;
        let correlation = self.correlation(&laws);
        Some(MixtureLaws { fits: self, laws, correlation })
    }

    /// How what is missed of one target goes with what is missed of another (targets, targets):
    /// correlations of residuals of runs left out.
    fn correlation(&self, laws: &[TargetLaw]) -> DMatrix<f64> {
        let residuals = |(at, law): (usize, &TargetLaw)| {
            let mut left_out = law.left_out().into_iter();
            let one = |run: &Run| {
                let belief = run.losses[at].and_then(|loss| Some((loss.ln(), left_out.next()?)));
                belief.map(|(ln_loss, belief)| (ln_loss - belief.mean) / belief.deviation)
            };
            self.runs.iter().map(one).collect::<Vec<Option<f64>>>()
        };
        let residuals: Vec<Vec<Option<f64>>> = laws.iter().enumerate().map(residuals).collect();
        DMatrix::from_fn(laws.len(), laws.len(), |i, j| {
            let both =
                || residuals[i].iter().zip(&residuals[j]).filter_map(|(a, b)| Some(((*a)?, (*b)?)));
            let sum = |of: fn((f64, f64)) -> f64| both().map(of).sum::<f64>();
            let norm = (sum(|(a, _)| a * a) * sum(|(_, b)| b * b)).sqrt();
            if i == j || norm <= 0.0 {
                f64::from(u8::from(i == j))
            } else {
                sum(|(a, b)| a * b) / norm
            }
        })
    }
}

/// The laws of the targets of some fits.
#[derive(Debug, Clone)]
pub struct MixtureLaws<'a> {
    /// The fits.
    pub fits: &'a MixtureFits,
    pub(super) laws: Vec<TargetLaw>,
    /// Correlation of what is missed of two targets in one run (targets, targets).
    pub(super) correlation: DMatrix<f64>,
}

impl MixtureLaws<'_> {
    /// Least and largest share of a domain among the runs.
    pub fn tried(&self, domain: usize) -> (f64, f64) {
        let shares = || self.fits.runs.iter().map(|run| run.shares[domain]);
        (shares().fold(1.0, f64::min), shares().fold(0.0, f64::max))
    }

    /// Whether a share of a domain lies within those of the runs, up to rounding.
    pub fn is_tried(&self, domain: usize, share: f64) -> bool {
        let (least, most) = self.tried(domain);
        (least - 1e-9..=most + 1e-9).contains(&share)
    }

    /// Least and largest of a size of the runs, where they have it.
    pub fn range(&self, size: impl Fn(&Run) -> Option<f64>) -> Option<(f64, f64)> {
        let sizes = || self.fits.runs.iter().filter_map(&size);
        let range = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
        (range.0 <= range.1).then_some(range)
    }
}
