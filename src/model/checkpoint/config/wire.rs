//! The fields as files spell them, and what the network here does not compute.

use crate::model::config::{ConfigError, Family, Llama3Scaling, RopeScaling};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The fields that decide what a network computes; those that do not are not read.
#[derive(Deserialize)]
pub(super) struct WireConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: Option<usize>,
    pub head_dim: Option<usize>,
    pub intermediate_size: usize,
    pub rms_norm_eps: Option<f64>,
    pub max_position_embeddings: Option<usize>,
    pub rope_theta: Option<f64>,
    pub rope_scaling: Option<WireRope>,
    pub rope_parameters: Option<WireRope>,
    #[serde(default)]
    pub tie_word_embeddings: bool,
    pub hidden_act: Option<String>,
    #[serde(default)]
    pub attention_bias: bool,
    #[serde(default)]
    pub mlp_bias: bool,
    pub use_sliding_window: Option<bool>,
    pub sliding_window: Option<usize>,
    pub quantization_config: Option<Value>,
    #[serde(default, deserialize_with = "first_id")]
    pub bos_token_id: Option<u32>,
    #[serde(default, deserialize_with = "first_id")]
    pub eos_token_id: Option<u32>,
}

/// `rope_scaling` of older files, `rope_parameters` of newer ones, which hold the base as well.
#[derive(Deserialize)]
pub(super) struct WireRope {
    pub rope_type: Option<String>,
    #[serde(rename = "type")]
    pub older_type: Option<String>,
    pub rope_theta: Option<f64>,
    #[serde(flatten)]
    pub rest: Value,
}

/// The fields of a `tokenizer_config.json` that say which tokens stand around a sequence.
#[derive(Deserialize)]
pub(super) struct WireTokenizer {
    #[serde(default, deserialize_with = "text")]
    pub bos_token: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub eos_token: Option<String>,
    pub add_bos_token: Option<bool>,
}

impl WireConfig {
    /// Refuses what the network here does not compute.
    pub(super) fn check(&self, family: Family, context: usize) -> Result<(), ConfigError> {
        if let Some(act) = self.hidden_act.as_ref().filter(|act| *act != "silu") {
            return Err(field("hidden_act", format!("`{act}`"), "`silu`"));
        }
        for (name, bias) in [("attention_bias", self.attention_bias), ("mlp_bias", self.mlp_bias)] {
            if bias {
                return Err(field(name, bias, false));
            }
        }
        if let Some(quantization) = &self.quantization_config {
            return Err(field(
                "quantization_config",
                shown(&quantization["quant_method"]),
                "none: weights in f32, f16 or bf16",
            ));
        }
        let longest = self.max_position_embeddings.unwrap_or(usize::MAX);
        if context > longest {
            return Err(field(
                "max_position_embeddings",
                longest,
                format!("at least the `base.context` of {context}"),
            ));
        }
        match self.window(family).filter(|&window| window < context) {
            Some(window) => Err(field(
                "sliding_window",
                window,
                format!("at least the `base.context` of {context}"),
            )),
            None => Ok(()),
        }
    }

    /// Tokens that attention reaches back, where it does not reach all. Mistral has a window
    /// wherever it names one, Qwen only where it is switched on.
    pub(super) fn window(&self, family: Family) -> Option<usize> {
        self.sliding_window.filter(|_| self.use_sliding_window.unwrap_or(family == Family::Mistral))
    }
}

impl WireRope {
    pub(super) fn scaling(&self) -> Result<Option<RopeScaling>, ConfigError> {
        match self.rope_type.as_deref().or(self.older_type.as_deref()) {
            None | Some("default") => Ok(None),
            Some("llama3") => {
                let scaling = Llama3Scaling::deserialize(&self.rest)
                    .map_err(|error| ConfigError::Json(format!("rope_scaling: {error}")))?;
                if scaling.factor >= 1.0 && scaling.low_freq_factor < scaling.high_freq_factor {
                    return Ok(Some(RopeScaling::Llama3(scaling)));
                }
                let expected =
                    "a `factor` of at least 1 and a `low_freq_factor` below the `high_freq_factor`";
                Err(field("rope_scaling", format!("{scaling:?}"), expected))
            }
            Some("linear") => match self
                .rest
                .get("factor")
                .and_then(Value::as_f64)
                .filter(|factor| factor.is_finite() && *factor >= 1.0)
            {
                Some(factor) => Ok(Some(RopeScaling::Linear { factor })),
                None => {
                    Err(field("rope_scaling", self.rest.to_string(), "a `factor` of at least 1"))
                }
            },
            Some(other) => {
                Err(field("rope_scaling", format!("`{other}`"), "`default`, `linear` or `llama3`"))
            }
        }
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

pub(super) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(bytes))
        .map_err(|error| ConfigError::Json(error.to_string()))
}

pub(super) fn field(
    field: &'static str,
    found: impl ToString,
    expected: impl ToString,
) -> ConfigError {
    ConfigError::Field { field, found: found.to_string(), expected: expected.to_string() }
}

pub(super) fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| format!("`{text}`"))
}
