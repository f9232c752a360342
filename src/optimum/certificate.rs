//! The proof of an answer: a lower bound on the optimum of a convex program from multipliers, whoever found them.
//!
//! With `g` the gradient at `x` of `sum_ki q_ki w_i L_ik`, and `r = g + lambda cost + sum_g mu_g a_g`, convexity gives for every feasible `z`
//!
//! ```text
//! F(x) - F(z) <= [F(x) - sum q w L] + lambda (budget - cost x) + sum_g mu_g (b_g - a_g x)
//!                + sum_i  r_i (x_i - lower_i)  where r_i >= 0,   -r_i (upper_i - x_i)  where r_i < 0
//! ```
//!
//! for any `lambda >= 0`, any `mu` of the right sign and any admissible `q`. Every bracket is not negative and is summed as it is, so the
//! floors of the laws, which may be a billion times what is left to gain, take no digits away.

use super::kernel::Jet;
use super::program::{Over, Program, Risk, sum};

/// Multipliers of a program.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Duals {
    /// `lambda`: what a unit of budget is worth.
    pub budget: f64,
    /// A row's multiplier: above 0 where its upper end binds, below where its lower end does.
    pub rows: Vec<f64>,
    /// Weight of each language and draw, language by language; empty for a mean of sums, where all are `1/K`.
    pub atoms: Vec<f64>,
}

/// An objective and what is proven of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Certificate {
    pub objective: f64,
    /// No feasible amounts come below `objective - excess`.
    pub excess: f64,
    /// The part of the objective that is computed from exponentials: above the floors, for a sum; all of it for the worst language.
    pub computed: f64,
    /// What of the objective may be rounding: of exponentials whose logarithms have lost digits, and of sums.
    pub rounding: f64,
}

impl Certificate {
    /// A bound that no feasible amounts come below, rounding allowed for; none where the numbers fail.
    pub(super) fn lower_bound(&self) -> f64 {
        let bound = self.objective - self.slack();
        if bound.is_nan() { f64::NEG_INFINITY } else { bound }
    }

    /// What the bound lies below the objective.
    pub(super) fn slack(&self) -> f64 {
        self.excess + self.rounding
    }
}

/// Certifies feasible amounts of a convex program. Multipliers that are not admissible are made so first.
pub(super) fn certify(program: &Program, x: &[f64], duals: &Duals) -> Certificate {
    let jets = program.jets(&program.data(x));
    let losses = program.draw_objectives(&jets);
    let given = certified(program, x, duals, &jets, &losses, admissible(program, &duals.atoms));
    // the draws' own weights at these amounts are the right ones where nothing moves
    match (program.over, program.risk) {
        (Over::Sum, Risk::Cvar { .. }) if given.excess > 0.0 => {
            let own = certified(program, x, duals, &jets, &losses, admissible(program, &program.draw_weights(&losses)));
            if own.excess < given.excess { own } else { given }
        }
        _ => given,
    }
}

fn certified(program: &Program, x: &[f64], duals: &Duals, jets: &[Jet], losses: &[f64], weights: Option<Vec<f64>>) -> Certificate {
    let objective = program.risk_of(losses);
    let spread = weights.as_ref().map_or(0.0, |atoms| spread(program, jets, losses, atoms));
    let gradient = gradient(program, x, jets, weights.as_deref());
    let budget = if program.exact { duals.budget } else { duals.budget.max(0.0) };
    let mut residual: Vec<f64> = gradient.iter().zip(&program.own).map(|(g, own)| g + budget * own.cost).collect();
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
    let relative = |at: usize| if program.kernels[at].is_idle() { 0.0 } else { program.kernels[at].rounding(data[at / program.draws]) };
    let (computed, rounding) = match (program.over, program.risk) {
        (Over::Sum, Risk::Mean) => {
            let rounding = sum(jets.iter().enumerate().map(|(at, jet)| jet.value * relative(at)));
            (sum(jets.iter().map(|jet| jet.value)) / program.draws as f64, rounding / program.draws as f64)
        }
        _ => (objective, objective.abs() * (0..jets.len()).map(relative).fold(0.0, f64::max)),
    };
    Certificate { objective, excess: spread + slack.max(0.0) + moved, computed, rounding }
}

