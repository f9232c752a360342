//! Forward and backward of R plain networks side by side on a card: `super::super::pass` with a run
//! axis, and attention that keeps no weights.

mod attention;
mod block;
mod head;
mod norm;

use super::card::{Address, Argument, Card, Kind, Launch, Matrices, Product};
use super::feed::{Part, Shape, place};
use super::layout::Layout;
use super::places::{Places, Plan, norm_blocks};
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

/// Most entries of a head: what the lanes of a warp hold of one in `attention_plain`.
pub(super) const MOST_HEAD_DIM: usize = 256;

macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { &[$($crate::model::gpu::card::Argument::from($argument)),*] };
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
}
