//! Low-rank adaptation (Hu et al. 2021), under the names and with the defaults of `peft`.

use super::error::SpecError;
use super::limits::count;
use crate::units::Short;
use serde::{Deserialize, Serialize};

/// Adapters beside some projections: `W x + alpha / rank B A dropout(x)`, `A` and `B` trained, `W`
/// frozen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoraSpec {
    /// Rows of A and columns of B.
    pub rank: usize,
    /// The update is scaled by `alpha / rank`.
    pub alpha: f64,
    /// Share of the inputs of A that are set to 0 in training.
    pub dropout: f64,
    /// Projections that get an adapter, in every block.
    pub target_modules: Vec<Module>,
}

impl Default for LoraSpec {
    fn default() -> Self {
        LoraSpec {
            rank: 8,
            alpha: 8.0,
            dropout: 0.0,
            target_modules: vec![Module::QProj, Module::VProj],
        }
    }
}

impl LoraSpec {
    /// Largest rank: the width of the largest networks that are adapted.
    pub const MOST_RANK: u64 = 8192;

    /// What the update is multiplied by.
    pub fn scaling(&self) -> f64 {
        self.alpha / self.rank as f64
    }

    pub(super) fn check(&self) -> Result<(), SpecError> {
        count("tuning.method.lora.rank", self.rank as u64, 1..=Self::MOST_RANK)?;
        if !(self.alpha.is_finite() && self.alpha > 0.0) {
            return Err(SpecError::value(
                "tuning.method.lora.alpha",
                Short(self.alpha),
                "a finite number above 0",
            ));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(SpecError::value(
                "tuning.method.lora.dropout",
                Short(self.dropout),
                "a number from 0 to below 1",
            ));
        }
        let modules = &self.target_modules;
        if modules.is_empty()
            || modules.iter().enumerate().any(|(at, module)| modules[..at].contains(module))
        {
            let found = modules.iter().map(|module| module.name()).collect::<Vec<_>>().join(", ");
            return Err(SpecError::value(
                "tuning.method.lora.target_modules",
                format!("[{found}]"),
                "at least one module, each once",
            ));
        }
        Ok(())
    }
}

/// A projection of a transformer block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Module {
    /// Queries.
    QProj,
    /// Keys.
    KProj,
    /// Values.
    VProj,
    /// Output of attention.
    OProj,
    /// Gate of the feed-forward layer.
    GateProj,
    /// Its input.
    UpProj,
    /// Its output.
    DownProj,
}

impl Module {
    /// Name, as in a checkpoint.
    pub fn name(self) -> &'static str {
        match self {
            Module::QProj => "q_proj",
            Module::KProj => "k_proj",
            Module::VProj => "v_proj",
            Module::OProj => "o_proj",
            Module::GateProj => "gate_proj",
            Module::UpProj => "up_proj",
            Module::DownProj => "down_proj",
        }
    }

    /// Part of a block that the module belongs to.
    pub fn parent(self) -> &'static str {
        match self {
            Module::QProj | Module::KProj | Module::VProj | Module::OProj => "self_attn",
            Module::GateProj | Module::UpProj | Module::DownProj => "mlp",
        }
    }
}
