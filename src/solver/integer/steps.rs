//! One language in whole steps: what each further one gains, on the law and on the greatest convex
//! function below it.
//!
//! A law that starts concave has a chord from its least steps to the number `t` where the mean gain
//! a step is largest, and is itself beyond; a convex law is its own envelope, and `t` is the least.
//! On either the gain of each further step never grows.

use crate::numeric::roots::falling_root;
use crate::solver::kernel::Kernel;
use crate::solver::problem::{Own, Program};

/// A language over the whole steps `lower..=upper`.
pub(crate) struct Steps<'a> {
    draws: &'a [Kernel],
    own: &'a Own,
    pub grain: f64,
    pub lower: u64,
    pub upper: u64,
    /// End of the chord; `lower` where there is none.
    tangent: u64,
    /// Fall of the weighted loss per step on the chord.
    chord_gain: f64,
}

impl<'a> Steps<'a> {
    pub(crate) fn new(
        program: &'a Program,
        i: usize,
        grain: f64,
        (lower, upper): (u64, u64),
    ) -> Self {
        let (draws, own) = (program.draws_of(i), &program.own[i]);
        let mut steps = Steps { draws, own, grain, lower, upper, tangent: lower, chord_gain: 0.0 };
        let least = own.effective(lower as f64 * grain).value;
        let inflection = draws.iter().filter_map(Kernel::inflection).fold(0.0, f64::max);
        if inflection > least && upper > lower {
            // repeats turn the law convex before its own data would: once, for both `-L''/|L'|` and
            // `d'` fall
            let start = own.repeat.map_or(inflection, |repeat| inflection.min(repeat.unique()));
            steps.tangent = steps.best_chord_end(start);
            steps.chord_gain = steps.mean_gain(steps.tangent);
        }
        steps
    }

    /// The end of the chord; the least steps where there is none.
    pub(crate) fn tangent(&self) -> u64 {
        self.tangent
    }

    /// Fall of the weighted loss, the mean over draws, from `steps` to `steps + more`.
    fn fall(&self, steps: u64, more: u64) -> f64 {
        let (x, more) = (steps as f64 * self.grain, more as f64 * self.grain);
        let data = self.own.effective(x).value;
        let more = self.own.repeat.map_or(more, |repeat| repeat.gained(x, more));
        self.draws.iter().map(|kernel| kernel.fall(data, more)).sum::<f64>()
            / self.draws.len() as f64
    }

    /// Mean fall a step from `lower` to `end`.
    fn mean_gain(&self, end: u64) -> f64 {
        self.fall(self.lower, end - self.lower) / (end - self.lower) as f64
    }

    /// The number of largest mean fall. The mean rises while the slope at its end is steeper than
    /// it is, then falls for good, so the best whole number is next to the root of their
    /// difference. At `start` the law is concave no longer, or still.
    fn best_chord_end(&self, start: f64) -> u64 {
        let lower = self.lower as f64 * self.grain;
        let start = start.max(lower + self.grain);
        if start >= self.upper as f64 * self.grain {
            return self.upper;
        }
        let first = self.own.effective(lower).value;
        let steeper_than_mean = |ln_x: f64| {
            let x = ln_x.exp();
            let data = self.own.effective(x);
            let slope: f64 =
                self.draws.iter().map(|kernel| -kernel.jet(data.value).slope * data.slope).sum();
            slope * (x - lower)
                - self
                    .draws
                    .iter()
                    .map(|kernel| kernel.fall(first, data.value - first))
                    .sum::<f64>()
        };
        let root =
            falling_root(steeper_than_mean, start.ln(), (self.upper as f64 * self.grain).ln())
                .right
                .exp();
        let floor = ((root / self.grain) as u64).clamp(self.lower + 1, self.upper);
        let ceil = (floor + 1).min(self.upper);
        if self.mean_gain(ceil) > self.mean_gain(floor) { ceil } else { floor }
    }

    /// Weighted fall of the step after `steps`.
    pub(crate) fn gain(&self, steps: u64) -> f64 {
        if steps < self.tangent { self.chord_gain } else { self.fall(steps, 1) }
    }

    /// The weighted loss less the envelope: above 0 only inside the chord.
    pub(crate) fn excess(&self, steps: u64) -> f64 {
        if steps <= self.lower || steps >= self.tangent {
            return 0.0;
        }
        (self.chord_gain * (steps - self.lower) as f64 - self.fall(self.lower, steps - self.lower))
            .max(0.0)
    }

    /// Weighted loss above the floor at `steps`, the mean over draws.
    pub(crate) fn loss(&self, steps: u64) -> f64 {
        let data = self.own.effective(steps as f64 * self.grain).value;
        self.draws.iter().map(|kernel| kernel.value(data)).sum::<f64>() / self.draws.len() as f64
    }
}
