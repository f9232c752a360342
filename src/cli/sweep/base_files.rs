//! The files that the base of an experiment names.

use crate::cli::failure::{Failure, OrFail};
#[cfg(feature = "train")]
use crate::cli::hub::fetch;
use crate::files;
use crate::spec::{
    BaseFiles, BaseSpec, CheckpointBase, CheckpointFiles, CheckpointPlace, Experiment, PresetBase,
    SpecError,
};
use crate::study::Folders;
#[cfg(not(feature = "train"))]
use std::path::PathBuf;

/// Finds the files that the base names; a checkpoint on the Hub is downloaded if it is not there.
pub(in crate::cli) fn base_files(
    experiment: &Experiment,
    folders: &Folders,
) -> Result<BaseFiles, Failure> {
    let folder = match &experiment.base {
        BaseSpec::Preset(PresetBase { tokenizer: None, .. }) => return Ok(BaseFiles::None),
        BaseSpec::Preset(PresetBase { tokenizer: Some(path), .. }) => {
            return files::read(&folders.base().join(path)).map(BaseFiles::Tokenizer).or_input();
        }
        BaseSpec::Checkpoint(CheckpointBase { place: CheckpointPlace::Folder(path), .. }) => {
            folders.base().join(path)
        }
        BaseSpec::Checkpoint(CheckpointBase {
            place: CheckpointPlace::Hub { name, revision },
            ..
        }) => fetch(name, revision)?,
    };
    CheckpointFiles::find(&folder).map(BaseFiles::Checkpoint).map_err(hinted)
}

#[cfg(not(feature = "train"))]
fn fetch(_: &str, _: &str) -> Result<PathBuf, Failure> {
    Err(Failure::input(anyhow::anyhow!(
        "this build cannot download a checkpoint, expected the cargo feature `train`"
    )))
}

fn hinted(error: SpecError) -> Failure {
    let hint = match &error {
        SpecError::NoWeights { are_pickled: true, .. } => {
            "pickles can run any code and are never read; `model.save_pretrained(FOLDER, \
            safe_serialization=True)` writes safetensors"
        }
        SpecError::NoWeights { .. } | SpecError::File(_) => {
            "a checkpoint is a folder with `config.json`, safetensors and `tokenizer.json`"
        }
        _ => return Failure::input(error),
    };
    Failure::input(error).hint(hint)
}
