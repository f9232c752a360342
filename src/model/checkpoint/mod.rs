//! Checkpoints as Hugging Face's libraries read and write them: `config.json`, safetensors,
//! `tokenizer.json`; adapters as `peft`'s.
//!
//! Our network packs the projections of queries, keys and values into one matrix, and those of gate
//! and up into another; files have them apart. Nothing pickled is ever read.

mod adapter;
mod config;
mod tensors;

use super::config::{ConfigError, ModelConfig};
use super::llama::Llama;
use super::tokenizer::{TokenizerError, Vocabulary};
use crate::files::{self, FileError};
use crate::spec::CheckpointFiles;
use candle_core::Device;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What is wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum CheckpointError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The `config.json` is not that of a network here.
    #[error("cannot read checkpoint `{}`: {cause}", path.display())]
    Config { path: PathBuf, cause: ConfigError },
    /// The tokenizer is none, or does not fit.
    #[error("cannot read checkpoint `{}`: {cause}", path.display())]
    Tokenizer { path: PathBuf, cause: TokenizerError },
    /// The weights are not those of the network.
    #[error("cannot read checkpoint `{}`: {cause}", folder.display())]
    Weights { folder: PathBuf, cause: WeightsError },
    /// The tensor library failed.
    #[error("tensors: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// What is wrong with weights.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum WeightsError {
    /// A file is no safetensors file.
    #[error("not safetensors: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    /// A tensor is missing.
    #[error("no tensor `{name}`, expected one of shape {expected:?}")]
    Missing { name: String, expected: Vec<usize> },
    /// A tensor has another shape.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
    /// A tensor is not of floating-point numbers.
    #[error("tensor `{name}` is {found:?}, expected F32, F16 or BF16")]
    Type { name: String, found: safetensors::Dtype },
    /// A tensor that the network has not.
    #[error("tensor `{name}` of shape {shape:?} is none of the network")]
    Extra { name: String, shape: Vec<usize> },
    /// The tensor library failed.
    #[error("tensors: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// The sizes of the network of a checkpoint, for sequences of at most `context` tokens.
pub fn sizes(checkpoint: &CheckpointFiles, context: usize) -> Result<ModelConfig, CheckpointError> {
    let path = checkpoint.folder.join(CheckpointFiles::CONFIG);
    config::parse(&files::read(&path)?, context)
        .map(|(config, _)| config)
        .map_err(|cause| CheckpointError::Config { path, cause })
}

/// The network and the tokenizer of a checkpoint, for sequences of at most `context` tokens;
/// weights become f32.
pub fn read(
    checkpoint: &CheckpointFiles,
    context: usize,
    device: &Device,
) -> Result<(Llama, Vocabulary), CheckpointError> {
    let folder = &checkpoint.folder;
    let path = folder.join(CheckpointFiles::CONFIG);
    let (config, ids) = config::parse(&files::read(&path)?, context)
        .map_err(|cause| CheckpointError::Config { path, cause })?;

    let path = folder.join(CheckpointFiles::TOKENIZER_CONFIG);
    let marks = match files::exists(&path) {
        true => config::marks(&files::read(&path)?, ids)
            .map_err(|cause| CheckpointError::Config { path, cause })?,
        false => ids.into(),
    };
    let path = folder.join(CheckpointFiles::TOKENIZER);
    let vocabulary = Vocabulary::with_marks(&files::read(&path)?, &marks)
        .and_then(|vocabulary| vocabulary.fitted(config.vocab_size))
        .map_err(|cause| CheckpointError::Tokenizer { path, cause })?;

    let maps =
        checkpoint.weights.iter().map(|path| files::map(path)).collect::<Result<Vec<_>, _>>()?;
    let shards: Vec<&[u8]> = maps.iter().map(|map| &**map).collect();
    let model = Llama::from_safetensors(&shards, config, context, device)
        .map_err(|cause| CheckpointError::Weights { folder: folder.clone(), cause })?;
    Ok((model, vocabulary))
}

/// The folder of the network that the adapters in a folder belong to; `None` for a folder without
/// adapters.
pub fn origin(folder: &Path) -> Result<Option<PathBuf>, CheckpointError> {
    let path = folder.join(adapter::CONFIG);
    if !files::exists(&path) {
        return Ok(None);
    }
    let (_, origin) = adapter::parse(&files::read(&path)?)
        .map_err(|cause| CheckpointError::Config { path, cause })?;
    Ok(Some(origin))
}

