//! The model that is evaluated: a checkpoint, or adapters on one.

use super::super::failure::{Failure, OrFail};
use super::arguments::Arguments;
use crate::model::{Llama, Vocabulary, checkpoint};
use crate::spec::CheckpointFiles;
use crate::train::select_device;
use anyhow::anyhow;
use std::path::Path;

/// Longest sequence where nobody asks for one, tokens.
const CONTEXT: usize = 2048;

/// A model that can be asked.
pub(super) struct Opened {
    /// The network, with adapters where the folder holds any.
    pub model: Llama,
    /// Its tokenizer.
    pub vocabulary: Vocabulary,
    /// Hash of the content of all files that it was read from.
    pub sha256: String,
}

/// Reads the network and the tokenizer in a folder, or those that the adapters in it belong to and
/// the adapters.
pub(super) fn read(arguments: &Arguments, folder: &Path) -> Result<Opened, Failure> {
    let hardware = select_device(&arguments.device).map_err(|error| {
        Failure::input(error).hint(
            "`--device cpu` runs everywhere; CUDA needs an NVIDIA GPU and a \
        build with `--features cuda`",
        )
    })?;
    // what is generated and scored is computed in f32 everywhere
    let device = hardware.device;
    let named = checkpoint::origin(folder).or_input()?;
    let origin = match (&named, &arguments.base) {
        (Some(_), Some(base)) => base.clone(),
        (Some(origin), None) => origin.clone(),
        (None, _) => folder.to_owned(),
    };
    let found = CheckpointFiles::find(&origin).map_err(|error| match named {
        Some(_) => {
            Failure::input(error).hint("`--base FOLDER` says where the network of the adapters is")
        }
        None => Failure::input(error),
    })?;
    let longest = checkpoint::longest(&origin).or_input()?.unwrap_or(usize::MAX);
    let context = arguments.context.unwrap_or(longest.min(CONTEXT));
    if context > longest || context < 2 {
        return Err(Failure::input(anyhow!(
            "`--context` is {context}, expected from 2 to the {longest} tokens that the model \
            allows"
        )));
    }
    let (model, vocabulary) = checkpoint::read(&found, context, &device).or_input()?;
    match named {
        Some(_) => {
            let model = checkpoint::read_adapters(folder, &model).or_input()?;
            let sha256 =
                format!("{} {}", found.sha256, checkpoint::adapters_sha256(folder).or_input()?);
            Ok(Opened { model, vocabulary, sha256 })
        }
        None => Ok(Opened { model, vocabulary, sha256: found.sha256 }),
    }
}
