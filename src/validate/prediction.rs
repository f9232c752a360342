//! What the laws foretell of every policy, written before anything is trained on a mixture.

use super::HALF_WIDTH;
use crate::allocate::{Comparison, Policy, PolicyRow, Problem};
use crate::numeric::quantiles::central;
use crate::units::{Estimate, Interval};
use serde::{Deserialize, Serialize};

/// Share of the budget that must go elsewhere for two policies to be two.
const SAME: f64 = 0.005;

/// How the sentences of the test set differ from those of the dev set, by the base model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Language.
    pub lang: String,
    /// Test loss over dev loss.
    pub ratio: f64,
    /// Standard error of its logarithm, by the chance of the sentences.
    pub error_log: f64,
}

impl Shift {
    /// From the base's losses on nearly equal parts of each set, nats per target token.
    pub fn new(lang: impl Into<String>, dev: &[f64], test: &[f64]) -> Self {
        let (dev, test) = (mean_and_error_log(dev), mean_and_error_log(test));
        Shift { lang: lang.into(), ratio: test.0 / dev.0, error_log: dev.1.hypot(test.1) }
    }
}

/// Mean and the standard error of its logarithm.
fn mean_and_error_log(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    (mean, (variance / count).sqrt() / mean)
}

/// What is foretold of one policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foretold {
    /// The policy.
    pub policy: Policy,
    /// Policies that allot the same pairs, or so nearly that they are not trained beside it.
    pub stands_for: Vec<Policy>,
    /// Pairs a language.
    pub pairs: Vec<u64>,
    /// Test loss a language, nats per target token, the mean over the seeds.
    pub loss_nats: Vec<Estimate>,
    /// Weighted mean over languages of what uniform loses more, nats per target token; 0 of uniform itself.
    pub gain_nats: Estimate,
}

/// What is foretold, before any mixture is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// Version and git revision of the program.
    pub parallot: String,
    /// Name of the experiment.
    pub source: String,
    /// Hash of the fits.
    pub fits_sha256: String,
    /// Hash of the base model's spec.
    pub base_id: String,
    /// Pairs.
    pub budget: u64,
    /// Languages.
    pub langs: Vec<String>,
    /// Their weights in the gain.
    pub weights: Vec<f64>,
    /// Seeds, one model a policy and seed.
    pub seeds: Vec<u64>,
    /// From dev to test.
    pub shifts: Vec<Shift>,
    /// One entry a policy that is trained; the first is ours, the second uniform.
    pub policies: Vec<Foretold>,
}

/// Foretells the policies of a comparison: of the problem's languages in their order, with the standard deviation of one ln loss by the chance of
/// a run, `noise_log`, and the shifts to the test sets. The policies come back without what only the caller knows.
pub fn predict(problem: &Problem, comparison: &Comparison, shifts: &[Shift], noise_log: &[f64], seeds: usize) -> Vec<Foretold> {
    let mut distinct: Vec<(&PolicyRow, Vec<Policy>)> = Vec::new();
    for row in &comparison.policies {
        match distinct.iter_mut().find(|(other, _)| apart(&other.pairs, &row.pairs) <= SAME) {
            Some((_, stands_for)) => stands_for.push(row.policy),
            None => distinct.push((row, Vec::new())),
        }
    }
    let uniform = comparison.policies.iter().find(|row| row.policy == Policy::Uniform).map_or(&[][..], |row| &row.pairs);
    let of = |(row, stands_for): (&PolicyRow, Vec<Policy>)| {
        let loss = |i: usize| {
            let Estimate { value, interval_90: Interval { lo, hi } } = row.loss_nats[i];
            let law = (hi / lo).ln() / (2.0 * HALF_WIDTH);
            let spread = (law.powi(2) + noise_log[i].powi(2) / seeds as f64 + shifts[i].error_log.powi(2)).sqrt();
            let value = shifts[i].ratio * value;
            Estimate { value, interval_90: Interval { lo: value * (-HALF_WIDTH * spread).exp(), hi: value * (HALF_WIDTH * spread).exp() } }
        };
        // the laws that chose our allocation flatter it
        let flattery = if row.policy == Policy::Parallot { 2.0 * comparison.noise_regret_nats } else { 0.0 };
        let gain_nats = gain(problem, shifts, uniform, &row.pairs, flattery);
        Foretold { policy: row.policy, stands_for, pairs: row.pairs.clone(), loss_nats: (0..shifts.len()).map(loss).collect(), gain_nats }
    };
    distinct.into_iter().map(of).collect()
}

/// Share of the budget that two mixtures spend on different languages.
fn apart(a: &[u64], b: &[u64]) -> f64 {
    let moved: u64 = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).sum();
    moved as f64 / (2 * a.iter().sum::<u64>()).max(1) as f64
}

/// The gain of some pairs over uniform: by the fitted laws, with the interval over the draws.
fn gain(problem: &Problem, shifts: &[Shift], uniform: &[u64], pairs: &[u64], flattery: f64) -> Estimate {
    let weights: f64 = problem.terms().iter().map(|term| term.weight).sum();
    let of = |fall: &dyn Fn(usize, f64, f64) -> f64| {
        let part = |i: usize| problem.terms()[i].weight * shifts[i].ratio * fall(i, uniform[i] as f64, pairs[i] as f64);
        (0..pairs.len()).filter(|&i| uniform[i] != pairs[i]).map(part).sum::<f64>() / weights - flattery
    };
    let value = of(&|i, from, to| problem.terms()[i].loss(from) - problem.terms()[i].loss(to));
    let drawn = problem.draws().iter().map(|laws| {
        of(&|i, from, to| {
            let term = problem.terms()[i].under(&laws[i]);
            term.loss(from) - term.loss(to)
        })
    });
    let mut drawn: Vec<f64> = drawn.filter(|gain| gain.is_finite()).collect();
    if uniform == pairs || drawn.is_empty() {
        let value = if uniform == pairs { 0.0 } else { value };
        return Estimate { value, interval_90: Interval { lo: value, hi: value } };
    }
    let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
    let (lo, hi) = central(&mut drawn, 0.9);
    Estimate { value: mean, interval_90: Interval { lo, hi } }
}
