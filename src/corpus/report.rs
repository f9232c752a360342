//! What reading a corpus did: rows kept and dropped, by file and by reason.

use super::split::Split;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Why a row cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub enum Reason {
    /// The row has no such field.
    Missing {
        /// Name of the column, key of the object, or place counted from 0.
        column: String,
    },
    /// The field is a number, a list or an object.
    NotText {
        /// Name of the column, key of the object, or place counted from 0.
        column: String,
    },
    /// The field is empty or white space.
    Empty {
        /// Name of the column, key of the object, or place counted from 0.
        column: String,
    },
    /// The line is not UTF-8.
    NotUtf8,
    /// The line holds a NUL, as no text does.
    Nul,
    /// The line is not a JSON object.
    NotJson,
    /// The split column says neither train nor dev nor test.
    UnknownSplit,
    /// One side is far too long for the other.
    LengthRatio,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Missing { column } => write!(f, "`{column}` is missing"),
            Reason::NotText { column } => write!(f, "`{column}` is not a text"),
            Reason::Empty { column } => write!(f, "`{column}` is empty"),
            Reason::NotUtf8 => write!(f, "not UTF-8"),
            Reason::Nul => write!(f, "a NUL stands in it, as in UTF-16 without its mark"),
            Reason::NotJson => write!(f, "not a JSON object"),
            Reason::UnknownSplit => write!(f, "the split is neither `train` nor `dev` nor `test`"),
            Reason::LengthRatio => write!(f, "the lengths of the sides do not go together"),
        }
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> String {
        reason.to_string()
    }
}

/// A bad row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// Its line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What became of the rows of one source.
///
/// Every row is counted once: `rows` is the sum of all the other counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// The file, as its description names it; the English one of two.
    pub path: PathBuf,
    /// Rows read.
    pub rows: u64,
    /// Rows in the train part.
    pub train: u64,
    /// Rows in the dev part.
    pub dev: u64,
    /// Rows in the test part.
    pub test: u64,
    /// Rows that repeat a pair of the same part.
    pub duplicates: u64,
    /// Rows kept out of train because a side of theirs is in dev or test.
    pub leaked_from_train: u64,
    /// Rows kept out of dev because a side of theirs is in test.
    pub leaked_from_dev: u64,
    /// Rows above the bound of a split by hash.
    pub above_bound: u64,
    /// Bad rows by reason.
    pub bad: BTreeMap<Reason, u64>,
    /// The first bad rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<BadRow>,
}

impl FileReport {
    /// Most bad rows that are kept as examples.
    pub const MAX_EXAMPLES: usize = 20;

    /// All bad rows.
    pub fn bad_rows(&self) -> u64 {
        self.bad.values().sum()
    }

    /// Why rows are bad, a reason a text, with the lines of the first of them.
    pub(super) fn reasons(&self) -> Vec<String> {
        let text = |(reason, count): (&Reason, &u64)| {
            let lines: Vec<String> = self
                .examples
                .iter()
                .filter(|row| row.reason == *reason)
                .take(5)
                .map(|row| row.line.to_string())
                .collect();
            let examples = if lines.is_empty() {
                String::new()
            } else {
                format!(", as in line {}", lines.join(", "))
            };
            format!("{count} bad rows: {reason}{examples}")
        };
        self.bad.iter().map(text).collect()
    }

    pub(super) fn count_bad(&mut self, line: u64, reason: Reason) {
        *self.bad.entry(reason.clone()).or_default() += 1;
        if self.examples.len() < Self::MAX_EXAMPLES {
            self.examples.push(BadRow { line, reason });
        }
    }

    pub(super) fn count_kept(&mut self, split: Split) {
        match split {
            Split::Train => self.train += 1,
            Split::Dev => self.dev += 1,
            Split::Test => self.test += 1,
        }
    }
}

impl fmt::Display for FileReport {
    /// One line, and one more for each reason of bad rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}`: {} rows, {} train, {} dev, {} test",
            self.path.display(),
            self.rows,
            self.train,
            self.dev,
            self.test
        )?;
        for (count, what) in [
            (self.duplicates, "duplicates"),
            (self.leaked_from_train, "in dev or test as well as train"),
            (self.leaked_from_dev, "in test as well as dev"),
            (self.above_bound, "above the bound of dev or test"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        for reason in self.reasons() {
            write!(f, "\n  {reason}")?;
        }
        Ok(())
    }
}

/// What reading the sources of one language did, a source at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReadReport {
    /// The sources, in the order given.
    pub files: Vec<FileReport>,
}

impl ReadReport {
    /// All bad rows.
    pub fn bad_rows(&self) -> u64 {
        self.files.iter().map(FileReport::bad_rows).sum()
    }
}

impl fmt::Display for ReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, file) in self.files.iter().enumerate() {
            write!(f, "{}{file}", if index > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}
