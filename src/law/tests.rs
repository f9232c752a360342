//! Laws against differences, closed forms and the ends of the range of an `f64`.

use super::*;
use crate::numeric::differences::derivative;
use proptest::prelude::*;

/// Laws of every form over the ranges that fits meet.
pub fn any_law() -> impl Strategy<Value = Law> {
    (0..5usize, 0.0..3.0f64, -2.0..6.0f64, 0.05..2.5f64, 0.0..8.0f64).prop_map(|(form, irreducible, ln_scale, exponent, ln_shape)| {
        let (scale, shape) = (ln_scale.exp(), ln_shape.exp() - 1.0);
        match Form::ALL[form] {
            Form::Metric => Law::new(Form::Metric, &[scale, 0.5 + irreducible, exponent]),
            Form::Power => Law::new(Form::Power, &[scale, exponent]),
            Form::PowerFloor => Law::new(Form::PowerFloor, &[irreducible, scale, exponent]),
            Form::Offset => Law::new(Form::Offset, &[irreducible, scale, exponent, shape]),
            Form::Rectified => Law::new(Form::Rectified, &[irreducible, scale, exponent, shape]),
        }
        .unwrap()
    })
}

fn rectified(irreducible: f64, scale: f64, exponent: f64, transition: f64) -> Law {
    Law::new(Form::Rectified, &[irreducible, scale, exponent, transition]).unwrap()
}

proptest! {
    #[test]
    fn derivatives_agree_with_differences(law in any_law(), ln_x in 0.0..12.0f64) {
        let x = ln_x.exp();
        let slope = derivative(|x| law.reducible(x), x, 1e-2 * x);
        prop_assert!((law.slope(x) - slope).abs() <= 1e-5 * slope.abs() + 1e-300, "{law:?} at {x}: {} and {slope}", law.slope(x));
        let curvature = derivative(|x| law.slope(x), x, 1e-2 * x);
        let scale = curvature.abs() + 1e-2 * law.slope(x).abs() / x;
        prop_assert!((law.curvature(x) - curvature).abs() <= 1e-4 * scale, "{law:?} at {x}: {} and {curvature}", law.curvature(x));
    }

    #[test]
    fn losses_fall_and_falls_are_their_differences(law in any_law(), ln_x in 0.0..12.0f64, factor in 1.0..3.0f64) {
        let (from, to) = (ln_x.exp(), ln_x.exp() * factor);
        let plain = law.reducible(from) - law.reducible(to);
        prop_assert!(plain >= 0.0);
        prop_assert!((law.fall(from, to) - plain).abs() <= 1e-12 * law.reducible(from));
        // so close that the plain difference has no digits left
        let step = from * 1e-13;
        let fall = law.fall(from, from + step);
        let expected = -law.slope(from) * ((from + step) - from);
        prop_assert!((fall - expected).abs() <= 1e-6 * expected, "{fall} and {expected}");
    }

    #[test]
    fn steepness_is_inverted(law in any_law(), ln_x in 0.0..12.0f64) {
        let x = ln_x.exp();
        prop_assume!(law.inflection().is_none_or(|inflection| x > 1.001 * inflection));
        let back = law.pairs_at(law.ln_steepness(x));
        prop_assert!((back - x).abs() <= 1e-6 * x, "{law:?}: {x} came back as {back}");
    }

    #[test]
    fn convexity_is_the_sign_of_the_curvature(law in any_law(), ln_x in 0.0..12.0f64) {
        let x = ln_x.exp();
        match law.inflection() {
            None => prop_assert!(law.is_convex() && law.curvature(x) >= 0.0),
            Some(inflection) => prop_assert_eq!(law.curvature(x) > 0.0, x > inflection, "{:?} at {}", law, x),
        }
    }

    #[test]
    fn json_gives_the_same_law(law in any_law()) {
        let text = serde_json::to_string(&law).unwrap();
        prop_assert_eq!(serde_json::from_str::<Law>(&text).unwrap(), law);
    }
}

