//! Constraints that hold as equations though they do not say so: an interior point method has no
//! inside to walk in until they are written as such.
//!
//! A budget of at most 6 with a group of at least 6 leaves its languages an equation and everybody
//! else their lower bounds. All inequalities are tightened by a touch together; where nothing meets
//! them any more, each is tightened alone, and what nothing meets then is an equation.

use super::simplex::{self, Failure};
use crate::solver::problem::{Own, Program, Range, sum};

/// A touch, relative to the size of a row or the width of a range: together, and alone.
const TOGETHER: f64 = 1e-7;
const ALONE: f64 = 1e-9;
/// Relative rounding of narrowed bounds.
const ROUNDING: f64 = 1e-13;
/// Roundings that a sum loses, in units of its last digit.
const LOST: f64 = 8.0;
/// Half of the smallest and of the largest box in the search for near amounts, relative to the
/// width of a range.
const NEAREST: f64 = 1e-14;
const FARTHEST: f64 = 1e-5;
/// The first touch in the search for the middle.
const FIRST: f64 = 0.2;
/// Part of a language's own range that rows may hold it to before they take the place of its
/// bounds.
const SPECK: f64 = 1e-7;
/// Languages up to which each bound is tried; of more, only rows are.
const MANY: usize = 300;

/// What rows and bounds allow.
pub(crate) enum Inside {
    /// Amounts that meet all with room to spare.
    Open,
    /// Amounts, but some constraints are equations: the program that says so.
    Flat(Box<Program>),
    /// None.
    Empty,
}

/// Looks for room inside the constraints of a program with rows.
pub(crate) fn inside(program: &Program) -> Inside {
    let polytope = Polytope::of(program);
    let narrowed = polytope.narrowed(program);
    let program = narrowed.as_ref().unwrap_or(program);
    let all: Vec<usize> = (0..polytope.inequalities()).collect();
    if polytope.is_met(&all, TOGETHER) {
        return narrowed.map_or(Inside::Open, |narrowed| Inside::Flat(Box::new(narrowed)));
    }
    if !polytope.is_met(&[], 0.0) {
        return Inside::Empty;
    }
    let tried =
        if program.len() <= MANY { polytope.inequalities() } else { 2 * polytope.rows.len() };
    let equations: Vec<usize> = (0..tried).filter(|&at| !polytope.is_met(&[at], ALONE)).collect();
    let mut flat = program.clone();
    equations.into_iter().for_each(|at| polytope.flatten(&mut flat, at));
    // what touches make of numbers at the end of their digits must not cost a solution
    if Polytope::of(&flat).is_met(&[], 0.0) { Inside::Flat(Box::new(flat)) } else { Inside::Open }
}

/// Amounts as far inside all constraints as halved touches find; absent where there is no room.
pub(crate) fn middle(program: &Program) -> Option<Vec<f64>> {
    let polytope = Polytope::of(program);
    let all: Vec<usize> = (0..polytope.inequalities()).collect();
    let touches = std::iter::successors(Some(FIRST), |touch| Some(0.25 * touch))
        .take_while(|touch| *touch > ALONE);
    touches.into_iter().find_map(|touch| polytope.point(&all, touch).ok())
}

/// Amounts that meet all constraints, as near to given ones as boxes about them that grow tenfold
/// show; absent where none are near.
pub(crate) fn nearest(program: &Program, x: &[f64]) -> Option<Vec<f64>> {
    let polytope = Polytope::of(program);
    let touches = std::iter::successors(Some(NEAREST), |touch| Some(10.0 * touch))
        .take_while(|touch| *touch < FARTHEST);
    touches.into_iter().find_map(|touch| {
        let within = |i: usize| {
            let (lower, upper) = (polytope.lower[i], polytope.upper[i]);
            let (x, way) = (x[i].clamp(lower, upper), touch * (upper - lower));
            ((x - way).max(lower), (x + way).min(upper))
        };
        let (lower, upper): (Vec<f64>, Vec<f64>) = (0..x.len()).map(within).unzip();
        simplex::feasible(&lower, &upper, &polytope.rows).ok().filter(|x| program.holds(x))
    })
}

