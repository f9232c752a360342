//! `parallot sweep`: the small runs that are missing.

use super::failure::{Failure, OrFail};
use super::folders::Folders;
use super::terminal::{note, say, table};
use super::text::{self, TextArguments};
use super::version;
use crate::corpus::Bitext;
use crate::files;
use crate::record::{self, Manifest, Outcome, RunRecord, RunRow, Store};
use crate::report::eye::{duration, grouped};
use crate::spec::{BaseFiles, BaseSpec, CheckpointBase, CheckpointFiles, CheckpointPlace, Experiment, PresetBase, RunSpec, SpecError};
use crate::sweep::{Cost, Plan, run_missing, simulate};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Flags of `parallot sweep`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Experiment: a YAML file, or the name of one in `experiments/`
    pub experiment: String,
    /// Print the runs and their cost, and run nothing
    #[arg(long)]
    pub list: bool,
    /// With --list: one JSON object instead of a table
    #[arg(long, requires = "list")]
    pub json: bool,
    /// Where to train: `cpu`, `cuda` or `cuda:1`
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Runs at a time, each on its share of the cores; by default one a core on the CPU, and one on a GPU
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Folder of base models, which are kept by the hash of their spec
    #[arg(long, value_name = "FOLDER", env = "PARALLOT_CACHE", default_value = ".parallot-cache")]
    pub cache: PathBuf,
    /// Keep the weights or adapters of every run that is trained now, in FOLDER/RUN, as transformers or peft loads them
    #[arg(long, value_name = "FOLDER", conflicts_with = "list")]
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
pub enum Trainer {
    /// Our network on candle.
    Candle,
    /// Planted laws.
    Simulated,
}

/// Runs the verb.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folders = Folders::of(&arguments.experiment)?;
    let experiment = folders.read()?;
    if arguments.jobs == Some(0) {
        return Err(Failure::input(anyhow::anyhow!("`--jobs` is 0, expected at least 1")));
    }
    if arguments.save.is_some() && arguments.trainer == Trainer::Simulated {
        return Err(Failure::input(anyhow::anyhow!("`--save` with simulated runs, expected runs that train weights")));
    }
    if !arguments.list {
        check_device(&arguments.device, arguments.trainer)?;
    }
    let store = Store::new(&folders.records);
    let simulated = arguments.trainer == Trainer::Simulated;
    let bitexts = text::read(&experiment, &folders, &arguments.text)?;
    check_parts(&bitexts)?;
    let base_files = base_files(&experiment, &folders)?;
    let base_id = experiment.base_id(&bitexts, base_files.sha256().as_deref());
    let runs = available(experiment.runs(&bitexts, &base_id), &bitexts);
    let plan = look_up(&runs, &store, simulated)?;
    let cost = Cost::new(&experiment, &bitexts, &plan.done, &arguments.device);
    if arguments.list {
        let cost = cost.or_speed(|| if simulated || plan.missing.is_empty() { None } else { measured_speed(&experiment, arguments) });
        list(&runs, &plan, &cost, arguments);
        return Ok(());
    }
    files::check_writable(&folders.records).or_input()?;
    let _lock = store.lock().map_err(|error| Failure::work(error).hint("wait for the other sweep, or stop it"))?;
    store.write_manifest(&manifest(&base_id, &bitexts, &runs)).or_work()?;
    // what another process finished before the lock was ours is done as well
    let plan = look_up(&runs, &store, simulated)?;
    if arguments.save.is_some() && !plan.done.is_empty() {
        note(&format!("note: {} runs are done and not trained again, so `--save` does not write theirs", plan.done.len()));
    }
    match arguments.trainer {
        Trainer::Simulated => run_missing(&plan.missing, &store, 1, |spec, _| anyhow::Ok(simulate(&experiment, spec, version()))).or_work(),
        Trainer::Candle => train(&experiment, &bitexts, &base_files, &plan, &store, &cost, arguments),
    }?;
    finish(&store, &folders.records)
}

/// A language that cannot be trained on or evaluated is found before anything is trained.
pub(super) fn check_parts(bitexts: &[Bitext]) -> Result<(), Failure> {
    let Some(bitext) = bitexts.iter().find(|bitext| bitext.dev.is_empty() || bitext.train.is_empty()) else { return Ok(()) };
    let part = if bitext.dev.is_empty() { "dev" } else { "train" };
    let error = anyhow::anyhow!("`{}` has no {part} pairs, expected at least one", bitext.lang);
    Err(Failure::input(error).hint("a `split` column, `as: dev` or `dev_share` says which pairs are which"))
}

