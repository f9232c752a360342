//! Random problems that some amounts meet, as the schema writes them.

use proptest::prelude::*;
use serde_json::{Value, json};

/// What a random problem has beside laws, bounds and a budget.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    pub s_shaped: bool,
    pub repeat: bool,
    pub transfer: bool,
    pub groups: bool,
    pub worst: bool,
    /// `none`, `mean` or `cvar`.
    pub draws: &'static str,
    /// Whole grains, of one cost or of several.
    pub grain: Option<bool>,
}

pub(crate) const PLAIN: Traits = Traits {
    s_shaped: false,
    repeat: false,
    transfer: false,
    groups: false,
    worst: false,
    draws: "none",
    grain: None,
};

/// Random problems that some amounts meet, with scales of 1e3 to 1e7 pairs.
pub(crate) fn problems(traits: Traits, languages: usize) -> impl Strategy<Value = Value> {
    let numbers = |count: usize| prop::collection::vec(0.0..1.0f64, count);
    (prop::collection::vec(numbers(12), 1..=languages), 3.0..7.0f64, numbers(8)).prop_map(
        move |(rows, scale, rest)| {
            let n = rows.len();
            let budget = 10f64.powf(scale);
            let share = budget / n as f64;
            let language = |(i, u): (usize, &Vec<f64>)| language(i, u, share, traits);
            let languages: Vec<Value> = rows.iter().enumerate().map(language).collect();
            let is_exact = rest[0] < 0.3 && traits.grain.is_none();
            let mut problem = json!({
                "budget": {"amount": budget, "rule": if is_exact { "exactly" } else { "at_most" }},
                "objective": {
                    "over_languages": if traits.worst { "worst" } else { "sum" },
                    "over_draws": traits.draws,
                },
                "languages": languages,
            });
            if traits.draws == "cvar" {
                problem["objective"]["cvar_level"] = json!(0.3 + 0.6 * rest[1]);
            }
            if traits.transfer {
                let pairs = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
                let pairs = pairs.filter(|(i, j)| i != j && (i * 7 + j * 3) % 4 < 2);
                let row = |(i, j)| json!([i, j, 0.02 + 0.3 * rest[(i + j) % 8]]);
                problem["transfer"] = pairs.map(row).collect();
            }
            if traits.groups && n > 1 {
                let terms: Vec<Value> = (0..n.div_ceil(2)).map(|j| json!([j, 1.0])).collect();
                let amount = 0.45 * budget * terms.len() as f64 / n as f64;
                problem["groups"] = json!([
                    {
                        "name": "few", "terms": terms,
                        "rule": if rest[2] < 0.5 { "at_most" } else { "exactly" }, "amount": amount,
                    },
                    {
                        "name": "last", "terms": [[n - 1, 1.0]], "rule": "at_least",
                        "amount": 0.2 * share,
                    },
                ]);
            }
            problem
        },
    )
}

fn language(i: usize, u: &[f64], share: f64, traits: Traits) -> Value {
    let size = share * 10f64.powf(2.0 * u[0] - 1.0);
    let (exponent, reducible, floor) = (0.05 + 0.9 * u[1], 10f64.powf(u[2] - 0.5), 2.0 * u[3]);
    let mut law = match (4.0 * u[4]) as usize {
        _ if traits.s_shaped && u[4] < 0.7 => {
            json!({"form": "rectified", "beta": 1.2 + 1.8 * u[1]})
        }
        0 => json!({"form": "metric", "alpha": reducible, "gamma": 1.0 / size, "beta": exponent}),
        1 => {
            json!({
                "form": "power", "E": floor, "A": reducible * size.powf(exponent),
                "alpha": exponent,
            })
        }
        2 => {
            json!({
                "form": "shifted", "E": floor, "A": reducible * (2.0 * size).powf(exponent),
                "alpha": exponent, "D0": size * u[5],
            })
        }
        _ => json!({"form": "rectified", "beta": 0.2 + 0.8 * u[1]}),
    };
    if law["form"] == "rectified" {
        let beta = law["beta"].as_f64().unwrap();
        let transition = (size * 10f64.powf(u[5] - 1.0)).powf(beta);
        law["E"] = json!(floor);
        law["Dl"] = json!(transition);
        law["B"] = json!(reducible * (transition + size.powf(beta)));
    }
    let mut language = json!({
        "name": format!("l{i}"), "weight": 0.3 + u[6],
        "cost": if u[7] < 0.5 { 1.0 } else { 0.5 + u[7] }, "law": law,
    });
    if u[8] < 0.3 && traits.grain.is_none() {
        language["lo"] = json!(0.1 * share * u[9]);
    }
    if u[8] > 0.6 {
        language["hi"] = json!(share * (2.5 + u[9]));
    }
    if traits.repeat && u[10] < 0.6 {
        language["repeat"] = json!({"unique": share * (0.05 + u[9]), "r": 1.0 + 14.0 * u[11]});
    }
    if let Some(equal) = traits.grain {
        language["cost"] = json!(1.0);
        language["grain"] =
            json!(share / 4.0 * if equal { 1.0 } else { 0.7 + 0.3 * (3.0 * u[11]).floor() });
    }
    if traits.draws != "none" {
        let drawn = |value: f64, at: usize| {
            (0..4).map(|k| json!(value * (1.0 + 0.1 * (u[(at + k) % 12] - 0.5)))).collect::<Value>()
        };
        let parameters =
            law.as_object().unwrap().iter().filter(|(name, _)| *name != "form").enumerate();
        language["draws"] = Value::Object(
            parameters
                .map(|(at, (name, value))| (name.clone(), drawn(value.as_f64().unwrap(), at)))
                .collect(),
        );
    }
    language
}
