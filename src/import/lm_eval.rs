//! Results of lm-evaluation-harness, 0.3 and 0.4: scores by task, `METRIC,FILTER` beside
//! `METRIC_stderr,FILTER`.
//!
//! Every evaluation leaves a file: `results_DATE.json` in the folder of the model, `NAME_DATE.json`
//! where `--output_path` was a file. Several files may tell of one model: of each task the newest
//! scores are read. Models are told apart by folder, file name and by what the file says was
//! evaluated: network, adapter and revision. Checkpoints of one model are its history.

use super::amount::without_checkpoint;
use super::error::{ImportError, malformed};
use super::json;
use super::kind::Kind;
use super::log::{Metric, Reading, Run, Series, name_of_folder};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How the harness names its files in the folder of a model.
const FILE: &str = "results";

/// The arguments that say which weights are evaluated, the most telling last.
const WEIGHTS: [&str; 5] = ["pretrained", "subfolder", "delta", "lora_local_path", "peft"];

/// What tells models apart: folder, file name without its date, and the weights, all without the
/// number of a checkpoint.
type Model = (PathBuf, String, String);

/// What one file says.
struct Results {
    model: Model,
    step: Option<f64>,
    run: Run,
}

/// Reads one run a model; notes say where newer scores replace older ones.
pub(super) fn read(paths: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
    let mut paths = paths.to_vec();
    // the date in the name sorts as a text, the newest last
    paths.sort();
    let mut models: BTreeMap<Model, Vec<(Results, &PathBuf)>> = BTreeMap::new();
    for path in &paths {
        let results = results(path)?;
        models.entry(results.model.clone()).or_default().push((results, path));
    }
    Ok(models.into_values().filter_map(|files| one_run(files, notes)).collect())
}

/// The run of the files of one model.
fn one_run(mut files: Vec<(Results, &PathBuf)>, notes: &mut Vec<String>) -> Option<Run> {
    // stable, so that the newest file of a step stays the last
    files.sort_by(|(a, _), (b, _)| {
        a.step.unwrap_or(f64::INFINITY).total_cmp(&b.step.unwrap_or(f64::INFINITY))
    });
    let mut files = files.into_iter();
    let (first, _) = files.next()?;
    let (mut run, mut steps) = (first.run, vec![first.step]);
    for (newer, path) in files {
        let mut has_replaced = false;
        for (metric, newer) in newer.run.series {
            let series = run
                .series
                .entry(metric)
                .or_insert_with(|| Series { readings: Vec::new(), ..newer.clone() });
            let of_step =
                |reading: &Reading| newer.readings.iter().any(|newer| newer.step == reading.step);
            has_replaced |= series.readings.iter().any(of_step);
            series.readings.retain(|reading| !of_step(reading));
            series.readings.extend(newer.readings);
        }
        if has_replaced {
            notes.push(format!("scores of `{}` replace older ones in that folder", path.display()));
        }
        // the name and path are those of the last checkpoint
        (run.name, run.path) = (newer.run.name, newer.run.path);
        run.params.extend(newer.run.params);
        steps.push(newer.step);
    }
    steps.dedup();
    if steps.len() > 1 {
        let step = |step: &Option<f64>| step.map_or("the end".to_owned(), |step| step.to_string());
        let steps = steps.iter().map(step).collect::<Vec<_>>().join(", ");
        notes.push(format!("`{}` was evaluated at {steps}: the checkpoints of one run", run.name));
    }
    Some(run)
}

