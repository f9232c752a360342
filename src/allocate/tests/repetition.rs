//! Problems whose languages repeat pairs, against brute force and against what defines them.

use super::{bounded, brute_force, law, pairs, some_law, term};
use crate::allocate::*;
use crate::law::{Average, Form, Law, Repetition};
use crate::numeric::differences::derivative;
use crate::numeric::random::{Item, Purpose, generator};
use proptest::prelude::*;
use rand_distr::{Distribution, StandardNormal};

fn repeating(term: Term, unique: f64, r_star: f64) -> Term {
    Term {
        repetition: Some(Repetition::new(unique, r_star).unwrap()),
        unique: Some(unique as u64),
        ..term
    }
}

/// Problems of two or three languages of a few unique pairs each; most amounts repeat some.
fn repeated(concave: bool) -> impl Strategy<Value = Problem> {
    let one = (some_law(concave), 0.2..3.0f64, 1..7u64, 0.3..8.0f64, 8..16u64);
    (prop::collection::vec(one, 2..=3), 0.3..1.0f64).prop_map(|(parts, fill)| {
        let one =
            |(i, (law, weight, unique, r_star, upper)): (usize, (Law, f64, u64, f64, u64))| {
                let term =
                    repeating(bounded(&format!("l{i}"), law, 0, upper), unique as f64, r_star);
                Term { weight, ..term }
            };
        let terms: Vec<Term> = parts.into_iter().enumerate().map(one).collect();
        let room: u64 = terms.iter().filter_map(|term| term.upper).sum();
        Problem::new(terms, ((fill * room as f64) as u64).max(3)).unwrap()
    })
}

fn worst(problem: &Problem, pairs: &[u64]) -> f64 {
    problem
        .terms()
        .iter()
        .zip(pairs)
        .map(|(term, &x)| term.weight * term.loss(x as f64))
        .fold(0.0, f64::max)
}

/// The least of a value over the whole allocations of a budget.
fn least(problem: &Problem, value: &dyn Fn(&[u64]) -> f64, so_far: &mut Vec<u64>) -> f64 {
    let left = problem.budget().amount() as u64 - so_far.iter().sum::<u64>();
    let Some(term) = problem.terms().get(so_far.len()) else {
        return if left == 0 { value(so_far) } else { f64::INFINITY };
    };
    let mut best = f64::INFINITY;
    for x in 0..=term.upper.unwrap_or(left).min(left) {
        so_far.push(x);
        best = best.min(least(problem, value, so_far));
        so_far.pop();
    }
    best
}

