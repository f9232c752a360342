//! Which folders of event files tell of one run.
//!
//! | folders | what they are |
//! |---|---|
//! | `RUN/train`, `RUN/valid` (fairseq, Keras) | parts of a run, each an eval set of its own |
//! | `RUN/TAG_NAME` of the tag `TAG` (`add_scalars` of torch) | the same, the set is `NAME` |
//! | `OUT/runs/DATE_HOST` (Hugging Face) | the run `OUT`, a folder for each of its starts |
//! | `OUT/lightning_logs/version_N` | the same |
//! | `RUN/1700000000.5` (settings of torch) | the run above |

use super::log::{Metric, Reading, Run};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folders in which torch with Hugging Face, and Lightning, put a folder for each start of a run,
/// and the names of these.
const STARTS: [(&str, &str); 2] =
    [("runs", r"^[A-Z][a-z]{2}\d{2}_\d{2}-\d{2}-\d{2}_"), ("lightning_logs", r"^version_\d+$")];

/// The scalars of the event files of one folder.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Folder {
    pub path: PathBuf,
    /// When its first file was begun, seconds.
    pub start: f64,
    /// Values by tag and step.
    pub values: BTreeMap<(String, i64), f64>,
}

/// Folders of one run that hold one part of it, oldest first.
type Parts = BTreeMap<Option<String>, Vec<Folder>>;

/// The runs of some folders; notes say which folders were joined.
pub(super) fn runs(folders: Vec<Folder>, notes: &mut Vec<String>) -> Vec<Run> {
    let mut by_run: BTreeMap<PathBuf, Parts> = BTreeMap::new();
    for folder in folders {
        let (run, part) = place(&folder);
        by_run.entry(run).or_default().entry(part).or_default().push(folder);
    }
    let sets: BTreeSet<&str> = by_run
        .values()
        .filter(|parts| parts.len() > 1)
        .flat_map(|parts| parts.keys().flatten())
        .map(String::as_str)
        .collect();
    if let Some(example) = sets.iter().rev().find(|set| !set.starts_with("train")).or(sets.last()) {
        let names = sets.iter().map(|set| format!("`{set}`")).collect::<Vec<_>>().join(", ");
        notes.push(format!(
            "runs have event files in the folders {names}, each a set of its own; \
        `--metric {example}/KEY` takes one"
        ));
    }
    let has_sets = !sets.is_empty();
    let mut by_date: BTreeMap<PathBuf, Vec<(PathBuf, Parts)>> = BTreeMap::new();
    let mut runs = Vec::new();
    for (path, parts) in by_run {
        match above_dates(&path) {
            Some(above) => by_date.entry(above).or_default().push((path, parts)),
            None => runs.push(run(&path, parts, has_sets)),
        }
    }
    for (above, dated) in by_date {
        match joined(dated, notes) {
            Ok(parts) => runs.push(run(&above, parts, has_sets)),
            Err(apart) => {
                runs.extend(apart.into_iter().map(|(path, parts)| run(&path, parts, has_sets)))
            }
        }
    }
    runs.sort_by(|a, b| a.path.cmp(&b.path));
    runs
}

/// The folder of the run that a folder tells of, and the part of the run.
fn place(folder: &Folder) -> (PathBuf, Option<String>) {
    let name =
        folder.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let above = folder.path.parent().filter(|above| above.file_name().is_some());
    let Some(above) = above.map(Path::to_owned) else { return (folder.path.clone(), None) };
    let tags: BTreeSet<&str> = folder.values.keys().map(|(tag, _)| tag.as_str()).collect();
    let of_tag = |tag: &str| {
        name.strip_prefix(&tag.replace('/', "_"))?.strip_prefix('_').filter(|set| !set.is_empty())
    };
    let set = if tags.len() == 1 { tags.first().and_then(|tag| of_tag(tag)) } else { None };
    match set {
        Some(set) => (above, Some(set.to_owned())),
        None if is_part(&name) => (above, Some(name)),
        None if name.contains('.') && name.parse::<f64>().is_ok() => (above, None),
        None => (folder.path.clone(), None),
    }
}

/// Whether a folder is named for what was evaluated in it, and not for a run: `valid1`,
/// `train_inner`, but not `train-500`.
fn is_part(name: &str) -> bool {
    const WORDS: [&str; 9] =
        ["training", "train", "validation", "valid", "val", "evaluation", "eval", "dev", "test"];
    let is_end = |end: &str| {
        let end = end
            .strip_prefix('_')
            .map_or(end, |end| end.trim_start_matches(char::is_alphabetic).trim_start_matches('_'));
        end.is_empty() || (end.len() == 1 && end.chars().all(|c| c.is_ascii_digit()))
    };
    WORDS.iter().any(|word| name.strip_prefix(word).is_some_and(is_end))
}

/// The folder that holds `runs/DATE_HOST` or `lightning_logs/version_N`, where this is such a path.
pub(super) fn above_dates(path: &Path) -> Option<PathBuf> {
    let outer = path.parent()?;
    let (_, pattern) = STARTS
        .into_iter()
        .find(|(name, _)| outer.file_name().is_some_and(|found| found == *name))?;
    let above = outer.parent().filter(|above| above.file_name().is_some())?;
    Regex::new(pattern)
        .ok()?
        .is_match(&path.file_name()?.to_string_lossy())
        .then(|| above.to_owned())
}

