//! Differentiable ops: the fused kernels as candle `CustomOp`s with their own backward, and the
//! choice between them and composed ops.

use super::attention::{self, Heads, Rope, Turn, Turns};
use super::composed;
use super::kernels::{self, Real};
use super::product::{self, Sizes};
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, DType, Device, Layout, Result, Shape, Tensor, bail,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Which implementation runs. Both compute the same functions, and a test holds them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ops {
    /// Our kernels, on the CPU in f32 or f64.
    Fused,
    /// candle's own ops, on any device.
    Composed,
}

impl Ops {
    /// The fastest that there is for a device and a type.
    pub fn best_for(device: &Device, dtype: DType) -> Self {
        if device.is_cpu() && matches!(dtype, DType::F32 | DType::F64) {
            Ops::Fused
        } else {
            Ops::Composed
        }
    }

    /// `x (n, k) w (m, k)^T -> (n, m)`.
    pub fn linear(self, x: &Tensor, w: &Tensor) -> Result<Tensor> {
        match (self, x.dtype()) {
            (Ops::Fused, DType::F64) if !w.track_op() => x.apply_op1(FrozenLinear::<f64>::new(w)),
            (Ops::Fused, _) if !w.track_op() => x.apply_op1(FrozenLinear::<f32>::new(w)),
            (Ops::Fused, DType::F64) => x.apply_op2(w, Linear::<f64>::new()),
            (Ops::Fused, _) => x.apply_op2(w, Linear::<f32>::new()),
            (Ops::Composed, _) => x.matmul(&w.t()?),
        }
    }

    /// RMSNorm of each row of `x (n, d)` with weights `w (d)`.
    pub fn rms_norm(self, x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
        match (self, x.dtype()) {
            (Ops::Fused, DType::F64) => x.apply_op2(w, RmsNorm::<f64>::new(eps)),
            (Ops::Fused, _) => x.apply_op2(w, RmsNorm::<f32>::new(eps)),
            (Ops::Composed, _) => composed::rms_norm(x, w, eps),
        }
    }

    /// `silu(gate) * up (n, d_ff)` of `[gate | up] (n, 2 d_ff)`.
    pub fn swiglu(self, x: &Tensor) -> Result<Tensor> {
        match (self, x.dtype()) {
            (Ops::Fused, DType::F64) => x.apply_op1(SwiGlu::<f64>::new()),
            (Ops::Fused, _) => x.apply_op1(SwiGlu::<f32>::new()),
            (Ops::Composed, _) => composed::swiglu(x),
        }
    }

    /// Rotary causal attention inside each sequence: `(n, n_heads head_dim)` of
    /// `[q | k | v] (n, qkv_dim)`.
    pub fn attention(
        self,
        qkv: &Tensor,
        lengths: &Arc<[usize]>,
        heads: Heads,
        rope: &Arc<Rope>,
    ) -> Result<Tensor> {
        match (self, qkv.dtype()) {
            (Ops::Fused, DType::F64) => qkv.apply_op1(Attention::<f64>::new(lengths, heads, rope)),
            (Ops::Fused, _) => qkv.apply_op1(Attention::<f32>::new(lengths, heads, rope)),
            (Ops::Composed, _) => composed::attention(qkv, lengths, heads, rope),
        }
    }

    /// Cross-entropy of each row of `logits (m, V)` summed, in nats: a scalar.
    pub fn cross_entropy(self, logits: &Tensor, targets: &Arc<[u32]>) -> Result<Tensor> {
        match (self, logits.dtype()) {
            (Ops::Fused, DType::F64) => logits.apply_op1(CrossEntropy::<f64>::new(targets)),
            (Ops::Fused, _) => logits.apply_op1(CrossEntropy::<f32>::new(targets)),
            (Ops::Composed, _) => composed::cross_entropy(logits, targets),
        }
    }
}

/// The contiguous entries behind a storage.
pub(super) fn entries<'a, T: Real>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&T::cpu_storage_as_slice(storage)?[from..to]),
        None => bail!("fused op needs a contiguous tensor, found {layout:?}"),
    }
}

/// Runs `body` on the entries of a CPU tensor.
pub(super) fn with_entries<T: Real, R>(tensor: &Tensor, body: impl FnOnce(&[T]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        candle_core::Storage::Cpu(storage) => Ok(body(entries(storage, layout)?)),
        _ => bail!("fused op needs a CPU tensor"),
    }
}

pub(super) fn tensor<T: Real>(data: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(data, shape.into(), &Device::Cpu)
}

/// Values that the forward keeps for the backward.
pub(super) struct Kept<T>(Mutex<Vec<T>>);

