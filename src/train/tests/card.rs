//! Steps on a card against those of the CPU, the card being one too: a stack, its members, and who
//! fails.

use super::*;
use crate::model::{Backprop, Part, Precision, Setting, on_emulated_card};
use crate::train::AdamW;

fn variables(model: &Llama) -> Vec<f32> {
    model
        .variables()
        .iter()
        .flat_map(|(_, var)| var.flatten_all().unwrap().to_vec1::<f32>().unwrap())
        .collect()
}

fn setting(model: &Llama, runs: usize) -> Setting {
    Setting { precision: Precision::F32, ..Setting::plain(model, runs) }
}

/// Batches of a run, of as many sequences as the steps before and one more.
fn batches(run: usize) -> Vec<Batch> {
    let all = sequences(40);
    (0..3).map(|step| batch_of(&all[5 * run + 3 * step..][..1 + step])).collect()
}

#[test]
fn steps_of_a_stack_are_those_of_each_run_alone() {
    let model = model(TINY, DType::F32);
    let optimisation = Optimisation { peak_lr: 0.01, ..Optimisation::default() };
    let batches = [batches(0), batches(1)];
    let rates = [0.01, 0.005, 0.002];
    let mut networks = on_emulated_card(&model, setting(&model, 2)).unwrap();
    // the second run ends a step earlier
    let step = |at: usize| {
        let part = |run: usize| Part {
            batch: &batches[run][at],
            lr: rates[at],
            takes_part: run == 0 || at < 2,
        };
        vec![part(0), part(1)]
    };
    let told = networks.steps(&[step(0), step(1)], &optimisation).unwrap();
    let mut fork = networks.fork().unwrap();
    let told = [told, networks.steps(&[step(2)], &optimisation).unwrap()].concat();
    assert_eq!(fork.steps(&[step(2)], &optimisation).unwrap()[0], told[2]);
    for (run, done) in [(0, 3), (1, 2)] {
        let own = model.copy().unwrap();
        let (mut optimiser, mut backprop) =
            (AdamW::new(&own, optimisation).unwrap(), Backprop::new(&own));
        for (at, batch) in batches[run].iter().enumerate().take(done) {
            let (nats, gradients) = backprop.loss_and_gradients(batch).unwrap();
            let norm = optimiser.step(&gradients, batch.targets() as f64, rates[at]).unwrap();
            approx::assert_relative_eq!(told[at][run].nats, nats, max_relative = 1e-5);
            approx::assert_relative_eq!(told[at][run].norm, norm, max_relative = 1e-4);
        }
        let found = networks.variables(run).unwrap().concat();
        let apart =
            variables(&own).iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-4, "run {run}: {apart:e}");
    }
}

#[test]
fn a_run_that_fails_stays_as_it_was_and_hurts_nobody() {
    let model = model(TINY, DType::F32);
    let (batches, optimisation) = (batches(0), Optimisation::default());
    let part = |at: usize, lr| Part { batch: &batches[at], lr, takes_part: true };
    let steps = [
        vec![part(0, 0.01), part(0, 1e3)],
        vec![part(1, 0.01), part(1, 0.01)],
        vec![part(2, 0.01), part(2, 0.01)],
    ];
    let hopeless = 3.0 * (model.config().vocab_size as f64).ln();
    let mut networks =
        on_emulated_card(&model, Setting { hopeless, ..setting(&model, 2) }).unwrap();
    networks.steps(&steps[..1], &optimisation).unwrap();
    let before = networks.variables(1).unwrap();
    let told = networks.steps(&steps[1..], &optimisation).unwrap();
    let mean = told[0][1].nats / batches[1].targets() as f64;
    assert!(mean.is_nan() || mean > hopeless, "{mean}");
    let bits = |variables: Vec<Vec<f32>>| {
        variables.concat().into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(bits(networks.variables(1).unwrap()), bits(before));
    let mut alone = on_emulated_card(&model, Setting { hopeless, ..setting(&model, 1) }).unwrap();
    let alone_told =
        alone.steps(&steps.clone().map(|parts| parts[..1].to_vec()), &optimisation).unwrap();
    assert_eq!(alone_told[2][0], told[1][0]);
    assert_eq!(alone.variables(0).unwrap(), networks.variables(0).unwrap());
}
