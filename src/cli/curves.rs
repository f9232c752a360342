//! `parallot fit --curves`: anybody's curves from a table, fitted, and the losses it asks for predicted.

use super::failure::{Failure, OrFail};
use super::folders::check_apart;
use super::terminal::{note, say, table};
use crate::curve::{Curve, CurveError, CurveTable, Point, Query, Row, TableCurve};
use crate::files;
use crate::fit::surface::{self, Choice, SurfaceData, SurfaceParameter, SurfaceSettings};
use crate::fit::{Candidate, Fit, Flag, Misfit, Parameter, Prediction, Settings, Termination, fit_family};
use crate::law::{Law, Repetition, Surface, SurfaceForm};
use crate::report::draws_parquet;
use crate::report::eye::significant;
use crate::units::Interval;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// What is fitted to the curves of a family.
pub enum Forms {
    /// Laws of the amount, a curve each; a surface where a curve holds several model sizes.
    Auto(Settings, SurfaceSettings),
    /// Laws of the amount, a curve each.
    Laws(Settings),
    /// A surface over model sizes and amounts, a family each.
    Surfaces(Vec<SurfaceForm>, SurfaceSettings),
}

/// Where the results go.
pub struct Outputs<'a> {
    /// File of predictions and curves as JSON; `-` is the terminal.
    pub json: Option<&'a str>,
    /// Parquet file of draws.
    pub draws: Option<&'a Path>,
}

impl<'a> Outputs<'a> {
    /// The files that are written, by their flags.
    fn files(&self) -> impl Iterator<Item = (&'static str, &'a Path)> {
        let json = self.json.filter(|&out| out != "-").map(|out| ("--json", Path::new(out)));
        json.into_iter().chain(self.draws.map(|out| ("--draws", out)))
    }

