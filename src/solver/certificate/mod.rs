//! The proof of an answer: a lower bound on the optimum of a convex program from multipliers,
//! whoever found them.
//!
//! With `g` the gradient at `x` of `sum_ki q_ki w_i L_ik`, and
//! `r = g + lambda cost + sum_g mu_g a_g`, convexity gives for every feasible `z`
//!
//! ```text
//! F(x) - F(z) <= [F(x) - sum q w L] + lambda (budget - cost x) + sum_g mu_g (b_g - a_g x)
//!                + sum_i  r_i (x_i - lower_i)   where r_i >= 0
//!                        -r_i (upper_i - x_i)   where r_i < 0
//! ```
//!
//! for any `lambda >= 0`, any `mu` of the right sign and any admissible `q`. Every bracket is not
//! negative and is summed as it is, so the floors of the laws, which may be a billion times what is
//! left to gain, take no digits away.

mod weights;

use crate::solver::kernel::Jet;
use crate::solver::problem::{Over, PosedProblem, Program, Risk, sum};
use weights::{admissible, spread};

/// Multipliers of a program.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Duals {
    /// `lambda`: what a unit of budget is worth.
    pub budget: f64,
    /// A row's multiplier: above 0 where its upper end binds, below where its lower end does.
    pub rows: Vec<f64>,
    /// Weight of each language and draw, language by language; empty for a mean of sums, where all
    /// are `1/K`.
    pub atoms: Vec<f64>,
}

/// Amounts with the multipliers that prove them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PrimalDual {
    pub x: Vec<f64>,
    pub duals: Duals,
    /// Logarithm of the budget's multiplier, where that may be too small for a double.
    pub ln_price: Option<f64>,
}

/// An objective and what is proven of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Certificate {
    pub objective: f64,
    /// No feasible amounts come below `objective - excess`.
    pub excess: f64,
    /// The part of the objective that is computed from exponentials: above the floors, for a sum;
    /// all of it for the worst language.
    pub computed: f64,
    /// What of the objective may be rounding: of exponentials whose logarithms have lost digits,
    /// and of sums.
    pub rounding: f64,
}

impl Certificate {
    /// A bound that no feasible amounts come below, rounding allowed for; none where the numbers
    /// fail.
    pub(crate) fn lower_bound(&self) -> f64 {
        let bound = self.objective - self.slack();
        if bound.is_nan() { f64::NEG_INFINITY } else { bound }
    }

    /// What the bound lies below the objective.
    pub(crate) fn slack(&self) -> f64 {
        self.excess + self.rounding
    }
}

/// Certifies feasible amounts of a convex program. Multipliers that are not admissible are made so
/// first.
pub(crate) fn certify(program: &Program, x: &[f64], duals: &Duals) -> Certificate {
    let jets = program.jets(&program.data(x));
    let losses = program.draw_objectives(&jets);
    let given = certified(program, x, duals, &jets, &losses, admissible(program, &duals.atoms));
    // the draws' own weights at these amounts are the right ones where nothing moves
    match (program.over, program.risk) {
        (Over::Sum, Risk::Cvar { .. }) if given.excess > 0.0 => {
            let own = certified(
                program,
                x,
                duals,
                &jets,
                &losses,
                admissible(program, &program.draw_weights(&losses)),
            );
            if own.excess < given.excess { own } else { given }
        }
        _ => given,
    }
}

fn certified(
    program: &Program,
    x: &[f64],
    duals: &Duals,
    jets: &[Jet],
    losses: &[f64],
    weights: Option<Vec<f64>>,
) -> Certificate {
    let objective = program.risk_of(losses);
    let spread = weights.as_ref().map_or(0.0, |atoms| spread(program, jets, losses, atoms));
    let gradient = gradient(program, x, jets, weights.as_deref());
    let budget = if program.exact { duals.budget } else { duals.budget.max(0.0) };
    let mut residual: Vec<f64> =
        gradient.iter().zip(&program.own).map(|(g, own)| g + budget * own.cost).collect();
    let mut slack = budget * (program.budget - program.spent(x));
    for (row, &mu) in program.rows.iter().zip(&duals.rows) {
        let end = if mu > 0.0 { row.upper } else { row.lower };
        if mu == 0.0 || !end.is_finite() {
            continue;
        }
        slack += mu * (end - row.at(x));
        row.terms.iter().for_each(|&(j, coefficient)| residual[j] += mu * coefficient);
    }
    let ends = program.own.iter().map(|own| own.lower).zip(program.reach());
    let moved = sum(residual.iter().zip(x).zip(ends).map(|((&r, &x), (lower, upper))| {
        let room = if r >= 0.0 { x - lower } else { upper - x };
        // a language at its only amount has no say, even at a pole
        if room <= 0.0 { 0.0 } else { (r * room).abs() }
    }));
    let data = program.data(x);
    let relative = |at: usize| {
        if program.kernels[at].is_idle() {
            0.0
        } else {
            program.kernels[at].rounding(data[at / program.draws])
        }
    };
    let (computed, rounding) = match (program.over, program.risk) {
        (Over::Sum, Risk::Mean) => {
            let rounding = sum(jets.iter().enumerate().map(|(at, jet)| jet.value * relative(at)));
            (
                sum(jets.iter().map(|jet| jet.value)) / program.draws as f64,
                rounding / program.draws as f64,
            )
        }
        _ => (objective, objective.abs() * (0..jets.len()).map(relative).fold(0.0, f64::max)),
    };
    Certificate { objective, excess: spread + slack.max(0.0) + moved, computed, rounding }
}

impl PosedProblem {
    /// Fall of the weighted mean loss of all languages for a pair more of each, at the margin.
    pub fn marginal_gains(&self, x: &[f64]) -> Vec<f64> {
        gradient(&self.program, x, &self.program.jets(&self.program.data(x)), None)
            .into_iter()
            .map(|slope| -slope)
            .collect()
    }
}

/// Gradient of `sum_ki q_ki w_i L_ik` in the amounts; `q = 1/K` where none is given.
pub(crate) fn gradient(
    program: &Program,
    x: &[f64],
    jets: &[Jet],
    atoms: Option<&[f64]>,
) -> Vec<f64> {
    let even = 1.0 / program.draws as f64;
    let weight = |at: usize| atoms.map_or(even, |atoms| atoms[at]);
    let slope = |i: usize| {
        let own = (i * program.draws..(i + 1) * program.draws).filter(|&at| weight(at) > 0.0);
        own.map(|at| weight(at) * jets[at].slope).sum()
    };
    let slopes: Vec<f64> = (0..program.len()).map(slope).collect();
    let worth: Vec<f64> =
        program.own.iter().zip(x).map(|(own, &x)| own.effective(x).slope).collect();
    program.backward(&worth, &slopes)
}
