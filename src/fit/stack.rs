//! How much each form counts: by its predictions of the larger sizes, made from the smaller ones
//! alone.
//!
//! Every candidate, a form with a reach, is fitted without the sizes above 1/2, 1/4, ... of the
//! largest, and asked for those. With `m` the mean squared ln error on a curve and bars for means
//! over the cuts and, at the right, over the family,
//!
//! ```text
//! weight of a candidate on a curve  ~  odds exp( -(own bar(ln m) + shared bar(ln m)) / 2 )
//! ```
//!
//! the likelihood of so many independent normal errors whose scale is not known (stacking in the
//! manner of pseudo-Bayesian model averaging, Yao et al. 2018), and the odds of the form before any
//! data. A wrong form costs an allocation more than noise does, so none is thrown out: forms that
//! the sizes held back cannot tell apart share the prediction.

use super::coordinates::{Frame, Scales};
use super::family::{self, FamilyFit};
use super::misfit::{Ahead, Held, Miss, Shown};
use super::series::Series;
use super::{Candidate, Misfit, Settings};
use crate::curve::Curve;
use crate::law::Form;
use crate::numeric::softmax;

/// Reaches that every form is tried with, e-foldings.
pub(super) const REACHES: [f64; 3] = [f64::INFINITY, 0.6, 0.12];
/// Independent errors that the held-out sizes of one curve are worth, and that those of its family
/// are worth to each of its curves.
const WORTH: (f64, f64) = (2.0, 10.0);
/// Errors of ln loss below which no form is better than another.
const EQUAL: f64 = 3e-3;
/// Least different sizes that a cut leaves of a curve.
const LEAST_KEPT: usize = 3;
/// A rounding of sizes is no size of its own.
const ROUNDING: f64 = 1e-9;

/// ln odds of a form before any data. Losses of fine-tuning fall slowly at first and faster from
/// some amount on (Lin et al. 2024), which few sizes do not show: of two forms that they cannot
/// tell apart one that bends is the likelier, and a power law without a floor the less likely.
fn ln_odds(form: Form) -> f64 {
    match form {
        Form::Rectified => 2.0,
        Form::M4 => 1.0,
        Form::Power => -1.0,
        _ => 0.0,
    }
}

/// All candidates on a family of curves.
pub(super) struct Stack {
    pub(super) series: Vec<Series>,
    /// Every form with every reach.
    pub(super) fits: Vec<FamilyFit>,
    /// Weight of each candidate on each curve for what lies beyond its sizes; those of a curve sum
    /// to 1.
    pub(super) beyond: Vec<Vec<f64>>,
    /// The same for what lies within: of the candidates that are believed everywhere, by what they
    /// predict and by how they fit.
    pub(super) within: Vec<Vec<f64>>,
    /// Root mean square of the held-out ln errors of each candidate on each curve, where sizes
    /// could be held back.
    pub(super) held_out: Vec<Vec<Option<f64>>>,
    /// The misfit beyond the largest size, as the errors held out show it.
    misfit: Shown,
}

/// One cut of the family: what each candidate made of it.
struct Cut {
    /// Mean squared error a candidate and curve; absent where the curve is too short to be cut
    /// there.
    errors: Vec<Vec<Option<f64>>>,
    /// The sizes held back of every curve.
    held: Vec<Option<Held>>,
    /// What every candidate predicts of them, on every curve.
    ahead: Vec<Vec<Option<Ahead>>>,
}

impl Stack {
    /// Fits all candidates to a family, and weighs them by what they predict of the sizes held
    /// back.
    pub(super) fn new(curves: &[&Curve], settings: &Settings) -> Self {
        let scales = scales(curves);
        let series: Vec<Series> =
            curves.iter().map(|curve| Series::new(curve.weighted(), &scales)).collect();
        let fits = candidates(&series, &scales, settings);
        let cuts: Vec<Cut> = (1..=settings.held_back)
            .filter_map(|k| cut(&series, &scales, 0.5f64.powi(k as i32), settings))
            .collect();
        let at = |c: usize, i: usize| cuts.iter().filter_map(move |cut| cut.errors[c][i]);
        let held_out = (0..fits.len())
            .map(|c| (0..series.len()).map(|i| mean(at(c, i)).map(f64::sqrt)).collect())
            .collect();
        let scores = scores(&cuts.iter().collect::<Vec<_>>(), &fits, &series);
        let beyond: Vec<Vec<f64>> = scores.iter().map(|scores| softmax(scores)).collect();
        let within = (0..series.len()).map(|i| within(&scores[i], &fits, i, &series[i])).collect();
        let misfit = Shown::new(&misses(&cuts, &beyond, &fits, &series), cuts.len());
        Stack { series, fits, beyond, within, held_out, misfit }
    }

