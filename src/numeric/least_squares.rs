//! Robust nonlinear least squares in a few coordinates, within bounds and under a normal prior.
//!
//! ```text
//! minimise    sum_i huber( (m_i(theta) - t_i) / s_i )  +  1/2 sum_j ((theta_j - mean_j) / sd_j)^2
//! subject to  lower <= theta <= upper
//! ```
//!
//! Levenberg-Marquardt (Moré 1978, with Nielsen's damping 1999) on the reweighted problem: the
//! weight of a residual beyond delta is delta / |r|, whose quadratic lies above the Huber loss and
//! touches it (Holland and Welsch 1977), so every accepted step lowers the true objective.
//! Coordinates at a bound that the gradient presses against are held. A coordinate whose bounds are
//! equal is fixed.

use nalgebra::{SMatrix, SVector};

/// Coordinates of a model of `N` parameters.
pub type Coordinates<const N: usize> = SVector<f64, N>;

/// Bounds of the coordinates.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<const N: usize> {
    /// Least values.
    pub lower: Coordinates<N>,
    /// Largest values.
    pub upper: Coordinates<N>,
}

/// What is known of the coordinates besides the data: independent normal distributions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prior<const N: usize> {
    /// Means.
    pub mean: Coordinates<N>,
    /// Inverse variances; 0 knows nothing.
    pub precision: Coordinates<N>,
}

/// Data of a problem.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// Values to meet.
    pub targets: &'a [f64],
    /// Standard deviation of each.
    pub deviations: &'a [f64],
    /// Residuals beyond so many standard deviations count linearly.
    pub delta: f64,
}

/// Predictions of all targets at some coordinates, and where asked for, their gradients.
pub trait Model<const N: usize> {
    /// Fills `predictions`, and `gradients` where there are some.
    fn predict(
        &self,
        at: &Coordinates<N>,
        predictions: &mut [f64],
        gradients: Option<&mut [Coordinates<N>]>,
    );
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
pub struct Minimum<const N: usize> {
    /// Coordinates.
    pub at: Coordinates<N>,
    /// The objective; infinite where the start has none.
    pub objective: f64,
    /// Why there.
    pub stop: Stop,
}

/// Largest cosine between residuals and a column that counts as zero.
const COSINE: f64 = 1e-9;
/// Relative decrease of the objective that counts as none.
const DECREASE: f64 = 1e-15;
/// Root mean square residual, in standard deviations, that counts as an exact fit.
const EXACT: f64 = 1e-12;
/// Largest step in a coordinate, so that one bad linearisation cannot throw a logarithm out of
/// reach.
const REACH: f64 = 2.0;

/// Huber's loss of a residual: `r^2 / 2` within `delta`, `delta (|r| - delta / 2)` beyond.
pub fn huber(residual: f64, delta: f64) -> f64 {
    let size = residual.abs();
    if size <= delta { size * size / 2.0 } else { delta * (size - delta / 2.0) }
}

/// Weight of a residual of so many standard deviations in the reweighted problem.
pub fn huber_weight(residual: f64, delta: f64) -> f64 {
    if residual.abs() <= delta { 1.0 } else { delta / residual.abs() }
}

/// Gauss-Newton's view of the objective at a point.
pub struct Quadratic<const N: usize> {
    /// Second derivatives, those of the model left out.
    pub hessian: SMatrix<f64, N, N>,
    /// First derivatives.
    pub gradient: Coordinates<N>,
    /// Weighted sum of squared residuals, prior included.
    squares: f64,
}

/// A model, its data and what is known besides.
pub struct Problem<'a, const N: usize, M: Model<N>> {
    /// The model.
    pub model: &'a M,
    /// What it should meet.
    pub data: Data<'a>,
    /// What is known besides.
    pub prior: Prior<N>,
    /// Range of the coordinates.
    pub bounds: Bounds<N>,
}

