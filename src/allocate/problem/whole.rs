//! Whole pairs near a continuous optimum: rounded within bounds, budget and groups, then moved
//! while a move lowers the objective.
//!
//! A move takes pairs from one language and gives what they cost to another, or gives what is left
//! over. Where every pair costs the same, the laws are convex and no group cuts across another,
//! pairs that no move improves are the optimum. Elsewhere they are close to it, and the bound of
//! the continuous optimum says how close.

use super::posed::Posed;
use super::slots::rounded;
use super::{Budget, Problem, amounts};
use crate::solver;

/// Moves of the largest first-order gain, of those that hold, that are looked at in earnest.
const LOOKS: usize = 12;
/// The same where each is worth what hundreds of draws say.
const LOOKS_OVER_DRAWS: usize = 4;
/// Moves made over draws, and of one of many problems.
const FEW_MOVES: usize = 16;
/// Pairs of the dearest language up to which the budget of one of many problems is worth moves: of
/// more, a pair is no share that shows.
const SMALL: f64 = 1000.0;
/// Relative fall of the objective that is rounding.
const ROUNDING: f64 = 1e-15;

/// Whole pairs that hold, near amounts `x` of the problem as posed; absent where none were found.
pub(super) fn near(problem: &Problem, posed: &Posed, x: &[f64]) -> Option<Vec<u64>> {
    let rounded = if problem.groups().is_empty() {
        Some(rounded(problem, x))
    } else {
        solver::nearest_whole(&posed.problem, x, problem.is_sketch())
            .map(|x| x.iter().map(|&x| x.round() as u64).collect())
    };
    let pairs = rounded
        .filter(|pairs| problem.holds(pairs))
        .or_else(|| problem.witness.as_deref().cloned())?;
    let dearest = problem.terms().iter().map(|term| problem.cost(term)).fold(0.0, f64::max);
    let worth_it = !problem.is_sketch() || problem.budget().amount() <= SMALL * dearest;
    Some(if worth_it { Moves { problem, posed }.improved(pairs) } else { pairs })
}

/// Pairs taken from one language and given to another; from nobody, what is left over.
#[derive(Debug, Clone, Copy)]
struct Move {
    from: Option<(usize, u64)>,
    to: (usize, u64),
    /// What it gains to first order.
    estimate: f64,
}

impl Move {
    fn applied(&self, pairs: &[u64]) -> Vec<u64> {
        let mut moved = pairs.to_vec();
        if let Some((from, taken)) = self.from {
            moved[from] -= taken;
        }
        moved[self.to.0] += self.to.1;
        moved
    }
}

struct Moves<'a> {
    problem: &'a Problem,
    posed: &'a Posed,
}

