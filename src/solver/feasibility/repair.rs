//! Whole grains that meet bounds, budget and every row, sought near amounts that do not.
//!
//! Grains are added and taken, one at a time or as many as a row is off by, best first by what the
//! rows are then off in sum. Amounts that come to the same in every row are looked at once: what
//! they cost is for others to say. It finds most of what there is and proves nothing where it finds
//! none.

use crate::solver::problem::{Program, Range, sum};
use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashSet};

/// Amounts looked at before the search gives up: of a problem, and of one of many.
pub(crate) const MOST: usize = 2_000;
pub(crate) const FEW: usize = 200;
/// Part of a row's smallest step that tells two sums apart.
const APART: f64 = 1e-6;

/// A row with its range, the budget among them.
struct Line {
    /// What a grain of each language adds.
    steps: Vec<f64>,
    low: f64,
    high: f64,
    /// Its smallest step, and its largest.
    smallest: f64,
    largest: f64,
}

impl Line {
    fn new(row: &Range, grains: &[f64]) -> Self {
        let mut steps = vec![0.0; grains.len()];
        row.terms.iter().for_each(|&(j, a)| steps[j] += a * grains[j]);
        let sizes = || steps.iter().map(|step| step.abs()).filter(|step| *step > 0.0);
        let (smallest, largest) =
            (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
        Line { low: row.lower, high: row.upper, smallest, largest, steps }
    }

    fn at(&self, counts: &[f64]) -> f64 {
        sum(self.steps.iter().zip(counts).map(|(step, count)| step * count))
    }

    /// What is missing to its range, or too much; 0 within.
    fn missing(&self, at: f64) -> f64 {
        if at < self.low { self.low - at } else { (self.high - at).min(0.0) }
    }

    /// What it is off by, in its largest steps.
    fn off(&self, at: f64) -> f64 {
        if self.largest > 0.0 { self.missing(at).abs() / self.largest } else { 0.0 }
    }
}

/// Grains whose rows are off by some sum; of equals the first found comes first.
struct Open {
    off: f64,
    found: usize,
    counts: Vec<f64>,
    /// What each row comes to.
    sums: Vec<f64>,
}

/// Whole grains that hold, near amounts `x`; absent where `looks` at amounts find none.
pub(crate) fn repaired(
    program: &Program,
    grains: &[f64],
    x: &[f64],
    looks: usize,
) -> Option<Vec<f64>> {
    let lines: Vec<Line> = program.all_rows().iter().map(|row| Line::new(row, grains)).collect();
    let amounts = |counts: &[f64]| {
        counts.iter().zip(grains).map(|(count, grain)| count * grain).collect::<Vec<f64>>()
    };
    let ends: Vec<(f64, f64)> = program
        .own
        .iter()
        .zip(grains)
        .map(|(own, grain)| ((own.lower / grain).round(), (own.upper / grain).round()))
        .collect();
    let start: Vec<f64> = x
        .iter()
        .zip(grains)
        .zip(&ends)
        .map(|((x, grain), end)| (x / grain).round().clamp(end.0, end.1))
        .collect();
    let off = |sums: &[f64]| sum(lines.iter().zip(sums).map(|(line, at)| line.off(*at)));
    let key = |sums: &[f64]| -> Vec<i64> {
        lines
            .iter()
            .zip(sums)
            .map(|(line, at)| (at / (APART * line.smallest)).round() as i64)
            .collect()
    };
    let sums: Vec<f64> = lines.iter().map(|line| line.at(&start)).collect();
    let mut seen = HashSet::from([key(&sums)]);
    let mut open =
        BinaryHeap::from([Reverse(Open { off: off(&sums), found: 0, counts: start, sums })]);
    for found in 1..looks {
        let Reverse(nearest) = open.pop()?;
        if nearest.off < 1e-6 {
            let x = amounts(&nearest.counts);
            if program.holds(&x) {
                return Some(x);
            }
        }
        let missing: Vec<f64> =
            lines.iter().zip(&nearest.sums).map(|(line, at)| line.missing(*at)).collect();
        for (i, end) in ends.iter().enumerate() {
            for step in steps(&lines, &missing, i) {
                let count = (nearest.counts[i] + step).clamp(end.0, end.1);
                let moved = count - nearest.counts[i];
                let sums: Vec<f64> = lines
                    .iter()
                    .zip(&nearest.sums)
                    .map(|(line, at)| at + moved * line.steps[i])
                    .collect();
                if moved != 0.0 && seen.insert(key(&sums)) {
                    let mut counts = nearest.counts.clone();
                    counts[i] = count;
                    open.push(Reverse(Open { off: off(&sums), found, counts, sums }));
                }
            }
        }
    }
    None
}

/// By how many grains a language may move: by one, or by as many as a row misses, rounded either
/// way.
fn steps(lines: &[Line], missing: &[f64], i: usize) -> Vec<f64> {
    let whole = lines
        .iter()
        .zip(missing)
        .filter(|(line, missing)| line.steps[i] != 0.0 && **missing != 0.0);
    let jumps = whole
        .map(|(line, missing)| missing / line.steps[i])
        .flat_map(|jump| [jump.floor(), jump.ceil()]);
    [1.0, -1.0].into_iter().chain(jumps.filter(|jump| jump.abs() > 1.0)).collect()
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> Ordering {
        self.off.total_cmp(&other.off).then(self.found.cmp(&other.found))
    }
}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open {}
