//! Plans, failures in the middle of a sweep, simulated runs and costs.

use super::*;
use crate::corpus::Bitext;
use crate::spec::{Experiment, Text};
use std::sync::atomic::AtomicBool;

const EXPERIMENT: &str = "\
analysis: a try
base: {preset: nano, pretraining: {tokens: 1000, shares: {eng_Latn: 0.94}}}
sizes: [40, 0, 10, 20]
seeds: [1, 2]
evaluation: {pairs: 5}
constructed:
  seed: 1
  train: 60
  dev: 8
  test: 8
  sisters:
  - {lang: qaa_Latn, name: Near, vocabulary: 0.9, order: svo, morphology: english}
  - {lang: qac_Latn, name: Far, vocabulary: 0.1, order: sov, morphology: case}
";

fn experiment() -> (Experiment, Vec<Bitext>, Vec<RunSpec>) {
    let experiment = Experiment::parse("try", EXPERIMENT).unwrap();
    let Text::Constructed(languages) = &experiment.text else { panic!("not constructed") };
    let bitexts = languages.build().unwrap();
    let runs = experiment.runs(&bitexts, "base");
    (experiment, bitexts, runs)
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path());
    (folder, store)
}

#[test]
fn every_missing_run_is_run_once_and_the_smallest_come_first() {
    let (experiment, _, runs) = experiment();
    let (_folder, store) = store();
    store.write(&simulate(&experiment, &runs[3], "test")).unwrap();
    let plan = Plan::new(&runs, &store, true).unwrap();
    assert_eq!((runs.len(), plan.done.len(), plan.missing.len()), (13, 1, 12));
    assert!(plan.missing.is_sorted_by_key(|run| run.pairs));
    let ran = Mutex::new(Vec::new());
    let run = |spec: &RunSpec, job: usize| {
        assert!(job < 3);
        ran.lock().unwrap().push(spec.id.clone());
        Ok::<_, RecordError>(simulate(&experiment, spec, "test"))
    };
    run_missing(&plan.missing, &store, 3, run).unwrap();
    let mut ran = ran.into_inner().unwrap();
    let mut missing: Vec<String> = plan.missing.iter().map(|run| run.id.clone()).collect();
    ran.sort();
    missing.sort();
    assert_eq!(ran, missing);
    assert_eq!(Plan::new(&runs, &store, true).unwrap().missing, []);
}

#[test]
fn the_first_failure_ends_the_sweep_and_what_was_done_stays() {
    let (experiment, _, runs) = experiment();
    let (_folder, store) = store();
    let failed = AtomicBool::new(false);
    let run = |spec: &RunSpec, _| {
        assert!(!failed.load(Ordering::Relaxed), "a run was started after a failure");
        if spec.id == runs[4].id {
            failed.store(true, Ordering::Relaxed);
            return Err(RecordError::Locked { path: "x".into() });
        }
        Ok(simulate(&experiment, spec, "test"))
    };
    assert!(matches!(run_missing(&runs, &store, 1, run), Err(RecordError::Locked { .. })));
    let plan = Plan::new(&runs, &store, true).unwrap();
    assert_eq!(plan.done.len(), 4);
}

#[test]
fn simulated_losses_are_those_planted_but_for_half_a_percent() {
    let (experiment, _, runs) = experiment();
    let run = runs.iter().rfind(|run| run.pairs.0 == 40).unwrap();
    let record = simulate(&experiment, run, "test");
    assert_eq!(record, simulate(&experiment, run, "test"));
    let loss = |at: usize| record.evaluations[at].loss_nats();
    let planted = |k: f64, pairs: f64| 1.0 + (1.0 + 0.5 * k) * ((pairs + 200.0) / 1000.0).powf(-(0.5 - 0.05 * k));
    approx::assert_relative_eq!(loss(0), planted(0.0, 0.0), max_relative = 0.005);
    approx::assert_relative_eq!(loss(1), planted(1.0, 40.0), max_relative = 0.005);
}

#[test]
fn costs_grow_with_pairs_and_seconds_need_a_run_on_the_device() {
    let (experiment, bitexts, runs) = experiment();
    let measured = |device: &str, speed| RunRecord {
        device: device.to_owned(),
        tokens_per_second: Some(speed),
        ..simulate(&experiment, &runs[1], "test")
    };
    let records = [measured("cpu", 50.0), measured("cuda:0", 1e6), measured("cpu", 200.0), measured("cpu", 100.0)];
    let cost = Cost::new(&experiment, &bitexts, &records, "cpu");
    let at = |pairs: u64| runs.iter().find(|run| run.pairs.0 == pairs).unwrap();
    assert_eq!(cost.train_tokens(at(0)), 0.0);
    approx::assert_relative_eq!(cost.train_tokens(at(40)), 4.0 * cost.train_tokens(at(10)), max_relative = 1e-12);
    assert!(cost.work_tokens(at(0)) > 0.0, "the base is evaluated");
    // the median speed
    approx::assert_relative_eq!(cost.seconds(at(40)).unwrap(), cost.work_tokens(at(40)) / 100.0, max_relative = 1e-12);
    assert_eq!(Cost::new(&experiment, &bitexts, &records, "cuda:1").seconds(at(40)), None);
}
