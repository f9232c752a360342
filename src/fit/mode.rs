//! The mode of one curve under one form: coordinates where data and prior together are most likely,
//! and how sharply.

use super::coordinates::{Curve, DIMENSION, Frame, Theta};
use super::series::Series;
use crate::numeric::least_squares::{Data, Minimum, Prior, Problem, Stop, huber_weight};
use crate::numeric::random::halton;
use nalgebra::SMatrix;

/// Covariance of coordinates.
pub(super) type Covariance = SMatrix<f64, DIMENSION, DIMENSION>;

/// Steps of a descent to the end.
pub(super) const STEPS: usize = 100;
/// Steps of a descent from the mode to that of noisy data close by: what is left is far below what
/// the noise moves.
const DRAW_STEPS: usize = 12;
/// Difference of ln density within which two minima are the same.
const SAME: f64 = 1e-3;

/// How the points of a curve scatter about a form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Noise {
    /// Standard deviation of one ln loss at the largest amount.
    pub(super) sigma: f64,
    /// e-foldings below the largest amount at which the form's misfit is as large as that; infinite
    /// for a form that holds everywhere.
    pub(super) reach: f64,
    /// Residuals beyond so many standard deviations count linearly.
    pub(super) delta: f64,
}

/// The mode of one curve and what its data say beside the prior.
#[derive(Debug, Clone)]
pub(super) struct Mode {
    pub(super) theta: Theta,
    pub(super) covariance: Covariance,
    pub(super) noise: Noise,
    /// Points beyond the parameters that the data determine.
    pub(super) degrees: f64,
    /// Squared residuals in units of the deviations for a sigma of 1.
    pub(super) squares: f64,
    pub(super) stop: Stop,
    pub(super) agreed: usize,
    pub(super) starts: usize,
}

/// Standard deviations of the points for a sigma of 1.
pub(super) fn deviations(series: &Series, reach: f64) -> Vec<f64> {
    let far = |z: f64| (series.end() - z) / reach;
    series
        .z
        .iter()
        .zip(&series.weight)
        .map(|(&z, weight)| (1.0 + far(z).powi(2)).sqrt() / weight.sqrt())
        .collect()
}

/// Start number `index`: the shape from a space-filling sequence, the scale that meets the mean
/// loss.
pub(super) fn start(frame: Frame, series: &Series, index: usize) -> Theta {
    let [p, q, r] = halton(index);
    let [v, c, _] = halton(index + 7);
    let least = series.ln_loss.iter().copied().fold(f64::INFINITY, f64::min) - frame.scales.ln_unit;
    let (first, last) = (series.z.first().copied().unwrap_or(0.0), series.end());
    let turn = first - 1.0 + r * (last + 1.0 - first);
    let bounds = frame.bounds();
    let shape = Theta::from([
        0.0,
        0.08f64.ln() + p * 25f64.ln(),
        0.97 * q * least.exp(),
        turn,
        2.0 * v - 1.2,
        0.3 * c,
    ]);
    let mut theta = shape.sup(&bounds.lower).inf(&bounds.upper);
    let mut bare = theta;
    bare[2] = 0.0;
    let bare = frame.at(&bare);
    let reducible = |ln_loss: f64| ((ln_loss - frame.scales.ln_unit).exp() - theta[2]).ln();
    let gap = |(&z, &ln_loss): (&f64, &f64)| {
        reducible(ln_loss) - (bare.ln_loss(z) - frame.scales.ln_unit)
    };
    theta[0] = series.z.iter().zip(&series.ln_loss).map(gap).sum::<f64>() / series.len() as f64;
    theta
}

/// Where some starts get to in a few steps.
pub(super) fn approach(
    frame: Frame,
    series: &Series,
    prior: &Prior<DIMENSION>,
    noise: Noise,
    starts: &[Theta],
    steps: usize,
) -> Vec<Minimum<DIMENSION>> {
    let scaled: Vec<f64> =
        deviations(series, noise.reach).iter().map(|deviation| noise.sigma * deviation).collect();
    let model = Curve { frame, z: &series.z };
    let data = Data { targets: &series.ln_loss, deviations: &scaled, delta: noise.delta };
    let problem = Problem { model: &model, data, prior: *prior, bounds: frame.bounds() };
    starts.iter().map(|&start| problem.minimise(start, steps)).collect()
}

/// The lowest minimum that some starts, which are not none, reach in some steps.
pub(super) fn descend(
    frame: Frame,
    series: &Series,
    prior: &Prior<DIMENSION>,
    noise: Noise,
    starts: &[Theta],
    steps: usize,
) -> Mode {
    let minima = approach(frame, series, prior, noise, starts, steps);
    let unit = deviations(series, noise.reach);
    let scaled: Vec<f64> = unit.iter().map(|deviation| noise.sigma * deviation).collect();
    let model = Curve { frame, z: &series.z };
    let data = Data { targets: &series.ln_loss, deviations: &scaled, delta: noise.delta };
    let problem = Problem { model: &model, data, prior: *prior, bounds: frame.bounds() };
    let nowhere = Minimum { at: prior.mean, objective: f64::INFINITY, stop: Stop::Exhausted };
    let best = minima
        .iter()
        .copied()
        .min_by(|a, b| a.objective.total_cmp(&b.objective))
        .unwrap_or(nowhere);
    let agreed = minima.iter().filter(|minimum| minimum.objective <= best.objective + SAME).count();
    let covariance = covariance(&problem.quadratic(&best.at).hessian, &frame);
    let at = frame.at(&best.at);
    let residual = |i: usize| (series.ln_loss[i] - at.ln_loss(series.z[i])) / unit[i];
    let square =
        |residual: f64| huber_weight(residual / noise.sigma, noise.delta) * residual * residual;
    let known: f64 = (0..DIMENSION).map(|j| prior.precision[j] * covariance[(j, j)]).sum();
    let free = frame.freedom() as f64;
    Mode {
        theta: best.at,
        covariance,
        noise,
        degrees: (series.len() as f64 - (free - known)).max(0.0),
        squares: (0..series.len()).map(|i| square(residual(i))).sum(),
        stop: best.stop,
        agreed,
        starts: starts.len(),
    }
}

