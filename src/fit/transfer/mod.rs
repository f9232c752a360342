//! Transfer: what a pair of one language is worth to another, from models tuned on mixtures.
//!
//! ```text
//! ln loss_im = ln L_i(y_im) + e_im,              e_im ~ N(0, rho sigma_i^2)
//! y_im = d_i(X_im) + sum_j tau_ij X_jm
//! tau_ij = t + u_i + v_ij,             t ~ N(0, s^2),   u_i ~ N(0, a^2),   v_ij ~ N(0, b^2)
//! ```
//!
//! `X_im` are the pairs of language i in mixture m, `d_i` what they are worth under repetition,
//! `L_i` the law of its runs alone, `sigma_i` the noise of those. A tau is of either sign, and is
//! drawn to what it has in common with the others, and all to 0, as far as the data do not say. The
//! scales `s, a, b` and `rho` are weighed by how likely they make the data. Every draw of the laws
//! has taus of its own.
//!
//! Only mixtures count that give language i at least half the smallest size that its law was fitted
//! to; below that the law goes on as an exponential. What others bring to a language that a mixture
//! leaves out is told apart, against the base model.

mod posterior;

use super::Fit;
use super::prediction::estimate;
use crate::law::Average;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::Estimate;
use nalgebra::{DMatrix, DVector};
use posterior::{NOISE, Posterior, Priors, Scales};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Parts of which each is predicted by a fit to the others.
const FOLDS: usize = 5;

/// One model tuned on a mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureRun {
    /// Pairs per language.
    pub pairs: Vec<f64>,
    /// Loss per language, nats per target token.
    pub loss_nats: Vec<f64>,
}

/// What a pair of one language is worth to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TauRow {
    /// Language that gains or loses.
    pub to: String,
    /// Language of the pair.
    pub from: String,
    /// Pairs of `to` that a pair of `from` is worth.
    pub tau: Estimate,
}

/// How well mixtures are predicted by fits to other mixtures: root mean squares of ln measured - ln
/// predicted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// By the laws of each language alone.
    pub separable_log: f64,
    /// By the laws with transfer.
    pub coupled_log: f64,
    /// Losses predicted.
    pub losses: usize,
}

/// What happened to a language that mixtures left out, or that no run was tuned on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Untuned {
    /// Language.
    pub lang: String,
    /// Mixtures without it.
    pub mixtures: usize,
    /// Mean over them of ln loss - ln loss of the base model; the interval holds the middle 90 % of
    /// the mixtures.
    pub change_log: Estimate,
}

/// Transfer between the languages of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferFit {
    /// Languages, in the order of the fits.
    pub langs: Vec<String>,
    /// Mixtures.
    pub mixtures: usize,
    /// Pairs of the largest mixture; absent in fits of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_pairs: Option<f64>,
    /// Losses that count.
    pub losses: usize,
    /// Every ordered pair of languages.
    pub tau: Vec<TauRow>,
    /// Variance of a mixture's ln loss about the coupled law over that of a run about its
    /// language's law, the mean over the scales.
    pub noise_ratio: f64,
    /// How well it predicts.
    pub held_out: HeldOut,
    /// Languages that some mixture leaves out.
    pub untuned: Vec<Untuned>,
    /// Pairs below which the law of each language goes on as an exponential.
    pub trusted_from: Vec<f64>,
    /// Draws: for each of the draws of the laws, the taus in the order of `tau`.
    pub draws: Vec<Vec<f64>>,
}

/// Why there is no transfer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum TransferError {
    /// Too little to fit.
    #[error("mixtures finished: {found}, expected at least {needed} for {languages} languages")]
    TooFew { found: usize, needed: usize, languages: usize },
    /// Mixtures too small for the laws.
    #[error("no mixture gives a language half the smallest size of its law")]
    TooSmall,
    /// Equations that break down.
    #[error(
        "the equations of transfer have no solution, expected losses that are finite and above 0"
    )]
    Singular,
}

/// What the mixtures say of one language.
pub(super) struct Observed {
    /// What its own pairs are worth, one entry per mixture that counts.
    own: DVector<f64>,
    /// Pairs of the other languages, in their order; rows mixtures.
    others: DMatrix<f64>,
    ln_loss: DVector<f64>,
    noise_log: f64,
    /// Covariance over the draws of its law of what that predicts of the mixtures, ln loss.
    law_covariance: DMatrix<f64>,
    trusted: f64,
}

