//! The coordinates a law is fitted in: free of units, little correlated, and shared by a family of
//! curves.
//!
//! With `z = ln X - ln_reference` and the loss in a unit of the family,
//!
//! ```text
//! ln L = ln unit + ln(e + exp(b) s(z) / s(0))         theta = (b, ln beta, e, t, v, c)
//!
//! power      s = e^(-beta z)
//! offset     s = (e^z + e^t)^-beta
//! rectified  s = 1 / (e^(beta t) + e^(beta z))
//! bnsl       s = e^(-c z) (1 + e^((z-t)/f))^(-(beta-c) f),   v = ln f
//! m4         s / (1 - s)^a = e^(-beta (z - t)),              v = ln a
//! ```
//!
//! so `b` is the ln of what data can still remove at the reference, `t` the ln amount at which the
//! law bends, in every form that does, and coordinates that a form lacks stand at 0. A coordinate
//! means the same on every curve of a family, whence they can share a prior.

use crate::law::{Form, Law, Role, Shape};
use crate::numeric::least_squares::{Bounds, Coordinates, Model, Prior};

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

/// The coordinate that a parameter moves, and whether it is a function of that one alone.
fn place(role: Role) -> (usize, bool) {
    match role {
        Role::Scale => (0, false),
        Role::Exponent => (1, true),
        Role::Floor => (2, true),
        Role::Turn | Role::Offset => (3, true),
        Role::MixedTurn | Role::Transition => (3, false),
        Role::Width | Role::Bend => (4, true),
        Role::First => (5, true),
    }
}

impl Frame {
    /// `s` over amounts in units of the reference.
    fn shape(&self, theta: &Theta) -> Shape {
        self.form.natural(theta[1].exp(), theta[3], theta[4].exp(), theta[5])
    }

    /// Bounds; coordinates that the form lacks are fixed at 0.
    pub(super) fn bounds(&self) -> Bounds<DIMENSION> {
        let Scales { ln_reference, ln_range: (least, most), .. } = self.scales;
        let mut bounds = Bounds { lower: Theta::zeros(), upper: Theta::zeros() };
        for &role in self.form.roles() {
            let j = place(role).0;
            (bounds.lower[j], bounds.upper[j]) = match role {
                Role::Scale => (-LN_SCALE, LN_SCALE),
                Role::Exponent => (EXPONENTS.0.ln(), EXPONENTS.1.ln()),
                Role::Floor => (0.0, FLOOR),
                Role::Turn | Role::Offset | Role::MixedTurn | Role::Transition => {
                    (least - ln_reference - BELOW, most - ln_reference + ABOVE)
                }
                Role::Width => LN_WIDTH,
                Role::Bend => LN_BEND,
                Role::First => (0.0, EXPONENTS.1),
            };
        }
        bounds
    }

    /// Whether a coordinate is free in this form.
    pub(super) fn has(&self, coordinate: usize) -> bool {
        self.form.roles().iter().any(|&role| place(role).0 == coordinate)
    }

    /// Coordinates that are free in this form.
    pub(super) fn freedom(&self) -> usize {
        (0..DIMENSION).filter(|&j| self.has(j)).count()
    }

    /// What is known before any data: means and standard deviations wide enough for the published
    /// curves of fine-tuning (exponents from .1 to 1, bends anywhere about the sizes). A floor is
    /// none until the data ask for it: the losses it is taken from are far above it, and a floor
    /// too high costs an extrapolation more than one too low.
    pub(super) fn weak_prior(&self) -> Prior<DIMENSION> {
        let Scales { ln_reference, ln_range: (least, most), .. } = self.scales;
        let mut prior = Prior { mean: Theta::zeros(), precision: Theta::zeros() };
        for &role in self.form.roles() {
            let (mean, deviation): (f64, f64) = match role {
                Role::Scale => (-0.5, 2.0),
                Role::Exponent => (0.35f64.ln(), 0.8),
                Role::Floor => (0.0, 0.35),
                Role::Turn | Role::Offset | Role::MixedTurn | Role::Transition => {
                    (least + 0.4 * (most - least) - ln_reference, 3.0)
                }
                Role::Width => (0.5f64.ln(), 0.7),
                Role::Bend => (0.0, 0.8),
                Role::First => (0.0, 0.2),
            };
            let j = place(role).0;
            (prior.mean[j], prior.precision[j]) = (mean, deviation.powi(-2));
        }
        prior
    }

    /// The law at coordinates; nothing where a parameter left the range of an `f64`.
    pub(super) fn law(&self, theta: &Theta) -> Option<Law> {
        let Scales { ln_reference, ln_unit, .. } = self.scales;
        let shape = self.shape(theta);
        let front = ln_unit + theta[0] - shape.gradient(0.0).0;
        Law::of_natural(self.form, theta[2] * ln_unit.exp(), &shape.times(front), ln_reference)
    }

