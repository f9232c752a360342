//! The objective of a surface in coordinates free of units, with exact derivatives up to the
//! second.
//!
//! With n and d the logarithms of N and D less their means, `theta = (e, a, b, alpha, beta)` and
//!
//! ```text
//! additive         u = (e, a - alpha n, b - beta d)
//! multiplicative   u = (e, a - alpha n - beta d)
//! ```
//!
//! `ln L = ln sum_k e^(u_k)`. u is linear in theta by J, and with p = softmax(u) the gradient of
//! `ln L` is `J^T p` and its Hessian `J^T (diag p - p p^T) J`.

use super::{SurfaceData, SurfaceError};
use crate::law::{Surface, SurfaceForm};
use crate::numeric::least_squares::huber;
use crate::numeric::newton::{self, Bounds, Expansion, Minimum};
use nalgebra::{SMatrix, SVector};

/// Coordinates `(e, a, b, alpha, beta)`; `multiplicative` has no b, which stands at 0.
type Theta = SVector<f64, 5>;

/// Most that a term may differ from the mean loss, in logarithms: e^-40 of it is none.
const LN_TERM: f64 = 40.0;
/// Range of the exponents of data: 1e-4 is flat over any data, 8 a step. That of model sizes may be
/// 0.
const EXPONENTS: (f64, f64) = (1e-4, 8.0);

/// One point: n, d and ln loss.
struct Row {
    ln_n: f64,
    ln_d: f64,
    ln_loss: f64,
}

/// The sum of Huber losses of a form on some points, as a function of their weights and the
/// coordinates.
pub(super) struct Objective {
    pub(super) form: SurfaceForm,
    rows: Vec<Row>,
    delta: f64,
    /// Means of ln N, ln D and ln loss.
    centre: [f64; 3],
}

/// A point's terms at some coordinates.
struct Terms {
    residual: f64,
    /// Gradient of `ln L`.
    gradient: Theta,
    /// `J^T diag(p) J`.
    spread: SMatrix<f64, 5, 5>,
}

impl Objective {
    pub(super) fn new(data: &SurfaceData, form: SurfaceForm, delta: f64) -> Self {
        let logs = |point: &super::SurfacePoint| {
            [point.n_params.ln(), point.amount.ln(), point.loss_nats.ln()]
        };
        let logs: Vec<[f64; 3]> = data.points().iter().map(logs).collect();
        let centre =
            [0, 1, 2].map(|k| logs.iter().map(|row| row[k]).sum::<f64>() / logs.len() as f64);
        let row = |log: &[f64; 3]| Row {
            ln_n: log[0] - centre[0],
            ln_d: log[1] - centre[1],
            ln_loss: log[2],
        };
        Objective { form, rows: logs.iter().map(row).collect(), delta, centre }
    }

    /// The minimum that a start leads to.
    pub(super) fn minimise(&self, weights: &[f64], start: Theta) -> Minimum<5> {
        newton::minimise(|theta| self.expand(weights, theta), &self.bounds(), start)
    }

    /// The objective up to second order, damped by the quadratic above it: that of reweighted least
    /// squares (Holland and Welsch 1977) and, for the bend of the terms, `J^T diag(p) J`, which
    /// outweighs what is negative in the Hessian.
    fn expand(&self, weights: &[f64], theta: &Theta) -> Expansion<5> {
        let zero = SMatrix::zeros();
        let mut sum =
            Expansion { value: 0.0, gradient: Theta::zeros(), hessian: zero, damper: zero };
        for (row, &weight) in self.rows.iter().zip(weights).filter(|(_, weight)| **weight > 0.0) {
            let terms = self.terms(row, theta);
            let size = terms.residual.abs();
            let pull = weight * terms.residual.clamp(-self.delta, self.delta);
            // second derivative of the Huber loss, and that of the quadratic above it
            let (second, above) = if size <= self.delta {
                (weight, weight)
            } else {
                (0.0, weight * self.delta / size)
            };
            sum.value += weight * huber(terms.residual, self.delta);
            sum.gradient.axpy(pull, &terms.gradient, 1.0);
            sum.hessian.ger(second - pull, &terms.gradient, &terms.gradient, 1.0);
            sum.hessian += terms.spread * pull;
            sum.damper.ger(above, &terms.gradient, &terms.gradient, 1.0);
            sum.damper += terms.spread * pull.abs();
        }
        sum
    }

