//! AdamW with decoupled weight decay (Loshchilov & Hutter 2019) and clipping of the global norm, in place.

use crate::model::Llama;
use crate::spec::Optimisation;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, Var, bail};
use std::sync::{Mutex, PoisonError};

/// Added to the root of the second moment.
const EPS: f64 = 1e-8;

/// One variable and its moments.
struct Slot {
    var: Var,
    decayed: bool,
    moments: Moments,
}

enum Moments {
    /// On the CPU in f32: plain slices, updated in one pass.
    Slices(Mutex<(Vec<f32>, Vec<f32>)>),
    /// Elsewhere: tensors.
    Tensors(Tensor, Tensor),
}

/// The optimiser of one run.
pub struct AdamW {
    slots: Vec<Slot>,
    optimisation: Optimisation,
    steps: i32,
}

impl AdamW {
    /// An optimiser for the variables of a model that are trained, in their fixed order; only matrices are decayed.
    pub fn new(model: &Llama, optimisation: Optimisation) -> Result<Self> {
        let slot = |var: &Var| -> Result<Slot> {
            let moments = if var.device().is_cpu() && var.dtype() == DType::F32 {
                Moments::Slices(Mutex::new((vec![0.0; var.elem_count()], vec![0.0; var.elem_count()])))
            } else {
                Moments::Tensors(var.zeros_like()?, var.zeros_like()?)
            };
            Ok(Slot { var: var.clone(), decayed: var.dims().len() > 1, moments })
        };
        let slots = model.trained().into_iter().map(|(_, var)| slot(var)).collect::<Result<Vec<_>>>()?;
        Ok(AdamW { slots, optimisation, steps: 0 })
    }

    /// One step at rate `lr` with the gradients of `scale` times the mean loss. Returns the norm of the gradient of the mean
    /// loss before clipping; where it is not finite, nothing is changed.
    pub fn step(&mut self, gradients: &GradStore, scale: f64, lr: f64) -> Result<f64> {
        let mut squares = 0.0;
        for slot in &self.slots {
            // in f64 and in the order of the variables: the sum must not depend on a map
            let square = gradient(gradients, &slot.var)?.sqr()?.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
            squares += square;
        }
        let norm = squares.sqrt() / scale;
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.steps += 1;
        let optimisation = self.optimisation;
        let factors = Factors {
            gradient: (optimisation.grad_clip / norm).min(1.0) / scale,
            beta1: optimisation.beta1,
            beta2: optimisation.beta2,
            rate: lr / (1.0 - optimisation.beta1.powi(self.steps)),
            unbias2: 1.0 / (1.0 - optimisation.beta2.powi(self.steps)),
            keep: 1.0 - lr * optimisation.weight_decay,
        };
        for slot in &mut self.slots {
            slot.update(gradient(gradients, &slot.var)?, factors)?;
        }
        Ok(norm)
    }
}

fn gradient<'a>(gradients: &'a GradStore, var: &Var) -> Result<&'a Tensor> {
    match gradients.get(var) {
        Some(gradient) => Ok(gradient),
        None => bail!("a variable of shape {:?} has no gradient", var.shape()),
    }
}

/// Numbers of one step.
#[derive(Clone, Copy)]
struct Factors {
    gradient: f64,
    beta1: f64,
    beta2: f64,
    rate: f64,
    unbias2: f64,
    keep: f64,
}

impl Slot {
    fn update(&mut self, gradient: &Tensor, mut f: Factors) -> Result<()> {
        if !self.decayed {
            f.keep = 1.0;
        }
        match &mut self.moments {
            Moments::Slices(moments) => self.var.inplace_op2(&gradient.contiguous()?, &Update { moments, factors: f }),
            Moments::Tensors(m, v) => {
                let gradient = (gradient * f.gradient)?;
                *m = ((&*m * f.beta1)? + (&gradient * (1.0 - f.beta1))?)?;
                *v = ((&*v * f.beta2)? + (gradient.sqr()? * (1.0 - f.beta2))?)?;
                let change = ((&*m * f.rate)? / ((&*v * f.unbias2)?.sqrt()? + EPS)?)?;
                self.var.set(&((self.var.as_tensor() * f.keep)? - change)?)
            }
        }
    }
}

/// The update of one variable as an in-place op on (variable, gradient).
struct Update<'a> {
    moments: &'a Mutex<(Vec<f32>, Vec<f32>)>,
    factors: Factors,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "adamw"
    }

    fn cpu_fwd(&self, var: &mut CpuStorage, lv: &Layout, gradient: &CpuStorage, lg: &Layout) -> Result<()> {
        let (CpuStorage::F32(var), CpuStorage::F32(gradient)) = (var, gradient) else { bail!("adamw expects f32") };
        let (Some((from, to)), Some((gfrom, gto))) = (lv.contiguous_offsets(), lg.contiguous_offsets()) else {
            bail!("adamw expects contiguous tensors")
        };
        let mut moments = self.moments.lock().unwrap_or_else(PoisonError::into_inner);
        let (m, v) = &mut *moments;
        update(&mut var[from..to], &gradient[gfrom..gto], m, v, self.factors);
        Ok(())
    }
}

fn update(var: &mut [f32], gradient: &[f32], m: &mut [f32], v: &mut [f32], f: Factors) {
    let (scale, beta1, beta2) = (f.gradient as f32, f.beta1 as f32, f.beta2 as f32);
    let (rate, unbias2, keep, eps) = (f.rate as f32, f.unbias2 as f32, f.keep as f32, EPS as f32);
    pulp::Arch::new().dispatch(|| {
        for (((var, &gradient), m), v) in var.iter_mut().zip(gradient).zip(m).zip(v) {
            let gradient = gradient * scale;
            *m = beta1 * *m + (1.0 - beta1) * gradient;
            *v = beta2 * *v + (1.0 - beta2) * gradient * gradient;
            *var = *var * keep - rate * *m / ((*v * unbias2).sqrt() + eps);
        }
    });
}
