//! One run: a copy of the base, tuned on n pairs of one language or on a mixture, and its losses on
//! all languages.

use super::TrainError;
use super::base::Base;
use super::steps::{Divergence, Ended, Evaluator, Sequence, batch_of};
use crate::corpus::prompt::{self, Choice};
use crate::corpus::{Bitext, CorpusError, Instruction, Pair, Shuffled, Tongue, evaluated};
use crate::model::{Batch, Llama, checkpoint};
use crate::numeric::random::{Item, Purpose, generator};
use crate::record::{Evaluation, Outcome, RunRecord, Subject};
use crate::spec::{Experiment, Method, RunSpec, ScheduleSpec};
use crate::units::{Lang, Nats, Pairs, Tokens};
use rand::seq::SliceRandom;
use std::path::{Path, PathBuf};

/// Tokens of a batch in evaluation; it changes speed, not results beyond the last digits.
pub(super) const EVALUATION_BATCH_TOKENS: usize = 4096;

/// What one language is scored on, encoded once for all runs.
struct Scored {
    lang: Lang,
    sequences: Vec<Sequence>,
    target_bytes: u64,
}

/// Runs the small runs of one experiment.
pub struct Tuner<'a> {
    pub(super) experiment: &'a Experiment,
    bitexts: &'a [Bitext],
    pub(super) base: &'a Base,
    scored: Vec<Scored>,
    /// The calibration half of the test pairs; none where it is not asked for.
    calibration: Vec<Scored>,
    /// Languages that no run is tuned on.
    untuned: Vec<Scored>,
    version: String,
    device: String,
    weights: Option<PathBuf>,
    tongues: &'a [Tongue],
}

/// What the training of a run came to; nothing for the base.
#[derive(Debug, Default)]
pub(super) struct Trained {
    /// Steps done.
    pub steps: u64,
    /// Tokens read.
    pub tokens: u64,
    /// Mean loss over the last tenth of the steps, nats per target token.
    pub last_loss_nats: Option<f64>,
    /// Where it failed, if it did.
    pub divergence: Option<Divergence>,
    /// Those of the tokens that were computed for this run, where it shared some.
    pub computed_tokens: Option<u64>,
    /// Speed of the training.
    pub tokens_per_second: Option<f64>,
    /// Runs that were trained side by side with it, itself among them.
    pub stack: Option<usize>,
}

impl Trained {
    /// The end of a training of so many steps.
    pub(super) fn of(ended: Ended, steps: u64) -> Self {
        match ended {
            Ended::Finished { tokens, last_loss_nats } => Trained {
                steps,
                tokens,
                last_loss_nats: Some(last_loss_nats),
                ..Trained::default()
            },
            Ended::Diverged { step, tokens, reason } => Trained {
                steps: step,
                tokens,
                divergence: Some(Divergence { step, reason }),
                ..Trained::default()
            },
        }
    }
}

/// What a sequence is made of.
#[derive(Clone)]
enum Place<'a> {
    /// A pair: the place of its bitext in the mixture, and its own in the seeded shuffle.
    Pair(usize, usize),
    /// An instruction record.
    Record(&'a Instruction),
}

impl<'a> Tuner<'a> {
    /// Encodes the dev sets, on which runs are scored. `version` and `device` are written into the
    /// records.
    pub fn new(
        experiment: &'a Experiment,
        bitexts: &'a [Bitext],
        base: &'a Base,
        version: &str,
        device: &str,
    ) -> Result<Self, TrainError> {
        let set = |bitext: &Bitext| scored(experiment, bitext, bitext.dev.pairs(), base);
        let scored = bitexts.iter().map(set).collect::<Result<_, _>>()?;
        let calibration = |bitext: &Bitext| calibration(experiment, bitext, base);
        let calibration = bitexts
            .iter()
            .filter(|_| experiment.evaluation.calibration)
            .map(calibration)
            .collect::<Result<_, _>>()?;
        let (version, device) = (version.to_owned(), device.to_owned());
        Ok(Tuner {
            experiment,
            bitexts,
            base,
            scored,
            calibration,
            untuned: Vec::new(),
            version,
            device,
            weights: None,
            tongues: &[],
        })
    }

