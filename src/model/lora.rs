//! LoRA (Hu et al. 2021) as `peft` has it: `y + alpha / rank B A dropout(x)` beside frozen
//! projections `y = W x`.
//!
//! Where projections are packed into one matrix, each has its own adapter and its own dropout, and
//! is updated at its own rows.

use super::adapted::{Adapted, Update};
use super::config::ModelConfig;
use super::ops::Ops;
use crate::numeric::random::{Item, Purpose, generator};
use crate::spec::{LoraSpec, Module};
use candle_core::{DType, Device, Result, Tensor, Var};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

/// Projections that our network packs into one matrix, in the order of its rows.
pub(super) const PACKS: [&[Module]; 4] = [
    &[Module::QProj, Module::KProj, Module::VProj],
    &[Module::OProj],
    &[Module::GateProj, Module::UpProj],
    &[Module::DownProj],
];

/// The adapters of a network.
#[derive(Debug)]
pub struct Lora {
    spec: LoraSpec,
    config: ModelConfig,
    seed: u64,
    /// One each layer and pack with targets, in their order.
    adapters: Vec<Adapter>,
}

/// The adapters of the targets in one pack, k columns wide.
#[derive(Debug)]
struct Adapter {
    layer: usize,
    targets: Vec<Module>,
    a: Var, // (targets rank, k)
    b: Var, // (rows of the targets, rank)
}

impl Lora {
    /// Fresh adapters: A uniform within `1 / sqrt(k)` of 0, which is what Kaiming's rule with a
    /// slope of sqrt 5 comes to, and B 0.
    pub fn new(
        spec: &LoraSpec,
        config: &ModelConfig,
        seed: u64,
        dtype: DType,
        device: &Device,
    ) -> Result<Self> {
        let mut rng = generator(seed, Purpose::Adapters, Item::All);
        let mut adapters = Vec::new();
        for (layer, pack) in (0..config.n_layers).flat_map(|layer| PACKS.map(|pack| (layer, pack)))
        {
            let targets: Vec<Module> = pack
                .iter()
                .copied()
                .filter(|module| spec.target_modules.contains(module))
                .collect();
            let Some(&first) = targets.first() else { continue };
            let (all, k) = (targets.len() * spec.rank, config.dims(first).1);
            let bound = 1.0 / (k as f64).sqrt();
            let a: Vec<f64> = (0..all * k).map(|_| rng.random_range(-bound..bound)).collect();
            // (targets rank, k)
            let a =
                Tensor::from_vec(a, (all, k), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?;
            let rows: usize = targets.iter().map(|&module| config.dims(module).0).sum();
            adapters.push(Adapter {
                layer,
                targets,
                a: Var::from_tensor(&a)?,
                b: Var::zeros((rows, spec.rank), dtype, device)?,
            });
        }
        Ok(Lora { spec: spec.clone(), config: *config, seed, adapters })
    }

    /// A copy with variables of its own.
    pub fn copy(&self) -> Result<Self> {
        let copy = |var: &Var| Var::from_tensor(&var.as_tensor().copy()?);
        let adapter = |one: &Adapter| -> Result<Adapter> {
            Ok(Adapter {
                layer: one.layer,
                targets: one.targets.clone(),
                a: copy(&one.a)?,
                b: copy(&one.b)?,
            })
        };
        let adapters = self.adapters.iter().map(adapter).collect::<Result<_>>()?;
        Ok(Lora { spec: self.spec.clone(), config: self.config, seed: self.seed, adapters })
    }

    /// What they were made by.
    pub fn spec(&self) -> &LoraSpec {
        &self.spec
    }

    /// The generator of their dropout from its start, if they have any.
    pub fn dropout_generator(&self) -> Option<ChaCha8Rng> {
        (self.spec.dropout > 0.0).then(|| generator(self.seed, Purpose::Dropout, Item::All))
    }

    /// Their variables with names, in one fixed order; those of a pack are one variable.
    pub fn variables(&self) -> Vec<(String, &Var)> {
        let named = |adapter: &'_ Adapter, half: &str| {
            let targets: Vec<&str> = adapter.targets.iter().map(|module| module.name()).collect();
            format!("layers.{}.{}.{half}", adapter.layer, targets.join("+"))
        };
        self.adapters
            .iter()
            .flat_map(|adapter| {
                [(named(adapter, "lora_A"), &adapter.a), (named(adapter, "lora_B"), &adapter.b)]
            })
            .collect()
    }

    /// Each variable with the names in `peft`'s files, and the rows, of the single projections that
    /// it packs: A (rank, k) and B (rows, rank).
    pub fn parts(&self) -> Vec<(&Var, Vec<(String, usize)>)> {
        let mut parts = Vec::new();
        for Adapter { layer, targets, a, b } in &self.adapters {
            let name = |module: &Module, half: &str| {
                format!(
                    "base_model.model.model.layers.{layer}.{}.{}.lora_{half}.weight",
                    module.parent(),
                    module.name()
                )
            };
            parts.push((
                a,
                targets.iter().map(|module| (name(module, "A"), self.spec.rank)).collect(),
            ));
            parts.push((
                b,
                targets
                    .iter()
                    .map(|module| (name(module, "B"), self.config.dims(*module).0))
                    .collect(),
            ));
        }
        parts
    }

