//! The answer to a problem file as JSON.

use crate::numeric::quantiles::central;
use crate::solver::{Language, PosedProblem, Solution, SolveError};
use crate::units::{Interval, any_number};
use serde::Serialize;

/// What `allocate --problem --json` prints. Amounts and losses stand in the order of the problem's
/// languages.
#[derive(Debug, Clone, Serialize)]
pub struct AnswerFile {
    /// `optimal`, `feasible` (not proven), `infeasible`, `no_finite_value`, or `none_found` (nor
    /// proven that there is none).
    pub status: &'static str,
    /// Constraints that cannot all hold, or languages whose loss is infinite; empty for an optimum.
    pub conflict: Vec<String>,
    /// By how much the constraints miss each other.
    pub short: Option<f64>,
    /// Amount of each language, pairs.
    pub x: Vec<f64>,
    /// The sum of the weighted losses or the worst, over draws where the problem says so; absent
    /// without a solution.
    pub objective: Option<f64>,
    /// No allocation comes below this.
    pub lower_bound: Option<f64>,
    /// (objective - lower bound) over the part of the objective above its floor.
    pub gap: Option<f64>,
    /// What a unit of budget is worth.
    pub budget_multiplier: Option<f64>,
    /// Its logarithm, finite where the number itself is too small for a double.
    pub log_budget_multiplier: Option<f64>,
    /// What relaxing each group by a unit is worth.
    pub group_multipliers: Vec<f64>,
    /// Seconds of solving, without reading and writing.
    pub seconds: f64,
    /// One per language of the problem; empty without a solution.
    pub languages: Vec<AnswerLanguage>,
}

/// What one language gets, and what it brings.
#[derive(Debug, Clone, Serialize)]
pub struct AnswerLanguage {
    /// Name, as in the problem file.
    pub name: String,
    /// Pairs.
    pub amount: f64,
    /// Fraction of all pairs.
    pub share: f64,
    /// Passes over the unique data, where it is known.
    pub epochs: Option<f64>,
    /// Fall of the weighted loss a thousand further pairs at the margin, transfer to others
    /// counted.
    #[serde(with = "any_number")]
    pub marginal_gain_per_1k: f64,
    /// `lower`, `upper` or `none`.
    pub active: &'static str,
    /// Loss, unweighted; the mean over draws where there are any.
    #[serde(with = "any_number")]
    pub loss: f64,
    /// 90 % interval of the loss over the draws of the law, where there are any.
    pub loss_interval_90: Option<Interval>,
}

impl AnswerFile {
    /// The file of an answer that took so many seconds.
    pub fn new(
        problem: &PosedProblem,
        answer: &Result<Solution, SolveError>,
        seconds: f64,
    ) -> Self {
        let solved = answer.as_ref().ok();
        let (conflict, short) = match answer {
            Err(SolveError::Infeasible(conflict)) => {
                (conflict.constraints.clone(), Some(conflict.short))
            }
            Err(SolveError::NoFiniteValue(languages)) => (languages.clone(), None),
            Ok(_) | Err(SolveError::NoneFound | SolveError::Parts(_)) => (Vec::new(), None),
        };
        let number =
            |value: fn(&Solution) -> f64| solved.map(value).filter(|value| value.is_finite());
        AnswerFile {
            status: answer
                .as_ref()
                .map_or_else(SolveError::word, |solution| solution.status.word()),
            conflict,
            short,
            x: solved.map_or(Vec::new(), |solved| solved.x.clone()),
            objective: number(|solved| solved.objective),
            lower_bound: number(|solved| solved.lower_bound),
            gap: number(|solved| solved.gap),
            budget_multiplier: number(|solved| solved.budget_multiplier),
            log_budget_multiplier: solved.and_then(|solved| solved.ln_budget_multiplier),
            group_multipliers: solved.map_or(Vec::new(), |solved| solved.row_multipliers.clone()),
            seconds,
            languages: solved.map_or(Vec::new(), |solved| languages(problem, solved)),
        }
    }
}

fn interval(draws: &mut [f64]) -> Option<Interval> {
    let (lo, hi) = central(draws, 0.9);
    (draws.len() > 1).then(|| Interval::new(lo, hi))
}

fn languages(problem: &PosedProblem, solved: &Solution) -> Vec<AnswerLanguage> {
    let total: f64 = solved.x.iter().sum();
    let (losses, gains) = (problem.losses(&solved.x), problem.marginal_gains(&solved.x));
    let mut draws = problem.loss_draws(&solved.x);
    let intervals: Vec<Option<Interval>> = draws.iter_mut().map(|draws| interval(draws)).collect();
    let language = |(i, language): (usize, &Language)| {
        let amount = solved.x[i];
        AnswerLanguage {
            name: language.name.clone(),
            amount,
            share: if total > 0.0 { amount / total } else { 0.0 },
            epochs: language.repeat.map(|repeat| amount / repeat.unique()),
            marginal_gain_per_1k: 1000.0 * gains[i],
            active: match amount {
                _ if amount == language.lower => "lower",
                _ if language.upper == Some(amount) => "upper",
                _ => "none",
            },
            loss: losses[i],
            loss_interval_90: intervals[i],
        }
    };
    problem.parts().languages.iter().enumerate().map(language).collect()
}
