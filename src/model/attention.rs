//! Rotary causal attention on plain slices, forward and backward, each sequence for itself.
//!
//! For a head of width `h` with turned queries `Q`, turned keys `K` and values `V`, all (len, h):
//! `P = softmax(Q K^T / sqrt(h))` over the tokens up to each one, and the output is `P V`.

use super::kernels::{Real, add_to, dot, matmul, softmax, vectorised, view};
use rayon::prelude::*;
use std::ops::Range;

/// Cosines and sines of the rotary embedding, (context, head_dim / 2) each.
#[derive(Debug)]
pub struct Rope {
    /// Coordinates turned: half of a head.
    pub half: usize,
    cos: Vec<f64>,
    sin: Vec<f64>,
}

impl Rope {
    /// The table for positions below `context`: position p turns pair i by `p frequencies[i]` (Su et al. 2021).
    pub fn new(context: usize, frequencies: &[f64]) -> Self {
        let half = frequencies.len();
        let angles = (0..context * half).map(|at| (at / half) as f64 * frequencies[at % half]);
        let (cos, sin) = angles.map(|angle| (angle.cos(), angle.sin())).unzip();
        Rope { half, cos, sin }
    }

    /// Positions in the table.
    pub fn context(&self) -> usize {
        self.cos.len() / self.half
    }

    /// Cosines and sines of positions below `len`, (len, half) each.
    pub fn tables(&self, len: usize) -> (&[f64], &[f64]) {
        (&self.cos[..len * self.half], &self.sin[..len * self.half])
    }

    /// Turns row t of `x` by position t, `sign` -1 turning back: coordinates i and i + half are a pair, as in LLaMA's published code.
    fn turn<T: Real>(&self, x: &mut [T], sign: f64) {
        let half = self.half;
        for (t, row) in x.chunks_exact_mut(2 * half).enumerate() {
            let (low, high) = row.split_at_mut(half);
            let at = t * half..(t + 1) * half;
            for (((a, b), &cos), &sin) in low.iter_mut().zip(high).zip(&self.cos[at.clone()]).zip(&self.sin[at]) {
                let (cos, sin) = (T::from_f64(cos), T::from_f64(sign * sin));
                (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
            }
        }
    }
}

/// Heads of an attention: rows of qkv are queries, keys and values side by side.
#[derive(Debug, Clone, Copy)]
pub struct Heads {
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_kv_heads: usize,
    /// Width of one.
    pub head_dim: usize,
}

impl Heads {
    /// Width of a row of qkv.
    pub fn qkv_dim(&self) -> usize {
        (self.n_heads + 2 * self.n_kv_heads) * self.head_dim
    }

    /// Width of a row of the output.
    pub fn out_dim(&self) -> usize {
        self.n_heads * self.head_dim
    }

    /// Columns of query head `h`, and of its key and value heads.
    fn columns(&self, h: usize) -> [Range<usize>; 3] {
        let kv = h / (self.n_heads / self.n_kv_heads);
        [h, self.n_heads + kv, self.n_heads + self.n_kv_heads + kv].map(|at| at * self.head_dim..(at + 1) * self.head_dim)
    }
}

/// Cuts a slice into the parts of the sequences: part i has `len_i * width(len_i)` entries.
fn per_sequence<'a, T>(mut data: &'a mut [T], lengths: &[usize], width: impl Fn(usize) -> usize) -> Vec<&'a mut [T]> {
    let mut parts = Vec::with_capacity(lengths.len());
    for &len in lengths {
        let (part, rest) = data.split_at_mut(len * width(len));
        parts.push(part);
        data = rest;
    }
    parts
}

fn starts(lengths: &[usize]) -> Vec<usize> {
    lengths.iter().scan(0, |at, &len| Some(std::mem::replace(at, *at + len))).collect()
}

/// Rotary causal attention within each sequence: `out (n, n_heads * head_dim)` of `qkv (n, qkv_dim)`.
/// Returns the attention weights, (n_heads, len, len) a sequence, which the backward needs.
pub fn attention<T: Real>(qkv: &[T], lengths: &[usize], heads: Heads, rope: &Rope, out: &mut [T]) -> Vec<T> {
    let mut weights = vec![T::zero(); lengths.iter().map(|len| len * len * heads.n_heads).sum()];
    let outs = per_sequence(out, lengths, |_| heads.out_dim());
    let parts = per_sequence(&mut weights, lengths, |len| len * heads.n_heads);
    outs.into_par_iter().zip(parts).zip(starts(lengths)).zip(lengths).for_each(|(((out, weights), start), &len)| {
        let (width, hd) = (heads.qkv_dim(), heads.head_dim);
        let rows = &qkv[start * width..(start + len) * width];
        for (h, p) in weights.chunks_exact_mut(len * len).enumerate() {
            let [q, k, v] = heads.columns(h);
            let query = turned(rows, width, &q, rope);
            let key = turned(rows, width, &k, rope);
            matmul(p, len, view(&query, hd), view(&key, hd).t(), (len, len, hd), 1.0 / (hd as f64).sqrt(), false, 1);
            vectorised(|| causal_softmax(p, len));
            matmul(&mut out[q.start..], heads.out_dim(), view(p, len), view(&rows[v.start..], width), (len, hd, len), 1.0, false, 1);
        }
    });
    weights
}

