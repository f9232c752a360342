//! What can be wrong with a corpus.

use super::report::{FileReport, Reason};
use crate::files::FileError;
use crate::units::Lang;
use std::path::PathBuf;

/// Why a corpus cannot be read or made.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum CorpusError {
    /// A file that cannot be read to its end, a truncated archive among them.
    #[error(transparent)]
    File(#[from] FileError),
    /// A description that names no files, or two sets of them.
    #[error("a source has `path` or `moses`, found {found}")]
    SourceFiles { found: &'static str },
    /// A description with a key that is missing, or does not go with the others.
    #[error("source `{}`: `{key}` is {found}, expected {expected}", path.display())]
    SourceKey { path: PathBuf, key: &'static str, found: String, expected: &'static str },
    /// A column that the file does not have.
    #[error("`{}` has no column `{column}`, found {}", path.display(), quoted(found))]
    Column { path: PathBuf, column: String, found: Vec<String> },
    /// A column of a Parquet file that holds no text.
    #[error("`{}`: column `{column}` holds {found}, expected text", path.display())]
    ColumnType { path: PathBuf, column: String, found: String },
    /// A Parquet file that the reader refuses.
    #[error("cannot read `{}` as Parquet: {cause}", path.display())]
    Parquet { path: PathBuf, cause: String },
    /// A zip archive that is damaged, or does not hold one file.
    #[error("cannot read `{}` as a zip file: {cause}", path.display())]
    Zip { path: PathBuf, cause: String },
    /// A list of JSON that is damaged.
    #[error("cannot read `{}` as a JSON array of objects: {cause}", path.display())]
    Array { path: PathBuf, cause: String },
    /// A CSV file that the reader refuses.
    #[error("cannot read `{}` as CSV: {cause}", path.display())]
    Csv { path: PathBuf, cause: String },
    /// A file of questions that is not as SQuAD has it.
    #[error("cannot read `{}` as questions in SQuAD's format: {cause}", path.display())]
    Squad { path: PathBuf, cause: String },
    /// A text where a table is expected.
    #[error(
        "`{}` is plain text, expected rows of fields: JSON Lines, TSV, CSV or Parquet",
        path.display()
    )]
    PlainText { path: PathBuf },
    /// Two files of a pair whose lines do not correspond.
    #[error(
        "`{}` has {english_lines} lines and `{}` has {other_lines}, expected as many",
        english.display(),
        other.display()
    )]
    Uneven { english: PathBuf, other: PathBuf, english_lines: u64, other_lines: u64 },
    /// A bad row where none is allowed.
    #[error("`{}` line {line}: {reason}", path.display())]
    BadRow { path: PathBuf, line: u64, reason: Reason },
    /// A header that is no text.
    #[error("the header of `{}` cannot be read: {reason}", path.display())]
    Header { path: PathBuf, reason: Reason },
    /// A line that is not to be read into memory.
    #[error(
        "`{}` line {line} is longer than {longest} bytes, expected a line for each row",
        path.display()
    )]
    LongLine { path: PathBuf, line: u64, longest: u64 },
    /// A table that is not to be read into memory.
    #[error("`{}` has more than {most} {what}, expected a table of at most that", path.display())]
    LargeTable { path: PathBuf, most: u64, what: &'static str },
    /// A file without a single usable row, and why.
    #[error("`{}` has no usable row, found {rows} rows{reasons}", path.display())]
    NoRows { path: PathBuf, rows: u64, reasons: String },
    /// A subset larger than the train part.
    #[error("{asked} pairs asked of a train part of {found}")]
    TooFew { asked: usize, found: usize },
    /// A key of the constructed languages that is out of range.
    #[error("`{key}` is {found}, expected {expected}")]
    Constructed { key: &'static str, found: String, expected: &'static str },
    /// Two constructed languages with one code.
    #[error("two sisters have the code `{lang}`, expected different codes")]
    SameSister { lang: Lang },
    /// A grammar that has run out of sentences that are new in every language.
    #[error(
        "the constructed languages have {found} different sentences within reach, {asked} were \
        asked"
    )]
    Sentences { asked: usize, found: usize },
}

impl CorpusError {
    /// The error of a file none of whose rows is usable, given what was read and the keys of its
    /// first row, where it has keys.
    pub(super) fn no_rows(path: PathBuf, report: &FileReport, keys: Vec<String>) -> Self {
        let mut reasons: Vec<String> = report.reasons();
        if !keys.is_empty() {
            reasons.push(format!("the first has {}", quoted(&keys)));
        }
        let reasons = reasons.iter().map(|reason| format!("; {reason}")).collect();
        CorpusError::NoRows { path, rows: report.rows, reasons }
    }
}

fn quoted(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}
