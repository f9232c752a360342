//! The sizes of a LLaMA network, and those of the presets.

use crate::spec::Preset;

/// Sizes of a LLaMA network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelConfig {
    /// Tokens of the vocabulary; embeddings and head are tied.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Transformer blocks.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; each serves `n_heads / n_kv_heads` query heads.
    pub n_kv_heads: usize,
    /// Width of the feed-forward layer.
    pub d_ff: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Added to the mean square in RMSNorm.
    pub norm_eps: f64,
}

/// Sizes that are not a network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConfigError {
    /// A size that must be positive.
    #[error("model `{field}` is 0, expected at least 1")]
    Zero { field: &'static str },
    /// Widths that do not divide.
    #[error("model `{field}` is {found}, expected a multiple of {divisor}")]
    Multiple { field: &'static str, found: usize, divisor: usize },
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
            vocab_size: vocab_size.unwrap_or(vocab),
            d_model,
            n_layers,
            n_heads,
            n_kv_heads,
            d_ff,
            rope_theta: 10_000.0,
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
            ("d_ff", self.d_ff),
        ] {
            if size == 0 {
                return Err(ConfigError::Zero { field });
            }
        }
        let multiple = |field, found: usize, divisor: usize| {
            if found.is_multiple_of(divisor) { Ok(()) } else { Err(ConfigError::Multiple { field, found, divisor }) }
        };
        multiple("n_heads", self.n_heads, self.n_kv_heads)?;
        // rotary embedding turns pairs of coordinates of a head
        multiple("d_model", self.d_model, 2 * self.n_heads)
    }

    /// Width of one head.
    pub fn head_dim(&self) -> usize {
        self.d_model / self.n_heads
    }

    /// Width of queries, keys and values together.
    pub fn qkv_dim(&self) -> usize {
        (self.n_heads + 2 * self.n_kv_heads) * self.head_dim()
    }

    /// Number of parameters, embeddings counted once.
    pub fn parameters(&self) -> usize {
        let block = self.d_model * (self.qkv_dim() + self.d_model + 3 * self.d_ff + 2);
        self.vocab_size * self.d_model + self.n_layers * block + self.d_model
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
        assert_eq!(ModelConfig { n_kv_heads: 3, ..good }.check(), Err(ConfigError::Multiple { field: "n_heads", found: 4, divisor: 3 }));
        assert_eq!(
            ModelConfig { d_model: 100, n_heads: 8, ..good }.check().map_err(|e| e.to_string()),
            Err("model `d_model` is 100, expected a multiple of 16".into())
        );
        assert_eq!(ModelConfig { n_layers: 0, ..good }.check(), Err(ConfigError::Zero { field: "n_layers" }));
    }
}
