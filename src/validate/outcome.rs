//! What was measured beside what was predicted, and who won.

use super::coupled::CoupledResult;
use super::dose::DoseResponse;
use super::prediction::{PolicyPrediction, Prediction};
use super::rows::{CoupledRow, LossRow, PolicyResult};
use crate::allocate::Policy;
use crate::record::RunRecord;
use crate::units::{Estimate, Interval};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a validation found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Version and git revision of the program.
    pub parallot: String,
    /// The command as typed; absent in files of version 0.1.0 and of programs that call the
    /// library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// SHA-256 of the prediction, which was written before the first mixture was trained.
    pub prediction_sha256: String,
    /// SHA-256 of the fits that predicted; empty in files of version 0.1.0.
    #[serde(default)]
    pub fits_sha256: String,
    /// Weights of the languages in the gain; empty in files of version 0.1.0.
    #[serde(default)]
    pub weights: Vec<f64>,
    /// Pairs.
    pub budget: u64,
    /// Policies, ours first, uniform second.
    pub policies: Vec<PolicyResult>,
    /// Laws with transfer beside those without, where the fits know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupled: Option<CoupledResult>,
    /// What steps from uniform towards the allocation and away from it say, where models were tuned
    /// on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dose_response: Option<DoseResponse>,
    /// The sentence that says which policy to follow, and by what.
    pub verdict: String,
}

/// Who won, by the measured gain over uniform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Winner {
    /// The interval is above 0.
    Parallot {
        /// Fall of the weighted mean loss from uniform to parallot, nats per target token, with the
        /// interval over the seeds.
        gain: Estimate,
    },
    /// It is below 0.
    Uniform {
        /// Fall of the weighted mean loss from uniform to parallot, nats per target token, with the
        /// interval over the seeds.
        gain: Estimate,
    },
    /// It holds 0.
    Undecided {
        /// Fall of the weighted mean loss from uniform to parallot, nats per target token, with the
        /// interval over the seeds.
        gain: Estimate,
    },
    /// Too few runs finished.
    Unmeasured,
}

impl fmt::Display for Winner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |gain: &Estimate| {
            let Interval { lo, hi } = gain.interval_90;
            if lo.is_infinite() {
                return format!(
                    "{:+.4} nats per language (one seed, which has no interval)",
                    gain.value
                );
            }
            format!("{:+.4} nats per language (90 % interval {lo:+.4} to {hi:+.4})", gain.value)
        };
        match self {
            Winner::Parallot { gain } => {
                write!(f, "parallot wins: it gains {} over uniform", of(gain))
            }
            Winner::Uniform { gain } => write!(f, "uniform wins: parallot gains {}", of(gain)),
            Winner::Undecided { gain } => {
                write!(f, "undecided: parallot gains {} over uniform", of(gain))
            }
            Winner::Unmeasured => {
                write!(f, "unmeasured: no seed finished both parallot and uniform")
            }
        }
    }
}