    /// The same, scored on the test sets, or on the half of them that is not for calibration: for
    /// what is reported, once all choices are made.
    pub fn scored_on_test(self) -> Result<Self, TrainError> {
        let set = |bitext: &Bitext| match self.experiment.evaluation.calibration {
            true => scored(self.experiment, bitext, &bitext.test.halves().1, self.base),
            false => scored(self.experiment, bitext, bitext.test.pairs(), self.base),
        };
        let scored = self.bitexts.iter().map(set).collect::<Result<_, _>>()?;
        Ok(Tuner { scored, ..self })
    }

    /// The same, scored also on languages that no run is tuned on: on their test pairs, or on the
    /// calibration half of them.
    pub fn also_scored_on(self, untuned: &[Bitext]) -> Result<Self, TrainError> {
        let set = |bitext: &Bitext| match self.experiment.evaluation.calibration {
            true => calibration(self.experiment, bitext, self.base),
            false => scored(self.experiment, bitext, bitext.test.pairs(), self.base),
        };
        let untuned = untuned.iter().map(set).collect::<Result<_, _>>()?;
        Ok(Tuner { untuned, ..self })
    }

    /// Losses of the base, nats per target token, a language and so many nearly equal parts of what
    /// it is scored on: how far sets of sentences differ by chance.
    pub fn base_losses(&self, parts: usize) -> Result<Vec<Vec<f64>>, TrainError> {
        self.losses_of_base(&self.scored, parts)
    }

    /// The same of the calibration half of the test pairs; none where it is not asked for.
    pub fn base_losses_on_calibration(&self, parts: usize) -> Result<Vec<Vec<f64>>, TrainError> {
        self.losses_of_base(&self.calibration, parts)
    }

    fn losses_of_base(&self, sets: &[Scored], parts: usize) -> Result<Vec<Vec<f64>>, TrainError> {
        let mut evaluator = Evaluator::new(&self.base.model)?;
        let mut loss = |sequences: &[Sequence]| {
            let (nats, targets) = evaluator.evaluate(sequences, EVALUATION_BATCH_TOKENS)?;
            Ok((targets > 0).then(|| nats / targets as f64))
        };
        let of = |set: &Scored| {
            let losses = set.sequences.chunks(set.sequences.len().div_ceil(parts)).map(&mut loss);
            Ok(losses.collect::<Result<Vec<_>, TrainError>>()?.into_iter().flatten().collect())
        };
        sets.iter().map(of).collect()
    }

    /// The same, with the instruction data that the tuning asks for.
    pub fn reading(self, tongues: &'a [Tongue]) -> Self {
        Tuner { tongues, ..self }
    }

    /// Keeps what is trained: the weights or adapters of each finished run in `FOLDER/RUN_ID`, as
    /// `transformers` or `peft` loads them.
    pub fn keeping_weights(self, folder: &Path) -> Self {
        Tuner { weights: Some(folder.to_owned()), ..self }
    }

    /// What a run trains, as it is before the first step.
    pub(super) fn fresh_model(&self, seed: u64) -> Result<Llama, TrainError> {
        Ok(match &self.experiment.tuning.method {
            Method::Full => self.base.model.copy()?,
            Method::Lora(lora) => self.base.model.with_lora(lora, seed)?,
        })
    }

