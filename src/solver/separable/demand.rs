//! How much of a language is asked for at a price: the inverse of its marginal value per cost.
//!
//! ```text
//! ln m(x) = ln(-mean_k w L_k'(d(x))) + ln d'(x) - ln cost
//! demand(lambda) = the x with ln m(x) = ln lambda, within the bounds
//! ```
//!
//! `ln m` falls in `x` wherever the loss is convex. Its logarithm stays finite where repetition
//! takes the marginal value below the least double.

use crate::solver::kernel::Kernel;
use crate::solver::problem::{Own, Program};

/// One language seen from its price.
pub(crate) struct Demand<'a> {
    draws: &'a [Kernel],
    pub own: &'a Own,
    pub ln_cost: f64,
    /// Least amount: the lower bound, or next to 0 where the first pair is worth any price.
    least: f64,
    /// In `ln(x + offset)` the logarithm of the marginal value is a straight line or close to one.
    offset: f64,
    /// `p` and `q` of `x = e^(q - p ln_price) - offset`, where a single law without repetition has
    /// that form.
    pub closed: Option<(f64, f64)>,
}

/// An amount and how it answers to the logarithm of the price.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Answer {
    pub x: f64,
    /// `dx / d ln_price`, never above 0; 0 at a bound.
    pub slope: f64,
}

/// The least amount that still has finite derivatives, of laws steep at 0.
const NEXT_TO_0: f64 = 1e-150;
/// Steps of one search; half of them bisect at worst.
const STEPS: usize = 200;

impl<'a> Demand<'a> {
    pub(crate) fn of(program: &'a Program, i: usize) -> Self {
        let (draws, own) = (program.draws_of(i), &program.own[i]);
        let ln_cost = own.cost.ln();
        let closed = match draws {
            [kernel] => kernel.closed_response().map(|(p, q)| (p, q - p * ln_cost)),
            _ => None,
        };
        let least = if draws.iter().any(Kernel::is_steep_at_zero) {
            own.lower.max(NEXT_TO_0)
        } else {
            own.lower
        };
        let offset = draws.iter().map(Kernel::offset).fold(f64::INFINITY, f64::min);
        Demand { draws, own, ln_cost, least, offset, closed }
    }

    /// `ln m(x)` and its derivative; beyond the unique amount where `repeats`, before it otherwise.
    /// Both agree on `ln m` at that amount.
    pub(crate) fn ln_marginal(&self, x: f64, repeats: bool) -> (f64, f64) {
        let own = self.own.effective(x);
        let (ln, slope) = match self.draws {
            [kernel] => kernel.ln_steepness(own.value),
            draws => {
                let (mut fall, mut curvature) = (0.0, 0.0);
                for jet in draws.iter().map(|kernel| kernel.jet(own.value)) {
                    fall -= jet.slope;
                    curvature += jet.curvature;
                }
                ((fall / draws.len() as f64).ln(), -curvature / fall)
            }
        };
        match self.own.repeat.filter(|repeat| repeats && x >= repeat.unique()) {
            Some(repeat) => {
                (ln - repeat.decay(x) - self.ln_cost, slope * own.slope - repeat.decay_rate())
            }
            None => (ln - self.ln_cost, slope),
        }
    }

    /// The amount asked for at a price, by Newton's method from `guess` within a bracket.
    pub(crate) fn at(&self, ln_price: f64, guess: f64) -> Answer {
        let (lower, upper) = (self.least.min(self.own.upper), self.own.upper);
        let unique = self.own.repeat.map_or(f64::INFINITY, |repeat| repeat.unique());
        let mut guess = guess;
        if let Some((p, q)) = self.closed {
            let base = (q - p * ln_price).exp();
            let x = base - self.offset;
            if x <= unique || upper <= unique {
                let slope = if x > lower && x < upper { -p * base } else { 0.0 };
                return Answer { x: x.clamp(lower, upper), slope };
            }
            guess = guess.max(unique);
        }
        // Newton's last step squares an error of 1e-9; next to a chord it might end on the wrong
        // side of a jump
        let near =
            if self.draws.iter().any(|kernel| kernel.chord.is_some()) { 1e-15 } else { 1e-9 };
        let (mut left, mut right) = (lower, upper);
        let mut x = guess.clamp(lower, upper);
        for _ in 0..STEPS {
            let (ln, mut slope) = self.ln_marginal(x, x > unique);
            let excess = ln - ln_price;
            if x == unique && excess > 0.0 {
                // about to go beyond
                slope = self.ln_marginal(x, true).1;
            }
            if excess == 0.0 {
                return Answer { x, slope: 1.0 / slope };
            }
            if excess > 0.0 {
                left = x
            } else {
                right = x
            }
            if left >= right {
                return Answer { x, slope: 0.0 };
            }
            let next = self.step(x, excess, slope, unique);
            let next = if next > left && next < right {
                next
            } else if next.is_finite()
                && ((next >= upper && right == upper) || (next <= lower && left == lower))
            {
                next.clamp(lower, upper)
            } else {
                middle(left, right, self.offset)
            };
            let moved = (next - x).abs() / (x.abs() + self.offset);
            x = next;
            if moved < near && x != lower && x != upper {
                return Answer { x, slope: 1.0 / slope };
            }
            if moved == 0.0 {
                return Answer { x, slope: 0.0 };
            }
        }
        Answer { x, slope: 0.0 }
    }

    /// Newton's step in the coordinate that is straightest: `ln(x + offset)` of new data, `x` of
    /// repeats. It does not jump over the unique amount, where the two meet.
    fn step(&self, x: f64, excess: f64, slope: f64, unique: f64) -> f64 {
        if slope == 0.0 {
            return self.end_of_chord(x, excess > 0.0);
        }
        if !slope.is_finite() {
            // next to a pole derivatives overflow: no step, so that the bracket is halved
            return f64::NAN;
        }
        if x > unique || (x == unique && excess > 0.0) {
            return (x - excess / slope).max(unique);
        }
        let base = x + self.offset;
        let next = base * (-excess / (slope * base)).exp() - self.offset;
        if x < unique { next.min(unique) } else { next }
    }
}

impl Demand<'_> {
    /// The nearest end of a chord above `x`, or below it.
    fn end_of_chord(&self, x: f64, above: bool) -> f64 {
        let ends = self.draws.iter().filter_map(|kernel| kernel.chord).map(|chord| {
            match self.own.repeat {
                Some(repeat) => repeat.amount_for(chord.end),
                None => chord.end,
            }
        });
        if above {
            ends.filter(|&end| end > x).fold(f64::INFINITY, f64::min)
        } else {
            ends.filter(|&end| end < x).fold(self.own.lower, f64::max)
        }
    }
}

/// A point between: in the middle of the logarithms, or twice as far where the right end is
/// infinite.
fn middle(left: f64, right: f64, offset: f64) -> f64 {
    let (a, b) = (left + offset, right + offset);
    if b.is_infinite() {
        return (2.0 * a).max(1.0) - offset;
    }
    // next to 0 the logarithm has no middle
    let root = if a > 0.0 { (a * b).sqrt() } else { b * 1e-3 };
    let between = if root > a && root < b { root } else { a + 0.5 * (b - a) };
    (between - offset).clamp(left, right)
}