/// What one file says; the path of its run is that of the folder.
fn results(path: &Path) -> Result<Results, ImportError> {
    let wrong = |cause: &str| malformed(path, Kind::LmEval, cause);
    let value = json::read(path, Kind::LmEval)?;
    let results = value
        .get("results")
        .and_then(Value::as_object)
        .ok_or_else(|| wrong("expected an object `results`"))?;
    let (folder, stem) = (path.parent().unwrap_or(Path::new("")), stem(path));
    let config = value.get("config").and_then(Value::as_object);
    let weights = weights(config.and_then(|config| config.get("model_args")));
    let model_name = value.get("model_name").and_then(Value::as_str);
    let is_of_folder = stem == FILE || stem.is_empty();
    // an adapter is evaluated under the name of its base
    let named = weights
        .as_ref()
        .and_then(|weights| weights.adapter.clone())
        .or(model_name.map(str::to_owned));
    let named = named.or_else(|| {
        weights
            .as_ref()
            .map(|weights| weights.network.clone())
            .filter(|network| !network.is_empty())
    });
    let mut name =
        named.unwrap_or_else(|| if is_of_folder { name_of_folder(path) } else { stem.clone() });
    if let Some(revision) = weights.as_ref().and_then(|weights| weights.revision.as_ref()) {
        name = format!("{name}@{revision}");
    }
    let run_path = if is_of_folder { folder.to_owned() } else { folder.join(&stem) };
    let (place, of_path) = without_checkpoint(&run_path.to_string_lossy());
    let identity = weights.map(|weights| weights.identity).filter(|identity| !identity.is_empty());
    let (identity, of_name) =
        without_checkpoint(&identity.or(model_name.map(str::to_owned)).unwrap_or_default());
    let mut run = Run::new(name, &run_path);
    run.params = config.map(json::scalars).unwrap_or_default();
    let step = of_name.or(of_path);
    for (task, scores) in results {
        let scores = scores
            .as_object()
            .ok_or_else(|| wrong("expected `results` to hold an object a task"))?;
        let higher = value.get("higher_is_better").and_then(|tasks| tasks.get(task));
        for (key, value) in scores {
            if let Some(series) = series(key, value, scores, higher, step) {
                run.series.insert(Metric { key: key.clone(), set: Some(task.clone()) }, series);
            }
        }
    }
    let stem = if is_of_folder { String::new() } else { without_checkpoint(&stem).0 };
    Ok(Results { model: (PathBuf::from(place), stem, identity), step, run })
}

/// The name of a file without ending and date: `tr-500` of
/// `tr-500_2025-03-01T10-00-00.123456.json`.
fn stem(path: &Path) -> String {
    let stem =
        path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    match stem.rsplit_once('_') {
        Some((stem, date))
            if digit(date) && date.contains('T') && date.matches('-').count() >= 4 =>
        {
            stem.to_owned()
        }
        // other numbers after the word are dates of older versions
        Some((FILE, number)) if digit(number) => FILE.to_owned(),
        _ => stem,
    }
}

/// The weights that were evaluated.
struct Weights {
    network: String,
    adapter: Option<String>,
    revision: Option<String>,
    identity: String,
}

/// The weights by `model_args`, a text `pretrained=NAME,peft=FOLDER` or an object.
fn weights(arguments: Option<&Value>) -> Option<Weights> {
    let pairs: BTreeMap<String, String> = match arguments? {
        Value::String(text) => {
            let pair = |pair: &str| {
                pair.split_once('=')
                    .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
            };
            text.split(',').filter_map(pair).collect()
        }
        Value::Object(object) => json::scalars(object),
        _ => return None,
    };
    let parts: Vec<&String> = WEIGHTS.iter().filter_map(|key| pairs.get(*key)).collect();
    let revision = pairs.get("revision").filter(|revision| *revision != "main").cloned();
    let identity =
        parts.iter().copied().chain(&revision).map(String::as_str).collect::<Vec<_>>().join(" ");
    let adapter = parts.last().filter(|_| parts.len() > 1).map(|adapter| (*adapter).clone());
    Some(Weights {
        network: pairs.get(WEIGHTS[0]).cloned().unwrap_or_default(),
        adapter,
        revision,
        identity,
    })
}

/// The series of one score; none for standard errors themselves, the alias and other texts.
fn series(
    key: &str,
    value: &Value,
    scores: &Map<String, Value>,
    higher: Option<&Value>,
    step: Option<f64>,
) -> Option<Series> {
    // version 0.3 had no filters
    let (metric, filter) =
        key.split_once(',').map_or((key, None), |(metric, filter)| (metric, Some(filter)));
    if metric.ends_with("_stderr") || matches!(metric, "alias" | "sample_len" | "name") {
        return None;
    }
    let value = json::number(value)?;
    let beside =
        filter.map_or(format!("{metric}_stderr"), |filter| format!("{metric}_stderr,{filter}"));
    // where there is none the harness writes the text "N/A"
    let se = scores.get(&beside).and_then(json::number).filter(|se| se.is_finite() && *se > 0.0);
    let higher_is_better = higher.and_then(|metrics| metrics.get(metric)).and_then(Value::as_bool);
    Some(Series { readings: vec![Reading { step, value, se }], higher_is_better, signature: None })
}
