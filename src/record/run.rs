//! The record of one run.

use super::outcome::{Evaluation, Outcome};
use super::subject::Subject;
use super::wire::{WireError, WireOutcome, WireRecord};
use crate::units::{Lang, Tokens};
use serde::{Deserialize, Serialize};

/// All that one run measured. Everything but `stack`, `computed_tokens`, `wall_seconds` and
/// `tokens_per_second` is a function of the spec and the device; in a stack up to rounding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WireRecord", into = "WireRecord")]
pub struct RunRecord {
    /// Hash of all that determines the run.
    pub run_id: String,
    /// Version and git revision of the program that ran it.
    pub parallot: String,
    /// Name of the sweep.
    pub sweep: String,
    /// What was tuned on.
    pub subject: Subject,
    /// Seed of order, prompts and direction.
    pub seed: u64,
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// Threads of the run.
    pub threads: usize,
    /// Runs of the stack that it was trained in, itself among them; absent where it was trained by
    /// itself.
    pub stack: Option<usize>,
    /// How it ended, and what it was scored with.
    pub outcome: Outcome,
    /// What it was scored with on the calibration half of the test pairs, one entry per language of
    /// the sweep; empty where it was not.
    pub calibration: Vec<Evaluation>,
    /// What it was scored with on languages that no run was tuned on; empty where there are none.
    pub untuned: Vec<Evaluation>,
    /// Optimiser steps done.
    pub steps: u64,
    /// Tokens that what was trained has read, padding not counted; those of its trunk are among
    /// them.
    pub train_tokens: Tokens,
    /// Those of them that were computed for this record: for a branch of a trunk, what the branches
    /// before it had not read yet. It depends on which branches were missing. Absent where all
    /// were.
    pub computed_tokens: Option<Tokens>,
    /// Mean training loss over the last tenth of the steps, nats per target token; absent for 0
    /// pairs.
    pub train_loss_nats: Option<f64>,
    /// Training and evaluation together, seconds.
    pub wall_seconds: f64,
    /// Tokens computed per second of training; absent where none were.
    pub tokens_per_second: Option<f64>,
}

impl RunRecord {
    /// Whether it was trained to its end.
    pub fn is_finished(&self) -> bool {
        matches!(self.outcome, Outcome::Finished(_))
    }

    /// What it was scored with, one entry per language of the sweep; none of a run that did not
    /// finish.
    pub fn evaluations(&self) -> &[Evaluation] {
        match &self.outcome {
            Outcome::Finished(evaluations) => evaluations,
            Outcome::Diverged { .. } => &[],
        }
    }

    /// Mean loss over the languages evaluated, nats per target token; NaN without any.
    pub fn mean_loss_nats(&self) -> f64 {
        self.evaluations().iter().map(Evaluation::loss_nats).sum::<f64>()
            / self.evaluations().len() as f64
    }

    /// The evaluation on one language.
    pub fn evaluation(&self, lang: &Lang) -> Option<&Evaluation> {
        self.evaluations().iter().find(|evaluation| evaluation.lang == *lang)
    }

    /// The evaluation on the calibration half of the test pairs of one language.
    pub fn calibration(&self, lang: &Lang) -> Option<&Evaluation> {
        self.calibration.iter().find(|evaluation| evaluation.lang == *lang)
    }
}

impl TryFrom<WireRecord> for RunRecord {
    type Error = WireError;

    fn try_from(wire: WireRecord) -> Result<Self, WireError> {
        let outcome = match (wire.outcome, wire.evaluations.len()) {
            (WireOutcome::Finished, _) => Outcome::Finished(wire.evaluations),
            (WireOutcome::Diverged { step, reason }, 0) => Outcome::Diverged { step, reason },
            (WireOutcome::Diverged { .. }, found) => return Err(WireError::Evaluated { found }),
        };
        Ok(RunRecord {
            run_id: wire.run_id,
            parallot: wire.parallot,
            sweep: wire.sweep,
            subject: Subject::of(wire.lang, wire.mix, wire.pairs)?,
            seed: wire.seed,
            device: wire.device,
            threads: wire.threads,
            stack: wire.stack,
            outcome,
            calibration: wire.calibration,
            untuned: wire.untuned,
            steps: wire.steps,
            train_tokens: wire.train_tokens,
            computed_tokens: wire.computed_tokens,
            train_loss_nats: wire.train_loss_nats,
            wall_seconds: wire.wall_seconds,
            tokens_per_second: wire.tokens_per_second,
        })
    }
}

impl From<RunRecord> for WireRecord {
    fn from(record: RunRecord) -> Self {
        let (outcome, evaluations) = match record.outcome {
            Outcome::Finished(evaluations) => (WireOutcome::Finished, evaluations),
            Outcome::Diverged { step, reason } => {
                (WireOutcome::Diverged { step, reason }, Vec::new())
            }
        };
        WireRecord {
            run_id: record.run_id,
            parallot: record.parallot,
            sweep: record.sweep,
            lang: record.subject.lang().cloned(),
            mix: record.subject.mix().to_vec(),
            pairs: record.subject.pairs(),
            seed: record.seed,
            device: record.device,
            threads: record.threads,
            stack: record.stack,
            outcome,
            steps: record.steps,
            train_tokens: record.train_tokens,
            computed_tokens: record.computed_tokens,
            train_loss_nats: record.train_loss_nats,
            wall_seconds: record.wall_seconds,
            tokens_per_second: record.tokens_per_second,
            evaluations,
            calibration: record.calibration,
            untuned: record.untuned,
        }
    }
}
