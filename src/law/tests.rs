//! Laws against differences, closed forms and the ends of the range of an `f64`.

use super::*;
use crate::numeric::differences::derivative;
use proptest::prelude::*;

/// Laws of every form over the ranges that fits meet.
pub(super) fn any_law() -> impl Strategy<Value = Law> {
    let numbers = (0.0..3.0f64, -2.0..6.0f64, 0.05..2.5f64, 0.0..8.0f64, 0.0..1.5f64, 0.02..3.0f64);
    (0..Form::ALL.len(), numbers).prop_map(
        |(form, (irreducible, ln_scale, exponent, ln_shape, other, width))| {
            let (scale, shape) = (ln_scale.exp(), ln_shape.exp() - 1.0);
            match Form::ALL[form] {
                Form::Metric => Law::new(Form::Metric, &[scale, 0.5 + irreducible, exponent]),
                Form::Power => Law::new(Form::Power, &[scale, exponent]),
                Form::PowerFloor => Law::new(Form::PowerFloor, &[irreducible, scale, exponent]),
                Form::Offset => Law::new(Form::Offset, &[irreducible, scale, exponent, shape]),
                Form::Rectified => {
                    Law::new(Form::Rectified, &[irreducible, scale, exponent, shape])
                }
                Form::Bnsl => {
                    // half of them without a pole
                    let before = (other - 0.75).max(0.0);
                    Law::new(
                        Form::Bnsl,
                        &[irreducible, scale, before, exponent, 1.0 + shape, width],
                    )
                }
                Form::M4 => Law::new(
                    Form::M4,
                    &[irreducible, irreducible + 0.1 + width, scale, exponent, other + 0.1],
                ),
                Form::Joint => unreachable!("no form of curves"),
            }
            .unwrap()
        },
    )
}

fn rectified(irreducible: f64, scale: f64, exponent: f64, transition: f64) -> Law {
    Law::new(Form::Rectified, &[irreducible, scale, exponent, transition]).unwrap()
}

