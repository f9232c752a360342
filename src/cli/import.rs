//! `parallot import`: the logs of trainers and evaluators as one table of curves,
//! `curve,x,loss[,se][,seed]`.

use super::apart::check_apart;
use super::failure::{Failure, OrFail};
use super::terminal::{note, say};
use super::version;
use crate::files;
use crate::import::{self, Amount, AmountTable, ImportError, Kind, Row, Selection, Sense, Take};
use crate::units::Short;
use clap::{Args, ValueEnum};
use regex::Regex;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Flags of `parallot import`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Log files, or folders that hold them at any depth
    #[arg(required = true, value_name = "LOGS")]
    pub logs: Vec<PathBuf>,
    /// CSV to write, instead of standard output
    #[arg(long, value_name = "FILE.csv")]
    pub out: Option<PathBuf>,
    /// What the logs are, where their content does not tell: trainer-state, tensorboard, wandb,
    /// mlflow, lm-eval, sacrebleu, lightning or text
    #[arg(long, value_name = "KIND")]
    pub from: Option<Kind>,
    /// Lines of a text log that are read: a pattern with the groups `step`, `value` and perhaps
    /// `metric`, such as `step (?P<step>\d+) loss (?P<value>[\d.]+)`
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true, value_parser = pattern)]
    pub pattern: Option<Regex>,
    /// Where the amount of data comes from
    #[command(flatten)]
    pub amount: AmountArguments,
    /// Name of the curve: what this captures in the run's name, its path or the metric's key,
    /// instead of the eval set or the key
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true, value_parser = pattern)]
    pub curve: Option<Regex>,
    /// Seed: what this captures in the run's name or path, instead of the setting `seed`
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true, value_parser = pattern)]
    pub seed: Option<Regex>,
    /// Key of the metric [default: eval_loss, on every eval set, or the only metric there is]
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// Which value of a run counts: the last, the best, or the mean of the last K
    #[arg(long, value_name = "last|best|mean:K", default_value = "last")]
    pub take: Take,
    /// Higher is better, and this the score of a perfect model: the loss is what is missing to it
    /// [default: by the metric's name]
    #[arg(long, value_name = "SCORE")]
    pub ceiling: Option<f64>,
    /// Lower is better, whatever the metric's name says
    #[arg(long, conflicts_with = "ceiling")]
    pub lower_is_better: bool,
}

/// Where the amount of data comes from; at most one.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub(super) struct AmountArguments {
    /// Amount of data: what this captures in the run's name or path, such as `-(\d+k?)$` for
    /// `zh-8k`
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true, value_parser = pattern)]
    pub size: Option<Regex>,
    /// Amount of data: the setting of the run with this key
    #[arg(long, value_name = "KEY")]
    pub size_key: Option<String>,
    /// Amount of data: a table `run,x[,curve]` by the runs' names or paths
    #[arg(long, value_name = "FILE.csv")]
    pub size_table: Option<PathBuf>,
    /// Amount of data: the log's own step, so that the whole history of a run is a curve
    #[arg(long, value_name = "step", hide_possible_values = true)]
    pub x: Option<X>,
}

/// What in a log can be the amount itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum X {
    /// The step.
    Step,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let selection = selection(arguments)?;
    let logs = import::read(&arguments.logs, arguments.from, arguments.pattern.as_ref())
        .map_err(hinted)?;
    logs.notes.iter().for_each(|text| note(&format!("note: {text}")));
    if let Some(out) = &arguments.out {
        check_apart("--out", out, logs.files.iter().chain(&arguments.amount.size_table))?;
    }
    let imported = import::select(&logs, &selection).map_err(hinted)?;
    imported.notes.iter().for_each(|text| note(&format!("note: {text}")));
    let stamp = format!("parallot {}, input sha256 {}", version(), logs.input_sha256);
    let csv = import::to_csv(&imported.rows, &stamp).or_work()?;
    let Some(out) = &arguments.out else {
        say(String::from_utf8_lossy(&csv).trim_end_matches('\n'));
        return Ok(());
    };
    files::write(out, &csv).or_input()?;
    let curves: BTreeSet<&str> = imported.rows.iter().map(|row: &Row| row.curve.as_str()).collect();
    say(&format!(
        "{} points of {} curves in `{}`",
        imported.rows.len(),
        curves.len(),
        out.display()
    ));
    say(&format!("next: parallot fit --curves {} --out fits.json", out.display()));
    Ok(())
}

