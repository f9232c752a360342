//! Draws of a law: each candidate takes as many as its weight, each draw a fit anew to noisy data
//! under a noisy prior.
//!
//! Adding normal noise to the measured ln losses and to the means of the prior, each with its own
//! deviation, and finding the mode again draws from the posterior exactly where the law is linear
//! in its coordinates, and respects its bends and bounds where it is not (randomised maximum
//! likelihood, Oliver et al. 1996). The noise itself is known from few points, so each draw divides
//! it by `sqrt(chi2 / degrees)`, which gives a linear law its Student intervals.

use super::coordinates::Theta;
use super::mode::{Mode, Noise, deviations, redraw};
use super::stack::Stack;
use super::{FitError, Settings};
use crate::law::Law;
use crate::numeric::random::{Item, Purpose, generator};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{ChiSquared, Distribution, StandardNormal};
use rayon::prelude::*;

/// Largest factor on the noise: with one degree of freedom a draw in ten would go beyond, and say
/// nothing but that nothing is known.
const MOST_INFLATION: f64 = 8.0;
/// Draws tried before one is given up.
const ATTEMPTS: u64 = 16;
/// Degrees of freedom that a noise has at least: what its expectation counts for.
const LEAST_DEGREES: f64 = 2.0;

/// As many draws as the settings ask for, of candidates with these weights; the same whatever the
/// threads do, as each has a generator of its own.
pub(super) fn draws(
    name: &str,
    stack: &Stack,
    curve: usize,
    weights: &[f64],
    settings: &Settings,
) -> Result<Vec<Law>, FitError> {
    // in an order of the curve's own: draw k of two curves must not always pair the same candidates
    let mut turns = turns(weights, settings.draws);
    turns.shuffle(&mut generator(settings.seed, Purpose::Laws, Item::Of(name)));
    let lost = || FitError::NoMinimum { curve: name.to_owned() };
    let draw = |number: usize| {
        let attempt = |attempt| {
            let item = Item::NthOf(name, number as u64 * ATTEMPTS + attempt);
            let mut generator = generator(settings.seed, Purpose::Laws, item);
            one(stack, turns[number], curve, &mut generator)
        };
        (0..ATTEMPTS).find_map(attempt).ok_or_else(lost)
    };
    (0..settings.draws).into_par_iter().map(draw).collect()
}

/// A candidate for each draw, by weight: the fractions left over go to the largest of them.
fn turns(weights: &[f64], draws: usize) -> Vec<usize> {
    let mut counts: Vec<usize> =
        weights.iter().map(|weight| (weight * draws as f64) as usize).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    let rest = |c: usize| weights[c] * draws as f64 - (weights[c] * draws as f64).floor();
    order.sort_by(|&a, &b| rest(b).total_cmp(&rest(a)).then(a.cmp(&b)));
    let missing = draws.saturating_sub(counts.iter().sum());
    order.iter().cycle().take(missing).for_each(|&c| counts[c] += 1);
    counts
        .iter()
        .enumerate()
        .flat_map(|(c, &count)| std::iter::repeat_n(c, count))
        .take(draws)
        .collect()
}

/// A draw of one candidate; nothing where it left the numbers.
fn one(stack: &Stack, candidate: usize, curve: usize, generator: &mut ChaCha8Rng) -> Option<Law> {
    let (fit, series) = (&stack.fits[candidate], &stack.series[curve]);
    let mode: &Mode = &fit.modes[curve];
    let noise =
        Noise { sigma: mode.noise.sigma * inflation(mode.degrees, generator), ..mode.noise };
    let mut normal = || -> f64 { StandardNormal.sample(generator) };
    let unit = deviations(series, noise.reach);
    let targets: Vec<f64> = series
        .ln_loss
        .iter()
        .zip(unit)
        .map(|(ln_loss, unit)| ln_loss + noise.sigma * unit * normal())
        .collect();
    let mut prior = fit.prior;
    let spread = |precision: f64| if precision > 0.0 { precision.powf(-0.5) } else { 0.0 };
    prior.mean += Theta::from_fn(|j, _| spread(prior.precision[j]) * normal());
    let at = redraw(fit.frame, series, &prior, noise, &targets, mode.theta);
    fit.frame.law(&at)
}

fn inflation(degrees: f64, generator: &mut ChaCha8Rng) -> f64 {
    let degrees = degrees.max(LEAST_DEGREES);
    ChiSquared::new(degrees)
        .map_or(1.0, |chi2| (degrees / chi2.sample(generator)).sqrt().min(MOST_INFLATION))
}
