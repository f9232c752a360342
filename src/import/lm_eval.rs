//! Results of lm-evaluation-harness 0.4: scores by task, `METRIC,FILTER` beside `METRIC_stderr,FILTER`.
//!
//! Every evaluation of a model leaves `results_DATE.json` in the folder of the model, so that several files tell of one run:
//! of each task the newest scores are read.

use super::error::{ImportError, malformed};
use super::json;
use super::kind::Kind;
use super::log::{Metric, Reading, Run, Series, name_of_folder};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

/// Reads one run a folder; notes say where newer scores replace older ones.
pub(super) fn read(paths: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
    let mut paths = paths.to_vec();
    // the date in the name sorts as a text, the newest last
    paths.sort();
    let mut runs: BTreeMap<PathBuf, Run> = BTreeMap::new();
    for path in &paths {
        let newer = results(path)?;
        match runs.entry(newer.path.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(newer);
            }
            Entry::Occupied(mut occupied) => {
                let run = occupied.get_mut();
                if newer.series.keys().any(|metric| run.series.contains_key(metric)) {
                    notes.push(format!("scores of `{}` replace older ones in that folder", path.display()));
                }
                run.params.extend(newer.params);
                run.series.extend(newer.series);
            }
        }
    }
    Ok(runs.into_values().collect())
}

/// The run of one file; its path is that of the folder.
fn results(path: &Path) -> Result<Run, ImportError> {
    let wrong = |cause: &str| malformed(path, Kind::LmEval, cause);
    let value = json::read(path, Kind::LmEval)?;
    let results = value.get("results").and_then(Value::as_object).ok_or_else(|| wrong("expected an object `results`"))?;
    let name = value.get("model_name").and_then(Value::as_str).map_or_else(|| name_of_folder(path), str::to_owned);
    let mut run = Run::new(name, path.parent().unwrap_or(Path::new("")));
    run.params = value.get("config").and_then(Value::as_object).map(json::scalars).unwrap_or_default();
    for (task, scores) in results {
        let scores = scores.as_object().ok_or_else(|| wrong("expected `results` to hold an object a task"))?;
        let higher = value.get("higher_is_better").and_then(|tasks| tasks.get(task));
        for (key, value) in scores {
            if let Some(series) = series(key, value, scores, higher) {
                run.series.insert(Metric { key: key.clone(), set: Some(task.clone()) }, series);
            }
        }
    }
    Ok(run)
}

/// The series of one score; none for standard errors themselves, the alias and other texts.
fn series(key: &str, value: &Value, scores: &Map<String, Value>, higher: Option<&Value>) -> Option<Series> {
    // version 0.3 had no filters
    let (metric, filter) = key.split_once(',').map_or((key, None), |(metric, filter)| (metric, Some(filter)));
    if metric.ends_with("_stderr") || matches!(metric, "alias" | "sample_len" | "name") {
        return None;
    }
    let value = json::number(value)?;
    let beside = filter.map_or(format!("{metric}_stderr"), |filter| format!("{metric}_stderr,{filter}"));
    // where there is none the harness writes the text "N/A"
    let se = scores.get(&beside).and_then(json::number).filter(|se| se.is_finite() && *se > 0.0);
    let higher_is_better = higher.and_then(|metrics| metrics.get(metric)).and_then(Value::as_bool);
    Some(Series { readings: vec![Reading { step: None, value, se }], higher_is_better })
}
