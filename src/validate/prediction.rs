//! What the laws predict of every policy, written before anything is trained on a mixture.

use super::HALF_WIDTH;
use crate::allocate::{self, Comparison, Policy, PolicyRow, Problem, predict_losses};
use crate::fit::joint::JointFit;
use crate::numeric::quantiles::around;
use crate::record::RunRecord;
use crate::units::{Estimate, Interval, Lang};
use serde::{Deserialize, Serialize};

/// Share of the budget that must go elsewhere for two policies to be two.
const SAME: f64 = 0.005;

/// How the sentences of the test set differ from those of the dev set, by the base model, or by
/// mixtures that were scored on half of the test set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Language.
    pub lang: String,
    /// Test loss over dev loss, at `at_nats`.
    pub ratio: f64,
    /// Standard error of its logarithm, by the chance of the sentences.
    pub error_log: f64,
    /// What ln ratio rises by with the ln of the dev loss: what tuning does on test and not on dev.
    #[serde(default)]
    pub slope: f64,
    /// The dev loss that the ratio is that of, nats per target token; of no matter where it is the
    /// same at all.
    #[serde(default = "one")]
    pub at_nats: f64,
}

fn one() -> f64 {
    1.0
}

impl Shift {
    /// From the base's losses on nearly equal parts of each set, nats per target token.
    pub fn new(lang: impl Into<String>, dev: &[f64], test: &[f64]) -> Self {
        let (dev, test) = (mean_and_error_log(dev), mean_and_error_log(test));
        Shift {
            lang: lang.into(),
            ratio: test.0 / dev.0,
            error_log: dev.1.hypot(test.1),
            slope: 0.0,
            at_nats: 1.0,
        }
    }

    /// From mixtures that were scored on dev and on the calibration half of the test set, and from
    /// the base's losses on nearly equal parts of that half, nats per target token: a line in ln
    /// loss, with what differs between models and how far two halves differ by chance. None without
    /// three mixtures.
    pub fn calibrated(
        lang: impl Into<String>,
        mixtures: &[(f64, f64)],
        parts: &[f64],
    ) -> Option<Self> {
        let count = mixtures.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| mixtures.iter().map(of).sum::<f64>() / count;
        let (at, ratio) = (mean(&|(dev, _)| dev.ln()), mean(&|(dev, test)| (test / dev).ln()));
        let square = mean(&|(dev, _)| (dev.ln() - at).powi(2));
        let slope = if square > 0.0 {
            mean(&|(dev, test)| (dev.ln() - at) * ((test / dev).ln() - ratio)) / square
        } else {
            0.0
        };
        let residual =
            |(dev, test): &(f64, f64)| (test / dev).ln() - ratio - slope * (dev.ln() - at);
        let variance = count * mean(&|mixture| residual(mixture).powi(2)) / (count - 2.0);
        let halves = 2.0 * mean_and_error_log(parts).1.powi(2);
        (mixtures.len() > 2).then(|| Shift {
            lang: lang.into(),
            ratio: ratio.exp(),
            error_log: (variance * (1.0 + 1.0 / count) + halves).sqrt(),
            slope,
            at_nats: at.exp(),
        })
    }

    /// No difference.
    pub fn none(lang: impl Into<String>) -> Self {
        Shift { lang: lang.into(), ratio: 1.0, error_log: 0.0, slope: 0.0, at_nats: 1.0 }
    }

    /// The test loss of a model of some dev loss, nats per target token.
    pub(super) fn test_nats(&self, dev_nats: f64) -> f64 {
        self.ratio * dev_nats * (dev_nats / self.at_nats).powf(self.slope)
    }
}

/// Mean and the standard error of its logarithm.
fn mean_and_error_log(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance =
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    (mean, (variance / count).sqrt() / mean)
}

/// What is predicted of one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyPrediction {
    /// The policy.
    pub policy: Policy,
    /// Policies that allocate the same pairs, or so nearly that they are not trained beside it.
    pub stands_for: Vec<Policy>,
    /// Pairs per language.
    pub pairs: Vec<u64>,
    /// Test loss per language by its law alone, nats per target token, the mean over the seeds.
    pub loss_nats: Vec<Estimate>,
    /// Weighted mean over languages of what uniform loses more, nats per target token; 0 of uniform
    /// itself.
    pub gain_nats: Estimate,
    /// The same with transfer between the languages, where the fits know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupled: Option<Coupled>,
}

/// What laws with transfer predict of one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coupled {
    /// As in [`PolicyPrediction`].
    pub loss_nats: Vec<Estimate>,
    /// As in [`PolicyPrediction`].
    pub gain_nats: Estimate,
}

