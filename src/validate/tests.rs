//! Validation of made-up records whose answers are known by hand.

use super::*;
use crate::allocate::Policy;
use crate::record::{Evaluation, Outcome, RunRecord};
use crate::units::{Estimate, Interval, Lang, Nats, Pairs, Tokens};

fn lang(code: &str) -> Lang {
    code.parse().unwrap()
}

fn record(seed: u64, losses: [f64; 2], outcome: Outcome) -> RunRecord {
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
        lang: None,
        mix: Vec::new(),
        pairs: Pairs(10),
        seed,
        device: "cpu".into(),
        threads: 1,
        stack: None,
        outcome,
        steps: 1,
        train_tokens: Tokens(1),
        computed_tokens: None,
        train_loss_nats: None,
        wall_seconds: 0.0,
        tokens_per_second: None,
        evaluations: ["rus_Cyrl", "vie_Latn"].into_iter().zip(losses).map(evaluation).collect(),
    }
}

fn foretold(policy: Policy, loss: f64, gain: f64) -> Foretold {
    let estimate = |value: f64| Estimate { value, interval_90: Interval { lo: value - 0.1, hi: value + 0.1 } };
    Foretold {
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
        policies: vec![foretold(Policy::Parallot, 2.0, 0.1), foretold(Policy::Uniform, 2.2, 0.0)],
        is_hindsight: false,
    }
}

#[test]
fn gains_are_paired_over_seeds() {
    // by hand: gains of seeds 1 to 3 are (0.1 + 3 * 0.2) / 4, the same, and (0.2 + 3 * 0.2) / 4
    let ours = [[2.0, 2.0], [2.1, 2.0], [2.0, 2.0]];
    let uniform = [[2.1, 2.2], [2.2, 2.2], [2.2, 2.2]];
    let of = |losses: [[f64; 2]; 3]| (1..).zip(losses).map(|(seed, losses)| record(seed, losses, Outcome::Finished)).collect::<Vec<_>>();
    let validation = Validation::new("test", "abc", &prediction(), &[of(ours), of(uniform)]);
    let gain = validation.policies[0].measured_gain_nats.unwrap();
    let (mean, error) = (11.0 / 60.0, 1.0 / 120.0);
    approx::assert_relative_eq!(gain.value, mean, max_relative = 1e-12);
    // t of 2 degrees of freedom at 0.95, from a printed table
    approx::assert_relative_eq!(gain.interval_90.hi, mean + 2.919_986 * error, max_relative = 1e-6);
    assert!(matches!(validation.winner(), Winner::Parallot { .. }), "{}", validation.verdict);
    assert_eq!(validation.policies[1].measured_gain_nats, None);
    assert_eq!(validation.policies[1].measured_behind_nats, Some(gain), "what ours gains over uniform, uniform is behind");
    assert_eq!(validation.policies[0].measured_behind_nats, None);
    assert_eq!(validation.held(), (4, 4));
    approx::assert_relative_eq!(validation.policies[0].losses[0].measured_nats, 6.1 / 3.0, max_relative = 1e-12);
    let swapped = Validation::new("test", "abc", &prediction(), &[of(uniform), of(ours)]);
    assert!(matches!(swapped.winner(), Winner::Uniform { .. }), "{}", swapped.verdict);
    assert!(swapped.held().0 < 4);
}

#[test]
fn laws_with_transfer_win_where_they_are_nearer_in_every_language() {
    let mut prediction = prediction();
    let estimate = |value: f64| Estimate { value, interval_90: Interval { lo: value - 0.05, hi: value + 0.05 } };
    let measured = [[2.2, 2.3], [2.4, 2.5]];
    for (row, losses) in prediction.policies.iter_mut().zip(measured) {
        row.coupled = Some(Coupled { loss_nats: losses.map(|loss| estimate(loss + 0.01)).to_vec(), gain_nats: estimate(0.2) });
    }
    let records = measured.map(|losses| vec![record(1, losses, Outcome::Finished)]);
    let coupled = Validation::new("test", "abc", &prediction, &records).coupled.unwrap();
    assert_eq!((coupled.held, coupled.losses), (4, 4));
    // by hand: mean over policies of |ln measured - ln foretold| without transfer, less the same with it
    let russian = ((2.2f64 / 2.0).ln() + (2.4f64 / 2.2).ln() + (2.2f64 / 2.21).ln() + (2.4f64 / 2.41).ln()) / 2.0;
    let vietnamese = ((2.3f64 / 2.0).ln() + (2.5f64 / 2.2).ln() + (2.3f64 / 2.31).ln() + (2.5f64 / 2.51).ln()) / 2.0;
    approx::assert_relative_eq!(coupled.better_by_log.value, (russian + vietnamese) / 2.0, max_relative = 1e-12);
    assert!(coupled.separable_error_log > 5.0 * coupled.coupled_error_log);
    prediction.policies[0].coupled = None;
    assert_eq!(Validation::new("test", "abc", &prediction, &records).coupled, None, "half a comparison is none");
}

#[test]
fn diverged_seeds_are_named_and_leave_the_pairs() {
    let diverged = || Outcome::Diverged { step: 3, reason: "loss".into() };
    let ours = vec![record(1, [2.0, 2.0], Outcome::Finished), record(2, [2.0, 2.0], diverged())];
    let uniform = vec![record(1, [2.1, 2.1], diverged()), record(2, [2.2, 2.2], Outcome::Finished)];
    let none = Validation::new("test", "abc", &prediction(), &[ours.clone(), uniform]);
    assert_eq!(none.winner(), Winner::Unmeasured);
    assert_eq!(none.policies[0].diverged, [2]);
    let one = Validation::new("test", "abc", &prediction(), &[ours, vec![record(1, [2.2, 2.2], Outcome::Finished)]]);
    assert!(matches!(one.winner(), Winner::Undecided { gain } if gain.interval_90.hi == f64::INFINITY), "{}", one.verdict);
    assert_eq!(one.verdict, "undecided: parallot gains +0.2000 nats a language (one seed, which has no interval) over uniform");
}

#[test]
fn a_shift_is_the_ratio_of_the_sets_with_the_chance_of_their_sentences() {
    let shift = Shift::new("a", &[1.0, 1.1, 0.9], &[2.0, 2.0, 2.0]);
    approx::assert_relative_eq!(shift.ratio, 2.0, max_relative = 1e-12);
    approx::assert_relative_eq!(shift.error_log, 0.1 / 3f64.sqrt(), max_relative = 1e-12);
}
