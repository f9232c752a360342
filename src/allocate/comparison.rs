//! The allocation beside the baselines, under the uncertainty of the laws.

use super::regret::{noise_regret, regret_formula};
use super::score::{score, stride, weighted_mean, worst};
use super::{
    Allocation, Budget, Comparison, GainOf, Objective, Policy, PolicyRow, PredictedBy, Problem,
    Rule, SolveError, Term,
};
use crate::numeric::quantiles::around;
use crate::units::Estimate;
use rayon::prelude::*;

/// What one draw of the laws says.
struct Sample {
    /// Loss per policy and language.
    losses: Vec<Vec<f64>>,
    /// What is best where this draw is true, of the draws that the problem is solved for.
    own: Option<Own>,
}

/// The optimum of one draw.
struct Own {
    /// Share per language.
    shares: Vec<f64>,
    /// Score of our allocation less that of this one.
    regret: f64,
}

/// Sets our allocation, uniform, and then each further policy against the draws of the problem's
/// laws. Every policy's pairs are fixed by the fitted laws, or by all draws together; only what
/// they bring is drawn. Without draws every interval is a point.
///
/// The allocation was chosen by the same laws that predict its gain, so the prediction flatters it.
/// To second order in the noise the flattery is twice the expected regret `R`: the fitted laws put
/// our loss `R` below that of the true optimum's pairs, and the true laws put it `R` above. `R` is
/// estimated by [`Comparison::noise_regret_nats`], and our gain is lowered by `2 R`. Policies that
/// need what is unknown are left out, and those that are an optimum which was not found.
pub fn compare(problem: &Problem, policies: &[Policy]) -> Result<Comparison, SolveError> {
    compare_with(problem, policies, problem.solve()?)
}

/// The same of an allocation as solved.
pub(super) fn compare_with(
    problem: &Problem,
    policies: &[Policy],
    allocation: Allocation,
) -> Result<Comparison, SolveError> {
    let mut rows = vec![
        (Policy::Parallot, allocation.pairs()),
        (Policy::Uniform, Policy::Uniform.allocate(problem)?),
    ];
    let further =
        policies.iter().filter(|policy| !matches!(policy, Policy::Parallot | Policy::Uniform));
    rows.extend(
        further
            .filter(|policy| policy.is_defined_for(problem))
            .filter_map(|policy| Some((*policy, policy.allocate(problem).ok()?))),
    );
    let fitted = sample(problem, &rows, Some(&allocation));
    let stride = stride(problem, problem.draws().len());
    let of_draw = |draw: usize| match problem.drawn(draw) {
        Ok(drawn) if draw.is_multiple_of(stride) => {
            sample(&drawn, &rows, for_one_draw(&drawn).solve().ok().as_ref())
        }
        Ok(drawn) => sample(&drawn, &rows, None),
        // a draw with a pole where the budget has no pair to spare: nothing to solve, the fitted
        // laws stand in
        Err(_) => sample(problem, &rows, Some(&allocation)),
    };
    let samples: Vec<Sample> = (0..problem.draws().len()).into_par_iter().map(of_draw).collect();
    let owns = || samples.iter().filter_map(|sample| sample.own.as_ref());
    // draws of a joint law are of all that is not known, priors among it, and an optimum by its
    // mean is not flattered by them
    let noise_regret_nats =
        if problem.is_joint() { 0.0 } else { noise_regret(problem, &allocation.pairs()) };
    let regrets: Vec<f64> =
        owns().map(|own| own.regret).filter(|regret| regret.is_finite()).collect();
    let expected_regret_nats = regrets.iter().sum::<f64>() / regrets.len().max(1) as f64;
    let shares = allocation.languages.iter().enumerate();
    let shares = shares
        .map(|(i, language)| estimate(language.share, owns().map(|own| own.shares[i])))
        .collect();
    // the estimate of a regret may fall below 0 by its rounding; it never raises a gain
    let correction = 2.0 * noise_regret_nats.max(0.0);
    let slack_nats = slack(problem, &allocation);
    let table =
        Table { problem, rows: &rows, fitted: &fitted, samples: &samples, correction, slack_nats };
    let policies = (0..rows.len()).map(|at| table.row(at)).collect();
    let regret_formula_nats = regret_formula(problem, &allocation);
    let draws = problem.draws().len();
    let uniform_meets_groups = problem.meets_groups(&rows[1].1);
    Ok(Comparison {
        has_choice: has_choice(problem),
        gain_of: match problem.objective() {
            Objective::Mean | Objective::Cvar(_) => GainOf::Mean,
            Objective::Worst => GainOf::Worst,
            Objective::Fair => GainOf::Fair,
        },
        predicted_by: match problem.coupling() {
            Some(_) => PredictedBy::Transfer,
            None if problem.is_joint() => PredictedBy::Joint,
            None => PredictedBy::OneLanguage,
        },
        allocation,
        shares,
        policies,
        uniform_meets_groups,
        slack_nats,
        expected_regret_nats,
        noise_regret_nats,
        regret_formula_nats,
        draws,
    })
}

