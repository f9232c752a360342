//! AdamW with decoupled weight decay (Loshchilov & Hutter 2019) and clipping of the global norm, in
//! place.

use crate::model::{Gradients, Llama, vectorised};
use crate::spec::Optimisation;
use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Added to the root of the second moment.
pub(super) const EPS: f64 = 1e-8;

/// One variable and its moments.
struct Slot {
    var: Var,
    decayed: bool,
    moments: Moments,
}

#[derive(Clone)]
struct Slices {
    m: Vec<f32>,
    v: Vec<f32>,
}

enum Moments {
    /// On the CPU in f32: plain slices, updated in one pass.
    Slices(Mutex<Slices>),
    /// Elsewhere: tensors.
    Tensors(Tensor, Tensor),
}

impl Moments {
    fn copy(&self) -> Self {
        match self {
            Moments::Slices(slices) => Moments::Slices(Mutex::new(
                slices.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            )),
            // tensors are never written to
            Moments::Tensors(m, v) => Moments::Tensors(m.clone(), v.clone()),
        }
    }
}

/// The optimiser of one run.
pub struct AdamW {
    slots: Vec<Slot>,
    optimisation: Optimisation,
    steps: i32,
}

impl AdamW {
    /// An optimiser for the variables of a model that are trained, in their fixed order; only
    /// matrices are decayed.
    pub fn new(model: &Llama, optimisation: Optimisation) -> Result<Self> {
        let slot = |var: &Var| -> Result<Slot> {
            let moments = if var.device().is_cpu() && var.dtype() == DType::F32 {
                Moments::Slices(Mutex::new(Slices {
                    m: vec![0.0; var.elem_count()],
                    v: vec![0.0; var.elem_count()],
                }))
            } else {
                Moments::Tensors(var.zeros_like()?, var.zeros_like()?)
            };
            Ok(Slot { var: var.clone(), decayed: var.dims().len() > 1, moments })
        };
        let slots =
            model.trained().into_iter().map(|(_, var)| slot(var)).collect::<Result<Vec<_>>>()?;
        Ok(AdamW { slots, optimisation, steps: 0 })
    }

    /// An optimiser with the same moments for a copy of the model.
    pub fn on(&self, copy: &Llama) -> Self {
        let slot = |(slot, (_, var)): (&Slot, (_, &Var))| Slot {
            var: var.clone(),
            decayed: slot.decayed,
            moments: slot.moments.copy(),
        };
        let slots = self.slots.iter().zip(copy.trained()).map(slot).collect();
        AdamW { slots, optimisation: self.optimisation, steps: self.steps }
    }

    /// One step at rate `lr` with the gradients of `scale` times the mean loss. Returns the norm of
    /// the gradient of the mean loss before clipping; where it is not finite, nothing is changed.
    pub fn step(&mut self, gradients: &Gradients<'_>, scale: f64, lr: f64) -> Result<f64> {
        // in f64 and in a fixed order: the sum must not depend on the threads
        let squares: f64 = match gradients {
            Gradients::Slices(gradients) => {
                gradients.iter().map(|gradient| squares(gradient)).sum()
            }
            Gradients::Tensors(gradients) => {
                let square = |gradient: &Tensor| {
                    gradient.sqr()?.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()
                };
                gradients.iter().map(square).sum::<Result<f64>>()?
            }
        };
        let norm = squares.sqrt() / scale;
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.steps += 1;
        let factors = Factors::new(&self.optimisation, self.steps, norm, scale, lr);
        match gradients {
            Gradients::Slices(gradients) => self
                .slots
                .iter_mut()
                .zip(*gradients)
                .try_for_each(|(slot, gradient)| slot.update(gradient, factors))?,
            Gradients::Tensors(gradients) => {
                self.slots
                    .iter_mut()
                    .zip(gradients)
                    .try_for_each(|(slot, gradient)| slot.update_tensor(gradient, factors))?;
            }
        }
        Ok(norm)
    }
}

/// Numbers of one step.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    /// What gradients are multiplied by: clipped to the largest norm, and of the mean loss.
    pub gradient: f64,
    pub beta1: f64,
    pub beta2: f64,
    /// The rate over the bias of the first moment.
    pub rate: f64,
    /// One over the bias of the second moment.
    pub unbias2: f64,
    /// What is left of a decayed weight.
    pub keep: f64,
}

