//! MLflow's file store: `mlruns/EXPERIMENT/RUN/` with `meta.yaml`, one file per metric with lines
//! `MILLISECONDS VALUE STEP`, and one file a parameter.

use super::error::{ImportError, malformed};
use super::kind::Kind;
use super::log::Run;
use super::mlflow::note_unfinished;
use crate::files;
use crate::yaml;
use serde::Deserialize;
use serde_yaml::Value;
use std::path::{Path, PathBuf};

/// The file that makes a folder a run.
pub(super) const META: &str = "meta.yaml";

/// What is read of `meta.yaml`; other keys come and go with versions. The status is a number there.
#[derive(Deserialize)]
struct Meta {
    run_id: String,
    run_name: Option<String>,
    #[serde(default)]
    lifecycle_stage: Value,
    #[serde(default)]
    status: Value,
}

/// Statuses by their number, from 1 on, as `RunStatus` of MLflow counts them.
const STATUSES: [&str; 5] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];

/// Whether a `meta.yaml` is that of a run: those of experiments have no metrics beside them, and
/// those of the models that MLflow 3 logs, in `EXPERIMENT/models/`, have an id of their own.
pub(super) fn is_run(meta: &Path) -> bool {
    let is_meta = meta.file_name().is_some_and(|name| name == META)
        && files::is_folder(&meta.with_file_name("metrics"));
    is_meta && !files::read_text(meta).is_ok_and(|text| is_model(&text))
}

/// Whether the text of a `meta.yaml` is that of a model.
fn is_model(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("model_id:") && !has("run_id:")
}

/// Reads the runs with these `meta.yaml`; notes say which of them did not finish.
pub(super) fn read(metas: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
    let mut runs = Vec::new();
    for path in metas {
        let text = files::read_text(path)?;
        let meta: Result<Meta, _> = yaml::checked(&text).and_then(serde_yaml::from_str);
        let meta = meta.map_err(|error| malformed(path, Kind::Mlflow, error))?;
        if meta.lifecycle_stage != "deleted" {
            runs.push(run(path, meta, notes)?);
        }
    }
    Ok(runs)
}

fn run(path: &Path, meta: Meta, notes: &mut Vec<String>) -> Result<Run, ImportError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut run =
        Run::new(meta.run_name.filter(|name| !name.is_empty()).unwrap_or(meta.run_id), folder);
    let number =
        meta.status.as_u64().and_then(|status| usize::try_from(status).ok()?.checked_sub(1));
    note_unfinished(&run, number.and_then(|number| STATUSES.get(number).copied()), notes);
    for (key, file) in keyed(&folder.join("params"))? {
        run.params.insert(key, files::read_text(&file)?.trim_end_matches('\n').to_owned());
    }
    for (key, file) in keyed(&folder.join("metrics"))? {
        let text = files::read_text(&file)?;
        let readings = text.lines().enumerate().map(|(index, line)| {
            let wrong = || {
                format!("line {} is `{line}`, expected milliseconds, a value and a step", index + 1)
            };
            reading(line).ok_or_else(|| malformed(&file, Kind::Mlflow, wrong()))
        });
        let mut readings = readings.collect::<Result<Vec<_>, _>>()?;
        readings.sort_by(|a, b| a.step.total_cmp(&b.step));
        readings.iter().for_each(|reading| run.push(&key, Some(reading.step), reading.value));
    }
    Ok(run)
}

struct Logged {
    value: f64,
    step: f64,
}

/// A line of a metric's file; early versions wrote no step.
fn reading(line: &str) -> Option<Logged> {
    let mut words = line.split_whitespace();
    words.next()?.parse::<i64>().ok()?;
    let value = words.next()?.parse().ok()?;
    let step = words.next().map_or(Ok(0), str::parse::<i64>).ok()? as f64;
    Some(Logged { value, step })
}

/// All files that tell of the run with this `meta.yaml`.
pub(super) fn parts(meta: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let mut parts = vec![meta.to_owned()];
    for folder in ["params", "metrics"] {
        parts.extend(keyed(&meta.with_file_name(folder))?.into_iter().map(|(_, file)| file));
    }
    Ok(parts)
}

/// The files below a folder by their keys; a key with slashes lies in folders.
fn keyed(folder: &Path) -> Result<Vec<(String, PathBuf)>, ImportError> {
    if !files::is_folder(folder) {
        return Ok(Vec::new());
    }
    let key = |file: &Path| {
        let parts = file.strip_prefix(folder).unwrap_or(file).iter();
        parts.map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    Ok(files::walk(folder)?.into_iter().map(|file| (key(&file), file)).collect())
}
