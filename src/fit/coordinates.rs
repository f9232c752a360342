//! The coordinates a law is fitted in: free of units, little correlated, and shared by a family of curves.
//!
//! With `z = ln X - ln_reference` and the loss in a unit of the family,
//!
//! ```text
//! ln L = ln unit + ln(e + exp(b) s(z) / s(0))         theta = (b, ln beta, e, t, v, c)
//!
//! power      s = e^(-beta z)                          offset      s = (e^z + e^t)^-beta
//! rectified  s = 1 / (e^(beta t) + e^(beta z))        bnsl        s = e^(-c z) (1 + e^((z-t)/f))^(-(beta-c) f),   v = ln f
//! m4         s / (1 - s)^a = e^(-beta (z - t)),       v = ln a
//! ```
//!
//! so `b` is the ln of what data can still remove at the reference, `t` the ln amount at which the law bends, in every form that does,
//! and coordinates that a form lacks stand at 0. A coordinate means the same on every curve of a family, whence they can share a prior.

use crate::law::{Form, Law};
use crate::numeric::least_squares::{Bounds, Coordinates, Model, Prior};
use crate::numeric::logistic::{sigmoid, softplus};

/// Coordinates of every form; those that a form lacks are fixed.
pub(super) const DIMENSION: usize = 6;
/// A point in the coordinates.
pub(super) type Theta = Coordinates<DIMENSION>;

/// Range of exponents: 1e-4 is flat over any data, 8 is a step.
const EXPONENTS: (f64, f64) = (1e-4, 8.0);
/// Range of the ln of the reducible loss in units of the family.
const LN_SCALE: f64 = 40.0;
/// A bend so many e-foldings below the least size is none.
const BELOW: f64 = 7.0;
/// A bend so many e-foldings above the largest size has not begun.
const ABOVE: f64 = 6.0;
/// Largest floor in units of the family.
const FLOOR: f64 = 20.0;
/// Range of `ln f` of `bnsl`: from a corner to a bend over many decades.
const LN_WIDTH: (f64, f64) = (-3.0, 2.0);
/// Range of `ln a` of `m4`.
const LN_BEND: (f64, f64) = (-2.5, 2.5);

/// The scales that a family of curves shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scales {
    /// Mean ln amount of the family.
    pub(super) ln_reference: f64,
    /// Mean ln of the least loss of each curve.
    pub(super) ln_unit: f64,
    /// ln of the least and of the largest amount above 0.
    pub(super) ln_range: (f64, f64),
}

/// A form in the scales of a family.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) form: Form,
    pub(super) scales: Scales,
}

/// `ln s` and its derivatives by `ln beta`, `t`, `v` and `c`.
#[derive(Clone, Copy)]
struct Shape {
    ln: f64,
    by: [f64; 4],
}

impl Frame {
    fn shape(&self, theta: &Theta, z: f64) -> Shape {
        let (beta, t) = (theta[1].exp(), theta[3]);
        match self.form {
            Form::Metric | Form::Power | Form::PowerFloor => Shape { ln: -beta * z, by: [-beta * z, 0.0, 0.0, 0.0] },
            Form::Offset => {
                let ln_sum = t + softplus(z - t);
                Shape { ln: -beta * ln_sum, by: [-beta * ln_sum, -beta * sigmoid(t - z), 0.0, 0.0] }
            }
            Form::Rectified => {
                let weight = sigmoid(beta * (z - t));
                let ln = -beta * t - softplus(beta * (z - t));
                Shape { ln, by: [-beta * (t + weight * (z - t)), -beta * (1.0 - weight), 0.0, 0.0] }
            }
            Form::Bnsl => {
                let (width, first) = (theta[4].exp(), theta[5]);
                let (at, change) = ((z - t) / width, beta - first);
                let (bent, weight) = (width * softplus(at), sigmoid(at));
                let by_width = -change * (bent - weight * (z - t));
                Shape { ln: -first * z - change * bent, by: [-beta * bent, change * weight, by_width, bent - z] }
            }
            Form::M4 => {
                let bend = theta[4].exp();
                let logit = logit_of(-beta * (z - t), bend);
                let (ln, ln_rest) = (-softplus(-logit), softplus(logit));
                let rest = sigmoid(-logit);
                let slope = rest / (rest + bend * (1.0 - rest));
                Shape { ln, by: [-beta * (z - t) * slope, beta * slope, -bend * ln_rest * slope, 0.0] }
            }
        }
    }

    /// Bounds; coordinates that the form lacks are fixed at 0.
    pub(super) fn bounds(&self) -> Bounds<DIMENSION> {
        let Scales { ln_reference, ln_range: (least, most), .. } = self.scales;
        let turn = (least - ln_reference - BELOW, most - ln_reference + ABOVE);
        let nothing = (0.0, 0.0);
        let range = |j: usize| match (j, self.form) {
            (0, _) => (-LN_SCALE, LN_SCALE),
            (1, _) => (EXPONENTS.0.ln(), EXPONENTS.1.ln()),
            (2, Form::Metric | Form::Power) => nothing,
            (2, _) => (0.0, FLOOR),
            (3, Form::Offset | Form::Rectified | Form::Bnsl | Form::M4) => turn,
            (4, Form::Bnsl) => LN_WIDTH,
            (4, Form::M4) => LN_BEND,
            (5, Form::Bnsl) => (0.0, EXPONENTS.1),
            _ => nothing,
        };
        Bounds { lower: Theta::from_fn(|j, _| range(j).0), upper: Theta::from_fn(|j, _| range(j).1) }
    }

