//! Rotary causal attention on plain slices, forward and backward, each sequence for itself.
//!
//! For a head of width `h` with turned queries `Q`, turned keys `K` and values `V`, all (len, h):
//! `P = softmax(Q K^T / sqrt(h))` over the tokens up to each one, and the output is `P V`.

use super::kernels::{Real, dot, softmax, vectorised};
use super::product::{matmul, view};
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
    /// The table for positions below `context`: position p turns pair i by `p frequencies[i]` (Su
    /// et al. 2021).
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

    /// The same for positions below `len`, in the type of the kernels.
    pub fn turns<T: Real>(&self, len: usize) -> Turns<T> {
        let (cos, sin) = self.tables(len);
        let convert = |table: &[f64]| table.iter().map(|&value| T::from_f64(value)).collect();
        Turns { half: self.half, cos: convert(cos), sin: convert(sin) }
    }
}

/// [`Rope`] in the type of the kernels.
#[derive(Debug)]
pub struct Turns<T> {
    half: usize,
    cos: Vec<T>,
    sin: Vec<T>,
}

/// Which way heads are turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// By their positions.
    There,
    /// Back again: gradients of turned heads into gradients of heads.
    Back,
}

impl<T: Real> Turns<T> {
    /// Turns the heads side by side in a row at a position: coordinates i and i + half of a head
    /// are a pair, as in LLaMA's published code.
    #[inline(always)]
    fn turn(&self, row: &mut [T], position: usize, turn: Turn) {
        let at = position * self.half..(position + 1) * self.half;
        let (cos, sin) = (&self.cos[at.clone()], &self.sin[at]);
        for head in row.chunks_exact_mut(2 * self.half) {
            let (low, high) = head.split_at_mut(self.half);
            for (((a, b), &cos), &sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
                let sin = if turn == Turn::There { sin } else { -sin };
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
        [h, self.n_heads + kv, self.n_heads + self.n_kv_heads + kv]
            .map(|at| at * self.head_dim..(at + 1) * self.head_dim)
    }
}

/// Cuts a slice into the parts of the sequences: part i has `len_i * width(len_i)` entries.
fn per_sequence<'a, T>(
    mut data: &'a mut [T],
    lengths: &[usize],
    width: impl Fn(usize) -> usize,
) -> Vec<&'a mut [T]> {
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

/// Turns queries and keys of `qkv (n, qkv_dim)`, or the gradients of turned ones, by their
/// positions in their sequences.
pub(super) fn turn<T: Real>(
    qkv: &mut [T],
    lengths: &[usize],
    heads: Heads,
    turns: &Turns<T>,
    way: Turn,
) {
    let turned = (heads.n_heads + heads.n_kv_heads) * heads.head_dim;
    let width = heads.qkv_dim();
    per_sequence(qkv, lengths, |_| width)
        .into_par_iter()
        .for_each(|rows| turn_rows(rows, width, turned, turns, way));
}

vectorised! {
    /// Turns the first `turned` columns of the rows of one sequence.
    fn turn_rows<T>(rows: &mut [T], width: usize, turned: usize, turns: &Turns<T>, way: Turn) {
        for (position, row) in rows.chunks_exact_mut(width).enumerate() {
            turns.turn(&mut row[..turned], position, way);
        }
    }
}

/// Entries of the attention weights of some sequences: (n_heads, len, len) each.
pub(super) fn weights_len(lengths: &[usize], heads: Heads) -> usize {
    lengths.iter().map(|len| len * len * heads.n_heads).sum()
}

/// Query rows that are treated together: they see no key beyond the last of them, so nearly half of
/// the work for long sequences is left out.
const BLOCK: usize = 64;

/// Blocks of rows, the last first: its products cover every row, and those of the others add to
/// them.
fn blocks(len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len.div_ceil(BLOCK)).rev().map(move |block| block * BLOCK..len.min((block + 1) * BLOCK))
}

