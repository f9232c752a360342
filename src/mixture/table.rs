//! Tables of mixtures that a user brings: one row a run, as CSV or Parquet.
//!
//! | column | holds | where it is empty |
//! |---|---|---|
//! | `run` | name of the run | its row is its name |
//! | `p_NAME` or `x_NAME` | share or amount of a domain, not below 0 | 0 |
//! | `loss_NAME` | loss of a target, above 0 | not measured |
//! | `split` | `predict` for a run whose losses are asked for and never fitted; `fit` or `train` else | `fit` |
//! | `total` | amount of all domains together, above 0 | that of the amounts, else not known, of no run |
//! | `n_params` | parameters of the model, above 0 | not known, of no run |
//! | `seed` | seed of the run; rows of one mixture are repeats | not known |
//! | `unique_NAME` | unique amount of a domain, the same in all rows | not known |
//!
//! Shares are divided by their sum, which is 1 up to 1 %. Other columns are an error. Two tables,
//! of mixtures and of losses, are joined by their first columns; all other columns of theirs are
//! domains and targets, whatever their names, but for those above.

use crate::files::{self, FileError};
use crate::parquet::guarded;
use polars::prelude::{Column, DataType, ParquetReader, PolarsResult, SerReader};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

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
    #[error("the column `unique_{name}`, expected a domain of the table: `{}`", domains.join("`, `"))]
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

/// Largest distance of a sum of shares from 1.
const ROUNDED: f64 = 0.01;

/// A file as texts.
struct Texts {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Texts {
    fn new(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.starts_with(b"PAR1") { Texts::of_parquet(bytes) } else { Texts::of_csv(bytes) }
    }

    fn of_csv(bytes: &[u8]) -> Result<Self, Fault> {
        let refused = |error: csv::Error| Fault::Format { format: "CSV", cause: error.to_string() };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader =
            csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(bytes);
        let texts =
            |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        let header = texts(reader.headers().map_err(refused)?);
        let rows = reader
            .records()
            .map(|record| Ok(texts(&record.map_err(refused)?)))
            .collect::<Result<_, Fault>>()?;
        Ok(Texts { header, rows })
    }

