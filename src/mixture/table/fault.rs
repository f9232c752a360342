//! What is wrong with files that are no table of mixtures.

use crate::files::FileError;
use std::path::PathBuf;

/// Why files are no table of mixtures.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum TableError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file says something else.
    #[error("`{}`: {fault}", path.display())]
    Table { path: PathBuf, fault: Fault },
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum Fault {
    /// A column of another name.
    #[error(
        "the column `{column}`, expected `run`, `split`, `seed`, `total`, `n_params`, `p_DOMAIN` \
        or `x_DOMAIN`, `unique_DOMAIN`, and `loss_TARGET`"
    )]
    Column { column: String },
    /// A column that is there more than once.
    #[error("the column `{column}` stands in the header twice")]
    Twice { column: String },
    /// Too few columns of a kind.
    #[error("{found} columns of {kind}, expected at least {expected}")]
    Few { kind: &'static str, found: usize, expected: usize },
    /// Shares and amounts.
    #[error("columns `p_…` and `x_…`, expected shares or amounts")]
    Both,
    /// A cell that does not hold what its column does.
    #[error("row {row}, column `{column}`: found `{found}`, expected {expected}")]
    Cell { row: usize, column: String, found: String, expected: &'static str },
    /// Shares that are none.
    #[error("row {row}: the shares add up to {found}, expected 1")]
    Shares { row: usize, found: String },
    /// No amounts at all.
    #[error("row {row}: all amounts are 0, expected one above")]
    Nothing { row: usize },
    /// A total that is not that of the amounts.
    #[error("row {row}: `total` is {total}, expected {found}, the sum of its amounts")]
    Total { row: usize, total: String, found: String },
    /// A size that only some runs have: the others could not be told from them.
    #[error("row {row}, column `{column}`: found nothing, expected a number as in other rows")]
    Gap { row: usize, column: &'static str },
    /// Unique amounts of what is no domain.
    #[error(
        "the column `unique_{name}`, expected a domain of the table: `{}`",
        domains.join("`, `")
    )]
    Unmixed { name: String, domains: Vec<String> },
    /// Unique amounts that are not of the domain but of the run.
    #[error(
        "row {row}, column `unique_{name}`: found {found}, expected {expected} as in an earlier row"
    )]
    Unlike { row: usize, name: String, found: String, expected: String },
    /// One name of two runs.
    #[error("two rows for the run `{run}`, expected one")]
    SameRun { run: String },
    /// A run of one table that the other lacks.
    #[error("no row for the run `{run}`, which the other table has")]
    Unjoined { run: String },
    /// What the reader of CSV or Parquet says.
    #[error("not readable as {format}: {cause}")]
    Format { format: &'static str, cause: String },
}
