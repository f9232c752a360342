//! The training of a sweep: the base if it is not kept, then the missing runs.

use super::Arguments;
use super::jobs::{jobs_of, pools, stack_of, threads_of};
use crate::cli::failure::{Failure, OrFail};
use crate::cli::terminal::{bar, bars, note, say};
use crate::cli::version;
use crate::corpus::{Bitext, Pair, Tongue};
use crate::files;
use crate::model::{ModelConfig, checkpoint};
use crate::record::{Outcome, RunRecord, Subject, TrainingVersion};
use crate::report::eye::{duration, grouped};
use crate::spec::{BaseFiles, BaseSpec, Experiment, Method, RunSpec};
use crate::sweep::{Cost, Job, Site, run_missing};
use crate::train::{
    Base, Memory, Origin, Progress, SEQUENCES, Size, Step, TrainError, Tuner, Workload, measure,
    prepare, select_device,
};
use indicatif::{MultiProgress, ProgressBar};
use std::fmt::Display;
use std::path::Path;

/// Steps that the estimate of a list is measured on.
const LIST_STEPS: usize = 3;

/// Tokens per second of a few steps of the network of the base on the share of the cores that a run
/// has; none where there is no such device, or where the base is a checkpoint, of which a list
/// should not make another.
pub(super) fn measured_speed(experiment: &Experiment, arguments: &Arguments) -> Option<f64> {
    let BaseSpec::Preset(base) = &experiment.base else { return None };
    let workload = Workload { name: "base", config: ModelConfig::of(base.preset, base.vocab_size) };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads_of(jobs_of(&arguments.device, arguments.jobs)))
        .build()
        .ok()?;
    let start = std::time::Instant::now();
    let clock = || start.elapsed().as_secs_f64();
    note("no run is finished on this device yet: measuring a few steps");
    let size = Size { stack: 1, sequences: SEQUENCES, steps: LIST_STEPS };
    pool.install(|| measure(&workload, &arguments.device, size, &clock, || ()))
        .ok()
        .map(|speed| speed.tokens_per_second)
}

/// Estimates the peak memory, bytes: of a process that does one run at a time, what it holds with
/// the corpora read, and what the base and the run add; of a card, what a stack of such runs takes
/// there. None of a checkpoint that cannot be read, and of the base, which is only evaluated.
pub(super) fn memory_of(
    experiment: &Experiment,
    bitexts: &[Bitext],
    base_files: &BaseFiles,
    arguments: &Arguments,
) -> impl Fn(&RunSpec) -> Option<f64> {
    let config = match (&experiment.base, base_files) {
        (BaseSpec::Preset(base), _) => Some(ModelConfig::of(base.preset, base.vocab_size)),
        (BaseSpec::Checkpoint(_), BaseFiles::Checkpoint(files)) => {
            checkpoint::sizes(files, experiment.base.context()).ok()
        }
        _ => None,
    };
    let plain =
        experiment.tuning.method == Method::Full && config.is_some_and(|config| config.is_plain());
    let card =
        select_device(&arguments.device).ok().filter(|hardware| plain && !hardware.device.is_cpu());
    let stack = stack_of(arguments);
    let held = if card.is_some() { 0.0 } else { held(bitexts) };
    move |run| {
        let of = |bitext: &Bitext| {
            let (config, tuning, step) =
                (config?, &experiment.tuning, Step::of(experiment, bitext, run.subject.pairs()));
            Some(match &card {
                Some(hardware) => Memory::on_card(
                    &config,
                    tuning,
                    step,
                    experiment.base.context(),
                    hardware.precision,
                    stack,
                ),
                None => Memory::of(&config, tuning, step),
            })
        };
        let read = bitexts
            .iter()
            .filter(|bitext| run.subject.parts().any(|(lang, _)| *lang == bitext.lang));
        // the longest step of a mixture is one of its language of the longest texts
        let peak =
            read.filter_map(of).map(|memory| memory.shared + memory.run).max_by(f64::total_cmp)?;
        Some(held + peak)
    }
}

