//! The loop over batches, and the evaluation.

use super::{AdamW, Schedule, TrainError};
use crate::model::{
    Backprop, Batch, Llama, Networks, Part, Saving, Setting, is_for_card, on_card, take_variables,
};
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
    Finished {
        /// Tokens read, prompts among them.
        tokens: u64,
        /// Mean training loss over the last tenth of the steps, nats per target token.
        last_loss_nats: f64,
    },
    /// The loss or the gradient stopped being finite.
    Diverged {
        /// The step that failed, counted from 0.
        step: u64,
        /// Tokens read in the steps before it, prompts among them.
        tokens: u64,
        /// What was seen: the loss in nats per target token, or the norm of the gradient.
        reason: String,
    },
}

/// A loss so far above that of guessing among all tokens evenly that training has failed, as a
/// multiple of it.
const HOPELESS: f64 = 3.0;

/// Why a training with this loss of a step has failed, if it has.
pub(super) fn hopeless(loss_nats: f64, vocab_size: usize) -> Option<String> {
    let failed = loss_nats.is_nan() || loss_nats > most_nats(vocab_size);
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

/// A loss per target token, nats, beyond which a training has failed.
pub(super) fn most_nats(vocab_size: usize) -> f64 {
    HOPELESS * (vocab_size as f64).ln()
}

/// Steps that a card does before the host looks at what came of them: the host would otherwise be
/// waited for.
pub(super) const AT_ONCE: usize = 32;

/// Steps after which a training of this model is looked at, one after another.
pub(super) fn steps_at_once(model: &Llama) -> usize {
    if is_for_card(model) { AT_ONCE } else { 1 }
}

/// A model in the middle of its training.
pub struct Training {
    model: Llama,
    engine: Engine,
    optimisation: Optimisation,
    trail: Trail,
}

/// What does the steps.
enum Engine {
    /// One after another, by the host.
    Host(Box<AdamW>, Box<Backprop>),
    /// Many at once, by a card, which has the variables meanwhile.
    Card(Box<dyn Networks>),
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
        let (nats, targets) =
            last.iter().fold((0.0, 0), |(nats, targets), (n, t)| (nats + n, targets + t));
        Ended::Finished { tokens: self.tokens, last_loss_nats: nats / targets as f64 }
    }
}

impl Training {
    /// At its start; the model is trained in place.
    pub fn new(
        model: &Llama,
        optimisation: &Optimisation,
        saving: Saving,
    ) -> Result<Self, TrainError> {
        let Saving { micro_batch, recomputes } = saving;
        let setting = Setting {
            micro_batch,
            recomputes,
            hopeless: most_nats(model.config().vocab_size),
            ..Setting::plain(model, 1)
        };
        let engine = match on_card(model, setting)? {
            Some(networks) => Engine::Card(networks),
            None => Engine::Host(
                Box::new(AdamW::new(model, *optimisation)?),
                Box::new(Backprop::new(model).saving(saving)),
            ),
        };
        Ok(Training {
            model: model.clone(),
            engine,
            optimisation: *optimisation,
            trail: Trail::default(),
        })
    }

