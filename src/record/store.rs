//! The store of finished runs: a folder with one record a file, each written whole or not at all.

use super::manifest::Manifest;
use super::run::RunRecord;
use super::version::TrainingVersion;
use crate::files::{self, FileError};
use std::path::{Path, PathBuf};

/// File of the manifest in a folder of records.
const MANIFEST: &str = "sweep.json";

/// What is wrong with a record or its folder.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum RecordError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not a record.
    #[error("cannot read record `{}`: {cause}", path.display())]
    Json { path: PathBuf, cause: serde_json::Error },
    /// The file's name is not the id in it, so that one run could count twice.
    #[error("record `{}` holds run `{found}`, expected the run of its name", path.display())]
    Name { path: PathBuf, found: String },
    /// Another process writes to the folder.
    #[error("`{}` is locked, expected no other sweep at work on it", path.display())]
    Locked { path: PathBuf },
}

/// A folder of records.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in this folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Store { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps other processes out until the guard is dropped or the process dies.
    pub fn lock(&self) -> Result<files::FolderLock, RecordError> {
        files::lock_folder(&self.folder)?
            .ok_or_else(|| RecordError::Locked { path: self.folder.clone() })
    }

    /// Claims a run for one process; none where another is at work on it.
    pub fn claim(
        &self,
        run_id: &str,
        owner: &files::Owner,
    ) -> Result<Option<files::Claim>, RecordError> {
        Ok(files::claim(&self.folder.join(format!("{run_id}.claim")), owner)?)
    }

    /// Who is at work on a run.
    pub fn claimed(&self, run_id: &str) -> Result<Option<files::Owner>, RecordError> {
        Ok(files::claimed(&self.folder.join(format!("{run_id}.claim")))?)
    }

    /// Keeps why a run could not be finished; its record or its next try takes that back.
    pub fn write_failure(&self, run_id: &str, reason: &str) -> Result<(), RecordError> {
        Ok(files::write(&self.failed(run_id), reason.as_bytes())?)
    }

    /// Why a run could not be finished, where it is known.
    pub fn failure(&self, run_id: &str) -> Option<String> {
        let path = self.failed(run_id);
        files::exists(&path).then(|| files::read_text(&path).unwrap_or_default().trim().to_owned())
    }

    /// Forgets why a run could not be finished.
    pub fn forget_failure(&self, run_id: &str) -> Result<(), RecordError> {
        let path = self.failed(run_id);
        if files::exists(&path) { Ok(files::remove(&path)?) } else { Ok(()) }
    }

    fn failed(&self, run_id: &str) -> PathBuf {
        self.folder.join(format!("{run_id}.failed"))
    }

    /// Writes one record.
    pub fn write(&self, record: &RunRecord) -> Result<(), RecordError> {
        let path = self.path(&record.run_id);
        let mut bytes = serde_json::to_vec_pretty(record)
            .map_err(|cause| RecordError::Json { path: path.clone(), cause })?;
        bytes.push(b'\n');
        Ok(files::write(&path, &bytes)?)
    }

    /// The record of a run, if there is one.
    pub fn read(&self, run_id: &str) -> Result<Option<RunRecord>, RecordError> {
        let path = self.path(run_id);
        if files::exists(&path) { parse(&path).map(Some) } else { Ok(None) }
    }

    /// Writes what the sweep consists of.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), RecordError> {
        let path = self.folder.join(MANIFEST);
        let mut bytes = serde_json::to_vec_pretty(manifest)
            .map_err(|cause| RecordError::Json { path: path.clone(), cause })?;
        bytes.push(b'\n');
        Ok(files::write(&path, &bytes)?)
    }

    /// Whether a sweep was started here.
    pub fn has_sweep(&self) -> bool {
        files::exists(&self.folder.join(MANIFEST))
    }

    /// What the sweep consists of, and the records of its runs that there are, in the order of the
    /// runs. Records of earlier versions of the experiment stay in the folder and are not read.
    pub fn read_sweep(&self) -> Result<(Manifest, Vec<RunRecord>), RecordError> {
        let manifest = self.read_manifest()?;
        let records = manifest
            .runs
            .iter()
            .filter_map(|run| self.read(&run.run_id).transpose())
            .collect::<Result<_, _>>()?;
        Ok((manifest, records))
    }

    /// Version of the training code that its runs are of: that of new ones where there is no sweep.
    pub fn training_version(&self) -> Result<TrainingVersion, RecordError> {
        let is_swept = files::exists(&self.folder.join(MANIFEST));
        if is_swept {
            Ok(self.read_manifest()?.training_version)
        } else {
            Ok(TrainingVersion::CURRENT)
        }
    }

    fn read_manifest(&self) -> Result<Manifest, RecordError> {
        let path = self.folder.join(MANIFEST);
        serde_json::from_slice(&files::read(&path)?)
            .map_err(|cause| RecordError::Json { path, cause })
    }

    fn path(&self, run_id: &str) -> PathBuf {
        self.folder.join(format!("{run_id}.json"))
    }
}

fn parse(path: &Path) -> Result<RunRecord, RecordError> {
    let record: RunRecord =
        files::read_json(path, |path, cause| RecordError::Json { path, cause })?;
    if path.file_stem().is_none_or(|stem| stem != record.run_id.as_str()) {
        return Err(RecordError::Name { path: path.to_owned(), found: record.run_id });
    }
    Ok(record)
}