/// Fits transfer to mixtures of the languages of `fits`, in their order. `base_nats` are the losses
/// of the base model, where it was scored.
pub fn fit_transfer(
    fits: &[Fit],
    mixtures: &[MixtureRun],
    base_nats: &[Option<f64>],
    seed: u64,
) -> Result<TransferFit, TransferError> {
    let languages = fits.len();
    if languages < 2 || mixtures.len() < languages {
        return Err(TransferError::TooFew {
            found: mixtures.len(),
            needed: languages.max(2),
            languages,
        });
    }
    let laws: Vec<Average> = fits
        .iter()
        .map(|fit| fit.average(|_| true).unwrap_or_else(|| Average::from(fit.law)))
        .collect();
    let observed: Vec<Observed> =
        (0..languages).map(|i| Observed::new(i, fits, mixtures)).collect();
    // every fold must have something to predict
    if observed.iter().map(|one| one.ln_loss.len()).sum::<usize>() < FOLDS * languages {
        return Err(TransferError::TooSmall);
    }
    let priors = Priors::new(languages);
    let posterior = Posterior::new(&observed, &laws, &priors).ok_or(TransferError::Singular)?;
    let draws = draws(&posterior, &observed, fits, seed);
    let names = || {
        fits.iter().enumerate().flat_map(|(i, to)| {
            fits.iter().enumerate().filter(move |(j, _)| *j != i).map(move |(_, from)| (to, from))
        })
    };
    let central: Vec<f64> = posterior.tau.iter().flat_map(|tau| tau.iter().copied()).collect();
    let row = |(at, (to, from)): (usize, (&Fit, &Fit))| {
        let drawn: Vec<f64> = draws.iter().map(|draw| draw[at]).collect();
        let mean = if drawn.is_empty() {
            central[at]
        } else {
            drawn.iter().sum::<f64>() / drawn.len() as f64
        };
        TauRow { to: to.curve.clone(), from: from.curve.clone(), tau: estimate(mean, drawn) }
    };
    Ok(TransferFit {
        langs: fits.iter().map(|fit| fit.curve.clone()).collect(),
        mixtures: mixtures.len(),
        largest_pairs: Some(mixtures.iter().map(|run| run.pairs.iter().sum()).fold(0.0, f64::max)),
        losses: observed.iter().map(|one| one.ln_loss.len()).sum(),
        tau: names().enumerate().map(row).collect(),
        noise_ratio: posterior
            .scales
            .iter()
            .map(|(weight, scales)| weight * NOISE[scales.noise])
            .sum(),
        held_out: held_out(fits, &laws, mixtures, &priors).ok_or(TransferError::Singular)?,
        untuned: (0..languages)
            .filter_map(|i| untuned(&fits[i], i, mixtures, base_nats[i]?))
            .collect(),
        trusted_from: observed.iter().map(|one| one.trusted).collect(),
        draws,
    })
}

impl Observed {
    fn new(i: usize, fits: &[Fit], mixtures: &[MixtureRun]) -> Self {
        let fit = &fits[i];
        let trusted = fit.trusted_from();
        let rows: Vec<&MixtureRun> =
            mixtures.iter().filter(|run| run.pairs[i] >= trusted).collect();
        let other = |at: usize| if at < i { at } else { at + 1 };
        let own =
            DVector::from_iterator(rows.len(), rows.iter().map(|run| fit.effective(run.pairs[i])));
        let mut law_covariance = DMatrix::zeros(rows.len(), rows.len());
        let drawn =
            DMatrix::from_fn(rows.len(), fit.draws.len(), |m, k| fit.draws[k].loss(own[m]).ln());
        if fit.draws.len() > 1 {
            let mean = drawn.column_mean();
            let centred =
                DMatrix::from_fn(rows.len(), fit.draws.len(), |m, k| drawn[(m, k)] - mean[m]);
            law_covariance = &centred * centred.transpose() / (fit.draws.len() - 1) as f64;
        }
        Observed {
            others: DMatrix::from_fn(rows.len(), fits.len() - 1, |m, at| rows[m].pairs[other(at)]),
            ln_loss: DVector::from_iterator(
                rows.len(),
                rows.iter().map(|run| run.loss_nats[i].ln()),
            ),
            noise_log: fit.noise_log,
            law_covariance,
            trusted,
            own,
        }
    }
}

