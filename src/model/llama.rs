//! The LLaMA network: variables under published names, and the loss of a batch of whole sequences.

use super::attention::{Heads, Rope, Turns};
use super::config::ModelConfig;
use super::kernels::Real;
use super::ops::Ops;
use super::pass::Part;
use candle_core::{DType, Device, Result, Tensor, Var};
use rand_distr::{Distribution, Normal};
use std::sync::Arc;

/// Whole sequences laid end to end, and which of their tokens are to be predicted.
#[derive(Debug, Clone)]
pub struct Batch {
    tokens: Vec<u32>,
    lengths: Arc<[usize]>,
    /// Rows whose next token is a target.
    rows: Vec<u32>,
    targets: Arc<[u32]>,
}

impl Batch {
    /// The batch of some sequences. Of each, tokens from `first_target` on are predicted, each from all before it;
    /// the last token is only predicted, never read. Sequences without a token to predict are left out.
    pub fn new<'a>(sequences: impl IntoIterator<Item = (&'a [u32], usize)>) -> Self {
        let (mut tokens, mut lengths, mut rows, mut targets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (sequence, first_target) in sequences {
            let first_target = first_target.max(1);
            if sequence.len() <= first_target {
                continue;
            }
            let start = tokens.len();
            tokens.extend_from_slice(&sequence[..sequence.len() - 1]);
            lengths.push(sequence.len() - 1);
            rows.extend((first_target..sequence.len()).map(|at| (start + at - 1) as u32));
            targets.extend_from_slice(&sequence[first_target..]);
        }
        Batch { tokens, lengths: lengths.into(), rows, targets: targets.into() }
    }

    /// The same sequences in parts of about `tokens` tokens: one, or an even number of them as far as whole sequences allow,
    /// so that two threads share them.
    pub(super) fn parts(&self, tokens: usize) -> Vec<Part<'_>> {
        let count = match (self.tokens.len() + tokens / 2) / tokens {
            0 | 1 => 1,
            more => more.next_multiple_of(2),
        };
        let (mut parts, mut start, mut target) = (Vec::<Part<'_>>::new(), 0, 0);
        let mut sequence = 0;
        while sequence < self.lengths.len() {
            let (first, from) = (sequence, start);
            while sequence < self.lengths.len() && start * count / self.tokens.len() == from * count / self.tokens.len() {
                start += self.lengths[sequence];
                sequence += 1;
            }
            let targets = self.rows[target..].iter().take_while(|&&row| (row as usize) < start).count();
            parts.push(Part {
                tokens: &self.tokens[from..start],
                lengths: &self.lengths[first..sequence],
                rows: self.rows[target..target + targets].iter().map(|&row| row as usize - from).collect(),
                targets: &self.targets[target..target + targets],
            });
            target += targets;
        }
        parts
    }

    /// Tokens read.
    pub fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Tokens of the longest sequence.
    fn longest(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    /// Tokens predicted.
    pub fn targets(&self) -> usize {
        self.targets.len()
    }
}

/// Variables of one transformer block.
#[derive(Debug, Clone)]
struct Block {
    norm_attention: Var,
    qkv: Var,
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
    rope: Arc<Rope>,
    ops: Ops,
}

impl Llama {
    /// The network with the variables that `variable(name, shape)` gives; `context` bounds the length of a sequence.
    pub fn build(config: ModelConfig, context: usize, ops: Ops, mut variable: impl FnMut(&str, &[usize]) -> Result<Var>) -> Result<Self> {
        config.check().map_err(candle_core::Error::wrap)?;
        let ModelConfig { vocab_size, d_model, d_ff, .. } = config;
        let embedding = variable("model.embed_tokens.weight", &[vocab_size, d_model])?;
        let blocks = (0..config.n_layers)
            .map(|layer| {
                let mut at = |name: &str, shape: &[usize]| variable(&format!("model.layers.{layer}.{name}.weight"), shape);
                Ok(Block {
                    norm_attention: at("input_layernorm", &[d_model])?,
                    qkv: at("self_attn.qkv_proj", &[config.qkv_dim(), d_model])?,
                    attention_out: at("self_attn.o_proj", &[d_model, d_model])?,
                    norm_feed_forward: at("post_attention_layernorm", &[d_model])?,
                    gate_up: at("mlp.gate_up_proj", &[2 * d_ff, d_model])?,
                    down: at("mlp.down_proj", &[d_model, d_ff])?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let norm = variable("model.norm.weight", &[d_model])?;
        let rope = Arc::new(Rope::new(context, config.head_dim(), config.rope_theta));
        Ok(Llama { config, embedding, blocks, norm, rope, ops })
    }

    /// A network with random weights from a seeded generator: normal with deviation 0.02, the outputs of a block scaled
    /// by 1 / sqrt(2 n_layers) as in GPT-2, so that the residual stream starts at unit scale; norms are 1.
    pub fn random(config: ModelConfig, context: usize, dtype: DType, device: &Device, rng: &mut impl rand::Rng) -> Result<Self> {
        let output_scale = 1.0 / (2.0 * config.n_layers as f64).sqrt();
        Llama::build(config, context, Ops::best_for(device, dtype), |name, shape| {
            let count = shape.iter().product();
            let deviation = if name.contains("o_proj") || name.contains("down_proj") { 0.02 * output_scale } else { 0.02 };
            let values: Vec<f64> = if shape.len() == 1 {
                vec![1.0; count]
            } else {
                let normal = Normal::new(0.0, deviation).map_err(candle_core::Error::wrap)?;
                (0..count).map(|_| normal.sample(rng)).collect()
            };
            Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?)
        })
    }

    /// A copy with variables of its own, to be trained apart.
    pub fn copy(&self) -> Result<Self> {
        let mut own = self.variables().into_iter();
        Llama::build(self.config, self.rope.context(), self.ops, |_, _| match own.next() {
            Some((_, var)) => Var::from_tensor(&var.as_tensor().copy()?),
            None => candle_core::bail!("network without variables"),
        })
    }

    /// The same variables, run by other ops.
    pub fn with_ops(&self, ops: Ops) -> Self {
        Llama { ops, ..self.clone() }
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

    /// All variables with their names, in one fixed order.
    pub fn variables(&self) -> Vec<(String, &Var)> {
        let mut variables = vec![("model.embed_tokens.weight".to_owned(), &self.embedding)];
        for (layer, block) in self.blocks.iter().enumerate() {
            let named = [
                ("input_layernorm", &block.norm_attention),
                ("self_attn.qkv_proj", &block.qkv),
                ("self_attn.o_proj", &block.attention_out),
                ("post_attention_layernorm", &block.norm_feed_forward),
                ("mlp.gate_up_proj", &block.gate_up),
                ("mlp.down_proj", &block.down),
            ];
            variables.extend(named.map(|(name, var)| (format!("model.layers.{layer}.{name}.weight"), var)));
        }
        variables.push(("model.norm.weight".to_owned(), &self.norm));
        variables
    }

    /// Type of the variables.
    pub(super) fn dtype(&self) -> DType {
        self.embedding.dtype()
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
            candle_core::bail!("sequence of {} tokens, expected at most {}", batch.longest(), self.context());
        }
        let tokens = batch.tokens.iter().chain(&*batch.targets);
        match tokens.copied().find(|&token| token as usize >= self.config.vocab_size) {
            Some(token) => candle_core::bail!("token {token}, expected one below the {} of the vocabulary", self.config.vocab_size),
            None => Ok(()),
        }
    }

    /// Logits at the rows of a batch that have a target: (m, V).
    pub fn logits(&self, batch: &Batch) -> Result<Tensor> {
        let (ops, eps, device) = (self.ops, self.config.norm_eps, self.device());
        self.check(batch)?;
        let heads = Heads { n_heads: self.config.n_heads, n_kv_heads: self.config.n_kv_heads, head_dim: self.config.head_dim() };
        let tokens = Tensor::new(batch.tokens.as_slice(), device)?; // (n)
        let mut x = self.embedding.index_select(&tokens, 0)?; // (n, d)
        for block in &self.blocks {
            let h = ops.rms_norm(&x, &block.norm_attention, eps)?; // (n, d)
            let qkv = ops.linear(&h, &block.qkv)?; // (n, qkv_dim)
            let h = ops.attention(&qkv, &batch.lengths, heads, &self.rope)?; // (n, d)
            x = (x + ops.linear(&h, &block.attention_out)?)?; // (n, d)
            let h = ops.rms_norm(&x, &block.norm_feed_forward, eps)?; // (n, d)
            let h = ops.swiglu(&ops.linear(&h, &block.gate_up)?)?; // (n, d_ff)
            x = (x + ops.linear(&h, &block.down)?)?; // (n, d)
        }
        // only rows with a target pay for the head
        let rows = Tensor::new(batch.rows.as_slice(), device)?; // (m)
        let h = ops.rms_norm(&x.index_select(&rows, 0)?, &self.norm, eps)?; // (m, d)
        ops.linear(&h, &self.embedding) // (m, V)
    }

    /// Cross-entropy of all targets of a batch, total in nats: a scalar.
    pub fn loss(&self, batch: &Batch) -> Result<Tensor> {
        self.ops.cross_entropy(&self.logits(batch)?, &batch.targets)
    }
}
