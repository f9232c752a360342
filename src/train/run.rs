//! One small run: a copy of the base, tuned on n pairs of one language, and its losses on the dev sets of all languages.

use super::TrainError;
use super::base::Base;
use super::steps::{Progress, Sequence, batch_of, evaluate};
use super::trunk::Trunk;
use crate::corpus::prompt::{self, Choice};
use crate::corpus::{Bitext, Pair};
use crate::files;
use crate::model::{Batch, Llama, checkpoint};
use crate::record::{Evaluation, Outcome, RunRecord};
use crate::spec::{Experiment, Method, RunSpec, ScheduleSpec};
use crate::units::{Lang, Nats, Pairs, Tokens};
use candle_core::Device;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// Tokens of a batch in evaluation; it changes speed, not results beyond the last digits.
const EVALUATION_BATCH_TOKENS: usize = 4096;

/// The dev set of one language, encoded once for all runs.
struct DevSet {
    lang: Lang,
    sequences: Vec<Sequence>,
    target_bytes: u64,
}

/// Runs the small runs of one experiment.
pub struct Tuner<'a> {
    pub(super) experiment: &'a Experiment,
    bitexts: &'a [Bitext],
    pub(super) base: &'a Base,
    dev: Vec<DevSet>,
    version: String,
    device: String,
    weights: Option<PathBuf>,
}

impl<'a> Tuner<'a> {
    /// Encodes the dev sets. `version` and `device` are written into the records.
    pub fn new(experiment: &'a Experiment, bitexts: &'a [Bitext], base: &'a Base, version: &str, device: &str) -> Result<Self, TrainError> {
        let dev = bitexts.iter().map(|bitext| dev_set(experiment, bitext, base)).collect::<Result<_, _>>()?;
        Ok(Tuner { experiment, bitexts, base, dev, version: version.to_owned(), device: device.to_owned(), weights: None })
    }

    /// Keeps what is trained: the weights or adapters of each finished run in `FOLDER/RUN_ID`, as `transformers` or `peft` loads them.
    pub fn keeping_weights(self, folder: &Path) -> Self {
        Tuner { weights: Some(folder.to_owned()), ..self }
    }

    /// Trains and evaluates one run by itself. `clock` gives seconds from any fixed moment; only the speeds in the record depend on it.
    pub fn run(&self, spec: &RunSpec, clock: &dyn Fn() -> f64, observe: impl FnMut(Progress)) -> Result<RunRecord, TrainError> {
        self.trunk().run(spec, clock, observe)
    }

    /// For runs of one language and seed with rising amounts, which share what the schedule lets them share.
    pub fn trunk(&self) -> Trunk<'_> {
        Trunk::new(self)
    }

    /// What a run trains, as it is before the first step.
    pub(super) fn fresh_model(&self, seed: u64) -> Result<Llama, TrainError> {
        Ok(match &self.experiment.tuning.method {
            Method::Full => self.base.model.copy()?,
            Method::Lora(lora) => self.base.model.with_lora(lora, seed)?,
        })
    }

    /// Evaluates what a run trained, unless that diverged, and keeps its weights if they are asked for.
    pub(super) fn finished(
        &self,
        mut record: RunRecord,
        model: &Llama,
        start: f64,
        clock: &dyn Fn() -> f64,
    ) -> Result<RunRecord, TrainError> {
        if record.outcome == Outcome::Finished {
            let evaluations = self.evaluate(model)?;
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
        if let Some(folder) = self.weights.as_ref().filter(|_| record.outcome == Outcome::Finished && record.lang.is_some()) {
            checkpoint::write_trained(&folder.join(&record.run_id), model, &self.base.folder)?;
        }
        Ok(record)
    }

    pub(super) fn blank_record(&self, spec: &RunSpec) -> RunRecord {
        RunRecord {
            run_id: spec.id.clone(),
            parallot: self.version.clone(),
            sweep: self.experiment.name.clone(),
            lang: spec.lang.clone(),
            pairs: spec.pairs,
            seed: spec.seed,
            device: self.device.clone(),
            threads: rayon::current_num_threads(),
            stack: None,
            outcome: Outcome::Finished,
            steps: 0,
            train_tokens: Tokens(0),
            computed_tokens: None,
            train_loss_nats: None,
            wall_seconds: 0.0,
            tokens_per_second: None,
            evaluations: Vec::new(),
        }
    }

    /// The batches of a run: the first n pairs of the seeded shuffle, each pass in a fresh order with fresh wordings;
    /// under a trunk in the order of the shuffle, so that a longer run starts as a shorter one does.
    pub(super) fn batches(&self, lang: &Lang, pairs: Pairs, seed: u64) -> Result<Vec<Batch>, TrainError> {
        let Some(bitext) = self.bitexts.iter().find(|bitext| bitext.lang == *lang) else { return Ok(Vec::new()) };
        let tuning = &self.experiment.tuning;
        let shuffled = bitext.train.shuffled(seed);
        let pairs = shuffled.prefix(pairs.0 as usize)?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut batches = Vec::new();
        for epoch in 0..tuning.epochs as usize {
            let mut order: Vec<usize> = (0..pairs.len()).collect();
            if tuning.schedule == ScheduleSpec::Whole {
                order.shuffle(&mut rng);
            }
            let sequence = |&at: &usize| {
                let choice = Choice::Training { seed, index: epoch * bitext.train.len() + at };
                let example = prompt::example(&pairs[at], tuning.direction, &bitext.name, tuning.prompt, choice);
                Ok(self.base.vocabulary.instruction(&example.prompt, &example.response, self.base.model.context())?)
            };
            let sequences = order.iter().map(sequence).collect::<Result<Vec<Sequence>, TrainError>>()?;
            batches.extend(sequences.chunks(tuning.batch_pairs).map(batch_of).filter(|batch| batch.targets() > 0));
        }
        Ok(batches)
    }

    fn evaluate(&self, model: &Llama) -> Result<Vec<Evaluation>, TrainError> {
        self.dev
            .iter()
            .map(|dev| {
                let (nats, targets) = evaluate(model, &dev.sequences, EVALUATION_BATCH_TOKENS)?;
                Ok(Evaluation {
                    lang: dev.lang.clone(),
                    nats: Nats(nats),
                    target_tokens: Tokens(targets),
                    target_bytes: dev.target_bytes,
                    pairs: Pairs(dev.sequences.len() as u64),
                })
            })
            .collect()
    }
}

fn dev_set(experiment: &Experiment, bitext: &Bitext, base: &Base) -> Result<DevSet, TrainError> {
    let mut pairs: Vec<&Pair> = bitext.dev.pairs().iter().collect();
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
    Ok(DevSet { lang: bitext.lang.clone(), sequences, target_bytes })
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
