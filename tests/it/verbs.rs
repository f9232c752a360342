//! What every verb says when all is well.

use super::place::{Place, TINY, assert_transcript};

#[test]
fn help_and_version() {
    let place = Place::new();
    let verbs = [
        "",
        "quickstart ",
        "sweep ",
        "import ",
        "fit ",
        "allocate ",
        "validate ",
        "evaluate ",
        "report ",
        "export ",
        "similarity ",
        "bench ",
    ];
    let mut runs: Vec<_> = verbs.iter().map(|verb| place.done(&format!("{verb}--help"))).collect();
    runs.push(place.done("--version"));
    assert_transcript("help", &runs);
}

#[test]
fn verbs_one_after_the_other() {
    let place = Place::with_tiny();
    let runs = [
        "sweep tiny --list --trainer simulated",
        "sweep tiny --trainer simulated",
        "sweep tiny --trainer simulated",
        "fit tiny --n-draws 20",
        "allocate tiny --budget 3k",
        "report tiny",
        "export tiny --out out",
    ];
    assert_transcript("verbs", &runs.map(|line| place.done(line)));
}

#[test]
fn a_trunk_costs_less_than_its_runs() {
    let place = Place::new();
    place.write(
        "experiments/trunk.yaml",
        TINY.replace("batch_pairs: 4", "batch_pairs: 4, schedule: trunk"),
    );
    let list = "sweep trunk --list --trainer simulated";
    let mut runs = vec![place.done(list), place.done("sweep trunk --trainer simulated")];
    // of a trunk whose longest branch is missing the whole is computed again
    let largest = |text: &str| text.contains("qaa_Latn\",\n  \"pairs\": 1600,\n  \"seed\": 1,");
    let records =
        place.records("trunk").into_iter().filter(|(_, text)| largest(text)).collect::<Vec<_>>();
    assert_eq!(records.len(), 1);
    std::fs::remove_file(place.path(&records[0].0)).unwrap();
    runs.push(place.done(list));
    assert_transcript("trunk", &runs);
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
    place.done("fit tiny --n-draws 20 --seed 5");
    assert_transcript("other_fits", &[place.done("report tiny")]);
}

#[cfg(feature = "train")]
#[test]
fn quickstart_from_end_to_end() {
    let place = Place::new();
    assert_transcript("quickstart", &[place.done("quickstart --trainer simulated --out here")]);
    let page = place.read("here/plots/quickstart/index.html");
    assert!(
        page.to_lowercase().starts_with("<!doctype html>") && page.contains("id=\"validation\"")
    );
    // its trial of two seeds stands in the way of no validation of more, and is kept when it is run
    // again
    let more = place.done(
        "validate here/experiments/quickstart.yaml --budget 12k --seeds 4 --trainer simulated",
    );
    assert!(more.stdout.contains("12,000 pairs: "), "{more}");
    let again = place.done("quickstart --trainer simulated --out here");
    assert!(
        again.stderr.contains("note: a validation at 12000 pairs is there already and is kept"),
        "{again}"
    );
    assert!(again.stdout.contains("90 % interval over 4 seeds"), "{again}");
}

#[cfg(feature = "train")]
#[test]
fn a_machine_is_measured() {
    let ran = Place::new().done("bench --model nano --steps 2 --threads 1 --json");
    let speed: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let number = |key: &str| speed[key].as_f64().unwrap();
    let losses: Vec<f64> = serde_json::from_value(speed["losses_nats"].clone()).unwrap();
    assert_eq!((&speed["model"], &speed["device"]), (&"nano".into(), &"cpu".into()));
    assert_eq!((number("threads"), number("steps")), (1.0, 2.0));
    assert!(number("tokens_per_second") > 0.0 && (losses[0] - 2048f64.ln()).abs() < 0.2);
    assert!(losses[losses.len() - 1] < losses[0]);
}
