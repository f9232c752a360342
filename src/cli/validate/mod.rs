//! `parallot validate`: models tuned on the allocation and on the baselines, against what the laws
//! predicted of them.

mod list;
mod predicted;
mod question;
mod tables;
mod training;

use super::count;
use super::failure::{Failure, OrFail};
use super::mixture::MixtureArguments;
use super::sweep::{self, Trainer};
use super::terminal::{note, say};
use super::text::TextArguments;
use super::{command, version};
use crate::files;
use crate::record::{RunRecord, Store};
use crate::report::{csv, validation_pictures};
use crate::spec::RunSpec;
use crate::study::headline::{VALIDATED, validation_name};
use crate::study::judge_anew;
use crate::sweep::{Plan, simulate};
use crate::validate::Validation;
use clap::Args;
use question::Question;
use std::path::PathBuf;
use tables::print;

/// Flags of `parallot validate`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Experiment whose fits predict, and whose languages are trained on
    pub experiment: String,
    /// The problem
    #[command(flatten)]
    pub mixture: MixtureArguments,
    /// Policies to train beside parallot and uniform, like `proportional,temperature-3.3,unimax-4`
    #[arg(long, value_name = "POLICY,…", value_delimiter = ',', default_value = VALIDATED)]
    pub policies: Vec<String>,
    /// Tune models on these steps from uniform towards the allocation too, like `-1,2`, where 0 is
    /// uniform and 1 the allocation: the gain shows with fewer models
    #[arg(long, value_name = "STEP,…", value_delimiter = ',', allow_hyphen_values = true, value_parser = step)]
    pub doses: Vec<f64>,
    /// Models per policy
    #[arg(
        long,
        value_name = "N",
        default_value_t = 3,
        value_parser = count::within::<u64>(1..=1000)
    )]
    pub seeds: u64,
    /// Print the prediction, the models and their cost; train and write nothing but a base that is
    /// not kept
    #[arg(long)]
    pub list: bool,
    /// Set models that are there beside transfer that was fitted since, too; what it predicts is
    /// marked as hindsight
    #[arg(long, conflicts_with = "transfer")]
    pub hindsight: bool,
    /// Where to train: `cpu`, `cuda` or `cuda:1`; `cuda/f32` for f32 in place of bf16
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Models at a time, each on its share of the cores; by default one a core on the CPU, and one
    /// on a GPU
    #[arg(long, value_name = "N", value_parser = count::within::<usize>(count::JOBS))]
    pub jobs: Option<usize>,
    /// Folder of base models, which are kept by the hash of their spec
    #[arg(long, value_name = "FOLDER", env = "PARALLOT_CACHE", default_value = ".parallot-cache")]
    pub cache: PathBuf,
    /// Keep the weights or adapters of every model, in FOLDER/RUN, as transformers or peft loads
    /// them
    #[arg(long, value_name = "FOLDER")]
    pub save: Option<PathBuf>,
    /// Where the corpora are
    #[command(flatten)]
    pub text: TextArguments,
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
    /// Whether this is the trial of the quickstart.
    #[arg(skip)]
    pub is_trial: bool,
    /// Who trains
    #[arg(long, value_enum, default_value = "candle", hide = true)]
    pub trainer: Trainer,
}

/// Steps along the way from uniform to the allocation.
fn step(text: &str) -> Result<f64, String> {
    let step = text.parse::<f64>().ok().filter(|step| step.abs() <= FARTHEST);
    step.ok_or_else(|| format!("expected a number of steps from -{FARTHEST} to {FARTHEST}"))
}

/// Farthest step, beyond which no law is near a parabola.
const FARTHEST: f64 = 4.0;

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let question = Question::new(arguments)?;
    // the prediction of a trial of few seeds shall not stand in the way of a validation of more
    let kind = if arguments.is_trial { "trial" } else { "validate" };
    let store = Store::new(
        question.folders.records.join(format!("{kind}-{}", question.problem.budget().amount())),
    );
    files::check_writable(store.folder()).or_input()?;
    for folder in [&question.folders.fits, &question.folders.plots] {
        files::check_writable(folder).or_input()?;
    }
    let _lock = store
        .lock()
        .map_err(|error| Failure::work(error).hint("wait for the other validation, or stop it"))?;
    let trainer = question.trainer(arguments)?;
    let (prediction, sha256) = match arguments.hindsight {
        true => question.hindsight(&store)?,
        false => question.prediction(&store, trainer.as_ref(), arguments)?,
    };
    let runs = question.runs(&prediction);
    let all: Vec<RunSpec> = runs.iter().flatten().cloned().collect();
    let simulated = arguments.trainer == Trainer::Simulated;
    let plan = Plan::new(&all, &store, simulated).or_input()?;
    if arguments.list {
        question.list(&prediction, &plan, arguments);
        return Ok(());
    }
    sweep::check_version(question.version, &plan, &question.folders)?;
    match &trainer {
        Some(trainer) => question.train(trainer, &plan, &store, arguments)?,
        None => plan
            .missing
            .iter()
            .try_for_each(|spec| store.write(&simulate(&question.experiment, spec, version())))
            .or_work()?,
    }
    let left = Plan::new(&all, &store, simulated).or_input()?.missing.len();
    if left > 0 {
        let error = anyhow::anyhow!("{left} models are with other processes, expected all of them");
        return Err(Failure::work(error).hint(
            "wait for the other validation and start it again; \
        one that is gone counts for ten minutes",
        ));
    }
    let records = runs
        .iter()
        .map(|runs| {
            runs.iter()
                .filter_map(|run| store.read(&run.id).transpose())
                .collect::<Result<Vec<RunRecord>, _>>()
        })
        .collect::<Result<Vec<_>, _>>()
        .or_work()?;
    let validation = Validation {
        command: Some(command()),
        ..Validation::new(version(), &sha256, &prediction, &records)
    };
    if !arguments.doses.is_empty() && validation.dose_response.is_none() {
        note("note: there is no dose response: fewer than three steps differ, or no seed has all");
    }
    question.write(&validation)?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&validation).or_work()?);
    } else {
        print(&validation, &question.folders);
    }
    Ok(())
}

impl Question {
    /// Writes what was found, as numbers and pictures, and judges the allocations anew by it.
    fn write(&self, validation: &Validation) -> Result<(), Failure> {
        let (fits, plots) = (&self.folders.fits, &self.folders.plots);
        let (name, json) = (
            validation_name(validation.budget),
            serde_json::to_string_pretty(validation).or_work()? + "\n",
        );
        files::write(&fits.join(format!("{name}.json")), json.as_bytes()).or_work()?;
        files::write(&fits.join(format!("{name}.csv")), &csv::validation(validation).or_work()?)
            .or_work()?;
        for (name, bytes) in validation_pictures(validation).or_work()? {
            files::write(&plots.join(name), &bytes).or_work()?;
        }
        Ok(judge_anew(&self.folders, &self.fits.sha256)?)
    }
}
