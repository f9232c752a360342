//! Less memory, the same gradients.

use super::adapters::lora;
use super::*;

/// Loss and all entries of the gradients of the variables that are trained.
fn computed(model: &Llama, saving: Saving) -> Vec<f64> {
    let mut backprop = Backprop::new(model).saving(saving);
    let (nats, gradients) = backprop.loss_and_gradients(&batch()).unwrap();
    let entries = |gradient: &Tensor| {
        gradient.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap()
    };
    let gradients: Vec<f64> = match gradients {
        Gradients::Tensors(gradients) => gradients.iter().flat_map(entries).collect(),
        Gradients::Slices(gradients) => {
            gradients.iter().flatten().map(|&entry| f64::from(entry)).collect()
        }
    };
    std::iter::once(nats).chain(gradients).collect()
}

/// Networks of each way to compute gradients, and whether a sum over their blocks has terms whose
/// order recomputing changes.
fn networks(dtype: DType, dropout: f64) -> Vec<(&'static str, Llama, bool)> {
    let adapted = stirred(dtype).with_lora(&lora(dropout), 1).unwrap();
    stir(&adapted);
    let family = random(ModelConfig { family: Family::Qwen3, is_tied: false, ..TINY }, dtype);
    let composed = stirred(dtype).with_ops(Ops::Composed);
    vec![
        ("written out", stirred(dtype), false),
        ("adapters", adapted, false),
        ("graph", family, false),
        ("composed", composed, true),
    ]
}

#[test]
fn blocks_that_are_computed_again_give_the_same_gradients() {
    let saving = Saving { recomputes: true, ..Saving::default() };
    for dtype in [DType::F32, DType::F64] {
        for (what, model, is_summed) in networks(dtype, 0.3) {
            let (kept, again) = (computed(&model, Saving::default()), computed(&model, saving));
            // the embedding is read at both ends: its two gradients meet in another order
            let tolerance = if is_summed { 1e-6 } else { 0.0 };
            assert!(kept.len() > 100 && kept.len() == again.len());
            for (kept, again) in kept.iter().zip(&again) {
                assert!(
                    (kept - again).abs() <= tolerance * (1.0 + kept.abs()),
                    "{what}: {kept} and {again}"
                );
            }
        }
    }
}

#[test]
fn micro_batches_sum_to_the_whole() {
    // gradients of sequences nearly cancel here, which costs f32 two digits
    for (dtype, tolerance) in [(DType::F32, 1e-4), (DType::F64, 1e-12)] {
        for (what, model, _) in networks(dtype, 0.0) {
            let whole = computed(&model, Saving::default());
            for saving in
                [1, 2].map(|count| Saving { micro_batch: Some(count), recomputes: count == 2 })
            {
                for (whole, split) in whole.iter().zip(computed(&model, saving)) {
                    assert!(
                        (whole - split).abs() <= tolerance * (1.0 + whole.abs()),
                        "{what}, {saving:?}: {whole} and {split}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_part_holds_more_than_it_may() {
    for most in [1, 2, 3] {
        let cut = batch().cut(Some(most));
        assert!(cut.iter().all(|part| (1..=most).contains(&part.sequences())));
        assert_eq!(
            cut.iter()
                .map(|part| (part.tokens(), part.targets()))
                .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1)),
            (11, 8)
        );
    }
    assert_eq!(batch().cut(None).len(), 1);
}
