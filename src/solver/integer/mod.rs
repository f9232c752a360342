//! Whole grains: every amount a whole number of steps.
//!
//! Steps of one cost are given to the largest gains first. Gains fall along a convex law, so the
//! gains taken form prefixes, and no set of as many steps does better: the plan is exact, and its
//! proof is that the smallest gain taken is not below the largest left. Steps of unequal cost make
//! a knapsack, which `knapsack` searches. The worst language has a level, as without grains. All
//! that is coupled goes to `branch`.

mod enumerate;
mod greedy;
mod knapsack;
mod search;
mod steps;

use crate::solver::certificate::{Duals, PrimalDual};
use crate::solver::error::SolveError;
use crate::solver::feasibility;
use crate::solver::feasibility::implied::{self, Inside};
use crate::solver::feasibility::repair::{self, repaired};
use crate::solver::kernel::Kernel;
use crate::solver::nonconvex::branch;
use crate::solver::problem::{Over, Own, PosedProblem, Program, Risk};
use crate::solver::separable;
use crate::solver::separable::level;
use enumerate::Looked;
use knapsack::{Knapsack, Searched};
use search::Shared;
use steps::Steps;

/// What a search for whole grains comes to: the best amounts found and how far they may be above
/// the optimum.
pub(crate) type Whole = Result<(PrimalDual, f64), SolveError>;

/// Rounding that a whole number of grains is allowed.
const WHOLE: f64 = 1e-9;

/// Narrows bounds to whole grains; languages with a pole that profit from no other get at least
/// one.
pub(crate) fn rounded(program: &Program, grains: &[f64]) -> Program {
    narrowed(program, grains, |i| program.transfer.is_none() && has_pole(program, i))
}

fn narrowed(program: &Program, grains: &[f64], needs_one: impl Fn(usize) -> bool) -> Program {
    let own = program.own.iter().zip(grains).enumerate().map(|(i, (own, grain))| {
        let least = (own.lower / grain - WHOLE).ceil().max(if needs_one(i) { 1.0 } else { 0.0 });
        Own { lower: grain * least, upper: grain * (own.upper / grain + WHOLE).floor(), ..*own }
    });
    Program { own: own.collect(), ..program.clone() }
}

fn has_pole(program: &Program, i: usize) -> bool {
    program.draws_of(i).iter().any(Kernel::has_pole)
}

/// What it means that no whole grains meet the constraints with one grain for every pole: perhaps
/// some do without.
pub(crate) fn none_whole(
    problem: &PosedProblem,
    grains: &[f64],
    conflict: SolveError,
) -> SolveError {
    match starved_by(&problem.program, grains) {
        Ok(poles) if poles.is_empty() => conflict,
        Ok(poles) => SolveError::NoFiniteValue(problem.names(&poles)),
        Err(error) => error,
    }
}

/// The languages with a pole that whole grains leave nothing, where some grains meet the
/// constraints without them; none where no grains do.
fn starved_by(program: &Program, grains: &[f64]) -> Result<Vec<usize>, SolveError> {
    let poles: Vec<usize> = (0..program.len()).filter(|&i| has_pole(program, i)).collect();
    let free = narrowed(program, grains, |_| false);
    if poles.is_empty() || !has_any(&free, grains)? {
        return Ok(Vec::new());
    }
    let found = match implied::inside(&free) {
        Inside::Flat(flat) => feasibility::starved(&flat),
        _ => Vec::new(),
    };
    Ok(if found.is_empty() { poles } else { found })
}

