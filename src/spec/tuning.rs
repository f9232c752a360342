//! How small runs are tuned and evaluated.

use super::error::SpecError;
use super::instruction::InstructionSpec;
use super::limits::{MOST_PASSES, count, share};
use super::lora::LoraSpec;
use super::schedule::ScheduleSpec;
use crate::corpus::PromptStyle;
use crate::units::{Direction, Short};
use serde::{Deserialize, Serialize};

/// Most pairs of a step.
const MOST_BATCH: u64 = 65_536;

/// AdamW with a linear warm-up and a cosine decay, or with what a [`ScheduleSpec`] says instead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Optimisation {
    /// Largest learning rate.
    pub peak_lr: f64,
    /// Last learning rate, as a share of the largest.
    pub min_lr_share: f64,
    /// Share of the steps over which the rate rises.
    pub warmup_share: f64,
    /// Decoupled weight decay of matrices; norms are not decayed.
    pub weight_decay: f64,
    /// Largest norm of the gradient of the mean loss; larger ones are scaled down.
    pub grad_clip: f64,
    /// Decay of the mean of the gradient.
    pub beta1: f64,
    /// Decay of the mean of its square.
    pub beta2: f64,
}

impl Default for Optimisation {
    fn default() -> Self {
        Optimisation {
            peak_lr: 1e-3,
            min_lr_share: 0.1,
            warmup_share: 0.05,
            weight_decay: 0.01,
            grad_clip: 1.0,
            beta1: 0.9,
            beta2: 0.99,
        }
    }
}

impl Optimisation {
    pub(super) fn check(&self, at: &str) -> Result<(), SpecError> {
        for (key, value) in [("peak_lr", self.peak_lr), ("grad_clip", self.grad_clip)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(SpecError::value(
                    format!("{at}.{key}"),
                    Short(value),
                    "a finite number above 0",
                ));
            }
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            return Err(SpecError::value(
                format!("{at}.weight_decay"),
                Short(self.weight_decay),
                "a finite number not below 0",
            ));
        }
        share(&format!("{at}.min_lr_share"), self.min_lr_share)?;
        share(&format!("{at}.warmup_share"), self.warmup_share)?;
        for (key, value) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&value) {
                return Err(SpecError::value(
                    format!("{at}.{key}"),
                    Short(value),
                    "a number from 0 to below 1",
                ));
            }
        }
        Ok(())
    }
}

/// Instruction tuning on translation pairs of one language (the translation part of CoIT). It is
/// read as a [`Recipe`](super::Recipe) with the keys that are given in place of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tuning {
    /// Which side is produced.
    pub direction: Direction,
    /// Wording around the pair.
    pub prompt: PromptStyle,
    /// Passes over the pairs.
    pub epochs: u32,
    /// Pairs per step.
    pub batch_pairs: usize,
    /// Pairs of a step whose activations are in memory at a time; all of them where absent. The
    /// gradients of the parts are summed, which changes the last digits of a loss, and the draws of
    /// a dropout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch_pairs: Option<usize>,
    /// Whether the activations of a block are computed again for its gradient, in place of being
    /// kept. Results are the same to the bit.
    #[serde(skip_serializing)]
    pub recompute: bool,
    /// Which weights are trained.
    // left out where it is `full`: ids of older records stay
    #[serde(with = "serde_yaml::with::singleton_map", skip_serializing_if = "Method::is_full")]
    pub method: Method,
    /// Whether sizes share their training.
    #[serde(skip_serializing_if = "ScheduleSpec::is_whole")]
    pub schedule: ScheduleSpec,
    /// What is read among the pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<InstructionSpec>,
    /// Optimiser and schedule.
    pub optimisation: Optimisation,
}

/// Which weights are trained.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// All of them.
    #[default]
    Full,
    /// Low-rank adapters beside frozen weights.
    Lora(LoraSpec),
}

impl Method {
    fn is_full(&self) -> bool {
        *self == Method::Full
    }
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            direction: Direction::default(),
            prompt: PromptStyle::default(),
            epochs: 1,
            batch_pairs: 16,
            micro_batch_pairs: None,
            recompute: false,
            method: Method::Full,
            schedule: ScheduleSpec::Whole,
            instructions: None,
            optimisation: Optimisation::default(),
        }
    }
}

impl Tuning {
    pub(super) fn check(&self) -> Result<(), SpecError> {
        count("tuning.epochs", self.epochs.into(), 1..=MOST_PASSES)?;
        count("tuning.batch_pairs", self.batch_pairs as u64, 1..=MOST_BATCH)?;
        count(
            "tuning.micro_batch_pairs",
            self.micro_batch_pairs.unwrap_or(1) as u64,
            1..=MOST_BATCH,
        )?;
        if let Method::Lora(lora) = &self.method {
            lora.check()?;
        }
        self.schedule.check(self.epochs)?;
        if let Some(instructions) = &self.instructions {
            instructions.check()?;
        }
        self.optimisation.check("tuning.optimisation")
    }
}

/// The fixed evaluation of every run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evaluation {
    /// Dev pairs per language, the same for every run: the first in the order of the hashes of
    /// their English sides, so that languages which share English text are scored on the same
    /// sentences.
    pub pairs: usize,
    /// Whether every run is scored on half of the test pairs too, from which `validate` learns how
    /// test differs from dev; it reports the other half.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub calibration: bool,
}

impl Default for Evaluation {
    fn default() -> Self {
        Evaluation { pairs: 250, calibration: false }
    }
}
