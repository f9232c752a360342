//! The plan of an export: who trains, on which rows, with which settings.

use super::format::Format;
use super::portion::{Portion, checked};
use super::trainer::Trainer;
use super::{DataFile, ExportError};

/// What the configuration says beside the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Who trains.
    pub trainer: Trainer,
    /// How a row is written.
    pub format: Format,
    /// Model on the hub, or its folder.
    pub model: String,
    /// Prompt template of the model, by its name in LLaMA-Factory; the others take it from the
    /// model.
    pub template: String,
    /// Longest row, tokens.
    pub limit: u32,
}

impl Settings {
    /// A small instruction-tuned model and a limit that few pairs exceed.
    pub fn new(trainer: Trainer, format: Format) -> Self {
        Settings {
            trainer,
            format,
            model: "Qwen/Qwen3-4B-Instruct-2507".to_owned(),
            template: "qwen3_nothink".to_owned(),
            limit: 2048,
        }
    }

    /// Whether the trainer writes chats by a template that is named, and not by the model's.
    pub fn names_template(&self) -> bool {
        self.trainer == Trainer::LlamaFactory && self.template != "alpaca"
    }
}

/// Rows per step and device, and steps whose gradients are added: an effective batch of 128 on 8
/// GPUs, as in the x-LLaMA paper's script.
pub(super) const BATCH: u32 = 4;
pub(super) const ACCUMULATION: u32 = 4;
/// Usual for adapters.
pub(super) const LEARNING_RATE: f64 = 1e-4;
/// Part of the steps in which the rate rises, as in that script; whole numbers would be steps.
pub(super) const WARMUP: f64 = 0.03;
/// Parts of the steps between two lines of the log, and between two evaluations: a small budget has
/// few steps.
pub(super) const LOGGING: f64 = 0.01;
pub(super) const EVALUATION: f64 = 0.1;
/// Of the trainer's own shuffle.
pub(super) const SEED: u32 = 42;

/// An export before its files are made.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Settings.
    pub settings: Settings,
    pub(super) portions: Vec<Portion<'a>>,
    pub(super) stamp: String,
    pub(super) hash: String,
    pub(super) seed: u64,
}

impl<'a> Plan<'a> {
    /// The portions that have rows are kept. `stamp` is the line of version and input with which
    /// files start that can hold a comment; `hash` stands in every path, so that no trainer takes
    /// what it prepared of another plan; `seed` is of the order of pooled rows.
    pub fn new(
        settings: Settings,
        portions: Vec<Portion<'a>>,
        stamp: &str,
        hash: &str,
        seed: u64,
    ) -> Result<Self, ExportError> {
        let portions = checked(portions)?;
        Ok(Plan { settings, portions, stamp: stamp.to_owned(), hash: hash.to_owned(), seed })
    }

    /// Folder of the data.
    pub(super) fn folder(&self) -> String {
        format!("data/{}", self.hash)
    }

    /// Folder of the tuned model.
    pub(super) fn output(&self) -> String {
        format!("saves/muit-{}", self.hash)
    }

    /// Rows of all portions.
    pub fn rows(&self) -> u64 {
        self.portions.iter().map(|portion| portion.drawn).sum()
    }

    /// Rows that are read before weights change, in one process.
    pub(super) fn batch(&self) -> u64 {
        self.settings.trainer.dropped_batch(self.rows()).unwrap_or(u64::from(BATCH * ACCUMULATION))
    }

    /// A file for each language.
    pub(super) fn train_files(&self) -> Vec<DataFile<'_>> {
        let file =
            |portion| DataFile::train(self.path(&name(portion)), self.settings.format, portion);
        self.portions.iter().map(file).collect()
    }

    /// A file for each language that is validated.
    pub(super) fn validation_files(&self) -> Vec<DataFile<'_>> {
        let file = |portion| {
            DataFile::validation(
                self.path(&validation_name(portion)),
                self.settings.format,
                portion,
            )
        };
        self.validated().map(file).collect()
    }

    /// The portions with rows to validate on.
    pub(super) fn validated(&self) -> impl Iterator<Item = &Portion<'a>> {
        self.portions.iter().filter(|portion| !portion.validation.is_empty())
    }

    /// Path of a data file.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}.{}", self.folder(), self.settings.format.ending())
    }

    /// The lines that start a file in which `#` begins a comment.
    pub(super) fn head(&self) -> String {
        format!("# {}\n# {}\n", self.stamp, self.settings.trainer.tested())
    }
}

/// Name of the rows of a portion, for a trainer; `import` knows it again.
pub(super) fn name(portion: &Portion) -> String {
    format!("muit_{}", portion.name)
}

/// Name of the rows that a portion is validated on.
pub(super) fn validation_name(portion: &Portion) -> String {
    format!("muit_{}_val", portion.name)
}