    /// The record of a run that has been trained: evaluated unless it diverged, and its weights
    /// kept if they are asked for. `start` is when it began by `clock`.
    pub(super) fn record(
        &self,
        spec: &RunSpec,
        model: &Llama,
        trained: Trained,
        start: f64,
        clock: &dyn Fn() -> f64,
    ) -> Result<RunRecord, TrainError> {
        let outcome = match trained.divergence {
            Some(Divergence { step, reason }) => Outcome::Diverged { step, reason },
            None => self.outcome(model, trained.steps)?,
        };
        let is_finished = matches!(outcome, Outcome::Finished(_));
        let more =
            |sets: &[Scored]| if is_finished { evaluate(model, sets) } else { Ok(Vec::new()) };
        let (calibration, untuned) = (more(&self.calibration)?, more(&self.untuned)?);
        let wall_seconds = clock() - start;
        if let Some(folder) =
            self.weights.as_ref().filter(|_| is_finished && spec.subject != Subject::Base)
        {
            checkpoint::write_trained(&folder.join(&spec.id), model, &self.base.folder)?;
        }
        Ok(RunRecord {
            run_id: spec.id.clone(),
            parallot: self.version.clone(),
            sweep: self.experiment.name.clone(),
            subject: spec.subject.clone(),
            seed: spec.seed,
            device: self.device.clone(),
            threads: rayon::current_num_threads(),
            stack: trained.stack,
            outcome,
            calibration,
            untuned,
            steps: trained.steps,
            train_tokens: Tokens(trained.tokens),
            computed_tokens: trained.computed_tokens.map(Tokens),
            train_loss_nats: trained.last_loss_nats.filter(|_| is_finished),
            wall_seconds,
            tokens_per_second: trained.tokens_per_second,
        })
    }

    /// How a run ended that was trained to its last step, after which no training loss is looked
    /// at: a model can be broken by it.
    fn outcome(&self, model: &Llama, steps: u64) -> Result<Outcome, TrainError> {
        let evaluations = evaluate(model, &self.scored)?;
        Ok(match evaluations.iter().find(|evaluation| !evaluation.nats.0.is_finite()) {
            Some(broken) => {
                let reason = format!(
                    "loss of {} nats on `{}` after the last step",
                    broken.nats.0, broken.lang
                );
                Outcome::Diverged { step: steps, reason }
            }
            None => Outcome::Finished(evaluations),
        })
    }

    /// What a run reads: its bitexts and how many pairs of each; nothing for the base.
    fn mix_of(&self, spec: &RunSpec) -> Vec<(&Bitext, usize)> {
        let bitext = |lang: &Lang| self.bitexts.iter().find(|bitext| bitext.lang == *lang);
        spec.subject
            .parts()
            .filter_map(|(lang, pairs)| Some((bitext(lang)?, pairs.0 as usize)))
            .collect()
    }

    /// The batches of a run: of each language the first n pairs of the seeded shuffle, all
    /// languages in one order, each pass in a fresh one with fresh wordings; of one language under
    /// a trunk in the order of the shuffle, so that a longer run starts as a shorter one does. More
    /// pairs than there are are whole passes, then the beginning of one.
    pub(super) fn batches(&self, spec: &RunSpec) -> Result<Vec<Batch>, TrainError> {
        let (mix, seed) = (self.mix_of(spec), spec.seed);
        let tuning = &self.experiment.tuning;
        let shuffled: Vec<Shuffled> =
            mix.iter().map(|(bitext, _)| bitext.shuffled(seed, Purpose::Pairs)).collect();
        let too_few = |(bitext, pairs): &&(&Bitext, usize)| {
            *pairs as u64 > self.experiment.most_pairs(bitext)
        };
        if let Some((bitext, pairs)) =
            mix.iter().find(too_few).filter(|_| !spec.subject.is_mixture())
        {
            return Err(CorpusError::TooFew { asked: *pairs, found: bitext.train.len() }.into());
        }
        let pairs = mix
            .iter()
            .enumerate()
            .flat_map(|(i, (_, pairs))| (0..*pairs).map(move |at| Place::Pair(i, at)));
        let records = self.records_of(&mix, seed);
        let places: Vec<Place> = pairs.chain(records.iter().copied().map(Place::Record)).collect();
        let langs: Vec<&str> = mix.iter().map(|(bitext, _)| bitext.lang.code()).collect();
        let mut rng = generator(seed, Purpose::Order, Item::Of(&langs.join("+")));
        let mut batches = Vec::new();
        for epoch in 0..tuning.epochs as usize {
            let mut order = places.clone();
            if tuning.schedule == ScheduleSpec::Whole || spec.subject.is_mixture() {
                order.shuffle(&mut rng);
            }
            let sequence = |place: &Place| {
                let example = match *place {
                    Place::Pair(i, at) => {
                        let ((bitext, pairs), unique) = (mix[i], shuffled[i].pairs());
                        let choice = Choice::Training {
                            seed,
                            lang: &bitext.lang,
                            index: epoch * unique.len().max(pairs) + at,
                        };
                        prompt::example(
                            &unique[at % unique.len()],
                            tuning.direction,
                            &bitext.name,
                            tuning.prompt,
                            choice,
                        )
                    }
                    Place::Record(record) => prompt::instruction_example(record, tuning.prompt),
                };
                Ok(self.base.vocabulary.instruction(
                    &example.prompt,
                    &example.response,
                    self.base.model.context(),
                )?)
            };
            let sequences =
                order.iter().map(sequence).collect::<Result<Vec<Sequence>, TrainError>>()?;
            batches.extend(
                sequences
                    .chunks(tuning.batch_pairs)
                    .map(batch_of)
                    .filter(|batch| batch.targets() > 0),
            );
        }
        Ok(batches)
    }

