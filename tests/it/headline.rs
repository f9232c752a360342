//! What the headline says and what follows it: measured before predicted, uniform unless something
//! speaks against it, and no probability that nobody has checked.

use super::place::{Place, assert_transcript};
use serde_json::Value;

fn allocation(place: &Place) -> Value {
    serde_json::from_str(&place.read("fits/tiny/allocation.json")).unwrap()
}

/// Pairs per language of a policy of the allocation.
fn pairs_of(place: &Place, policy: &str) -> Vec<u64> {
    let allocation = allocation(place);
    let rows = allocation["comparison"]["policies"].as_array().unwrap();
    let row = rows.iter().find(|row| row["policy"] == policy).unwrap();
    row["pairs"].as_array().unwrap().iter().map(|pairs| pairs.as_u64().unwrap()).collect()
}

/// Rows a language of an export, and the line that says where they come from.
fn exported(place: &Place, folder: &str) -> (Vec<u64>, String) {
    let table = place.read(format!("{folder}/realised.csv"));
    let rows = table.lines().skip(2).map(|row| row.split(',').nth(3).unwrap().parse().unwrap());
    (rows.collect(), table.lines().next().unwrap().to_owned())
}

#[test]
fn no_chance_to_beat_uniform_is_told_anywhere() {
    let place = Place::with_fits();
    let mut said = place.done("allocate tiny --budget 3k").to_string();
    said += &place.done("allocate tiny --budget 3k --json").to_string();
    place.done("report tiny");
    for (path, bytes) in place.tree("") {
        let is_text = path
            .extension()
            .is_some_and(|found| ["csv", "json", "html", "svg"].iter().any(|text| found == *text));
        if is_text && (path.starts_with("fits") || path.starts_with("plots")) {
            said += &String::from_utf8(bytes).unwrap();
        }
    }
    for word in ["chance", "probability", "beats uniform"] {
        assert!(!said.contains(word), "{word}");
    }
    assert!(said.contains("by laws of models tuned on one language; pooled models differ"));
    let found = allocation(&place);
    assert_eq!((&found["recommended"], &found["measured"]), (&"parallot".into(), &Value::Null));
    assert_eq!(found["predicted"]["by"], "one_language");
    assert_eq!(found["to_know"]["command"], "parallot validate tiny --budget 3000 --seeds 3");
    assert_eq!(
        (&found["to_know"]["models"], found["to_know"]["train_tokens"].as_u64()),
        (&6.into(), Some(6 * 3000 * 100))
    );
    assert_eq!(found["to_know"]["seconds"], Value::Null, "simulated runs have no speed");
}

#[test]
fn what_was_measured_leads() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    assert_eq!(allocation(&place)["recommended"], "parallot");
    place.done("validate tiny --budget 3k --trainer simulated");
    // the allocation that is there is judged anew at once
    assert_eq!(allocation(&place)["recommended"], "uniform");
    assert_eq!(allocation(&place)["measured"]["budget"], 3000);
    let mut runs = vec![
        place.done("allocate tiny --budget 3k"),
        place.done("allocate tiny --budget 4k --min qaa=1400"),
    ];
    place.done("report tiny");
    let page = place.read("plots/tiny/index.html");
    let places = [
        "Keep uniform: uniform won in models tuned on 3,000 pairs",
        "Predicted is a gain",
        "id=\"validation\"",
        "id=\"curves\"",
    ];
    let found: Vec<usize> =
        places.iter().map(|text| page.find(text).unwrap_or_else(|| panic!("{text}"))).collect();
    assert!(found.is_sorted(), "{found:?}");
    let report: Value = serde_json::from_str(&place.read("plots/tiny/report.json")).unwrap();
    assert_eq!(
        (&report["recommended"], &report["measured"]["budget"]),
        (&"uniform".into(), &3000.into())
    );
    // other weights are another question
    let other = place.done("allocate tiny --budget 3k --weight qab=2");
    assert!(
        !other.stdout.contains("tuned on 3,000 pairs")
            && other.stdout.contains("--weight qab=2 --seeds 3"),
        "{other}"
    );
    place.done("fit tiny --n-draws 20 --seed 5");
    runs.push(place.done("allocate tiny --budget 3k"));
    assert_transcript("measured", &runs);
}

