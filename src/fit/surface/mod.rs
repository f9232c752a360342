//! Fits of surfaces: losses of models of several sizes → one law of model size and data, with
//! uncertainty.
//!
//! ```text
//! minimise over (E, A, alpha, B, beta)   sum_i w_i huber_delta( ln L(N_i, D_i) - ln loss_i )
//! ```
//!
//! Every row has a weight w; a bootstrap draw replaces the rows by as many drawn from them with
//! replacement and fits anew. The objective and delta = 1e-3 are those of Hoffmann et al. 2022.

mod choice;
mod objective;

use super::prediction::prediction;
use super::{Prediction, Termination};
use crate::curve::{Row, TableCurve};
use crate::law::{LawError, Surface, SurfaceForm};
use crate::numeric::newton::{self, Minimum};
use crate::numeric::quantiles::around;
use crate::numeric::random::{Item, Purpose, generator, halton};
use crate::units::Interval;
pub use choice::{Choice, Trial, choose};
use nalgebra::SVector;
use objective::Objective;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// One measured loss of one model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SurfacePoint {
    /// Parameters of the model, N.
    pub n_params: f64,
    /// Amount of data, D, in the unit of the law: tokens or pairs.
    pub amount: f64,
    /// Loss, nats per target token.
    pub loss_nats: f64,
    /// What the point counts for; 1 where nothing else is known.
    pub weight: f64,
}

/// Points that a surface can be fitted to.
///
/// Invariants, checked in [`SurfaceData::new`]: model sizes, amounts, losses and weights finite and
/// above 0, at least [`SurfaceData::MIN_POINTS`] points, two model sizes and two amounts.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceData(Vec<SurfacePoint>);

/// How to fit a surface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurfaceSettings {
    /// Width of the quadratic part of the Huber loss, in units of ln loss.
    pub huber_delta: f64,
    /// Starting points.
    pub starts: usize,
    /// Bootstrap refits.
    pub draws: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
}

/// A surface and what says how far to trust it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurfaceFit {
    /// The surface.
    pub surface: Surface,
    /// Weighted sum of Huber losses.
    pub objective: f64,
    /// Why the best start stopped.
    pub termination: Termination,
    /// Starts tried.
    pub starts: usize,
    /// Starts that reached the least objective, to 1e-9 of it.
    pub starts_agreed: usize,
    /// Parameters that ended at an end of their range.
    pub at_bounds: Vec<String>,
    /// `ln loss - ln L` of every point.
    pub residuals: Vec<f64>,
    /// Bootstrap draws.
    pub draws: Vec<Surface>,
}

/// One parameter of a surface with its uncertainty over the draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SurfaceParameter {
    /// Name, as in [`Surface::parameters`].
    pub name: String,
    /// Estimate.
    pub value: f64,
    /// Standard deviation over the draws; NaN without any.
    #[serde(with = "crate::units::any_number")]
    pub standard_error: f64,
    /// 90 % interval.
    pub interval_90: Interval,
}

