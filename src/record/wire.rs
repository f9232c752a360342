//! Records and rows of a manifest as their JSON has them: `lang`, `mix` and `pairs` for the
//! subject, evaluations beside the outcome.

use super::outcome::Evaluation;
use super::subject::{MixRow, SubjectError};
use crate::units::{Lang, Pairs, Tokens};
use serde::{Deserialize, Serialize};

/// Why JSON of the right shape is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    /// No subject.
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// Losses of a run that did not finish.
    #[error("{found} evaluations of a run that diverged, expected none")]
    Evaluated { found: usize },
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum WireOutcome {
    Finished,
    Diverged { step: u64, reason: String },
}

/// A record.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireRecord {
    pub(super) run_id: String,
    pub(super) parallot: String,
    pub(super) sweep: String,
    pub(super) lang: Option<Lang>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mix: Vec<MixRow>,
    pub(super) pairs: Pairs,
    pub(super) seed: u64,
    pub(super) device: String,
    pub(super) threads: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stack: Option<usize>,
    pub(super) outcome: WireOutcome,
    pub(super) steps: u64,
    pub(super) train_tokens: Tokens,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) computed_tokens: Option<Tokens>,
    pub(super) train_loss_nats: Option<f64>,
    pub(super) wall_seconds: f64,
    pub(super) tokens_per_second: Option<f64>,
    pub(super) evaluations: Vec<Evaluation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) calibration: Vec<Evaluation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) untuned: Vec<Evaluation>,
}

/// A run of a manifest.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireRow {
    pub(super) run_id: String,
    pub(super) lang: Option<Lang>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) mix: Vec<MixRow>,
    pub(super) pairs: Pairs,
    pub(super) seed: u64,
}
