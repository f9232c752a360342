//! Which form: the one that extrapolates best to the largest sizes, fitted without them.

use super::minimise::{Best, Regression};
use super::{Candidate, FitError, Settings};
use crate::curve::{Curve, Point};
use crate::law::Form;
use std::cmp::Ordering;

/// Standard errors of the held-out error within which forms tie for the choice.
const TIE: f64 = 1.0;
/// Standard errors within which a form still has its turn among the draws. A few held-out sizes rule little out: with 1 the 90 %
/// intervals of planted `rectified` laws, one run of 1 % noise a size, held the truth at eight times the largest size in 40 % of
/// curves, with 4 in 67 %.
const RIVAL: f64 = 4.0;

/// Akaike differences above which a form has as good as no support among all points (Burnham and Anderson 2002, section 2.6). A form that
/// bends the wrong way can still be the nearest at the held-out sizes by chance; what the whole curve rules out is not chosen for it.
const SUPPORT: f64 = 10.0;

/// A form fitted to all points, and how it fared on those it had not seen.
pub(super) struct Trial {
    pub(super) regression: Regression,
    pub(super) best: Best,
    pub(super) candidate: Candidate,
    /// Standard error of the held-out error: that of a root mean square of normal residuals.
    held_out_slack: f64,
}

/// Standard deviation of a ln-loss residual of the points with data, freedom of the parameters counted.
///
/// The base model has no part in it: what a law misses there is not the noise of runs.
pub(super) fn noise(regression: &Regression, best: &Best) -> f64 {
    let residuals = with_data(regression, best);
    let squares: f64 = residuals.iter().map(|residual| residual * residual).sum();
    (squares / degrees(regression) as f64).sqrt()
}

/// Points with data beyond the parameters, at least one.
pub(super) fn degrees(regression: &Regression) -> usize {
    let count = regression.points.iter().filter(|point| point.pairs > 0.0).count();
    count.saturating_sub(regression.freedom()).max(1)
}

fn with_data(regression: &Regression, best: &Best) -> Vec<f64> {
    let residuals = regression.residuals(&best.theta);
    residuals.into_iter().zip(&regression.points).filter(|(_, point)| point.pairs > 0.0).map(|(residual, _)| residual).collect()
}

/// All forms that the curve can carry, best first, and how many of the first are rivals: forms that neither the curve as a whole nor
/// the held-out sizes rule out.
///
/// Forms without support by Akaike's criterion come last. Of the others, of those whose held-out error is within one standard error of the least, the one with the least Akaike criterion is chosen, and
/// of equals the one with fewer parameters. The others follow by held-out error; those too rich to be checked come last.
/// `power` comes before its equal, `metric`.
pub(super) fn trials(curve: &Curve, settings: &Settings) -> Result<(Vec<Trial>, usize), FitError> {
    let names = || settings.forms.iter().map(|form| form.name()).collect::<Vec<_>>().join(", ");
    let regressions: Vec<Regression> = (settings.forms.iter().map(|&form| Regression::new(form, curve.points())))
        .filter(|regression| regression.freedom() < regression.sizes())
        .collect();
    if regressions.is_empty() {
        let sizes = curve.sizes().iter().filter(|&&size| size > 0.0).count();
        return Err(FitError::NoForm { curve: curve.name().to_owned(), forms: names(), sizes });
    }
    let mut trials: Vec<Trial> = regressions.into_iter().filter_map(|regression| trial(curve, regression, settings)).collect();
    let least = trials.iter().filter_map(|trial| trial.candidate.aicc).fold(f64::INFINITY, f64::min);
    let ruled_out = |trial: &Trial| trial.candidate.aicc.is_some_and(|aicc| aicc > least + SUPPORT);
    trials.sort_by(|a, b| ruled_out(a).cmp(&ruled_out(b)).then(by_error(a, b)));
    let supported = trials.iter().filter(|trial| !ruled_out(trial)).count();
    let Some(first) = trials.first() else {
        return Err(FitError::NoMinimum { curve: curve.name().to_owned(), forms: names() });
    };
    let Some(error) = first.candidate.held_out_error else { return Ok((trials, 1)) };
    let limit = |errors: f64| error + errors * first.held_out_slack;
    let within = |limit: f64| {
        trials[..supported].iter().take_while(|trial| trial.candidate.held_out_error.is_some_and(|error| error <= limit)).count()
    };
    let (ties, rivals) = (within(limit(TIE)), within(limit(RIVAL)));
    trials[..ties].sort_by(by_akaike);
    Ok((trials, rivals))
}

