//! The joint law against designs whose law is known, and against the committed studies.

use super::*;
use crate::law::joint::{Joint, References, Setting};
use rand::RngExt;

/// A design of models whose languages obey a planted law: models of one language of some sizes, and
/// mixtures of random shares.
fn planted(seed: u64, noise_log: f64) -> (Vec<String>, Vec<ModelRun>, Vec<Joint>, Setting) {
    let references = References { own: 800.0, rest: 4000.0, low: 100.0 };
    let setting = Setting { interference: Interference::Data, references, unique: None };
    let mut generator = generator(seed, Purpose::Planted, Item::Of("joint"));
    let mut normal = |mean: f64, spread: f64| -> f64 {
        let value: f64 = StandardNormal.sample(&mut generator);
        mean + spread * value
    };
    let effects = [0.05, 0.3, 0.1, 0.2];
    let laws: Vec<Joint> = effects
        .iter()
        .map(|&effect| {
            Joint::from_array([
                normal(0.9, 0.3),
                normal(-1.0, 0.1),
                normal(-0.2, 0.1),
                5.0,
                1.6,
                effect,
                -0.25,
                -0.2,
            ])
        })
        .collect();
    let mut run = |pairs: Vec<f64>| {
        let total: f64 = pairs.iter().sum();
        let loss = |(law, &own): (&Joint, &f64)| {
            (own > 0.0)
                .then(|| (law.ln_loss(&setting, own, total - own) + normal(0.0, noise_log)).exp())
        };
        ModelRun { loss_nats: laws.iter().zip(&pairs).map(loss).collect(), pairs, is_test: false }
    };
    let alone = (0..laws.len()).flat_map(|lang| {
        [250.0, 1000.0, 4000.0]
            .map(|size| (0..4).map(|i| if i == lang { size } else { 0.0 }).collect())
    });
    let mut shares = generator_of(seed);
    let mixed = (0..24).map(|at| {
        let total = [2000.0, 5000.0, 10_000.0][at % 3];
        let parts: Vec<f64> = (0..4).map(|_| -shares.random::<f64>().ln()).collect();
        let sum: f64 = parts.iter().sum();
        parts.iter().map(|part| (total * part / sum).round()).collect()
    });
    let runs = alone.chain(mixed).map(&mut run).collect();
    (["a", "b", "c", "d"].map(str::to_owned).to_vec(), runs, laws, setting)
}

fn generator_of(seed: u64) -> rand_chacha::ChaCha8Rng {
    generator(seed, Purpose::Planted, Item::Of("shares"))
}

fn few() -> Settings {
    Settings { draws: 100, ..Settings::default() }
}

#[test]
fn a_planted_law_is_found_where_the_design_looked() {
    let (langs, runs, laws, setting) = planted(1, 0.004);
    let fit = fit_joint(&langs, &runs, &[None; 4], &few()).unwrap();
    assert!(fit.held_out.joint_log < 0.5 * fit.held_out.separable_log, "{:?}", fit.held_out);
    let (mut inside, mut count) = (0, 0);
    for total in [4000.0, 8000.0] {
        let (fitted, draws) = (fit.laws_at(total), fit.draws_at(total));
        for lang in 0..4 {
            for share in [0.1, 0.25, 0.5] {
                let truth = laws[lang].ln_loss(&setting, share * total, (1.0 - share) * total);
                let found: f64 = fitted[lang]
                    .iter()
                    .map(|(weight, law)| weight * law.jet(share * total).value.ln())
                    .sum();
                assert!(
                    (found - truth).abs() < 0.02,
                    "{lang} at {share} of {total}: {found} and {truth}"
                );
                let mut drawn: Vec<f64> =
                    draws.iter().map(|draw| draw[lang].jet(share * total).value.ln()).collect();
                let (lo, hi) = crate::numeric::quantiles::central(&mut drawn, 0.9);
                inside += usize::from((lo..=hi).contains(&truth));
                count += 1;
            }
        }
    }
    assert!(inside * 10 >= count * 7, "{inside} of {count} inside");
}

#[test]
fn mixtures_left_out_lie_in_their_intervals_as_often_as_these_say() {
    let coverage: Vec<f64> = (0..6)
        .map(|seed| {
            let (langs, runs, ..) = planted(10 + seed, 0.005);
            fit_joint(&langs, &runs, &[None; 4], &few()).unwrap().held_out.coverage_90
        })
        .collect();
    let mean = coverage.iter().sum::<f64>() / coverage.len() as f64;
    assert!((0.85..=0.96).contains(&mean), "{coverage:?}");
}

#[test]
fn a_fit_is_the_same_again_and_from_its_file() {
    let (langs, runs, ..) = planted(2, 0.004);
    let fit = fit_joint(&langs, &runs, &[None; 4], &few()).unwrap();
    assert_eq!(fit, fit_joint(&langs, &runs, &[None; 4], &few()).unwrap());
    let read: JointFit = serde_json::from_str(&serde_json::to_string(&fit).unwrap()).unwrap();
    assert_eq!(read.draws_at(5000.0), fit.draws_at(5000.0));
    // draws differ from each other and from the mode
    let (laws, draws) = (fit.laws_at(5000.0), fit.draws_at(5000.0));
    assert!(draws[0] != draws[1] && draws[0][0] != laws[0][0].1);
}

