//! The shapes under the forms: the reducible part `R(X)` of a loss, nats per target token over
//! amounts in pairs.
//!
//! ```text
//! shifted     R(X) = B (X + D0)^-beta
//! rectified   R(X) = B / (Dl + X^beta),  Dl = T^beta
//! broken      R(X) = B X^-c0 (1 + (X/d)^(1/f))^(-(c-c0) f)
//! sigmoid     R / (S - R)^a = B X^-c,    0 < R < S
//! in a pool   R(X) = L(X; T) - E, the joint law of a language in models of T pairs
//! ```
//!
//! A shape says everything that anyone asks of it, once: the fits ask for the gradient in its
//! natural parameters, the laws for losses and slopes that no power may overflow on the way to, the
//! solvers for value and derivatives together and for inverses.

mod broken;
mod of_total;
mod origin;
mod rectified;
mod shifted;
mod sigmoid;

pub(super) use broken::Broken;
pub(super) use of_total::OfTotal;
pub(super) use rectified::Rectified;
pub(super) use shifted::Shifted;
pub(super) use sigmoid::Sigmoid;

/// The reducible part of a loss, falling in the amount `x >= 0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    Shifted(Shifted),
    Rectified(Rectified),
    Broken(Broken),
    Sigmoid(Sigmoid),
    OfTotal(OfTotal),
}

/// A function of one amount with its derivatives.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Jet {
    pub(crate) value: f64,
    /// First derivative; of a reducible loss never above 0, -inf at a pole.
    pub(crate) slope: f64,
    pub(crate) curvature: f64,
}

/// A logarithm at some amount and its derivative there.
pub(crate) type LnJet = (f64, f64);

/// `ln R` and its derivatives in the natural parameters, but for that in `ln B` (or `ln S`), which
/// is 1. In their order: `ln beta` (or `ln c`); the ln of the amount at which the shape bends,
/// `D0`, `T`, `d`, or that of `B X^-c = S^(1-a)`; the ln of how it bends, `f` or `a`; the exponent
/// before the bend, `c0`. It is 0 in those that a shape lacks.
pub(crate) type Gradient = (f64, [f64; 4]);

/// What a method of the shape gives.
macro_rules! each {
    ($shape:expr, $one:ident => $value:expr) => {
        match $shape {
            Shape::Shifted($one) => $value,
            Shape::Rectified($one) => $value,
            Shape::Broken($one) => $value,
            Shape::Sigmoid($one) => $value,
            Shape::OfTotal($one) => $value,
        }
    };
}

impl Shape {
    /// `B (X + D0)^-beta`.
    pub(crate) fn shifted(scale: f64, exponent: f64, offset: f64) -> Self {
        Shape::Shifted(Shifted::new(scale.ln(), exponent, offset))
    }

    /// `alpha (gamma X)^-beta`.
    pub(crate) fn metric(alpha: f64, gamma: f64, beta: f64) -> Self {
        Shape::Shifted(Shifted::new(alpha.ln() - beta * gamma.ln(), beta, 0.0))
    }

    /// `B / (Dl + X^beta)`, whose Dl may be 0.
    pub(crate) fn rectified(scale: f64, exponent: f64, transition: f64) -> Self {
        match transition {
            0.0 => Shape::shifted(scale, exponent, 0.0),
            _ => Shape::Rectified(Rectified::new(scale.ln(), exponent, transition)),
        }
    }

    /// `ln R(x)`; infinite at a pole.
    pub(crate) fn ln_reducible(&self, x: f64) -> f64 {
        each!(self, shape => shape.ln_reducible(x))
    }

    /// `R(from) - R(to)` for `more = to - from > 0`, whose digits the two amounts may have lost;
    /// without the cancellation of the plain difference.
    pub(crate) fn fall(&self, from: f64, to: f64, more: f64) -> f64 {
        let (ln_high, ln_ratio) =
            each!(self, shape => (shape.ln_reducible(from), shape.ln_ratio(to, more)));
        // of the two equal products this one has no 0 times infinity
        ln_high.exp() * -(-ln_ratio).exp_m1()
    }

    /// `ln(-R'(x))`, finite where the slope itself underflows, and its derivative.
    pub(crate) fn ln_steepness(&self, x: f64) -> LnJet {
        each!(self, shape => shape.ln_steepness(x))
    }

    /// `R(x)` with its derivatives.
    pub(crate) fn jet(&self, x: f64) -> Jet {
        each!(self, shape => shape.jet(x))
    }

    /// The amounts between which the shape is concave; it is convex on both sides. Nothing where it
    /// is convex everywhere.
    pub(crate) fn concave_range(&self) -> Option<(f64, f64)> {
        each!(self, shape => shape.concave_range())
    }

    /// The least `x >= 0` with `ln R(x)` at most this finite number.
    pub(crate) fn amount_at(&self, ln_reducible: f64) -> f64 {
        each!(self, shape => shape.amount_at(ln_reducible))
    }

    /// `p` and `q` of the amount `e^(q - p ln_price) - offset` at which the slope is a price;
    /// nothing without such a closed form.
    pub(crate) fn response(&self) -> Option<(f64, f64)> {
        if let Shape::Shifted(shape) = self { Some(shape.response()) } else { None }
    }

    /// `ln(x + offset)` linearises the logarithm of the slope, or comes near.
    pub(crate) fn offset(&self) -> f64 {
        if let Shape::Shifted(shape) = self { shape.offset } else { 0.0 }
    }

