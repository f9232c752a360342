//! Allocations against the conditions of optimality, brute force, closed forms, and the impossible
//! twin of each problem.

mod cases;
mod comparison;
mod coupling;
mod draws;
mod fair;
mod general;
mod repetition;
mod verdict;

use super::*;
use crate::law::{Form, Law};
use proptest::prelude::*;

pub(super) fn law(form: Form, parameters: &[f64]) -> Law {
    Law::new(form, parameters).unwrap()
}

fn term(lang: &str, law: Law) -> Term {
    Term::new(lang, law)
}

fn bounded(lang: &str, law: Law, lower: u64, upper: u64) -> Term {
    Term { lower, upper: Some(upper), ..term(lang, law) }
}

fn pairs(allocation: &Allocation) -> Vec<u64> {
    allocation.languages.iter().map(|language| language.pairs).collect()
}

/// Laws without a pole, with one, and, where `concave`, S-shaped within a few pairs of 0.
fn some_law(concave: bool) -> impl Strategy<Value = Law> {
    let beta = if concave { 1.1..3.5f64 } else { 0.1..1.0f64 };
    (0..3usize, 0.0..2.0f64, 0.5..20.0f64, beta, 0.0..60.0f64).prop_map(
        move |(form, floor, scale, beta, shape)| match form + 3 * usize::from(concave) {
            0 => law(Form::PowerFloor, &[floor, scale, beta]),
            1 => law(Form::Offset, &[floor, scale, beta, shape + 0.1]),
            2 => law(Form::Rectified, &[floor, scale, beta, shape + 0.1]),
            _ => law(Form::Rectified, &[floor, scale * shape.max(1.0), beta, shape + 0.1]),
        },
    )
}

/// Problems of a few languages with bounds and weights, feasible by making.
fn problem(concave: bool, languages: usize, most: u64) -> impl Strategy<Value = Problem> {
    let one = (some_law(concave), 0.2..3.0f64, 0..most / 4 + 1, 1..most + 1, 0..4u8, 1..most + 1);
    (prop::collection::vec(one, 1..=languages), 0.0..1.0f64).prop_map(move |(parts, fill)| {
        let terms: Vec<Term> = (parts.into_iter().enumerate())
            .map(|(i, (law, weight, lower, more, kind, unique))| Term {
                weight: if kind == 3 && i > 0 { 0.0 } else { weight },
                lower: if kind == 0 { 0 } else { lower },
                upper: (kind != 1).then_some(lower + more),
                unique: Some(unique),
                ..Term::new(format!("l{i}"), law)
            })
            .collect();
        let least: u64 = terms.iter().map(Term::least).sum();
        let room: u64 = terms.iter().map(|term| term.upper.unwrap_or(most) - term.least()).sum();
        Problem::new(terms, least + (fill * room as f64) as u64).unwrap()
    })
}

/// The budget, pairs.
fn spent(problem: &Problem) -> u64 {
    problem.budget().amount() as u64
}

fn feasible(problem: &Problem, pairs: &[u64]) -> bool {
    let within =
        |(term, &x): (&Term, &u64)| term.lower <= x && term.upper.is_none_or(|upper| x <= upper);
    pairs.iter().sum::<u64>() == spent(problem) && problem.terms().iter().zip(pairs).all(within)
}

/// The least objective over every whole allocation.
fn brute_force(problem: &Problem, so_far: &mut Vec<u64>) -> f64 {
    let Some(term) = problem.terms().get(so_far.len()) else {
        return if feasible(problem, so_far) {
            problem.weighted_loss(so_far)
        } else {
            f64::INFINITY
        };
    };
    let left = spent(problem) - so_far.iter().sum::<u64>();
    let mut best = f64::INFINITY;
    for x in term.lower..=term.upper.unwrap_or(left).min(left) {
        so_far.push(x);
        best = best.min(brute_force(problem, so_far));
        so_far.pop();
    }
    best
}

/// Bounds, exact budget, stationarity in whole pairs (no pair is worth more elsewhere), bounds that
/// hold only who should be held.
fn check_optimality(problem: &Problem, allocation: &Allocation) {
    let pairs = pairs(allocation);
    assert!(feasible(problem, &pairs), "{pairs:?} of {problem:?}");
    let taken = problem.terms().iter().zip(&pairs).filter(|(term, x)| **x > term.least());
    let given = problem
        .terms()
        .iter()
        .zip(&pairs)
        .filter(|(term, x)| term.upper.is_none_or(|upper| **x < upper));
    let gain = |term: &Term, x: u64| {
        if term.weight == 0.0 { 0.0 } else { term.weight * term.fall(x as f64, x as f64 + 1.0) }
    };
    let smallest = taken.map(|(term, &x)| gain(term, x - 1)).fold(f64::INFINITY, f64::min);
    let largest = given.map(|(term, &x)| gain(term, x)).fold(0.0, f64::max);
    assert!(
        smallest >= largest * (1.0 - 1e-12),
        "a pair of gain {smallest} was taken, one of {largest} left: {problem:?}"
    );
    assert_eq!(allocation.shadow_price, largest);
    assert_eq!(allocation.gap, 0.0, "a convex problem of whole pairs is solved exactly");
}

