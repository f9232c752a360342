//! Attention that keeps no weights: on tensor cores for the sizes of heads that have kernels, plain
//! for all others.

use super::super::Precision;
use super::super::card::{Address, Card, typed};
use super::super::feed::Part;
use super::{Pass, ROW, arguments};
use crate::model::config::ModelConfig;
use candle_core::Result;

/// Sizes of heads that the attention on tensor cores is for.
const HEADS: [(usize, [&str; 3]); 4] = [
    (16, ["attention_16", "attention_queries_16", "attention_keys_16"]),
    (32, ["attention_32", "attention_queries_32", "attention_keys_32"]),
    (64, ["attention_64", "attention_queries_64", "attention_keys_64"]),
    (128, ["attention_128", "attention_queries_128", "attention_keys_128"]),
];

/// Rows of a tile of it.
const TILE: usize = 64;

impl<C: Card> Pass<'_, C> {
    pub(super) fn turn(&self, qkv: Address, sign: f32) -> Result<()> {
        let ModelConfig { n_heads, n_kv_heads, head_dim, .. } = *self.config();
        let (n, start, columns) = (self.shape.n, self.part(Part::Start), self.config().qkv_dim());
        let tables = (self.places.cosines, self.places.sines);
        let arguments = arguments![
            qkv,
            start,
            tables.0,
            tables.1,
            n,
            n_heads + n_kv_heads,
            head_dim / 2,
            columns,
            sign
        ];
        self.launch(
            typed!(self.plan.precision, "turn"),
            [n.div_ceil(ROW / 32), self.plan.runs, 1],
            ROW,
            0,
            arguments,
        )
    }

    /// Kernels of the attention on tensor cores, where there are some for these heads.
    fn tiled(&self) -> Option<[&'static str; 3]> {
        let own = HEADS.into_iter().find(|(size, _)| *size == self.config().head_dim);
        own.filter(|_| self.plan.precision == Precision::Bf16).map(|(_, names)| names)
    }

    pub(super) fn attention(&self, layer: usize) -> Result<()> {
        let (p, n, runs, start) =
            (self.places, self.shape.n, self.plan.runs, self.part(Part::Start));
        let ModelConfig { n_heads, n_kv_heads, head_dim, .. } = *self.config();
        let scale = 1.0 / (head_dim as f32).sqrt();
        let (qkv, out, lse) = (p.qkv[layer], p.attended[layer], p.lse[layer]);
        match self.tiled() {
            Some([kernel, ..]) => self.launch(
                kernel,
                [n / TILE, n_heads, runs],
                ROW,
                0,
                arguments![qkv, start, out, lse, n, n_heads, n_kv_heads, scale],
            ),
            None => {
                let kernel = typed!(self.plan.precision, "attention_plain");
                let arguments =
                    arguments![qkv, start, out, lse, n, n_heads, n_kv_heads, head_dim, scale];
                self.launch(kernel, [n.div_ceil(ROW / 32), n_heads, runs], ROW, 0, arguments)
            }
        }
    }

    /// From the gradient in what was attended to that in queries, keys and values before they were
    /// turned.
    pub(super) fn attention_backward(&self, layer: usize, dout: Address) -> Result<()> {
        let (p, n, runs) = (self.places, self.shape.n, self.plan.runs);
        let (start, end) = (self.part(Part::Start), self.part(Part::End));
        let ModelConfig { n_heads, n_kv_heads, head_dim, .. } = *self.config();
        let scale = 1.0 / (head_dim as f32).sqrt();
        let (qkv, out, lse, delta, dqkv) =
            (p.qkv[layer], p.attended[layer], p.lse[layer], p.delta, p.dqkv);
        match self.tiled() {
            Some([_, queries, keys]) => {
                let (cos, sin) = (p.cosines, p.sines);
                let arguments = arguments![
                    qkv, start, cos, sin, out, dout, lse, delta, dqkv, n, n_heads, n_kv_heads,
                    scale
                ];
                self.launch(queries, [n / TILE, n_heads, runs], ROW, 0, arguments)?;
                let arguments = arguments![
                    qkv, start, end, cos, sin, dout, lse, delta, dqkv, n, n_heads, n_kv_heads,
                    scale
                ];
                self.launch(keys, [n / TILE, n_kv_heads, runs], ROW, 0, arguments)
            }
            None => {
                let (blocks, precision) = (n.div_ceil(ROW / 32), self.plan.precision);
                let arguments = arguments![
                    qkv, start, out, dout, lse, delta, dqkv, n, n_heads, n_kv_heads, head_dim,
                    scale
                ];
                self.launch(
                    typed!(precision, "attention_plain_queries"),
                    [blocks, n_heads, runs],
                    ROW,
                    0,
                    arguments,
                )?;
                let arguments = arguments![
                    qkv, end, dout, lse, delta, dqkv, n, n_heads, n_kv_heads, head_dim, scale
                ];
                self.launch(
                    typed!(precision, "attention_plain_keys"),
                    [blocks, n_kv_heads, runs],
                    ROW,
                    0,
                    arguments,
                )?;
                self.turn(dqkv, -1.0)
            }
        }
    }
}
