//! R plain networks of one shape side by side: variables have a leading run axis, so that what one
//! network computes by a product, R of them compute by one batched product. On a GPU, which a small
//! network leaves idle, R runs take little longer than one.
//!
//! Each network reads a batch of its own, on a grid of b sequences of t tokens that holds the
//! largest. What is beyond a sequence comes after all of its tokens, so that no token sees it, and
//! has no target. No sum runs over networks: what one of them loses, the others keep.

use super::attention::{Heads, Rope};
use super::batch::Batch;
use super::composed;
use super::config::ModelConfig;
use super::llama::Llama;
use super::ops::Ops;
use candle_core::{D, Device, Result, Tensor, Var, bail};
use candle_nn::ops::log_softmax;
use std::sync::Arc;

/// R networks.
#[derive(Debug)]
pub struct Stack {
    config: ModelConfig,
    rope: Arc<Rope>,
    /// As `Llama::variables` orders them, each (R, its shape).
    variables: Vec<Var>,
}

/// Variables of a block, in their order.
struct Block {
    norm_attention: Tensor,
    qkv: Tensor,
    attention_out: Tensor,
    norm_feed_forward: Tensor,
    gate_up: Tensor,
    down: Tensor,
}

/// The batches of all networks as one.
struct Grid {
    sequences: usize,
    columns: usize,
    /// Rows of all embeddings one below the other, (R b t).
    tokens: Tensor,
    /// Cells with a target of all grids one below the other, (R m).
    cells: Tensor,
    /// (R, m, 1).
    targets: Tensor,
    /// 1 where there is a target, 0 where another network has more of them; (R, m).
    is_target: Tensor,
}

impl Stack {
    /// `runs` copies of a plain network ([`Llama::is_plain`]).
    pub fn new(model: &Llama, runs: usize) -> Result<Self> {
        if !model.is_plain() {
            bail!("a stack expects plain networks");
        }
        let stacked = |(_, var): (_, &Var)| {
            let one = var.as_detached_tensor().unsqueeze(0)?; // (1, its shape)
            Var::from_tensor(&one.repeat([&[runs], vec![1; var.dims().len()].as_slice()].concat())?)
        };
        let variables = model.variables().into_iter().map(stacked).collect::<Result<_>>()?;
        Ok(Stack { config: *model.config(), rope: model.rope().clone(), variables })
    }

    /// Number of networks.
    pub fn runs(&self) -> usize {
        self.variables[0].dims()[0]
    }

    /// Their variables, (R, shape) each, in one fixed order.
    pub fn variables(&self) -> &[Var] {
        &self.variables
    }