    /// The candidate that stands for a curve: the one with the largest weight within its sizes.
    pub(super) fn chosen(&self, curve: usize) -> usize {
        let weights = &self.within[curve];
        (0..weights.len())
            .max_by(|&a, &b| weights[a].total_cmp(&weights[b]).then(b.cmp(&a)))
            .unwrap_or(0)
    }

    /// The misfit of the laws of a curve beyond its largest size: what the errors held out show,
    /// and what the reaches say.
    pub(super) fn misfit_of(&self, curve: usize) -> Shown {
        let of = |c: usize| {
            let noise = self.fits[c].modes[curve].noise;
            self.beyond[curve][c] * (noise.sigma / noise.reach).powi(2)
        };
        let reaches: f64 = (0..self.fits.len()).map(of).sum();
        let wider = |misfit: &Misfit| Misfit {
            level_log: (reaches + misfit.level_log.powi(2)).sqrt(),
            ..*misfit
        };
        Shown {
            singly: wider(&self.misfit.singly),
            draws: self.misfit.draws.iter().map(wider).collect(),
        }
    }

    /// The candidates of a curve, the largest weight first.
    pub(super) fn candidates(&self, at: usize, curve: &Curve) -> Vec<Candidate> {
        let candidate = |c: usize| {
            let (fit, mode) = (&self.fits[c], &self.fits[c].modes[at]);
            let law = fit.frame.law(&mode.theta)?;
            let squares =
                || curve.weighted().map(|(x, loss, _)| (law.loss(x).ln() - loss.ln()).powi(2));
            Some(Candidate {
                law,
                reach_efoldings: Some(mode.noise.reach).filter(|reach| reach.is_finite()),
                weight_within: self.within[at][c],
                weight_beyond: self.beyond[at][c],
                rmse_log: (squares().sum::<f64>() / squares().count() as f64).sqrt(),
                held_out_error: self.held_out[c][at],
                aicc: fit.aicc(at, &self.series[at]),
            })
        };
        let mut candidates: Vec<Candidate> = (0..self.fits.len()).filter_map(candidate).collect();
        candidates.sort_by(|a, b| {
            b.weight_within
                .total_cmp(&a.weight_within)
                .then(b.weight_beyond.total_cmp(&a.weight_beyond))
        });
        candidates
    }
}

/// The scales that a family shares.
fn scales(curves: &[&Curve]) -> Scales {
    let amounts = || curves.iter().flat_map(|curve| curve.weighted()).map(|(x, _, _)| x.ln());
    let least = |curve: &&Curve| {
        curve.weighted().map(|(_, loss, _)| loss.ln()).fold(f64::INFINITY, f64::min)
    };
    Scales {
        ln_reference: amounts().sum::<f64>() / amounts().count() as f64,
        ln_unit: curves.iter().map(least).sum::<f64>() / curves.len() as f64,
        ln_range: (
            amounts().fold(f64::INFINITY, f64::min),
            amounts().fold(f64::NEG_INFINITY, f64::max),
        ),
    }
}

/// Every form with every reach. `metric` is `power` where every curve has an alpha of its own, so
/// it stands in only where it is alone.
fn candidates(series: &[Series], scales: &Scales, settings: &Settings) -> Vec<FamilyFit> {
    let twice = |form: &&Form| **form == Form::Metric && settings.forms.contains(&Form::Power);
    let forms = settings.forms.iter().filter(|form| !twice(form));
    let fit = |&form: &Form| {
        family::fit(
            Frame { form, scales: *scales },
            series,
            settings.starts,
            settings.huber_delta,
            &REACHES,
        )
    };
    forms.flat_map(fit).collect()
}

