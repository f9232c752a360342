//! What can be wrong with an experiment and the files that it names.

use crate::files::FileError;
use std::borrow::Cow;
use std::fmt::Display;
use std::path::PathBuf;

/// What is wrong with an experiment.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum SpecError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Not YAML of the right shape.
    #[error("cannot read experiment `{}`: {cause}", path.display())]
    Yaml { path: PathBuf, cause: serde_yaml::Error },
    /// Not JSON of the right shape.
    #[error("cannot read `{}`: {cause}", path.display())]
    Json { path: PathBuf, cause: serde_json::Error },
    /// A folder without weights that can be read.
    #[error(
        "checkpoint `{}` has {}, expected `model.safetensors` or `model.safetensors.index.json`",
        folder.display(),
        if *are_pickled { "only pickled weights" } else { "no weights" }
    )]
    NoWeights { folder: PathBuf, are_pickled: bool },
    /// A folder whose tokenizer is of another format.
    #[error(
        "checkpoint `{}` has `{found}` and no `tokenizer.json`, expected one; \
        `AutoTokenizer.from_pretrained(F).save_pretrained(F)` of \
         transformers writes it",
        folder.display()
    )]
    NoTokenizer { folder: PathBuf, found: &'static str },
    /// A value out of range.
    #[error("`{key}` is {found}, expected {expected}")]
    Value { key: String, found: String, expected: Cow<'static, str> },
    /// The same, with the file.
    #[error("cannot read experiment `{}`: {cause}", path.display())]
    In { path: PathBuf, cause: Box<SpecError> },
}

impl SpecError {
    pub(super) fn value(
        key: impl Into<String>,
        found: impl Display,
        expected: impl Into<Cow<'static, str>>,
    ) -> Self {
        SpecError::Value { key: key.into(), found: found.to_string(), expected: expected.into() }
    }
}
