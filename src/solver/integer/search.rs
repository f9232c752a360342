//! Steps of one cost: branch and bound over the languages whose laws start concave; for convex laws
//! its root is the answer.
//!
//! The optimum of the envelopes bounds the objective from below, and its whole steps, priced by the
//! laws themselves, from above. By Shapley and Folkman at most one language ends inside its chord;
//! its range is split there, which closes the gap in a few nodes.

use super::greedy;
use super::steps::Steps;
use crate::solver::problem::{Own, Program, sum};
use crate::solver::separable;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Relative gap at which the search stops: as good as rounding.
const CLOSED: f64 = 1e-13;

/// The languages that share the steps.
pub(crate) struct Shared<'a> {
    pub program: &'a Program,
    pub languages: &'a [usize],
    pub grains: &'a [f64],
    /// Steps to give.
    pub total: u64,
}

/// A part of the search space and what its envelopes say of it.
struct Node {
    ranges: Vec<(u64, u64)>,
    counts: Vec<u64>,
    /// Reducible part of the objective.
    objective: f64,
    bound: f64,
    /// The language deepest inside its chord.
    split: Option<usize>,
}

impl Shared<'_> {
    /// The best steps found for ranges that admit the total, and what they miss the optimum by at
    /// most.
    pub(crate) fn solve(&self, ranges: Vec<(u64, u64)>, nodes: usize) -> (Vec<u64>, f64) {
        let root = self.explore(ranges);
        let mut best = (root.objective, root.counts.clone());
        let mut open = BinaryHeap::from([root]);
        for _ in 0..nodes {
            let target = best.0 - CLOSED * best.0;
            if open.peek().is_none_or(|node| node.bound >= target) {
                break;
            }
            let Some((split, node)) = open.pop().and_then(|node| Some((node.split?, node))) else {
                break;
            };
            let (least, most) = node.ranges[split];
            let at = node.counts[split];
            for half in [(least, at), (at + 1, most)] {
                let mut ranges = node.ranges.clone();
                ranges[split] = half;
                if !fits(&ranges, self.total) {
                    continue;
                }
                let mut child = self.explore(ranges);
                child.bound = child.bound.max(node.bound);
                if child.objective < best.0 {
                    best = (child.objective, child.counts.clone());
                }
                open.push(child);
            }
        }
        let bound = open.peek().map_or(best.0, |node| node.bound.min(best.0));
        (best.1, best.0 - bound)
    }

    /// Solves the envelopes over ranges that the total fits.
    fn explore(&self, ranges: Vec<(u64, u64)>) -> Node {
        let room = self.total - ranges.iter().map(|range| range.0).sum::<u64>();
        // nobody can get more than all that is free, and a tight range makes a tight envelope
        let tight: Vec<(u64, u64)> = ranges
            .iter()
            .map(|&(least, most)| (least, most.min(least.saturating_add(room))))
            .collect();
        let steps: Vec<Steps> = self
            .languages
            .iter()
            .zip(&tight)
            .map(|(&i, &range)| Steps::new(self.program, i, self.grains[i], range))
            .collect();
        let mut counts = self.near_optimum(&tight);
        greedy::settle(&steps, self.total, &mut counts);
        let excesses: Vec<f64> =
            steps.iter().zip(&counts).map(|(steps, &k)| steps.excess(k)).collect();
        let split = excesses
            .iter()
            .enumerate()
            .filter(|(_, excess)| **excess > 0.0)
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map(|(at, _)| at);
        let objective = sum(steps.iter().zip(&counts).map(|(steps, &k)| steps.loss(k)));
        Node { ranges, counts, objective, bound: objective - sum(excesses.into_iter()), split }
    }

    /// The continuous optimum of the envelopes, rounded down.
    fn near_optimum(&self, ranges: &[(u64, u64)]) -> Vec<u64> {
        let draws = self.program.draws;
        let amount = |at: usize, steps: u64| steps as f64 * self.grains[self.languages[at]];
        let own = |at: usize| Own {
            lower: amount(at, ranges[at].0),
            upper: amount(at, ranges[at].1),
            ..self.program.own[self.languages[at]]
        };
        let own: Vec<Own> = (0..ranges.len()).map(own).collect();
        let kernel = |at: usize| {
            let data = |x: f64| own[at / draws].effective(x).value;
            let law = self.program.draws_of(self.languages[at / draws])[at % draws];
            law.envelope(data(own[at / draws].lower), data(own[at / draws].upper))
        };
        let relaxed = Program {
            kernels: (0..ranges.len() * draws).map(kernel).collect(),
            draws,
            budget: self.total as f64 * own[0].cost * self.grains[self.languages[0]],
            exact: false,
            own,
            rows: Vec::new(),
            transfer: None,
            over: self.program.over,
            risk: self.program.risk,
        };
        let whole = |(x, at): (f64, usize)| {
            ((x / self.grains[self.languages[at]]) as u64).clamp(ranges[at].0, ranges[at].1)
        };
        separable::solve(&relaxed).x.into_iter().zip(0..).map(whole).collect()
    }
}

fn fits(ranges: &[(u64, u64)], total: u64) -> bool {
    let least: u128 = ranges.iter().map(|range| u128::from(range.0)).sum();
    let most: u128 = ranges.iter().map(|range| u128::from(range.1)).sum();
    least <= u128::from(total)
        && u128::from(total) <= most
        && ranges.iter().all(|range| range.0 <= range.1)
}

impl Ord for Node {
    /// The lowest bound is the greatest node, so that a heap gives it first; of equals the better
    /// objective.
    fn cmp(&self, other: &Self) -> Ordering {
        other.bound.total_cmp(&self.bound).then(other.objective.total_cmp(&self.objective))
    }
}

impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Node {}
