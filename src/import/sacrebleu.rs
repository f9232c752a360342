//! sacrebleu's JSON: one score an object, or several of them in a list. Neither run nor language stands inside; the path says them.

use super::error::{ImportError, malformed};
use super::json;
use super::kind::Kind;
use super::log::Run;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Reads one run a file. Scores of one name must have one signature, for otherwise they are scores of different metrics.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Run>, ImportError> {
    let mut signatures: BTreeMap<String, (String, &Path)> = BTreeMap::new();
    let mut runs = Vec::new();
    for path in paths {
        let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let mut run = Run::new(name, path);
        for (name, value, signature) in scores(path)? {
            let (expected, first) = signatures.entry(name.clone()).or_insert_with(|| (signature.clone(), path));
            if *expected != signature {
                let (path, first, expected) = (path.clone(), first.to_owned(), expected.clone());
                return Err(ImportError::Signature { metric: name, path, found: signature, first, expected });
            }
            run.push(&name, None, value);
        }
        runs.push(run);
    }
    Ok(runs)
}

/// Name, score and signature of every object of a file.
fn scores(path: &Path) -> Result<Vec<(String, f64, String)>, ImportError> {
    let value = json::read(path, Kind::Sacrebleu)?;
    let objects = match &value {
        Value::Array(objects) => objects.as_slice(),
        object => std::slice::from_ref(object),
    };
    let wrong = || malformed(path, Kind::Sacrebleu, "expected objects with `name`, `score` and `signature`");
    let score = |object: &Value| {
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        Some((text("name")?, json::number(object.get("score")?)?, text("signature")?))
    };
    objects.iter().map(|object| score(object).ok_or_else(wrong)).collect()
}