fn simplicity(trial: &Trial) -> (usize, bool) {
    (trial.regression.freedom(), trial.regression.form == Form::Metric)
}

/// Held-out error first, absent last; then as [`by_akaike`].
fn by_error(a: &Trial, b: &Trial) -> Ordering {
    let key = |trial: &Trial| trial.candidate.held_out_error.unwrap_or(f64::INFINITY);
    key(a).total_cmp(&key(b)).then(by_akaike(a, b))
}

/// Akaike's criterion first, absent last; then fewer parameters.
fn by_akaike(a: &Trial, b: &Trial) -> Ordering {
    let key = |trial: &Trial| trial.candidate.aicc.unwrap_or(f64::INFINITY);
    key(a).total_cmp(&key(b)).then(simplicity(a).cmp(&simplicity(b)))
}

fn trial(curve: &Curve, regression: Regression, settings: &Settings) -> Option<Trial> {
    let best = regression.fit(settings)?;
    let residuals = regression.residuals(&best.theta);
    let rmse_log = root_mean_square(&residuals);
    let held_out = held_out_residuals(curve, &regression, settings);
    let candidate = Candidate {
        law: best.law,
        rmse_log,
        held_out_error: held_out.as_deref().map(root_mean_square),
        aicc: aicc(&with_data(&regression, &best), regression.freedom()),
    };
    let held_out_slack = noise(&regression, &best) / (2.0 * held_out.map_or(1, |residuals| residuals.len()) as f64).sqrt();
    Some(Trial { regression, best, candidate, held_out_slack })
}

/// ln predicted - ln measured at the largest sizes, from a fit without them; nothing where too few sizes would be left.
fn held_out_residuals(curve: &Curve, regression: &Regression, settings: &Settings) -> Option<Vec<f64>> {
    let sizes: Vec<f64> = curve.sizes().into_iter().filter(|&size| size > 0.0).collect();
    // about a third at most: more would judge a law by data it could not have known the shape of
    let back = settings.held_back.min((sizes.len() / 3).max(1));
    let first_held = *sizes.get(sizes.len() - back)?;
    let (held, kept): (Vec<Point>, Vec<Point>) = curve.points().iter().partition(|point| point.pairs >= first_held);
    let rest = Regression::new(regression.form, &kept);
    if rest.sizes() < rest.freedom() {
        return None;
    }
    let law = rest.fit(settings)?.law;
    Some(held.iter().map(|point| law.loss(point.pairs).ln() - point.loss_nats.ln()).collect())
}

fn root_mean_square(residuals: &[f64]) -> f64 {
    (residuals.iter().map(|residual| residual * residual).sum::<f64>() / residuals.len() as f64).sqrt()
}

/// Akaike's criterion with the small-sample correction (Hurvich and Tsai 1989), the noise counted as a parameter, over the points with
/// data, which all forms share.
fn aicc(residuals: &[f64], freedom: usize) -> Option<f64> {
    let (n, k) = (residuals.len() as f64, (freedom + 1) as f64);
    let mean_square = root_mean_square(residuals).powi(2).max(f64::MIN_POSITIVE);
    (n > k + 1.0).then(|| n * mean_square.ln() + 2.0 * k + 2.0 * k * (k + 1.0) / (n - k - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn akaike_by_hand() {
        // n = 6, k = 3, mean square e^-2: 6 (-2) + 6 + 24 / 2
        approx::assert_relative_eq!(aicc(&[(-1f64).exp(); 6], 2).unwrap(), 6.0, epsilon = 1e-12);
        assert_eq!(aicc(&[0.1; 4], 2), None);
    }
}
