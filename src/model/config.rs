//! The sizes of a LLaMA network, and those of the presets.

use crate::spec::{Module, Preset};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Families of networks, by their `model_type` in a `config.json`. They share everything but what
/// the methods say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// LLaMA 1 to 3.
    Llama,
    /// Mistral, whose window of attention must hold the whole context.
    Mistral,
    /// Qwen2 and Qwen2.5.
    Qwen2,
    /// Qwen3 without experts.
    Qwen3,
}

impl Family {
    /// Whether queries, keys and values have biases.
    pub fn has_qkv_bias(self) -> bool {
        self == Family::Qwen2
    }

    /// Whether each head of queries and keys is normalised by RMSNorm before it is turned.
    pub fn has_qk_norm(self) -> bool {
        self == Family::Qwen3
    }
}

/// A change of rotary frequencies, by which a network reaches longer contexts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// All are divided by a factor (position interpolation).
    Linear {
        /// The factor, at least 1.
        factor: f64,
    },
    /// Low ones are, as in LLaMA 3.1.
    Llama3(Llama3Scaling),
}

/// The change of rotary frequencies by which LLaMA 3.1 reaches longer contexts.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Llama3Scaling {
    /// Low frequencies are divided by it.
    pub factor: f64,
    /// Fewer turns than this in the original context make a frequency low.
    pub low_freq_factor: f64,
    /// More turns than this make it high, and leave it alone.
    pub high_freq_factor: f64,
    /// The context before, tokens.
    pub original_max_position_embeddings: usize,
}

impl RopeScaling {
    /// A frequency, radians a token, after the change; between low and high the two are mixed
    /// linearly in the turns.
    fn apply(&self, frequency: f64) -> f64 {
        match self {
            RopeScaling::Linear { factor } => frequency / factor,
            RopeScaling::Llama3(scaling) => {
                let turns = scaling.original_max_position_embeddings as f64 * frequency / TAU;
                let high = ((turns - scaling.low_freq_factor)
                    / (scaling.high_freq_factor - scaling.low_freq_factor))
                    .clamp(0.0, 1.0);
                (1.0 - high) * frequency / scaling.factor + high * frequency
            }
        }
    }
}

/// Sizes of a LLaMA network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelConfig {
    /// What it does beside LLaMA.
    pub family: Family,
    /// Tokens of the vocabulary.
    pub vocab_size: usize,
    /// Whether the head is the embedding.
    pub is_tied: bool,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Transformer blocks.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; each serves `n_heads / n_kv_heads` query heads.
    pub n_kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub d_ff: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Change of these frequencies.
    pub rope_scaling: Option<RopeScaling>,
    /// Added to the mean square in RMSNorm.
    pub norm_eps: f64,
}

/// Largest sizes; the rotary table has a row of the width of a head for every token of the context.
const MOST: usize = 1 << 24;
const MOST_HEAD_DIM: usize = 1 << 12;

