//! From a problem to its answer: the solver that fits, and what its result proves.

use super::certificate::{Duals, ROUNDING, certify};
use super::feasible::{self, Conflict};
use super::implied::{self, Inside};
use super::problem::{Problem, Rule};
use super::program::{Over, Program};
use super::separable::Solution;
use super::{branch, convex, grain, level};
use std::borrow::Cow;

/// What is known of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// The amounts are feasible, and the gap proves that none are better.
    Optimal,
    /// The amounts are feasible; better ones may exist within the gap.
    Feasible,
    /// No amounts meet the constraints.
    Infeasible(Conflict),
    /// Some amounts meet the constraints, but the loss of these languages is infinite in all of them.
    NoFiniteValue(Vec<String>),
}

/// The answer to a problem. Without amounts all numbers are absent.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What is known.
    pub status: Status,
    /// The amounts and their proof.
    pub solved: Option<Solved>,
}

/// Feasible amounts with a bound on the optimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Solved {
    /// Amount of each language, pairs.
    pub x: Vec<f64>,
    /// The objective at these amounts.
    pub objective: f64,
    /// No feasible amounts come below this.
    pub lower_bound: f64,
    /// `(objective - lower_bound)` over the objective less its floor.
    pub gap: f64,
    /// What a unit more of budget is worth; 0 where it would not be spent.
    pub budget_multiplier: f64,
    /// Its logarithm, where the number itself may be below the least double.
    pub ln_budget_multiplier: Option<f64>,
    /// What a unit of relaxing each group is worth; of either sign for groups held exactly.
    pub group_multipliers: Vec<f64>,
}

/// Largest gap of a proven optimum: of convex problems, and of those that are searched.
const PROVEN: f64 = 1e-9;
const PROVEN_BY_SEARCH: f64 = 1e-8;
/// Languages times boxes of a search: seconds at most. Eight boxes are the usual; many equal S-shaped languages take more than anybody has.
const NODES: usize = 1_000_000;

/// Solves a problem.
pub fn solve(problem: &Problem) -> Answer {
    let parts = problem.parts();
    let grains: Option<Vec<f64>> = parts.languages.iter().map(|language| language.grain).collect();
    let program = match &grains {
        Some(grains) => Cow::Owned(grain::rounded(&problem.program, grains)),
        None => Cow::Borrowed(&problem.program),
    };
    if let Err(status) = check(problem, &program) {
        return Answer { status, solved: None };
    }
    let program = match if program.rows.is_empty() { Inside::Open } else { implied::inside(&program) } {
        Inside::Flat(flat) => Cow::Owned(*flat),
        Inside::Open | Inside::Empty => program,
    };
    match optimum(problem, &program, grains.as_deref()) {
        Err(status) => Answer { status, solved: None },
        Ok((solution, bound)) => {
            let solved = solved(problem, &program, solution, bound);
            let proven = if program.is_convex() { PROVEN } else { PROVEN_BY_SEARCH };
            let status = if solved.gap <= proven { Status::Optimal } else { Status::Feasible };
            Answer { status, solved: Some(solved) }
        }
    }
}

/// Whether any amounts meet the constraints, also in whole grains, at a finite loss.
fn check(problem: &Problem, program: &Program) -> Result<(), Status> {
    let parts = problem.parts();
    feasible::check(parts, &problem.program).map_err(Status::Infeasible)?;
    let starved = feasible::starved(program);
    if !starved.is_empty() {
        return Err(Status::NoFiniteValue(starved.into_iter().map(|i| parts.languages[i].name.clone()).collect()));
    }
    feasible::check(parts, program).map_err(Status::Infeasible)
}

/// The optimum of a program, and a bound where the multipliers alone prove none.
fn optimum(problem: &Problem, program: &Program, grains: Option<&[f64]>) -> Result<(Solution, Option<f64>), Status> {
    let parts = problem.parts();
    let nodes = (NODES / program.len()).max(64);
    if let Some(grains) = grains {
        let (solution, excess) = grain::solve(program, grains, nodes).map_err(Status::Infeasible)?;
        let bound = program.objective(&solution.x) - excess;
        return Ok((solution, Some(bound)));
    }
    if program.is_convex() {
        let solution = convex::solve(program);
        // what is not feasible is no answer, however close
        if program.rows.is_empty() || program.holds(&solution.x) {
            return Ok((solution, None));
        }
        let x = feasible::together(parts, program).map_err(Status::Infeasible)?;
        return Ok((Solution { x, ..solution }, None));
    }
    if program.over == Over::Worst && program.draws == 1 && program.is_separable() {
        let level = level::solve(program);
        return Ok((level.solution, Some(level.bound)));
    }
    match branch::solve(program, None, nodes) {
        Some((solution, bound)) => Ok((solution, Some(bound))),
        None => {
            let x = feasible::together(parts, program).map_err(Status::Infeasible)?;
            Ok((Solution { x, duals: Duals::default(), ln_price: None }, Some(f64::NEG_INFINITY)))
        }
    }
}

fn solved(problem: &Problem, program: &Program, solution: Solution, bound: Option<f64>) -> Solved {
    let certificate = certify(program, &solution.x, &solution.duals);
    let objective = certificate.objective;
    let lower_bound = bound.map_or_else(|| certificate.lower_bound(), |bound| bound - ROUNDING * bound.abs());
    let Duals { budget, rows, .. } = solution.duals;
    let relaxed = |(group, mu): (&super::problem::Group, f64)| if group.rule == Rule::AtLeast { -mu } else { mu };
    Solved {
        gap: (objective - lower_bound) / (objective - program.floor()),
        x: solution.x,
        objective,
        lower_bound,
        budget_multiplier: budget,
        ln_budget_multiplier: solution.ln_price,
        group_multipliers: problem.parts().groups.iter().zip(rows).map(relaxed).collect(),
    }
}
