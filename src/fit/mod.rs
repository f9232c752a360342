//! Fits: curves → laws with uncertainty, the form chosen by extrapolation to held-back larger sizes.
//!
//! ```text
//! minimise over the parameters of a form   sum_i huber_delta( ln L(X_i) - ln loss_i )
//! ```
//!
//! Every run is a point, so seeds are repeats. Points at 0 pairs, the base model, are used by the forms finite there (`offset` and
//! `rectified`); forms are compared on points with data only, which all of them use. `metric` is the same curve as `power` where every
//! language has an alpha of its own: its gamma stands at 1, and of the two `power` is chosen.

mod bootstrap;
mod choice;
mod coordinates;
mod flags;
mod minimise;
mod prediction;
pub mod surface;

use crate::curve::{Curve, CurveError, Point};
use crate::law::{Form, Law};
use crate::units::{Estimate, Interval};
use choice::Trial;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How to fit. All of it is part of a result's provenance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Forms to choose from.
    pub forms: Vec<Form>,
    /// Width of the quadratic part of the Huber loss, in units of ln loss.
    pub huber_delta: f64,
    /// Starting points a form.
    pub starts: usize,
    /// Bootstrap refits of the chosen form.
    pub bootstraps: usize,
    /// Largest sizes kept back to choose the form; at most a third of the sizes, and fewer where the curve is short.
    /// With 0 the form is chosen by Akaike's criterion.
    pub held_back: usize,
    /// Seed of starts and bootstrap.
    pub seed: u64,
}

impl Default for Settings {
    /// All forms of at most four parameters. Delta is about twice the noise of a short run: with the 1e-3 of Hoffmann et al. 2022 most points would count as
    /// outliers, and a fit of least absolute residuals has 64 % of the efficiency of least squares under normal noise.
    fn default() -> Self {
        Settings { forms: Form::ALL[..5].to_vec(), huber_delta: 0.02, starts: 32, bootstraps: 500, held_back: 3, seed: 0 }
    }
}

impl Settings {
    fn check(&self) -> Result<(), FitError> {
        if self.huber_delta.is_nan() || self.huber_delta <= 0.0 {
            return Err(FitError::Setting { field: "huber_delta", found: self.huber_delta, expected: "a number above 0" });
        }
        if self.starts == 0 {
            return Err(FitError::Setting { field: "starts", found: 0.0, expected: "at least 1" });
        }
        Ok(())
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

/// What a person should know before trusting a fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "flag", rename_all = "snake_case")]
pub enum Flag {
    /// The interval of the floor reaches from as good as nothing to most of the smallest loss.
    FloorNotIdentified,
    /// A parameter ended at the end of its range.
    AtBound { parameter: String },
    /// The sizes span less than a factor of ten.
    LessThanADecade { decades: f64 },
    /// Loss rises with data somewhere by more than its noise.
    NonMonotone { pairs: f64 },
    /// The whole fall of the curve is smaller than twice its noise.
    NoiseLargerThanSignal,
    /// Few starts reached the best minimum.
    StartsDisagree { agreed: usize, starts: usize },
    /// As many parameters as sizes: the curve cannot check the law.
    NothingToCheck,
    /// The minimiser ran out of steps.
    NotConverged,
}

/// One parameter of a law with its interval over the draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, as in [`Law::parameters`].
    pub name: String,
    /// Estimate and 90 % interval over the draws of the chosen form.
    pub estimate: Estimate,
}

/// One form tried on a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The form, fitted to all points.
    pub law: Law,
    /// Root mean square of the ln-loss residuals on all points used.
    pub rmse_log: f64,
    /// Root mean square of ln predicted - ln measured on the largest sizes, from a fit without them;
    /// absent where the curve is too short to keep any back.
    pub held_out_error: Option<f64>,
    /// Akaike's criterion with the small-sample correction; absent where points are too few for it.
    pub aicc: Option<f64>,
}

/// A loss predicted at some amount of data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Loss of the fitted law, nats per target token.
    pub value: f64,
    /// 50 % interval.
    pub interval_50: Interval,
    /// 90 % interval.
    pub interval_90: Interval,
}

