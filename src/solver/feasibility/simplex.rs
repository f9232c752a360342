//! Whether linear rows and bounds can all hold: the first phase of the simplex method with bounded
//! variables.
//!
//! ```text
//! find x   with   lower_j <= x_j <= upper_j,   low_i <= sum_j a_ij x_j <= high_i
//! ```
//!
//! It ends with such an `x`, or with a combination of constraints that cannot hold together
//! (Farkas): the violated ones, and those that keep them so. Rows are few, so the dictionary is
//! dense.

use crate::solver::problem::{Range, sum};

/// Constraints that contradict each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contradiction {
    /// Rows among them.
    pub rows: Vec<usize>,
    /// Variables whose bounds are among them.
    pub variables: Vec<usize>,
    /// The least sum of violations.
    pub short: f64,
}

/// Why no point was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Failure {
    /// There is none.
    Contradiction(Contradiction),
    /// The search met its limit of pivots: its point is unchecked, and no answer.
    PivotLimit,
    /// The search ended at a point that misses a row by more than rounding, and no combination of
    /// constraints says why.
    Rounding,
}

/// Violation, relative to the terms of a row, that counts as none.
const ROUNDING: f64 = 1e-13;
/// Distance from an end, relative to the terms of a row, at which the row holds a point.
const TIGHT: f64 = 1e-6;
/// The same as the first on the way there, where pivots have added their own rounding.
const ON_THE_WAY: f64 = 1e-12;

/// A feasible point, or why there is none. Bounds must not cross and lower ones be finite.
pub(crate) fn feasible(lower: &[f64], upper: &[f64], rows: &[Range]) -> Result<Vec<f64>, Failure> {
    // each pivot lowers the sum of violations but for ties, which a limit ends
    feasible_within(50 * (lower.len() + rows.len()) + 1000, lower, upper, rows)
}

/// The same by so many pivots.
fn feasible_within(
    pivots: usize,
    lower: &[f64],
    upper: &[f64],
    rows: &[Range],
) -> Result<Vec<f64>, Failure> {
    let mut dictionary = Dictionary::new(lower, upper, rows);
    for _ in 0..pivots {
        let gains = dictionary.gains();
        if let Some(entering) = dictionary.entering(&gains) {
            dictionary.advance(entering, gains[entering] > 0.0);
            continue;
        }
        // rows whose terms cancel have a size that only their terms tell
        let point: Vec<f64> = dictionary
            .point()
            .iter()
            .zip(lower.iter().zip(upper))
            .map(|(x, (low, high))| x.clamp(*low, *high))
            .collect();
        // what rounding a row that holds the point has passes to the rows that it is added to
        let passed = 8.0
            * f64::EPSILON
            * rows
                .iter()
                .filter(|row| is_tight(row, &point))
                .map(|row| size(row, &point))
                .fold(0.0, f64::max);
        return match dictionary.contradiction(&gains) {
            _ if rows.iter().all(|row| is_met(row, &point, passed)) => Ok(point),
            Some(contradiction) => Err(Failure::Contradiction(contradiction)),
            None => Err(Failure::Rounding),
        };
    }
    Err(Failure::PivotLimit)
}

/// The row's left side, its rounding carried along.
fn at(row: &Range, x: &[f64]) -> f64 {
    sum(row.terms.iter().map(|&(j, a)| a * x[j]))
}

/// What the terms come to without their signs.
fn size(row: &Range, x: &[f64]) -> f64 {
    row.terms.iter().map(|&(j, a)| (a * x[j]).abs()).sum()
}

/// Whether a point is at an end of the row.
fn is_tight(row: &Range, x: &[f64]) -> bool {
    let (at, near) = (at(row, x), TIGHT * size(row, x));
    (at - row.lower).abs() <= near || (at - row.upper).abs() <= near
}

