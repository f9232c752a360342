//! The best mixture by fitted laws, and what it is predicted to gain.
//!
//! ```text
//! minimise over shares p   sum_t w_t L_t(p) + pull sum_i p_i ln(p_i / near_i)
//! subject to               lower <= p <= upper,   sum_i p_i = 1
//! ```
//!
//! `L_t` is the median loss of target `t` in a model of the budget's total. Unless a bound says
//! otherwise a share stays within what the runs tried, for beyond it a law only continues a line.
//! Domains of a frozen block keep their proportions in the mix in use. The laws are of no form, so
//! the minimum is the least of many local ones and not proven.
//!
//! A gain is the weighted mean loss under another policy less that under ours, with an interval for
//! one model of each: the laws at the two mixtures together, the noise of both models, and what
//! targets miss in common.

use super::problem::{Bounds, ShareError, ShareProblem};
use super::simplex::{minimise, projected};
use super::{Run, Z_95};
use crate::numeric::largest_remainders;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::{Estimate, Interval};
use rand::RngExt;
use rayon::prelude::*;
use serde::Serialize;

/// Starts of the search: the best runs, and random shares.
const BEST_RUNS: usize = 8;
const RANDOM: usize = 8;
/// Distance from a bound, relative to the range, at which a share counts as held by it.
const AT_BOUND: f64 = 1e-3;

/// What holds a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Nothing.
    None,
    /// The least that was asked for.
    Min,
    /// The most that was asked for, or that unique amounts allow.
    Max,
    /// The least share that the runs tried.
    LeastTried,
    /// The largest share that the runs tried.
    MostTried,
}

/// What one domain gets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DomainShare {
    /// Domain.
    pub domain: String,
    /// Its amount, in the unit of the budget.
    pub amount: u64,
    /// Its share of the budget.
    pub share: f64,
    /// Least and largest share among the runs.
    pub tried: (f64, f64),
    /// What holds it.
    pub held: Held,
}

/// A way to share the budget, and what is predicted of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyShares {
    /// `parallot`, `uniform`, `proportional`, `current`, or `best-run` and its name.
    pub policy: String,
    /// Amount per domain.
    pub amounts: Vec<u64>,
    /// Whether every share lies within what the runs tried; the losses are extrapolated else.
    pub is_tried: bool,
    /// Whether it keeps the bounds that were asked for and the frozen blocks.
    pub is_allowed: bool,
    /// Predicted loss per target.
    pub losses: Vec<f64>,
    /// Their weighted mean.
    pub mean_loss: f64,
    /// What ours is predicted to gain over it, in units of the losses: one model of each. None for
    /// ours.
    pub parallot_gains: Option<Estimate>,
}

/// The shares that were chosen, beside others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShareAllocation {
    /// Amount of all domains.
    pub budget: u64,
    /// Parameters of the model that losses are predicted for.
    pub n_params: Option<f64>,
    /// Targets, in the order of the losses.
    pub targets: Vec<String>,
    /// Weights of the targets; their sum is 1.
    pub weights: Vec<f64>,
    /// What each domain gets.
    pub domains: Vec<DomainShare>,
    /// Ours first.
    pub policies: Vec<PolicyShares>,
    /// Who is ahead, and by what.
    pub verdict: String,
}

