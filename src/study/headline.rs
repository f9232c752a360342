//! What a verdict rests on beside the laws: the validations that are kept with the fits, and what a
//! further one would cost.

use super::{Folders, StudyError};
use crate::allocate::{Budget, Comparison, Objective, Policy, Problem, Verdict};
use crate::design::first_count;
use crate::files;
use crate::fit::FitFile;
use crate::record::{RunRecord, Store};
use crate::report::eye::{amount, duration, grouped};
use crate::sweep::Speed;
use crate::validate::{Validation, difference_nats, distinct, seeds_to_show};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Policies that `validate` trains beside parallot and uniform unless others are asked for.
pub const VALIDATED: &str = "proportional,temperature-3.3,unimax-4";

/// Models a policy that are suggested at least, as many as `validate` trains by default, and at
/// most.
const SEEDS: (u64, u64) = (3, 30);

/// Name without ending of the files of a validation at a budget of pairs; one budget, one
/// validation.
pub fn validation_name(budget: u64) -> String {
    format!("validation-{budget}")
}

/// The validations that are kept with the fits of an experiment, the smallest budget first. Version
/// 0.1.0 kept one, as `validation.json`.
pub fn validations(folders: &Folders) -> Result<Vec<Validation>, StudyError> {
    let paths = files::list(&folders.fits, "json")?;
    let named = |name: &str| {
        name == "validation"
            || name.strip_prefix("validation-").is_some_and(|rest| rest.parse::<u64>().is_ok())
    };
    let mut found: Vec<Validation> = Vec::new();
    // `validation-N` sorts before `validation`, so that a new file hides the old one of its budget
    for path in paths
        .iter()
        .filter(|path| path.file_stem().is_some_and(|stem| named(&stem.to_string_lossy())))
    {
        let read: Validation =
            files::read_json(path, |path, cause| StudyError::Validation { path, cause })?;
        if found.iter().all(|validation| validation.budget != read.budget) {
            found.push(read);
        }
    }
    found.sort_by_key(|validation| validation.budget);
    Ok(found)
}

/// The experiment that a problem was asked for, as a command names it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its file or name, as a shell takes it.
    pub experiment: &'a str,
    /// Its folders.
    pub folders: &'a Folders,
    /// What else the problem asks, as flags with a space before each.
    pub flags: &'a str,
}

/// What it would take to measure what is predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToKnow {
    /// The command; absent where no experiment is at hand.
    pub command: Option<String>,
    /// Models that it tunes.
    pub models: Option<u64>,
    /// Training tokens of all of them, as many a pair as in the records.
    pub train_tokens: Option<u64>,
    /// Seconds on one job, by the speed of the records.
    pub seconds: Option<f64>,
    /// What the fit can learn of pooled models without it.
    pub mixtures: Option<String>,
}

