//! sacrebleu's JSON: one score an object, several of them in a list, or a table of systems. Neither
//! run nor language stands inside; the path says them, or the name of the system.

use super::error::{ImportError, malformed};
use super::json;
use super::kind::Kind;
use super::log::{Metric, Reading, Run, Series};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Half of an interval of 95 %, which sacrebleu gives, in standard errors.
const INTERVAL: f64 = 1.96;

/// Reads one run a file, or a system of a table.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Run>, ImportError> {
    let mut runs = Vec::new();
    for path in paths {
        let value = json::read(path, Kind::Sacrebleu)?;
        let objects = match value {
            Value::Array(objects) => objects,
            object => vec![object],
        };
        let wrong = || {
            malformed(
                path,
                Kind::Sacrebleu,
                "expected objects with `name`, `score` and `signature`, or with `system` and \
                scores",
            )
        };
        let objects: Vec<Map<String, Value>> =
            serde_json::from_value(Value::Array(objects)).map_err(|_| wrong())?;
        let mut run = Run::new(stem(path), path);
        for object in &objects {
            match object.get("system").and_then(Value::as_str) {
                Some(system) => runs.push(row(system, object, path).ok_or_else(wrong)?),
                None => {
                    let (name, reading, signature) = score(object).ok_or_else(wrong)?;
                    add(&mut run, name, reading, Some(signature));
                }
            }
        }
        if !run.series.is_empty() {
            runs.push(run);
        }
    }
    Ok(runs)
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

fn add(run: &mut Run, key: String, reading: Reading, signature: Option<String>) {
    let series = run
        .series
        .entry(Metric { key, set: None })
        .or_insert_with(|| Series { signature, ..Series::default() });
    series.readings.push(reading);
}

/// Name, score and signature.
fn score(object: &Map<String, Value>) -> Option<(String, Reading, String)> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let half = object.get("confidence_var").and_then(json::number);
    Some((text("name")?, reading(json::number(object.get("score")?)?, half), text("signature")?))
}

fn reading(value: f64, half: Option<f64>) -> Reading {
    Reading {
        step: None,
        value,
        se: half.map(|half| half / INTERVAL).filter(|se| se.is_finite() && *se > 0.0),
    }
}

/// The run of a row of the table that several systems are printed in; none where it has no score.
fn row(system: &str, object: &Map<String, Value>, path: &Path) -> Option<Run> {
    let mut run = Run::new(stem(Path::new(system)), path);
    for (name, value) in object.iter().filter(|(name, _)| *name != "system") {
        let (score, half) = match value {
            Value::Object(score) => {
                (score.get("score").and_then(json::number), score.get("ci").and_then(json::number))
            }
            Value::String(text) => {
                (text.split_whitespace().next().and_then(|score| score.parse().ok()), None)
            }
            value => (json::number(value), None),
        };
        add(&mut run, name.clone(), reading(score?, half), None);
    }
    Some(run).filter(|run| !run.series.is_empty())
}