proptest! {
    #[test]
    fn derivatives_agree_with_differences(law in any_law(), ln_x in 0.0..12.0f64) {
        let x = ln_x.exp();
        // falls from next to x keep the digits that differences of losses lose
        let slope = -derivative(|to| law.fall(0.999 * x, to), x, 1e-3 * x);
        prop_assert!((law.slope(x) - slope).abs() <= 1e-6 * slope.abs() + 1e-300, "{law:?} at {x}: \
        {} and {slope}", law.slope(x));
        let curvature = derivative(|x| law.slope(x), x, 1e-3 * x);
        let scale = curvature.abs() + 1e-2 * law.slope(x).abs() / x;
        prop_assert!((law.curvature(x) - curvature).abs() <= 1e-4 * scale, "{law:?} at {x}: {} and \
        {curvature}", law.curvature(x));
    }

    #[test]
    fn losses_fall_and_falls_are_their_differences(
        law in any_law(),
        ln_x in 0.0..12.0f64,
        factor in 1.0..3.0f64,
    ) {
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
    fn convexity_is_the_sign_of_the_curvature(law in any_law(), ln_x in -4.0..12.0f64) {
        let x = ln_x.exp();
        match law.concave_range() {
            None => prop_assert!(law.is_convex() && law.curvature(x) >= 0.0, "{:?} at {}", law, x),
            Some((from, to)) => {
                // at an inflection itself the sign is that of rounding
                prop_assume!((x / from - 1.0).abs() > 1e-9 && (x / to - 1.0).abs() > 1e-9);
                prop_assert_eq!(
                    law.curvature(x) < 0.0,
                    from < x && x < to,
                    "{:?} at {}: {}",
                    law,
                    x,
                    law.curvature(x)
                );
            }
        }
    }

    #[test]
    fn no_end_of_the_range_is_without_a_number(law in any_law()) {
        for x in [0.0, f64::MIN_POSITIVE, 1e-300, 1e-10, 1.0, 1e10, 1e300] {
            let values = [
                law.loss(x),
                law.reducible(x),
                law.slope(x),
                law.ln_steepness(x),
                law.curvature(x),
                law.fall(x, 2.0 * x),
            ];
            prop_assert!(values.iter().all(|value| !value.is_nan()), "{law:?} at {x}: {values:?}");
            prop_assert!(
                law.slope(x) <= 0.0 && law.fall(x, 1e300) >= 0.0 && law.fall(0.0, x) >= 0.0,
                "{law:?} at {x}"
            );
        }
        prop_assert_eq!(law.loss(0.0).is_infinite(), law.has_pole());
    }

    #[test]
    fn the_law_that_m4_solves_is_its_definition(
        e in 0.0..3.0f64,
        s in 0.1..5.0f64,
        ln_b in -3.0..9.0f64,
        c in 0.05..2.5f64,
        a in 0.1..4.0f64,
        ln_x in -5.0..25.0f64,
    ) {
        let (law, x) = (Law::new(Form::M4, &[e, e + s, ln_b.exp(), c, a]).unwrap(), ln_x.exp());
        // above E the loss has as many digits as its reducible part, below L0 as the fall from
        // there
        let (above, below) = (law.reducible(x), law.fall(0.0, x));
        prop_assert!(
            (above.ln() - a * below.ln() - ln_b + c * ln_x).abs()
                <= 1e-12 * (1.0 + a) * (10.0 + ln_x.abs() * c),
            "{law}"
        );
        prop_assert!((above + below - s).abs() <= 1e-14 * s);
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
    approx::assert_relative_eq!(
        law.inflection().unwrap(),
        (4.0f64 / 3.0).sqrt(),
        max_relative = 1e-14
    );
    // S = 100 - 40 (0.5 X)^-0.5 at X = 200 is 96
    approx::assert_relative_eq!(
        Law::new(Form::Metric, &[40.0, 0.5, 0.5]).unwrap().loss(200.0),
        4.0,
        max_relative = 1e-14
    );
    approx::assert_relative_eq!(
        Law::new(Form::Offset, &[1.0, 6.0, 0.5, 9.0]).unwrap().loss(0.0),
        3.0,
        max_relative = 1e-14
    );
}

#[test]
fn forms_that_are_one_form_give_one_loss() {
    let floor = Law::new(Form::PowerFloor, &[1.0, 6.0, 0.4]).unwrap();
    let unbroken = Law::new(Form::Bnsl, &[1.0, 6.0, 0.4, 0.4, 300.0, 0.5]).unwrap();
    let shifted = (
        Law::new(Form::Offset, &[1.0, 6.0, 0.4, 300.0]).unwrap(),
        Law::new(Form::Bnsl, &[1.0, 6.0 * 300f64.powf(-0.4), 0.0, 0.4, 300.0, 1.0]).unwrap(),
    );
    let flat =
        (rectified(1.0, 90.0, 1.7, 30.0), Law::new(Form::M4, &[1.0, 4.0, 30.0, 1.7, 1.0]).unwrap());
    for x in [0.01, 1.0, 40.0, 300.0, 1e4, 1e8] {
        for (one, other) in [(floor, unbroken), shifted, flat] {
            approx::assert_relative_eq!(one.loss(x), other.loss(x), max_relative = 1e-13);
            approx::assert_relative_eq!(one.slope(x), other.slope(x), max_relative = 1e-12);
            approx::assert_relative_eq!(one.curvature(x), other.curvature(x), max_relative = 1e-9);
        }
    }
    approx::assert_relative_eq!(
        flat.0.inflection().unwrap(),
        flat.1.inflection().unwrap(),
        max_relative = 1e-13
    );
    for (one, other) in [shifted, flat] {
        approx::assert_relative_eq!(one.loss(0.0), other.loss(0.0), max_relative = 1e-14);
        approx::assert_relative_eq!(one.slope(0.0), other.slope(0.0), max_relative = 1e-14);
        approx::assert_relative_eq!(one.curvature(0.0), other.curvature(0.0), max_relative = 1e-14);
    }
}

#[test]
fn a_sharp_break_is_concave_between_two_convex_parts() {
    let law = Law::new(Form::Bnsl, &[0.0, 5.0, 0.1, 1.0, 1e4, 0.05]).unwrap();
    let (from, to) = law.concave_range().unwrap();
    assert!(0.0 < from && from < 1e4 && 1e4 < to, "{from} and {to}");
    assert_eq!(law.convex_from(), to);
    // the same change of exponent over a wide break bends no curve down
    assert!(Law::new(Form::Bnsl, &[0.0, 5.0, 0.1, 1.0, 1e4, 3.0]).unwrap().is_convex());
    // nor does a break that flattens
    assert!(Law::new(Form::Bnsl, &[0.0, 5.0, 1.0, 0.1, 1e4, 0.05]).unwrap().is_convex());
}

#[test]
fn extreme_parameters_stay_numbers() {
    let laws = [
        Law::new(Form::Power, &[2.0, 40.0]).unwrap(),
        rectified(1.0, 1e200, 2.6, 1e200),
        rectified(1.0, 3.0, 1.0, 50.0),
        Law::new(Form::Bnsl, &[1.0, 1e200, 0.0, 1e-3, 1e-200, 1e-6]).unwrap(),
        Law::new(Form::Bnsl, &[1.0, 1e-200, 30.0, 1e-3, 1e200, 1e6]).unwrap(),
        Law::new(Form::M4, &[1.0, 1.0 + 1e-15, 1e200, 1e-3, 1e-6]).unwrap(),
        Law::new(Form::M4, &[0.0, 1e200, 1e-200, 30.0, 1e6]).unwrap(),
    ];
    for law in laws {
        for x in [0.0, 1e-300, 1e-10, 1.0, 1e10, 1e300] {
            for value in [
                law.loss(x),
                law.slope(x),
                law.ln_steepness(x),
                law.curvature(x),
                law.fall(x, 1e301),
            ] {
                assert!(!value.is_nan(), "{law:?} at {x}");
            }
        }
    }
    assert_eq!(rectified(0.5, 1.0, 0.7, 0.0).loss(0.0), f64::INFINITY);
}

#[test]
fn bad_parameters_are_named() {
    let error = Law::new(Form::PowerFloor, &[-0.5, 1.0, 1.0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "irreducible of a `power_floor` law is -0.5, expected a finite number not below 0"
    );
    let error = Law::new(Form::M4, &[2.0, 1.5, 1.0, 1.0, 1.0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "start of a `m4` law is 1.5, expected a number above the irreducible loss"
    );
    for (form, parameters) in [
        (Form::Power, vec![0.0, 1.0]),
        (Form::Power, vec![1.0, f64::NAN]),
        (Form::Metric, vec![1.0, 0.0, 1.0]),
        (Form::Offset, vec![1.0, 1.0, 1.0, f64::INFINITY]),
        (Form::Rectified, vec![1.0, 1.0, 1.0]),
        (Form::Bnsl, vec![1.0, 1.0, -0.1, 1.0, 9.0, 1.0]),
        (Form::Bnsl, vec![1.0, 1.0, 0.1, 0.0, 9.0, 1.0]),
        (Form::M4, vec![1.0, 4.0, 1.0, 0.5, 0.0]),
    ] {
        assert!(Law::new(form, &parameters).is_err(), "{form} {parameters:?}");
    }
    assert!(
        serde_json::from_str::<Law>(r#"{"form":"power","scale":-1.0,"exponent":1.0}"#).is_err()
    );
    assert!(
        serde_json::from_str::<Law>(r#"{"form":"power","scale":1.0,"exponent":1.0,"floor":1.0}"#)
            .is_err()
    );
}

#[test]
fn names_are_read_back() {
    for form in Form::ALL {
        assert_eq!(form.name().parse(), Ok(form));
        assert_eq!(serde_json::to_string(&form).unwrap(), format!("\"{form}\""));
    }
    let bnsl = Law::new(Form::Bnsl, &[1.0, 2.0, 0.1, 0.5, 40.0, 0.3]).unwrap();
    let text = r#"{"form":"bnsl","irreducible":1.0,"scale":2.0,"exponent":0.1,"exponent_after":0.5,"break":40.0,"width":0.3}"#;
    assert_eq!(serde_json::to_string(&bnsl).unwrap(), text);
    assert!("chinchilla".parse::<Form>().is_err());
}

#[test]
fn a_joint_law_at_one_total_is_a_law() {
    let setting = joint::Setting {
        interference: joint::Interference::Loss,
        references: joint::References { own: 1000.0, rest: 5000.0, low: 100.0 },
        unique: Some(3000.0),
    };
    let at = joint::AtTotal::new(
        joint::Joint::from_array([1.0, -1.0, -0.3, 5.0, 1.5, -3.0, -0.2, 0.1]),
        setting,
        9000.0,
    );
    let law = Law::at_total(at);
    for pairs in [1.0, 30.0, 400.0, 2999.0, 5000.0, 8900.0, 20_000.0] {
        approx::assert_relative_eq!(law.loss(pairs), at.jet(pairs).value, max_relative = 1e-12);
        approx::assert_relative_eq!(law.slope(pairs), at.jet(pairs).first, max_relative = 1e-12);
        approx::assert_relative_eq!(
            law.fall(pairs, pairs + 1.0),
            law.loss(pairs) - law.loss(pairs + 1.0),
            max_relative = 1e-6
        );
        let shape = law.shape();
        approx::assert_relative_eq!(
            shape.amount_at(shape.ln_reducible(pairs)),
            pairs,
            max_relative = 1e-9
        );
    }
    let text = serde_json::to_string(&law).unwrap();
    assert!(text.starts_with(r#"{"form":"joint","level":1.0"#), "{text}");
    assert_eq!(serde_json::from_str::<Law>(&text).unwrap(), law);
    let error =
        serde_json::from_str::<Law>(&text.replace("9000.0", "-9000.0")).unwrap_err().to_string();
    assert!(error.contains("a `joint` law has 14 finite parameters"), "{error}");
    // no flag asks for it: no curve is fitted to it
    assert!("joint".parse::<Form>().is_err());
}