/// What a process holds before it trains, bytes: the program, and its corpora with what stands
/// around each text (measured on one and on six languages of the Bible, 50 and 115 MB).
fn held(bitexts: &[Bitext]) -> f64 {
    let text = |pairs: &[Pair]| {
        pairs.iter().map(|pair| pair.english.len() + pair.other.len()).sum::<usize>()
    };
    let of = |bitext: &Bitext| {
        text(bitext.train.pairs()) + text(bitext.dev.pairs()) + text(bitext.test.pairs())
    };
    32e6 + 1.4 * bitexts.iter().map(of).sum::<usize>() as f64
}

/// Trains the base if it is not kept, then the jobs.
pub(super) fn train(
    experiment: &Experiment,
    (bitexts, untuned, tongues): (&[Bitext], &[Bitext], &[Tongue]),
    base_files: &BaseFiles,
    jobs: &[Job],
    site: &Site<'_>,
    cost: &Cost,
    arguments: &Arguments,
) -> Result<(), Failure> {
    if jobs.is_empty() {
        return Ok(());
    }
    for folder in [Some(&arguments.cache), arguments.save.as_ref()].into_iter().flatten() {
        files::check_writable(folder).or_input()?;
    }
    let bars = bars();
    let start = std::time::Instant::now();
    let clock = move || start.elapsed().as_secs_f64();
    let base = base(
        experiment,
        bitexts,
        base_files,
        TrainingVersion::CURRENT,
        (&arguments.device, &arguments.cache),
        &bars,
    )?;
    note(&format!("base `{}` ready after {}", base.id, duration(clock())));

    let tuner = Tuner::new(experiment, bitexts, &base, version(), &arguments.device);
    let mut tuner =
        tuner.and_then(|tuner| tuner.also_scored_on(untuned)).or_work()?.reading(tongues);
    if let Some(folder) = &arguments.save {
        tuner = tuner.keeping_weights(folder);
    }
    let workers = jobs_of(&arguments.device, arguments.jobs).min(jobs.len());
    let pools = pools(workers)?;
    let work = jobs
        .iter()
        .flat_map(|job| cost.computed_tokens(job))
        .map(|tokens| cost.work_tokens(tokens).max(1.0) as u64)
        .sum();
    let total = bar(&bars, work, "sweep");
    run_missing(jobs, site, workers, |job, worker, write| {
        if let Job::Stack(runs) = job {
            let mut shown = Shown {
                label: stack_label(runs),
                tokens: cost.computed_tokens(job).iter().sum(),
                before: 0,
                total: &total,
            };
            let records = pools[worker]
                .install(|| tuner.run_stack(runs, &clock, |progress| shown.see(progress)))?;
            total.dec(shown.before);
            for (record, (spec, tokens)) in
                records.iter().zip(runs.iter().zip(cost.computed_tokens(job)))
            {
                write(record)?;
                Shown { label: label(spec), tokens, before: 0, total: &total }.end(cost, record);
            }
            return Ok(());
        }
        let mut runner = tuner.runner();
        for (spec, tokens) in job.runs().iter().zip(cost.computed_tokens(job)) {
            let mut shown = Shown { label: label(spec), tokens, before: 0, total: &total };
            let record = pools[worker]
                .install(|| runner.run(spec, &clock, |progress| shown.see(progress)))?;
            write(&record)?;
            shown.end(cost, &record);
        }
        anyhow::Ok(())
    })
    .map_err(of_training)?;
    total.finish_and_clear();
    Ok(())
}

/// Makes the base if it is not kept.
pub(super) fn make_base(
    experiment: &Experiment,
    bitexts: &[Bitext],
    base_files: &BaseFiles,
    arguments: &Arguments,
) -> Result<(), Failure> {
    files::check_writable(&arguments.cache).or_input()?;
    let place = (arguments.device.as_str(), arguments.cache.as_path());
    let base = base(experiment, bitexts, base_files, TrainingVersion::CURRENT, place, &bars())?;
    say(&format!("base `{}` in `{}`", base.id, base.folder.display()));
    Ok(())
}

