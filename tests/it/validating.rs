//! `parallot validate`, whole commands: what is predicted, trained, measured and refused.

use super::place::{Place, assert_transcript};

#[test]
fn simulated_mixtures_are_predicted_and_measured() {
    let place = Place::with_fits();
    place.done("validate tiny --budget 3k --trainer simulated --list --seeds 2");
    assert!(
        place
            .tree("experiments/records/tiny")
            .iter()
            .all(|(path, _)| !path.ends_with("prediction.json")),
        "a list freezes nothing"
    );
    let first = place.done("validate tiny --budget 3k --trainer simulated");
    assert_transcript(
        "validated",
        &[place.done("validate tiny --budget 3k --trainer simulated --list"), first],
    );
    let before = place.tree("experiments/records/tiny/validate-3000");
    let result = place.read("fits/tiny/validation-3000.json");
    // nothing is missing: nothing is trained, and the same is found
    place.done("validate tiny --budget 3k --trainer simulated");
    assert_eq!(place.tree("experiments/records/tiny/validate-3000"), before);
    assert_eq!(place.read("fits/tiny/validation-3000.json"), result);
    assert!(place.read("plots/tiny/validation-3000.svg").contains("Predicted and measured"));
    // a record that is lost is made again
    let lost = before
        .iter()
        .map(|(path, _)| path)
        .find(|path| !path.ends_with("prediction.json"))
        .unwrap();
    std::fs::remove_file(place.path(lost)).unwrap();
    place.done("validate tiny --budget 3k --trainer simulated");
    assert_eq!(place.tree("experiments/records/tiny/validate-3000"), before);
}

#[test]
fn what_cannot_be_validated() {
    let place = Place::with_fits();
    place.done("validate tiny --budget 3k --trainer simulated");
    let lines = [
        "validate tiny --budget 3k --seeds 0",
        "validate tiny --budget 3k --policies best",
        "validate tiny --budget-cost 30",
        "validate tiny --budget 3k --device cuda",
        // the prediction that is there is of three seeds
        "validate tiny --budget 3k --trainer simulated --seeds 2",
        "validate none --budget 3k",
    ];
    assert_transcript("not_validated", &lines.map(|line| place.fails(2, line)));
}

/// Trained, not simulated: a tiny network on tiny mixtures.
#[test]
fn mixtures_are_trained_from_the_base() {
    let place = Place::with_fits();
    place.done("validate tiny --budget 240 --seeds 2 --policies unimax-4 --save models");
    let table = place.read("fits/tiny/validation-240.csv");
    let rows: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), 2 * 3, "{table}");
    assert!(
        rows[0].starts_with("parallot,qaa_Latn,") && rows[3].starts_with("uniform,qaa_Latn,80,"),
        "{table}"
    );
    let records = place.tree("experiments/records/tiny/validate-240");
    assert_eq!(records.len(), 1 + 4);
    let mixed = records
        .iter()
        .filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains("\"mix\""))
        .count();
    assert_eq!(mixed, 4);
    assert_eq!(place.path("models").read_dir().unwrap().count(), 4);
}
