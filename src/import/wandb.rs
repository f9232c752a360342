//! Weights & Biases CSV exports, of a panel or of the table of runs.
//!
//! A panel has one row per step and three columns a run: `Step,RUN - KEY,RUN - KEY__MIN,RUN - KEY__MAX`; cells are empty where a run
//! logged nothing at the step, and an export may leave steps out. A table has one row per run, its last values in columns named
//! by their keys, its settings in columns `config.KEY`.

use super::error::{ImportError, malformed};
use super::kind::Kind;
use super::log::{Metric, Run};
use crate::files;
use std::path::{Path, PathBuf};

/// Between a run's name and the key in the header of a panel.
const BETWEEN: &str = " - ";

/// What a table calls the names of runs, and their states.
const NAME: &str = "Name";
const STATE: &str = "State";

/// The two exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Export {
    Panel,
    Table,
}

/// Whether the first line of a CSV is that of an export.
pub(super) fn is_header(line: &str) -> bool {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    reader.records().next().and_then(Result::ok).and_then(|header| export(&header)).is_some()
}

fn export(header: &csv::StringRecord) -> Option<Export> {
    match () {
        () if header.iter().any(|cell| cell == NAME) => Some(Export::Table),
        () if header.iter().skip(1).any(|cell| cell.contains(BETWEEN)) => Some(Export::Panel),
        () => None,
    }
}

/// Reads the runs of some exports; notes say which of them did not finish.
pub(super) fn read(paths: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
    let mut runs = Vec::new();
    for path in paths {
        let wrong = |cause: csv::Error| malformed(path, Kind::Wandb, cause);
        let text = files::read_text(path)?;
        let mut reader = csv::Reader::from_reader(text.strip_prefix('\u{feff}').unwrap_or(&text).as_bytes());
        let header = reader.headers().map_err(wrong)?.clone();
        let export = export(&header).ok_or_else(|| malformed(path, Kind::Wandb, "expected a column `Name`, or columns `RUN - KEY`"))?;
        let rows = reader.records().collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        runs.extend(match export {
            Export::Panel => panel(path, &header, &rows)?,
            Export::Table => table(path, &header, &rows, notes),
        });
    }
    Ok(runs)
}

/// The number in a cell; none where it holds no number.
fn number(cell: &str) -> Option<f64> {
    cell.trim().parse().ok()
}

fn panel(path: &Path, header: &csv::StringRecord, rows: &[csv::StringRecord]) -> Result<Vec<Run>, ImportError> {
    let counts_steps = header.get(0).is_some_and(|name| name.to_lowercase().contains("step"));
    let mut runs: Vec<Run> = Vec::new();
    for (column, name) in header.iter().enumerate().skip(1) {
        // a run's name may hold the separator, a key hardly ever does
        let Some((name, key)) = name.rsplit_once(BETWEEN) else { continue };
        if ["__MIN", "__MAX"].iter().any(|end| key.ends_with(end)) || key == "_step" {
            continue;
        }
        let metric = Metric { key: key.to_owned(), set: None };
        // names are not unique: a second column of the same name and key is another run
        let known = runs.iter().position(|run| run.name == name && !run.series.contains_key(&metric));
        let at = known.unwrap_or_else(|| {
            runs.push(Run::new(name, path));
            runs.len() - 1
        });
        for (index, row) in rows.iter().enumerate() {
            let cell = row.get(column).unwrap_or_default().trim();
            if cell.is_empty() {
                continue;
            }
            let found = |expected| format!("row {} of column `{}` is `{cell}`, expected {expected}", index + 1, &header[column]);
            let value = number(cell).ok_or_else(|| malformed(path, Kind::Wandb, found("a number")))?;
            let step = row.get(0).and_then(number).filter(|_| counts_steps);
            runs[at].push(key, step, value);
        }
        runs[at].series.entry(metric).or_default();
    }
    Ok(runs)
}

fn table(path: &Path, header: &csv::StringRecord, rows: &[csv::StringRecord], notes: &mut Vec<String>) -> Vec<Run> {
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
            notes.push(format!("run `{name}` of `{}` is {state}, not finished; its last values are taken", path.display()));
        }
        run
    };
    rows.iter().map(run).collect()
}
