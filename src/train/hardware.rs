//! What trains: the CPU, or a card and the precision of its products.

use super::TrainError;
use crate::model::Precision;
use candle_core::Device;

/// What trains.
#[derive(Debug, Clone)]
pub struct Hardware {
    /// Where variables lie.
    pub device: Device,
    /// Type of the factors of matrix products on a card.
    pub precision: Precision,
}

/// The hardware of `cpu`, `cuda` or `cuda:i`, the latter with `/f32` behind it where all is to be
/// computed in f32.
pub fn select_device(name: &str) -> Result<Hardware, TrainError> {
    const EXPECTED: &str =
        "expected `cpu`, `cuda` or `cuda:0`, or `cuda/f32` for f32 in place of bf16";
    let fail =
        |reason: &str| TrainError::Device { found: name.to_owned(), reason: reason.to_owned() };
    if name == "cpu" {
        return Ok(Hardware { device: Device::Cpu, precision: Precision::F32 });
    }
    let (card, precision) = match name.strip_suffix("/f32") {
        Some(card) => (card, Precision::F32),
        None => (name, Precision::Bf16),
    };
    let index = match card.strip_prefix("cuda") {
        Some("") => 0,
        Some(index) => index
            .strip_prefix(':')
            .and_then(|index| index.parse().ok())
            .ok_or_else(|| fail(EXPECTED))?,
        None => return Err(fail(EXPECTED)),
    };
    if cfg!(not(feature = "cuda")) {
        return Err(fail("this build has no CUDA support"));
    }
    // the CUDA driver's bindings panic where there is no driver, and what they say then is not for
    // users
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let found = std::panic::catch_unwind(|| Device::new_cuda(index));
    std::panic::set_hook(hook);
    match found {
        Ok(Ok(device)) => Ok(Hardware { device, precision }),
        Ok(Err(error)) => Err(fail(&error.to_string())),
        Err(_) => Err(fail("no CUDA driver on this machine")),
    }
}
