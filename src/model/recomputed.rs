//! Losses and gradients by candle's graph that keeps the input of each block alone: the rest of a
//! block is computed again when its gradient is.
//!
//! With `y = f(x, w)` a block and `g` the gradient of the loss in `y`, the gradient of the scalar
//! `sum(g f(x, w))` in `x` and `w` is that of the loss (Chen et al. 2016). The graph of one block
//! at a time is in memory.

use super::batch::Batch;
use super::llama::Llama;
use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var, bail};
use rand_chacha::ChaCha8Rng;

/// Cross-entropy of all targets of a batch, total in nats, a scalar; and its gradients in the
/// variables that are trained, in their order.
pub(super) fn loss_and_gradients(
    model: &Llama,
    batch: &Batch,
    mut dropout: Option<&mut ChaCha8Rng>,
) -> Result<(Tensor, Vec<Tensor>)> {
    model.check(batch)?;
    let untracked = model.untracked();
    let mut x = untracked.embed(&batch.tokens)?; // (n, d)
    let mut blocks = Vec::with_capacity(model.layers());
    for layer in 0..model.layers() {
        let masks = dropout.as_deref().cloned();
        let next = untracked.block(layer, &x, batch, dropout.as_deref_mut())?; // (n, d)
        blocks.push((x, masks));
        x = next;
    }
    let mut sums = Sums { model, gradients: vec![None; model.trained().len()] };
    let last = Var::from_tensor(&x)?;
    let loss = model.loss_of(last.as_tensor(), batch)?;
    let mut dx = sums.add(&loss.backward()?, Some(&last))?; // (n, d)
    for (layer, (x, mut masks)) in blocks.into_iter().enumerate().rev() {
        let x = Var::from_tensor(&x)?;
        let y = model.block(layer, x.as_tensor(), batch, masks.as_mut())?; // (n, d)
        dx = sums.add(&(y * dx)?.sum_all()?.backward()?, Some(&x))?; // (n, d)
    }
    if model.lora().is_none() {
        sums.add(&(model.embed(&batch.tokens)? * &dx)?.sum_all()?.backward()?, None)?;
    }
    Ok((loss.detach(), sums.all()?))
}

/// Gradients that are summed over the pieces of a network.
struct Sums<'a> {
    model: &'a Llama,
    gradients: Vec<Option<Tensor>>,
}

impl Sums<'_> {
    /// Adds the gradients of a piece; returns that in its input, if it has one.
    fn add(&mut self, found: &GradStore, input: Option<&Var>) -> Result<Tensor> {
        for (sum, (_, var)) in self.gradients.iter_mut().zip(self.model.trained()) {
            if let Some(gradient) = found.get(var) {
                *sum = Some(match sum.take() {
                    Some(sum) => (sum + gradient)?,
                    None => gradient.clone(),
                });
            }
        }
        match input.map(|input| found.get(input)) {
            Some(Some(gradient)) => Ok(gradient.clone()),
            Some(None) => bail!("block without a gradient in its input"),
            None => Tensor::zeros(0, self.model.dtype(), self.model.device()),
        }
    }

    fn all(self) -> Result<Vec<Tensor>> {
        let names = self.model.trained();
        let named = self.gradients.into_iter().zip(names);
        named
            .map(|(gradient, (name, _))| {
                gradient.map_or_else(|| bail!("variable `{name}` has no gradient"), Ok)
            })
            .collect()
    }
}