impl<const N: usize, M: Model<N>> Problem<'_, N, M> {
    /// The objective from predictions; infinite where one is no number.
    fn objective(&self, at: &Coordinates<N>, predictions: &[f64]) -> f64 {
        let Data { targets, deviations, delta } = self.data;
        let misfit = |i: usize| huber((predictions[i] - targets[i]) / deviations[i], delta);
        let distance = at - self.prior.mean;
        let sum = (0..targets.len()).map(misfit).sum::<f64>()
            + 0.5 * distance.component_mul(&distance).dot(&self.prior.precision);
        if sum.is_finite() { sum } else { f64::INFINITY }
    }

    /// The quadratic that touches the objective at a point, given predictions and gradients there.
    fn touch(
        &self,
        at: &Coordinates<N>,
        predictions: &[f64],
        gradients: &[Coordinates<N>],
    ) -> Quadratic<N> {
        let Data { targets, deviations, delta } = self.data;
        let distance = at - self.prior.mean;
        let pull = distance.component_mul(&self.prior.precision);
        let mut quadratic = Quadratic {
            hessian: SMatrix::from_diagonal(&self.prior.precision),
            gradient: pull,
            squares: pull.dot(&distance),
        };
        for i in 0..targets.len() {
            let residual = (predictions[i] - targets[i]) / deviations[i];
            let weight = huber_weight(residual, delta);
            quadratic.hessian.ger(
                weight / (deviations[i] * deviations[i]),
                &gradients[i],
                &gradients[i],
                1.0,
            );
            quadratic.gradient.axpy(weight * residual / deviations[i], &gradients[i], 1.0);
            quadratic.squares += weight * residual * residual;
        }
        quadratic
    }

    /// The quadratic that touches the objective at a point.
    pub fn quadratic(&self, at: &Coordinates<N>) -> Quadratic<N> {
        let count = self.data.targets.len();
        let (mut predictions, mut gradients) =
            (vec![0.0; count], vec![Coordinates::zeros(); count]);
        self.model.predict(at, &mut predictions, Some(&mut gradients));
        self.touch(at, &predictions, &gradients)
    }

    /// Minimises from `start` in at most `steps` steps, taken or not.
    pub fn minimise(&self, start: Coordinates<N>, steps: usize) -> Minimum<N> {
        let count = self.data.targets.len();
        let (mut predictions, mut gradients) =
            (vec![0.0; count], vec![Coordinates::zeros(); count]);
        let mut at = start.sup(&self.bounds.lower).inf(&self.bounds.upper);
        self.model.predict(&at, &mut predictions, Some(&mut gradients));
        let mut objective = self.objective(&at, &predictions);
        let mut quadratic = self.touch(&at, &predictions, &gradients);
        let (mut damping, mut growth) = (1e-3, 2.0);
        for _ in 0..steps {
            if !objective.is_finite() {
                break;
            }
            let free = free_coordinates(&quadratic, &at, &self.bounds);
            if is_stationary(&quadratic, &free) || objective <= EXACT * EXACT * count as f64 {
                return Minimum { at, objective, stop: Stop::Gradient };
            }
            let Some(step) = damped_step(&quadratic, &free, damping) else { break };
            let next = (at + step).sup(&self.bounds.lower).inf(&self.bounds.upper);
            let predicted =
                -(step.dot(&quadratic.gradient) + 0.5 * step.dot(&(quadratic.hessian * step)));
            self.model.predict(&next, &mut predictions, Some(&mut gradients));
            let reached = self.objective(&next, &predictions);
            if reached < objective {
                let ratio = (objective - reached) / predicted.max(f64::MIN_POSITIVE);
                damping *= (1.0 - (2.0 * ratio - 1.0).powi(3)).clamp(1.0 / 3.0, 2.0);
                growth = 2.0;
                let negligible = objective - reached <= DECREASE * objective
                    && predicted <= DECREASE * objective;
                (at, objective) = (next, reached);
                if negligible {
                    return Minimum { at, objective, stop: Stop::Decrease };
                }
                quadratic = self.touch(&at, &predictions, &gradients);
            } else if predicted.abs() <= DECREASE * objective || damping > 1e16 {
                return Minimum { at, objective, stop: Stop::Decrease };
            } else {
                damping *= growth;
                growth *= 2.0;
            }
        }
        Minimum { at, objective, stop: Stop::Exhausted }
    }
}

fn free_coordinates<const N: usize>(
    quadratic: &Quadratic<N>,
    at: &Coordinates<N>,
    bounds: &Bounds<N>,
) -> [bool; N] {
    std::array::from_fn(|j| {
        let can_fall = at[j] > bounds.lower[j];
        let can_rise = at[j] < bounds.upper[j];
        if quadratic.gradient[j] > 0.0 { can_fall } else { can_rise }
    })
}

/// The test of MINPACK's `gtol`: it does not depend on the scale of the residuals or of the
/// coordinates.
fn is_stationary<const N: usize>(quadratic: &Quadratic<N>, free: &[bool; N]) -> bool {
    (0..N).filter(|&j| free[j]).all(|j| {
        quadratic.gradient[j].abs()
            <= COSINE * (quadratic.hessian[(j, j)] * quadratic.squares).sqrt()
    })
}

