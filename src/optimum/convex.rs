//! Convex programs: the solver that the structure asks for.

use super::program::{Over, Program, Risk};
use super::separable::{self, Solution};
use super::{interior, level};

/// The optimum of a feasible convex program with the multipliers that prove it.
pub(super) fn solve(program: &Program) -> Solution {
    match (program.over, program.risk) {
        (Over::Worst, Risk::Mean) if program.is_separable() && program.draws == 1 => level::solve(program).solution,
        (Over::Sum, Risk::Mean) if program.is_separable() => separable::solve(program),
        _ => interior::solve(program, &alone(program)),
    }
}

/// The optimum of the sum and the mean if nothing coupled the languages: where to start when something does.
fn alone(program: &Program) -> Solution {
    separable::solve(&Program { rows: Vec::new(), transfer: None, over: Over::Sum, risk: Risk::Mean, ..program.clone() })
}
