//! Adapters beside frozen variables: their gradients, their sum with what they stand beside, and
//! their dropout.

use super::*;
use crate::spec::{LoraSpec, Module};
use std::collections::BTreeMap;

/// Adapters beside two of the three packed projections, beside one of two, and beside a single one.
pub(super) fn lora(dropout: f64) -> LoraSpec {
    let target_modules = vec![Module::VProj, Module::QProj, Module::UpProj, Module::DownProj];
    LoraSpec { rank: 3, alpha: 6.0, dropout, target_modules }
}

fn rows(tensor: &Tensor) -> Vec<Vec<f64>> {
    tensor.to_vec2::<f64>().unwrap()
}

#[test]
fn adapters_have_the_gradients_of_central_differences_and_the_rest_has_none() {
    let base = stirred(DType::F64);
    let model = base.with_lora(&lora(0.0), 1).unwrap();
    assert_eq!(
        rows(&model.logits(&batch()).unwrap()),
        rows(&base.logits(&batch()).unwrap()),
        "fresh adapters change nothing"
    );
    stir(&model);
    for way in WAYS {
        check_gradients(way, &model, "adapters");
    }
    let gradients = model.loss(&batch()).unwrap().backward().unwrap();
    assert!(base.variables().iter().all(|(_, var)| gradients.get(var).is_none()));
}

#[test]
fn adapters_beside_packed_projections_are_the_dense_sum() {
    let base = stirred(DType::F64);
    let model = base.with_lora(&lora(0.0), 1).unwrap();
    stir(&model);
    let dense = base.copy().unwrap();
    let mut adapters: BTreeMap<String, Tensor> = BTreeMap::new();
    for (var, parts) in model.lora().unwrap().parts() {
        let mut row = 0;
        for (name, rows) in parts {
            adapters.insert(name, var.narrow(0, row, rows).unwrap());
            row += rows;
        }
    }
    assert_eq!(adapters.len(), 2 * 2 * 4);
    // first rows of q, k, v and of gate, up in the packed matrices
    for (module, at, row) in [
        ("q_proj", "self_attn.qkv", 0),
        ("v_proj", "self_attn.qkv", 24),
        ("up_proj", "mlp.gate_up", 20),
        ("down_proj", "mlp.down", 0),
    ] {
        for layer in 0..2 {
            let parent = at.split('.').next().unwrap();
            let adapter = |half: &str| {
                adapters[&format!(
                    "base_model.model.model.layers.{layer}.{parent}.{module}.{half}.weight"
                )]
                    .clone()
            };
            let update = (adapter("lora_B").matmul(&adapter("lora_A")).unwrap() * 2.0).unwrap();
            let name = format!("model.layers.{layer}.{at}_proj.weight");
            let variables = dense.variables();
            let (_, var) = variables.iter().find(|(found, _)| *found == name).unwrap();
            let mut sum = rows(var);
            for (sum, update) in sum[row..].iter_mut().zip(rows(&update)) {
                sum.iter_mut().zip(update).for_each(|(sum, update)| *sum += update);
            }
            var.set(&Tensor::from_vec(sum.concat(), var.shape(), &Device::Cpu).unwrap()).unwrap();
        }
    }
    let (ours, theirs) =
        (rows(&model.logits(&batch()).unwrap()), rows(&dense.logits(&batch()).unwrap()));
    let without = rows(&base.logits(&batch()).unwrap());
    for (row, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        for (column, (&ours, &theirs)) in ours.iter().zip(theirs).enumerate() {
            approx::assert_relative_eq!(ours, theirs, epsilon = 1e-10, max_relative = 1e-10);
            assert!((ours - without[row][column]).abs() > 1e-6, "the adapters must matter");
        }
    }
}

#[test]
fn dropout_repeats_and_is_off_in_evaluation() {
    let base = stirred(DType::F64);
    let loss = |dropout: f64, seed: u64| {
        let model = base.with_lora(&lora(dropout), seed).unwrap();
        stir(&model);
        let mut backprop = Backprop::new(&model);
        let mut losses = || backprop.loss_and_gradients(&batch()).unwrap().0;
        let (first, second) = (losses(), losses());
        (first, second, backprop.loss(&batch()).unwrap())
    };
    let (first, second, evaluated) = loss(0.2, 1);
    assert!(first != second && first != evaluated);
    assert_eq!((first, second, evaluated), loss(0.2, 1));
    assert_ne!(first, loss(0.2, 2).0);
    let (first, second, evaluated) = loss(0.0, 1);
    assert_eq!(first, second);
    approx::assert_relative_eq!(first, evaluated, max_relative = 1e-12);
}

#[test]
fn adapters_that_drop_are_the_same_by_all_ops() {
    let model = stirred(DType::F64).with_lora(&lora(0.3), 1).unwrap();
    stir(&model);
    let [fused, composed] = [Ops::Fused, Ops::Composed].map(|ops| {
        let loss = model
            .with_ops(ops)
            .training_loss(&batch(), model.dropout_generator().as_mut())
            .unwrap();
        let gradients = loss.backward().unwrap();
        let entries = |var: &Var| {
            gradients.get(var).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap()
        };
        let gradients = model.trained().into_iter().flat_map(|(_, var)| entries(var));
        std::iter::once(loss.to_scalar::<f64>().unwrap()).chain(gradients).collect::<Vec<_>>()
    });
    for (fused, composed) in fused.iter().zip(&composed) {
        approx::assert_relative_eq!(fused, composed, epsilon = 1e-10, max_relative = 1e-10);
    }
    assert_eq!(fused.len(), composed.len());
}

#[test]
fn fresh_adapters_are_uniform_within_kaimings_bound() {
    let model = tiny(DType::F64).with_lora(&LoraSpec { rank: 64, ..lora(0.0) }, 5).unwrap();
    for (name, var) in model.trained() {
        let values = var.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        if name.contains("lora_B") {
            assert!(values.iter().all(|&value| value == 0.0), "{name}");
            continue;
        }
        let bound = 1.0 / (var.dim(1).unwrap() as f64).sqrt();
        let square = values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64;
        assert!(values.iter().all(|value| value.abs() < bound), "{name}");
        approx::assert_relative_eq!(square, bound * bound / 3.0, max_relative = 0.1);
    }
}
