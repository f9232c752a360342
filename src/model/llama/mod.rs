//! The LLaMA network: variables under published names, and the loss of a batch of whole sequences.

mod forward;

use super::attention::{Heads, Rope, Turns};
use super::batch::Batch;
use super::config::ModelConfig;
use super::gpu::Precision;
use super::kernels::Real;
use super::lora::Lora;
use super::ops::Ops;
use crate::spec::LoraSpec;
use candle_core::{DType, Device, Result, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use std::sync::Arc;

/// Variables of one transformer block.
#[derive(Debug, Clone)]
struct Block {
    norm_attention: Var,
    qkv: Var,
    qkv_bias: Option<Var>,
    /// Of the heads of queries and of keys.
    qk_norm: Option<[Var; 2]>,
    attention_out: Var,
    norm_feed_forward: Var,
    gate_up: Var,
    down: Var,
}

/// A LLaMA network with its variables.
#[derive(Debug, Clone)]
pub struct Llama {
    config: ModelConfig,
    embedding: Var,
    blocks: Vec<Block>,
    norm: Var,
    /// Where it is not the embedding.
    head: Option<Var>,
    /// Adapters, beside which all other variables are frozen.
    lora: Option<Arc<Lora>>,
    /// Whether gradients can be asked for.
    tracked: bool,
    rope: Arc<Rope>,
    ops: Ops,
    /// Of training on a card.
    precision: Precision,
}

impl Llama {
    /// The network with the variables that `variable(name, shape)` gives; `context` bounds the
    /// length of a sequence.
    pub fn build(
        config: ModelConfig,
        context: usize,
        ops: Ops,
        mut variable: impl FnMut(&str, &[usize]) -> Result<Var>,
    ) -> Result<Self> {
        config.check().map_err(candle_core::Error::wrap)?;
        let ModelConfig { family, vocab_size, d_model, d_ff, head_dim, .. } = config;
        let embedding = variable("model.embed_tokens.weight", &[vocab_size, d_model])?;
        let mut blocks = Vec::new();
        for layer in 0..config.n_layers {
            let mut at = |name: &str, shape: &[usize]| {
                variable(&format!("model.layers.{layer}.{name}"), shape)
            };
            blocks.push(Block {
                norm_attention: at("input_layernorm.weight", &[d_model])?,
                qkv: at("self_attn.qkv_proj.weight", &[config.qkv_dim(), d_model])?,
                qkv_bias: family
                    .has_qkv_bias()
                    .then(|| at("self_attn.qkv_proj.bias", &[config.qkv_dim()]))
                    .transpose()?,
                qk_norm: match family.has_qk_norm() {
                    true => Some([
                        at("self_attn.q_norm.weight", &[head_dim])?,
                        at("self_attn.k_norm.weight", &[head_dim])?,
                    ]),
                    false => None,
                },
                attention_out: at(
                    "self_attn.o_proj.weight",
                    &[d_model, config.n_heads * head_dim],
                )?,
                norm_feed_forward: at("post_attention_layernorm.weight", &[d_model])?,
                gate_up: at("mlp.gate_up_proj.weight", &[2 * d_ff, d_model])?,
                down: at("mlp.down_proj.weight", &[d_model, d_ff])?,
            });
        }
        let norm = variable("model.norm.weight", &[d_model])?;
        let head = (!config.is_tied)
            .then(|| variable("lm_head.weight", &[vocab_size, d_model]))
            .transpose()?;
        let rope = Arc::new(Rope::new(context, &config.rope_frequencies()));
        Ok(Llama {
            config,
            embedding,
            blocks,
            norm,
            head,
            lora: None,
            tracked: true,
            rope,
            ops,
            precision: Precision::default(),
        })
    }

    /// A network with random weights from a seeded generator: normal with deviation 0.02, the
    /// outputs of a block scaled by 1 / sqrt(2 n_layers) as in GPT-2, so that the residual stream
    /// starts at unit scale; norms are 1, biases 0.
    pub fn random(
        config: ModelConfig,
        context: usize,
        dtype: DType,
        device: &Device,
        rng: &mut impl rand::Rng,
    ) -> Result<Self> {
        let output_scale = 1.0 / (2.0 * config.n_layers as f64).sqrt();
        Llama::build(config, context, Ops::best_for(device, dtype), |name, shape| {
            let count = shape.iter().product();
            let deviation = if name.contains("o_proj") || name.contains("down_proj") {
                0.02 * output_scale
            } else {
                0.02
            };
            let values: Vec<f64> = if shape.len() == 1 {
                vec![if name.ends_with("bias") { 0.0 } else { 1.0 }; count]
            } else {
                let normal = Normal::new(0.0, deviation).map_err(candle_core::Error::wrap)?;
                (0..count).map(|_| normal.sample(rng)).collect()
            };
            Var::from_tensor(
                &Tensor::from_vec(values, shape, &Device::Cpu)?
                    .to_dtype(dtype)?
                    .to_device(device)?,
            )
        })
    }

    /// A copy with variables of its own and without adapters, to be trained apart.
    pub fn copy(&self) -> Result<Self> {
        let mut own = self.variables().into_iter();
        let copy =
            Llama::build(self.config, self.rope.context(), self.ops, |_, _| match own.next() {
                Some((_, var)) => Var::from_tensor(&var.as_tensor().copy()?),
                None => candle_core::bail!("network without variables"),
            })?;
        Ok(copy.with_precision(self.precision))
    }

    /// A copy to be trained on apart: with variables of its own, or with adapters of its own beside
    /// the same frozen variables.
    pub fn fork(&self) -> Result<Self> {
        match self.lora() {
            Some(lora) => Ok(Llama { lora: Some(Arc::new(lora.copy()?)), ..self.clone() }),
            None => self.copy(),
        }
    }

    /// The same variables, frozen, and fresh adapters beside them, which give the same logits until
    /// they are trained. `seed` decides their weights and their dropout.
    pub fn with_lora(&self, spec: &LoraSpec, seed: u64) -> Result<Self> {
        let lora = Lora::new(spec, &self.config, seed, self.embedding.dtype(), self.device())?;
        Ok(Llama { lora: Some(Arc::new(lora)), ..self.clone() })
    }

    /// Adapters, if there are any.
    pub fn lora(&self) -> Option<&Lora> {
        self.lora.as_deref()
    }

    /// The same variables, run by other ops.
    pub fn with_ops(&self, ops: Ops) -> Self {
        Llama { ops, ..self.clone() }
    }

    /// The same variables, trained on a card in this precision. On the CPU all is in f32.
    pub fn with_precision(&self, precision: Precision) -> Self {
        Llama { precision, ..self.clone() }
    }

    /// Precision of training on a card.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Its sizes.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Longest sequence.
    pub fn context(&self) -> usize {
        self.rope.context()
    }

    /// Device of the variables.
    pub fn device(&self) -> &Device {
        self.embedding.device()
    }

    /// All variables but adapters with their names, in one fixed order.
    pub fn variables(&self) -> Vec<(String, &Var)> {
        let mut variables = vec![("model.embed_tokens.weight".to_owned(), &self.embedding)];
        for (layer, block) in self.blocks.iter().enumerate() {
            let named = [
                ("input_layernorm.weight", Some(&block.norm_attention)),
                ("self_attn.qkv_proj.weight", Some(&block.qkv)),
                ("self_attn.qkv_proj.bias", block.qkv_bias.as_ref()),
                ("self_attn.q_norm.weight", block.qk_norm.as_ref().map(|[q, _]| q)),
                ("self_attn.k_norm.weight", block.qk_norm.as_ref().map(|[_, k]| k)),
                ("self_attn.o_proj.weight", Some(&block.attention_out)),
                ("post_attention_layernorm.weight", Some(&block.norm_feed_forward)),
                ("mlp.gate_up_proj.weight", Some(&block.gate_up)),
                ("mlp.down_proj.weight", Some(&block.down)),
            ];
            variables.extend(
                named
                    .into_iter()
                    .filter_map(|(name, var)| Some((format!("model.layers.{layer}.{name}"), var?))),
            );
        }
        variables.push(("model.norm.weight".to_owned(), &self.norm));
        variables.extend(self.head.as_ref().map(|head| ("lm_head.weight".to_owned(), head)));
        variables
    }

    /// The variables that are trained: the adapters where there are any, else all.
    pub fn trained(&self) -> Vec<(String, &Var)> {
        self.lora().map_or_else(|| self.variables(), Lora::variables)
    }

    /// The same variables, none of them tracked: what a loss needs on the way is freed on the way.
    pub(super) fn untracked(&self) -> Self {
        Llama { tracked: false, ..self.clone() }
    }

    /// A variable as the network reads it: without a gradient where it is frozen.
    fn read(&self, var: &Var) -> Tensor {
        if self.lora.is_some() || !self.tracked {
            var.as_detached_tensor()
        } else {
            var.as_tensor().clone()
        }
    }

    /// Whether it is the network that passes are written out for, and that can stand in a stack:
    /// with nothing that only some families have, and all of it trained.
    pub fn is_plain(&self) -> bool {
        self.config.is_plain() && self.lora.is_none()
    }

    /// Type of the variables.
    pub(super) fn dtype(&self) -> DType {
        self.embedding.dtype()
    }

    /// Rotations of all positions.
    pub(super) fn rope(&self) -> &Arc<Rope> {
        &self.rope
    }

    /// The ops that run.
    pub(super) fn ops(&self) -> Ops {
        self.ops
    }

    /// Rotations of the positions of a batch.
    pub(super) fn turns<T: Real>(&self, batch: &Batch) -> Turns<T> {
        self.rope.turns(batch.longest())
    }

    /// Checks that a batch fits the network.
    pub(super) fn check(&self, batch: &Batch) -> Result<()> {
        if batch.longest() > self.context() {
            candle_core::bail!(
                "sequence of {} tokens, expected at most {}",
                batch.longest(),
                self.context()
            );
        }
        self.check_tokens(&batch.tokens)?;
        self.check_tokens(&batch.targets)
    }

    /// Checks that tokens are of the vocabulary.
    pub(super) fn check_tokens(&self, tokens: &[u32]) -> Result<()> {
        match tokens.iter().copied().find(|&token| token as usize >= self.config.vocab_size) {
            Some(token) => candle_core::bail!(
                "token {token}, expected one below the {} of the vocabulary",
                self.config.vocab_size
            ),
            None => Ok(()),
        }
    }

    /// Blocks.
    pub(super) fn layers(&self) -> usize {
        self.blocks.len()
    }

    /// Its heads.
    pub(super) fn heads(&self) -> Heads {
        let ModelConfig { n_heads, n_kv_heads, head_dim, .. } = self.config;
        Heads { n_heads, n_kv_heads, head_dim }
    }

    /// The generator of the dropout of a training from its start; none without adapters that drop.
    pub fn dropout_generator(&self) -> Option<ChaCha8Rng> {
        self.lora().and_then(Lora::dropout_generator)
    }
}
