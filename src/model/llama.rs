//! The LLaMA network: variables under published names, and the loss of a batch of whole sequences.

use super::attention::{Heads, Rope, Turns};
use super::batch::Batch;
use super::config::ModelConfig;
use super::gpu::Precision;
use super::kernels::Real;
use super::lora::{Lora, PACKS};
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

    /// Logits at the rows of a batch that have a target: (m, V).
    pub fn logits(&self, batch: &Batch) -> Result<Tensor> {
        self.forward(batch, None)
    }

    fn forward(&self, batch: &Batch, dropout: Option<&mut ChaCha8Rng>) -> Result<Tensor> {
        self.check(batch)?;
        let attend = |_: usize, qkv: Tensor| {
            self.ops.attention(&qkv, &batch.lengths, self.heads(), &self.rope)
        };
        let x = self.stream(&batch.tokens, dropout, attend, |_| Ok(()))?; // (n, d)
        self.head(&x, batch)
    }

    /// The residual stream of some tokens after the last block: (n, d). `attend` turns the queries,
    /// keys and values of a block, by its number, into what its heads put out; `seen` is shown the
    /// stream before the first block and after each.
    pub(super) fn stream(
        &self,
        tokens: &[u32],
        mut dropout: Option<&mut ChaCha8Rng>,
        mut attend: impl FnMut(usize, Tensor) -> Result<Tensor>,
        mut seen: impl FnMut(&Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let mut x = self.embed(tokens)?; // (n, d)
        seen(&x)?;
        for layer in 0..self.blocks.len() {
            x = self.attended_block(layer, &x, dropout.as_deref_mut(), |qkv| attend(layer, qkv))?; // (n, d)
            seen(&x)?;
        }
        Ok(x)
    }

    /// The residual stream before the first block: (n, d).
    pub(super) fn embed(&self, tokens: &[u32]) -> Result<Tensor> {
        let tokens = Tensor::new(tokens, self.device())?; // (n)
        self.read(&self.embedding).index_select(&tokens, 0) // (n, d)
    }

    /// The residual stream after a block: (n, d).
    pub(super) fn block(
        &self,
        layer: usize,
        x: &Tensor,
        batch: &Batch,
        dropout: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor> {
        self.attended_block(layer, x, dropout, |qkv| {
            self.ops.attention(&qkv, &batch.lengths, self.heads(), &self.rope)
        })
    }

    fn attended_block(
        &self,
        layer: usize,
        x: &Tensor,
        mut dropout: Option<&mut ChaCha8Rng>,
        attend: impl FnOnce(Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let (ops, eps, block) = (self.ops, self.config.norm_eps, &self.blocks[layer]);
        let mut project = |x: &Tensor, weight: &Var, pack: usize| {
            let w = self.read(weight); // (rows of the pack, k)
            match &self.lora {
                Some(lora) => lora.project(
                    x,
                    &w,
                    layer,
                    PACKS[pack],
                    ops,
                    self.tracked,
                    dropout.as_deref_mut(),
                ),
                None => ops.linear(x, &w),
            }
        };
        let h = ops.rms_norm(x, &self.read(&block.norm_attention), eps)?; // (n, d)
        let qkv = project(&h, &block.qkv, 0)?; // (n, qkv_dim)
        let h = attend(self.finished(qkv, block)?)?; // (n, n_heads head_dim)
        let x = (x + project(&h, &block.attention_out, 1)?)?; // (n, d)
        let h = ops.rms_norm(&x, &self.read(&block.norm_feed_forward), eps)?; // (n, d)
        let h = ops.swiglu(&project(&h, &block.gate_up, 2)?)?; // (n, d_ff)
        x + project(&h, &block.down, 3)? // (n, d)
    }

    /// Logits at the rows with a target, which alone pay for the head, of the residual stream after
    /// the last block: (m, V).
    fn head(&self, x: &Tensor, batch: &Batch) -> Result<Tensor> {
        let rows = Tensor::new(batch.rows.as_slice(), self.device())?; // (m)
        self.unembed(&x.index_select(&rows, 0)?) // (m, V)
    }

    /// Cross-entropy of all targets of a batch, total in nats, of the residual stream after the
    /// last block: a scalar.
    pub(super) fn loss_of(&self, x: &Tensor, batch: &Batch) -> Result<Tensor> {
        self.ops.cross_entropy(&self.head(x, batch)?, &batch.targets)
    }

    /// Blocks.
    pub(super) fn layers(&self) -> usize {
        self.blocks.len()
    }

    /// Logits of some rows of the residual stream: (m, V) of (m, d).
    pub fn unembed(&self, x: &Tensor) -> Result<Tensor> {
        let h = self.ops.rms_norm(x, &self.read(&self.norm), self.config.norm_eps)?; // (m, d)
        self.ops.linear(&h, &self.read(self.head.as_ref().unwrap_or(&self.embedding))) // (m, V)
    }

    /// Its heads.
    pub(super) fn heads(&self) -> Heads {
        let ModelConfig { n_heads, n_kv_heads, head_dim, .. } = self.config;
        Heads { n_heads, n_kv_heads, head_dim }
    }

    /// Projections (n, qkv_dim) of a block with what its family does to them before they attend.
    fn finished(&self, mut qkv: Tensor, block: &Block) -> Result<Tensor> {
        let ModelConfig { n_heads, n_kv_heads, head_dim, norm_eps, .. } = self.config;
        if let Some(bias) = &block.qkv_bias {
            qkv = qkv.broadcast_add(&self.read(bias))?; // (n, qkv_dim)
        }
        let Some([q_norm, k_norm]) = &block.qk_norm else { return Ok(qkv) };
        let n = qkv.dim(0)?;
        let cut = |first: usize, count: usize| {
            qkv.narrow(1, first * head_dim, count * head_dim)?.contiguous()
        }; // (n, count head_dim)
        let normed = |first: usize, count: usize, weight: &Var| {
            let heads = cut(first, count)?.reshape((n * count, head_dim))?; // (n count, head_dim)
            self.ops.rms_norm(&heads, &self.read(weight), norm_eps)?.reshape((n, count * head_dim)) // (n, count head_dim)
        };
        let parts = [
            normed(0, n_heads, q_norm)?,
            normed(n_heads, n_kv_heads, k_norm)?,
            cut(n_heads + n_kv_heads, n_kv_heads)?,
        ];
        Tensor::cat(&parts, 1)?.contiguous() // (n, qkv_dim)
    }

    /// Cross-entropy of all targets of a batch, total in nats: a scalar.
    pub fn loss(&self, batch: &Batch) -> Result<Tensor> {
        self.ops.cross_entropy(&self.logits(batch)?, &batch.targets)
    }

    /// The same in training, with the dropout of the adapters drawn from `dropout`.
    pub fn training_loss(&self, batch: &Batch, dropout: Option<&mut ChaCha8Rng>) -> Result<Tensor> {
        self.ops.cross_entropy(&self.forward(batch, dropout)?, &batch.targets)
    }

    /// The generator of the dropout of a training from its start; none without adapters that drop.
    pub fn dropout_generator(&self) -> Option<ChaCha8Rng> {
        self.lora().and_then(Lora::dropout_generator)
    }
}
