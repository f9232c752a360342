//! Branch and bound over the languages whose laws start concave; for convex laws its root is the answer.
//!
//! The optimum of the envelopes bounds the objective from below, and its whole amounts, priced by the laws themselves, from above.
//! By Shapley and Folkman at most one language ends inside its chord; its range is split there, which closes the gap in a few nodes.

use super::envelope::Envelope;
use super::problem::Problem;
use super::{Active, Allocation, Allotted, Term, baseline, greedy};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Relative gap at which the search stops: as good as rounding.
const CLOSED: f64 = 1e-13;

/// A part of the search space and what its envelopes say of it.
struct Node {
    /// Narrowed ranges: language, least, most.
    ranges: Vec<(usize, u64, u64)>,
    pairs: Vec<u64>,
    objective: f64,
    bound: f64,
    /// The language deepest inside its chord.
    split: Option<usize>,
}

/// Solves a checked problem.
pub(super) fn solve(problem: &Problem) -> Allocation {
    let weighted: Vec<&Term> = problem.terms().iter().filter(|term| term.weight > 0.0).collect();
    let full: u128 = weighted.iter().map(|term| u128::from(problem.most(term))).sum();
    let idle: u64 = problem.terms().iter().filter(|term| term.weight == 0.0).map(|term| term.lower).sum();
    let budget = problem.budget() - idle;
    if full <= u128::from(budget) {
        let pairs: Vec<u64> = weighted.iter().map(|term| problem.most(term)).collect();
        return describe(problem, &spread(problem, &pairs), objective_of(&weighted, &pairs));
    }
    let (pairs, bound) = branch_and_bound(problem, &weighted, budget);
    describe(problem, &spread(problem, &pairs), bound)
}

/// Pairs of all terms from those of weight above 0; the others share what is left evenly, their lower bounds at least.
fn spread(problem: &Problem, weighted: &[u64]) -> Vec<u64> {
    let left = problem.budget() - weighted.iter().sum::<u64>();
    let idle: Vec<&Term> = problem.terms().iter().filter(|term| term.weight == 0.0).collect();
    let ranges: Vec<(u64, u64)> = idle.iter().map(|term| (term.lower, problem.most(term))).collect();
    let mut idle = baseline::fill(&ranges, &vec![1.0; ranges.len()], left).into_iter();
    let mut weighted = weighted.iter().copied();
    problem.terms().iter().map(|term| if term.weight > 0.0 { weighted.next() } else { idle.next() }.unwrap_or(term.lower)).collect()
}

fn objective_of(terms: &[&Term], pairs: &[u64]) -> f64 {
    terms.iter().zip(pairs).map(|(term, &x)| term.weight * term.law.loss(x as f64)).sum()
}

/// The best pairs found and a bound that holds for all.
fn branch_and_bound(problem: &Problem, terms: &[&Term], budget: u64) -> (Vec<u64>, f64) {
    let root = explore(problem, terms, budget, Vec::new());
    let floor: f64 = terms.iter().map(|term| term.weight * term.law.irreducible()).sum();
    let mut best = (root.objective, root.pairs.clone());
    let mut open = BinaryHeap::from([root]);
    // eight nodes are the usual; the limit keeps a problem of many equal languages, which no bound tells apart, to seconds
    for _ in 0..(2_000_000 / terms.len()).max(64) {
        let target = best.0 - CLOSED * (best.0 - floor);
        if open.peek().is_none_or(|node| node.bound >= target) {
            break;
        }
        let Some((split, node)) = open.pop().and_then(|node| Some((node.split?, node))) else { break };
        for (least, most) in halves(problem, terms[split], &node, split) {
            let mut ranges = node.ranges.clone();
            ranges.retain(|range| range.0 != split);
            ranges.push((split, least, most));
            if !fits(&bounds(problem, terms, &ranges), budget) {
                continue;
            }
            let mut child = explore(problem, terms, budget, ranges);
            child.bound = child.bound.max(node.bound);
            if child.objective < best.0 {
                best = (child.objective, child.pairs.clone());
            }
            open.push(child);
        }
    }
    let bound = open.peek().map_or(best.0, |node| node.bound.min(best.0));
    (best.1, bound)
}

