//! Instruction data beside the pairs.

use super::error::SpecError;
use crate::units::Lang;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Alpaca-style records of one language: JSON Lines of `instruction`, `input`, `output` and
/// `split`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstructionFile {
    /// Language of its answers.
    pub lang: Lang,
    /// File, relative to the folder of the corpora.
    pub path: PathBuf,
}

/// Whose records a run reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Those in English and in the languages of its pairs.
    #[default]
    Own,
    /// Those in every language.
    All,
}

/// Which records, all of which a run reads once per pass, among its pairs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct InstructionSpec {
    /// Files; where they are is no part of a run's id, their content is.
    #[serde(skip)]
    pub files: Vec<InstructionFile>,
    /// Whose.
    pub scope: Scope,
    /// Most records of a language: the first of the seeded shuffle.
    pub most: Option<usize>,
    /// Hash of the records, once they are read.
    pub sha256: Option<String>,
}

impl InstructionSpec {
    pub(super) fn check(&self) -> Result<(), SpecError> {
        if self.files.is_empty() {
            return Err(SpecError::value(
                "tuning.instructions.files",
                "empty",
                "at least one file, like `{lang: eng_Latn, path: alpaca.jsonl}`",
            ));
        }
        if self.most == Some(0) {
            return Err(SpecError::value("tuning.instructions.most", 0, "at least 1"));
        }
        Ok(())
    }

    /// Whether a run on pairs of some languages reads records in `lang`.
    pub fn reads(&self, lang: &Lang, own: &[&Lang]) -> bool {
        self.scope == Scope::All || *lang == Lang::english() || own.contains(&lang)
    }
}
