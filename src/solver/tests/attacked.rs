//! What an attack on an earlier version found, and random problems of the same kinds: made about a
//! point that meets them, so that "infeasible" is a wrong answer, and small enough in whole grains
//! to look at all of them.

use super::{answer, status, violation};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

/// Each case of the attack: its file, the status, and an objective that amounts are known for.
const CASES: [(&str, &[&str], f64); 14] = [
    ("budget_broken_feasible", &["optimal"], 500.685308523027),
    ("budget_broken_optimal", &["optimal"], 3.57224508459086e93),
    ("feasible_420_percent_off_n8", &["optimal"], 770.99805834106),
    ("feasible_50_percent_off_n20", &["optimal"], 228.81697001918),
    ("feasible_infinite_answer", &["optimal"], 2.82031727340483e40),
    ("infeasible_but_no_finite_value_grain", &["no_finite_value"], f64::NAN),
    ("nan_amounts", &["optimal"], 9.45092238244795e176),
    ("optimal_false_bound_metric_beta_1e4", &["optimal"], 0.99900049990223),
    ("optimal_false_bound_room_1e-15", &["optimal"], 2.99950040631056),
    ("optimal_null_objective_worst_no_weight", &["optimal"], 0.0),
    ("slow_sshape_n2_6s", &["optimal"], 4.80695183302556),
    ("wrong_infeasible_grain", &["optimal", "feasible"], 13.4933263),
    ("wrong_infeasible_grain2", &["optimal", "feasible"], 5.76626180738),
    ("wrong_infeasible_zero_rows2", &["optimal"], 30.9867061274927),
];

#[test]
fn what_went_wrong_once_goes_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/attack/alloc");
    if !folder.exists() {
        assert!(std::env::var("CI").is_err(), "the cases of the attack are missing");
        println!("skipped: the cases of the attack are not here");
        return;
    }
    for (name, allowed, known) in CASES {
        let text = crate::files::read_text(&folder.join(format!("{name}.json"))).unwrap();
        let (problem, answer) = answer(&serde_json::from_str(&text).unwrap());
        let status = status(&answer);
        assert!(allowed.contains(&status), "{name} is {status}");
        let Ok(solved) = answer else { continue };
        assert!(problem.program.holds(&solved.x), "{name}: {:?}", solved.x);
        // what is not proven need not be the best that is known
        let slack = if status == "feasible" { 1e-2 } else { 1e-9 };
        assert!(
            solved.objective <= known * (1.0 + slack),
            "{name}: {} is above {known}",
            solved.objective
        );
        assert!(
            solved.lower_bound <= known * (1.0 + 1e-12),
            "{name}: no bound, {}",
            solved.lower_bound
        );
    }
}

/// A problem about whole amounts `point`, with rows of small whole coefficients that it meets, many
/// of them to the last digit.
fn about(
    point: &[u8],
    rows: &[(Vec<i8>, u8, u8)],
    numbers: &[f64],
    (exactly, grain): (bool, bool),
) -> Value {
    let n = point.len();
    let language = |i: usize| {
        let u = |at: usize| numbers[(5 * i + at) % numbers.len()];
        let law = match (4.0 * u(0)) as usize {
            0 => json!({"form": "power", "E": 1.0, "A": 1.0 + 9.0 * u(1), "alpha": 0.2 + u(2)}),
            1 => {
                json!({
                    "form": "rectified", "E": 0.5, "B": 3.0 + 9.0 * u(1), "Dl": 1.0 + u(2),
                    "beta": 0.3 + 0.7 * u(3),
                })
            }
            _ => {
                json!({
                    "form": "shifted", "E": 1.0, "A": 1.0 + 20.0 * u(1), "alpha": 0.3 + u(2),
                    "D0": 0.5 + 3.0 * u(3),
                })
            }
        };
        let mut language = json!({
            "name": format!("l{i}"), "cost": 1.0 + f64::from((7.0 * u(4)) as u8 % 3), "law": law,
        });
        if grain {
            language["grain"] =
                json!(if point[i].is_multiple_of(2) && u(1) > 0.5 { 2.0 } else { 1.0 });
        }
        if u(3) > 0.8 {
            language["hi"] = json!(f64::from(point[i]));
        } else if u(3) < 0.15 {
            (language["lo"], language["hi"]) =
                (json!(f64::from(point[i])), json!(f64::from(point[i])));
        }
        language
    };
    let languages: Vec<Value> = (0..n).map(language).collect();
    let spent: f64 = languages
        .iter()
        .zip(point)
        .map(|(language, &x)| language["cost"].as_f64().unwrap() * f64::from(x))
        .sum();
    let row = |(g, (coefficients, rule, slack)): (usize, &(Vec<i8>, u8, u8))| {
        let terms: Vec<(usize, f64)> = coefficients
            .iter()
            .take(n)
            .enumerate()
            .filter(|(_, a)| **a != 0)
            .map(|(j, &a)| (j, f64::from(a)))
            .collect();
        let at: f64 = terms.iter().map(|&(j, a)| a * f64::from(point[j])).sum();
        // half of the inequalities are tight
        let slack = f64::from(slack.saturating_sub(2));
        let (rule, amount) = [("exactly", at), ("at_most", at + slack), ("at_least", at - slack)]
            [usize::from(rule % 3)];
        (!terms.is_empty()).then(
            || json!({"name": format!("g{g}"), "terms": terms, "rule": rule, "amount": amount}),
        )
    };
    let groups: Vec<Value> = rows.iter().enumerate().filter_map(row).collect();
    let budget = if exactly {
        json!({"amount": spent, "rule": "exactly"})
    } else {
        json!({"amount": spent + 3.0, "rule": "at_most"})
    };
    json!({"budget": budget, "languages": languages, "groups": groups})
}

