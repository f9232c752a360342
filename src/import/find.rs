//! Which files are logs, and of which kind: told from their content, and from their names where the
//! content is not enough.

use super::error::ImportError;
use super::kind::Kind;
use super::log::Run;
use super::{
    lightning, lm_eval, mlflow, mlflow_store, sacrebleu, tensorboard, text_log, tfrecord,
    trainer_log, trainer_state, wandb, wandb_api,
};
use crate::files;
use regex::Regex;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Runs as logs tell of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Logs {
    /// The runs, in the order of their paths.
    pub runs: Vec<Run>,
    /// What a person should know: checkpoints left out, truncated files, runs that did not finish.
    pub notes: Vec<String>,
    /// All files that were read; a run of MLflow's file store is all files of its metrics and
    /// parameters.
    pub files: Vec<PathBuf>,
    /// SHA-256 over their hashes.
    pub input_sha256: String,
}

/// Bytes of a file by which its kind is told.
const HEAD: u64 = 1 << 16;

impl Kind {
    /// The kind of a file; none where it is no log.
    fn of(path: &Path, pattern: Option<&Regex>) -> Result<Option<Kind>, ImportError> {
        if pattern.is_some() {
            return Ok(text_log::is_log(path, pattern)?.then_some(Kind::Text));
        }
        if mlflow_store::is_run(path) {
            return Ok(Some(Kind::Mlflow));
        }
        let head = files::head(path, HEAD)?;
        let text = String::from_utf8_lossy(&head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let has = |keys: &[&str]| keys.iter().all(|key| text.contains(&format!("\"{key}\"")));
        let named = |name: &str| {
            path.file_name().is_some_and(|found| found.to_string_lossy().starts_with(name))
        };
        Ok(match text.chars().next() {
            _ if head.starts_with(mlflow::MAGIC) => Some(Kind::Mlflow),
            _ if tfrecord::starts_a_record(&head) || named("events.out.tfevents") => {
                Some(Kind::Tensorboard)
            }
            _ if named(trainer_state::FILE) || named(trainer_log::LOG) => Some(Kind::TrainerState),
            Some('{') if trainer_log::is_results(path) && text.contains("\"eval_") => {
                Some(Kind::TrainerState)
            }
            Some('{')
                if text
                    .lines()
                    .next()
                    .is_some_and(|line| line.contains(&format!("\"{}\"", trainer_log::STEP))) =>
            {
                Some(Kind::TrainerState)
            }
            Some('{') if has(&["log_history"]) => Some(Kind::TrainerState),
            Some('{')
                if has(&["results"])
                    && (named("results")
                        || has(&["higher_is_better"])
                        || has(&["versions", "config"])) =>
            {
                Some(Kind::LmEval)
            }
            Some('{' | '[') if has(&["score", "signature"]) => Some(Kind::Sacrebleu),
            Some('[')
                if has(&["system"])
                    && ["BLEU", "chrF2", "chrF2++", "TER"].iter().any(|name| has(&[name])) =>
            {
                Some(Kind::Sacrebleu)
            }
            _ if named(wandb_api::SUMMARY) => Some(Kind::Wandb),
            _ if text.lines().next().is_some_and(wandb::is_header) => Some(Kind::Wandb),
            _ if text.lines().next().is_some_and(lightning::is_header) => Some(Kind::Lightning),
            _ if text_log::is_named(path) && text_log::is_log(path, None)? => Some(Kind::Text),
            _ => None,
        })
    }

    /// Reads the runs of files of this kind.
    fn read(
        self,
        paths: &[PathBuf],
        pattern: Option<&Regex>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Run>, ImportError> {
        match self {
            Kind::TrainerState => trainer_state::read(paths, notes),
            Kind::Tensorboard => tensorboard::read(paths, notes),
            Kind::Wandb => wandb::read(paths, notes),
            Kind::LmEval => lm_eval::read(paths, notes),
            Kind::Sacrebleu => sacrebleu::read(paths),
            Kind::Lightning => lightning::read(paths),
            Kind::Text => text_log::read(paths, pattern, notes),
            Kind::Mlflow => {
                let (metas, databases): (Vec<_>, Vec<_>) =
                    paths.iter().cloned().partition(|path| mlflow_store::is_run(path));
                let mut runs = mlflow::read(&databases, notes)?;
                runs.extend(mlflow_store::read(&metas, notes)?);
                Ok(runs)
            }
        }
    }
}

impl FromStr for Kind {
    type Err = ImportError;

    fn from_str(word: &str) -> Result<Self, ImportError> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == word)
            .ok_or_else(|| ImportError::Kind { found: word.to_owned() })
    }
}