    /// Sizes of each.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn device(&self) -> &Device {
        self.variables[0].device()
    }

    /// A copy of one of them.
    pub fn member(&self, run: usize) -> Result<Llama> {
        let mut own = self.variables.iter();
        let ops = Ops::best_for(self.device(), self.variables[0].dtype());
        Llama::build(self.config, self.rope.context(), ops, |_, _| match own.next() {
            Some(var) => Var::from_tensor(&var.as_detached_tensor().get(run)?.copy()?),
            None => bail!("stack without variables"),
        })
    }

    /// Cross-entropy of all targets of the batch of each network, total in nats: (R).
    pub fn losses(&self, batches: &[&Batch]) -> Result<Tensor> {
        let ModelConfig { n_heads, n_kv_heads, head_dim, norm_eps: eps, d_model, d_ff, .. } =
            self.config;
        let runs = self.runs();
        let grid = self.grid(batches)?;
        let (b, t, n) = (grid.sequences, grid.columns, grid.sequences * grid.columns);
        let embedding = self.variables[0].as_tensor(); // (R, V, d)
        // (R, n, d)
        let mut x =
            embedding.flatten_to(1)?.index_select(&grid.tokens, 0)?.reshape((runs, n, d_model))?;
        for block in self.blocks() {
            let h = rms_norm(&x, &block.norm_attention, eps)?; // (R, n, d)
            let qkv = linear(&h, &block.qkv)?.flatten_to(1)?; // (R b t, qkv_dim)
            let h = composed::attention_on_grid(
                &qkv,
                runs * b,
                t,
                Heads { n_heads, n_kv_heads, head_dim },
                &self.rope,
            )?; // (R b t, d)
            x = (x + linear(&h.reshape((runs, n, d_model))?, &block.attention_out)?)?; // (R, n, d)
            let h = rms_norm(&x, &block.norm_feed_forward, eps)?; // (R, n, d)
            let h = composed::swiglu(&linear(&h, &block.gate_up)?.flatten_to(1)?)?; // (R n, d_ff)
            x = (x + linear(&h.reshape((runs, n, d_ff))?, &block.down)?)?; // (R, n, d)
        }
        let m = grid.is_target.dim(1)?;
        // (R, m, d)
        let h = x.flatten_to(1)?.index_select(&grid.cells, 0)?.reshape((runs, m, d_model))?;
        // (R, m, d)
        let h = rms_norm(&h, self.variables[self.variables.len() - 1].as_tensor(), eps)?;
        let chances = log_softmax(&linear(&h, embedding)?, D::Minus1)?; // (R, m, V)
        // (R, m)
        let nats =
            (chances.gather(&grid.targets, D::Minus1)?.squeeze(D::Minus1)? * grid.is_target)?;
        nats.sum(1)?.neg() // (R)
    }

    fn blocks(&self) -> impl Iterator<Item = Block> {
        let of_blocks = &self.variables[1..self.variables.len() - 1];
        of_blocks.chunks_exact(6).map(|block| {
            let [norm_attention, qkv, attention_out, norm_feed_forward, gate_up, down] =
                std::array::from_fn(|at| block[at].as_tensor().clone());
            Block { norm_attention, qkv, attention_out, norm_feed_forward, gate_up, down }
        })
    }

    fn grid(&self, batches: &[&Batch]) -> Result<Grid> {
        if batches.len() != self.runs() {
            bail!("{} batches for a stack of {} networks", batches.len(), self.runs());
        }
        let most = |count: fn(&Batch) -> usize| {
            batches.iter().map(|batch| count(batch)).max().unwrap_or(0)
        };
        let (sequences, columns, m) =
            (most(Batch::sequences), most(Batch::longest), most(Batch::targets));
        if columns > self.rope.context() {
            bail!("sequence of {columns} tokens, expected at most {}", self.rope.context());
        }
        let (vocab, cells_of_one) = (self.config.vocab_size as u32, (sequences * columns) as u32);
        let (mut tokens, mut cells, mut targets, mut is_target) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::<f32>::new());
        for (run, batch) in (0..).zip(batches) {
            let (own_tokens, own_cells) = batch.grid(sequences, columns);
            if let Some(token) =
                own_tokens.iter().chain(&*batch.targets).find(|&&token| token >= vocab)
            {
                bail!("token {token}, expected one below the {vocab} of the vocabulary");
            }
            let missing = m - own_cells.len();
            tokens.extend(own_tokens.into_iter().map(|token| run * vocab + token));
            cells.extend(
                own_cells.into_iter().chain(vec![0; missing]).map(|cell| run * cells_of_one + cell),
            );
            targets.extend(batch.targets.iter().copied().chain(vec![0; missing]));
            is_target.extend(vec![1.0; m - missing].into_iter().chain(vec![0.0; missing]));
        }
        let (device, runs) = (self.device(), self.runs());
        Ok(Grid {
            sequences,
            columns,
            tokens: Tensor::new(tokens, device)?,
            cells: Tensor::new(cells, device)?,
            targets: Tensor::from_vec(targets, (runs, m, 1), device)?,
            is_target: Tensor::from_vec(is_target, (runs, m), device)?
                .to_dtype(self.variables[0].dtype())?,
        })
    }
}

/// `x (R, n, k) w (R, m, k)^T -> (R, n, m)`.
fn linear(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    x.matmul(&w.transpose(1, 2)?)
}

/// RMSNorm of each row of `x (R, n, d)` with the weights `w (R, d)` of its network.
fn rms_norm(x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
    let mean = x.sqr()?.mean_keepdim(D::Minus1)?; // (R, n, 1)
    x.broadcast_div(&(mean + eps)?.sqrt()?)?.broadcast_mul(&w.unsqueeze(1)?) // (R, n, d)
}
