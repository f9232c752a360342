//! Repetition: what pairs seen again are worth, from the runs that read more pairs than a language
//! has.
//!
//! ```text
//! ln loss_ip = ln L_i( d(X_ip; U_i, R_i) ) + e_ip
//! d(X) = U + U R (1 - e^(-(X/U - 1) / R)) beyond U
//! ln R_i ~ N(m, s^2)      m ~ N(ln 15.4, 1)      s ~ |N(0, 0.5^2)|
//! ```
//!
//! `L_i` is the law of the runs that repeat nothing; no repeated run has a part in it. R is in
//! passes over the unique pairs. The mean of the prior is what Muennighoff et al. 2023 published
//! for pre-training, its width our own: tuning may lie a factor of e away. A language without
//! repeated runs learns from its family, and where no run repeats anything the prior alone stands.

mod evidence;
mod prior;
mod shared;

use super::{Fit, Flag, Settings};
use crate::curve::Point;
use crate::law::Repetition;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::{Estimate, Interval};
use evidence::Evidence;
use prior::grid;
use serde::{Deserialize, Serialize};
use shared::Shared;

/// What an R rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The language's own runs repeat pairs.
    Measured,
    /// Only runs of other languages of the family do.
    Family,
    /// No run does: this is the prior.
    Prior,
}

/// What repeated pairs of one language are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepetitionFit {
    /// Passes over the unique pairs that all repeats together are worth at most: median and 90 %
    /// interval.
    pub r_star: Estimate,
    /// What it rests on.
    pub basis: Basis,
    /// Runs that read more pairs than there are, sorted by pairs and then seed; no law was fitted
    /// to them.
    pub points: Vec<Point>,
    /// Draws of R, one per draw of the law. A draw whose law lies low has an R that lies low, as
    /// far as the points say so.
    pub draws: Vec<f64>,
}

impl Fit {
    /// What `pairs` are worth in unique pairs, by the estimate of R; themselves where nothing is
    /// known of repetition.
    pub fn effective(&self, pairs: f64) -> f64 {
        self.effective_at(pairs, self.repetition.as_ref().map(|repetition| repetition.r_star.value))
    }

    /// The same by some R.
    pub(super) fn effective_at(&self, pairs: f64, r_star: Option<f64>) -> f64 {
        let repetition = self
            .unique
            .zip(r_star)
            .and_then(|(unique, r_star)| Repetition::new(unique as f64, r_star).ok());
        repetition.map_or(pairs, |repetition| repetition.effective(pairs))
    }

    /// All runs: those that the law was fitted to, then those that repeat pairs.
    pub fn all_points(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().chain(self.repetition.iter().flat_map(|repetition| &repetition.points))
    }
}

/// What repeats bring by the prior alone, of fits whose unique pairs are known and whose runs
/// repeat none.
pub fn prior_repetition(fits: &mut [Fit], settings: &Settings) {
    let none = fits.iter().map(|_| Vec::new()).collect();
    estimate(fits, none, settings);
}

/// Estimates R for every fit whose unique pairs are known, from its repeated points; a family of
/// fits of laws alone.
pub(super) fn estimate(fits: &mut [Fit], repeated: Vec<Vec<Point>>, settings: &Settings) {
    let grid = grid();
    let known: Vec<usize> =
        (0..fits.len()).filter(|&i| fits[i].unique.is_some_and(|unique| unique > 0)).collect();
    let evidence: Vec<Evidence> =
        known.iter().map(|&i| Evidence::new(&fits[i], &repeated[i], &grid)).collect();
    let shared = Shared::new(&evidence);
    let measures = evidence.iter().any(|evidence| !evidence.is_empty());
    let count = known.iter().map(|&i| fits[i].draws.len()).min().unwrap_or(0);
    let hyper = shared.draws(count, &mut generator(settings.seed, Purpose::Repetition, Item::All));
    for (evidence, &i) in evidence.iter().zip(&known) {
        let marginal = shared.marginal(evidence);
        let basis = match (evidence.is_empty(), measures) {
            (false, _) => Basis::Measured,
            (true, true) => Basis::Family,
            (true, false) => Basis::Prior,
        };
        let mut generator = generator(settings.seed, Purpose::Repetition, Item::Of(&fits[i].curve));
        let drawn: Vec<f64> = hyper
            .iter()
            .enumerate()
            .map(|(draw, prior)| evidence.drawn(draw, *prior, &grid, &mut generator))
            .collect();
        let at = |part: f64| marginal.quantile(part).exp();
        fits[i].repetition = Some(RepetitionFit {
            r_star: Estimate { value: at(0.5), interval_90: Interval::new(at(0.05), at(0.95)) },
            basis,
            draws: ranks(&drawn)
                .into_iter()
                .map(|rank| at((rank as f64 + 0.5) / count as f64))
                .collect(),
            points: repeated[i].clone(),
        });
        let hurt = hurt(&fits[i]);
        fits[i].flags.extend(hurt);
    }
}

/// Rank of each value, counted from 0; of equals the first is the lower.
fn ranks(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    order.into_iter().enumerate().for_each(|(rank, at)| ranks[at] = rank);
    ranks
}

/// The first repeated size whose loss lies above what the unique pairs alone reach, by more than
/// twice its deviation: no R shows that.
fn hurt(fit: &Fit) -> Option<Flag> {
    let unique = fit.unique? as f64;
    let (floor, law_variance) = evidence::ln_loss(fit, unique);
    let of_size = |points: &[Point]| {
        let count = points.len() as f64;
        let mean = points.iter().map(|point| point.loss_nats.ln()).sum::<f64>() / count;
        let deviation = (fit.noise_log.powi(2) / count + law_variance).sqrt();
        (mean > floor + 2.0 * deviation).then(|| Flag::RepeatsHurt { pairs: points[0].pairs })
    };
    fit.repetition.as_ref()?.points.chunk_by(|a, b| a.pairs == b.pairs).find_map(of_size)
}

#[cfg(test)]
mod tests;
