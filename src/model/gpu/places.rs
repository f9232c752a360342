//! Where everything of a step lies in the memory of a card, beside the weights.

use super::Precision;
use super::card::Address;
use super::feed::Shape;
use super::layout::Layout;
use crate::model::config::ModelConfig;

/// What a forward leaves for a backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// All that it needs.
    All,
    /// The inputs of the blocks: the rest is computed again.
    Inputs,
    /// Nothing: there is none.
    Nothing,
}

/// What a pass is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Sizes of each network.
    pub config: ModelConfig,
    /// Networks.
    pub runs: usize,
    /// Largest batch.
    pub shape: Shape,
    /// Positions in the tables of rotations.
    pub context: usize,
    /// Type of what is kept.
    pub precision: Precision,
    /// What is kept.
    pub keeps: Keeps,
}

/// Blocks of the partial sums of the gradient of a norm: a few rows a warp, and two blocks for each
/// processor of a large card.
pub(super) fn norm_blocks(shape: Shape) -> usize {
    (shape.n / 32).clamp(1, 264)
}

/// Blocks of the partial sums of the square of a gradient.
pub(super) const SQUARE_BLOCKS: usize = 512;

/// Numbers that a run is told of a step, and tells of it.
pub(super) const FACTORS: usize = 7;
pub(super) const TOLD: usize = 2;

/// Entries of logits in memory at a time.
const LOGITS: usize = 1 << 27;

/// Addresses. T is the type of the precision, the others are as they say; of a run (n, columns)
/// unless another shape is given.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// u32.
    pub feed: Address,
    /// f64, (R, 7) and (R, 2).
    pub factors: Address,
    pub told: Address,
    /// f32, (context, head_dim / 2).
    pub cosines: Address,
    pub sines: Address,
    /// The residual stream: f32, over all rows and over those with a target; and what it was before
    /// each block, where blocks are computed again.
    pub stream: Address,
    pub stream_rows: Address,
    pub inputs: Vec<Address>,
    /// What the stream was at each norm, before each block and after the last, and within each: T,
    /// d columns.
    pub x: Vec<Address>,
    pub middle: Vec<Address>,
    /// Of each block, T: norm of its input, queries, keys and values, output of the attention, norm
    /// of the middle, gate and up, their product.
    pub h: Vec<Address>,
    pub qkv: Vec<Address>,
    pub attended: Vec<Address>,
    pub h_middle: Vec<Address>,
    pub gate_up: Vec<Address>,
    pub gated: Vec<Address>,
    /// f32, (heads, n).
    pub lse: Vec<Address>,
    /// T, (m, d): what was attended, the norm of the last stream, the gradient in it.
    pub attended_rows: Address,
    pub h_last: Address,
    pub dh_last: Address,
    /// f32 and T, (rows, V); f32, (m).
    pub logits: Address,
    pub dlogits: Address,
    pub nats: Address,
    /// Rows of logits at a time.
    pub logits_rows: usize,
    /// Gradient in the stream: f32 over all rows and over those with a target, and in T.
    pub dx: Address,
    pub dx_rows: Address,
    pub small: Address,
    /// T.
    pub dh: Address,
    pub dattended: Address,
    pub dattended_rows: Address,
    pub dgated: Address,
    pub dqkv: Address,
    /// f32, (heads, n).
    pub delta: Address,
    /// f32, (norms, R, blocks, d); f64, (R, blocks).
    pub partial: Address,
    pub squares: Address,
}

/// Hands out memory one piece after another.
struct Taker {
    base: Address,
    taken: usize,
}

impl Taker {
    /// So many bytes, at a multiple of 256 from the base.
    fn take(&mut self, bytes: usize) -> Address {
        let at = self.base + self.taken as u64;
        self.taken = (self.taken + bytes).next_multiple_of(256);
        at
    }
}

impl Places {
    /// The places from an address on, and how many bytes they take.
    pub(super) fn from(base: Address, plan: &Plan, layout: &Layout) -> (Self, usize) {
        let Plan { config, runs, shape, context, precision, keeps } = *plan;
        let Shape { n, m } = shape;
        let ModelConfig {
            d_model: d,
            d_ff: f,
            n_heads: heads,
            n_layers: layers,
            vocab_size: vocab,
            head_dim,
            ..
        } = config;
        let (q, t) = (config.qkv_dim(), precision.bytes());
        let trains = keeps != Keeps::Nothing;
        let logits_rows = (LOGITS / (runs * vocab) / 64 * 64).clamp(64, m.max(64));
        let mut taker = Taker { base, taken: 0 };
        let slots = |taker: &mut Taker, count: usize, of: usize, bytes: usize| {
            let own: Vec<Address> = (0..count).map(|_| taker.take(runs * bytes)).collect();
            (0..of).map(|at| own[at % count]).collect::<Vec<_>>()
        };
        let kept = if keeps == Keeps::All { layers } else { 1 };
        let again = if keeps == Keeps::Inputs { layers } else { 0 };
        // the norm after the last block needs one of its own
        let streams = if keeps == Keeps::All { layers + 1 } else { 2 };
        let when = |is_needed: bool, bytes: usize| if is_needed { runs * bytes } else { 0 };
        let places = Places {
            feed: taker.take(4 * plan.shape.words(runs)),
            factors: taker.take(runs * FACTORS * 8),
            told: taker.take(runs * TOLD * 8),
            cosines: taker.take(context * head_dim / 2 * 4),
            sines: taker.take(context * head_dim / 2 * 4),
            stream: taker.take(runs * n * d * 4),
            stream_rows: taker.take(runs * m * d * 4),
            inputs: slots(&mut taker, again, again, n * d * 4),
            x: slots(&mut taker, streams, layers + 1, n * d * t),
            middle: slots(&mut taker, kept, layers, n * d * t),
            h: slots(&mut taker, kept, layers, n * d * t),
            qkv: slots(&mut taker, kept, layers, n * q * t),
            attended: slots(&mut taker, kept, layers, n * d * t),
            h_middle: slots(&mut taker, kept, layers, n * d * t),
            gate_up: slots(&mut taker, kept, layers, n * 2 * f * t),
            gated: slots(&mut taker, kept, layers, n * f * t),
            lse: slots(&mut taker, kept, layers, n * heads * 4),
            attended_rows: taker.take(runs * m * d * t),
            h_last: taker.take(runs * m * d * t),
            dh_last: taker.take(when(trains, m * d * t)),
            logits: taker.take(runs * logits_rows * vocab * 4),
            dlogits: taker.take(when(trains, logits_rows * vocab * t)),
            nats: taker.take(runs * m * 4),
            logits_rows,
            dx: taker.take(when(trains, n * d * 4)),
            dx_rows: taker.take(when(trains, m * d * 4)),
            small: taker.take(when(trains, n * d * t)),
            dh: taker.take(when(trains, n * d * t)),
            dattended: taker.take(when(trains, n * d * t)),
            dattended_rows: taker.take(when(trains, m * d * t)),
            dgated: taker.take(when(trains, n * f * t)),
            dqkv: taker.take(when(trains, n * q * t)),
            delta: taker.take(when(trains, n * heads * 4)),
            partial: taker.take(when(trains, layout.norms() * norm_blocks(shape) * d * 4)),
            squares: taker.take(when(trains, SQUARE_BLOCKS * 8)),
        };
        (places, taker.taken)
    }
}
