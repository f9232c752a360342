//! Gradients of the whole network: every variable, both implementations, against central
//! differences in f64.

mod adapters;
mod saving;

use super::attention::{Heads, Rope};
use super::*;
use crate::numeric::random::{Item, Purpose, generator};
use candle_core::{DType, Device, Tensor, Var};
use rand::RngExt;
use std::sync::Arc;

const TINY: ModelConfig = ModelConfig {
    family: Family::Llama,
    vocab_size: 23,
    is_tied: true,
    d_model: 16,
    n_layers: 2,
    n_heads: 4,
    n_kv_heads: 2,
    head_dim: 4,
    d_ff: 20,
    rope_theta: 100.0,
    rope_scaling: None,
    norm_eps: 1e-5,
};

fn random(config: ModelConfig, dtype: DType) -> Llama {
    Llama::random(config, 12, dtype, &Device::Cpu, &mut generator(7, Purpose::Planted, Item::All))
        .unwrap()
}

fn tiny(dtype: DType) -> Llama {
    random(TINY, dtype)
}

/// Weights ten times larger than at the start of training and some noise, so that attention and
/// gates are far from linear and nothing is 0.
fn stir(model: &Llama) {
    let mut rng = generator(8, Purpose::Planted, Item::All);
    for (_, var) in model.trained() {
        let noise: Vec<f64> = (0..var.elem_count()).map(|_| rng.random_range(-0.1..0.1)).collect();
        let noise = Tensor::from_vec(noise, var.shape(), &Device::Cpu)
            .unwrap()
            .to_dtype(var.dtype())
            .unwrap();
        let scale = if var.dims().len() == 2 { 10.0 } else { 1.0 };
        var.set(&((var.as_tensor() * scale).unwrap() + noise).unwrap()).unwrap();
    }
}

fn stirred(dtype: DType) -> Llama {
    let model = tiny(dtype);
    stir(&model);
    model
}

fn batch() -> Batch {
    let sequences: [(&[u32], usize); 4] =
        [(&[1, 5, 9, 3, 22, 7, 2], 3), (&[1, 4], 1), (&[1, 8, 8, 0, 2], 2), (&[1, 3, 3], 9)];
    Batch::new(sequences)
}

#[test]
fn a_batch_predicts_what_it_should() {
    let batch = batch();
    assert_eq!((batch.tokens(), batch.targets()), (6 + 1 + 4, 4 + 1 + 3));
}

/// How losses and gradients are computed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// Passes written out.
    Written,
    /// candle's graph over these ops.
    Graph(Ops),
}

impl Way {
    fn model(self, dtype: DType) -> Llama {
        self.of(&stirred(dtype))
    }

    fn of(self, model: &Llama) -> Llama {
        model.with_ops(if let Way::Graph(ops) = self { ops } else { Ops::Fused })
    }

    fn loss(self, model: &Llama, batch: &Batch) -> f64 {
        match self {
            Way::Written => Backprop::new(model).loss(batch).unwrap(),
            Way::Graph(_) => {
                model.loss(batch).unwrap().to_dtype(DType::F64).unwrap().to_scalar().unwrap()
            }
        }
    }

    /// Of every variable that is trained in their order, in f64.
    fn gradients(self, model: &Llama, batch: &Batch) -> Vec<Vec<f64>> {
        let entries = |gradient: &Tensor| {
            gradient.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
        };
        if let Way::Graph(_) = self {
            let gradients = model.loss(batch).unwrap().backward().unwrap();
            return model
                .trained()
                .iter()
                .map(|(_, var)| entries(gradients.get(var).unwrap()))
                .collect();
        }
        match Backprop::new(model).loss_and_gradients(batch).unwrap().1 {
            Gradients::Tensors(gradients) => gradients.iter().map(entries).collect(),
            Gradients::Slices(gradients) => gradients
                .iter()
                .map(|gradient| gradient.iter().map(|&g| g.into()).collect())
                .collect(),
        }
    }
}

/// Holds the gradients of the variables that are trained against central differences.
fn check_gradients(way: Way, model: &Llama, what: &str) {
    let (model, batch) = (way.of(model), batch());
    let gradients = way.gradients(&model, &batch);
    for ((name, var), gradient) in model.trained().into_iter().zip(gradients) {
        assert!(
            gradient.iter().all(|g| g.is_finite()) && gradient.iter().any(|&g| g != 0.0),
            "{name} of {what} under {way:?}"
        );
        let start = var.as_tensor().copy().unwrap();
        let values = start.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        // a prime stride visits entries of every row and column
        for at in (0..values.len()).step_by(if values.len() > 40 { 37 } else { 1 }) {
            let shifted = |h: f64| {
                let mut values = values.clone();
                values[at] += h;
                var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
                way.loss(&model, &batch)
            };
            let h = 1e-5;
            // Richardson: two central differences cancel the error of order h^2
            let difference = (8.0 * (shifted(h) - shifted(-h))
                - (shifted(2.0 * h) - shifted(-2.0 * h)))
                / (12.0 * h);
            var.set(&start).unwrap();
            let distance = (difference - gradient[at]).abs();
            let place = || format!("{name}[{at}] of {what} under {way:?}");
            assert!(
                distance < 1e-7 * (1.0 + difference.abs()),
                "{}: {difference} against {}",
                place(),
                gradient[at]
            );
        }
    }
}

const WAYS: [Way; 3] = [Way::Written, Way::Graph(Ops::Fused), Way::Graph(Ops::Composed)];

