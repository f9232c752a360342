//! How a run ended.

use crate::units::{Lang, Nats, Pairs, Tokens};
use serde::{Deserialize, Serialize};

/// How a run ended. Only `Finished` gives points; a diverged run is kept as a row, so that a
/// failure is never a gap. A run that was stopped from outside leaves no record: it is still
/// missing, and runs again.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Trained to the end and evaluated: one entry per language of the sweep.
    Finished(Vec<Evaluation>),
    /// The loss or a gradient stopped being finite, or the loss exploded.
    Diverged {
        /// Step at which it was seen, counted from 0.
        step: u64,
        /// What was seen.
        reason: String,
    },
}

/// The loss of one language on its fixed evaluation set, as totals, so that every normalisation can
/// be derived.
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
