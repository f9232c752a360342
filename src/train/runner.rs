//! Runs one after the other: each by itself, or those of one language and seed as branches of one
//! trunk.
//!
//! Under a trunk a run of n pairs in S steps reads the first n pairs of the seeded shuffle in its
//! order. Until its last `c = ceil(share S)` steps it does what every longer run does, so that the
//! trunk stands for all of them there; from `S - c` on it goes on as a branch of its own.

use super::TrainError;
use super::run::{Trained, Tuner};
use super::schedule::Schedule;
use super::steps::{Divergence, Progress, Training};
use crate::model::Saving;
use crate::record::{RunRecord, Subject};
use crate::spec::{RunSpec, ScheduleSpec};
use crate::units::Lang;

/// Trains runs one after the other, and keeps what those of one language and seed have in common so
/// far.
pub struct Runner<'a> {
    tuner: &'a Tuner<'a>,
    grown: Option<Grown>,
}

struct Grown {
    lang: Option<Lang>,
    seed: u64,
    training: Training,
    /// A trunk that failed has failed for every longer branch.
    failed: Option<Divergence>,
}

impl Tuner<'_> {
    /// Trains and evaluates one run by itself. `clock` gives seconds from any fixed moment; only
    /// the speeds in the record depend on it.
    pub fn run(
        &self,
        spec: &RunSpec,
        clock: &dyn Fn() -> f64,
        observe: impl FnMut(Progress),
    ) -> Result<RunRecord, TrainError> {
        self.runner().run(spec, clock, observe)
    }

    /// For runs of one language and seed with rising amounts, which share what the schedule lets
    /// them share.
    pub fn runner(&self) -> Runner<'_> {
        Runner { tuner: self, grown: None }
    }
}

impl Runner<'_> {
    /// Trains and evaluates one run, from where the trunk stands if that is on its way. `clock`
    /// gives seconds from any fixed moment; only the speeds in the record depend on it. `observe`
    /// sees the steps that are done for this run.
    pub fn run(
        &mut self,
        spec: &RunSpec,
        clock: &dyn Fn() -> f64,
        mut observe: impl FnMut(Progress),
    ) -> Result<RunRecord, TrainError> {
        let start = clock();
        if spec.subject == Subject::Base {
            return self.tuner.record(
                spec,
                &self.tuner.base.model,
                Trained::default(),
                start,
                clock,
            );
        }
        let tuning = &self.tuner.experiment.tuning;
        let batches = self.tuner.batches(spec)?;
        let schedule = Schedule::of(&tuning.schedule, &tuning.optimisation, batches.len() as u64);
        let saving = Saving { micro_batch: tuning.micro_batch_pairs, recomputes: tuning.recompute };
        // mixtures share nothing
        let lang = spec.subject.lang();
        let is_branch = |grown: &Grown| {
            lang.is_some() && grown.lang.as_ref() == lang && grown.seed == spec.seed
        };
        let on_the_way = |grown: &Grown| {
            is_branch(grown) && grown.training.steps() <= schedule.steps_before_fall()
        };
        let mut grown = match self.grown.take().filter(on_the_way) {
            Some(grown) => grown,
            None => {
                let training = Training::new(
                    &self.tuner.fresh_model(spec.seed)?,
                    &tuning.optimisation,
                    saving,
                )?;
                Grown { lang: lang.cloned(), seed: spec.seed, training, failed: None }
            }
        };
        let (from, read) = (grown.training.steps(), grown.training.tokens());
        let mut observe = |progress: Progress| {
            observe(Progress {
                step: progress.step - from,
                steps: progress.steps - from,
                ..progress
            })
        };
        if grown.failed.is_none() {
            grown.failed = grown.training.advance(
                &batches,
                &schedule,
                schedule.steps_before_fall(),
                &mut observe,
            )?;
        }
        let mut divergence = grown.failed.clone();
        let mut branch = match tuning.schedule {
            ScheduleSpec::Whole => grown.training,
            ScheduleSpec::Trunk(_) => {
                let branch = grown.training.fork()?;
                self.grown = Some(grown);
                branch
            }
        };
        if divergence.is_none() {
            divergence = branch.advance(&batches, &schedule, schedule.steps(), &mut observe)?;
        }
        let computed = branch.tokens() - read;
        let trained = Trained {
            computed_tokens: (tuning.schedule != ScheduleSpec::Whole).then_some(computed),
            tokens_per_second: (computed > 0).then(|| computed as f64 / (clock() - start)),
            ..Trained::of(branch.ended(divergence), schedule.steps())
        };
        self.tuner.record(spec, branch.model(), trained, start, clock)
    }
}