/// The minimum of the curve with other targets, close to its mode.
pub(super) fn redraw(
    frame: Frame,
    series: &Series,
    prior: &Prior<DIMENSION>,
    noise: Noise,
    targets: &[f64],
    from: Theta,
) -> Theta {
    let scaled: Vec<f64> =
        deviations(series, noise.reach).iter().map(|deviation| noise.sigma * deviation).collect();
    let model = Curve { frame, z: &series.z };
    let data = Data { targets, deviations: &scaled, delta: noise.delta };
    Problem { model: &model, data, prior: *prior, bounds: frame.bounds() }
        .minimise(from, DRAW_STEPS)
        .at
}

/// Inverse of the second derivatives over the coordinates that the form has; 0 elsewhere.
fn covariance(hessian: &Covariance, frame: &Frame) -> Covariance {
    let lacks: Vec<usize> = (0..DIMENSION).filter(|&j| !frame.has(j)).collect();
    let mut matrix = *hessian;
    for &j in &lacks {
        matrix.fill_row(j, 0.0);
        matrix.fill_column(j, 0.0);
        matrix[(j, j)] = 1.0;
    }
    let mut inverse = matrix.cholesky().map_or_else(Covariance::zeros, |factor| factor.inverse());
    for &j in &lacks {
        inverse[(j, j)] = 0.0;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::coordinates::Scales;
    use crate::law::Form;
    use crate::numeric::least_squares::huber;
    use argmin::core::{CostFunction, Error, Executor};
    use argmin::solver::neldermead::NelderMead;

    /// The objective of a mode over its free coordinates, for a minimiser that is not ours.
    struct Objective<'a>(Frame, &'a Series, Prior<DIMENSION>, Noise, Vec<usize>);

    impl CostFunction for Objective<'_> {
        type Param = Vec<f64>;
        type Output = f64;

        fn cost(&self, free: &Vec<f64>) -> Result<f64, Error> {
            let Objective(frame, series, prior, noise, places) = self;
            let mut theta = Theta::zeros();
            places.iter().zip(free).for_each(|(&j, &value)| theta[j] = value);
            let bounds = frame.bounds();
            if theta != theta.sup(&bounds.lower).inf(&bounds.upper) {
                return Ok(f64::INFINITY);
            }
            let at = frame.at(&theta);
            let unit = deviations(series, noise.reach);
            let point = |i: usize| {
                huber(
                    (at.ln_loss(series.z[i]) - series.ln_loss[i]) / (noise.sigma * unit[i]),
                    noise.delta,
                )
            };
            let distance = theta - prior.mean;
            let known = 0.5 * distance.component_mul(&distance).dot(&prior.precision);
            Ok((0..series.len()).map(point).sum::<f64>() + known)
        }
    }

    #[test]
    fn a_minimiser_that_is_not_ours_finds_nothing_lower() {
        let scales =
            Scales { ln_reference: 9.0, ln_unit: 0.5, ln_range: (500f64.ln(), 64e3f64.ln()) };
        let loss = |x: f64| 1.2 + 30.0 * (x + 900.0).powf(-0.4);
        let noise_of = |at: usize| 1.0 + 0.01 * ((at * at) as f64 * 1.7).sin();
        let sizes = [250.0, 500.0, 1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 64e3];
        let series = Series::new(
            sizes.iter().enumerate().map(|(at, &x)| (x, loss(x) * noise_of(at), 1.0)),
            &scales,
        );
        for form in [Form::PowerFloor, Form::Offset, Form::Rectified, Form::Bnsl, Form::M4] {
            let frame = Frame { form, scales };
            let (prior, noise) =
                (frame.weak_prior(), Noise { sigma: 0.01, reach: f64::INFINITY, delta: 2.0 });
            let starts: Vec<Theta> = (0..16).map(|index| start(frame, &series, index)).collect();
            let mode = descend(frame, &series, &prior, noise, &starts, STEPS);
            let places: Vec<usize> = (0..DIMENSION).filter(|&j| frame.has(j)).collect();
            let ours: Vec<f64> = places.iter().map(|&j| mode.theta[j]).collect();
            let objective = || Objective(frame, &series, prior, noise, places.clone());
            let corner = |k: usize| {
                (0..ours.len())
                    .map(|i| ours[i] + if i + 1 == k { 0.05 } else { 0.0 })
                    .collect::<Vec<f64>>()
            };
            let solver = NelderMead::new((0..=ours.len()).map(corner).collect())
                .with_sd_tolerance(1e-16)
                .unwrap();
            let found = Executor::new(objective(), solver)
                .configure(|state| state.max_iters(3000))
                .run()
                .unwrap();
            let (theirs, reached) = (found.state().best_cost, objective().cost(&ours).unwrap());
            assert!(reached <= theirs * (1.0 + 1e-9), "{form}: {reached} against {theirs}");
            approx::assert_relative_eq!(theirs, reached, max_relative = 1e-3);
        }
    }
}
