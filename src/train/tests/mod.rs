//! The loop: that it learns, and that it repeats to the bit; what runs start from.

mod card;
mod optimiser;
mod runs;
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