    /// The ln of the scale, and the largest exponent.
    pub(crate) fn size(&self) -> (f64, f64) {
        match self {
            Shape::Shifted(shape) => (shape.ln_scale, shape.exponent),
            Shape::Rectified(shape) => (shape.ln_scale, shape.exponent),
            Shape::Broken(shape) => (shape.ln_scale, shape.before.max(shape.after)),
            Shape::Sigmoid(shape) => (shape.ln_span, shape.exponent),
            Shape::OfTotal(shape) => shape.size(),
        }
    }

    /// Whether the loss is infinite without data.
    pub(crate) fn has_pole(&self) -> bool {
        match self {
            Shape::Shifted(shape) => shape.offset == 0.0,
            Shape::Broken(shape) => shape.before > 0.0,
            Shape::Rectified(_) | Shape::Sigmoid(_) | Shape::OfTotal(_) => false,
        }
    }

    /// `R` times `e^ln_factor`.
    pub(crate) fn times(mut self, ln_factor: f64) -> Self {
        each!(&mut self, shape => shape.multiply(ln_factor));
        self
    }

    /// The numbers of a law in its file, floor apart, where the shape's amounts are in units of
    /// `e^ln_unit` pairs.
    pub(super) fn numbers(&self, ln_unit: f64) -> Vec<f64> {
        each!(self, shape => shape.numbers(ln_unit))
    }

    /// `ln R` and its derivatives in the natural parameters at `ln x = v`.
    pub(crate) fn gradient(&self, v: f64) -> Gradient {
        each!(self, shape => shape.gradient(v))
    }
}

/// `factor e^ln_size`, 0 where the factor is, even if the size overflows.
fn scaled(ln_size: f64, factor: f64) -> f64 {
    factor.signum() * (ln_size + factor.abs().ln()).exp()
}

/// `ln(to / (to - more))`, exact however small `more` is.
fn ln_quotient(to: f64, more: f64) -> f64 {
    -(-more / to).ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::differences::derivative;
    use proptest::prelude::*;

    /// A shape of scale 1 from its natural parameters.
    fn natural(kind: usize, [ln_exponent, ln_turn, ln_bend, first]: [f64; 4]) -> Shape {
        let exponent = ln_exponent.exp();
        match kind {
            0 => Shape::Shifted(Shifted::natural(exponent, ln_turn)),
            1 => Shape::Rectified(Rectified::natural(exponent, ln_turn)),
            2 => Shape::Broken(Broken::new(0.0, first, exponent, ln_turn, ln_bend.exp())),
            _ => Shape::Sigmoid(Sigmoid::natural(exponent, ln_turn, ln_bend.exp())),
        }
    }

    fn parameters() -> impl Strategy<Value = [f64; 4]> {
        [-3.0..0.9f64, -3.0..8.0f64, -2.0..1.5f64, 0.0..0.5f64]
    }

    proptest! {
        #[test]
        fn gradients_agree_with_the_loss_and_its_differences(
            kind in 0..4usize,
            at in parameters(),
            v in -2.0..9.0f64,
            ln_scale in -2.0..2.0f64,
        ) {
            let shape = natural(kind, at).times(ln_scale);
            let (found, by) = shape.gradient(v);
            let ln_reducible = shape.ln_reducible(v.exp());
            prop_assert!(
                (found - ln_reducible).abs() <= 1e-12 * (1.0 + ln_reducible.abs()),
                "{shape:?} at {v}"
            );
            for (j, found) in by.into_iter().enumerate() {
                let along = |t: f64| {
                    let mut moved = at;
                    moved[j] = t;
                    natural(kind, moved).ln_reducible(v.exp())
                };
                let expected = derivative(along, at[j], 1e-3);
                prop_assert!(
                    (found - expected).abs() <= 1e-5 * (1.0 + expected.abs()),
                    "{shape:?} at {v}, {j}: {found} and {expected}"
                );
            }
        }

        #[test]
        fn all_ways_to_a_slope_agree(kind in 0..4usize, at in parameters(), v in -2.0..9.0f64) {
            let (shape, x) = (natural(kind, at), v.exp());
            let (jet, (ln_steepness, bend)) = (shape.jet(x), shape.ln_steepness(x));
            prop_assert!(
                (jet.value.ln() - shape.ln_reducible(x)).abs()
                    <= 1e-12 * (1.0 + jet.value.ln().abs())
            );
            prop_assert!(
                ((-jet.slope).ln() - ln_steepness).abs() <= 1e-11 * (1.0 + ln_steepness.abs()),
                "{shape:?} at {x}"
            );
            let scale = jet.curvature.abs() + jet.slope.abs() / x;
            prop_assert!(
                (jet.curvature - bend * jet.slope).abs() <= 1e-11 * scale,
                "{shape:?} at \
            {x}"
            );
            if let Some((p, q)) = shape.response() {
                prop_assert!(
                    ((q - p * ln_steepness).exp() / (x + shape.offset()) - 1.0).abs() <= 1e-12
                );
            }
        }

        #[test]
        fn amounts_are_found_from_their_losses(
            kind in 0..4usize,
            at in parameters(),
            v in -2.0..9.0f64,
        ) {
            let shape = natural(kind, at);
            let (found, wanted) = (shape.amount_at(shape.ln_reducible(v.exp())), v.exp());
            // as far as the loss has digits that tell amounts apart
            let digits = 1e-13 * (1.0 + shape.ln_reducible(wanted).abs())
                / (shape.ln_steepness(wanted).0 - shape.ln_reducible(wanted)).exp();
            prop_assert!(
                (found - wanted).abs() <= 1e-12 * wanted + digits,
                "{shape:?}: {found} \
            and {wanted}"
            );
            prop_assert_eq!(shape.amount_at(shape.ln_reducible(0.0) + 1.0), 0.0);
        }
    }
}
