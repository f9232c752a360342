//! Validation of made-up records whose answers are known by hand.

use super::*;
use crate::allocate::{Finding, Measured, Policy, Problem, Term};
use crate::law::{Form, Law};
use crate::record::{Evaluation, MixRow, Outcome, RunRecord, Subject};
use crate::units::{Estimate, Interval, Lang, Nats, Pairs, Tokens};

fn lang(code: &str) -> Lang {
    code.parse().unwrap()
}

fn record(seed: u64, losses: [f64; 2]) -> RunRecord {
    let evaluation = |(code, loss): (&str, f64)| Evaluation {
        lang: lang(code),
        nats: Nats(100.0 * loss),
        target_tokens: Tokens(100),
        target_bytes: 300,
        pairs: Pairs(10),
    };
    RunRecord {
        run_id: format!("{seed}"),
        parallot: "test".into(),
        sweep: "x".into(),
        subject: Subject::Mixture(
            ["rus_Cyrl", "vie_Latn"]
                .map(|code| MixRow { lang: lang(code), pairs: Pairs(5) })
                .to_vec(),
        ),
        seed,
        device: "cpu".into(),
        threads: 1,
        stack: None,
        outcome: Outcome::Finished(
            ["rus_Cyrl", "vie_Latn"].into_iter().zip(losses).map(evaluation).collect(),
        ),
        calibration: Vec::new(),
        untuned: Vec::new(),
        steps: 1,
        train_tokens: Tokens(1),
        computed_tokens: None,
        train_loss_nats: None,
        wall_seconds: 0.0,
        tokens_per_second: None,
    }
}

#[test]
fn a_shift_is_a_line_through_what_mixtures_lose_on_the_calibration_half() {
    let parts = [2.0, 2.2, 1.8, 2.0];
    // two halves by chance: parts of mean 2 whose standard deviation is sqrt(0.08 / 3)
    let halves = 2.0 * (0.08 / 3.0 / 4.0) / 4.0;
    let line = |dev: f64| (dev, 1.1 * dev * (dev / 2.0).powf(-0.3));
    let shift = Shift::calibrated("rus_Cyrl", &[line(1.0), line(2.0), line(4.0)], &parts).unwrap();
    approx::assert_relative_eq!(shift.slope, -0.3, max_relative = 1e-12);
    approx::assert_relative_eq!(shift.ratio, 1.1, max_relative = 1e-12);
    approx::assert_relative_eq!(shift.at_nats, 2.0, max_relative = 1e-12);
    approx::assert_relative_eq!(shift.error_log, f64::sqrt(halves), max_relative = 1e-9);
    approx::assert_relative_eq!(shift.test_nats(3.0), line(3.0).1, max_relative = 1e-12);
    // one that leaves the line by 2 %, and the others by what it takes with it
    let off = Shift::calibrated(
        "rus_Cyrl",
        &[line(2.0), (2.0, line(2.0).1 * 1.02), line(2.0), line(2.0)],
        &parts,
    )
    .unwrap();
    let variance = 1.02f64.ln().powi(2) * 0.75 / 2.0;
    approx::assert_relative_eq!(
        off.error_log,
        (variance * 1.25 + halves).sqrt(),
        max_relative = 1e-9
    );
    assert_eq!(Shift::calibrated("rus_Cyrl", &[line(1.0), line(2.0)], &parts), None);
}

fn predicted(policy: Policy, loss: f64, gain: f64) -> PolicyPrediction {
    let estimate =
        |value: f64| Estimate { value, interval_90: Interval { lo: value - 0.1, hi: value + 0.1 } };
    PolicyPrediction {
        policy,
        stands_for: Vec::new(),
        pairs: vec![4, 6],
        loss_nats: vec![estimate(loss), estimate(loss)],
        gain_nats: estimate(gain),
        coupled: None,
    }
}

fn prediction() -> Prediction {
    Prediction {
        parallot: "test".into(),
        source: "x".into(),
        fits_sha256: "0".into(),
        base_id: "0".into(),
        budget: 10,
        langs: vec!["rus_Cyrl".into(), "vie_Latn".into()],
        weights: vec![1.0, 3.0],
        seeds: vec![1, 2, 3],
        shifts: vec![],
        policies: vec![predicted(Policy::Parallot, 2.0, 0.1), predicted(Policy::Uniform, 2.2, 0.0)],
        is_hindsight: false,
    }
}