impl Factors {
    /// Of step `steps`, from 1, with gradients of `scale` times the mean loss, whose norm is
    /// `norm`.
    pub(super) fn new(
        optimisation: &Optimisation,
        steps: i32,
        norm: f64,
        scale: f64,
        lr: f64,
    ) -> Self {
        Factors {
            gradient: (optimisation.grad_clip / norm).min(1.0) / scale,
            beta1: optimisation.beta1,
            beta2: optimisation.beta2,
            rate: lr / (1.0 - optimisation.beta1.powi(steps)),
            unbias2: 1.0 / (1.0 - optimisation.beta2.powi(steps)),
            keep: 1.0 - lr * optimisation.weight_decay,
        }
    }

    /// For a variable that is decayed or not.
    fn of(self, decayed: bool) -> Self {
        Factors { keep: if decayed { self.keep } else { 1.0 }, ..self }
    }
}

impl Slot {
    fn update_tensor(&mut self, gradient: &Tensor, f: Factors) -> Result<()> {
        let f = f.of(self.decayed);
        match &mut self.moments {
            Moments::Slices(_) => self.update(&gradient.flatten_all()?.to_vec1()?, f),
            Moments::Tensors(m, v) => {
                let gradient = (gradient * f.gradient)?;
                *m = ((&*m * f.beta1)? + (&gradient * (1.0 - f.beta1))?)?;
                *v = ((&*v * f.beta2)? + (gradient.sqr()? * (1.0 - f.beta2))?)?;
                let change = ((&*m * f.rate)? / ((&*v * f.unbias2)?.sqrt()? + EPS)?)?;
                self.var.set(&((self.var.as_tensor() * f.keep)? - change)?)
            }
        }
    }

    fn update(&mut self, gradient: &[f32], f: Factors) -> Result<()> {
        match &self.moments {
            Moments::Slices(moments) => {
                self.var.inplace_op1(&Update { gradient, moments, factors: f.of(self.decayed) })
            }
            Moments::Tensors(..) => bail!("expected the gradient of a variable on the CPU in f32"),
        }
    }
}

/// The update of one variable in place.
struct Update<'a> {
    gradient: &'a [f32],
    moments: &'a Mutex<Slices>,
    factors: Factors,
}

impl InplaceOp1 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, var: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(var), Some((from, to))) = (var, layout.contiguous_offsets()) else {
            bail!("adamw expects contiguous f32")
        };
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let Slices { m, v } = &mut *moments;
        let entries = var[from..to].par_chunks_mut(ENTRIES).zip(self.gradient.par_chunks(ENTRIES));
        let moments = m.par_chunks_mut(ENTRIES).zip(v.par_chunks_mut(ENTRIES));
        entries
            .zip(moments)
            .for_each(|((var, gradient), (m, v))| update(var, gradient, m, v, self.factors));
        Ok(())
    }
}

/// Entries a task: fixed, so that sums do not depend on the number of threads.
const ENTRIES: usize = 1 << 16;

/// Sum of squares, in f64.
fn squares(gradient: &[f32]) -> f64 {
    let parts: Vec<f64> = gradient.par_chunks(ENTRIES).map(squares_of).collect();
    parts.into_iter().sum()
}

/// Independent partial sums: as many as the widest vectors hold a few times over.
const LANES: usize = 32;

vectorised! {
    fn squares_of(part: &[f32]) -> f64 {
        let mut lanes = [0.0; LANES];
        let chunks = part.chunks_exact(LANES);
        let rest: f64 = chunks.remainder().iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane += f64::from(x) * f64::from(x);
            }
        }
        lanes.iter().sum::<f64>() + rest
    }

    fn update(var: &mut [f32], gradient: &[f32], m: &mut [f32], v: &mut [f32], f: Factors) {
        let (scale, beta1, beta2) = (f.gradient as f32, f.beta1 as f32, f.beta2 as f32);
        let (rate, unbias2) = (f.rate as f32, f.unbias2 as f32);
        let (keep, eps) = (f.keep as f32, EPS as f32);
        for (((var, &gradient), m), v) in var.iter_mut().zip(gradient).zip(m).zip(v) {
            let gradient = gradient * scale;
            *m = beta1 * *m + (1.0 - beta1) * gradient;
            *v = beta2 * *v + (1.0 - beta2) * gradient * gradient;
            *var = *var * keep - rate * *m / ((*v * unbias2).sqrt() + eps);
        }
    }
}
