//! Training of the mixtures, from a base that is trained first if it is not kept.

use super::super::failure::{Failure, OrFail};
use super::super::sweep::{self, Trainer};
use super::super::terminal::{bar, bars, note};
use super::super::version;
use super::{Arguments, Question};
use crate::corpus::Bitext;
use crate::files::{self, Owner};
use crate::record::{Outcome, RunRecord, Store};
use crate::report::eye::duration;
use crate::spec::RunSpec;
use crate::sweep::{Cost, Job, Plan, Site, run_missing};
use crate::train::{Base, Tuner};
use crate::validate::Shift;

/// Parts of a set of sentences, whose losses say how far sets differ by chance.
const PARTS: usize = 10;

/// The base, from which every mixture starts.
pub(super) struct BaseTrainer(Base);

impl Question {
    /// The base, trained if it is not kept; none where runs are simulated, and where all are there
    /// because no more of their version are made.
    pub(super) fn trainer(&self, arguments: &Arguments) -> Result<Option<BaseTrainer>, Failure> {
        if arguments.trainer == Trainer::Simulated || !self.version.is_current() {
            return Ok(None);
        }
        for folder in [Some(&arguments.cache), arguments.save.as_ref()].into_iter().flatten() {
            files::check_writable(folder).or_input()?;
        }
        let at = (arguments.device.as_str(), arguments.cache.as_path());
        let base = sweep::base(
            &self.experiment,
            &self.bitexts,
            &self.base_files,
            self.version,
            at,
            &bars(),
        )?;
        Ok(Some(BaseTrainer(base)))
    }

    /// From dev to test, by the mixtures of the sweep that were scored on both, or by the base;
    /// without one there is no difference.
    pub(super) fn shifts(&self, trainer: Option<&BaseTrainer>) -> Result<Vec<Shift>, Failure> {
        let Some(BaseTrainer(base)) = trainer else {
            return Ok(self.bitexts.iter().map(|bitext| Shift::none(bitext.lang.code())).collect());
        };
        let tuner =
            Tuner::new(&self.experiment, &self.bitexts, base, version(), "cpu").or_work()?;
        if self.experiment.evaluation.calibration {
            return self.calibrated(&tuner.base_losses_on_calibration(PARTS).or_work()?);
        }
        let dev = tuner.base_losses(PARTS).or_work()?;
        let test = tuner.scored_on_test().and_then(|tuner| tuner.base_losses(PARTS)).or_work()?;
        Ok(self
            .bitexts
            .iter()
            .zip(dev.iter().zip(&test))
            .map(|(bitext, (dev, test))| Shift::new(bitext.lang.code(), dev, test))
            .collect())
    }

    /// From dev to test, by the mixtures of the sweep, beside losses of the base on parts of the
    /// calibration half.
    fn calibrated(&self, parts: &[Vec<f64>]) -> Result<Vec<Shift>, Failure> {
        let (_, records) = Store::new(&self.folders.records).read_sweep().or_input()?;
        let mixtures: Vec<&RunRecord> =
            records.iter().filter(|record| record.subject.is_mixture()).collect();
        let of = |(bitext, parts): (&Bitext, &Vec<f64>)| {
            let both = |record: &&RunRecord| {
                Some((
                    record.evaluation(&bitext.lang)?.loss_nats(),
                    record.calibration(&bitext.lang)?.loss_nats(),
                ))
            };
            let scored: Vec<(f64, f64)> = mixtures.iter().filter_map(both).collect();
            Shift::calibrated(bitext.lang.code(), &scored, parts).ok_or_else(|| {
                let (lang, found) = (&bitext.lang, scored.len());
                let error = anyhow::anyhow!(
                    "{found} mixtures are scored on the calibration half \
                of `{lang}`, expected at least 3"
                );
                Failure::input(error).hint(
                    "`mixtures` in the experiment asks for them, and `evaluation: \
                    {calibration: false}` does without",
                )
            })
        };
        self.bitexts.iter().zip(parts).map(of).collect()
    }

    /// Tunes what is missing, each record written as soon as it is there.
    pub(super) fn train(
        &self,
        BaseTrainer(base): &BaseTrainer,
        plan: &Plan,
        store: &Store,
        arguments: &Arguments,
    ) -> Result<(), Failure> {
        let tuner = Tuner::new(&self.experiment, &self.bitexts, base, version(), &arguments.device);
        let mut tuner = tuner
            .and_then(Tuner::scored_on_test)
            .and_then(|tuner| tuner.also_scored_on(&self.untuned))
            .or_work()?
            .reading(&self.tongues);
        if let Some(folder) = &arguments.save {
            tuner = tuner.keeping_weights(folder);
        }
        let cost = Cost::new(&self.experiment, &self.bitexts, &plan.done, &arguments.device);
        let jobs: Vec<Job> = plan.missing.iter().cloned().map(Job::Run).collect();
        let workers = sweep::jobs_of(&arguments.device, arguments.jobs).min(jobs.len().max(1));
        let pools = sweep::pools(workers)?;
        let start = std::time::Instant::now();
        let clock = move || start.elapsed().as_secs_f64();
        let bars = bars();
        let work = |run: &RunSpec| cost.work_tokens(cost.train_tokens(run)).max(1.0) as u64;
        let total = bar(&bars, plan.missing.iter().map(work).sum(), "validate");
        let site = Site { store, owner: &Owner::this(), simulated: false };
        run_missing(&jobs, &site, workers, |job, worker, write| {
            for spec in job.runs() {
                let mut before = 0;
                let record = pools[worker].install(|| {
                    tuner.run(spec, &clock, |progress| {
                        // evaluation follows, so the bar keeps its share of the run back
                        let now = (cost.train_tokens(spec) * progress.step as f64
                            / progress.steps as f64) as u64;
                        total.inc(now - before);
                        total.set_message(format!(
                            "seed {}, {:.3} nats",
                            spec.seed, progress.loss_nats
                        ));
                        before = now;
                    })
                })?;
                write(&record)?;
                total.inc(work(spec) - before);
                total.suspend(|| note(&line(&record)));
            }
            anyhow::Ok(())
        })
        .or_work()?;
        total.finish_and_clear();
        Ok(())
    }
}

/// What one model came to.
fn line(record: &RunRecord) -> String {
    let (seed, time) = (record.seed, duration(record.wall_seconds));
    if let Outcome::Diverged { step, reason } = &record.outcome {
        return format!("model {}, seed {seed}: diverged at step {step}: {reason}", record.run_id);
    }
    format!(
        "model {}, seed {seed}: mean test loss {:.4} nats in {time}",
        record.run_id,
        record.mean_loss_nats()
    )
}
