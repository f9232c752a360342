//! Problems that nothing meets: the constraints that say so, and by how much.

use super::{answer, solved};
use crate::solver::SolveError;
use serde_json::{Value, json};

/// Each problem with one constraint a little too tight, and what is said of it.
#[test]
fn impossible_twins_name_their_constraints() {
    let law = json!({"form": "shifted", "E": 1.0, "A": 2.0, "alpha": 0.5, "D0": 10.0});
    let languages = json!([
        {"name": "a", "lo": 10, "hi": 40, "law": law},
        {"name": "b", "lo": 20, "hi": 40, "law": law},
    ]);
    let posed = |budget: Value, groups: Value| {
        json!({
            "budget": budget, "languages": languages, "groups": groups,
        })
    };
    let row = |name: &str, rule: &str, amount: f64| {
        json!({
            "name": name, "terms": [["a", 1.0], ["b", 1.0]], "rule": rule, "amount": amount,
        })
    };
    let single = |name: &str, rule: &str, amount: f64| {
        json!({
            "name": name, "terms": [["a", 1.0]], "rule": rule, "amount": amount,
        })
    };
    let exactly = |amount: f64| json!({"amount": amount, "rule": "exactly"});
    let cases = [
        (
            posed(exactly(30.0), json!([])),
            posed(exactly(29.5), json!([])),
            0.5,
            "the lower bounds cost 30, but the budget is 29.5",
        ),
        (
            posed(exactly(80.0), json!([])),
            posed(exactly(80.5), json!([])),
            0.5,
            "the budget is exactly 80.5, but all upper bounds together cost 80",
        ),
        (
            posed(exactly(60.0), json!([row("g", "at_most", 60.0)])),
            posed(exactly(60.0), json!([row("g", "at_most", 59.0)])),
            1.0,
            "the budget is exactly 60, but group `g` asks for at most 59",
        ),
        (
            posed(
                exactly(60.0),
                json!([row("g", "at_least", 50.0), single("h", "at_least", 40.0)]),
            ),
            posed(
                exactly(60.0),
                json!([row("g", "at_least", 50.0), single("h", "at_least", 41.0)]),
            ),
            1.0,
            "group `h` asks for at least 41, but bounds and budget allow it 40",
        ),
    ];
    for (possible, impossible, short, words) in cases {
        solved(&possible);
        let Err(SolveError::Infeasible(conflict)) = answer(&impossible).1 else {
            panic!("{impossible} is possible")
        };
        approx::assert_relative_eq!(conflict.short, short, max_relative = 1e-9);
        assert!(conflict.to_string().contains(words), "{conflict}");
    }
}
