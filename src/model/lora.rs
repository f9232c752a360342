//! LoRA (Hu et al. 2021) as `peft` has it: `y + alpha / rank B A dropout(x)` beside frozen projections `y = W x`.
//!
//! Where projections are packed into one matrix, each has its own adapter and its own dropout, and the updates stand side by side
//! like the rows of the packed matrix.

use super::config::ModelConfig;
use super::ops::Ops;
use crate::numeric::random::{generator, stream_of};
use crate::spec::{LoraSpec, Module};
use candle_core::{DType, Device, Result, Tensor, Var};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// The adapters of a network.
#[derive(Debug)]
pub struct Lora {
    spec: LoraSpec,
    config: ModelConfig,
    seed: u64,
    layers: Vec<Vec<Adapter>>,
}

/// The adapter of one projection (m, k).
#[derive(Debug)]
struct Adapter {
    module: Module,
    a: Var, // (rank, k)
    b: Var, // (m, rank)
}

impl Lora {
    /// Fresh adapters: A uniform within `1 / sqrt(k)` of 0, which is what Kaiming's rule with a slope of sqrt 5 comes to, and B 0.
    pub fn new(spec: &LoraSpec, config: &ModelConfig, seed: u64, dtype: DType, device: &Device) -> Result<Self> {
        let mut rng = generator(seed, stream_of("lora"));
        let mut adapter = |&module: &Module| {
            let (m, k) = config.dims(module);
            let bound = 1.0 / (k as f64).sqrt();
            let a: Vec<f64> = (0..spec.rank * k).map(|_| rng.random_range(-bound..bound)).collect();
            let a = Tensor::from_vec(a, (spec.rank, k), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?; // (rank, k)
            Ok(Adapter { module, a: Var::from_tensor(&a)?, b: Var::zeros((m, spec.rank), dtype, device)? })
        };
        let mut layer = |_| spec.target_modules.iter().map(&mut adapter).collect::<Result<Vec<_>>>();
        let layers = (0..config.n_layers).map(&mut layer).collect::<Result<_>>()?;
        Ok(Lora { spec: spec.clone(), config: *config, seed, layers })
    }

    /// What they were made by.
    pub fn spec(&self) -> &LoraSpec {
        &self.spec
    }

    /// The generator of their dropout from its start, if they have any.
    pub fn dropout_generator(&self) -> Option<ChaCha8Rng> {
        (self.spec.dropout > 0.0).then(|| generator(self.seed, stream_of("dropout")))
    }

    /// Their variables under the names of `peft`, in one fixed order.
    pub fn variables(&self) -> Vec<(String, &Var)> {
        let mut variables = Vec::new();
        for (layer, adapters) in self.layers.iter().enumerate() {
            for adapter in adapters {
                let (parent, name) = (adapter.module.parent(), adapter.module.name());
                let at = format!("base_model.model.model.layers.{layer}.{parent}.{name}");
                variables.extend([(format!("{at}.lora_A.weight"), &adapter.a), (format!("{at}.lora_B.weight"), &adapter.b)]);
            }
        }
        variables
    }

    /// `y (n, m)`, the projections of `x (n, k)` by `modules` side by side, with the updates of their adapters. In training, `dropout` is
    /// drawn from.
    pub fn add_to(
        &self,
        y: &Tensor,
        x: &Tensor,
        layer: usize,
        modules: &[Module],
        ops: Ops,
        mut dropout: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor> {
        let n = x.dim(0)?;
        let find = |module: Module| self.layers[layer].iter().find(|adapter| adapter.module == module);
        if modules.iter().all(|&module| find(module).is_none()) {
            return Ok(y.clone());
        }
        let mut parts = Vec::with_capacity(modules.len());
        for &module in modules {
            parts.push(match find(module) {
                Some(adapter) => {
                    let x = self.dropped(x, dropout.as_deref_mut())?; // (n, k)
                    let low = (ops.linear(&x, &adapter.a)? * self.spec.scaling())?; // (n, rank)
                    ops.linear(&low, &adapter.b)? // (n, rows)
                }
                None => Tensor::zeros((n, self.config.dims(module).0), x.dtype(), x.device())?, // (n, rows)
            });
        }
        y + Tensor::cat(&parts, 1)?.contiguous()? // (n, m)
    }

    /// Each entry of `x (n, k)` set to 0 with the probability of the dropout, the others raised to keep the mean; without a generator, `x`.
    fn dropped(&self, x: &Tensor, dropout: Option<&mut ChaCha8Rng>) -> Result<Tensor> {
        let Some(rng) = dropout else { return Ok(x.clone()) };
        // 32 bits a draw: the share is right to 2^-32
        let (kept, threshold) = (1.0 / (1.0 - self.spec.dropout) as f32, (self.spec.dropout * 2f64.powi(32)) as u32);
        let mask: Vec<f32> = (0..x.elem_count()).map(|_| if rng.next_u32() < threshold { 0.0 } else { kept }).collect();
        x * Tensor::from_vec(mask, x.shape(), &Device::Cpu)?.to_dtype(x.dtype())?.to_device(x.device())? // (n, k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Preset;

    #[test]
    fn dropout_sets_its_share_to_nothing_and_keeps_the_mean() {
        let spec = LoraSpec { dropout: 0.25, ..LoraSpec::default() };
        let lora = Lora::new(&spec, &ModelConfig::of(Preset::Nano, None), 3, DType::F64, &Device::Cpu).unwrap();
        let x = Tensor::full(3.0, (100, 400), &Device::Cpu).unwrap();
        let dropped = lora.dropped(&x, lora.dropout_generator().as_mut()).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert!(dropped.iter().all(|&value| value == 0.0 || (value - 4.0).abs() < 1e-6));
        let share = dropped.iter().filter(|&&value| value == 0.0).count() as f64 / dropped.len() as f64;
        // five standard deviations of a share of 40,000 draws
        assert!((share - 0.25).abs() < 0.011, "{share}");
    }
}