    /// Refuses what would overwrite an input, or the other output.
    pub fn check_apart(&self, inputs: impl IntoIterator<Item = impl AsRef<Path>> + Clone) -> Result<(), Failure> {
        self.files().try_for_each(|(flag, out)| check_apart(flag, out, inputs.clone()))?;
        match self.files().map(|(_, out)| out).collect::<Vec<_>>()[..] {
            [json, draws] if json == draws || files::is_same(json, draws) => {
                Err(Failure::input(anyhow::anyhow!("`--json` and `--draws` are both `{}`, expected two files", json.display())))
            }
            _ => Ok(()),
        }
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

/// What is known of one curve.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Fitted<'a> {
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
    input_sha256: String,
    predictions: Vec<Predicted<'a>>,
    curves: Vec<Fitted<'a>>,
}

/// What came of one curve.
enum Found {
    Law(Box<Fit>),
    Surface(Arc<Choice>),
    Failed(String),
}

/// Fits the curves of a table and writes what it asks for.
pub fn run(path: &Path, family: Option<&str>, forms: &Forms, outputs: &Outputs) -> Result<(), Failure> {
    let hint =
        "the columns are `curve,x,loss` and, where known, `se,weight,seed,n_params,split,unique`; `parallot import` makes them from logs";
    outputs.check_apart([path])?;
    let bytes = files::read(path).or_input()?;
    let table = CurveTable::read(path, family).map_err(|error| Failure::input(error).hint(hint))?;
    for (_, out) in outputs.files() {
        files::check_writable(out.parent().unwrap_or(Path::new("."))).or_input()?;
    }
    let results = fit_table(&table, forms)?;
    let output = Output {
        parallot: super::version(),
        input_sha256: files::hash(&bytes),
        predictions: predictions(&table, &results),
        curves: table.curves().iter().zip(&results).map(|(curve, result)| fitted(curve, result)).collect(),
    };
    if let Some(draws) = outputs.draws {
        let fits: Vec<&Fit> = results.iter().filter_map(Found::fit).collect();
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
    let failed: Vec<String> = results.iter().filter_map(Found::error).map(str::to_owned).collect();
    failed.iter().for_each(|error| note(&format!("warning: {error}")));
    match failed.len() {
        0 => Ok(()),
        failed => Err(Failure::work(anyhow::anyhow!("{failed} of {} curves could not be fitted; the others are written", results.len()))),
    }
}

impl Found {
    fn fit(&self) -> Option<&Fit> {
        if let Found::Law(fit) = self { Some(fit) } else { None }
    }

    fn error(&self) -> Option<&str> {
        if let Found::Failed(error) = self { Some(error) } else { None }
    }
}

/// One result a curve, in the order of the table. Curves without a family are alone.
fn fit_table(table: &CurveTable, forms: &Forms) -> Result<Vec<Found>, Failure> {
    let curves = table.curves();
    let mut results: Vec<Option<Found>> = curves.iter().map(|_| None).collect();
    for first in 0..curves.len() {
        if results[first].is_some() {
            continue;
        }
        let mixed = matches!(forms, Forms::Auto(..)) && model_sizes(&curves[first]) > 1;
        let alone = mixed || (curves[first].family.is_none() && !matches!(forms, Forms::Surfaces(..)));
        let joins =
            |at: usize| curves[at].family == curves[first].family && (!matches!(forms, Forms::Auto(..)) || model_sizes(&curves[at]) < 2);
        let same = |&at: &usize| at == first || (!alone && joins(at));
        let members: Vec<usize> = (first..curves.len()).filter(same).collect();
        let family: Vec<&TableCurve> = members.iter().map(|&at| &curves[at]).collect();
        let found = match forms {
            Forms::Auto(_, settings) if mixed => fit_surface(&family, &[SurfaceForm::Additive, SurfaceForm::Multiplicative], settings),
            Forms::Laws(settings) | Forms::Auto(settings, _) => fit_laws(&family, settings)?,
            Forms::Surfaces(forms, settings) => fit_surface(&family, forms, settings),
        };
        members.into_iter().zip(found).for_each(|(at, result)| results[at] = Some(result));
    }
    Ok(results.into_iter().map(|result| result.unwrap_or_else(|| Found::Failed("no curve".to_owned()))).collect())
}

/// Different model sizes among the rows of a curve.
fn model_sizes(curve: &TableCurve) -> usize {
    let mut sizes: Vec<f64> = curve.rows.iter().filter_map(|row| row.n_params).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    sizes.len()
}

/// Fits a family; curves that are none are left out of it and say why.
fn fit_laws(family: &[&TableCurve], settings: &Settings) -> Result<Vec<Found>, Failure> {
    let checked: Vec<Result<Curve, CurveError>> = family.iter().map(|curve| checked(curve)).collect();
    let good: Vec<&Curve> = checked.iter().flatten().collect();
    let mut fits = fit_family(&good, settings).or_input()?.into_iter();
    let result = |checked: &Result<Curve, CurveError>| match checked {
        Ok(_) => fits.next().map_or_else(|| Found::Failed("no fit".to_owned()), |fit| Found::Law(Box::new(fit))),
        Err(error) => Found::Failed(error.to_string()),
    };
    Ok(checked.iter().map(result).collect())
}

fn checked(curve: &TableCurve) -> Result<Curve, CurveError> {
    let rows: Vec<&Row> = curve.rows.iter().filter(|row| row.weight > 0.0).collect();
    let point = |row: &&Row| Point { pairs: effective(row.x, row.unique), loss_nats: row.loss, seed: row.seed.unwrap_or(0) };
    Curve::with_weights(&curve.name, rows.iter().map(point).collect(), weights(&rows))
}

/// What an amount is worth where its unique pairs are known: beyond them it repeats.
fn effective(x: f64, unique: Option<u64>) -> f64 {
    let repetition = unique.and_then(|unique| Repetition::new(unique as f64, Repetition::R_STAR).ok());
    repetition.map_or(x, |repetition| repetition.effective(x))
}

/// Weights of the ln losses: those given, times the inverse variances that the standard errors say, whose mean is 1; a row without one counts
/// as the mean.
fn weights(rows: &[&Row]) -> Vec<f64> {
    let inverse = |row: &Row| row.se.map(|se| (row.loss / se).powi(2));
    let known: Vec<f64> = rows.iter().filter_map(|row| inverse(row)).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    rows.iter().map(|row| row.weight * inverse(row).map_or(1.0, |inverse| inverse / mean)).collect()
}

fn fit_surface(family: &[&TableCurve], forms: &[SurfaceForm], settings: &SurfaceSettings) -> Vec<Found> {
    let chosen = SurfaceData::of_curves(family.iter().copied()).and_then(|data| surface::choose(&data, forms, settings));
    match chosen {
        Ok(choice) => {
            let choice = Arc::new(choice);
            family.iter().map(|_| Found::Surface(choice.clone())).collect()
        }
        Err(error) => family.iter().map(|curve| Found::Failed(format!("`{}`: {error}", curve.name))).collect(),
    }
}

/// Every loss that the table asks for, in its order.
fn predictions<'a>(table: &'a CurveTable, results: &[Found]) -> Vec<Predicted<'a>> {
    let mut all: Vec<(usize, Predicted<'a>)> = Vec::new();
    for (curve, result) in table.curves().iter().zip(results) {
        all.extend(curve.predict.iter().filter_map(|query| Some((query.position, predicted(curve, query, result)?))));
    }
    all.sort_by_key(|(position, _)| *position);
    all.into_iter().map(|(_, predicted)| predicted).collect()
}

fn predicted<'a>(curve: &'a TableCurve, query: &Query, result: &Found) -> Option<Predicted<'a>> {
    let (law, run): (Prediction, Prediction) = match result {
        Found::Law(fit) => {
            let x = effective(query.x, query.unique);
            (fit.predict(x), fit.predict_run(x))
        }
        Found::Surface(choice) => {
            (choice.chosen.fit.predict(query.n_params?, query.x), choice.chosen.fit.predict_run(query.n_params?, query.x))
        }
        Found::Failed(_) => return None,
    };
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

