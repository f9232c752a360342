//! Whether laws with transfer predict mixtures better than the laws of each language alone.

use super::rows::{LossRow, PolicyResult};
use crate::units::{Estimate, Interval};
use serde::{Deserialize, Serialize};

/// Both kinds of laws beside what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoupledResult {
    /// Root mean square of ln measured - ln predicted, by the laws of each language alone.
    pub separable_error_log: f64,
    /// The same by laws with transfer.
    pub coupled_error_log: f64,
    /// Losses in their predicted intervals, by laws with transfer.
    pub held: usize,
    /// Losses.
    pub losses: usize,
    /// Whether transfer was fitted after the models were predicted and trained.
    #[serde(default)]
    pub is_hindsight: bool,
    /// By how much the error without transfer is larger, in absolute ln loss: mean over languages
    /// of their mean over policies, with Student's interval over the languages.
    pub better_by_log: Estimate,
    /// The sentence that says whether transfer predicts better.
    pub verdict: String,
}

impl CoupledResult {
    /// From the rows of all policies; absent where transfer predicted nothing.
    pub(super) fn new(policies: &[PolicyResult], is_hindsight: bool) -> Option<Self> {
        let rows: Vec<&LossRow> = policies.iter().flat_map(|policy| &policy.losses).collect();
        let coupled: Vec<f64> =
            rows.iter().filter_map(|row| Some(row.coupled.as_ref()?.error_log)).collect();
        if coupled.is_empty() || coupled.len() < rows.len() {
            return None;
        }
        let mean_square = |errors: &mut dyn Iterator<Item = f64>| {
            (errors.map(|error| error.powi(2)).sum::<f64>() / rows.len() as f64).sqrt()
        };
        let mut langs: Vec<&str> = rows.iter().map(|row| row.lang.as_str()).collect();
        langs.sort_unstable();
        langs.dedup();
        let better = |lang: &&str| {
            let own = rows.iter().zip(&coupled).filter(|(row, _)| row.lang == *lang);
            let falls: Vec<f64> =
                own.map(|(row, coupled)| row.error_log.abs() - coupled.abs()).collect();
            falls.iter().sum::<f64>() / falls.len() as f64
        };
        let better_by_log = Estimate::of_mean(&langs.iter().map(better).collect::<Vec<_>>())?;
        let result = CoupledResult {
            separable_error_log: mean_square(&mut rows.iter().map(|row| row.error_log)),
            coupled_error_log: mean_square(&mut coupled.iter().copied()),
            held: rows
                .iter()
                .filter(|row| row.coupled.as_ref().is_some_and(|coupled| coupled.is_held))
                .count(),
            losses: rows.len(),
            is_hindsight,
            better_by_log,
            verdict: String::new(),
        };
        Some(CoupledResult { verdict: result.sentence(), ..result })
    }

    fn sentence(&self) -> String {
        let percent = |log: f64| format!("{:.2} %", 100.0 * log);
        let Interval { lo, hi } = self.better_by_log.interval_90;
        let who = match () {
            () if lo > 0.0 => "laws with transfer predict the mixtures better",
            () if hi < 0.0 => "laws without transfer predict the mixtures better",
            () => "cannot tell whether transfer predicts the mixtures better",
        };
        let when = if self.is_hindsight { "in hindsight, " } else { "" };
        format!(
            "{when}{who}: errors of {} with it and {} without",
            percent(self.coupled_error_log),
            percent(self.separable_error_log)
        )
    }
}
