//! From a problem to its answer: the solver that fits, and what its result proves.

use super::certificate::{Duals, PrimalDual, certify, gradient};
use super::feasibility::implied::{self, Inside};
use super::feasibility::repair;
use super::feasibility::{self, Conflict, Unmet};
use super::kernel::Kernel;
use super::nonconvex::{branch, reach};
use super::problem::{Group, Over, Problem, Program, Risk, Rule};
use super::separable::level;
use super::{convex, integer};
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
    /// The search found no amounts that meet the constraints at a finite loss, and no proof that there are none.
    NoneFound,
}

impl From<Unmet> for Status {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::Conflict(conflict) => Status::Infeasible(conflict),
            Unmet::NoneFound => Status::NoneFound,
        }
    }
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

impl Solved {
    /// Amounts of which nothing is proven.
    pub fn unproven(x: Vec<f64>, objective: f64) -> Self {
        Solved {
            x,
            objective,
            lower_bound: f64::NEG_INFINITY,
            gap: f64::INFINITY,
            budget_multiplier: 0.0,
            ln_budget_multiplier: None,
            group_multipliers: Vec::new(),
        }
    }
}

/// Largest gap of a proven optimum: of convex problems, and of those that are searched.
const PROVEN: f64 = 1e-9;
const PROVEN_BY_SEARCH: f64 = 1e-8;
/// Languages times boxes of a search: seconds at most. Eight boxes are the usual; many equal S-shaped languages take more than anybody has.
const NODES: usize = 300_000;
/// The same where every box needs an interior point.
const NODES_COUPLED: usize = 3_000;
/// Draws of which few boxes are all that fits into a second.
const MANY_DRAWS: usize = 64;

/// Solves a problem. What does not meet bounds, budget and groups to rounding at a finite loss is no answer.
pub fn solve(problem: &Problem) -> Answer {
    solve_within(problem, usize::MAX)
}

/// The same with a search of at most so many boxes, where laws start concave or grains are coupled.
pub fn solve_within(problem: &Problem, boxes: usize) -> Answer {
    match answer(problem, boxes) {
        Ok((program, solution, bound)) => {
            let solved = solved(problem, &program, solution, bound);
            let proven = if program.is_convex() { PROVEN } else { PROVEN_BY_SEARCH };
            let status = if solved.gap <= proven { Status::Optimal } else { Status::Feasible };
            Answer { status, solved: Some(solved) }
        }
        Err(status) => Answer { status, solved: None },
    }
}

/// Whether amounts, whole or not, meet bounds, budget and groups, whatever their loss.
pub fn can_be_met(problem: &Problem) -> bool {
    feasibility::check(problem.parts(), &problem.program).is_ok()
}

/// Amounts that meet bounds, budget and groups, whole or not and whatever their loss.
pub fn meeting(problem: &Problem) -> Result<Vec<f64>, Unmet> {
    feasibility::check(problem.parts(), &problem.program)?;
    match implied::middle(&problem.program) {
        Some(x) if problem.program.holds(&x) => Ok(x),
        _ => feasibility::together(problem.parts(), &problem.program),
    }
}

/// Whole grains that meet them, whatever their loss; absent where none were found.
pub fn meeting_whole(problem: &Problem) -> Option<Vec<f64>> {
    nearest_whole(problem, &feasibility::together(problem.parts(), &problem.program).ok()?, false)
}

/// Whole grains that meet bounds, budget and groups, near amounts that need not; absent where none were found, in a short search of a sketch.
pub fn nearest_whole(problem: &Problem, x: &[f64], is_sketch: bool) -> Option<Vec<f64>> {
    let grains: Vec<f64> = problem.parts().languages.iter().map(|language| language.grain).collect::<Option<_>>()?;
    let program = integer::rounded(&problem.program, &grains);
    let looks = if is_sketch { repair::FEW } else { repair::MOST };
    program.own.iter().all(|own| own.lower <= own.upper).then(|| repair::repaired(&program, &grains, x, looks)).flatten()
}

