//! Transfer in an allocation, against brute force in whole pairs.

use crate::allocate::{
    Amount, Coupling, Group, Objective, Policy, Problem, ProblemError, Rule, Term, compare,
    predict_losses,
};
use crate::law::{Form, Law, Repetition};

fn law(scale: f64, exponent: f64) -> Law {
    Law::new(Form::PowerFloor, &[1.0, scale, exponent]).unwrap()
}

/// Three languages; the first helps the second and harms the third, and has few pairs of its own to
/// repeat.
fn problem(budget: u64) -> Problem {
    let few = Term { repetition: Repetition::new(12.0, 2.0).ok(), ..Term::new("a", law(3.0, 0.4)) };
    let terms = vec![few, Term::new("b", law(4.0, 0.3)), Term::new("c", law(2.0, 0.6))];
    let coupling = Coupling {
        tau: vec![(1, 0, 0.5), (2, 0, -0.08), (0, 2, -0.05)],
        trusted_from: vec![3.0; 3],
        draws: vec![vec![0.4, 0.0, 0.0], vec![0.6, -0.1, -0.1]],
    };
    let draws = vec![
        vec![law(3.1, 0.4), law(4.0, 0.3), law(2.0, 0.6)],
        vec![law(3.0, 0.4), law(4.1, 0.3), law(2.1, 0.6)],
    ];
    Problem::new(terms, budget).unwrap().with_draws(draws).with_coupling(coupling).unwrap()
}

#[test]
fn the_optimum_is_that_of_brute_force() {
    for budget in [7u64, 40, 90] {
        let problem = problem(budget);
        let all = (0..=budget).flat_map(|a| (0..=budget - a).map(move |b| [a, b, budget - a - b]));
        let best = all.map(|pairs| problem.weighted_loss(&pairs)).fold(f64::INFINITY, f64::min);
        let found = problem.solve().unwrap();
        assert_eq!(found.pairs().iter().sum::<u64>(), budget);
        assert!(found.lower_bound <= best * (1.0 + 1e-12), "{} and {best}", found.lower_bound);
        // the continuous optimum rounded, then exchanged pair by pair
        assert!(
            found.objective <= best * (1.0 + 1e-12),
            "{} and {best} of {budget}",
            found.objective
        );
        assert_eq!(found.objective, problem.weighted_loss(&found.pairs()));
    }
}

#[test]
fn who_helps_gets_more_and_losses_are_those_of_effective_data() {
    let coupled = problem(90);
    let alone = coupled.uncoupled();
    assert!(coupled.solve().unwrap().pairs()[0] > alone.solve().unwrap().pairs()[0]);
    let pairs = [10, 50, 30];
    let expected =
        [law(3.0, 0.4).loss(10.0 - 1.5), law(4.0, 0.3).loss(55.0), law(2.0, 0.6).loss(30.0 - 0.8)];
    for (found, expected) in coupled.losses(&pairs).into_iter().zip(expected) {
        approx::assert_relative_eq!(found, expected, max_relative = 1e-12);
    }
    // gains a pair, against differences
    let found = coupled.coupling().unwrap().gains(coupled.terms(), &[10, 5000, 90]);
    let loss = |pairs: [u64; 3]| coupled.weighted_loss(&pairs);
    approx::assert_relative_eq!(
        found[1],
        (loss([10, 4999, 90]) - loss([10, 5001, 90])) / 2.0,
        max_relative = 1e-4
    );
    approx::assert_relative_eq!(
        found[2],
        (loss([10, 5000, 89]) - loss([10, 5000, 91])) / 2.0,
        max_relative = 1e-3
    );
}

#[test]
fn a_draw_has_taus_of_its_own_and_all_are_in_the_intervals() {
    let problem = problem(90);
    let drawn = problem.drawn(1).unwrap();
    approx::assert_relative_eq!(
        drawn.losses(&[10, 50, 30])[1],
        law(4.1, 0.3).loss(56.0),
        max_relative = 1e-12
    );
    let losses = predict_losses(&problem, &[vec![10, 50, 30]]).remove(0);
    assert!(
        losses[1].interval_90.lo <= law(4.1, 0.3).loss(56.0)
            && losses[1].interval_90.hi >= law(4.0, 0.3).loss(54.0) * 0.99
    );
    let comparison = compare(&problem, &[Policy::Uniform]).unwrap();
    assert_eq!(comparison.regret_formula_nats, None);
    assert!(comparison.expected_regret_nats >= -1e-9, "{}", comparison.expected_regret_nats);
}

#[test]
fn what_needs_a_loss_of_its_own_amount_is_refused() {
    let coupling = problem(90).coupling().unwrap().clone();
    let group =
        Group { name: "g".into(), members: vec![0], rule: Rule::AtMost, amount: Amount::Pairs(5) };
    let grouped =
        problem(90).uncoupled().with_groups(vec![group]).unwrap().with_coupling(coupling.clone());
    assert!(matches!(grouped, Err(ProblemError::Coupled { beside: "groups" })));
    let worst = problem(90)
        .uncoupled()
        .with_objective(Objective::Worst)
        .unwrap()
        .with_coupling(coupling)
        .unwrap_err();
    assert!(
        worst
            .to_string()
            .starts_with("transfer counts beside the worst language as objective, expected"),
        "{worst}"
    );
}