    fn terms(&self, row: &Row, theta: &Theta) -> Terms {
        let [e, a, b, alpha, beta] = (*theta).into();
        let (by_n, by_d) =
            (Theta::new(0.0, 1.0, 0.0, -row.ln_n, 0.0), Theta::new(0.0, 0.0, 1.0, 0.0, -row.ln_d));
        let (logarithms, jacobian) = match self.form {
            SurfaceForm::Additive => {
                ([e, a - alpha * row.ln_n, b - beta * row.ln_d], [Theta::x(), by_n, by_d])
            }
            SurfaceForm::Multiplicative => {
                let product = Theta::new(0.0, 1.0, 0.0, -row.ln_n, -row.ln_d);
                (
                    [e, a - alpha * row.ln_n - beta * row.ln_d, f64::NEG_INFINITY],
                    [Theta::x(), product, Theta::zeros()],
                )
            }
        };
        let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers = logarithms.map(|u| (u - largest).exp());
        let total: f64 = powers.iter().sum();
        let mut terms = Terms {
            residual: largest + total.ln() - row.ln_loss,
            gradient: Theta::zeros(),
            spread: SMatrix::zeros(),
        };
        for (direction, power) in jacobian.iter().zip(powers) {
            terms.gradient.axpy(power / total, direction, 1.0);
            terms.spread.ger(power / total, direction, direction, 1.0);
        }
        terms
    }

    fn bounds(&self) -> Bounds<5> {
        let (least, most) = (self.centre[2] - LN_TERM, self.centre[2] + LN_TERM);
        let (least_b, most_b) = match self.form {
            SurfaceForm::Additive => (least, most),
            SurfaceForm::Multiplicative => (0.0, 0.0),
        };
        Bounds {
            lower: Theta::new(least, least, least_b, 0.0, EXPONENTS.0),
            upper: Theta::new(most, most, most_b, EXPONENTS.1, EXPONENTS.1),
        }
    }

    /// Coordinates of a start from a point of the unit cube: exponents 0.1 to 1, the floor 0.1 to
    /// 0.9 of the mean loss, and the rest of it shared evenly by the other terms.
    pub(super) fn start(&self, [p, q, r]: [f64; 3]) -> Theta {
        let floor = 0.1 + 0.8 * p;
        let exponent = |part: f64| 0.1f64.powf(1.0 - part);
        let terms = match self.form {
            SurfaceForm::Additive => 2.0,
            SurfaceForm::Multiplicative => 1.0,
        };
        let (e, rest) =
            (self.centre[2] + floor.ln(), self.centre[2] + ((1.0 - floor) / terms).ln());
        Theta::new(e, rest, rest, exponent(q), exponent(r))
    }

    /// The surface at coordinates; a floor at its least is 0.
    pub(super) fn surface(&self, theta: &Theta) -> Result<Surface, SurfaceError> {
        let [e, a, b, alpha, beta] = (*theta).into();
        let irreducible = if e <= self.bounds().lower[0] { 0.0 } else { e.exp() };
        let (n, d) = (alpha * self.centre[0], beta * self.centre[1]);
        Ok(match self.form {
            SurfaceForm::Additive => {
                Surface::new(self.form, &[irreducible, (a + n).exp(), alpha, (b + d).exp(), beta])?
            }
            SurfaceForm::Multiplicative => {
                Surface::new(self.form, &[irreducible, (a + n + d).exp(), alpha, beta])?
            }
        })
    }

