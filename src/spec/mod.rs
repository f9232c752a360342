//! Specs: experiment YAML → private wire type → checked [`Experiment`], and its [`RunSpec`]s.
//!
//! A run is known by its id, the hash of all that determines its result: the corpora by their
//! content, the base, the tuning, language, amount, seed and evaluation.

mod base;
mod checkpoint;
mod error;
mod experiment;
mod instruction;
mod limits;
mod lora;
mod mixtures;
mod recipe;
mod run;
mod schedule;
mod tuning;

pub use base::{BaseSpec, CheckpointBase, CheckpointPlace, Preset, PresetBase, Pretraining};
pub use checkpoint::{BaseFiles, CheckpointFiles};
pub use error::SpecError;
pub use experiment::{Experiment, LanguageSpec, Text};
pub use instruction::{InstructionFile, InstructionSpec, Scope};
pub use lora::{LoraSpec, Module};
pub use mixtures::{DesignedRun, MixtureSpec};
pub use recipe::Recipe;
pub use run::RunSpec;
pub use schedule::{ScheduleSpec, TrunkSpec};
pub use tuning::{Evaluation, Method, Optimisation, Tuning};

#[cfg(test)]
mod tests;
