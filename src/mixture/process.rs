//! A Gaussian process over runs.
//!
//! ```text
//! y = (ln loss - mean) / deviation,  x = features, each of mean 0 and deviation 1
//! C_ij = cov(y_i, y_j)
//!      = a^2 exp(-sum_k (x_ik - x_jk)^2 / (2 l_k^2)) + b^2 x_i . x_j + 4 + noise^2 [i = j]
//! minimise over the coordinates ln l_k, ln a, ln b, ln noise
//!     y' C^-1 y / 2 + ln det C / 2 + sum of (coordinate - prior mean)^2 / (2 prior deviation^2)
//! ```
//!
//! Priors: a length of three deviations in each of six features and longer where there are more, so
//! that a few runs are read as nearly straight; all of them wide.

use crate::numeric::bfgs::minimise;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn, RowDVector};

/// What is believed of one value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Belief {
    pub mean: f64,
    pub deviation: f64,
}

/// Variance of the level, in units of the variance of the values.
const LEVEL: f64 = 4.0;
/// Least variance of the noise, for rounding.
const ROUNDING: f64 = 1e-8;

/// Coordinates behind the lengths: ln a, ln b, ln noise; their priors as mean and deviation.
const AMPLITUDE: usize = 0;
const SLOPE: usize = 1;
const NOISE: usize = 2;
const PRIORS: [(f64, f64); 3] = [(0.0, 1.0), (-std::f64::consts::LN_2, 1.0), (-3.912, 1.5)];

/// Mean and deviation of each feature, as they were where the process was fitted.
#[derive(Debug, Clone)]
struct Standard {
    mean: RowDVector<f64>,
    deviation: RowDVector<f64>,
    /// Features that vary.
    varying: Vec<usize>,
}

impl Standard {
    fn of(x: &DMatrix<f64>) -> Self {
        let mean = x.row_mean();
        let deviation = x.row_variance().map(f64::sqrt);
        let varying =
            (0..x.ncols()).filter(|&k| deviation[k] > 1e-9 * (1.0 + mean[k].abs())).collect();
        Standard { mean, deviation, varying }
    }