    /// The coordinate that a parameter, by its number in the form, is a function of alone; none for
    /// those that mix several.
    pub(super) fn coordinate(&self, parameter: usize) -> Option<usize> {
        let (coordinate, is_alone) = place(*self.form.roles().get(parameter)?);
        is_alone.then_some(coordinate)
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
        let names = self.form.parameter_names().iter().enumerate();
        names
            .filter(|(number, _)| self.coordinate(*number).filter(at_end).is_some())
            .map(|(_, name)| (*name).to_owned())
            .collect()
    }

    /// `ln L` at `z` and its gradient in the coordinates.
    pub(super) fn gradient(self, theta: &Theta, z: f64) -> (f64, Theta) {
        let (mut prediction, mut gradient) = ([0.0], [Theta::zeros()]);
        Curve { frame: self, z: &[z] }.predict(theta, &mut prediction, Some(&mut gradient));
        (prediction[0], gradient[0])
    }

    /// The law of some coordinates, ready to predict.
    pub(super) fn at(self, theta: &Theta) -> At {
        let shape = self.shape(theta);
        let (ln_origin, origin) = shape.gradient(0.0);
        At {
            shape,
            origin,
            front: theta[0] - ln_origin,
            floor: theta[2],
            ln_unit: self.scales.ln_unit,
        }
    }
}

/// A law in coordinates, ready to predict.
pub(super) struct At {
    shape: Shape,
    /// Derivatives of the shape at `z = 0`.
    origin: [f64; 4],
    front: f64,
    floor: f64,
    ln_unit: f64,
}

impl At {
    /// `ln L` at `z`.
    pub(super) fn ln_loss(&self, z: f64) -> f64 {
        let reducible = (self.front + self.shape.gradient(z).0).exp();
        self.ln_unit + (self.floor + reducible).ln()
    }

    /// The same with its gradient in the coordinates.
    fn gradient(&self, z: f64) -> (f64, Theta) {
        let (ln_shape, by) = self.shape.gradient(z);
        let reducible = (self.front + ln_shape).exp();
        let loss = self.floor + reducible;
        let part = reducible / loss;
        let by = |k: usize| part * (by[k] - self.origin[k]);
        (self.ln_unit + loss.ln(), Theta::from([part, by(0), 1.0 / loss, by(1), by(2), by(3)]))
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
        let at = self.frame.at(theta);
        match gradients {
            None => predictions
                .iter_mut()
                .zip(self.z)
                .for_each(|(prediction, &z)| *prediction = at.ln_loss(z)),
            Some(gradients) => {
                predictions
                    .iter_mut()
                    .zip(gradients)
                    .zip(self.z)
                    .for_each(|(found, &z)| (*found.0, *found.1) = at.gradient(z));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::differences::derivative;
    use proptest::prelude::*;

    fn frame(form: usize) -> Frame {
        let scales =
            Scales { ln_reference: 8.0, ln_unit: 0.7, ln_range: (500f64.ln(), 64_000f64.ln()) };
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
        fn gradients_agree_with_differences(
            form in 0..7usize,
            values in values(),
            z in -3.0..4.0f64,
        ) {
            let frame = frame(form);
            let at = theta(&frame, values);
            let (_, gradient) = frame.gradient(&at, z);
            for j in (0..DIMENSION).filter(|&j| frame.has(j)) {
                let along = |t: f64| {
                    let mut moved = at;
                    moved[j] = t;
                    frame.at(&moved).ln_loss(z)
                };
                let expected = derivative(along, at[j], 1e-3);
                prop_assert!(
                    (gradient[j] - expected).abs() <= 1e-5 * (1.0 + expected.abs()),
                    "{:?} {j}: {}, {expected}",
                    frame.form,
                    gradient[j]
                );
            }
        }

        #[test]
        fn coordinates_and_law_are_the_same_curve(
            form in 0..7usize,
            values in values(),
            z in -3.0..4.0f64,
        ) {
            let frame = frame(form);
            let at = theta(&frame, values);
            let law = frame.law(&at).unwrap();
            let ln_loss = frame.at(&at).ln_loss(z);
            prop_assert!(
                (law.loss((z + frame.scales.ln_reference).exp()).ln() - ln_loss).abs() < 1e-9,
                "{law}"
            );
        }

        #[test]
        fn a_parameter_alone_in_its_coordinate_is_that_of_the_law(
            form in 0..7usize,
            values in values(),
        ) {
            let frame = frame(form);
            let at = theta(&frame, values);
            for (number, (name, value)) in
                frame.law(&at).unwrap().parameters().into_iter().enumerate()
            {
                if let Some(j) = frame.coordinate(number) {
                    prop_assert!(
                        (frame.value(j, at[j]) - value).abs() <= 1e-12 * value.abs(),
                        "{name} of {:?}",
                        frame.form
                    );
                }
            }
        }
    }
}
