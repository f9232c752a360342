//! The manifest of a sweep: which runs it consists of and how large its corpora are, for the stages
//! that do not read the corpora.

use super::subject::{Subject, SubjectError};
use super::version::TrainingVersion;
use super::wire::WireRow;
use crate::units::{Lang, Pairs};
use serde::{Deserialize, Serialize};

/// What a sweep consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version and git revision of the program.
    pub parallot: String,
    /// Version of the training code of its runs.
    #[serde(default = "TrainingVersion::first", skip_serializing_if = "TrainingVersion::is_first")]
    pub training_version: TrainingVersion,
    /// Hash of the base model's spec and text.
    pub base_id: String,
    /// The languages, in their order.
    pub corpora: Vec<CorpusRow>,
    /// All runs, done or not.
    pub runs: Vec<RunRow>,
}

/// The corpus of one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusRow {
    /// Language.
    pub lang: Lang,
    /// Its English name.
    pub name: String,
    /// Unique training pairs.
    pub train_pairs: Pairs,
    /// Dev pairs.
    pub dev_pairs: Pairs,
    /// Test pairs.
    pub test_pairs: Pairs,
    /// Hash of the training part.
    pub train_sha256: String,
    /// Hash of the dev part.
    pub dev_sha256: String,
    /// Hash of the test part.
    pub test_sha256: String,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WireRow", into = "WireRow")]
pub struct RunRow {
    /// Hash of all that determines it.
    pub run_id: String,
    /// What is tuned on.
    pub subject: Subject,
    /// Seed.
    pub seed: u64,
}

impl TryFrom<WireRow> for RunRow {
    type Error = SubjectError;

    fn try_from(wire: WireRow) -> Result<Self, SubjectError> {
        Ok(RunRow {
            run_id: wire.run_id,
            subject: Subject::of(wire.lang, wire.mix, wire.pairs)?,
            seed: wire.seed,
        })
    }
}

impl From<RunRow> for WireRow {
    fn from(row: RunRow) -> Self {
        let RunRow { run_id, subject, seed } = row;
        WireRow {
            run_id,
            lang: subject.lang().cloned(),
            mix: subject.mix().to_vec(),
            pairs: subject.pairs(),
            seed,
        }
    }
}
