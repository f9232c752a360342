//! Plain networks on a graphics card: the forward and backward of [`super::pass`], AdamW, and R
//! runs side by side, in few launches.
//!
//! One code for a run and for a stack of them: every buffer has a leading run axis, every product
//! is a batched one. Weights, gradients and moments of a run lie in flat buffers ([`layout`]),
//! batches go over as arrays of numbers ([`feed`]), activations have fixed places ([`places`]), so
//! that the work of a step can be recorded once and repeated ([`card::Card::repeat`]). The host
//! waits for the card only to read the losses of many steps at once; what is to be decided in a
//! step, clipping and whether a run has failed, the card decides.
//!
//! The kernels are in `kernels.cu` and `attention.cu`. `emulator.h` runs the same text on a CPU,
//! thread for thread, so that all of this is tested without a card.

// without CUDA nothing of this runs, but it is compiled, so that every build checks it
#![cfg_attr(not(any(feature = "cuda", test)), allow(dead_code))]

mod card;
#[cfg(feature = "cuda")]
mod cuda;
#[cfg(test)]
mod emulated;
mod feed;
mod layout;
mod pass;
mod places;
#[cfg(test)]
mod tests;
mod trainer;

use super::batch::Batch;
use super::config::ModelConfig;
use super::llama::Llama;
use crate::spec::Optimisation;
use candle_core::{DType, Result, Tensor};

/// Type of the factors of matrix products and of what is kept of a forward; weights, sums, the
/// residual stream and the moments are in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// f32 throughout, without TF32.
    F32,
    /// bf16 factors, sums in f32.
    #[default]
    Bf16,
}

impl Precision {
    /// Bytes of an entry.
    fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::Bf16 => 2,
        }
    }
}

/// What a run does in a step.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// What it reads; what another run reads where it takes no part.
    pub batch: &'a Batch,
    /// Learning rate.
    pub lr: f64,
    /// Whether it takes part.
    pub takes_part: bool,
}

/// What a run tells of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    /// Cross-entropy of all targets, total in nats.
    pub nats: f64,
    /// Norm of the gradient of the mean loss before clipping.
    pub norm: f64,
}

/// Sizes and types of what is trained.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Sizes of the network, one for all runs.
    pub config: ModelConfig,
    /// Networks that are trained side by side.
    pub runs: usize,
    /// Type of the factors of matrix products and of what is kept for the backward pass.
    pub precision: Precision,
    /// Most sequences in memory at a time, all of a batch where absent.
    pub micro_batch: Option<usize>,
    /// Whether blocks are computed again for their gradients.
    pub recomputes: bool,
    /// A loss beyond which a training has failed, nats per target.
    pub hopeless: f64,
}

impl Setting {
    /// So many copies of a model, whatever their losses, with all that is kept in memory.
    pub fn plain(model: &Llama, runs: usize) -> Self {
        let (config, precision) = (*model.config(), model.precision());
        Setting {
            config,
            runs,
            precision,
            micro_batch: None,
            recomputes: false,
            hopeless: f64::INFINITY,
        }
    }
}

/// R plain networks in training on a card.
pub trait Networks: std::fmt::Debug + Send {
    /// Steps one after another, a part a run each. Returns what each run told of each; a run whose
    /// loss is hopeless or whose gradient is endless stays as it was from then on.
    fn steps(
        &mut self,
        steps: &[Vec<Part<'_>>],
        optimisation: &Optimisation,
    ) -> Result<Vec<Vec<Told>>>;
    /// Cross-entropy of all targets of the batch of each network, total in nats.
    fn loss(&mut self, batches: &[&Batch]) -> Result<Vec<f64>>;
    /// The variables of a run, in the order of `Llama::variables`.
    fn variables(&self, run: usize) -> Result<Vec<Vec<f32>>>;
    /// A copy that goes on apart, on the same card.
    fn fork(&self) -> Result<Box<dyn Networks>>;
}

/// A card without the memory that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} MB more were asked of a card of {} MB, of which {} MB are free",
    asked / 1_000_000,
    total / 1_000_000,
    free / 1_000_000
)]
pub struct CardFull {
    /// Bytes asked for.
    pub asked: usize,
    /// Bytes that are free.
    pub free: usize,
    /// Bytes that there are.
    pub total: usize,
}

/// Memory of networks in training on a card, bytes: weights, factors, gradients and moments, and
/// what a step over batches of up to so many tokens, of which so many are targets, keeps.
pub fn memory_on_card(setting: &Setting, context: usize, tokens: usize, targets: usize) -> usize {
    let Setting { config, runs, precision, recomputes, .. } = *setting;
    let layout = layout::Layout::new(&config);
    let keeps = if recomputes { places::Keeps::Inputs } else { places::Keeps::All };
    let shape = feed::Shape::rounded(tokens, targets);
    let (_, room) = places::Places::from(
        0,
        &places::Plan { config, runs, shape, context, precision, keeps },
        &layout,
    );
    let factors = if precision == Precision::F32 { 0 } else { precision.bytes() };
    runs * layout.stride * (16 + factors) + room
}

/// Whether a model lies on a card that has kernels for it.
pub fn is_for_card(model: &Llama) -> bool {
    !model.device().is_cpu() && model.is_plain() && model.config().head_dim <= pass::MOST_HEAD_DIM
}

/// Networks that all begin as `model` does, on its card; none where it is not [`is_for_card`].
#[cfg(feature = "cuda")]
pub fn on_card(model: &Llama, setting: Setting) -> Result<Option<Box<dyn Networks>>> {
    let candle_core::Device::Cuda(device) = model.device() else { return Ok(None) };
    if !is_for_card(model) {
        return Ok(None);
    }
    Ok(Some(Box::new(trainer::Trainer::new(
        cuda::Cuda::new(device)?,
        setting,
        model.rope(),
        &values(model)?,
    )?)))
}

/// The variables of a model, in f32.
fn values(model: &Llama) -> Result<Vec<Vec<f32>>> {
    model
        .variables()
        .into_iter()
        .map(|(_, var)| var.flatten_all()?.to_dtype(DType::F32)?.to_vec1())
        .collect()
}

/// There is no card in a build without CUDA.
#[cfg(not(feature = "cuda"))]
pub fn on_card(_: &Llama, _: Setting) -> Result<Option<Box<dyn Networks>>> {
    Ok(None)
}

/// The same on a card that is a CPU.
#[cfg(test)]
fn emulated_trainer(
    model: &Llama,
    setting: Setting,
) -> Result<trainer::Trainer<emulated::Emulated>> {
    trainer::Trainer::new(emulated::Emulated, setting, model.rope(), &values(model)?)
}

/// The same for the tests of those who train.
#[cfg(test)]
pub(crate) fn on_emulated_card(model: &Llama, setting: Setting) -> Result<Box<dyn Networks>> {
    Ok(Box::new(emulated_trainer(model, setting)?))
}

/// Takes the variables of a run over into a network of the same shape.
pub fn take_variables(model: &Llama, networks: &dyn Networks, run: usize) -> Result<()> {
    for ((_, var), values) in model.variables().into_iter().zip(networks.variables(run)?) {
        var.set(&Tensor::from_vec(values, var.shape(), var.device())?)?;
    }
    Ok(())
}