/// Causal attention within each sequence: `out (n, n_heads * head_dim)` of turned
/// `qkv (n, qkv_dim)`. `weights`, of [`weights_len`] entries, are kept for the backward; beyond the
/// block of a row they are left as they were.
pub(super) fn attention<T: Real>(
    qkv: &[T],
    lengths: &[usize],
    heads: Heads,
    weights: &mut [T],
    out: &mut [T],
) {
    let outs = per_sequence(out, lengths, |_| heads.out_dim());
    let parts = per_sequence(weights, lengths, |len| len * heads.n_heads);
    outs.into_par_iter().zip(parts).zip(starts(lengths)).zip(lengths).for_each(
        |(((out, weights), start), &len)| {
            let (width, out_width, hd) = (heads.qkv_dim(), heads.out_dim(), heads.head_dim);
            let rows = &qkv[start * width..(start + len) * width];
            for (h, p) in weights.chunks_exact_mut(len * len).enumerate() {
                let [q, k, v] = heads.columns(h);
                for block in blocks(len) {
                    let (count, seen) = (block.len(), block.end);
                    let query = view(&rows[block.start * width + q.start..], width); // (count, hd)
                    // (seen, hd)
                    let (key, value) =
                        (view(&rows[k.start..], width), view(&rows[v.start..], width));
                    let p = &mut p[block.start * len..block.end * len]; // (count, len)
                    matmul(
                        p,
                        len,
                        query,
                        key.t(),
                        (count, seen, hd),
                        1.0 / (hd as f64).sqrt(),
                        false,
                        1,
                    );
                    causal_softmax(p, len, block.clone());
                    let out = &mut out[block.start * out_width + q.start..];
                    matmul(out, out_width, view(p, len), value, (count, hd, seen), 1.0, false, 1);
                }
            }
        },
    );
}

/// Gradient of [`attention`] in the turned `qkv`; every entry of `dqkv` is written.
pub(super) fn attention_backward<T: Real>(
    qkv: &[T],
    weights: &[T],
    lengths: &[usize],
    heads: Heads,
    dout: &[T],
    dqkv: &mut [T],
) {
    let weight_starts =
        starts(&lengths.iter().map(|len| len * len * heads.n_heads).collect::<Vec<_>>());
    let parts = per_sequence(dqkv, lengths, |_| heads.qkv_dim());
    parts.into_par_iter().zip(weight_starts).zip(starts(lengths)).zip(lengths).for_each(
        |(((dqkv, at), start), &len)| {
            let (width, out_width, hd) = (heads.qkv_dim(), heads.out_dim(), heads.head_dim);
            let rows = &qkv[start * width..(start + len) * width];
            let dout = &dout[start * out_width..(start + len) * out_width];
            let mut dp = vec![T::zero(); BLOCK.min(len) * len];
            for h in 0..heads.n_heads {
                let p = &weights[at + h * len * len..at + (h + 1) * len * len];
                let [q, k, v] = heads.columns(h);
                let shares_keys = !h.is_multiple_of(heads.n_heads / heads.n_kv_heads);
                for block in blocks(len) {
                    let (count, seen) = (block.len(), block.end);
                    let adds = shares_keys || block.end < len;
                    let query = view(&rows[block.start * width + q.start..], width); // (count, hd)
                    // (seen, hd)
                    let (key, value) =
                        (view(&rows[k.start..], width), view(&rows[v.start..], width));
                    // (count, hd)
                    let dout = view(&dout[block.start * out_width + q.start..], out_width);
                    let p = &p[block.start * len..block.end * len]; // (count, len)
                    matmul(
                        &mut dqkv[v.start..],
                        width,
                        view(p, len).t(),
                        dout,
                        (seen, hd, count),
                        1.0,
                        adds,
                        1,
                    );
                    matmul(&mut dp, len, dout, value.t(), (count, seen, hd), 1.0, false, 1);
                    softmax_backward(p, &mut dp, len, seen, 1.0 / (hd as f64).sqrt());
                    matmul(
                        &mut dqkv[block.start * width + q.start..],
                        width,
                        view(&dp, len),
                        key,
                        (count, hd, seen),
                        1.0,
                        false,
                        1,
                    );
                    matmul(
                        &mut dqkv[k.start..],
                        width,
                        view(&dp, len).t(),
                        query,
                        (seen, hd, count),
                        1.0,
                        adds,
                        1,
                    );
                }
            }
        },
    );
}

vectorised! {
    /// Softmax of the entries that each row of a block sees, 0 for the others up to the end of the
    /// block.
    fn causal_softmax<T>(scores: &mut [T], len: usize, block: Range<usize>) {
        for (row, t) in scores.chunks_exact_mut(len).zip(block.clone()) {
            let (seen, unseen) = row[..block.end].split_at_mut(t + 1);
            softmax(seen);
            unseen.fill(T::zero());
        }
    }

    /// The first `seen` entries of each row of `dp` become the gradient of the scores:
    /// `scale p (dp - sum(p dp))`, 0 where p is masked.
    fn softmax_backward<T>(p: &[T], dp: &mut [T], len: usize, seen: usize, scale: f64) {
        let scale = T::from_f64(scale);
        for (p, dp) in p.chunks_exact(len).zip(dp.chunks_exact_mut(len)) {
            let (p, dp) = (&p[..seen], &mut dp[..seen]);
            let mean = dot(p, dp);
            for (dp, &p) in dp.iter_mut().zip(p) {
                *dp = scale * p * (*dp - mean);
            }
        }
    }
}
