//! Forward and backward of R plain networks side by side on a card: `super::super::pass` with a run
//! axis, and attention that keeps no weights.

use super::Precision;
use super::card::{Address, Argument, Card, Kind, Launch, Matrices, Product, typed};
use super::feed::{Part, Shape, place};
use super::layout::{Layout, Matrix};
use super::places::{Keeps, Places, Plan, norm_blocks};
use crate::model::config::ModelConfig;
use candle_core::Result;

/// Where the weights of all networks lie, `layout.stride` entries a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    /// In f32.
    pub master: Address,
    /// As the factors of products are; the same where these are in f32.
    pub factors: Address,
    /// Their gradients, f32; nowhere without a backward.
    pub gradients: Address,
}

/// A pass over one batch of each network.
pub(super) struct Pass<'a, C> {
    pub card: &'a C,
    pub plan: &'a Plan,
    pub layout: &'a Layout,
    pub places: &'a Places,
    pub weights: Weights,
    /// Of these batches.
    pub shape: Shape,
}

/// Threads of a block that goes over a row.
const ROW: usize = 128;

/// Threads of other blocks.
const THREADS: usize = 256;

/// A vocabulary of which a row of logits has more threads: fewer rows at a time stay in the cache
/// until they are read again.
const MANY_TOKENS: usize = 16_384;

/// Sizes of heads that the attention on tensor cores is for.
const HEADS: [(usize, [&str; 3]); 4] = [
    (16, ["attention_16", "attention_queries_16", "attention_keys_16"]),
    (32, ["attention_32", "attention_queries_32", "attention_keys_32"]),
    (64, ["attention_64", "attention_queries_64", "attention_keys_64"]),
    (128, ["attention_128", "attention_queries_128", "attention_keys_128"]),
];

/// Most entries of a head: what the lanes of a warp hold of one in `attention_plain`.
pub(super) const MOST_HEAD_DIM: usize = 256;

/// Rows of a tile of it.
const TILE: usize = 64;

macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { &[$(Argument::from($argument)),*] };
}
pub(super) use arguments;

