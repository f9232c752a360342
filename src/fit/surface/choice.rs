//! Which surface: the form that extrapolates best to the largest models, or amounts, fitted without
//! them.

use super::super::Prediction;
use super::{SurfaceData, SurfaceError, SurfaceFit, SurfacePoint, SurfaceSettings, fit};
use crate::curve::Query;
use crate::law::SurfaceForm;
use crate::numeric::akaike;
use serde::{Deserialize, Serialize};

/// One form tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The form fitted to all points.
    pub fit: SurfaceFit,
    /// Root mean square of ln predicted - ln measured at the points held back, from a fit without
    /// them; absent where the rest are too few.
    pub held_out_error: Option<f64>,
    /// Akaike's criterion with the small-sample correction; absent where points are too few for it.
    pub aicc: Option<f64>,
}

/// The forms tried, best first; never empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The chosen form.
    pub chosen: Trial,
    /// The others.
    pub others: Vec<Trial>,
}

impl Choice {
    /// What the chosen form says where a table asks, with intervals for a single run; nothing where
    /// the model's size is not known.
    pub fn predict(&self, query: &Query) -> Option<Prediction> {
        Some(self.chosen.fit.predict_run(query.n_params?, query.x))
    }
}

/// Least model sizes of a form: one fewer and its parameters of N are not identified.
fn least_model_sizes(form: SurfaceForm) -> usize {
    match form {
        SurfaceForm::Additive => 3,
        SurfaceForm::Multiplicative => 2,
    }
}

/// Fits the forms that the data can carry and chooses by the error at the points held back: those
/// of the largest model where the others are enough for every form, else those of the largest
/// amounts, a fifth of all. Ties and what is too short to hold anything back go by Akaike's
/// criterion.
pub fn choose(
    data: &SurfaceData,
    forms: &[SurfaceForm],
    settings: &SurfaceSettings,
) -> Result<Choice, SurfaceError> {
    let sizes = data.model_sizes();
    let carried: Vec<SurfaceForm> =
        forms.iter().copied().filter(|&form| least_model_sizes(form) <= sizes).collect();
    let needed = forms.iter().map(|&form| least_model_sizes(form)).min().unwrap_or(usize::MAX);
    if carried.is_empty() {
        return Err(SurfaceError::TooFew { what: "model sizes", found: sizes, needed });
    }
    let parts =
        held_back(data, carried.iter().map(|&form| least_model_sizes(form)).max().unwrap_or(0));
    let mut trials = carried
        .iter()
        .map(|&form| trial(data, parts.as_ref(), form, settings))
        .collect::<Result<Vec<_>, _>>()?;
    let key = |trial: &Trial| {
        (trial.held_out_error.unwrap_or(f64::INFINITY), trial.aicc.unwrap_or(f64::INFINITY))
    };
    trials.sort_by(|a, b| key(a).0.total_cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
    let chosen = trials.remove(0);
    Ok(Choice { chosen, others: trials })
}

/// What is kept and what is held back; nothing where what is kept would be too little.
fn held_back(data: &SurfaceData, least_sizes: usize) -> Option<(SurfaceData, Vec<SurfacePoint>)> {
    let split = |is_held: &dyn Fn(&SurfacePoint) -> bool| {
        let (held, kept): (Vec<SurfacePoint>, Vec<SurfacePoint>) =
            data.points().iter().partition(|point| is_held(point));
        let kept = SurfaceData::new(kept).ok()?;
        (kept.model_sizes() >= least_sizes && !held.is_empty()).then_some((kept, held))
    };
    let largest = data.points().iter().map(|point| point.n_params).fold(0.0, f64::max);
    let mut amounts: Vec<f64> = data.points().iter().map(|point| point.amount).collect();
    amounts.sort_by(f64::total_cmp);
    let high = amounts.get(amounts.len() - amounts.len().div_ceil(5)).copied()?;
    split(&|point| point.n_params == largest).or_else(|| split(&|point| point.amount >= high))
}

fn trial(
    data: &SurfaceData,
    parts: Option<&(SurfaceData, Vec<SurfacePoint>)>,
    form: SurfaceForm,
    settings: &SurfaceSettings,
) -> Result<Trial, SurfaceError> {
    let fitted = fit(data, form, settings)?;
    let without_draws = SurfaceSettings { draws: 0, ..settings.clone() };
    let held_out_error = parts.and_then(|(kept, held)| {
        let surface = fit(kept, form, &without_draws).ok()?.surface;
        let square = |point: &SurfacePoint| {
            (surface.loss(point.n_params, point.amount).ln() - point.loss_nats.ln()).powi(2)
        };
        Some((held.iter().map(square).sum::<f64>() / held.len() as f64).sqrt())
    });
    let squares = fitted.residuals.iter().map(|residual| residual * residual).sum();
    let aicc = akaike::aicc(squares, 0.0, fitted.residuals.len(), form.parameter_names().len());
    Ok(Trial { fit: fitted, held_out_error, aicc })
}
