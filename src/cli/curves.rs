//! `parallot fit --curves`: anybody's curves from a table, fitted, and the losses it asks for
//! predicted.

use super::apart::check_apart;
use super::command;
use super::failure::{Failure, OrFail};
use super::law_table;
use super::terminal::{note, say, table};
use crate::curve::{CurveTable, Query, TableCurve};
use crate::files;
use crate::fit::surface::SurfaceParameter;
use crate::fit::{Candidate, Fit, Flag, Misfit, Parameter, Termination};
use crate::law::{Law, Surface};
use crate::report::draws_parquet;
use crate::report::eye::significant;
use crate::study::{Fitted, Forms, StudyError, fit_table, fits_of_table, version};
use crate::units::Interval;
use serde::Serialize;
use std::path::Path;

/// Where the results go.
pub(super) struct Outputs<'a> {
    /// File of fits, as later verbs read it.
    pub fits: Option<&'a Path>,
    /// File of predictions and curves as JSON; `-` is the terminal.
    pub json: Option<&'a str>,
    /// Parquet file of draws.
    pub draws: Option<&'a Path>,
}

impl<'a> Outputs<'a> {
    /// The files that are written, by their flags.
    fn files(&self) -> impl Iterator<Item = (&'static str, &'a Path)> {
        let json = self.json.filter(|&out| out != "-").map(|out| ("--json", Path::new(out)));
        let fits = self.fits.map(|out| ("--out", out));
        json.into_iter().chain(fits).chain(self.draws.map(|out| ("--draws", out)))
    }

    /// Refuses what would overwrite an input, or another output.
    pub(super) fn check_apart(
        &self,
        inputs: impl IntoIterator<Item = impl AsRef<Path>> + Clone,
    ) -> Result<(), Failure> {
        self.files().try_for_each(|(flag, out)| check_apart(flag, out, inputs.clone()))?;
        let outputs: Vec<(&str, &Path)> = self.files().collect();
        for (at, (flag, out)) in outputs.iter().enumerate() {
            if let Some((other, _)) = outputs[..at]
                .iter()
                .find(|(_, before)| before == out || files::is_same(before, out))
            {
                return Err(Failure::input(anyhow::anyhow!(
                    "`{other}` and `{flag}` are both `{}`, expected two files",
                    out.display()
                )));
            }
        }
        Ok(())
    }
}

/// One loss that the table asks for.
#[derive(Debug, Serialize)]
struct Predicted<'a> {
    curve: &'a str,
    x: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_params: Option<f64>,
    prediction: f64,
    interval_50: [f64; 2],
    interval_90: [f64; 2],
    /// Where a single measured loss would lie, its noise included.
    run_interval_90: [f64; 2],
}

/// What is told of one curve.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant, reason = "a curve has one, and it is written at once")]
enum Told<'a> {
    Law {
        curve: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        family: Option<&'a str>,
        law: Law,
        formula: &'static str,
        parameters: &'a [Parameter],
        weights: Vec<Weight>,
        termination: Termination,
        starts: usize,
        starts_agreed: usize,
        noise_log: f64,
        misfit: Misfit,
        flags: Vec<String>,
    },
    Surface {
        curve: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        family: Option<&'a str>,
        law: Surface,
        formula: &'static str,
        parameters: Vec<SurfaceParameter>,
        termination: Termination,
        starts: usize,
        starts_agreed: usize,
        noise_log: f64,
        flags: Vec<String>,
    },
    Failed {
        curve: &'a str,
        error: String,
    },
}

/// A form in the average of one curve.
#[derive(Debug, Serialize)]
struct Weight {
    law: Law,
    reach_efoldings: Option<f64>,
    weight_within: f64,
    weight_beyond: f64,
    held_out_error: Option<f64>,
    aicc: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Output<'a> {
    parallot: &'static str,
    command: String,
    input_sha256: String,
    predictions: Vec<Predicted<'a>>,
    curves: Vec<Told<'a>>,
}

/// Fits the curves of a table and writes what it asks for.
pub(super) fn run(
    path: &Path,
    family: Option<&str>,
    forms: &Forms,
    outputs: &Outputs,
) -> Result<(), Failure> {
    outputs.check_apart([path])?;
    let bytes = files::read(path).or_input()?;
    let table = CurveTable::read(path, family).map_err(StudyError::from)?;
    for (_, out) in outputs.files() {
        files::check_writable(out.parent().unwrap_or(Path::new("."))).or_input()?;
    }
    let results = fit_table(&table, forms)?;
    let output = Output {
        parallot: version(),
        command: command(),
        input_sha256: files::hash(&bytes),
        predictions: predictions(&table, &results),
        curves: table
            .curves()
            .iter()
            .zip(&results)
            .map(|(curve, result)| told(curve, result))
            .collect(),
    };
    if let Some(draws) = outputs.draws {
        let fits: Vec<&Fit> = results.iter().filter_map(Fitted::law).collect();
        files::write(draws, &draws_parquet(&fits).or_work()?).or_work()?;
    }
    let json = || serde_json::to_string_pretty(&output).map(|text| text + "\n").or_work();
    match outputs.json {
        Some("-") => say(json()?.trim_end()),
        Some(file) => files::write(Path::new(file), json()?.as_bytes()).or_work()?,
        None => {}
    }
    if outputs.json != Some("-") {
        print(&table, &results, &output);
    }
    let failed: Vec<String> = results.iter().filter_map(Fitted::error).map(str::to_owned).collect();
    failed.iter().for_each(|error| note(&format!("warning: {error}")));
    // last: a surface is no law of one language, and is written above all the same
    if let Some(out) = outputs.fits.filter(|_| failed.len() < results.len()) {
        let source =
            path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let fits =
            fits_of_table(&source, &output.input_sha256, &table, &results, &forms.settings())?;
        files::write(out, fits.to_json().or_work()?.as_bytes()).or_work()?;
        if outputs.json != Some("-") {
            say(&format!(
                "\nfits in `{0}`\nnext: parallot allocate --fits {0} --budget PAIRS",
                out.display()
            ));
        }
    }
    match failed.len() {
        0 => Ok(()),
        failed => Err(Failure::work(anyhow::anyhow!(
            "{failed} of {} curves could not be fitted; the others are written",
            results.len()
        ))),
    }
}

