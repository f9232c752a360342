//! Minimisation of a function of few coordinates within bounds, by its exact second derivatives.
//!
//! ```text
//! minimise  f(theta)   subject to   lower <= theta <= upper
//! ```
//!
//! Newton's method, damped as by Levenberg and Marquardt: each step solves
//! `(H + damping M) step = -g` over the coordinates that no bound holds, with as much damping as it
//! takes to make the matrix positive definite and f fall. So the Hessian H may be indefinite far
//! from the minimum, or jump, as that of a Huber loss does; near it the damping dies out and digits
//! double. M is any positive semidefinite matrix of the function's own scale; that of a quadratic
//! above f, as reweighted least squares has it, is best.

use nalgebra::{SMatrix, SVector};

/// A function at a point up to second order.
#[derive(Debug, Clone, Copy)]
pub struct Expansion<const N: usize> {
    /// Value.
    pub value: f64,
    /// First derivatives.
    pub gradient: SVector<f64, N>,
    /// Second derivatives.
    pub hessian: SMatrix<f64, N, N>,
    /// What a step is damped by where the Hessian misleads: positive semidefinite, of the scale of
    /// the Hessian.
    pub damper: SMatrix<f64, N, N>,
}

/// Bounds of the coordinates.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<const N: usize> {
    /// Least values.
    pub lower: SVector<f64, N>,
    /// Largest values.
    pub upper: SVector<f64, N>,
}

/// Why the minimiser stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The Newton step would lower the function by less than its rounding.
    Stationary,
    /// No step lowers the function.
    Decrease,
    /// The steps ran out, or the start has no value.
    Exhausted,
}

/// Where the minimiser stopped.
#[derive(Debug, Clone, Copy)]
pub struct Minimum<const N: usize> {
    /// Coordinates.
    pub at: SVector<f64, N>,
    /// Value there; infinite where the start has none.
    pub value: f64,
    /// Why there.
    pub stop: Stop,
    /// Evaluations of the function.
    pub evaluations: usize,
}

/// Decrease, relative to the value, that counts as none.
const DECREASE: f64 = 1e-14;
/// Evaluations allowed.
const EVALUATIONS: usize = 200;
/// Damping that counts as none, and the first that is tried.
const LEAST_DAMPING: f64 = 1e-4;
/// Damping at which a step is too short to lower anything.
const MOST_DAMPING: f64 = 1e15;

/// Minimises from `start`, moved within the bounds.
pub fn minimise<const N: usize>(
    expand: impl Fn(&SVector<f64, N>) -> Expansion<N>,
    bounds: &Bounds<N>,
    start: SVector<f64, N>,
) -> Minimum<N> {
    let mut at = start.sup(&bounds.lower).inf(&bounds.upper);
    let mut here = expand(&at);
    let mut damping = 0.0;
    for evaluations in 1..EVALUATIONS {
        if !here.value.is_finite() {
            return Minimum { at, value: f64::INFINITY, stop: Stop::Exhausted, evaluations };
        }
        let (newton, used) = damped_step(&here, &held(&here, &at, bounds), damping);
        damping = used;
        let next = (at + newton).sup(&bounds.lower).inf(&bounds.upper);
        let step = next - at;
        let predicted = -here.gradient.dot(&step) - 0.5 * step.dot(&(here.hessian * step));
        // without its damping the step would predict about as much more
        if (1.0 + damping) * predicted.abs() <= DECREASE * here.value.abs() {
            return Minimum { at, value: here.value, stop: Stop::Stationary, evaluations };
        }
        if damping >= MOST_DAMPING {
            return Minimum { at, value: here.value, stop: Stop::Decrease, evaluations };
        }
        let there = expand(&next);
        if there.value < here.value {
            // the better the quadratic predicted the decrease, the farther it is trusted next
            damping = match (here.value - there.value) / predicted {
                ratio if ratio < 0.25 => damping.max(LEAST_DAMPING) * 4.0,
                ratio if ratio > 0.75 && damping <= LEAST_DAMPING => 0.0,
                ratio if ratio > 0.75 => damping / 4.0,
                _ => damping,
            };
            (at, here) = (next, there);
        } else {
            damping = damping.max(LEAST_DAMPING) * 4.0;
        }
    }
    Minimum { at, value: here.value, stop: Stop::Exhausted, evaluations: EVALUATIONS }
}

