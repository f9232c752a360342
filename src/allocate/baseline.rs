//! The baselines: ways to spend a budget that read no law.

use super::{Policy, Problem};
use crate::numeric::roots::falling_root;

impl Policy {
    /// Pairs a language by this policy, whole, within the bounds, summing to the budget.
    ///
    /// A policy is a value a language, and each gets that value times one common factor, clipped into its bounds; the factor is the one
    /// that spends the budget, so what a clipped language leaves or takes is shared by the policy's own rule. Fractions go to the
    /// largest remainders, ties by order. [`Policy::UniMax`] fills its epochs first and spreads what they cannot hold evenly.
    /// Where [`Policy::is_defined_for`] says no, this is [`Policy::Uniform`].
    pub fn allot(&self, problem: &Problem) -> Vec<u64> {
        let terms = problem.terms();
        let ranges: Vec<(u64, u64)> = terms.iter().map(|term| (term.lower, problem.most(term))).collect();
        let sizes: Option<Vec<f64>> = terms.iter().map(|term| term.unique.map(|unique| unique as f64)).collect();
        let even = vec![1.0; terms.len()];
        match (self, sizes.filter(|_| self.is_defined_for(problem))) {
            (Policy::Parallot, _) => problem.solve().languages.iter().map(|language| language.pairs).collect(),
            (Policy::Proportional, Some(sizes)) => fill(&ranges, &sizes, problem.budget()),
            (Policy::Temperature(t), Some(sizes)) => {
                let largest = sizes.iter().copied().fold(0.0, f64::max);
                let values: Vec<f64> = sizes.iter().map(|size| (size / largest.max(1.0)).powf(1.0 / t)).collect();
                fill(&ranges, &values, problem.budget())
            }
            (Policy::UniMax(epochs), Some(sizes)) => unimax(&ranges, &sizes, *epochs, problem.budget()),
            _ => fill(&ranges, &even, problem.budget()),
        }
    }

    /// Whether the policy's numbers are known: those that go by unique pairs need them of every language, a temperature must be above 0,
    /// and epochs not below 0.
    pub fn is_defined_for(&self, problem: &Problem) -> bool {
        let known = || problem.terms().iter().all(|term| term.unique.is_some());
        match *self {
            Policy::Parallot | Policy::Uniform => true,
            Policy::Proportional => known(),
            Policy::Temperature(t) => t > 0.0 && t.is_finite() && known(),
            Policy::UniMax(epochs) => epochs >= 0.0 && known(),
        }
    }
}

fn unimax(ranges: &[(u64, u64)], sizes: &[f64], epochs: f64, budget: u64) -> Vec<u64> {
    let even = vec![1.0; ranges.len()];
    let caps = ranges.iter().zip(sizes).map(|(&(least, most), size)| ((size * epochs) as u64).clamp(least, most));
    let capped: Vec<(u64, u64)> = ranges.iter().zip(caps).map(|(range, cap)| (range.0, cap)).collect();
    if capped.iter().map(|range| u128::from(range.1)).sum::<u128>() >= u128::from(budget) {
        return fill(&capped, &even, budget);
    }
    let rest: Vec<(u64, u64)> = ranges.iter().zip(&capped).map(|(range, capped)| (capped.1, range.1)).collect();
    fill(&rest, &even, budget)
}

/// Whole amounts `clip(c value, least, most)` that sum to `total`, which the ranges admit; languages of value 0 are filled evenly, last.
pub(super) fn fill(ranges: &[(u64, u64)], values: &[f64], total: u64) -> Vec<u64> {
    let held: u128 = ranges.iter().zip(values).map(|(range, &value)| u128::from(if value > 0.0 { range.1 } else { range.0 })).sum();
    if held < u128::from(total) && values.contains(&0.0) {
        let rest: Vec<(u64, u64)> = ranges.iter().zip(values).map(|(r, &value)| if value > 0.0 { (r.1, r.1) } else { *r }).collect();
        return fill(&rest, &vec![1.0; values.len()], total);
    }
    let amount = |factor: f64, (&(least, most), &value): (&(u64, u64), &f64)| (factor * value).clamp(least as f64, most as f64);
    let amounts = |ln_factor: f64| ranges.iter().zip(values).map(move |pair| amount(ln_factor.exp(), pair));
    let positive = || ranges.iter().zip(values).filter(|(_, value)| **value > 0.0);
    // so little that nobody gets a whole pair by it, and so much that everybody is full
    let little = positive().map(|(_, value)| 1e-3 / (value * ranges.len() as f64)).fold(f64::INFINITY, f64::min).min(1e300);
    let much = positive().map(|((_, most), value)| (*most as f64 + 1.0) / value).fold(little, f64::max);
    let root = falling_root(|ln_factor| total as f64 - amounts(ln_factor).sum::<f64>(), little.ln(), much.ln());
    round(ranges, &amounts(root.left).collect::<Vec<f64>>(), total)
}

/// Rounds down and gives what is left to the largest remainders with room, ties by order.
fn round(ranges: &[(u64, u64)], amounts: &[f64], total: u64) -> Vec<u64> {
    let mut pairs: Vec<u64> = ranges.iter().zip(amounts).map(|(&(least, most), &x)| (x as u64).clamp(least, most)).collect();
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by(|&i, &j| amounts[j].fract().total_cmp(&amounts[i].fract()));
    let mut left = total.saturating_sub(pairs.iter().sum());
    while left > 0 && order.iter().any(|&i| pairs[i] < ranges[i].1) {
        for &i in &order {
            if left > 0 && pairs[i] < ranges[i].1 {
                pairs[i] += 1;
                left -= 1;
            }
        }
    }
    pairs
}
