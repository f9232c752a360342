//! What not knowing the laws costs an allocation: its regret, by the draws and in closed form.
//!
//! Let `m_i = -w_i L_i'(X_i) / c_i` be the marginal gains, at an optimum all equal to the price
//! `lambda`, and `p_i = c_i L_i'(X_i) / -L_i''(X_i)` what language `i` would be given more of the
//! budget if its ln marginal gain rose by 1. Errors `e_i` of the ln marginal gains move the optimum
//! by `p_i (e_i - mean_p e)`, which costs, to second order and in the mean over independent errors,
//!
//! ```text
//! E regret = 1/2 lambda sum_i p_i (1 - p_i / P) Var(ln m_i),   P = sum_i p_i
//! ```

use super::score::{score, stride};
use super::{Active, Allocation, Drawn, Objective, Problem, Term};
use rayon::prelude::*;

/// Mean score under the fitted laws of the draws' optima, less that of ours; nats per target token.
/// Only draws of the form of the largest weight count, put together language by language, each with
/// the transfer to it that was drawn with its law: what other forms say is no noise around the fit,
/// and the mean gain over the draws holds it already. Never below 0: an optimum that is none is for
/// the gap to say.
pub(super) fn noise_regret(problem: &Problem, ours: &[u64]) -> f64 {
    let of_form = |(i, term): (usize, &Term)| -> Vec<(usize, Drawn)> {
        let form = term.laws.laws()[0].law.form();
        let own = problem
            .draws()
            .iter()
            .enumerate()
            .filter_map(|(draw, laws)| Some((draw, *laws.get(i)?)));
        own.filter(|(_, drawn)| drawn.law.form() == form).collect()
    };
    let columns: Vec<Vec<(usize, Drawn)>> =
        problem.terms().iter().enumerate().map(of_form).collect();
    let count = columns.iter().map(Vec::len).min().unwrap_or(0);
    let of = |pairs: &[u64]| score(problem, &problem.losses(pairs));
    let single = match problem.objective() {
        Objective::Cvar(_) => {
            problem.clone().with_objective(Objective::Mean).unwrap_or_else(|_| problem.clone())
        }
        _ => problem.clone(),
    };
    let regret = |at: usize| {
        let laws: Vec<Drawn> = columns.iter().map(|column| column[at].1).collect();
        let draws: Vec<usize> = columns.iter().map(|column| column[at].0).collect();
        Some(
            of(&single.with_laws(&laws).ok()?.with_taus_of(&draws).solve().ok()?.pairs())
                - of(ours),
        )
    };
    let solved: Vec<usize> = (0..count).step_by(stride(problem, count)).collect();
    let regrets: Vec<f64> =
        solved.into_par_iter().filter_map(regret).filter(|regret| regret.is_finite()).collect();
    if regrets.is_empty() {
        0.0
    } else {
        (regrets.iter().sum::<f64>() / regrets.len() as f64).max(0.0)
    }
}

/// Expected regret in closed form, nats per target token of the weighted mean loss: over languages
/// that no bound holds, the variances over all draws. Absent without draws, with groups or
/// transfer, by joint laws, whose errors are not independent, and where the mean is not the
/// objective.
pub(super) fn regret_formula(problem: &Problem, allocation: &Allocation) -> Option<f64> {
    let plain = problem.objective() == Objective::Mean
        && problem.groups().is_empty()
        && problem.coupling().is_none()
        && !problem.is_joint();
    if !plain || problem.draws().len() < 2 {
        return None;
    }
    let mut parts = Vec::new();
    for (i, (term, allocated)) in problem.terms().iter().zip(&allocation.languages).enumerate() {
        let x = allocated.pairs as f64;
        let (slope, curvature) = (term.slope(x), term.curvature(x));
        if allocated.active != Active::None
            || term.weight == 0.0
            || !(curvature > 0.0 && slope.is_finite())
        {
            continue;
        }
        let ln_steepness = |drawn: &Drawn| {
            let under = term.under(drawn);
            drawn.law.ln_steepness(under.effective(x)) + under.effective_slope(x).ln()
        };
        let drawn = problem.draws().iter().filter_map(|laws| laws.get(i)).map(ln_steepness);
        let price = -term.weight * slope / problem.cost(term);
        parts.push((
            price,
            problem.cost(term) * -slope / curvature,
            variance(drawn.filter(|ln| ln.is_finite())),
        ));
    }
    let total: f64 = parts.iter().map(|(_, p, _)| p).sum();
    let weights: f64 = problem.terms().iter().map(|term| term.weight).sum();
    let terms =
        parts.iter().map(|(price, p, variance)| 0.5 * price * p * (1.0 - p / total) * variance);
    // an empty sum is -0
    Some((0.0 + terms.sum::<f64>()) / weights)
}

fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        0.0
    } else {
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)
    }
}
