//! The law of one target: three Gaussian processes, each of which sees the shares on a scale of its
//! own, averaged.

use super::process::{Belief, Process};
use super::table::Run;
use nalgebra::{DMatrix, DVector};

/// A scale on which the shares of a mixture are seen.
#[derive(Debug, Clone, Copy)]
enum Scale {
    Share,
    Root,
    Log,
}

const SCALES: [Scale; 3] = [Scale::Share, Scale::Root, Scale::Log];

/// Share below which the slope of a root is taken as there, so that it stays finite.
const LEAST_SHARE: f64 = 1e-6;

impl Scale {
    fn of(self, share: f64, domains: usize) -> f64 {
        match self {
            Scale::Share => share,
            Scale::Root => share.sqrt(),
            Scale::Log => (share + 0.25 / domains as f64).ln(),
        }
    }

    fn slope(self, share: f64, domains: usize) -> f64 {
        match self {
            Scale::Share => 1.0,
            Scale::Root => 0.5 / share.max(LEAST_SHARE).sqrt(),
            Scale::Log => 1.0 / (share + 0.25 / domains as f64),
        }
    }

    /// Features of runs, one a row: the shares (domains), ln total and ln n_params; 0 where no run
    /// says one, which makes a feature that does not vary.
    fn features(self, runs: &[&Run], domains: usize) -> DMatrix<f64> {
        let sizes = |run: &Run| [run.total, run.n_params].map(|size| size.map_or(0.0, f64::ln));
        let row = |run: &&Run| {
            run.shares
                .iter()
                .map(|&share| self.of(share, domains))
                .chain(sizes(run))
                .collect::<Vec<_>>()
        };
        let rows: Vec<f64> = runs.iter().flat_map(row).collect();
        DMatrix::from_row_slice(runs.len(), domains + 2, &rows)
    }
}

/// What is known of the ln losses of several mixtures together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Joint {
    /// Means, one per mixture.
    pub means: DVector<f64>,
    /// Covariance of the law at the mixtures, noise left out.
    pub covariance: DMatrix<f64>,
    /// Variance of the noise of one model.
    pub noise: f64,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct TargetLaw {
    processes: Vec<Process>,
    domains: usize,
}

impl TargetLaw {
    /// Fits ln losses (runs) of runs; none where a number is not finite.
    pub(super) fn fit(runs: &[&Run], ln_losses: &DVector<f64>, domains: usize) -> Option<Self> {
        let fitted =
            SCALES.into_iter().map(|scale| Process::fit(&scale.features(runs, domains), ln_losses));
        Some(TargetLaw { processes: fitted.collect::<Option<_>>()?, domains })
    }

    /// The law from the coordinates of its processes.
    pub(super) fn restored(
        runs: &[&Run],
        ln_losses: &DVector<f64>,
        domains: usize,
        coordinates: &[Vec<f64>],
    ) -> Option<Self> {
        if coordinates.len() != SCALES.len() {
            return None;
        }
        let restored = SCALES.into_iter().zip(coordinates);
        let restored = restored
            .map(|(scale, own)| Process::restored(&scale.features(runs, domains), ln_losses, own));
        Some(TargetLaw { processes: restored.collect::<Option<_>>()?, domains })
    }

    /// Coordinates of the processes.
    pub(super) fn coordinates(&self) -> Vec<Vec<f64>> {
        self.processes.iter().map(|process| process.coordinates().to_vec()).collect()
    }

    /// What is believed of each fitted ln loss from all others, noise included.
    pub(super) fn left_out(&self) -> Vec<Belief> {
        averaged(&self.processes.iter().map(Process::left_out).collect::<Vec<_>>())
    }

    /// What is believed of the ln losses of runs, noise included.
    pub(super) fn at(&self, runs: &[&Run]) -> Vec<Belief> {
        let beliefs = self
            .processes
            .iter()
            .zip(SCALES)
            .map(|(process, scale)| process.at(&scale.features(runs, self.domains)));
        averaged(&beliefs.collect::<Vec<_>>())
    }

    /// The mean ln loss of a run, and its gradient in the shares.
    pub(super) fn slope(&self, run: &Run) -> (f64, Vec<f64>) {
        let (mut mean, mut gradient) = (0.0, vec![0.0; self.domains]);
        let part = 1.0 / self.processes.len() as f64;
        for (process, scale) in self.processes.iter().zip(SCALES) {
            let (own, slopes) = process.slope(&scale.features(&[run], self.domains));
            mean += part * own;
            for ((sum, slope), &share) in gradient.iter_mut().zip(slopes).zip(&run.shares) {
                *sum += part * slope * scale.slope(share, self.domains);
            }
        }
        (mean, gradient)
    }

    /// What is known of the ln losses of runs together; how far the scales disagree is part of the
    /// covariance.
    pub(super) fn joint(&self, runs: &[&Run]) -> Joint {
        let part = 1.0 / self.processes.len() as f64;
        let each = self
            .processes
            .iter()
            .zip(SCALES)
            .map(|(process, scale)| process.joint(&scale.features(runs, self.domains)));
        let each: Vec<(DVector<f64>, DMatrix<f64>, f64)> = each.collect();
        let means: DVector<f64> = each.iter().map(|(means, ..)| means * part).sum();
        let apart = |own: &DVector<f64>| (own - &means) * (own - &means).transpose();
        let covariance =
            each.iter().map(|(own, covariance, _)| (covariance + apart(own)) * part).sum();
        let noise = each.iter().map(|(.., noise)| noise * part).sum();
        Joint { means, covariance, noise }
    }
}

/// The average of what equally likely processes believe.
fn averaged(beliefs: &[Vec<Belief>]) -> Vec<Belief> {
    let count = beliefs.len() as f64;
    let one = |at: usize| {
        let mean = beliefs.iter().map(|of| of[at].mean).sum::<f64>() / count;
        let variance = beliefs
            .iter()
            .map(|of| of[at].deviation.powi(2) + (of[at].mean - mean).powi(2))
            .sum::<f64>()
            / count;
        Belief { mean, deviation: variance.sqrt() }
    };
    (0..beliefs.first().map_or(0, Vec::len)).map(one).collect()
}
