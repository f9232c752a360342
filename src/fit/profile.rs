//! Profile intervals of single parameters: how far one can move before the best of the others no
//! longer makes up for it.
//!
//! ```text
//! { value : min over the other coordinates of the objective
//!           <=  its minimum + 1/2 quantile_0.9(chi2_1) }
//! ```
//!
//! The objective is that of the mode, prior included. Unlike the spread of draws, a profile shows a
//! side that is open.

use super::coordinates::{Curve, Theta};
use super::family::FamilyFit;
use super::mode::deviations;
use super::series::Series;
use crate::numeric::least_squares::{Data, Problem};
use crate::units::Interval;

/// Half of the 0.9 quantile of the chi-square distribution with one degree of freedom.
const RISE: f64 = 1.352_771_7;
/// Steps of a descent along the profile: each starts at its neighbour's end.
const STEPS: usize = 40;
/// Halvings between a point inside and one outside.
const HALVINGS: usize = 24;

/// 90 % interval of a parameter, by its number in the form, that is a coordinate of the form;
/// nothing for one that mixes several.
pub(super) fn profile(
    fit: &FamilyFit,
    curve: usize,
    series: &Series,
    parameter: usize,
) -> Option<Interval> {
    let coordinate = fit.frame.coordinate(parameter).filter(|&j| fit.frame.has(j))?;
    let mode = &fit.modes[curve];
    let noise = mode.noise;
    let scaled: Vec<f64> =
        deviations(series, noise.reach).iter().map(|deviation| noise.sigma * deviation).collect();
    let model = Curve { frame: fit.frame, z: &series.z };
    let data = Data { targets: &series.ln_loss, deviations: &scaled, delta: noise.delta };
    let free = fit.frame.bounds();
    let least = Problem { model: &model, data, prior: fit.prior, bounds: free }
        .minimise(mode.theta, STEPS)
        .objective;
    let fixed = |value: f64, from: Theta| {
        let mut bounds = free;
        (bounds.lower[coordinate], bounds.upper[coordinate]) = (value, value);
        Problem { model: &model, data, prior: fit.prior, bounds }.minimise(from, STEPS)
    };
    let step = mode.covariance[(coordinate, coordinate)].sqrt().max(1e-6);
    let end = |sign: f64| {
        let bound = if sign < 0.0 { free.lower[coordinate] } else { free.upper[coordinate] };
        let (mut inside, mut from, mut reach) = (mode.theta[coordinate], mode.theta, step);
        loop {
            let tried =
                (inside + sign * reach).clamp(free.lower[coordinate], free.upper[coordinate]);
            let minimum = fixed(tried, from);
            if minimum.objective > least + RISE || minimum.objective.is_nan() {
                return between(inside, tried, |value| {
                    fixed(value, from).objective <= least + RISE
                });
            }
            if tried == bound {
                return bound;
            }
            (inside, from, reach) = (tried, minimum.at, 2.0 * reach);
        }
    };
    let (lo, hi) = (end(-1.0), end(1.0));
    Some(Interval::new(fit.frame.value(coordinate, lo), fit.frame.value(coordinate, hi)))
}

/// The last value that holds between one that does and one that does not.
fn between(mut holds: f64, mut fails: f64, test: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = 0.5 * (holds + fails);
        if test(middle) { holds = middle } else { fails = middle }
    }
    holds
}