impl<C: Card> Pass<'_, C> {
    /// Cross-entropy of each row with a target, into `nats`.
    pub(super) fn loss(&self) -> Result<()> {
        self.forward()?;
        self.head(None)
    }

    /// The same with the gradients in all weights; they are added to what is there if it `adds`.
    pub(super) fn loss_and_gradients(&self, adds: bool) -> Result<()> {
        self.forward()?;
        self.head(Some(adds))?;
        self.backward(adds)
    }

    fn config(&self) -> &ModelConfig {
        &self.plan.config
    }

    fn part(&self, part: Part) -> Address {
        self.places.feed + 4 * place(part, self.shape, self.plan.runs).start as u64
    }

    fn launch(
        &self,
        kernel: &'static str,
        grid: [usize; 3],
        threads: usize,
        shared: usize,
        arguments: &[Argument],
    ) -> Result<()> {
        self.card.launch(&Launch { kernel, grid, threads, shared, arguments })
    }

    fn multiply(
        &self,
        kind: Kind,
        [n, m, k]: [usize; 3],
        [left, right, result]: [Matrices; 3],
        is_single: bool,
        adds: bool,
    ) -> Result<()> {
        let (precision, runs) = (self.plan.precision, self.plan.runs);
        self.card.multiply(&Product {
            kind,
            n,
            m,
            k,
            precision,
            is_single,
            adds,
            left,
            right,
            result,
            runs,
        })
    }

    /// A matrix of each network, in the type of factors.
    fn factor(&self, at: usize) -> Matrices {
        Matrices {
            at: self.weights.factors + (at * self.plan.precision.bytes()) as u64,
            stride: self.layout.stride,
        }
    }

    fn gradient(&self, at: usize) -> Matrices {
        Matrices { at: self.weights.gradients + 4 * at as u64, stride: self.layout.stride }
    }

    fn norm_weights(&self, norm: usize) -> Address {
        self.weights.master + 4 * self.layout.norm(norm) as u64
    }

    /// `h = rms(x)`, and a copy of x where one is to be kept.
    fn norm(&self, norm: usize, x: Address, h: Address, copy: Address, rows: usize) -> Result<()> {
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
    fn norm_backward(
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
    fn small(&self, dx: Address, rows: usize) -> Matrices {
        let at = if self.plan.precision == Precision::F32 { dx } else { self.places.small };
        Matrices { at, stride: rows * self.config().d_model }
    }

    fn forward(&self) -> Result<()> {
        let (d, n) = (self.config().d_model, self.shape.n);
        let tokens = self.part(Part::Tokens);
        let arguments =
            arguments![self.weights.master, self.layout.stride, tokens, self.places.stream, n, d];
        self.launch("embed", [n, self.plan.runs, 1], ROW, 0, arguments)?;
        (0..self.config().n_layers).try_for_each(|layer| {
            if let Some(&input) = self.places.inputs.get(layer) {
                self.card.copy(self.places.stream, input, self.stream_bytes())?;
            }
            self.block(layer)
        })
    }

    fn stream_bytes(&self) -> usize {
        self.plan.runs * self.shape.n * self.config().d_model * 4
    }

    /// Where the norm at `kept` leaves the stream for the backward, if there is one.
    fn kept(&self, kept: Address) -> Address {
        if self.plan.keeps == Keeps::Nothing { 0 } else { kept }
    }

    fn is_last(&self, layer: usize) -> bool {
        layer + 1 == self.config().n_layers
    }

    /// Rows of a block after its attention.
    fn rows(&self, layer: usize) -> usize {
        if self.is_last(layer) { self.shape.m } else { self.shape.n }
    }

    fn block(&self, layer: usize) -> Result<()> {
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

    fn turn(&self, qkv: Address, sign: f32) -> Result<()> {
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

    fn attention(&self, layer: usize) -> Result<()> {
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
    fn attention_backward(&self, layer: usize, dout: Address) -> Result<()> {
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

    /// The loss of the last stream, some rows at a time; with gradients, those in its norm and in
    /// the embedding, which are added if they are to be.
    fn head(&self, gradients: Option<bool>) -> Result<()> {
        let (p, m, precision) = (self.places, self.shape.m, self.plan.precision);
        let ModelConfig { d_model: d, vocab_size: vocab, n_layers, .. } = *self.config();
        self.norm(2 * n_layers, p.stream_rows, p.h_last, self.kept(p.x[n_layers]), m)?;
        // in f32 the gradient takes the place of the logits
        let dlogits = if precision == Precision::F32 { p.logits } else { p.dlogits };
        for from in (0..m).step_by(p.logits_rows) {
            let rows = p.logits_rows.min(m - from);
            let below = |at: Address| Matrices {
                at: at + (from * d * precision.bytes()) as u64,
                stride: m * d,
            };
            let (h, embedding) = (below(p.h_last), self.factor(0));
            let logits = |at| Matrices { at, stride: rows * vocab };
            self.multiply(
                Kind::Output,
                [rows, vocab, d],
                [h, embedding, logits(p.logits)],
                true,
                false,
            )?;
            let (of_rows, targets) = (self.part(Part::Rows), self.part(Part::Targets));
            let to = if gradients.is_some() { dlogits } else { 0 };
            let arguments = arguments![p.logits, of_rows, targets, p.nats, to, from, m, vocab];
            let threads = if vocab >= MANY_TOKENS { 4 * THREADS } else { THREADS };
            self.launch(
                typed!(precision, "cross_entropy"),
                [rows, self.plan.runs, 1],
                threads,
                0,
                arguments,
            )?;
            let Some(adds) = gradients else { continue };
            self.multiply(
                Kind::Input,
                [rows, vocab, d],
                [logits(dlogits), embedding, below(p.dh_last)],
                false,
                false,
            )?;
            self.multiply(
                Kind::Weights,
                [rows, vocab, d],
                [logits(dlogits), h, self.gradient(0)],
                true,
                adds || from > 0,
            )?;
        }
        Ok(())
    }

    fn backward(&self, adds: bool) -> Result<()> {
        let (p, Shape { n, m }, runs) = (self.places, self.shape, self.plan.runs);
        let ModelConfig { d_model: d, n_layers, .. } = *self.config();
        self.card.clear(p.dx_rows, runs * m * d * 4)?;
        self.norm_backward(2 * n_layers, p.x[n_layers], p.dh_last, p.dx_rows, m)?;
        for layer in (0..n_layers).rev() {
            if let Some(&input) = p.inputs.get(layer) {
                self.card.copy(input, p.stream, self.stream_bytes())?;
                self.block(layer)?;
            }
            self.block_backward(layer, adds)?;
        }
        let (norms, apart) = (self.layout.norms(), self.layout.norms_apart());
        let to = self.weights.gradients + 4 * self.layout.norm(0) as u64;
        let arguments = arguments![
            p.partial,
            to,
            self.layout.stride,
            apart,
            norm_blocks(self.shape),
            d,
            usize::from(adds)
        ];
        self.launch("norm_gradients", [d.div_ceil(32), norms, runs], THREADS, 0, arguments)?;
        let (tokens, order) = (self.part(Part::Tokens), self.part(Part::Order));
        let arguments =
            arguments![p.dx, tokens, order, self.weights.gradients, self.layout.stride, n, d];
        self.launch("embed_backward", [n, runs, 1], ROW, 0, arguments)
    }

    fn block_backward(&self, layer: usize, adds: bool) -> Result<()> {
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
