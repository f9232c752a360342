//! The same ops composed of candle's differentiable ones: the reference of the tests, and the path
//! on devices without our kernels.

use super::attention::{Heads, Rope};
use candle_core::{D, Result, Tensor};
use candle_nn::ops::{rms_norm_slow, softmax};
use std::sync::Arc;

pub(super) fn rms_norm(x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
    // `rms_norm_slow` takes an f32 epsilon; in f64 it would differ from the fused op in the 8th
    // digit
    if x.dtype() != candle_core::DType::F64 {
        return rms_norm_slow(x, w, eps as f32);
    }
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?; // (n, 1)
    x.broadcast_div(&(mean + eps)?.sqrt()?)?.broadcast_mul(w) // (n, d)
}

pub(super) fn swiglu(x: &Tensor) -> Result<Tensor> {
    let d_ff = x.dim(1)? / 2;
    let gate = x.narrow(1, 0, d_ff)?; // (n, d_ff)
    let up = x.narrow(1, d_ff, d_ff)?; // (n, d_ff)
    gate.silu()? * up
}

/// Sequences are laid out on a padded grid, attended under a causal mask, and gathered again.
pub(super) fn attention(
    qkv: &Tensor,
    lengths: &[usize],
    heads: Heads,
    rope: &Rope,
) -> Result<Tensor> {
    let device = qkv.device();
    let (b, t) = (lengths.len(), lengths.iter().copied().max().unwrap_or(0));
    let (mut to_grid, mut from_grid, mut start) = (Vec::with_capacity(b * t), Vec::new(), 0u32);
    for (row, &len) in lengths.iter().enumerate() {
        // padding repeats the last token; it comes after every real one, so the causal mask hides
        // it
        to_grid.extend((0..t as u32).map(|at| start + at.min(len as u32 - 1)));
        from_grid.extend((0..len as u32).map(|at| row as u32 * t as u32 + at));
        start += len as u32;
    }
    let grid = qkv.index_select(&Tensor::new(to_grid, device)?, 0)?; // (b t, qkv_dim)
    let out = attention_on_grid(&grid, b, t, heads, rope)?; // (b t, h head_dim)
    out.index_select(&Tensor::new(from_grid, device)?, 0) // (n, h head_dim)
}

/// The same on a grid of b sequences of t tokens.
pub(super) fn attention_on_grid(
    grid: &Tensor,
    b: usize,
    t: usize,
    heads: Heads,
    rope: &Rope,
) -> Result<Tensor> {
    let (device, dtype) = (grid.device(), grid.dtype());
    let (cos, sin) = rope.tables(t);
    // (t, head_dim / 2)
    let cos = Tensor::from_slice(cos, (t, rope.half), device)?.to_dtype(dtype)?;
    // (t, head_dim / 2)
    let sin = Tensor::from_slice(sin, (t, rope.half), device)?.to_dtype(dtype)?;
    let split = |first: usize, count: usize| -> Result<Tensor> {
        // (b t, count head_dim)
        let part = grid.narrow(1, first * heads.head_dim, count * heads.head_dim)?;
        // (b, count, t, head_dim)
        part.reshape((b, t, count, heads.head_dim))?.transpose(1, 2)?.contiguous()
    };
    let repeat = |x: Tensor| -> Result<Tensor> {
        let times = heads.n_heads / heads.n_kv_heads;
        // (b, kv, times, t, head_dim)
        let x = x.unsqueeze(2)?.expand((b, heads.n_kv_heads, times, t, heads.head_dim))?;
        x.reshape((b, heads.n_heads, t, heads.head_dim)) // (b, h, t, head_dim)
    };
    // (b, h, t, head_dim)
    let q = candle_nn::rotary_emb::rope_slow(&split(0, heads.n_heads)?, &cos, &sin)?;
    // (b, kv, t, head_dim)
    let k = candle_nn::rotary_emb::rope_slow(&split(heads.n_heads, heads.n_kv_heads)?, &cos, &sin)?;
    let v = split(heads.n_heads + heads.n_kv_heads, heads.n_kv_heads)?; // (b, kv, t, head_dim)
    let mask: Vec<f32> =
        (0..t * t).map(|at| if at % t > at / t { f32::NEG_INFINITY } else { 0.0 }).collect();
    let mask = Tensor::from_vec(mask, (t, t), device)?.to_dtype(dtype)?; // (t, t)
    let scores = (q.matmul(&repeat(k)?.t()?)? / (heads.head_dim as f64).sqrt())?; // (b, h, t, t)
    let weights = softmax(&scores.broadcast_add(&mask)?, D::Minus1)?; // (b, h, t, t)
    let out = weights.matmul(&repeat(v)?.contiguous()?)?.transpose(1, 2)?; // (b, t, h, head_dim)
    out.reshape((b * t, heads.out_dim())) // (b t, h head_dim)
}

pub(super) fn cross_entropy(logits: &Tensor, targets: &Arc<[u32]>) -> Result<Tensor> {
    let targets = Tensor::new(&**targets, logits.device())?; // (m)
    let mean = candle_nn::loss::cross_entropy(logits, &targets)?;
    mean * targets.elem_count() as f64
}
