//! Fits: curves → laws with uncertainty, forms weighed by extrapolation to held-back larger sizes.
//!
//! ```text
//! minimise over the coordinates theta of a form
//!     sum_i huber( (ln L(X_i; theta) - ln loss_i) / sigma_i ) - ln prior(theta)
//! ```
//!
//! Every run is a point, so seeds are repeats. Curves of one family (the languages of a sweep, the
//! models of a table) share a prior whose strength they set themselves, every form is tried with
//! several reaches and weighed by what it predicts, and draws of the weighted forms carry the
//! uncertainty. `metric` is the same curve as `power` where every language has an alpha of its own:
//! its gamma stands at 1, and of the two `power` is tried.

mod coordinates;
mod draws;
mod family;
mod flags;
pub mod joint;
mod misfit;
mod mode;
mod prediction;
mod profile;
mod repetition;
mod series;
mod stack;
pub mod surface;
pub mod transfer;

use crate::curve::{Curve, CurveError, Point};
use crate::law::{Form, Law};
use crate::mixture::MixtureFits;
use crate::numeric::least_squares::Stop;
use crate::units::{Estimate, Interval};
pub use flags::Flag;
use joint::JointFit;
use rayon::prelude::*;
pub use repetition::{Basis, RepetitionFit, prior_repetition};
use serde::{Deserialize, Serialize};
use stack::Stack;
use transfer::TransferFit;

/// How to fit. All of it is part of a result's provenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Forms to weigh.
    pub forms: Vec<Form>,
    /// Width of the quadratic part of the Huber loss, in standard deviations of the noise.
    pub huber_delta: f64,
    /// Starting points per form.
    pub starts: usize,
    /// Draws per curve.
    #[serde(alias = "bootstraps")]
    pub draws: usize,
    /// Largest sizes held back to weigh the forms, as doublings below the largest: with 3 they are
    /// asked for what lies above a half, a quarter and an eighth of it. With 0, or on a curve too
    /// short, Akaike's criterion weighs the forms.
    pub held_back: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Settings {
    /// All forms. Two standard deviations keep 99 % of the efficiency of least squares under normal
    /// noise and bound what an outlier does.
    fn default() -> Self {
        Settings {
            forms: Form::ALL.to_vec(),
            huber_delta: 2.0,
            starts: 16,
            draws: 500,
            held_back: 3,
            seed: 0,
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), FitError> {
        if self.huber_delta.is_nan() || self.huber_delta <= 0.0 {
            return Err(FitError::Setting {
                field: "huber_delta",
                found: self.huber_delta,
                expected: "a number above 0",
            });
        }
        let count = |field, found: usize| match found {
            0 => Err(FitError::Setting { field, found: 0.0, expected: "at least 1" }),
            _ => Ok(()),
        };
        count("starts", self.starts)?;
        count("forms", self.forms.len())
    }
}

/// Why the minimiser of the best start stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Termination {
    /// The gradient, relative to the objective and the parameters, is as good as zero.
    Converged,
    /// The objective no longer falls in the digits of an f64.
    NoFurtherDecrease,
    /// The evaluations ran out first.
    Exhausted,
}

/// One parameter of a law with its interval over the draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, as in [`Law::parameters`].
    pub name: String,
    /// Estimate and 90 % interval over the draws of the chosen form.
    pub estimate: Estimate,
    /// 90 % interval of the profile likelihood, for parameters that stand alone in the form's
    /// coordinates.
    #[serde(default)]
    pub profile_90: Option<Interval>,
}

/// One form tried on a curve with one reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The form, fitted to all points.
    pub law: Law,
    /// How far below the largest size the form is believed: e-foldings at which its misfit is as
    /// large as the noise; absent where it is believed everywhere.
    pub reach_efoldings: Option<f64>,
    /// Share of the candidate in the average within the sizes; all sum to 1. None where it is not
    /// believed everywhere.
    pub weight_within: f64,
    /// Share of the candidate in the average beyond the largest size; all sum to 1.
    pub weight_beyond: f64,
    /// Root mean square of the ln-loss residuals on all points with data.
    pub rmse_log: f64,
    /// Root mean square of ln predicted - ln measured on the sizes held back, from fits without
    /// them; absent where the curve is too short to hold any back.
    pub held_out_error: Option<f64>,
    /// Akaike's criterion with the small-sample correction; absent where points are too few for it.
    pub aicc: Option<f64>,
}

