//! From tokens to logits and losses, as candle computes them.

use super::{Block, Llama};
use crate::model::batch::Batch;
use crate::model::config::ModelConfig;
use crate::model::lora::PACKS;
use candle_core::{Result, Tensor, Var};
use rand_chacha::ChaCha8Rng;

impl Llama {
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
    pub(in crate::model) fn stream(
        &self,
        tokens: &[u32],
        mut dropout: Option<&mut ChaCha8Rng>,
        mut attend: impl FnMut(usize, Tensor) -> Result<Tensor>,
        mut seen: impl FnMut(&Tensor) -> Result<()>,
    ) -> Result<Tensor> {
        let mut x = self.embed(tokens)?; // (n, d)
        seen(&x)?;
        for layer in 0..self.blocks.len() {
            // (n, d)
            x = self.attended_block(layer, &x, dropout.as_deref_mut(), |qkv| attend(layer, qkv))?;
            seen(&x)?;
        }
        Ok(x)
    }

    /// The residual stream before the first block: (n, d).
    pub(in crate::model) fn embed(&self, tokens: &[u32]) -> Result<Tensor> {
        let tokens = Tensor::new(tokens, self.device())?; // (n)
        self.read(&self.embedding).index_select(&tokens, 0) // (n, d)
    }

    /// The residual stream after a block: (n, d).
    pub(in crate::model) fn block(
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
            // (n, count head_dim)
            self.ops.rms_norm(&heads, &self.read(weight), norm_eps)?.reshape((n, count * head_dim))
        };
        let parts = [
            normed(0, n_heads, q_norm)?,
            normed(n_heads, n_kv_heads, k_norm)?,
            cut(n_heads + n_kv_heads, n_kv_heads)?,
        ];
        Tensor::cat(&parts, 1)?.contiguous() // (n, qkv_dim)
    }

    /// Logits at the rows with a target, which alone pay for the head, of the residual stream after
    /// the last block: (m, V).
    fn head(&self, x: &Tensor, batch: &Batch) -> Result<Tensor> {
        let rows = Tensor::new(batch.rows.as_slice(), self.device())?; // (m)
        self.unembed(&x.index_select(&rows, 0)?) // (m, V)
    }

    /// Logits of some rows of the residual stream: (m, V) of (m, d).
    pub fn unembed(&self, x: &Tensor) -> Result<Tensor> {
        let h = self.ops.rms_norm(x, &self.read(&self.norm), self.config.norm_eps)?; // (m, d)
        self.ops.linear(&h, &self.read(self.head.as_ref().unwrap_or(&self.embedding))) // (m, V)
    }

    /// Cross-entropy of all targets of a batch, total in nats, of the residual stream after the
    /// last block: a scalar.
    pub(in crate::model) fn loss_of(&self, x: &Tensor, batch: &Batch) -> Result<Tensor> {
        self.ops.cross_entropy(&self.head(x, batch)?, &batch.targets)
    }

    /// Cross-entropy of all targets of a batch, total in nats: a scalar.
    pub fn loss(&self, batch: &Batch) -> Result<Tensor> {
        self.ops.cross_entropy(&self.logits(batch)?, &batch.targets)
    }

    /// The same in training, with the dropout of the adapters drawn from `dropout`.
    pub fn training_loss(&self, batch: &Batch, dropout: Option<&mut ChaCha8Rng>) -> Result<Tensor> {
        self.ops.cross_entropy(&self.forward(batch, dropout)?, &batch.targets)
    }
}
