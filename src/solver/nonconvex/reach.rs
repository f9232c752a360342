//! The best worst language where languages are coupled, for laws of every shape and one draw: the
//! least level that linear programs can meet.
//!
//! ```text
//! level t can be had   where   y_i(x) >= data_i(t)  for every language that counts,   rows, bounds
//! data_i(t): what brings it to t
//! ```
//!
//! `y` is linear in the amounts and in the worth `d_j` of those that repeat, and `d_j` lies below
//! each of its tangents. A program with some tangents that nothing meets proves that no amounts
//! reach the level; amounts that meet it reach the level, or show where a tangent is missing.

use crate::solver::certificate::{Duals, PrimalDual};
use crate::solver::feasibility::implied;
use crate::solver::feasibility::simplex::{self, Failure};
use crate::solver::problem::{Counted, Program, Range};
use crate::solver::separable::level::Level;

/// Bisections of a level, and tangents added for one.
const STEPS: usize = 120;
const TANGENTS: usize = 40;
/// Relative distance between the level reached and one that nothing reaches at which the search
/// ends.
const CLOSED: f64 = 1e-13;
/// Relative rounding that data may be short by.
const ROUNDING: f64 = 1e-13;
/// Relative change of a budget or a row that shows its worth.
const TOUCH: f64 = 1e-6;

/// Solves a feasible program of a worst language and a single draw; absent where no amounts were
/// found.
pub(crate) fn solve(program: &Program) -> Option<Level> {
    let mut search = Search::new(program)?;
    let (bound, x) = search.least();
    let objective = program.objective(&x);
    // what a unit more of the budget, or of a row's end, is worth
    let worth = |changed: Program, by: f64| {
        let better = Search::new(&changed)
            .map_or(objective, |mut search| changed.objective(&search.least().1));
        ((objective - better) / by).max(0.0)
    };
    let touch = TOUCH * program.budget;
    let budget = if touch > 0.0 {
        worth(Program { budget: program.budget + touch, ..program.clone() }, touch)
    } else {
        0.0
    };
    let row = |g: usize| {
        let mut changed = program.clone();
        let row = &mut changed.rows[g];
        let is_upper = row.upper.is_finite();
        let end = if is_upper { row.upper } else { row.lower };
        let touch = TOUCH * end.abs().max(TOUCH * program.budget);
        if is_upper {
            row.upper += touch
        } else {
            row.lower -= touch
        }
        worth(changed, touch) * if is_upper { 1.0 } else { -1.0 }
    };
    let duals =
        Duals { budget, rows: (0..program.rows.len()).map(row).collect(), atoms: Vec::new() };
    Some(Level { bound, solution: PrimalDual { x, duals, ln_price: None } })
}

struct Search<'a> {
    program: &'a Program,
    counted: Vec<usize>,
    /// Languages that repeat data, whose worth has a variable after the amounts.
    repeated: Vec<usize>,
    lower: Vec<f64>,
    upper: Vec<f64>,
    /// Budget, groups and tangents.
    rows: Vec<Range>,
    /// The best amounts so far.
    x: Vec<f64>,
}

impl<'a> Search<'a> {
    fn new(program: &'a Program) -> Option<Self> {
        let x = implied::middle(program).or_else(|| {
            implied::nearest(program, &program.own.iter().map(|own| own.lower).collect::<Vec<_>>())
        })?;
        let reach: Vec<f64> = program.reach().collect();
        let repeated: Vec<usize> = (0..program.len())
            .filter(|&i| program.own[i].repeat.is_some_and(|repeat| repeat.unique() < reach[i]))
            .collect();
        let worth = |i: usize, x: f64| program.own[i].effective(x).value;
        let lower = program
            .own
            .iter()
            .map(|own| own.lower)
            .chain(repeated.iter().map(|&i| worth(i, program.own[i].lower)))
            .collect();
        let upper =
            reach.iter().copied().chain(repeated.iter().map(|&i| worth(i, reach[i]))).collect();
        let rows = program.all_rows();
        let counted = (0..program.len()).filter(|&i| program.counts(i)).collect();
        let mut search = Search { program, counted, repeated, lower, upper, rows, x };
        for place in 0..search.repeated.len() {
            let i = search.repeated[place];
            let unique = program.own[i].repeat.map_or(0.0, |repeat| repeat.unique());
            [unique, (unique * reach[i]).sqrt(), reach[i]]
                .into_iter()
                .for_each(|at| search.add_tangent(place, at));
        }
        program.holds(&search.x).then_some(search)
    }

