//! From a problem to its answer: the solver that fits, and what its result proves.

use super::certificate::{Duals, ROUNDING, certify, gradient};
use super::feasible::{self, Conflict};
use super::implied::{self, Inside};
use super::kernel::Kernel;
use super::problem::{Group, Problem, Rule};
use super::program::{Over, Program, Risk};
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
/// The same where every box needs an interior point.
const NODES_COUPLED: usize = 20_000;

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
        Inside::Flat(flat) => match &grains {
            Some(grains) => Cow::Owned(grain::rounded(&flat, grains)),
            None => Cow::Owned(*flat),
        },
        Inside::Open | Inside::Empty => program,
    };
    if program.own.iter().any(|own| own.lower > own.upper) {
        return Answer { status: Status::Infeasible(grain::none()), solved: None };
    }
    // groups may leave a language nothing
    let starved = feasible::starved(&program);
    if !starved.is_empty() {
        let names = starved.into_iter().map(|i| parts.languages[i].name.clone()).collect();
        return Answer { status: Status::NoFiniteValue(names), solved: None };
    }
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
    if let Some(conflict) = grain::conflict(problem) {
        return Err(Status::Infeasible(conflict));
    }
    let none_finite = |starved: Vec<usize>| Status::NoFiniteValue(starved.into_iter().map(|i| parts.languages[i].name.clone()).collect());
    let starved = feasible::starved(program);
    if !starved.is_empty() {
        return Err(none_finite(starved));
    }
    // whole grains can be had, but not one for every pole
    feasible::check(parts, program).map_err(|conflict| match grain::starved(problem, program) {
        poles if poles.is_empty() => Status::Infeasible(conflict),
        poles => none_finite(poles),
    })
}

/// What relaxing each group is worth. A group that hides an equation may have a multiplier of the wrong sign, which then belongs to the group
/// that holds the same sum from the other side.
fn multipliers(groups: &[Group], rows: &[f64]) -> Vec<f64> {
    let mut worth: Vec<f64> = groups.iter().zip(rows).map(|(group, &mu)| if group.rule == Rule::AtLeast { -mu } else { mu }).collect();
    for g in 0..groups.len() {
        if groups[g].rule != Rule::Exactly && worth[g] < 0.0 {
            let other = (0..groups.len()).find(|&h| groups[h].rule != groups[g].rule && groups[h].terms == groups[g].terms);
            if let Some(h) = other {
                worth[h] += if groups[h].rule == Rule::Exactly && groups[g].rule == Rule::AtMost { worth[g] } else { -worth[g] };
            }
            worth[g] = 0.0;
        }
    }
    worth
}

/// The only amounts that a budget leaves, where it leaves no room above the lower bounds and no bounds of their own are below it.
fn only_point(program: &Program) -> Option<Vec<f64>> {
    let room = program.budget - program.least_spent();
    let fixed = program.own.iter().all(|own| own.lower >= own.upper);
    (room <= feasible::SLACK * program.budget || fixed).then(|| program.own.iter().map(|own| own.lower).collect())
}

/// What a first unit of budget beyond the only amounts is worth, to whoever gains most by it; of a mean of sums.
fn first_unit(program: &Program, x: &[f64]) -> f64 {
    if program.over != Over::Sum || program.risk != Risk::Mean || !program.rows.is_empty() {
        return 0.0;
    }
    let slopes = gradient(program, x, &program.jets(&program.data(x)), None);
    let gains = slopes.iter().zip(&program.own).filter(|(_, own)| own.upper > own.lower).map(|(slope, own)| -slope / own.cost);
    gains.filter(|gain| gain.is_finite()).fold(0.0, f64::max)
}

/// The optimum of a program, and a bound where the multipliers alone prove none.
fn optimum(problem: &Problem, program: &Program, grains: Option<&[f64]>) -> Result<(Solution, Option<f64>), Status> {
    let parts = problem.parts();
    let nodes = if program.is_separable() && program.risk == Risk::Mean { NODES } else { NODES_COUPLED };
    let nodes = (nodes / (program.len() * program.draws)).max(64);
    // without any weight one feasible point is as good as another
    let idle = program.kernels.iter().all(Kernel::is_idle) && grains.is_none();
    let x = if idle { Some(feasible::together(parts, program).map_err(Status::Infeasible)?) } else { only_point(program) };
    if let Some(x) = x {
        let objective = program.objective(&x);
        let duals = Duals { budget: first_unit(program, &x), ..Duals::default() };
        return Ok((Solution { x, duals, ln_price: None }, Some(objective)));
    }
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
    let Duals { budget, mut rows, .. } = solution.duals;
    rows.resize(program.rows.len(), 0.0);
    let reducible =
        if program.over == Over::Sum && program.risk == Risk::Mean { certificate.computed } else { objective - program.floor() };
    // of a bound that was searched for, what is within the digits of the objective is as good as nothing
    let slack = match bound {
        Some(bound) if objective - bound > 8.0 * f64::EPSILON * objective.abs() => objective - lower_bound,
        Some(_) => ROUNDING * reducible,
        None => certificate.slack(),
    };
    Solved {
        gap: if slack <= 0.0 { 0.0 } else { slack / reducible },
        x: solution.x,
        objective,
        lower_bound,
        budget_multiplier: budget,
        ln_budget_multiplier: solution.ln_price,
        group_multipliers: multipliers(&problem.parts().groups, &rows),
    }
}
