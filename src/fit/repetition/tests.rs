//! Planted effective data of repeats, families with and without repeated runs, and the prior.

use crate::curve::{Curve, Point};
use crate::fit::{Basis, Fit, FitFile, Flag, Settings, fit_all};
use crate::law::{Form, Law, Repetition};
use crate::numeric::random::{Item, Purpose, generator};
use rand_distr::{Distribution, StandardNormal};

const UNIQUE: f64 = 16e3;
const SIZES: [f64; 5] = [1e3, 2e3, 4e3, 8e3, 16e3];
const REPEATED: [f64; 4] = [32e3, 64e3, 128e3, 256e3];

/// A language's curve over some sizes, two seeds each, its R planted.
fn planted(name: String, law: &Law, r_star: f64, sizes: &[f64], noise: f64, stream: u64) -> Curve {
    let mut generator = generator(11, Purpose::Planted, Item::Nth(stream));
    let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
    let repetition = Repetition::new(UNIQUE, r_star).unwrap();
    let runs = sizes.iter().flat_map(|&pairs| [(pairs, 1), (pairs, 2)]);
    let point = |(pairs, seed)| Point {
        pairs,
        loss_nats: law.loss(repetition.effective(pairs)) * (noise * normal()).exp(),
        seed,
    };
    Curve::new(name, runs.map(point).collect()).unwrap()
}

fn law(k: u64) -> Law {
    Law::new(Form::PowerFloor, &[1.4, 25.0 + k as f64, 0.35 + 0.01 * k as f64]).unwrap()
}

/// A family of languages with these R, the first `repeating` of which have repeated runs.
fn family(
    r_star: &[f64],
    repeating: usize,
    noise: f64,
    stream: u64,
    settings: &Settings,
) -> Vec<Fit> {
    let all: Vec<f64> = SIZES.into_iter().chain(REPEATED).collect();
    let curve = |(k, &r_star): (usize, &f64)| {
        let sizes = if k < repeating { &all[..] } else { &SIZES[..] };
        planted(format!("c{k}"), &law(k as u64), r_star, sizes, noise, 100 * stream + k as u64)
    };
    let curves: Vec<Curve> = r_star.iter().enumerate().map(curve).collect();
    fit_all(&curves, settings, &vec![Some(UNIQUE as u64); r_star.len()]).unwrap()
}

fn settings() -> Settings {
    Settings {
        forms: vec![Form::PowerFloor, Form::Power],
        draws: 100,
        starts: 8,
        ..Settings::default()
    }
}

#[test]
fn planted_repeats_come_back_as_often_as_the_intervals_say() {
    let (mut held, mut losses, mut count) = (0, 0, 0);
    for stream in 0..12 {
        // about 6 in the mean, a factor of 1.4 apart, far from the prior's 15.4
        let mut generator = generator(5, Purpose::Planted, Item::Nth(stream));
        let r_star: Vec<f64> =
            (0..5).map(|_| 6.0 * (0.33 * normal(&mut generator)).exp()).collect();
        for ((k, fit), r_star) in
            family(&r_star, 5, 0.005, stream, &settings()).iter().enumerate().zip(&r_star)
        {
            let repetition = fit.repetition.as_ref().unwrap();
            assert_eq!(
                (repetition.basis, repetition.points.len(), repetition.draws.len()),
                (Basis::Measured, 8, 100)
            );
            let truth =
                law(k as u64).loss(Repetition::new(UNIQUE, *r_star).unwrap().effective(96e3));
            held += usize::from(repetition.r_star.interval_90.contains(*r_star));
            losses += usize::from(fit.predict(96e3).interval_90.contains(truth));
            count += 1;
        }
    }
    // of 60 the standard error is 4 %, and languages of a family err together
    let (held, losses) = (held as f64 / count as f64, losses as f64 / count as f64);
    assert!((0.8..=0.99).contains(&held) && losses >= 0.8, "{held} of R, {losses} of losses");
}

