//! Draws of the laws: the regret that they predict, their tail, and the groups that they keep to.

use super::{law, pairs, term};
use crate::allocate::*;
use crate::law::{Form, Law};
use crate::numeric::random::{Item, Purpose, generator};
use rand_distr::{Distribution, StandardNormal};

/// Laws of one exponent whose scales are drawn: errors of the ln marginal gains are those of the ln
/// scales.
#[test]
fn the_formula_predicts_the_regret_of_noisy_laws() {
    let mut generator = generator(5, Purpose::Planted, Item::All);
    let (exponents, sd) = ([0.2, 0.35, 0.5, 0.3], 0.2);
    let truth: Vec<Law> =
        exponents.iter().map(|&exponent| law(Form::PowerFloor, &[1.0, 30.0, exponent])).collect();
    let noisy = |generator: &mut rand_chacha::ChaCha8Rng| -> Vec<Law> {
        let scale = |generator: &mut rand_chacha::ChaCha8Rng| {
            30.0 * (sd * {
                let z: f64 = StandardNormal.sample(generator);
                z
            })
            .exp()
        };
        exponents
            .iter()
            .map(|&exponent| law(Form::PowerFloor, &[1.0, scale(generator), exponent]))
            .collect()
    };
    let problem = |laws: &[Law]| {
        let terms = laws.iter().enumerate().map(|(i, &law)| term(&format!("l{i}"), law)).collect();
        Problem::new(terms, 100_000_u64).unwrap()
    };
    let true_problem = problem(&truth);
    let best = true_problem.weighted_loss(&pairs(&true_problem.solve().unwrap()));
    let regrets: Vec<f64> = (0..2000)
        .map(|_| {
            (true_problem.weighted_loss(&pairs(&problem(&noisy(&mut generator)).solve().unwrap()))
                - best)
                / 4.0
        })
        .collect();
    let simulated = regrets.iter().sum::<f64>() / regrets.len() as f64;
    let draws = (0..2000).map(|_| noisy(&mut generator)).collect();
    let comparison = compare(&true_problem.with_draws(draws), &[]).unwrap();
    approx::assert_relative_eq!(
        comparison.regret_formula_nats.unwrap(),
        simulated,
        max_relative = 0.1
    );
    approx::assert_relative_eq!(comparison.expected_regret_nats, simulated, max_relative = 0.1);
    approx::assert_relative_eq!(comparison.noise_regret_nats, simulated, max_relative = 0.1);
}

#[test]
fn the_tail_over_draws_is_hedged() {
    let steep = law(Form::PowerFloor, &[1.0, 30.0, 0.5]);
    let flat = law(Form::PowerFloor, &[1.0, 30.0, 0.1]);
    let sure = law(Form::PowerFloor, &[1.0, 30.0, 0.3]);
    // nobody knows whether the first language learns
    let draws: Vec<Vec<Law>> =
        (0..40).map(|draw| vec![if draw % 4 == 0 { flat } else { steep }, sure]).collect();
    let problem = Problem::new(vec![term("a", steep), term("b", sure)], 10_000_u64)
        .unwrap()
        .with_draws(draws.clone());
    let tail = |given: &[u64]| {
        let mut losses: Vec<f64> = draws
            .iter()
            .map(|laws| laws[0].loss(given[0] as f64) + laws[1].loss(given[1] as f64))
            .collect();
        losses.sort_by(f64::total_cmp);
        losses[36..].iter().sum::<f64>() / 4.0
    };
    let plain = pairs(&problem.solve().unwrap());
    let hedged = problem.clone().with_objective(Objective::Cvar(0.9)).unwrap().solve().unwrap();
    approx::assert_relative_eq!(hedged.objective, tail(&pairs(&hedged)), max_relative = 1e-9);
    assert!(tail(&pairs(&hedged)) < tail(&plain) && hedged.gap < 1e-6, "{plain:?} {hedged:?}");
    assert_eq!(pairs(&hedged).iter().sum::<u64>(), 10_000);
    assert_eq!(
        problem.clone().with_objective(Objective::Cvar(1.0)).unwrap_err(),
        ProblemError::Level { found: 1.0 }
    );
    assert_eq!(
        problem
            .with_draws(Vec::<Vec<Law>>::new())
            .with_objective(Objective::Cvar(0.5))
            .unwrap_err(),
        ProblemError::NoDraws
    );
}

/// Draws are optima of the same problem: their pairs keep to the groups, up to what rounding moves,
/// so that none is better than ours by breaking them.
#[test]
fn draws_keep_to_the_groups() {
    let mut rng = generator(5, Purpose::Planted, Item::All);
    let fitted = [20.0, 25.0, 30.0];
    let mut drawn = |scale: f64| {
        let error: f64 = StandardNormal.sample(&mut rng);
        law(Form::PowerFloor, &[1.0, scale * (0.02 * error).exp(), 0.4])
    };
    let draws: Vec<Vec<Law>> =
        (0..40).map(|_| fitted.iter().map(|scale| drawn(*scale)).collect()).collect();
    let terms = fitted
        .iter()
        .enumerate()
        .map(|(i, scale)| term(&format!("l{i}"), law(Form::PowerFloor, &[1.0, *scale, 0.4])))
        .collect();
    let group = Group {
        name: "g".to_owned(),
        members: vec![0, 2],
        rule: Rule::AtLeast,
        amount: Amount::Share(0.8),
    };
    let problem = Problem::new(terms, 3_000_u64)
        .unwrap()
        .with_groups(vec![group])
        .unwrap()
        .with_draws(draws.clone());
    for laws in &draws {
        let given = pairs(&problem.with_laws(laws).unwrap().solve().unwrap());
        assert!(given[0] + given[2] >= 2_399, "{given:?}");
    }
    let comparison = compare(&problem, &[]).unwrap();
    assert!(
        comparison.noise_regret_nats >= 0.0 && comparison.noise_regret_nats < 1e-3,
        "{}",
        comparison.noise_regret_nats
    );
}
