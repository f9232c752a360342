//! What was measured beside what was predicted, a row per policy and language.

use crate::allocate::Policy;
use crate::units::Estimate;
use serde::{Deserialize, Serialize};

/// One language under one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossRow {
    /// Language.
    pub lang: String,
    /// Pairs.
    pub pairs: u64,
    /// What was predicted, nats per target token.
    pub predicted_nats: Estimate,
    /// Measured mean over the finished seeds, nats per target token.
    #[serde(with = "crate::units::any_number")]
    pub measured_nats: f64,
    /// ln measured - ln predicted.
    #[serde(with = "crate::units::any_number")]
    pub error_log: f64,
    /// Whether the predicted interval holds the measured mean.
    pub is_held: bool,
    /// What laws with transfer predicted, where the fits know of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupled: Option<CoupledRow>,
}

/// What laws with transfer predicted of one language under one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoupledRow {
    /// Nats per target token.
    pub predicted_nats: Estimate,
    /// ln measured - ln predicted.
    #[serde(with = "crate::units::any_number")]
    pub error_log: f64,
    /// Whether the interval holds the measured mean.
    pub is_held: bool,
}

/// One policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyResult {
    /// The policy.
    pub policy: Policy,
    /// Policies of the same pairs, or nearly.
    pub stands_for: Vec<Policy>,
    /// Seeds that finished.
    pub seeds: Vec<u64>,
    /// Seeds that diverged.
    pub diverged: Vec<u64>,
    /// Its languages.
    pub losses: Vec<LossRow>,
    /// Weighted mean of the measured losses over languages and seeds, nats per target token; no
    /// number where no seed finished.
    #[serde(with = "crate::units::any_number")]
    pub mean_loss_nats: f64,
    /// Gain over uniform that was predicted.
    pub predicted_gain_nats: Estimate,
    /// The same by laws with transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupled_gain_nats: Option<Estimate>,
    /// Measured gain: mean over the seeds that both finished, with Student's paired interval;
    /// absent of uniform itself, and where no seed finished both. The interval of one seed is
    /// infinite.
    pub measured_gain_nats: Option<Estimate>,
    /// What it was measured to lose more than ours, likewise; absent of ours itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_behind_nats: Option<Estimate>,
}