impl Moves<'_> {
    fn improved(&self, mut pairs: Vec<u64>) -> Vec<u64> {
        let most = if self.posed.is_average && !self.problem.is_sketch() {
            4 * pairs.len() + 8
        } else {
            FEW_MOVES
        };
        for _ in 0..most {
            let best = self.moves(&pairs).into_iter().filter_map(|(step, moved)| {
                let gain = self.gain(&pairs, &moved, &step);
                (gain > 0.0).then_some((gain, moved))
            });
            let Some((_, moved)) = best.max_by(|a, b| a.0.total_cmp(&b.0)) else { break };
            pairs = moved;
        }
        pairs
    }

    /// Of the moves that hold, those that gain most to first order, and where they lead.
    fn moves(&self, pairs: &[u64]) -> Vec<(Move, Vec<u64>)> {
        let terms = self.problem.terms();
        let costs: Vec<f64> = terms.iter().map(|term| self.problem.cost(term)).collect();
        let (up, down) = self.margins(pairs);
        let left = (self.problem.budget().amount() - self.problem.spent(pairs)).max(0.0);
        let all_spent =
            matches!(self.problem.budget(), Budget::Pairs(_)) && self.problem.groups().is_empty();
        let room = |i: usize| self.problem.most(&terms[i]).saturating_sub(pairs[i]);
        let spare = |i: usize| pairs[i].saturating_sub(self.problem.least(i));
        // a sum of costs has lost digits
        let fitting = |budget: f64, cost: f64| (budget / cost * (1.0 + 1e-12)).floor() as u64;
        let mut moves = Vec::new();
        for to in 0..pairs.len() {
            let given = fitting(left, costs[to]).min(room(to));
            if given > 0 && !all_spent {
                moves.push(Move { from: None, to: (to, given), estimate: given as f64 * up[to] });
                moves.push(Move { from: None, to: (to, 1), estimate: up[to] });
            }
            for from in (0..pairs.len()).filter(|&from| from != to) {
                let taken =
                    ((costs[to] - left) / costs[from] * (1.0 - 1e-12)).ceil().max(1.0) as u64;
                let given = fitting(taken as f64 * costs[from] + left, costs[to]);
                let given = if all_spent { taken } else { given.min(room(to)) };
                if taken <= spare(from) && given > 0 && given <= room(to) {
                    let estimate = given as f64 * up[to] - taken as f64 * down[from];
                    moves.push(Move { from: Some((from, taken)), to: (to, given), estimate });
                }
            }
        }
        moves.retain(|step| step.estimate > 0.0);
        moves.sort_by(|a, b| b.estimate.total_cmp(&a.estimate));
        let led = moves.into_iter().map(|step| (step, step.applied(pairs)));
        led.filter(|(_, moved)| self.problem.holds(moved))
            .take(if self.posed.is_average { LOOKS } else { LOOKS_OVER_DRAWS })
            .collect()
    }

    /// What a further pair of each language gains, and what the last one gained; of coupled
    /// languages at the margin.
    fn margins(&self, pairs: &[u64]) -> (Vec<f64>, Vec<f64>) {
        let terms = self.problem.terms();
        if let Some(coupling) = self.problem.coupling().filter(|_| self.posed.is_average) {
            let gains = coupling.gains(terms, pairs);
            return (gains.clone(), gains);
        }
        if !self.is_plain() {
            let gains = self.posed.problem.marginal_gains(&amounts(pairs));
            return (gains.clone(), gains);
        }
        let fall = |i: usize, x: u64| {
            if terms[i].weight > 0.0 {
                terms[i].weight * terms[i].fall(x as f64, x as f64 + 1.0)
            } else {
                0.0
            }
        };
        let up = (0..pairs.len()).map(|i| fall(i, pairs[i])).collect();
        let down = (0..pairs.len())
            .map(|i| pairs[i].checked_sub(1).map_or(f64::INFINITY, |x| fall(i, x)))
            .collect();
        (up, down)
    }

    /// Whether the objective is the sum of what the languages lose by their own pairs.
    fn is_plain(&self) -> bool {
        self.posed.is_average && self.problem.coupling().is_none()
    }

    /// What a move gains.
    fn gain(&self, pairs: &[u64], moved: &[u64], step: &Move) -> f64 {
        if self.is_plain() {
            let fall = |i: usize, from: u64, to: u64| {
                let term = &self.problem.terms()[i];
                if term.weight > 0.0 {
                    term.weight * term.fall(from as f64, to as f64)
                } else {
                    0.0
                }
            };
            let lost = step.from.map_or(0.0, |(from, _)| fall(from, moved[from], pairs[from]));
            return fall(step.to.0, pairs[step.to.0], moved[step.to.0]) - lost;
        }
        let value = |pairs: &[u64]| match self.problem.coupling() {
            Some(_) if self.posed.is_average => self.problem.weighted_loss(pairs),
            _ => self.posed.problem.objective(&amounts(pairs)),
        };
        let (before, after) = (value(pairs), value(moved));
        before - after - ROUNDING * before.abs()
    }
}
