//! Choices: from runs, and what was measured in them, to rows of curves.

use super::amount::{Amount, captured, captured_of_run};
use super::error::ImportError;
use super::find::Logs;
use super::log::{Metric, Reading, Run, Series};
use super::metric::{self, Sense};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::str::FromStr;

/// What is asked of the logs.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Key of the metric; without one `eval_loss`, or the only metric there is.
    pub metric: Option<String>,
    /// Score of a perfect model; given, higher is better.
    pub ceiling: Option<f64>,
    /// Lower is better, whatever the name of the metric says.
    pub lower_is_better: bool,
    /// What `x` is.
    pub amount: Option<Amount>,
    /// What captures the curve's name in the run's name, its path or the metric's key; without one the eval set or the key.
    pub curve: Option<Regex>,
    /// What captures the seed in the run's name or path; without one the setting `seed`.
    pub seed: Option<Regex>,
    /// Which value of a history counts.
    pub take: Take,
}

/// Which value of a history counts, where `x` is not the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Take {
    /// The last.
    #[default]
    Last,
    /// The best, which is better than that model is: the least of several noisy values.
    Best,
    /// The mean of the last few.
    Mean(NonZeroUsize),
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

/// One series on its way to a curve.
struct History<'a> {
    run: &'a Run,
    metric: &'a Metric,
    readings: &'a [Reading],
    sense: Sense,
    curve: String,
}

impl FromStr for Take {
    type Err = ImportError;

    fn from_str(word: &str) -> Result<Self, ImportError> {
        let mean = || word.strip_prefix("mean:")?.parse().ok().map(Take::Mean);
        match word {
            "last" => Ok(Take::Last),
            "best" => Ok(Take::Best),
            _ => mean().ok_or_else(|| ImportError::Take { found: word.to_owned() }),
        }
    }
}

/// Turns runs into rows of curves.
pub fn select(logs: &Logs, selection: &Selection) -> Result<Imported, ImportError> {
    let name = |run: &Run| run.name.clone();
    let asked = asked(logs, selection)?;
    let Some(amount) = &selection.amount else {
        return Err(ImportError::NoAmount { runs: logs.runs.iter().map(name).collect() });
    };
    let mut notes = Vec::new();
    let mut rows = Vec::new();
    let mut known = 0;
    for run in &logs.runs {
        let histories = histories(run, &asked, selection, logs.runs.len() > 1, &mut notes)?;
        let x = amount.of(run)?;
        if x.is_none() && !matches!(amount, Amount::Step) {
            notes.push(format!("run `{}` has no amount by {amount}; left out", run.name));
            continue;
        }
        known += 1;
        let seed = seed(run, selection.seed.as_ref());
        for history in &histories {
            let points = match x {
                Some(x) => history.point(selection.take, &mut notes)?.map(|(loss, se)| (x, loss, se)).into_iter().collect(),
                None => history.points(&mut notes)?,
            };
            rows.extend(points.into_iter().map(|(x, loss, se)| Row { curve: history.curve.clone(), x, loss, se, seed }));
        }
        let turned = histories.iter().filter_map(|history| history.turned(selection.ceiling.is_some()));
        notes.extend(turned);
    }
    if known == 0 {
        return Err(ImportError::NoRunHasAmount { by: amount.to_string(), runs: logs.runs.iter().map(name).collect() });
    }
    if rows.is_empty() {
        return Err(ImportError::Nothing { metric: asked });
    }
    rows.sort_by(|a, b| {
        let by_name = a.curve.cmp(&b.curve).then(a.x.total_cmp(&b.x));
        by_name.then(a.seed.cmp(&b.seed)).then(a.loss.total_cmp(&b.loss))
    });
    notes.extend(repeats(&rows));
    Ok(Imported { rows, notes: without_repeats(notes) })
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
            notes.push("of runs evaluated on several sets, that of the curve's name is taken".to_owned());
        }
    }
    let mut histories: Vec<History> = Vec::new();
    for (metric, set, series) in matching {
        let own = match (set, &selection.amount) {
            (None, Some(Amount::Step)) if several_runs => run.name.clone(),
            (Some(set), Some(Amount::Step)) if several_runs => format!("{}/{set}", run.name),
            _ => set.unwrap_or(&metric.key).to_owned(),
        };
        let of_key = || selection.curve.as_ref().map_or(Some(own), |pattern| captured(pattern, &metric.key));
        let Some(curve) = of_run.clone().or_else(of_key).filter(|curve| !curve.is_empty()) else {
            notes.push(format!("`{}` of run `{}` belongs to no curve by the pattern; left out", metric.key, run.name));
            continue;
        };
        if let Some(other) = histories.iter().find(|other| other.curve == curve) {
            let (first, second) = (other.metric.to_string(), metric.to_string());
            return Err(ImportError::Ambiguous { run: run.name.clone(), curve, first, second });
        }
        let sense = sense(metric, series, selection)?;
        histories.push(History { run, metric, readings: &series.readings, sense, curve });
    }
    Ok(histories)
}

