//! The least Huber loss of ln residuals of one form on given points, from many starts.

use super::coordinates::Frame;
use super::{Settings, Termination};
use crate::curve::Point;
use crate::law::{Form, Law};
use crate::numeric::least_squares::{self, Minimum, Stop};
use crate::numeric::random::halton;
use nalgebra::Vector4;

/// A form on the points it can use.
pub(super) struct Regression {
    pub(super) form: Form,
    pub(super) points: Vec<Point>,
    frame: Frame,
}

/// The best of many starts.
#[derive(Debug, Clone)]
pub(super) struct Best {
    pub(super) law: Law,
    pub(super) theta: Vector4<f64>,
    pub(super) termination: Termination,
    pub(super) agreed: usize,
}

impl Regression {
    /// Laws with a pole at 0 cannot use the base model.
    pub(super) fn new(form: Form, points: &[Point]) -> Self {
        let finite_at_0 = matches!(form, Form::Offset | Form::Rectified);
        let points: Vec<Point> = points.iter().copied().filter(|point| finite_at_0 || point.pairs > 0.0).collect();
        Regression { form, frame: Frame::new(form, &points), points }
    }

    /// Parameters that are free: gamma of `metric` is not.
    pub(super) fn freedom(&self) -> usize {
        match self.form {
            Form::Metric => 2,
            form => form.parameter_names().len(),
        }
    }

    /// Different amounts among the points.
    pub(super) fn sizes(&self) -> usize {
        let mut sizes: Vec<f64> = self.points.iter().map(|point| point.pairs).collect();
        sizes.dedup();
        sizes.len()
    }

    /// ln losses measured.
    pub(super) fn targets(&self) -> Vec<f64> {
        self.points.iter().map(|point| point.loss_nats.ln()).collect()
    }

    /// ln losses predicted.
    pub(super) fn predictions(&self, theta: &Vector4<f64>) -> Vec<f64> {
        self.points.iter().map(|point| self.frame.ln_loss(theta, point.pairs).0).collect()
    }

    /// Measured less predicted.
    pub(super) fn residuals(&self, theta: &Vector4<f64>) -> Vec<f64> {
        self.targets().iter().zip(self.predictions(theta)).map(|(target, prediction)| target - prediction).collect()
    }

    pub(super) fn at_bounds(&self, theta: &Vector4<f64>) -> Vec<String> {
        self.frame.at_bounds(theta)
    }

    /// Space-filling start number `index`.
    pub(super) fn start(&self, index: usize) -> Vector4<f64> {
        self.frame.start(halton(index), &self.points)
    }

    /// The best minimum from the starts given; nothing where none has a finite one.
    pub(super) fn best(&self, targets: &[f64], delta: f64, starts: impl Iterator<Item = Vector4<f64>>) -> Option<Best> {
        let bounds = self.frame.bounds();
        let model = |theta: &Vector4<f64>, i: usize| self.frame.ln_loss(theta, self.points[i].pairs);
        let minima: Vec<Minimum> = starts.map(|start| least_squares::minimise(model, targets, delta, &bounds, start)).collect();
        let best = minima.iter().min_by(|a, b| a.objective.total_cmp(&b.objective)).filter(|best| best.objective.is_finite())?;
        // residuals of 1e-9 are the same fit, however many digits apart their squares are
        let same = best.objective * (1.0 + 1e-4) + 1e-18 * targets.len() as f64;
        let agreed = minima.iter().filter(|minimum| minimum.objective <= same).count();
        let termination = match best.stop {
            Stop::Gradient => Termination::Converged,
            Stop::Decrease => Termination::NoFurtherDecrease,
            Stop::Exhausted => Termination::Exhausted,
        };
        Some(Best { law: self.frame.law(&best.at)?, theta: best.at, termination, agreed })
    }

    /// The best minimum of the measured losses from the starts of the settings.
    pub(super) fn fit(&self, settings: &Settings) -> Option<Best> {
        self.best(&self.targets(), settings.huber_delta, (0..settings.starts).map(|index| self.start(index)))
    }
}
