//! Records of the first version of the training code: they are read, and no run of another version
//! comes among them.

use super::place::{Place, TINY, assert_transcript};
use parallot::corpus::{Bitext, Split};
use parallot::record::TrainingVersion;
use parallot::spec::{Experiment, Text};
use serde_json::Value;
use std::path::Path;

/// Ids of the base and of all runs of the sweep and of the validation there, under a version.
fn ids(place: &Place, version: TrainingVersion) -> Vec<String> {
    let experiment = Experiment::read(&place.path("experiments/tiny.yaml")).unwrap();
    let Text::Constructed(languages) = &experiment.text else { panic!("not constructed") };
    let bitexts: Vec<Bitext> = languages.build().unwrap();
    let base = experiment.base_id(&bitexts, None, version);
    let mut ids: Vec<String> =
        experiment.runs(&bitexts, &base).into_iter().map(|run| run.id).collect();
    let prediction: Value =
        serde_json::from_str(&place.read("experiments/records/tiny/validate-3000/prediction.json"))
            .unwrap();
    let numbers = |value: &Value| {
        value.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect::<Vec<_>>()
    };
    for policy in prediction["policies"].as_array().unwrap() {
        let of = |&seed: &u64| {
            experiment.mixed_run(&bitexts, &base, &numbers(&policy["pairs"]), seed, Split::Test).id
        };
        ids.extend(numbers(&prediction["seeds"]).iter().map(of));
    }
    ids.push(base);
    ids
}

/// A sweep, fits and a validation, all of the first version: as of now, under the ids of then.
fn older() -> Place {
    let place = Place::new();
    place.write(
        "experiments/tiny.yaml",
        TINY.replace(
            "seeds: [1, 2]",
            "seeds: [1, 2]\nmixtures: {count: 18, least: 600, most: 3000}",
        ),
    );
    for line in [
        "sweep tiny --trainer simulated",
        "fit tiny --n-draws 20",
        "validate tiny --budget 3k --trainer simulated",
    ] {
        place.done(line);
    }
    let renamed: Vec<(String, String)> = ids(&place, TrainingVersion::CURRENT)
        .into_iter()
        .zip(ids(&place, TrainingVersion::FIRST))
        .collect();
    let old = |text: String| renamed.iter().fold(text, |text, (now, then)| text.replace(now, then));
    for (path, bytes) in place.tree("experiments/records") {
        let text =
            old(String::from_utf8(bytes).unwrap()).replace("\n  \"training_version\": 2,", "");
        std::fs::remove_file(place.path(&path)).unwrap();
        place.write(&old(path.to_string_lossy().into_owned()), text);
    }
    place
}

#[test]
fn older_records_are_read_and_not_extended() {
    let place = older();
    let before = place.tree("experiments/records");
    let lose = |folder: &str| {
        let is_record = |path: &Path| {
            !["sweep.json", "prediction.json", "points.csv"].iter().any(|name| path.ends_with(name))
        };
        let is_there = |path: &&Path| is_record(path) && path.parent() == Some(Path::new(folder));
        std::fs::remove_file(
            place.path(before.iter().map(|(path, _)| path.as_path()).find(is_there).unwrap()),
        )
        .unwrap();
    };
    // where nothing is missing, all is done
    let mut runs = vec![
        place.done("sweep tiny --trainer simulated"),
        place.done("validate tiny --budget 3k --trainer simulated"),
        place.done("validate tiny --budget 3k --trainer simulated --hindsight"),
    ];
    place.done("report tiny");
    assert_eq!(place.tree("experiments/records"), before);
    lose("experiments/records/tiny/validate-3000");
    runs.push(place.fails(2, "validate tiny --budget 3k --trainer simulated"));
    runs.push(place.fails(2, "validate tiny --budget 4k --trainer simulated"));
    lose("experiments/records/tiny");
    runs.push(place.fails(2, "sweep tiny --trainer simulated"));
    assert!(
        place.done("sweep tiny --trainer simulated --list").stdout.contains("1 of 49 runs missing")
    );
    place.done("fit tiny --n-draws 20");
    // what is new has a folder of its own
    place.write("experiments/again.yaml", place.read("experiments/tiny.yaml"));
    place.done("sweep again --trainer simulated");
    assert!(
        place.read("experiments/records/again/sweep.json").contains("\"training_version\": 2,")
    );
    assert_transcript("versions", &runs);
}