/// The law of one curve and all that says how far to trust it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Name of the curve: a language code for curves of a sweep.
    pub curve: String,
    /// The chosen law.
    pub law: Law,
    /// Its parameters with intervals.
    pub parameters: Vec<Parameter>,
    /// Why the best start stopped.
    pub termination: Termination,
    /// Starts tried.
    pub starts: usize,
    /// Starts that reached the best minimum.
    pub starts_agreed: usize,
    /// Standard deviation of one ln-loss residual of the points with data, freedom of the parameters counted.
    pub noise_log: f64,
    /// All forms tried, best first.
    pub candidates: Vec<Candidate>,
    /// What to beware of.
    pub flags: Vec<Flag>,
    /// Unique pairs of the training corpus, where known: the cap of an allocation without repetition.
    pub unique: Option<u64>,
    /// The points fitted.
    pub points: Vec<Point>,
    /// Bootstrap draws of the law; forms that the held-out sizes do not rule out take turns with the chosen one.
    pub draws: Vec<Law>,
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
    /// One a curve, in the order of the sweep; every fit has the same number of draws.
    pub fits: Vec<Fit>,
}

/// Why no law could be fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FitError {
    /// The points are not a curve.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// No form was given, or none has fewer parameters than the curve has sizes.
    #[error("`{curve}`: no form of {forms} can be fitted to {sizes} sizes, expected at least one with fewer parameters than sizes")]
    NoForm { curve: String, forms: String, sizes: usize },
    /// Every start failed.
    #[error("`{curve}`: no start reached a minimum of {forms}")]
    NoMinimum { curve: String, forms: String },
    /// A setting out of range.
    #[error("setting `{field}` is {found}, expected {expected}")]
    Setting { field: &'static str, found: f64, expected: &'static str },
}

/// Fits one curve: tries every form, chooses one, fits it to all points and draws it anew under noise.
pub fn fit(curve: &Curve, settings: &Settings) -> Result<Fit, FitError> {
    settings.check()?;
    let (trials, rivals) = choice::trials(curve, settings)?;
    let chosen = &trials[0];
    // where `power` is a rival, its equal `metric` would only count it twice
    let counted = |trial: &&Trial| trial.regression.form != Form::Metric || chosen.regression.form == Form::Metric;
    let rivals: Vec<&Trial> = trials[..rivals].iter().filter(counted).collect();
    let draws = bootstrap::draws(curve.name(), &rivals, settings)?;
    let mut fit = Fit {
        curve: curve.name().to_owned(),
        law: chosen.best.law,
        parameters: parameters(&chosen.best.law, &draws),
        termination: chosen.best.termination,
        starts: settings.starts,
        starts_agreed: chosen.best.agreed,
        noise_log: choice::noise(&chosen.regression, &chosen.best),
        candidates: trials.iter().map(|trial| trial.candidate.clone()).collect(),
        flags: Vec::new(),
        unique: None,
        points: curve.points().to_vec(),
        draws,
    };
    fit.flags = flags::flags(&fit, chosen.regression.at_bounds(&chosen.best.theta), chosen.regression.freedom());
    Ok(fit)
}

/// Fits every curve, in parallel, with the same result on any number of threads and in any order of curves.
/// `unique` are the unique pairs of each training corpus, in the order of the curves; beyond its end they are unknown.
pub fn fit_all(curves: &[Curve], settings: &Settings, unique: &[Option<u64>]) -> Vec<Result<Fit, FitError>> {
    let one = |(i, curve): (usize, &Curve)| fit(curve, settings).map(|fit| Fit { unique: unique.get(i).copied().flatten(), ..fit });
    curves.par_iter().enumerate().map(one).collect()
}

fn parameters(law: &Law, draws: &[Law]) -> Vec<Parameter> {
    let drawn = |at: usize| draws.iter().filter(|draw| draw.form() == law.form()).map(|draw| draw.parameters()[at].1).collect();
    let parameter =
        |(at, (name, value)): (usize, (&str, f64))| Parameter { name: name.to_owned(), estimate: prediction::estimate(value, drawn(at)) };
    law.parameters().into_iter().enumerate().map(parameter).collect()
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flag::FloorNotIdentified => write!(f, "floor not identified"),
            Flag::AtBound { parameter } => write!(f, "{parameter} at its bound"),
            Flag::LessThanADecade { decades } => write!(f, "sizes span {decades:.2} decades, less than one"),
            Flag::NonMonotone { pairs } => write!(f, "loss rises with data at {pairs} pairs"),
            Flag::NoiseLargerThanSignal => write!(f, "noise larger than signal"),
            Flag::StartsDisagree { agreed, starts } => write!(f, "only {agreed} of {starts} starts reached the best minimum"),
            Flag::NothingToCheck => write!(f, "as many parameters as sizes"),
            Flag::NotConverged => write!(f, "minimiser not converged"),
        }
    }
}

#[cfg(test)]
mod tests;
