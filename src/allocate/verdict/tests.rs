//! Tests of which policy a verdict recommends, and of what it says.

use super::digits::{grouped, signed};
use super::*;
use crate::units::{Estimate, Interval};

fn predicted(gain_nats: f64, lo: f64, hi: f64) -> Predicted {
    Predicted {
        gain_nats,
        draws_90: Some(Interval { lo, hi }),
        of: GainOf::Mean,
        by: PredictedBy::OneLanguage,
    }
}

fn measured(value: f64, lo: f64, hi: f64) -> Measured {
    let gain_nats = Estimate { value, interval_90: Interval { lo, hi } };
    Measured {
        budget: 28_370,
        asked: 28_370,
        seeds: 5,
        gain_nats,
        moved_share: 0.0,
        fits_changed: false,
    }
}

#[test]
fn a_prediction_is_followed_where_it_is_above_0_and_says_that_it_is_none_of_measurement() {
    let follow = Verdict::Predicted { predicted: predicted(0.021, 0.004, 0.038) };
    assert_eq!(follow.recommended(), Some(Policy::Parallot));
    assert_eq!(
        follow.to_string(),
        "parallot, by prediction, not measured: a gain over uniform of +0.0210 nats per \
        language \
         (+0.0040 to +0.0380, 90 % of the draws of the laws); by laws of models tuned on one \
        language; pooled models differ"
    );
    for (lo, hi, word) in
        [(-0.004, 0.009, "holds 0"), (0.0, 0.009, "holds 0"), (-0.009, -0.004, "is below 0")]
    {
        let keep = Verdict::Predicted { predicted: predicted(0.002, lo, hi) };
        assert_eq!(keep.recommended(), Some(Policy::Uniform));
        assert!(
            keep.to_string()
                .starts_with(&format!("keep uniform: the predicted gain of parallot {word}, ")),
            "{keep}"
        );
    }
    let no_draws =
        Verdict::Predicted { predicted: Predicted { draws_90: None, ..predicted(0.1, 0.0, 0.0) } };
    assert_eq!(no_draws.recommended(), Some(Policy::Uniform));
    assert!(
        no_draws.to_string().contains("+0.1000 nats per language, has no interval"),
        "{no_draws}"
    );
}

#[test]
fn what_was_measured_decides_whatever_was_predicted() {
    let sure = predicted(0.03, 0.025, 0.036);
    let of = |measured| Verdict::Measured { measured, predicted: sure };
    let lost = of(measured(-0.0319, -0.0382, -0.0256));
    assert_eq!(lost.recommended(), Some(Policy::Uniform));
    assert!(
        lost.to_string().starts_with("keep uniform: uniform won in models tuned on 28,370 pairs: "),
        "{lost}"
    );
    assert!(
        lost.to_string().contains("predicted is a gain over uniform of +0.0300 nats"),
        "{lost}"
    );
    let undecided = of(measured(0.0023, -0.0078, 0.0123));
    assert_eq!(undecided.recommended(), Some(Policy::Uniform));
    assert!(undecided.to_string().contains("neither won"), "{undecided}");
    let one = of(Measured { seeds: 1, ..measured(0.2, f64::NEG_INFINITY, f64::INFINITY) });
    assert_eq!(one.recommended(), Some(Policy::Uniform));
    assert!(
        one.to_string().contains("one seed, which has no interval")
            && !one.to_string().contains("inf"),
        "{one}"
    );
    assert_eq!(of(measured(0.0133, 0.0059, 0.0207)).recommended(), Some(Policy::Parallot));
}

#[test]
fn a_win_elsewhere_counts_where_the_laws_promise_one_here() {
    let won = measured(0.0133, 0.0059, 0.0207);
    let unsure = predicted(0.001, -0.001, 0.003);
    let of = |measured, predicted| Verdict::Measured { measured, predicted };
    assert_eq!(of(won, unsure).recommended(), Some(Policy::Parallot), "the very mix was measured");
    let elsewhere = Measured { asked: 30_000, fits_changed: true, moved_share: 0.124, ..won };
    assert_eq!(of(elsewhere, unsure).recommended(), Some(Policy::Uniform));
    let kept = of(elsewhere, predicted(0.02, 0.01, 0.03));
    assert_eq!(kept.recommended(), Some(Policy::Parallot));
    for word in [
        "28,370 pairs, not at the 30,000 asked for",
        "another mix: 12 % of the pairs",
        "the fits have changed since",
    ] {
        assert!(kept.to_string().contains(word), "{word}: {kept}");
    }
}

#[test]
fn numbers_keep_two_digits() {
    assert_eq!(
        (eye(0.000_012_34), eye(0.0), signed(-0.25)),
        ("0.000012".into(), "0.0000".into(), "-0.2500".into())
    );
    assert_eq!((grouped(0), grouped(1_002_003)), ("0".into(), "1,002,003".into()));
    let infinite = Verdict::Unproven { slack_nats: f64::INFINITY };
    assert_eq!((infinite.recommended(), infinite.to_string().contains("inf")), (None, false));
}
