//! One forward and backward pass of a whole plain network (`Llama::is_plain`), written out on plain
//! slices.
//!
//! It computes what [`super::ops`] compute one by one, without a graph between them: residuals are
//! added where they are, gradients of weights go straight to where they are summed, and after the
//! attention of the last block only rows with a target are left.

mod backward;

use super::arena::Arena;
use super::attention::{self, Heads, Turn, Turns};
use super::config::ModelConfig;
use super::kernels::{self, Real};
use super::product::{self, Sizes};

/// Whole sequences laid end to end, and which of their rows predict what.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part<'a> {
    /// Tokens read, n of them.
    pub tokens: &'a [u32],
    /// Tokens of each sequence.
    pub lengths: &'a [usize],
    /// Rows with a target, counted from the first of `tokens`; m of them.
    pub rows: Vec<usize>,
    /// Their targets.
    pub targets: &'a [u32],
}

/// Variables of a network as slices: the embedding, six a block, and the last norm, as
/// `Llama::variables` orders them.
pub(super) struct Network<'a, T> {
    /// Its sizes.
    pub config: ModelConfig,
    /// Rotations of all positions in use.
    pub turns: Turns<T>,
    /// The variables.
    pub variables: Vec<&'a [T]>,
    /// Threads that a product may use.
    pub threads: usize,
    /// Whether a block keeps its input alone, and is computed again for its gradient.
    pub recomputes: bool,
}

/// What the forward leaves of a block for its backward.
enum Trace<T> {
    /// All.
    Kept(Kept<T>),
    /// Its input (n, d).
    Input(Vec<T>),
}

/// What a forward is for.
#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Loss,
    Gradients,
}

/// Variables of a block.
const OF_BLOCK: usize = 6;
const NORM_ATTENTION: usize = 0;
const QKV: usize = 1;
const ATTENTION_OUT: usize = 2;
const NORM_FEED_FORWARD: usize = 3;
const GATE_UP: usize = 4;
const DOWN: usize = 5;

/// What the forward of a block keeps for its backward: n rows up to the attention, r after it,
/// which is m in the last block and n in the others.
struct Kept<T> {
    /// Input (n, d).
    x: Vec<T>,
    /// Its norm (n, d).
    h: Vec<T>,
    /// Turned queries and keys, and values (n, qkv_dim).
    qkv: Vec<T>,
    /// Attention weights.
    weights: Vec<T>,
    /// Output of the attention (r, d).
    attended: Vec<T>,
    /// Residual stream after it (r, d).
    middle: Vec<T>,
    /// Its norm (r, d).
    h_middle: Vec<T>,
    /// Gate and up (r, 2 d_ff).
    gate_up: Vec<T>,
    /// Their product (r, d_ff).
    gated: Vec<T>,
}

