//! Reading without training: the residual stream of whole texts, and keys and values that are kept
//! so that a text is read once.
//!
//! With the keys `K` and values `V` of the tokens read so far kept, both (t, head_dim) a head, the
//! next m tokens are read as the rows of `softmax(q [K; k]^T / sqrt(head_dim)) [V; v]`, the last
//! row over all t + m of them: what the whole text at once would give them.

use super::llama::Llama;
use candle_core::{D, Result, Tensor};
use candle_nn::ops::softmax;
use candle_nn::rotary_emb::rope_slow;

/// What is kept of the tokens that have been read of one sequence.
#[derive(Debug, Clone, Default)]
pub struct Past {
    tokens: usize,
    /// Turned keys and values of each block: (n_kv_heads, tokens, head_dim).
    blocks: Vec<[Tensor; 2]>,
}

impl Past {
    /// Tokens read.
    pub fn tokens(&self) -> usize {
        self.tokens
    }
}

impl Llama {
    /// Reads on in some sequences, each at least one token further; logits of the token after each:
    /// (sequences, V).
    pub fn read_on(&self, sequences: &mut [(&mut Past, &[u32])]) -> Result<Tensor> {
        let model = self.untracked();
        for (past, tokens) in sequences.iter() {
            let found = past.tokens + tokens.len();
            if tokens.is_empty() || found > self.context() {
                candle_core::bail!(
                    "sequence of {found} tokens of which {} are new, expected 1 to {}",
                    tokens.len(),
                    self.context()
                );
            }
        }
        let tokens: Vec<u32> =
            sequences.iter().flat_map(|(_, tokens)| tokens.iter().copied()).collect();
        self.check_tokens(&tokens)?;
        let attend = |layer: usize, qkv: Tensor| {
            let mut start = 0;
            let mut outputs = Vec::with_capacity(sequences.len());
            for (past, tokens) in sequences.iter_mut() {
                let rows = qkv.narrow(0, start, tokens.len())?; // (m, qkv_dim)
                outputs.push(model.attend_on(layer, &rows, past)?);
                start += tokens.len();
            }
            Tensor::cat(&outputs, 0) // (n, n_heads head_dim)
        };
        let x = model.stream(&tokens, None, attend, |_| Ok(()))?; // (n, d)
        let mut last = Vec::with_capacity(sequences.len());
        let mut end = 0;
        for (past, tokens) in sequences.iter_mut() {
            past.tokens += tokens.len();
            end += tokens.len();
            last.push(end as u32 - 1);
        }
        model.unembed(&x.index_select(&Tensor::new(last, self.device())?, 0)?) // (sequences, V)
    }

    /// Attention of the next m tokens of a sequence, from `qkv` (m, qkv_dim), whose keys and values
    /// are kept.
    fn attend_on(&self, layer: usize, qkv: &Tensor, past: &mut Past) -> Result<Tensor> {
        let (heads, m, from) = (self.heads(), qkv.dim(0)?, past.tokens);
        let (kv, d) = (heads.n_kv_heads, heads.head_dim);
        let all = from + m;
        let rope = self.rope();
        let (cos, sin) = rope.tables(all);
        let table = |table: &[f64]| {
            let rows =
                Tensor::from_slice(&table[from * rope.half..], (m, rope.half), self.device())?;
            rows.to_dtype(qkv.dtype()) // (m, head_dim / 2)
        };
        let (cos, sin) = (table(cos)?, table(sin)?);
        let cut = |first: usize, count: usize| {
            // (1, m, count, d)
            let part = qkv.narrow(1, first * d, count * d)?.reshape((1, m, count, d))?;
            part.transpose(1, 2)?.contiguous() // (1, count, m, d)
        };
        let q = rope_slow(&cut(0, heads.n_heads)?, &cos, &sin)?; // (1, n_heads, m, d)
        let k = rope_slow(&cut(heads.n_heads, kv)?, &cos, &sin)?.squeeze(0)?; // (kv, m, d)
        let v = cut(heads.n_heads + kv, kv)?.squeeze(0)?; // (kv, m, d)
        let (k, v) = match past.blocks.get(layer) {
            // (kv, all, d) each
            Some([keys, values]) => (Tensor::cat(&[keys, &k], 1)?, Tensor::cat(&[values, &v], 1)?),
            None => (k.contiguous()?, v.contiguous()?),
        };
        // the heads of one key lie side by side
        let times = heads.n_heads / kv;
        let q = q.contiguous()?.reshape((kv, times * m, d))?; // (kv, times m, d)
        // (kv, times, m, all)
        let scores = (q.matmul(&k.t()?)? / (d as f64).sqrt())?.reshape((kv, times, m, all))?;
        let scores =
            if m > 1 { scores.broadcast_add(&self.mask(from, m, &scores)?)? } else { scores };
        // (kv, times m, all)
        let weights = softmax(&scores, D::Minus1)?.reshape((kv, times * m, all))?;
        // (n_heads, m, d)
        let out = weights.matmul(&v.contiguous()?)?.reshape((heads.n_heads, m, d))?;
        match past.blocks.get_mut(layer) {
            Some(block) => *block = [k, v],
            None => past.blocks.push([k, v]),
        }
        out.transpose(0, 1)?.contiguous()?.reshape((m, heads.out_dim())) // (m, n_heads d)
    }

    /// 0 where a token is seen and minus infinity where it comes later: (m, from + m).
    fn mask(&self, from: usize, m: usize, like: &Tensor) -> Result<Tensor> {
        let row = |at: usize| {
            (0..from + m).map(move |seen| if seen > from + at { f32::NEG_INFINITY } else { 0.0 })
        };
        let mask: Vec<f32> = (0..m).flat_map(row).collect();
        Tensor::from_vec(mask, (m, from + m), self.device())?.to_dtype(like.dtype())
    }

    /// The residual stream before the first block and after each, of whole sequences laid end to
    /// end: (n, d) each.
    pub fn residuals(&self, sequences: &[&[u32]]) -> Result<Vec<Tensor>> {
        let model = self.untracked();
        if let Some(long) =
            sequences.iter().find(|tokens| tokens.is_empty() || tokens.len() > self.context())
        {
            candle_core::bail!(
                "sequence of {} tokens, expected 1 to {}",
                long.len(),
                self.context()
            );
        }
        let tokens = sequences.concat();
        self.check_tokens(&tokens)?;
        let lengths = sequences.iter().map(|tokens| tokens.len()).collect::<Vec<_>>().into();
        let attend =
            |_: usize, qkv: Tensor| self.ops().attention(&qkv, &lengths, self.heads(), self.rope());
        let mut residuals = Vec::new();
        model.stream(&tokens, None, attend, |x| {
            residuals.push(x.clone());
            Ok(())
        })?;
        Ok(residuals)
    }
}