/// Sizes that are not a network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum ConfigError {
    /// A size that must be positive.
    #[error("model `{field}` is 0, expected at least 1")]
    Zero { field: &'static str },
    /// A size for which no machine has the memory.
    #[error("model `{field}` is {found}, expected at most {most}")]
    Large { field: &'static str, found: usize, most: usize },
    /// Widths that do not divide.
    #[error("model `{field}` is {found}, expected a multiple of {divisor}")]
    Multiple { field: &'static str, found: usize, divisor: usize },
    /// A field of a `config.json` that no network here has.
    #[error("`{field}` is {found}, expected {expected}")]
    Field { field: &'static str, found: String, expected: String },
    /// A field that is missing or of another type.
    #[error("{0}")]
    Json(String),
}

impl ModelConfig {
    /// The network of a preset, for a vocabulary of `vocab_size` tokens or the preset's own.
    pub fn of(preset: Preset, vocab_size: Option<usize>) -> Self {
        let (vocab, d_model, n_layers, n_heads, n_kv_heads, d_ff) = match preset {
            Preset::Nano => (2048, 128, 4, 4, 2, 352),
            Preset::Micro => (4096, 256, 5, 8, 4, 704),
            Preset::Small => (8192, 512, 7, 8, 4, 1408),
        };
        ModelConfig {
            family: Family::Llama,
            vocab_size: vocab_size.unwrap_or(vocab),
            is_tied: true,
            d_model,
            n_layers,
            n_heads,
            n_kv_heads,
            head_dim: d_model / n_heads,
            d_ff,
            rope_theta: 10_000.0,
            rope_scaling: None,
            norm_eps: 1e-5,
        }
    }
}

impl ModelConfig {
    /// Checks that the sizes fit each other.
    pub fn check(&self) -> Result<(), ConfigError> {
        for (field, size) in [
            ("vocab_size", self.vocab_size),
            ("d_model", self.d_model),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("n_kv_heads", self.n_kv_heads),
            ("head_dim", self.head_dim),
            ("d_ff", self.d_ff),
        ] {
            let most = if field == "head_dim" { MOST_HEAD_DIM } else { MOST };
            match size {
                0 => return Err(ConfigError::Zero { field }),
                found if found > most => return Err(ConfigError::Large { field, found, most }),
                _ => {}
            }
        }
        let multiple = |field, found: usize, divisor: usize| {
            if found.is_multiple_of(divisor) {
                Ok(())
            } else {
                Err(ConfigError::Multiple { field, found, divisor })
            }
        };
        multiple("n_heads", self.n_heads, self.n_kv_heads)?;
        // rotary embedding turns pairs of coordinates
        multiple("head_dim", self.head_dim, 2)
    }

    /// Whether it has nothing that only some families have.
    pub fn is_plain(&self) -> bool {
        let is_llama = !self.family.has_qkv_bias() && !self.family.has_qk_norm();
        is_llama && self.is_tied && self.n_heads * self.head_dim == self.d_model
    }

    /// Width of queries, keys and values together.
    pub fn qkv_dim(&self) -> usize {
        (self.n_heads + 2 * self.n_kv_heads) * self.head_dim
    }

    /// Rows and columns of the matrix of a projection.
    pub fn dims(&self, module: Module) -> (usize, usize) {
        let (d, d_ff, q, kv) = (
            self.d_model,
            self.d_ff,
            self.n_heads * self.head_dim,
            self.n_kv_heads * self.head_dim,
        );
        match module {
            Module::QProj => (q, d),
            Module::KProj | Module::VProj => (kv, d),
            Module::OProj => (d, q),
            Module::GateProj | Module::UpProj => (d_ff, d),
            Module::DownProj => (d, d_ff),
        }
    }

    /// Angles by which the rotary embedding turns each pair of coordinates from one token to the
    /// next: head_dim / 2.
    pub fn rope_frequencies(&self) -> Vec<f64> {
        let half = self.head_dim / 2;
        let plain = (0..half).map(|pair| self.rope_theta.powf(-(pair as f64) / half as f64));
        plain
            .map(|frequency| {
                self.rope_scaling.map_or(frequency, |scaling| scaling.apply(frequency))
            })
            .collect()
    }

    /// Number of parameters, tied embeddings counted once.
    pub fn parameters(&self) -> usize {
        let (d, q) = (self.d_model, self.n_heads * self.head_dim);
        let bias = if self.family.has_qkv_bias() { self.qkv_dim() } else { 0 };
        let qk_norm = if self.family.has_qk_norm() { 2 * self.head_dim } else { 0 };
        let block = d * (self.qkv_dim() + q + 3 * self.d_ff + 2) + bias + qk_norm;
        let embeddings = if self.is_tied { 1 } else { 2 };
        embeddings * self.vocab_size * d + self.n_layers * block + d
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_have_the_parameters_they_promise() {
        let count = |preset: Preset| ModelConfig::of(preset, None).parameters();
        assert_eq!(count(Preset::Nano), 1_000_576);
        assert_eq!(count(Preset::Micro), 4_737_792);
        assert_eq!(count(Preset::Small), 24_845_824);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let good = ModelConfig::of(Preset::Nano, None);
        assert_eq!(good.check(), Ok(()));
        assert_eq!(
            ModelConfig { n_kv_heads: 3, ..good }.check(),
            Err(ConfigError::Multiple { field: "n_heads", found: 4, divisor: 3 })
        );
        assert_eq!(
            ModelConfig { head_dim: 25, ..good }.check().map_err(|e| e.to_string()),
            Err("model `head_dim` is 25, expected a multiple of 2".into())
        );
        for (bad, field) in [
            (ModelConfig { d_ff: usize::MAX, ..good }, "d_ff"),
            (ModelConfig { head_dim: 1 << 20, ..good }, "head_dim"),
        ] {
            assert!(
                bad.check().unwrap_err().to_string().starts_with(&format!("model `{field}` is "))
            );
        }
        assert_eq!(
            ModelConfig { n_layers: 0, ..good }.check(),
            Err(ConfigError::Zero { field: "n_layers" })
        );
    }
}
