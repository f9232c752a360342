//! `docs/reference` is made from the program: the verbs with their flags, the columns of every
//! table and the keys of every JSON that they write. The keys that they read are described by hand
//! and held against what the readers accept.
//!
//! `PARALLOT_REFERENCE=write cargo test --release --locked --test it reference` makes it anew.

use super::place::Place;
use parallot::files;
use parallot::spec::Experiment;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

/// Compares a page with what is kept, or writes it where that is asked for.
fn assert_page(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference").join(name);
    if std::env::var("PARALLOT_REFERENCE").is_ok() {
        files::write(&path, text.as_bytes()).unwrap();
    }
    let kept = files::read_text(&path).unwrap_or_default();
    assert!(
        kept == text,
        "`docs/reference/{name}` is not what the program says; `PARALLOT_REFERENCE=write` makes it \
        anew"
    );
}

#[test]
#[cfg(feature = "train")]
fn verbs_are_described_as_they_are() {
    let verbs = [
        "quickstart",
        "plan",
        "sweep",
        "import",
        "fit",
        "allocate",
        "validate",
        "evaluate",
        "similarity",
        "report",
        "export",
        "bench",
    ];
    let place = Place::new();
    let mut text = "# Verbs\n\nMade from `parallot VERB --help`.\n".to_owned();
    for verb in verbs {
        let help = place.done(&format!("{verb} --help")).stdout;
        let _ = write!(text, "\n## parallot {verb}\n\n```text\n{}\n```\n", help.trim_end());
    }
    assert_page("verbs.md", &text);
}

#[test]
fn tables_are_described_as_they_are() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    place.done("validate tiny --budget 3k --trainer simulated --seeds 2");
    place.done("report tiny");
    place.done("export tiny --out out");
    let mut text = "# Tables\n\nThe columns of every CSV, in their order. The first line of a \
    table is a comment: the version, the command as it was typed, and the \
                    SHA-256 of what it was made from. Units stand in the names: `_nats` per target \
    token, `_log` a difference of natural logarithms, \
                    `lo90` and `hi90` the ends of a 90 % interval.\n"
        .to_owned();
    for folder in ["experiments/records/tiny", "fits/tiny", "plots/tiny", "out"] {
        let mut tables: Vec<_> = files::walk(&place.path(folder)).unwrap();
        tables.retain(|path| {
            path.extension().is_some_and(|ending| ending == "csv")
                && !path.to_string_lossy().contains("validate-")
        });
        tables.sort();
        for path in tables {
            let content = files::read_text(&path).unwrap();
            let header = content.lines().find(|line| !line.starts_with('#')).unwrap();
            let name = path.strip_prefix(place.path(folder)).unwrap().display();
            let _ = write!(
                text,
                "\n## `{}/{name}`\n\n`{}`\n",
                folder.replace("tiny", "X"),
                header.replace(',', "`, `")
            );
        }
    }
    assert_page("tables.md", &text);
}

/// Each path of a JSON value with its type, `[]` for the elements of arrays and `{}` for the values
/// of maps whose keys are data.
fn paths(at: &str, value: &Value, found: &mut BTreeMap<String, &'static str>) {
    let mut note = |kind| {
        let known = found.entry(at.to_owned()).or_insert(kind);
        if *known == "null" {
            *known = kind;
        }
    };
    match value {
        Value::Null => note("null"),
        Value::Bool(_) => note("true or false"),
        Value::Number(_) => note("number"),
        Value::String(_) => note("text"),
        Value::Array(items) => {
            note("list");
            items.iter().for_each(|item| paths(&format!("{at}[]"), item, found));
        }
        Value::Object(fields) => {
            note("map");
            fields.iter().for_each(|(key, item)| paths(&format!("{at}.{key}"), item, found));
        }
    }
}

#[test]
fn json_is_described_as_it_is() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    place.done("validate tiny --budget 3k --trainer simulated --seeds 2 --doses -2,2");
    place.done("report tiny");
    let mut text = "# JSON\n\nThe keys of every JSON file that the program writes for other \
    programs to read, made from files of a small study. A key that can be \
                    absent is `null` here or left out; numbers that are not finite are texts: \
    `inf`, `-inf`, `NaN`.\n"
        .to_owned();
    for name in [
        "fits/tiny/fits.json",
        "fits/tiny/allocation.json",
        "fits/tiny/validation-3000.json",
        "plots/tiny/report.json",
    ] {
        let value: Value = serde_json::from_str(&place.read(name)).unwrap();
        let mut found = BTreeMap::new();
        paths("", &value, &mut found);
        let _ = write!(text, "\n## `{}`\n\n| key | type |\n|---|---|\n", name.replace("tiny", "X"));
        for (path, kind) in found.iter().filter(|(path, _)| !path.is_empty()) {
            let _ = writeln!(text, "| `{}` | {kind} |", path.trim_start_matches('.'));
        }
    }
    assert_page("json.md", &text);
}

