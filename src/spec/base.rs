//! The base model of a sweep: a preset with its tokenizer and the text that it is pre-trained on,
//! or a checkpoint.

use super::error::SpecError;
use super::limits::{count, share};
use super::tuning::Optimisation;
use crate::units::{Lang, Tokens};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Named networks, by number of parameters with their own vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// About 1 M parameters: a sweep on two CPU cores.
    Nano,
    /// About 5 M parameters: a sweep on a GPU, or a patient CPU.
    Micro,
    /// About 25 M parameters: a GPU.
    Small,
}

/// Largest context: attention is quadratic in it.
const MAX_CONTEXT: u64 = 65_536;

/// Least and most tokens of a vocabulary: 256 bytes and 2 marks, and what the largest that are in
/// use have.
const VOCABULARY: RangeInclusive<u64> = 258..=262_144;

/// Most tokens of pre-training, all of which are in memory, and of a step.
const MOST_TOKENS: u64 = 1_000_000_000;
const MOST_BATCH_TOKENS: u64 = 1 << 20;

/// Pairs of each language that a tokenizer is trained on where the YAML does not say.
const TOKENIZER_PAIRS: usize = 4000;

/// The model that every run of a sweep starts from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum BaseSpec {
    /// A network that the program pre-trains for the sweep.
    Preset(PresetBase),
    /// A network that is there.
    Checkpoint(CheckpointBase),
}

/// A network of a preset, and how it comes about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PresetBase {
    /// Network.
    pub preset: Preset,
    /// Tokens of the vocabulary; the preset's own where absent.
    pub vocab_size: Option<usize>,
    /// A `tokenizer.json` to use instead of training one, relative to the YAML.
    pub tokenizer: Option<PathBuf>,
    /// Pairs of each language that the tokenizer is trained on.
    pub tokenizer_pairs: usize,
    /// Longest sequence, tokens; longer ones lose their end.
    pub context: usize,
    /// Seed of the weights and of the order of the text.
    pub seed: u64,
    /// Text and schedule.
    pub pretraining: Pretraining,
}

/// A network and a tokenizer as Hugging Face's libraries write them. Where they are is no part of a
/// run's id, their content is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckpointBase {
    /// Where they are.
    #[serde(skip)]
    pub place: CheckpointPlace,
    /// Longest sequence, tokens; longer ones lose their end.
    pub context: usize,
}

/// Where a checkpoint is.
#[derive(Debug, Clone, PartialEq)]
pub enum CheckpointPlace {
    /// In a folder, relative to the YAML.
    Folder(PathBuf),
    /// On the Hugging Face Hub: `owner/name`, and a branch, a tag or a commit.
    Hub {
        /// Repository on the Hub, `owner/name`.
        name: String,
        /// Branch, tag or commit; `main` where the YAML does not say.
        revision: String,
    },
}

/// What a person writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireBase {
    preset: Option<Preset>,
    checkpoint: Option<PathBuf>,
    hub: Option<String>,
    revision: Option<String>,
    vocab_size: Option<usize>,
    tokenizer: Option<PathBuf>,
    tokenizer_pairs: Option<usize>,
    #[serde(default = "context")]
    context: usize,
    seed: Option<u64>,
    pretraining: Option<Pretraining>,
}

impl WireBase {
    /// A preset or a checkpoint, with the keys that go with it.
    pub(super) fn resolve(mut self) -> Result<BaseSpec, SpecError> {
        match (self.preset, self.checkpoint.take(), self.hub.take()) {
            (Some(preset), None, None) => self.on_preset(preset),
            (None, Some(folder), None) => self.on_checkpoint(CheckpointPlace::Folder(folder)),
            (None, None, Some(name)) => {
                let revision = self.revision.take().unwrap_or_else(|| "main".to_owned());
                for (key, value) in [("base.hub", &name), ("base.revision", &revision)] {
                    if !is_hub_name(value) {
                        return Err(SpecError::value(
                            key,
                            format!("`{value}`"),
                            "a name on the Hub, like `owner/name` or `main`",
                        ));
                    }
                }
                self.on_checkpoint(CheckpointPlace::Hub { name, revision })
            }
            (None, None, None) => Err(SpecError::value(
                "base.preset",
                "missing",
                "a preset, or `checkpoint`, or `hub`",
            )),
            _ => Err(SpecError::value(
                "base",
                "of more than one kind",
                "one of `preset`, `checkpoint` and `hub`",
            )),
        }
    }

    fn on_preset(self, preset: Preset) -> Result<BaseSpec, SpecError> {
        if self.revision.is_some() {
            return Err(SpecError::value("base.revision", "given beside `preset`", "none there"));
        }
        let Some(pretraining) = self.pretraining else {
            return Err(SpecError::value(
                "base.pretraining",
                "missing",
                "the text and the schedule of a preset",
            ));
        };
        Ok(BaseSpec::Preset(PresetBase {
            preset,
            vocab_size: self.vocab_size,
            tokenizer: self.tokenizer,
            tokenizer_pairs: self.tokenizer_pairs.unwrap_or(TOKENIZER_PAIRS),
            context: self.context,
            seed: self.seed.unwrap_or(0),
            pretraining,
        }))
    }