#[test]
fn what_was_changed_in_a_file_is_no_law_of_its_languages() {
    let (langs, runs, ..) = planted(2, 0.004);
    let fit = fit_joint(&langs, &runs, &[None; 4], &few()).unwrap();
    let names: Vec<&str> = langs.iter().map(String::as_str).collect();
    assert!(fit.is_of(&names) && !fit.is_of(&names[..3]) && !fit.is_of(&["b", "a", "c", "d"]));
    let damage: [fn(&mut JointFit); 5] = [
        |fit| fit.forms[0].coordinates.truncate(7),
        |fit| fit.forms[1].draws[3].push(0.0),
        |fit| fit.forms[0].draws[0][1] = 1e9,
        |fit| fit.forms[0].weight = 2.0,
        |fit| fit.forms.clear(),
    ];
    for (number, change) in damage.iter().enumerate() {
        let mut damaged = fit.clone();
        change(&mut damaged);
        assert!(!damaged.is_of(&names), "{number}");
    }
}

#[test]
fn too_little_is_refused() {
    let (langs, runs, ..) = planted(3, 0.004);
    let error = fit_joint(&langs, &runs[..14], &[None; 4], &few()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "models of several languages: 2, expected at least 4 for 4 languages"
    );
    let without: Vec<ModelRun> = runs
        .iter()
        .map(|run| ModelRun {
            pairs: run
                .pairs
                .iter()
                .enumerate()
                .map(|(i, &x)| if i == 2 && run.pairs[0] > 0.0 { 0.0 } else { x })
                .collect(),
            ..run.clone()
        })
        .collect();
    assert_eq!(
        fit_joint(&langs, &without, &[None; 4], &few()).unwrap_err(),
        JointError::Unseen { lang: "c".into() }
    );
}

/// The least mean loss of a total, handed out in equal parts to whom they bring most.
fn best(total: f64, parts: usize, loss: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let step = total / parts as f64;
    let mut pairs = vec![step; 4];
    for _ in 4..parts {
        let fall = |i: usize| loss(i, pairs[i]) - loss(i, pairs[i] + step);
        let most = (0..4).max_by(|&a, &b| fall(a).total_cmp(&fall(b))).unwrap();
        pairs[most] += step;
    }
    pairs
}

#[test]
fn gains_of_an_optimum_lie_in_the_intervals_of_the_draws() {
    let (total, worlds) = (8000.0, 40);
    let (mut inside, mut bias, mut scale) = (0, 0.0, 0.0);
    for seed in 0..worlds {
        let (langs, runs, laws, setting) = planted(100 + seed, 0.006);
        let fit = fit_joint(&langs, &runs, &[None; 4], &few()).unwrap();
        let fitted = fit.laws_at(total);
        let ours = best(total, 160, |i, x| {
            fitted[i].iter().map(|(weight, law)| weight * law.jet(x).value).sum()
        });
        let gain = |loss: &dyn Fn(usize, f64) -> f64| {
            (0..4).map(|i| loss(i, total / 4.0) - loss(i, ours[i])).sum::<f64>() / 4.0
        };
        let truth = gain(&|i, x| laws[i].ln_loss(&setting, x, total - x).exp());
        let mut drawn: Vec<f64> =
            fit.draws_at(total).iter().map(|draw| gain(&|i, x| draw[i].jet(x).value)).collect();
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        let (lo, hi) = crate::numeric::quantiles::central(&mut drawn, 0.9);
        inside += usize::from((lo..=hi).contains(&truth));
        bias += (mean - truth) / worlds as f64;
        scale += truth / worlds as f64;
    }
    assert!(inside * 100 >= worlds as usize * 80, "{inside} of {worlds}");
    assert!(bias.abs() < 0.15 * scale, "{bias} of {scale}");
}

#[test]
fn what_a_law_misses_is_as_large_as_its_scales_and_grows_beyond_the_design() {
    let (langs, runs, ..) = planted(1, 0.004);
    let fit = fit_joint(&langs, &runs, &[None; 4], &few()).unwrap();
    let expected = |beyond: f64| {
        let of = |form: &JointForm| {
            let Local { shared_log, own_log, shares_log, .. } = form.local;
            let grown = (shared_log.powi(2) + own_log.powi(2) + shares_log.powi(2))
                * (1.0 + 1.5 * beyond).powi(2);
            form.weight * (grown + 2.0 * (0.01 * beyond).powi(2))
        };
        fit.forms.iter().map(of).sum::<f64>().sqrt()
    };
    let mixtures = [
        vec![2500, 2500, 2500, 2500],
        vec![2500, 2500, 2500, 2500],
        vec![10_000, 10_000, 10_000, 10_000],
    ];
    let drawn = fit.missed(&mixtures, 4000, 3);
    assert_eq!(drawn, fit.missed(&mixtures, 4000, 3));
    let deviation = |mixture: usize| {
        (drawn.iter().flat_map(|draw| &draw[mixture]).map(|missed| missed.powi(2)).sum::<f64>()
            / (4.0 * drawn.len() as f64))
            .sqrt()
    };
    approx::assert_relative_eq!(deviation(0), expected(0.0), max_relative = 0.05);
    approx::assert_relative_eq!(deviation(2), expected(4f64.ln()), max_relative = 0.05);
    // the same mixture twice is the same but for rounding
    assert!(
        drawn.iter().all(|draw| draw[0].iter().zip(&draw[1]).all(|(a, b)| (a - b).abs() < 1e-5))
    );
    let [own, common] = fit.noise_log();
    assert!((0.002..0.008).contains(&own) && common < 0.004, "{own} {common}");
}
