//! Whole runs: that they repeat to the bit, what they read and are scored on, and that they fail as
//! rows.

use super::*;

#[test]
fn a_run_is_a_function_of_its_spec_and_leaves_the_base_alone() {
    let (experiment, bitexts, base) = prepared(EXPERIMENT);
    let weights = base.model.to_safetensors().unwrap();
    let tuner = Tuner::new(&experiment, &bitexts, &base, "test", "cpu").unwrap();
    let runs = experiment.runs(&bitexts, &base.id);
    let run = |at: usize| tuner.run(&runs[at], &|| 0.0, |_| ()).unwrap();
    let records: Vec<_> = (0..runs.len()).map(run).collect();
    assert_eq!(records[1], run(1));
    assert_eq!(base.model.to_safetensors().unwrap(), weights);
    let near = &experiment.langs()[0];
    let loss = |at: usize| records[at].evaluation(near).unwrap().loss_nats();
    // in the order of `runs`: the base, then 12 pairs with seeds 1 and 2, then 24 with both
    assert_eq!((records[0].steps, records[1].steps, records[3].steps), (0, 3, 6));
    assert!(loss(1) < loss(0) && loss(3) < loss(1), "{} {} {}", loss(0), loss(1), loss(3));
    assert_ne!(loss(1), loss(2), "another seed is another run");
    assert!(
        records
            .iter()
            .all(|record| record.evaluations().len() == 2 && record.evaluations()[0].pairs.0 == 6)
    );
}

#[test]
fn a_mixture_reads_every_language_and_repeats_what_runs_out() {
    let (experiment, bitexts, base) = prepared(EXPERIMENT);
    let tuner =
        Tuner::new(&experiment, &bitexts, &base, "test", "cpu").unwrap().scored_on_test().unwrap();
    let run = |pairs: [u64; 2]| {
        tuner
            .run(&experiment.mixed_run(&bitexts, &base.id, &pairs, 1, Split::Test), &|| 0.0, |_| ())
            .unwrap()
    };
    let unique = bitexts[1].train.len() as u64;
    let (both, twice, once, none) =
        (run([8, 20]), run([8, 2 * unique]), run([8, unique]), run([0, 0]));
    assert_eq!((both.subject.pairs().0, both.steps), (28, 7));
    assert_eq!(both.subject.mix().iter().map(|row| row.pairs.0).collect::<Vec<_>>(), [8, 20]);
    let loss = |record: &crate::record::RunRecord, at: usize| record.evaluations()[at].loss_nats();
    assert!(loss(&both, 0) < loss(&none, 0) && loss(&both, 1) < loss(&none, 1));
    assert!(twice.steps == (8 + 2 * unique) / 4 && loss(&twice, 1) < loss(&once, 1));
    assert!(none.subject == Subject::Base && none.steps == 0);
    // one language alone is the run of a sweep, but for what it is scored on
    let single = experiment
        .runs(&bitexts, &base.id)
        .into_iter()
        .find(|run| run.subject.lang().is_some())
        .unwrap();
    let same = run([single.subject.pairs().0, 0]);
    assert_eq!((same.train_tokens, same.train_loss_nats), {
        let record = tuner.run(&single, &|| 0.0, |_| ()).unwrap();
        (record.train_tokens, record.train_loss_nats)
    });
}

#[test]
fn runs_are_scored_on_half_of_the_test_pairs_and_on_languages_that_none_is_tuned_on() {
    let (mut experiment, bitexts, base) = prepared(EXPERIMENT);
    let run = |experiment: &Experiment, untuned: &[Bitext], on_test: bool| {
        let tuner = Tuner::new(experiment, &bitexts, &base, "test", "cpu")
            .and_then(|tuner| tuner.also_scored_on(untuned))
            .unwrap();
        let tuner = if on_test { tuner.scored_on_test().unwrap() } else { tuner };
        tuner
            .run(
                &experiment.mixed_run(&bitexts, &base.id, &[8, 8], 1, Split::Test),
                &|| 0.0,
                |_| (),
            )
            .unwrap()
    };
    let (plain, whole) = (run(&experiment, &[], false), run(&experiment, &[], true));
    assert!(plain.calibration.is_empty() && plain.untuned.is_empty());
    experiment.evaluation = crate::spec::Evaluation { pairs: 100, calibration: true };
    let (dev, test) = (run(&experiment, &bitexts[..1], false), run(&experiment, &[], true));
    let pairs = |evaluations: &[crate::record::Evaluation]| {
        evaluations.iter().map(|scored| scored.pairs.0).collect::<Vec<_>>()
    };
    let of_halves = |half: fn((Vec<crate::corpus::Pair>, Vec<crate::corpus::Pair>)) -> usize| {
        bitexts.iter().map(|bitext| half(bitext.test.halves()) as u64).collect::<Vec<_>>()
    };
    assert_eq!(pairs(&dev.calibration), of_halves(|(calibration, _)| calibration.len()));
    assert_eq!(pairs(test.evaluations()), of_halves(|(_, reported)| reported.len()));
    assert_eq!((dev.untuned.len(), &dev.untuned[0]), (1, &dev.calibration[0]));
    // both halves together are the whole
    let nats = |record: &RunRecord, at: usize| record.evaluations()[at].nats.0;
    experiment.evaluation.calibration = false;
    let all = run(&experiment, &[], true);
    approx::assert_relative_eq!(
        nats(&test, 0) + test.calibration[0].nats.0,
        nats(&all, 0),
        max_relative = 1e-6
    );
    assert!(whole.evaluations()[0].pairs.0 == 6 && all.evaluations()[0].pairs.0 == 8);
}