impl Validation {
    /// Sets records of the mixtures against a prediction; `records[p][s]` is policy p under seed s,
    /// as far as there are any.
    pub fn new(
        parallot: &str,
        prediction_sha256: &str,
        prediction: &Prediction,
        records: &[Vec<RunRecord>],
    ) -> Self {
        let weights: f64 = prediction.weights.iter().sum();
        let mean = |record: &RunRecord| -> f64 {
            let losses = prediction.measured(record);
            prediction
                .weights
                .iter()
                .zip(losses)
                .filter(|(weight, _)| **weight > 0.0)
                .map(|(weight, loss)| weight * loss)
                .sum::<f64>()
                / weights
        };
        let place =
            |policy: Policy| prediction.policies.iter().position(|row| row.policy == policy);
        // what `from` loses more than `to`, a seed that finished both
        let differences = |from: Option<usize>, to: Option<usize>| -> Option<Estimate> {
            let (from, to) = (from?, to?);
            let finished = |at: usize, seed: u64| {
                records[at].iter().find(|record| record.seed == seed && record.is_finished())
            };
            let seeds = records[to].iter().map(|record| record.seed);
            let paired: Vec<f64> = seeds
                .filter_map(|seed| Some(mean(finished(from, seed)?) - mean(finished(to, seed)?)))
                .collect();
            Estimate::of_mean(&paired).filter(|_| from != to)
        };
        let result = |(at, predicted): (usize, &PolicyPrediction)| {
            let finished: Vec<&RunRecord> =
                records[at].iter().filter(|record| record.is_finished()).collect();
            let diverged = records[at]
                .iter()
                .filter(|record| !record.is_finished())
                .map(|record| record.seed)
                .collect();
            let count = finished.len() as f64;
            PolicyResult {
                policy: predicted.policy,
                stands_for: predicted.stands_for.clone(),
                seeds: finished.iter().map(|record| record.seed).collect(),
                diverged,
                losses: rows(prediction, predicted, &finished),
                mean_loss_nats: finished.iter().map(|record| mean(record)).sum::<f64>() / count,
                predicted_gain_nats: predicted.gain_nats,
                coupled_gain_nats: predicted.coupled.as_ref().map(|coupled| coupled.gain_nats),
                measured_gain_nats: differences(place(Policy::Uniform), Some(at)),
                measured_behind_nats: differences(Some(at), place(Policy::Parallot)),
            }
        };
        let policies: Vec<PolicyResult> =
            prediction.policies.iter().enumerate().map(result).collect();
        let dose_response = DoseResponse::new(prediction, records);
        let verdict = winner(&policies, dose_response.as_ref()).to_string();
        let (parallot, prediction_sha256) = (parallot.to_owned(), prediction_sha256.to_owned());
        let coupled = CoupledResult::new(&policies, prediction.is_hindsight);
        let (fits_sha256, weights) = (prediction.fits_sha256.clone(), prediction.weights.clone());
        Validation {
            parallot,
            command: None,
            prediction_sha256,
            fits_sha256,
            weights,
            budget: prediction.budget,
            policies,
            coupled,
            dose_response,
            verdict,
        }
    }

    /// What was found of a policy, or of one that stands for it.
    pub fn result_of(&self, policy: Policy) -> Option<&PolicyResult> {
        self.policies.iter().find(|row| row.policy == policy || row.stands_for.contains(&policy))
    }

    /// Who won.
    pub fn winner(&self) -> Winner {
        winner(&self.policies, self.dose_response.as_ref())
    }

    /// The measured gain of the allocation over uniform: by the dose response where there is one.
    pub fn gain_nats(&self) -> Option<Estimate> {
        gain_nats(&self.policies, self.dose_response.as_ref())
    }

    /// How many of the measured losses their predicted intervals hold, of how many.
    pub fn held(&self) -> (usize, usize) {
        let rows = || self.policies.iter().flat_map(|policy| &policy.losses);
        (rows().filter(|row| row.is_held).count(), rows().count())
    }
}

fn gain_nats(policies: &[PolicyResult], doses: Option<&DoseResponse>) -> Option<Estimate> {
    let ours = policies.iter().find(|row| row.policy == Policy::Parallot);
    let apart = ours.and_then(|row| row.measured_gain_nats);
    doses.map(|doses| doses.gain_nats).or(apart)
}

fn winner(policies: &[PolicyResult], doses: Option<&DoseResponse>) -> Winner {
    match gain_nats(policies, doses) {
        None => Winner::Unmeasured,
        Some(gain) if gain.interval_90.lo > 0.0 => Winner::Parallot { gain },
        Some(gain) if gain.interval_90.hi < 0.0 => Winner::Uniform { gain },
        Some(gain) => Winner::Undecided { gain },
    }
}

fn rows(
    prediction: &Prediction,
    predicted: &PolicyPrediction,
    finished: &[&RunRecord],
) -> Vec<LossRow> {
    let all: Vec<Vec<f64>> = finished.iter().map(|record| prediction.measured(record)).collect();
    let row = |i: usize| {
        let measured_nats = all.iter().map(|losses| losses[i]).sum::<f64>() / all.len() as f64;
        let predicted_nats = predicted.loss_nats[i];
        LossRow {
            lang: prediction.langs[i].clone(),
            pairs: predicted.pairs[i],
            predicted_nats,
            measured_nats,
            error_log: (measured_nats / predicted_nats.value).ln(),
            is_held: predicted_nats.interval_90.contains(measured_nats),
            coupled: predicted
                .coupled
                .as_ref()
                .map(|coupled| coupled_row(coupled.loss_nats[i], measured_nats)),
        }
    };
    if all.is_empty() { Vec::new() } else { (0..prediction.langs.len()).map(row).collect() }
}

fn coupled_row(predicted_nats: Estimate, measured_nats: f64) -> CoupledRow {
    let is_held = predicted_nats.interval_90.contains(measured_nats);
    CoupledRow { predicted_nats, error_log: (measured_nats / predicted_nats.value).ln(), is_held }
}