fn normal(generator: &mut rand_chacha::ChaCha8Rng) -> f64 {
    StandardNormal.sample(generator)
}

fn quick() -> Settings {
    Settings {
        forms: vec![Form::PowerFloor],
        draws: 60,
        starts: 6,
        held_back: 2,
        ..Settings::default()
    }
}

fn ln_width(fit: &Fit) -> f64 {
    let interval = fit.repetition.as_ref().unwrap().r_star.interval_90;
    (interval.hi / interval.lo).ln()
}

#[test]
fn without_repeated_runs_the_prior_stands() {
    let fits = family(&[6.0, 6.0], 0, 0.005, 1, &quick());
    for fit in &fits {
        let repetition = fit.repetition.as_ref().unwrap();
        assert_eq!((repetition.basis, repetition.points.len()), (Basis::Prior, 0));
        approx::assert_relative_eq!(
            repetition.r_star.value,
            Repetition::R_STAR,
            max_relative = 1e-3
        );
        // spreads have the mean square 0.5^2, but for their tail beyond 1.5: 2 x 1.645 x sqrt(1.25)
        // on the ln scale
        assert!((ln_width(fit) - 3.68).abs() < 0.1, "{}", ln_width(fit));
        let mean = repetition.draws.iter().map(|r_star| r_star.ln()).sum::<f64>() / 60.0;
        assert!((mean - Repetition::R_STAR.ln()).abs() < 0.05, "{mean}");
    }
    // a law with as many unique pairs as it pleases is the same law
    let curves: Vec<Curve> =
        (0..2).map(|k| planted(format!("c{k}"), &law(k), 6.0, &SIZES, 0.005, 100 + k)).collect();
    let unknown = fit_all(&curves, &quick(), &[None, Some(16_000)]).unwrap();
    assert_eq!(unknown[0].repetition, None);
    assert!(unknown.iter().zip(&fits).all(|(a, b)| a.law == b.law && a.draws == b.draws));
}

#[test]
fn a_language_without_repeats_learns_from_its_family() {
    let fits = family(&[5.0, 5.0, 5.0, 5.0], 3, 0.003, 2, &quick());
    let last = fits[3].repetition.as_ref().unwrap();
    assert_eq!(
        (fits[0].repetition.as_ref().unwrap().basis, last.basis),
        (Basis::Measured, Basis::Family)
    );
    assert!(last.r_star.interval_90.contains(5.0) && last.r_star.value < 9.0, "{:?}", last.r_star);
    assert!(
        ln_width(&fits[0]) < ln_width(&fits[3]) && ln_width(&fits[3]) < 3.0,
        "{} {}",
        ln_width(&fits[0]),
        ln_width(&fits[3])
    );
    // repeated runs have no part in the law
    let fresh = family(&[5.0, 5.0, 5.0, 5.0], 0, 0.003, 2, &quick());
    let of_fresh = |stream: u64| planted("c3".to_owned(), &law(3), 5.0, &SIZES, 0.003, stream);
    assert_eq!(fits[3].points, fresh[3].points);
    assert_eq!(fits[3].points, of_fresh(203).points());
    assert!(fits.iter().all(|fit| fit.largest() == UNIQUE) && fits[0].largest_run() == 256e3);
}

#[test]
fn a_draw_whose_law_lies_low_has_repeats_worth_less() {
    let fits = family(&[6.0], 1, 0.02, 3, &Settings { draws: 300, ..quick() });
    let repetition = fits[0].repetition.as_ref().unwrap();
    let at = fits[0].effective(256e3);
    let pairs: Vec<(f64, f64)> = fits[0]
        .draws
        .iter()
        .zip(&repetition.draws)
        .map(|(law, r_star)| (law.loss(at).ln(), r_star.ln()))
        .collect();
    let mean =
        |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let (x, y) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let correlation = mean(&|pair| (pair.0 - x) * (pair.1 - y))
        / (mean(&|pair| (pair.0 - x).powi(2)) * mean(&|pair| (pair.1 - y).powi(2))).sqrt();
    // twice the standard error of 300 pairs that have nothing to do with each other
    assert!(correlation > 2.0 / 300f64.sqrt(), "{correlation}");
}