impl<T> Kept<T> {
    pub(super) fn empty() -> Self {
        Kept(Mutex::new(Vec::new()))
    }

    pub(super) fn put(&self, values: Vec<T>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = values;
    }

    pub(super) fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Linear<T>(std::marker::PhantomData<T>);

impl<T> Linear<T> {
    fn new() -> Self {
        Linear(std::marker::PhantomData)
    }
}

impl<T: Real> CustomOp2 for Linear<T> {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let ((n, k), (m, _)) = (lx.shape().dims2()?, lw.shape().dims2()?);
        let (x, w) = (entries::<T>(x, lx)?, entries::<T>(w, lw)?);
        let mut y = vec![T::zero(); n * m]; // (n, m)
        product::linear(
            x,
            w,
            &mut y,
            Sizes { n, m, k, threads: rayon::current_num_threads() },
            false,
        );
        Ok((T::to_cpu_storage_owned(y), (n, m).into()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let ((n, k), (m, _)) = (x.dims2()?, w.dims2()?);
        let mut dx = vec![T::zero(); n * k]; // (n, k)
        let mut dw = vec![T::zero(); m * k]; // (m, k)
        let dy = dy.contiguous()?;
        let sizes = Sizes { n, m, k, threads: rayon::current_num_threads() };
        with_entries::<T, _>(&dy, |dy| {
            with_entries::<T, _>(w, |w| product::linear_dx(dy, w, &mut dx, sizes))?;
            with_entries::<T, _>(x, |x| product::linear_dw(dy, x, &mut dw, sizes, false))
        })??;
        Ok((Some(tensor(dx, (n, k))?), Some(tensor(dw, (m, k))?)))
    }
}

/// The same with weights that are not trained, for whose gradient nothing is paid.
struct FrozenLinear<T> {
    w: Tensor,
    real: std::marker::PhantomData<T>,
}

impl<T> FrozenLinear<T> {
    fn new(w: &Tensor) -> Self {
        FrozenLinear { w: w.clone(), real: std::marker::PhantomData }
    }
}

impl<T: Real> CustomOp1 for FrozenLinear<T> {
    fn name(&self) -> &'static str {
        "frozen-linear"
    }

    fn cpu_fwd(&self, x: &CpuStorage, lx: &Layout) -> Result<(CpuStorage, Shape)> {
        let ((n, k), (m, _)) = (lx.shape().dims2()?, self.w.dims2()?);
        let x = entries::<T>(x, lx)?;
        let mut y = vec![T::zero(); n * m]; // (n, m)
        let sizes = Sizes { n, m, k, threads: rayon::current_num_threads() };
        with_entries::<T, _>(&self.w, |w| product::linear(x, w, &mut y, sizes, false))?;
        Ok((T::to_cpu_storage_owned(y), (n, m).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let ((n, k), (m, _)) = (x.dims2()?, self.w.dims2()?);
        let mut dx = vec![T::zero(); n * k]; // (n, k)
        let sizes = Sizes { n, m, k, threads: rayon::current_num_threads() };
        let dy = dy.contiguous()?;
        with_entries::<T, _>(&dy, |dy| {
            with_entries::<T, _>(&self.w, |w| product::linear_dx(dy, w, &mut dx, sizes))
        })??;
        tensor(dx, (n, k)).map(Some)
    }
}

struct RmsNorm<T> {
    eps: f64,
    real: std::marker::PhantomData<T>,
}

impl<T> RmsNorm<T> {
    fn new(eps: f64) -> Self {
        RmsNorm { eps, real: std::marker::PhantomData }
    }
}

impl<T: Real> CustomOp2 for RmsNorm<T> {
    fn name(&self) -> &'static str {
        "rms-norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        lx: &Layout,
        w: &CpuStorage,
        lw: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, w) = (entries::<T>(x, lx)?, entries::<T>(w, lw)?);
        let mut y = vec![T::zero(); x.len()]; // (n, d)
        kernels::rms_norm(x, w, self.eps, &mut y);
        Ok((T::to_cpu_storage_owned(y), lx.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        w: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut dx = vec![T::zero(); x.elem_count()]; // (n, d)
        let dy = dy.contiguous()?;
        let dw = with_entries::<T, _>(&dy, |dy| {
            with_entries::<T, _>(x, |x| {
                with_entries::<T, _>(w, |w| kernels::rms_norm_backward(x, w, self.eps, dy, &mut dx))
            })
        })???;
        Ok((Some(tensor(dx, x.shape())?), Some(tensor(dw, w.shape())?)))
    }
}

struct SwiGlu<T>(std::marker::PhantomData<T>);

impl<T> SwiGlu<T> {
    fn new() -> Self {
        SwiGlu(std::marker::PhantomData)
    }
}

impl<T: Real> CustomOp1 for SwiGlu<T> {
    fn name(&self) -> &'static str {
        "swiglu"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, twice) = layout.shape().dims2()?;
        let mut y = vec![T::zero(); n * twice / 2]; // (n, d_ff)
        kernels::swiglu(entries::<T>(x, layout)?, twice / 2, &mut y);
        Ok((T::to_cpu_storage_owned(y), (n, twice / 2).into()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let (n, twice) = x.dims2()?;
        let mut dx = with_entries::<T, _>(x, <[T]>::to_vec)?; // (n, 2 d_ff)
        let dy = dy.contiguous()?;
        with_entries::<T, _>(&dy, |dy| kernels::swiglu_backward(&mut dx, twice / 2, dy))?;
        tensor(dx, (n, twice)).map(Some)
    }
}

struct Attention<T> {
    lengths: Arc<[usize]>,
    heads: Heads,
    turns: Turns<T>,
    turned_qkv: Kept<T>,
    weights: Kept<T>,
}

impl<T: Real> Attention<T> {
    fn new(lengths: &Arc<[usize]>, heads: Heads, rope: &Rope) -> Self {
        let turns = rope.turns(lengths.iter().copied().max().unwrap_or(0));
        Attention {
            lengths: lengths.clone(),
            heads,
            turns,
            turned_qkv: Kept::empty(),
            weights: Kept::empty(),
        }
    }
}

impl<T: Real> CustomOp1 for Attention<T> {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, qkv: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, _) = layout.shape().dims2()?;
        if self.lengths.iter().sum::<usize>() != n {
            bail!(
                "attention over {n} tokens, but the sequences have {}",
                self.lengths.iter().sum::<usize>()
            );
        }
        let mut qkv = entries::<T>(qkv, layout)?.to_vec(); // (n, qkv_dim)
        attention::turn(&mut qkv, &self.lengths, self.heads, &self.turns, Turn::There);
        let mut out = vec![T::zero(); n * self.heads.out_dim()]; // (n, n_heads head_dim)
        let mut weights = vec![T::zero(); attention::weights_len(&self.lengths, self.heads)];
        attention::attention(&qkv, &self.lengths, self.heads, &mut weights, &mut out);
        self.turned_qkv.put(qkv);
        self.weights.put(weights);
        Ok((T::to_cpu_storage_owned(out), (n, self.heads.out_dim()).into()))
    }

