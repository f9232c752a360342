//! Losses and gradients of a network: by passes written out where there are some, else by candle's
//! graph.

use super::arena::Arena;
use super::batch::Batch;
use super::kernels::{self, Real};
use super::llama::Llama;
use super::ops::{Ops, entries};
use super::pass::{Network, Part};
use super::recomputed;
use candle_core::{DType, Result, Storage, Tensor, Var, bail};
use rand_chacha::ChaCha8Rng;

/// Gradients of a loss in the variables of a network that are trained, in their order.
#[derive(Debug)]
pub enum Gradients<'a> {
    /// On the CPU in f32.
    Slices(&'a [Vec<f32>]),
    /// Elsewhere.
    Tensors(Vec<Tensor>),
}

/// Computes losses of one network and their gradients; keeps the memory of activations and
/// gradients from step to step.
#[derive(Debug)]
pub struct Backprop {
    model: Llama,
    saving: Saving,
    memory: Memory,
    dropout: Option<ChaCha8Rng>,
}

/// What is done for less memory; gradients are the same, those of micro-batches up to rounding.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Saving {
    /// Sequences whose activations are in memory at a time; all of a batch where absent.
    pub micro_batch: Option<usize>,
    /// Whether blocks keep their input alone, and are computed again for their gradients.
    pub recomputes: bool,
}

#[derive(Debug)]
enum Memory {
    /// Passes written out, in f32.
    Single([Lane<f32>; 2]),
    /// The same in f64.
    Double([Lane<f64>; 2]),
    /// candle's graph.
    Graph,
}

/// Memory of the passes that follow each other. Two lanes run side by side where there are two
/// threads, and one after the other where there is one: sums are the same, to the bit.
#[derive(Debug, Default)]
struct Lane<T> {
    arena: Arena<T>,
    gradients: Vec<Vec<T>>,
}

/// Tokens of a pass: few enough for the caches, enough for the weights to be worth packing
/// (measured with `parallot bench`).
pub const PART_TOKENS: usize = 1024;

impl Backprop {
    /// For the variables of a model that are trained. The dropout of its adapters starts anew.
    pub fn new(model: &Llama) -> Self {
        let memory = match (model.ops(), model.dtype()) {
            _ if !model.is_plain() => Memory::Graph,
            (Ops::Fused, DType::F32) => Memory::Single(Default::default()),
            (Ops::Fused, DType::F64) => Memory::Double(Default::default()),
            _ => Memory::Graph,
        };
        Backprop {
            model: model.clone(),
            saving: Saving::default(),
            memory,
            dropout: model.dropout_generator(),
        }
    }

    /// The same with less memory.
    pub fn saving(self, saving: Saving) -> Self {
        Backprop { saving, ..self }
    }

    /// The same for a copy of the model, with the dropout where it stands.
    pub fn on(&self, copy: &Llama) -> Self {
        Backprop { dropout: self.dropout.clone(), saving: self.saving, ..Backprop::new(copy) }
    }

    /// Cross-entropy of all targets of a batch, total in nats.
    pub fn loss(&mut self, batch: &Batch) -> Result<f64> {
        match &mut self.memory {
            Memory::Single(lanes) => written(&self.model, batch, self.saving, |network, parts| {
                losses(network, lanes, parts)
            }),
            Memory::Double(lanes) => written(&self.model, batch, self.saving, |network, parts| {
                losses(network, lanes, parts)
            }),
            Memory::Graph => self.model.untracked().loss(batch)?.to_dtype(DType::F64)?.to_scalar(),
        }
    }

    /// The same in training, with its gradients.
    pub fn loss_and_gradients(&mut self, batch: &Batch) -> Result<(f64, Gradients<'_>)> {
        match &mut self.memory {
            Memory::Single(lanes) => {
                let nats = written(&self.model, batch, self.saving, |network, parts| {
                    losses_and_gradients(network, lanes, parts)
                })?;
                Ok((nats, Gradients::Slices(&lanes[0].gradients)))
            }
            Memory::Double(lanes) => {
                let nats = written(&self.model, batch, self.saving, |network, parts| {
                    losses_and_gradients(network, lanes, parts)
                })?;
                let tensor = |((_, var), gradient): (&(_, &Var), &Vec<f64>)| {
                    Tensor::from_slice(gradient, var.shape(), var.device())
                };
                Ok((
                    nats,
                    Gradients::Tensors(
                        self.model
                            .trained()
                            .iter()
                            .zip(&lanes[0].gradients)
                            .map(tensor)
                            .collect::<Result<_>>()?,
                    ),
                ))
            }
            Memory::Graph => {
                let (mut nats, mut sums) = (0.0, Vec::new());
                for part in batch.cut(self.saving.micro_batch) {
                    let (loss, gradients) =
                        graph(&self.model, &part, self.saving, self.dropout.as_mut())?;
                    nats += loss.to_dtype(DType::F64)?.to_scalar::<f64>()?;
                    sums = match sums.is_empty() {
                        true => gradients,
                        false => sums
                            .iter()
                            .zip(&gradients)
                            .map(|(sum, part)| sum + part)
                            .collect::<Result<_>>()?,
                    };
                }
                Ok((nats, Gradients::Tensors(sums)))
            }
        }
    }
}

