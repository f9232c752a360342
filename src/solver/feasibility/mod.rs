//! Whether any amounts meet the constraints, and if none do, which constraints are in each other's
//! way and by how much.
//!
//! | module | what it finds |
//! |---|---|
//! | `simplex` | amounts that meet linear rows and bounds, or what of them contradicts itself |
//! | `implied` | constraints that hold as equations, amounts inside the others or near given ones |
//! | `repair` | whole grains near amounts that are not whole |

pub(crate) mod implied;
pub(crate) mod repair;
pub(crate) mod simplex;

use crate::solver::error::SolveError;
use crate::solver::problem::{Parts, Program, sum};
use simplex::{Contradiction, Failure};

/// Relative rounding that a sum of amounts is allowed.
pub(crate) const SLACK: f64 = 8.0 * f64::EPSILON;

/// Checks bounds, budget and each row by itself, then all of them together.
pub(crate) fn check(parts: &Parts, program: &Program) -> Result<(), SolveError> {
    each(parts, program)?;
    if program.rows.is_empty() { Ok(()) } else { together(parts, program).map(|_| ()) }
}

/// Amounts that meet bounds, budget and rows. Where a constraint conflicts by itself, that is the
/// conflict that is told.
pub(crate) fn point(parts: &Parts, program: &Program) -> Result<Vec<f64>, SolveError> {
    together(parts, program).or_else(|conflict| each(parts, program).and(Err(conflict)))
}

/// Checks bounds, budget and each row by itself.
fn each(parts: &Parts, program: &Program) -> Result<(), SolveError> {
    for (language, own) in parts.languages.iter().zip(&program.own) {
        if own.lower > own.upper {
            let asks = format!("`{}` gets at least {}", language.name, own.lower);
            return Err(SolveError::conflict(
                [asks, format!("at most {}", own.upper)],
                own.lower - own.upper,
            ));
        }
    }
    let budget = program.budget;
    let least = program.least_spent();
    if least > budget * (1.0 + SLACK) {
        return Err(SolveError::conflict(
            [format!("the lower bounds cost {least}"), format!("the budget is {budget}")],
            least - budget,
        ));
    }
    let most = sum(program.own.iter().map(|own| own.cost * own.upper));
    if program.exact && most < budget * (1.0 - SLACK) {
        let asks = format!("the budget is exactly {budget}");
        return Err(SolveError::conflict(
            [asks, format!("all upper bounds together cost {most}")],
            budget - most,
        ));
    }
    let reach: Vec<f64> = program.reach().collect();
    for (row, range) in parts.rows.iter().zip(&program.rows) {
        let end = |least: bool| {
            sum(range.terms.iter().map(|&(j, a)| {
                a * if (a >= 0.0) == least { program.own[j].lower } else { reach[j] }
            }))
        };
        let near =
            SLACK * (1.0 + range.terms.iter().map(|&(j, a)| (a * reach[j]).abs()).sum::<f64>());
        let (least, most) = (end(true), end(false));
        if most < range.lower - near {
            return Err(SolveError::conflict(
                [row.asks(), format!("bounds and budget allow it {most}")],
                range.lower - most,
            ));
        }
        if least > range.upper + near {
            return Err(SolveError::conflict(
                [row.asks(), format!("lower bounds give it {least}")],
                least - range.upper,
            ));
        }
    }
    Ok(())
}

/// Amounts that meet bounds, budget and all rows together.
pub(crate) fn together(parts: &Parts, program: &Program) -> Result<Vec<f64>, SolveError> {
    let ends = program.own.iter().map(|own| (own.lower, own.upper));
    let (lower, upper): (Vec<f64>, Vec<f64>) = ends.unzip();
    simplex::feasible(&lower, &upper, &program.all_rows()).map_err(|failure| match failure {
        Failure::Contradiction(found) => told(parts, program, &found),
        Failure::PivotLimit | Failure::Rounding => SolveError::NoneFound,
    })
}

/// A contradiction in words.
fn told(parts: &Parts, program: &Program, found: &Contradiction) -> SolveError {
    let row = |&at: &usize| match at.checked_sub(1) {
        None => format!(
            "the budget is {}{}",
            if program.exact { "exactly " } else { "" },
            program.budget
        ),
        Some(g) => parts.rows[g].asks(),
    };
    let bounds = |&i: &usize| {
        let (name, own) = (&parts.languages[i].name, &program.own[i]);
        match own.upper {
            f64::INFINITY => format!("`{name}` gets at least {}", own.lower),
            upper => format!("`{name}` gets {} to {upper}", own.lower),
        }
    };
    let held = found
        .variables
        .iter()
        .filter(|&&i| program.own[i].lower > 0.0 || program.own[i].upper.is_finite());
    SolveError::conflict(
        found.rows.iter().map(row).chain(held.map(bounds)).collect::<Vec<_>>(),
        found.short,
    )
}

/// Languages that count, have an infinite loss without data, and can have none.
pub(crate) fn starved(program: &Program) -> Vec<usize> {
    let reach: Vec<f64> =
        program.reach().zip(&program.own).map(|(reach, own)| reach.min(own.upper)).collect();
    let data = program.data(&reach);
    (0..program.len())
        .filter(|&i| program.draws_of(i).iter().any(|kernel| kernel.has_pole()) && data[i] <= 0.0)
        .collect()
}
