//! The loop over batches, and the evaluation.

use super::{AdamW, Schedule, TrainError};
use crate::model::{Backprop, Batch, Llama};
use crate::spec::Optimisation;

/// A sequence and the index of the first token to be predicted.
pub type Sequence = (Vec<u32>, usize);

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

/// Trains a model in place on batches, one step each.
pub fn fit_batches(
    model: &Llama,
    batches: &[Batch],
    optimisation: &Optimisation,
    mut observe: impl FnMut(Progress),
) -> Result<Ended, TrainError> {
    let steps = batches.len() as u64;
    let schedule = Schedule::new(optimisation, steps);
    let mut optimiser = AdamW::new(model, *optimisation)?;
    let mut backprop = Backprop::new(model);
    let guessing = (model.config().vocab_size as f64).ln();
    let tail = steps - steps.div_ceil(10);
    let (mut tokens, mut last_nats, mut last_targets) = (0, 0.0, 0);
    for (step, batch) in (0..).zip(batches) {
        let (nats, gradients) = backprop.loss_and_gradients(batch)?;
        let loss_nats = nats / batch.targets() as f64;
        if loss_nats.is_nan() || loss_nats > HOPELESS * guessing {
            return Ok(Ended::Diverged { step, tokens, reason: format!("loss of {loss_nats} nats per target token") });
        }
        let norm = optimiser.step(&gradients, batch.targets() as f64, schedule.lr(step))?;
        if !norm.is_finite() {
            return Ok(Ended::Diverged { step, tokens, reason: format!("gradient of norm {norm}") });
        }
        tokens += batch.tokens() as u64;
        if step >= tail {
            last_nats += nats;
            last_targets += batch.targets();
        }
        observe(Progress { step: step + 1, steps, tokens, loss_nats });
    }
    Ok(Ended::Finished { tokens, last_loss_nats: last_nats / last_targets as f64 })
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
pub fn batch_of(sequences: &[Sequence]) -> Batch {
    Batch::new(sequences.iter().map(|(tokens, first_target)| (tokens.as_slice(), *first_target)))
}

/// Cuts sequences, in their order, into parts of at least one and otherwise at most `batch_tokens` tokens.
pub fn by_tokens(sequences: &[Sequence], batch_tokens: usize) -> Vec<&[Sequence]> {
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