    fn bwd(&self, qkv: &Tensor, _: &Tensor, dout: &Tensor) -> Result<Option<Tensor>> {
        let (turned_qkv, weights) = (self.turned_qkv.take(), self.weights.take());
        let mut dqkv = vec![T::zero(); qkv.elem_count()]; // (n, qkv_dim)
        let dout = dout.contiguous()?;
        with_entries::<T, _>(&dout, |dout| {
            attention::attention_backward(
                &turned_qkv,
                &weights,
                &self.lengths,
                self.heads,
                dout,
                &mut dqkv,
            );
        })?;
        attention::turn(&mut dqkv, &self.lengths, self.heads, &self.turns, Turn::Back);
        tensor(dqkv, qkv.shape()).map(Some)
    }
}

struct CrossEntropy<T> {
    targets: Arc<[u32]>,
    dlogits: Kept<T>,
}

impl<T: Real> CrossEntropy<T> {
    fn new(targets: &Arc<[u32]>) -> Self {
        CrossEntropy { targets: targets.clone(), dlogits: Kept::empty() }
    }
}

impl<T: Real> CustomOp1 for CrossEntropy<T> {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (m, vocab) = layout.shape().dims2()?;
        if self.targets.len() != m || self.targets.iter().any(|&target| target as usize >= vocab) {
            bail!(
                "cross-entropy of {m} rows over {vocab} tokens, but the {} targets do not fit",
                self.targets.len()
            );
        }
        let mut dlogits = entries::<T>(logits, layout)?.to_vec(); // (m, V)
        let nats = kernels::cross_entropy(&mut dlogits, vocab, &self.targets);
        // rows are summed in f64: a mean over thousands of tokens loses digits in f32
        let total = nats.iter().map(|&row| row.to_f64()).sum::<f64>();
        self.dlogits.put(dlogits);
        Ok((T::to_cpu_storage_owned(vec![T::from_f64(total)]), ().into()))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, dloss: &Tensor) -> Result<Option<Tensor>> {
        let dloss = dloss.to_scalar::<T>()?;
        let mut dlogits = self.dlogits.take();
        for d in &mut dlogits {
            *d *= dloss;
        }
        tensor(dlogits, logits.shape()).map(Some)
    }
}
