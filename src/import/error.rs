//! What can be wrong with logs, or with what is asked of them.

use super::kind::Kind;
use crate::files::FileError;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Why logs do not become curves.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum ImportError {
    /// A file that cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A word that names no kind of log.
    #[error("`{found}` is no kind of log, expected one of {}", Kind::names())]
    Kind { found: String },
    /// A file that is no log of a known kind.
    #[error(
        "cannot tell what kind of log `{}` is, expected one of {}",
        path.display(),
        Kind::names()
    )]
    Unrecognised { path: PathBuf },
    /// A folder without any log.
    #[error("no log below `{}`, expected one of {}", path.display(), Kind::names())]
    NoLog { path: PathBuf },
    /// Logs of different programs, which may tell of the same runs twice.
    #[error(
        "`{}` is {first_kind} and `{}` is {second_kind}, expected logs of one kind",
        first.display(),
        second.display()
    )]
    Mixed { first: PathBuf, first_kind: Kind, second: PathBuf, second_kind: Kind },
    /// A file that is not what its kind says.
    #[error("cannot read `{}` as {kind}: {cause}", path.display())]
    Malformed { path: PathBuf, kind: Kind, cause: String },
    /// Scores that were computed in different ways.
    #[error(
        "{metric} has the signature {found} in `{}` and {expected} in `{}`, expected one signature",
        path.display(),
        first.display()
    )]
    Signature { metric: String, path: PathBuf, found: String, first: PathBuf, expected: String },
    /// A metric that no run has, or none named where there are several.
    #[error("no run has the metric `{asked}`, found {}", some(found))]
    Metric { asked: String, found: Vec<String> },
    /// No word on the amounts of data.
    #[error("nothing says how much data each run saw, found {}", some(runs))]
    NoAmount { runs: Vec<String> },
    /// An amount that is none.
    #[error(
        "the amount of run `{run}` is `{found}`, expected a number not below 0 such as `8000`, \
        `8k` or `1.5M`"
    )]
    Amount { run: String, found: String },
    /// Not a single run has an amount.
    #[error("no run has an amount by {by}, found {}", some(runs))]
    NoRunHasAmount { by: String, runs: Vec<String> },
    /// A table of amounts that is none.
    #[error("cannot read `{}` as a table `run,x[,curve]`: {cause}", path.display())]
    Table { path: PathBuf, cause: String },
    /// Two values where a curve has room for one.
    #[error("run `{run}` gives curve `{curve}` two values: `{first}` and `{second}`, expected one")]
    Ambiguous { run: String, curve: String, first: String, second: String },
    /// Folders that may be parts of one run.
    #[error(
        "`{}` and `{}` both give a point of curve `{curve}` at {x}, expected one folder a run",
        first.display(),
        second.display()
    )]
    Folders { curve: String, x: f64, first: PathBuf, second: PathBuf },
    /// A metric of which nobody says whether it should fall or rise.
    #[error("nothing says whether a higher `{metric}` is better")]
    Sense { metric: String },
    /// A score that cannot be turned round.
    #[error("`{metric}` of run `{run}` is {found}, expected a score below the ceiling {ceiling}")]
    Ceiling { metric: String, run: String, found: f64, ceiling: f64 },
    /// A loss that is none.
    #[error("`{metric}` of run `{run}` is {found}, expected a loss above 0")]
    Loss { metric: String, run: String, found: f64 },
    /// Steps are asked for, and no value has one.
    #[error("no value of `{metric}` has a step")]
    NoStep { metric: String },
    /// Nothing is left.
    #[error("no run has a finite `{metric}`")]
    Nothing { metric: String },
    /// The table could not be written.
    #[error("cannot write the curves as CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A word that says no rule which values to take.
    #[error(
        "`{found}` is no rule which values to take, expected `last`, `best` or `mean:K`, like \
        `mean:3`"
    )]
    Take { found: String },
}

/// A file that is not what its kind says.
pub(super) fn malformed(path: &Path, kind: Kind, cause: impl ToString) -> ImportError {
    ImportError::Malformed { path: path.to_owned(), kind, cause: cause.to_string() }
}

/// Most names of a list that a message shows.
const SHOWN: usize = 8;

/// The first few of some names, and how many more there are.
fn some(names: &[impl Display]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => "none".to_owned(),
        count if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
        _ => shown.join(", "),
    }
}