    /// Whether a coordinate is free in this form.
    pub(super) fn has(&self, coordinate: usize) -> bool {
        let bounds = self.bounds();
        bounds.lower[coordinate] < bounds.upper[coordinate]
    }

    /// Coordinates that are free in this form.
    pub(super) fn freedom(&self) -> usize {
        (0..DIMENSION).filter(|&j| self.has(j)).count()
    }

    /// What is known before any data: means and standard deviations wide enough for the published curves of fine-tuning
    /// (exponents from .1 to 1, bends anywhere about the sizes). A floor is none until the data ask for it: the losses it is taken from are
    /// far above it, and a floor too high costs an extrapolation more than one too low.
    pub(super) fn weak_prior(&self) -> Prior<DIMENSION> {
        let Scales { ln_reference, ln_range: (least, most), .. } = self.scales;
        let turn = (least + 0.4 * (most - least) - ln_reference, 3.0);
        let known = |j: usize| -> (f64, f64) {
            match (j, self.form) {
                (0, _) => (-0.5, 2.0),
                (1, _) => (0.35f64.ln(), 0.8),
                (2, _) => (0.0, 0.35),
                (3, _) => turn,
                (4, Form::Bnsl) => (0.5f64.ln(), 0.7),
                (4, _) => (0.0, 0.8),
                _ => (0.0, 0.2),
            }
        };
        Prior {
            mean: Theta::from_fn(|j, _| if self.has(j) { known(j).0 } else { 0.0 }),
            precision: Theta::from_fn(|j, _| if self.has(j) { known(j).1.powi(-2) } else { 0.0 }),
        }
    }

    /// The law at coordinates; nothing where a parameter left the range of an `f64`.
    pub(super) fn law(&self, theta: &Theta) -> Option<Law> {
        let Scales { ln_reference, ln_unit, .. } = self.scales;
        let (beta, floor, turn) = (theta[1].exp(), theta[2] * ln_unit.exp(), theta[3] + ln_reference);
        let front = ln_unit + theta[0] - self.shape(theta, 0.0).ln;
        let scale = (front + beta * ln_reference).exp();
        let parameters = match self.form {
            // gamma only scales alpha: with an alpha of the curve's own it is not identified, and stands at 1
            Form::Metric => vec![scale, 1.0, beta],
            Form::Power => vec![scale, beta],
            Form::PowerFloor => vec![floor, scale, beta],
            Form::Offset => vec![floor, scale, beta, turn.exp()],
            Form::Rectified => vec![floor, scale, beta, (beta * turn).exp()],
            Form::Bnsl => vec![floor, (front + theta[5] * ln_reference).exp(), theta[5], beta, turn.exp(), theta[4].exp()],
            Form::M4 => {
                let bend = theta[4].exp();
                vec![floor, floor + front.exp(), ((1.0 - bend) * front + beta * turn).exp(), beta, bend]
            }
        };
        Law::new(self.form, &parameters).ok()
    }

    /// The coordinate that a parameter is a function of alone; none for those that mix several.
    pub(super) fn coordinate(&self, parameter: &str) -> Option<usize> {
        match (parameter, self.form) {
            ("exponent", Form::Bnsl) => Some(5),
            ("exponent" | "exponent_after" | "beta", _) => Some(1),
            ("irreducible", _) => Some(2),
            ("offset" | "break", _) => Some(3),
            ("width" | "bend", _) => Some(4),
            _ => None,
        }
    }

    /// The value of a parameter at its coordinate.
    pub(super) fn value(&self, coordinate: usize, at: f64) -> f64 {
        match coordinate {
            2 => at * self.scales.ln_unit.exp(),
            3 => (at + self.scales.ln_reference).exp(),
            5 => at,
            _ => at.exp(),
        }
    }

    /// Names of the parameters that ended at an end of their range.
    pub(super) fn at_bounds(&self, theta: &Theta) -> Vec<String> {
        let bounds = self.bounds();
        let at_end = |&j: &usize| theta[j] <= bounds.lower[j] || theta[j] >= bounds.upper[j];
        let names = self.form.parameter_names().iter();
        names.filter(|name| self.coordinate(name).filter(at_end).is_some()).map(|name| (*name).to_owned()).collect()
    }

    /// `ln L` at `z` and its gradient in the coordinates.
    pub(super) fn gradient(self, theta: &Theta, z: f64) -> (f64, Theta) {
        let (mut prediction, mut gradient) = ([0.0], [Theta::zeros()]);
        Curve { frame: self, z: &[z] }.predict(theta, &mut prediction, Some(&mut gradient));
        (prediction[0], gradient[0])
    }