/// What the certificate leaves open, in the unit of the score.
fn slack(problem: &Problem, allocation: &Allocation) -> f64 {
    let open = allocation.objective - allocation.lower_bound;
    match problem.objective() {
        Objective::Mean | Objective::Cvar(_) => {
            open / problem.terms().iter().map(|term| term.weight).sum::<f64>()
        }
        Objective::Worst | Objective::Fair => open,
    }
}

/// Whether an optimum is as good as proven: nobody minds a slack of a millionth of a nat, or of a
/// twentieth of the gain that is told.
fn is_proven(slack_nats: f64, gain_nats: f64) -> bool {
    slack_nats <= 1e-6 || slack_nats <= 0.05 * gain_nats.abs()
}

/// Whether more than one allocation meets the bounds, the budget and the groups that are held
/// exactly.
fn has_choice(problem: &Problem) -> bool {
    let (terms, budget) = (problem.terms(), problem.budget());
    let cost = |pairs: &dyn Fn(&Term) -> u64| {
        terms.iter().map(|term| problem.cost(term) * pairs(term) as f64).sum::<f64>()
    };
    let free: Vec<usize> =
        (0..terms.len()).filter(|&i| terms[i].least() < problem.most(&terms[i])).collect();
    let left = budget.amount() - cost(&Term::least);
    let cheapest = free.iter().map(|&i| problem.cost(&terms[i])).fold(f64::INFINITY, f64::min);
    if left < cheapest * (1.0 - 1e-9) || cost(&|term| problem.most(term)) <= budget.amount() {
        return false;
    }
    let exact = problem.groups().iter().filter(|group| group.rule == Rule::Exactly);
    let mut rows: Vec<Vec<f64>> = exact
        .map(|group| {
            free.iter().map(|i| if group.members.contains(i) { 1.0 } else { 0.0 }).collect()
        })
        .collect();
    // pairs are spent to the last where nothing but the budget holds their sum
    if matches!(budget, Budget::Pairs(_)) && problem.groups().is_empty() {
        rows.push(vec![1.0; free.len()]);
    }
    free.len() > rank(rows)
}

/// Rank of a matrix of zeros and ones by elimination.
fn rank(mut rows: Vec<Vec<f64>>) -> usize {
    let columns = rows.first().map_or(0, Vec::len);
    let mut rank = 0;
    for column in 0..columns {
        let Some(pivot) = (rank..rows.len())
            .max_by(|&a, &b| rows[a][column].abs().total_cmp(&rows[b][column].abs()))
        else {
            break;
        };
        if rows[pivot][column].abs() < 1e-9 {
            continue;
        }
        rows.swap(rank, pivot);
        let (done, rest) = rows.split_at_mut(rank + 1);
        for row in rest {
            let factor = row[column] / done[rank][column];
            row.iter_mut().zip(&done[rank]).for_each(|(x, pivot)| *x -= factor * pivot);
        }
        rank += 1;
    }
    rank
}

/// The policies that move more than a share of the budget against each other, each with the further
/// ones that it stands for.
pub fn distinct<'a>(
    rows: impl IntoIterator<Item = &'a PolicyRow>,
    same_share: f64,
) -> Vec<(&'a PolicyRow, Vec<Policy>)> {
    let mut distinct: Vec<(&PolicyRow, Vec<Policy>)> = Vec::new();
    for row in rows {
        match distinct.iter_mut().find(|(other, _)| moved(&other.pairs, &row.pairs) <= same_share) {
            Some((_, stands_for)) => stands_for.push(row.policy),
            None => distinct.push((row, Vec::new())),
        }
    }
    distinct
}

/// Share of the budget that two mixes spend on different languages.
fn moved(a: &[u64], b: &[u64]) -> f64 {
    let moved: u64 = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).sum();
    moved as f64 / (2 * a.iter().sum::<u64>()).max(1) as f64
}

