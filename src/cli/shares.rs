//! `parallot allocate --fits` over fits of mixtures: the best shares that their laws know, beside
//! simple ones.

use super::command;
use super::constraint::{self, Assigned, Count};
use super::failure::{Failure, OrFail};
use super::mixture::{MixtureArguments, typed_beyond_shares};
use super::terminal::{note, say, table};
use crate::allocate::ProblemBuilder;
use crate::files;
use crate::mixture::{
    DomainShare, Held, MixtureFits, MixtureLaws, ShareAllocation, ShareError, ShareProblem,
};
use crate::report::eye::{grouped, significant};
use crate::study::{HashedFits, version};
use crate::units::Interval;
use clap::Args;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Flags that go with fits of mixtures alone.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ShareArguments {
    /// With fits of mixtures: domains that keep their proportions in the mix of `--from`, like
    /// `old: web+books`; may be repeated
    #[arg(long, value_name = "BLOCK", conflicts_with = "problem")]
    pub freeze: Vec<Block>,
    /// With fits of mixtures: a mix to stay near, a YAML map from domains to shares or amounts
    #[arg(long, value_name = "FILE", requires = "pull", conflicts_with = "problem")]
    pub near: Option<PathBuf>,
    /// How strongly: this times the Kullback-Leibler divergence from the mix of `--near` counts as
    /// loss
    #[arg(long, value_name = "NATS", requires = "near", value_parser = pull)]
    pub pull: Option<f64>,
    /// With fits of mixtures of several model sizes: parameters of the model that will be trained;
    /// the largest of the runs unless said
    #[arg(long, value_name = "N", conflicts_with = "problem", value_parser = constraint::cost)]
    pub n_params: Option<f64>,
}

impl ShareArguments {
    /// A flag that was given, where there is one.
    pub(super) fn given(&self) -> Option<&'static str> {
        let flags = [
            ("--freeze", !self.freeze.is_empty()),
            ("--near", self.near.is_some()),
            ("--n-params", self.n_params.is_some()),
        ];
        flags.into_iter().find_map(|(name, is_given)| is_given.then_some(name))
    }
}

/// Domains that keep their proportions, `NAME: a+b`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    name: String,
    domains: Vec<String>,
}

impl FromStr for Block {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, domains) = text.split_once(':').unwrap_or((text, text));
        let domains: Vec<String> =
            domains.split('+').map(|domain| domain.trim().to_owned()).collect();
        if domains.len() < 2 || domains.iter().any(String::is_empty) {
            return Err("expected at least two domains, like `old: web+books`".to_owned());
        }
        Ok(Block { name: name.trim().to_owned(), domains })
    }
}

fn pull(text: &str) -> Result<f64, String> {
    let found = text.parse::<f64>().ok().filter(|pull| pull.is_finite() && *pull >= 0.0);
    found.ok_or_else(|| "expected a finite number not below 0, like `0.01`".to_owned())
}

/// What was asked for.
pub(super) struct Asked<'a> {
    /// The flags that pose a problem.
    pub flags: &'a MixtureArguments,
    /// Those that go with mixtures alone.
    pub own: &'a ShareArguments,
    /// Folder to write to.
    pub out: Option<&'a Path>,
    /// Whether to print JSON.
    pub json: bool,
}

/// What is written and printed as JSON.
#[derive(Serialize)]
struct Output<'a> {
    parallot: &'static str,
    command: String,
    source: &'a str,
    fits_sha256: &'a str,
    #[serde(flatten)]
    allocation: &'a ShareAllocation,
}

/// Chooses shares by fits of mixtures, prints and writes them.
pub(super) fn run(
    asked: &Asked<'_>,
    fits: &HashedFits,
    mixtures: &MixtureFits,
) -> Result<(), Failure> {
    if let Some(flag) = typed_beyond_shares(asked.flags) {
        let error = anyhow::anyhow!(
            "`{flag}` does not go with fits of mixtures, expected laws of languages"
        );
        return Err(Failure::input(error).hint(
            "fits of mixtures take `--budget`, `--min`, `--max`, \
        `--epochs`, `--weight TARGET=W`, `--from`, `--freeze`, `--near` with `--pull`, \
        `--n-params`",
        ));
    }
    let damaged = || {
        Failure::input(anyhow::anyhow!(
            "the fits of mixtures of `{}` do not hold together, expected them as `fit --mixtures \
            --out` writes them",
            fits.file.source
        ))
    };
    let laws = mixtures.laws().ok_or_else(damaged)?;
    let problem = pose(asked, &laws)?;
    if let Some(out) = asked.out {
        files::check_writable(out).or_input()?;
    }
    let allocation = problem.solve(0).map_err(hinted)?;
    warn(&allocation, &laws);
    let output = Output {
        parallot: version(),
        command: command(),
        source: &fits.file.source,
        fits_sha256: &fits.sha256,
        allocation: &allocation,
    };
    let json = serde_json::to_string_pretty(&output).or_work()?;
    if let Some(out) = asked.out {
        files::write(&out.join("allocation.json"), (json.clone() + "\n").as_bytes()).or_work()?;
        files::write(&out.join("allocation.csv"), csv(&output).as_bytes()).or_work()?;
    }
    match asked.json {
        true => say(&json),
        false => print(&allocation, asked.out),
    }
    Ok(())
}