/// The same network with the adapters in a folder.
pub fn read_adapters(folder: &Path, model: &Llama) -> Result<Llama, CheckpointError> {
    let path = folder.join(adapter::CONFIG);
    let (spec, _) = adapter::parse(&files::read(&path)?)
        .map_err(|cause| CheckpointError::Config { path, cause })?;
    let adapted = model.with_lora(&spec, 0)?;
    let path = folder.join(adapter::WEIGHTS);
    if let Some(lora) = adapted.lora() {
        let bytes = files::map(&path)?;
        lora.load_safetensors(&bytes)
            .map_err(|cause| CheckpointError::Weights { folder: folder.to_owned(), cause })?;
    }
    Ok(adapted)
}

/// Hash of the content of the adapters in a folder.
pub fn adapters_sha256(folder: &Path) -> Result<String, CheckpointError> {
    let (config, weights) =
        (files::map(&folder.join(adapter::CONFIG))?, files::map(&folder.join(adapter::WEIGHTS))?);
    Ok(files::hash(format!("{} {}", files::hash(&config), files::hash(&weights)).as_bytes()))
}

/// The longest sequence, tokens, that a checkpoint allows; `None` where it names no limit.
pub fn longest(folder: &Path) -> Result<Option<usize>, CheckpointError> {
    let path = folder.join(CheckpointFiles::CONFIG);
    config::longest(&files::read(&path)?).map_err(|cause| CheckpointError::Config { path, cause })
}

/// Writes a network of ours and its tokenizer as a checkpoint; the weights last, so that where they
/// are, all is.
pub fn write(folder: &Path, model: &Llama, vocabulary: &Vocabulary) -> Result<(), CheckpointError> {
    let (bos, eos) = vocabulary.marks();
    let tokenizer_config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": bos,
        "eos_token": eos,
        // nothing is padded in training; other programs that make batches need one
        "pad_token": eos,
        "model_max_length": model.context(),
        "clean_up_tokenization_spaces": false,
    });
    let path = folder.join(CheckpointFiles::TOKENIZER);
    let tokenizer = vocabulary
        .to_json()
        .map_err(|cause| CheckpointError::Tokenizer { path: path.clone(), cause })?;
    write_json(
        &folder.join(CheckpointFiles::CONFIG),
        &config::written(model.config(), model.context(), vocabulary),
    )?;
    files::write(&path, tokenizer.as_bytes())?;
    write_json(&folder.join(CheckpointFiles::TOKENIZER_CONFIG), &tokenizer_config)?;
    Ok(files::write(&folder.join(CheckpointFiles::WEIGHTS), &model.to_safetensors()?)?)
}

/// Writes what training made of a network that came from the checkpoint in `origin`: its adapters
/// where it has any, else all weights in f32 with the configuration and the tokenizer of `origin`
/// beside them.
pub fn write_trained(folder: &Path, model: &Llama, origin: &Path) -> Result<(), CheckpointError> {
    if let Some(lora) = model.lora() {
        write_json(
            &folder.join(adapter::CONFIG),
            &adapter::config(lora.spec(), &files::absolute(origin)),
        )?;
        return Ok(files::write(&folder.join(adapter::WEIGHTS), &lora.to_safetensors()?)?);
    }
    let path = origin.join(CheckpointFiles::CONFIG);
    let config = config::in_f32(&files::read(&path)?)
        .map_err(|cause| CheckpointError::Config { path, cause })?;
    write_json(&folder.join(CheckpointFiles::CONFIG), &config)?;
    for name in CheckpointFiles::SMALL
        .into_iter()
        .filter(|&name| name != CheckpointFiles::CONFIG && files::exists(&origin.join(name)))
    {
        files::copy(&origin.join(name), &folder.join(name))?;
    }
    Ok(files::write(&folder.join(CheckpointFiles::WEIGHTS), &model.to_safetensors()?)?)
}

fn write_json(path: &Path, value: &Value) -> Result<(), FileError> {
    files::write(path, format!("{value:#}\n").as_bytes())
}