/// Whether a point meets the row, to the rounding of its terms and to what other rows pass on.
fn is_met(row: &Range, x: &[f64], passed: f64) -> bool {
    let (at, size) = (at(row, x), size(row, x));
    let near = |end: f64| ROUNDING * size.max(end.abs()) + passed;
    let lower = row.lower == f64::NEG_INFINITY || at >= row.lower - near(row.lower);
    lower && (row.upper == f64::INFINITY || at <= row.upper + near(row.upper))
}

/// Basic variables as sums of the others. Variables are those of the problem, then one for the
/// value of each row.
struct Dictionary {
    variables: usize,
    /// Bounds and value of every variable.
    ends: Vec<(f64, f64)>,
    value: Vec<f64>,
    /// Which variable each row of the table stands for, and each column.
    basic: Vec<usize>,
    others: Vec<usize>,
    /// Row by row.
    table: Vec<Vec<f64>>,
    /// What counts as rounding of each variable.
    rounding: Vec<f64>,
}

impl Dictionary {
    fn new(lower: &[f64], upper: &[f64], rows: &[Range]) -> Self {
        let n = lower.len();
        let mut table = vec![vec![0.0; n]; rows.len()];
        for (line, row) in table.iter_mut().zip(rows) {
            row.terms.iter().for_each(|&(j, a)| line[j] += a);
        }
        let ends = lower
            .iter()
            .copied()
            .zip(upper.iter().copied())
            .chain(rows.iter().map(|row| (row.lower, row.upper)))
            .collect::<Vec<_>>();
        let mut value: Vec<f64> = lower.to_vec();
        value.extend(
            table.iter().map(|line| line.iter().zip(lower).map(|(a, x)| a * x).sum::<f64>()),
        );
        let size = |(low, high): &(f64, f64)| {
            if low.is_finite() { low.abs() } else { 0.0 }.max(if high.is_finite() {
                high.abs()
            } else {
                0.0
            })
        };
        let rounding = ends
            .iter()
            .zip(&value)
            .map(|(ends, value)| ON_THE_WAY * size(ends).max(value.abs()))
            .collect();
        Dictionary {
            variables: n,
            ends,
            value,
            basic: (n..n + rows.len()).collect(),
            others: (0..n).collect(),
            table,
            rounding,
        }
    }

    /// 1 where a variable is too small, -1 where it is too large, 0 where it is in range.
    fn violation(&self, variable: usize) -> f64 {
        let ((low, high), value, rounding) =
            (self.ends[variable], self.value[variable], self.rounding[variable]);
        if value < low - rounding {
            1.0
        } else if value > high + rounding {
            -1.0
        } else {
            0.0
        }
    }

    /// By how much the sum of violations falls for a unit more of each variable outside the basis.
    fn gains(&self) -> Vec<f64> {
        let mut gains = vec![0.0; self.others.len()];
        for (line, &basic) in self.table.iter().zip(&self.basic) {
            let violation = self.violation(basic);
            if violation != 0.0 {
                gains.iter_mut().zip(line).for_each(|(gain, a)| *gain += violation * a);
            }
        }
        gains
    }

    /// The column that gains most and has room to move.
    fn entering(&self, gains: &[f64]) -> Option<usize> {
        let largest = gains.iter().fold(0.0f64, |largest, gain| largest.max(gain.abs()));
        let movable = |&at: &usize| {
            let variable = self.others[at];
            let ((low, high), value) = (self.ends[variable], self.value[variable]);
            gains[at].abs() > 1e-11 * largest
                && if gains[at] > 0.0 { value < high } else { value > low }
        };
        (0..gains.len())
            .filter(movable)
            .max_by(|&a, &b| gains[a].abs().total_cmp(&gains[b].abs()).then(b.cmp(&a)))
    }