proptest! {
    #[test]
    fn whole_pairs_are_those_of_brute_force(problem in repeated(false), concave in repeated(true)) {
        for problem in [problem, concave] {
            let best = brute_force(&problem, &mut Vec::new());
            let allocation = problem.solve().unwrap();
            prop_assert!(
                (allocation.objective - best).abs() <= 1e-9 * best,
                "{} is not {best}: \
            {problem:?}",
                allocation.objective
            );
            prop_assert!(
                allocation.lower_bound <= best * (1.0 + 1e-12) && allocation.gap < 1e-9,
                "{allocation:?}"
            );
        }
    }

    #[test]
    fn the_worst_loss_is_least_and_targets_and_promises_go_by_worth(
        problem in repeated(false),
        slack in 0.0..0.3f64,
    ) {
        let best = least(&problem, &|pairs| worst(&problem, pairs), &mut Vec::new());
        let held = problem.clone().with_objective(Objective::Worst).unwrap().solve().unwrap();
        prop_assert!(
            (held.objective - best).abs() <= 1e-9 * best
                && held.lower_bound <= best * (1.0 + 1e-12),
            "{held:?}"
        );
        let uniform = Policy::Uniform.allocate(&problem).unwrap();
        prop_assume!(problem.weighted_loss(&uniform).is_finite());
        let promised = no_worse_than(&problem, &uniform, slack).unwrap().solve().unwrap();
        for ((term, &x), given) in problem.terms().iter().zip(&uniform).zip(pairs(&promised)) {
            prop_assert!(term.loss(given as f64) <= term.loss(x as f64) * (1.0 + slack + 1e-12));
        }
        let target = problem.terms()[0].loss(5.0);
        prop_assume!(target.is_finite() && problem.terms().iter().all(|term| term.least() == 0));
        let ample = problem.with_budget(Budget::ample(problem.terms(), false)).unwrap();
        let reached = least_budget(&ample, &[], &Target::Losses(vec![(0, target)])).unwrap();
        let first = (0..=5u64).find(|&x| problem.terms()[0].loss(x as f64) <= target).unwrap();
        prop_assert_eq!(reached.budget(), Budget::Pairs(first));
    }

    #[test]
    fn derivatives_are_those_of_the_loss(
        law in some_law(false),
        r_star in 0.5..20.0f64,
        part in 0.2..6.0f64,
    ) {
        prop_assume!((part - 1.0).abs() > 1e-2);
        let (term, x) = (repeating(term("a", law), 1000.0, r_star), 1000.0 * part);
        let slope = derivative(|x| term.loss(x), x, 1.0);
        prop_assert!(
            (term.slope(x) - slope).abs() <= 1e-6 * slope.abs() + 1e-12,
            "{} and {slope}",
            term.slope(x)
        );
        let curvature = derivative(|x| term.slope(x), x, 1.0);
        prop_assert!(
            (term.curvature(x) - curvature).abs() <= 1e-5 * curvature.abs() + 1e-15,
            "{} and {curvature}",
            term.curvature(x)
        );
        prop_assert!(
            (term.fall(x, x + 100.0) - (term.loss(x) - term.loss(x + 100.0))).abs()
                < 1e-12 * (1.0 + term.loss(x))
        );
    }
}

#[test]
fn pairs_go_from_repeats_to_what_is_new() {
    let same = law(Form::PowerFloor, &[1.0, 20.0, 0.4]);
    let terms = |few| vec![few, Term { upper: Some(100_000), ..term("many", same) }];
    let fresh = pairs(
        &Problem::new(terms(bounded("few", same, 0, 40_000)), 40_000_u64).unwrap().solve().unwrap(),
    );
    assert_eq!(fresh, [20_000, 20_000]);
    let few = repeating(bounded("few", same, 0, 40_000), 10_000.0, 2.0);
    let problem = Problem::new(terms(few), 40_000_u64).unwrap();
    let allocation = problem.solve().unwrap();
    let given = pairs(&allocation);
    assert!(given[0] > 10_000 && given[0] < 18_000, "{given:?}");
    assert_eq!(allocation.gap, 0.0);
    let best =
        (1..40_000).map(|x| problem.weighted_loss(&[x, 40_000 - x])).fold(f64::INFINITY, f64::min);
    assert!((allocation.objective - best).abs() <= 1e-14 * best);
    // a cap within the unique pairs leaves nothing to repeat
    let capped = |repetition| {
        Problem::new(terms(Term { repetition, ..bounded("few", same, 0, 10_000) }), 40_000_u64)
            .unwrap()
            .solve()
            .unwrap()
    };
    assert_eq!(capped(None), capped(Repetition::new(10_000.0, 2.0).ok()));
    for point in pareto_front(&problem, 5).unwrap() {
        assert!((point.worst_loss_nats - worst(&problem, &point.pairs)).abs() < 1e-12);
    }
}