impl ToKnow {
    /// What is to be said beside a verdict; nothing where models were tuned at this budget, and
    /// where `validate` would measure something else.
    pub fn new(
        verdict: &Verdict,
        problem: &Problem,
        comparison: &Comparison,
        fits: &FitFile,
        asked: Option<Asked>,
    ) -> Option<Self> {
        let is_open = match verdict {
            Verdict::Predicted { .. } => true,
            Verdict::Measured { measured, .. } => measured.budget != measured.asked,
            _ => false,
        };
        if !is_open || problem.objective() != Objective::Mean {
            return None;
        }
        let mixtures = match (&fits.transfer, problem.coupling()) {
            (_, Some(_)) => None,
            _ if problem.is_joint() => None,
            (Some(_), None) => {
                Some("`--transfer` goes by the mixtures that the fit has seen".to_owned())
            }
            (None, None) => Some(format!(
                "`parallot plan` designs {} mixtures, to which a law of pooled models is fitted",
                first_count(problem.terms().len())
            )),
        };
        let words =
            ToKnow { command: None, models: None, train_tokens: None, seconds: None, mixtures };
        let (Some(Asked { experiment, folders, flags }), Budget::Pairs(budget)) =
            (asked, problem.budget())
        else {
            return Some(words);
        };
        let baselines = VALIDATED.split(',').filter_map(|name| name.parse::<Policy>().ok());
        let trained: Vec<Policy> =
            [Policy::Parallot, Policy::Uniform].into_iter().chain(baselines).collect();
        let policies =
            distinct(comparison.policies.iter().filter(|row| trained.contains(&row.policy)));
        let records = Store::new(&folders.records)
            .read_sweep()
            .map_or_else(|_| Vec::new(), |(_, records)| records);
        let pairs = policies.iter().flat_map(|(row, _)| row.pairs.iter().zip(&fits.fits));
        let tokens: Option<f64> = match fits.fits.is_empty() {
            true => tokens_per_pair(&records)
                .map(|tokens| tokens * budget as f64 * policies.len() as f64),
            false => pairs.map(|(&pairs, fit)| Some(pairs as f64 * fit.tokens_per_pair?)).sum(),
        };
        let seeds = seeds(problem, comparison, fits);
        let tokens = tokens.map(|tokens| tokens * seeds as f64);
        Some(ToKnow {
            command: Some(format!(
                "parallot validate {experiment} --budget {budget}{flags} --seeds {seeds}"
            )),
            models: Some(policies.len() as u64 * seeds),
            train_tokens: tokens.map(|tokens| tokens.round() as u64),
            seconds: tokens.zip(Speed::of(&records)).map(|(tokens, speed)| {
                speed.seconds(tokens, policies.len() * seeds as usize).round()
            }),
            ..words
        })
    }
}

/// Training tokens of a pair of any language, the mean over models of several.
fn tokens_per_pair(records: &[RunRecord]) -> Option<f64> {
    let (tokens, pairs) = records
        .iter()
        .filter(|record| record.is_finished() && record.subject.is_mixture())
        .fold((0, 0), |(tokens, pairs), record| {
            (tokens + record.train_tokens.0, pairs + record.subject.pairs().0)
        });
    (pairs > 0).then(|| tokens as f64 / pairs as f64)
}

/// Seeds that show the predicted gain in nine of ten validations, where the noise of pooled models
/// is known.
fn seeds(problem: &Problem, comparison: &Comparison, fits: &FitFile) -> u64 {
    let shown = || {
        let [own, common] = fits.joint.as_ref().filter(|_| problem.is_joint())?.noise_log();
        let ours = comparison.policies.iter().find(|row| row.policy == Policy::Parallot)?;
        let losses: Vec<f64> = ours.loss_nats.iter().map(|loss| loss.value).collect();
        let weights: Vec<f64> = problem.terms().iter().map(|term| term.weight).collect();
        let apart = difference_nats(&weights, &losses, &vec![own; losses.len()], common);
        Some(seeds_to_show(ours.gain_nats?.value, apart).unwrap_or(u64::MAX))
    };
    shown().unwrap_or(SEEDS.0).clamp(SEEDS.0, SEEDS.1)
}

impl fmt::Display for ToKnow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.command {
            None => write!(
                f,
                "`parallot validate` with an experiment tunes models on both and measures the gain"
            )?,
            Some(command) => {
                write!(f, "`{command}` measures it")?;
                let models = self.models.map(|models| format!("{} models", grouped(models)));
                let tokens = self
                    .train_tokens
                    .map(|tokens| format!("about {} training tokens", amount(tokens as f64)));
                let time =
                    self.seconds.map(|seconds| format!("about {} on one job", duration(seconds)));
                let parts: Vec<String> = [models, tokens, time].into_iter().flatten().collect();
                write!(f, " ({})", parts.join(", "))?;
            }
        }
        self.mixtures.as_ref().map_or(Ok(()), |mixtures| write!(f, "; {mixtures}"))
    }
}