/// The keys that the table under a heading of a page lists.
fn described(page: &str, heading: &str) -> BTreeSet<String> {
    let start =
        page.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section `{heading}`"));
    let section = page[start + 4..].split("\n## ").next().unwrap();
    let cell = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned());
    section.lines().filter_map(cell).collect()
}

/// The keys that an error of a reader expects in place of an unknown one.
fn expected(error: &str) -> BTreeSet<String> {
    let rest = error
        .split("unknown field `zzz`, expected")
        .nth(1)
        .unwrap_or_else(|| panic!("not an error of an unknown key: {error}"));
    let rest = rest.split('\n').next().unwrap();
    rest.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .take_while(|key| !key.contains('/'))
        .collect()
}

/// Adds an unknown key to the map at a path of keys and places, parts that are absent being made.
fn spoiled(mut yaml: Value, path: &str) -> String {
    let mut at = &mut yaml;
    for step in path.split('.').filter(|step| !step.is_empty()) {
        at = match step.parse::<usize>() {
            Ok(place) => &mut at[place],
            Err(_) => &mut at[step],
        };
    }
    at["zzz"] = Value::from(1);
    yaml.to_string()
}

#[test]
fn keys_of_an_experiment_are_described_as_they_are() {
    let page = files::read_text(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/experiment.md"),
    )
    .unwrap();
    let whole = serde_json::json!({
        "analysis": "a try",
        "languages": [
            {
                "lang": "tur_Latn",
                "corpora": [
                    {"path": "a.jsonl", "english": "en", "other": "xx"},
                    {"moses": {"english": "a", "other": "b"}},
                ],
            }
        ],
        "constructed": {"seed": 1, "train": 9, "dev": 9, "test": 9, "sisters": [
            {
                "lang": "qaa_Latn", "name": "Near", "vocabulary": 0.9, "order": "svo",
                "morphology": "english",
            }
        ]},
        "base": {
            "preset": "nano",
            "pretraining": {"tokens": 2000, "shares": {"eng_Latn": 0.9}, "optimisation": {}},
        },
        "tuning": {
            "method": {"lora": {}}, "schedule": {"trunk": {}}, "instructions": {},
            "optimisation": {},
        },
        "sizes": [1], "seeds": [1], "evaluation": {},
        "mixtures": {"count": 9, "least": 9, "most": 9},
    });
    let places = [
        ("Experiment", ""),
        ("Language", "languages.0"),
        ("Corpus", "languages.0.corpora.0"),
        ("Moses", "languages.0.corpora.1.moses"),
        ("Constructed", "constructed"),
        ("Sister", "constructed.sisters.0"),
        ("Base", "base"),
        ("Pretraining", "base.pretraining"),
        ("Tuning", "tuning"),
        ("Lora", "tuning.method.lora"),
        ("Instructions", "tuning.instructions"),
        ("Optimisation", "tuning.optimisation"),
        ("Optimisation", "base.pretraining.optimisation"),
        ("Mixtures", "mixtures"),
        ("Evaluation", "evaluation"),
    ];
    for (heading, path) in places {
        let error = Experiment::parse("x", &spoiled(whole.clone(), path)).unwrap_err().to_string();
        assert_eq!(described(&page, heading), expected(&error), "{heading}");
    }
    // a schedule has a sentence of its own, which names the keys
    let error =
        Experiment::parse("x", &spoiled(whole, "tuning.schedule.trunk")).unwrap_err().to_string();
    assert!(described(&page, "Trunk").iter().all(|key| error.contains(key.as_str())), "{error}");
}

#[test]
fn keys_of_a_problem_are_described_as_they_are() {
    let page =
        files::read_text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/problem.md"))
            .unwrap();
    let whole = serde_json::json!({
        "budget": {"amount": 9},
        "languages": [
            {
                "name": "a", "law": {"form": "power", "E": 0, "A": 1, "alpha": 0.1},
                "repeat": {"unique": 3, "r": 3},
            }
        ],
        "objective": {},
        "groups": [{"name": "g", "terms": [["a", 1]], "rule": "at_least", "amount": 1}],
    });
    let places = [
        ("Problem", ""),
        ("Budget", "budget"),
        ("Language", "languages.0"),
        ("Law", "languages.0.law"),
        ("Repeat", "languages.0.repeat"),
        ("Objective", "objective"),
        ("Group", "groups.0"),
    ];
    let place = Place::new();
    for (heading, path) in places {
        place.write("problem.json", spoiled(whole.clone(), path));
        let error = place.fails(2, "allocate --problem problem.json").stderr;
        assert_eq!(described(&page, heading), expected(&error), "{heading}");
    }
}
