//! The allocation beside the baselines, under the uncertainty of the laws.

use super::{Allocation, Comparison, Policy, PolicyRow, Problem, Term};
use crate::law::Law;
use crate::numeric::quantiles::central;
use crate::units::{Estimate, Interval};
use rayon::prelude::*;

/// What one draw of the laws says.
struct Sample {
    /// Share a language where the problem is solved for this draw.
    shares: Vec<f64>,
    /// Loss a policy and language.
    losses: Vec<Vec<f64>>,
}

/// Sets our allocation, uniform, and then each further policy against draws of the laws: one `Vec<Law>` a draw, in the order of the
/// terms; a term beyond its end keeps its own law. Every policy's pairs are fixed by the fitted laws; only what they bring is drawn.
/// Without draws every interval is a point.
///
/// The allocation was chosen by the same laws that predict its gain, so the prediction flatters it. To second order in the noise the flattery is
/// twice the expected regret `R`: the fitted laws put our loss `R` below that of the true optimum's pairs, and the true laws put it
/// `R` above. `R` is estimated by the mean, over draws of the fitted forms, of what a draw's own optimum loses under the fitted laws, and our gain
/// is lowered by `2 R`. Policies that need unknown unique pairs are left out.
pub fn compare(problem: &Problem, draws: &[Vec<Law>], policies: &[Policy]) -> Comparison {
    let allocation = problem.solve();
    let mut rows = vec![(Policy::Parallot, pairs_of(&allocation)), (Policy::Uniform, Policy::Uniform.allot(problem))];
    let further = policies.iter().filter(|policy| !matches!(policy, Policy::Parallot | Policy::Uniform));
    rows.extend(further.filter(|policy| policy.is_defined_for(problem)).map(|policy| (*policy, policy.allot(problem))));
    let fitted = sample(problem, &rows, &allocation);
    let samples: Vec<Sample> = draws
        .par_iter()
        .map(|laws| match problem.with_laws(laws) {
            Ok(drawn) => sample(&drawn, &rows, &drawn.solve()),
            // a draw with a pole where the budget has no pair to spare: nothing to solve, the fitted laws stand in
            Err(_) => sample(problem, &rows, &allocation),
        })
        .collect();
    let expected_regret_nats = expected_regret(problem, &pairs_of(&allocation), draws);
    let share = |i: usize| estimate(fitted.shares[i], samples.iter().map(|sample| sample.shares[i]));
    let shares = (0..problem.terms().len()).map(share).collect();
    let policies = |at: usize| {
        let correction = if at == 0 { 2.0 * expected_regret_nats } else { 0.0 };
        row(problem, &rows[at], at, &fitted, &samples, correction)
    };
    let policies = (0..rows.len()).map(policies).collect();
    Comparison { allocation, shares, policies, expected_regret_nats, draws: draws.len() }
}

fn pairs_of(allocation: &Allocation) -> Vec<u64> {
    allocation.languages.iter().map(|language| language.pairs).collect()
}

fn sample(problem: &Problem, rows: &[(Policy, Vec<u64>)], allocation: &Allocation) -> Sample {
    let losses = |pairs: &[u64]| problem.terms().iter().zip(pairs).map(|(term, &x)| term.law.loss(x as f64)).collect();
    Sample {
        shares: allocation.languages.iter().map(|language| language.share).collect(),
        losses: rows.iter().map(|(_, pairs)| losses(pairs)).collect(),
    }
}

/// Mean loss under the fitted laws of the draws' optima, less that of ours. Only draws of the fitted forms count, put together language
/// by language: what other forms say is no noise around the fit, and the mean gain over the draws holds it already.
fn expected_regret(problem: &Problem, ours: &[u64], draws: &[Vec<Law>]) -> f64 {
    let of_form = |(i, term): (usize, &Term)| -> Vec<Law> {
        draws.iter().filter_map(|laws| laws.get(i)).filter(|law| law.form() == term.law.form()).copied().collect()
    };
    let columns: Vec<Vec<Law>> = problem.terms().iter().enumerate().map(of_form).collect();
    let count = columns.iter().map(Vec::len).min().unwrap_or(0);
    let loss = |pairs: &[u64]| {
        let losses: Vec<f64> = problem.terms().iter().zip(pairs).map(|(term, &x)| term.law.loss(x as f64)).collect();
        weighted_mean(problem, &losses)
    };
    let regret = |draw: usize| {
        let laws: Vec<Law> = columns.iter().map(|column| column[draw]).collect();
        Some(loss(&pairs_of(&problem.with_laws(&laws).ok()?.solve())) - loss(ours))
    };
    let regrets: Vec<f64> = (0..count).into_par_iter().filter_map(regret).filter(|regret| regret.is_finite()).collect();
    if regrets.is_empty() { 0.0 } else { regrets.iter().sum::<f64>() / regrets.len() as f64 }
}

fn row(
    problem: &Problem,
    (policy, pairs): &(Policy, Vec<u64>),
    at: usize,
    fitted: &Sample,
    samples: &[Sample],
    correction: f64,
) -> PolicyRow {
    let mean = |sample: &Sample, at: usize| weighted_mean(problem, &sample.losses[at]);
    let gain = |sample: &Sample| match (mean(sample, 1), mean(sample, at)) {
        // two infinite losses have no difference
        (uniform, ours) if uniform == ours => 0.0,
        (uniform, ours) => uniform - ours - correction,
    };
    let loss = |i: usize| estimate(fitted.losses[at][i], samples.iter().map(|sample| sample.losses[at][i]));
    let gains: Vec<f64> = if samples.is_empty() { vec![gain(fitted)] } else { samples.iter().map(gain).collect() };
    let count = gains.len() as f64;
    PolicyRow {
        policy: *policy,
        pairs: pairs.clone(),
        loss_nats: (0..pairs.len()).map(loss).collect(),
        mean_loss_nats: estimate(mean(fitted, at), samples.iter().map(|sample| mean(sample, at))),
        gain_nats: estimate(gains.iter().sum::<f64>() / count, gains.iter().copied()),
        chance_to_beat_uniform: gains.iter().filter(|gain| **gain > 0.0).count() as f64 / count,
    }
}

/// Mean loss over languages by weight, nats per target token; those of weight 0 have no part in it.
fn weighted_mean(problem: &Problem, losses: &[f64]) -> f64 {
    let weighted = || problem.terms().iter().zip(losses).filter(|(term, _)| term.weight > 0.0);
    weighted().map(|(term, loss)| term.weight * loss).sum::<f64>() / weighted().map(|(term, _)| term.weight).sum::<f64>()
}

/// A value with the central 90 % of the draws; a point without draws.
fn estimate(value: f64, draws: impl Iterator<Item = f64>) -> Estimate {
    let mut draws: Vec<f64> = draws.collect();
    let (lo, hi) = if draws.is_empty() { (value, value) } else { central(&mut draws, 0.9) };
    Estimate { value, interval_90: Interval::new(lo, hi) }
}