#[test]
fn a_run_repeats_pairs_as_often_as_the_experiment_says() {
    let (mut experiment, bitexts, base) = prepared(EXPERIMENT);
    let unique = bitexts[0].train.len() as u64;
    experiment.sizes = vec![crate::units::Pairs(2 * unique)];
    let run = |experiment: &Experiment| {
        let tuner = Tuner::new(experiment, &bitexts, &base, "test", "cpu").unwrap();
        tuner.run(&experiment.runs(&bitexts, &base.id)[0], &|| 0.0, |_| ())
    };
    let error = run(&experiment).unwrap_err().to_string();
    assert!(error.contains(&(2 * unique).to_string()), "{error}");
    experiment.passes = 2;
    let record = run(&experiment).unwrap();
    assert_eq!((record.subject.pairs().0, record.steps), (2 * unique, (2 * unique).div_ceil(4)));
}

#[test]
fn instruction_data_is_read_among_the_pairs() {
    let (mut experiment, bitexts, base) = prepared(EXPERIMENT);
    let record = |k: usize| Instruction {
        instruction: format!("Say {k}."),
        input: String::new(),
        output: format!("{k} {k}"),
    };
    let tongue = |code: &str, count: usize| Tongue {
        lang: code.parse().unwrap(),
        records: (0..count).map(record).collect(),
    };
    let tongues = [tongue("eng_Latn", 9), tongue("qaa_Latn", 8), tongue("qac_Latn", 40)];
    let mut steps = |scope, most| {
        experiment.tuning.instructions = Some(InstructionSpec {
            scope,
            most,
            sha256: Some(Tongue::hash(&tongues)),
            ..InstructionSpec::default()
        });
        let tuner =
            Tuner::new(&experiment, &bitexts, &base, "test", "cpu").unwrap().reading(&tongues);
        let near = tuner.run(&experiment.runs(&bitexts, &base.id)[1], &|| 0.0, |_| ()).unwrap();
        let both = tuner
            .run(
                &experiment.mixed_run(&bitexts, &base.id, &[4, 4], 1, Split::Test),
                &|| 0.0,
                |_| (),
            )
            .unwrap();
        [near.steps, both.steps]
    };
    // 12 pairs of the first language, or 4 of each, four sequences a step
    assert_eq!(steps(Scope::Own, None), [29_u64.div_ceil(4), 65_u64.div_ceil(4)]);
    assert_eq!(steps(Scope::All, None), [69_u64.div_ceil(4), 65_u64.div_ceil(4)]);
    assert_eq!(steps(Scope::Own, Some(2)), [16 / 4, 14_u64.div_ceil(4)]);
}

#[test]
fn adapters_learn_repeat_and_leave_the_base_alone() {
    let (mut experiment, bitexts, base) = prepared(EXPERIMENT);
    let weights = base.model.to_safetensors().unwrap();
    let target_modules = vec![Module::QProj, Module::OProj, Module::UpProj, Module::DownProj];
    experiment.tuning.method =
        Method::Lora(LoraSpec { rank: 4, alpha: 16.0, dropout: 0.1, target_modules });
    experiment.tuning.epochs = 4;
    experiment.tuning.optimisation.peak_lr = 0.01;
    let tuner = Tuner::new(&experiment, &bitexts, &base, "test", "cpu").unwrap();
    let runs = experiment.runs(&bitexts, &base.id);
    let run = |at: usize| tuner.run(&runs[at], &|| 0.0, |_| ()).unwrap();
    let (untrained, trained) = (run(0), run(3));
    assert_eq!(trained, run(3));
    assert_eq!(base.model.to_safetensors().unwrap(), weights);
    let near = &experiment.langs()[0];
    let loss = |record: &RunRecord| record.evaluation(near).unwrap().loss_nats();
    assert!(loss(&trained) < loss(&untrained) - 0.1, "{} {}", loss(&untrained), loss(&trained));
}

#[test]
fn a_run_that_diverges_is_a_row() {
    let (mut experiment, bitexts, base) = prepared(EXPERIMENT);
    experiment.tuning.optimisation.peak_lr = 1e6;
    let tuner = Tuner::new(&experiment, &bitexts, &base, "test", "cpu").unwrap();
    let runs = experiment.runs(&bitexts, &base.id);
    let record = tuner.run(&runs[4], &|| 0.0, |_| ()).unwrap();
    let Outcome::Diverged { step, reason } = &record.outcome else {
        panic!("{:?}", record.outcome)
    };
    assert!((1..6).contains(step) && record.steps == *step, "at step {step}");
    assert!(reason.starts_with("loss of ") || reason.starts_with("gradient of norm "), "{reason}");
    assert!(record.evaluations().is_empty() && record.train_loss_nats.is_none());
}