fn selection(arguments: &Arguments) -> Result<Selection, Failure> {
    if let Some(ceiling) =
        arguments.ceiling.filter(|ceiling| !(ceiling.is_finite() && *ceiling > 0.0))
    {
        return Err(Failure::input(anyhow::anyhow!(
            "`--ceiling` is {}, expected a finite number above 0",
            Short(ceiling)
        )));
    }
    let rises = arguments.ceiling.map(|ceiling| Sense::Rises { ceiling });
    Ok(Selection {
        metric: arguments.metric.clone(),
        sense: rises.or(arguments.lower_is_better.then_some(Sense::Falls)),
        amount: amount(&arguments.amount)?,
        curve: arguments.curve.clone(),
        seed: arguments.seed.clone(),
        take: arguments.take,
    })
}

/// A regular expression; of what is wrong with it the last line says all.
fn pattern(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| {
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default();
        last.trim_start_matches("error: ").to_owned()
    })
}

fn amount(arguments: &AmountArguments) -> Result<Option<Amount>, Failure> {
    let pattern = arguments.size.clone().map(Amount::Pattern);
    let key = || arguments.size_key.clone().map(Amount::Key);
    let table =
        arguments.size_table.as_ref().map(|path| AmountTable::read(path)).transpose().or_input()?;
    let step = arguments.x.map(|X::Step| Amount::Step);
    Ok(pattern.or_else(key).or(table.map(Amount::Table)).or(step))
}

fn hinted(error: ImportError) -> Failure {
    let hint = match &error {
        ImportError::Unrecognised { .. } => {
            "`--from KIND` says what it is; `--pattern REGEX` reads the lines of any text log, \
            with the groups `step` and `value`"
        }
        ImportError::NoLog { .. } => {
            "`--pattern REGEX` reads the lines of any text log, with the groups `step` and `value`"
        }
        ImportError::Mixed { .. } => {
            "`--from KIND` reads the logs of one kind in folders; other runs are imported by \
            another command"
        }
        ImportError::Signature { .. } => "`--curve REGEX` puts them into curves of their own",
        ImportError::Metric { .. } => "`--metric NAME` says which",
        ImportError::NoAmount { .. } | ImportError::NoRunHasAmount { .. } => {
            r"`--size '-(\d+k?)$'` takes it from names, `--size-key KEY` from settings, `--size-table FILE.csv` from a table, `--x step` from steps"
        }
        ImportError::Ambiguous { .. } => {
            "`--metric KEY` names one of them, or `--curve REGEX` tells them apart"
        }
        ImportError::Folders { .. } => {
            "name the folders that count; `--curve REGEX` tells parts of a run apart, `--seed \
            REGEX` repeats"
        }
        ImportError::NoStep { .. } => {
            "`--size REGEX` takes the amount from names, `--size-key KEY` from settings, \
            `--size-table FILE.csv` from a table"
        }
        ImportError::Sense { .. } => {
            "`--ceiling SCORE` says that it is and what a perfect model has, `--lower-is-better` \
            that it is not"
        }
        ImportError::Ceiling { .. } => "`--ceiling SCORE` says what a perfect model has",
        ImportError::Loss { .. } => {
            "no law falls below 0; `--metric NAME` takes another metric, `--ceiling SCORE` turns a \
            score round"
        }
        _ => return Failure::input(error),
    };
    Failure::input(error).hint(hint)
}
