//! The linear rows of a coupled program, and amounts moved onto them to the last digit.

use crate::solver::problem::{Program, sum};
use faer::Mat;
use faer::linalg::solvers::PartialPivLu;
use faer::prelude::Solve;

/// A row `terms x (+ slack) = amount`.
pub(crate) struct Linear {
    pub terms: Vec<(usize, f64)>,
    pub amount: f64,
    /// An equation has no slack.
    pub equation: bool,
}

/// Relative violation of a row that is only rounding.
const ROUNDING: f64 = 1e-14;

impl Linear {
    /// The budget, then the groups; those that ask for at least an amount are turned round.
    fn all(program: &Program) -> Vec<Linear> {
        let costs = program.own.iter().enumerate().map(|(i, own)| (i, own.cost)).collect();
        let mut all =
            vec![Linear { terms: costs, amount: program.budget, equation: program.exact }];
        for row in &program.rows {
            let turned = || row.terms.iter().map(|&(j, a)| (j, -a)).collect();
            all.push(match (row.lower.is_finite(), row.upper.is_finite()) {
                (true, true) => {
                    Linear { terms: row.terms.clone(), amount: row.upper, equation: true }
                }
                (true, false) => Linear { terms: turned(), amount: -row.lower, equation: false },
                _ => Linear { terms: row.terms.clone(), amount: row.upper, equation: false },
            });
        }
        all
    }

    /// The rows that say something of the languages that are `free`, with their places among all:
    /// of equations that follow from others only the first, for two that say the same leave their
    /// multipliers open.
    pub(crate) fn independent(program: &Program, free: &[bool]) -> Vec<(usize, Linear)> {
        let mut reduced: Vec<(usize, Vec<f64>)> = Vec::new();
        let mut follows = |row: &Linear| {
            let mut rest = vec![0.0; free.len()];
            row.terms.iter().filter(|(j, _)| free[*j]).for_each(|&(j, a)| rest[j] += a);
            let size = rest.iter().fold(0.0, |most: f64, a| most.max(a.abs()));
            for (pivot, known) in &reduced {
                let factor = rest[*pivot] / known[*pivot];
                rest.iter_mut().zip(known).for_each(|(a, b)| *a -= factor * b);
            }
            let largest = (0..rest.len())
                .max_by(|&a, &b| rest[a].abs().total_cmp(&rest[b].abs()))
                .unwrap_or(0);
            let nothing = rest.is_empty() || rest[largest].abs() <= 1e-12 * size;
            if !nothing {
                reduced.push((largest, rest));
            }
            nothing
        };
        let all: Vec<Linear> = Linear::all(program).into_iter().collect();
        let twin = |at: usize| {
            (0..at).any(|other| {
                all[other].amount == all[at].amount && all[other].terms == all[at].terms
            })
        };
        let said: Vec<bool> = (0..all.len()).map(|at| !all[at].equation && twin(at)).collect();
        all.into_iter()
            .enumerate()
            .filter(|(at, row)| !(said[*at] || row.equation && follows(row)))
            .collect()
    }

    /// The row's left side without its slack.
    pub(crate) fn at(&self, x: &[f64]) -> f64 {
        sum(self.terms.iter().map(|&(j, a)| a * x[j]))
    }

    /// What is missing to the amount; of an inequality only where it is violated.
    fn missing(&self, x: &[f64]) -> f64 {
        let missing = self.amount - self.at(x);
        if self.equation { missing } else { missing.min(0.0) }
    }

    fn holds(&self, x: &[f64]) -> bool {
        let size: f64 =
            self.terms.iter().map(|&(j, a)| (a * x[j]).abs()).sum::<f64>().max(self.amount.abs());
        self.missing(x).abs() <= ROUNDING * size
    }
}

/// Amounts moved so that the rows hold to rounding, each in proportion to the square of its way to
/// the nearest bound, so that none meets it. Absent where that is more than a touch.
pub(crate) fn restored(rows: &[Linear], x: &[f64], ways: &[f64]) -> Option<Vec<f64>> {
    let mut moved = x.to_vec();
    for _ in 0..2 {
        if rows.iter().all(|row| row.holds(&moved)) {
            break;
        }
        let held: Vec<&Linear> =
            rows.iter().filter(|row| row.equation || row.missing(&moved) != 0.0).collect();
        let weighted = |row: &Linear| {
            let mut line = vec![0.0; x.len()];
            row.terms.iter().for_each(|&(j, a)| line[j] += a * ways[j] * ways[j]);
            line
        };
        let lines: Vec<Vec<f64>> = held.iter().map(|row| weighted(row)).collect();
        let product =
            |row: &Linear, line: &[f64]| row.terms.iter().map(|&(j, a)| a * line[j]).sum::<f64>();
        let square = Mat::from_fn(held.len(), held.len(), |r, s| product(held[s], &lines[r]));
        let mut parts = Mat::from_fn(held.len(), 1, |r, _| held[r].missing(&moved));
        PartialPivLu::new(square.as_ref()).solve_in_place(parts.as_mut());
        for (r, line) in lines.iter().enumerate() {
            moved.iter_mut().zip(line).for_each(|(x, weighted)| *x += parts[(r, 0)] * weighted);
        }
    }
    let touched = moved
        .iter()
        .zip(x)
        .zip(ways)
        .all(|((moved, x), way)| moved == x || (moved - x).abs() <= 0.5 * way);
    (touched && rows.iter().all(|row| row.holds(&moved))).then_some(moved)
}
