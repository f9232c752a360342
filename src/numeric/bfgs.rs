//! Minimisation of a function of any number of coordinates by its gradient: BFGS, the inverse
//! Hessian built up from steps (Nocedal and Wright 2006, chapter 6).

use nalgebra::{DMatrix, DVector};

/// Steps at most.
const STEPS: usize = 200;
/// Share of the fall that the gradient promises which a step has to bring.
const ENOUGH: f64 = 1e-4;
/// Longest step in a coordinate.
const LONGEST: f64 = 2.0;
/// Fall, relative to the value, that counts as none.
const NO_FALL: f64 = 1e-10;

/// The point where `f`, a value and its gradient, is least, as far as steps from `start` find it. A
/// value that is not finite is never stepped to.
pub fn minimise(
    f: impl Fn(&DVector<f64>) -> (f64, DVector<f64>),
    start: DVector<f64>,
) -> DVector<f64> {
    let n = start.len();
    let (mut at, (mut value, mut gradient)) = (start.clone(), f(&start));
    let mut inverse = DMatrix::<f64>::identity(n, n);
    for step in 0..STEPS {
        let mut direction = -(&inverse * &gradient);
        if direction.dot(&gradient) >= 0.0 {
            inverse.fill_with_identity();
            direction = -&gradient;
        }
        let longest = direction.amax();
        if longest > LONGEST {
            direction *= LONGEST / longest;
        }
        let slope = direction.dot(&gradient);
        // halves until the value falls enough
        let lengths = std::iter::successors(Some(1.0), |length| Some(length / 2.0)).take(40);
        let tried = lengths.map(|length| (length, f(&(&at + length * &direction))));
        let Some((length, (next, next_gradient))) =
            tried.into_iter().find(|(length, found)| found.0 <= value + ENOUGH * length * slope)
        else {
            break;
        };
        let (moved, changed) = (length * &direction, &next_gradient - &gradient);
        let fall = value - next;
        (at, value, gradient) = (at + &moved, next, next_gradient);
        let curvature = moved.dot(&changed);
        if curvature > 1e-12 * moved.norm() * changed.norm() {
            if step == 0 {
                inverse *= curvature / changed.norm_squared();
            }
            let left = DMatrix::identity(n, n) - &moved * changed.transpose() / curvature;
            inverse = &left * inverse * left.transpose() + &moved * moved.transpose() / curvature;
        }
        if fall <= NO_FALL * value.abs() {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valley_is_followed_to_its_end() {
        let rosenbrock = |x: &DVector<f64>| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            (
                1.0 + a * a + 100.0 * b * b,
                DVector::from_vec(vec![-2.0 * a - 400.0 * x[0] * b, 200.0 * b]),
            )
        };
        let found = minimise(rosenbrock, DVector::from_vec(vec![-1.2, 1.0]));
        assert!((found[0] - 1.0).abs() < 1e-3 && (found[1] - 1.0).abs() < 2e-3, "{found}");
        // where there is no way down it stays
        let stuck =
            minimise(|_| (f64::INFINITY, DVector::zeros(2)), DVector::from_vec(vec![3.0, 4.0]));
        assert_eq!(stuck.as_slice(), [3.0, 4.0]);
    }
}
