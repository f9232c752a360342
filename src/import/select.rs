//! Choices: from runs, and what was measured in them, to rows of curves.

use super::amount::{Amount, captured, captured_of_run};
use super::error::ImportError;
use super::find::Logs;
use super::history::{History, Take};
use super::log::Run;
use super::metric::{self, Sense};
use super::signature::Signatures;
use regex::Regex;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What is asked of the logs.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Key of the metric; without one `eval_loss`, or the only metric there is.
    pub metric: Option<String>,
    /// Which way the metric is better, whatever the log or its name says.
    pub sense: Option<Sense>,
    /// What `x` is.
    pub amount: Option<Amount>,
    /// What captures the curve's name in the run's name, its path or the metric's key; without one
    /// the eval set or the key.
    pub curve: Option<Regex>,
    /// What captures the seed in the run's name or path; without one the setting `seed`.
    pub seed: Option<Regex>,
    /// Which value of a history counts.
    pub take: Take,
}

/// A point of a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Name of the curve.
    pub curve: String,
    /// Amount of data.
    pub x: f64,
    /// Loss, above 0, in the metric's unit.
    pub loss: f64,
    /// Standard error of the loss, in its unit.
    pub se: Option<f64>,
    /// Seed of the run.
    pub seed: Option<u64>,
}

/// Points of curves, and what was left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The points, sorted by curve, amount and seed.
    pub rows: Vec<Row>,
    /// Runs and values that were left out and why, and what was assumed.
    pub notes: Vec<String>,
}

/// Turns runs into rows of curves.
pub fn select(logs: &Logs, selection: &Selection) -> Result<Imported, ImportError> {
    let names = || logs.runs.iter().map(|run| run.name.clone()).collect();
    let asked = asked(logs, selection)?;
    let amount =
        selection.amount.as_ref().ok_or_else(|| ImportError::NoAmount { runs: names() })?;
    let mut notes = Vec::new();
    let mut rows: Vec<(Row, &Run)> = Vec::new();
    let mut known = 0;
    let mut signatures = Signatures::default();
    for run in &logs.runs {
        let x = amount.of(run)?;
        if x.is_none() && !matches!(amount, Amount::Step) {
            notes.push(format!("run `{}` has no amount by {amount}; left out", run.name));
            continue;
        }
        known += 1;
        let seed = seed(run, selection.seed.as_ref());
        for history in histories(run, &asked, selection, logs.runs.len() > 1, &mut notes)? {
            signatures.check(&history)?;
            notes.extend(history.turned(selection.sense.is_some()));
            let points = match x {
                Some(x) => history
                    .point(selection.take, &mut notes)?
                    .map(|(loss, se)| (x, loss, se))
                    .into_iter()
                    .collect(),
                None => history.points(&mut notes)?,
            };
            rows.extend(points.into_iter().map(|(x, loss, se)| {
                (Row { curve: history.curve.clone(), x, loss, se, seed }, run)
            }));
        }
    }
    if known == 0 {
        return Err(ImportError::NoRunHasAmount { by: amount.to_string(), runs: names() });
    }
    if rows.is_empty() && matches!(amount, Amount::Step) && !has_steps(logs, &asked) {
        return Err(ImportError::NoStep { metric: asked });
    }
    if rows.is_empty() {
        return Err(ImportError::Nothing { metric: asked });
    }
    notes.extend(signatures.note());
    rows.sort_by(|a, b| a.0.order(&b.0));
    check_folders(&rows, amount)?;
    let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    notes.extend(repeats(&rows));
    Ok(Imported { rows, notes: without_repeats(notes) })
}

impl Row {
    /// By curve, amount, seed and loss.
    fn order(&self, other: &Row) -> Ordering {
        let by_amount = self.curve.cmp(&other.curve).then(self.x.total_cmp(&other.x));
        by_amount.then(self.seed.cmp(&other.seed)).then(self.loss.total_cmp(&other.loss))
    }
}

/// Whether any value of a metric has a step.
fn has_steps(logs: &Logs, asked: &str) -> bool {
    let mut series =
        logs.runs.iter().flat_map(|run| metric::matching(run, asked)).map(|(_, _, series)| series);
    series.any(|series| series.readings.iter().any(|reading| reading.step.is_some()))
}

/// The metric asked for.
fn asked(logs: &Logs, selection: &Selection) -> Result<String, ImportError> {
    let found = metric::names(&logs.runs);
    let has = |asked: &str| logs.runs.iter().any(|run| !metric::matching(run, asked).is_empty());
    match &selection.metric {
        Some(asked) if has(asked) => Ok(asked.clone()),
        Some(asked) => Err(ImportError::Metric { asked: asked.clone(), found }),
        None if has(metric::DEFAULT) => Ok(metric::DEFAULT.to_owned()),
        None => match found.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(ImportError::Metric { asked: metric::DEFAULT.to_owned(), found }),
        },
    }
}

