//! One run: a copy of the base, tuned on n pairs of one language or on a mixture, and its losses on all languages.

use super::TrainError;
use super::base::Base;
use super::steps::{Ended, Progress, Sequence, batch_of, evaluate, fit_batches};
use crate::corpus::prompt::{self, Choice};
use crate::corpus::{Bitext, Pair};
use crate::files;
use crate::model::{Batch, Llama, checkpoint};
use crate::record::{Evaluation, Outcome, RunRecord};
use crate::spec::{Experiment, Method, RunSpec};
use crate::units::{Lang, Nats, Pairs, Tokens};
use candle_core::Device;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// Tokens of a batch in evaluation; it changes speed, not results beyond the last digits.
const EVALUATION_BATCH_TOKENS: usize = 4096;

/// What one language is scored on, encoded once for all runs.
struct Scored {
    lang: Lang,
    sequences: Vec<Sequence>,
    target_bytes: u64,
}

/// Runs the small runs of one experiment.
pub struct Tuner<'a> {
    experiment: &'a Experiment,
    bitexts: &'a [Bitext],
    base: &'a Base,
    scored: Vec<Scored>,
    version: String,
    device: String,
    weights: Option<PathBuf>,
}

impl<'a> Tuner<'a> {
    /// Encodes the dev sets, on which runs are scored. `version` and `device` are written into the records.
    pub fn new(experiment: &'a Experiment, bitexts: &'a [Bitext], base: &'a Base, version: &str, device: &str) -> Result<Self, TrainError> {
        let set = |bitext: &Bitext| scored(experiment, bitext, bitext.dev.pairs(), base);
        let scored = bitexts.iter().map(set).collect::<Result<_, _>>()?;
        Ok(Tuner { experiment, bitexts, base, scored, version: version.to_owned(), device: device.to_owned(), weights: None })
    }

    /// The same, scored on the test sets: for what is reported, once all choices are made.
    pub fn scored_on_test(self) -> Result<Self, TrainError> {
        let set = |bitext: &Bitext| scored(self.experiment, bitext, bitext.test.pairs(), self.base);
        let scored = self.bitexts.iter().map(set).collect::<Result<_, _>>()?;
        Ok(Tuner { scored, ..self })
    }

    /// Losses of the base, nats per target token, a language and so many nearly equal parts of what it is scored on: how far sets of
    /// sentences differ by chance.
    pub fn base_losses(&self, parts: usize) -> Result<Vec<Vec<f64>>, TrainError> {
        let loss = |sequences: &[Sequence]| {
            let (nats, targets) = evaluate(&self.base.model, sequences, EVALUATION_BATCH_TOKENS)?;
            Ok((targets > 0).then(|| nats / targets as f64))
        };
        let of = |set: &Scored| {
            let losses = set.sequences.chunks(set.sequences.len().div_ceil(parts)).map(loss);
            Ok(losses.collect::<Result<Vec<_>, TrainError>>()?.into_iter().flatten().collect())
        };
        self.scored.iter().map(of).collect()
    }

    /// Keeps what is trained: the weights or adapters of each finished run in `FOLDER/RUN_ID`, as `transformers` or `peft` loads them.
    pub fn keeping_weights(self, folder: &Path) -> Self {
        Tuner { weights: Some(folder.to_owned()), ..self }
    }

    /// Trains and evaluates one run. `clock` gives seconds from any fixed moment; only the speeds in the record depend on it.
    pub fn run(&self, spec: &RunSpec, clock: &dyn Fn() -> f64, observe: impl FnMut(Progress)) -> Result<RunRecord, TrainError> {
        let start = clock();
        let mut record = self.blank_record(spec);
        let mix = self.mix_of(spec);
        let model = match mix.is_empty() {
            true => self.base.model.clone(),
            false => {
                let model = match &self.experiment.tuning.method {
                    Method::Full => self.base.model.copy()?,
                    Method::Lora(lora) => self.base.model.with_lora(lora, spec.seed)?,
                };
                let batches = self.batches(&mix, !spec.mix.is_empty(), spec.seed)?;
                record.outcome = match fit_batches(&model, &batches, &self.experiment.tuning.optimisation, observe)? {
                    Ended::Finished { tokens, last_loss_nats } => {
                        record.steps = batches.len() as u64;
                        record.train_tokens = Tokens(tokens);
                        record.train_loss_nats = Some(last_loss_nats);
                        Outcome::Finished
                    }
                    Ended::Diverged { step, tokens, reason } => {
                        record.steps = step;
                        record.train_tokens = Tokens(tokens);
                        Outcome::Diverged { step, reason }
                    }
                };
                record.tokens_per_second = Some(record.train_tokens.0 as f64 / (clock() - start));
                model
            }
        };
        if record.outcome == Outcome::Finished {
            let evaluations = self.evaluate(&model)?;
            match evaluations.iter().find(|evaluation| !evaluation.nats.0.is_finite()) {
                // broken by its very last step, after which no training loss is looked at
                Some(broken) => {
                    let reason = format!("loss of {} nats on `{}` after the last step", broken.nats.0, broken.lang);
                    record.outcome = Outcome::Diverged { step: record.steps, reason };
                    record.train_loss_nats = None;
                }
                None => record.evaluations = evaluations,
            }
        }
        record.wall_seconds = clock() - start;
        if let Some(folder) = self.weights.as_ref().filter(|_| record.outcome == Outcome::Finished && !mix.is_empty()) {
            checkpoint::write_trained(&folder.join(&spec.id), &model, &self.base.folder)?;
        }
        Ok(record)
    }

