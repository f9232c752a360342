//! The coordinates a law is fitted in: free of units, little correlated, and reaching a floor, offset or transition of exactly 0.
//!
//! With `z = X / reference`, the geometric mean of the sizes, and the least loss and least size as units,
//!
//! ```text
//! ln L = ln(unit e + exp(b) s(z))     s(z) = (z + d)^-beta   or   1 / (d + z^beta)
//! theta = (b, ln beta, e, u)          d = knee (e^u - 1)
//! ```
//!
//! so `u` is linear in `d` below the knee and logarithmic above it, and `e >= 0`, `u >= 0` are bounds that a minimiser can sit on.

use crate::curve::Point;
use crate::law::{Form, Law};
use crate::numeric::least_squares::Bounds;
use crate::numeric::ln_add_exp;
use nalgebra::Vector4;

/// Range of exponents: 1e-4 is flat over any data, 8 is a step.
const EXPONENTS: (f64, f64) = (1e-4, 8.0);
/// `ln` of the range of the scale, relative to the least loss.
const LN_SCALE: f64 = 40.0;
/// A transition this small, in units of `reference^beta`, still bends no curve.
const TRANSITION_KNEE: f64 = 1e-2;
/// Largest `u`, about twelve orders of magnitude above the knee.
const LARGEST_U: f64 = 28.0;

/// A form in the units of one curve.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    form: Form,
    ln_reference: f64,
    ln_least: f64,
    ln_most: f64,
    loss_unit: f64,
    /// The least size over the reference: an offset far below it bends no curve.
    offset_knee: f64,
}

impl Frame {
    /// Units from the points with data; a curve always has some.
    pub(super) fn new(form: Form, points: &[Point]) -> Self {
        let with_data = || points.iter().filter(|point| point.pairs > 0.0);
        let ln_least = with_data().map(|point| point.pairs.ln()).fold(f64::INFINITY, f64::min);
        let ln_most = with_data().map(|point| point.pairs.ln()).fold(f64::NEG_INFINITY, f64::max);
        let loss_unit = points.iter().map(|point| point.loss_nats).fold(f64::INFINITY, f64::min);
        let ln_reference = with_data().map(|point| point.pairs.ln()).sum::<f64>() / with_data().count() as f64;
        Frame { form, ln_reference, ln_least, ln_most, loss_unit, offset_knee: (ln_least - ln_reference).exp() }
    }

    /// `ln L` at `pairs` and its gradient in the coordinates.
    pub(super) fn ln_loss(&self, theta: &Vector4<f64>, pairs: f64) -> (f64, Vector4<f64>) {
        let (b, beta, e) = (theta[0], theta[1].exp(), theta[2]);
        let (ln_shape, by_ln_beta, by_u) = match self.form {
            Form::Rectified => self.rectified(pairs, beta, theta[3]),
            _ => self.shifted(pairs, beta, theta[3]),
        };
        let reducible = (b + ln_shape).exp();
        let floor = e * self.loss_unit;
        let part = 1.0 / (1.0 + floor / reducible);
        let ln_loss = b + ln_shape + (floor / reducible).ln_1p();
        (ln_loss, Vector4::new(part, part * by_ln_beta, self.loss_unit / (floor + reducible), part * by_u))
    }

    /// `ln s` of the shifted shape and its derivatives by `ln beta` and `u`.
    fn shifted(&self, pairs: f64, beta: f64, u: f64) -> (f64, f64, f64) {
        let knee = self.offset_knee;
        let z = pairs / self.ln_reference.exp() + knee * u.exp_m1();
        let ln_z = z.ln();
        (-beta * ln_z, -beta * ln_z, -beta * knee * u.exp() / z)
    }

    /// `ln s` of the rectified shape and its derivatives by `ln beta` and `u`.
    fn rectified(&self, pairs: f64, beta: f64, u: f64) -> (f64, f64, f64) {
        let ln_z = pairs.ln() - self.ln_reference;
        let ln_sum = ln_add_exp((TRANSITION_KNEE * u.exp_m1()).ln(), beta * ln_z);
        let by_ln_beta = if pairs > 0.0 { -(beta * ln_z - ln_sum).exp() * beta * ln_z } else { 0.0 };
        (-ln_sum, by_ln_beta, -TRANSITION_KNEE * (u - ln_sum).exp())
    }

    /// Bounds; coordinates that the form lacks are fixed at 0.
    pub(super) fn bounds(&self) -> Bounds {
        let has = |name| self.form.parameter_names().contains(&name);
        // noise alone can put a floor above the least loss, though never far
        let most_e = if has("irreducible") { 2.0 } else { 0.0 };
        let most_u = if has("offset") || has("transition") { LARGEST_U } else { 0.0 };
        let ln_unit = self.loss_unit.ln();
        Bounds {
            lower: Vector4::new(ln_unit - LN_SCALE, EXPONENTS.0.ln(), 0.0, 0.0),
            upper: Vector4::new(ln_unit + LN_SCALE, EXPONENTS.1.ln(), most_e, most_u),
        }
    }