/// Loss in training and its gradients, by candle's graph.
fn graph(
    model: &Llama,
    batch: &Batch,
    saving: Saving,
    dropout: Option<&mut ChaCha8Rng>,
) -> Result<(Tensor, Vec<Tensor>)> {
    if saving.recomputes {
        return recomputed::loss_and_gradients(model, batch, dropout);
    }
    let loss = model.training_loss(batch, dropout)?;
    let gradients = loss.backward()?;
    let gradient = |(name, var): (String, &Var)| match gradients.get(var) {
        Some(gradient) => Ok(gradient.clone()),
        None => bail!("variable `{name}` has no gradient"),
    };
    Ok((loss.detach(), model.trained().into_iter().map(gradient).collect::<Result<_>>()?))
}

/// Runs `body` on the variables of a model as slices, and on the parts of a batch.
fn written<T: Real, R>(
    model: &Llama,
    batch: &Batch,
    saving: Saving,
    body: impl FnOnce(&Network<'_, T>, &[Part<'_>]) -> R,
) -> Result<R> {
    model.check(batch)?;
    let variables = model.variables();
    let guards: Vec<_> = variables.iter().map(|(_, var)| var.storage_and_layout()).collect();
    let slices = guards.iter().map(|(storage, layout)| match &**storage {
        Storage::Cpu(storage) => entries::<T>(storage, layout),
        _ => bail!("expected a network on the CPU"),
    });
    let parts = batch.parts(PART_TOKENS, saving.micro_batch);
    let lanes = parts.len().clamp(1, 2);
    let threads = (rayon::current_num_threads() / lanes).max(1);
    Ok(body(
        &Network {
            config: *model.config(),
            turns: model.turns(batch),
            variables: slices.collect::<Result<_>>()?,
            threads,
            recomputes: saving.recomputes,
        },
        &parts,
    ))
}

/// Gives each lane its half of the parts and sums what they return.
fn each_lane<T: Real>(
    lanes: &mut [Lane<T>; 2],
    parts: &[Part<'_>],
    body: impl Fn(&mut Lane<T>, &[Part<'_>]) -> f64 + Sync,
) -> f64 {
    let (first, second) = parts.split_at(parts.len().div_ceil(2));
    let [a, b] = lanes;
    let (a, b) = rayon::join(|| body(a, first), || body(b, second));
    a + b
}

fn losses<T: Real>(network: &Network<'_, T>, lanes: &mut [Lane<T>; 2], parts: &[Part<'_>]) -> f64 {
    each_lane(lanes, parts, |lane, parts| {
        parts.iter().map(|part| network.loss(part, &mut lane.arena)).sum()
    })
}

/// The gradients are those of the first lane.
fn losses_and_gradients<T: Real>(
    network: &Network<'_, T>,
    lanes: &mut [Lane<T>; 2],
    parts: &[Part<'_>],
) -> f64 {
    for lane in lanes.iter_mut().take(parts.len().max(1)).filter(|lane| lane.gradients.is_empty()) {
        lane.gradients =
            network.variables.iter().map(|variable| vec![T::zero(); variable.len()]).collect();
    }
    let nats = each_lane(lanes, parts, |lane, parts| {
        let pass = |(at, part)| {
            network.loss_and_gradients(part, &mut lane.arena, &mut lane.gradients, at > 0)
        };
        parts.iter().enumerate().map(pass).sum()
    });
    let [a, b] = lanes;
    match parts.len() {
        0 => a.gradients.iter_mut().for_each(|gradient| gradient.fill(T::zero())),
        1 => (),
        _ => a
            .gradients
            .iter_mut()
            .zip(&b.gradients)
            .for_each(|(sum, part)| kernels::sum_in_parallel(sum, part)),
    }
    nats
}
