//! Records: one finished or diverged small run, one JSON file each, and their points as a table.

mod manifest;
mod points;
mod store;
mod version;

pub use manifest::{CorpusRow, Manifest, RunRow};
pub use points::points_csv;
pub use store::{RecordError, Store};
pub use version::TrainingVersion;

use crate::units::{Lang, Nats, Pairs, Tokens};
use serde::{Deserialize, Serialize};

/// How a run ended. Only `Finished` gives points; a diverged run is kept as a row, so that a failure is never a gap.
/// A run that was stopped from outside leaves no record: it is still missing, and runs again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// Trained to the end and evaluated on every language.
    Finished,
    /// The loss or a gradient stopped being finite, or the loss exploded.
    Diverged {
        /// Step at which it was seen, counted from 0.
        step: u64,
        /// What was seen.
        reason: String,
    },
}

/// The loss of one language on its fixed evaluation set, as totals, so that every normalisation can be derived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Language evaluated.
    pub lang: Lang,
    /// Cross-entropy over all target tokens, total.
    pub nats: Nats,
    /// Target tokens.
    pub target_tokens: Tokens,
    /// Target text, bytes of UTF-8.
    pub target_bytes: u64,
    /// Pairs.
    pub pairs: Pairs,
}

impl Evaluation {
    /// Mean cross-entropy, nats per target token.
    pub fn loss_nats(&self) -> f64 {
        self.nats.0 / self.target_tokens.0 as f64
    }
}

/// Pairs of one language in a mixture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixRow {
    /// Language.
    pub lang: Lang,
    /// Pairs; beyond the unique ones whole passes over them, then the beginning of one.
    pub pairs: Pairs,
}

/// All that one run measured. Everything but `stack`, `computed_tokens`, `wall_seconds` and `tokens_per_second` is a function of
/// the spec and the device; in a stack up to rounding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// Hash of all that determines the run.
    pub run_id: String,
    /// Version and git revision of the program that ran it.
    pub parallot: String,
    /// Name of the sweep.
    pub sweep: String,
    /// Language tuned on; absent for the base model itself, which every language shares, and for a mixture.
    pub lang: Option<Lang>,
    /// What a model of several languages was tuned on; empty for all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mix: Vec<MixRow>,
    /// Pairs tuned on; 0 for the base model.
    pub pairs: Pairs,
    /// Seed of order, prompts and direction.
    pub seed: u64,
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// Threads of the run.
    pub threads: usize,
    /// Runs of the stack that it was trained in, itself among them; absent where it was trained by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<usize>,
    /// How it ended.
    pub outcome: Outcome,
    /// Optimiser steps done.
    pub steps: u64,
    /// Tokens that what was trained has read, padding not counted; those of its trunk are among them.
    pub train_tokens: Tokens,
    /// Those of them that were computed for this record: for a branch of a trunk, what the branches before it had not read yet.
    /// It depends on which branches were missing. Absent where all were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_tokens: Option<Tokens>,
    /// Mean training loss over the last tenth of the steps, nats per target token; absent for 0 pairs.
    pub train_loss_nats: Option<f64>,
    /// Training and evaluation together, seconds.
    pub wall_seconds: f64,
    /// Tokens computed per second of training; absent where none were.
    pub tokens_per_second: Option<f64>,
    /// One entry per language of the sweep; empty unless finished.
    pub evaluations: Vec<Evaluation>,
}

impl RunRecord {
    /// Whether it is of the base model itself.
    pub fn is_base(&self) -> bool {
        self.lang.is_none() && self.mix.is_empty()
    }

    /// Mean loss over the languages evaluated, nats per target token; NaN without any.
    pub fn mean_loss_nats(&self) -> f64 {
        self.evaluations.iter().map(Evaluation::loss_nats).sum::<f64>() / self.evaluations.len() as f64
    }

    /// Pairs of one language that it was tuned on.
    pub fn pairs_of(&self, lang: &Lang) -> u64 {
        let mixed = self.mix.iter().filter(|row| row.lang == *lang).map(|row| row.pairs.0).sum();
        if self.lang.as_ref() == Some(lang) { self.pairs.0 } else { mixed }
    }

    /// The evaluation on one language.
    pub fn evaluation(&self, lang: &Lang) -> Option<&Evaluation> {
        self.evaluations.iter().find(|evaluation| evaluation.lang == *lang)
    }
}
