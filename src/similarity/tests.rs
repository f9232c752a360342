//! Tests of the arithmetic of leaving one language out.

use super::forecast::{Known, trial};
use super::verdict::Finding;
use super::*;
use crate::numeric::random::{Item, Purpose, generator};
use rand::RngExt;

/// Languages whose `ln y = 1 - 0.25 ln X + slope ln gamma + noise`, gamma by cosine evenly spread;
/// by vocabulary it is unrelated.
fn planted(count: usize, slope: f64, noise: f64) -> Vec<Known> {
    let mut rng = generator(5, Purpose::Planted, Item::Nth(count as u64));
    let mut noisy = move || noise * rng.random_range(-1.0..1.0);
    (0..count)
        .map(|at| {
            let ln_gamma = -0.1 - 0.2 * ((at * 7) % count) as f64;
            let sizes = (0..7).map(|doubling| (250.0 * 2.0_f64.powi(doubling)).ln());
            let points: Vec<(f64, f64)> =
                sizes.map(|x| (x, 1.0 - 0.25 * x + slope * ln_gamma + noisy())).collect();
            Known {
                own_law: points.iter().map(|point| point.1).collect(),
                points,
                ln_gammas: [ln_gamma, -1.0 - ((at * 3) % 5) as f64],
            }
        })
        .collect()
}

fn rms(trial: &Trial, predictor: Predictor) -> f64 {
    trial.score(predictor).unwrap().rms_log
}

#[test]
fn a_planted_gamma_is_found_and_only_that() {
    // the paper's law: gamma multiplies the pairs, so its exponent is that of the pairs
    let found = trial(Measure::Content, &planted(6, -0.25, 0.0));
    assert!(
        rms(&found, Predictor::Paper(Gamma::Cosine)) < 1e-9
            && rms(&found, Predictor::Free(Gamma::Cosine)) < 1e-9
    );
    assert!(rms(&found, Predictor::None) > 0.05);
    let gain = found.score(Predictor::Paper(Gamma::Cosine)).unwrap().gain.unwrap();
    assert_eq!((gain.finding(), gain.better), (Finding::Helps, 6));
    assert!(
        verdict::verdict(&found).starts_with("gamma helps to predict a new language: "),
        "{}",
        verdict::verdict(&found)
    );
    assert!(
        verdict::verdict(&found)
            .contains("; better with paper-cosine (0.000), free-cosine (0.000)"),
        "{}",
        verdict::verdict(&found)
    );
    // another exponent is only found where it is free
    let found = trial(Measure::Content, &planted(6, 0.5, 0.01));
    assert!(rms(&found, Predictor::Free(Gamma::Cosine)) < 0.02);
    assert!(rms(&found, Predictor::Paper(Gamma::Cosine)) > rms(&found, Predictor::None));
    // languages that differ by noise alone have nothing to be found
    for count in [4, 6, 13] {
        let found = trial(Measure::Content, &planted(count, 0.0, 0.02));
        let gains = found.scores.iter().filter_map(|score| score.gain);
        assert!(gains.into_iter().all(|gain| gain.finding() != Finding::Helps), "{found:?}");
    }
}

#[test]
fn errors_are_those_of_a_calculation_by_hand() {
    // one slope of -1, levels 0, 1 and 5, three sizes of which the third is scored
    let language = |level: f64, ln_gamma: f64| Known {
        points: (0..3).map(|x| (f64::from(x), level - f64::from(x))).collect(),
        own_law: vec![level, level, level],
        ln_gammas: [ln_gamma, f64::NEG_INFINITY],
    };
    let found =
        trial(Measure::Fall, &[language(0.0, -1.0), language(1.0, -2.0), language(5.0, -3.0)]);
    let biases = |predictor| {
        found.score(predictor).unwrap().misses.iter().map(|miss| miss.bias_log).collect::<Vec<_>>()
    };
    let close = |predictor, expected: [f64; 3]| {
        biases(predictor).iter().zip(expected).for_each(|(found, expected)| {
            approx::assert_relative_eq!(*found, expected, epsilon = 1e-9)
        });
    };
    // the mean level of the two others, less its own
    close(Predictor::None, [3.0, 1.5, -4.5]);
    // the line through the two others: 1 and 5 at -2 and -3 give -3 at -1; 0 and 5 give 2.5; 0 and
    // 1 give 2
    close(Predictor::Free(Gamma::Cosine), [-3.0, 1.5, -3.0]);
    // gamma times pairs under slope -1 alone would put the levels at 1, 2 and 3; least squares over
    // both others shares one slope
    let slope_all = |xs: [f64; 6], ys: [f64; 6]| {
        let (x, y) = (xs.iter().sum::<f64>() / 6.0, ys.iter().sum::<f64>() / 6.0);
        let b = xs.iter().zip(ys).map(|(a, c)| (a - x) * (c - y)).sum::<f64>()
            / xs.iter().map(|a| (a - x).powi(2)).sum::<f64>();
        (y - b * x, b)
    };
    let (a, b) = slope_all([-2.0, -1.0, 0.0, -3.0, -2.0, -1.0], [1.0, 0.0, -1.0, 5.0, 4.0, 3.0]);
    approx::assert_relative_eq!(
        biases(Predictor::Paper(Gamma::Cosine))[0],
        a + b * (2.0 - 1.0) + 2.0,
        epsilon = 1e-9
    );
    // its own two smallest sizes give the level, its own points everything, and the law given
    // misses by two at the third size
    close(Predictor::OwnRuns, [0.0; 3]);
    close(Predictor::OwnPower, [0.0; 3]);
    close(Predictor::OwnLaw, [2.0; 3]);
    assert_eq!(
        found.score(Predictor::Paper(Gamma::Vocabulary)),
        None,
        "a gamma of 0 has no logarithm"
    );
    approx::assert_relative_eq!(
        rms(&found, Predictor::None),
        ((9.0 + 2.25 + 20.25) / 3.0_f64).sqrt(),
        epsilon = 1e-9
    );
    let gain = found.score(Predictor::Free(Gamma::Cosine)).unwrap().gain.unwrap();
    approx::assert_relative_eq!(gain.error_log.value, (0.0 + 0.0 + 1.5) / 3.0, epsilon = 1e-9);
    assert_eq!(gain.finding(), Finding::CannotTell);
    for (found, expected) in found.levels_log.iter().zip([-1.0, 0.0, 4.0]) {
        approx::assert_relative_eq!(*found, expected, epsilon = 1e-9);
    }
}

#[test]
fn languages_run_at_other_sizes_keep_their_levels() {
    let mut languages = planted(4, 0.3, 0.0);
    languages[1].points.drain(..3);
    languages[2].points.truncate(4);
    let found = trial(Measure::Content, &languages);
    for (at, language) in languages.iter().enumerate() {
        let expected = 0.3 * (language.ln_gammas[0] - languages[0].ln_gammas[0]);
        approx::assert_relative_eq!(
            found.levels_log[at] - found.levels_log[0],
            expected,
            epsilon = 1e-9
        );
    }
    assert!(rms(&found, Predictor::Free(Gamma::Cosine)) < 1e-8);
}

#[test]
fn too_few_languages_are_refused() {
    assert_eq!(
        trials(&[], &[]).unwrap_err().to_string(),
        "0 languages, expected at least 3: one is left out, and the others must tell gamma from \
        the level"
    );
}
