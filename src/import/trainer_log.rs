//! What else trainers of the Hugging Face family leave beside `trainer_state.json`, or without it:
//! LLaMA-Factory's `trainer_log.jsonl`, a row a line, and `all_results.json` and its like, the last
//! values of a run.

use super::error::{ImportError, malformed};
use super::json;
use super::kind::Kind;
use super::log::Run;
use crate::files;
use std::path::Path;

/// The name of LLaMA-Factory's log.
pub(super) const LOG: &str = "trainer_log.jsonl";

/// How the names of files with the last values end.
const RESULTS: &str = "_results.json";

/// The key of the step in LLaMA-Factory's log.
pub(super) const STEP: &str = "current_steps";

/// Keys of the log that measure nothing.
const PROGRESS: [&str; 4] = [STEP, "total_steps", "epoch", "percentage"];

/// Whether a file holds the last values of a run, by its name.
pub(super) fn is_results(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(RESULTS))
}

/// Whether a file is a log a row a line, by its name or its first line.
pub(super) fn is_log(path: &Path) -> Result<bool, ImportError> {
    let head = files::head(path, 4096)?;
    let first = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    Ok(path.file_name().is_some_and(|name| name == LOG)
        || (first.starts_with('{') && first.contains(&format!("\"{STEP}\""))))
}

/// Adds the rows of a log to a run, and returns its last step. A step before the last one is where
/// the run was resumed: what was logged after it counts no more.
pub(super) fn read_log(
    path: &Path,
    run: &mut Run,
    notes: &mut Vec<String>,
) -> Result<f64, ImportError> {
    let text = files::read_text(path)?;
    let lines: Vec<(usize, &str)> =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    let mut last = 0.0;
    for (place, &(index, line)) in lines.iter().enumerate() {
        let object = match json::object(line) {
            Ok(object) => object,
            Err(_) if place + 1 == lines.len() && place > 0 => {
                notes.push(format!(
                    "the last line of `{}` is cut short and left out",
                    path.display()
                ));
                break;
            }
            Err(error) => {
                return Err(malformed(
                    path,
                    Kind::TrainerState,
                    format!("line {}: {error}", index + 1),
                ));
            }
        };
        let step = object.get(STEP).and_then(json::number);
        if let Some(step) = step {
            if step < last {
                let stands =
                    |reading: &super::log::Reading| reading.step.is_none_or(|known| known <= step);
                run.series.values_mut().for_each(|series| series.readings.retain(stands));
            }
            last = step;
        }
        for (key, value) in object.iter().filter(|(key, _)| !PROGRESS.contains(&key.as_str())) {
            if let Some(value) = json::number(value) {
                run.push(key, step, value);
            }
        }
    }
    run.series.retain(|_, series| !series.readings.is_empty());
    Ok(last)
}

/// The last values of a run.
pub(super) fn read_results(path: &Path, run: &mut Run) -> Result<(), ImportError> {
    let value = json::read(path, Kind::TrainerState)?;
    let object = value
        .as_object()
        .ok_or_else(|| malformed(path, Kind::TrainerState, "expected an object"))?;
    for (key, value) in object.iter().filter(|(key, _)| *key != "epoch") {
        if let Some(value) = json::number(value) {
            run.push(key, None, value);
        }
    }
    Ok(())
}