/// Whether any whole grains meet the constraints, whatever their loss.
fn has_any(program: &Program, grains: &[f64]) -> Result<bool, SolveError> {
    if program.own.iter().any(|own| own.lower > own.upper) {
        return Ok(false);
    }
    let lower: Vec<f64> = program.own.iter().map(|own| own.lower).collect();
    if program.holds(&lower) {
        return Ok(true);
    }
    if points(program, grains) <= FEW {
        return Ok(!matches!(enumerate::look(program, grains), Looked::None));
    }
    let idle = Program {
        kernels: program.kernels.iter().map(|kernel| kernel.weighted(0.0)).collect(),
        ..program.clone()
    };
    let near = relaxed(&idle);
    if repaired(&idle, grains, &near, repair::MOST).is_some() {
        return Ok(true);
    }
    match program.is_separable().then(|| sum_of_all(&idle, grains, 1)) {
        Some(Ok(_)) => Ok(true),
        Some(Err(SolveError::Infeasible(_))) => Ok(false),
        Some(Err(_)) | None => Err(SolveError::NoneFound),
    }
}

/// Amounts that meet the constraints, whole or not; the lower bounds where none were found.
fn relaxed(program: &Program) -> Vec<f64> {
    implied::middle(program).unwrap_or_else(|| program.own.iter().map(|own| own.lower).collect())
}

/// Checks that whole grains may meet the constraints, whatever the loss: the program with its
/// bounds narrowed to them.
pub(crate) fn check(problem: &PosedProblem, grains: &[f64]) -> Result<Program, SolveError> {
    let program = narrowed(&problem.program, grains, |_| false);
    feasibility::check(problem.parts(), &program)?;
    check_spendable(&program, grains).map(|()| program)
}

/// A budget that must be spent, of steps that are all multiples of the cheapest, must be a multiple
/// of it too.
fn check_spendable(program: &Program, grains: &[f64]) -> Result<(), SolveError> {
    let costs: Vec<f64> =
        program.own.iter().zip(grains).map(|(own, grain)| own.cost * grain).collect();
    let cheapest = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let is_whole = |steps: f64| (steps - steps.round()).abs() <= (1e-12 * steps).max(WHOLE);
    let steps = program.budget / cheapest;
    let even = costs.iter().all(|cost| is_whole(cost / cheapest));
    if !(program.exact && even && steps < 1e9) || is_whole(steps) {
        return Ok(());
    }
    let asks = format!("the budget is exactly {}", program.budget);
    let short = program.budget - steps.floor() * cheapest;
    Err(SolveError::conflict([asks, format!("every step costs a multiple of {cheapest}")], short))
}

/// Solves a feasible program whose bounds are whole grains.
pub(crate) fn solve(program: &Program, grains: &[f64], nodes: usize) -> Whole {
    let single_kind = program.is_convex() || program.draws == 1;
    match (program.over, program.risk) {
        (Over::Sum, Risk::Mean) if program.is_separable() && single_kind => {
            sum_of_all(program, grains, nodes)
        }
        (Over::Worst, Risk::Mean)
            if program.is_separable() && program.draws == 1 && !program.exact =>
        {
            Ok((worst(program, grains), 0.0))
        }
        _ if points(program, grains) <= FEW => match enumerate::look(program, grains) {
            Looked::Best(solution) => Ok((solution, 0.0)),
            Looked::Infinite | Looked::None => Err(none()),
        },
        _ => {
            let (solution, bound) = branch::solve(program, Some(grains), nodes);
            let solution = solution.ok_or(if bound == f64::INFINITY {
                none()
            } else {
                SolveError::NoneFound
            })?;
            let objective = program.objective(&solution.x);
            Ok((solution, objective - bound))
        }
    }
}

/// Points of a search that are so few that all are looked at.
const FEW: f64 = 1e5;

/// How many whole amounts the bounds hold.
fn points(program: &Program, grains: &[f64]) -> f64 {
    let reach = program.reach().zip(&program.own).zip(grains);
    reach
        .map(|((reach, own), grain)| {
            ((reach.min(own.upper) - own.lower) / grain + WHOLE).floor() + 1.0
        })
        .product()
}

/// That no whole grains are left.
pub(crate) fn none() -> SolveError {
    SolveError::conflict(
        ["the groups and the budget", "no whole grains meet them all"].map(str::to_owned),
        0.0,
    )
}

