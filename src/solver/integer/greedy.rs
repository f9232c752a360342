//! The optimum of envelopes in whole steps of one cost.
//!
//! The gain of each further step never grows along an envelope, so the largest gains form whole
//! prefixes, and no set of as many steps does better. A continuous optimum comes within a step or
//! so a language; moves of single steps do the rest: `O(n log n)` at any budget.

use super::steps::Steps;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A gain of one step of one language, as it was when that language had `steps`.
#[derive(Debug, Clone, Copy)]
struct Step {
    gain: f64,
    language: usize,
    steps: u64,
}

impl Ord for Step {
    /// By gain; the earlier language is the greater of equals, so that ties go to it.
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain
            .total_cmp(&other.gain)
            .then(other.language.cmp(&self.language))
            .then(self.steps.cmp(&other.steps))
    }
}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Step {}

/// Moves single steps until they sum to `total`, which the ranges admit, and the smallest gain
/// taken is not below the largest left.
pub(crate) fn settle(languages: &[Steps], total: u64, counts: &mut [u64]) {
    let next = |i: usize, k: u64| {
        (k < languages[i].upper).then(|| Step { gain: languages[i].gain(k), language: i, steps: k })
    };
    let last = |i: usize, k: u64| {
        (k > languages[i].lower).then(|| Step {
            gain: languages[i].gain(k - 1),
            language: i,
            steps: k,
        })
    };
    let mut untaken: BinaryHeap<Step> =
        counts.iter().enumerate().filter_map(|(i, &k)| next(i, k)).collect();
    let mut taken: BinaryHeap<Reverse<Step>> =
        counts.iter().enumerate().filter_map(|(i, &k)| last(i, k)).map(Reverse).collect();
    let mut held: u128 = counts.iter().map(|&k| u128::from(k)).sum();
    loop {
        // entries of languages that have moved since are stale
        while untaken.peek().is_some_and(|step| counts[step.language] != step.steps) {
            untaken.pop();
        }
        while taken.peek().is_some_and(|Reverse(step)| counts[step.language] != step.steps) {
            taken.pop();
        }
        let (up, down) = (untaken.peek().copied(), taken.peek().map(|Reverse(step)| *step));
        let better = up
            .zip(down)
            .is_some_and(|(up, down)| up.gain > down.gain && up.language != down.language);
        let step = match held.cmp(&u128::from(total)) {
            Ordering::Less => up.map(|step| (step.language, step.steps + 1)),
            // taking the worst step away leaves one to give, which the next round gives to the best
            Ordering::Equal if better => down.map(|step| (step.language, step.steps - 1)),
            Ordering::Greater => down.map(|step| (step.language, step.steps - 1)),
            Ordering::Equal => None,
        };
        let Some((i, k)) = step else { return };
        held = held - u128::from(counts[i]) + u128::from(k);
        counts[i] = k;
        untaken.extend(next(i, k));
        taken.extend(last(i, k).map(Reverse));
    }
}
