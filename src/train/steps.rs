//! The loop over batches, and the evaluation.

use super::{AdamW, Schedule, TrainError};
use crate::model::{Backprop, Batch, Llama, Saving};
use crate::spec::Optimisation;

/// A sequence and the index of the first token to be predicted.
pub(super) type Sequence = (Vec<u32>, usize);

/// Where a loop over batches stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub steps: u64,
    /// Tokens read so far.
    pub tokens: u64,
    /// Mean loss of the last batch, nats per target token.
    pub loss_nats: f64,
}

/// How a loop over batches ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// All batches were used. Mean loss over the last tenth of them, nats per target token.
    Finished { tokens: u64, last_loss_nats: f64 },
    /// The loss or the gradient stopped being finite.
    Diverged { step: u64, tokens: u64, reason: String },
}

/// A loss so far above that of guessing among all tokens evenly that training has failed, as a multiple of it.
const HOPELESS: f64 = 3.0;

/// Why a training with this loss of a step has failed, if it has.
pub(super) fn hopeless(loss_nats: f64, vocab_size: usize) -> Option<String> {
    let failed = loss_nats.is_nan() || loss_nats > HOPELESS * (vocab_size as f64).ln();
    failed.then(|| format!("loss of {loss_nats} nats per target token"))
}

/// Why a training with a gradient of this norm has failed, if it has.
pub(super) fn endless(norm: f64) -> Option<String> {
    (!norm.is_finite()).then(|| format!("gradient of norm {norm}"))
}

/// What was wrong with a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Divergence {
    /// The step, counted from 0.
    pub step: u64,
    /// What was seen.
    pub reason: String,
}

/// A model in the middle of its training.
pub struct Training {
    model: Llama,
    optimiser: AdamW,
    backprop: Backprop,
    trail: Trail,
}

/// What the steps of one training have left behind.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail {
    /// Loss of each step done, total in nats, and its targets.
    losses: Vec<(f64, usize)>,
    tokens: u64,
}

impl Trail {
    /// After one more step on a batch, whose loss was `nats` in total.
    pub(super) fn step(&mut self, batch: &Batch, nats: f64) {
        self.tokens += batch.tokens() as u64;
        self.losses.push((nats, batch.targets()));
    }

    /// Steps done.
    pub(super) fn steps(&self) -> u64 {
        self.losses.len() as u64
    }

    /// Tokens read.
    pub(super) fn tokens(&self) -> u64 {
        self.tokens
    }

    /// The end after the last step of a schedule, or after a step that failed.
    pub(super) fn ended(&self, divergence: Option<Divergence>) -> Ended {
        if let Some(Divergence { step, reason }) = divergence {
            return Ended::Diverged { step, tokens: self.tokens, reason };
        }
        let last = &self.losses[self.losses.len() - self.losses.len().div_ceil(10)..];
        let (nats, targets) = last.iter().fold((0.0, 0), |(nats, targets), (n, t)| (nats + n, targets + t));
        Ended::Finished { tokens: self.tokens, last_loss_nats: nats / targets as f64 }
    }
}

impl Training {
    /// At its start; the model is trained in place.
    pub fn new(model: &Llama, optimisation: &Optimisation, saving: Saving) -> Result<Self, TrainError> {
        let (optimiser, backprop) = (AdamW::new(model, *optimisation)?, Backprop::new(model).saving(saving));
        Ok(Training { model: model.clone(), optimiser, backprop, trail: Trail::default() })
    }

    /// A copy that goes on apart.
    pub fn fork(&self) -> Result<Self, TrainError> {
        let model = self.model.fork()?;
        let (optimiser, backprop) = (self.optimiser.on(&model), self.backprop.on(&model));
        Ok(Training { model, optimiser, backprop, trail: self.trail.clone() })
    }

    /// What is trained.
    pub fn model(&self) -> &Llama {
        &self.model
    }

    /// Steps done.
    pub fn steps(&self) -> u64 {
        self.trail.steps()
    }

    /// Tokens read so far.
    pub fn tokens(&self) -> u64 {
        self.trail.tokens()
    }

    /// Goes on until `until` steps are done, of those that the batches are; or until one of them fails.
    pub fn advance(
        &mut self,
        batches: &[Batch],
        schedule: &Schedule,
        until: u64,
        mut observe: impl FnMut(Progress),
    ) -> Result<Option<Divergence>, TrainError> {
        let from = self.steps();
        for (step, batch) in (from..until).zip(&batches[from as usize..]) {
            let (nats, gradients) = self.backprop.loss_and_gradients(batch)?;
            let loss_nats = nats / batch.targets() as f64;
            if let Some(reason) = hopeless(loss_nats, self.model.config().vocab_size) {
                return Ok(Some(Divergence { step, reason }));
            }
            let norm = self.optimiser.step(&gradients, batch.targets() as f64, schedule.lr(step))?;
            if let Some(reason) = endless(norm) {
                return Ok(Some(Divergence { step, reason }));
            }
            self.trail.step(batch, nats);
            observe(Progress { step: step + 1, steps: schedule.steps(), tokens: self.tokens(), loss_nats });
        }
        Ok(None)
    }

    /// How it stands after the last step of its schedule, or after a step that failed.
    pub fn ended(&self, divergence: Option<Divergence>) -> Ended {
        self.trail.ended(divergence)
    }
}

/// Trains a model in place on batches, one step each, by warm-up and cosine.
pub fn fit_batches(
    model: &Llama,
    batches: &[Batch],
    optimisation: &Optimisation,
    observe: impl FnMut(Progress),
) -> Result<Ended, TrainError> {
    let steps = batches.len() as u64;
    let mut training = Training::new(model, optimisation, Saving::default())?;
    let divergence = training.advance(batches, &Schedule::whole(optimisation, steps), steps, observe)?;
    Ok(training.ended(divergence))
}

/// Total cross-entropy, nats, of sequences under a model, in batches of about `batch_tokens` tokens; beside it the number of targets.
pub fn evaluate(model: &Llama, sequences: &[Sequence], batch_tokens: usize) -> Result<(f64, u64), TrainError> {
    let (mut nats, mut targets) = (0.0, 0);
    let mut backprop = Backprop::new(model);
    for part in by_tokens(sequences, batch_tokens) {
        let batch = batch_of(part);
        if batch.targets() > 0 {
            nats += backprop.loss(&batch)?;
            targets += batch.targets() as u64;
        }
    }
    Ok((nats, targets))
}

/// The batch of some sequences.
pub(super) fn batch_of(sequences: &[Sequence]) -> Batch {
    Batch::new(sequences.iter().map(|(tokens, first_target)| (tokens.as_slice(), *first_target)))
}

/// Cuts sequences, in their order, into parts of at least one and otherwise at most `batch_tokens` tokens.
pub(super) fn by_tokens(sequences: &[Sequence], batch_tokens: usize) -> Vec<&[Sequence]> {
    let (mut parts, mut from, mut tokens) = (Vec::new(), 0, 0);
    for (at, (sequence, _)) in sequences.iter().enumerate() {
        if at > from && tokens + sequence.len() > batch_tokens {
            parts.push(&sequences[from..at]);
            (from, tokens) = (at, 0);
        }
        tokens += sequence.len();
    }
    if from < sequences.len() {
        parts.push(&sequences[from..]);
    }
    parts
}