#[test]
fn averages_groups_and_costs_repeat_as_well() {
    let bent = Average::new([
        (0.6, law(Form::Rectified, &[1.0, 4e6, 2.0, 1e6])),
        (0.4, law(Form::PowerFloor, &[1.0, 9.0, 0.3])),
    ])
    .unwrap();
    let other = law(Form::Offset, &[1.0, 20.0, 0.4, 10.0]);
    for (unique, r_star) in [(300.0, 3.0), (900.0, 0.5), (1500.0, 10.0)] {
        let terms = vec![
            repeating(Term::new("bent", bent.clone()), unique, r_star),
            repeating(term("b", other), 700.0, 2.0),
        ];
        let problem = Problem::new(terms, 4_000_u64).unwrap();
        let best = |problem: &Problem, from: u64| {
            (from..4_000)
                .map(|x| problem.weighted_loss(&[x, 4_000 - x]))
                .fold(f64::INFINITY, f64::min)
        };
        for (problem, from) in [
            (problem.clone(), 1),
            (
                problem
                    .clone()
                    .with_groups(vec![Group {
                        name: "g".into(),
                        members: vec![0],
                        rule: Rule::AtLeast,
                        amount: Amount::Pairs(3_000),
                    }])
                    .unwrap(),
                3_000,
            ),
            (problem.with_budget(Budget::Cost(4_000.0)).unwrap(), 1),
        ] {
            let (allocation, best) = (problem.solve().unwrap(), best(&problem, from));
            assert!(
                (allocation.objective - best).abs() <= 1e-9 * best,
                "{} is not {best}: {problem:?}",
                allocation.objective
            );
            assert!(
                allocation.lower_bound <= best * (1.0 + 1e-12) && allocation.gap < 1e-6,
                "{allocation:?}"
            );
        }
    }
}

#[test]
fn draws_of_the_worth_of_repeats_widen_losses_and_cost_regret() {
    let same = law(Form::PowerFloor, &[1.0, 20.0, 0.4]);
    let terms: Vec<Term> = (0..3)
        .map(|i| repeating(term(&format!("l{i}"), same), 2000.0 * f64::from(i + 1), 4.0))
        .collect();
    let mut generator = generator(9, Purpose::Planted, Item::All);
    let mut one = |_: usize| {
        let normal: f64 = StandardNormal.sample(&mut generator);
        Drawn { law: same, r_star: Some(4.0 * (0.1 * normal).exp()) }
    };
    let draws: Vec<Vec<Drawn>> = (0..1000).map(|_| (0..3).map(&mut one).collect()).collect();
    let problem = Problem::new(terms, 36_000_u64).unwrap().with_draws(draws.clone());
    let comparison = compare(&problem, &[]).unwrap();
    let ours = &comparison.policies[0];
    for (i, (loss, &x)) in ours.loss_nats.iter().zip(&ours.pairs).enumerate() {
        let mut drawn: Vec<f64> =
            draws.iter().map(|draw| problem.terms()[i].under(&draw[i]).loss(x as f64)).collect();
        drawn.sort_by(f64::total_cmp);
        assert!(loss.interval_90.lo < loss.value && loss.value < loss.interval_90.hi);
        approx::assert_relative_eq!(
            loss.interval_90.lo,
            crate::numeric::quantiles::quantile(&drawn, 0.05),
            max_relative = 1e-12
        );
    }
    approx::assert_relative_eq!(
        comparison.regret_formula_nats.unwrap(),
        comparison.expected_regret_nats,
        max_relative = 0.15
    );
    assert!(comparison.expected_regret_nats > 0.0);
    // CVaR over draws of the laws takes the effective data of repeats from the fit, and is whole
    // pairs with a bound
    let tail = problem.with_objective(Objective::Cvar(0.5)).unwrap().solve().unwrap();
    assert!(tail.gap < 1e-6 && pairs(&tail).iter().sum::<u64>() == 36_000, "{tail:?}");
}

#[test]
fn terms_of_older_files_repeat_nothing() {
    let plain = term("a", law(Form::Power, &[2.0, 0.3]));
    let text = serde_json::to_string(&plain).unwrap();
    assert!(!text.contains("repetition"));
    assert_eq!(serde_json::from_str::<Term>(&text).unwrap(), plain);
    let repeats = repeating(plain, 100.0, 3.0);
    assert_eq!(
        serde_json::from_str::<Term>(&serde_json::to_string(&repeats).unwrap()).unwrap(),
        repeats
    );
}