    fn blank_record(&self, spec: &RunSpec) -> RunRecord {
        RunRecord {
            run_id: spec.id.clone(),
            parallot: self.version.clone(),
            sweep: self.experiment.name.clone(),
            lang: spec.lang.clone(),
            mix: spec.mix.clone(),
            pairs: spec.pairs,
            seed: spec.seed,
            device: self.device.clone(),
            threads: rayon::current_num_threads(),
            outcome: Outcome::Finished,
            steps: 0,
            train_tokens: Tokens(0),
            train_loss_nats: None,
            wall_seconds: 0.0,
            tokens_per_second: None,
            evaluations: Vec::new(),
        }
    }

    /// What a run reads: its bitexts and how many pairs of each; nothing for the base.
    fn mix_of(&self, spec: &RunSpec) -> Vec<(&Bitext, usize)> {
        let bitext = |lang: &Lang| self.bitexts.iter().find(|bitext| bitext.lang == *lang);
        let single = spec.lang.iter().map(|lang| (lang, spec.pairs));
        let all = single.chain(spec.mix.iter().map(|row| (&row.lang, row.pairs)));
        all.filter_map(|(lang, pairs)| Some((bitext(lang)?, pairs.0 as usize))).collect()
    }

    /// The batches of a run: of each language the first n pairs of the seeded shuffle, all languages in one order, each pass in a fresh one
    /// with fresh wordings. Where it `repeats`, more pairs than there are are whole passes, then the beginning of one.
    fn batches(&self, mix: &[(&Bitext, usize)], repeats: bool, seed: u64) -> Result<Vec<Batch>, TrainError> {
        let tuning = &self.experiment.tuning;
        let mut drawn = Vec::new();
        for (bitext, pairs) in mix {
            let shuffled = bitext.train.shuffled(seed);
            let unique = if repeats { shuffled.pairs().to_vec() } else { shuffled.prefix(*pairs)?.to_vec() };
            drawn.push(unique);
        }
        let places: Vec<(usize, usize)> = mix.iter().enumerate().flat_map(|(i, (_, pairs))| (0..*pairs).map(move |at| (i, at))).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut batches = Vec::new();
        for epoch in 0..tuning.epochs as usize {
            let mut order = places.clone();
            order.shuffle(&mut rng);
            let sequence = |&(i, at): &(usize, usize)| {
                let (bitext, pairs) = mix[i];
                let choice = Choice::Training { seed, index: epoch * bitext.train.len().max(pairs) + at };
                let pair = &drawn[i][at % drawn[i].len()];
                let example = prompt::example(pair, tuning.direction, &bitext.name, tuning.prompt, choice);
                Ok(self.base.vocabulary.instruction(&example.prompt, &example.response, self.base.model.context())?)
            };
            let sequences = order.iter().map(sequence).collect::<Result<Vec<Sequence>, TrainError>>()?;
            batches.extend(sequences.chunks(tuning.batch_pairs).map(batch_of).filter(|batch| batch.targets() > 0));
        }
        Ok(batches)
    }

    fn evaluate(&self, model: &Llama) -> Result<Vec<Evaluation>, TrainError> {
        self.scored
            .iter()
            .map(|set| {
                let (nats, targets) = evaluate(model, &set.sequences, EVALUATION_BATCH_TOKENS)?;
                Ok(Evaluation {
                    lang: set.lang.clone(),
                    nats: Nats(nats),
                    target_tokens: Tokens(targets),
                    target_bytes: set.target_bytes,
                    pairs: Pairs(set.sequences.len() as u64),
                })
            })
            .collect()
    }
}

fn scored(experiment: &Experiment, bitext: &Bitext, pairs: &[Pair], base: &Base) -> Result<Scored, TrainError> {
    let mut pairs: Vec<&Pair> = pairs.iter().collect();
    pairs.sort_by_cached_key(|pair| files::hash(pair.english.as_bytes()));
    pairs.truncate(experiment.evaluation.pairs);
    let (mut sequences, mut target_bytes) = (Vec::new(), 0);
    for (at, pair) in pairs.into_iter().enumerate() {
        let example =
            prompt::example(pair, experiment.tuning.direction, &bitext.name, experiment.tuning.prompt, Choice::Evaluation { index: at });
        target_bytes += example.response.len() as u64;
        sequences.push(base.vocabulary.instruction(&example.prompt, &example.response, base.model.context())?);
    }
    if batch_of(&sequences).targets() == 0 {
        return Err(TrainError::NothingToEvaluate { lang: bitext.lang.to_string() });
    }
    Ok(Scored { lang: bitext.lang.clone(), sequences, target_bytes })
}

/// The device of `cpu`, `cuda` or `cuda:i`.
pub fn select_device(name: &str) -> Result<Device, TrainError> {
    let fail = |reason: &str| TrainError::Device { found: name.to_owned(), reason: reason.to_owned() };
    if name == "cpu" {
        return Ok(Device::Cpu);
    }
    let index = match name.strip_prefix("cuda") {
        Some("") => 0,
        Some(index) => {
            index.strip_prefix(':').and_then(|index| index.parse().ok()).ok_or_else(|| fail("expected `cpu`, `cuda` or `cuda:0`"))?
        }
        None => return Err(fail("expected `cpu`, `cuda` or `cuda:0`")),
    };
    if cfg!(not(feature = "cuda")) {
        return Err(fail("this build has no CUDA support"));
    }
    // the CUDA driver's bindings panic where there is no driver
    match std::panic::catch_unwind(|| Device::new_cuda(index)) {
        Ok(Ok(device)) => Ok(device),
        Ok(Err(error)) => Err(fail(&error.to_string())),
        Err(_) => Err(fail("no CUDA driver on this machine")),
    }
}