#[test]
fn known_values() {
    let law = rectified(1.0, 8.0, 2.0, 4.0);
    assert_eq!(law.loss(0.0), 3.0);
    approx::assert_relative_eq!(law.loss(2.0), 2.0, max_relative = 1e-14);
    approx::assert_relative_eq!(law.slope(2.0), -0.5, max_relative = 1e-14);
    assert_eq!(law.slope(0.0), 0.0);
    approx::assert_relative_eq!(law.curvature(0.0), -1.0, max_relative = 1e-14);
    approx::assert_relative_eq!(law.inflection().unwrap(), (4.0f64 / 3.0).sqrt(), max_relative = 1e-14);
    // S = 100 - 40 (0.5 X)^-0.5 at X = 200 is 96
    approx::assert_relative_eq!(Law::new(Form::Metric, &[40.0, 0.5, 0.5]).unwrap().loss(200.0), 4.0, max_relative = 1e-14);
    approx::assert_relative_eq!(Law::new(Form::Offset, &[1.0, 6.0, 0.5, 9.0]).unwrap().loss(0.0), 3.0, max_relative = 1e-14);
}

#[test]
fn the_ends_of_the_range_stay_numbers() {
    let laws = [
        Law::new(Form::Power, &[2.0, 0.3]).unwrap(),
        Law::new(Form::Offset, &[1.0, 6.0, 0.5, 9.0]).unwrap(),
        rectified(1.0, 1e200, 2.6, 1e200),
        rectified(1.0, 3.0, 0.4, 50.0),
        rectified(1.0, 3.0, 1.0, 50.0),
    ];
    for law in laws {
        for x in [0.0, 1e-300, 1e-10, 1.0, 1e10, 1e300] {
            for value in [law.loss(x), law.slope(x), law.ln_steepness(x), law.curvature(x)] {
                assert!(!value.is_nan(), "{law:?} at {x}");
            }
            assert!(law.slope(x) <= 0.0);
        }
        assert_eq!(law.loss(0.0).is_infinite(), law.has_pole());
    }
    assert_eq!(rectified(0.5, 1.0, 0.7, 0.0).loss(0.0), f64::INFINITY);
}

#[test]
fn a_law_nowhere_so_steep_gets_nothing() {
    assert_eq!(rectified(1.0, 8.0, 2.0, 4.0).pairs_at(0.0), 0.0);
    assert_eq!(rectified(1.0, 8.0, 1.0, 4.0).pairs_at(0.0), 0.0);
    assert_eq!(Law::new(Form::Offset, &[0.0, 1.0, 1.0, 10.0]).unwrap().pairs_at(0.0), 0.0);
}

#[test]
fn bad_parameters_are_named() {
    let error = Law::new(Form::PowerFloor, &[-0.5, 1.0, 1.0]).unwrap_err();
    assert_eq!(error.to_string(), "irreducible of a `power_floor` law is -0.5, expected a finite number not below 0");
    for (form, parameters) in [
        (Form::Power, vec![0.0, 1.0]),
        (Form::Power, vec![1.0, f64::NAN]),
        (Form::Metric, vec![1.0, 0.0, 1.0]),
        (Form::Offset, vec![1.0, 1.0, 1.0, f64::INFINITY]),
        (Form::Rectified, vec![1.0, 1.0, 1.0]),
    ] {
        assert!(Law::new(form, &parameters).is_err(), "{form} {parameters:?}");
    }
    assert!(serde_json::from_str::<Law>(r#"{"form":"power","scale":-1.0,"exponent":1.0}"#).is_err());
    assert!(serde_json::from_str::<Law>(r#"{"form":"power","scale":1.0,"exponent":1.0,"floor":1.0}"#).is_err());
}

#[test]
fn names_are_read_back() {
    for form in Form::ALL {
        assert_eq!(form.name().parse(), Ok(form));
        assert_eq!(serde_json::to_string(&form).unwrap(), format!("\"{form}\""));
    }
    assert!("chinchilla".parse::<Form>().is_err());
}