/// Marquardt's step over the free coordinates; nothing where the numbers gave out.
fn damped_step<const N: usize>(
    quadratic: &Quadratic<N>,
    free: &[bool; N],
    damping: f64,
) -> Option<Coordinates<N>> {
    let mut matrix = quadratic.hessian;
    let mut gradient = quadratic.gradient;
    for j in 0..N {
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
    use nalgebra::{Vector2, vector};

    /// A model from a function of the coordinates and the number of the target.
    struct Each<F>(F);

    impl<F: Fn(&Vector2<f64>, usize) -> (f64, Vector2<f64>)> Model<2> for Each<F> {
        fn predict(
            &self,
            at: &Vector2<f64>,
            predictions: &mut [f64],
            mut gradients: Option<&mut [Vector2<f64>]>,
        ) {
            for i in 0..predictions.len() {
                let (prediction, gradient) = (self.0)(at, i);
                predictions[i] = prediction;
                if let Some(gradients) = gradients.as_deref_mut() {
                    gradients[i] = gradient;
                }
            }
        }
    }

    const WIDE: Bounds<2> = Bounds { lower: vector![-50.0, -50.0], upper: vector![50.0, 50.0] };
    const NOTHING: Prior<2> = Prior { mean: vector![0.0, 0.0], precision: vector![0.0, 0.0] };

    fn minimum(
        model: impl Fn(&Vector2<f64>, usize) -> (f64, Vector2<f64>),
        targets: &[f64],
        delta: f64,
        (bounds, prior): (Bounds<2>, Prior<2>),
        start: Vector2<f64>,
    ) -> Minimum<2> {
        let deviations = vec![1.0; targets.len()];
        let data = Data { targets, deviations: &deviations, delta };
        Problem { model: &Each(model), data, prior, bounds }.minimise(start, 400)
    }

    /// `a + b x`.
    fn line(at: &Vector2<f64>, i: usize) -> (f64, Vector2<f64>) {
        (at[0] + at[1] * i as f64, vector![1.0, i as f64])
    }

    #[test]
    fn a_straight_line_is_exact() {
        let found = minimum(line, &[1.0, 3.0, 5.0, 7.0], 1.0, (WIDE, NOTHING), Vector2::zeros());
        assert_eq!(found.stop, Stop::Gradient);
        approx::assert_relative_eq!(found.at, vector![1.0, 2.0], epsilon = 1e-9);
    }

    #[test]
    fn rosenbrock_is_solved_at_every_scale() {
        // residuals 10 (y - x^2) and 1 - x, minimum 0 at (1, 1)
        for scale in [1e-8, 1.0, 1e8] {
            let model = |at: &Vector2<f64>, i: usize| match i {
                0 => (scale * 10.0 * (at[1] - at[0] * at[0]), scale * vector![-20.0 * at[0], 10.0]),
                _ => (scale * (1.0 - at[0]), scale * vector![-1.0, 0.0]),
            };
            let found =
                minimum(model, &[0.0, 0.0], f64::INFINITY, (WIDE, NOTHING), vector![-1.2, 1.0]);
            approx::assert_relative_eq!(found.at, vector![1.0, 1.0], epsilon = 1e-3);
        }
    }

    #[test]
    fn an_outlier_pulls_no_harder_than_delta() {
        // the location of least Huber loss of 0, 0, 0, 9 with delta 0.3 is where 3 x = 0.3
        let location = |at: &Vector2<f64>, _: usize| (at[0], vector![1.0, 0.0]);
        let found =
            minimum(location, &[0.0, 0.0, 0.0, 9.0], 0.3, (WIDE, NOTHING), vector![5.0, 0.0]);
        approx::assert_relative_eq!(found.at[0], 0.1, epsilon = 1e-7);
    }

    #[test]
    fn bounds_hold_and_are_left_again() {
        let bounds = Bounds { lower: vector![0.0, 0.0], upper: vector![1.5, 1.5] };
        // with the slope held at 1.5 the best intercept is the mean of 1, 1.5, 2, 2.5, cut to 1.5
        let held =
            minimum(line, &[1.0, 3.0, 5.0, 7.0], 100.0, (bounds, NOTHING), vector![1.5, 0.0]);
        assert_eq!(held.at, vector![1.5, 1.5]);
        let inside = minimum(line, &[0.5, 1.0, 1.5], 100.0, (bounds, NOTHING), vector![1.5, 0.0]);
        approx::assert_relative_eq!(inside.at, vector![0.5, 0.5], epsilon = 1e-8);
    }

    #[test]
    fn a_prior_weighs_by_its_precision() {
        // four measurements of 2 with deviation 1 and a prior of mean 0 and precision 4 meet at 1
        let location = |at: &Vector2<f64>, _: usize| (at[0], vector![1.0, 0.0]);
        let prior = Prior { mean: vector![0.0, 7.0], precision: vector![4.0, 1.0] };
        let found = minimum(location, &[2.0; 4], 100.0, (WIDE, prior), Vector2::zeros());
        approx::assert_relative_eq!(found.at, vector![1.0, 7.0], epsilon = 1e-9);
        approx::assert_relative_eq!(found.objective, 4.0, epsilon = 1e-9);
    }

    #[test]
    fn a_model_without_a_value_is_no_minimum() {
        let found = minimum(
            |_, _| (f64::NAN, Vector2::zeros()),
            &[0.0],
            1.0,
            (WIDE, NOTHING),
            Vector2::zeros(),
        );
        assert!(found.objective.is_infinite() && found.stop == Stop::Exhausted);
    }
}
