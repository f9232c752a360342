//! Where the interior point starts: the optimum of the languages alone, moved well inside the
//! bounds.

use super::Interior;
use super::model::Kind;
use super::state::State;
use crate::solver::certificate::PrimalDual;

impl Interior<'_> {
    /// A point well inside the bounds, with multipliers that balance it.
    pub(crate) fn start(&self, given: &PrimalDual) -> State {
        let own = &self.program.own;
        let n = own.len();
        let share = |i: usize| self.program.room() / (own[i].cost * n as f64);
        let inside = |i: usize| {
            let range = self.upper[i] - own[i].lower;
            let least = (0.1 * share(i)).min(0.1 * range);
            if self.free[i] {
                own[i].lower + (given.x[i] - own[i].lower).clamp(least, 0.9 * range)
            } else {
                own[i].lower
            }
        };
        let x: Vec<f64> = (0..n).map(inside).collect();
        let y = self.program.data(&x);
        let smooth = self.model.kind == Kind::Smooth;
        let marginals: Vec<f64> = (0..n).map(|i| self.model.marginal(i, y[i]).0).collect();
        // what a unit of budget is worth, and what a bound may weigh at the start
        let worth = (0..n).map(|i| marginals[i] * x[i]).sum::<f64>()
            / self.program.budget.max(f64::MIN_POSITIVE);
        let mu = 0.1 * worth * self.program.budget / n as f64;
        let slack: Vec<f64> = self
            .linear
            .iter()
            .map(|row| {
                let size: f64 = row
                    .terms
                    .iter()
                    .map(|&(j, a)| (a * x[j]).abs())
                    .sum::<f64>()
                    .max(row.amount.abs());
                if row.equation { 0.0 } else { (row.amount - row.at(&x)).max(0.1 * size) }
            })
            .collect();
        let (e, q) = self.model.start(&x);
        let zeros = vec![0.0; q.len()];
        let local = self.model.local(&x, &e, &q, &zeros, &marginals);
        let mut mean = 0.0;
        let mut v = local.h;
        let largest = v.iter().copied().fold(0.0, f64::max).max(1e-12);
        v.iter_mut().zip(&q).for_each(|(v, q)| {
            *v = v.max(1e-2 * largest);
            mean += *v * q;
        });
        let mu = if q.is_empty() { mu } else { mu.min(mean / q.len() as f64) };
        State {
            below: (0..n).map(|i| x[i] - own[i].lower).collect(),
            above: (0..n).map(|i| self.upper[i] - x[i]).collect(),
            low: (0..n)
                .map(|i| if self.free[i] { mu / (x[i] - own[i].lower) } else { 0.0 })
                .collect(),
            high: (0..n)
                .map(|i| if self.free[i] { mu / (self.upper[i] - x[i]) } else { 0.0 })
                .collect(),
            rows: self
                .linear
                .iter()
                .zip(&slack)
                .map(|(row, slack)| if row.equation { 0.0 } else { mu / slack })
                .collect(),
            prices: if smooth { marginals } else { Vec::new() },
            x,
            e,
            slack,
            v,
            q,
        }
    }
}
