//! The loop, the optimiser and whole runs: that they learn, that they repeat to the bit, and that
//! they fail as rows.

mod card;
mod stack;
mod trunk;

use super::steps::{Sequence, batch_of, by_tokens};
use super::*;
use crate::corpus::{Bitext, Constructed, Instruction, Split, Tongue};
use crate::model::{Batch, Family, Gradients, Llama, ModelConfig};
use crate::numeric::random::{Item, Purpose, generator};
use crate::record::{Outcome, RunRecord, Subject, TrainingVersion};
use crate::spec::{
    BaseFiles, Experiment, InstructionSpec, LoraSpec, Method, Module, Optimisation, Preset, Scope,
};
use candle_core::{DType, Device, Tensor, Var};

const TINY: ModelConfig = ModelConfig {
    family: Family::Llama,
    vocab_size: 40,
    is_tied: true,
    d_model: 32,
    n_layers: 2,
    n_heads: 4,
    n_kv_heads: 2,
    head_dim: 8,
    d_ff: 48,
    rope_theta: 100.0,
    rope_scaling: None,
    norm_eps: 1e-5,
};

fn model(config: ModelConfig, dtype: DType) -> Llama {
    Llama::random(config, 32, dtype, &Device::Cpu, &mut generator(3, Purpose::Planted, Item::All))
        .unwrap()
}

/// Sequences without a rule that could be guessed.
fn sequences(count: usize) -> Vec<Sequence> {
    let token = |s: usize, i: usize| ((s * 17 + i * i * 5 + 3 * s * i) % 39 + 1) as u32;
    (0..count).map(|s| ((0..6 + s % 5).map(|i| token(s, i)).collect(), 2)).collect()
}

#[test]
fn one_batch_can_be_learnt_by_heart() {
    let batches = vec![batch_of(&sequences(4)); 120];
    let optimisation = Optimisation { peak_lr: 0.01, ..Optimisation::default() };
    let mut losses = Vec::new();
    fit_batches(&model(TINY, DType::F32), &batches, &optimisation, |progress| {
        losses.push(progress.loss_nats)
    })
    .unwrap();
    assert!((losses[0] - 40f64.ln()).abs() < 0.2, "a fresh network guesses: {}", losses[0]);
    assert!(losses[119] < 0.02, "{}", losses[119]);
}

fn losses_on(threads: usize) -> Vec<u64> {
    let config = ModelConfig::of(Preset::Nano, Some(300));
    // the last ones are cut into two and four parts
    let batches: Vec<Batch> =
        [9, 10, 11, 12, 250, 450].map(|count| batch_of(&sequences(count))).to_vec();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let mut losses = Vec::new();
    pool.install(|| {
        let model = model(config, DType::F32);
        fit_batches(&model, &batches, &Optimisation::default(), |progress| {
            losses.push(progress.loss_nats.to_bits())
        })
        .unwrap();
        losses.push(evaluate(&model, &sequences(20), 64).unwrap().0.to_bits());
    });
    losses
}

#[test]
fn losses_repeat_to_the_bit_whatever_the_threads() {
    let one = losses_on(1);
    assert_eq!(one.len(), 7);
    assert_eq!(one, losses_on(1));
    assert_eq!(one, losses_on(2));
    assert_eq!(one, losses_on(3));
}

/// One step with the gradient `gradient` at every entry of every variable.
fn step(optimiser: &mut AdamW, model: &Llama, gradient: f64) -> f64 {
    let variables = model.variables();
    if model.variables()[0].1.dtype() == DType::F32 {
        let gradients: Vec<Vec<f32>> =
            variables.iter().map(|(_, var)| vec![gradient as f32; var.elem_count()]).collect();
        return optimiser.step(&Gradients::Slices(&gradients), 1.0, 0.1).unwrap();
    }
    let constant = |var: &Var| Tensor::full(gradient, var.shape(), &Device::Cpu).unwrap();
    optimiser
        .step(
            &Gradients::Tensors(variables.iter().map(|(_, var)| constant(var)).collect()),
            1.0,
            0.1,
        )
        .unwrap()
}

/// First entries of the embedding, a matrix, and of the last norm.
fn entries(model: &Llama) -> [f64; 2] {
    let variables = model.variables();
    [variables.first(), variables.last()].map(|found| {
        let values = found.unwrap().1.flatten_all().unwrap().to_dtype(DType::F64).unwrap();
        values.get(0).unwrap().to_scalar::<f64>().unwrap()
    })
}

/// By hand with lr 0.1, beta1 0.9, beta2 0.99, decay 0.5 and gradients 0.5 and -0.25:
/// m = 0.05, v = 0.0025, change 0.1 * 0.5 / 0.5;
/// m = 0.02, v = 0.0031, change 0.1 * (0.02 / 0.19) / sqrt(0.0031 / 0.0199).
#[test]
fn two_steps_of_adamw_by_hand() {
    let optimisation =
        Optimisation { weight_decay: 0.5, grad_clip: 1e9, ..Optimisation::default() };
    let change = 0.1 * (0.02 / 0.19) / (0.0031f64 / 0.0199).sqrt();
    // in f32 the moments are slices, in f64 tensors
    for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-8)] {
        let model = model(TINY, dtype);
        let [matrix, norm] = entries(&model);
        let mut optimiser = AdamW::new(&model, optimisation).unwrap();
        let count = model.variables().iter().map(|(_, var)| var.elem_count()).sum::<usize>() as f64;
        approx::assert_relative_eq!(
            step(&mut optimiser, &model, 0.5),
            0.5 * count.sqrt(),
            max_relative = 1e-5
        );
        step(&mut optimiser, &model, -0.25);
        let expected = [0.95 * (0.95 * matrix - 0.1) - change, norm - 0.1 - change];
        for (found, expected) in entries(&model).into_iter().zip(expected) {
            approx::assert_abs_diff_eq!(found, expected, epsilon = tolerance);
        }
    }
}