#[test]
fn every_variable_has_the_gradient_of_a_central_difference() {
    for family in [Family::Llama, Family::Qwen2, Family::Qwen3] {
        let config = if family == Family::Llama {
            TINY
        } else {
            ModelConfig { family, is_tied: false, head_dim: 6, ..TINY }
        };
        let model = random(config, DType::F64);
        stir(&model);
        for way in WAYS {
            check_gradients(way, &model, &format!("{family:?}"));
        }
    }
}

/// Sequences of a few tokens, so many that they are cut into parts.
fn large_batch(sequences: u32) -> Batch {
    let token = |s: u32, i: u32| (s * 7 + i * i * 3 + s * i) % 23;
    let sequences: Vec<Vec<u32>> =
        (0..sequences).map(|s| (0..2 + s % 11).map(|i| token(s, i)).collect()).collect();
    Batch::new(sequences.iter().enumerate().map(|(s, sequence)| (sequence.as_slice(), 1 + s % 3)))
}

#[test]
fn all_ways_agree() {
    let reference = Way::Graph(Ops::Composed);
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-4)] {
        for batch in [batch(), large_batch(500), large_batch(1000)] {
            let model = reference.model(dtype);
            let (loss, gradients) =
                (reference.loss(&model, &batch), reference.gradients(&model, &batch));
            for way in [Way::Written, Way::Graph(Ops::Fused)] {
                let model = way.model(dtype);
                approx::assert_relative_eq!(
                    way.loss(&model, &batch),
                    loss,
                    max_relative = tolerance
                );
                for (((name, _), x), y) in
                    model.variables().iter().zip(way.gradients(&model, &batch)).zip(&gradients)
                {
                    let distance =
                        x.iter().zip(y).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
                    let size = y.iter().map(|y| y * y).sum::<f64>().sqrt();
                    assert!(
                        distance < tolerance * size,
                        "{name} under {way:?} in {dtype:?}: {distance} of {size}"
                    );
                }
            }
        }
    }
}

#[test]
fn parts_are_the_batch_in_its_order() {
    for (sequences, tokens, count) in
        [(0, 8, 0), (1000, 100_000, 1), (1000, 2000, 4), (1000, 900, 8), (12, 1, 11)]
    {
        let batch = large_batch(sequences);
        let parts = batch.parts(tokens, None);
        assert_eq!(parts.len(), count, "{} tokens in parts of {tokens}", batch.tokens());
        assert_eq!(parts.iter().map(|part| part.tokens.len()).sum::<usize>(), batch.tokens());
        assert_eq!(parts.iter().map(|part| part.targets.len()).sum::<usize>(), batch.targets());
        for part in parts {
            assert_eq!(part.lengths.iter().sum::<usize>(), part.tokens.len());
            assert!(
                part.rows.is_sorted()
                    && part.rows.len() == part.targets.len()
                    && part.rows.iter().all(|&row| row < part.tokens.len())
            );
        }
    }
}

#[test]
fn a_batch_that_does_not_fit_is_an_error() {
    let model = tiny(DType::F32);
    let error = |sequence: &[u32]| {
        Backprop::new(&model).loss(&Batch::new([(sequence, 1)])).unwrap_err().to_string()
    };
    assert!(error(&[1; 14]).starts_with("sequence of 13 tokens, expected at most 12"));
    assert!(error(&[1, 23]).starts_with("token 23, expected one below the 23 of the vocabulary"));
}

#[test]
fn sequences_of_a_batch_do_not_see_each_other_or_the_future() {
    let model = stirred(DType::F64);
    let alone =
        model.logits(&Batch::new([(&[1, 8, 8, 0, 2][..], 1)])).unwrap().to_vec2::<f64>().unwrap();
    let beside = model
        .logits(&Batch::new([(&[1, 5, 9, 3][..], 3), (&[1, 8, 8, 0, 2], 1)]))
        .unwrap()
        .to_vec2::<f64>()
        .unwrap();
    let later =
        model.logits(&Batch::new([(&[1, 8, 8, 17, 2][..], 1)])).unwrap().to_vec2::<f64>().unwrap();
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
    let rope = Arc::new(Rope::new(9, &[1.0, 0.01]));
    let qkv: Vec<f64> =
        (0..14 * heads.qkv_dim()).map(|at| ((at * at) as f64 * 0.37).sin()).collect();
    let qkv =
        Var::from_tensor(&Tensor::from_vec(qkv, (14, heads.qkv_dim()), &Device::Cpu).unwrap())
            .unwrap();
    let fused = Ops::Fused.attention(&qkv, &lengths, heads, &rope).unwrap();
    let composed = Ops::Composed.attention(&qkv, &lengths, heads, &rope).unwrap();
    let difference =
        (&fused - &composed).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
    assert!(difference < 1e-12, "{difference}");
}

#[test]
fn a_checkpoint_gives_the_same_network_back() {
    let model = tiny(DType::F32);
    let read = Llama::from_safetensors(&[&model.to_safetensors().unwrap()], TINY, 12, &Device::Cpu)
        .unwrap();
    assert_eq!(
        model.logits(&batch()).unwrap().to_vec2::<f32>().unwrap(),
        read.logits(&batch()).unwrap().to_vec2::<f32>().unwrap()
    );
}

#[test]
fn a_copy_is_trained_apart() {
    let model = tiny(DType::F32);
    let copy = model.copy().unwrap();
    let (_, var) = copy.variables()[0];
    var.set(&var.as_tensor().zeros_like().unwrap()).unwrap();
    assert_ne!(
        model.logits(&batch()).unwrap().to_vec2::<f32>().unwrap(),
        copy.logits(&batch()).unwrap().to_vec2::<f32>().unwrap()
    );
}
