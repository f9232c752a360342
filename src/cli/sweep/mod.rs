//! `parallot sweep`: the small runs that are missing.

mod available;
mod base_files;
mod check;
mod jobs;
mod list;
#[cfg(not(feature = "train"))]
mod no_work;
mod share;
mod status;
#[cfg(feature = "train")]
mod work;

pub(super) use base_files::base_files;
pub(super) use check::{check_device, check_parts, check_version};
#[cfg(feature = "train")]
pub(super) use jobs::{jobs_of, pools};
#[cfg(feature = "train")]
pub(super) use work::base;

use crate::cli::count;
use crate::cli::failure::{Failure, OrFail};
use crate::cli::terminal::{note, say};
use crate::cli::text::{self, TextArguments};
use crate::cli::version;
use crate::corpus::Bitext;
use crate::files::{self, Owner};
use crate::record::{self, Manifest, RecordError, RunRow, Store, Subject, TrainingVersion};
use crate::report::eye::duration;
use crate::spec::{RunSpec, ScheduleSpec};
use crate::study::Folders;
use crate::sweep::{Cost, Job, Plan, Site, run_missing, simulate};
use available::available;
use clap::{Args, ValueEnum};
use jobs::stack_of;
#[cfg(not(feature = "train"))]
use no_work::{make_base, measured_speed, memory_of, train};
use share::{Shard, chosen};
use std::path::{Path, PathBuf};
use std::time::Duration;
#[cfg(feature = "train")]
use work::{make_base, measured_speed, memory_of, train};

/// Flags of `parallot sweep`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Experiment: a YAML file, or the name of one in `experiments/`
    pub experiment: String,
    /// Print the runs and their cost, and run nothing
    #[arg(long)]
    pub list: bool,
    /// Print how far the runs are: finished, running, diverged, failed with the reason, missing
    #[arg(long, conflicts_with = "list")]
    pub status: bool,
    /// With --list or --status: one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    /// Print the ids of the runs that nobody finished or is at work on, one a line
    #[arg(long, conflicts_with_all = ["list", "status", "json"])]
    pub missing: bool,
    /// Make the base model if it is not kept, and run nothing: the first job of a cluster, before
    /// those of the runs
    #[arg(long, conflicts_with_all = ["list", "status", "missing"])]
    pub base: bool,
    /// Do this run alone, by its id; may be repeated. Other processes may be at work on other runs
    #[arg(long, value_name = "ID", conflicts_with_all = ["list", "status", "missing", "base"])]
    pub run: Vec<String>,
    /// Do the K-th of N shares of the runs, like `3/16`. Other processes may be at work on other
    /// shares
    #[arg(
        long,
        value_name = "K/N",
        conflicts_with_all = ["list", "status", "missing", "base", "run"]
    )]
    pub shard: Option<Shard>,
    /// Where to train: `cpu`, `cuda` or `cuda:1`; `cuda/f32` for f32 in place of bf16
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Runs at a time, each on its share of the cores; by default one a core on the CPU, and one on
    /// a GPU
    #[arg(long, value_name = "N", value_parser = count::within::<usize>(count::JOBS))]
    pub jobs: Option<usize>,
    /// Runs of one size that are trained side by side as one; by default 1 on the CPU, where they
    /// do not gain by it, and 16 on a GPU
    #[arg(long, value_name = "R", value_parser = count::within::<u32>(count::SIDE_BY_SIDE))]
    pub stack: Option<u32>,
    /// Folder of base models, which are kept by the hash of their spec
    #[arg(long, value_name = "FOLDER", env = "PARALLOT_CACHE", default_value = ".parallot-cache")]
    pub cache: PathBuf,
    /// Keep the weights or adapters of every run that is trained now, in FOLDER/RUN, as
    /// transformers or peft loads them
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["list", "status", "missing", "base"])]
    pub save: Option<PathBuf>,
    /// Where the corpora are
    #[command(flatten)]
    pub text: TextArguments,
    /// Who trains; `simulated` gives planted laws with noise in no time, to try a pipeline
    #[arg(long, value_enum, default_value = "candle", hide = true)]
    pub trainer: Trainer,
}

