//! A problem as numbers only, as the solvers see it.
//!
//! ```text
//! minimise    F(x)
//! subject to  sum_i cost_i x_i <= budget (or =),
//!             lower_i <= x_i <= upper_i,   lower_g <= a_g x <= upper_g
//! y = d(x) + tau d(x) or d(x) + tau x,   F_k = sum_i or max_i of w_i L_ik(y_i)
//! F = mean_k F_k  or  the mean of the worst (1 - p) K of them
//! ```
use super::Transfer;
use crate::law::Repetition;
use crate::solver::kernel::{Jet, Kernel};

/// How languages count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The weighted sum of losses.
    Sum,
    /// The largest weighted loss of a language of weight above 0.
    Worst,
}

/// How parameter draws count together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Risk {
    /// The mean; with a single draw, the draw.
    Mean,
    /// The mean of the worst `1 - level` of the draws; a fractional last draw counts in part.
    Cvar {
        /// From 0, the mean, to below 1.
        level: f64,
    },
}

/// What holds for one language whatever its law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Own {
    pub cost: f64,
    pub lower: f64,
    /// Infinite where there is none.
    pub upper: f64,
    pub repeat: Option<Repetition>,
}

/// A sum held to a range, `lower <= sum coefficient_j x_j <= upper`; an end that is not held is
/// infinite.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Range {
    pub terms: Vec<(usize, f64)>,
    pub lower: f64,
    pub upper: f64,
}

/// The numbers of a problem.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// Language by language, draw by draw.
    pub kernels: Vec<Kernel>,
    pub draws: usize,
    pub own: Vec<Own>,
    pub budget: f64,
    pub exact: bool,
    pub rows: Vec<Range>,
    pub transfer: Option<Transfer>,
    pub over: Over,
    pub risk: Risk,
}

impl Own {
    /// Effective data and its two derivatives.
    pub(in crate::solver) fn effective(&self, x: f64) -> Jet {
        let Some(repeat) = &self.repeat else {
            return Jet { value: x, slope: 1.0, curvature: 0.0 };
        };
        Jet { value: repeat.effective(x), slope: repeat.slope(x), curvature: repeat.curvature(x) }
    }
}

impl Range {
    /// The sum.
    pub(crate) fn at(&self, x: &[f64]) -> f64 {
        self.terms.iter().map(|&(j, coefficient)| coefficient * x[j]).sum()
    }
}

impl Program {
    /// Number of languages.
    pub(crate) fn len(&self) -> usize {
        self.own.len()
    }

    /// The draws of one language.
    pub(crate) fn draws_of(&self, i: usize) -> &[Kernel] {
        &self.kernels[i * self.draws..(i + 1) * self.draws]
    }

    /// Whether a language has a part in the objective.
    pub(crate) fn counts(&self, i: usize) -> bool {
        !self.draws_of(i).iter().all(Kernel::is_idle)
    }

    /// Whether every language stands for itself: neither transfer nor groups.
    pub(crate) fn is_separable(&self) -> bool {
        self.transfer.is_none() && self.rows.is_empty()
    }

    /// Whether every loss is convex in its data.
    pub(crate) fn is_convex(&self) -> bool {
        self.kernels.iter().all(Kernel::is_convex)
    }

    /// The budget as a row, then the groups.
    pub(crate) fn all_rows(&self) -> Vec<Range> {
        let terms = self.own.iter().enumerate().map(|(i, own)| (i, own.cost)).collect();
        let lower = if self.exact { self.budget } else { f64::NEG_INFINITY };
        [vec![Range { terms, lower, upper: self.budget }], self.rows.clone()].concat()
    }

    /// What the lower bounds cost.
    pub(crate) fn least_spent(&self) -> f64 {
        sum(self.own.iter().map(|own| own.cost * own.lower))
    }

    /// What the budget leaves above the lower bounds, to the last digit; below 0 where they cost
    /// more.
    pub(crate) fn room(&self) -> f64 {
        let product = |own: &Own| {
            let product = own.cost * own.lower;
            // what rounding took of the product
            [-product, -own.cost.mul_add(own.lower, -product)]
        };
        sum(std::iter::once(self.budget)
            .chain(self.own.iter().filter(|own| own.lower != 0.0).flat_map(product)))
    }

