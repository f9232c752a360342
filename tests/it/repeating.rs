//! Runs that repeat pairs, from their records to the allocation: simulated ones whose repeats are
//! worth two passes at most.

use super::place::{Place, TINY, assert_transcript};
use parallot::files;
use parallot::law::Repetition;
use serde_json::{Value, json};

const UNIQUE: u64 = 400;
const R_STAR: f64 = 2.0;

/// The tiny experiment with small sizes as well, its languages as if they had 400 pairs: runs of
/// 800 and 1600 repeat them, and lose what repeats are not worth.
fn swept() -> Place {
    let place = Place::new();
    place.write("experiments/tiny.yaml", TINY.replace("[0, 100, 200", "[0, 25, 50, 100, 200"));
    place.done("sweep tiny --trainer simulated");
    let manifest = "experiments/records/tiny/sweep.json";
    let mut sweep: Value = serde_json::from_str(&place.read(manifest)).unwrap();
    sweep["corpora"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|row| row["train_pairs"] = json!(UNIQUE));
    place.write(manifest, sweep.to_string());
    let langs = ["qaa_Latn", "qab_Latn", "qac_Latn"];
    for (name, text) in place.records("tiny") {
        let mut record: Value = serde_json::from_str(&text).unwrap();
        let (lang, pairs) = (record["lang"].clone(), record["pairs"].as_f64().unwrap());
        let worth = Repetition::new(UNIQUE as f64, R_STAR).unwrap().effective(pairs);
        for evaluation in record["evaluations"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .filter(|row| row["lang"] == lang)
        {
            let k = langs.iter().position(|code| evaluation["lang"] == *code).unwrap() as f64;
            // the simulated trainer's law, its noise kept
            let loss =
                |own: f64| 1.0 + (1.0 + 0.5 * k) * ((own + 200.0) / 1000.0).powf(-(0.5 - 0.05 * k));
            evaluation["nats"] =
                json!(evaluation["nats"].as_f64().unwrap() * loss(worth) / loss(pairs));
        }
        place.write(&name, record.to_string());
    }
    place
}

#[test]
fn repeated_runs_say_what_repeats_are_worth() {
    let place = swept();
    let runs = vec![
        place.done("fit tiny --n-draws 40"),
        place.done("allocate tiny --budget 3k"),
        place.done("report tiny"),
    ];
    assert_transcript("repeats", &runs);
    let fits: Value = serde_json::from_str(&place.read("fits/tiny/fits.json")).unwrap();
    for fit in fits["fits"].as_array().unwrap() {
        assert!(
            fit["points"]
                .as_array()
                .unwrap()
                .iter()
                .all(|point| point["pairs"].as_f64().unwrap() <= UNIQUE as f64)
        );
        let repetition = &fit["repetition"];
        assert_eq!(
            (&repetition["basis"], repetition["points"].as_array().unwrap().len()),
            (&json!("measured"), 4)
        );
        let interval = &repetition["r_star"]["interval_90"];
        assert!(
            interval["lo"].as_f64().unwrap() < R_STAR && R_STAR < interval["hi"].as_f64().unwrap(),
            "{interval}"
        );
    }
    let laws = place.read("fits/tiny/laws.csv");
    assert_eq!(
        laws.lines().filter(|line| line.contains(",repetition,r_star,")).count(),
        3,
        "{laws}"
    );
    assert!(
        files::read_text(&place.path("plots/tiny/curves.svg"))
            .unwrap()
            .contains("run that repeats pairs")
    );
}

#[test]
fn fits_of_older_versions_repeat_nothing() {
    let place = swept();
    place.done("fit tiny --n-draws 10");
    let losses = |line: &str| -> Vec<f64> {
        let answer: Value = serde_json::from_str(&place.done(line).stdout).unwrap();
        let languages = answer["comparison"]["allocation"]["languages"].as_array().unwrap();
        languages.iter().map(|language| language["loss_nats"].as_f64().unwrap()).collect()
    };
    let (now, once) =
        (losses("allocate tiny --budget 4200 --json"), losses("allocate tiny --budget 600 --json"));
    let mut fits: Value = serde_json::from_str(&place.read("fits/tiny/fits.json")).unwrap();
    fits["fits"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .for_each(|fit| drop(fit.as_object_mut().unwrap().remove("repetition")));
    place.write("old.json", fits.to_string());
    let old = losses("allocate --fits old.json --budget 4200 --json");
    assert!(old.iter().zip(&now).all(|(old, now)| old < now), "{old:?} {now:?}");
    // up to the unique pairs nothing is another
    assert_eq!(once, losses("allocate --fits old.json --budget 600 --json"));
}
