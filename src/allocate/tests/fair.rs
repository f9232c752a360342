//! Fair shares against their condition: no language can come nearer to what all pairs would bring
//! it unless another, as far from it or farther, moves away.

use super::*;

/// How far each language is above what all pairs would bring it, in ln loss.
fn excesses(problem: &Problem, pairs: &[u64]) -> Vec<f64> {
    let losses = problem.losses(pairs).into_iter().zip(problem.terms());
    losses.map(|(loss, term)| (loss / problem.budget().loss_alone(term)).ln()).collect()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn languages_of_equal_weight_are_equally_far_from_what_all_pairs_would_bring() {
    let laws = [(0.5, 6.0, 0.2), (1.5, 30.0, 0.45), (0.1, 3.0, 0.12)];
    let terms = laws.map(|(floor, scale, beta)| {
        term(&format!("{beta}"), law(Form::PowerFloor, &[floor, scale, beta]))
    });
    let problem = Problem::new(terms.to_vec(), 30_000).unwrap();
    let fair = problem.clone().with_fair_weights().unwrap();
    let fair = fair.with_objective(Objective::Fair).unwrap();
    let far = excesses(&problem, &pairs(&fair.solve().unwrap()));
    assert!(far.iter().all(|excess| (excess - far[0]).abs() < 1e-4), "{far:?}");
    for policy in [Policy::Uniform, Policy::Parallot] {
        let other = excesses(&problem, &policy.allocate(&problem).unwrap());
        assert!(largest(&other) > far[0] + 1e-3, "{policy}: {other:?}");
    }
}

#[test]
fn means_go_by_the_weights_that_were_asked_for() {
    let terms = [(2.0, 6.0), (1.0, 40.0)].map(|(weight, scale)| Term {
        weight,
        ..term(&format!("{scale}"), law(Form::PowerFloor, &[0.5, scale, 0.3]))
    });
    let problem = Problem::new(terms.to_vec(), 9_000).unwrap();
    let fair = problem.clone().with_fair_weights().unwrap();
    let fair = fair.with_objective(Objective::Fair).unwrap();
    let mean = |problem: &Problem| {
        let rows = compare(problem, &[Policy::Parallot, Policy::Uniform]).unwrap().policies;
        rows[1].mean_loss_nats.value
    };
    approx::assert_relative_eq!(mean(&fair), mean(&problem), max_relative = 1e-12);
    assert_ne!(fair.terms()[0].weight, 2.0);
    assert_eq!(fair.with_asked_weights().terms()[0].weight, 2.0);
}

proptest! {
    #[test]
    fn no_exchange_of_a_pair_brings_the_farthest_nearer(problem in problem(false, 4, 2_000)) {
        let terms = problem.terms().iter();
        let terms = terms.map(|term| Term { weight: 1.0, ..term.clone() }).collect();
        let problem = Problem::new(terms, problem.budget()).unwrap();
        let fair = problem.clone().with_fair_weights().unwrap();
        let fair = fair.with_objective(Objective::Fair).unwrap();
        let ours = pairs(&fair.solve().unwrap());
        let least = largest(&excesses(&problem, &ours));
        prop_assume!(least.is_finite());
        for from in 0..ours.len() {
            for to in 0..ours.len() {
                let (giver, taker) = (&problem.terms()[from], &problem.terms()[to]);
                let can_take = taker.upper.is_none_or(|upper| ours[to] < upper);
                if from == to || ours[from] <= giver.least() || !can_take {
                    continue;
                }
                let mut other = ours.clone();
                (other[from], other[to]) = (other[from] - 1, other[to] + 1);
                let other = largest(&excesses(&problem, &other));
                prop_assert!(other >= least - 1e-9, "{other} below {least}");
            }
        }
    }
}