fn sum_of_all(program: &Program, grains: &[f64], nodes: usize) -> Whole {
    let counted: Vec<usize> = (0..program.len()).filter(|&i| program.counts(i)).collect();
    let costs: Vec<f64> =
        program.own.iter().zip(grains).map(|(own, grain)| own.cost * grain).collect();
    if counted.is_empty() && !program.exact {
        let counts: Vec<u64> = program
            .own
            .iter()
            .zip(grains)
            .map(|(own, grain)| (own.lower / grain).round() as u64)
            .collect();
        return Ok((found(&counts, grains, 0.0), 0.0));
    }
    if costs.iter().all(|cost| (cost - costs[0]).abs() <= 1e-12 * costs[0]) {
        return equal_costs(program, grains, &counted, costs[0], nodes);
    }
    let languages: Vec<usize> = if program.exact { (0..program.len()).collect() } else { counted };
    unequal_costs(program, grains, &languages, &costs)
}

/// Steps of one cost.
fn equal_costs(
    program: &Program,
    grains: &[f64],
    counted: &[usize],
    cost: f64,
    nodes: usize,
) -> Whole {
    let steps = program.budget / cost;
    let nearest = steps.round();
    let whole = (steps - nearest).abs() <= (1e-12 * steps).clamp(WHOLE, 0.25);
    let total = if whole { nearest } else { steps.floor() };
    if program.exact && !whole {
        let asks = format!("the budget is exactly {}", program.budget);
        return Err(SolveError::conflict(
            [asks, format!("a step costs {cost}")],
            program.budget - total * cost,
        ));
    }
    let whole = |i: usize| {
        let own = &program.own[i];
        // beyond 2^53 steps a double no longer tells neighbours apart
        let most = (own.upper / grains[i]).round().min(total).min(9e15);
        ((own.lower / grains[i]).round() as u64, most as u64)
    };
    let ranges: Vec<(u64, u64)> = (0..program.len()).map(whole).collect();
    let mut counts: Vec<u64> = ranges.iter().map(|range| range.0).collect();
    let idle: u64 = (0..program.len()).filter(|i| !counted.contains(i)).map(|i| counts[i]).sum();
    let own_ranges: Vec<(u64, u64)> = counted.iter().map(|&i| ranges[i]).collect();
    let most: u128 = own_ranges.iter().map(|range| u128::from(range.1)).sum();
    let shared = Shared {
        program,
        languages: counted,
        grains,
        total: (total as u64 - idle).min(u64::try_from(most).unwrap_or(u64::MAX)),
    };
    let (own, excess) =
        if counted.is_empty() { (Vec::new(), 0.0) } else { shared.solve(own_ranges, nodes) };
    counted.iter().zip(own).for_each(|(&i, steps)| counts[i] = steps);
    if program.exact {
        spread(&mut counts, &ranges, total as u64, |i| !counted.contains(&i));
    }
    let wanting =
        counted.iter().map(|&i| Steps::new(program, i, grains[i], (counts[i], ranges[i].1)));
    let gain = wanting
        .filter(|steps| steps.lower < steps.upper)
        .map(|steps| steps.gain(steps.lower))
        .fold(0.0, f64::max);
    Ok((found(&counts, grains, gain / cost), excess))
}

/// Gives what is left to languages that it makes no difference to, evenly.
fn spread(counts: &mut [u64], ranges: &[(u64, u64)], total: u64, takes: impl Fn(usize) -> bool) {
    let mut left = total - counts.iter().sum::<u64>();
    loop {
        let open: Vec<usize> =
            (0..counts.len()).filter(|&i| takes(i) && counts[i] < ranges[i].1).collect();
        if left == 0 || open.is_empty() {
            return;
        }
        let share = (left / open.len() as u64).max(1);
        for i in open {
            let more = share.min(ranges[i].1 - counts[i]).min(left);
            counts[i] += more;
            left -= more;
        }
    }
}