fn look_up(runs: &[RunSpec], store: &Store, simulated: bool) -> Result<Plan, Failure> {
    Plan::new(runs, store, simulated).map_err(|error| Failure::input(error).hint("a record that is removed is made again"))
}

fn manifest(base_id: &str, bitexts: &[Bitext], runs: &[RunSpec]) -> Manifest {
    let row = |run: &RunSpec| RunRow { run_id: run.id.clone(), lang: run.lang.clone(), pairs: run.pairs, seed: run.seed };
    Manifest {
        parallot: version().to_owned(),
        base_id: base_id.to_owned(),
        corpora: text::rows(bitexts),
        runs: runs.iter().map(row).collect(),
    }
}

/// Runs that the corpora are large enough for; those left out are named.
fn available(runs: Vec<RunSpec>, bitexts: &[Bitext]) -> Vec<RunSpec> {
    let fits = |run: &RunSpec| {
        let bitext = bitexts.iter().find(|bitext| Some(&bitext.lang) == run.lang.as_ref());
        bitext.is_none_or(|bitext| run.pairs.0 <= bitext.train.len() as u64)
    };
    let (fitting, larger): (Vec<_>, Vec<_>) = runs.into_iter().partition(fits);
    for bitext in bitexts {
        let mut sizes: Vec<u64> = larger.iter().filter(|run| run.lang.as_ref() == Some(&bitext.lang)).map(|run| run.pairs.0).collect();
        sizes.dedup();
        if let Some(smallest) = sizes.first() {
            let unique = grouped(bitext.train.len() as u64);
            note(&format!("note: `{}` has {unique} training pairs, so its sizes from {} on are left out", bitext.lang, grouped(*smallest)));
        }
    }
    fitting
}

/// Finds the files that the base names; a checkpoint on the Hub is downloaded if it is not there.
pub(super) fn base_files(experiment: &Experiment, folders: &Folders) -> Result<BaseFiles, Failure> {
    let folder = match &experiment.base {
        BaseSpec::Preset(PresetBase { tokenizer: None, .. }) => return Ok(BaseFiles::None),
        BaseSpec::Preset(PresetBase { tokenizer: Some(path), .. }) => {
            return files::read(&folders.base().join(path)).map(BaseFiles::Tokenizer).or_input();
        }
        BaseSpec::Checkpoint(CheckpointBase { place: CheckpointPlace::Folder(path), .. }) => folders.base().join(path),
        BaseSpec::Checkpoint(CheckpointBase { place: CheckpointPlace::Hub { name, revision }, .. }) => fetch(name, revision)?,
    };
    CheckpointFiles::find(&folder).map(BaseFiles::Checkpoint).map_err(hinted)
}

#[cfg(feature = "train")]
use super::hub::fetch;

#[cfg(not(feature = "train"))]
fn fetch(_: &str, _: &str) -> Result<PathBuf, Failure> {
    Err(Failure::input(anyhow::anyhow!("this build cannot download a checkpoint, expected the cargo feature `train`")))
}

fn hinted(error: SpecError) -> Failure {
    let hint = match &error {
        SpecError::NoWeights { are_pickled: true, .. } => {
            "pickles can run any code and are never read; `model.save_pretrained(FOLDER, safe_serialization=True)` writes safetensors"
        }
        SpecError::NoWeights { .. } | SpecError::File(_) => "a checkpoint is a folder with `config.json`, safetensors and `tokenizer.json`",
        _ => return Failure::input(error),
    };
    Failure::input(error).hint(hint)
}

