//! Hugging Face `trainer_state.json`: one history a file, in which rows of training and of
//! evaluation alternate.
//!
//! Every checkpoint of a run holds the history up to its step, so that several files tell of one
//! run: the one with the largest `global_step` is read. `trainer_log.jsonl` counts as one of them,
//! and files of last values add what no history has.

use super::error::{ImportError, malformed};
use super::json;
use super::kind::Kind;
use super::log::{Reading, Run, Series, name_of_folder};
use super::trainer_log;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name that the trainer gives the file.
pub(super) const FILE: &str = "trainer_state.json";

/// The history of one file.
struct State {
    path: PathBuf,
    global_step: f64,
    /// Whether it is a `trainer_state.json`, and no other file that tells of the same run.
    is_state: bool,
    run: Run,
}

/// What the files of one run hold.
#[derive(Default)]
struct Files {
    states: Vec<State>,
    results: Vec<(PathBuf, Run)>,
}

/// Reads the runs of some files; notes say which checkpoints were left out.
pub(super) fn read(paths: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
    let mut by_run: BTreeMap<PathBuf, Files> = BTreeMap::new();
    for path in paths {
        let folder = run_folder(path);
        let mut run = Run::new(name_of_folder(&folder.join(FILE)), &folder);
        let files = by_run.entry(folder).or_default();
        if trainer_log::is_results(path) {
            trainer_log::read_results(path, &mut run)?;
            files.results.push((path.clone(), run));
        } else if trainer_log::is_log(path)? {
            let global_step = trainer_log::read_log(path, &mut run, notes)?;
            files.states.push(State { path: path.clone(), global_step, is_state: false, run });
        } else {
            files.states.push(state(path)?);
        }
    }
    Ok(by_run.into_values().filter_map(|files| one_run(files, notes)).collect())
}

/// The run of some files: the history that goes furthest, and the last values of what it does not
/// know.
fn one_run(files: Files, notes: &mut Vec<String>) -> Option<Run> {
    let mut run = latest(files.states, notes);
    for (path, results) in files.results {
        let Some(run) = &mut run else {
            run = Some(results);
            continue;
        };
        for (metric, series) in results.series {
            let last = |series: &Series| series.readings.last().map(|reading| reading.value);
            match run.series.get(&metric) {
                None => drop(run.series.insert(metric, series)),
                // what a trainer rounds in its log is no other value
                Some(known)
                    if last(known)
                        .zip(last(&series))
                        .is_some_and(|(a, b)| (a - b).abs() > 1e-3 * a.abs()) =>
                {
                    let (ours, theirs) =
                        (last(known).unwrap_or(f64::NAN), last(&series).unwrap_or(f64::NAN));
                    notes.push(format!(
                        "`{}` has {theirs} as `{metric}`, and the history of that run ends with \
                        {ours}, which counts",
                        path.display()
                    ));
                }
                Some(_) => {}
            }
        }
    }
    run
}

/// The folder of the run: that of the file, or the one above where that is `checkpoint-N`.
fn run_folder(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    let is_checkpoint =
        folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("checkpoint-"));
    if is_checkpoint { folder.parent().unwrap_or(folder).to_owned() } else { folder.to_owned() }
}

/// The state that went furthest.
fn latest(mut states: Vec<State>, notes: &mut Vec<String>) -> Option<Run> {
    states
        .sort_by(|a, b| a.global_step.total_cmp(&b.global_step).then(a.is_state.cmp(&b.is_state)));
    let latest = states.pop()?;
    let (path, step) = (latest.path.display(), latest.global_step);
    for other in states {
        if other.is_state != latest.is_state {
            continue;
        }
        let same = if begins(&latest.run, &other.run) {
            "a beginning of it"
        } else {
            "a history of its own, left out"
        };
        notes.push(format!(
            "`{path}` at step {step} is read; `{}` at step {} is {same}",
            other.path.display(),
            other.global_step
        ));
    }
    Some(latest.run)
}

/// Whether every series of `early` is how that of `late` begins.
fn begins(late: &Run, early: &Run) -> bool {
    early.series.iter().all(|(metric, series)| {
        let late = late.series.get(metric).map_or(&[][..], |series| &series.readings);
        // NaN is no different from NaN here
        let same = |(late, early): (&Reading, &Reading)| {
            late.step == early.step && late.value.total_cmp(&early.value).is_eq()
        };
        late.len() >= series.readings.len() && late.iter().zip(&series.readings).all(same)
    })
}

fn state(path: &Path) -> Result<State, ImportError> {
    let wrong = |cause: &str| malformed(path, Kind::TrainerState, cause);
    let value = json::read(path, Kind::TrainerState)?;
    let object = value.as_object().ok_or_else(|| wrong("expected an object"))?;
    let history = object
        .get("log_history")
        .and_then(Value::as_array)
        .ok_or_else(|| wrong("expected a list `log_history`"))?;
    let folder = run_folder(path);
    // the path of a run is that of its folder, so that the number of a checkpoint is taken for
    // nothing else
    let mut run = Run::new(name_of_folder(&folder.join(FILE)), &folder);
    run.params = json::scalars(object);
    for row in history {
        let row =
            row.as_object().ok_or_else(|| wrong("expected `log_history` to hold objects only"))?;
        let step = row.get("step").and_then(json::number);
        for (key, value) in row.iter().filter(|(key, _)| !matches!(key.as_str(), "step" | "epoch"))
        {
            if let Some(value) = json::number(value) {
                run.push(key, step, value);
            }
        }
    }
    let global_step = object.get("global_step").and_then(json::number).unwrap_or(0.0);
    Ok(State { path: path.to_owned(), global_step, is_state: true, run })
}
