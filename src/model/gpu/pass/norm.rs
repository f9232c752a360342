//! Norms of the residual stream, and the gradients through them.

use super::super::Precision;
use super::super::card::{Address, Card, Matrices, typed};
use super::super::places::norm_blocks;
use super::{Pass, ROW, THREADS, arguments};
use candle_core::Result;

impl<C: Card> Pass<'_, C> {
    fn norm_weights(&self, norm: usize) -> Address {
        self.weights.master + 4 * self.layout.norm(norm) as u64
    }

    /// `h = rms(x)`, and a copy of x where one is to be kept.
    pub(super) fn norm(
        &self,
        norm: usize,
        x: Address,
        h: Address,
        copy: Address,
        rows: usize,
    ) -> Result<()> {
        let (d, eps) = (self.config().d_model, self.config().norm_eps as f32);
        let arguments =
            arguments![x, self.norm_weights(norm), self.layout.stride, h, copy, rows, d, eps];
        self.launch(
            typed!(self.plan.precision, "rms_norm"),
            [rows.div_ceil(ROW / 32), self.plan.runs, 1],
            ROW,
            0,
            arguments,
        )
    }

    /// Adds the gradient of a norm to that in the stream, and leaves the sum as a factor too.
    pub(super) fn norm_backward(
        &self,
        norm: usize,
        x: Address,
        dh: Address,
        dx: Address,
        rows: usize,
    ) -> Result<()> {
        let (d, eps, runs) = (self.config().d_model, self.config().norm_eps as f32, self.plan.runs);
        let blocks = norm_blocks(self.shape);
        let partial = self.places.partial + (4 * norm * runs * blocks * d) as u64;
        let small = if self.plan.precision == Precision::F32 { 0 } else { self.places.small };
        let arguments = arguments![
            x,
            self.norm_weights(norm),
            self.layout.stride,
            dh,
            dx,
            small,
            partial,
            rows,
            d,
            eps
        ];
        self.launch(
            typed!(self.plan.precision, "rms_norm_backward"),
            [blocks, runs, 1],
            THREADS,
            THREADS / 32 * d * 4,
            arguments,
        )
    }

    /// The gradient in the stream as a factor.
    pub(super) fn small(&self, dx: Address, rows: usize) -> Matrices {
        let at = if self.plan.precision == Precision::F32 { dx } else { self.places.small };
        Matrices { at, stride: rows * self.config().d_model }
    }
}
