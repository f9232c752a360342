//! What a comparison recommends, and where it recommends nothing.

use super::{bounded, law, term};
use crate::allocate::comparison::compare_with;
use crate::allocate::*;
use crate::law::{Form, Law};

fn laws() -> [Law; 2] {
    [1.0, 8.0].map(|scale| law(Form::Power, &[scale, 0.5]))
}

fn two(budget: u64) -> Problem {
    let [cheap, dear] = laws();
    Problem::new(vec![term("a", cheap), term("b", dear)], budget).unwrap()
}

fn held(name: &str, members: &[usize], rule: Rule, pairs: u64) -> Group {
    Group { name: name.to_owned(), members: members.to_vec(), rule, amount: Amount::Pairs(pairs) }
}

#[test]
fn where_one_allocation_is_left_there_is_nothing_to_choose() {
    let verdict = |problem: &Problem| compare(problem, &[]).unwrap().verdict(None);
    let [cheap, dear] = laws();
    let bounds = |a: (u64, u64), b: (u64, u64)| {
        let terms = vec![bounded("a", cheap, a.0, a.1), bounded("b", dear, b.0, b.1)];
        verdict(&Problem::new(terms, 5_000_u64).unwrap())
    };
    assert_eq!(bounds((2000, 5000), (3000, 5000)), Verdict::NoChoice, "the least are all there is");
    assert_eq!(bounds((0, 2000), (0, 3000)), Verdict::NoChoice, "the most are all there is");
    assert_eq!(
        bounds((1000, 1000), (0, 5000)),
        Verdict::NoChoice,
        "one is free, and the budget holds it"
    );
    assert_eq!(
        bounds((4999, 5000), (0, 5000)),
        Verdict::NoChoice,
        "the law of the other is infinite at 0 pairs"
    );
    assert_ne!(bounds((1000, 1001), (0, 5000)), Verdict::NoChoice);
    assert_eq!(Verdict::NoChoice.recommended(), Some(Policy::Parallot));
    let target = Target::Losses(vec![(0, cheap.loss(700.0)), (1, dear.loss(900.0))]);
    let least = least_budget(&two(50_000), &[], &target).unwrap();
    assert_eq!(
        verdict(&least),
        Verdict::NoChoice,
        "losses that are asked for say what everybody gets"
    );
    let both =
        vec![held("one", &[0], Rule::Exactly, 2000), held("all", &[0, 1], Rule::Exactly, 5000)];
    assert_eq!(
        verdict(&two(5_000).with_groups(both).unwrap()),
        Verdict::NoChoice,
        "two equations of two unknowns"
    );
}

#[test]
fn uniform_that_breaks_a_group_is_not_recommended() {
    let [cheap, dear] = laws();
    let problem = two(5_000).with_groups(vec![held("few", &[1], Rule::AtMost, 1000)]).unwrap();
    let comparison = compare(&problem.with_draws(vec![vec![cheap, dear]; 3]), &[]).unwrap();
    let verdict = comparison.verdict(None);
    assert!(
        matches!(verdict, Verdict::NoUniform { .. })
            && verdict.recommended() == Some(Policy::Parallot),
        "{verdict}"
    );
}

#[test]
fn an_optimum_that_is_not_proven_has_no_verdict_and_no_gain() {
    let [cheap, dear] = laws();
    let drawn = two(5_000).with_draws(vec![vec![cheap, dear]; 3]);
    let sure = compare(&drawn, &[Policy::DrawsMean, Policy::DrawsCvar(0.5)]).unwrap();
    let gain = sure.predicted().unwrap().gain_nats;
    assert!(gain > 0.0 && sure.slack_nats <= 1e-6);
    let draws: Vec<_> = sure
        .policies
        .iter()
        .map(|row| (row.gain_nats.is_some(), row.behind_nats.is_some()))
        .collect();
    assert_eq!(
        draws,
        [(true, false), (false, true), (true, false), (true, false)],
        "what the draws chose is not set against ours by them"
    );
    // a solver that fails leaves its bound behind
    let open = |slack: f64| {
        let mut allocation = drawn.solve().unwrap();
        allocation.lower_bound = allocation.objective - 2.0 * slack;
        compare_with(&drawn, &[], allocation).unwrap()
    };
    for slack in [0.06 * gain, 1.0, f64::INFINITY] {
        let comparison = open(slack);
        approx::assert_relative_eq!(comparison.slack_nats, slack, max_relative = 1e-9);
        assert_eq!(
            comparison.verdict(None),
            Verdict::Unproven { slack_nats: comparison.slack_nats }
        );
        assert_eq!((comparison.predicted(), comparison.policies[1].behind_nats), (None, None));
        assert_eq!(comparison.verdict(None).recommended(), None);
    }
    assert!(
        matches!(open(0.04 * gain).verdict(None), Verdict::Predicted { .. }),
        "a slack that nobody minds"
    );
}