/// Who trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Trainer {
    /// Our network on candle.
    Candle,
    /// Planted laws.
    Simulated,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folders = Folders::of(&arguments.experiment)?;
    let mut experiment = folders.read()?;
    if arguments.save.is_some() && arguments.trainer == Trainer::Simulated {
        return Err(Failure::input(anyhow::anyhow!(
            "`--save` with simulated runs, expected runs that train weights"
        )));
    }
    if arguments.stack.is_some_and(|runs| runs > 1)
        && experiment.tuning.schedule != ScheduleSpec::Whole
    {
        let error =
            anyhow::anyhow!("`--stack` beside `schedule: trunk`, expected at most one of them");
        return Err(Failure::input(error)
            .hint("runs of a trunk follow each other; `--jobs` trains several trunks at a time"));
    }
    if arguments.json && !arguments.list && !arguments.status {
        return Err(Failure::input(anyhow::anyhow!(
            "`--json` without `--list` or `--status`, expected one of them"
        )));
    }
    let told = arguments.list || arguments.status || arguments.missing;
    if !told {
        check_device(&arguments.device, arguments.trainer)?;
    }
    let store = Store::new(&folders.records);
    let simulated = arguments.trainer == Trainer::Simulated;
    let (bitexts, untuned) = text::read_all(&experiment, &folders, &arguments.text)?;
    experiment.untuned_sha256 =
        untuned.iter().map(|bitext| bitext.test.hash().to_owned()).collect();
    let tongues = text::instructions(&mut experiment, &folders, &arguments.text)?;
    check_parts(&bitexts)?;
    let base_files = base_files(&experiment, &folders)?;
    let training_version = store.training_version().or_input()?;
    let base_id = experiment.base_id(&bitexts, base_files.sha256().as_deref(), training_version);
    let runs = available(experiment.runs(&bitexts, &base_id), &experiment, &bitexts);
    if runs.iter().all(|run| run.subject == Subject::Base) {
        let error = anyhow::anyhow!(
            "the experiment has no sizes, no mixtures and no design, expected one of them"
        );
        return Err(Failure::input(error).hint(format!(
            "`parallot plan {} --budget PAIRS` designs the models that decide a budget",
            arguments.experiment
        )));
    }
    let plan = look_up(&runs, &store, simulated)?;
    if arguments.status {
        return status::print(&runs, &plan, &store, arguments.json);
    }
    if arguments.missing {
        return status::print_missing(&plan, &store);
    }
    let cost = Cost::new(&experiment, &bitexts, &plan.done, &arguments.device);
    if arguments.list {
        let memory = memory_of(&experiment, &bitexts, &base_files, arguments);
        let memory = |run: &RunSpec| if simulated { None } else { memory(run) };
        let cost = cost.or_speed(|| {
            if simulated || plan.missing.is_empty() {
                None
            } else {
                measured_speed(&experiment, arguments)
            }
        });
        list::list(&runs, &plan, &experiment, &cost, &memory, arguments);
        return Ok(());
    }
    check_version(training_version, &plan, &folders)?;
    if arguments.base && simulated {
        return Err(Failure::input(anyhow::anyhow!(
            "`--base` with simulated runs, expected runs that train weights"
        )));
    }
    if arguments.base {
        return make_base(&experiment, &bitexts, &base_files, arguments);
    }
    let chosen = chosen(&runs, &arguments.run, arguments.shard, &arguments.experiment)?;
    files::check_writable(&folders.records).or_input()?;
    // shares of the runs are done beside each other; each run is claimed by one process
    let alone = || store.lock().map_err(|error| Failure::work(error).hint(BESIDE)).map(Some);
    let _lock = if chosen.is_some() { None } else { alone()? };
    store.write_manifest(&manifest(training_version, &base_id, &bitexts, &runs)).or_work()?;
    let mut is_told = false;
    loop {
        // what another process finished in the meantime is done as well
        let mut plan = look_up(&runs, &store, simulated)?;
        plan.missing.retain(|run| chosen.as_ref().is_none_or(|chosen| chosen.contains(&run.id)));
        if arguments.save.is_some() && !plan.done.is_empty() && !is_told {
            note(&format!(
                "note: {} runs are done and not trained again, so `--save` does not write theirs",
                plan.done.len()
            ));
        }
        let jobs = Job::of(&plan.missing, &experiment.tuning.schedule, stack_of(arguments));
        let site = Site { store: &store, owner: &Owner::this(), simulated };
        match arguments.trainer {
            Trainer::Simulated => {
                let one = |run: &RunSpec| simulate(&experiment, run, version());
                run_missing(&jobs, &site, 1, |job, _, write| {
                    job.runs().iter().try_for_each(|run| write(&one(run)))
                })
                .map_err(|error: RecordError| Failure::work(error))
            }
            Trainer::Candle => train(
                &experiment,
                (&bitexts, &untuned, &tongues),
                &base_files,
                &jobs,
                &site,
                &cost,
                arguments,
            ),
        }?;
        let missing = look_up(&runs, &store, simulated)?.missing;
        if missing.is_empty() {
            return finish(&store, &folders.records);
        }
        let own = missing
            .iter()
            .filter(|run| chosen.as_ref().is_none_or(|chosen| chosen.contains(&run.id)))
            .count();
        match &chosen {
            Some(_) if own == 0 => {
                say(&format!(
                    "{} of {} runs are done; {} are missing",
                    runs.len() - missing.len(),
                    runs.len(),
                    missing.len()
                ));
                return Ok(());
            }
            Some(_) => {
                let error = anyhow::anyhow!(
                    "{own} runs of this share are with other processes, expected all of it done"
                );
                return Err(Failure::work(error)
                    .hint("`--status` says with which; start it again to see it done"));
            }
            None if !is_told => {
                note(&format!("waiting for runs that other processes are at work on: {own}"))
            }
            None => {}
        }
        is_told = true;
        std::thread::sleep(WAIT);
    }
}

