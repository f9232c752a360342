//! From a problem to its answer: the solver that fits, and what its result proves.

use super::certificate::{Duals, PrimalDual, certify, gradient};
use super::error::SolveError;
use super::feasibility;
use super::feasibility::implied::{self, Inside};
use super::feasibility::repair;
use super::kernel::Kernel;
use super::nonconvex::{branch, reach};
use super::problem::{Over, PosedProblem, Program, Risk, Row, Rule};
use super::separable::level;
use super::solution::{Solution, Status};
use super::{convex, integer};
use std::borrow::Cow;

/// Largest gap of a proven optimum: of convex problems, and of those that are searched.
const PROVEN: f64 = 1e-9;
const PROVEN_BY_SEARCH: f64 = 1e-8;
/// Languages times boxes of a search: seconds at most. Eight boxes are the usual; many equal
/// S-shaped languages take more than anybody has.
const NODES: usize = 300_000;
/// The same where every box needs an interior point.
const NODES_COUPLED: usize = 3_000;
/// Draws of which few boxes are all that fits into a second.
const MANY_DRAWS: usize = 64;

/// A program as it is solved, amounts that hold, and a bound where the multipliers alone prove
/// none.
type Found<'a> = (Cow<'a, Program>, PrimalDual, Option<f64>);

/// Solves a problem. What does not meet bounds, budget and groups to rounding at a finite loss is
/// no solution.
pub fn solve(problem: &PosedProblem) -> Result<Solution, SolveError> {
    let grains: Option<Vec<f64>> =
        problem.parts().languages.iter().map(|language| language.grain).collect();
    found(problem, grains.as_deref(), usize::MAX).map(|found| solved(problem, found))
}

/// The same of amounts that need not be whole, with a search of at most so many boxes where laws
/// start concave.
pub(crate) fn solve_in_fractions(
    problem: &PosedProblem,
    boxes: usize,
) -> Result<Solution, SolveError> {
    found(problem, None, boxes).map(|found| solved(problem, found))
}

/// Whether amounts, whole or not, that meet bounds, budget and groups can be had, whatever their
/// loss.
pub(crate) fn check(problem: &PosedProblem) -> Result<(), SolveError> {
    feasibility::check(problem.parts(), &problem.program)
}

/// Whole grains that meet bounds, budget and groups, whatever their loss.
pub(crate) fn whole_point(problem: &PosedProblem) -> Result<Vec<f64>, SolveError> {
    let point = feasibility::point(problem.parts(), &problem.program)?;
    nearest_whole(problem, &point, false).ok_or(SolveError::NoneFound)
}

/// Whole grains that meet bounds, budget and groups, near amounts that need not; absent where none
/// were found, in a short search of a sketch.
pub(crate) fn nearest_whole(
    problem: &PosedProblem,
    x: &[f64],
    is_sketch: bool,
) -> Option<Vec<f64>> {
    let grains: Vec<f64> =
        problem.parts().languages.iter().map(|language| language.grain).collect::<Option<_>>()?;
    let program = integer::rounded(&problem.program, &grains);
    let looks = if is_sketch { repair::FEW } else { repair::MOST };
    program
        .own
        .iter()
        .all(|own| own.lower <= own.upper)
        .then(|| repair::repaired(&program, &grains, x, looks))
        .flatten()
}

fn found<'a>(
    problem: &'a PosedProblem,
    grains: Option<&[f64]>,
    boxes: usize,
) -> Result<Found<'a>, SolveError> {
    let program = match grains {
        Some(grains) => Cow::Owned(integer::rounded(&problem.program, grains)),
        None => Cow::Borrowed(&problem.program),
    };
    check_all(problem, &program, grains)?;
    let program =
        match if program.rows.is_empty() { Inside::Open } else { implied::inside(&program) } {
            Inside::Flat(flat) => match grains {
                Some(grains) => Cow::Owned(integer::rounded(&flat, grains)),
                None => Cow::Owned(*flat),
            },
            Inside::Open | Inside::Empty => program,
        };
    let none_whole = |conflict| {
        grains
            .map_or(SolveError::NoneFound, |grains| integer::none_whole(problem, grains, conflict))
    };
    if program.own.iter().any(|own| own.lower > own.upper) {
        return Err(none_whole(integer::none()));
    }
    // groups may leave a language nothing
    no_finite(problem, &feasibility::starved(&program))?;
    let (solution, bound) =
        optimum(problem, &program, grains, boxes).map_err(|error| match error {
            SolveError::Infeasible(_) if grains.is_some() => none_whole(error),
            error => error,
        })?;
    let (solution, bound) = held(problem, &program, solution, bound, grains.is_some())?;
    Ok((program, solution, bound))
}

/// The solution where it holds at a finite loss; else, where amounts need not be whole, any amounts
/// that do, of which the multipliers still prove how far they are from the optimum.
fn held(
    problem: &PosedProblem,
    program: &Program,
    solution: PrimalDual,
    bound: Option<f64>,
    whole: bool,
) -> Result<(PrimalDual, Option<f64>), SolveError> {
    let is_answer = |x: &[f64]| {
        program.holds(x) && problem.program.holds(x) && program.objective(x).is_finite()
    };
    if is_answer(&solution.x) {
        return Ok((solution, bound));
    }
    if whole {
        return Err(SolveError::NoneFound);
    }
    let near = (solution.x.len() == program.len() && solution.x.iter().all(|x| x.is_finite()))
        .then(|| implied::nearest(program, &solution.x));
    let others = near
        .flatten()
        .into_iter()
        .chain(implied::middle(program))
        .chain(feasibility::together(problem.parts(), program).ok());
    let x = others.into_iter().find(|x| is_answer(x)).ok_or(SolveError::NoneFound)?;
    Ok((PrimalDual { x, ..solution }, bound))
}