fn pose<'a>(asked: &Asked<'_>, laws: &'a MixtureLaws<'a>) -> Result<ShareProblem<'a>, Failure> {
    let (flags, own) = (asked.flags, asked.own);
    let current = flags.from.as_deref().map(constraint::read_shares).transpose()?;
    let sum = current.as_ref().map(|mix| mix.iter().map(|(_, amount)| amount).sum::<f64>());
    let budget = match (flags.budget, sum) {
        (Some(Count(0)), _) => {
            return Err(Failure::input(anyhow::anyhow!("`--budget` is 0, expected at least 1"))
                .hint("like `--budget 10M`"));
        }
        (Some(Count(budget)), _) => budget,
        (None, Some(sum)) if sum >= 2.0 => sum.round() as u64,
        (None, _) => {
            let error = anyhow::anyhow!(
                "no `--budget`, and the mix of `--from` has shares, expected an amount"
            );
            return Err(Failure::input(error).hint("`--budget 10M`, or amounts in the mix"));
        }
    };
    check_once("--min", flags.min.iter().map(|given| given.lang.as_str()))?;
    check_once("--max", flags.max.iter().map(|given| given.lang.as_str()))?;
    check_once("--weight", flags.weight.iter().map(|given| given.lang.as_str()))?;
    let pose = || -> Result<ShareProblem<'a>, ShareError> {
        let mut problem = ShareProblem::new(laws, budget);
        if let Some(n_params) = own.n_params {
            problem = problem.n_params(n_params)?;
        }
        for Assigned { lang, value: Count(amount), .. } in &flags.min {
            problem = problem.min(lang, *amount)?;
        }
        for Assigned { lang, value: Count(amount), .. } in &flags.max {
            problem = problem.max(lang, *amount)?;
        }
        let weights: Vec<(String, f64)> =
            flags.weight.iter().map(|given| (given.lang.clone(), given.value)).collect();
        problem = problem
            .epochs(flags.epochs, flags.epochs != ProblemBuilder::EPOCHS)?
            .weights(&weights)?;
        if let Some(mix) = &current {
            problem = problem.current(mix)?;
        }
        for block in &own.freeze {
            problem = problem.freeze(&block.name, &block.domains)?;
        }
        Ok(problem)
    };
    let problem = pose().map_err(hinted)?;
    match (&own.near, own.pull) {
        (Some(path), Some(pull)) => {
            problem.near(&constraint::read_shares(path)?, pull).map_err(hinted)
        }
        _ => Ok(problem),
    }
}

/// Refuses a name that is given twice.
fn check_once<'a>(flag: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Failure::input(anyhow::anyhow!(
                "`{flag}` names `{name}` twice, expected once"
            ))
            .hint("the flag may be repeated for others"));
        }
    }
    Ok(())
}

/// The error with the flags that mend it.
fn hinted(error: ShareError) -> Failure {
    let hint = match &error {
        ShareError::Room { .. } | ShareError::Crossed { .. } => {
            "`--min`, `--max` and `--epochs` set bounds; without them a share stays within what \
            the runs tried"
        }
        ShareError::Empty { .. } => {
            "`--from FILE` is the mix in use, by which a frozen block is divided"
        }
        ShareError::Unknown { .. } => {
            "names are those of the columns of the table, without `p_`, `x_` or `loss_`"
        }
        ShareError::Weights { .. } => "`--weight TARGET=W` is 1 for targets that no flag names",
        ShareError::Twice { .. } => {
            "one `--freeze` with all domains of the two blocks makes one of them"
        }
        ShareError::NoParams | ShareError::OneSize { .. } | ShareError::Params { .. } => {
            "without `--n-params` the model is as large as the largest run"
        }
        ShareError::NoUnique | ShareError::Epochs { .. } => {
            "without `--epochs` nothing is held by passes where unique amounts are not known"
        }
    };
    Failure::input(error).hint(hint)
}