/// A program as it is solved, amounts that hold, and a bound where the multipliers alone prove none.
type Found<'a> = (Cow<'a, Program>, PrimalDual, Option<f64>);

fn answer(problem: &Problem, boxes: usize) -> Result<Found<'_>, Status> {
    let parts = problem.parts();
    let grains: Option<Vec<f64>> = parts.languages.iter().map(|language| language.grain).collect();
    let program = match &grains {
        Some(grains) => Cow::Owned(integer::rounded(&problem.program, grains)),
        None => Cow::Borrowed(&problem.program),
    };
    check(problem, &program)?;
    let program = match if program.rows.is_empty() { Inside::Open } else { implied::inside(&program) } {
        Inside::Flat(flat) => match &grains {
            Some(grains) => Cow::Owned(integer::rounded(&flat, grains)),
            None => Cow::Owned(*flat),
        },
        Inside::Open | Inside::Empty => program,
    };
    if program.own.iter().any(|own| own.lower > own.upper) {
        return Err(none_whole(problem, integer::none()));
    }
    // groups may leave a language nothing
    no_finite(problem, &feasibility::starved(&program))?;
    let (solution, bound) = optimum(problem, &program, grains.as_deref(), boxes).map_err(|unmet| match (&grains, unmet) {
        (Some(_), Unmet::Conflict(conflict)) => none_whole(problem, conflict),
        (_, unmet) => Status::from(unmet),
    })?;
    let (solution, bound) = held(problem, &program, solution, bound, grains.is_some())?;
    Ok((program, solution, bound))
}

/// The solution where it holds at a finite loss; else, where amounts need not be whole, any amounts that do, of which the multipliers still
/// prove how far they are from the optimum.
fn held(
    problem: &Problem,
    program: &Program,
    solution: PrimalDual,
    bound: Option<f64>,
    whole: bool,
) -> Result<(PrimalDual, Option<f64>), Status> {
    let is_answer = |x: &[f64]| program.holds(x) && problem.program.holds(x) && program.objective(x).is_finite();
    if is_answer(&solution.x) {
        return Ok((solution, bound));
    }
    if whole {
        return Err(Status::NoneFound);
    }
    let near =
        (solution.x.len() == program.len() && solution.x.iter().all(|x| x.is_finite())).then(|| implied::nearest(program, &solution.x));
    let others = near.flatten().into_iter().chain(implied::middle(program)).chain(feasibility::together(problem.parts(), program).ok());
    let x = others.into_iter().find(|x| is_answer(x)).ok_or(Status::NoneFound)?;
    Ok((PrimalDual { x, ..solution }, bound))
}

/// That some languages can have no finite loss, if any.
fn no_finite(problem: &Problem, starved: &[usize]) -> Result<(), Status> {
    let names: Vec<String> = starved.iter().map(|&i| problem.parts().languages[i].name.clone()).collect();
    if names.is_empty() { Ok(()) } else { Err(Status::NoFiniteValue(names)) }
}

/// What it means that no whole grains meet the constraints with one grain for every pole: perhaps some do without.
fn none_whole(problem: &Problem, conflict: Conflict) -> Status {
    match integer::starved_by(problem) {
        Ok(poles) if poles.is_empty() => Status::Infeasible(conflict),
        Ok(poles) => Status::NoFiniteValue(poles.into_iter().map(|i| problem.parts().languages[i].name.clone()).collect()),
        Err(unmet) => Status::from(unmet),
    }
}

