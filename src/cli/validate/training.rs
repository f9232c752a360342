//! Training of the mixtures, from a base that is trained first if it is not kept.

use super::super::failure::{Failure, OrFail};
use super::super::sweep::{self, Trainer};
use super::super::terminal::{bar, bars, note};
use super::super::version;
use super::{Arguments, PARTS, Question};
use crate::files;
use crate::record::Store;
use crate::report::eye::duration;
use crate::spec::RunSpec;
use crate::sweep::{Cost, Plan, run_missing};
use crate::train::{Base, TrainError, Tuner, prepare, select_device};
use crate::validate::Shift;

/// The base, from which every mixture starts.
pub struct BaseTrainer(Base);

impl Question {
    /// The base, trained if it is not kept; none where runs are simulated.
    pub fn trainer(&self, arguments: &Arguments) -> Result<Option<BaseTrainer>, Failure> {
        if arguments.trainer == Trainer::Simulated {
            return Ok(None);
        }
        let device = select_device(&arguments.device).or_input()?;
        for folder in [Some(&arguments.cache), arguments.save.as_ref()].into_iter().flatten() {
            files::check_writable(folder).or_input()?;
        }
        let bars = bars();
        let base_bar = bar(&bars, 0, "base");
        let base = prepare(&self.experiment, &self.bitexts, &self.base_files, &arguments.cache, &device, |progress| {
            base_bar.set_length(progress.steps);
            base_bar.set_position(progress.step);
        })
        .map_err(|error| match error {
            TrainError::Checkpoint(_) => Failure::input(error),
            _ => Failure::work(error),
        })?;
        base_bar.finish_and_clear();
        Ok(Some(BaseTrainer(base)))
    }

    /// From dev to test, by the base; without one there is no difference.
    pub fn shifts(&self, trainer: Option<&BaseTrainer>) -> Result<Vec<Shift>, Failure> {
        let Some(BaseTrainer(base)) = trainer else {
            return Ok(self.bitexts.iter().map(|bitext| Shift { lang: bitext.lang.to_string(), ratio: 1.0, error_log: 0.0 }).collect());
        };
        let tuner = Tuner::new(&self.experiment, &self.bitexts, base, version(), "cpu").or_work()?;
        let dev = tuner.base_losses(PARTS).or_work()?;
        let test = tuner.scored_on_test().and_then(|tuner| tuner.base_losses(PARTS)).or_work()?;
        Ok(self.bitexts.iter().zip(dev.iter().zip(&test)).map(|(bitext, (dev, test))| Shift::new(bitext.lang.code(), dev, test)).collect())
    }

    /// Tunes what is missing, each record written as soon as it is there.
    pub fn train(&self, BaseTrainer(base): &BaseTrainer, plan: &Plan, store: &Store, arguments: &Arguments) -> Result<(), Failure> {
        let tuner = Tuner::new(&self.experiment, &self.bitexts, base, version(), &arguments.device);
        let mut tuner = tuner.and_then(Tuner::scored_on_test).or_work()?;
        if let Some(folder) = &arguments.save {
            tuner = tuner.keeping_weights(folder);
        }
        let cost = Cost::new(&self.experiment, &self.bitexts, &plan.done, &arguments.device);
        let jobs = sweep::jobs_of(&arguments.device, arguments.jobs).min(plan.missing.len().max(1));
        let pools = sweep::pools(jobs)?;
        let start = std::time::Instant::now();
        let clock = move || start.elapsed().as_secs_f64();
        let bars = bars();
        let work = |run: &RunSpec| cost.work_tokens(run).max(1.0) as u64;
        let total = bar(&bars, plan.missing.iter().map(work).sum(), "validate");
        run_missing(&plan.missing, store, jobs, |spec, job| {
            let mut before = 0;
            let record = pools[job].install(|| {
                tuner.run(spec, &clock, |progress| {
                    let now = (cost.train_tokens(spec) * progress.step as f64 / progress.steps as f64) as u64;
                    total.inc(now - before);
                    total.set_message(format!("seed {}, {:.3} nats", spec.seed, progress.loss_nats));
                    before = now;
                })
            })?;
            total.inc(work(spec) - before);
            let mean = record.evaluations.iter().map(|one| one.loss_nats()).sum::<f64>() / record.evaluations.len().max(1) as f64;
            let (id, seed, time) = (&spec.id, spec.seed, duration(record.wall_seconds));
            total.suspend(|| note(&format!("model {id}, seed {seed}: mean test loss {mean:.4} nats in {time}")));
            anyhow::Ok(record)
        })
        .or_work()?;
        total.finish_and_clear();
        Ok(())
    }
}