    /// Names of the parameters that ended at an end of their range.
    pub(super) fn at_bounds(&self, theta: &Theta) -> Vec<String> {
        let names: [&str; 5] = match self.form {
            SurfaceForm::Additive => {
                ["irreducible", "scale_n", "scale_d", "exponent_n", "exponent_d"]
            }
            SurfaceForm::Multiplicative => ["irreducible", "scale", "", "exponent_n", "exponent_d"],
        };
        let bounds = self.bounds();
        let at_end = |j: &usize| {
            bounds.lower[*j] < bounds.upper[*j]
                && (theta[*j] <= bounds.lower[*j] || theta[*j] >= bounds.upper[*j])
        };
        (0..5).filter(at_end).map(|j| names[j].to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::SurfacePoint;
    use super::*;
    use crate::numeric::differences::derivative;
    use proptest::prelude::*;

    fn objective(form: SurfaceForm, delta: f64) -> Objective {
        let point = |(n_params, amount, loss_nats)| SurfacePoint {
            n_params,
            amount,
            loss_nats,
            weight: 1.0,
        };
        let points = [
            (1e7, 1e9, 3.4),
            (1e7, 4e9, 3.2),
            (1e8, 1e9, 2.9),
            (1e8, 1e10, 2.6),
            (1e9, 1e9, 2.7),
            (1e9, 1e11, 2.1),
        ]
        .map(point);
        Objective::new(&SurfaceData::new(points.to_vec()).unwrap(), form, delta)
    }

    proptest! {
        #[test]
        fn derivatives_agree_with_differences(
            e in -2.0..1.0f64,
            a in -2.0..1.0f64,
            b in -2.0..1.0f64,
            alpha in 0.1..1.0f64,
            beta in 0.1..1.0f64,
            additive in any::<bool>(),
            is_wide in any::<bool>(),
        ) {
            let form = if additive { SurfaceForm::Additive } else { SurfaceForm::Multiplicative };
            // with the one delta every residual is inside, with the other as good as none
            let objective = objective(form, if is_wide { 100.0 } else { 1e-7 });
            let (theta, weights) =
                (Theta::new(e, a, b, alpha, beta), [1.0, 2.0, 0.0, 1.0, 0.5, 1.0]);
            // no difference may cross a bend of the Huber loss
            prop_assume!(
                is_wide
                    || objective
                        .rows
                        .iter()
                        .all(|row| objective.terms(row, &theta).residual.abs() > 2e-3)
            );
            let here = objective.expand(&weights, &theta);
            for j in 0..5 {
                let moved = |t: f64| {
                    let mut moved = theta;
                    moved[j] = t;
                    objective.expand(&weights, &moved)
                };
                let slope = derivative(|t| moved(t).value, theta[j], 1e-4);
                prop_assert!(
                    (here.gradient[j] - slope).abs() <= 1e-7 * (here.value + slope.abs()),
                    "{} and {slope}",
                    here.gradient[j]
                );
                for k in 0..5 {
                    let bend = derivative(|t| moved(t).gradient[k], theta[j], 1e-4);
                    let scale = here.damper[(j, j)] + here.damper[(k, k)];
                    prop_assert!(
                        (here.hessian[(j, k)] - bend).abs() <= 1e-7 * scale,
                        "{j} {k}: {} and {bend}",
                        here.hessian[(j, k)]
                    );
                }
            }
            // the damper does outweigh the Hessian
            let sum = here.hessian + here.damper;
            prop_assert!(sum.symmetric_eigenvalues().min() >= -1e-12 * sum.amax());
        }

        #[test]
        fn coordinates_and_surface_are_the_same(
            e in -2.0..1.0f64,
            a in -2.0..1.0f64,
            b in -2.0..1.0f64,
            alpha in 0.1..1.0f64,
            beta in 0.1..1.0f64,
            additive in any::<bool>(),
        ) {
            let objective = objective(
                if additive { SurfaceForm::Additive } else { SurfaceForm::Multiplicative },
                1.0,
            );
            let theta = Theta::new(e, a, b, alpha, beta);
            let surface = objective.surface(&theta).unwrap();
            let predicted = objective.terms(&objective.rows[1], &theta).residual + 3.2f64.ln();
            prop_assert!((surface.loss(1e7, 4e9).ln() - predicted).abs() < 1e-12);
        }
    }

    #[test]
    fn a_floor_at_its_least_is_none() {
        let objective = objective(SurfaceForm::Additive, 1.0);
        let theta = Theta::new(objective.bounds().lower[0], 0.0, 0.0, 0.3, 0.3);
        assert_eq!(objective.surface(&theta).unwrap().parameters()[0], ("irreducible", 0.0));
        assert_eq!(objective.at_bounds(&theta), ["irreducible"]);
    }
}