    fn of_parquet(bytes: &[u8]) -> Result<Self, Fault> {
        let frame = guarded(|| ParquetReader::new(Cursor::new(bytes.to_vec())).finish());
        let columns = frame.and_then(|frame| {
            let text = |column: &Column| -> PolarsResult<Vec<String>> {
                let texts = column.cast(&DataType::String)?;
                Ok(texts.str()?.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
            };
            let header = frame.get_column_names().iter().map(|name| name.to_string()).collect();
            Ok((
                header,
                frame.columns().iter().map(text).collect::<PolarsResult<Vec<_>>>()?,
                frame.height(),
            ))
        });
        let (header, columns, height) = columns
            .map_err(|error| Fault::Format { format: "Parquet", cause: error.to_string() })?;
        Ok(Texts {
            header,
            rows: (0..height)
                .map(|row| columns.iter().map(|column| column[row].clone()).collect())
                .collect(),
        })
    }
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
enum Holds {
    Run,
    Split,
    Seed,
    Total,
    Params,
    Share(String),
    Amount(String),
    Unique(String),
    Loss(String),
}

impl Holds {
    fn of(name: &str) -> Option<Self> {
        let after = |prefix| name.strip_prefix(prefix).map(str::to_owned);
        match name {
            "run" => Some(Holds::Run),
            "split" => Some(Holds::Split),
            "seed" => Some(Holds::Seed),
            "total" => Some(Holds::Total),
            "n_params" => Some(Holds::Params),
            _ => after("p_")
                .map(Holds::Share)
                .or(after("x_").map(Holds::Amount))
                .or(after("unique_").map(Holds::Unique))
                .or(after("loss_").map(Holds::Loss)),
        }
    }
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

/// The unique amount of each domain: what its column says in every row that says something.
fn unique(texts: &Texts, columns: &[Holds], domains: &[String]) -> Result<Vec<Option<f64>>, Fault> {
    let mut unique = vec![None; domains.len()];
    for (at, column) in columns.iter().enumerate() {
        let Holds::Unique(name) = column else { continue };
        let Some(place) = domains.iter().position(|domain| domain == name) else {
            return Err(Fault::Unmixed { name: name.clone(), domains: domains.to_vec() });
        };
        for (row, cell) in texts
            .rows
            .iter()
            .map(|cells| cells[at].as_str())
            .enumerate()
            .filter(|(_, cell)| !cell.is_empty())
        {
            let wrong = || Fault::Cell {
                row: row + 1,
                column: format!("unique_{name}"),
                found: cell.to_owned(),
                expected: "a finite number above 0",
            };
            let found = cell
                .parse::<f64>()
                .ok()
                .filter(|found| found.is_finite() && *found > 0.0)
                .ok_or_else(wrong)?;
            let expected = *unique[place].get_or_insert(found);
            if found != expected {
                let (found, expected) = (found.to_string(), expected.to_string());
                return Err(Fault::Unlike { row: row + 1, name: name.clone(), found, expected });
            }
        }
    }
    Ok(unique)
}

/// A row of cells as a run.
fn run(row: usize, header: &[String], columns: &[Holds], cells: &[String]) -> Result<Run, Fault> {
    let mut run = Run {
        name: format!("{row}"),
        shares: vec![],
        total: None,
        n_params: None,
        losses: vec![],
        is_asked: false,
    };
    let mut are_amounts = false;
    for ((name, column), cell) in header.iter().zip(columns).zip(cells) {
        let wrong =
            |expected| Fault::Cell { row, column: name.clone(), found: cell.clone(), expected };
        let number = |is_right: fn(f64) -> bool, expected| match cell.parse::<f64>() {
            // a table of losses that are asked for may say so in the way of its program
            _ if cell.is_empty() || cell.eq_ignore_ascii_case("nan") => Ok(None),
            Ok(value) if value.is_finite() && is_right(value) => Ok(Some(value)),
            _ => Err(wrong(expected)),
        };
        let above = |value: f64| value > 0.0;
        match column {
            Holds::Run if cell.is_empty() => {}
            Holds::Run => run.name.clone_from(cell),
            Holds::Split => match cell.as_str() {
                "" | "fit" | "train" => {}
                "predict" => run.is_asked = true,
                _ => return Err(wrong("`fit`, `train`, `predict` or nothing")),
            },
            Holds::Seed => drop(number(
                |seed| seed >= 0.0 && seed.fract() == 0.0,
                "a whole number not below 0",
            )?),
            Holds::Total => run.total = number(above, "a finite number above 0")?,
            Holds::Params => run.n_params = number(above, "a finite number above 0")?,
            Holds::Unique(_) => {}
            Holds::Loss(_) => run.losses.push(number(above, "a finite number above 0")?),
            Holds::Share(_) | Holds::Amount(_) => {
                are_amounts |= matches!(column, Holds::Amount(_));
                run.shares.push(
                    number(|share| share >= 0.0, "a finite number not below 0")?.unwrap_or(0.0),
                );
            }
        }
    }
    let sum: f64 = run.shares.iter().sum();
    if are_amounts {
        let total = *run.total.get_or_insert(sum);
        if sum <= 0.0 {
            return Err(Fault::Nothing { row });
        }
        if (total / sum - 1.0).abs() > ROUNDED {
            return Err(Fault::Total { row, total: total.to_string(), found: sum.to_string() });
        }
    } else if (sum - 1.0).abs() > ROUNDED {
        return Err(Fault::Shares { row, found: sum.to_string() });
    }
    run.shares.iter_mut().for_each(|share| *share /= sum);
    Ok(run)
}

/// One table of two, its columns named as those of one file are.
fn joined(mixtures: Texts, losses: Texts) -> Result<Texts, Fault> {
    let mut by_run: HashMap<&str, &Vec<String>> = HashMap::new();
    for row in &losses.rows {
        let run = row.first().map_or("", String::as_str);
        if by_run.insert(run, row).is_some() {
            return Err(Fault::SameRun { run: run.to_owned() });
        }
    }
    let named = |prefix: &'static str| {
        move |name: &String| {
            if Holds::of(name).is_some() { name.clone() } else { format!("{prefix}{name}") }
        }
    };
    let of_losses = losses.header.iter().skip(1).map(named("loss_"));
    let header = std::iter::once("run".to_owned())
        .chain(mixtures.header.iter().skip(1).map(named("p_")))
        .chain(of_losses)
        .collect();
    let mut rows = Vec::new();
    for mut row in mixtures.rows {
        let run = row.first().cloned().unwrap_or_default();
        let other = by_run.remove(run.as_str()).ok_or(Fault::Unjoined { run })?;
        row.extend(other.iter().skip(1).cloned());
        rows.push(row);
    }
    match losses
        .rows
        .iter()
        .filter_map(|row| row.first())
        .find(|run| by_run.contains_key(run.as_str()))
    {
        // losses of no known mixture would be ignored
        Some(run) => Err(Fault::Unjoined { run: run.clone() }),
        None => Ok(Texts { header, rows }),
    }
}