/// Gradient of `sum_ki q_ki w_i L_ik` in the amounts; `q = 1/K` where none is given.
pub(super) fn gradient(program: &Program, x: &[f64], jets: &[Jet], atoms: Option<&[f64]>) -> Vec<f64> {
    let even = 1.0 / program.draws as f64;
    let weight = |at: usize| atoms.map_or(even, |atoms| atoms[at]);
    let slope = |i: usize| {
        let own = (i * program.draws..(i + 1) * program.draws).filter(|&at| weight(at) > 0.0);
        own.map(|at| weight(at) * jets[at].slope).sum()
    };
    let slopes: Vec<f64> = (0..program.len()).map(slope).collect();
    let worth: Vec<f64> = program.own.iter().zip(x).map(|(own, &x)| own.effective(x).slope).collect();
    program.backward(&worth, &slopes)
}

/// `F(x) - sum q w L`, a sum of parts that are not negative.
fn spread(program: &Program, jets: &[Jet], losses: &[f64], atoms: &[f64]) -> f64 {
    let own = program.draw_weights(losses);
    // weights of draws: what their atoms sum to, or any one of them where they stand for the sum over languages
    let weight = |k: usize| match program.over {
        Over::Worst => sum((0..program.len()).map(|i| atoms[i * program.draws + k])),
        Over::Sum => atoms[k],
    };
    let pivot = losses.iter().zip(&own).filter(|(_, weight)| **weight > 0.0).map(|(loss, _)| *loss).fold(f64::INFINITY, f64::min);
    let between = sum((0..program.draws).map(|k| (own[k] - weight(k)) * (losses[k] - pivot)));
    let within = match program.over {
        Over::Sum => 0.0,
        Over::Worst => sum((0..program.kernels.len())
            .filter(|&at| atoms[at] > 0.0)
            .map(|at| atoms[at] * (losses[at % program.draws] - program.kernels[at].floor - jets[at].value))),
    };
    between.max(0.0) + within.max(0.0)
}

/// Weights scaled and clipped to sum to 1 within what the risk allows a draw; absent for a mean of sums.
fn admissible(program: &Program, atoms: &[f64]) -> Option<Vec<f64>> {
    let (n, draws) = (program.len(), program.draws);
    let is_mean = matches!(program.risk, Risk::Mean);
    if program.over == Over::Sum && is_mean {
        return None;
    }
    let mut atoms: Vec<f64> = if atoms.len() == n * draws { atoms.iter().map(|q| q.max(0.0)).collect() } else { vec![1.0; n * draws] };
    let count = |k: usize| (0..n).map(move |i| i * draws + k);
    (0..n * draws).filter(|at| program.over == Over::Worst && program.kernels[*at].is_idle()).for_each(|at| atoms[at] = 0.0);
    let held: Vec<f64> = match program.over {
        Over::Sum => atoms[..draws].to_vec(),
        Over::Worst => (0..draws).map(|k| sum(count(k).map(|at| atoms[at]))).collect(),
    };
    let wanted = match program.risk {
        Risk::Mean => vec![1.0 / draws as f64; draws],
        Risk::Cvar { level } => capped(&held, 1.0 / ((1.0 - level) * draws as f64)),
    };
    for k in 0..draws {
        let weighted = count(k).filter(|&at| !program.kernels[at].is_idle()).count() as f64;
        for at in count(k) {
            atoms[at] = match program.over {
                Over::Sum => wanted[k],
                Over::Worst if held[k] > 0.0 => atoms[at] / held[k] * wanted[k],
                Over::Worst if program.kernels[at].is_idle() => 0.0,
                Over::Worst => wanted[k] / weighted,
            };
        }
    }
    Some(atoms)
}

/// The nearest multiples of the weights that sum to 1, none above `most`.
fn capped(weights: &[f64], most: f64) -> Vec<f64> {
    let total = sum(weights.iter().copied());
    let even = 1.0 / weights.len() as f64;
    let mut scaled: Vec<f64> = weights.iter().map(|weight| if total > 0.0 { weight / total } else { even }).collect();
    // what is above the cap goes to the others in proportion; each round caps one more, and a last round spreads rounding
    for _ in 0..weights.len() {
        let over = sum(scaled.iter().map(|weight| (weight - most).max(0.0)));
        let free = sum(scaled.iter().filter(|weight| **weight < most).copied());
        if over <= f64::EPSILON {
            break;
        }
        let grow = if free > 0.0 { 1.0 + over / free } else { 1.0 };
        scaled.iter_mut().for_each(|weight| *weight = if *weight >= most { most } else { *weight * grow });
        if free <= 0.0 {
            let room = scaled.iter().filter(|weight| **weight == 0.0).count() as f64;
            scaled.iter_mut().filter(|weight| **weight == 0.0).for_each(|weight| *weight = over / room);
        }
    }
    scaled
}
