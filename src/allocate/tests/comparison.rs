//! Baselines and a comparison by hand.

use super::*;

#[test]
fn baselines_by_hand() {
    let any = law(Form::Offset, &[1.0, 2.0, 0.5, 10.0]);
    let sized = |lang, unique, upper| Term { unique: Some(unique), upper, ..term(lang, any) };
    let problem = Problem::new(
        vec![sized("a", 100, None), sized("b", 900, None), sized("c", 10, Some(15))],
        100_u64,
    )
    .unwrap();
    assert_eq!(Policy::Uniform.allocate(&problem).unwrap(), [43, 42, 15]);
    assert_eq!(Policy::Proportional.allocate(&problem).unwrap(), [10, 89, 1]);
    // by square roots 10 : 30 : sqrt 10, of 100
    assert_eq!(Policy::Temperature(2.0).allocate(&problem).unwrap(), [23, 70, 7]);
    assert_eq!(Policy::UniMax(1.0).allocate(&problem).unwrap(), [45, 45, 10]);
    // 0.05 epochs hold 5 + 45 + 0; the other 50 raise the lowest first
    assert_eq!(Policy::UniMax(0.05).allocate(&problem).unwrap(), [40, 45, 15]);
    let unknown = Problem::new(vec![term("a", any), sized("b", 900, None)], 100_u64).unwrap();
    assert!(!Policy::Proportional.is_defined_for(&unknown));
    assert_eq!(Policy::Proportional.allocate(&unknown).unwrap(), [50, 50]);
}

#[test]
fn a_comparison_is_worked_out_by_hand() {
    let [cheap, dear] = [1.0, 8.0].map(|scale| law(Form::Power, &[scale, 0.5]));
    let terms = vec![term("a", cheap), term("b", dear)];
    let problem = Problem::new(terms, 5_000_u64).unwrap();
    // the first draw is the fit, the second has the languages the other way round, where our
    // allocation loses
    let comparison = compare(
        &problem.clone().with_draws(vec![vec![cheap, dear], vec![dear, cheap]]),
        &[Policy::Proportional],
    )
    .unwrap();
    assert_eq!(comparison.policies.len(), 2, "proportional needs unique pairs");
    let ours = &comparison.policies[0];
    let mean = |a: Law, b: Law, x: f64, y: f64| (a.loss(x) + b.loss(y)) / 2.0;
    let gains = [(cheap, dear), (dear, cheap)]
        .map(|(a, b)| mean(a, b, 2500.0, 2500.0) - mean(a, b, 1000.0, 4000.0));
    assert_eq!(ours.pairs, [1000, 4000]);
    // the first draw asks for our pairs and the second for theirs the other way round, of which the
    // fit thinks little
    let regret = (mean(cheap, dear, 4000.0, 1000.0) - mean(cheap, dear, 1000.0, 4000.0)) / 2.0;
    approx::assert_relative_eq!(comparison.noise_regret_nats, regret, max_relative = 1e-12);
    approx::assert_relative_eq!(comparison.expected_regret_nats, regret, max_relative = 1e-12);
    approx::assert_relative_eq!(
        ours.gain_nats.unwrap().value,
        (gains[0] + gains[1]) / 2.0 - 2.0 * regret,
        max_relative = 1e-12
    );
    assert!(gains[0] > 0.0 && gains[0] < 2.0 * regret);
    assert_eq!(
        (ours.behind_nats, comparison.policies[1].gain_nats),
        (None, None),
        "nothing is compared with itself"
    );
    assert!(comparison.shares[0].interval_90.contains(0.5) && comparison.shares[0].value == 0.2);
    assert_eq!(comparison.verdict(None).recommended(), Some(Policy::Uniform));
    let sure = compare(&problem.clone().with_draws(vec![vec![cheap, dear]]), &[]).unwrap();
    assert_eq!(sure.verdict(None).recommended(), Some(Policy::Parallot));
    assert!(
        sure.verdict(None).headline().starts_with(
            "parallot, by prediction, not measured: a gain over uniform of +0.0109 nats"
        )
    );
    assert!(compare(&problem, &[]).unwrap().verdict(None).headline().ends_with("has no interval"));
    let equal = Problem::new(vec![term("a", cheap), term("b", cheap)], 5_000_u64).unwrap();
    assert_eq!(compare(&equal, &[]).unwrap().verdict(None), Verdict::Same);
}