/// The range of the split language below and above where it stands.
fn halves(problem: &Problem, term: &Term, node: &Node, split: usize) -> [(u64, u64); 2] {
    let range = node.ranges.iter().find(|range| range.0 == split);
    let (least, most) = range.map_or((term.least(), problem.most(term)), |&(_, least, most)| (least, most));
    let at = node.pairs[split];
    [(least, at), (at + 1, most)]
}

/// Least and most of every language, narrowed.
fn bounds(problem: &Problem, terms: &[&Term], ranges: &[(usize, u64, u64)]) -> Vec<(u64, u64)> {
    let mut bounds: Vec<(u64, u64)> = terms.iter().map(|term| (term.least(), problem.most(term))).collect();
    ranges.iter().for_each(|&(i, least, most)| bounds[i] = (least, most));
    bounds
}

fn fits(bounds: &[(u64, u64)], budget: u64) -> bool {
    let least: u128 = bounds.iter().map(|range| u128::from(range.0)).sum();
    let most: u128 = bounds.iter().map(|range| u128::from(range.1)).sum();
    least <= u128::from(budget) && u128::from(budget) <= most
}

/// Solves the envelopes over narrowed ranges that the budget fits.
fn explore(problem: &Problem, terms: &[&Term], budget: u64, ranges: Vec<(usize, u64, u64)>) -> Node {
    let bounds = bounds(problem, terms, &ranges);
    let room = budget - bounds.iter().map(|range| range.0).sum::<u64>();
    // nobody can get more than all that is free, and a tight range makes a tight envelope
    let envelopes: Vec<Envelope> =
        terms.iter().zip(&bounds).map(|(term, &(least, most))| Envelope::new(term, least, most.min(least + room))).collect();
    let pairs = greedy::allot(&envelopes, budget);
    let excesses: Vec<f64> = envelopes.iter().zip(&pairs).map(|(envelope, &x)| envelope.excess(x)).collect();
    let split = excesses.iter().enumerate().filter(|(_, excess)| **excess > 0.0).max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i);
    let objective = objective_of(terms, &pairs);
    Node { ranges, pairs, objective, bound: objective - excesses.iter().sum::<f64>(), split }
}

fn describe(problem: &Problem, pairs: &[u64], bound: f64) -> Allocation {
    let total = (problem.budget() as f64).max(1.0);
    let languages = problem.terms().iter().zip(pairs).map(|(term, &x)| allotted(term, x, total)).collect();
    let objective = problem.objective(pairs);
    let floor: f64 = problem.terms().iter().map(|term| term.weight * term.law.irreducible()).sum();
    let lower_bound = bound.min(objective);
    let gap = if objective > lower_bound { (objective - lower_bound) / (objective - floor) } else { 0.0 };
    let price = |(term, &x): (&Term, &u64)| term.weight * term.law.fall(x as f64, x as f64 + 1.0);
    let wanting = problem.terms().iter().zip(pairs).filter(|(term, x)| term.weight > 0.0 && term.upper.is_none_or(|upper| **x < upper));
    let shadow_price = wanting.map(price).fold(0.0, f64::max);
    Allocation { languages, budget: problem.budget(), objective, shadow_price, lower_bound, gap }
}

fn allotted(term: &Term, pairs: u64, total: f64) -> Allotted {
    let x = pairs as f64;
    Allotted {
        lang: term.lang.clone(),
        pairs,
        share: x / total,
        epochs: term.unique.filter(|&unique| unique > 0).map(|unique| x / unique as f64),
        // a language of weight 0 has no part in the objective, even at a pole
        marginal_gain_per_1k: if term.weight == 0.0 { 0.0 } else { -1000.0 * term.weight * term.law.slope(x) },
        active: match pairs {
            _ if pairs == term.lower => Active::Lower,
            _ if term.upper == Some(pairs) => Active::Upper,
            _ => Active::None,
        },
        loss_nats: term.law.loss(x),
    }
}

impl Ord for Node {
    /// The lowest bound is the greatest node, so that a heap gives it first; of equals the better objective.
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
