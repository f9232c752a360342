//! Draws of a law: refits of the fitted curve under fresh noise.
//!
//! A wrong form costs an extrapolation more than noise does, so the forms that the held-out sizes do not rule out take turns.
//! Each draw adds normal noise to the predicted ln losses and fits anew. Its standard deviation is not the estimate alone: that rests on
//! few degrees of freedom, so each draw divides it by `sqrt(chi2 / degrees)`, which gives a linear model exactly its Student intervals.
//! Where repeats of a size agree better than the sizes do with the law, the form is at fault, not the runs, and the noise is scaled up
//! to what the size means show (the scale factor of the Particle Data Group).

use super::choice::{self, Trial};
use super::{FitError, Settings};
use crate::law::Law;
use crate::numeric::random::{generator, stream_of};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};
use rayon::prelude::*;

/// Largest factor on the noise: with one degree of freedom a draw in ten would go beyond, and say nothing but that nothing is known.
const MOST_INFLATION: f64 = 8.0;
/// Seeds tried a draw before it is given up.
const ATTEMPTS: u64 = 16;
/// Fresh starts a draw besides the optimum.
const FRESH_STARTS: usize = 2;

/// As many draws as the settings ask for, the rivals taking turns; the same whatever the threads do, as each draw has a generator of
/// its own.
pub(super) fn draws(curve: &str, rivals: &[&Trial], settings: &Settings) -> Result<Vec<Law>, FitError> {
    let sources: Vec<Source> = rivals.iter().map(|trial| Source::new(trial)).collect();
    let lost = || FitError::NoMinimum { curve: curve.to_owned(), forms: rivals[0].regression.form.name().to_owned() };
    // in an order of the curve's own: draw k of two curves must not always pair the same ranks of forms
    let mut turns: Vec<usize> = (0..settings.bootstraps).map(|number| number % sources.len()).collect();
    turns.shuffle(&mut generator(settings.seed, stream_of(curve)));
    let draw = |number: usize| {
        let source = &sources[turns[number]];
        let stream = |attempt| stream_of(curve) ^ (number as u64 * ATTEMPTS + attempt);
        (0..ATTEMPTS).find_map(|attempt| source.draw(number, &mut generator(settings.seed, stream(attempt)), settings)).ok_or_else(lost)
    };
    (0..settings.bootstraps).into_par_iter().map(draw).collect()
}

/// What the draws of one form start from.
struct Source<'a> {
    trial: &'a Trial,
    predictions: Vec<f64>,
    /// Standard deviation of the noise and its degrees of freedom.
    spread: f64,
    degrees: usize,
}

impl<'a> Source<'a> {
    fn new(trial: &'a Trial) -> Self {
        let (spread, degrees) = spread(trial);
        Source { trial, predictions: trial.regression.predictions(&trial.best.theta), spread, degrees }
    }

    /// A refit from the optimum and two fresh starts; nothing where none has a finite minimum.
    fn draw(&self, number: usize, generator: &mut ChaCha8Rng, settings: &Settings) -> Option<Law> {
        let regression = &self.trial.regression;
        let targets = noisy(&self.predictions, self.spread, self.degrees, generator);
        let fresh = (0..FRESH_STARTS).map(|k| regression.start((number * FRESH_STARTS + k) % settings.starts));
        let starts = std::iter::once(self.trial.best.theta).chain(fresh);
        Some(regression.best(&targets, settings.huber_delta, starts)?.law)
    }
}

fn noisy(predictions: &[f64], spread: f64, degrees: usize, generator: &mut ChaCha8Rng) -> Vec<f64> {
    let inflation = match ChiSquared::new(degrees as f64) {
        Ok(chi2) => (degrees as f64 / chi2.sample(generator)).sqrt().min(MOST_INFLATION),
        Err(_) => 1.0,
    };
    let mut normal = || -> f64 { StandardNormal.sample(generator) };
    predictions.iter().map(|prediction| prediction + spread * inflation * normal()).collect()
}

/// Standard deviation of one ln residual and its degrees of freedom: that of points, or that of size means where those are farther
/// from the law than their repeats allow.
fn spread(trial: &Trial) -> (f64, usize) {
    let (points, degrees) = (choice::noise(&trial.regression, &trial.best), choice::degrees(&trial.regression));
    let residuals = trial.regression.residuals(&trial.best.theta);
    let with_data = trial.regression.points.iter().zip(&residuals).filter(|(point, _)| point.pairs > 0.0);
    let mut sizes: Vec<(f64, f64, f64)> = Vec::new();
    for (point, residual) in with_data {
        match sizes.last_mut().filter(|size| size.0 == point.pairs) {
            Some((_, sum, count)) => (*sum, *count) = (*sum + residual, *count + 1.0),
            None => sizes.push((point.pairs, *residual, 1.0)),
        }
    }
    let free = sizes.len().saturating_sub(trial.regression.freedom());
    let between: f64 = sizes.iter().map(|(_, sum, count)| sum * sum / count).sum();
    let means = (between / free.max(1) as f64).sqrt();
    if free > 0 && means > points { (means, free) } else { (points, degrees) }
}