/// Which coordinates a bound holds against the gradient.
fn held<const N: usize>(
    here: &Expansion<N>,
    at: &SVector<f64, N>,
    bounds: &Bounds<N>,
) -> [bool; N] {
    std::array::from_fn(|j| {
        if here.gradient[j] > 0.0 { at[j] <= bounds.lower[j] } else { at[j] >= bounds.upper[j] }
    })
}

/// The step over the coordinates that are not held, and the damping that it took.
fn damped_step<const N: usize>(
    here: &Expansion<N>,
    held: &[bool; N],
    mut damping: f64,
) -> (SVector<f64, N>, f64) {
    let mut gradient = here.gradient;
    let (mut hessian, mut damper) = (here.hessian, here.damper);
    for j in (0..N).filter(|&j| held[j]) {
        gradient[j] = 0.0;
        for matrix in [&mut hessian, &mut damper] {
            matrix.fill_row(j, 0.0);
            matrix.fill_column(j, 0.0);
        }
        hessian[(j, j)] = 1.0;
    }
    for j in 0..N {
        // coordinates without any curvature still need a pivot
        damper[(j, j)] += 1e-9 * damper[(j, j)] + f64::MIN_POSITIVE;
    }
    while damping < MOST_DAMPING {
        if let Some(factor) = (hessian + damper * damping).cholesky() {
            return (-factor.solve(&gradient), damping);
        }
        damping = damping.max(LEAST_DAMPING) * 4.0;
    }
    (SVector::zeros(), MOST_DAMPING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Matrix2, Vector2};

    fn wide() -> Bounds<2> {
        Bounds { lower: Vector2::repeat(-50.0), upper: Vector2::repeat(50.0) }
    }

    /// `scale (100 (y - x^2)^2 + (1 - x)^2 + 1)`, least at (1, 1), its Hessian indefinite at the
    /// usual start.
    fn rosenbrock(scale: f64) -> impl Fn(&Vector2<f64>) -> Expansion<2> {
        move |at| {
            let (x, y) = (at[0], at[1]);
            let gap = y - x * x;
            Expansion {
                value: scale * (100.0 * gap * gap + (1.0 - x).powi(2) + 1.0),
                gradient: scale * Vector2::new(-400.0 * x * gap - 2.0 * (1.0 - x), 200.0 * gap),
                hessian: scale
                    * Matrix2::new(1200.0 * x * x - 400.0 * y + 2.0, -400.0 * x, -400.0 * x, 200.0),
                damper: scale * 1000.0 * Matrix2::identity(),
            }
        }
    }

    #[test]
    fn rosenbrock_is_solved_at_every_scale() {
        for scale in [1e-8, 1.0, 1e8] {
            // at (0, 3) one eigenvalue of the Hessian is far below 0
            for start in [Vector2::new(-1.2, 1.0), Vector2::new(0.0, 3.0)] {
                let minimum = minimise(rosenbrock(scale), &wide(), start);
                assert_eq!(minimum.stop, Stop::Stationary);
                assert!(minimum.evaluations < 60, "{} evaluations", minimum.evaluations);
                approx::assert_relative_eq!(minimum.at, Vector2::repeat(1.0), epsilon = 1e-6);
            }
        }
    }

    #[test]
    fn bounds_hold_and_are_left_again() {
        // with x held at 0.5 the best y is 0.25, and from a corner both are left
        let bounds = Bounds { lower: Vector2::repeat(-0.5), upper: Vector2::new(0.5, 9.0) };
        let minimum = minimise(rosenbrock(1.0), &bounds, Vector2::new(0.5, 9.0));
        assert_eq!(minimum.stop, Stop::Stationary);
        approx::assert_relative_eq!(minimum.at, Vector2::new(0.5, 0.25), epsilon = 1e-6);
        let corner = Bounds { lower: Vector2::repeat(-2.0), upper: Vector2::repeat(2.0) };
        approx::assert_relative_eq!(
            minimise(rosenbrock(1.0), &corner, Vector2::repeat(-2.0)).at,
            Vector2::repeat(1.0),
            epsilon = 1e-6
        );
    }

    #[test]
    fn a_function_without_a_value_has_no_minimum() {
        let nowhere =
            |_: &Vector2<f64>| Expansion { value: f64::NAN, ..rosenbrock(1.0)(&Vector2::zeros()) };
        let minimum = minimise(nowhere, &wide(), Vector2::zeros());
        assert!(minimum.value.is_infinite() && minimum.stop == Stop::Exhausted);
    }
}