/// An error of a training.
pub(crate) fn of_training(error: anyhow::Error) -> Failure {
    let is_full = matches!(error.downcast_ref(), Some(TrainError::CardFull(_)));
    let failure = Failure::work(error);
    if !is_full {
        return failure;
    }
    failure.hint(
        "fewer runs at a time (`--stack`), or `micro_batch_pairs` or `recompute: true` under \
        `tuning`, take less; what is finished is kept",
    )
}

/// The base on a device, trained if the cache folder does not hold it.
pub(crate) fn base(
    experiment: &Experiment,
    bitexts: &[Bitext],
    base_files: &BaseFiles,
    version: TrainingVersion,
    (device, cache): (&str, &Path),
    bars: &MultiProgress,
) -> Result<Base, Failure> {
    let device = select_device(device).or_input()?;
    let bar = bar(bars, 0, "base");
    let base = prepare(experiment, bitexts, base_files, version, cache, &device, |progress| {
        bar.set_length(progress.steps);
        bar.set_position(progress.step);
        bar.set_message(format!("{:.3} nats a token", progress.loss_nats));
    });
    bar.finish_and_clear();
    let base = base.map_err(|error| match error {
        TrainError::OlderBase { .. } => {
            Failure::input(error).hint("`--cache` names the folder in which it was kept")
        }
        TrainError::Checkpoint(_) => Failure::input(error),
        _ => of_training(error.into()),
    })?;
    let (id, folder) = (&base.id, base.folder.display());
    match base.origin {
        Origin::Damaged => note(&format!(
            "warning: base `{id}` in `{folder}` was not as it had been written, and was trained \
            again"
        )),
        Origin::Unverified => note(&format!(
            "note: base `{id}` in `{folder}` had no hash to hold it against; it is taken as it is"
        )),
        Origin::Given | Origin::Trained | Origin::Kept => {}
    }
    Ok(base)
}

/// A run on the bar of its sweep.
struct Shown<'a> {
    label: String,
    /// Tokens of training that it was expected to compute.
    tokens: f64,
    /// Those on the bar already.
    before: u64,
    total: &'a ProgressBar,
}

impl Shown<'_> {
    fn see(&mut self, progress: Progress) {
        // evaluation follows, so the bar keeps its share of the run back
        let now = (self.tokens * progress.step as f64 / progress.steps as f64) as u64;
        self.total.inc(now - self.before);
        self.total.set_message(format!("{}, {:.3} nats", self.label, progress.loss_nats));
        self.before = now;
    }

    fn end(self, cost: &Cost, record: &RunRecord) {
        self.total.inc((cost.work_tokens(self.tokens).max(1.0) as u64).saturating_sub(self.before));
        self.total.suspend(|| note(&line(&self.label, record)));
    }
}

fn stack_label(runs: &[RunSpec]) -> String {
    format!(
        "{} runs of {} pairs",
        runs.len(),
        runs.first().map_or(String::new(), |run| grouped(run.subject.pairs().0))
    )
}

fn label(spec: &RunSpec) -> String {
    let of = |what: &dyn Display| {
        format!("{what} {} pairs, seed {}", grouped(spec.subject.pairs().0), spec.seed)
    };
    match &spec.subject {
        Subject::Base => "base".to_owned(),
        Subject::Language { lang, .. } => of(lang),
        Subject::Mixture(_) => of(&"mixture of"),
    }
}

fn line(label: &str, record: &RunRecord) -> String {
    let own = record.subject.lang().and_then(|lang| record.evaluation(lang));
    let result = match (&record.outcome, &record.subject, own) {
        (Outcome::Diverged { step, reason }, ..) => format!("diverged at step {step}: {reason}"),
        (Outcome::Finished(_), _, Some(own)) => format!("{:.4} nats", own.loss_nats()),
        (Outcome::Finished(_), Subject::Base, None) => "evaluated".to_owned(),
        (Outcome::Finished(_), _, None) => format!("mean {:.4} nats", record.mean_loss_nats()),
    };
    let speed = record
        .tokens_per_second
        .map_or(String::new(), |speed| format!(", {} tokens/s", grouped(speed as u64)));
    format!("{label}: {result} in {}{speed}", duration(record.wall_seconds))
}
