//! What a wrong problem file is told: the field and the value; and that no text at all makes the
//! reader or the solver panic.

use crate::solver::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn case() -> Value {
    json!({
        "schema": "alloc-case/1", "id": "c", "note": "", "tags": [],
        "problem": {
            "budget": {"amount": 1000.0, "rule": "at_most"},
            "objective": {"over_languages": "sum", "over_draws": "none"},
            "languages": [
                {"name": "a", "weight": 1.0, "cost": 1.0, "lo": 0.0, "hi": null,
                 "law": {"form": "power", "E": 1.0, "A": 9.0, "alpha": 0.3},
                 "repeat": {"unique": 100.0, "r": 5.0}},
                {"name": "b", "weight": 1.0, "cost": 2.0, "lo": 10.0, "hi": 800.0,
                 "law": {"form": "shifted", "E": 1.0, "A": 9.0, "alpha": 0.3, "D0": 5.0}},
            ],
            "transfer": [[0, 1, 0.1]],
            "groups": [
                {"name": "g", "terms": [["a", 1.0], [0, 1.0]], "rule": "at_most", "amount": 700.0}
            ],
        },
    })
}

/// What is said of a text; nothing where it is a problem.
fn told(text: &str, syntax: Syntax) -> Option<String> {
    let read = ProblemFile::read(text, syntax).and_then(|file| file.parts(|_| None));
    let problem = read.and_then(|parts| Ok(PosedProblem::new(parts)?));
    problem.err().map(|error| error.to_string())
}

/// The error of the case with one value replaced, or left out.
fn with(pointer: &str, value: Option<Value>) -> String {
    let mut case = case();
    match value {
        Some(value) => *case.pointer_mut(pointer).unwrap() = value,
        None => {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            case.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
        }
    }
    told(&case.to_string(), Syntax::Json).unwrap_or_else(|| panic!("{pointer} is accepted"))
}

#[test]
fn errors_name_the_field_and_the_value() {
    assert_eq!(told(&case().to_string(), Syntax::Json), None);
    assert_eq!(told(&serde_yaml::to_string(&case()).unwrap(), Syntax::Yaml), None);
    let law = "/problem/languages/0/law";
    let cases = [
        (
            "/problem/budget/amount",
            Some(json!(-1.0)),
            "`budget.amount` is -1, expected a finite number not below 0",
        ),
        ("/problem/budget/amount", Some(json!("much")), "problem.budget.amount"),
        ("/problem/budget", None, "`budget`: is missing"),
        ("/problem/languages", Some(json!([])), "`languages` is empty"),
        ("/problem/languages/1/name", Some(json!("a")), "`languages[1].name` is `a` again"),
        (
            "/problem/languages/1/cost",
            Some(json!(0.0)),
            "`languages[1].cost` is 0, expected a finite number above 0",
        ),
        ("/problem/languages/1/weight", Some(json!(-2.5)), "`languages[1].weight` is -2.5"),
        ("/problem/languages/1/lo", Some(json!(-3)), "`languages[1].lo` is -3"),
        ("/problem/languages/0/repeat/r", Some(json!(0)), "`languages[0].repeat.r` is 0"),
        (
            law,
            Some(json!({"form": "power", "E": 1.0, "A": 9.0})),
            "`languages[0].law.alpha`: is missing",
        ),
        (
            law,
            Some(json!({"form": "power", "E": 1.0, "A": -9.0, "alpha": 0.3})),
            "`languages[0].law.A` is -9",
        ),
        (law, Some(json!({"form": "cubic"})), "unknown variant `cubic`"),
        (law, None, "`languages[0].law`: is missing, and the fits have no `a`"),
        ("/problem/groups/0/terms", Some(json!([])), "`groups[0].terms` is empty in `g`"),
        (
            "/problem/groups/0/terms/0/0",
            Some(json!("zz")),
            "`groups[0].terms[0][0]` is `zz`, expected a language",
        ),
        (
            "/problem/groups/0/terms/0/0",
            Some(json!(7)),
            "`groups[0].terms[0][0]` is 7, expected the place of a language, 0 to 1",
        ),
        ("/problem/transfer/0/2", Some(json!(-0.1)), "`transfer[0][2]` is -0.1"),
        ("/problem/objective/over_draws", Some(json!("mean")), "`languages[0].draws`: is missing"),
        ("/problem/objective/over_draws", Some(json!("cvar")), "`languages[0].draws`: is missing"),
        (
            "/schema",
            Some(json!("alloc-case/2")),
            "`schema` is `alloc-case/2`, expected `alloc-case/1`",
        ),
    ];
    for (pointer, value, words) in cases {
        let told = with(pointer, value);
        assert!(told.contains(words), "{pointer}: {told}");
    }
    let yaml = "budget: {amount: .nan}\nlanguages: \
    [{name: a, law: {form: power, E: 1, A: 2, alpha: .inf}}]\n";
    assert_eq!(
        told(yaml, Syntax::Yaml).unwrap(),
        "`languages[0].law.alpha` is inf, expected a finite number above 0"
    );
}

/// Some value that a field may not expect.
fn odd() -> impl Strategy<Value = Value> {
    let numbers =
        prop_oneof![Just(0.0), Just(-1.0), Just(1e-300), Just(1e300), Just(0.5), 0.0..1e6f64];
    prop_oneof![
        numbers.prop_map(|number| json!(number)),
        Just(json!(null)),
        Just(json!("x")),
        Just(json!([])),
        Just(json!({}))
    ]
}

/// Every place of a document, as a pointer.
fn pointers(value: &Value, so_far: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| pointers(value, &format!("{so_far}/{key}"), found))
        }
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(at, value)| pointers(value, &format!("{so_far}/{at}"), found)),
        _ => {}
    }
    found.push(so_far.to_owned());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Whatever stands in one or two fields, there is an error or an answer, and no wrong answer is
    /// called optimal.
    #[test]
    fn odd_values_are_refused_or_solved(
        places in prop::collection::vec((0.0..1.0f64, odd()), 1..3),
    ) {
        let mut case = case();
        for (place, value) in places {
            let mut all = Vec::new();
            pointers(&case, "", &mut all);
            if let Some(found) = case.pointer_mut(&all[(place * all.len() as f64) as usize]) {
                *found = value;
            }
        }
        let read = ProblemFile::read(&case.to_string(), Syntax::Json)
            .and_then(|file| file.parts(|_| None));
        if let Ok(problem) = read.and_then(|parts| Ok(PosedProblem::new(parts)?)) {
            let answer = solve(&problem);
            if let Ok(solved) = answer
                && solved.status == Status::Optimal
            {
                prop_assert!(
                    solved.objective.is_finite()
                        && solved.lower_bound <= solved.objective
                        && solved.gap <= 1e-8,
                    "{case}"
                );
                prop_assert!(problem.program.holds(&solved.x), "{case} {solved:?}");
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,60}") {
        let _ = told(&text, Syntax::Json);
        let _ = told(&text, Syntax::Yaml);
    }
}