#[test]
fn every_budget_keeps_its_validation_and_the_nearest_counts() {
    let place = Place::with_fits();
    place.done("validate tiny --budget 3k --trainer simulated");
    let first = place.read("fits/tiny/validation-3000.json");
    let table = place.read("fits/tiny/validation-3000.csv");
    place.done("validate tiny --budget 9k --trainer simulated");
    assert_eq!(
        (place.read("fits/tiny/validation-3000.json"), place.read("fits/tiny/validation-3000.csv")),
        (first.clone(), table)
    );
    place.read("plots/tiny/validation-9000.svg");
    place.read("plots/tiny/validation-3000.svg");
    for (budget, nearest) in [("3k", 3000), ("5k", 3000), ("6k", 9000), ("12k", 9000)] {
        place.done(&format!("allocate tiny --budget {budget}"));
        assert_eq!(allocation(&place)["measured"]["budget"], nearest, "{budget}");
    }
    place.done("report tiny");
    let page = place.read("plots/tiny/index.html");
    assert!(page.contains("<h3>3,000 pairs</h3>") && page.contains("<h3>9,000 pairs</h3>"));
    // a file of version 0.1.0, without fits and weights, is read where no newer one of its budget
    // is
    std::fs::remove_file(place.path("fits/tiny/validation-3000.json")).unwrap();
    let mut old: Value = serde_json::from_str(&first).unwrap();
    old.as_object_mut().unwrap().retain(|key, _| key != "fits_sha256" && key != "weights");
    place.write("fits/tiny/validation.json", old.to_string());
    let old = place.done("allocate tiny --budget 3k");
    assert!(old.stdout.contains("the fits have changed since it was measured"), "{old}");
    place.write("fits/tiny/validation-3000.json", "{");
    assert_transcript(
        "validation_broken",
        &[place.fails(2, "allocate tiny --budget 3k"), place.fails(2, "report tiny")],
    );
}

#[test]
fn an_export_follows_the_verdict() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    let mut runs = vec![place.done("export tiny --out predicted")];
    let (rows, stamp) = exported(&place, "predicted");
    assert_eq!(rows, pairs_of(&place, "parallot"));
    assert!(stamp.ends_with(", policy parallot"), "{stamp}");
    place.done("validate tiny --budget 3k --trainer simulated");
    runs.push(place.done("export tiny --out measured"));
    let (rows, stamp) = exported(&place, "measured");
    assert_eq!(rows, [1000, 1000, 1000]);
    assert!(stamp.ends_with(", policy uniform"), "{stamp}");
    runs.push(place.done("export tiny --out asked --policy parallot"));
    assert_eq!(exported(&place, "asked").0, pairs_of(&place, "parallot"));
    let draws = place.done("export tiny --out draws --policy draws-mean");
    assert!(draws.stderr.contains("note: the recommended policy is `uniform`"), "{draws}");
    assert!(exported(&place, "draws").1.ends_with(", policy draws-mean"));
    runs.push(place.fails(2, "export tiny --out none --policy best"));
    // an optimum that is not proven recommends nothing
    let mut open = allocation(&place);
    open["comparison"]["slack_nats"] = 0.25.into();
    open["comparison"]["policies"][0]["gain_nats"] = Value::Null;
    place.write("fits/tiny/allocation.json", open.to_string());
    runs.push(place.fails(2, "export tiny --out none"));
    runs.push(place.done("export tiny --out open --policy uniform"));
    assert_transcript("exported", &runs);
}

#[test]
fn an_allocation_of_an_older_version_is_told_from_a_broken_one() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    let mut old = allocation(&place);
    for key in ["predicted_by", "slack_nats", "has_choice"] {
        old["comparison"].as_object_mut().unwrap().remove(key);
    }
    for key in ["recommended", "measured", "predicted", "to_know"] {
        old.as_object_mut().unwrap().remove(key);
    }
    old["comparison"]["policies"][0]["chance_to_beat_uniform"] = 1.0.into();
    place.write("fits/tiny/allocation.json", old.to_string());
    assert_transcript(
        "older",
        &[place.fails(2, "report tiny"), place.fails(2, "export tiny --out out")],
    );
}