/// Names what a person should know before following the allocation.
fn warn(allocation: &ShareAllocation, laws: &MixtureLaws<'_>) {
    let names = |rows: &[&DomainShare]| {
        rows.iter().map(|row| format!("`{}`", row.domain)).collect::<Vec<_>>().join(", ")
    };
    let rows = || allocation.domains.iter().enumerate();
    let beyond: Vec<&DomainShare> =
        rows().filter(|(at, row)| !laws.is_tried(*at, row.share)).map(|(_, row)| row).collect();
    let at_edge: Vec<&DomainShare> = allocation
        .domains
        .iter()
        .filter(|row| matches!(row.held, Held::LeastTried | Held::MostTried))
        .collect();
    if !at_edge.is_empty() {
        note(&format!(
            "note: held by the least or largest share that the runs tried: {}",
            names(&at_edge)
        ));
        note(
            "hint: `--min` and `--max` set other bounds; beyond what was tried a law only \
            continues a line",
        );
    }
    if !beyond.is_empty() {
        note(&format!(
            "warning: shares beyond those of the runs, where laws are extrapolated: {}",
            names(&beyond)
        ));
    }
    let sizes = [
        ("total", laws.range(|run| run.total), Some(allocation.budget as f64)),
        ("n_params", laws.range(|run| run.n_params), allocation.n_params),
    ];
    for (name, range, asked) in sizes {
        // what does not vary is no feature of the laws
        let outside = range
            .filter(|(least, most)| least < most)
            .zip(asked)
            .filter(|((least, most), asked)| asked < least || asked > most);
        if let Some(((least, most), asked)) = outside {
            let [least, most, asked] = [least, most, asked].map(|value| grouped(value as u64));
            note(&format!(
                "warning: `{name}` is {asked}, beyond the runs' {least} to {most}; losses are \
                extrapolated"
            ));
        }
    }
    if laws.range(|run| run.total).is_none_or(|(least, most)| least == most) {
        note(
            "note: the runs are of no or of one `total`: losses are those of models of the runs' \
            size, whatever `--budget` is",
        );
    }
}

/// One row per policy and domain.
fn csv(output: &Output<'_>) -> String {
    let mut text = format!(
        "# parallot {}, {}, fits sha256 {}\npolicy,domain,amount,share\n",
        output.parallot, output.command, output.fits_sha256
    );
    for policy in &output.allocation.policies {
        for (row, amount) in output.allocation.domains.iter().zip(&policy.amounts) {
            let share = *amount as f64 / output.allocation.budget as f64;
            let _ =
                writeln!(text, "{},{},{amount},{share}", cell(&policy.policy), cell(&row.domain));
        }
    }
    text
}

/// A cell of CSV.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn print(allocation: &ShareAllocation, out: Option<&Path>) {
    let share = |share: f64| format!("{} %", significant(100.0 * share, 3));
    let rows = allocation.domains.iter().map(|row| {
        let held = match row.held {
            Held::None => "",
            Held::Min => "its least",
            Held::Max => "its most",
            Held::LeastTried => "the least tried",
            Held::MostTried => "the most tried",
        };
        let tried = format!("{} to {}", share(row.tried.0), share(row.tried.1));
        vec![row.domain.clone(), grouped(row.amount), share(row.share), tried, held.to_owned()]
    });
    say(&table(&["domain", "amount", "share", "tried", "held by"], rows));
    let rows = allocation.policies.iter().map(|row| {
        let mean = significant(row.mean_loss, 4);
        let mean = if row.is_tried { mean } else { format!("{mean}, extrapolated") };
        let mean = if row.is_allowed { mean } else { format!("{mean}, not allowed") };
        let gain = row.parallot_gains.map_or_else(String::new, |gain| {
            let Interval { lo, hi } = gain.interval_90;
            format!("{:+.4} ({lo:+.4} to {hi:+.4})", gain.value)
        });
        vec![row.policy.clone(), mean, gain]
    });
    say(&format!(
        "\n{}",
        table(&["policy", "mean loss", "parallot gains over it (one model of each, 90 %)"], rows)
    ));
    say(&format!("\n{}", allocation.verdict));
    if let Some(out) = out {
        say(&format!("\nallocation in `{}`", out.display()));
    }
}