fn list(runs: &[RunSpec], plan: &Plan, cost: &Cost, arguments: &Arguments) {
    let is_done = |run: &RunSpec| plan.done.iter().any(|record| record.run_id == run.id);
    if arguments.json {
        let rows: Vec<_> = runs
            .iter()
            .map(|run| {
                serde_json::json!({
                    "run_id": run.id, "lang": run.lang, "pairs": run.pairs, "seed": run.seed, "done": is_done(run),
                    "train_tokens": cost.train_tokens(run).round(), "seconds": cost.seconds(run),
                })
            })
            .collect();
        say(&serde_json::json!({ "runs": rows }).to_string());
        return;
    }
    let row = |run: &RunSpec| {
        vec![
            run.lang.as_ref().map_or("(base)".to_owned(), ToString::to_string),
            grouped(run.pairs.0),
            run.seed.to_string(),
            grouped(cost.train_tokens(run).round() as u64),
            cost.seconds(run).map_or("?".to_owned(), duration),
            if is_done(run) { "done" } else { "missing" }.to_owned(),
            run.id.clone(),
        ]
    };
    say(&table(&["language", "pairs", "seed", "about tokens", "about time", "state", "run"], runs.iter().map(row)));
    if plan.missing.is_empty() {
        say(&format!("\nnone of {} runs missing", runs.len()));
        return;
    }
    let tokens: f64 = plan.missing.iter().map(|run| cost.train_tokens(run)).sum();
    let seconds: Option<f64> = plan.missing.iter().map(|run| cost.seconds(run)).sum();
    let time = seconds.map_or("time unknown on this device".to_owned(), |s| format!("about {} on one job", duration(s)));
    let (missing, all) = (plan.missing.len(), runs.len());
    say(&format!("\n{missing} of {all} runs missing, about {} training tokens, {time}", grouped(tokens.round() as u64)));
}

/// Whether there is such a device.
#[cfg(feature = "train")]
pub(super) fn check_device(device: &str, _: Trainer) -> Result<(), Failure> {
    let hint = "`--device cpu` runs everywhere; CUDA needs an NVIDIA GPU and a build with `--features cuda`";
    crate::train::select_device(device).map(drop).map_err(|error| Failure::input(error).hint(hint))
}

#[cfg(not(feature = "train"))]
fn check_device(_: &str, trainer: Trainer) -> Result<(), Failure> {
    match trainer {
        Trainer::Simulated => Ok(()),
        Trainer::Candle => Err(Failure::input(anyhow::anyhow!("this build cannot train, expected the cargo feature `train`"))),
    }
}

/// Tokens a second of a few steps of the network of the base on the share of the cores that a run has; none where there is no such device,
/// or where the base is a checkpoint, of which a list should not make another.
#[cfg(feature = "train")]
fn measured_speed(experiment: &Experiment, arguments: &Arguments) -> Option<f64> {
    use crate::model::ModelConfig;
    use crate::train::{Workload, measure};

    let BaseSpec::Preset(base) = &experiment.base else { return None };
    let workload = Workload { name: "base", config: ModelConfig::of(base.preset, base.vocab_size) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads_of(jobs_of(&arguments.device, arguments.jobs))).build().ok()?;
    let start = std::time::Instant::now();
    let clock = || start.elapsed().as_secs_f64();
    note("no run is finished on this device yet: measuring a few steps");
    pool.install(|| measure(&workload, &arguments.device, LIST_STEPS, &clock, || ())).ok().map(|speed| speed.tokens_per_second)
}

/// Steps that the estimate of a list is measured on.
#[cfg(feature = "train")]
const LIST_STEPS: usize = 3;

/// Runs at a time. Two runs side by side on a core each train more tokens a second than one run on both (benches/README.md).
#[cfg(feature = "train")]
pub(super) fn jobs_of(device: &str, asked: Option<usize>) -> usize {
    asked.unwrap_or(if device == "cpu" { cores() } else { 1 })
}

/// One pool of threads a job.
#[cfg(feature = "train")]
pub(super) fn pools(jobs: usize) -> Result<Vec<rayon::ThreadPool>, Failure> {
    (0..jobs).map(|_| rayon::ThreadPoolBuilder::new().num_threads(threads_of(jobs)).build()).collect::<Result<_, _>>().or_work()
}

/// Threads of a run that has its share of the cores.
#[cfg(feature = "train")]
fn threads_of(jobs: usize) -> usize {
    (cores() / jobs).max(1)
}

#[cfg(feature = "train")]
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(not(feature = "train"))]
fn measured_speed(_: &Experiment, _: &Arguments) -> Option<f64> {
    None
}

#[cfg(not(feature = "train"))]
fn train(_: &Experiment, _: &[Bitext], _: &BaseFiles, _: &Plan, _: &Store, _: &Cost, arguments: &Arguments) -> Result<(), Failure> {
    check_device(&arguments.device, arguments.trainer)
}