/// Reads the logs at some paths, files or folders that hold them at any depth.
///
/// A file given by name must be a log; in a folder other files are passed over. `kind` forces what
/// files are read as, and what is looked for in folders. Logs of two kinds are an error: two
/// programs often log the same runs. `pattern` reads text logs by their lines, and nothing else is
/// looked for then.
pub fn read(
    paths: &[PathBuf],
    kind: Option<Kind>,
    pattern: Option<&Regex>,
) -> Result<Logs, ImportError> {
    let kind = kind.or(pattern.map(|_| Kind::Text));
    let mut found: Vec<(Kind, PathBuf)> = Vec::new();
    for path in paths {
        if files::is_folder(path) {
            let before = found.len();
            for file in files::walk(path)?.into_iter().filter(|file| may_be_log(file)) {
                found.extend(
                    Kind::of(&file, pattern)?
                        .filter(|of| kind.is_none_or(|kind| kind == *of))
                        .map(|of| (of, file)),
                );
            }
            if found.len() == before {
                return Err(ImportError::NoLog { path: path.clone() });
            }
        } else {
            let of = kind.map_or_else(|| Kind::of(path, pattern), |kind| Ok(Some(kind)))?;
            found.push((
                of.ok_or_else(|| ImportError::Unrecognised { path: path.clone() })?,
                path.clone(),
            ));
        }
    }
    found.sort();
    found.dedup();
    let Some((kind, first)) = found.first().cloned() else {
        return Ok(Logs {
            runs: Vec::new(),
            notes: Vec::new(),
            files: Vec::new(),
            input_sha256: files::hash(b""),
        });
    };
    if let Some((second_kind, second)) = found.iter().find(|(other, _)| *other != kind).cloned() {
        return Err(ImportError::Mixed { first, first_kind: kind, second, second_kind });
    }
    let paths: Vec<PathBuf> = found.into_iter().map(|(_, path)| path).collect();
    let mut notes = Vec::new();
    let runs = kind.read(&paths, pattern, &mut notes)?;
    let parts = |path: &PathBuf| match () {
        () if mlflow_store::is_run(path) => mlflow_store::parts(path),
        () if path.ends_with(wandb_api::SUMMARY) => Ok(wandb_api::parts(path)),
        () => Ok(vec![path.clone()]),
    };
    let files = paths.iter().map(parts).collect::<Result<Vec<_>, _>>()?.concat();
    let hashes = files.iter().map(|file| files::hash_file(file)).collect::<Result<Vec<_>, _>>()?;
    Ok(Logs {
        runs,
        notes,
        files,
        input_sha256: files::hash_parts(hashes.iter().map(String::as_bytes)),
    })
}

/// Whether a file of a folder is worth a look: models and data lie beside logs, and are large.
fn may_be_log(path: &Path) -> bool {
    let name =
        path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let ends = ["json", "jsonl", "csv", "db", "sqlite", "sqlite3"]
        .iter()
        .any(|end| name.ends_with(&format!(".{end}")));
    ends || text_log::is_named(path) || name.contains("tfevents") || name == mlflow_store::META
}
