//! `parallot quickstart`: the whole chain on constructed languages, in one folder.

use super::failure::{Failure, OrFail};
use super::mixture::MixtureArguments;
use super::terminal::{note, say};
use super::text::TextArguments;
use super::{allocate, export, fit, report, sweep};
use crate::corpus::Constructed;
use crate::files;
use crate::report::eye::duration;
use crate::units::Pairs;
use clap::Args;
use std::path::PathBuf;

/// Flags of `parallot quickstart`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Folder to write everything to
    #[arg(long, value_name = "FOLDER", default_value = "parallot-quickstart")]
    pub out: PathBuf,
    /// Pairs to allot
    #[arg(long, value_name = "PAIRS", default_value = "12k")]
    pub budget: Pairs,
    /// Where to train: `cpu`, `cuda` or `cuda:1`
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Who trains
    #[arg(long, value_enum, default_value = "candle", hide = true)]
    pub trainer: sweep::Trainer,
}

/// The experiment but for its languages.
const EXPERIMENT: &str = include_str!("quickstart.yaml");

/// Runs the verb.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let start = std::time::Instant::now();
    let yaml = arguments.out.join("experiments").join("quickstart.yaml");
    let languages = serde_yaml::to_string(&Constructed::quickstart().or_work()?).or_work()?;
    let languages: String = languages.lines().map(|line| format!("  {line}\n")).collect();
    files::write(&yaml, format!("{EXPERIMENT}constructed:\n{languages}").as_bytes()).or_input()?;
    let experiment = yaml.display().to_string();

    note("1/5 small training runs");
    sweep::run(&sweep::Arguments {
        experiment: experiment.clone(),
        list: false,
        json: false,
        device: arguments.device.clone(),
        jobs: None,
        stack: None,
        cache: arguments.out.join("cache"),
        save: None,
        text: TextArguments::default(),
        trainer: arguments.trainer,
    })?;
    note("2/5 laws");
    fit::run(&fit::Arguments {
        experiment: Some(experiment.clone()),
        curves: None,
        family: None,
        form: vec!["auto".to_owned()],
        held_back: None,
        bootstraps: None,
        seed: 0,
        draws: None,
        json: None,
    })?;
    note("3/5 allocation");
    allocate::run(&allocate::Arguments {
        experiment: Some(experiment.clone()),
        fits: None,
        problem: None,
        mixture: MixtureArguments::plain(arguments.budget),
        json: false,
        out: None,
    })?;
    note("4/5 plots and page");
    report::run(&report::Arguments { experiment: experiment.clone(), out: None })?;
    note("5/5 data and configuration for LLaMA-Factory");
    let out = arguments.out.join("llamafactory");
    export::run(&export::Arguments {
        experiment,
        to: export::Trainer::Llamafactory,
        out,
        model: None,
        template: None,
        seed: 0,
        force: false,
        text: TextArguments::default(),
    })?;
    let folder = arguments.out.display();
    say(&format!("\neverything is in `{folder}`, made in {}", duration(start.elapsed().as_secs_f64())));
    say(&format!("look first at `{}`", arguments.out.join("plots/quickstart/index.html").display()));
    Ok(())
}
