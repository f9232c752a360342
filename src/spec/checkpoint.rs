//! The files that a base spec names: which they are, and the hash of their content.

use super::error::SpecError;
use crate::files;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The files that a base spec names.
#[derive(Debug, Clone, PartialEq)]
pub enum BaseFiles {
    /// None: the tokenizer is trained.
    None,
    /// The content of a `tokenizer.json`.
    Tokenizer(Vec<u8>),
    /// A checkpoint.
    Checkpoint(CheckpointFiles),
}

impl BaseFiles {
    /// SHA-256 of their content, 64 hexadecimal digits.
    pub fn sha256(&self) -> Option<String> {
        match self {
            BaseFiles::None => None,
            BaseFiles::Tokenizer(json) => Some(files::hash(json)),
            BaseFiles::Checkpoint(checkpoint) => Some(checkpoint.sha256.clone()),
        }
    }
}

/// A checkpoint as Hugging Face's libraries write it.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointFiles {
    /// The folder.
    pub folder: PathBuf,
    /// `model.safetensors`, or the shards that `model.safetensors.index.json` names, sorted.
    pub weights: Vec<PathBuf>,
    /// Hash of the names and the content of all files that are read.
    pub sha256: String,
}

/// The part of `model.safetensors.index.json` that says where tensors are.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl CheckpointFiles {
    /// `config.json`.
    pub const CONFIG: &str = "config.json";
    /// `tokenizer.json`.
    pub const TOKENIZER: &str = "tokenizer.json";
    /// `tokenizer_config.json`, which need not be there.
    pub const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
    /// The weights of a checkpoint that is not sharded.
    pub const WEIGHTS: &str = "model.safetensors";
    const INDEX: &str = "model.safetensors.index.json";
    /// Files beside the weights; the first two must be there.
    pub const SMALL: [&str; 5] = [
        Self::CONFIG,
        Self::TOKENIZER,
        Self::TOKENIZER_CONFIG,
        "special_tokens_map.json",
        "generation_config.json",
    ];

    /// Which of the files of a repository make a checkpoint, the weights last and their index at
    /// the very end: where that is, all is.
    pub fn wanted(names: &[String]) -> Vec<&str> {
        let find = |wanted: &str| names.iter().map(String::as_str).find(|name| *name == wanted);
        let mut found: Vec<&str> = Self::SMALL.into_iter().filter_map(find).collect();
        match find(Self::WEIGHTS) {
            Some(weights) => found.push(weights),
            None => {
                let is_shard =
                    |name: &&str| name.starts_with("model-") && name.ends_with(".safetensors");
                found.extend(names.iter().map(String::as_str).filter(is_shard));
                found.extend(find(Self::INDEX));
            }
        }
        found
    }

    /// Whether all files that must be in a folder are there.
    pub fn is_whole(folder: &Path) -> bool {
        let weights = weights(folder).unwrap_or_default();
        !weights.is_empty()
            && weights.iter().all(|path| files::exists(path))
            && Self::SMALL[..2].iter().all(|name| files::exists(&folder.join(name)))
    }

    /// Finds the files of a checkpoint and hashes them.
    pub fn find(folder: &Path) -> Result<Self, SpecError> {
        let weights = weights(folder)?;
        let other = OTHER_TOKENIZERS.into_iter().find(|name| files::exists(&folder.join(name)));
        if let (Some(found), false) = (other, files::exists(&folder.join(Self::TOKENIZER))) {
            return Err(SpecError::NoTokenizer { folder: folder.to_owned(), found });
        }
        let mut read = vec![folder.join(Self::CONFIG), folder.join(Self::TOKENIZER)];
        read.extend(Some(folder.join(Self::TOKENIZER_CONFIG)).filter(|path| files::exists(path)));
        read.extend(weights.iter().cloned());
        let mut lines = String::new();
        for path in &read {
            let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy();
            lines += &format!("{name} {}\n", files::hash(&files::map(path)?));
        }
        Ok(CheckpointFiles {
            folder: folder.to_owned(),
            weights,
            sha256: files::hash(lines.as_bytes()),
        })
    }
}

/// Tokenizers of other formats, which `transformers` turns into a `tokenizer.json`.
const OTHER_TOKENIZERS: [&str; 5] =
    ["tokenizer.model", "spiece.model", "vocab.json", "tekken.json", "qwen.tiktoken"];

/// The files of the weights. Pickles are never read: they can run any code.
fn weights(folder: &Path) -> Result<Vec<PathBuf>, SpecError> {
    let whole = folder.join(CheckpointFiles::WEIGHTS);
    let index = folder.join(CheckpointFiles::INDEX);
    if files::exists(&whole) {
        return Ok(vec![whole]);
    }
    if files::exists(&index) {
        let index: Index = files::read_json(&index, |path, cause| SpecError::Json { path, cause })?;
        let shards: BTreeSet<String> = index.weight_map.into_values().collect();
        return Ok(shards.into_iter().map(|shard| folder.join(shard)).collect());
    }
    let pickles = files::list(folder, "bin")?;
    Err(SpecError::NoWeights { folder: folder.to_owned(), are_pickled: !pickles.is_empty() })
}
