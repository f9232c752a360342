//! The backward pass: from the gradient at the rows with a target to those of all variables.

use super::{
    ATTENTION_OUT, DOWN, GATE_UP, Kept, NORM_ATTENTION, NORM_FEED_FORWARD, Network, OF_BLOCK, Part,
    QKV, Trace,
};
use crate::model::arena::Arena;
use crate::model::attention::{self, Turn};
use crate::model::config::ModelConfig;
use crate::model::kernels::{self, Real};
use crate::model::product;

impl<T: Real> Network<'_, T> {
    /// Adds the gradient of the norm with the weights `variable` to `dx`.
    pub(super) fn rms_backward(
        &self,
        variable: usize,
        x: &[T],
        dh: &[T],
        dx: &mut [T],
        gradients: &mut [Vec<T>],
        adds: bool,
    ) {
        let dw =
            kernels::rms_norm_backward(x, self.variables[variable], self.config.norm_eps, dh, dx);
        if adds {
            kernels::add_to(&mut gradients[variable], &dw);
        } else {
            gradients[variable].copy_from_slice(&dw);
        }
    }

    /// From `dx (m, d)` at the rows with a target back to the embedding.
    pub(super) fn backward(
        &self,
        part: &Part<'_>,
        traces: Vec<Trace<T>>,
        dx: Vec<T>,
        arena: &mut Arena<T>,
        gradients: &mut [Vec<T>],
        adds: bool,
    ) {
        let (d, mut dx) = (self.config.d_model, dx);
        for (layer, trace) in traces.into_iter().enumerate().rev() {
            let mut kept = match trace {
                Trace::Kept(kept) => kept,
                Trace::Input(x) => {
                    let (out, kept) = self.block(layer, x, part, arena);
                    arena.give(out);
                    kept
                }
            };
            let dattended =
                self.feed_forward_backward(layer, &mut kept, &mut dx, arena, gradients, adds);
            let (dattended, mut dstream) = if layer + 1 == self.config.n_layers {
                (
                    scatter(dattended, &part.rows, part.tokens.len(), d, arena),
                    scatter(dx, &part.rows, part.tokens.len(), d, arena),
                )
            } else {
                (dattended, dx)
            };
            self.attention_backward(
                layer,
                &kept,
                part,
                dattended,
                &mut dstream,
                arena,
                gradients,
                adds,
            );
            kept.free(arena);
            dx = dstream;
        }
        for (dx, &token) in dx.chunks_exact(d).zip(part.tokens) {
            kernels::add_to(&mut gradients[0][token as usize * d..][..d], dx);
        }
        arena.give(dx);
    }

    /// Takes `dx (r, d)` from the output of a block to the residual stream after its attention;
    /// returns the gradient of what was attended (r, d).
    fn feed_forward_backward(
        &self,
        layer: usize,
        kept: &mut Kept<T>,
        dx: &mut [T],
        arena: &mut Arena<T>,
        gradients: &mut [Vec<T>],
        adds: bool,
    ) -> Vec<T> {
        let ModelConfig { d_model: d, d_ff, .. } = self.config;
        let (r, first) = (dx.len() / d, 1 + OF_BLOCK * layer);
        let w = &self.variables[first..][..OF_BLOCK];
        let down = self.sizes(r, d, d_ff);
        let mut dgated = arena.take(r * d_ff); // (r, d_ff)
        product::linear_dx(dx, w[DOWN], &mut dgated, down);
        product::linear_dw(dx, &kept.gated, &mut gradients[first + DOWN], down, adds);
        kernels::swiglu_backward(&mut kept.gate_up, d_ff, &dgated);
        arena.give(dgated);
        let gate_up = self.sizes(r, 2 * d_ff, d);
        let mut dh = arena.take(r * d); // (r, d)
        product::linear_dx(&kept.gate_up, w[GATE_UP], &mut dh, gate_up);
        product::linear_dw(
            &kept.gate_up,
            &kept.h_middle,
            &mut gradients[first + GATE_UP],
            gate_up,
            adds,
        );
        self.rms_backward(first + NORM_FEED_FORWARD, &kept.middle, &dh, dx, gradients, adds);
        let out = self.sizes(r, d, d);
        product::linear_dx(dx, w[ATTENTION_OUT], &mut dh, out); // (r, d)
        product::linear_dw(dx, &kept.attended, &mut gradients[first + ATTENTION_OUT], out, adds);
        dh
    }

    /// Takes `dx (n, d)` on from the residual stream after the attention of a block to its input.
    #[allow(clippy::too_many_arguments, reason = "the state of a backward pass")]
    fn attention_backward(
        &self,
        layer: usize,
        kept: &Kept<T>,
        part: &Part<'_>,
        dattended: Vec<T>,
        dx: &mut [T],
        arena: &mut Arena<T>,
        gradients: &mut [Vec<T>],
        adds: bool,
    ) {
        let (n, first) = (part.tokens.len(), 1 + OF_BLOCK * layer);
        let mut dqkv = arena.take(kept.qkv.len()); // (n, qkv_dim)
        attention::attention_backward(
            &kept.qkv,
            &kept.weights,
            part.lengths,
            self.heads(),
            &dattended,
            &mut dqkv,
        );
        attention::turn(&mut dqkv, part.lengths, self.heads(), &self.turns, Turn::Back);
        let qkv = self.sizes(n, self.config.qkv_dim(), self.config.d_model);
        let mut dh = dattended; // (n, d)
        product::linear_dx(&dqkv, self.variables[first + QKV], &mut dh, qkv);
        product::linear_dw(&dqkv, &kept.h, &mut gradients[first + QKV], qkv, adds);
        self.rms_backward(first + NORM_ATTENTION, &kept.x, &dh, dx, gradients, adds);
        arena.give(dqkv);
        arena.give(dh);
    }
}

/// `some` put back to their rows of n, the others 0.
fn scatter<T: Real>(
    some: Vec<T>,
    rows: &[usize],
    n: usize,
    d: usize,
    arena: &mut Arena<T>,
) -> Vec<T> {
    let mut all = arena.take(n * d);
    all.fill(T::zero());
    for (some, &row) in some.chunks_exact(d).zip(rows) {
        all[row * d..][..d].copy_from_slice(some);
    }
    arena.give(some);
    all
}