/// Every loss that the table asks for, in its order.
fn predictions<'a>(table: &'a CurveTable, results: &[Fitted]) -> Vec<Predicted<'a>> {
    let mut all: Vec<(usize, Predicted<'a>)> = Vec::new();
    for (curve, result) in table.curves().iter().zip(results) {
        all.extend(
            curve
                .predict
                .iter()
                .filter_map(|query| Some((query.position, predicted(curve, query, result)?))),
        );
    }
    all.sort_by_key(|(position, _)| *position);
    all.into_iter().map(|(_, predicted)| predicted).collect()
}

fn predicted<'a>(curve: &'a TableCurve, query: &Query, result: &Fitted) -> Option<Predicted<'a>> {
    let (law, run) = result.predict(query)?;
    let ends = |interval: Interval| [interval.lo, interval.hi];
    Some(Predicted {
        curve: &curve.name,
        x: query.x,
        n_params: query.n_params,
        prediction: law.value,
        interval_50: ends(law.interval_50),
        interval_90: ends(law.interval_90),
        run_interval_90: ends(run.interval_90),
    })
}

fn told<'a>(curve: &'a TableCurve, result: &'a Fitted) -> Told<'a> {
    let (name, family) = (curve.name.as_str(), curve.family.as_deref());
    match result {
        Fitted::Law(fit) => Told::Law {
            curve: name,
            family,
            law: fit.law,
            formula: fit.law.form().formula(),
            parameters: &fit.parameters,
            weights: fit.candidates.iter().map(weight).collect(),
            termination: fit.termination,
            starts: fit.starts,
            starts_agreed: fit.starts_agreed,
            noise_log: fit.noise_log,
            misfit: fit.misfit,
            flags: fit.flags.iter().map(Flag::to_string).collect(),
        },
        Fitted::Surface(choice) => {
            let fit = &choice.chosen.fit;
            Told::Surface {
                curve: name,
                family,
                law: fit.surface,
                formula: fit.surface.form().formula(),
                parameters: fit.parameters(),
                termination: fit.termination,
                starts: fit.starts,
                starts_agreed: fit.starts_agreed,
                noise_log: fit.noise_log(),
                flags: fit
                    .at_bounds
                    .iter()
                    .map(|parameter| format!("{parameter} at its bound"))
                    .collect(),
            }
        }
        Fitted::Failed(error) => Told::Failed { curve: name, error: error.clone() },
    }
}

fn weight(candidate: &Candidate) -> Weight {
    Weight {
        law: candidate.law,
        reach_efoldings: candidate.reach_efoldings,
        weight_within: candidate.weight_within,
        weight_beyond: candidate.weight_beyond,
        held_out_error: candidate.held_out_error,
        aicc: candidate.aicc,
    }
}

/// Tables for a person: the curves, and what was asked for.
fn print(curves: &CurveTable, results: &[Fitted], output: &Output) {
    let row = |(curve, result): (&TableCurve, &Fitted)| match result {
        Fitted::Law(fit) => law_table::row(fit),
        Fitted::Surface(choice) => {
            let fit = &choice.chosen.fit;
            let parameters: Vec<String> = fit
                .parameters()
                .iter()
                .map(|one| format!("{} {}", one.name, significant(one.value, 3)))
                .collect();
            let law = format!("{}: {}", fit.surface.form().name(), parameters.join(", "));
            vec![
                curve.name.clone(),
                law,
                "-".to_owned(),
                law_table::percent(fit.noise_log()),
                "-".to_owned(),
            ]
        }
        Fitted::Failed(_) => vec![
            curve.name.clone(),
            "-".to_owned(),
            "-".to_owned(),
            "-".to_owned(),
            "not fitted".to_owned(),
        ],
    };
    say(&table(&law_table::HEADINGS, curves.curves().iter().zip(results).map(row)));
    if !output.predictions.is_empty() {
        let row = |one: &Predicted| {
            let [lo, hi] = one.interval_90;
            let number = |value: f64| significant(value, 4);
            vec![
                one.curve.to_owned(),
                number(one.x),
                number(one.prediction),
                format!("{} to {}", number(lo), number(hi)),
            ]
        };
        say(&format!(
            "\n{}",
            table(
                &["curve", "x", "prediction", "90 % interval"],
                output.predictions.iter().map(row)
            )
        ));
    }
}
