//! Histories: which values of a series count, and the loss that each stands for.

use super::error::ImportError;
use super::log::{Metric, Reading, Run};
use super::metric::Sense;
use std::num::NonZeroUsize;
use std::str::FromStr;

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

/// One series on its way to a curve.
pub(super) struct History<'a> {
    pub run: &'a Run,
    pub metric: &'a Metric,
    pub readings: &'a [Reading],
    pub signature: Option<&'a str>,
    pub sense: Sense,
    pub curve: String,
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

impl History<'_> {
    /// The one point of a run: loss and its standard error. A run whose last values are not finite
    /// has diverged and gives none.
    pub(super) fn point(
        &self,
        take: Take,
        notes: &mut Vec<String>,
    ) -> Result<Option<(f64, Option<f64>)>, ImportError> {
        let (run, metric, count) = (&self.run.name, self.metric, self.readings.len());
        let counted = match take {
            Take::Last => 1,
            Take::Best => count,
            Take::Mean(last) => last.get(),
        };
        let taken = &self.readings[count.saturating_sub(counted)..];
        let (finite, lost): (Vec<&Reading>, Vec<&Reading>) =
            taken.iter().partition(|reading| reading.value.is_finite());
        if let Some(lost) = lost.first().filter(|_| take != Take::Best) {
            let at = lost.step.map_or(String::new(), |step| format!(" at step {step}"));
            notes.push(format!(
                "run `{run}`: `{metric}` is {}{at}; the run is left out",
                lost.value
            ));
            return Ok(None);
        }
        if !lost.is_empty() {
            notes.push(format!(
                "run `{run}`: {} of {count} values of `{metric}` are not finite and left out",
                lost.len()
            ));
        }
        if count == 0 {
            notes.push(format!("run `{run}`: `{metric}` has no value; left out"));
        }
        let losses =
            finite.iter().map(|reading| self.loss(reading)).collect::<Result<Vec<f64>, _>>()?;
        Ok(match take {
            Take::Mean(_) if losses.len() > 1 => {
                Some((losses.iter().map(|loss| loss / losses.len() as f64).sum(), None))
            }
            _ => losses
                .into_iter()
                .zip(finite)
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(loss, reading)| (loss, reading.se)),
        })
    }

    /// Every finite value of the run against its step: amount, loss and standard error.
    pub(super) fn points(
        &self,
        notes: &mut Vec<String>,
    ) -> Result<Vec<(f64, f64, Option<f64>)>, ImportError> {
        let usable = |reading: &&Reading| {
            reading.value.is_finite()
                && reading.step.is_some_and(|step| step.is_finite() && step >= 0.0)
        };
        let lost = self.readings.iter().filter(|reading| !usable(reading)).count();
        if lost > 0 {
            let (run, all) = (&self.run.name, self.readings.len());
            let metric = self.metric;
            notes.push(format!(
                "run `{run}`: {lost} of {all} values of `{metric}` are not finite \
            or have no step, and are left out"
            ));
        }
        let point =
            |reading: &Reading| Ok((reading.step.unwrap_or(0.0), self.loss(reading)?, reading.se));
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
    pub(super) fn turned(&self, given: bool) -> Option<String> {
        let Sense::Rises { ceiling } = self.sense else { return None };
        let key = &self.metric.key;
        let small =
            !given && ceiling > 1.0 && self.readings.iter().all(|reading| reading.value <= 1.0);
        let doubt = if small { "; no score is above 1, so that the ceiling may be 1" } else { "" };
        Some(format!("higher `{key}` is better: loss = {ceiling} - {key}{doubt}"))
    }
}
