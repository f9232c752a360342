//! Tables of mixtures that a user brings: one row a run, as CSV or Parquet.
//!
//! | column | holds | where it is empty |
//! |---|---|---|
//! | `run` | name of the run | its row is its name |
//! | `p_NAME` or `x_NAME` | share or amount of a domain, not below 0 | 0 |
//! | `loss_NAME` | loss of a target, above 0 | not measured |
//! | `split` | `predict` for a run that is asked for, not fitted; `fit` or `train` else | `fit` |
//! | `total` | amount of all domains, above 0 | that of the amounts, else not known, of no run |
//! | `n_params` | parameters of the model, above 0 | not known, of no run |
//! | `seed` | seed of the run; rows of one mixture are repeats | not known |
//! | `unique_NAME` | unique amount of a domain, the same in all rows | not known |
//!
//! Shares are divided by their sum, which is 1 up to 1 %. Other columns are an error. Two tables,
//! of mixtures and of losses, are joined by their first columns; all other columns of theirs are
//! domains and targets, whatever their names, but for those above.

mod columns;
mod fault;
mod joined;
mod texts;

use crate::files;
use columns::{Holds, run, unique};
pub use fault::{Fault, TableError};
use joined::joined;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;
use texts::Texts;

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Name.
    pub name: String,
    /// Share of each domain; their sum is 1.
    pub shares: Vec<f64>,
    /// Amount of all domains.
    pub total: Option<f64>,
    /// Parameters of the model.
    pub n_params: Option<f64>,
    /// Loss of each target, above 0.
    pub losses: Vec<Option<f64>>,
    /// Whether its losses are asked for, and so not fitted.
    #[serde(skip)]
    pub is_asked: bool,
}

/// A checked table: at least two domains and one target, unique names of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct MixtureTable {
    domains: Vec<String>,
    targets: Vec<String>,
    /// Unique amount of each domain, where it is known.
    unique: Vec<Option<f64>>,
    runs: Vec<Run>,
}

impl MixtureTable {
    /// Reads one file, or the mixtures in one and the losses in another.
    ///
    /// # Errors
    ///
    /// See [`Fault`]; a fault of joining names the file of the losses.
    pub fn read(mixtures: &Path, losses: Option<&Path>) -> Result<Self, TableError> {
        let texts =
            |path: &Path| Texts::new(&files::read(path)?).map_err(|fault| in_file(path, fault));
        let table = texts(mixtures)?;
        let Some(path) = losses else {
            return MixtureTable::new(table).map_err(|fault| in_file(mixtures, fault));
        };
        let joined = joined(table, texts(path)?).map_err(|fault| in_file(path, fault))?;
        MixtureTable::new(joined).map_err(|fault| in_file(mixtures, fault))
    }

    fn new(texts: Texts) -> Result<Self, Fault> {
        if let Some(column) = texts
            .header
            .iter()
            .enumerate()
            .find_map(|(at, name)| texts.header[..at].contains(name).then_some(name))
        {
            return Err(Fault::Twice { column: column.clone() });
        }
        let holds =
            |name: &String| Holds::of(name).ok_or_else(|| Fault::Column { column: name.clone() });
        let columns: Vec<Holds> = texts.header.iter().map(holds).collect::<Result<_, _>>()?;
        let are_amounts = columns.iter().any(|column| matches!(column, Holds::Amount(_)));
        if are_amounts && columns.iter().any(|column| matches!(column, Holds::Share(_))) {
            return Err(Fault::Both);
        }
        let names = |pick: fn(&Holds) -> Option<&String>| {
            columns.iter().filter_map(pick).cloned().collect::<Vec<_>>()
        };
        let domains = names(|column| match column {
            Holds::Share(name) | Holds::Amount(name) => Some(name),
            _ => None,
        });
        let targets = names(|column| match column {
            Holds::Loss(name) => Some(name),
            _ => None,
        });
        for (kind, found, expected) in
            [("domains", domains.len(), 2), ("targets", targets.len(), 1)]
        {
            if found < expected {
                return Err(Fault::Few { kind, found, expected });
            }
        }
        let row = |(at, cells): (usize, &Vec<String>)| run(at + 1, &texts.header, &columns, cells);
        let runs: Vec<Run> = texts.rows.iter().enumerate().map(row).collect::<Result<_, _>>()?;
        check_gaps(&runs, "total", |run| run.total)?;
        check_gaps(&runs, "n_params", |run| run.n_params)?;
        let mut seen = HashMap::new();
        match runs.iter().find(|run| seen.insert(run.name.as_str(), ()).is_some()) {
            Some(run) => Err(Fault::SameRun { run: run.name.clone() }),
            None => Ok(MixtureTable {
                unique: unique(&texts, &columns, &domains)?,
                domains,
                targets,
                runs,
            }),
        }
    }

    /// Names of the domains.
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// Unique amount of each domain, where it is known.
    pub fn unique(&self) -> &[Option<f64>] {
        &self.unique
    }

    /// Names of the targets.
    pub fn targets(&self) -> &[String] {
        &self.targets
    }

    /// Runs to fit.
    pub fn fitted(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| !run.is_asked)
    }

    /// Runs that are asked for, in the order of the table.
    pub fn asked(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| run.is_asked)
    }
}

/// Refuses a size that some runs have and others lack.
fn check_gaps(
    runs: &[Run],
    column: &'static str,
    size: impl Fn(&Run) -> Option<f64>,
) -> Result<(), Fault> {
    let gap = runs.iter().position(|run| size(run).is_none());
    match gap.filter(|_| runs.iter().any(|run| size(run).is_some())) {
        Some(at) => Err(Fault::Gap { row: at + 1, column }),
        None => Ok(()),
    }
}

fn in_file(path: &Path, fault: Fault) -> TableError {
    TableError::Table { path: path.to_owned(), fault }
}
