//! The `config.json` of a checkpoint, field by field: what it must say for the network here to be the one that it means.

use crate::model::config::{ConfigError, Family, ModelConfig, RopeScaling};
use crate::model::tokenizer::{Mark, Marks, Vocabulary};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The fields that decide what a network computes; those that do not are not read.
#[derive(Deserialize)]
struct WireConfig {
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    rms_norm_eps: Option<f64>,
    max_position_embeddings: Option<usize>,
    rope_theta: Option<f64>,
    rope_scaling: Option<WireRope>,
    rope_parameters: Option<WireRope>,
    #[serde(default)]
    tie_word_embeddings: bool,
    hidden_act: Option<String>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    use_sliding_window: Option<bool>,
    sliding_window: Option<usize>,
    quantization_config: Option<Value>,
    #[serde(default, deserialize_with = "first_id")]
    bos_token_id: Option<u32>,
    #[serde(default, deserialize_with = "first_id")]
    eos_token_id: Option<u32>,
}

/// `rope_scaling` of older files, `rope_parameters` of newer ones, which hold the base as well.
#[derive(Deserialize)]
struct WireRope {
    rope_type: Option<String>,
    #[serde(rename = "type")]
    older_type: Option<String>,
    rope_theta: Option<f64>,
    #[serde(flatten)]
    rest: Value,
}

/// The fields of a `tokenizer_config.json` that say which tokens stand around a sequence.
#[derive(Deserialize)]
struct WireTokenizer {
    #[serde(default, deserialize_with = "text")]
    bos_token: Option<String>,
    #[serde(default, deserialize_with = "text")]
    eos_token: Option<String>,
    add_bos_token: Option<bool>,
}

/// Ids of a `config.json`, which count where a `tokenizer_config.json` is silent.
#[derive(Debug, Clone, Copy, Default)]
pub struct MarkIds {
    bos: Option<u32>,
    eos: Option<u32>,
}

impl From<MarkIds> for Marks {
    fn from(ids: MarkIds) -> Self {
        Marks { bos: ids.bos.map(Mark::Id), eos: ids.eos.map(Mark::Id) }
    }
}

/// One id, or the first of several.
fn first_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ids {
        One(u32),
        Several(Vec<u32>),
    }
    Ok(Option::<Ids>::deserialize(deserializer)?.and_then(|ids| match ids {
        Ids::One(id) => Some(id),
        Ids::Several(ids) => ids.first().copied(),
    }))
}

/// A token as its text, or as an object that holds it as `content`.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Token {
        Text(String),
        Object { content: String },
    }
    Ok(Option::<Token>::deserialize(deserializer)?.map(|token| match token {
        Token::Text(text) | Token::Object { content: text } => text,
    }))
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(bytes)).map_err(|error| ConfigError::Json(error.to_string()))
}

fn field(field: &'static str, found: impl ToString, expected: impl ToString) -> ConfigError {
    ConfigError::Field { field, found: found.to_string(), expected: expected.to_string() }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| format!("`{text}`"))
}

/// The sizes in a `config.json` and the ids of its marks. Sequences of `context` tokens must be as the network knows them.
pub fn parse(bytes: &[u8], context: usize) -> Result<(ModelConfig, MarkIds), ConfigError> {
    let json: Value = from_json(bytes)?;
    let model_type = &json["model_type"];
    let Ok(family) = Family::deserialize(model_type) else {
        return Err(field("model_type", shown(model_type), "one of `llama`, `mistral`, `qwen2`, `qwen3`"));
    };
    let wire: WireConfig = from_json(bytes)?;
    wire.check(family, context)?;
    let rope = wire.rope_parameters.as_ref().or(wire.rope_scaling.as_ref());
    let config = ModelConfig {
        family,
        vocab_size: wire.vocab_size,
        is_tied: wire.tie_word_embeddings,
        d_model: wire.hidden_size,
        n_layers: wire.num_hidden_layers,
        n_heads: wire.num_attention_heads,
        n_kv_heads: wire.num_key_value_heads.unwrap_or(wire.num_attention_heads),
        head_dim: wire.head_dim.unwrap_or(wire.hidden_size / wire.num_attention_heads.max(1)),
        d_ff: wire.intermediate_size,
        rope_theta: rope.and_then(|rope| rope.rope_theta).or(wire.rope_theta).unwrap_or(10_000.0),
        rope_scaling: rope.map_or(Ok(None), WireRope::scaling)?,
        norm_eps: wire.rms_norm_eps.unwrap_or(1e-6),
    };
    config.check()?;
    Ok((config, MarkIds { bos: wire.bos_token_id, eos: wire.eos_token_id }))
}

