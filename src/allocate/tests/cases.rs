//! The shared cases, as far as whole pairs can meet them.

use super::*;

/// The shared cases that this problem can say: a sum over languages, separable, nothing repeated,
/// drawn or in steps.
///
/// Their amounts are not whole. Rounding costs at most half a pair a language to second order, so
/// the whole optimum must meet the published objective to 1e-6 of the reducible part where amounts
/// are large; the exact part is what the other tests check.
#[test]
fn shared_cases_are_met() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/alloc_cases");
    let mut met = Vec::new();
    for path in crate::files::list(&folder, "json").unwrap() {
        let case: serde_json::Value =
            serde_json::from_str(&crate::files::read_text(&path).unwrap()).unwrap();
        let Some((terms, budget)) = read_case(&case["problem"]) else { continue };
        let name = case["id"].as_str().unwrap().to_owned();
        let solved = Problem::new(terms, budget);
        if case["expected"]["status"] != "optimal" {
            assert!(solved.is_err(), "{name} is {}", case["expected"]["status"]);
        } else {
            let number =
                |key: &str| case["expected"][key].as_str().unwrap().parse::<f64>().unwrap();
            let (objective, floor) = (number("objective"), number("floor"));
            let allocation =
                solved.unwrap_or_else(|error| panic!("{name}: {error}")).solve().unwrap();
            let excess = (allocation.objective - objective) / (objective - floor);
            println!(
                "{name}: whole pairs cost {excess:.1e} of the reducible loss, gap {:.1e}",
                allocation.gap
            );
            assert!(
                (-1e-12..1e-6).contains(&excess),
                "{name}: {} is not {objective}",
                allocation.objective
            );
            assert!(allocation.gap < 1e-9, "{name}: gap {}", allocation.gap);
        }
        met.push(name);
    }
    assert!(met.len() >= 10, "only {met:?}");
}

fn read_case(problem: &serde_json::Value) -> Option<(Vec<Term>, u64)> {
    let whole =
        |value: &serde_json::Value| value.as_f64().filter(|x| x.fract() == 0.0).map(|x| x as u64);
    let simple = problem["objective"]["over_languages"] == "sum"
        && problem["objective"]["over_draws"] == "none";
    if !simple
        || ["transfer", "groups"]
            .iter()
            .any(|key| problem[key].as_array().is_some_and(|rows| !rows.is_empty()))
    {
        return None;
    }
    let read = |language: &serde_json::Value| {
        let plain = language["repeat"].is_null()
            && language["grain"].is_null()
            && language["draws"].is_null();
        let law = &language["law"];
        let numbers =
            |keys: &[&str]| keys.iter().map(|key| law[key].as_f64()).collect::<Option<Vec<f64>>>();
        let (form, parameters) = match law["form"].as_str()? {
            "metric" => (Form::Metric, numbers(&["alpha", "gamma", "beta"])?),
            "power" => (Form::PowerFloor, numbers(&["E", "A", "alpha"])?),
            "shifted" => (Form::Offset, numbers(&["E", "A", "alpha", "D0"])?),
            _ => (Form::Rectified, numbers(&["E", "B", "beta", "Dl"])?),
        };
        let upper = if language["hi"].is_null() { None } else { Some(whole(&language["hi"])?) };
        let (lower, weight) = (whole(&language["lo"])?, language["weight"].as_f64()?);
        let lang = language["name"].as_str()?.to_owned();
        let term =
            Term { weight, lower, upper, ..Term::new(lang, Law::new(form, &parameters).ok()?) };
        (plain && language["cost"] == 1.0).then_some(term)
    };
    let terms = problem["languages"].as_array()?.iter().map(read).collect::<Option<Vec<Term>>>()?;
    let budget = whole(&problem["budget"]["amount"])?;
    // more than the upper bounds hold is left over there, and an error here
    let most: Option<u64> = terms.iter().map(|term| term.upper).sum();
    let at_most = problem["budget"]["rule"] == "at_most";
    Some((terms, if at_most { budget.min(most.unwrap_or(budget)) } else { budget }))
}