/// How long a whole sweep waits before it looks again at what other processes are doing.
const WAIT: Duration = Duration::from_secs(5);

/// What to do about a folder that a whole sweep is at work on.
const BESIDE: &str = "wait for the other sweep, or stop it; `--shard K/N` and `--run ID` let \
several processes share the runs";

fn look_up(runs: &[RunSpec], store: &Store, simulated: bool) -> Result<Plan, Failure> {
    Plan::new(runs, store, simulated)
        .map_err(|error| Failure::input(error).hint("a record that is removed is made again"))
}

fn manifest(
    training_version: TrainingVersion,
    base_id: &str,
    bitexts: &[Bitext],
    runs: &[RunSpec],
) -> Manifest {
    let row = |run: &RunSpec| RunRow {
        run_id: run.id.clone(),
        subject: run.subject.clone(),
        seed: run.seed,
    };
    Manifest {
        parallot: version().to_owned(),
        training_version,
        base_id: base_id.to_owned(),
        corpora: text::rows(bitexts),
        runs: runs.iter().map(row).collect(),
    }
}

/// Writes the points of the sweep and says what came out.
fn finish(store: &Store, folder: &Path) -> Result<(), Failure> {
    let (_, records) = store.read_sweep().or_input()?;
    files::write(&folder.join("points.csv"), &record::points_csv(&records).or_work()?).or_work()?;
    let diverged = records.iter().filter(|record| !record.is_finished()).count();
    let seconds: f64 = records.iter().map(|record| record.wall_seconds).sum();
    let (runs, time, folder) = (records.len(), duration(seconds), folder.display());
    say(&format!(
        "{runs} runs, {diverged} diverged, {time} of computing; records and points in `{folder}`"
    ));
    Ok(())
}
