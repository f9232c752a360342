//! Levels: the least pairs that bring every language to a loss, and the least worst loss that a
//! budget affords.
//!
//! Every law falls, so what a level asks for only grows as the level falls, and a bisection finds
//! the last one that can be met: exact for laws of every shape, in whole pairs.

use super::{Problem, ProblemError};
use crate::allocate::Term;

/// Bisections of a level, whose bits they are, and the relative distance at which they end; earlier
/// for one of many problems.
const STEPS: usize = 120;
const CLOSED: f64 = 1e-14;
const CLOSED_OF_SKETCH: f64 = 1e-8;
/// The same where each asks for whole pairs under groups.
const WHOLE_STEPS: usize = 40;
const WHOLE_STEPS_OF_SKETCH: usize = 8;

/// The least whole number of pairs, at most `most`, at which the loss is at most `level`; absent
/// where none is.
pub(in crate::allocate) fn pairs_for(term: &Term, level: f64, most: u64) -> Option<u64> {
    pairs_between(term, level, (0, most))
}

/// The same of pairs between two ends.
fn pairs_between(term: &Term, level: f64, (least, most): (u64, u64)) -> Option<u64> {
    let reaches = |pairs: u64| term.loss(pairs as f64) <= level;
    if !reaches(most) {
        return None;
    }
    if reaches(least) {
        return Some(least);
    }
    let (mut below, mut enough) = (least, most);
    while enough - below > 1 {
        let middle = below + (enough - below) / 2;
        if reaches(middle) { enough = middle } else { below = middle }
    }
    Some(enough)
}

/// Least pairs between two ends for each language that bring the weighted loss of every one that
/// counts to `level`.
fn needs(problem: &Problem, level: f64, least: &[u64], most: &[u64]) -> Option<Vec<u64>> {
    let need = |(i, term): (usize, &Term)| match term.weight {
        0.0 => Some(least[i]),
        weight => pairs_between(term, level / weight, (least[i], most[i])),
    };
    problem.terms().iter().enumerate().map(need).collect()
}

/// The problem with the lower bounds that bring the weighted loss of every language that counts to
/// `level`.
pub(in crate::allocate) fn at_level(problem: &Problem, level: f64) -> Option<Problem> {
    let most: Vec<u64> = problem.terms().iter().map(|term| problem.most(term)).collect();
    problem.with_least(&needs(problem, level, &problem.all_least(), &most)?).ok()
}

/// The weighted loss of the worst language under some pairs.
pub(in crate::allocate) fn worst_loss(problem: &Problem, pairs: &[u64]) -> f64 {
    let counted = problem.terms().iter().zip(pairs).filter(|(term, _)| term.weight > 0.0);
    counted.map(|(term, &x)| term.weight * term.loss(x as f64)).fold(f64::NEG_INFINITY, f64::max)
}

/// The least worst loss: the problem with bounds that hold everybody to it, and a level that no
/// allocation reaches.
pub(in crate::allocate) fn least_worst(problem: &Problem) -> (Problem, f64) {
    let counted = || problem.terms().iter().enumerate().filter(|(_, term)| term.weight > 0.0);
    let worst = |pairs: &dyn Fn(usize, &Term) -> u64| {
        counted()
            .map(|(i, term)| term.weight * term.loss(pairs(i, term) as f64))
            .fold(f64::NEG_INFINITY, f64::max)
    };
    // no allocation is better than all of everything for everybody; any allocation will do above
    let (mut under, mut over) =
        (worst(&|_, term| problem.most(term)), worst(&|i, _| problem.least(i)));
    if let Some(held) = at_level(problem, under) {
        return (held, under);
    }
    let closed = if problem.is_sketch() { CLOSED_OF_SKETCH } else { CLOSED };
    // what a level needs lies between what a worse and what a better one need
    let mut least = problem.all_least();
    let mut most: Vec<u64> = problem.terms().iter().map(|term| problem.most(term)).collect();
    for _ in 0..STEPS {
        let middle = if over.is_finite() { 0.5 * (under + over) } else { 2.0 * under + 1.0 };
        if middle <= under || middle >= over || over - under <= closed * over.abs() {
            break;
        }
        match needs(problem, middle, &least, &most) {
            Some(needed) if problem.fits(&needed) => (over, least) = (middle, needed),
            Some(needed) => (under, most) = (middle, needed),
            None => under = middle,
        }
    }
    let held = at_level(problem, over).or_else(|| in_whole_pairs(problem, over));
    (held.unwrap_or_else(|| problem.clone()), under)
}

/// The problem at the least level above `over` that whole pairs reach: under groups they may miss
/// what fractions of pairs meet.
fn in_whole_pairs(problem: &Problem, over: f64) -> Option<Problem> {
    let loss = |i: usize, term: &Term| term.weight * term.loss(problem.least(i) as f64);
    let counted = problem.terms().iter().enumerate().filter(|(_, term)| term.weight > 0.0);
    let (mut missed, mut met) = (over, counted.map(|(i, term)| loss(i, term)).fold(over, f64::max));
    let mut held = at_level(problem, met)?;
    for _ in 0..if problem.is_sketch() { WHOLE_STEPS_OF_SKETCH } else { WHOLE_STEPS } {
        let middle = 0.5 * (missed + met);
        match at_level(problem, middle) {
            Some(better) => (held, met) = (better, middle),
            None => missed = middle,
        }
    }
    Some(held)
}

/// The problem in which no language does worse than under some pairs, but for a fraction of the
/// loss it has there.
pub fn no_worse_than(
    problem: &Problem,
    pairs: &[u64],
    slack: f64,
) -> Result<Problem, ProblemError> {
    let least = problem.terms().iter().zip(pairs).map(|(term, &x)| {
        let level = term.loss(x as f64) * (1.0 + slack);
        // what the pairs themselves reach needs no more of them, whatever the digits say
        pairs_for(term, level, x).unwrap_or(x)
    });
    problem.with_least(&least.collect::<Vec<_>>())
}
