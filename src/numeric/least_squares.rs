//! Robust nonlinear least squares in four coordinates within bounds.
//!
//! ```text
//! minimise  sum_i huber(m_i(theta) - t_i)   subject to   lower <= theta <= upper
//! ```
//!
//! Levenberg-Marquardt (Moré 1978, with Nielsen's damping 1999) on the reweighted problem: the weight of a residual beyond delta is
//! delta / |r|, whose quadratic lies above the Huber loss and touches it (Holland and Welsch 1977), so every accepted step lowers the
//! true objective. Coordinates at a bound that the gradient presses against are held. A coordinate whose bounds are equal is fixed.

use nalgebra::{Matrix4, Vector4};

/// Bounds of the coordinates.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Least values.
    pub lower: Vector4<f64>,
    /// Largest values.
    pub upper: Vector4<f64>,
}

/// Why the minimiser stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The cosine between the residuals and every free column of the Jacobian is as good as zero.
    Gradient,
    /// No step lowers the objective in the digits of an `f64`.
    Decrease,
    /// The steps ran out.
    Exhausted,
}

/// Where the minimiser stopped.
#[derive(Debug, Clone, Copy)]
pub struct Minimum {
    /// Coordinates.
    pub at: Vector4<f64>,
    /// Sum of Huber losses; infinite where the start has none.
    pub objective: f64,
    /// Why there.
    pub stop: Stop,
}

/// Largest cosine between residuals and a column that counts as zero.
const COSINE: f64 = 1e-9;
/// Relative decrease of the objective that counts as none.
const DECREASE: f64 = 1e-15;
/// Root mean square residual that counts as an exact fit.
const EXACT: f64 = 1e-15;
/// Steps tried, taken or not.
const STEPS: usize = 400;
/// Largest step in a coordinate, so that one bad linearisation cannot throw a logarithm out of reach.
const REACH: f64 = 2.0;

/// Huber's loss of a residual: `r^2 / 2` within `delta`, `delta (|r| - delta / 2)` beyond.
pub fn huber(residual: f64, delta: f64) -> f64 {
    let size = residual.abs();
    if size <= delta { size * size / 2.0 } else { delta * (size - delta / 2.0) }
}

/// Gauss-Newton's view of the objective at a point.
struct Quadratic {
    hessian: Matrix4<f64>,
    gradient: Vector4<f64>,
    /// Weighted sum of squared residuals.
    squares: f64,
}

/// Minimises from `start`. The model gives prediction `i` of `targets` and its gradient.
pub fn minimise(
    model: impl Fn(&Vector4<f64>, usize) -> (f64, Vector4<f64>),
    targets: &[f64],
    delta: f64,
    bounds: &Bounds,
    start: Vector4<f64>,
) -> Minimum {
    let objective_at = |at: &Vector4<f64>| -> f64 {
        let sum: f64 = targets.iter().enumerate().map(|(i, target)| huber(model(at, i).0 - target, delta)).sum();
        if sum.is_finite() { sum } else { f64::INFINITY }
    };
    let mut at = start.sup(&bounds.lower).inf(&bounds.upper);
    let mut objective = objective_at(&at);
    let mut quadratic = expand(&model, targets, delta, &at);
    let (mut damping, mut growth) = (1e-3, 2.0);
    for _ in 0..STEPS {
        if !objective.is_finite() {
            break;
        }
        let free = free_coordinates(&quadratic, &at, bounds);
        if is_stationary(&quadratic, &free) || objective <= EXACT * EXACT * targets.len() as f64 {
            return Minimum { at, objective, stop: Stop::Gradient };
        }
        let Some(step) = damped_step(&quadratic, &free, damping) else { break };
        let next = (at + step).sup(&bounds.lower).inf(&bounds.upper);
        let predicted = -(step.dot(&quadratic.gradient) + 0.5 * step.dot(&(quadratic.hessian * step)));
        let reached = objective_at(&next);
        if reached < objective {
            let ratio = (objective - reached) / predicted.max(f64::MIN_POSITIVE);
            damping *= (1.0 - (2.0 * ratio - 1.0).powi(3)).clamp(1.0 / 3.0, 2.0);
            growth = 2.0;
            let negligible = objective - reached <= DECREASE * objective && predicted <= DECREASE * objective;
            (at, objective) = (next, reached);
            if negligible {
                return Minimum { at, objective, stop: Stop::Decrease };
            }
            quadratic = expand(&model, targets, delta, &at);
        } else if predicted.abs() <= DECREASE * objective || damping > 1e16 {
            return Minimum { at, objective, stop: Stop::Decrease };
        } else {
            damping *= growth;
            growth *= 2.0;
        }
    }
    Minimum { at, objective, stop: Stop::Exhausted }
}

fn expand(model: &impl Fn(&Vector4<f64>, usize) -> (f64, Vector4<f64>), targets: &[f64], delta: f64, at: &Vector4<f64>) -> Quadratic {
    let mut quadratic = Quadratic { hessian: Matrix4::zeros(), gradient: Vector4::zeros(), squares: 0.0 };
    for (i, target) in targets.iter().enumerate() {
        let (prediction, gradient) = model(at, i);
        let residual = prediction - target;
        let weight = if residual.abs() <= delta { 1.0 } else { delta / residual.abs() };
        quadratic.hessian.ger(weight, &gradient, &gradient, 1.0);
        quadratic.gradient.axpy(weight * residual, &gradient, 1.0);
        quadratic.squares += weight * residual * residual;
    }
    quadratic
}

