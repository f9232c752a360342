//! `parallot quickstart`: the whole chain on constructed languages, in one folder.

use super::failure::{Failure, OrFail};
use super::mixture::MixtureArguments;
use super::terminal::{note, say};
use super::text::TextArguments;
use super::{allocate, export, fit, report, sweep};
use crate::allocate::{Policy, PolicyRow};
use crate::corpus::Constructed;
use crate::export::Trainer;
use crate::files;
use crate::record::Store;
use crate::report::eye::duration;
use crate::study::headline::validation_name;
use crate::study::{Folders, read_allocation};
use crate::sweep::Speed;
use crate::units::Pairs;
use crate::validate::distinct;
use clap::Args;
use std::path::PathBuf;

/// Flags of `parallot quickstart`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Folder to write everything to
    #[arg(long, value_name = "FOLDER", default_value = "parallot-quickstart")]
    pub out: PathBuf,
    /// Pairs to allocate
    #[arg(long, value_name = "PAIRS", default_value = "12k")]
    pub budget: Pairs,
    /// Where to train: `cpu`, `cuda` or `cuda:1`; `cuda/f32` for f32 in place of bf16
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Who trains
    #[arg(long, value_enum, default_value = "candle", hide = true)]
    pub trainer: sweep::Trainer,
}

/// The experiment but for its languages.
const EXPERIMENT: &str = include_str!("quickstart.yaml");

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let start = std::time::Instant::now();
    let yaml = arguments.out.join("experiments").join("quickstart.yaml");
    let languages = serde_yaml::to_string(&Constructed::quickstart().or_work()?).or_work()?;
    let languages: String = languages.lines().map(|line| format!("  {line}\n")).collect();
    files::write(&yaml, format!("{EXPERIMENT}constructed:\n{languages}").as_bytes()).or_input()?;
    let experiment = yaml.display().to_string();

    note("1/6 small training runs");
    sweep::run(&sweep::Arguments {
        experiment: experiment.clone(),
        list: false,
        status: false,
        json: false,
        missing: false,
        base: false,
        run: Vec::new(),
        shard: None,
        device: arguments.device.clone(),
        jobs: None,
        stack: None,
        cache: arguments.out.join("cache"),
        save: None,
        text: TextArguments::default(),
        trainer: arguments.trainer,
    })?;
    note("2/6 laws");
    fit::run(&fit::Arguments {
        mixtures: None,
        metrics: None,
        experiment: Some(experiment.clone()),
        curves: None,
        family: None,
        form: vec!["auto".to_owned()],
        held_back: None,
        n_draws: None,
        out: None,
        seed: 0,
        draws: None,
        json: None,
    })?;
    note("3/6 allocation");
    allocate::run(&allocate::Arguments {
        shares: super::shares::ShareArguments::default(),
        equivalent: Policy::Uniform,
        experiment: Some(experiment.clone()),
        fits: None,
        problem: None,
        mixture: MixtureArguments::plain(arguments.budget.0),
        json: false,
        is_tried_next: true,
        out: None,
    })?;
    note("4/6 models tuned on the allocation and on uniform");
    Trial { arguments, experiment: &experiment, folders: Folders::of(&experiment)? }
        .run(start.elapsed().as_secs_f64())?;
    note("5/6 plots and page");
    report::run(&report::Arguments { experiment: experiment.clone(), out: None })?;
    note("6/6 data and configuration for LLaMA-Factory");
    let out = arguments.out.join("llamafactory");
    export::run(&export::Arguments::new(experiment, Trainer::LlamaFactory, out))?;
    let folder = arguments.out.display();
    say(&format!(
        "\neverything is in `{folder}`, made in {}",
        duration(start.elapsed().as_secs_f64())
    ));
    say(&format!(
        "look first at `{}`",
        arguments.out.join("plots/quickstart/index.html").display()
    ));
    Ok(())
}

/// Seconds that all of it may take.
const MOST_SECONDS: f64 = 180.0;

/// Seconds kept for what follows the models, and for what the estimate of their time does not know.
const REST_SECONDS: f64 = 15.0;

/// Models of the trial on each of the two mixes.
const SEEDS: u64 = 2;

/// The prediction put to the test.
struct Trial<'a> {
    arguments: &'a Arguments,
    experiment: &'a str,
    folders: Folders,
}

impl Trial<'_> {
    /// Tunes models on the allocation and on uniform where time is left for it after so many
    /// seconds, or says how to.
    fn run(&self, spent: f64) -> Result<(), Failure> {
        let budget = self.arguments.budget.0;
        if files::exists(&self.folders.fits.join(format!("{}.json", validation_name(budget)))) {
            note(&format!("note: a validation at {budget} pairs is there already and is kept"));
            return Ok(());
        }
        let Some(allocation) = read_allocation(&self.folders)? else { return Ok(()) };
        let rows = allocation.comparison.policies.get(..2).unwrap_or_default();
        if distinct(rows).len() < 2 {
            note("note: the allocation is the uniform one, so there is nothing to test");
            return Ok(());
        }
        let is_simulated = self.arguments.trainer == sweep::Trainer::Simulated;
        let seconds = self.seconds(rows)?;
        if cfg!(feature = "train")
            && (is_simulated
                || seconds.is_some_and(|seconds| spent + seconds + REST_SECONDS <= MOST_SECONDS))
        {
            return self.tune();
        }
        let (yaml, cache) = (self.experiment, self.arguments.out.join("cache"));
        let command = format!(
            "parallot validate {yaml} --budget {budget} --seeds {SEEDS} --policies uniform --cache \
            {}",
            cache.display()
        );
        let time =
            seconds.map_or(String::new(), |seconds| format!(" in about {}", duration(seconds)));
        say(&format!("no time is left to test the prediction here; `{command}` does it{time}"));
        Ok(())
    }

    /// Seconds that the models take by the speed of the runs before, as many side by side.
    fn seconds(&self, rows: &[PolicyRow]) -> Result<Option<f64>, Failure> {
        let fits = allocate::fits_of(&self.folders)?.file.fits;
        let (_, records) = Store::new(&self.folders.records).read_sweep().or_work()?;
        let pairs = rows.iter().flat_map(|row| row.pairs.iter().zip(&fits));
        let tokens: Option<f64> = pairs
            .map(|(&pairs, fit)| Some(SEEDS as f64 * pairs as f64 * fit.tokens_per_pair?))
            .sum();
        let models = rows.len() * SEEDS as usize;
        let jobs = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(if self.arguments.device == "cpu" { models } else { 1 });
        Ok(tokens
            .zip(Speed::of(&records))
            .map(|(tokens, speed)| speed.seconds(tokens, models) / jobs as f64))
    }

    #[cfg(feature = "train")]
    fn tune(&self) -> Result<(), Failure> {
        super::validate::run(&super::validate::Arguments {
            experiment: self.experiment.to_owned(),
            mixture: MixtureArguments::plain(self.arguments.budget.0),
            policies: vec!["uniform".to_owned()],
            doses: Vec::new(),
            seeds: SEEDS,
            list: false,
            hindsight: false,
            device: self.arguments.device.clone(),
            jobs: None,
            cache: self.arguments.out.join("cache"),
            save: None,
            text: TextArguments::default(),
            json: false,
            is_trial: true,
            trainer: self.arguments.trainer,
        })
    }

    #[cfg(not(feature = "train"))]
    fn tune(&self) -> Result<(), Failure> {
        Ok(())
    }
}
