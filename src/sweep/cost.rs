//! What runs cost, in tokens and, once some have been measured, in seconds.

use super::Job;
use crate::corpus::Bitext;
use crate::record::{RunRecord, Subject};
use crate::spec::{Experiment, RunSpec, ScheduleSpec};
use crate::units::Lang;
use std::collections::BTreeMap;

/// Bytes of text a token, before the tokenizer is known: what byte-level BPE of a few thousand
/// tokens reaches on mixed scripts.
const BYTES_PER_TOKEN: f64 = 3.0;

/// Evaluating a token costs a third of training on it: the forward pass of forward and backward.
const EVALUATION_SHARE: f64 = 1.0 / 3.0;

/// Estimates the cost of runs.
#[derive(Debug, Clone)]
pub struct Cost {
    /// Mean bytes of a pair a language, in the order of the bitexts.
    bytes_per_pair: Vec<f64>,
    langs: Vec<String>,
    evaluation_tokens: f64,
    epochs: f64,
    schedule: ScheduleSpec,
    tokens_per_second: Option<f64>,
}

impl Cost {
    /// Reads mean lengths off the corpora and the speed off finished runs on the same device, if
    /// there are any.
    pub fn new(
        experiment: &Experiment,
        bitexts: &[Bitext],
        records: &[RunRecord],
        device: &str,
    ) -> Self {
        let bytes = |pairs: &[crate::corpus::Pair]| {
            pairs.iter().map(|pair| pair.english.len() + pair.other.len()).sum::<usize>() as f64
        };
        let bytes_per_pair = bitexts
            .iter()
            .map(|bitext| bytes(bitext.train.pairs()) / bitext.train.len().max(1) as f64)
            .collect();
        let evaluated = |bitext: &Bitext| {
            let share =
                (experiment.evaluation.pairs as f64 / bitext.dev.len().max(1) as f64).min(1.0);
            bytes(bitext.dev.pairs()) * share / BYTES_PER_TOKEN
        };
        let mut speeds: Vec<f64> = records
            .iter()
            .filter(|record| record.device == device)
            .filter_map(|r| r.tokens_per_second)
            .collect();
        speeds.sort_by(f64::total_cmp);
        Cost {
            bytes_per_pair,
            langs: bitexts.iter().map(|bitext| bitext.lang.code().to_owned()).collect(),
            evaluation_tokens: bitexts.iter().map(evaluated).sum(),
            epochs: f64::from(experiment.tuning.epochs),
            schedule: experiment.tuning.schedule,
            tokens_per_second: speeds.get(speeds.len() / 2).copied(),
        }
    }

    /// The same, with a measured speed where no finished run gives one.
    pub fn or_speed(self, measure: impl FnOnce() -> Option<f64>) -> Self {
        Cost { tokens_per_second: self.tokens_per_second.or_else(measure), ..self }
    }

    /// Tokens that a run by itself trains on.
    pub fn train_tokens(&self, run: &RunSpec) -> f64 {
        run.subject.pairs().0 as f64 * self.tokens_per_pair(run)
    }

    /// Tokens of training that are computed for each run of a job, in their order. Those of a
    /// branch are its cool-down, and what its trunk has to grow for it.
    pub fn computed_tokens(&self, job: &Job) -> Vec<f64> {
        let Some(grown) = self.grown_pairs(job) else {
            return job.runs().iter().map(|run| self.train_tokens(run)).collect();
        };
        let before = std::iter::once(0.0).chain(grown);
        job.runs()
            .iter()
            .zip(before)
            .map(|(run, before)| {
                (run.subject.pairs().0 as f64 - before) * self.tokens_per_pair(run)
            })
            .collect()
    }

    /// Pairs that the trunk of a job has read once each of its branches is done.
    fn grown_pairs(&self, job: &Job) -> Option<impl Iterator<Item = f64>> {
        match (job, self.schedule) {
            (Job::Trunk(runs), ScheduleSpec::Trunk(trunk)) => Some(
                runs.iter()
                    .map(move |run| run.subject.pairs().0 as f64 * (1.0 - trunk.cooldown_share)),
            ),
            _ => None,
        }
    }

    /// Mean over what a run is tuned on.
    fn tokens_per_pair(&self, run: &RunSpec) -> f64 {
        let of = |lang: &Lang| {
            let at = self.langs.iter().position(|known| known == lang.code());
            at.map_or(0.0, |at| self.epochs * self.bytes_per_pair[at] / BYTES_PER_TOKEN)
        };
        match &run.subject {
            Subject::Base => 0.0,
            Subject::Language { lang, .. } => of(lang),
            Subject::Mixture(rows) => {
                rows.iter().map(|row| row.pairs.0 as f64 * of(&row.lang)).sum::<f64>()
                    / run.subject.pairs().0.max(1) as f64
            }
        }
    }

    /// All that a run computes whose training computes `tokens`, in tokens of training.
    pub fn work_tokens(&self, tokens: f64) -> f64 {
        tokens + EVALUATION_SHARE * self.evaluation_tokens
    }

    /// Seconds of such a run, known once a speed has been measured on the device.
    pub fn seconds(&self, tokens: f64) -> Option<f64> {
        Some(self.work_tokens(tokens) / self.tokens_per_second?)
    }
}

/// How fast finished runs were, for the time of others of which only the tokens are known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Seconds of training a token: the median of the runs.
    per_token: f64,
    /// Seconds of a run that are no training, its evaluation: likewise.
    per_run: f64,
}

impl Speed {
    /// Of the runs on the device of most of the records; absent where none was timed.
    pub fn of(records: &[RunRecord]) -> Option<Self> {
        let mut devices: BTreeMap<&str, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
        for record in records.iter().filter(|record| record.subject.pairs().0 > 0) {
            let Some(speed) = record.tokens_per_second.filter(|speed| *speed > 0.0) else {
                continue;
            };
            let training = record.computed_tokens.unwrap_or(record.train_tokens).0 as f64 / speed;
            let (per_token, per_run) = devices.entry(&record.device).or_default();
            per_token.push(1.0 / speed);
            per_run.push((record.wall_seconds - training).max(0.0));
        }
        let (per_token, per_run) = devices.into_values().max_by_key(|(runs, _)| runs.len())?;
        Some(Speed { per_token: median(per_token), per_run: median(per_run) })
    }

    /// Seconds of so many runs on one job that train on so many tokens in all.
    pub fn seconds(&self, tokens: f64, runs: usize) -> f64 {
        tokens * self.per_token + runs as f64 * self.per_run
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
