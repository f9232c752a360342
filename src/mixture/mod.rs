//! Mixtures of anybody's runs: domains that were mixed, targets whose losses were measured, and the
//! losses of other mixtures predicted.
//!
//! ```text
//! ln loss = f(features) + noise,   f a Gaussian process
//! features: of each share p one of  p, sqrt(p), ln(p + 1 / (4 domains)),
//!           and ln total and ln n_params where these vary
//! ```
//!
//! Domains need not be languages, and targets need not be domains. No form of a law is assumed: a
//! straight line plus what the runs show beside it. The three scales of the shares are averaged,
//! each with its own lengths and noise (Rasmussen and Williams 2006, chapters 2 and 5); how far
//! they disagree is part of the intervals.

mod choice;
mod fits;
mod law;
mod problem;
mod process;
mod simplex;
mod table;

use crate::numeric::ranks::spearman;
use crate::units::Interval;
pub use choice::{DomainShare, Held, PolicyShares, ShareAllocation};
pub use fits::{FittedTarget, MixtureFits, MixtureLaws};
use law::TargetLaw;
use nalgebra::DVector;
pub use problem::{ShareError, ShareProblem};
use process::Belief;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
pub use table::{Fault, MixtureTable, Run, TableError};

/// Fewest runs with a loss of a target that anything is predicted from.
pub const LEAST_RUNS: usize = 5;

/// Quantiles of the normal distribution at 75 % and 95 %.
const Z_75: f64 = 0.674_489_750_196_081_7;
const Z_95: f64 = 1.644_853_626_951_472_2;

/// A loss that is predicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// Median.
    pub loss: f64,
    /// Where one measured loss lies, its noise included.
    pub interval_50: Interval,
    /// The same at 90 %: nine measured losses in ten lie in it.
    pub interval_90: Interval,
}

impl Predicted {
    fn new(belief: Belief) -> Self {
        let within = |z: f64| {
            let apart = z * belief.deviation;
            Interval { lo: (belief.mean - apart).exp(), hi: (belief.mean + apart).exp() }
        };
        Predicted { loss: belief.mean.exp(), interval_50: within(Z_75), interval_90: within(Z_95) }
    }
}

/// How well the measured losses of a target are predicted when each run is left out, with lengths
/// and noise that all runs chose.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Runs.
    pub runs: usize,
    /// Rank correlation of predicted and measured losses; none where one of them does not vary.
    pub spearman: Option<f64>,
    /// Mean relative error.
    pub error: f64,
    /// Share of the runs in their 90 % intervals.
    pub within_90: f64,
}

/// What was found of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetFit {
    /// How well each run is predicted from the others.
    pub left_out: LeftOut,
    /// Of the runs that are asked for, in the order of the table.
    pub predicted: Vec<Predicted>,
    /// Coordinates of the processes of its law.
    coordinates: Vec<Vec<f64>>,
}

/// Fits each target of a table and predicts what it asks for; none of a target with fewer than
/// [`LEAST_RUNS`] losses to fit. The result is the same on any number of threads.
pub fn fit_mixtures(table: &MixtureTable) -> Vec<Option<TargetFit>> {
    (0..table.targets().len()).into_par_iter().map(|target| fit_target(table, target)).collect()
}

fn fit_target(table: &MixtureTable, target: usize) -> Option<TargetFit> {
    let known: Vec<(&Run, f64)> =
        table.fitted().filter_map(|run| Some((run, run.losses[target]?))).collect();
    if known.len() < LEAST_RUNS {
        return None;
    }
    let (runs, losses): (Vec<&Run>, Vec<f64>) = known.into_iter().unzip();
    let asked: Vec<&Run> = table.asked().collect();
    let ln_losses = DVector::from_iterator(losses.len(), losses.iter().map(|loss| loss.ln()));
    let law = TargetLaw::fit(&runs, &ln_losses, table.domains().len())?;
    let left_out: Vec<Predicted> = law.left_out().into_iter().map(Predicted::new).collect();
    let count = losses.len() as f64;
    let within = |(predicted, loss): &(&Predicted, &f64)| {
        (predicted.interval_90.lo..=predicted.interval_90.hi).contains(loss)
    };
    let medians: Vec<f64> = left_out.iter().map(|predicted| predicted.loss).collect();
    Some(TargetFit {
        left_out: LeftOut {
            runs: losses.len(),
            spearman: spearman(&medians, &losses),
            error: medians
                .iter()
                .zip(&losses)
                .map(|(predicted, loss)| (predicted / loss - 1.0).abs())
                .sum::<f64>()
                / count,
            within_90: left_out.iter().zip(&losses).filter(within).count() as f64 / count,
        },
        predicted: law.at(&asked).into_iter().map(Predicted::new).collect(),
        coordinates: law.coordinates(),
    })
}

#[cfg(test)]
mod tests;