/// That some languages can have no finite loss, if any.
fn no_finite(problem: &PosedProblem, starved: &[usize]) -> Result<(), SolveError> {
    if starved.is_empty() { Ok(()) } else { Err(SolveError::NoFiniteValue(problem.names(starved))) }
}

/// Whether any amounts meet the constraints, also in whole grains, at a finite loss.
fn check_all(
    problem: &PosedProblem,
    program: &Program,
    grains: Option<&[f64]>,
) -> Result<(), SolveError> {
    check(problem)?;
    let Some(grains) = grains else { return no_finite(problem, &feasibility::starved(program)) };
    let without_poles = integer::check(problem, grains)?;
    no_finite(problem, &feasibility::starved(program))?;
    // whole grains can be had, but perhaps not one for every pole
    if without_poles.own == program.own {
        return Ok(());
    }
    feasibility::check(problem.parts(), program).map_err(|error| match error {
        SolveError::Infeasible(_) => integer::none_whole(problem, grains, error),
        error => error,
    })
}

/// What relaxing each row is worth. A row that hides an equation may have a multiplier of the wrong
/// sign, which then belongs to the row that holds the same sum from the other side.
fn multipliers(rows: &[Row], duals: &[f64]) -> Vec<f64> {
    let mut worth: Vec<f64> = rows
        .iter()
        .zip(duals)
        .map(|(row, &mu)| if row.rule == Rule::AtLeast { -mu } else { mu })
        .collect();
    for g in 0..rows.len() {
        if rows[g].rule != Rule::Exactly && worth[g] < 0.0 {
            let other = (0..rows.len())
                .find(|&h| rows[h].rule != rows[g].rule && rows[h].terms == rows[g].terms);
            if let Some(h) = other {
                worth[h] += if rows[h].rule == Rule::Exactly && rows[g].rule == Rule::AtMost {
                    worth[g]
                } else {
                    -worth[g]
                };
            }
            worth[g] = 0.0;
        }
    }
    worth
}

/// The only amounts that budget and bounds leave, where they leave one choice alone.
fn only_point(program: &Program, whole: bool) -> Option<Vec<f64>> {
    let (room, lower) =
        (program.room(), || program.own.iter().map(|own| own.lower).collect::<Vec<_>>());
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

/// What a first unit of budget beyond the only amounts is worth, to whoever gains most by it; of a
/// mean of sums.
fn first_unit(program: &Program, x: &[f64]) -> f64 {
    if program.over != Over::Sum || program.risk != Risk::Mean || !program.rows.is_empty() {
        return 0.0;
    }
    let slopes = gradient(program, x, &program.jets(&program.data(x)), None);
    let gains = slopes
        .iter()
        .zip(&program.own)
        .filter(|(_, own)| own.upper > own.lower)
        .map(|(slope, own)| -slope / own.cost);
    gains.filter(|gain| gain.is_finite()).fold(0.0, f64::max)
}

/// The optimum of a program, and a bound where the multipliers alone prove none.
fn optimum(
    problem: &PosedProblem,
    program: &Program,
    grains: Option<&[f64]>,
    boxes: usize,
) -> Result<(PrimalDual, Option<f64>), SolveError> {
    let parts = problem.parts();
    let nodes =
        if program.is_separable() && program.risk == Risk::Mean { NODES } else { NODES_COUPLED };
    let nodes = (nodes / (program.len() * program.draws))
        .max(if program.draws > MANY_DRAWS { 4 } else { 64 })
        .min(boxes);
    // without any weight one feasible point is as good as another
    let idle = program.kernels.iter().all(Kernel::is_idle) && grains.is_none();
    let x = if idle {
        Some(feasibility::together(parts, program)?)
    } else {
        only_point(program, grains.is_some())
    };
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
    let solution =
        solution.unwrap_or(PrimalDual { x: Vec::new(), duals: Duals::default(), ln_price: None });
    Ok((solution, Some(bound)))
}

fn solved(problem: &PosedProblem, (program, solution, bound): Found) -> Solution {
    let certificate = certify(&program, &solution.x, &solution.duals);
    let objective = certificate.objective;
    let rounding = |bound: f64| certificate.rounding.max(4.0 * f64::EPSILON * bound.abs());
    let lower_bound =
        bound.map_or_else(|| certificate.lower_bound(), |bound| bound - rounding(bound));
    let Duals { budget, mut rows, .. } = solution.duals;
    rows.resize(program.rows.len(), 0.0);
    let reducible = if program.over == Over::Sum && program.risk == Risk::Mean {
        certificate.computed
    } else {
        objective - program.floor()
    };
    // of a bound that was searched for, what is within the digits of the objective is as good as
    // nothing
    let slack = match bound {
        Some(bound) if objective - bound > 8.0 * f64::EPSILON * objective.abs() => {
            objective - lower_bound
        }
        Some(_) => certificate.rounding,
        None => certificate.slack(),
    };
    let gap = if slack <= 0.0 { 0.0 } else { slack / reducible };
    let proven = if program.is_convex() { PROVEN } else { PROVEN_BY_SEARCH };
    Solution {
        status: if gap <= proven { Status::Optimal } else { Status::Feasible },
        gap,
        x: solution.x,
        objective,
        lower_bound,
        budget_multiplier: budget,
        ln_budget_multiplier: solution.ln_price,
        row_multipliers: multipliers(&problem.parts().rows, &rows),
    }
}
