//! The base model: a checkpoint, or a preset with its tokenizer and pre-training on
//! English-dominant text, done once and kept by the hash of its spec.

use super::TrainError;
use super::hardware::Hardware;
use super::steps::{Ended, Progress, Sequence, batch_of, by_tokens, fit_batches};
use crate::corpus::prompt::{self, Choice};
use crate::corpus::{Bitext, english_text};
use crate::files;
use crate::model::{CheckpointError, Llama, ModelConfig, Precision, Vocabulary, checkpoint};
use crate::numeric::random::{Item, Purpose, generator};
use crate::record::TrainingVersion;
use crate::spec::{BaseFiles, BaseSpec, CheckpointFiles, Experiment, PresetBase};
use crate::units::Lang;
use candle_core::DType;
use rand::seq::SliceRandom;
use std::path::{Path, PathBuf};

/// What every run of a sweep starts from.
#[derive(Debug, Clone)]
pub struct Base {
    /// Hash of all that determines it.
    pub id: String,
    /// Its tokenizer.
    pub vocabulary: Vocabulary,
    /// The network, never trained itself: runs train copies.
    pub model: Llama,
    /// The checkpoint that it was read from.
    pub folder: PathBuf,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a base came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The checkpoint that the experiment names.
    Given,
    /// It was not kept, and was trained.
    Trained,
    /// It was kept, as it was written.
    Kept,
    /// It was kept by a version that noted no hash, and is taken as it is.
    Unverified,
    /// What was kept is not what was written, and it was trained again.
    Damaged,
}

/// Beside a base that is kept: the hash of its files, [`CheckpointFiles::sha256`].
const HASH: &str = "checkpoint.sha256";

/// The base of an experiment: the checkpoint that it names, or a preset, read from the cache folder
/// if it is there, else trained and written to it as a checkpoint. `given` are the files that the
/// spec names; one of an older `version` is never trained.
pub fn prepare(
    experiment: &Experiment,
    bitexts: &[Bitext],
    given: &BaseFiles,
    version: TrainingVersion,
    cache: &Path,
    hardware: &Hardware,
    observe: impl FnMut(Progress),
) -> Result<Base, TrainError> {
    let Hardware { device, precision } = hardware;
    let id = experiment.base_id(bitexts, given.sha256().as_deref(), version);
    let context = experiment.base.context();
    let spec = match (&experiment.base, given) {
        (BaseSpec::Preset(spec), _) => spec,
        (BaseSpec::Checkpoint(_), BaseFiles::Checkpoint(files)) => {
            let (model, vocabulary) = checkpoint::read(files, context, device)?;
            let model = model.with_precision(*precision);
            return Ok(Base {
                id,
                vocabulary,
                model,
                folder: files.folder.clone(),
                origin: Origin::Given,
            });
        }
        (BaseSpec::Checkpoint(_), _) => return Err(TrainError::NoCheckpoint),
    };
    // devices round differently: each keeps its own weights
    let kind = match (device.is_cpu(), precision) {
        (true, _) => "cpu",
        (false, Precision::F32) => "cuda",
        (false, Precision::Bf16) => "cuda-bf16",
    };
    let folder = cache.join(format!("base-{id}.{kind}"));
    let origin = kept(&folder)?;
    if matches!(origin, Origin::Trained | Origin::Damaged) {
        if !version.is_current() {
            return Err(TrainError::OlderBase { id, found: version, folder });
        }
        let vocabulary = match given {
            BaseFiles::Tokenizer(json) => Vocabulary::from_json(json)?,
            _ => train_vocabulary(experiment, spec, bitexts)?,
        };
        let model = train_model(spec, bitexts, &vocabulary, hardware, observe)?;
        // a file that cannot be written is no checkpoint that cannot be read
        checkpoint::write(&folder, &model, &vocabulary).map_err(|error| match error {
            CheckpointError::File(error) => TrainError::File(error),
            error => error.into(),
        })?;
    }
    let found = CheckpointFiles::find(&folder)?;
    let (model, vocabulary) = checkpoint::read(&found, context, device)?;
    let model = model.with_precision(*precision);
    let written = || files::write(&folder.join(HASH), format!("{}\n", found.sha256).as_bytes());
    match origin {
        Origin::Given | Origin::Kept => {}
        Origin::Trained | Origin::Damaged => written()?,
        // a cache that somebody else keeps may be read and not written
        Origin::Unverified => drop(written()),
    }
    Ok(Base { id, vocabulary, model, folder, origin })
}

