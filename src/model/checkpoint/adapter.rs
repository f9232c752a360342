//! The `adapter_config.json` of `peft`.

use crate::model::config::ConfigError;
use crate::spec::{LoraSpec, Module};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Says what the adapters are.
pub(super) const CONFIG: &str = "adapter_config.json";
/// Holds them.
pub(super) const WEIGHTS: &str = "adapter_model.safetensors";

/// The fields that decide what adapters compute.
#[derive(Deserialize)]
struct Wire {
    peft_type: String,
    base_model_name_or_path: PathBuf,
    r: usize,
    lora_alpha: f64,
    target_modules: Vec<Module>,
    #[serde(default)]
    bias: Option<String>,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    rank_pattern: serde_json::Map<String, Value>,
    #[serde(default)]
    alpha_pattern: serde_json::Map<String, Value>,
    #[serde(default)]
    modules_to_save: Option<Value>,
    #[serde(default)]
    init_lora_weights: Value,
    #[serde(default)]
    layer_replication: Option<Value>,
    #[serde(default)]
    alora_invocation_tokens: Option<Value>,
}

/// Ways to start adapters that leave the weights of the base as they are. Others, such as PiSSA and
/// OLoRA, take the adapters' start out of them, so that the saved adapters belong to other weights
/// than those of the base.
const INITS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

fn keeps_base(init: &Value) -> bool {
    init.is_null() || init.is_boolean() || init.as_str().is_some_and(|init| INITS.contains(&init))
}

/// The adapters that a configuration describes, without the dropout of their training, and the
/// folder of their network.
pub(super) fn parse(bytes: &[u8]) -> Result<(LoraSpec, PathBuf), ConfigError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let wire: Wire = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| ConfigError::Json(error.to_string()))?;
    let plain = [
        ("peft_type", wire.peft_type == "LORA", "`LORA`"),
        (
            "r",
            (1..=LoraSpec::MOST_RANK).contains(&(wire.r as u64)),
            "a whole number from 1 to 8192",
        ),
        ("bias", wire.bias.is_none_or(|bias| bias == "none"), "`none`"),
        ("use_rslora", !wire.use_rslora, "false"),
        ("use_dora", !wire.use_dora, "false"),
        ("rank_pattern", wire.rank_pattern.is_empty(), "one rank for all"),
        ("alpha_pattern", wire.alpha_pattern.is_empty(), "one alpha for all"),
        ("modules_to_save", wire.modules_to_save.is_none(), "none"),
        (
            "init_lora_weights",
            keeps_base(&wire.init_lora_weights),
            "true, false, `gaussian`, `eva` or `orthogonal`, which keep the base as it is",
        ),
        ("layer_replication", wire.layer_replication.is_none(), "none"),
        ("alora_invocation_tokens", wire.alora_invocation_tokens.is_none(), "none"),
    ];
    if let Some((field, _, expected)) = plain.into_iter().find(|(_, is_plain, _)| !is_plain) {
        let json: Value =
            serde_json::from_slice(bytes).map_err(|error| ConfigError::Json(error.to_string()))?;
        return Err(ConfigError::Field {
            field,
            found: json[field].to_string(),
            expected: expected.to_owned(),
        });
    }
    let spec = LoraSpec {
        rank: wire.r,
        alpha: wire.lora_alpha,
        dropout: 0.0,
        target_modules: wire.target_modules,
    };
    Ok((spec, wire.base_model_name_or_path))
}

/// The configuration under which `peft` loads adapters of ours onto the network in the folder
/// `origin`.
pub(super) fn config(spec: &LoraSpec, origin: &Path) -> Value {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adapters_that_changed_their_base_are_refused() {
        let parsed = |field: &str, value: Value| {
            let mut json = json!({
                "peft_type": "LORA", "base_model_name_or_path": "base", "r": 4, "lora_alpha": 8,
                "target_modules": ["q_proj"],
            });
            json[field] = value;
            parse(json.to_string().as_bytes()).map_err(|error| error.to_string())
        };
        for init in [
            json!(null),
            json!(true),
            json!(false),
            json!("gaussian"),
            json!("eva"),
            json!("orthogonal"),
        ] {
            assert!(parsed("init_lora_weights", init.clone()).is_ok(), "{init}");
        }
        for init in
            ["pissa", "pissa_niter_16", "olora", "loftq", "corda", "lora_ga", "something_new"]
        {
            let error = parsed("init_lora_weights", json!(init)).unwrap_err();
            assert!(error.contains("init_lora_weights") && error.contains(init), "{error}");
        }
        assert!(parsed("layer_replication", json!([[0, 2], [1, 3]])).is_err());
        assert!(parsed("alora_invocation_tokens", json!([1])).is_err());
    }
}