/// Why no surface could be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum SurfaceError {
    /// A number that no surface can take.
    #[error("{field} is {found} at point {index}, expected a finite number above 0")]
    Value { field: &'static str, found: f64, index: usize },
    /// Too little to tell a surface from.
    #[error("{found} different {what}, at least {needed} are needed")]
    TooFew { what: &'static str, found: usize, needed: usize },
    /// A setting out of range.
    #[error("setting `{field}` is {found}, expected {expected}")]
    Setting { field: &'static str, found: f64, expected: &'static str },
    /// No start has a finite minimum that is a law.
    #[error("no start reached a minimum of `{form}`")]
    NoMinimum { form: SurfaceForm },
    /// A parameter left the range of an `f64`.
    #[error(transparent)]
    Law(#[from] LawError),
}

/// Resamples tried a draw before it is given up.
const ATTEMPTS: u64 = 16;
/// Relative difference of objectives that are the same minimum.
const SAME: f64 = 1e-9;

impl Default for SurfaceSettings {
    /// Delta as published; the starts reach one minimum on the published points, all of them.
    fn default() -> Self {
        SurfaceSettings { huber_delta: 1e-3, starts: 8, draws: 500, seed: 0 }
    }
}

impl SurfaceSettings {
    fn check(&self) -> Result<(), SurfaceError> {
        if self.huber_delta.is_nan() || self.huber_delta <= 0.0 {
            return Err(SurfaceError::Setting {
                field: "huber_delta",
                found: self.huber_delta,
                expected: "a number above 0",
            });
        }
        if self.starts == 0 {
            return Err(SurfaceError::Setting {
                field: "starts",
                found: 0.0,
                expected: "at least 1",
            });
        }
        Ok(())
    }
}

/// How many different values there are.
fn different(values: impl Iterator<Item = f64>) -> usize {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values.len()
}

impl SurfaceData {
    /// Least number of points: one more than the parameters of `additive`.
    pub const MIN_POINTS: usize = 6;

    /// Checks the points.
    pub fn new(points: Vec<SurfacePoint>) -> Result<Self, SurfaceError> {
        for (index, point) in points.iter().enumerate() {
            let fields = [
                ("n_params", point.n_params),
                ("amount", point.amount),
                ("loss_nats", point.loss_nats),
                ("weight", point.weight),
            ];
            if let Some((field, found)) =
                fields.into_iter().find(|(_, found)| !(found.is_finite() && *found > 0.0))
            {
                return Err(SurfaceError::Value { field, found, index });
            }
        }
        let data = SurfaceData(points);
        let counts = [
            ("points", data.0.len(), Self::MIN_POINTS),
            ("model sizes", data.model_sizes(), 2),
            ("amounts", data.amounts(), 2),
        ];
        match counts.into_iter().find(|(_, found, needed)| found < needed) {
            Some((what, found, needed)) => Err(SurfaceError::TooFew { what, found, needed }),
            None => Ok(data),
        }
    }

    /// The points of some curves of a table: rows of a model of known size with data and a weight.
    pub fn of_curves<'a>(
        curves: impl IntoIterator<Item = &'a TableCurve>,
    ) -> Result<Self, SurfaceError> {
        let point = |row: &Row| {
            let point = SurfacePoint {
                n_params: row.n_params?,
                amount: row.x,
                loss_nats: row.loss,
                weight: row.weight,
            };
            (row.x > 0.0 && row.weight > 0.0).then_some(point)
        };
        SurfaceData::new(
            curves.into_iter().flat_map(|curve| curve.rows.iter().filter_map(point)).collect(),
        )
    }

    /// The points, in the order given.
    pub fn points(&self) -> &[SurfacePoint] {
        &self.0
    }

    /// Number of different model sizes.
    pub fn model_sizes(&self) -> usize {
        different(self.0.iter().map(|point| point.n_params))
    }

    /// Number of different amounts.
    pub fn amounts(&self) -> usize {
        different(self.0.iter().map(|point| point.amount))
    }
}

/// Fits one form: the least minimum from all starts, and its bootstrap draws. The same on any
/// number of threads.
pub fn fit(
    data: &SurfaceData,
    form: SurfaceForm,
    settings: &SurfaceSettings,
) -> Result<SurfaceFit, SurfaceError> {
    settings.check()?;
    let objective = Objective::new(data, form, settings.huber_delta);
    let weights: Vec<f64> = data.points().iter().map(|point| point.weight).collect();
    let start = |index| objective.minimise(&weights, objective.start(halton(index)));
    let minima: Vec<Minimum<5>> = (0..settings.starts).map(start).collect();
    let best = minima
        .iter()
        .min_by(|a, b| a.value.total_cmp(&b.value))
        .filter(|best| best.value.is_finite());
    let best = best.ok_or(SurfaceError::NoMinimum { form })?;
    let surface = objective.surface(&best.at)?;
    // residuals of 1e-12 are the same exact fit, however many digits apart their squares are
    let same = best.value * (1.0 + SAME) + 1e-24 * data.points().len() as f64;
    Ok(SurfaceFit {
        surface,
        objective: best.value,
        termination: match best.stop {
            newton::Stop::Stationary => Termination::Converged,
            newton::Stop::Decrease => Termination::NoFurtherDecrease,
            newton::Stop::Exhausted => Termination::Exhausted,
        },
        starts: settings.starts,
        starts_agreed: minima.iter().filter(|minimum| minimum.value <= same).count(),
        at_bounds: objective.at_bounds(&best.at),
        residuals: data
            .points()
            .iter()
            .map(|point| point.loss_nats.ln() - surface.loss(point.n_params, point.amount).ln())
            .collect(),
        draws: draws(&objective, &weights, best.at, settings)?,
    })
}

/// Refits of resampled rows, each from the minimum of all rows and with a generator of its own.
fn draws(
    objective: &Objective,
    weights: &[f64],
    best: SVector<f64, 5>,
    settings: &SurfaceSettings,
) -> Result<Vec<Surface>, SurfaceError> {
    let attempt = |stream: u64| {
        let minimum = objective.minimise(
            &resampled(weights, &mut generator(settings.seed, Purpose::Laws, Item::Nth(stream))),
            best,
        );
        objective.surface(&minimum.at).ok().filter(|_| minimum.value.is_finite())
    };
    let draw = |number: usize| {
        let first = number as u64 * ATTEMPTS;
        (first..first + ATTEMPTS)
            .find_map(attempt)
            .ok_or(SurfaceError::NoMinimum { form: objective.form })
    };
    (0..settings.draws).into_par_iter().map(draw).collect()
}

/// Weights of as many rows drawn with replacement.
fn resampled(weights: &[f64], generator: &mut ChaCha8Rng) -> Vec<f64> {
    let mut drawn = vec![0.0; weights.len()];
    for _ in 0..weights.len() {
        let row = generator.random_range(0..weights.len());
        drawn[row] += weights[row];
    }
    drawn
}

impl SurfaceFit {
    /// The parameters with their uncertainty, in the order of [`SurfaceForm::parameter_names`].
    pub fn parameters(&self) -> Vec<SurfaceParameter> {
        let drawn: Vec<Vec<(&str, f64)>> = self.draws.iter().map(Surface::parameters).collect();
        let parameter = |(at, (name, value)): (usize, (&str, f64))| {
            let mut values: Vec<f64> = drawn.iter().map(|draw| draw[at].1).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|drawn| (drawn - mean).powi(2)).sum();
            let standard_error = (squares / (values.len() as f64 - 1.0)).sqrt();
            let interval_90 = around(value, &mut values, 0.9).into();
            SurfaceParameter { name: name.to_owned(), value, standard_error, interval_90 }
        };
        self.surface.parameters().into_iter().enumerate().map(parameter).collect()
    }

    /// Standard deviation of one ln-loss residual, freedom of the parameters counted.
    pub fn noise_log(&self) -> f64 {
        let free =
            self.residuals.len().saturating_sub(self.surface.form().parameter_names().len()).max(1);
        (self.residuals.iter().map(|residual| residual * residual).sum::<f64>() / free as f64)
            .sqrt()
    }

    /// Loss of a model of `n_params` parameters on `amount` of data, with intervals over the draws:
    /// where the mean of many runs would lie.
    pub fn predict(&self, n_params: f64, amount: f64) -> Prediction {
        prediction(
            self.surface.loss(n_params, amount),
            self.draws.iter().map(|draw| draw.loss(n_params, amount)).collect(),
        )
    }

    /// As [`SurfaceFit::predict`], with the noise of one run in the intervals: each draw meets a
    /// residual of the fit, those spread by as much as the freedom of the parameters has drawn them
    /// in.
    pub fn predict_run(&self, n_params: f64, amount: f64) -> Prediction {
        let (count, freedom) = (self.residuals.len(), self.surface.form().parameter_names().len());
        let spread = (count as f64 / count.saturating_sub(freedom).max(1) as f64).sqrt();
        let mut generator = generator(0, Purpose::Prediction, Item::All);
        let mut residual = || {
            if count == 0 { 0.0 } else { spread * self.residuals[generator.random_range(0..count)] }
        };
        let run = |draw: &Surface| draw.loss(n_params, amount) * residual().exp();
        prediction(self.surface.loss(n_params, amount), self.draws.iter().map(run).collect())
    }
}

#[cfg(test)]
mod tests;
