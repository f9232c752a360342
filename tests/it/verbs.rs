//! What every verb says when all is well.

use super::place::{Place, assert_transcript};

#[test]
fn help_and_version() {
    let place = Place::new();
    let verbs = ["", "quickstart ", "sweep ", "import ", "fit ", "allocate ", "report ", "export "];
    let mut runs: Vec<_> = verbs.iter().map(|verb| place.done(&format!("{verb}--help"))).collect();
    runs.push(place.done("--version"));
    assert_transcript("help", &runs);
}

#[test]
fn verbs_one_after_the_other() {
    let place = Place::with_tiny();
    let runs = [
        "sweep tiny --list",
        "sweep tiny --trainer simulated",
        "sweep tiny --trainer simulated",
        "fit tiny --bootstraps 20",
        "allocate tiny --budget 3k",
        "report tiny",
        "export tiny --out out",
    ];
    assert_transcript("verbs", &runs.map(|line| place.done(line)));
}

#[test]
fn bounds_and_weights_of_an_allocation() {
    let place = Place::with_fits();
    let runs = [
        "allocate tiny --budget 3k --min qaa=1200 --max qac_Latn=900",
        "allocate tiny --budget 3k --weight qab=0 --epochs 1.5",
        "allocate --fits fits/tiny/fits.json --budget 3k --out elsewhere",
    ];
    assert_transcript("bounds", &runs.map(|line| place.done(line)));
}

#[test]
fn an_allocation_of_other_fits_is_left_out_of_the_report() {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 3k");
    place.done("fit tiny --bootstraps 20 --seed 5");
    assert_transcript("other_fits", &[place.done("report tiny")]);
}

#[test]
fn quickstart_from_end_to_end() {
    let place = Place::new();
    assert_transcript("quickstart", &[place.done("quickstart --trainer simulated --out here")]);
    assert!(place.read("here/plots/quickstart/index.html").to_lowercase().starts_with("<!doctype html>"));
}