/// A loss predicted at some amount of data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Weighted mean of the candidates, in ln loss; nats per target token.
    pub value: f64,
    /// 50 % interval.
    pub interval_50: Interval,
    /// 90 % interval.
    pub interval_90: Interval,
}

/// What the laws miss of ln losses beyond the largest size: variance `level^2 d + slope^2 d^3` at
/// an ln distance `d`, as of a random walk and of the integral of one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Misfit {
    /// Standard deviation at a distance of 1 of what the level wanders.
    pub level_log: f64,
    /// Standard deviation at a distance of 1 of what the local exponent wanders.
    pub slope_log: f64,
}

/// The law of one curve and all that says how far to trust it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Name of the curve: a language code for curves of a sweep.
    pub curve: String,
    /// The law of the largest weight within the sizes.
    pub law: Law,
    /// Its parameters with intervals.
    pub parameters: Vec<Parameter>,
    /// Why the best start stopped.
    pub termination: Termination,
    /// Starts tried.
    pub starts: usize,
    /// Starts that reached the best minimum.
    pub starts_agreed: usize,
    /// Standard deviation of one ln loss at the largest size under the chosen law.
    pub noise_log: f64,
    /// What the laws miss beyond the largest size, beside what the draws show, where each curve
    /// of the family tells of it by itself.
    pub misfit: Misfit,
    /// Draws of it where the curves of a family turn alike, for predictions; none in files of older
    /// versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misfit_draws: Vec<Misfit>,
    /// Curves that shared the prior.
    pub family: usize,
    /// All forms tried with every reach, the largest weight within the sizes first.
    pub candidates: Vec<Candidate>,
    /// What to beware of.
    pub flags: Vec<Flag>,
    /// Unique pairs of the training corpus, where known: the cap of an allocation without
    /// repetition.
    pub unique: Option<u64>,
    /// Training tokens of a pair, where known.
    #[serde(default)]
    pub tokens_per_pair: Option<f64>,
    /// The points fitted: none of them repeats pairs, where the unique pairs are known.
    pub points: Vec<Point>,
    /// What repeated pairs are worth; absent where the unique pairs are not known, and in files of
    /// older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetition: Option<RepetitionFit>,
    /// Draws of the law; each candidate that is believed everywhere has as many as its weight
    /// within the sizes.
    pub draws: Vec<Law>,
    /// Draws for what lies beyond the largest size; each candidate has as many as its weight there.
    /// They hold near the largest size and above, and need not hold below.
    pub draws_beyond: Vec<Law>,
}

/// Fits of one sweep or file, as written to `fits/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitFile {
    /// Version and git revision of the program.
    pub parallot: String,
    /// What was fitted: the name of the sweep or of the file.
    pub source: String,
    /// Hash of the points.
    pub input_sha256: String,
    /// How.
    pub settings: Settings,
    /// One per curve, in the order of the sweep; every fit has the same number of draws. None where
    /// every model was tuned on several languages.
    pub fits: Vec<Fit>,
    /// What languages bring each other, where mixtures were trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferFit>,
    /// The joint law of pooled models, where mixtures were trained; absent in files of older
    /// versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint: Option<JointFit>,
    /// Laws of mixtures of any domains, where a table of them was fitted; there are no curves then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixtures: Option<MixtureFits>,
}

/// Why no law could be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum FitError {
    /// The points are not a curve.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// No start, or no draw, came to a minimum.
    #[error("`{curve}`: no start reached a minimum of any form")]
    NoMinimum { curve: String },
    /// A setting out of range.
    #[error("setting `{field}` is {found}, expected {expected}")]
    Setting { field: &'static str, found: f64, expected: &'static str },
}

