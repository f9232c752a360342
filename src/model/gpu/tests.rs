//! The step on a card against the passes of the CPU: losses and gradients.

use super::{Networks, Part, Precision, Setting, Told, emulated_trainer};
use crate::model::{Backprop, Batch, Gradients, Llama, ModelConfig};
use crate::numeric::random::{Item, Purpose, generator};
use crate::spec::{Optimisation, Preset};
use candle_core::{DType, Device};

const CONTEXT: usize = 96;

fn config(head_dim: usize) -> ModelConfig {
    // heads of 6 entries: a width that no vector divides
    let (n_heads, n_kv_heads) = if head_dim == 6 { (3, 1) } else { (4, 2) };
    let d_model = n_heads * head_dim;
    ModelConfig {
        vocab_size: 75,
        d_model,
        n_layers: 2,
        n_heads,
        n_kv_heads,
        head_dim,
        d_ff: 40,
        ..ModelConfig::of(Preset::Nano, None)
    }
}

fn model(config: ModelConfig) -> Llama {
    Llama::random(
        config,
        CONTEXT,
        DType::F32,
        &Device::Cpu,
        &mut generator(3, Purpose::Weights, Item::All),
    )
    .unwrap()
}

/// Sequences of these lengths, one more than is read, of which the later part is predicted.
fn batch(lengths: &[usize], seed: u32) -> Batch {
    let sequence = |len: usize| -> Vec<u32> {
        (0..len as u32)
            .map(|at| (at * at * 7 + at * (5 + seed) + len as u32 * 11 + seed) % 75)
            .collect()
    };
    let sequences: Vec<Vec<u32>> = lengths.iter().map(|&len| sequence(len)).collect();
    Batch::new(sequences.iter().map(|tokens| (tokens.as_slice(), tokens.len() / 3)))
}

fn setting(config: ModelConfig, runs: usize, precision: Precision) -> Setting {
    let hopeless = 3.0 * (config.vocab_size as f64).ln();
    Setting { config, runs, precision, micro_batch: None, recomputes: false, hopeless }
}

/// Largest distance of two gradients, relative to the larger norm of each variable.
fn distance(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    let norm = |values: &[f32]| values.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let of = |(a, b): (&Vec<f32>, &Vec<f32>)| {
        let apart: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        norm(&apart) / norm(a)
    };
    a.iter().zip(b).map(of).fold(0.0, |most, distance| {
        if distance > most || distance.is_nan() { distance } else { most }
    })
}

/// Loss and gradients on a card, with a rate of 0, against those of the CPU; returns both
/// distances.
fn against_the_cpu(head_dim: usize, setting_of: impl Fn(ModelConfig) -> Setting) -> (f64, f64) {
    let model = model(config(head_dim));
    let batch = batch(&[20, 2, 70, 41], 0);
    let mut backprop = Backprop::new(&model);
    let (nats, Gradients::Slices(expected)) = backprop.loss_and_gradients(&batch).unwrap() else {
        unreachable!()
    };
    let mut trainer = emulated_trainer(&model, setting_of(*model.config())).unwrap();
    let told = trainer
        .steps(&[vec![Part { batch: &batch, lr: 0.0, takes_part: true }]], &Optimisation::default())
        .unwrap();
    let Told { nats: found, norm } = told[0][0];
    let gradients = trainer.gradients(0).unwrap();
    let squares: f64 = gradients.iter().flatten().map(|&x| f64::from(x).powi(2)).sum();
    approx::assert_relative_eq!(norm, squares.sqrt() / batch.targets() as f64, max_relative = 1e-6);
    let evaluated = trainer.loss(&[&batch]).unwrap()[0];
    approx::assert_relative_eq!(evaluated, found, max_relative = 1e-6);
    ((found / nats - 1.0).abs(), distance(expected, &gradients))
}

#[test]
fn losses_and_gradients_in_f32_are_those_of_the_cpu() {
    for head_dim in [6, 32] {
        let (loss, gradients) =
            against_the_cpu(head_dim, |config| setting(config, 1, Precision::F32));
        assert!(loss < 1e-6 && gradients < 1e-5, "heads of {head_dim}: {loss:e} {gradients:e}");
    }
}

#[test]
fn losses_and_gradients_in_bf16_are_near_those_of_the_cpu() {
    for head_dim in [6, 16, 32] {
        let (loss, gradients) =
            against_the_cpu(head_dim, |config| setting(config, 1, Precision::Bf16));
        assert!(loss < 2e-3 && gradients < 2e-2, "heads of {head_dim}: {loss:e} {gradients:e}");
    }
}

#[test]
fn what_saves_memory_changes_no_gradient() {
    let saving = |micro_batch, recomputes| {
        move |config| Setting { micro_batch, recomputes, ..setting(config, 1, Precision::F32) }
    };
    for (micro_batch, recomputes) in [(None, true), (Some(1), false), (Some(3), true)] {
        let (loss, gradients) = against_the_cpu(6, saving(micro_batch, recomputes));
        assert!(
            loss < 1e-6 && gradients < 1e-5,
            "{micro_batch:?} {recomputes}: {loss:e} {gradients:e}"
        );
    }
}