impl ShareProblem<'_> {
    /// The best shares that were found, the same on any number of threads, and the bounds that they
    /// kept.
    fn best(&self, seed: u64) -> Result<(Vec<f64>, Bounds), ShareError> {
        let (bounds, (lower, upper)) = self.block_bounds()?;
        let gathered = |shares: &[f64]| -> Vec<f64> {
            self.blocks.iter().map(|block| block.iter().map(|&(at, _)| shares[at]).sum()).collect()
        };
        let mut runs: Vec<(f64, Vec<f64>)> = Vec::new();
        for run in &self.laws.fits.runs {
            let start = projected(&gathered(&run.shares), &lower, &upper);
            runs.push((self.objective(&self.spread(&start)).0, start));
        }
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        runs.truncate(BEST_RUNS);
        let mut starts: Vec<Vec<f64>> = runs.into_iter().map(|(_, start)| start).collect();
        starts.push(vec![1.0 / self.blocks.len() as f64; self.blocks.len()]);
        starts.extend(self.current.as_deref().map(gathered));
        let mut random = generator(seed, Purpose::Mixtures, Item::Of("starts"));
        starts.extend((0..RANDOM).map(|_| {
            self.blocks.iter().map(|_| -random.random::<f64>().max(1e-12).ln()).collect()
        }));
        let f = |of_blocks: &[f64]| {
            let (value, gradient) = self.objective(&self.spread(of_blocks));
            (
                value,
                self.blocks
                    .iter()
                    .map(|block| block.iter().map(|&(at, part)| part * gradient[at]).sum())
                    .collect(),
            )
        };
        let found: Vec<(Vec<f64>, f64)> =
            starts.par_iter().map(|start| minimise(f, start, &lower, &upper)).collect();
        let least = found.into_iter().min_by(|a, b| a.1.total_cmp(&b.1));
        Ok((self.spread(&least.map(|(shares, _)| shares).unwrap_or_default()), bounds))
    }

    /// What holds a domain at a share within bounds.
    fn held(&self, domain: usize, share: f64, (lower, upper): (f64, f64)) -> Held {
        let ((least, most), (_, most_tried)) = (self.asked[domain], self.laws.tried(domain));
        let near = |bound: f64| (share - bound).abs() <= AT_BOUND * (upper - lower).max(1e-9);
        match () {
            () if near(upper) && upper < 1.0 && upper >= most => Held::Max,
            () if near(lower) && lower > 0.0 && lower <= least => Held::Min,
            () if near(upper) && upper <= most_tried && upper < 1.0 => Held::MostTried,
            () if near(lower) && lower > 0.0 => Held::LeastTried,
            () => Held::None,
        }
    }

    /// The simple ways to share the budget, as far as they are known; within the bounds that were
    /// asked for, but for the mix in use.
    fn baselines(&self) -> Vec<(String, Vec<f64>)> {
        let (lower, upper): (Vec<f64>, Vec<f64>) = self.asked.iter().copied().unzip();
        let within = |shares: &[f64]| projected(shares, &lower, &upper);
        let fits = self.laws.fits;
        let mut all =
            vec![("uniform".to_owned(), within(&vec![1.0 / lower.len() as f64; lower.len()]))];
        if let Some(unique) = fits.unique.iter().copied().collect::<Option<Vec<f64>>>() {
            let sum: f64 = unique.iter().sum();
            all.push((
                "proportional".to_owned(),
                within(&unique.iter().map(|unique| unique / sum).collect::<Vec<_>>()),
            ));
        }
        all.extend(self.current.clone().map(|shares| ("current".to_owned(), shares)));
        let mean = |run: &&Run| {
            let losses = run.losses.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0);
            losses.map(|(loss, weight)| loss.map(|loss| loss * weight)).sum::<Option<f64>>()
        };
        // of models as large as the one asked for and as near its total as there is, of shares that
        // it may have
        let allowed = || {
            fits.runs.iter().filter(|run| run.n_params == self.n_params && self.allows(&run.shares))
        };
        let apart = |run: &Run| run.total.map_or(0.0, |total| (total / self.total).ln().abs());
        let nearest = allowed().map(apart).fold(f64::INFINITY, f64::min);
        let alike = allowed().filter(|run| apart(run) <= nearest + 1e-9);
        let measured = alike.filter_map(|run| Some((mean(&run)?, run)));
        let best = measured.min_by(|a, b| a.0.total_cmp(&b.0));
        all.extend(best.map(|(_, run)| (format!("best-run {}", run.name), run.shares.clone())));
        all
    }

    /// What `ours` is predicted to gain over `other`.
    pub(super) fn gain(&self, ours: &[f64], other: &[f64]) -> Estimate {
        let (ours, other) = (self.run(ours), self.run(other));
        let (mut value, mut deviations) = (0.0, Vec::with_capacity(self.weights.len()));
        for (law, weight) in self.laws.laws.iter().zip(&self.weights) {
            let joint = law.joint(&[&other, &ours]);
            let [there, here] = [joint.means[0].exp(), joint.means[1].exp()];
            value += weight * (there - here);
            let own = |at: usize| joint.covariance[(at, at)] + joint.noise;
            let variance = there * there * own(0) + here * here * own(1)
                - 2.0 * there * here * joint.covariance[(0, 1)];
            deviations.push(weight * variance.max(0.0).sqrt());
        }
        let both =
            |i: usize, j: usize| deviations[i] * deviations[j] * self.laws.correlation[(i, j)];
        let places = 0..deviations.len();
        let variance: f64 = places
            .clone()
            .flat_map(|i| places.clone().map(move |j| (i, j)))
            .map(|(i, j)| both(i, j))
            .sum();
        let apart = Z_95 * variance.max(0.0).sqrt();
        Estimate { value, interval_90: Interval { lo: value - apart, hi: value + apart } }
    }

    /// Chooses the shares and sets them beside the simple ones.
    pub fn solve(&self, seed: u64) -> Result<ShareAllocation, ShareError> {
        let (best, bounds) = self.best(seed)?;
        let policy = |policy: String, shares: &[f64], is_ours: bool| {
            let run = self.run(shares);
            let losses: Vec<f64> =
                self.laws.laws.iter().map(|law| law.slope(&run).0.exp()).collect();
            PolicyShares {
                policy,
                amounts: largest_remainders(shares, self.total as u64),
                is_allowed: self.allows(shares),
                is_tried: shares
                    .iter()
                    .enumerate()
                    .all(|(at, share)| self.laws.is_tried(at, *share)),
                mean_loss: losses
                    .iter()
                    .zip(&self.weights)
                    .map(|(loss, weight)| loss * weight)
                    .sum(),
                losses,
                parallot_gains: (!is_ours).then(|| self.gain(&best, shares)),
            }
        };
        let mut policies = vec![policy("parallot".to_owned(), &best, true)];
        policies.extend(
            self.baselines().into_iter().map(|(name, shares)| policy(name, &shares, false)),
        );
        let names = self.laws.fits.domains.iter().enumerate();
        let domains = names.map(|(at, domain)| DomainShare {
            domain: domain.clone(),
            amount: policies[0].amounts[at],
            share: best[at],
            tried: self.laws.tried(at),
            held: self.held(at, best[at], bounds[at]),
        });
        Ok(ShareAllocation {
            budget: self.total as u64,
            n_params: self.n_params,
            targets: self.laws.fits.targets.iter().map(|target| target.target.clone()).collect(),
            weights: self.weights.clone(),
            domains: domains.collect(),
            verdict: verdict(&policies),
            policies,
        })
    }
}

/// Who is ahead: ours against the best of the others as predicted, of those that the runs tell of.
fn verdict(policies: &[PolicyShares]) -> String {
    let others = policies
        .iter()
        .filter(|row| row.is_tried && row.is_allowed)
        .filter_map(|row| Some((row, row.parallot_gains?)));
    let Some((row, gain)) = others.min_by(|a, b| a.0.mean_loss.total_cmp(&b.0.mean_loss)) else {
        return "undecided: no other policy keeps within the bounds and what the runs tried"
            .to_owned();
    };
    let Interval { lo, hi } = gain.interval_90;
    let verdict = match () {
        () if !policies[0].is_tried => "beyond the runs",
        () if lo > 0.0 => "follow parallot",
        () if hi < 0.0 => "behind",
        () => "undecided",
    };
    let interval = format!("one model of each, 90 % interval {lo:+.4} to {hi:+.4}");
    format!(
        "{verdict}: parallot is predicted to gain {:+.4} ({interval}) over `{}`, the best of the \
        others",
        gain.value, row.policy
    )
}
