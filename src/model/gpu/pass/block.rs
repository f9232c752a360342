//! A block of the network, forward and backward.

use super::super::card::{Address, Card, Kind, Matrices, typed};
use super::super::feed::{Part, Shape};
use super::super::layout::Matrix;
use super::super::places::Keeps;
use super::{Pass, ROW, arguments};
use crate::model::config::ModelConfig;
use candle_core::Result;

impl<C: Card> Pass<'_, C> {
    /// Where the norm at `kept` leaves the stream for the backward, if there is one.
    pub(super) fn kept(&self, kept: Address) -> Address {
        if self.plan.keeps == Keeps::Nothing { 0 } else { kept }
    }

    fn is_last(&self, layer: usize) -> bool {
        layer + 1 == self.config().n_layers
    }

    /// Rows of a block after its attention.
    fn rows(&self, layer: usize) -> usize {
        if self.is_last(layer) { self.shape.m } else { self.shape.n }
    }

    pub(super) fn block(&self, layer: usize) -> Result<()> {
        let (p, Shape { n, m }) = (self.places, self.shape);
        let ModelConfig { d_model: d, d_ff: f, .. } = *self.config();
        let (q, r) = (self.config().qkv_dim(), self.rows(layer));
        let of = |at: Address, columns: usize, rows: usize| Matrices { at, stride: rows * columns };
        let weights = |matrix| self.factor(self.layout.matrix(layer, matrix));
        self.norm(2 * layer, p.stream, p.h[layer], self.kept(p.x[layer]), n)?;
        self.multiply(
            Kind::Output,
            [n, q, d],
            [of(p.h[layer], d, n), weights(Matrix::Qkv), of(p.qkv[layer], q, n)],
            false,
            false,
        )?;
        self.turn(p.qkv[layer], 1.0)?;
        self.attention(layer)?;
        let (mut attended, mut stream) = (of(p.attended[layer], d, n), p.stream);
        if self.is_last(layer) {
            (attended, stream) = (of(p.attended_rows, d, m), p.stream_rows);
            let rows = self.part(Part::Rows);
            let gather = |kernel, from, to| {
                self.launch(
                    kernel,
                    [m, self.plan.runs, 1],
                    ROW,
                    0,
                    arguments![from, rows, to, n, m, d],
                )
            };
            gather(typed!(self.plan.precision, "gather"), p.attended[layer], p.attended_rows)?;
            gather("gather_f32", p.stream, p.stream_rows)?;
        }
        self.multiply(
            Kind::Output,
            [r, d, d],
            [attended, weights(Matrix::AttentionOut), of(stream, d, r)],
            true,
            true,
        )?;
        self.norm(2 * layer + 1, stream, p.h_middle[layer], self.kept(p.middle[layer]), r)?;
        let gate_up = of(p.gate_up[layer], 2 * f, r);
        self.multiply(
            Kind::Output,
            [r, 2 * f, d],
            [of(p.h_middle[layer], d, r), weights(Matrix::GateUp), gate_up],
            false,
            false,
        )?;
        let swiglu = typed!(self.plan.precision, "swiglu");
        self.launch(
            swiglu,
            [self.plan.runs * r, 1, 1],
            ROW,
            0,
            arguments![gate_up.at, p.gated[layer], f],
        )?;
        self.multiply(
            Kind::Output,
            [r, d, f],
            [of(p.gated[layer], f, r), weights(Matrix::Down), of(stream, d, r)],
            true,
            true,
        )
    }

    pub(super) fn block_backward(&self, layer: usize, adds: bool) -> Result<()> {
        let (p, Shape { n, m }, runs, precision) =
            (self.places, self.shape, self.plan.runs, self.plan.precision);
        let ModelConfig { d_model: d, d_ff: f, .. } = *self.config();
        let (q, r, is_last) = (self.config().qkv_dim(), self.rows(layer), self.is_last(layer));
        let of = |at: Address, columns: usize, rows: usize| Matrices { at, stride: rows * columns };
        let weights = |matrix| self.factor(self.layout.matrix(layer, matrix));
        let gradients = |matrix| self.gradient(self.layout.matrix(layer, matrix));
        let both = |matrix, sizes, dy, x, dx| {
            self.multiply(Kind::Input, sizes, [dy, weights(matrix), dx], false, false)?;
            self.multiply(Kind::Weights, sizes, [dy, x, gradients(matrix)], true, adds)
        };
        let dx = if is_last { p.dx_rows } else { p.dx };
        both(
            Matrix::Down,
            [r, d, f],
            self.small(dx, r),
            of(p.gated[layer], f, r),
            of(p.dgated, f, r),
        )?;
        self.launch(
            typed!(precision, "swiglu_backward"),
            [runs * r, 1, 1],
            ROW,
            0,
            arguments![p.gate_up[layer], p.dgated, f],
        )?;
        both(
            Matrix::GateUp,
            [r, 2 * f, d],
            of(p.gate_up[layer], 2 * f, r),
            of(p.h_middle[layer], d, r),
            of(p.dh, d, r),
        )?;
        self.norm_backward(2 * layer + 1, p.middle[layer], p.dh, dx, r)?;
        let (attended, dattended) = if is_last {
            (p.attended_rows, p.dattended_rows)
        } else {
            (p.attended[layer], p.dattended)
        };
        both(
            Matrix::AttentionOut,
            [r, d, d],
            self.small(dx, r),
            of(attended, d, r),
            of(dattended, d, r),
        )?;
        if is_last {
            let place = self.part(Part::Place);
            let scatter = |kernel, from, to| {
                self.launch(kernel, [n, runs, 1], ROW, 0, arguments![from, place, to, n, m, d])
            };
            scatter(typed!(precision, "scatter"), p.dattended_rows, p.dattended)?;
            scatter("scatter_f32", p.dx_rows, p.dx)?;
        }
        self.attention_backward(layer, p.dattended)?;
        both(Matrix::Qkv, [n, q, d], of(p.dqkv, q, n), of(p.h[layer], d, n), of(p.dh, d, n))?;
        self.norm_backward(2 * layer, p.x[layer], p.dh, p.dx, n)
    }
}