impl WireConfig {
    /// Refuses what the network here does not compute.
    fn check(&self, family: Family, context: usize) -> Result<(), ConfigError> {
        if let Some(act) = self.hidden_act.as_ref().filter(|act| *act != "silu") {
            return Err(field("hidden_act", format!("`{act}`"), "`silu`"));
        }
        for (name, bias) in [("attention_bias", self.attention_bias), ("mlp_bias", self.mlp_bias)] {
            if bias {
                return Err(field(name, bias, false));
            }
        }
        if let Some(quantization) = &self.quantization_config {
            return Err(field("quantization_config", shown(&quantization["quant_method"]), "none: weights in f32, f16 or bf16"));
        }
        let longest = self.max_position_embeddings.unwrap_or(usize::MAX);
        if context > longest {
            return Err(field("max_position_embeddings", longest, format!("at least the `base.context` of {context}")));
        }
        // Mistral has a window wherever it names one, Qwen only where it is switched on
        let is_windowed = self.use_sliding_window.unwrap_or(family == Family::Mistral);
        match self.sliding_window.filter(|&window| is_windowed && window < context) {
            Some(window) => Err(field("sliding_window", window, format!("at least the `base.context` of {context}"))),
            None => Ok(()),
        }
    }
}

impl WireRope {
    fn scaling(&self) -> Result<Option<RopeScaling>, ConfigError> {
        match self.rope_type.as_deref().or(self.older_type.as_deref()) {
            None | Some("default") => Ok(None),
            Some("llama3") => {
                RopeScaling::deserialize(&self.rest).map(Some).map_err(|error| ConfigError::Json(format!("rope_scaling: {error}")))
            }
            Some(other) => Err(field("rope_scaling", format!("`{other}`"), "`default` or `llama3`")),
        }
    }
}

/// The marks that a `tokenizer_config.json` names, or else those of the `config.json`. A tokenizer that names an end and no start has no start.
pub fn marks(bytes: &[u8], ids: MarkIds) -> Result<Marks, ConfigError> {
    let wire: WireTokenizer = from_json(bytes)?;
    if wire.bos_token.is_none() && wire.eos_token.is_none() {
        return Ok(ids.into());
    }
    Ok(Marks {
        bos: wire.bos_token.filter(|_| wire.add_bos_token.unwrap_or(true)).map(Mark::Token),
        eos: wire.eos_token.map(Mark::Token).or(ids.eos.map(Mark::Id)),
    })
}

/// The `config.json` of a network of ours.
pub fn written(config: &ModelConfig, context: usize, vocabulary: &Vocabulary) -> Value {
    let (bos, eos) = vocabulary.mark_ids();
    let architecture = match config.family {
        Family::Llama => "LlamaForCausalLM",
        Family::Mistral => "MistralForCausalLM",
        Family::Qwen2 => "Qwen2ForCausalLM",
        Family::Qwen3 => "Qwen3ForCausalLM",
    };
    let rope_scaling = config.rope_scaling.map(|scaling| {
        json!({
            "rope_type": "llama3",
            "factor": scaling.factor,
            "low_freq_factor": scaling.low_freq_factor,
            "high_freq_factor": scaling.high_freq_factor,
            "original_max_position_embeddings": scaling.original_max_position_embeddings,
        })
    });
    json!({
        "architectures": [architecture],
        "model_type": config.family,
        "vocab_size": config.vocab_size,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_ff,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "rope_scaling": rope_scaling,
        "tie_word_embeddings": config.is_tied,
        "torch_dtype": "float32",
        "bos_token_id": bos,
        "eos_token_id": eos,
    })
}

/// A `config.json` for the same network with its weights in f32.
pub fn in_f32(bytes: &[u8]) -> Result<Value, ConfigError> {
    let mut json: serde_json::Map<String, Value> = from_json(bytes)?;
    // newer libraries say `dtype`
    let name = if json.contains_key("dtype") { "dtype" } else { "torch_dtype" };
    json.insert(name.to_owned(), "float32".into());
    Ok(Value::Object(json))
}