/// The series of a run that are asked for, each with its curve.
fn histories<'a>(
    run: &'a Run,
    asked: &str,
    selection: &Selection,
    several_runs: bool,
    notes: &mut Vec<String>,
) -> Result<Vec<History<'a>>, ImportError> {
    let mut matching = metric::matching(run, asked);
    if matching.is_empty() {
        notes.push(format!("run `{}` has no `{asked}`; left out", run.name));
    }
    let of_table = selection.amount.as_ref().and_then(|amount| amount.curve(run));
    let of_run = of_table.or_else(|| captured_of_run(selection.curve.as_ref()?, run));
    // a run that is named for one language and evaluated on many belongs to the curve of its own
    if matching.iter().any(|(_, set, _)| set.is_some() && *set == of_run.as_deref()) {
        let before = matching.len();
        matching.retain(|(_, set, _)| *set == of_run.as_deref());
        if matching.len() < before {
            notes.push(
                "of runs evaluated on several sets, that of the curve's name is taken".to_owned(),
            );
        }
    }
    let mut histories: Vec<History> = Vec::new();
    for (metric, set, series) in matching {
        let own = match (set, &selection.amount) {
            (None, Some(Amount::Step)) if several_runs => run.name.clone(),
            (Some(set), Some(Amount::Step)) if several_runs => format!("{}/{set}", run.name),
            _ => set.unwrap_or(&metric.key).to_owned(),
        };
        let of_key =
            || selection.curve.as_ref().map_or(Some(own), |pattern| captured(pattern, &metric.key));
        let Some(curve) = of_run.clone().or_else(of_key).filter(|curve| !curve.is_empty()) else {
            notes.push(format!(
                "`{}` of run `{}` belongs to no curve by the pattern; left out",
                metric.key, run.name
            ));
            continue;
        };
        if let Some(other) = histories.iter().find(|other| other.curve == curve) {
            let (first, second) = (other.metric.to_string(), metric.to_string());
            return Err(ImportError::Ambiguous { run: run.name.clone(), curve, first, second });
        }
        let sense = Sense::of(metric, series, selection.sense)
            .ok_or_else(|| ImportError::Sense { metric: metric.key.clone() })?;
        histories.push(History {
            run,
            metric,
            readings: &series.readings,
            signature: series.signature.as_deref(),
            sense,
            curve,
        });
    }
    Ok(histories)
}

/// The seed of a run, where its name or its settings tell.
fn seed(run: &Run, pattern: Option<&Regex>) -> Option<u64> {
    let text = pattern
        .map_or_else(|| run.params.get("seed").cloned(), |pattern| captured_of_run(pattern, run));
    text?.parse().ok()
}

/// Checks that no two runs have their amount from one folder above both: these are parts of one run
/// rather than repeats. Rows are sorted.
fn check_folders(rows: &[(Row, &Run)], amount: &Amount) -> Result<(), ImportError> {
    for ((a, first), (b, second)) in rows.iter().zip(rows.iter().skip(1)) {
        if (&a.curve, a.x, a.seed) != (&b.curve, b.x, b.seed) || first.path == second.path {
            continue;
        }
        let shared = first
            .path
            .iter()
            .zip(second.path.iter())
            .take_while(|(a, b)| a == b)
            .map(|(part, _)| part)
            .collect::<PathBuf>();
        if amount.of(&Run::new("", &shared))? == Some(a.x)
            && [first, second].iter().any(|run| !amount.is_in_name(run))
        {
            let (curve, first, second) = (a.curve.clone(), first.path.clone(), second.path.clone());
            return Err(ImportError::Folders { curve, x: a.x, first, second });
        }
    }
    Ok(())
}

/// Says which curves have points that nothing but their losses tells apart. Rows are sorted.
fn repeats(rows: &[Row]) -> Vec<String> {
    let mut first: BTreeMap<&str, f64> = BTreeMap::new();
    for (a, b) in rows.iter().zip(rows.iter().skip(1)) {
        if (&a.curve, a.x, a.seed) == (&b.curve, b.x, b.seed) {
            first.entry(&a.curve).or_insert(a.x);
        }
    }
    let say = |(curve, x): (&str, f64)| {
        format!(
            "curve `{curve}` has points of one amount and seed, first at {x}; they are taken as \
            repeats"
        )
    };
    first.into_iter().map(say).collect()
}

/// Each note once, in the order of their first.
fn without_repeats(notes: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    notes.into_iter().filter(|note| seen.insert(note.clone())).collect()
}
