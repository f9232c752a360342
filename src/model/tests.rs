//! Gradients of the whole network: every variable, both implementations, against central differences in f64.

use super::attention::{Heads, Rope};
use super::*;
use candle_core::{DType, Device, Tensor, Var};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

const TINY: ModelConfig =
    ModelConfig { vocab_size: 23, d_model: 16, n_layers: 2, n_heads: 4, n_kv_heads: 2, d_ff: 20, rope_theta: 100.0, norm_eps: 1e-5 };

fn tiny(dtype: DType) -> Llama {
    Llama::random(TINY, 12, dtype, &Device::Cpu, &mut ChaCha8Rng::seed_from_u64(7)).unwrap()
}

/// Weights ten times larger than at the start of training, so that attention and gates are far from linear.
fn stirred(dtype: DType) -> Llama {
    let model = tiny(dtype);
    for (_, var) in model.variables().into_iter().filter(|(_, var)| var.dims().len() == 2) {
        var.set(&(var.as_tensor() * 10.0).unwrap()).unwrap();
    }
    model
}

fn batch() -> Batch {
    let sequences: [(&[u32], usize); 4] = [(&[1, 5, 9, 3, 22, 7, 2], 3), (&[1, 4], 1), (&[1, 8, 8, 0, 2], 2), (&[1, 3, 3], 9)];
    Batch::new(sequences)
}

#[test]
fn a_batch_predicts_what_it_should() {
    let batch = batch();
    assert_eq!((batch.tokens(), batch.targets()), (6 + 1 + 4, 4 + 1 + 3));
}

#[test]
fn every_variable_has_the_gradient_of_a_central_difference() {
    for ops in [Ops::Fused, Ops::Composed] {
        let model = stirred(DType::F64).with_ops(ops);
        let batch = batch();
        let loss = || model.loss(&batch).unwrap().to_scalar::<f64>().unwrap();
        let gradients = model.loss(&batch).unwrap().backward().unwrap();
        for (name, var) in model.variables() {
            let gradient = gradients.get(var).unwrap_or_else(|| panic!("{name} has no gradient under {ops:?}"));
            let gradient = gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            assert!(gradient.iter().all(|g| g.is_finite()) && gradient.iter().any(|&g| g != 0.0), "{name} under {ops:?}");
            let start = var.as_tensor().copy().unwrap();
            let values = start.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            // a prime stride visits entries of every row and column
            for at in (0..values.len()).step_by(if values.len() > 40 { 37 } else { 1 }) {
                let shifted = |h: f64| {
                    let mut values = values.clone();
                    values[at] += h;
                    var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
                    loss()
                };
                let h = 1e-5;
                // Richardson: two central differences cancel the error of order h^2
                let difference = (8.0 * (shifted(h) - shifted(-h)) - (shifted(2.0 * h) - shifted(-2.0 * h))) / (12.0 * h);
                var.set(&start).unwrap();
                assert!(
                    (difference - gradient[at]).abs() < 1e-7 * (1.0 + difference.abs()),
                    "{name}[{at}] under {ops:?}: {difference} against {}",
                    gradient[at]
                );
            }
        }
    }
}

#[test]
fn fused_and_composed_agree_in_f32() {
    let (fused, composed) = (stirred(DType::F32), stirred(DType::F32).with_ops(Ops::Composed));
    let batch = batch();
    let (a, b) = (fused.loss(&batch).unwrap(), composed.loss(&batch).unwrap());
    approx::assert_relative_eq!(a.to_scalar::<f32>().unwrap(), b.to_scalar::<f32>().unwrap(), max_relative = 1e-5);
    let (ga, gb) = (a.backward().unwrap(), b.backward().unwrap());
    for ((name, x), (_, y)) in fused.variables().into_iter().zip(composed.variables()) {
        let (x, y) = (ga.get(x).unwrap(), gb.get(y).unwrap());
        let distance = ((x - y).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap()).sqrt();
        let size = y.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
        assert!(distance < 1e-4 * size, "{name}: {distance} of {size}");
    }
}

#[test]
fn sequences_of_a_batch_do_not_see_each_other_or_the_future() {
    let model = stirred(DType::F64);
    let alone = model.logits(&Batch::new([(&[1, 8, 8, 0, 2][..], 1)])).unwrap().to_vec2::<f64>().unwrap();
    let beside = model.logits(&Batch::new([(&[1, 5, 9, 3][..], 3), (&[1, 8, 8, 0, 2], 1)])).unwrap().to_vec2::<f64>().unwrap();
    let later = model.logits(&Batch::new([(&[1, 8, 8, 17, 2][..], 1)])).unwrap().to_vec2::<f64>().unwrap();
    for row in 0..4 {
        for (column, &expected) in alone[row].iter().enumerate() {
            approx::assert_relative_eq!(expected, beside[row + 1][column], max_relative = 1e-12);
        }
    }
    assert_eq!(alone[..3], later[..3]);
    assert_ne!(alone[3], later[3]);
}

#[test]
fn attention_alone_matches_its_twin_with_long_and_short_sequences() {
    let heads = Heads { n_heads: 6, n_kv_heads: 2, head_dim: 4 };
    let lengths: Arc<[usize]> = [1, 9, 4].into();
    let rope = Arc::new(Rope::new(9, 4, 10_000.0));
    let qkv: Vec<f64> = (0..14 * heads.qkv_dim()).map(|at| ((at * at) as f64 * 0.37).sin()).collect();
    let qkv = Var::from_tensor(&Tensor::from_vec(qkv, (14, heads.qkv_dim()), &Device::Cpu).unwrap()).unwrap();
    let fused = Ops::Fused.attention(&qkv, &lengths, heads, &rope).unwrap();
    let composed = Ops::Composed.attention(&qkv, &lengths, heads, &rope).unwrap();
    let difference = (&fused - &composed).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
    assert!(difference < 1e-12, "{difference}");
}

#[test]
fn a_checkpoint_gives_the_same_network_back() {
    let model = tiny(DType::F32);
    let read = Llama::from_safetensors(&model.to_safetensors().unwrap(), TINY, 12, &Device::Cpu).unwrap();
    assert_eq!(model.logits(&batch()).unwrap().to_vec2::<f32>().unwrap(), read.logits(&batch()).unwrap().to_vec2::<f32>().unwrap());
    let wider = ModelConfig { d_ff: 24, ..TINY };
    assert!(
        Llama::from_safetensors(&model.to_safetensors().unwrap(), wider, 12, &Device::Cpu)
            .unwrap_err()
            .to_string()
            .contains("gate_up_proj")
    );
}

#[test]
fn a_copy_is_trained_apart() {
    let model = tiny(DType::F32);
    let copy = model.copy().unwrap();
    let (_, var) = copy.variables()[0];
    var.set(&var.as_tensor().zeros_like().unwrap()).unwrap();
    assert_ne!(model.logits(&batch()).unwrap().to_vec2::<f32>().unwrap(), copy.logits(&batch()).unwrap().to_vec2::<f32>().unwrap());
}