    /// `d <= d(at) + d'(at) (x - at)`.
    fn add_tangent(&mut self, place: usize, at: f64) {
        let i = self.repeated[place];
        let worth = self.program.own[i].effective(at);
        let terms = vec![(self.program.len() + place, 1.0), (i, -worth.slope)];
        self.rows.push(Range {
            terms,
            lower: f64::NEG_INFINITY,
            upper: worth.value - worth.slope * at,
        });
    }

    /// The data of language `i` as a sum of variables.
    fn data_of(&self, i: usize) -> Vec<(usize, f64)> {
        let variable = |j: usize| {
            self.repeated.iter().position(|&k| k == j).map_or(j, |place| self.program.len() + place)
        };
        match &self.program.transfer {
            None => vec![(variable(i), 1.0)],
            Some(transfer) => {
                let counts_effective = |j: usize| i == j || transfer.counted == Counted::Effective;
                transfer
                    .row(i)
                    .iter()
                    .map(|&(j, tau)| (if counts_effective(j) { variable(j) } else { j }, tau))
                    .collect()
            }
        }
    }

    /// A level that no amounts come below, and amounts as good as at it.
    fn least(&mut self) -> (f64, Vec<f64>) {
        let reach = &self.upper[..self.program.len()];
        let mut bound = self.program.objective(reach).min(self.program.objective(&self.x));
        for _ in 0..STEPS {
            let best = self.program.objective(&self.x);
            if best - bound <= CLOSED * best.abs() {
                break;
            }
            let middle =
                if best.is_finite() { 0.5 * (bound + best) } else { 2.0 * bound.abs() + 1.0 };
            match self.meet(middle) {
                Ok(Some(x)) if self.program.objective(&x) < best => self.x = x,
                Ok(_) => break,
                Err(()) => bound = middle,
            }
        }
        (bound, self.x.clone())
    }

    /// Amounts at a level or below; an error where there are none, nothing where that is not known.
    fn meet(&mut self, level: f64) -> Result<Option<Vec<f64>>, ()> {
        let needs: Vec<f64> =
            self.counted.iter().map(|&i| self.program.draws_of(i)[0].data_for(level)).collect();
        if needs.iter().any(|need| need.is_infinite()) {
            return Err(());
        }
        for _ in 0..TANGENTS {
            let wanted: Vec<Range> = (self.counted.iter().zip(&needs))
                .map(|(&i, &need)| Range {
                    terms: self.data_of(i),
                    lower: need,
                    upper: f64::INFINITY,
                })
                .collect();
            let count = wanted.len();
            self.rows.extend(wanted);
            let found = simplex::feasible(&self.lower, &self.upper, &self.rows);
            self.rows.truncate(self.rows.len() - count);
            let point = match found {
                Ok(point) => point,
                Err(Failure::Contradiction(_)) => return Err(()),
                Err(Failure::PivotLimit | Failure::Rounding) => return Ok(None),
            };
            let x = point[..self.program.len()].to_vec();
            let data = self.program.data(&x);
            if self.counted.iter().zip(&needs).all(|(&i, need)| data[i] >= need * (1.0 - ROUNDING))
            {
                return Ok(self.program.holds(&x).then_some(x));
            }
            let before = self.rows.len();
            for place in 0..self.repeated.len() {
                let i = self.repeated[place];
                if point[self.program.len() + place]
                    > self.program.own[i].effective(x[i]).value * (1.0 + ROUNDING)
                {
                    self.add_tangent(place, x[i]);
                }
            }
            if self.rows.len() == before {
                return Ok(None);
            }
        }
        Ok(None)
    }
}