/// Trains the base if it is not kept, then the missing runs.
#[cfg(feature = "train")]
fn train(
    experiment: &Experiment,
    bitexts: &[Bitext],
    base_files: &BaseFiles,
    plan: &Plan,
    store: &Store,
    cost: &Cost,
    arguments: &Arguments,
) -> Result<(), Failure> {
    use super::terminal::{bar, bars};
    use crate::train::{TrainError, Tuner, prepare, select_device};

    if plan.missing.is_empty() {
        return Ok(());
    }
    let device = select_device(&arguments.device).or_input()?;
    for folder in [Some(&arguments.cache), arguments.save.as_ref()].into_iter().flatten() {
        files::check_writable(folder).or_input()?;
    }
    let bars = bars();
    let start = std::time::Instant::now();
    let clock = move || start.elapsed().as_secs_f64();
    let base_bar = bar(&bars, 0, "base");
    let base = prepare(experiment, bitexts, base_files, &arguments.cache, &device, |progress| {
        base_bar.set_length(progress.steps);
        base_bar.set_position(progress.step);
        base_bar.set_message(format!("{:.3} nats a token", progress.loss_nats));
    })
    .map_err(|error| match error {
        TrainError::Checkpoint(_) => Failure::input(error),
        _ => Failure::work(error),
    })?;
    base_bar.finish_and_clear();
    note(&format!("base `{}` ready after {}", base.id, duration(clock())));

    let mut tuner = Tuner::new(experiment, bitexts, &base, version(), &arguments.device).or_work()?;
    if let Some(folder) = &arguments.save {
        tuner = tuner.keeping_weights(folder);
    }
    let jobs = jobs_of(&arguments.device, arguments.jobs).min(plan.missing.len());
    let pools = pools(jobs)?;
    let work = |run: &RunSpec| cost.work_tokens(run).max(1.0) as u64;
    let total = bar(&bars, plan.missing.iter().map(work).sum(), "sweep");
    run_missing(&plan.missing, store, jobs, |spec, job| {
        let label =
            spec.lang.as_ref().map_or("base".to_owned(), |lang| format!("{lang} {} pairs, seed {}", grouped(spec.pairs.0), spec.seed));
        let mut before = 0;
        let record = pools[job].install(|| {
            tuner.run(spec, &clock, |progress| {
                // evaluation follows, so the bar keeps its share of the run back
                let now = (cost.train_tokens(spec) * progress.step as f64 / progress.steps as f64) as u64;
                total.inc(now - before);
                total.set_message(format!("{label}, {:.3} nats", progress.loss_nats));
                before = now;
            })
        })?;
        total.inc(work(spec) - before);
        total.suspend(|| note(&line(&label, &record)));
        anyhow::Ok(record)
    })
    .or_work()?;
    total.finish_and_clear();
    Ok(())
}

#[cfg(feature = "train")]
fn line(label: &str, record: &RunRecord) -> String {
    let own = record.lang.as_ref().and_then(|lang| record.evaluation(lang));
    let result = match (&record.outcome, own) {
        (Outcome::Diverged { step, reason }, _) => format!("diverged at step {step}: {reason}"),
        (Outcome::Finished, Some(own)) => format!("{:.4} nats", own.loss_nats()),
        (Outcome::Finished, None) => "evaluated".to_owned(),
    };
    let speed = record.tokens_per_second.map_or(String::new(), |speed| format!(", {} tokens/s", grouped(speed as u64)));
    format!("{label}: {result} in {}{speed}", duration(record.wall_seconds))
}

/// Writes the points of the sweep and says what came out.
fn finish(store: &Store, folder: &Path) -> Result<(), Failure> {
    let (_, records) = store.read_sweep().or_input()?;
    files::write(&folder.join("points.csv"), &record::points_csv(&records).or_work()?).or_work()?;
    let diverged = records.iter().filter(|record| record.outcome != Outcome::Finished).count();
    let seconds: f64 = records.iter().map(|record| record.wall_seconds).sum();
    let (runs, time, folder) = (records.len(), duration(seconds), folder.display());
    say(&format!("{runs} runs, {diverged} diverged, {time} of computing; records and points in `{folder}`"));
    Ok(())
}
