//! Planted transfer is found, nothing is found where nothing is, and intervals hold what they
//! should.

use super::*;
use crate::curve::{Curve, Point};
use crate::fit::{Settings, fit_all};
use crate::law::Form;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const NOISE_LOG: f64 = 0.003;

fn law(i: usize, pairs: f64) -> f64 {
    let i = i as f64;
    1.5 + 3.0 * ((pairs + 100.0) / 200.0).powf(-(0.3 + 0.05 * i))
}

/// Fits of the languages alone: five sizes, two seeds.
fn fits(seed: u64) -> Vec<Fit> {
    let mut generator = generator(seed, Purpose::Planted, Item::Nth(1));
    let mut point = |i: usize, pairs: f64, seed: u64| {
        let noise: f64 = StandardNormal.sample(&mut generator);
        Point { pairs, loss_nats: law(i, pairs) * (NOISE_LOG * noise).exp(), seed }
    };
    let sizes = [250.0, 500.0, 1000.0, 2000.0, 4000.0];
    let curve = |i: usize| {
        let points = sizes
            .iter()
            .flat_map(|&size| [1, 2].map(|seed| (size, seed)))
            .map(|(size, seed)| point(i, size, seed))
            .collect();
        Curve::new(NAMES[i], points).unwrap()
    };
    let curves: Vec<Curve> = (0..4).map(curve).collect();
    let settings =
        Settings { forms: vec![Form::Offset, Form::PowerFloor], draws: 60, ..Settings::default() };
    fit_all(&curves, &settings, &[]).unwrap()
}

/// Mixtures under planted transfer, with noise of twice the variance of a run's.
fn mixtures(count: usize, tau: impl Fn(usize, usize) -> f64, seed: u64) -> Vec<MixtureRun> {
    let mut generator = generator(seed, Purpose::Planted, Item::Nth(2));
    let mixture = |_| {
        let total = 1500.0 * 4f64.powf(generator.random::<f64>());
        let draws: Vec<f64> = (0..4)
            .map(|_| {
                if generator.random::<f64>() < 0.75 {
                    -(1.0 - generator.random::<f64>()).ln()
                } else {
                    0.0
                }
            })
            .collect();
        let sum: f64 = draws.iter().sum::<f64>().max(1e-9);
        let pairs: Vec<f64> = draws.iter().map(|draw| (total * draw / sum).round()).collect();
        let loss = |i: usize| {
            let worth =
                pairs[i] + (0..4).filter(|j| *j != i).map(|j| tau(i, j) * pairs[j]).sum::<f64>();
            let noise: f64 = StandardNormal.sample(&mut generator);
            law(i, worth.max(-50.0)) * (2f64.sqrt() * NOISE_LOG * noise).exp()
        };
        MixtureRun { loss_nats: (0..4).map(loss).collect(), pairs }
    };
    (0..count).map(mixture).collect()
}

fn fitted(tau: impl Fn(usize, usize) -> f64, seed: u64) -> TransferFit {
    let base: Vec<Option<f64>> = (0..4).map(|i| Some(law(i, 0.0))).collect();
    fit_transfer(&fits(seed), &mixtures(24, tau, seed), &base, 0).unwrap()
}

/// Some help, some harm.
fn planted(i: usize, j: usize) -> f64 {
    match (i, j) {
        (0, 1) => 0.4,
        (2, _) => -0.03,
        _ => 0.0,
    }
}

#[test]
fn planted_transfer_lies_in_its_intervals_and_predicts_better() {
    let (mut held, mut all) = (0, 0);
    for seed in 0..5 {
        let fit = fitted(planted, seed);
        assert!(fit.held_out.coupled_log < 0.7 * fit.held_out.separable_log, "{:?}", fit.held_out);
        let place = |name: &str| NAMES.iter().position(|known| *known == name).unwrap();
        for row in &fit.tau {
            let truth = planted(place(&row.to), place(&row.from));
            all += 1;
            held += usize::from(row.tau.interval_90.contains(truth));
        }
        let strongest = fit.tau.iter().max_by(|a, b| a.tau.value.total_cmp(&b.tau.value)).unwrap();
        assert_eq!((strongest.to.as_str(), strongest.from.as_str()), ("a", "b"));
    }
    assert!(held * 10 >= all * 8, "{held} of {all}");
}

#[test]
fn where_nothing_passes_over_nothing_is_found() {
    let fit = fitted(|_, _| 0.0, 7);
    assert!(fit.tau.iter().all(|row| row.tau.value.abs() < 0.02), "{:?}", fit.tau);
    // nine of ten 90 % intervals
    assert!(fit.tau.iter().filter(|row| row.tau.interval_90.contains(0.0)).count() >= 10);
    let HeldOut { separable_log, coupled_log, .. } = fit.held_out;
    assert!(coupled_log < 1.1 * separable_log, "{coupled_log} and {separable_log}");
}

#[test]
fn the_same_mixtures_give_the_same_transfer_and_too_few_are_an_error() {
    let (base, fits) = (vec![None; 4], fits(1));
    let mixtures = mixtures(12, planted, 1);
    let once = fit_transfer(&fits, &mixtures, &base, 3).unwrap();
    assert_eq!(once, fit_transfer(&fits, &mixtures, &base, 3).unwrap());
    assert_eq!((once.tau.len(), once.draws.len(), once.untuned.len()), (12, 60, 0));
    let error = fit_transfer(&fits, &mixtures[..3], &base, 3).unwrap_err();
    assert_eq!(error.to_string(), "mixtures finished: 3, expected at least 4 for 4 languages");
    let small: Vec<MixtureRun> = mixtures
        .iter()
        .map(|run| MixtureRun {
            pairs: run.pairs.iter().map(|x| x / 100.0).collect(),
            ..run.clone()
        })
        .collect();
    assert_eq!(fit_transfer(&fits, &small, &base, 3).unwrap_err(), TransferError::TooSmall);
}

#[test]
fn a_language_left_out_is_measured_against_the_base() {
    let fit = fitted(planted, 2);
    let a = fit.untuned.iter().find(|row| row.lang == "a").unwrap();
    assert!(a.mixtures > 2 && a.change_log.value < -0.05, "what b brings a: {a:?}");
    let b = fit.untuned.iter().find(|row| row.lang == "b").unwrap();
    assert!(b.change_log.value.abs() < 0.01, "{b:?}");
}