/// What is predicted, before any mixture is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// Version and git revision of the program.
    pub parallot: String,
    /// Name of the experiment.
    pub source: String,
    /// Hash of the fits.
    pub fits_sha256: String,
    /// Hash of the base model's spec.
    pub base_id: String,
    /// Pairs.
    pub budget: u64,
    /// Languages.
    pub langs: Vec<String>,
    /// Their weights in the gain.
    pub weights: Vec<f64>,
    /// Seeds, one model a policy and seed.
    pub seeds: Vec<u64>,
    /// From dev to test.
    pub shifts: Vec<Shift>,
    /// One entry per policy that is trained; the first is ours, the second uniform.
    pub policies: Vec<PolicyPrediction>,
    /// Whether what transfer predicts was added after the models were trained
    /// ([`Prediction::in_hindsight`]); never in a file.
    #[serde(skip)]
    pub is_hindsight: bool,
}

impl Prediction {
    /// Losses of a record in the order of the prediction's languages, nats per target token.
    pub(super) fn measured(&self, record: &RunRecord) -> Vec<f64> {
        let loss = |code: &String| {
            let lang: Option<Lang> = code.parse().ok();
            lang.and_then(|lang| record.evaluation(&lang))
                .map_or(f64::NAN, |evaluation| evaluation.loss_nats())
        };
        self.langs.iter().map(loss).collect()
    }

    /// The same prediction with what laws with transfer would have predicted of its policies, of a
    /// problem and the noise of mixtures that were fitted since.
    pub fn in_hindsight(mut self, problem: &Problem, noise_ratio: f64, noise_log: &[f64]) -> Self {
        let known = Known { shifts: &self.shifts, noise_log, seeds: self.seeds.len(), joint: None };
        let uniform = self
            .policies
            .iter()
            .find(|row| row.policy == Policy::Uniform)
            .map_or_else(Vec::new, |row| row.pairs.clone());
        // laws that chose none of the policies flatter none
        let rows: Vec<(&[u64], f64)> =
            self.policies.iter().map(|row| (row.pairs.as_slice(), 0.0)).collect();
        let predicted = known.forecast(problem, noise_ratio, &uniform, &rows);
        self.policies.iter_mut().zip(predicted).for_each(|(row, (loss_nats, gain_nats))| {
            row.coupled = Some(Coupled { loss_nats, gain_nats })
        });
        Prediction { is_hindsight: true, ..self }
    }
}

/// What is known of the languages when their mixtures are predicted, in the order of the problem.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// From dev to test.
    pub shifts: &'a [Shift],
    /// Standard deviation of one ln loss by the chance of a run.
    pub noise_log: &'a [f64],
    /// Models per policy.
    pub seeds: usize,
    /// The joint law that predicts, and the seed of draws of what it misses; none where laws of
    /// each language alone predict.
    pub joint: Option<(&'a JointFit, u64)>,
}

/// The policies that are trained, each with those that it stands for since they allocate so nearly
/// the same pairs.
pub fn distinct<'a>(
    rows: impl IntoIterator<Item = &'a PolicyRow>,
) -> Vec<(&'a PolicyRow, Vec<Policy>)> {
    allocate::distinct(rows, SAME)
}

/// Predicts the policies of a comparison by the laws of each language alone; with transfer as well,
/// where `coupled` is the same problem with it, beside the variance of a mixture's ln loss over
/// that of a run.
pub fn predict(
    problem: &Problem,
    coupled: Option<(&Problem, f64)>,
    comparison: &Comparison,
    known: Known,
) -> Vec<PolicyPrediction> {
    let distinct = distinct(&comparison.policies);
    let uniform = comparison
        .policies
        .iter()
        .find(|row| row.policy == Policy::Uniform)
        .map_or(&[][..], |row| &row.pairs);
    // the laws that chose our allocation flatter it
    let flattery = |policy: Policy| {
        if policy == Policy::Parallot { 2.0 * comparison.noise_regret_nats.max(0.0) } else { 0.0 }
    };
    let rows: Vec<(&[u64], f64)> =
        distinct.iter().map(|(row, _)| (row.pairs.as_slice(), flattery(row.policy))).collect();
    let alone = known.forecast(problem, 1.0, uniform, &rows);
    let coupled = coupled.map_or_else(Vec::new, |(problem, noise_ratio)| {
        known.forecast(problem, noise_ratio, uniform, &rows)
    });
    let mut coupled =
        coupled.into_iter().map(|(loss_nats, gain_nats)| Coupled { loss_nats, gain_nats });
    let of = |((row, stands_for), (loss_nats, gain_nats)): ((&PolicyRow, Vec<Policy>), _)| {
        PolicyPrediction {
            policy: row.policy,
            stands_for,
            pairs: row.pairs.clone(),
            loss_nats,
            gain_nats,
            coupled: coupled.next(),
        }
    };
    distinct.iter().cloned().zip(alone).map(of).collect()
}