impl<T: Real> Network<'_, T> {
    /// Cross-entropy of all targets, total in nats. Its gradients go into `gradients`, one a
    /// variable in their order; they are added if it `adds`.
    pub(super) fn loss_and_gradients(
        &self,
        part: &Part<'_>,
        arena: &mut Arena<T>,
        gradients: &mut [Vec<T>],
        adds: bool,
    ) -> f64 {
        let (x, traces) = self.forward(part, arena, Purpose::Gradients);
        let h = self.last_norm(&x, arena); // (m, d)
        let mut logits = self.logits(&h, arena); // (m, V)
        // the logits turn into their gradient
        let nats = kernels::cross_entropy(&mut logits, self.config.vocab_size, part.targets);
        let head = self.head(part.targets.len());
        let mut dh = arena.take(h.len()); // (m, d)
        product::linear_dx(&logits, self.variables[0], &mut dh, head);
        product::linear_dw(&logits, &h, &mut gradients[0], head, adds);
        let mut dx = arena.take(x.len()); // (m, d)
        dx.fill(T::zero());
        let last = self.variables.len() - 1;
        self.rms_backward(last, &x, &dh, &mut dx, gradients, adds);
        for buffer in [x, h, logits, dh] {
            arena.give(buffer);
        }
        self.backward(part, traces, dx, arena, gradients, adds);
        total(&nats)
    }

    /// Cross-entropy of all targets, total in nats.
    pub(super) fn loss(&self, part: &Part<'_>, arena: &mut Arena<T>) -> f64 {
        let (x, _) = self.forward(part, arena, Purpose::Loss);
        let h = self.last_norm(&x, arena); // (m, d)
        let mut logits = self.logits(&h, arena); // (m, V)
        let nats = kernels::cross_entropy(&mut logits, self.config.vocab_size, part.targets);
        for buffer in [x, h, logits] {
            arena.give(buffer);
        }
        total(&nats)
    }

    fn heads(&self) -> Heads {
        Heads {
            n_heads: self.config.n_heads,
            n_kv_heads: self.config.n_kv_heads,
            head_dim: self.config.head_dim,
        }
    }

    fn sizes(&self, n: usize, m: usize, k: usize) -> Sizes {
        Sizes { n, m, k, threads: self.threads }
    }

    fn head(&self, m: usize) -> Sizes {
        self.sizes(m, self.config.vocab_size, self.config.d_model)
    }

    /// The residual stream after the last block at the rows with a target (m, d), and what the
    /// blocks leave for their gradients.
    fn forward(
        &self,
        part: &Part<'_>,
        arena: &mut Arena<T>,
        purpose: Purpose,
    ) -> (Vec<T>, Vec<Trace<T>>) {
        let d = self.config.d_model;
        let mut x = arena.take(part.tokens.len() * d); // (n, d)
        for (x, &token) in x.chunks_exact_mut(d).zip(part.tokens) {
            x.copy_from_slice(&self.variables[0][token as usize * d..][..d]);
        }
        let mut traces = Vec::with_capacity(self.config.n_layers);
        for layer in 0..self.config.n_layers {
            // (n, d)
            let input = (purpose == Purpose::Gradients && self.recomputes).then(|| arena.copy(&x));
            let (next, kept) = self.block(layer, x, part, arena);
            match (purpose, input) {
                (Purpose::Gradients, None) => traces.push(Trace::Kept(kept)),
                (_, input) => {
                    kept.free(arena);
                    traces.extend(input.map(Trace::Input));
                }
            }
            x = next;
        }
        (x, traces)
    }

    fn block(
        &self,
        layer: usize,
        x: Vec<T>,
        part: &Part<'_>,
        arena: &mut Arena<T>,
    ) -> (Vec<T>, Kept<T>) {
        let ModelConfig { d_model: d, d_ff, norm_eps: eps, .. } = self.config;
        let (n, w) = (part.tokens.len(), &self.variables[1 + OF_BLOCK * layer..][..OF_BLOCK]);
        let mut h = arena.take(n * d); // (n, d)
        kernels::rms_norm(&x, w[NORM_ATTENTION], eps, &mut h);
        let mut qkv = arena.take(n * self.config.qkv_dim()); // (n, qkv_dim)
        product::linear(&h, w[QKV], &mut qkv, self.sizes(n, self.config.qkv_dim(), d), false);
        attention::turn(&mut qkv, part.lengths, self.heads(), &self.turns, Turn::There);
        let mut weights = arena.take(attention::weights_len(part.lengths, self.heads()));
        let mut attended = arena.take(n * d); // (n, d)
        attention::attention(&qkv, part.lengths, self.heads(), &mut weights, &mut attended);
        let mut middle = arena.copy(&x); // (n, d)
        if layer + 1 == self.config.n_layers {
            attended = gather(attended, &part.rows, d, arena); // (m, d)
            middle = gather(middle, &part.rows, d, arena); // (m, d)
        }
        let r = middle.len() / d;
        product::linear(&attended, w[ATTENTION_OUT], &mut middle, self.sizes(r, d, d), true);
        let mut h_middle = arena.take(r * d); // (r, d)
        kernels::rms_norm(&middle, w[NORM_FEED_FORWARD], eps, &mut h_middle);
        let mut gate_up = arena.take(r * 2 * d_ff); // (r, 2 d_ff)
        product::linear(&h_middle, w[GATE_UP], &mut gate_up, self.sizes(r, 2 * d_ff, d), false);
        let mut gated = arena.take(r * d_ff); // (r, d_ff)
        kernels::swiglu(&gate_up, d_ff, &mut gated);
        let mut out = arena.copy(&middle); // (r, d)
        product::linear(&gated, w[DOWN], &mut out, self.sizes(r, d, d_ff), true);
        (out, Kept { x, h, qkv, weights, attended, middle, h_middle, gate_up, gated })
    }

    fn last_norm(&self, x: &[T], arena: &mut Arena<T>) -> Vec<T> {
        let mut h = arena.take(x.len()); // (m, d)
        kernels::rms_norm(
            x,
            self.variables[self.variables.len() - 1],
            self.config.norm_eps,
            &mut h,
        );
        h
    }

    fn logits(&self, h: &[T], arena: &mut Arena<T>) -> Vec<T> {
        let head = self.head(h.len() / self.config.d_model);
        let mut logits = arena.take(head.n * head.m); // (m, V)
        product::linear(h, self.variables[0], &mut logits, head, false);
        logits
    }
}

impl<T: Real> Kept<T> {
    fn free(self, arena: &mut Arena<T>) {
        let Kept { x, h, qkv, weights, attended, middle, h_middle, gate_up, gated } = self;
        for buffer in [x, h, qkv, weights, attended, middle, h_middle, gate_up, gated] {
            arena.give(buffer);
        }
    }
}

/// In f64: a sum over thousands of tokens loses digits in f32.
fn total<T: Real>(nats: &[T]) -> f64 {
    nats.iter().map(|&row| row.to_f64()).sum()
}

/// Some rows of `x (n, d)`.
fn gather<T: Real>(x: Vec<T>, rows: &[usize], d: usize, arena: &mut Arena<T>) -> Vec<T> {
    let mut some = arena.take(rows.len() * d);
    for (some, &row) in some.chunks_exact_mut(d).zip(rows) {
        some.copy_from_slice(&x[row * d..][..d]);
    }
    arena.give(x);
    some
}