fn rows() -> impl Strategy<Value = Vec<(Vec<i8>, u8, u8)>> {
    prop::collection::vec((prop::collection::vec(-2..=2i8, 6), 0..3u8, 0..5u8), 0..5)
}

/// A point of a problem that is known to meet it is no counterexample to its answer.
fn check(problem: &Value, point: &[f64]) -> Result<(), TestCaseError> {
    let (posed, answer) = answer(problem);
    let (known, found) = (posed.objective(point), status(&answer));
    prop_assert!(found != "infeasible" && found != "none_found", "{found}: {problem}");
    prop_assert!(found != "no_finite_value" || known.is_infinite(), "{found}: {problem}");
    if let Ok(solved) = answer {
        prop_assert!(violation(posed.parts(), &solved.x) <= 1e-9, "{:?} of {problem}", solved.x);
        prop_assert!(
            solved.lower_bound <= known * (1.0 + 1e-12),
            "{} is no bound of {known}: {problem}",
            solved.lower_bound
        );
        prop_assert!(
            found == "feasible" || solved.objective <= known * (1.0 + 1e-8),
            "{} is above {known}: {problem}",
            solved.objective
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn degenerate_groups_are_met(
        point in prop::collection::vec(0..6u8, 2..7),
        rows in rows(),
        numbers in prop::collection::vec(0.0..1.0f64, 23),
        exactly: bool,
    ) {
        let amounts: Vec<f64> = point.iter().map(|&x| f64::from(x)).collect();
        let problem = about(&point, &rows, &numbers, (exactly, false));
        let (posed, answer) = answer(&problem);
        prop_assert!(status(&answer) != "feasible", "{answer:?} of {problem}");
        prop_assert!(violation(posed.parts(), &amounts) <= 1e-12);
        check(&problem, &amounts)?;
    }

    #[test]
    fn tails_beside_languages_that_cannot_move(
        point in prop::collection::vec(1..6u8, 2..6),
        numbers in prop::collection::vec(0.0..1.0f64, 23),
        worst: bool,
        level in 0.0..0.9f64,
    ) {
        let mut problem = about(&point, &[], &numbers, (false, false));
        let over = if worst { "worst" } else { "sum" };
        problem["objective"] =
            json!({"over_languages": over, "over_draws": "cvar", "cvar_level": level});
        problem["transfer"] = json!([[0, 1, 0.3 * numbers[0]], [1, 0, 0.3 * numbers[1]]]);
        for (i, language) in problem["languages"].as_array_mut().unwrap().iter_mut().enumerate() {
            let drawn = |value: &Value, k: usize| {
                json!(value.as_f64().unwrap() * (0.8 + 0.4 * numbers[(3 * i + k) % 23]))
            };
            let law = language["law"].as_object().unwrap().clone();
            let draws = law.iter().filter(|(key, _)| *key != "form");
            language["draws"] = Value::Object(
                draws
                    .map(|(key, value)| (key.clone(), (0..4).map(|k| drawn(value, k)).collect()))
                    .collect(),
            );
        }
        let amounts: Vec<f64> = point.iter().map(|&x| f64::from(x)).collect();
        let (_, answer) = answer(&problem);
        let found = status(&answer);
        prop_assert!(found == "optimal", "{answer:?}: {problem}");
        check(&problem, &amounts)?;
    }

    #[test]
    fn whole_grains_that_exist_are_found(
        point in prop::collection::vec(0..6u8, 2..5),
        rows in rows(),
        numbers in prop::collection::vec(0.0..1.0f64, 23),
        exactly: bool,
    ) {
        let amounts: Vec<f64> = point.iter().map(|&x| f64::from(x)).collect();
        check(&about(&point, &rows, &numbers, (exactly, true)), &amounts)?;
    }
}