    /// Coordinates of a start from a point of the unit cube: exponents 0.05 to 2, floors 0 to 0.95 of the least loss, and the turn
    /// of an offset or transition from the least size to three times the largest. The scale then meets the mean ln loss.
    pub(super) fn start(&self, [p, q, r]: [f64; 3], points: &[Point]) -> Vector4<f64> {
        let ln_beta = 0.05f64.ln() + p * (2.0f64 / 0.05).ln();
        let ln_turn = self.ln_least + r * (self.ln_most + 3f64.ln() - self.ln_least) - self.ln_reference;
        let u = match self.form {
            Form::Rectified => ((ln_beta.exp() * ln_turn).exp() / TRANSITION_KNEE).ln_1p(),
            _ => (ln_turn.exp() / self.offset_knee).ln_1p(),
        };
        let most = self.bounds().upper;
        let (e, u) = ((0.95 * q).min(most[2]), u.min(most[3]));
        let shape = Vector4::new(0.0, ln_beta, 0.0, u);
        let gap = |point: &Point| (point.loss_nats - e * self.loss_unit).ln() - self.ln_loss(&shape, point.pairs).0;
        let gaps: Vec<f64> = points.iter().filter(|point| point.pairs > 0.0).map(gap).collect();
        Vector4::new(gaps.iter().sum::<f64>() / gaps.len() as f64, ln_beta, e, u)
    }

    /// Parameters of the law at coordinates, in the order of [`Form::parameter_names`].
    pub(super) fn parameters(&self, theta: &Vector4<f64>) -> Vec<f64> {
        let (beta, irreducible) = (theta[1].exp(), theta[2] * self.loss_unit);
        let scale = (theta[0] + beta * self.ln_reference).exp();
        match self.form {
            // gamma only scales alpha: with an alpha of the curve's own it is not identified, and stands at 1
            Form::Metric => vec![scale, 1.0, beta],
            Form::Power => vec![scale, beta],
            Form::PowerFloor => vec![irreducible, scale, beta],
            Form::Offset => vec![irreducible, scale, beta, self.offset_knee * theta[3].exp_m1() * self.ln_reference.exp()],
            Form::Rectified => {
                vec![irreducible, scale, beta, TRANSITION_KNEE * theta[3].exp_m1() * (beta * self.ln_reference).exp()]
            }
            // four coordinates are too few for these
            Form::Bnsl | Form::M4 => Vec::new(),
        }
    }

    /// The law at coordinates; nothing where a parameter left the range of an `f64`.
    pub(super) fn law(&self, theta: &Vector4<f64>) -> Option<Law> {
        Law::new(self.form, &self.parameters(theta)).ok()
    }

    /// Names of the parameters that ended at an end of their range.
    pub(super) fn at_bounds(&self, theta: &Vector4<f64>) -> Vec<String> {
        let bounds = self.bounds();
        let names = self.form.parameter_names();
        let coordinate = |name: &str| match name {
            "alpha" | "scale" => Some(0),
            "beta" | "exponent" => Some(1),
            "irreducible" => Some(2),
            "offset" | "transition" => Some(3),
            _ => None,
        };
        let at_end = |j: usize| theta[j] <= bounds.lower[j] || theta[j] >= bounds.upper[j];
        names.iter().filter(|name| coordinate(name).is_some_and(at_end)).map(|name| (*name).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::differences::derivative;
    use proptest::prelude::*;

    fn points() -> Vec<Point> {
        [0.0, 500.0, 4000.0, 64_000.0].map(|pairs| Point { pairs, loss_nats: 2.0, seed: 0 }).to_vec()
    }

    proptest! {
        #[test]
        fn gradients_agree_with_differences(form in 0..5usize, b in -2.0..2.0f64, ln_beta in -3.0..0.9f64, e in 0.0..1.0f64,
                                            u in 0.0..8.0f64, ln_x in 4.0..12.0f64) {
            let frame = Frame::new(Form::ALL[form], &points());
            let theta = Vector4::new(b, ln_beta, e, u);
            let (_, gradient) = frame.ln_loss(&theta, ln_x.exp());
            for j in 0..4 {
                let along = |t: f64| { let mut moved = theta; moved[j] = t; frame.ln_loss(&moved, ln_x.exp()).0 };
                let expected = derivative(along, theta[j] + 1e-3, 1e-4);
                let mut moved = theta;
                moved[j] += 1e-3;
                let found = frame.ln_loss(&moved, ln_x.exp()).1[j];
                prop_assert!((found - expected).abs() <= 1e-7 * (1.0 + expected.abs()), "{:?} {j}: {found}, {expected}", frame.form);
            }
            prop_assert!(gradient.iter().all(|x| x.is_finite()));
        }

        #[test]
        fn coordinates_and_law_are_the_same_curve(form in 0..5usize, b in -2.0..2.0f64, ln_beta in -3.0..0.9f64, e in 0.0..1.0f64,
                                                  u in 0.0..8.0f64, ln_x in 0.0..14.0f64) {
            let frame = Frame::new(Form::ALL[form], &points());
            let theta = Vector4::new(b, ln_beta, e, u).inf(&frame.bounds().upper);
            let law = frame.law(&theta).unwrap();
            let (ln_loss, _) = frame.ln_loss(&theta, ln_x.exp());
            prop_assert!((law.loss(ln_x.exp()).ln() - ln_loss).abs() < 1e-10);
        }
    }

    #[test]
    fn the_base_model_has_a_loss_where_the_form_has() {
        for form in [Form::Offset, Form::Rectified] {
            let (ln_loss, gradient) = Frame::new(form, &points()).ln_loss(&Vector4::new(0.0, -1.0, 0.3, 2.0), 0.0);
            assert!(ln_loss.is_finite() && gradient.iter().all(|x| x.is_finite()), "{form}");
        }
        assert!(Frame::new(Form::PowerFloor, &points()).ln_loss(&Vector4::new(0.0, -1.0, 0.3, 0.0), 0.0).0.is_infinite());
    }
}
