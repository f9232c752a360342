//! Whether any amounts meet the constraints, and if none do, which constraints are in each other's way and by how much.
//!
//! | module | what it finds |
//! |---|---|
//! | `simplex` | amounts that meet linear rows and bounds, or the combination of them that contradicts itself |
//! | `implied` | constraints that hold as equations, amounts well inside the others, amounts near given ones |
//! | `repair` | whole grains near amounts that are not whole |

pub(crate) mod implied;
pub(crate) mod repair;
pub(crate) mod simplex;

use crate::solver::problem::{Parts, Program, Rule, sum};
use simplex::Failure;
use std::fmt;

/// Why there are no amounts to go on with.
#[derive(Debug, Clone, PartialEq)]
pub enum Unmet {
    /// None meet the constraints.
    Conflict(Conflict),
    /// None were found; there may be some.
    NoneFound,
}

/// Constraints that cannot all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// What each of them asks for, in words.
    pub constraints: Vec<String>,
    /// By how much they miss each other, in the unit of the last.
    pub short: f64,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: short by {}", self.constraints.join(", but "), self.short)
    }
}

/// Relative rounding that a sum of amounts is allowed.
pub(crate) const SLACK: f64 = 8.0 * f64::EPSILON;

/// Checks bounds, budget and each group by itself.
pub(crate) fn check(parts: &Parts, program: &Program) -> Result<(), Unmet> {
    let conflict = |constraints: Vec<String>, short: f64| Err(Unmet::Conflict(Conflict { constraints, short }));
    for (language, own) in parts.languages.iter().zip(&program.own) {
        if own.lower > own.upper {
            let name = &language.name;
            return conflict(
                vec![format!("`{name}` gets at least {}", own.lower), format!("at most {}", own.upper)],
                own.lower - own.upper,
            );
        }
    }
    let budget = program.budget;
    let least = program.least_spent();
    if least > budget * (1.0 + SLACK) {
        return conflict(vec![format!("the lower bounds cost {least}"), format!("the budget is {budget}")], least - budget);
    }
    let most = sum(program.own.iter().map(|own| own.cost * own.upper));
    if program.exact && most < budget * (1.0 - SLACK) {
        return conflict(vec![format!("the budget is exactly {budget}"), format!("all upper bounds together cost {most}")], budget - most);
    }
    let reach: Vec<f64> = program.reach().collect();
    for (group, row) in parts.groups.iter().zip(&program.rows) {
        let end = |least: bool| sum(row.terms.iter().map(|&(j, a)| a * if (a >= 0.0) == least { program.own[j].lower } else { reach[j] }));
        let (name, scale) = (&group.name, 1.0 + row.terms.iter().map(|&(j, a)| (a * reach[j]).abs()).sum::<f64>());
        if end(false) < row.lower - SLACK * scale {
            let word = if group.rule == Rule::Exactly { "exactly" } else { "at least" };
            let asks = format!("group `{name}` asks for {word} {}", row.lower);
            return conflict(vec![asks, format!("bounds and budget allow it {}", end(false))], row.lower - end(false));
        }
        if end(true) > row.upper + SLACK * scale {
            let word = if group.rule == Rule::Exactly { "exactly" } else { "at most" };
            let asks = format!("group `{name}` asks for {word} {}", row.upper);
            return conflict(vec![asks, format!("lower bounds give it {}", end(true))], end(true) - row.upper);
        }
    }
    if program.rows.is_empty() { Ok(()) } else { together(parts, program).map(|_| ()) }
}

/// Amounts that meet bounds, budget and all groups together.
pub(crate) fn together(parts: &Parts, program: &Program) -> Result<Vec<f64>, Unmet> {
    let (lower, upper) =
        (program.own.iter().map(|own| own.lower).collect::<Vec<_>>(), program.own.iter().map(|own| own.upper).collect::<Vec<_>>());
    simplex::feasible(&lower, &upper, &program.all_rows()).map_err(|failure| {
        let Failure::Contradiction(found) = failure else { return Unmet::NoneFound };
        let budget = format!("the budget is {}{}", if program.exact { "exactly " } else { "" }, program.budget);
        let row = |&row: &usize| match row.checked_sub(1) {
            None => budget.clone(),
            Some(g) => {
                let group = &parts.groups[g];
                let word = match group.rule {
                    Rule::AtMost => "at most",
                    Rule::AtLeast => "at least",
                    Rule::Exactly => "exactly",
                };
                format!("group `{}` asks for {word} {}", group.name, group.amount)
            }
        };
        let bounds = |&i: &usize| {
            let own = &program.own[i];
            let name = &parts.languages[i].name;
            if own.upper.is_finite() {
                format!("`{name}` gets {} to {}", own.lower, own.upper)
            } else {
                format!("`{name}` gets at least {}", own.lower)
            }
        };
        let held = found.variables.iter().filter(|&&i| program.own[i].lower > 0.0 || program.own[i].upper.is_finite());
        Unmet::Conflict(Conflict { constraints: found.rows.iter().map(row).chain(held.map(bounds)).collect(), short: found.short })
    })
}

/// Languages that count, have an infinite loss without data, and can have none.
pub(crate) fn starved(program: &Program) -> Vec<usize> {
    let reach: Vec<f64> = program.reach().zip(&program.own).map(|(reach, own)| reach.min(own.upper)).collect();
    let data = program.data(&reach);
    (0..program.len()).filter(|&i| program.draws_of(i).iter().any(|kernel| kernel.has_pole()) && data[i] <= 0.0).collect()
}
