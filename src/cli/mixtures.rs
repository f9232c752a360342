//! `parallot fit --mixtures`: anybody's mixtures from a table, and the losses of others predicted.

use super::command;
use super::curves::Outputs;
use super::failure::{Failure, OrFail};
use super::terminal::{say, table};
use crate::files;
use crate::mixture::{LEAST_RUNS, MixtureFits, MixtureTable, TargetFit, fit_mixtures};
use crate::report::eye::significant;
use crate::study::{fits_of_mixtures, version};
use serde::Serialize;
use std::path::Path;

/// One loss that the table asks for.
#[derive(Debug, Serialize)]
struct Predicted<'a> {
    run: &'a str,
    target: &'a str,
    prediction: f64,
    /// Where one measured loss lies, its noise included.
    interval_50: [f64; 2],
    interval_90: [f64; 2],
}

/// How one target is predicted where each run is left out.
#[derive(Debug, Serialize)]
struct Target<'a> {
    target: &'a str,
    runs: usize,
    left_out_spearman: Option<f64>,
    left_out_error: f64,
    left_out_within_90: f64,
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    parallot: &'static str,
    command: String,
    inputs_sha256: Vec<String>,
    predictions: Vec<Predicted<'a>>,
    targets: Vec<Target<'a>>,
}

/// Fits the targets of a table and writes what it asks for; `json` is a file, or `-` for the
/// terminal.
pub(super) fn run(
    mixtures: &Path,
    losses: Option<&Path>,
    json: Option<&str>,
    fits_out: Option<&Path>,
) -> Result<(), Failure> {
    let out = json.filter(|&out| out != "-").map(Path::new);
    let outputs = Outputs { fits: fits_out, json, draws: None };
    outputs.check_apart([mixtures].into_iter().chain(losses))?;
    for out in out.into_iter().chain(fits_out) {
        files::check_writable(out.parent().unwrap_or(Path::new("."))).or_input()?;
    }
    let hint = "one row a run: shares `p_DOMAIN` that add up to 1 or amounts `x_DOMAIN`, and a \
    column `loss_TARGET` for each loss";
    let read =
        MixtureTable::read(mixtures, losses).map_err(|error| Failure::input(error).hint(hint))?;
    let hash = |path: &Path| files::read(path).map(|bytes| files::hash(&bytes)).or_input();
    let inputs_sha256 = [mixtures].into_iter().chain(losses).map(hash).collect::<Result<_, _>>()?;
    let fits = fit_mixtures(&read);
    let fitted: Vec<(&str, &TargetFit)> = read
        .targets()
        .iter()
        .zip(&fits)
        .filter_map(|(name, fit)| Some((name.as_str(), fit.as_ref()?)))
        .collect();
    let output = Output {
        parallot: version(),
        command: command(),
        inputs_sha256,
        predictions: predictions(&read, &fitted),
        targets: fitted.iter().map(target).collect(),
    };
    let text = || serde_json::to_string_pretty(&output).map(|text| text + "\n").or_work();
    if let Some(out) = out {
        files::write(out, text()?.as_bytes()).or_work()?;
    }
    match json {
        Some("-") => say(text()?.trim_end()),
        _ if fitted.is_empty() => {}
        _ => print(&output),
    }
    if let (Some(out), Some(mixtures_fits)) = (fits_out, MixtureFits::new(&read, &fits)) {
        let source = mixtures
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let file = fits_of_mixtures(&source, &output.inputs_sha256.join(" "), mixtures_fits);
        files::write(out, file.to_json().or_work()?.as_bytes()).or_work()?;
        if json != Some("-") {
            say(&format!(
                "\nfits in `{0}`\nnext: parallot allocate --fits {0} --budget AMOUNT",
                out.display()
            ));
        }
    }
    let left: Vec<&str> = read
        .targets()
        .iter()
        .zip(&fits)
        .filter(|(_, fit)| fit.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    match left.as_slice() {
        [] => Ok(()),
        names => {
            let error = anyhow::anyhow!(
                "too few losses of `{}`, expected at least {LEAST_RUNS} each in rows to fit",
                names.join("`, `")
            );
            let rest = if fitted.is_empty() {
                "rows whose `split` is `predict` are not fitted"
            } else {
                "the other targets are fitted and written"
            };
            Err(Failure::work(error).hint(rest))
        }
    }
}

fn target<'a>(&(target, fit): &(&'a str, &'a TargetFit)) -> Target<'a> {
    let found = fit.left_out;
    Target {
        target,
        runs: found.runs,
        left_out_spearman: found.spearman,
        left_out_error: found.error,
        left_out_within_90: found.within_90,
    }
}

/// Every loss that the table asks for, by run and then target.
fn predictions<'a>(
    read: &'a MixtureTable,
    fitted: &[(&'a str, &'a TargetFit)],
) -> Vec<Predicted<'a>> {
    let of_run = |(at, run): (usize, &'a crate::mixture::Run)| {
        fitted.iter().map(move |&(target, fit)| {
            let found = fit.predicted[at];
            let [interval_50, interval_90] =
                [found.interval_50, found.interval_90].map(|interval| [interval.lo, interval.hi]);
            Predicted { run: &run.name, target, prediction: found.loss, interval_50, interval_90 }
        })
    };
    read.asked().enumerate().flat_map(of_run).collect()
}

fn print(output: &Output<'_>) {
    let percent = |share: f64| format!("{} %", significant(100.0 * share, 3));
    let row = |one: &Target<'_>| {
        let spearman = one.left_out_spearman.map_or("-".to_owned(), |value| format!("{value:.3}"));
        vec![
            one.target.to_owned(),
            one.runs.to_string(),
            spearman,
            percent(one.left_out_error),
            percent(one.left_out_within_90),
        ]
    };
    let headings = ["target", "runs", "Spearman", "mean error", "in their 90 % intervals"];
    say(&format!(
        "each run predicted from the others, with lengths and noise that all chose\n\n{}",
        table(&headings, output.targets.iter().map(row))
    ));
    if output.predictions.is_empty() {
        say("\nno run is asked for: rows whose `split` is `predict` are predicted");
        return;
    }
    let row = |one: &Predicted<'_>| {
        let [value, lo, hi] = [one.prediction, one.interval_90[0], one.interval_90[1]]
            .map(|value| significant(value, 4));
        vec![one.run.to_owned(), one.target.to_owned(), value, format!("{lo} to {hi}")]
    };
    say(&format!(
        "\n{}",
        table(
            &["run", "target", "predicted loss", "of a run, 90 %"],
            output.predictions.iter().map(row)
        )
    ));
}
