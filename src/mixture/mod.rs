//! Mixtures of anybody's runs: domains that were mixed, targets whose losses were measured, and the losses of other mixtures predicted.
//!
//! ```text
//! ln loss = f(features) + noise,   f a Gaussian process;   features: of each share p one of  p, sqrt(p), ln(p + 1 / (4 domains)),
//!                                                          and ln total and ln n_params where these vary
//! ```
//!
//! Domains need not be languages, and targets need not be domains. No form of a law is assumed: a straight line plus what the runs show
//! beside it. The three scales of the shares are averaged, each with its own lengths and noise (Rasmussen and Williams 2006, chapters 2
//! and 5); how far they disagree is part of the intervals.

mod process;
mod table;

use crate::numeric::ranks::spearman;
use crate::units::Interval;
use nalgebra::{DMatrix, DVector};
use process::{Belief, Process};
use rayon::prelude::*;
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

/// How well the measured losses of a target are predicted when each run is left out, with lengths and noise that all runs chose.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// See there.
    pub left_out: LeftOut,
    /// Of the runs that are asked for, in the order of the table.
    pub predicted: Vec<Predicted>,
}

/// A scale on which the shares of a mixture are seen.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Share,
    Root,
    Log,
}

const SCALES: [Scale; 3] = [Scale::Share, Scale::Root, Scale::Log];

/// Features of runs, one a row.
fn features(runs: &[&Run], domains: usize, scale: Scale) -> DMatrix<f64> {
    let of_share = |share: f64| match scale {
        Scale::Share => share,
        Scale::Root => share.sqrt(),
        Scale::Log => (share + 0.25 / domains as f64).ln(),
    };
    // 0 where no run says it, which makes a feature that does not vary
    let sizes = |run: &Run| [run.total, run.n_params].map(|size| size.map_or(0.0, f64::ln));
    let row = |run: &&Run| run.shares.iter().map(|&share| of_share(share)).chain(sizes(run)).collect::<Vec<_>>();
    let rows: Vec<f64> = runs.iter().flat_map(row).collect();
    DMatrix::from_row_slice(runs.len(), domains + 2, &rows)
}

/// The average of what equally likely processes believe.
fn averaged(beliefs: &[Vec<Belief>], at: usize) -> Belief {
    let count = beliefs.len() as f64;
    let mean = beliefs.iter().map(|of| of[at].mean).sum::<f64>() / count;
    let variance = beliefs.iter().map(|of| of[at].deviation.powi(2) + (of[at].mean - mean).powi(2)).sum::<f64>() / count;
    Belief { mean, deviation: variance.sqrt() }
}

/// Fits each target of a table and predicts what it asks for; none of a target with fewer than [`LEAST_RUNS`] losses to fit. The result is the same on any
/// number of threads.
pub fn fit_mixtures(table: &MixtureTable) -> Vec<Option<TargetFit>> {
    (0..table.targets().len()).into_par_iter().map(|target| fit_target(table, target)).collect()
}

fn fit_target(table: &MixtureTable, target: usize) -> Option<TargetFit> {
    let known: Vec<(&Run, f64)> = table.fitted().filter_map(|run| Some((run, run.losses[target]?))).collect();
    if known.len() < LEAST_RUNS {
        return None;
    }
    let (runs, losses): (Vec<&Run>, Vec<f64>) = known.into_iter().unzip();
    let asked: Vec<&Run> = table.asked().collect();
    let ln_losses = DVector::from_iterator(losses.len(), losses.iter().map(|loss| loss.ln()));
    let domains = table.domains().len();
    let of_scale = |scale: Scale| {
        let process = Process::fit(&features(&runs, domains, scale), &ln_losses)?;
        Some((process.left_out(), process.at(&features(&asked, domains, scale))))
    };
    let beliefs: Vec<(Vec<Belief>, Vec<Belief>)> = SCALES.into_iter().map(of_scale).collect::<Option<_>>()?;
    let (left_out, at_asked): (Vec<Vec<Belief>>, Vec<Vec<Belief>>) = beliefs.into_iter().unzip();
    let left_out: Vec<Predicted> = (0..losses.len()).map(|at| Predicted::new(averaged(&left_out, at))).collect();
    let count = losses.len() as f64;
    let within = |(predicted, loss): &(&Predicted, &f64)| (predicted.interval_90.lo..=predicted.interval_90.hi).contains(loss);
    let medians: Vec<f64> = left_out.iter().map(|predicted| predicted.loss).collect();
    Some(TargetFit {
        left_out: LeftOut {
            runs: losses.len(),
            spearman: spearman(&medians, &losses),
            error: medians.iter().zip(&losses).map(|(predicted, loss)| (predicted / loss - 1.0).abs()).sum::<f64>() / count,
            within_90: left_out.iter().zip(&losses).filter(within).count() as f64 / count,
        },
        predicted: (0..asked.len()).map(|at| Predicted::new(averaged(&at_asked, at))).collect(),
    })
}

#[cfg(test)]
mod tests;