/// Whether any amounts meet the constraints, also in whole grains, at a finite loss.
fn check(problem: &Problem, program: &Program) -> Result<(), Status> {
    let parts = problem.parts();
    feasibility::check(parts, &problem.program)?;
    if let Some(unmet) = integer::conflict(problem) {
        return Err(unmet.into());
    }
    no_finite(problem, &feasibility::starved(program))?;
    // whole grains can be had, but perhaps not one for every pole
    feasibility::check(parts, program).map_err(|unmet| match unmet {
        Unmet::Conflict(conflict) => none_whole(problem, conflict),
        Unmet::NoneFound => Status::NoneFound,
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

/// The only amounts that budget and bounds leave, where they leave one choice alone.
fn only_point(program: &Program, whole: bool) -> Option<Vec<f64>> {
    let (room, lower) = (program.room(), || program.own.iter().map(|own| own.lower).collect::<Vec<_>>());
    let mut free = (0..program.len()).filter(|&i| program.own[i].lower < program.own[i].upper);
    match (free.next(), free.next()) {
        _ if room <= 0.0 => Some(lower()),
        (None, _) => Some(lower()),
        (Some(i), None) if program.exact && !whole => {
            let mut x = lower();
            x[i] = (x[i] + room / program.own[i].cost).min(program.own[i].upper);
            Some(x)
        }
        _ => None,
    }
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
fn optimum(problem: &Problem, program: &Program, grains: Option<&[f64]>, boxes: usize) -> Result<(PrimalDual, Option<f64>), Unmet> {
    let parts = problem.parts();
    let nodes = if program.is_separable() && program.risk == Risk::Mean { NODES } else { NODES_COUPLED };
    let nodes = (nodes / (program.len() * program.draws)).max(if program.draws > MANY_DRAWS { 4 } else { 64 }).min(boxes);
    // without any weight one feasible point is as good as another
    let idle = program.kernels.iter().all(Kernel::is_idle) && grains.is_none();
    let x = if idle { Some(feasibility::together(parts, program)?) } else { only_point(program, grains.is_some()) };
    if let Some(x) = x.filter(|x| program.holds(x)) {
        let objective = program.objective(&x);
        let duals = Duals { budget: first_unit(program, &x), ..Duals::default() };
        return Ok((PrimalDual { x, duals, ln_price: None }, Some(objective)));
    }
    if let Some(grains) = grains {
        let (solution, excess) = integer::solve(program, grains, nodes)?;
        let bound = program.objective(&solution.x) - excess;
        return Ok((solution, Some(bound)));
    }
    if program.is_convex() {
        return Ok((convex::solve(program), None));
    }
    if program.over == Over::Worst && program.draws == 1 && program.is_separable() {
        let level = level::solve(program);
        return Ok((level.solution, Some(level.bound)));
    }
    if program.over == Over::Worst
        && program.draws == 1
        && let Some(level) = reach::solve(program)
    {
        return Ok((level.solution, Some(level.bound)));
    }
    let (solution, bound) = branch::solve(program, None, nodes);
    // without amounts of its own the search proves its bound all the same
    let solution = solution.unwrap_or(PrimalDual { x: Vec::new(), duals: Duals::default(), ln_price: None });
    Ok((solution, Some(bound)))
}

fn solved(problem: &Problem, program: &Program, solution: PrimalDual, bound: Option<f64>) -> Solved {
    let certificate = certify(program, &solution.x, &solution.duals);
    let objective = certificate.objective;
    let rounding = |bound: f64| certificate.rounding.max(4.0 * f64::EPSILON * bound.abs());
    let lower_bound = bound.map_or_else(|| certificate.lower_bound(), |bound| bound - rounding(bound));
    let Duals { budget, mut rows, .. } = solution.duals;
    rows.resize(program.rows.len(), 0.0);
    let reducible =
        if program.over == Over::Sum && program.risk == Risk::Mean { certificate.computed } else { objective - program.floor() };
    // of a bound that was searched for, what is within the digits of the objective is as good as nothing
    let slack = match bound {
        Some(bound) if objective - bound > 8.0 * f64::EPSILON * objective.abs() => objective - lower_bound,
        Some(_) => certificate.rounding,
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