proptest! {
    #[test]
    fn convex_problems_meet_the_conditions_of_optimality(problem in problem(false, 8, 100_000)) {
        check_optimality(&problem, &problem.solve().unwrap());
    }

    #[test]
    fn no_baseline_is_better(
        problem in problem(false, 6, 5_000),
        concave in problem(true, 6, 500),
    ) {
        for problem in [problem, concave] {
            let allocation = problem.solve().unwrap();
            prop_assert!(allocation.gap >= 0.0 && allocation.gap < 1e-9, "gap {}", allocation.gap);
            for policy in [
                Policy::Uniform,
                Policy::Proportional,
                Policy::Temperature(3.0),
                Policy::UniMax(2.0),
            ] {
                let pairs = policy.allocate(&problem).unwrap();
                prop_assert!(feasible(&problem, &pairs), "{policy}: {pairs:?} of {problem:?}");
                prop_assert!(
                    allocation.objective <= problem.weighted_loss(&pairs) * (1.0 + 1e-14),
                    "{policy}"
                );
            }
        }
    }

    #[test]
    fn brute_force_finds_nothing_better(
        convex in problem(false, 4, 14),
        concave in problem(true, 4, 14),
    ) {
        for problem in [convex, concave] {
            let allocation = problem.solve().unwrap();
            let best = brute_force(&problem, &mut Vec::new());
            prop_assert!(
                (allocation.objective - best).abs() <= 1e-12 * best,
                "{} is not {best}: \
            {problem:?}",
                allocation.objective
            );
            prop_assert!(allocation.lower_bound <= best * (1.0 + 1e-14));
        }
    }

    #[test]
    fn more_budget_takes_pairs_from_no_language(
        problem in problem(false, 6, 5_000),
        more in 1..500u64,
    ) {
        let (before, Ok(richer)) =
            (problem.solve().unwrap(), problem.with_budget(spent(&problem) + more))
        else {
            return Ok(());
        };
        let after = richer.solve().unwrap();
        prop_assert!(after.objective <= before.objective);
        prop_assert!(
            pairs(&before).iter().zip(pairs(&after)).all(|(before, after)| *before <= after)
        );
    }

    #[test]
    fn order_does_not_matter(problem in problem(false, 6, 5_000)) {
        let mut terms = problem.terms().to_vec();
        terms.reverse();
        let reversed = Problem::new(terms, spent(&problem)).unwrap().solve().unwrap();
        let allocation = problem.solve().unwrap();
        for (a, b) in allocation.languages.iter().zip(reversed.languages.iter().rev()) {
            // equal gains may go to either
            prop_assert!(
                a.pairs.abs_diff(b.pairs) <= 1,
                "{} has {} or {}",
                a.lang,
                a.pairs,
                b.pairs
            );
        }
    }
}

#[test]
fn power_laws_have_a_closed_form() {
    // X_i ~ (w a)^(1/(1+b)) for a common exponent b
    let terms =
        vec![term("a", law(Form::Power, &[1.0, 0.5])), term("b", law(Form::Power, &[8.0, 0.5]))];
    let allocation = Problem::new(terms, 5_000_000_u64).unwrap().solve().unwrap();
    assert_eq!(pairs(&allocation), [1_000_000, 4_000_000]);
    // dF/dB = -0.5 X_a^-1.5
    approx::assert_relative_eq!(
        allocation.shadow_price,
        0.5 * 1e6f64.powf(-1.5),
        max_relative = 1e-5
    );
    approx::assert_relative_eq!(
        allocation.languages[0].marginal_gain_per_1k,
        500.0 * 1e6f64.powf(-1.5),
        max_relative = 1e-12
    );
}

#[test]
fn a_steep_s_shape_is_funded_all_or_nothing() {
    // below its transition this law hardly falls, so a local search from 0 never pays for it
    let steep = law(Form::Rectified, &[1.0, 4e12, 4.0, 1e12]);
    let gentle = law(Form::PowerFloor, &[1.0, 2.0, 0.2]);
    let funded = |budget| {
        pairs(
            &Problem::new(vec![term("steep", steep), term("gentle", gentle)], budget)
                .unwrap()
                .solve()
                .unwrap(),
        )[0]
    };
    assert_eq!(funded(300), 0);
    assert!(funded(5_000) > 1_500, "{}", funded(5_000));
    let twins = vec![term("a", steep), term("b", steep), term("c", steep)];
    let allocation = Problem::new(twins, 3_000_u64).unwrap().solve().unwrap();
    assert!(pairs(&allocation).contains(&0) && allocation.gap < 1e-9, "{allocation:?}");
}

