//! Convex programs: the solver that the structure asks for.

use super::certificate::PrimalDual;
use super::problem::{Over, Program, Risk};
use super::separable::level;
use super::{interior, separable};

/// The optimum of a feasible convex program with the multipliers that prove it.
pub(crate) fn solve(program: &Program) -> PrimalDual {
    match (program.over, program.risk) {
        (Over::Worst, Risk::Mean) if program.is_separable() && program.draws == 1 => {
            level::solve(program).solution
        }
        (Over::Sum, Risk::Mean) if program.is_separable() => separable::solve(program),
        _ => interior::solve(program, &alone(program)),
    }
}

/// The optimum of the sum and the mean if nothing coupled the languages: where to start when
/// something does.
fn alone(program: &Program) -> PrimalDual {
    separable::solve(&Program {
        rows: Vec::new(),
        transfer: None,
        over: Over::Sum,
        risk: Risk::Mean,
        ..program.clone()
    })
}