/// The parts of one run that was stopped and resumed; the folders as they are where one of them
/// does not go on from those before it.
fn joined(
    mut dated: Vec<(PathBuf, Parts)>,
    notes: &mut Vec<String>,
) -> Result<Parts, Vec<(PathBuf, Parts)>> {
    let start = |parts: &Parts| {
        parts.values().flatten().map(|folder| folder.start).fold(f64::INFINITY, f64::min)
    };
    dated.sort_by(|a, b| start(&a.1).total_cmp(&start(&b.1)).then_with(|| a.0.cmp(&b.0)));
    if dated.windows(2).any(|pair| !goes_on(&pair[0].1, &pair[1].1)) {
        return Err(dated);
    }
    let mut whole = Parts::new();
    for (index, (path, parts)) in dated.into_iter().enumerate() {
        let first = first_step(&parts);
        if let Some(first) = first.filter(|_| index > 0) {
            notes.push(format!(
                "`{}` goes on from the folders before it, from step {first}; they \
            are read as one run",
                path.display()
            ));
            // what was logged after the checkpoint that the run was resumed from is of no model
            // that came later
            whole
                .values_mut()
                .flatten()
                .for_each(|folder| folder.values.retain(|(_, step), _| *step < first));
        }
        parts
            .into_iter()
            .for_each(|(part, folders)| whole.entry(part).or_default().extend(folders));
    }
    Ok(whole)
}

/// Whether `next` begins later than a run from its start does: beyond the step at which such a run
/// logs first.
fn goes_on(before: &Parts, next: &Parts) -> bool {
    let (earlier, later) = (steps(before), steps(next));
    if later.is_empty() || earlier.is_empty() {
        // a start that logged nothing is part of any run
        return true;
    }
    let shared: Vec<_> =
        later.iter().filter_map(|(tag, later)| Some((later, earlier.get(tag)?))).collect();
    let gap = |steps: &[i64]| steps.windows(2).map(|pair| pair[1] - pair[0]).min();
    let resumes = |later: &Vec<i64>, earlier: &Vec<i64>| {
        let interval = gap(later).or(gap(earlier)).unwrap_or(earlier[0]);
        later[0] > earlier[0] && later[0] > interval
    };
    match shared.is_empty() {
        true => {
            later.values().map(|steps| steps[0]).min()
                > earlier.values().map(|steps| steps[0]).min()
        }
        false => shared.into_iter().all(|(later, earlier)| resumes(later, earlier)),
    }
}

/// The steps of every tag, ascending.
fn steps(parts: &Parts) -> BTreeMap<(&Option<String>, &str), Vec<i64>> {
    let mut steps: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for (part, folders) in parts {
        for (tag, step) in folders.iter().flat_map(|folder| folder.values.keys()) {
            steps.entry((part, tag.as_str())).or_default().push(*step);
        }
    }
    steps.values_mut().for_each(|steps| steps.sort_unstable());
    steps
}

fn first_step(parts: &Parts) -> Option<i64> {
    parts.values().flatten().flat_map(|folder| folder.values.keys()).map(|(_, step)| *step).min()
}

/// One run; a step logged again replaces the earlier value.
fn run(path: &Path, parts: Parts, has_sets: bool) -> Run {
    let name =
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut run = Run::new(name, path);
    for (part, mut folders) in parts {
        folders.sort_by(|a, b| a.start.total_cmp(&b.start).then_with(|| a.path.cmp(&b.path)));
        let set = part.filter(|_| has_sets);
        let values: BTreeMap<(String, i64), f64> =
            folders.into_iter().flat_map(|folder| folder.values).collect();
        for ((tag, step), value) in values {
            let metric = Metric { key: tag, set: set.clone() };
            run.series.entry(metric).or_default().readings.push(Reading {
                step: Some(step as f64),
                value,
                se: None,
            });
        }
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_for_what_was_evaluated() {
        for part in [
            "train",
            "train_inner",
            "valid",
            "valid1",
            "valid_zh",
            "validation",
            "val",
            "test",
            "dev",
            "eval",
        ] {
            assert!(is_part(part), "{part}");
        }
        for run in [
            "train-500",
            "tr-500",
            "test-8k",
            "train_500",
            "evaluations",
            "zh",
            "trainer",
            "valid12",
            "",
        ] {
            assert!(!is_part(run), "{run}");
        }
    }

    #[test]
    fn only_folders_named_by_date_below_runs_belong_to_the_folder_above() {
        for path in
            ["out/tr-2000/runs/Nov26_09-00-00_node1", "out/tr-2000/lightning_logs/version_3"]
        {
            assert_eq!(above_dates(Path::new(path)), Some(PathBuf::from("out/tr-2000")));
        }
        for path in [
            "runs/Nov26_09-00-00_node1",
            "out/runs/exp2",
            "out/Nov26_09-00-00_node1",
            "out/tr-2000",
        ] {
            assert_eq!(above_dates(Path::new(path)), None, "{path}");
        }
    }
}