    /// A copy that goes on apart.
    pub fn fork(&self) -> Result<Self, TrainError> {
        let model = self.model.fork()?;
        let engine = match &self.engine {
            Engine::Host(optimiser, backprop) => {
                Engine::Host(Box::new(optimiser.on(&model)), Box::new(backprop.on(&model)))
            }
            Engine::Card(networks) => Engine::Card(networks.fork()?),
        };
        Ok(Training { model, engine, optimisation: self.optimisation, trail: self.trail.clone() })
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

    /// Goes on until `until` steps are done, of those that the batches are; or until one of them
    /// fails.
    pub fn advance(
        &mut self,
        batches: &[Batch],
        schedule: &Schedule,
        until: u64,
        mut observe: impl FnMut(Progress),
    ) -> Result<Option<Divergence>, TrainError> {
        let from = self.steps();
        match &mut self.engine {
            Engine::Host(optimiser, backprop) => {
                for (step, batch) in (from..until).zip(&batches[from as usize..]) {
                    let (nats, gradients) = backprop.loss_and_gradients(batch)?;
                    let loss_nats = nats / batch.targets() as f64;
                    if let Some(reason) = hopeless(loss_nats, self.model.config().vocab_size) {
                        return Ok(Some(Divergence { step, reason }));
                    }
                    let norm =
                        optimiser.step(&gradients, batch.targets() as f64, schedule.lr(step))?;
                    if let Some(reason) = endless(norm) {
                        return Ok(Some(Divergence { step, reason }));
                    }
                    self.trail.step(batch, nats);
                    observe(Progress {
                        step: step + 1,
                        steps: schedule.steps(),
                        tokens: self.trail.tokens(),
                        loss_nats,
                    });
                }
                Ok(None)
            }
            Engine::Card(networks) => {
                let vocab_size = self.model.config().vocab_size;
                let todo: Vec<(u64, &Batch)> =
                    (from..until).zip(&batches[from as usize..]).collect();
                let mut divergence = None;
                'all: for some in todo.chunks(AT_ONCE) {
                    let part = |&(step, batch): &(u64, _)| {
                        vec![Part { batch, lr: schedule.lr(step), takes_part: true }]
                    };
                    let told = networks
                        .steps(&some.iter().map(part).collect::<Vec<_>>(), &self.optimisation)?;
                    for (&(step, batch), told) in some.iter().zip(told.iter().flatten()) {
                        let loss_nats = told.nats / batch.targets() as f64;
                        if let Some(reason) = hopeless(loss_nats, vocab_size).or(endless(told.norm))
                        {
                            divergence = Some(Divergence { step, reason });
                            break 'all;
                        }
                        self.trail.step(batch, told.nats);
                        observe(Progress {
                            step: step + 1,
                            steps: schedule.steps(),
                            tokens: self.trail.tokens(),
                            loss_nats,
                        });
                    }
                }
                take_variables(&self.model, networks.as_ref(), 0)?;
                Ok(divergence)
            }
        }
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
    let divergence =
        training.advance(batches, &Schedule::whole(optimisation, steps), steps, observe)?;
    Ok(training.ended(divergence))
}

/// A model whose losses are asked for.
pub(super) struct Evaluator(Losses);

enum Losses {
    Host(Box<Backprop>),
    Card(Box<dyn Networks>),
}

impl Evaluator {
    /// Of a model as it is now.
    pub(super) fn new(model: &Llama) -> Result<Self, TrainError> {
        Ok(Evaluator(match on_card(model, Setting::plain(model, 1))? {
            Some(networks) => Losses::Card(networks),
            None => Losses::Host(Box::new(Backprop::new(model))),
        }))
    }

    /// Total cross-entropy, nats, of sequences, in batches of about `batch_tokens` tokens; beside
    /// it the number of targets.
    pub(super) fn evaluate(
        &mut self,
        sequences: &[Sequence],
        batch_tokens: usize,
    ) -> Result<(f64, u64), TrainError> {
        let (mut nats, mut targets) = (0.0, 0);
        for part in by_tokens(sequences, batch_tokens) {
            let batch = batch_of(part);
            if batch.targets() > 0 {
                nats += match &mut self.0 {
                    Losses::Host(backprop) => backprop.loss(&batch)?,
                    Losses::Card(networks) => networks.loss(&[&batch])?.iter().sum(),
                };
                targets += batch.targets() as u64;
            }
        }
        Ok((nats, targets))
    }
}

/// Total cross-entropy, nats, of sequences under a model, in batches of about `batch_tokens`
/// tokens; beside it the number of targets.
pub fn evaluate(
    model: &Llama,
    sequences: &[Sequence],
    batch_tokens: usize,
) -> Result<(f64, u64), TrainError> {
    Evaluator::new(model)?.evaluate(sequences, batch_tokens)
}

/// The batch of some sequences.
pub(super) fn batch_of(sequences: &[Sequence]) -> Batch {
    Batch::new(sequences.iter().map(|(tokens, first_target)| (tokens.as_slice(), *first_target)))
}

/// Cuts sequences, in their order, into parts of at least one and otherwise at most `batch_tokens`
/// tokens.
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
