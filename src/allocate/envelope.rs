//! The greatest convex function below one term over the whole amounts `lower..=upper`.
//!
//! A law that starts concave has a chord from its lower end to the whole amount `t` where the mean fall a pair is largest, and is
//! itself beyond `t`; a convex law is its own envelope, and `t = lower`. On either the fall of each further pair never grows.

use super::Term;
use crate::numeric::roots::falling_root;

/// The envelope of a term of weight above 0.
pub(super) struct Envelope<'a> {
    term: &'a Term,
    pub(super) lower: u64,
    pub(super) upper: u64,
    /// End of the chord; `lower` where there is none.
    tangent: u64,
    /// Weighted fall a pair on the chord.
    chord_gain: f64,
}

impl<'a> Envelope<'a> {
    pub(super) fn new(term: &'a Term, lower: u64, upper: u64) -> Self {
        let mut envelope = Envelope { term, lower, upper, tangent: lower, chord_gain: 0.0 };
        if term.law.inflection().is_some_and(|inflection| inflection > lower as f64) && upper > lower {
            envelope.tangent = envelope.best_chord_end();
            envelope.chord_gain = envelope.mean_gain(envelope.tangent);
        }
        envelope
    }

    /// Weighted fall a pair from `lower` to `x`.
    fn mean_gain(&self, x: u64) -> f64 {
        self.term.weight * self.term.law.fall(self.lower as f64, x as f64) / (x - self.lower) as f64
    }

    /// The whole amount of largest mean fall. The mean rises while the slope at its end is steeper than it is, then falls for good,
    /// so the best whole amount is next to the root of their difference.
    fn best_chord_end(&self) -> u64 {
        let (law, lower) = (&self.term.law, self.lower as f64);
        let steeper_than_mean = |ln_x: f64| {
            let x = ln_x.exp();
            law.ln_steepness(x) - (law.fall(lower, x) / (x - lower)).ln()
        };
        let start = law.inflection().unwrap_or(lower).max(lower + 1.0);
        if start >= self.upper as f64 {
            return self.upper;
        }
        let root = falling_root(steeper_than_mean, start.ln(), (self.upper as f64).ln()).right.exp();
        let floor = (root as u64).clamp(self.lower + 1, self.upper);
        let ceil = (floor + 1).min(self.upper);
        if self.mean_gain(ceil) > self.mean_gain(floor) { ceil } else { floor }
    }

    /// Weighted fall of the pair after `pairs`.
    pub(super) fn gain(&self, pairs: u64) -> f64 {
        if pairs < self.tangent { self.chord_gain } else { self.term.weight * self.term.law.fall(pairs as f64, pairs as f64 + 1.0) }
    }

    /// The weighted loss less the envelope: above 0 only inside the chord.
    pub(super) fn excess(&self, pairs: u64) -> f64 {
        if pairs <= self.lower || pairs >= self.tangent {
            return 0.0;
        }
        let fall = self.term.weight * self.term.law.fall(self.lower as f64, pairs as f64);
        (self.chord_gain * (pairs - self.lower) as f64 - fall).max(0.0)
    }

    /// `ln` of the price at which the envelope asks for `pairs`, which is above `lower`.
    pub(super) fn ln_price(&self, pairs: f64) -> f64 {
        if pairs < self.tangent as f64 { self.chord_gain.ln() } else { self.term.weight.ln() + self.term.law.ln_steepness(pairs) }
    }

    /// The amount, not whole, that minimises the envelope plus `e^ln_price` a pair.
    pub(super) fn pairs_at(&self, ln_price: f64) -> f64 {
        let (lower, upper, tangent) = (self.lower as f64, self.upper as f64, self.tangent as f64);
        if tangent > lower && ln_price > self.chord_gain.ln() {
            return lower;
        }
        self.term.law.pairs_at(ln_price - self.term.weight.ln()).clamp(tangent, upper)
    }
}