    /// Instruction records that a run reads beside its pairs.
    fn records_of(&self, mix: &[(&Bitext, usize)], seed: u64) -> Vec<&Instruction> {
        let Some(spec) = self.experiment.tuning.instructions.as_ref().filter(|_| !mix.is_empty())
        else {
            return Vec::new();
        };
        let own: Vec<&Lang> = mix.iter().map(|(bitext, _)| &bitext.lang).collect();
        let of = |tongue: &'a Tongue| {
            let mut records: Vec<&Instruction> = tongue.records.iter().collect();
            records.shuffle(&mut generator(seed, Purpose::Records, Item::Of(tongue.lang.code())));
            records.truncate(spec.most.unwrap_or(usize::MAX));
            records
        };
        self.tongues.iter().filter(|tongue| spec.reads(&tongue.lang, &own)).flat_map(of).collect()
    }
}

/// The losses of a model on some sets.
fn evaluate(model: &Llama, sets: &[Scored]) -> Result<Vec<Evaluation>, TrainError> {
    let mut evaluator = Evaluator::new(model)?;
    let of = |set: &Scored| {
        let (nats, targets) = evaluator.evaluate(&set.sequences, EVALUATION_BATCH_TOKENS)?;
        Ok(Evaluation {
            lang: set.lang.clone(),
            nats: Nats(nats),
            target_tokens: Tokens(targets),
            target_bytes: set.target_bytes,
            pairs: Pairs(set.sequences.len() as u64),
        })
    };
    sets.iter().map(of).collect()
}

fn calibration(
    experiment: &Experiment,
    bitext: &Bitext,
    base: &Base,
) -> Result<Scored, TrainError> {
    scored(experiment, bitext, &bitext.test.halves().0, base)
}

fn scored(
    experiment: &Experiment,
    bitext: &Bitext,
    pairs: &[Pair],
    base: &Base,
) -> Result<Scored, TrainError> {
    let pairs = evaluated(pairs, experiment.evaluation.pairs);
    let (mut sequences, mut target_bytes) = (Vec::new(), 0);
    for (at, pair) in pairs.into_iter().enumerate() {
        let example = prompt::example(
            pair,
            experiment.tuning.direction,
            &bitext.name,
            experiment.tuning.prompt,
            Choice::Evaluation { index: at },
        );
        target_bytes += example.response.len() as u64;
        sequences.push(base.vocabulary.instruction(
            &example.prompt,
            &example.response,
            base.model.context(),
        )?);
    }
    if batch_of(&sequences).targets() == 0 {
        return Err(TrainError::NothingToEvaluate { lang: bitext.lang.to_string() });
    }
    Ok(Scored { lang: bitext.lang.clone(), sequences, target_bytes })
}