#[test]
fn losses_that_rise_with_repeats_are_flagged() {
    let mut points = planted("x".to_owned(), &law(0), 6.0, &SIZES, 0.003, 4).points().to_vec();
    points.extend([32e3, 64e3].map(|pairs| Point {
        pairs,
        loss_nats: 1.1 * law(0).loss(UNIQUE),
        seed: 1,
    }));
    let fits = fit_all(&[Curve::new("x", points).unwrap()], &quick(), &[Some(16_000)]).unwrap();
    assert!(fits[0].flags.contains(&Flag::RepeatsHurt { pairs: 32e3 }), "{:?}", fits[0].flags);
    assert!(fits[0].repetition.as_ref().unwrap().r_star.value < 1.0, "{:?}", fits[0].repetition);
    let unhurt = family(&[6.0], 1, 0.003, 4, &quick());
    assert!(
        !unhurt[0].flags.iter().any(|flag| matches!(flag, Flag::RepeatsHurt { .. })),
        "{:?}",
        unhurt[0].flags
    );
}

#[test]
fn the_same_whatever_the_threads_and_back_from_text() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| family(&[4.0, 8.0, 8.0], 2, 0.005, 5, &quick()))
    };
    let fits = with(1);
    assert_eq!(fits, with(3));
    let file = FitFile {
        parallot: "0".into(),
        source: "x".into(),
        input_sha256: "0".into(),
        settings: quick(),
        fits,
        transfer: None,
        joint: None,
        mixtures: None,
    };
    assert_eq!(FitFile::from_json(&file.to_json().unwrap()).unwrap(), file);
    // a file of an older version knows nothing of repetition: repeated pairs are new
    let mut old: serde_json::Value = serde_json::from_str(&file.to_json().unwrap()).unwrap();
    old["fits"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|fit| drop(fit.as_object_mut().unwrap().remove("repetition")));
    let old = FitFile::from_json(&old.to_string()).unwrap();
    assert!(old.fits.iter().all(|fit| fit.repetition.is_none() && fit.effective(1e6) == 1e6));
}

#[test]
fn odd_runs_give_numbers() {
    // no draws, one point, and more passes than any grid of R is asked about
    let none = family(&[6.0], 1, 0.005, 6, &Settings { draws: 0, ..quick() });
    assert!(
        none[0].repetition.as_ref().unwrap().draws.is_empty()
            && none[0].repetition.as_ref().unwrap().r_star.value > 0.0
    );
    let mut points = planted("x".to_owned(), &law(0), 6.0, &SIZES, 0.0, 7).points().to_vec();
    points.push(Point { pairs: 1e12, loss_nats: 1e-200, seed: 1 });
    let fits = fit_all(&[Curve::new("x", points).unwrap()], &quick(), &[Some(16_000)]).unwrap();
    let repetition = fits[0].repetition.as_ref().unwrap();
    assert!(
        repetition.r_star.value.is_finite()
            && repetition.draws.iter().all(|r_star| r_star.is_finite() && *r_star > 0.0)
    );
    let few = Curve::new(
        "x",
        [1e3, 2e3, 64e3].map(|pairs| Point { pairs, loss_nats: 3.0, seed: 1 }).to_vec(),
    )
    .unwrap();
    let error = fit_all(&[few], &quick(), &[Some(16_000)]).unwrap_err().to_string();
    assert_eq!(
        error,
        "`x`: 2 different sizes above 0 up to its 16000 unique pairs, at least 3 are needed"
    );
    assert!(
        fit_all(&[planted("x".to_owned(), &law(0), 6.0, &SIZES, 0.0, 7)], &quick(), &[Some(0)])
            .is_err()
    );
}
