//! Curves that share a prior, against each of them alone.

use super::*;

/// Laws about a common one, as the languages of a sweep are.
fn relatives(count: u64) -> Vec<Law> {
    let one = |k: u64| {
        let mut generator = generator(3, Purpose::Planted, Item::Nth(k));
        let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
        Law::new(
            Form::PowerFloor,
            &[1.4 + 0.1 * normal(), 25.0 * (0.2 * normal()).exp(), 0.35 + 0.02 * normal()],
        )
        .unwrap()
    };
    (0..count).map(one).collect()
}

#[test]
fn a_family_predicts_better_than_each_curve_alone() {
    let settings = Settings { draws: 0, ..Settings::default() };
    let (mut together, mut alone) = (0.0, 0.0);
    for family in 0..6 {
        let laws = relatives(6);
        let curve = |(k, law): (usize, &Law)| {
            planted(&format!("c{k}"), law, &SIZES[..5], 1, 0.02, 10 * family + k as u64)
        };
        let curves: Vec<Curve> = laws.iter().enumerate().map(curve).collect();
        let error = |fit: &Fit, law: &Law| (fit.predict(64e3).value / law.loss(64e3)).ln().powi(2);
        let fits = fit_family(&curves.iter().collect::<Vec<_>>(), &settings).unwrap();
        together += fits.iter().zip(&laws).map(|(fit, law)| error(fit, law)).sum::<f64>();
        alone += curves
            .iter()
            .zip(&laws)
            .map(|(curve, law)| error(&fit(curve, &settings).unwrap(), law))
            .sum::<f64>();
    }
    assert!(together < 0.7 * alone, "{together} and {alone}");
}

#[test]
fn a_family_of_different_exponents_is_not_flattened() {
    let laws: Vec<Law> = [0.1, 0.2, 0.4, 0.8]
        .map(|exponent| Law::new(Form::Power, &[20.0, exponent]).unwrap())
        .to_vec();
    let curves: Vec<Curve> = laws
        .iter()
        .enumerate()
        .map(|(k, law)| planted(&format!("c{k}"), law, &SIZES, 2, 0.002, k as u64))
        .collect();
    let fits =
        fit_family(&curves.iter().collect::<Vec<_>>(), &Settings { draws: 0, ..only(Form::Power) })
            .unwrap();
    for (fit, law) in fits.iter().zip(&laws) {
        assert!(
            (fit.law.parameters()[1].1 - law.parameters()[1].1).abs() < 0.003,
            "{} and {law}",
            fit.law
        );
    }
}
