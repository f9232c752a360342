//! Which files are logs, and of which kind: told from their content, and from their names where the content is not enough.

use super::error::ImportError;
use super::kind::Kind;
use super::log::Run;
use super::{lm_eval, mlflow, mlflow_store, sacrebleu, tensorboard, tfrecord, trainer_state, wandb};
use crate::files;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Runs as logs tell of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Logs {
    /// The runs, in the order of their paths.
    pub runs: Vec<Run>,
    /// What a person should know: checkpoints left out, truncated files, runs that did not finish.
    pub notes: Vec<String>,
    /// All files that were read; a run of MLflow's file store is all files of its metrics and parameters.
    pub files: Vec<PathBuf>,
    /// SHA-256 over their hashes.
    pub input_sha256: String,
}

/// Bytes of a file by which its kind is told.
const HEAD: u64 = 1 << 16;

impl Kind {
    /// The kind of a file; none where it is no log.
    fn of(path: &Path) -> Result<Option<Kind>, ImportError> {
        if mlflow_store::is_run(path) {
            return Ok(Some(Kind::Mlflow));
        }
        let head = files::head(path, HEAD)?;
        let text = String::from_utf8_lossy(&head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let has = |keys: &[&str]| keys.iter().all(|key| text.contains(&format!("\"{key}\"")));
        let named = |name: &str| path.file_name().is_some_and(|found| found.to_string_lossy().starts_with(name));
        Ok(match text.chars().next() {
            _ if head.starts_with(mlflow::MAGIC) => Some(Kind::Mlflow),
            _ if tfrecord::starts_a_record(&head) || named("events.out.tfevents") => Some(Kind::Tensorboard),
            _ if named(trainer_state::FILE) => Some(Kind::TrainerState),
            Some('{') if has(&["log_history"]) => Some(Kind::TrainerState),
            Some('{') if has(&["results"]) && (named("results") || has(&["higher_is_better"])) => Some(Kind::LmEval),
            Some('{' | '[') if has(&["score", "signature"]) => Some(Kind::Sacrebleu),
            _ if text.lines().next().is_some_and(wandb::is_header) => Some(Kind::Wandb),
            _ => None,
        })
    }

    /// Reads the runs of files of this kind.
    fn read(self, paths: &[PathBuf], notes: &mut Vec<String>) -> Result<Vec<Run>, ImportError> {
        match self {
            Kind::TrainerState => trainer_state::read(paths, notes),
            Kind::Tensorboard => tensorboard::read(paths, notes),
            Kind::Wandb => wandb::read(paths, notes),
            Kind::LmEval => lm_eval::read(paths, notes),
            Kind::Sacrebleu => sacrebleu::read(paths),
            Kind::Mlflow => {
                let (metas, databases): (Vec<_>, Vec<_>) = paths.iter().cloned().partition(|path| mlflow_store::is_run(path));
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
        Kind::ALL.into_iter().find(|kind| kind.name() == word).ok_or_else(|| ImportError::Kind { found: word.to_owned() })
    }
}

/// Reads the logs at some paths, files or folders that hold them at any depth.
///
/// A file given by name must be a log; in a folder other files are passed over. `kind` forces what files are read as, and what is
/// looked for in folders. Logs of two kinds are an error: two programs often log the same runs.
pub fn read(paths: &[PathBuf], kind: Option<Kind>) -> Result<Logs, ImportError> {
    let mut found: Vec<(Kind, PathBuf)> = Vec::new();
    for path in paths {
        if files::is_folder(path) {
            let before = found.len();
            for file in files::walk(path)?.into_iter().filter(|file| may_be_log(file)) {
                found.extend(Kind::of(&file)?.filter(|of| kind.is_none_or(|kind| kind == *of)).map(|of| (of, file)));
            }
            if found.len() == before {
                return Err(ImportError::NoLog { path: path.clone() });
            }
        } else {
            let of = kind.map_or_else(|| Kind::of(path), |kind| Ok(Some(kind)))?;
            found.push((of.ok_or_else(|| ImportError::Unrecognised { path: path.clone() })?, path.clone()));
        }
    }
    found.sort();
    found.dedup();
    let Some((kind, first)) = found.first().cloned() else {
        return Ok(Logs { runs: Vec::new(), notes: Vec::new(), files: Vec::new(), input_sha256: files::hash(b"") });
    };
    if let Some((second_kind, second)) = found.iter().find(|(other, _)| *other != kind).cloned() {
        return Err(ImportError::Mixed { first, first_kind: kind, second, second_kind });
    }
    let paths: Vec<PathBuf> = found.into_iter().map(|(_, path)| path).collect();
    let mut notes = Vec::new();
    let runs = kind.read(&paths, &mut notes)?;
    let parts = |path: &PathBuf| if mlflow_store::is_run(path) { mlflow_store::parts(path) } else { Ok(vec![path.clone()]) };
    let files = paths.iter().map(parts).collect::<Result<Vec<_>, _>>()?.concat();
    let hashes = files.iter().map(|file| files::hash_file(file)).collect::<Result<Vec<_>, _>>()?;
    Ok(Logs { runs, notes, files, input_sha256: files::hash_parts(hashes.iter().map(String::as_bytes)) })
}

/// Whether a file of a folder is worth a look: models and data lie beside logs, and are large.
fn may_be_log(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let ends = ["json", "csv", "db", "sqlite", "sqlite3"].iter().any(|end| name.ends_with(&format!(".{end}")));
    ends || name.contains("tfevents") || name == mlflow_store::META
}
