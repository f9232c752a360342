//! Export: an allocation → the files a trainer reads, with every count exact, as bytes.
//!
//! Sampling by probability draws only about the planned amounts, so each language gets a file of exactly its rows
//! and the trainer reads every row once.

mod llamafactory;
mod portion;

pub use llamafactory::{Settings, llamafactory};
pub use portion::{JsonLines, Portion, Row};

/// Why an allocation could not be exported.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum ExportError {
    /// No language has a pair.
    #[error("nothing to export: no language has a pair")]
    Empty,
    /// A name that cannot be part of a file name and of a list of names.
    #[error("`{found}` cannot name a file, expected letters, digits, `_` and `-`")]
    Name { found: String },
    /// Two portions of one language would write one file.
    #[error("`{lang}` is given twice, expected one portion a language")]
    Twice { lang: String },
    /// Pairs are wanted of a language that has none.
    #[error("`{lang}`: {pairs} pairs are allocated, but the corpus has none")]
    NoRows { lang: String, pairs: u64 },
    /// The configuration does not go into YAML.
    #[error("cannot write `train.yaml`: {cause}")]
    Yaml { cause: String },
}

/// The files of one export. Small ones are ready; the data, which may be large, comes in chunks.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported<'a> {
    /// Path, relative to the folder of the export, and bytes.
    pub files: Vec<(String, Vec<u8>)>,
    /// Data files, one per language with pairs, and one per language with validation rows.
    pub data: Vec<JsonLines<'a>>,
}

impl Exported<'_> {
    /// All files with all bytes in memory.
    pub fn into_files(self) -> Vec<(String, Vec<u8>)> {
        let data = self.data.iter().map(|lines| (lines.path().to_owned(), lines.chunks().flatten().collect()));
        let data: Vec<_> = data.collect();
        self.files.into_iter().chain(data).collect()
    }
}
