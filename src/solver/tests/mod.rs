//! Answers against published optima, against random feasible amounts, against brute force, and
//! against themselves in other units.

mod attacked;
mod bad_input;
mod hard_cases;
mod impossible;
mod random;
mod signed;

use crate::solver::*;
use proptest::prelude::*;
use random::{PLAIN, Traits, problems};
use serde_json::{Value, json};
use std::path::Path;

/// The answer to a problem in the schema.
pub(crate) fn answer(problem: &Value) -> (PosedProblem, Result<Solution, SolveError>) {
    let file = ProblemFile::read(&problem.to_string(), Syntax::Json).unwrap();
    let problem = PosedProblem::new(file.parts(|_| None).unwrap()).unwrap();
    let answer = solve(&problem);
    (problem, answer)
}

/// The word of an answer's status.
fn status(answer: &Result<Solution, SolveError>) -> &'static str {
    answer.as_ref().map_or_else(SolveError::word, |solution| solution.status.word())
}

pub(crate) fn solved(problem: &Value) -> Solution {
    let (_, answer) = answer(problem);
    assert_eq!(status(&answer), "optimal", "{answer:?} of {problem}");
    answer.unwrap()
}

/// The largest relative violation of bounds, budget and groups.
pub(crate) fn violation(parts: &Parts, x: &[f64]) -> f64 {
    let relative = |off: f64, size: f64| off / size.abs().max(1.0);
    let mut worst: f64 = 0.0;
    for (language, &x) in parts.languages.iter().zip(x) {
        worst = worst.max(relative(language.lower - x, language.lower));
        worst = worst.max(language.upper.map_or(0.0, |upper| relative(x - upper, upper)));
        worst =
            worst.max(language.grain.map_or(0.0, |grain| (x / grain - (x / grain).round()).abs()));
    }
    let spent: f64 = parts.languages.iter().zip(x).map(|(language, x)| language.cost * x).sum();
    let budget = parts.budget;
    worst = worst.max(relative(
        if parts.is_exact { (spent - budget).abs() } else { spent - budget },
        budget,
    ));
    for group in &parts.rows {
        let at: f64 = group.terms.iter().map(|&(j, a)| a * x[j]).sum();
        let off = match group.rule {
            Rule::AtMost => at - group.amount,
            Rule::AtLeast => group.amount - at,
            Rule::Exactly => (at - group.amount).abs(),
        };
        worst = worst.max(relative(off, group.amount));
    }
    worst
}

/// Every published case: status, feasibility, objective, a true and tight bound, exact whole
/// numbers.
#[test]
fn shared_cases_are_solved_and_proven() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alloc_cases");
    let paths = crate::files::list(&folder, "json").unwrap();
    assert!(paths.len() >= 32, "only {} cases", paths.len());
    for path in paths {
        let case: Value = serde_json::from_str(&crate::files::read_text(&path).unwrap()).unwrap();
        let (name, expected) = (case["id"].as_str().unwrap(), &case["expected"]);
        let (problem, answer) = answer(&case);
        assert_eq!(status(&answer), expected["status"], "{name}");
        let Ok(solved) = answer else { continue };
        let number = |key: &str| expected[key].as_str().unwrap().parse::<f64>().unwrap();
        let (objective, reducible) = (number("objective"), number("objective") - number("floor"));
        assert!(violation(problem.parts(), &solved.x) <= 1e-12, "{name}: {:?}", solved.x);
        let tolerance = expected["tolerance"]["objective"].as_f64().unwrap();
        assert!(
            (solved.objective - objective).abs() <= tolerance * reducible,
            "{name}: {} is not {objective}",
            solved.objective
        );
        assert!(
            solved.lower_bound <= objective,
            "{name}: the bound {} is above {objective}",
            solved.lower_bound
        );
        let gap =
            if case["tags"].as_array().unwrap().contains(&json!("sshaped")) { 1e-8 } else { 1e-9 };
        assert!(
            objective - solved.lower_bound <= gap * reducible,
            "{name}: the bound {} is far below",
            solved.lower_bound
        );
        for (i, steps) in expected["steps"].as_array().into_iter().flatten().enumerate() {
            let grain = problem.parts().languages[i].grain.unwrap();
            assert_eq!((solved.x[i] / grain).round(), steps.as_f64().unwrap(), "{name}");
        }
    }
}

