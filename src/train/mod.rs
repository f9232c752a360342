//! Training: one small run, from a base model to its losses on every language.
//!
//! A run minimises the mean cross-entropy of the response tokens, nats per target token, by AdamW
//! over whole batches:
//!
//! ```text
//! g  = gradient / max(1, |gradient| / grad_clip)
//! m  = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//! w -= lr(t) (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + 1e-8) + weight_decay w)
//! ```

mod adamw;
mod base;
mod hardware;
mod memory;
mod run;
mod runner;
mod schedule;
mod speed;
mod stack;
mod steps;

pub use adamw::AdamW;
pub use base::{Base, Origin, prepare};
pub use hardware::{Hardware, select_device};
pub use memory::{Memory, Step};
pub use run::Tuner;
pub use runner::Runner;
pub use schedule::Schedule;
pub use speed::{SEQUENCES, Size, Speed, WARM_UP_STEPS, Workload, measure, workloads};
pub use stack::{Member, fit_stack};
pub use steps::{Divergence, Ended, Progress, Training, evaluate, fit_batches};

use crate::corpus::CorpusError;
use crate::files::FileError;
use crate::model::{CardFull, CheckpointError, TokenizerError};
use crate::record::TrainingVersion;
use crate::spec::SpecError;
use std::path::PathBuf;

/// Keeps candle's own elementwise ops on the thread that calls them. Their pool waits by spinning,
/// one pool for the whole process, so that two runs side by side stand in each other's way
/// (measured: a third of the speed). Runs are the unit of parallelism here, and our kernels share
/// work by rayon.
///
/// # Safety
///
/// Sets an environment variable, so no other thread may be running: to be called first in `main`.
pub unsafe fn keep_candle_on_its_thread() {
    // SAFETY: the caller promises that no other thread runs
    unsafe { std::env::set_var("CANDLE_NUM_THREADS", "1") };
}

/// Why nothing was trained. A run that diverges is no error but an outcome.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum TrainError {
    /// The tensor library failed.
    #[error("tensors: {0}")]
    Tensor(candle_core::Error),
    /// The card has not the memory.
    #[error(transparent)]
    CardFull(#[from] CardFull),
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// The corpus has not what the run needs.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// A cached base could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A checkpoint could not be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The files of a checkpoint were not found.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The spec names a checkpoint whose files were not looked for.
    #[error("the base is a checkpoint, but its files were not given")]
    NoCheckpoint,
    /// A base that this program would train otherwise than the runs on it were.
    #[error("base `{id}` of training version {found} is not in `{}`, expected it there: new ones \
    are of version {}", folder.display(), TrainingVersion::CURRENT)]
    OlderBase { id: String, found: TrainingVersion, folder: PathBuf },
    /// No such device.
    #[error("device `{found}` cannot be used: {reason}")]
    Device { found: String, reason: String },
    /// Nothing to predict.
    #[error("the dev set of `{lang}` has no target token, expected at least one")]
    NothingToEvaluate { lang: String },
    /// The base model diverged.
    #[error("pre-training of the base diverged at step {step}: {reason}")]
    BaseDiverged { step: u64, reason: String },
    /// A network whose speed is measured diverged.
    #[error("model `{name}` diverged at step {step}: {reason}")]
    SpeedDiverged { name: &'static str, step: u64, reason: String },
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        let full = match &error {
            candle_core::Error::Cuda(inner) => inner.downcast_ref::<CardFull>().copied(),
            _ => None,
        };
        full.map_or(TrainError::Tensor(error), TrainError::CardFull)
    }
}

#[cfg(test)]
mod tests;
