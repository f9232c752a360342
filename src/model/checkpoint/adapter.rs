//! The `adapter_config.json` of `peft`.

use crate::spec::{LoraSpec, Module};
use serde_json::{Value, json};
use std::path::Path;

/// The configuration under which `peft` loads adapters of ours onto the network in the folder `origin`.
pub fn config(spec: &LoraSpec, origin: &Path) -> Value {
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": origin.to_string_lossy(),
        "r": spec.rank,
        "lora_alpha": spec.alpha,
        "lora_dropout": spec.dropout,
        "target_modules": spec.target_modules.iter().copied().map(Module::name).collect::<Vec<_>>(),
        "bias": "none",
        "fan_in_fan_out": false,
        "init_lora_weights": true,
        "use_rslora": false,
        "inference_mode": true,
    })
}
