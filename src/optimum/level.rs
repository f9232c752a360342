//! The best worst language, where every language stands for itself: the least level that the budget can bring all of them to.
//!
//! ```text
//! minimise t   subject to   w_i L_i(d(x_i)) <= t:   x_i(t) = max(lower_i, what brings language i to t),   sum cost_i x_i(t) <= budget
//! ```
//!
//! `x_i(t)` grows as `t` falls whatever the shape of the law, so the root is the optimum of S-shaped laws too. The proof is direct: at any
//! lower level the languages together ask for more than the budget, or one of them for more than it can have.

use super::certificate::Duals;
use super::program::{Program, sum};
use super::separable::Solution;
use crate::numeric::roots::falling_root;

/// The least level, and amounts that reach it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Level {
    /// No amounts within the budget and the bounds bring every language below this.
    pub bound: f64,
    pub solution: Solution,
}

/// Solves a feasible separable program of a worst language and a single draw.
pub(super) fn solve(program: &Program) -> Level {
    let counted: Vec<usize> = (0..program.len()).filter(|&i| program.counts(i)).collect();
    let root = least_level(program, &counted, |i, level| amount_for(program, i, level));
    let mut x: Vec<f64> = program.own.iter().map(|own| own.lower).collect();
    counted.iter().for_each(|&i| x[i] = amount_for(program, i, root.right).min(program.own[i].upper));
    let duals = duals(program, &counted, &x);
    spend_rest(program, &mut x);
    let ln_price = Some(duals.budget.ln()).filter(|ln| ln.is_finite());
    Level { bound: root.left.min(root.right), solution: Solution { x, duals, ln_price } }
}

/// The amount that brings a language to a level, its lower bound at least; infinite where nothing does.
pub(super) fn amount_for(program: &Program, i: usize, level: f64) -> f64 {
    let own = &program.own[i];
    let data = program.draws_of(i)[0].data_for(level);
    own.repeat.map_or(data, |repeat| repeat.amount_for(data)).max(own.lower)
}

/// The least level at which what is `needed` of every language is within the bounds and the budget: just above it on the right.
pub(super) fn least_level(program: &Program, counted: &[usize], needed: impl Fn(usize, f64) -> f64) -> crate::numeric::roots::Bracket {
    let own = &program.own;
    let idle = sum((0..own.len()).filter(|&i| !program.counts(i)).map(|i| own[i].cost * own[i].lower));
    let room = program.budget - program.least_spent();
    let excess = |level: f64| {
        let mut spent = idle;
        for &i in counted {
            let x = needed(i, level);
            if x > own[i].upper {
                return f64::INFINITY;
            }
            spent += own[i].cost * x;
        }
        spent - program.budget
    };
    let worst = |share: f64| {
        let at = |i: usize| own[i].upper.min(own[i].lower + share / own[i].cost);
        let loss = |i: usize| program.draws_of(i)[0].floor + program.draws_of(i)[0].value(own[i].effective(at(i)).value);
        counted.iter().map(|&i| loss(i)).fold(0.0, f64::max)
    };
    // even one language alone with all of the budget is not below the first, and even shares bring all to the second
    let (low, high) = (worst(room), worst(room / counted.len() as f64));
    falling_root(excess, low * (1.0 - 1e-14), high * (1.0 + 1e-14))
}

/// At the least level a unit of budget goes to all languages above their lower bounds, so that their losses fall together.
fn duals(program: &Program, counted: &[usize], x: &[f64]) -> Duals {
    let fall = |i: usize| {
        let own = program.own[i].effective(x[i]);
        -program.draws_of(i)[0].jet(own.value).slope * own.slope
    };
    let loss = |i: usize| program.draws_of(i)[0].floor + program.draws_of(i)[0].value(program.own[i].effective(x[i]).value);
    let worst = counted.iter().map(|&i| loss(i)).fold(0.0, f64::max);
    let held = |i: usize| loss(i) >= worst * (1.0 - 1e-12);
    let mut atoms = vec![0.0; x.len()];
    // one that has all it can have, and is worst all the same, proves the level alone
    let stuck = counted.iter().copied().find(|&i| held(i) && x[i] >= program.own[i].upper);
    let moving: Vec<usize> = counted.iter().copied().filter(|&i| held(i) && x[i] > program.own[i].lower).collect();
    match (stuck, moving.is_empty()) {
        (Some(i), _) => {
            atoms[i] = 1.0;
            Duals { budget: 0.0, atoms, rows: Vec::new() }
        }
        (None, false) => {
            let price = 1.0 / sum(moving.iter().map(|&i| program.own[i].cost / fall(i)));
            moving.iter().for_each(|&i| atoms[i] = price * program.own[i].cost / fall(i));
            Duals { budget: price, atoms, rows: Vec::new() }
        }
        (None, true) => {
            let worst = counted.iter().copied().max_by(|&a, &b| loss(a).total_cmp(&loss(b))).unwrap_or(0);
            atoms[worst] = 1.0;
            Duals { budget: fall(worst) / program.own[worst].cost, atoms, rows: Vec::new() }
        }
    }
}

/// An exact budget is spent to the end: what no language needs goes to those with room, one after the other.
fn spend_rest(program: &Program, x: &mut [f64]) {
    let mut left = if program.exact { program.budget - program.spent(x) } else { 0.0 };
    for (own, x) in program.own.iter().zip(x) {
        let more = (left / own.cost).min(own.upper - *x).max(0.0);
        *x += more;
        left -= more * own.cost;
    }
}
