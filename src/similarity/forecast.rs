//! Leave one language out: curves predicted from those of the other languages.

use super::{Gain, Gamma, Likeness, Measure, Miss, Predictor, Score, Trial};
use crate::curve::Point;
use crate::fit::Fit;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::Estimate;
use nalgebra::{Matrix3, Vector3};
use rand::seq::SliceRandom;

/// Smallest sizes that [`Predictor::OwnRuns`] sees, so that nobody is scored on them.
const SEEN: usize = 2;

/// Reassignments of the gammas to the languages.
const SHUFFLES: usize = 999;

/// What is known of one language.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    /// ln pairs, and the mean over the seeds of ln y; one per size above 0, rising.
    pub points: Vec<(f64, f64)>,
    /// ln y of its own fitted law at the same sizes.
    pub own_law: Vec<f64>,
    /// ln gamma by each recipe of [`Gamma::ALL`]; not finite where gamma is not above 0.
    pub ln_gammas: [f64; 2],
}

impl Known {
    fn ln_gamma(&self, gamma: Gamma) -> f64 {
        let at = Gamma::ALL.iter().position(|&other| other == gamma);
        at.map_or(f64::NAN, |at| self.ln_gammas[at])
    }
}

/// The curves in one measure; absent where one has no point of the base that [`Measure::Fall`]
/// needs.
pub(super) fn known(measure: Measure, fits: &[Fit], likenesses: &[Likeness]) -> Option<Vec<Known>> {
    let of = |(fit, likeness): (&Fit, &Likeness)| {
        let unit = match measure {
            Measure::Content => {
                (likeness.english_bytes as f64 / likeness.target_tokens as f64).ln()
            }
            Measure::Fall => mean_log(fit.points.iter().filter(|point| point.pairs == 0.0))?,
        };
        let mut sizes: Vec<f64> =
            fit.points.iter().map(|point| point.pairs).filter(|&pairs| pairs > 0.0).collect();
        sizes.dedup();
        let mean = |&size: &f64| {
            Some((
                size.ln(),
                mean_log(fit.points.iter().filter(|point| point.pairs == size))? - unit,
            ))
        };
        Some(Known {
            points: sizes.iter().map(mean).collect::<Option<_>>()?,
            own_law: sizes.iter().map(|&size| fit.law.loss(size).ln() - unit).collect(),
            ln_gammas: Gamma::ALL.map(|gamma| likeness.gamma(gamma).ln()),
        })
    };
    fits.iter().zip(likenesses).map(of).collect()
}

/// Mean ln loss of some points; absent of none.
fn mean_log<'a>(points: impl Iterator<Item = &'a Point>) -> Option<f64> {
    let logs: Vec<f64> = points.map(|point| point.loss_nats.ln()).collect();
    (!logs.is_empty()).then(|| logs.iter().sum::<f64>() / logs.len() as f64)
}

/// All predictors in one measure.
pub(super) fn trial(measure: Measure, known: &[Known]) -> Trial {
    let has_gamma =
        |gamma: Gamma| known.iter().all(|language| language.ln_gamma(gamma).is_finite());
    let predictors =
        Predictor::ALL.into_iter().filter(|predictor| predictor.gamma().is_none_or(has_gamma));
    let baseline = misses(Predictor::None, known, &own_gammas(Predictor::None, known));
    let scores = predictors.map(|predictor| score(predictor, known, &baseline)).collect();
    Trial { measure, levels_log: levels(known), scores }
}

/// ln gamma of each language as the predictor has it; 0 where it has none.
fn own_gammas(predictor: Predictor, known: &[Known]) -> Vec<f64> {
    known
        .iter()
        .map(|language| predictor.gamma().map_or(0.0, |gamma| language.ln_gamma(gamma)))
        .collect()
}

fn score(predictor: Predictor, known: &[Known], baseline: &[Miss]) -> Score {
    let mut ln_gammas = own_gammas(predictor, known);
    let misses_of = |ln_gammas: &[f64]| misses(predictor, known, ln_gammas);
    let misses = misses_of(&ln_gammas);
    let rms_log = total(&misses);
    let gain = predictor.gamma().and_then(|_| {
        let differences: Vec<f64> =
            baseline.iter().zip(&misses).map(|(none, with)| none.rms_log - with.rms_log).collect();
        let mut rng = generator(0, Purpose::Similarity, Item::All);
        // a reassignment that leaves everything as it was may differ by rounding
        let as_good = (0..SHUFFLES)
            .filter(|_| {
                ln_gammas.shuffle(&mut rng);
                total(&misses_of(&ln_gammas)) <= rms_log * (1.0 + 1e-9)
            })
            .count();
        Some(Gain {
            error_log: Estimate::of_mean(&differences)?,
            better: differences.iter().filter(|&&difference| difference > 0.0).count(),
            by_chance: (1 + as_good) as f64 / (1 + SHUFFLES) as f64,
        })
    });
    Score { predictor, misses, rms_log, gain }
}