/// The candidates without the sizes above a part of the largest of each curve; nothing where no
/// curve is long enough.
fn cut(series: &[Series], scales: &Scales, part: f64, settings: &Settings) -> Option<Cut> {
    let halves: Vec<(Series, Series)> =
        series.iter().map(|series| series.split(series.end() + part.ln() + ROUNDING)).collect();
    let long: Vec<usize> = (0..series.len())
        .filter(|&i| halves[i].0.sizes().len() >= LEAST_KEPT && halves[i].1.len() > 0)
        .collect();
    if long.is_empty() {
        return None;
    }
    let kept: Vec<Series> = long.iter().map(|&i| halves[i].0.clone()).collect();
    let fits = candidates(&kept, scales, settings);
    let mut found = Cut {
        errors: vec![vec![None; series.len()]; fits.len()],
        held: (0..series.len()).map(|_| None).collect(),
        ahead: vec![vec![None; series.len()]; fits.len()],
    };
    for (at, &i) in long.iter().enumerate() {
        let (points, end) = (&halves[i].1, kept[at].end());
        let held = Held::new(points, end);
        for (c, fit) in fits.iter().enumerate() {
            let error = |(&z, ln_loss): (&f64, &f64)| (fit.ln_loss(at, z) - ln_loss).powi(2);
            let squares: f64 = points.z.iter().zip(&points.ln_loss).map(error).sum();
            found.errors[c][i] = Some(squares / points.len() as f64);
            found.ahead[c][i] = Some(fit.ahead(at, &held));
        }
        found.held[i] = Some(held);
    }
    Some(found)
}

/// Mean of some values, where there are any.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Scores a curve and candidate by the errors of some cuts; where nothing could be held back, by
/// Akaike's criterion; equal where there are too few points for that too. A candidate that the
/// numbers of an `f64` cannot hold has none.
fn scores(cuts: &[&Cut], fits: &[FamilyFit], series: &[Series]) -> Vec<Vec<f64>> {
    let curves = series.len();
    let (own, shared) = (WORTH.0, WORTH.1 * (1.0 - 1.0 / curves as f64));
    let ln_error = |c: usize, i: usize| {
        mean(
            cuts.iter()
                .filter_map(|cut| cut.errors[c][i])
                .map(|error| (error + EQUAL * EQUAL).ln()),
        )
    };
    let family: Vec<Option<f64>> =
        (0..fits.len()).map(|c| mean((0..curves).filter_map(|i| ln_error(c, i)))).collect();
    let shown = |c: usize, i: usize| match (ln_error(c, i), family[c]) {
        (Some(error), Some(mean)) => -0.5 * (own * error + shared * mean),
        (None, Some(mean)) => -0.5 * (own + shared) * mean,
        _ => fits[c].aicc(i, &series[i]).map_or(f64::NEG_INFINITY, |aicc| -0.5 * aicc),
    };
    let score = |c: usize, i: usize| shown(c, i) + ln_odds(fits[c].frame.form);
    let of_curve = |i: usize| {
        let scores: Vec<f64> = (0..fits.len()).map(|c| score(c, i)).collect();
        let known = scores.iter().any(|score| score.is_finite());
        let lawful = |c: usize| fits[c].frame.law(&fits[c].modes[i].theta).is_some();
        let score = |c: usize| if known { scores[c] } else { 0.0 };
        (0..fits.len()).map(|c| if lawful(c) { score(c) } else { f64::NEG_INFINITY }).collect()
    };
    (0..curves).map(of_curve).collect()
}

/// Weights within the sizes of a curve: the scores of the candidates that are believed everywhere,
/// and Akaike's where all have one.
fn within(scores: &[f64], fits: &[FamilyFit], curve: usize, series: &Series) -> Vec<f64> {
    let everywhere = |c: usize| fits[c].modes[curve].noise.reach.is_infinite();
    let akaike: Option<Vec<f64>> = (0..fits.len())
        .map(|c| if everywhere(c) { fits[c].aicc(curve, series) } else { Some(0.0) })
        .collect();
    let score = |c: usize| match &akaike {
        _ if !everywhere(c) => f64::NEG_INFINITY,
        Some(akaike) => scores[c] - 0.5 * akaike[c],
        None => scores[c],
    };
    softmax(&(0..fits.len()).map(score).collect::<Vec<_>>())
}

/// What the averaged predictions of every cut of every curve missed. The average is by the weights
/// that the other cuts give, as those that its own errors chose flatter them; what was expected of
/// it is by the final ones.
fn misses(cuts: &[Cut], weights: &[Vec<f64>], fits: &[FamilyFit], series: &[Series]) -> Vec<Miss> {
    let mut found = Vec::new();
    for (k, cut) in cuts.iter().enumerate() {
        let others: Vec<&Cut> =
            cuts.iter().enumerate().filter(|(other, _)| *other != k).map(|(_, cut)| cut).collect();
        for (i, scores) in scores(&others, fits, series).iter().enumerate() {
            let ahead: Option<Vec<&Ahead>> = cut.ahead.iter().map(|of| of[i].as_ref()).collect();
            if let (Some(held), Some(ahead)) = (&cut.held[i], ahead) {
                found.push(Miss::new(held, &ahead, &softmax(scores), &weights[i]));
            }
        }
    }
    found
}