fn fitted<'a>(curve: &'a TableCurve, result: &'a Found) -> Fitted<'a> {
    let (name, family) = (curve.name.as_str(), curve.family.as_deref());
    match result {
        Found::Law(fit) => Fitted::Law {
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
        Found::Surface(choice) => {
            let fit = &choice.chosen.fit;
            Fitted::Surface {
                curve: name,
                family,
                law: fit.surface,
                formula: fit.surface.form().formula(),
                parameters: fit.parameters(),
                termination: fit.termination,
                starts: fit.starts,
                starts_agreed: fit.starts_agreed,
                noise_log: fit.noise_log(),
                flags: fit.at_bounds.iter().map(|parameter| format!("{parameter} at its bound")).collect(),
            }
        }
        Found::Failed(error) => Fitted::Failed { curve: name, error: error.clone() },
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
fn print(curves: &CurveTable, results: &[Found], output: &Output) {
    let row = |(curve, result): (&TableCurve, &Found)| match result {
        Found::Law(fit) => super::fit::row(fit),
        Found::Surface(choice) => {
            let fit = &choice.chosen.fit;
            let parameters: Vec<String> =
                fit.parameters().iter().map(|one| format!("{} {}", one.name, significant(one.value, 3))).collect();
            let law = format!("{}: {}", fit.surface.form().name(), parameters.join(", "));
            vec![curve.name.clone(), law, "-".to_owned(), super::fit::percent(fit.noise_log()), "-".to_owned()]
        }
        Found::Failed(_) => vec![curve.name.clone(), "-".to_owned(), "-".to_owned(), "-".to_owned(), "not fitted".to_owned()],
    };
    say(&table(&super::fit::HEADINGS, curves.curves().iter().zip(results).map(row)));
    if !output.predictions.is_empty() {
        let row = |one: &Predicted| {
            let [lo, hi] = one.interval_90;
            let number = |value: f64| significant(value, 4);
            vec![one.curve.to_owned(), number(one.x), number(one.prediction), format!("{} to {}", number(lo), number(hi))]
        };
        say(&format!("\n{}", table(&["curve", "x", "prediction", "90 % interval"], output.predictions.iter().map(row))));
    }
}