/// Feasible, proven to 1e-9, and a bound that no feasible amounts nearby come below.
fn check(problem: &Value, steps: &[f64]) {
    let (posed, answer) = answer(problem);
    let (parts, program) = (posed.parts(), &posed.program);
    let solved = match answer {
        Ok(solved) if solved.status == Status::Optimal => solved,
        Err(SolveError::Infeasible(_)) => return,
        other => panic!("{other:?} of {problem}"),
    };
    assert!(violation(parts, &solved.x) <= 1e-12, "{} of {problem}", violation(parts, &solved.x));
    assert!(solved.lower_bound <= solved.objective);
    // amounts moved from one language to the next, as far as all constraints allow
    for (at, &step) in steps.iter().enumerate() {
        let (i, j) = (at % solved.x.len(), (at / solved.x.len() + at + 1) % solved.x.len());
        let mut x = solved.x.clone();
        let moved = step * x[i];
        x[i] -= moved;
        x[j] += moved * parts.languages[i].cost / parts.languages[j].cost;
        if i != j && violation(parts, &x) <= 0.0 {
            assert!(program.objective(&x) >= solved.lower_bound, "{x:?} is better in {problem}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn separable(
        problem in problems(Traits { repeat: true, ..PLAIN }, 12),
        steps in prop::collection::vec(0.0..1.0f64, 40),
    ) {
        check(&problem, &steps);
    }

    #[test]
    fn mean_over_draws(
        problem in problems(Traits { draws: "mean", repeat: true, ..PLAIN }, 6),
        steps in prop::collection::vec(0.0..1.0f64, 40),
    ) {
        check(&problem, &steps);
    }

    #[test]
    fn tail_over_draws(
        problem in problems(Traits { draws: "cvar", ..PLAIN }, 6),
        steps in prop::collection::vec(0.0..1.0f64, 40),
    ) {
        check(&problem, &steps);
    }

    #[test]
    fn coupled(
        problem in problems(Traits { transfer: true, groups: true, repeat: true, ..PLAIN }, 8),
        steps in prop::collection::vec(0.0..1.0f64, 40),
    ) {
        check(&problem, &steps);
    }

    #[test]
    fn worst_language(
        problem in problems(Traits { worst: true, repeat: true, s_shaped: true, ..PLAIN }, 10),
        steps in prop::collection::vec(0.0..1.0f64, 40),
    ) {
        check(&problem, &steps);
    }

    #[test]
    fn worst_language_coupled(
        problem in problems(Traits { worst: true, transfer: true, groups: true, ..PLAIN }, 6),
        steps in prop::collection::vec(0.0..1.0f64, 40),
    ) {
        check(&problem, &steps);
    }

    #[test]
    fn worst_language_over_draws(
        problem in problems(Traits { worst: true, draws: "cvar", ..PLAIN }, 5),
        steps in prop::collection::vec(0.0..1.0f64, 40),
    ) {
        check(&problem, &steps);
    }

    #[test]
    fn s_shaped(
        problem in problems(Traits { s_shaped: true, repeat: true, ..PLAIN }, 8),
        steps in prop::collection::vec(0.0..1.0f64, 40),
    ) {
        check(&problem, &steps);
    }

    #[test]
    fn whole_grains_are_those_of_brute_force(
        problem in problems(Traits { grain: Some(true), s_shaped: true, repeat: true, ..PLAIN }, 3),
    ) {
        brute_force(&problem);
    }

    #[test]
    fn grains_of_unequal_cost_are_those_of_brute_force(
        problem in problems(Traits { grain: Some(false), repeat: true, ..PLAIN }, 4),
    ) {
        brute_force(&problem);
    }

    #[test]
    fn the_worst_in_grains_is_that_of_brute_force(
        problem in problems(Traits { grain: Some(false), worst: true, ..PLAIN }, 4),
    ) {
        brute_force(&problem);
    }

    #[test]
    fn more_budget_is_never_worse(
        problem in problems(Traits { transfer: true, ..PLAIN }, 6),
        factor in 1.0..3.0f64,
    ) {
        let mut problem = problem;
        problem["budget"]["rule"] = json!("at_most");
        let less = solved(&problem);
        problem["budget"]["amount"] = json!(factor * problem["budget"]["amount"].as_f64().unwrap());
        prop_assert!(solved(&problem).lower_bound <= less.objective);
    }

    #[test]
    fn the_order_of_languages_does_not_matter(problem in problems(PLAIN, 8)) {
        let mut turned = problem.clone();
        turned["languages"].as_array_mut().unwrap().reverse();
        let (one, other) = (solved(&problem), solved(&turned));
        let size = one.x.iter().fold(0.0f64, |size, x| size.max(*x));
        prop_assert!(
            one.x.iter().zip(other.x.iter().rev()).all(|(a, b)| (a - b).abs() <= 1e-9 * size),
            "{one:?} {other:?}"
        );
    }

    /// Amounts counted in thousands: every `x` a thousandth, every multiplier a thousand times as
    /// large.
    #[test]
    fn units_do_not_matter(problem in problems(Traits { repeat: true, ..PLAIN }, 8)) {
        let (unit, mut scaled) = (1000.0, problem.clone());
        let divide = |value: &mut Value, by: f64| {
            if let Some(number) = value.as_f64() {
                *value = json!(number / by)
            }
        };
        divide(&mut scaled["budget"]["amount"], unit);
        for language in scaled["languages"].as_array_mut().unwrap() {
            for key in ["lo", "hi"] {
                if language.get(key).is_some() {
                    divide(&mut language[key], unit)
                }
            }
            if language.get("repeat").is_some() {
                divide(&mut language["repeat"]["unique"], unit)
            }
            let law = &mut language["law"];
            match law["form"].as_str().unwrap() {
                "metric" => divide(&mut law["gamma"], 1.0 / unit),
                "rectified" => {
                    let power = unit.powf(law["beta"].as_f64().unwrap());
                    divide(&mut law["B"], power);
                    divide(&mut law["Dl"], power);
                }
                _ => {
                    let power = unit.powf(law["alpha"].as_f64().unwrap());
                    divide(&mut law["A"], power);
                    if law.get("D0").is_some() {
                        divide(&mut law["D0"], unit)
                    }
                }
            }
        }
        let (one, other) = (solved(&problem), solved(&scaled));
        let size = one.x.iter().fold(0.0f64, |size, x| size.max(*x));
        prop_assert!(
            one.x.iter().zip(&other.x).all(|(a, b)| (a - unit * b).abs() <= 1e-8 * size),
            "{one:?} {other:?}"
        );
        prop_assert!(
            (other.budget_multiplier - unit * one.budget_multiplier).abs()
                <= 1e-8 * other.budget_multiplier
        );
    }
}

/// The least objective over all whole grains within the bounds.
fn brute_force(problem: &Value) {
    let (posed, answer) = answer(problem);
    let parts = posed.parts();
    let grains: Vec<f64> = parts.languages.iter().map(|language| language.grain.unwrap()).collect();
    let mut best = f64::INFINITY;
    let mut steps = vec![0u32; grains.len()];
    'all: loop {
        let x: Vec<f64> =
            steps.iter().zip(&grains).map(|(&k, grain)| f64::from(k) * grain).collect();
        if violation(parts, &x) <= 1e-12 {
            best = best.min(posed.program.objective(&x));
        }
        for i in 0..steps.len() {
            steps[i] += 1;
            if f64::from(steps[i]) * grains[i] <= parts.budget * (1.0 + 1e-9) {
                continue 'all;
            }
            steps[i] = 0;
        }
        break;
    }
    match answer {
        Ok(solved) if solved.status == Status::Optimal => {
            assert!(violation(parts, &solved.x) <= 1e-9);
            assert!(
                (solved.objective - best).abs() <= 1e-12 * best,
                "{solved:?} is not {best} of {problem}"
            );
        }
        Err(SolveError::NoFiniteValue(_)) => assert_eq!(best, f64::INFINITY, "{problem}"),
        other => panic!("{other:?} of {problem}"),
    }
}

/// A language as two halves, `L(x) = L(2 x) / 2` each: the same optimum, the amount in two equal
/// parts.
#[test]
fn a_language_in_two_halves_gets_the_same() {
    let law = |e: f64, a: f64| json!({"form": "power", "E": e, "A": a, "alpha": 0.4});
    let whole = json!({
        "budget": {"amount": 1e5},
        "languages": [{"name": "a", "law": law(1.0, 30.0)}, {"name": "b", "law": law(2.0, 80.0)}],
    });
    let half = law(0.5, 30.0 / 2.0 * 2f64.powf(-0.4));
    let languages = json!([
        {"name": "a", "law": half}, {"name": "c", "law": half},
        {"name": "b", "law": law(2.0, 80.0)},
    ]);
    let halves = json!({"budget": {"amount": 1e5}, "languages": languages});
    let (one, two) = (solved(&whole), solved(&halves));
    approx::assert_relative_eq!(one.objective, two.objective, max_relative = 1e-14);
    approx::assert_relative_eq!(two.x[0], two.x[1], max_relative = 1e-12);
    approx::assert_relative_eq!(one.x[0], two.x[0] + two.x[1], max_relative = 1e-12);
}