/// What of a base a folder of the cache holds: a flipped bit in it would give other losses under
/// the ids of the same runs.
fn kept(folder: &Path) -> Result<Origin, TrainError> {
    if !files::exists(&folder.join(CheckpointFiles::WEIGHTS)) {
        return Ok(Origin::Trained);
    }
    let hash = folder.join(HASH);
    if !files::exists(&hash) {
        return Ok(Origin::Unverified);
    }
    let written = files::read(&hash)?;
    let is_whole = CheckpointFiles::find(folder)
        .is_ok_and(|found| found.sha256.as_bytes() == written.trim_ascii());
    Ok(if is_whole { Origin::Kept } else { Origin::Damaged })
}

/// A tokenizer trained on the same number of pairs of every language, as the examples that runs
/// will read.
fn train_vocabulary(
    experiment: &Experiment,
    spec: &PresetBase,
    bitexts: &[Bitext],
) -> Result<Vocabulary, TrainError> {
    let tuning = &experiment.tuning;
    let size = spec.vocab_size.unwrap_or(ModelConfig::of(spec.preset, None).vocab_size);
    let mut texts = Vec::new();
    for bitext in bitexts {
        let shuffled = bitext.shuffled(spec.seed, Purpose::Tokenizer);
        for (index, pair) in
            shuffled.prefix(spec.tokenizer_pairs.min(bitext.train.len()))?.iter().enumerate()
        {
            let choice = Choice::Training { seed: spec.seed, lang: &bitext.lang, index };
            let example =
                prompt::example(pair, tuning.direction, &bitext.name, tuning.prompt, choice);
            texts.extend([example.prompt, example.response]);
        }
    }
    Ok(Vocabulary::train(texts.iter().map(String::as_str), size)?)
}

fn train_model(
    spec: &PresetBase,
    bitexts: &[Bitext],
    vocabulary: &Vocabulary,
    hardware: &Hardware,
    observe: impl FnMut(Progress),
) -> Result<Llama, TrainError> {
    let config = ModelConfig::of(spec.preset, Some(vocabulary.size()));
    let mut weights = generator(spec.seed, Purpose::Weights, Item::All);
    let model = Llama::random(config, spec.context, DType::F32, &hardware.device, &mut weights)?
        .with_precision(hardware.precision);
    let sequences = pretraining_text(spec, bitexts, vocabulary)?;
    let batches: Vec<_> =
        by_tokens(&sequences, spec.pretraining.batch_tokens).into_iter().map(batch_of).collect();
    match fit_batches(&model, &batches, &spec.pretraining.optimisation, observe)? {
        Ended::Finished { .. } => Ok(model),
        Ended::Diverged { step, reason, .. } => Err(TrainError::BaseDiverged { step, reason }),
    }
}

/// Sequences of the languages in their shares, until the tokens of each are spent, in one shuffled
/// order. A language whose text runs out is read again.
fn pretraining_text(
    spec: &PresetBase,
    bitexts: &[Bitext],
    vocabulary: &Vocabulary,
) -> Result<Vec<Sequence>, TrainError> {
    let langs: Vec<Lang> = bitexts.iter().map(|bitext| bitext.lang.clone()).collect();
    let mut sequences = Vec::new();
    for (lang, share) in spec.pretraining.shares_of(&langs) {
        let mut texts: Vec<&str> = match bitexts.iter().find(|bitext| bitext.lang == lang) {
            Some(bitext) => bitext.train.pairs().iter().map(|pair| pair.other.as_str()).collect(),
            None => english_text(bitexts),
        };
        let mut rng = generator(spec.seed, Purpose::Pretraining, Item::Of(lang.code()));
        let mut left = (share * spec.pretraining.tokens.0 as f64) as i64;
        while left > 0 && !texts.is_empty() {
            texts.shuffle(&mut rng);
            for text in &texts {
                if left <= 0 {
                    break;
                }
                let sequence = vocabulary.sequence(text, spec.context)?;
                left -= sequence.len() as i64 - 1;
                sequences.push((sequence, 1));
            }
        }
    }
    sequences.shuffle(&mut generator(spec.seed, Purpose::Pretraining, Item::All));
    Ok(sequences)
}