#[test]
fn languages_of_weight_0_get_their_lower_bound_until_the_others_are_full() {
    let pole = law(Form::Power, &[5.0, 0.5]);
    let idle = |lang| Term { weight: 0.0, ..bounded(lang, pole, 0, 100) };
    let terms = vec![idle("idle"), bounded("a", pole, 0, 50), idle("other")];
    assert_eq!(pairs(&Problem::new(terms.clone(), 40_u64).unwrap().solve().unwrap()), [0, 40, 0]);
    assert_eq!(pairs(&Problem::new(terms, 61_u64).unwrap().solve().unwrap()), [6, 50, 5]);
}

#[test]
fn impossible_twins_say_by_how_much() {
    let convex = law(Form::Offset, &[1.0, 2.0, 0.5, 10.0]);
    let pole = law(Form::Power, &[5.0, 0.5]);
    let two = vec![bounded("a", convex, 10, 40), bounded("b", convex, 20, 40)];
    let error =
        |terms: Vec<Term>, budget: u64| Problem::new(terms, budget).unwrap_err().to_string();
    assert!(Problem::new(two.clone(), 30_u64).is_ok() && Problem::new(two.clone(), 80_u64).is_ok());
    assert_eq!(
        error(two.clone(), 29),
        "budget of 29 pairs is 1 below the lower bounds, which sum to 30"
    );
    assert_eq!(
        error(two.clone(), 85),
        "budget of 85 pairs is 5 above the upper bounds, which sum to 80; capped are `a`, `b`"
    );
    assert_eq!(error(vec![], 1), "there is no language to give pairs to, expected at least one");
    assert_eq!(
        error(vec![two[0].clone(), two[0].clone()], 50),
        "`a` stands twice in the problem, expected once"
    );
    assert_eq!(
        error(vec![bounded("a", convex, 9, 8)], 8),
        "lower bound of `a` is 9 pairs, above its upper bound of 8"
    );
    for weight in [f64::NAN, -1.0, f64::INFINITY] {
        assert!(error(vec![Term { weight, ..two[0].clone() }], 20).starts_with("weight of `a` is"));
    }
    assert_eq!(
        error(vec![Term { weight: 0.0, ..two[0].clone() }], 20),
        "weights sum to 0, expected a finite number above 0"
    );
    let text = "no finite loss: `a`, `b` get no pair and their laws are infinite there, \
        expected a budget of at least 2 pairs and upper bounds above 0";
    assert_eq!(error(vec![term("a", pole), term("b", pole)], 1), text);
    assert!(
        error(vec![bounded("a", pole, 0, 0), term("b", pole)], 9)
            .starts_with("no finite loss: `a` get")
    );
    // sums that an u64 does not hold
    let huge =
        vec![bounded("a", convex, u64::MAX, u64::MAX), bounded("b", convex, u64::MAX, u64::MAX)];
    assert!(matches!(
        Problem::new(huge, 9_u64),
        Err(ProblemError::BelowLower { short, .. }) if short == 2.0 * u64::MAX as f64 - 9.0
    ));
    assert!(matches!(Problem::new(two, u64::MAX), Err(ProblemError::TooLarge { .. })));
}

#[test]
fn scales_from_hundreds_to_billions() {
    let laws = [1e2f64, 1e6, 1e10].map(|half| law(Form::Offset, &[1.0, half.powf(0.4), 0.4, half]));
    let terms = laws.iter().enumerate().map(|(i, &law)| term(&format!("l{i}"), law)).collect();
    let problem = Problem::new(terms, 20_000_000_000_u64).unwrap();
    check_optimality(&problem, &problem.solve().unwrap());
}

#[test]
fn the_path_leaves_out_impossible_budgets() {
    let any = law(Form::Offset, &[1.0, 2.0, 0.5, 10.0]);
    let problem =
        Problem::new(vec![bounded("a", any, 10, 40_u64), bounded("b", any, 10, 40)], 50).unwrap();
    let budgets: Vec<Budget> = budget_path(&problem, &[10, 20, 50, 80, 90].map(Budget::Pairs))
        .iter()
        .map(|at| at.budget)
        .collect();
    assert_eq!(budgets, [20, 50, 80].map(Budget::Pairs));
}

#[test]
fn ten_thousand_languages() {
    let terms: Vec<Term> = (0..10_000)
        .map(|i| {
            let spread = f64::from(i % 997) / 997.0;
            let law = law(
                Form::Rectified,
                &[1.0 + spread, 50.0 + 400.0 * spread, 0.3 + 0.5 * spread, 20.0 + spread],
            );
            Term { weight: 0.5 + f64::from(i % 89) / 89.0, ..term(&format!("l{i}"), law) }
        })
        .collect();
    let problem = Problem::new(terms, 1_000_000_000_u64).unwrap();
    let start = std::time::Instant::now();
    let allocation = problem.solve().unwrap();
    println!("10000 languages in {:?}", start.elapsed());
    check_optimality(&problem, &allocation);
}
