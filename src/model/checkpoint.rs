//! Checkpoints: the variables of a network as the bytes of a safetensors file, and back.

use super::config::ModelConfig;
use super::llama::Llama;
use super::ops::Ops;
use candle_core::{DType, Device, Result, Tensor, Var};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

impl Llama {
    /// The variables in f32, as a safetensors file.
    pub fn to_safetensors(&self) -> Result<Vec<u8>> {
        let mut tensors = Vec::new();
        for (name, var) in self.variables() {
            let values = var.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            tensors.push((name, var.dims().to_vec(), bytes));
        }
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| {
                Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(candle_core::Error::wrap)?))
            })
            .collect::<Result<Vec<_>>>()?;
        safetensors::serialize(views, None).map_err(candle_core::Error::wrap)
    }

    /// The network whose variables are in a safetensors file of f32.
    pub fn from_safetensors(bytes: &[u8], config: ModelConfig, context: usize, device: &Device) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(candle_core::Error::wrap)?;
        Llama::build(config, context, Ops::best_for(device, DType::F32), |name, shape| {
            let view = file.tensor(name).map_err(candle_core::Error::wrap)?;
            if view.dtype() != Dtype::F32 || view.shape() != shape {
                candle_core::bail!("variable `{name}` is {:?} of {:?}, expected F32 of {shape:?}", view.dtype(), view.shape());
            }
            let values: Vec<f32> = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            Var::from_tensor(&Tensor::from_vec(values, shape, device)?)
        })
    }
}