fn free_coordinates(quadratic: &Quadratic, at: &Vector4<f64>, bounds: &Bounds) -> [bool; 4] {
    std::array::from_fn(|j| {
        let can_fall = at[j] > bounds.lower[j];
        let can_rise = at[j] < bounds.upper[j];
        if quadratic.gradient[j] > 0.0 { can_fall } else { can_rise }
    })
}

/// The test of MINPACK's `gtol`: it does not depend on the scale of the residuals or of the coordinates.
fn is_stationary(quadratic: &Quadratic, free: &[bool; 4]) -> bool {
    (0..4).filter(|&j| free[j]).all(|j| quadratic.gradient[j].abs() <= COSINE * (quadratic.hessian[(j, j)] * quadratic.squares).sqrt())
}

/// Marquardt's step over the free coordinates; nothing where the numbers gave out.
fn damped_step(quadratic: &Quadratic, free: &[bool; 4], damping: f64) -> Option<Vector4<f64>> {
    let mut matrix = quadratic.hessian;
    let mut gradient = quadratic.gradient;
    for j in 0..4 {
        // a free column of zeros still needs a pivot
        matrix[(j, j)] += damping * matrix[(j, j)].max(1e-12);
        if !free[j] {
            matrix.fill_row(j, 0.0);
            matrix.fill_column(j, 0.0);
            matrix[(j, j)] = 1.0;
            gradient[j] = 0.0;
        }
    }
    let step = -matrix.cholesky()?.solve(&gradient);
    let longest = step.amax();
    longest.is_finite().then(|| if longest > REACH { step * (REACH / longest) } else { step })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide() -> Bounds {
        Bounds { lower: Vector4::repeat(-50.0), upper: Vector4::repeat(50.0) }
    }

    /// `a + b x` in coordinates 0 and 1; the others have no effect.
    fn line(at: &Vector4<f64>, i: usize) -> (f64, Vector4<f64>) {
        (at[0] + at[1] * i as f64, Vector4::new(1.0, i as f64, 0.0, 0.0))
    }

    #[test]
    fn a_straight_line_is_exact() {
        let minimum = minimise(line, &[1.0, 3.0, 5.0, 7.0], 1.0, &wide(), Vector4::zeros());
        assert_eq!(minimum.stop, Stop::Gradient);
        approx::assert_relative_eq!(minimum.at, Vector4::new(1.0, 2.0, 0.0, 0.0), epsilon = 1e-9);
    }

    #[test]
    fn rosenbrock_is_solved_at_every_scale() {
        // residuals 10 (y - x^2) and 1 - x, minimum 0 at (1, 1)
        for scale in [1e-8, 1.0, 1e8] {
            let model = |at: &Vector4<f64>, i: usize| match i {
                0 => (scale * 10.0 * (at[1] - at[0] * at[0]), scale * Vector4::new(-20.0 * at[0], 10.0, 0.0, 0.0)),
                _ => (scale * (1.0 - at[0]), scale * Vector4::new(-1.0, 0.0, 0.0, 0.0)),
            };
            let minimum = minimise(model, &[0.0, 0.0], f64::INFINITY, &wide(), Vector4::new(-1.2, 1.0, 0.0, 0.0));
            approx::assert_relative_eq!(minimum.at[0], 1.0, epsilon = 1e-6);
            approx::assert_relative_eq!(minimum.at[1], 1.0, epsilon = 1e-6);
        }
    }

    #[test]
    fn an_outlier_pulls_no_harder_than_delta() {
        // the location of least Huber loss of 0, 0, 0, 9 with delta 0.3 is where 3 x = 0.3
        let location = |at: &Vector4<f64>, _: usize| (at[0], Vector4::x());
        let minimum = minimise(location, &[0.0, 0.0, 0.0, 9.0], 0.3, &wide(), Vector4::new(5.0, 0.0, 0.0, 0.0));
        approx::assert_relative_eq!(minimum.at[0], 0.1, epsilon = 1e-7);
    }

    #[test]
    fn bounds_hold_and_are_left_again() {
        let bounds = Bounds { lower: Vector4::zeros(), upper: Vector4::repeat(1.5) };
        let minimum = minimise(line, &[1.0, 3.0, 5.0, 7.0], 100.0, &bounds, Vector4::new(1.5, 0.0, 0.0, 0.0));
        // with the slope held at 1.5 the best intercept is the mean of 1, 1.5, 2, 2.5, cut to 1.5
        assert_eq!(minimum.at[1], 1.5);
        assert_eq!(minimum.at[0], 1.5);
        let inside = minimise(line, &[0.5, 1.0, 1.5], 100.0, &bounds, Vector4::new(1.5, 0.0, 0.0, 0.0));
        approx::assert_relative_eq!(inside.at, Vector4::new(0.5, 0.5, 0.0, 0.0), epsilon = 1e-8);
    }

    #[test]
    fn a_model_without_a_value_is_no_minimum() {
        let minimum = minimise(|_, _| (f64::NAN, Vector4::zeros()), &[0.0], 1.0, &wide(), Vector4::zeros());
        assert!(minimum.objective.is_infinite() && minimum.stop == Stop::Exhausted);
    }
}