#[test]
fn gains_are_paired_over_seeds() {
    // by hand: gains of seeds 1 to 3 are (0.1 + 3 * 0.2) / 4, the same, and (0.2 + 3 * 0.2) / 4
    let ours = [[2.0, 2.0], [2.1, 2.0], [2.0, 2.0]];
    let uniform = [[2.1, 2.2], [2.2, 2.2], [2.2, 2.2]];
    let of = |losses: [[f64; 2]; 3]| {
        (1..).zip(losses).map(|(seed, losses)| record(seed, losses)).collect::<Vec<_>>()
    };
    let validation = Validation::new("test", "abc", &prediction(), &[of(ours), of(uniform)]);
    let gain = validation.policies[0].measured_gain_nats.unwrap();
    let (mean, error) = (11.0 / 60.0, 1.0 / 120.0);
    approx::assert_relative_eq!(gain.value, mean, max_relative = 1e-12);
    // t of 2 degrees of freedom at 0.95, from a printed table
    approx::assert_relative_eq!(gain.interval_90.hi, mean + 2.919_986 * error, max_relative = 1e-6);
    assert!(matches!(validation.winner(), Winner::Parallot { .. }), "{}", validation.verdict);
    assert_eq!(validation.policies[1].measured_gain_nats, None);
    assert_eq!(
        validation.policies[1].measured_behind_nats,
        Some(gain),
        "what ours gains over uniform, uniform is behind"
    );
    assert_eq!(validation.policies[0].measured_behind_nats, None);
    assert_eq!(validation.held(), (4, 4));
    approx::assert_relative_eq!(
        validation.policies[0].losses[0].measured_nats,
        6.1 / 3.0,
        max_relative = 1e-12
    );
    let swapped = Validation::new("test", "abc", &prediction(), &[of(uniform), of(ours)]);
    assert!(matches!(swapped.winner(), Winner::Uniform { .. }), "{}", swapped.verdict);
    assert!(swapped.held().0 < 4);
}

#[test]
fn laws_with_transfer_win_where_they_are_nearer_in_every_language() {
    let mut prediction = prediction();
    let estimate = |value: f64| Estimate {
        value,
        interval_90: Interval { lo: value - 0.05, hi: value + 0.05 },
    };
    let measured = [[2.2, 2.3], [2.4, 2.5]];
    for (row, losses) in prediction.policies.iter_mut().zip(measured) {
        row.coupled = Some(Coupled {
            loss_nats: losses.map(|loss| estimate(loss + 0.01)).to_vec(),
            gain_nats: estimate(0.2),
        });
    }
    let records = measured.map(|losses| vec![record(1, losses)]);
    let coupled = Validation::new("test", "abc", &prediction, &records).coupled.unwrap();
    assert_eq!((coupled.held, coupled.losses), (4, 4));
    // by hand: mean over policies of |ln measured - ln predicted| without transfer, less the same
    // with it
    let russian =
        ((2.2f64 / 2.0).ln() + (2.4f64 / 2.2).ln() + (2.2f64 / 2.21).ln() + (2.4f64 / 2.41).ln())
            / 2.0;
    let vietnamese =
        ((2.3f64 / 2.0).ln() + (2.5f64 / 2.2).ln() + (2.3f64 / 2.31).ln() + (2.5f64 / 2.51).ln())
            / 2.0;
    approx::assert_relative_eq!(
        coupled.better_by_log.value,
        (russian + vietnamese) / 2.0,
        max_relative = 1e-12
    );
    assert!(coupled.separable_error_log > 5.0 * coupled.coupled_error_log);
    prediction.policies[0].coupled = None;
    assert_eq!(
        Validation::new("test", "abc", &prediction, &records).coupled,
        None,
        "half a comparison is none"
    );
}

#[test]
fn diverged_seeds_are_named_and_leave_the_pairs() {
    let diverged = |seed| RunRecord {
        outcome: Outcome::Diverged { step: 3, reason: "loss".into() },
        ..record(seed, [0.0; 2])
    };
    let ours = vec![record(1, [2.0, 2.0]), diverged(2)];
    let uniform = vec![diverged(1), record(2, [2.2, 2.2])];
    let none = Validation::new("test", "abc", &prediction(), &[ours.clone(), uniform]);
    assert_eq!(none.winner(), Winner::Unmeasured);
    let all = Validation::new("test", "abc", &prediction(), &[vec![diverged(1)], vec![]]);
    let read: Validation = serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
    assert!(
        read.policies[0].mean_loss_nats.is_nan(),
        "a policy that never finished can be written and read"
    );
    assert_eq!(none.policies[0].diverged, [2]);
    let one = Validation::new("test", "abc", &prediction(), &[ours, vec![record(1, [2.2, 2.2])]]);
    assert!(
        matches!(one.winner(), Winner::Undecided { gain } if gain.interval_90.hi == f64::INFINITY),
        "{}",
        one.verdict
    );
    assert_eq!(
        one.verdict,
        "undecided: parallot gains +0.2000 nats per language (one seed, which has no interval) \
        over uniform"
    );
}

