//! Weights & Biases CSV exports: of a panel, of the table of runs, or by the API.
//!
//! A panel has one row per step and three columns a run:
//! `Step,RUN - KEY,RUN - KEY__MIN,RUN - KEY__MAX`; cells are empty where a run logged nothing at
//! the step, and an export may leave steps out. A table has one row per run, its last values in
//! columns named by their keys, its settings in columns `config.KEY`. `wandb_api.rs` has the two
//! that scripts write.

use super::error::{ImportError, malformed};
use super::kind::Kind;
use super::log::{Metric, Run};
use super::wandb_api;
use crate::files;
use std::path::{Path, PathBuf};

/// Between a run's name and the key in the header of a panel.
const BETWEEN: &str = " - ";

/// What a table calls the names of runs, and their states.
const NAME: &str = "Name";
const STATE: &str = "State";

/// The columns of the table that the documentation of the API writes: what a run ended with, its
/// settings, and its name.
const API: [&str; 3] = ["summary", "config", "name"];

/// Columns of every history: the step, and the times beside it.
const STEP: &str = "_step";
const TIMES: [&str; 2] = ["_runtime", "_timestamp"];

/// The exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Export {
    Panel,
    Table,
    Project,
    History,
}

/// Whether the first line of a CSV is that of an export.
pub(super) fn is_header(line: &str) -> bool {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    reader.records().next().and_then(Result::ok).and_then(|header| export(&header)).is_some()
}

fn export(header: &csv::StringRecord) -> Option<Export> {
    match () {
        () if API.iter().all(|name| header.iter().any(|cell| cell == *name)) => {
            Some(Export::Project)
        }
        () if header.iter().any(|cell| cell == STEP)
            && header.iter().any(|cell| TIMES.contains(&cell)) =>
        {
            Some(Export::History)
        }
        () if header.iter().any(|cell| cell == NAME) => Some(Export::Table),
        () if header.iter().skip(1).any(|cell| cell.contains(BETWEEN)) => Some(Export::Panel),
        () => None,
    }
}

/// What the first line of an export has.
const EXPECTED: &str = "expected the CSV of a panel, with columns `RUN - KEY`, of the table of \
runs, with a column `Name`, of runs by the \
    API, with columns `summary`, `config` and `name`, or of a history, with `_step` and \
`_timestamp`";

/// Reads the runs of some exports; notes say which of them did not finish.
pub(super) fn read(paths: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
    let mut runs = Vec::new();
    for path in paths {
        if path.file_name().is_some_and(|name| name == wandb_api::SUMMARY) {
            runs.push(wandb_api::summary(path)?);
            continue;
        }
        let wrong = |cause: csv::Error| malformed(path, Kind::Wandb, cause);
        let text = files::read_text(path)?;
        let mut reader =
            csv::Reader::from_reader(text.strip_prefix('\u{feff}').unwrap_or(&text).as_bytes());
        let header = reader.headers().map_err(wrong)?.clone();
        let export = export(&header).ok_or_else(|| malformed(path, Kind::Wandb, EXPECTED))?;
        let rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        runs.extend(match export {
            Export::Panel => panel(path, &header, &rows, notes)?,
            Export::Project => wandb_api::project(path, &header, &rows)?,
            Export::History => vec![wandb_api::history(path, &header, &rows)],
            Export::Table => table(path, &header, &rows, notes),
        });
    }
    Ok(runs)
}

/// The number in a cell; none where it holds no number.
fn number(cell: &str) -> Option<f64> {
    cell.trim().parse().ok()
}

fn panel(
    path: &Path,
    header: &csv::StringRecord,
    rows: &[csv::StringRecord],
    notes: &mut Vec<String>,
) -> Result<Vec<Run>, ImportError> {
    let first = header.get(0).unwrap_or_default();
    let lower = first.to_lowercase();
    // what a clock says is no amount
    let counts_steps = !["time", "_runtime", "duration"].iter().any(|time| lower.contains(time));
    match (counts_steps, lower.contains("step")) {
        (false, _) => {
            notes.push(format!("the first column of `{}` is `{first}`, no step", path.display()))
        }
        (true, false) => notes.push(format!(
            "the first column of `{}` is `{first}`, and counts as the step",
            path.display()
        )),
        (true, true) => {}
    }
    let mut runs: Vec<Run> = Vec::new();
    for (column, name) in header.iter().enumerate().skip(1) {
        // a run's name may hold the separator, a key hardly ever does
        let Some((name, key)) = name.rsplit_once(BETWEEN) else { continue };
        if ["__MIN", "__MAX"].iter().any(|end| key.ends_with(end)) || key == "_step" {
            continue;
        }
        let metric = Metric { key: key.to_owned(), set: None };
        // names are not unique: a second column of the same name and key is another run
        let known =
            runs.iter().position(|run| run.name == name && !run.series.contains_key(&metric));
        let at = known.unwrap_or_else(|| {
            runs.push(Run::new(name, path));
            runs.len() - 1
        });
        for (index, row) in rows.iter().enumerate() {
            let cell = row.get(column).unwrap_or_default().trim();
            if cell.is_empty() {
                continue;
            }
            let found = |expected| {
                format!(
                    "row {} of column `{}` is `{cell}`, expected {expected}",
                    index + 1,
                    &header[column]
                )
            };
            let value =
                number(cell).ok_or_else(|| malformed(path, Kind::Wandb, found("a number")))?;
            let step = row.get(0).and_then(number).filter(|_| counts_steps);
            runs[at].push(key, step, value);
        }
        runs[at].series.entry(metric).or_default();
    }
    Ok(runs)
}

fn table(
    path: &Path,
    header: &csv::StringRecord,
    rows: &[csv::StringRecord],
    notes: &mut Vec<String>,
) -> Vec<Run> {
    let run = |row: &csv::StringRecord| {
        let cells = || header.iter().zip(row).filter(|(_, cell)| !cell.trim().is_empty());
        let name = cells().find(|(name, _)| *name == NAME).map_or("", |(_, cell)| cell);
        let mut run = Run::new(name, path);
        for (key, cell) in cells().filter(|(key, _)| *key != NAME) {
            let setting = key.strip_prefix("config.");
            run.params.insert(setting.unwrap_or(key).to_owned(), cell.to_owned());
            if let (Some(value), None) = (number(cell), setting) {
                run.push(key, None, value);
            }
        }
        if let Some(state) = run.params.get(STATE).filter(|state| *state != "finished") {
            notes.push(format!(
                "run `{name}` of `{}` is {state}, not finished; its last values are taken",
                path.display()
            ));
        }
        run
    };
    rows.iter().map(run).collect()
}