    /// The most that the budget lets each language have.
    pub(crate) fn reach(&self) -> impl Iterator<Item = f64> + '_ {
        let room = self.room().max(0.0);
        self.own.iter().map(move |own| own.upper.min(own.lower + room / own.cost))
    }

    /// What amounts cost.
    pub(crate) fn spent(&self, x: &[f64]) -> f64 {
        sum(self.own.iter().zip(x).map(|(own, &x)| own.cost * x))
    }

    /// The data that each language profits from.
    pub(crate) fn data(&self, x: &[f64]) -> Vec<f64> {
        let d: Vec<f64> = self.own.iter().zip(x).map(|(own, &x)| own.effective(x).value).collect();
        match &self.transfer {
            Some(transfer) => transfer.data(&d, x),
            None => d,
        }
    }

    /// `(dy/dx) v` where the effective data of the amounts have these slopes.
    pub(crate) fn forward(&self, slopes: &[f64], v: &[f64]) -> Vec<f64> {
        match &self.transfer {
            Some(transfer) => transfer.forward(slopes, v),
            None => slopes.iter().zip(v).map(|(slope, v)| slope * v).collect(),
        }
    }

    /// `(dy/dx)' g` likewise; a language whose `g` is 0 has no part.
    pub(crate) fn backward(&self, slopes: &[f64], g: &[f64]) -> Vec<f64> {
        match &self.transfer {
            Some(transfer) => transfer.backward(slopes, g),
            None => slopes
                .iter()
                .zip(g)
                .map(|(slope, &g)| if g == 0.0 { 0.0 } else { slope * g })
                .collect(),
        }
    }

    /// Reducible losses with their derivatives at effective data, language by language and draw by
    /// draw.
    pub(in crate::solver) fn jets(&self, y: &[f64]) -> Vec<Jet> {
        self.kernels.iter().enumerate().map(|(at, kernel)| kernel.jet(y[at / self.draws])).collect()
    }

    /// The objective of amounts.
    pub(crate) fn objective(&self, x: &[f64]) -> f64 {
        self.risk_of(&self.draw_objectives(&self.jets(&self.data(x))))
    }

    /// `F_k` of every draw.
    pub(in crate::solver) fn draw_objectives(&self, jets: &[Jet]) -> Vec<f64> {
        let all = || self.kernels.iter().zip(jets);
        let draw = |k: usize| {
            let losses = all().skip(k).step_by(self.draws);
            match self.over {
                Over::Sum => sum(losses.map(|(kernel, jet)| kernel.floor + jet.value)),
                Over::Worst => {
                    let counted = losses.filter(|(kernel, _)| !kernel.is_idle());
                    // of nothing that counts nothing is lost
                    counted
                        .map(|(kernel, jet)| kernel.floor + jet.value)
                        .reduce(f64::max)
                        .unwrap_or(0.0)
                }
            }
        };
        (0..self.draws).map(draw).collect()
    }

    /// The mean of the draws that count, fractions included.
    pub(crate) fn risk_of(&self, draws: &[f64]) -> f64 {
        let weights = self.draw_weights(draws);
        sum(draws
            .iter()
            .zip(weights)
            .filter(|(_, weight)| *weight > 0.0)
            .map(|(value, weight)| value * weight))
    }

    /// The weight of each draw in the risk: `1/K`, or `1 / ((1-p) K)` of the worst.
    pub(crate) fn draw_weights(&self, draws: &[f64]) -> Vec<f64> {
        let count = draws.len() as f64;
        let Risk::Cvar { level } = self.risk else { return vec![1.0 / count; draws.len()] };
        let tail = (1.0 - level) * count;
        let mut order: Vec<usize> = (0..draws.len()).collect();
        order.sort_by(|&a, &b| draws[b].total_cmp(&draws[a]));
        let mut weights = vec![0.0; draws.len()];
        let mut left = tail;
        for k in order {
            weights[k] = left.clamp(0.0, 1.0) / tail;
            left -= 1.0;
        }
        weights
    }

    /// Whether amounts are numbers that meet bounds, budget and rows, to rounding.
    pub(crate) fn holds(&self, x: &[f64]) -> bool {
        let within = |(own, x): (&Own, &f64)| {
            *x >= own.lower * (1.0 - 1e-13) && *x <= own.upper * (1.0 + 1e-13)
        };
        if x.len() != self.len() {
            return false;
        }
        let rows = self.rows.iter().all(|row| {
            let size: f64 = row.terms.iter().map(|&(j, a)| (a * x[j]).abs()).sum();
            let at = row.at(x);
            at >= row.lower - 1e-13 * size.max(row.lower.abs())
                && at <= row.upper + 1e-13 * size.max(row.upper.abs())
        });
        let spent = self.spent(x);
        rows && self.own.iter().zip(x).all(within)
            && spent <= self.budget * (1.0 + 1e-13)
            && (!self.exact || spent >= self.budget * (1.0 - 1e-13))
    }

    /// The objective with unlimited data, from which relative errors count; 0 for the worst
    /// language.
    pub(crate) fn floor(&self) -> f64 {
        let floor = |k: usize| sum((0..self.len()).map(|i| self.kernels[i * self.draws + k].floor));
        match self.over {
            Over::Sum => self.risk_of(&(0..self.draws).map(floor).collect::<Vec<_>>()),
            Over::Worst => 0.0,
        }
    }
}

/// A sum with the rounding of each step carried along (Neumaier 1974).
pub(crate) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0f64, 0.0);
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() {
            (total - next) + value
        } else {
            (value - next) + total
        };
        total = next;
    }
    // an infinite total has lost nothing that can be given back
    if total.is_finite() { total + lost } else { total }
}