    fn on_checkpoint(self, place: CheckpointPlace) -> Result<BaseSpec, SpecError> {
        let given = [
            ("revision", self.revision.is_some()),
            ("vocab_size", self.vocab_size.is_some()),
            ("tokenizer", self.tokenizer.is_some()),
            ("tokenizer_pairs", self.tokenizer_pairs.is_some()),
            ("seed", self.seed.is_some()),
            ("pretraining", self.pretraining.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((key, _)) => Err(SpecError::value(
                format!("base.{key}"),
                "given beside a checkpoint",
                "only `context` there",
            )),
            None => Ok(BaseSpec::Checkpoint(CheckpointBase { place, context: self.context })),
        }
    }
}

/// Parts of letters, digits, `-`, `_` and `.` between slashes, so that no name leads out of a
/// cache.
fn is_hub_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c))
    };
    name.split('/').all(is_part)
}

fn context() -> usize {
    256
}

/// How the base is pre-trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pretraining {
    /// Tokens seen.
    pub tokens: Tokens,
    /// Share of each language in them. Languages not named share what is left equally; English must
    /// be named.
    pub shares: BTreeMap<Lang, f64>,
    /// Tokens per step.
    #[serde(default = "batch_tokens")]
    pub batch_tokens: usize,
    /// Optimiser and schedule.
    #[serde(default = "optimisation")]
    pub optimisation: Optimisation,
}

fn batch_tokens() -> usize {
    2048
}

fn optimisation() -> Optimisation {
    Optimisation { peak_lr: 3e-3, ..Optimisation::default() }
}

impl BaseSpec {
    /// Longest sequence, tokens.
    pub fn context(&self) -> usize {
        match self {
            BaseSpec::Preset(base) => base.context,
            BaseSpec::Checkpoint(base) => base.context,
        }
    }

    pub(super) fn check(&self, langs: &[Lang]) -> Result<(), SpecError> {
        count("base.context", self.context() as u64, 1..=MAX_CONTEXT)?;
        match self {
            BaseSpec::Preset(base) => base.check(langs),
            BaseSpec::Checkpoint(_) => Ok(()),
        }
    }
}

impl PresetBase {
    fn check(&self, langs: &[Lang]) -> Result<(), SpecError> {
        count("base.tokenizer_pairs", self.tokenizer_pairs as u64, 1..=u64::MAX)?;
        count("base.pretraining.tokens", self.pretraining.tokens.0, 0..=MOST_TOKENS)?;
        count(
            "base.pretraining.batch_tokens",
            self.pretraining.batch_tokens as u64,
            1..=MOST_BATCH_TOKENS,
        )?;
        self.pretraining.optimisation.check("base.pretraining.optimisation")?;
        if let Some(size) = self.vocab_size {
            count("base.vocab_size", size as u64, VOCABULARY)?;
        }
        self.pretraining.check(langs)
    }
}

impl Pretraining {
    fn check(&self, langs: &[Lang]) -> Result<(), SpecError> {
        let english = Lang::english();
        for (lang, &part) in &self.shares {
            share(&format!("base.pretraining.shares.{lang}"), part)?;
            if *lang != english && !langs.contains(lang) {
                return Err(SpecError::value(
                    "base.pretraining.shares",
                    lang,
                    "English or a language of the sweep",
                ));
            }
        }
        if !self.shares.contains_key(&english) {
            return Err(SpecError::value(
                "base.pretraining.shares.eng_Latn",
                "missing",
                "a share for English",
            ));
        }
        let sum: f64 = self.shares.values().sum();
        let all_named = langs.iter().all(|lang| self.shares.contains_key(lang));
        if sum > 1.0 + 1e-9 || (all_named && sum < 1.0 - 1e-9) {
            return Err(SpecError::value(
                "base.pretraining.shares",
                format!("a sum of {sum}"),
                "1, or less where languages are left to share the rest",
            ));
        }
        Ok(())
    }

    /// Share of English and of each language, in that order; they sum to 1.
    pub fn shares_of(&self, langs: &[Lang]) -> Vec<(Lang, f64)> {
        let unnamed = langs.iter().filter(|lang| !self.shares.contains_key(lang)).count();
        let rest = (1.0 - self.shares.values().sum::<f64>()).max(0.0) / unnamed.max(1) as f64;
        let all = std::iter::once(Lang::english()).chain(langs.iter().cloned());
        all.map(|lang| (lang.clone(), self.shares.get(&lang).copied().unwrap_or(rest))).collect()
    }
}
