//! Our network and optimiser against PyTorch's: `parity.py` beside this file made `parity.json`.

use candle_core::{DType, Device, Tensor, Var};
use parallot::model::{Batch, Family, Llama, ModelConfig, Ops};
use parallot::spec::Optimisation;
use parallot::train::fit_batches;
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    logits: Vec<Vec<f64>>,
    losses: Vec<f64>,
}

const CONFIG: ModelConfig = ModelConfig {
    family: Family::Llama,
    vocab_size: 61,
    is_tied: true,
    d_model: 32,
    n_layers: 2,
    n_heads: 4,
    n_kv_heads: 2,
    head_dim: 8,
    d_ff: 48,
    rope_theta: 10_000.0,
    rope_scaling: None,
    norm_eps: 1e-5,
};

fn expected() -> Expected {
    serde_json::from_str(include_str!("parity.json"))
        .expect("hint: python tests/it/parity.py > tests/it/parity.json")
}

/// The weights of `parity.py`.
fn model(ops: Ops, dtype: DType) -> Llama {
    let mut index = 0.0;
    Llama::build(CONFIG, 16, ops, |_, shape| {
        let wave = (0..shape.iter().product::<usize>()).map(|i| (0.7 * i as f64 + index).sin());
        let values: Vec<f64> = if shape.len() == 1 {
            wave.map(|w| 1.0 + 0.1 * w).collect()
        } else {
            wave.map(|w| 0.3 * w).collect()
        };
        index += 1.0;
        Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(dtype)?)
    })
    .unwrap()
}

fn batch(step: usize) -> Batch {
    let sequence = |s: usize, n: usize| {
        (0..n).map(|i| ((s * 31 + i * i * 7 + step * 5 + 1) % 61) as u32).collect::<Vec<_>>()
    };
    let sequences = [(sequence(0, 7), 3), (sequence(1, 12), 5), (sequence(2, 4), 1)];
    Batch::new(sequences.iter().map(|(tokens, first)| (tokens.as_slice(), *first)))
}

/// Implementations and types, and how near they must come to PyTorch's f64.
const CASES: [(Ops, DType, f64); 4] = [
    (Ops::Fused, DType::F32, 1e-4),
    (Ops::Composed, DType::F32, 1e-4),
    (Ops::Fused, DType::F64, 1e-6),
    (Ops::Composed, DType::F64, 1e-6),
];

#[test]
fn logits_equal_pytorch() {
    for (ops, dtype, tolerance) in CASES {
        let logits = model(ops, dtype)
            .logits(&batch(0))
            .unwrap()
            .to_dtype(DType::F64)
            .unwrap()
            .to_vec2::<f64>()
            .unwrap();
        assert_eq!(logits.len(), expected().logits.len());
        for (ours, theirs) in logits.iter().zip(expected().logits) {
            for (&ours, theirs) in ours.iter().zip(theirs) {
                assert!(
                    (ours - theirs).abs() < tolerance,
                    "{ours} against {theirs} under {ops:?} in {dtype:?}"
                );
            }
        }
    }
}

#[test]
fn ten_training_losses_equal_pytorch() {
    let optimisation = Optimisation {
        peak_lr: 0.005,
        min_lr_share: 0.1,
        warmup_share: 0.2,
        weight_decay: 0.1,
        grad_clip: 1.0,
        ..Optimisation::default()
    };
    let batches: Vec<Batch> = (0..10).map(|step| batch(step % 2)).collect();
    for (ops, dtype, tolerance) in CASES {
        let mut losses = Vec::new();
        fit_batches(&model(ops, dtype), &batches, &optimisation, |progress| {
            losses.push(progress.loss_nats)
        })
        .unwrap();
        let expected = expected().losses;
        assert_eq!(losses.len(), expected.len());
        for (step, (ours, theirs)) in losses.iter().zip(&expected).enumerate() {
            assert!(
                (ours - theirs).abs() < tolerance,
                "step {step}: {ours} against {theirs} under {ops:?} in {dtype:?}"
            );
        }
        assert!(
            losses[9] < losses[0] - 0.5,
            "the losses must move for the comparison to say anything"
        );
    }
}