/// Bounds as rows and the other bounds narrow them.
fn propagated(rows: &[Range], mut lower: Vec<f64>, mut upper: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    for _ in 0..3 {
        for row in rows {
            let end = |least: bool, (j, a): (usize, f64)| {
                a * if (a >= 0.0) == least { lower[j] } else { upper[j] }
            };
            let (least, most) = (
                sum(row.terms.iter().map(|&term| end(true, term))),
                sum(row.terms.iter().map(|&term| end(false, term))),
            );
            // what a row leaves a term beside the others, and the digits that are lost on the way
            let left = |amount: f64, others: f64, own: f64| {
                let rounding = LOST * f64::EPSILON * (amount.abs() + others.abs() + own.abs());
                (amount - (others - own), rounding)
            };
            let narrowed: Vec<(usize, [(f64, f64); 2])> =
                (row.terms.iter().filter(|(_, a)| *a != 0.0))
                    .map(|&(j, a)| {
                        let ends = [
                            left(row.lower, most, end(false, (j, a))),
                            left(row.upper, least, end(true, (j, a))),
                        ];
                        let [low, high] =
                            ends.map(|(amount, rounding)| (amount / a, rounding / a.abs()));
                        (j, if a > 0.0 { [low, high] } else { [high, low] })
                    })
                    .collect();
            for (j, [(from, from_rounding), (to, to_rounding)]) in narrowed {
                // a bound that moves by its rounding has not moved; never past each other: what
                // cannot be met is for the simplex to say
                if from.is_finite() && from > lower[j] + from_rounding {
                    lower[j] = from.min(upper[j]);
                }
                if to.is_finite() && to < upper[j] - to_rounding {
                    upper[j] = to.max(lower[j]);
                }
            }
        }
    }
    (lower, upper)
}

/// The constraints, numbered: both ends of each row, then both of each language.
struct Polytope {
    lower: Vec<f64>,
    upper: Vec<f64>,
    /// The budget, then the groups.
    rows: Vec<Range>,
    /// What a row's terms come to at most.
    sizes: Vec<f64>,
}

impl Polytope {
    fn of(program: &Program) -> Self {
        let rows = program.all_rows();
        let lower: Vec<f64> = program.own.iter().map(|own| own.lower).collect();
        let upper = program
            .reach()
            .zip(&program.own)
            .map(|(reach, own)| reach.min(own.upper).max(own.lower))
            .collect();
        let (lower, upper) = propagated(&rows, lower, upper);
        // what a row's terms can differ by
        let size = |row: &Range| {
            sum(row.terms.iter().map(|&(j, a)| (a * (upper[j] - lower[j])).abs()))
                .max(f64::MIN_POSITIVE)
        };
        Polytope { sizes: rows.iter().map(size).collect(), lower, upper, rows }
    }

    fn inequalities(&self) -> usize {
        2 * (self.rows.len() + self.lower.len())
    }

    /// The program with the bounds of languages that rows hold to a speck of their own range, and
    /// with rows that only such a language has a say in as equations; absent where there are none.
    fn narrowed(&self, program: &Program) -> Option<Program> {
        let mut narrowed = program.clone();
        let mut is_other = false;
        for (i, (own, reach)) in narrowed.own.iter_mut().zip(program.reach()).enumerate() {
            let range = reach.min(own.upper) - own.lower;
            let (from, to) = (self.lower[i], self.upper[i]);
            // held to its own lower bound, it has none to move away from; held elsewhere, the row
            // that holds it has a price
            let nothing = to <= own.lower;
            if range > 0.0 && (nothing || (to > from && to - from < SPECK * range)) {
                (own.lower, own.upper) = (from, to);
                is_other = true;
            }
        }
        for (row, size) in narrowed.rows.iter_mut().zip(&self.sizes[1..]) {
            if *size <= f64::MIN_POSITIVE && row.lower < row.upper {
                let at = row.at(&self.lower).clamp(row.lower, row.upper);
                // bounds that rows narrowed are known to their rounding; a row at its end is at its
                // end
                let near = row
                    .terms
                    .iter()
                    .map(|&(j, a)| a.abs() * (1.0 + self.upper[j].abs()))
                    .sum::<f64>()
                    * ROUNDING;
                let only = [row.lower, row.upper]
                    .into_iter()
                    .find(|end| (at - end).abs() <= near)
                    .unwrap_or(at);
                (row.lower, row.upper) = (only, only);
                is_other = true;
            }
        }
        is_other.then_some(narrowed)
    }