/// Steps of unequal cost.
fn unequal_costs(program: &Program, grains: &[f64], languages: &[usize], costs: &[f64]) -> Whole {
    let room = program.room();
    let whole = |i: usize| {
        let least = (program.own[i].lower / grains[i]).round();
        let most = (program.own[i].upper / grains[i])
            .round()
            .min(least + (room / costs[i] + WHOLE).floor());
        (least as u64, most.max(least) as u64)
    };
    let steps: Vec<Steps> =
        languages.iter().map(|&i| Steps::new(program, i, grains[i], whole(i))).collect();
    let held: f64 = (0..program.len())
        .filter(|i| !languages.contains(i))
        .map(|i| program.own[i].cost * program.own[i].lower)
        .sum();
    let own_costs: Vec<f64> = languages.iter().map(|&i| costs[i]).collect();
    let relaxed = branch::envelopes(program);
    let solution = separable::solve(&relaxed);
    let price = solution.duals.budget;
    let knapsack = Knapsack {
        languages: &steps,
        costs: &own_costs,
        budget: program.budget - held,
        exact: program.exact,
        price,
    };
    let start: Vec<u64> = languages
        .iter()
        .zip(&steps)
        .map(|(&i, s)| ((solution.x[i] / grains[i]) as u64).clamp(s.lower, s.upper))
        .collect();
    let mut counts: Vec<u64> = (0..program.len()).map(|i| whole(i).0).collect();
    let filled = knapsack.filled(start);
    // where all must be spent a filled plan need not be one, and its excess is only a size to start
    // from
    match knapsack.solve(knapsack.excess(&filled) * (1.0 + WHOLE)) {
        Searched::Best(best) => {
            languages.iter().zip(best).for_each(|(&i, steps)| counts[i] = steps);
            Ok((found(&counts, grains, price), 0.0))
        }
        Searched::None => {
            let asks = format!("the budget is exactly {}", program.budget);
            Err(SolveError::conflict(
                [asks, "no number of whole grains costs that".to_owned()],
                0.0,
            ))
        }
        Searched::TooMany => {
            let excess = knapsack.excess(&filled);
            languages.iter().zip(filled).for_each(|(&i, steps)| counts[i] = steps);
            let solution = found(&counts, grains, price);
            if program.holds(&solution.x) {
                return Ok((solution, excess));
            }
            // all must be spent, and what was filled up need not spend it
            let x = repaired(program, grains, &solution.x, repair::MOST)
                .ok_or(SolveError::NoneFound)?;
            let counts: Vec<u64> =
                languages.iter().map(|&i| (x[i] / grains[i]).round() as u64).collect();
            let excess = knapsack.excess(&counts);
            Ok((PrimalDual { x, ..solution }, excess))
        }
    }
}

/// The least level whose needs, rounded up to whole grains, the budget pays: exact, for they only
/// grow as the level falls.
fn worst(program: &Program, grains: &[f64]) -> PrimalDual {
    let counted: Vec<usize> = (0..program.len()).filter(|&i| program.counts(i)).collect();
    let needed = |i: usize, level: f64| {
        let steps = (level::amount_for(program, i, level) / grains[i] - WHOLE).ceil();
        if level::loss(program, i, grains[i] * steps) <= level {
            grains[i] * steps
        } else {
            grains[i] * (steps + 1.0)
        }
    };
    // a budget of so many grains to the last digit pays for as many
    let rounded = Program { budget: program.budget * (1.0 + 1e-12), ..program.clone() };
    let root = level::least_level(&rounded, &counted, |i| program.own[i].lower, needed);
    let mut x: Vec<f64> = program.own.iter().map(|own| own.lower).collect();
    counted.iter().for_each(|&i| {
        x[i] = needed(i, root.right).clamp(program.own[i].lower, program.own[i].upper)
    });
    PrimalDual { x, duals: Duals::default(), ln_price: None }
}

fn found(counts: &[u64], grains: &[f64], price: f64) -> PrimalDual {
    let x = counts.iter().zip(grains).map(|(&steps, grain)| steps as f64 * grain).collect();
    PrimalDual { x, duals: Duals { budget: price, ..Duals::default() }, ln_price: None }
}
