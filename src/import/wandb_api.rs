//! What scripts write with the API of Weights & Biases: `project.csv` of its documentation, whose
//! cells `summary` and `config` are dicts of Python, and `run.history().to_csv()`, one run a file;
//! and what a run leaves in its own folder, `wandb-summary.json` with `config.yaml`.

use super::error::{ImportError, malformed};
use super::json;
use super::kind::Kind;
use super::log::Run;
use super::python;
use crate::files;
use crate::yaml;
use csv::StringRecord;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// One run a row.
pub(super) fn project(
    path: &Path,
    header: &StringRecord,
    rows: &[StringRecord],
) -> Result<Vec<Run>, ImportError> {
    let cell = |row: &StringRecord, name: &str| {
        let place = header.iter().position(|found| found == name)?;
        row.get(place).map(str::to_owned)
    };
    let run = |(index, row): (usize, &StringRecord)| {
        let mut run = Run::new(cell(row, "name").unwrap_or_default(), path);
        let dict = |column: &str| {
            let text = cell(row, column).unwrap_or_default();
            let wrong = || {
                malformed(
                    path,
                    Kind::Wandb,
                    format!("row {} of column `{column}` is no dict of Python", index + 1),
                )
            };
            if text.trim().is_empty() {
                Ok(Map::new())
            } else {
                python::object(&text).ok_or_else(wrong)
            }
        };
        let (config, summary) = (flat(dict("config")?), flat(dict("summary")?));
        run.params = json::scalars(&config);
        for (key, value) in &summary {
            if let Some(value) = json::number(value) {
                run.push(key, None, value);
            }
        }
        Ok(run)
    };
    rows.iter().enumerate().map(run).collect()
}

/// The entries of an object, those of objects in it under keys with dots.
fn flat(object: Map<String, Value>) -> Map<String, Value> {
    let entries = object.into_iter().flat_map(|(key, value)| match value {
        Value::Object(inner) => flat(inner)
            .into_iter()
            .map(|(inner, value)| (format!("{key}.{inner}"), value))
            .collect(),
        value => vec![(key, value)],
    });
    entries.collect()
}

/// The file of a run's last values in `wandb/run-DATE-ID/files/`.
pub(super) const SUMMARY: &str = "wandb-summary.json";

/// Such a file, and its settings where they are there.
pub(super) fn parts(path: &Path) -> Vec<PathBuf> {
    let config = path.with_file_name("config.yaml");
    std::iter::once(path.to_owned())
        .chain(Some(config).filter(|path| files::exists(path)))
        .collect()
}

/// The run of such a file, named by its folder, with the settings beside it.
pub(super) fn summary(path: &Path) -> Result<Run, ImportError> {
    let wrong = |cause: String| malformed(path, Kind::Wandb, cause);
    let Value::Object(values) = json::read(path, Kind::Wandb)? else {
        return Err(wrong("expected an object".to_owned()));
    };
    let inner = path.parent().unwrap_or(Path::new(""));
    let folder = if inner.ends_with("files") { inner.parent().unwrap_or(inner) } else { inner };
    let mut run = Run::new(
        folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        folder,
    );
    for (key, value) in &flat(values) {
        if let Some(value) = json::number(value) {
            run.push(key, None, value);
        }
    }
    if let [_, config] = parts(path).as_slice() {
        let text = files::read_text(config)?;
        let settings: Map<String, Value> = yaml::checked(&text)
            .and_then(serde_yaml::from_str)
            .map_err(|error| malformed(config, Kind::Wandb, error))?;
        // each setting is an object with its value and a description
        let value = |(key, setting): (String, Value)| {
            (key, setting.get("value").cloned().unwrap_or(setting))
        };
        run.params = json::scalars(&flat(settings.into_iter().map(value).collect()));
    }
    Ok(run)
}

/// The run of a history, named by its file; cells are empty where nothing was logged.
pub(super) fn history(path: &Path, header: &StringRecord, rows: &[StringRecord]) -> Run {
    let name =
        path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let mut run = Run::new(name, path);
    push_rows(&mut run, "_step", header, rows);
    run
}

/// Adds the numbers of some rows to a run, each with the step of its row.
pub(super) fn push_rows(run: &mut Run, step: &str, header: &StringRecord, rows: &[StringRecord]) {
    let number = |cell: &str| cell.trim().parse::<f64>().ok();
    let step_at = header.iter().position(|name| name == step);
    for row in rows {
        let at = step_at.and_then(|at| number(row.get(at)?));
        // the first column is pandas' own count of the rows, without a name
        let is_value = |name: &str| {
            !name.is_empty()
                && name != step
                && !name.starts_with('_')
                && !name.starts_with("Unnamed:")
        };
        for (name, cell) in header.iter().zip(row).filter(|(name, _)| is_value(name)) {
            if let Some(value) = number(cell) {
                run.push(name, at, value);
            }
        }
    }
}
