//! Fits of planted laws with and without noise, degenerate curves, and published curves.

use super::*;
use crate::numeric::random::generator;
use rand_distr::{Distribution, StandardNormal};

const SIZES: [f64; 8] = [1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 64e3, 128e3];

/// The law's curve at the sizes with normal noise on ln loss, `seeds` runs a size.
pub fn planted(name: &str, law: &Law, sizes: &[f64], seeds: u64, noise: f64, stream: u64) -> Curve {
    let mut generator = generator(7, stream);
    let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
    let runs = sizes.iter().flat_map(|&pairs| (0..seeds).map(move |seed| (pairs, seed)));
    let point = |(pairs, seed)| Point { pairs, loss_nats: law.loss(pairs) * (noise * normal()).exp(), seed };
    Curve::new(name, runs.map(point).collect()).unwrap()
}

fn only(form: Form) -> Settings {
    Settings { forms: vec![form], bootstraps: 0, ..Settings::default() }
}

fn laws() -> [Law; 5] {
    [
        (Form::Metric, vec![9.0, 1.0, 0.15]),
        (Form::Power, vec![20.0, 0.25]),
        (Form::PowerFloor, vec![1.4, 25.0, 0.35]),
        (Form::Offset, vec![1.2, 60.0, 0.4, 3e3]),
        (Form::Rectified, vec![1.5, 400.0, 0.6, 150.0]),
    ]
    .map(|(form, parameters)| Law::new(form, &parameters).unwrap())
}

#[test]
fn without_noise_the_law_comes_back() {
    for law in laws() {
        let fit = fit(&planted("x", &law, &SIZES, 1, 0.0, 0), &only(law.form())).unwrap();
        for ((name, found), (_, expected)) in fit.law.parameters().into_iter().zip(law.parameters()) {
            assert!((found - expected).abs() <= 1e-6 * expected, "{name} of {}: {found}, {expected}", law.form());
        }
        assert!(fit.starts_agreed * 2 > fit.starts, "{} of {} for {}", fit.starts_agreed, fit.starts, law.form());
    }
}

#[test]
fn one_start_alone_may_fail() {
    // so the starts do something
    let law = laws()[4];
    let curve = planted("x", &law, &SIZES, 2, 0.01, 3);
    let regression = minimise::Regression::new(law.form(), curve.points());
    let objective = |start| {
        let best = regression.best(&regression.targets(), 0.02, std::iter::once(start)).unwrap();
        regression.residuals(&best.theta).iter().map(|r| r * r).sum::<f64>()
    };
    let found: Vec<f64> = (0..32).map(|index| objective(regression.start(index))).collect();
    let least = found.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(found.iter().any(|x| *x > 1.01 * least), "{found:?}");
}

fn coverage(law: &Law, settings: &Settings, seeds: u64, noise: f64, curves: u64) -> (f64, f64, f64) {
    let curves: Vec<Curve> = (0..curves).map(|k| planted(&format!("c{k}"), law, &SIZES, seeds, noise, k)).collect();
    let fits: Vec<Fit> = fit_all(&curves, settings, &[]).into_iter().map(Result::unwrap).collect();
    let share = |inside: &dyn Fn(&Fit) -> bool| fits.iter().filter(|fit| inside(fit)).count() as f64 / fits.len() as f64;
    let at = |pairs: f64| share(&|fit: &Fit| fit.predict(pairs).interval_90.contains(law.loss(pairs)));
    let same = share(&|fit: &Fit| fit.law.form() == law.form());
    (at(16e3), at(1e6), same)
}

#[test]
fn explore_coverage() {
    for noise in [0.003, 0.01, 0.02] {
        for seeds in [1, 3] {
            for law in laws() {
                let settings = Settings { bootstraps: 200, ..only(law.form()) };
                let known = coverage(&law, &settings, seeds, noise, 100);
                let settings = Settings { bootstraps: 200, ..Settings::default() };
                let chosen = coverage(&law, &settings, seeds, noise, 100);
                println!(
                    "{noise} {seeds} {:12} known {:.2} {:.2}  chosen {:.2} {:.2} same {:.2}",
                    law.form(),
                    known.0,
                    known.1,
                    chosen.0,
                    chosen.1,
                    chosen.2
                );
            }
        }
    }
}