impl Known<'_> {
    /// Losses and gain of each row: pairs, and what its gain is lowered by.
    fn forecast(
        &self,
        problem: &Problem,
        noise_ratio: f64,
        uniform: &[u64],
        rows: &[(&[u64], f64)],
    ) -> Vec<(Vec<Estimate>, Estimate)> {
        let allocations: Vec<Vec<u64>> = rows.iter().map(|(pairs, _)| pairs.to_vec()).collect();
        let mut mixtures = allocations.clone();
        mixtures.push(uniform.to_vec());
        let draws = problem.draws().len();
        let missed =
            self.joint.map_or_else(Vec::new, |(joint, seed)| joint.missed(&mixtures, draws, seed));
        let losses = predict_losses(problem, &allocations).into_iter().enumerate();
        let spread = losses.map(|(row, losses)| {
            let of = |(i, loss): (usize, Estimate)| {
                let missed = missed.iter().map(|draw| draw[row][i].powi(2)).sum::<f64>()
                    / missed.len().max(1) as f64;
                self.spread(i, loss, noise_ratio, missed)
            };
            losses.into_iter().enumerate().map(of).collect()
        });
        let gains = rows.iter().enumerate().map(|(row, (pairs, flattery))| {
            let missed = |draw: usize| {
                missed.get(draw).map(|draw| [draw[rows.len()].as_slice(), draw[row].as_slice()])
            };
            gain(problem, self.shifts, uniform, pairs, *flattery, &missed)
        });
        spread.zip(gains).collect()
    }

    /// The mean test loss over the seeds: that of the law from dev to test, with the noise of runs,
    /// the variance of what the law misses and the chance of the sentences.
    fn spread(&self, i: usize, loss: Estimate, noise_ratio: f64, missed: f64) -> Estimate {
        let shift = &self.shifts[i];
        let law = (loss.interval_90.hi / loss.interval_90.lo).ln() / (2.0 * HALF_WIDTH);
        let noise = noise_ratio * self.noise_log[i].powi(2) / self.seeds as f64;
        let on_dev = (1.0 + shift.slope).powi(2) * (law.powi(2) + noise + missed);
        let spread = HALF_WIDTH * (on_dev + shift.error_log.powi(2)).sqrt();
        let value = shift.test_nats(loss.value);
        Estimate {
            value,
            interval_90: Interval { lo: value * (-spread).exp(), hi: value * spread.exp() },
        }
    }
}

/// The gain of some pairs over uniform: the mean over the draws with their interval; by the fitted
/// laws without draws. `missed` is what models of uniform and of the pairs show beside the laws in
/// a draw, ln loss.
fn gain<'a>(
    problem: &Problem,
    shifts: &[Shift],
    uniform: &[u64],
    pairs: &[u64],
    flattery: f64,
    missed: &dyn Fn(usize) -> Option<[&'a [f64]; 2]>,
) -> Estimate {
    let weights: f64 = problem.terms().iter().map(|term| term.weight).sum();
    let of = |problem: &Problem, missed: Option<[&[f64]; 2]>| {
        let losses = [uniform, pairs].map(|pairs| problem.losses(pairs));
        let test = |at: usize, i: usize| {
            shifts[i].test_nats(losses[at][i] * missed.map_or(1.0, |missed| missed[at][i].exp()))
        };
        let part = |i: usize| problem.terms()[i].weight * (test(0, i) - test(1, i));
        // two infinite losses have no difference
        (0..pairs.len()).filter(|&i| losses[0][i] != losses[1][i]).map(part).sum::<f64>() / weights
            - flattery
    };
    let drawn = |draw: usize| Some(of(&problem.drawn(draw).ok()?, missed(draw)));
    let mut drawn: Vec<f64> = (0..problem.draws().len()).filter_map(drawn).collect();
    drawn.retain(|gain| gain.is_finite());
    if uniform == pairs || drawn.is_empty() {
        let value = if uniform == pairs { 0.0 } else { of(problem, None) };
        return Estimate { value, interval_90: Interval { lo: value, hi: value } };
    }
    let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
    Estimate { value: mean, interval_90: around(mean, &mut drawn, 0.9).into() }
}