/// Gradient of [`attention`] in `qkv`.
pub fn attention_backward<T: Real>(qkv: &[T], weights: &[T], lengths: &[usize], heads: Heads, rope: &Rope, dout: &[T], dqkv: &mut [T]) {
    let weight_starts = starts(&lengths.iter().map(|len| len * len * heads.n_heads).collect::<Vec<_>>());
    let parts = per_sequence(dqkv, lengths, |_| heads.qkv_dim());
    parts.into_par_iter().zip(weight_starts).zip(starts(lengths)).zip(lengths).for_each(|(((dqkv, at), start), &len)| {
        let (width, out_width, hd) = (heads.qkv_dim(), heads.out_dim(), heads.head_dim);
        let rows = &qkv[start * width..(start + len) * width];
        let dout = &dout[start * out_width..(start + len) * out_width];
        let mut dp = vec![T::zero(); len * len];
        let mut dhead = vec![T::zero(); len * hd];
        dqkv.fill(T::zero());
        for h in 0..heads.n_heads {
            let p = &weights[at + h * len * len..at + (h + 1) * len * len];
            let [q, k, v] = heads.columns(h);
            let query = turned(rows, width, &q, rope);
            let key = turned(rows, width, &k, rope);
            let dout = view(&dout[q.start..], out_width);
            matmul(&mut dqkv[v.start..], width, view(p, len).t(), dout, (len, hd, len), 1.0, true, 1);
            matmul(&mut dp, len, dout, view(&rows[v.start..], width).t(), (len, len, hd), 1.0, false, 1);
            vectorised(|| softmax_backward(p, &mut dp, len, 1.0 / (hd as f64).sqrt()));
            matmul(&mut dhead, hd, view(&dp, len), view(&key, hd), (len, hd, len), 1.0, false, 1);
            add_turned_back(&mut dhead, rope, dqkv, width, &q);
            matmul(&mut dhead, hd, view(&dp, len).t(), view(&query, hd), (len, hd, len), 1.0, false, 1);
            add_turned_back(&mut dhead, rope, dqkv, width, &k);
        }
    });
}

/// One head's columns of all rows, turned by their positions: (len, head_dim).
fn turned<T: Real>(rows: &[T], width: usize, columns: &Range<usize>, rope: &Rope) -> Vec<T> {
    let mut head = Vec::with_capacity(rows.len() / width * columns.len());
    for row in rows.chunks_exact(width) {
        head.extend_from_slice(&row[columns.clone()]);
    }
    vectorised(|| rope.turn(&mut head, 1.0));
    head
}

/// Adds the gradient of a turned head to its columns.
fn add_turned_back<T: Real>(dhead: &mut [T], rope: &Rope, drows: &mut [T], width: usize, columns: &Range<usize>) {
    vectorised(|| {
        rope.turn(dhead, -1.0);
        for (drow, dhead) in drows.chunks_exact_mut(width).zip(dhead.chunks_exact(columns.len())) {
            add_to(&mut drow[columns.clone()], dhead);
        }
    });
}

/// Softmax of entries 0..=t of each row t, the rest 0.
#[inline(always)]
fn causal_softmax<T: Real>(scores: &mut [T], len: usize) {
    for (t, row) in scores.chunks_exact_mut(len).enumerate() {
        let (seen, unseen) = row.split_at_mut(t + 1);
        softmax(seen);
        unseen.fill(T::zero());
    }
}

/// `dp` becomes the gradient of the scores: `scale p (dp - sum(p dp))`, 0 where p is masked.
#[inline(always)]
fn softmax_backward<T: Real>(p: &[T], dp: &mut [T], len: usize, scale: f64) {
    let scale = T::from_f64(scale);
    for (p, dp) in p.chunks_exact(len).zip(dp.chunks_exact_mut(len)) {
        let mean = dot(p, dp);
        for (dp, &p) in dp.iter_mut().zip(p) {
            *dp = scale * p * (*dp - mean);
        }
    }
}