    /// Moves a column's variable until something stops it, which then takes its place outside the
    /// basis.
    fn advance(&mut self, column: usize, up: bool) {
        let variable = self.others[column];
        let sign = if up { 1.0 } else { -1.0 };
        let (low, high) = self.ends[variable];
        let mut step = high - low;
        let mut leaving: Option<(usize, f64)> = None;
        for (at, (line, &basic)) in self.table.iter().zip(&self.basic).enumerate() {
            let rate = sign * line[column];
            if rate.abs() < 1e-12 {
                continue;
            }
            let ((low, high), value) = (self.ends[basic], self.value[basic]);
            // one out of range stops where it comes in, one in range where it would leave
            let end = match (self.violation(basic), rate > 0.0) {
                (violation, true) if violation > 0.0 => low,
                (violation, false) if violation < 0.0 => high,
                (0.0, true) => high,
                (0.0, false) => low,
                _ => continue,
            };
            let reach = ((end - value) / rate).max(0.0);
            let steeper =
                leaving.is_some_and(|(best, _)| rate.abs() > self.table[best][column].abs());
            if reach < step || (reach == step && steeper) {
                (step, leaving) = (reach, Some((at, end)));
            }
        }
        if !step.is_finite() {
            // nothing stops it: what it serves is unbounded, and a large step will do
            step = 1e300;
        }
        for (line, &basic) in self.table.iter().zip(&self.basic) {
            self.value[basic] += sign * step * line[column];
        }
        self.value[variable] += sign * step;
        match leaving {
            Some((at, end)) => {
                self.value[self.basic[at]] = end;
                self.pivot(at, column);
            }
            None => self.value[variable] = if up { high } else { low },
        }
    }

    fn pivot(&mut self, row: usize, column: usize) {
        let pivot = self.table[row][column];
        let mut line: Vec<f64> = self.table[row].iter().map(|a| -a / pivot).collect();
        line[column] = 1.0 / pivot;
        for (at, other) in self.table.iter_mut().enumerate().filter(|(at, _)| *at != row) {
            let factor = other[column];
            debug_assert!(at != row);
            other[column] = 0.0;
            if factor != 0.0 {
                other.iter_mut().zip(&line).for_each(|(a, b)| *a += factor * b);
            }
        }
        self.table[row] = line;
        std::mem::swap(&mut self.basic[row], &mut self.others[column]);
    }

    fn point(&self) -> Vec<f64> {
        self.value[..self.variables].to_vec()
    }

    /// Why nothing lowers the violations any more; absent where there are none.
    fn contradiction(&self, gains: &[f64]) -> Option<Contradiction> {
        let violated: Vec<usize> =
            self.basic.iter().copied().filter(|&basic| self.violation(basic) != 0.0).collect();
        if violated.is_empty() {
            return None;
        }
        let off = |&variable: &usize| {
            let ((low, high), value) = (self.ends[variable], self.value[variable]);
            (low - value).max(value - high)
        };
        let short = violated.iter().map(off).sum();
        let largest = gains.iter().fold(0.0f64, |largest, gain| largest.max(gain.abs()));
        let holding = self
            .others
            .iter()
            .zip(gains)
            .filter(|(_, gain)| gain.abs() > 1e-9 * largest)
            .map(|(&variable, _)| variable);
        let (mut variables, mut rows): (Vec<usize>, Vec<usize>) =
            violated.into_iter().chain(holding).partition(|&v| v < self.variables);
        variables.sort_unstable();
        rows.iter_mut().for_each(|row| *row -= self.variables);
        rows.sort_unstable();
        Some(Contradiction { rows, variables, short })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_that_meets_its_limit_is_no_point() {
        let sum = |terms: &[usize], lower| Range {
            terms: terms.iter().map(|&j| (j, 1.0)).collect(),
            lower,
            upper: f64::INFINITY,
        };
        let rows = [sum(&[0, 1], 3.0), sum(&[1, 2], 4.0)];
        let within = |pivots| feasible_within(pivots, &[0.0; 3], &[2.0; 3], &rows);
        assert_eq!(within(1), Err(Failure::PivotLimit));
        assert!(within(9).is_ok_and(|point| rows.iter().all(|row| is_met(row, &point, 0.0))));
    }
}