#[test]
fn a_shift_is_the_ratio_of_the_sets_with_the_chance_of_their_sentences() {
    let shift = Shift::new("a", &[1.0, 1.1, 0.9], &[2.0, 2.0, 2.0]);
    approx::assert_relative_eq!(shift.ratio, 2.0, max_relative = 1e-12);
    approx::assert_relative_eq!(shift.error_log, 0.1 / 3f64.sqrt(), max_relative = 1e-12);
}

/// What a validation says of an allocation of so many pairs to two languages, under weights 1 and
/// 3.
fn measured(validation: &Validation, pairs: [u64; 2], weights: [f64; 2]) -> Option<Measured> {
    let law = Law::new(Form::PowerFloor, &[1.0, 5.0, 0.3]).unwrap();
    let term = |(at, weight)| Term { weight, ..Term::new(["rus_Cyrl", "vie_Latn"][at], law) };
    let terms: Vec<Term> = weights.into_iter().enumerate().map(term).collect();
    let problem =
        Problem::new(terms.clone(), pairs.iter().sum::<u64>()).unwrap().with_least(&pairs).unwrap();
    nearest(
        std::slice::from_ref(validation),
        Asked {
            terms: &terms,
            allocation: &problem.solve().unwrap(),
            is_mean: true,
            fits_sha256: "0",
        },
    )
    .map(|(_, measured)| measured)
}

#[test]
fn a_validation_answers_its_own_question_and_names_the_differences() {
    let of = |losses: [f64; 2]| (1..=3).map(|seed| record(seed, losses)).collect::<Vec<_>>();
    let validation =
        Validation::new("test", "abc", &prediction(), &[of([2.0, 2.0]), of([2.1, 2.1])]);
    let same = measured(&validation, [4, 6], [1.0, 3.0]).unwrap();
    assert_eq!(
        (same.budget, same.asked, same.seeds, same.moved_share, same.fits_changed),
        (10, 10, 3, 0.0, false)
    );
    assert_eq!(same.finding(), Finding::Parallot);
    assert!(same.is_of_this_mix());
    // weights are known up to a factor
    assert!(measured(&validation, [4, 6], [2.0, 6.0]).is_some());
    assert_eq!(measured(&validation, [4, 6], [1.0, 1.0]), None, "another question");
    let other = measured(&validation, [12, 8], [1.0, 3.0]).unwrap();
    approx::assert_relative_eq!(other.moved_share, 0.2, max_relative = 1e-12);
    assert_eq!(other.asked, 20);
    assert!(!other.is_of_this_mix());
    let old = Validation { fits_sha256: String::new(), weights: Vec::new(), ..validation };
    assert_eq!(measured(&old, [4, 6], [1.0, 3.0]), None, "files without weights are of equal ones");
    assert!(measured(&old, [4, 6], [1.0, 1.0]).unwrap().fits_changed);
}

#[test]
fn of_several_validations_the_nearest_budget_counts() {
    let of = |losses: [f64; 2]| vec![record(1, losses)];
    let at = |budget: u64| {
        let mut validation =
            Validation::new("test", "abc", &prediction(), &[of([2.0, 2.0]), of([2.1, 2.1])]);
        validation.budget = budget;
        validation
    };
    let law = Law::new(Form::PowerFloor, &[1.0, 5.0, 0.3]).unwrap();
    let terms: Vec<Term> = [("rus_Cyrl", 1.0), ("vie_Latn", 3.0)]
        .map(|(lang, weight)| Term { weight, ..Term::new(lang, law) })
        .to_vec();
    let budget = |asked: u64| {
        let allocation = Problem::new(terms.clone(), asked).unwrap().solve().unwrap();
        let validations = [at(10), at(1000)];
        let asked =
            Asked { terms: &terms, allocation: &allocation, is_mean: true, fits_sha256: "0" };
        assert_eq!(
            nearest(&validations, Asked { is_mean: false, ..asked }),
            None,
            "the worst language was not measured"
        );
        nearest(&validations, asked).unwrap().1.budget
    };
    // in factors, not in pairs
    assert_eq!((budget(5), budget(90), budget(110), budget(5000)), (10, 10, 1000, 1000));
    let unfinished = Validation::new("test", "abc", &prediction(), &[vec![], of([2.1, 2.1])]);
    let allocation = Problem::new(terms.clone(), 10_u64).unwrap().solve().unwrap();
    assert_eq!(
        unfinished.measured(Asked {
            terms: &terms,
            allocation: &allocation,
            is_mean: true,
            fits_sha256: "0"
        }),
        None
    );
}
