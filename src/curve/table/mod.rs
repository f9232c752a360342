//! Tables of curves that a user brings: one row a measured loss, as CSV or Parquet.
//!
//! | column | holds | where it is empty |
//! |---|---|---|
//! | `curve` | name of the curve | an error |
//! | `x` | amount of data, not below 0 | an error |
//! | `loss` | loss, above 0 | only where it is to be predicted |
//! | `split` | `predict` for a loss that is asked for, not fitted; `fit` or `train` else | `fit` |
//! | `se` | standard error of the loss, above 0 | not known |
//! | `weight` | what the row counts for, not below 0 | 1 |
//! | `seed` | seed of the run | not known |
//! | `n_params` | parameters of the model, above 0 | not known |
//! | `unique` | unique pairs that the run had | not known |
//!
//! The last six columns may be missing and others are not read, except the one that the caller
//! names for the families of curves. Rows may come in any order and sizes may repeat. In CSV, lines
//! that start with `#` are comments.

mod cells;
mod source;

use crate::files::{self, FileError};
use cells::{Cells, Split};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One measured loss.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Amount of data, finite and not below 0.
    pub x: f64,
    /// Loss, finite and above 0.
    pub loss: f64,
    /// Standard error of the loss, above 0.
    pub se: Option<f64>,
    /// What the row counts for, not below 0.
    pub weight: f64,
    /// Seed of the run; rows of one size with different seeds are repeats.
    pub seed: Option<u64>,
    /// Parameters of the model, above 0.
    pub n_params: Option<f64>,
    /// Unique pairs that the run had.
    pub unique: Option<u64>,
}

/// A loss that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Place among all queries of the table, counted from 0.
    pub position: usize,
    /// Amount of data, finite and not below 0.
    pub x: f64,
    /// Parameters of the model, above 0.
    pub n_params: Option<f64>,
    /// Unique pairs that the run has.
    pub unique: Option<u64>,
    /// The loss measured, where the table gives it; nothing is fitted to it.
    pub loss: Option<f64>,
}

/// The rows of one curve.
#[derive(Debug, Clone, PartialEq)]
pub struct TableCurve {
    /// Name, not empty.
    pub name: String,
    /// Family, where the caller names a column for it.
    pub family: Option<String>,
    /// What was measured, in the order of the table; empty where everything is asked for.
    pub rows: Vec<Row>,
    /// What is asked for, in the order of the table.
    pub predict: Vec<Query>,
}

/// A checked table: curves in the order of their first rows, at least one row to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveTable {
    curves: Vec<TableCurve>,
}

/// Why a file is no table of curves.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum TableError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file says something else.
    #[error("`{}`: {fault}", path.display())]
    Table { path: PathBuf, fault: Fault },
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum Fault {
    /// No header.
    #[error("the file is empty, expected a header with the columns `curve`, `x` and `loss`")]
    Empty,
    /// A column that is not there.
    #[error("no column `{column}`, found {found}")]
    Missing { column: String, found: String },
    /// A column that is there more than once.
    #[error("the column `{column}` stands in the header twice")]
    Twice { column: String },
    /// A row of another length than the header.
    #[error("line {line}: found {found} cells, expected {expected} as in the header")]
    Uneven { line: u64, found: u64, expected: u64 },
    /// A cell that does not hold what its column does.
    #[error("{place}, column `{column}`: found {found}, expected {expected}")]
    Cell { place: String, column: String, found: String, expected: &'static str },
    /// A curve in two families.
    #[error(
        "{place}: the curve `{curve}` is of family `{found}`, expected `{expected}` as in its \
        first row"
    )]
    Family { place: String, curve: String, found: String, expected: String },
    /// Bytes that are no text.
    #[error("line {line} is not UTF-8 text")]
    NotText { line: u64 },
    /// Nothing to fit.
    #[error("no row to fit, expected at least one whose `split` is not `predict`")]
    NoRows,
    /// What the reader of CSV or Parquet says.
    #[error("not readable as {format}: {cause}")]
    Format { format: &'static str, cause: String },
}

impl CurveTable {
    /// Reads a file; Parquet is known by its first bytes, anything else is CSV. `family` names the
    /// column of the families.
    pub fn read(path: &Path, family: Option<&str>) -> Result<Self, TableError> {
        let bytes = files::read(path)?;
        CurveTable::from_bytes(&bytes, family)
            .map_err(|fault| TableError::Table { path: path.to_owned(), fault })
    }

    /// As [`CurveTable::read`], from the bytes of a file.
    pub fn from_bytes(bytes: &[u8], family: Option<&str>) -> Result<Self, Fault> {
        let mut gathered = Gathered::default();
        if bytes.starts_with(source::PARQUET) {
            source::visit_parquet(bytes, family, &mut |cells| gathered.add(cells))?;
        } else {
            source::visit_csv(bytes, family, &mut |cells| gathered.add(cells))?;
        }
        if gathered.curves.iter().all(|curve| curve.rows.is_empty()) {
            return Err(Fault::NoRows);
        }
        Ok(CurveTable { curves: gathered.curves })
    }

    /// The curves, in the order of their first rows.
    pub fn curves(&self) -> &[TableCurve] {
        &self.curves
    }
}

/// The curves of the rows read so far.
#[derive(Default)]
struct Gathered {
    curves: Vec<TableCurve>,
    places: HashMap<String, usize>,
    queries: usize,
}

impl Gathered {
    fn add(&mut self, cells: &Cells<'_>) -> Result<(), Fault> {
        let name = cells.curve()?;
        let at = match self.places.get(name) {
            Some(&at) => at,
            None => {
                self.places.insert(name.to_owned(), self.curves.len());
                let family = cells.family().map(str::to_owned);
                self.curves.push(TableCurve {
                    name: name.to_owned(),
                    family,
                    rows: Vec::new(),
                    predict: Vec::new(),
                });
                self.curves.len() - 1
            }
        };
        let curve = &mut self.curves[at];
        if curve.family.as_deref() != cells.family() {
            let text = |family: Option<&str>| family.unwrap_or_default().to_owned();
            let (found, expected) = (text(cells.family()), text(curve.family.as_deref()));
            return Err(Fault::Family {
                place: cells.place(),
                curve: name.to_owned(),
                found,
                expected,
            });
        }
        match cells.split()? {
            Split::Fit => curve.rows.push(cells.row()?),
            Split::Predict => {
                curve.predict.push(cells.query(self.queries)?);
                self.queries += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