    /// `x (n, k) w^T`, where `w` packs `pack`, with the updates of the adapters. In training
    /// `dropout` is drawn from; gradients can be asked for if it is `tracked`.
    #[allow(clippy::too_many_arguments, reason = "what is projected, by what, and how")]
    pub fn project(
        &self,
        x: &Tensor,
        w: &Tensor,
        layer: usize,
        pack: &[Module],
        ops: Ops,
        tracked: bool,
        dropout: Option<&mut ChaCha8Rng>,
    ) -> Result<Tensor> {
        let found = self
            .adapters
            .iter()
            .find(|adapter| adapter.layer == layer && pack.contains(&adapter.targets[0]));
        let Some(Adapter { targets, a, b, .. }) = found else { return ops.linear(x, w) };
        let [a, b] = [a, b]
            .map(|var| if tracked { var.as_tensor().clone() } else { var.as_detached_tensor() });
        let updates = self.updates(x.elem_count(), pack, targets, dropout);
        let (scaling, raise) = (self.spec.scaling(), 1.0 / (1.0 - self.spec.dropout));
        match (ops, x.dtype()) {
            (Ops::Fused, DType::F64) => {
                x.apply_op3(&a, &b, Adapted::<f64>::new(w, updates, scaling, raise))
            }
            (Ops::Fused, _) => x.apply_op3(&a, &b, Adapted::<f32>::new(w, updates, scaling, raise)),
            (Ops::Composed, _) => composed(x, w, &a, &b, &updates, scaling, raise),
        }
    }

    /// Where the updates of the targets in a pack go, and which of `entries` inputs each keeps.
    fn updates(
        &self,
        entries: usize,
        pack: &[Module],
        targets: &[Module],
        mut dropout: Option<&mut ChaCha8Rng>,
    ) -> Vec<Update> {
        // 32 bits per draw: the share is right to 2^-32
        let threshold = (self.spec.dropout * 2f64.powi(32)) as u32;
        let (mut updates, mut first_row) = (Vec::new(), 0);
        for &module in pack {
            let rows = self.config.dims(module).0;
            if targets.contains(&module) {
                let kept = dropout
                    .as_deref_mut()
                    .map(|rng| (0..entries).map(|_| rng.next_u32() >= threshold).collect());
                updates.push(Update { first_row, rows, kept });
            }
            first_row += rows;
        }
        updates
    }
}

/// What [`Adapted`] computes, by candle's own ops.
fn composed(
    x: &Tensor,
    w: &Tensor,
    a: &Tensor,
    b: &Tensor,
    updates: &[Update],
    scaling: f64,
    raise: f64,
) -> Result<Tensor> {
    let m = w.dim(0)?;
    let rank = a.dim(0)? / updates.len();
    let mut y = x.matmul(&w.t()?)?; // (n, m)
    let mut row = 0;
    for (at, Update { first_row, rows, kept }) in updates.iter().enumerate() {
        let x = match kept {
            Some(kept) => {
                let mask: Vec<f64> =
                    kept.iter().map(|&kept| if kept { raise } else { 0.0 }).collect();
                (x * Tensor::from_vec(mask, x.shape(), &Device::Cpu)?
                    .to_dtype(x.dtype())?
                    .to_device(x.device())?)? // (n, k)
            }
            None => x.clone(),
        };
        let low = x.matmul(&a.narrow(0, at * rank, rank)?.t()?)?; // (n, rank)
        let update = (low.matmul(&b.narrow(0, row, *rows)?.t()?)? * scaling)?; // (n, rows)
        y = (y + update.pad_with_zeros(1, *first_row, m - first_row - rows)?)?; // (n, m)
        row += rows;
    }
    Ok(y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Preset;

    #[test]
    fn dropout_drops_its_share_of_each_input_apart() {
        let spec = LoraSpec { dropout: 0.25, ..LoraSpec::default() };
        let lora =
            Lora::new(&spec, &ModelConfig::of(Preset::Nano, None), 3, DType::F64, &Device::Cpu)
                .unwrap();
        let updates = lora.updates(
            40_000,
            PACKS[0],
            &[Module::QProj, Module::VProj],
            lora.dropout_generator().as_mut(),
        );
        let [queries, values] = &updates[..] else { panic!("{} updates", updates.len()) };
        assert_eq!(
            [queries.first_row, queries.rows, values.first_row, values.rows],
            [0, 128, 192, 64]
        );
        assert_ne!(queries.kept, values.kept);
        for update in &updates {
            let share = update.kept.as_ref().unwrap().iter().filter(|&&kept| !kept).count() as f64
                / 40_000.0;
            // five standard deviations of a share of 40,000 draws
            assert!((share - 0.25).abs() < 0.011, "{share}");
        }
        assert!(lora.updates(10, PACKS[0], &[Module::QProj], None)[0].kept.is_none());
    }
}