#[test]
fn a_long_gradient_is_cut_and_one_that_is_not_finite_changes_nothing() {
    let model = model(TINY, DType::F32);
    let before = entries(&model);
    // clipped to 1e-9 the gradient is far below the 1e-8 beside the root, so that a change shows
    // the cut
    let mut optimiser = AdamW::new(
        &model,
        Optimisation { weight_decay: 0.0, grad_clip: 1e-9, ..Optimisation::default() },
    )
    .unwrap();
    assert!(step(&mut optimiser, &model, 1e3) > 1e4, "the norm is that before the cut");
    let after = entries(&model);
    assert!(
        before.iter().zip(after).all(|(before, after)| (before - after).abs() < 0.01),
        "{before:?} {after:?}"
    );
    assert!(!step(&mut optimiser, &model, f64::NAN).is_finite());
    assert_eq!(entries(&model), after);
}

#[test]
fn a_speed_is_the_median_of_the_steps_that_count() {
    // steps of 1 s, but those of the warm-up of 100 s and one of 4 s
    let mut seconds = [100.0, 100.0, 100.0, 1.0, 4.0, 1.0].into_iter();
    let now = std::cell::RefCell::new((0.0, &mut seconds));
    let clock = || {
        let mut now = now.borrow_mut();
        now.0 += now.1.next().unwrap();
        now.0
    };
    let mut steps = 0;
    let speed = measure(
        &Workload { name: "tiny", config: TINY },
        "cpu",
        Size { stack: 1, sequences: SEQUENCES, steps: 3 },
        &clock,
        || steps += 1,
    )
    .unwrap();
    assert_eq!((speed.tokens_per_second, steps), (16.0 * 128.0, WARM_UP_STEPS + 3));
    let [first, .., last] = speed.losses_nats[..] else { unreachable!() };
    assert!((first - 40f64.ln()).abs() < 0.2 && last < first);
}

#[test]
fn parts_keep_the_order_and_the_bound() {
    let sequences = sequences(23);
    for bound in [1, 7, 20, 33, 1000] {
        let parts = by_tokens(&sequences, bound);
        assert_eq!(parts.concat(), sequences);
        for part in &parts {
            let tokens: usize = part.iter().map(|(tokens, _)| tokens.len()).sum();
            assert!(
                !part.is_empty() && (tokens <= bound || part.len() == 1),
                "{tokens} tokens under a bound of {bound}"
            );
        }
    }
    assert!(by_tokens(&[], 10).is_empty());
}

#[test]
fn the_batch_of_an_evaluation_does_not_change_the_loss() {
    let (model, sequences) = (model(TINY, DType::F32), sequences(30));
    let (whole, targets) = evaluate(&model, &sequences, 1_000_000).unwrap();
    assert_eq!(
        targets,
        sequences.iter().map(|(tokens, first)| (tokens.len() - first) as u64).sum::<u64>()
    );
    for batch_tokens in [1, 16, 100] {
        let (nats, same) = evaluate(&model, &sequences, batch_tokens).unwrap();
        assert_eq!(same, targets);
        approx::assert_relative_eq!(nats, whole, max_relative = 1e-6);
    }
}

const EXPERIMENT: &str = "\
analysis: a try
base:
  preset: nano
  vocab_size: 300
  context: 64
  tokenizer_pairs: 50
  pretraining: {tokens: 1000, shares: {eng_Latn: 0.94}, batch_tokens: 512}
tuning: {prompt: compact, batch_pairs: 4, optimisation: {peak_lr: 0.003}}
sizes: [0, 12, 24]
seeds: [1, 2]
evaluation: {pairs: 6}
constructed:
  seed: 1
  train: 60
  dev: 8
  test: 8
  sisters:
  - {lang: qaa_Latn, name: Near, vocabulary: 0.9, order: svo, morphology: english}
  - {lang: qac_Latn, name: Far, vocabulary: 0.1, order: sov, morphology: case}
";

/// An experiment with what its runs start from.
fn prepared(yaml: &str) -> (Experiment, Vec<Bitext>, Base) {
    let experiment = Experiment::parse("try", yaml).unwrap();
    let crate::spec::Text::Constructed(languages) = &experiment.text else {
        panic!("not constructed")
    };
    let languages: &Constructed = languages;
    let bitexts = languages.build().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let base = prepare(
        &experiment,
        &bitexts,
        &BaseFiles::None,
        TrainingVersion::CURRENT,
        cache.path(),
        &select_device("cpu").unwrap(),
        |_| (),
    )
    .unwrap();
    let read = prepare(
        &experiment,
        &bitexts,
        &BaseFiles::None,
        TrainingVersion::CURRENT,
        cache.path(),
        &select_device("cpu").unwrap(),
        |_| panic!("it was kept"),
    )
    .unwrap();
    assert_eq!((base.origin, read.origin), (Origin::Trained, Origin::Kept));
    assert_eq!(base.model.to_safetensors().unwrap(), read.model.to_safetensors().unwrap());
    (experiment, bitexts, read)
}

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

#[test]
fn devices_are_read_by_their_names() {
    assert!(select_device("cpu").unwrap().device.is_cpu());
    for name in ["gpu", "", "cuda:x", "cuda0", "CPU", "cpu/f32"] {
        let error = select_device(name).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "device `{name}` cannot be used: expected `cpu`, `cuda` or `cuda:0`, or `cuda/f32` \
                for f32 in place of bf16"
            )
        );
    }
}
