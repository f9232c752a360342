//! Plans, failures in the middle of a sweep, simulated runs and costs.

use super::*;
use crate::corpus::Bitext;
use crate::spec::{Experiment, ScheduleSpec, Text, TrunkSpec};
use std::sync::LazyLock;
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

/// A site of this process.
fn site(store: &Store) -> Site<'_> {
    static OWNER: LazyLock<Owner> = LazyLock::new(Owner::this);
    Site { store, owner: &OWNER, simulated: true }
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
    assert!(plan.missing.is_sorted_by_key(|run| run.subject.pairs()));
    let ran = Mutex::new(Vec::new());
    let run = |job: &Job, worker: usize, write: &dyn Fn(&RunRecord) -> Result<(), RecordError>| {
        assert!(worker < 3);
        job.runs().iter().try_for_each(|spec| {
            ran.lock().unwrap().push(spec.id.clone());
            write(&simulate(&experiment, spec, "test"))
        })
    };
    run_missing(&Job::of(&plan.missing, &ScheduleSpec::Whole, 1), &site(&store), 3, run).unwrap();
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
    let run = |job: &Job, _, write: &dyn Fn(&RunRecord) -> Result<(), RecordError>| {
        assert!(!failed.load(Ordering::Relaxed), "a run was started after a failure");
        if job.runs()[0].id == runs[4].id {
            failed.store(true, Ordering::Relaxed);
            return Err(RecordError::Locked { path: "x".into() });
        }
        write(&simulate(&experiment, &job.runs()[0], "test"))
    };
    assert!(matches!(
        run_missing(&Job::of(&runs, &ScheduleSpec::Whole, 1), &site(&store), 1, run),
        Err(RecordError::Locked { .. })
    ));
    let plan = Plan::new(&runs, &store, true).unwrap();
    assert_eq!(plan.done.len(), 4);
}

#[test]
fn simulated_losses_are_those_planted_but_for_half_a_percent() {
    let (experiment, _, runs) = experiment();
    let run = runs.iter().rfind(|run| run.subject.pairs().0 == 40).unwrap();
    let record = simulate(&experiment, run, "test");
    assert_eq!(record, simulate(&experiment, run, "test"));
    let loss = |at: usize| record.evaluations()[at].loss_nats();
    let planted = |k: f64, pairs: f64| {
        1.0 + (1.0 + 0.5 * k) * ((pairs + 200.0) / 1000.0).powf(-(0.5 - 0.05 * k))
    };
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
    let records = [
        measured("cpu", 50.0),
        measured("cuda:0", 1e6),
        measured("cpu", 200.0),
        measured("cpu", 100.0),
    ];
    let cost = Cost::new(&experiment, &bitexts, &records, "cpu");
    let at = |pairs: u64| runs.iter().find(|run| run.subject.pairs().0 == pairs).unwrap();
    assert_eq!(cost.train_tokens(at(0)), 0.0);
    approx::assert_relative_eq!(
        cost.train_tokens(at(40)),
        4.0 * cost.train_tokens(at(10)),
        max_relative = 1e-12
    );
    assert!(cost.work_tokens(0.0) > 0.0, "the base is evaluated");
    // the median speed
    approx::assert_relative_eq!(
        cost.seconds(40.0).unwrap(),
        cost.work_tokens(40.0) / 100.0,
        max_relative = 1e-12
    );
    assert_eq!(Cost::new(&experiment, &bitexts, &records, "cuda:1").seconds(40.0), None);
}

#[test]
fn a_trunk_is_one_job_that_reads_each_pair_once_and_each_cool_down_apart() {
    let (mut experiment, bitexts, _) = experiment();
    experiment.tuning.schedule =
        ScheduleSpec::Trunk(TrunkSpec { warmup_steps: 1, cooldown_share: 0.25 });
    let runs = experiment.runs(&bitexts, "base");
    let pairs = |job: &Job| {
        job.runs().iter().map(|run| (run.subject.pairs().0, run.seed)).collect::<Vec<_>>()
    };
    let jobs = Job::of(&runs, &experiment.tuning.schedule, 1);
    assert_eq!(
        jobs.iter().map(pairs).collect::<Vec<_>>()[..3],
        [vec![(0, 0)], vec![(10, 1), (20, 1), (40, 1)], vec![(10, 2), (20, 2), (40, 2)]]
    );
    assert_eq!(jobs.len(), 5);
    assert_eq!(Job::of(&runs, &ScheduleSpec::Whole, 1).len(), runs.len());
    // trunks of 7.5, 15 and 30 pairs
    let cost = Cost::new(&experiment, &bitexts, &[], "cpu");
    let tokens = |job: &Job| {
        cost.computed_tokens(job)
            .iter()
            .map(|tokens| (1e6 * tokens / cost.train_tokens(&job.runs()[0])).round() / 1e5)
            .collect::<Vec<_>>()
    };
    assert_eq!(tokens(&jobs[1]), [10.0, 12.5, 25.0]);
    let resumed = Job::of(&runs[5..], &experiment.tuning.schedule, 1);
    assert_eq!(pairs(&resumed[0]), [(40, 1)]);
    assert_eq!(
        tokens(&resumed[0]),
        [10.0],
        "a trunk that is missing its smaller branches starts anew"
    );
}

#[test]
fn a_stack_holds_runs_of_one_size() {
    let (_, _, runs) = experiment();
    let jobs = Job::of(&runs, &ScheduleSpec::Whole, 3);
    let sizes: Vec<_> = jobs
        .iter()
        .map(|job| job.runs().iter().map(|run| run.subject.pairs().0).collect::<Vec<_>>())
        .collect();
    let (mut expected, mut found) =
        (vec![vec![0], vec![10; 3], vec![10], vec![20; 3], vec![20], vec![40; 3], vec![40]], sizes);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    assert!(matches!(jobs[0], Job::Run(_)), "the base is not trained");
}

#[test]
fn the_time_of_further_runs_goes_by_the_device_of_most() {
    let (experiment, _, runs) = experiment();
    let timed = |run: &RunSpec, device: &str, evaluation: f64| {
        let record = simulate(&experiment, run, "test");
        let wall_seconds = evaluation + record.train_tokens.0 as f64 / 100.0;
        RunRecord {
            device: device.to_owned(),
            tokens_per_second: Some(100.0),
            wall_seconds,
            ..record
        }
    };
    let tuned: Vec<&RunSpec> =
        runs.iter().filter(|run| run.subject.pairs().0 > 0).take(4).collect();
    let mut records: Vec<RunRecord> = tuned
        .iter()
        .zip([2.0, 2.0, 9.0])
        .map(|(run, seconds)| timed(run, "cpu", seconds))
        .collect();
    records.push(timed(tuned[3], "cuda:0", 0.01));
    // by hand: 5,000 tokens at 100 a second, and two seconds of each of four runs for its
    // evaluation
    approx::assert_relative_eq!(
        Speed::of(&records).unwrap().seconds(5000.0, 4),
        58.0,
        max_relative = 1e-12
    );
    // simulated runs have no speed
    records.iter_mut().for_each(|record| record.tokens_per_second = None);
    assert_eq!((Speed::of(&records), Speed::of(&[])), (None, None));
}
