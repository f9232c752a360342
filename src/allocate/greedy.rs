//! The optimum of envelopes in whole pairs.
//!
//! The fall of each further pair never grows along an envelope, so the `budget` largest falls form whole prefixes, and no set of as many
//! pairs does better. A price found by root search comes within a pair or so a language; moves of single pairs do the rest:
//! `O(n log n)` at any budget.

use super::envelope::Envelope;
use crate::numeric::roots::falling_root;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Whole pairs of each envelope that sum to `budget`, which the bounds admit, and minimise the sum of the envelopes.
/// At most one is left between the ends of a chord, or several where equal chords meet rounding.
pub(super) fn allot(envelopes: &[Envelope], budget: u64) -> Vec<u64> {
    let lowers: u64 = envelopes.iter().map(|envelope| envelope.lower).sum();
    let room = budget - lowers;
    if room == 0 {
        return envelopes.iter().map(|envelope| envelope.lower).collect();
    }
    let mut pairs = near_optimum(envelopes, budget, room);
    settle(envelopes, budget, &mut pairs);
    pairs
}

/// Pairs at the price that spends the budget, rounded down; where a chord jumps at that price, languages are filled in order.
fn near_optimum(envelopes: &[Envelope], budget: u64, room: u64) -> Vec<u64> {
    let even = (room as f64 / envelopes.len() as f64).max(0.5);
    let wanting = || envelopes.iter().filter(|envelope| envelope.upper > envelope.lower);
    let price = |envelope: &Envelope, more: f64| envelope.ln_price((envelope.lower as f64 + more).min(envelope.upper as f64));
    // dear enough that nobody asks for more than an even part, and cheap enough that everybody asks for all
    let dear = wanting().map(|envelope| price(envelope, even)).fold(f64::NEG_INFINITY, f64::max) + 1e-9;
    let cheap = wanting().map(|envelope| price(envelope, room as f64)).fold(f64::INFINITY, f64::min) - 1e-9;
    let demand = |ln_price: f64| envelopes.iter().map(|envelope| envelope.pairs_at(ln_price)).sum::<f64>();
    let ln_budget = (budget as f64).ln();
    let root = falling_root(|ln_price| demand(ln_price).ln() - ln_budget, cheap, dear.max(cheap));
    let mut pairs: Vec<u64> = envelopes.iter().map(|envelope| whole(envelope, envelope.pairs_at(root.right))).collect();
    let mut left = u128::from(budget).saturating_sub(pairs.iter().map(|&x| u128::from(x)).sum()) as u64;
    for (envelope, x) in envelopes.iter().zip(&mut pairs) {
        let more = whole(envelope, envelope.pairs_at(root.left)).saturating_sub(*x).min(left);
        *x += more;
        left -= more;
    }
    pairs
}

fn whole(envelope: &Envelope, pairs: f64) -> u64 {
    (pairs as u64).clamp(envelope.lower, envelope.upper)
}

/// A fall of the loss by one pair of one language, as it was when that language had `pairs`.
#[derive(Debug, Clone, Copy)]
struct Step {
    gain: f64,
    language: usize,
    pairs: u64,
}

impl Ord for Step {
    /// By gain; the earlier language is the greater of equals, so that ties go to it.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.gain.total_cmp(&other.gain).then(other.language.cmp(&self.language)).then(self.pairs.cmp(&other.pairs))
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Step {}

/// Moves single pairs until they sum to the budget and the smallest gain taken is not below the largest left.
fn settle(envelopes: &[Envelope], budget: u64, pairs: &mut [u64]) {
    let next = |i: usize, x: u64| (x < envelopes[i].upper).then(|| Step { gain: envelopes[i].gain(x), language: i, pairs: x });
    let last = |i: usize, x: u64| (x > envelopes[i].lower).then(|| Step { gain: envelopes[i].gain(x - 1), language: i, pairs: x });
    let mut untaken: BinaryHeap<Step> = pairs.iter().enumerate().filter_map(|(i, &x)| next(i, x)).collect();
    let mut taken: BinaryHeap<Reverse<Step>> = pairs.iter().enumerate().filter_map(|(i, &x)| last(i, x)).map(Reverse).collect();
    let mut total: u128 = pairs.iter().map(|&x| u128::from(x)).sum();
    loop {
        // entries of languages that have moved since are stale
        while untaken.peek().is_some_and(|step| pairs[step.language] != step.pairs) {
            untaken.pop();
        }
        while taken.peek().is_some_and(|Reverse(step)| pairs[step.language] != step.pairs) {
            taken.pop();
        }
        let (up, down) = (untaken.peek().copied(), taken.peek().map(|Reverse(step)| *step));
        let better = up.zip(down).is_some_and(|(up, down)| up.gain > down.gain && up.language != down.language);
        let step = match total.cmp(&u128::from(budget)) {
            std::cmp::Ordering::Less => up.map(|step| (step.language, step.pairs + 1)),
            // taking the worst pair away leaves one to give, which the next round gives to the best
            std::cmp::Ordering::Equal if better => down.map(|step| (step.language, step.pairs - 1)),
            std::cmp::Ordering::Greater => down.map(|step| (step.language, step.pairs - 1)),
            std::cmp::Ordering::Equal => None,
        };
        let Some((i, x)) = step else { return };
        total = total - u128::from(pairs[i]) + u128::from(x);
        pairs[i] = x;
        untaken.extend(next(i, x));
        taken.extend(last(i, x).map(Reverse));
    }
}