    fn apply(&self, x: &DMatrix<f64>) -> DMatrix<f64> {
        DMatrix::from_fn(x.nrows(), self.varying.len(), |i, k| {
            let k = self.varying[k];
            (x[(i, k)] - self.mean[k]) / self.deviation[k]
        })
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Process {
    standard: Standard,
    mean: f64,
    deviation: f64,
    x: DMatrix<f64>,
    y: DVector<f64>,
    coordinates: DVector<f64>,
    covariance: Cholesky<f64, Dyn>,
    /// `C^-1 y`.
    alpha: DVector<f64>,
}

/// The part of the covariance that falls with the distance.
fn near(x: &DMatrix<f64>, z: &DMatrix<f64>, coordinates: &DVector<f64>) -> DMatrix<f64> {
    let scaled = |m: &DMatrix<f64>| {
        DMatrix::from_fn(m.nrows(), m.ncols(), |i, k| m[(i, k)] / coordinates[k].exp())
    };
    let (a, b) = (scaled(x), scaled(z));
    let amplitude = (2.0 * coordinates[x.ncols() + AMPLITUDE]).exp();
    DMatrix::from_fn(x.nrows(), z.nrows(), |i, j| {
        amplitude * (-0.5 * (a.row(i) - b.row(j)).norm_squared()).exp()
    })
}

/// Covariance without noise.
fn covariance(x: &DMatrix<f64>, z: &DMatrix<f64>, coordinates: &DVector<f64>) -> DMatrix<f64> {
    let slope = (2.0 * coordinates[x.ncols() + SLOPE]).exp();
    (near(x, z, coordinates) + slope * x * z.transpose()).add_scalar(LEVEL)
}

fn noise(coordinates: &DVector<f64>) -> f64 {
    (2.0 * coordinates[coordinates.len() - 3 + NOISE]).exp() + ROUNDING
}

fn with_noise(x: &DMatrix<f64>, coordinates: &DVector<f64>) -> Option<Cholesky<f64, Dyn>> {
    let mut all = covariance(x, x, coordinates);
    (0..x.nrows()).for_each(|i| all[(i, i)] += noise(coordinates));
    Cholesky::new(all)
}

/// Prior mean and deviation of a coordinate.
fn prior(features: usize, at: usize) -> (f64, f64) {
    match at.checked_sub(features) {
        Some(behind) => PRIORS[behind],
        None => ((3.0 * (features.max(6) as f64 / 6.0).sqrt()).ln(), 1.0),
    }
}

/// Minus the log posterior of the coordinates, and its gradient; infinite where the covariance is
/// not positive definite.
fn objective(
    x: &DMatrix<f64>,
    y: &DVector<f64>,
    coordinates: &DVector<f64>,
) -> (f64, DVector<f64>) {
    let (n, features) = x.shape();
    let Some(factor) = with_noise(x, coordinates) else {
        return (f64::INFINITY, DVector::zeros(coordinates.len()));
    };
    let alpha = factor.solve(y);
    let ln_det = (0..n).map(|i| factor.l_dirty()[(i, i)].ln()).sum::<f64>();
    // the derivative along dC is half the sum of (C^-1 - alpha alpha') dC
    let weights = factor.inverse() - &alpha * alpha.transpose();
    let falling = near(x, x, coordinates).component_mul(&weights);
    let along = |k: usize| {
        let length = (-2.0 * coordinates[k]).exp();
        let sum = |j: usize| {
            (0..n).map(|i| falling[(i, j)] * (x[(i, k)] - x[(j, k)]).powi(2)).sum::<f64>()
        };
        0.5 * length * (0..n).map(sum).sum::<f64>()
    };
    let slope = (2.0 * coordinates[features + SLOPE]).exp();
    let mut gradient =
        DVector::from_fn(coordinates.len(), |at, _| match at.checked_sub(features) {
            None => along(at),
            Some(AMPLITUDE) => falling.sum(),
            Some(SLOPE) => slope * (x.transpose() * &weights * x).trace(),
            Some(_) => weights.trace() * (noise(coordinates) - ROUNDING),
        });
    let mut value = 0.5 * y.dot(&alpha) + ln_det;
    for at in 0..coordinates.len() {
        let (mean, deviation) = prior(features, at);
        let apart = (coordinates[at] - mean) / deviation;
        value += 0.5 * apart * apart;
        gradient[at] += apart / deviation;
    }
    (value, gradient)
}

impl Process {
    /// Fits values (n) at features (n, any), of which those that do not vary are left out; none
    /// where a number is not finite.
    pub(super) fn fit(features: &DMatrix<f64>, values: &DVector<f64>) -> Option<Self> {
        Process::with(features, values, |x, y| {
            let start = DVector::from_fn(x.ncols() + 3, |at, _| prior(x.ncols(), at).0);
            Some(minimise(|at| objective(x, y, at), start))
        })
    }

    /// The process that was fitted to values at features, from its coordinates; none where they do
    /// not belong to these.
    pub(super) fn restored(
        features: &DMatrix<f64>,
        values: &DVector<f64>,
        coordinates: &[f64],
    ) -> Option<Self> {
        Process::with(features, values, |x, _| {
            (coordinates.len() == x.ncols() + 3).then(|| DVector::from_row_slice(coordinates))
        })
    }

    fn with(
        features: &DMatrix<f64>,
        values: &DVector<f64>,
        coordinates: impl Fn(&DMatrix<f64>, &DVector<f64>) -> Option<DVector<f64>>,
    ) -> Option<Self> {
        let standard = Standard::of(features);
        let x = standard.apply(features);
        let mean = values.mean();
        // equal values are known to be equal up to rounding
        let deviation = values.variance().sqrt().max(1e-9);
        let y = values.map(|value| (value - mean) / deviation);
        let coordinates = coordinates(&x, &y)?;
        let covariance = with_noise(&x, &coordinates)?;
        let alpha = covariance.solve(&y);
        Some(Process { standard, mean, deviation, x, y, coordinates, covariance, alpha })
    }

    /// Logarithms of lengths, amplitude, slope and noise, as found.
    pub(super) fn coordinates(&self) -> &[f64] {
        self.coordinates.as_slice()
    }

    /// Mean at one row of features, and its gradient in them.
    pub(super) fn slope(&self, features: &DMatrix<f64>) -> (f64, Vec<f64>) {
        let z = self.standard.apply(features);
        let falling = near(&self.x, &z, &self.coordinates).column(0).component_mul(&self.alpha);
        let line = (2.0 * self.coordinates[self.x.ncols() + SLOPE]).exp();
        let mean = covariance(&self.x, &z, &self.coordinates).column(0).dot(&self.alpha);
        let mut gradient = vec![0.0; features.ncols()];
        for (k, &feature) in self.standard.varying.iter().enumerate() {
            let length = (-2.0 * self.coordinates[k]).exp();
            let along = (0..self.x.nrows())
                .map(|i| {
                    falling[i] * (self.x[(i, k)] - z[(0, k)]) * length
                        + line * self.alpha[i] * self.x[(i, k)]
                })
                .sum::<f64>();
            gradient[feature] = self.deviation * along / self.standard.deviation[feature];
        }
        (self.mean + self.deviation * mean, gradient)
    }

    /// Means and covariance at rows of features, without noise, and the variance of the noise.
    pub(super) fn joint(&self, features: &DMatrix<f64>) -> (DVector<f64>, DMatrix<f64>, f64) {
        let z = self.standard.apply(features);
        let cross = covariance(&self.x, &z, &self.coordinates);
        let means = cross.tr_mul(&self.alpha).map(|mean| self.mean + self.deviation * mean);
        let left =
            covariance(&z, &z, &self.coordinates) - cross.tr_mul(&self.covariance.solve(&cross));
        let square = self.deviation.powi(2);
        (means, left * square, noise(&self.coordinates) * square)
    }

    fn belief(&self, mean: f64, variance: f64) -> Belief {
        Belief {
            mean: self.mean + self.deviation * mean,
            deviation: self.deviation * variance.max(0.0).sqrt(),
        }
    }

    /// What is believed of new values at features, noise included.
    pub(super) fn at(&self, features: &DMatrix<f64>) -> Vec<Belief> {
        let z = self.standard.apply(features);
        let cross = covariance(&self.x, &z, &self.coordinates);
        let solved = self.covariance.solve(&cross);
        let own = |j: usize| {
            covariance(&z.rows(j, 1).into_owned(), &z.rows(j, 1).into_owned(), &self.coordinates)
                [(0, 0)]
        };
        let one = |j: usize| {
            let variance =
                own(j) - cross.column(j).dot(&solved.column(j)) + noise(&self.coordinates);
            self.belief(cross.column(j).dot(&self.alpha), variance)
        };
        (0..z.nrows()).map(one).collect()
    }

    /// What is believed of each value from all others (Rasmussen and Williams 2006, 5.12).
    pub(super) fn left_out(&self) -> Vec<Belief> {
        let inverse = self.covariance.inverse();
        let one = |i: usize| {
            self.belief(self.y[i] - self.alpha[i] / inverse[(i, i)], 1.0 / inverse[(i, i)])
        };
        (0..self.y.len()).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::differences::derivative;

    /// Points of a smooth function that is not straight.
    fn data(n: usize) -> (DMatrix<f64>, DVector<f64>) {
        let x = DMatrix::from_fn(n, 3, |i, k| {
            if k == 2 { 5.0 } else { ((i * (7 + 4 * k) + k) % 13) as f64 / 13.0 }
        });
        let y = DVector::from_fn(n, |i, _| {
            1.0 + 0.3 * x[(i, 0)] - 0.5 * (x[(i, 1)] * 3.0).sin() + 1e-3 * ((i * i) as f64).sin()
        });
        (x, y)
    }

    #[test]
    fn gradients_are_differences() {
        let (x, y) = data(11);
        let x = Standard::of(&x).apply(&x);
        assert_eq!(x.ncols(), 2);
        let y = y.map(|value| value - 1.0);
        let at = DVector::from_vec(vec![0.3, -0.2, 0.4, -0.9, -1.2]);
        let (_, gradient) = objective(&x, &y, &at);
        for k in 0..at.len() {
            let along = |value: f64| {
                let mut moved = at.clone();
                moved[k] = value;
                objective(&x, &y, &moved).0
            };
            approx::assert_relative_eq!(
                gradient[k],
                derivative(along, at[k], 1e-4),
                max_relative = 1e-6,
                epsilon = 1e-7
            );
        }
    }

    #[test]
    fn leaving_out_is_fitting_the_others() {
        let (x, y) = data(12);
        let process = Process::fit(&x, &y).unwrap();
        for (i, left_out) in process.left_out().into_iter().enumerate() {
            let mut rest = process.clone();
            (rest.x, rest.y) = (process.x.clone().remove_row(i), process.y.clone().remove_row(i));
            rest.covariance = with_noise(&rest.x, &rest.coordinates).unwrap();
            rest.alpha = rest.covariance.solve(&rest.y);
            let found = rest.at(&x.rows(i, 1).into_owned())[0];
            approx::assert_relative_eq!(found.mean, left_out.mean, max_relative = 1e-9);
            approx::assert_relative_eq!(found.deviation, left_out.deviation, max_relative = 1e-9);
        }
    }

    #[test]
    fn slopes_are_differences_and_coordinates_restore_the_process() {
        let (x, y) = data(14);
        let process = Process::fit(&x, &y).unwrap();
        let place = DMatrix::from_row_slice(1, 3, &[0.31, 0.52, 5.0]);
        let (mean, gradient) = process.slope(&place);
        let (means, covariance, noise) = process.joint(&place);
        let belief = process.at(&place)[0];
        approx::assert_relative_eq!(mean, belief.mean, max_relative = 1e-12);
        approx::assert_relative_eq!(means[0], belief.mean, max_relative = 1e-12);
        approx::assert_relative_eq!(
            (covariance[(0, 0)] + noise).sqrt(),
            belief.deviation,
            max_relative = 1e-9
        );
        for k in 0..2 {
            let along = |value: f64| {
                let mut moved = place.clone();
                moved[(0, k)] = value;
                process.slope(&moved).0
            };
            approx::assert_relative_eq!(
                gradient[k],
                derivative(along, place[(0, k)], 1e-4),
                max_relative = 1e-5,
                epsilon = 1e-9
            );
        }
        assert_eq!(gradient[2], 0.0);
        let again = Process::restored(&x, &y, process.coordinates()).unwrap();
        assert_eq!(again.at(&place), process.at(&place));
        assert!(Process::restored(&x, &y, &process.coordinates()[1..]).is_none());
    }

    #[test]
    fn what_bends_is_predicted() {
        let (x, y) = data(26);
        let known = 20;
        let process =
            Process::fit(&x.rows(0, known).into_owned(), &y.rows(0, known).into_owned()).unwrap();
        for (belief, truth) in
            process.at(&x.rows(known, 6).into_owned()).iter().zip(y.rows(known, 6).iter())
        {
            assert!(
                (belief.mean - truth).abs() < 0.02 && belief.deviation < 0.05,
                "{belief:?} {truth}"
            );
        }
    }
}