fn sense(metric: &Metric, series: &Series, selection: &Selection) -> Result<Sense, ImportError> {
    let given = match selection.ceiling {
        Some(ceiling) => Some(Sense::Rises { ceiling }),
        None => selection.lower_is_better.then_some(Sense::Falls),
    };
    Sense::of(metric, series, given).ok_or_else(|| ImportError::Sense { metric: metric.key.clone() })
}

impl History<'_> {
    /// The one point of a run: loss and its standard error. A run whose last values are not finite has diverged and gives none.
    fn point(&self, take: Take, notes: &mut Vec<String>) -> Result<Option<(f64, Option<f64>)>, ImportError> {
        let (run, metric, count) = (&self.run.name, self.metric, self.readings.len());
        let counted = match take {
            Take::Last => 1,
            Take::Best => count,
            Take::Mean(last) => last.get(),
        };
        let taken = &self.readings[count.saturating_sub(counted)..];
        let (finite, lost): (Vec<&Reading>, Vec<&Reading>) = taken.iter().partition(|reading| reading.value.is_finite());
        if let Some(lost) = lost.first().filter(|_| take != Take::Best) {
            let at = lost.step.map_or(String::new(), |step| format!(" at step {step}"));
            notes.push(format!("run `{run}`: `{metric}` is {}{at}; the run is left out", lost.value));
            return Ok(None);
        }
        if !lost.is_empty() {
            notes.push(format!("run `{run}`: {} of {count} values of `{metric}` are not finite and left out", lost.len()));
        }
        if count == 0 {
            notes.push(format!("run `{run}`: `{metric}` has no value; left out"));
        }
        let losses = finite.iter().map(|reading| self.loss(reading)).collect::<Result<Vec<f64>, _>>()?;
        Ok(match take {
            Take::Mean(_) if losses.len() > 1 => Some((losses.iter().map(|loss| loss / losses.len() as f64).sum(), None)),
            _ => losses.into_iter().zip(finite).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(loss, reading)| (loss, reading.se)),
        })
    }

    /// Every finite value of the run against its step: amount, loss and standard error.
    fn points(&self, notes: &mut Vec<String>) -> Result<Vec<(f64, f64, Option<f64>)>, ImportError> {
        let usable = |reading: &&Reading| reading.value.is_finite() && reading.step.is_some_and(|step| step.is_finite() && step >= 0.0);
        let lost = self.readings.iter().filter(|reading| !usable(reading)).count();
        if lost > 0 {
            let (run, all) = (&self.run.name, self.readings.len());
            let metric = self.metric;
            notes.push(format!("run `{run}`: {lost} of {all} values of `{metric}` are not finite or have no step, and are left out"));
        }
        let point = |reading: &Reading| Ok((reading.step.unwrap_or(0.0), self.loss(reading)?, reading.se));
        self.readings.iter().filter(usable).map(point).collect()
    }

    fn loss(&self, reading: &Reading) -> Result<f64, ImportError> {
        let loss = self.sense.loss(reading.value);
        let (metric, run, found) = (self.metric.key.clone(), self.run.name.clone(), reading.value);
        match self.sense {
            _ if loss > 0.0 && loss.is_finite() => Ok(loss),
            Sense::Rises { ceiling } => Err(ImportError::Ceiling { metric, run, found, ceiling }),
            Sense::Falls => Err(ImportError::Loss { metric, run, found }),
        }
    }

    /// What is to be said of a score that was turned round.
    fn turned(&self, given: bool) -> Option<String> {
        let Sense::Rises { ceiling } = self.sense else { return None };
        let key = &self.metric.key;
        let small = !given && ceiling > 1.0 && self.readings.iter().all(|reading| reading.value <= 1.0);
        let doubt = if small { "; no score is above 1, so that the ceiling may be 1" } else { "" };
        Some(format!("higher `{key}` is better: loss = {ceiling} - {key}{doubt}"))
    }
}

/// The seed of a run, where its name or its settings tell.
fn seed(run: &Run, pattern: Option<&Regex>) -> Option<u64> {
    let text = pattern.map_or_else(|| run.params.get("seed").cloned(), |pattern| captured_of_run(pattern, run));
    text?.parse().ok()
}

/// Says which curves have points that nothing but their losses tells apart. Rows are sorted.
fn repeats(rows: &[Row]) -> Vec<String> {
    let mut first: BTreeMap<&str, f64> = BTreeMap::new();
    for (a, b) in rows.iter().zip(rows.iter().skip(1)) {
        if (&a.curve, a.x, a.seed) == (&b.curve, b.x, b.seed) {
            first.entry(&a.curve).or_insert(a.x);
        }
    }
    let say =
        |(curve, x): (&str, f64)| format!("curve `{curve}` has points of one amount and seed, first at {x}; they are taken as repeats");
    first.into_iter().map(say).collect()
}

/// Each note once, in the order of their first.
fn without_repeats(notes: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    notes.into_iter().filter(|note| seen.insert(note.clone())).collect()
}