    /// The law of some coordinates, ready to predict.
    pub(super) fn at(self, theta: &Theta) -> At {
        At { frame: self, theta: *theta, front: theta[0] - self.shape(theta, 0.0).ln }
    }
}

/// `logit s` where `ln s - a ln(1 - s) = target`, by Newton from the asymptotes; the left side is concave or convex in the logit
/// according to a, and rises with a slope between the two exponents, so it converges from anywhere.
fn logit_of(target: f64, bend: f64) -> f64 {
    let mut logit = if target > 0.0 { target / bend } else { target };
    for _ in 0..50 {
        let excess = bend * softplus(logit) - softplus(-logit) - target;
        let s = sigmoid(logit);
        let step = excess / ((1.0 - s) + bend * s);
        logit -= step;
        if step.abs() <= 1e-13 * (1.0 + logit.abs()) {
            break;
        }
    }
    logit
}

/// A law in coordinates, ready to predict.
pub(super) struct At {
    frame: Frame,
    theta: Theta,
    front: f64,
}

impl At {
    /// `ln L` at `z`.
    pub(super) fn ln_loss(&self, z: f64) -> f64 {
        let reducible = (self.front + self.frame.shape(&self.theta, z).ln).exp();
        self.frame.scales.ln_unit + (self.theta[2] + reducible).ln()
    }
}

/// The amounts of one curve under a form.
pub(super) struct Curve<'a> {
    /// The form.
    pub(super) frame: Frame,
    /// Coordinates `z` of the points.
    pub(super) z: &'a [f64],
}

impl Model<DIMENSION> for Curve<'_> {
    fn predict(&self, theta: &Theta, predictions: &mut [f64], gradients: Option<&mut [Theta]>) {
        let origin = self.frame.shape(theta, 0.0);
        let at = At { frame: self.frame, theta: *theta, front: theta[0] - origin.ln };
        let Some(gradients) = gradients else {
            predictions.iter_mut().zip(self.z).for_each(|(prediction, &z)| *prediction = at.ln_loss(z));
            return;
        };
        for (i, &z) in self.z.iter().enumerate() {
            let shape = self.frame.shape(theta, z);
            let reducible = (at.front + shape.ln).exp();
            let loss = theta[2] + reducible;
            let part = reducible / loss;
            let by = |k: usize| part * (shape.by[k] - origin.by[k]);
            predictions[i] = self.frame.scales.ln_unit + loss.ln();
            gradients[i] = Theta::from([part, by(0), 1.0 / loss, by(1), by(2), by(3)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::differences::derivative;
    use proptest::prelude::*;

    fn frame(form: usize) -> Frame {
        let scales = Scales { ln_reference: 8.0, ln_unit: 0.7, ln_range: (500f64.ln(), 64_000f64.ln()) };
        Frame { form: Form::ALL[form], scales }
    }

    fn theta(frame: &Frame, values: [f64; 6]) -> Theta {
        let bounds = frame.bounds();
        Theta::from(values).sup(&bounds.lower).inf(&bounds.upper)
    }

    fn values() -> impl Strategy<Value = [f64; 6]> {
        [-2.0..1.0f64, -3.0..0.9f64, 0.1..0.9f64, -4.0..4.0f64, -2.0..1.5f64, 0.0..0.5f64]
    }

    proptest! {
        #[test]
        fn gradients_agree_with_differences(form in 0..7usize, values in values(), z in -3.0..4.0f64) {
            let frame = frame(form);
            let at = theta(&frame, values);
            let (_, gradient) = frame.gradient(&at, z);
            for j in (0..DIMENSION).filter(|&j| frame.has(j)) {
                let along = |t: f64| { let mut moved = at; moved[j] = t; frame.at(&moved).ln_loss(z) };
                let expected = derivative(along, at[j], 1e-3);
                prop_assert!((gradient[j] - expected).abs() <= 1e-5 * (1.0 + expected.abs()), "{:?} {j}: {}, {expected}", frame.form, gradient[j]);
            }
        }

        #[test]
        fn coordinates_and_law_are_the_same_curve(form in 0..7usize, values in values(), z in -3.0..4.0f64) {
            let frame = frame(form);
            let at = theta(&frame, values);
            let law = frame.law(&at).unwrap();
            let ln_loss = frame.at(&at).ln_loss(z);
            prop_assert!((law.loss((z + frame.scales.ln_reference).exp()).ln() - ln_loss).abs() < 1e-9, "{law}");
        }

        #[test]
        fn a_parameter_alone_in_its_coordinate_is_that_of_the_law(form in 0..7usize, values in values()) {
            let frame = frame(form);
            let at = theta(&frame, values);
            for (name, value) in frame.law(&at).unwrap().parameters() {
                if let Some(j) = frame.coordinate(name) {
                    prop_assert!((frame.value(j, at[j]) - value).abs() <= 1e-12 * value.abs(), "{name} of {:?}", frame.form);
                }
            }
        }
    }
}
