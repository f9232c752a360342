//! The optimum of a posed problem in whole pairs, exact where that can be had fast.

use super::posed::Posed;
use super::{Budget, Problem, Rule, amounts, whole};
use crate::solver::{self, Row, Solution, SolveError, Status};

/// Pairs of unequal cost up to which the best whole numbers are searched for, a knapsack; of more
/// the continuous optimum is rounded.
const FEW_PAIRS: f64 = 1000.0;

/// Boxes that a search over laws that start concave may open: of the problem, of one over draws,
/// and of one of many about it.
const BOXES: usize = 256;
const BOXES_OVER_DRAWS: usize = 24;
const BOXES_OF_SKETCH: usize = 8;

/// Whole pairs within the bounds up to which all are looked at.
const FEW_POINTS: f64 = 4096.0;

impl Posed {
    /// The optimum in whole pairs: exact where that can be had fast, else near the continuous
    /// optimum, whose bound it keeps. Where the search for that found nothing, whole pairs that a
    /// checked problem is known to have are the start, and nothing is proven.
    pub(in crate::allocate) fn solve(
        &self,
        problem: &Problem,
    ) -> Result<(Vec<u64>, Solution), SolveError> {
        let (pairs, solution) = match self.exact(problem) {
            Some(found) => found,
            None => self.near(problem)?,
        };
        let multipliers = (0..problem.groups().len()).map(|g| {
            let own = self
                .groups
                .iter()
                .zip(&self.problem.parts().rows)
                .zip(&solution.row_multipliers)
                .filter(|((of, _), _)| **of == g);
            // of two rows that hold one cost the lower end pulls the other way
            let signed = |((_, row), worth): ((&usize, &Row), &f64)| {
                if row.rule == Rule::AtLeast { -worth } else { *worth }
            };
            if problem.groups()[g].rule == Rule::AtLeast {
                own.map(|(_, worth)| *worth).sum()
            } else {
                own.map(signed).sum::<f64>()
            }
        });
        let row_multipliers = multipliers.collect();
        Ok((pairs, Solution { row_multipliers, ..solution }))
    }

    /// The optimum where whole pairs are exact and fast: pairs of one cost without groups, a small
    /// knapsack, or few enough to look at all.
    fn exact(&self, problem: &Problem) -> Option<(Vec<u64>, Solution)> {
        let costs = || problem.terms().iter().map(|term| problem.cost(term));
        let cheapest = costs().fold(f64::INFINITY, f64::min);
        let is_even =
            matches!(problem.budget(), Budget::Pairs(_)) || costs().all(|cost| cost == cheapest);
        let is_small = !problem.is_sketch() && problem.budget().amount() <= FEW_PAIRS * cheapest;
        let points: f64 = (0..problem.terms().len())
            .map(|i| (problem.most(&problem.terms()[i]) - problem.least(i)) as f64 + 1.0)
            .product();
        let is_few = !problem.is_sketch() && points <= FEW_POINTS;
        if !(self.problem.has_exact_grains() && (is_even || is_small) || is_few) {
            return None;
        }
        let solution = solver::solve(&self.problem).ok()?;
        let pairs: Vec<u64> = solution.x.iter().map(|&x| x.round() as u64).collect();
        problem.holds(&pairs).then_some((pairs, solution))
    }

    /// Whole pairs near the continuous optimum, with its bound.
    fn near(&self, problem: &Problem) -> Result<(Vec<u64>, Solution), SolveError> {
        let boxes = match (problem.is_sketch(), self.is_average) {
            (true, true) => BOXES_OF_SKETCH,
            (true, false) => 1,
            (false, false) => BOXES_OVER_DRAWS,
            (false, true) => BOXES,
        };
        let continuous = solver::solve_in_fractions(&self.problem, boxes);
        let start = match (&continuous, &problem.witness) {
            (Ok(solution), _) => solution.x.clone(),
            (Err(_), Some(witness)) => amounts(witness),
            (Err(error), None) => return Err(error.clone()),
        };
        let pairs = whole::near(problem, self, &start).ok_or(SolveError::NoneFound)?;
        let x = amounts(&pairs);
        let objective = self.problem.objective(&x);
        let solution = match continuous {
            // what is proven of fractions of pairs is not of whole ones
            Ok(solution) => Solution { status: Status::Feasible, x, objective, ..solution },
            Err(_) => Solution::unproven(x, objective),
        };
        Ok((pairs, solution))
    }
}