/// Fits one curve alone, under the weak priors.
pub fn fit(curve: &Curve, settings: &Settings) -> Result<Fit, FitError> {
    fit_family(&[curve], settings)?
        .pop()
        .ok_or_else(|| FitError::NoMinimum { curve: curve.name().to_owned() })
}

/// Fits the curves of a family together, with the same result on any number of threads: every form,
/// weighed by the sizes held back, and drawn anew under noise.
pub fn fit_family(curves: &[&Curve], settings: &Settings) -> Result<Vec<Fit>, FitError> {
    settings.check()?;
    if curves.is_empty() {
        return Ok(Vec::new());
    }
    let stack = Stack::new(curves, settings);
    (0..curves.len()).into_par_iter().map(|at| conclude(&stack, at, curves[at], settings)).collect()
}

/// Fits the languages of a sweep as one family. `unique` are the unique pairs of each training
/// corpus, in the order of the curves; beyond its end they are unknown. Where they are known, runs
/// of many more pairs ([`Curve::split_at`]) are no points of the law, but say what repeated pairs
/// are worth.
pub fn fit_all(
    curves: &[Curve],
    settings: &Settings,
    unique: &[Option<u64>],
) -> Result<Vec<Fit>, FitError> {
    let unique = |i: usize| unique.get(i).copied().flatten();
    let split = |(i, curve): (usize, &Curve)| match unique(i) {
        Some(unique) => curve.split_at(unique),
        None => Ok((curve.clone(), Vec::new())),
    };
    let split: Vec<(Curve, Vec<Point>)> =
        curves.iter().enumerate().map(split).collect::<Result<_, _>>()?;
    let mut fits = fit_family(&split.iter().map(|(fresh, _)| fresh).collect::<Vec<_>>(), settings)?;
    fits.iter_mut().enumerate().for_each(|(i, fit)| fit.unique = unique(i));
    repetition::estimate(
        &mut fits,
        split.into_iter().map(|(_, repeated)| repeated).collect(),
        settings,
    );
    Ok(fits)
}

/// What the stack says of one curve.
fn conclude(stack: &Stack, at: usize, curve: &Curve, settings: &Settings) -> Result<Fit, FitError> {
    let lost = || FitError::NoMinimum { curve: curve.name().to_owned() };
    let drawn = |weights: &[f64]| draws::draws(curve.name(), stack, at, weights, settings);
    let draws = drawn(&stack.within[at])?;
    let draws_beyond = drawn(&stack.beyond[at])?;
    let chosen = stack.chosen(at);
    let (family, mode) = (&stack.fits[chosen], &stack.fits[chosen].modes[at]);
    let law = family.frame.law(&mode.theta).ok_or_else(lost)?;
    let parameter = |(number, (name, value)): (usize, (&str, f64))| {
        let drawn = draws
            .iter()
            .filter(|draw| draw.form() == law.form())
            .map(|draw| draw.parameters()[number].1);
        let profile_90 = profile::profile(family, at, &stack.series[at], number);
        Parameter {
            name: name.to_owned(),
            estimate: prediction::estimate(value, drawn.collect()),
            profile_90,
        }
    };
    let misfit = stack.misfit_of(at);
    let mut fit = Fit {
        curve: curve.name().to_owned(),
        law,
        parameters: law.parameters().into_iter().enumerate().map(parameter).collect(),
        termination: match mode.stop {
            Stop::Gradient => Termination::Converged,
            Stop::Decrease => Termination::NoFurtherDecrease,
            Stop::Exhausted => Termination::Exhausted,
        },
        starts: mode.starts,
        starts_agreed: mode.agreed,
        noise_log: mode.noise.sigma,
        misfit: misfit.singly,
        misfit_draws: misfit.draws,
        family: stack.series.len(),
        candidates: stack.candidates(at, curve),
        flags: Vec::new(),
        unique: None,
        tokens_per_pair: None,
        points: curve.points().to_vec(),
        repetition: None,
        draws,
        draws_beyond,
    };
    fit.flags = flags::flags(&fit, family.frame.at_bounds(&mode.theta), family.frame.freedom());
    Ok(fit)
}

#[cfg(test)]
mod tests;