impl Fit {
    /// The least amount at which the law is trusted, pairs: half the smallest size that it was
    /// fitted to.
    pub fn trusted_from(&self) -> f64 {
        0.5 * self
            .points
            .iter()
            .map(|point| point.pairs)
            .filter(|&pairs| pairs > 0.0)
            .fold(f64::INFINITY, f64::min)
    }
}

/// Taus of every draw of the laws, their scales drawn by weight.
fn draws(posterior: &Posterior, observed: &[Observed], fits: &[Fit], seed: u64) -> Vec<Vec<f64>> {
    let count = fits.iter().map(|fit| fit.draws.len()).min().unwrap_or(0);
    let draw = |k: usize| {
        let mut generator = generator(seed, Purpose::Transfer, Item::Nth(k as u64));
        let scales = chosen(&posterior.scales, generator.random::<f64>());
        let taus = observed.len() * (observed.len() - 1);
        let normals = DVector::from_fn(taus, |_, _| StandardNormal.sample(&mut generator));
        let laws: Vec<_> = fits.iter().map(|fit| fit.draws[k]).collect();
        let found = posterior
            .draw(observed, &laws, &scales, &normals)
            .unwrap_or_else(|| posterior.tau.clone());
        found.iter().flat_map(|tau| tau.iter().copied()).collect()
    };
    (0..count).into_par_iter().map(draw).collect()
}

/// The choice in which a number from 0 to 1 falls.
fn chosen(scales: &[(f64, Scales)], at: f64) -> Scales {
    let mut sum = 0.0;
    let found = scales.iter().find(|(weight, _)| {
        sum += weight;
        at < sum
    });
    found.unwrap_or(&scales[0]).1
}

/// Every fold of the mixtures predicted by the others.
fn held_out(
    fits: &[Fit],
    laws: &[Average],
    mixtures: &[MixtureRun],
    priors: &Priors,
) -> Option<HeldOut> {
    let part = |fold: usize, inside: bool| -> Vec<MixtureRun> {
        mixtures
            .iter()
            .enumerate()
            .filter(|(m, _)| (m % FOLDS == fold) == inside)
            .map(|(_, run)| run.clone())
            .collect()
    };
    let errors = |fold: usize| {
        let (rest, left_out) = (part(fold, false), part(fold, true));
        let observed = |runs: &[MixtureRun]| {
            (0..fits.len()).map(|i| Observed::new(i, fits, runs)).collect::<Vec<_>>()
        };
        let posterior = Posterior::new(&observed(&rest), laws, priors)?;
        let mut squares = Vec::new();
        for (i, one) in observed(&left_out).iter().enumerate() {
            let worth = &one.own + &one.others * &posterior.tau[i];
            let error = |y: f64, ln_loss: f64| {
                (ln_loss - laws[i].extended_below(one.trusted, y).0.ln()).powi(2)
            };
            squares.extend(
                (0..one.own.len())
                    .map(|m| (error(one.own[m], one.ln_loss[m]), error(worth[m], one.ln_loss[m]))),
            );
        }
        Some(squares)
    };
    let squares: Vec<(f64, f64)> =
        (0..FOLDS).into_par_iter().map(errors).collect::<Option<Vec<_>>>()?.concat();
    let mean = |of: fn(&(f64, f64)) -> f64| {
        (squares.iter().map(of).sum::<f64>() / squares.len() as f64).sqrt()
    };
    Some(HeldOut {
        separable_log: mean(|pair| pair.0),
        coupled_log: mean(|pair| pair.1),
        losses: squares.len(),
    })
}

fn untuned(fit: &Fit, i: usize, mixtures: &[MixtureRun], base_nats: f64) -> Option<Untuned> {
    let changes: Vec<f64> = mixtures
        .iter()
        .filter(|run| run.pairs[i] == 0.0)
        .map(|run| (run.loss_nats[i] / base_nats).ln())
        .collect();
    Untuned::new(&fit.curve, changes)
}

impl Untuned {
    /// From ln loss - ln loss of the base model of each mixture without it; none without a mixture.
    pub fn new(lang: &str, changes: Vec<f64>) -> Option<Self> {
        let mean = changes.iter().sum::<f64>() / changes.len() as f64;
        (!changes.is_empty()).then(|| Untuned {
            lang: lang.to_owned(),
            mixtures: changes.len(),
            change_log: estimate(mean, changes),
        })
    }
}

#[cfg(test)]
mod tests;
