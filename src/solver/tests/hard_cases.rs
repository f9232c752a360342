//! Cases at the edge of what numbers hold: equal prices, no room, every scale, poles where nothing
//! is left.

use super::{answer, solved};
use crate::solver::*;
use serde_json::{Value, json};

/// A chord that ends at the price sought, a mean of chords over draws, groups that leave nothing,
/// scales that touches swamp: what a review found.
#[test]
fn hard_cases_are_proven() {
    let rectified = |b: f64, dl: f64, beta: f64| {
        json!({
            "form": "rectified", "E": 0.0, "B": b, "Dl": dl, "beta": beta,
        })
    };
    let power = json!({"form": "power", "E": 1.0, "A": 10.0, "alpha": 0.5});
    let two = |a: &Value, b: &Value| json!([{"name": "a", "law": a}, {"name": "b", "law": b}]);
    let chords = two(&rectified(0.005, 0.018, 2.0), &rectified(0.08, 0.08, 6.0));
    solved(&json!({"budget": {"amount": 1.0, "rule": "exactly"}, "languages": chords}));
    let x = solved(&json!({
        "budget": {"amount": 0.0},
        "languages": two(&rectified(3.0, 1.0, 0.5), &rectified(3.0, 1.0, 2.5)),
    }))
    .x;
    assert_eq!(x, [0.0, 0.0]);
    let group = |rule: &str, amount: f64| {
        json!([
            {"name": "g", "terms": [["a", 1.0]], "rule": rule, "amount": amount},
        ])
    };
    for budget in [1e3, 1e8, 1e10, 1e15] {
        let small = json!({
            "budget": {"amount": budget}, "languages": two(&power, &power),
            "groups": group("at_most", 5.0),
        });
        assert!((solved(&small).x[0] - 5.0).abs() < 1e-9, "{budget}");
    }
    let nothing = json!({
        "budget": {"amount": 100.0}, "languages": two(&power, &power),
        "groups": group("at_most", 0.0),
    });
    assert_eq!(answer(&nothing).1, Err(SolveError::NoFiniteValue(vec!["a".to_owned()])));
    let much = json!({
        "budget": {"amount": 1e10}, "languages": two(&power, &power),
        "groups": group("at_least", 1e10 - 5.0),
    });
    assert!((solved(&much).x[1] - 5.0).abs() < 1e-5);
    let grains = json!({"budget": {"amount": 1e6}, "transfer": [[0, 1, 0.999]], "languages": [
        {"name": "a", "grain": 2e5, "law": {"form": "power", "E": 0.0, "A": 10.0, "alpha": 0.5}},
        {"name": "b", "grain": 2e5, "law": {"form": "power", "E": 0.0, "A": 10.0, "alpha": 0.5}}]});
    assert_eq!(solved(&grains).x, [0.0, 1e6]);
    let short = json!({
        "budget": {"amount": 1.0},
        "languages": [
            {"name": "a", "grain": 1, "law": power}, {"name": "b", "grain": 1, "law": power},
        ],
    });
    assert!(matches!(answer(&short).1, Err(SolveError::NoFiniteValue(_))));
    let floor = json!({
        "budget": {"amount": 1e5},
        "languages": [{"name": "a", "law": {"form": "power", "E": 3.0, "A": 10.0, "alpha": 2.5}}],
    });
    assert!(solved(&floor).gap < 1e-9);
    let twice = json!({
        "budget": {"amount": 1e4}, "languages": [{"name": "a", "law": power}],
        "groups": [
            {"name": "more", "terms": [[0, 1.0]], "rule": "at_least", "amount": 2659.0},
            {"name": "less", "terms": [[0, 1.0]], "rule": "at_most", "amount": 2659.0},
        ],
    });
    let twice = solved(&twice);
    assert!(
        (twice.x[0] - 2659.0).abs() < 1e-9
            && twice.row_multipliers.iter().all(|worth| *worth >= 0.0),
        "{twice:?}"
    );
}

#[test]
fn nothing_that_counts_is_an_optimum_too() {
    for grain in [json!(null), json!(10.0)] {
        for rule in ["at_most", "exactly"] {
            let language = |name: &str| {
                json!({
                    "name": name, "weight": 0.0, "grain": grain,
                    "law": {"form": "power", "E": 0.0, "A": 1.0, "alpha": 0.5},
                })
            };
            let problem = json!({
                "budget": {"amount": 100.0, "rule": rule},
                "languages": [language("a"), language("b")],
            });
            assert_eq!(solved(&problem).objective, 0.0, "{problem}");
        }
    }
}

/// A price above the mean gain of a steep law does not rule out that most of the budget goes to it.
#[test]
fn a_knapsack_looks_at_both_ends_of_a_steep_law() {
    let problem = json!({"budget": {"amount": 1e8}, "languages": [
    {
        "name": "l0", "grain": 2.5e7,
        "law": {"form": "shifted", "E": 0.10703, "A": 57266.2, "alpha": 0.4737, "D0": 1.2203e9},
    },
    {
        "name": "l1", "cost": 0.5, "grain": 2.5e7,
        "law": {"form": "rectified", "E": 0.0, "B": 2.18798e7, "Dl": 1.64832e7, "beta": 1.491},
    },
    {
        "name": "l2", "cost": 0.5, "grain": 2.5e7,
        "law": {
            "form": "rectified", "E": 0.0, "B": 1.04856e24, "Dl": 1.28301e23, "beta": 2.679,
        },
    },
    {
        "name": "l3", "cost": 0.5, "grain": 2.5e7,
        "law": {"form": "shifted", "E": 2.0439, "A": 61.9299, "alpha": 0.3704, "D0": 1.0467e7},
    }]});
    assert_eq!(solved(&problem).x, [0.0, 2.5e7, 1.75e8, 0.0]);
}

/// Four of cost 2 and 3 in whole pairs is two of the first: no step of it is dear, both together
/// are.
#[test]
fn a_knapsack_that_must_be_full_is_filled() {
    let law = |a: f64, alpha: f64, d0: f64| {
        json!({
            "form": "shifted", "E": 1.0, "A": a, "alpha": alpha, "D0": d0,
        })
    };
    let problem = json!({"budget": {"amount": 4.0, "rule": "exactly"}, "languages": [
    {"name": "a", "cost": 2.0, "grain": 1.0, "law": law(1.0, 0.3, 2.3889100790295115)},
    {
        "name": "b", "cost": 3.0, "grain": 1.0,
        "law": law(5.597596663396212, 0.8285646738392789, 2.395850009024693),
    }]});
    assert_eq!(solved(&problem).x, [2.0, 0.0]);
}