    /// Whether anything meets the constraints, some of them tightened by a touch.
    fn is_met(&self, tightened: &[usize], touch: f64) -> bool {
        // a search that ended without a proof says nothing
        !matches!(self.point(tightened, touch), Err(Failure::Contradiction(_)))
    }

    /// Amounts that meet the constraints, some of them tightened by a touch.
    fn point(&self, tightened: &[usize], touch: f64) -> Result<Vec<f64>, Failure> {
        let (mut lower, mut upper) = (self.lower.clone(), self.upper.clone());
        let mut rows = self.rows.clone();
        for &at in tightened {
            let (place, is_low) = (at / 2, at.is_multiple_of(2));
            match place.checked_sub(rows.len()) {
                None if rows[place].lower == rows[place].upper => {}
                None if is_low => rows[place].lower += touch * self.sizes[place],
                None => rows[place].upper -= touch * self.sizes[place],
                // a language at its only amount has nothing to tighten
                Some(i) if self.upper[i] <= self.lower[i] => {}
                Some(i) if is_low => lower[i] += touch * (self.upper[i] - self.lower[i]),
                Some(i) => upper[i] -= touch * (self.upper[i] - self.lower[i]),
            }
        }
        simplex::feasible(&lower, &upper, &rows)
    }

    /// Writes a constraint as the equation that it is.
    fn flatten(&self, program: &mut Program, at: usize) {
        let (place, is_low) = (at / 2, at.is_multiple_of(2));
        match (place.checked_sub(self.rows.len()), place.checked_sub(1)) {
            (Some(i), _) => {
                let own = program.own[i];
                let only = if is_low { self.lower[i] } else { self.upper[i] };
                program.own[i] = Own { lower: only, upper: only, ..own };
            }
            (None, None) => program.exact = program.exact || !is_low,
            (None, Some(g)) => {
                let row = &mut program.rows[g];
                let only = if is_low { row.lower } else { row.upper };
                (row.lower, row.upper) = (only, only);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::kernel::Kernel;
    use crate::solver::problem::{Over, Risk};

    fn program(budget: f64, rows: Vec<Range>) -> Program {
        let own = Own { cost: 1.0, lower: 0.0, upper: 6.0, repeat: None };
        Program {
            kernels: vec![Kernel::shifted(1.0, 9.0, 0.3, 1.0); 3],
            draws: 1,
            own: vec![own; 3],
            budget,
            exact: false,
            rows,
            transfer: None,
            over: Over::Sum,
            risk: Risk::Mean,
        }
    }

    #[test]
    fn a_group_that_takes_the_whole_budget_is_an_equation() {
        let group =
            |lower| vec![Range { terms: vec![(0, 1.0), (1, 1.0)], lower, upper: f64::INFINITY }];
        assert!(matches!(inside(&program(6.0, group(5.9))), Inside::Open));
        assert!(matches!(inside(&program(6.0, group(6.1))), Inside::Empty));
        let Inside::Flat(flat) = inside(&program(6.0, group(6.0))) else { panic!("open or empty") };
        assert!(flat.exact);
        assert_eq!((flat.rows[0].lower, flat.rows[0].upper), (6.0, 6.0));
        assert_eq!(flat.own.iter().map(|own| own.upper).collect::<Vec<_>>(), [6.0, 6.0, 0.0]);
    }
}
