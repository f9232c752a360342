//! The best worst language, where every language stands for itself: the least level that the budget
//! can bring all of them to.
//!
//! ```text
//! minimise t   subject to   w_i L_i(d(x_i)) <= t,   sum cost_i x_i(t) <= budget
//! x_i(t) = max(lower_i, what brings language i to t)
//! ```
//!
//! `x_i(t)` grows as `t` falls whatever the shape of the law, so the root is the optimum of
//! S-shaped laws too. The proof is direct: at any lower level the languages together ask for more
//! than the budget, or one of them for more than it can have.

use crate::numeric::roots::{Bracket, falling_root};
use crate::solver::certificate::{Duals, PrimalDual};
use crate::solver::problem::{Program, sum};

/// The least level, and amounts that reach it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Level {
    /// No amounts within the budget and the bounds bring every language below this.
    pub bound: f64,
    pub solution: PrimalDual,
}

/// Solves a feasible separable program of a worst language and a single draw.
pub(crate) fn solve(program: &Program) -> Level {
    let counted: Vec<usize> = (0..program.len()).filter(|&i| program.counts(i)).collect();
    let share = program.room() / counted.len() as f64;
    let even =
        |i: usize| program.own[i].upper.min(program.own[i].lower + share / program.own[i].cost);
    let root = least_level(program, &counted, even, |i, level| amount_for(program, i, level));
    let mut x: Vec<f64> = program.own.iter().map(|own| own.lower).collect();
    let reach: Vec<f64> = program.reach().collect();
    counted.iter().for_each(|&i| x[i] = amount_for(program, i, root.right).min(reach[i]));
    // one that has all it can have, and is worst all the same, holds the level alone
    let stuck = counted
        .iter()
        .copied()
        .find(|&i| reach[i] == program.own[i].upper && loss(program, i, reach[i]) >= root.right);
    let duals = match stuck {
        Some(i) => {
            x[i] = program.own[i].upper;
            alone(i, 0.0, x.len())
        }
        None => duals(program, &counted, &x),
    };
    spend_rest(program, &mut x);
    let ln_price = Some(duals.budget.ln()).filter(|ln| ln.is_finite());
    Level { bound: root.left.min(root.right), solution: PrimalDual { x, duals, ln_price } }
}

/// The amount that brings a language to a level, its lower bound at least; infinite where nothing
/// does.
pub(crate) fn amount_for(program: &Program, i: usize, level: f64) -> f64 {
    let own = &program.own[i];
    let kernel = &program.draws_of(i)[0];
    // so little that a double does not hold it is still more than nothing, at which a pole is
    // infinite
    let least = if kernel.has_pole() { f64::MIN_POSITIVE } else { 0.0 };
    let data = kernel.data_for(level).max(least);
    own.repeat.map_or(data, |repeat| repeat.amount_for(data)).max(own.lower)
}

/// Weighted loss of a language, floor counted.
pub(crate) fn loss(program: &Program, i: usize, x: f64) -> f64 {
    let kernel = &program.draws_of(i)[0];
    kernel.floor + kernel.value(program.own[i].effective(x).value)
}

/// The least level at which what is `needed` of every language is within the bounds and the budget:
/// just above it on the right. `known` amounts are within them.
pub(crate) fn least_level(
    program: &Program,
    counted: &[usize],
    known: impl Fn(usize) -> f64,
    needed: impl Fn(usize, f64) -> f64,
) -> Bracket {
    let own = &program.own;
    let reach: Vec<f64> = program.reach().collect();
    let idle =
        sum((0..own.len()).filter(|&i| !program.counts(i)).map(|i| own[i].cost * own[i].lower));
    let excess = |level: f64| {
        idle + counted
            .iter()
            .map(|&i| own[i].cost * needed(i, level).min(2.0 * reach[i]))
            .sum::<f64>()
            - program.budget
    };
    let worst = |amount: &dyn Fn(usize) -> f64| {
        counted.iter().map(|&i| loss(program, i, amount(i))).fold(0.0, f64::max)
    };
    // not even a language alone with all of the budget is below the first
    let low = worst(&|i| reach[i]);
    if excess(low) <= 0.0 {
        return Bracket { left: low, right: low };
    }
    let high = worst(&known);
    let root = falling_root(excess, low * (1.0 - 1e-14), high * (1.0 + 1e-14));
    // spent to the last digit: any lower level costs more, and the left end need not be next to it
    if excess(root.right) == 0.0 { Bracket { left: root.right, ..root } } else { root }
}

fn alone(i: usize, price: f64, n: usize) -> Duals {
    let mut atoms = vec![0.0; n];
    atoms[i] = 1.0;
    Duals { budget: price, atoms, rows: Vec::new() }
}

/// At the least level a unit of budget goes to all languages above their lower bounds, so that
/// their losses fall together.
fn duals(program: &Program, counted: &[usize], x: &[f64]) -> Duals {
    let fall = |i: usize| {
        let own = program.own[i].effective(x[i]);
        -program.draws_of(i)[0].jet(own.value).slope * own.slope
    };
    let worst = counted.iter().map(|&i| loss(program, i, x[i])).fold(0.0, f64::max);
    let moving: Vec<usize> = counted
        .iter()
        .copied()
        .filter(|&i| x[i] > program.own[i].lower && loss(program, i, x[i]) >= worst * (1.0 - 1e-12))
        .collect();
    if moving.is_empty() {
        let least = |&i: &usize| loss(program, i, x[i]);
        let i = counted.iter().copied().max_by(|a, b| least(a).total_cmp(&least(b))).unwrap_or(0);
        return alone(i, fall(i) / program.own[i].cost, x.len());
    }
    let price = 1.0 / sum(moving.iter().map(|&i| program.own[i].cost / fall(i)));
    let mut atoms = vec![0.0; x.len()];
    moving.iter().for_each(|&i| atoms[i] = price * program.own[i].cost / fall(i));
    Duals { budget: price, atoms, rows: Vec::new() }
}

/// An exact budget is spent to the end: what no language needs goes to those with room, one after
/// the other. What a steep level is spent beyond it, by rounding, is taken back from the language
/// with most.
fn spend_rest(program: &Program, x: &mut [f64]) {
    let over = program.spent(x) - program.budget;
    let given = |i: usize| program.own[i].cost * (x[i] - program.own[i].lower);
    if over > 0.0
        && let Some(i) = (0..x.len()).max_by(|&a, &b| given(a).total_cmp(&given(b)))
    {
        x[i] = (x[i] - over / program.own[i].cost).max(program.own[i].lower);
    }
    let mut left = if program.exact { program.budget - program.spent(x) } else { 0.0 };
    for (own, x) in program.own.iter().zip(x) {
        let more = (left / own.cost).min(own.upper - *x).max(0.0);
        *x += more;
        left -= more * own.cost;
    }
}
