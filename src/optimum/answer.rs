//! From a problem to its answer: the solver that fits, and what its result proves.

use super::certificate::{Duals, certify};
use super::feasible::{self, Conflict};
use super::problem::{Problem, Rule};
use super::program::{Over, Program, Risk};
use super::separable::{self, Solution};
use super::{interior, level};

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

/// Solves a problem.
pub fn solve(problem: &Problem) -> Answer {
    let (parts, program) = (problem.parts(), &problem.program);
    let without = |status: Status| Answer { status, solved: None };
    if let Err(conflict) = feasible::check(parts, program) {
        return without(Status::Infeasible(conflict));
    }
    let starved = feasible::starved(program);
    if !starved.is_empty() {
        return without(Status::NoFiniteValue(starved.into_iter().map(|i| parts.languages[i].name.clone()).collect()));
    }
    let (solution, bound) = optimum(program);
    let solved = solved(problem, solution, bound);
    let proven = if program.is_convex() { PROVEN } else { PROVEN_BY_SEARCH };
    let status = if solved.gap <= proven { Status::Optimal } else { Status::Feasible };
    Answer { status, solved: Some(solved) }
}

/// The optimum of a feasible program, and a bound where the multipliers alone prove none.
fn optimum(program: &Program) -> (Solution, Option<f64>) {
    let single = program.is_separable() && program.draws == 1;
    match (program.over, program.risk) {
        (Over::Worst, Risk::Mean) if single => {
            let level = level::solve(program);
            let bound = (!program.is_convex()).then_some(level.bound);
            (level.solution, bound)
        }
        (Over::Sum, Risk::Mean) if program.is_separable() => (separable::solve(program), None),
        _ => (interior::solve(program, &alone(program)), None),
    }
}

/// The optimum of the sum and the mean if nothing coupled the languages: where to start when something does.
fn alone(program: &Program) -> Solution {
    separable::solve(&Program { rows: Vec::new(), transfer: None, over: Over::Sum, risk: Risk::Mean, ..program.clone() })
}

fn solved(problem: &Problem, solution: Solution, bound: Option<f64>) -> Solved {
    let program = &problem.program;
    let certificate = certify(program, &solution.x, &solution.duals);
    let objective = certificate.objective;
    let lower_bound = bound.unwrap_or_else(|| certificate.lower_bound()).min(objective);
    let Duals { budget, rows, .. } = solution.duals;
    let relaxed = |(group, mu): (&super::problem::Group, f64)| if group.rule == Rule::AtLeast { -mu } else { mu };
    Solved {
        gap: if lower_bound == objective { 0.0 } else { (objective - lower_bound) / (objective - program.floor()) },
        x: solution.x,
        objective,
        lower_bound,
        budget_multiplier: budget,
        ln_budget_multiplier: solution.ln_price,
        group_multipliers: problem.parts().groups.iter().zip(rows).map(relaxed).collect(),
    }
}
