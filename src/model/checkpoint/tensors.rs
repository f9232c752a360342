//! The weights: variables of a network as the bytes of safetensors files, and back.

use super::WeightsError;
use crate::model::config::ModelConfig;
use crate::model::llama::Llama;
use crate::model::lora::Lora;
use crate::model::ops::Ops;
use crate::spec::Module;
use candle_core::safetensors::Load;
use candle_core::{DType, Device, Error, Tensor, Var};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeMap;

/// Projections that are one matrix in our network and several in files: name, and the parts from
/// the first row on.
const PACKED: [(&str, &[Module]); 2] = [
    ("qkv_proj", &[Module::QProj, Module::KProj, Module::VProj]),
    ("gate_up_proj", &[Module::GateProj, Module::UpProj]),
];

/// Names in files, and rows, of the tensors that the variable `name` with `rows` rows consists of.
fn parts(name: &str, rows: usize, config: &ModelConfig) -> Vec<(String, usize)> {
    match PACKED.iter().find(|(packed, _)| name.contains(packed)) {
        Some((packed, modules)) => modules
            .iter()
            .map(|&module| (name.replace(packed, module.name()), config.dims(module).0))
            .collect(),
        None => vec![(name.to_owned(), rows)],
    }
}

impl Llama {
    /// The variables in f32 under the names of files, as a safetensors file.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        let mut tensors = Vec::new();
        for (name, var) in self.variables() {
            tensors.extend(unpacked(var, parts(&name, var.dim(0)?, self.config()))?);
        }
        serialize(&tensors)
    }

    /// The network whose variables are in some safetensors files of f32, f16 or bf16, in f32. Every
    /// tensor must be one of the network's.
    pub fn from_safetensors(
        files: &[&[u8]],
        config: ModelConfig,
        context: usize,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let files = files
            .iter()
            .map(|bytes| SafeTensors::deserialize(bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let mut found: BTreeMap<String, TensorView> = files
            .iter()
            .flat_map(|file| file.tensors())
            .map(|(name, view)| (unwrapped(&name).to_owned(), view))
            .collect();
        let mut fault = None;
        let model =
            Llama::build(config, context, Ops::best_for(device, DType::F32), |name, shape| {
                let packed = packed(&mut found, parts(name, shape[0], &config), &shape[1..])
                    .map_err(|error| {
                        let message = error.to_string();
                        fault = Some(error);
                        Error::msg(message)
                    })?;
                Var::from_tensor(&packed.to_device(device)?)
            });
        // the tensor library's own error would lose what is wrong
        let model = fault.map_or_else(|| Ok(model?), Err)?;
        match found.into_iter().find(|(name, _)| !is_derived(name, &config)) {
            Some((name, view)) => Err(WeightsError::Extra { name, shape: view.shape().to_vec() }),
            None => Ok(model),
        }
    }
}

impl Lora {
    /// The adapters in f32 under the names of `peft`, as a safetensors file.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, Error> {
        let mut tensors = Vec::new();
        for (var, parts) in self.parts() {
            tensors.extend(unpacked(var, parts)?);
        }
        serialize(&tensors)
    }

    /// Takes the values of the adapters from a safetensors file. Every tensor must be one of
    /// theirs.
    pub fn load_safetensors(&self, bytes: &[u8]) -> Result<(), WeightsError> {
        let file = SafeTensors::deserialize(bytes)?;
        let mut found: BTreeMap<String, TensorView> = file.tensors().into_iter().collect();
        for (var, parts) in self.parts() {
            let values = packed(&mut found, parts, &[var.dim(1)?])?; // (rows, columns)
            var.set(&values.to_dtype(var.dtype())?.to_device(var.device())?)?;
        }
        match found.into_iter().next() {
            Some((name, view)) => Err(WeightsError::Extra { name, shape: view.shape().to_vec() }),
            None => Ok(()),
        }
    }
}

/// The parts of a variable, by their rows.
fn unpacked(var: &Var, parts: Vec<(String, usize)>) -> Result<Vec<(String, Tensor)>, Error> {
    let mut row = 0;
    let mut part = |(name, rows): (String, usize)| {
        let part = var.as_detached_tensor().narrow(0, row, rows)?; // (rows, ..)
        row += rows;
        Ok((name, part))
    };
    parts.into_iter().map(&mut part).collect()
}

/// Takes tensors with their rows out of a file, in f32 one below the other; `columns` are their
/// further dimensions.
fn packed(
    found: &mut BTreeMap<String, TensorView>,
    parts: Vec<(String, usize)>,
    columns: &[usize],
) -> Result<Tensor, WeightsError> {
    let mut tensors = Vec::with_capacity(parts.len());
    for (name, rows) in parts {
        let expected = [&[rows], columns].concat();
        let Some(view) = found.remove(&name) else {
            return Err(WeightsError::Missing { name, expected });
        };
        if view.shape() != expected {
            return Err(WeightsError::Shape { name, found: view.shape().to_vec(), expected });
        }
        tensors.push(match view.dtype() {
            Dtype::F32 | Dtype::F16 | Dtype::BF16 => {
                view.load(&Device::Cpu)?.to_dtype(DType::F32)?
            }
            found => return Err(WeightsError::Type { name, found }),
        });
    }
    Ok(Tensor::cat(&tensors, 0)?)
}

/// What programs put before the names of a network that they have wrapped: compiled, or spread over
/// processes.
const WRAPPERS: [&str; 3] = ["_orig_mod.", "module.", "_fsdp_wrapped_module."];

/// The name of a tensor without them.
fn unwrapped(name: &str) -> &str {
    let mut name = name;
    while let Some(inner) = WRAPPERS.iter().find_map(|wrapper| name.strip_prefix(wrapper)) {
        name = inner;
    }
    name
}

/// Tensors that some files hold although they follow from others.
fn is_derived(name: &str, config: &ModelConfig) -> bool {
    name.ends_with("rotary_emb.inv_freq") || (config.is_tied && name == "lm_head.weight")
}

/// Tensors in f32 as a safetensors file, marked as `transformers` and `peft` want it.
fn serialize(tensors: &[(String, Tensor)]) -> Result<Vec<u8>, Error> {
    let bytes = |(_, tensor): &(String, Tensor)| -> Result<Vec<u8>, Error> {
        let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        Ok(values.iter().flat_map(|value| value.to_le_bytes()).collect())
    };
    let bytes = tensors.iter().map(bytes).collect::<Result<Vec<_>, Error>>()?;
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let view =
            TensorView::new(Dtype::F32, tensor.dims().to_vec(), bytes).map_err(Error::wrap)?;
        Ok((name.clone(), view))
    });
    let views = views.collect::<Result<Vec<_>, Error>>()?;
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    safetensors::serialize(views, Some(metadata)).map_err(Error::wrap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_of_names_are_taken_off() {
        for name in [
            "model.norm.weight",
            "_orig_mod.model.norm.weight",
            "module._orig_mod.model.norm.weight",
        ] {
            assert_eq!(unwrapped(name), "model.norm.weight");
        }
    }
}