/// Loss of each language under each of some allocations, nats per target token: of the fitted laws,
/// with the interval over the draws.
pub fn predict_losses(problem: &Problem, allocations: &[Vec<u64>]) -> Vec<Vec<Estimate>> {
    let drawn: Vec<Problem> =
        (0..problem.draws().len()).filter_map(|draw| problem.drawn(draw).ok()).collect();
    let of = |pairs: &Vec<u64>| {
        let samples: Vec<Vec<f64>> = drawn.iter().map(|problem| problem.losses(pairs)).collect();
        let losses = problem.losses(pairs).into_iter().enumerate();
        losses.map(|(i, loss)| estimate(loss, samples.iter().map(|losses| losses[i]))).collect()
    };
    allocations.par_iter().map(of).collect()
}

/// The problem of one draw, which has no CVaR.
fn for_one_draw(problem: &Problem) -> Problem {
    let single = |problem: &Problem| problem.clone().with_objective(Objective::Mean).ok();
    match problem.objective() {
        Objective::Cvar(_) => single(problem).unwrap_or_else(|| problem.clone()),
        Objective::Mean | Objective::Worst | Objective::Fair => problem.clone(),
    }
}

fn sample(problem: &Problem, rows: &[(Policy, Vec<u64>)], optimum: Option<&Allocation>) -> Sample {
    let of = |pairs: &[u64]| score(problem, &problem.losses(pairs));
    let own = |optimum: &Allocation| Own {
        shares: optimum.languages.iter().map(|language| language.share).collect(),
        regret: of(&rows[0].1) - of(&optimum.pairs()),
    };
    Sample {
        own: optimum.map(own),
        losses: rows.iter().map(|(_, pairs)| problem.losses(pairs)).collect(),
    }
}

/// All that the rows are computed from.
struct Table<'a> {
    problem: &'a Problem,
    rows: &'a [(Policy, Vec<u64>)],
    fitted: &'a Sample,
    samples: &'a [Sample],
    /// What our gain over any other policy is lowered by.
    correction: f64,
    /// What the certificate leaves open.
    slack_nats: f64,
}

impl Table<'_> {
    fn row(&self, at: usize) -> PolicyRow {
        let (policy, pairs) = &self.rows[at];
        let loss = |i: usize| {
            estimate(
                self.fitted.losses[at][i],
                self.samples.iter().map(|sample| sample.losses[at][i]),
            )
        };
        let over_draws = |value: fn(&Problem, &[f64]) -> f64| {
            let of = |sample: &Sample| value(self.problem, &sample.losses[at]);
            estimate(of(self.fitted), self.samples.iter().map(of))
        };
        let is_proven = is_proven(self.slack_nats, self.difference(1, 0, self.correction).value);
        let gain_nats = match at {
            0 => is_proven.then(|| self.difference(1, 0, self.correction)),
            1 => None,
            _ => Some(self.difference(1, at, 0.0)),
        };
        let behind_nats = (at > 0 && is_proven && !policy.is_of_draws())
            .then(|| self.difference(at, 0, self.correction));
        PolicyRow {
            policy: *policy,
            pairs: pairs.clone(),
            loss_nats: (0..pairs.len()).map(loss).collect(),
            mean_loss_nats: over_draws(weighted_mean),
            worst_loss_nats: over_draws(worst),
            gain_nats,
            behind_nats,
        }
    }

    /// The score of one policy less that of another and less `correction`: mean over the draws, and
    /// their middle 90 %.
    fn difference(&self, from: usize, to: usize, correction: f64) -> Estimate {
        let of =
            |sample: &Sample| match [from, to].map(|at| score(self.problem, &sample.losses[at])) {
                // two infinite losses have no difference
                [from, to] if from == to => 0.0,
                [from, to] => from - to - correction,
            };
        let differences: Vec<f64> = if self.samples.is_empty() {
            vec![of(self.fitted)]
        } else {
            self.samples.iter().map(of).collect()
        };
        estimate(
            differences.iter().sum::<f64>() / differences.len() as f64,
            differences.iter().copied(),
        )
    }
}

/// A value with the central 90 % of the draws; a point without draws.
fn estimate(value: f64, draws: impl Iterator<Item = f64>) -> Estimate {
    let mut draws: Vec<f64> = draws.collect();
    Estimate { value, interval_90: around(value, &mut draws, 0.9).into() }
}
