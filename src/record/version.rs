//! The version of the training code that records are of.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Version of the training code, raised by hand when it changes what a run measures: records of two
/// versions never make one curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrainingVersion(u32);

impl TrainingVersion {
    /// All languages of a seed are shuffled alike. What names no version is of this one.
    pub const FIRST: Self = TrainingVersion(1);
    /// That of new runs: each language has an order of its own.
    pub const CURRENT: Self = TrainingVersion(2);

    /// Whether new runs are of it.
    pub fn is_current(self) -> bool {
        self == Self::CURRENT
    }

    pub(super) fn is_first(&self) -> bool {
        *self == Self::FIRST
    }

    pub(super) fn first() -> Self {
        Self::FIRST
    }
}

impl fmt::Display for TrainingVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