/// Root of the mean squared error over the languages.
fn total(misses: &[Miss]) -> f64 {
    (misses.iter().map(|miss| miss.rms_log.powi(2)).sum::<f64>() / misses.len() as f64).sqrt()
}

/// Each language predicted from the others.
fn misses(predictor: Predictor, known: &[Known], ln_gammas: &[f64]) -> Vec<Miss> {
    let row = |at: usize, x: f64| features(predictor, x, ln_gammas[at]);
    let rows_of = |at: usize| {
        let weight = 1.0 / known[at].points.len() as f64;
        known[at].points.iter().map(move |&(x, y)| (weight, row(at, x), y))
    };
    let predicted = |k: usize| -> Vec<f64> {
        let points = &known[k].points;
        let by = |coefficients: Vector3<f64>| {
            points.iter().map(|&(x, _)| row(k, x).dot(&coefficients)).collect::<Vec<f64>>()
        };
        match predictor {
            Predictor::OwnLaw => known[k].own_law.clone(),
            Predictor::OwnPower => by(regression(rows_of(k))),
            _ => {
                let shared =
                    by(regression((0..known.len()).filter(|&at| at != k).flat_map(rows_of)));
                let seen = SEEN.min(points.len());
                let moved = points
                    .iter()
                    .zip(&shared)
                    .take(seen)
                    .map(|((_, y), shared)| y - shared)
                    .sum::<f64>()
                    / seen as f64;
                let moved = if predictor == Predictor::OwnRuns { moved } else { 0.0 };
                shared.into_iter().map(|predicted| predicted + moved).collect()
            }
        }
    };
    (0..known.len()).map(|k| miss(&known[k].points, &predicted(k))).collect()
}

/// `(1, ln X, ln gamma)` as the predictor has them; what it has not is 0, and gets no coefficient.
fn features(predictor: Predictor, x: f64, ln_gamma: f64) -> Vector3<f64> {
    match predictor {
        Predictor::Paper(_) => Vector3::new(1.0, x + ln_gamma, 0.0),
        Predictor::Free(_) => Vector3::new(1.0, x, ln_gamma),
        _ => Vector3::new(1.0, x, 0.0),
    }
}

/// Coefficients of least weighted squares over rows of weight, features and value; of several the
/// shortest.
fn regression(rows: impl Iterator<Item = (f64, Vector3<f64>, f64)>) -> Vector3<f64> {
    let (mut normal, mut right) = (Matrix3::zeros(), Vector3::zeros());
    for (weight, features, value) in rows {
        normal += weight * features * features.transpose();
        right += weight * value * features;
    }
    let decomposed = normal.svd(true, true);
    let smallest = 1e-11 * decomposed.singular_values.max();
    decomposed.solve(&right, smallest).unwrap_or_else(|_| Vector3::zeros())
}

fn miss(points: &[(f64, f64)], predicted: &[f64]) -> Miss {
    let errors: Vec<f64> =
        points.iter().zip(predicted).skip(SEEN).map(|((_, y), predicted)| predicted - y).collect();
    let mean = |value: fn(&f64) -> f64| errors.iter().map(value).sum::<f64>() / errors.len() as f64;
    Miss { rms_log: mean(|error| error * error).sqrt(), bias_log: mean(|error| *error) }
}

/// How high each curve lies at the mean ln size of all languages, under the slope within languages:
/// `b = sum w (x - x_i)(y - y_i) / sum w (x - x_i)^2`, `level_i = y_i + b (x - x_i)`, with means
/// `x_i`, `y_i` of language i and x of all.
fn levels(known: &[Known]) -> Vec<f64> {
    let means: Vec<(f64, f64)> = known
        .iter()
        .map(|language| {
            let (x, y) = language
                .points
                .iter()
                .fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
            (x / language.points.len() as f64, y / language.points.len() as f64)
        })
        .collect();
    let (mut of_xy, mut of_xx) = (0.0, 0.0);
    for (language, mean) in known.iter().zip(&means) {
        for (x, y) in &language.points {
            of_xy += (x - mean.0) * (y - mean.1) / language.points.len() as f64;
            of_xx += (x - mean.0).powi(2) / language.points.len() as f64;
        }
    }
    let middle = means.iter().map(|mean| mean.0).sum::<f64>() / means.len() as f64;
    means.iter().map(|mean| mean.1 + of_xy / of_xx * (middle - mean.0)).collect()
}
