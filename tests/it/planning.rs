//! Plans, whole commands: a design of pooled models, its sweep, whether they decide, the batch that
//! follows, and an allocation by them alone.

use super::place::{Place, TINY, assert_transcript};
use parallot::files;
use serde_json::Value;

fn pooled() -> Place {
    let place = Place::new();
    let sizes = "sizes: [0, 100, 200, 400, 800, 1600]\n";
    place.write("experiments/tiny.yaml", TINY.replace(sizes, ""));
    place
}

#[test]
fn a_budget_is_decided_by_models_of_several_languages_alone() {
    let place = pooled();
    let mut runs = vec![
        place.fails(2, "sweep tiny --trainer simulated"),
        place.done("plan tiny --budget 6k"),
        place.fails(2, "plan tiny --budget 6k --next"),
        place.done("sweep tiny --trainer simulated"),
        place.done("fit tiny --n-draws 40"),
        place.done("plan tiny --budget 6k --next --regret 1"),
        place.done("plan tiny --budget 6k --next 3 --regret 0.000001"),
        place.fails(2, "plan tiny --budget 6k --next"),
    ];
    let text = place.read("experiments/records/tiny/design.csv");
    let batches: Vec<&str> =
        text.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(batches, ["0", "0", "0", "0", "0", "0", "0", "0", "0", "1", "1", "1"]);
    runs.extend([
        place.done("sweep tiny --trainer simulated"),
        place.fails(2, "plan tiny --budget 6k --next"),
        place.done("fit tiny --n-draws 40"),
        place.done("plan tiny --budget 6k --next --regret 0.000001 --spend 10k"),
        place.done("plan tiny --budget 6k --validate"),
        place.done("allocate tiny --budget 6k"),
        place.done("report tiny"),
    ]);
    assert_transcript("planning", &runs);
    // what needs models of one language says so
    for flags in ["--transfer", "--laws curves", "--budget-cost 6000", "--target mean=1.9"] {
        let budget =
            if flags.contains("cost") || flags.contains("target") { "" } else { "--budget 6k" };
        let failed = place.fails(2, &format!("allocate tiny {budget} {flags}"));
        assert!(failed.stderr.contains("needs models of one language"), "{}", failed.stderr);
    }
    assert!(!files::exists(&place.path("fits/tiny/curves.csv")));
    // no mixture trades one for the other where the same is asked again
    let before = place.read("experiments/records/tiny/design.csv");
    let other = place.fails(2, "plan tiny --budget 7k");
    assert!(other.stderr.contains("holds 12 models of another design"), "{}", other.stderr);
    assert_eq!(place.read("experiments/records/tiny/design.csv"), before);
}

#[test]
fn a_dose_response_is_predicted_measured_and_decides() {
    let place = pooled();
    place.done("plan tiny --budget 6k --models 12");
    place.done("sweep tiny --trainer simulated");
    place.done("fit tiny --n-draws 40");
    let validated = place.done(
        "validate tiny --budget 6k --policies uniform --doses -2,0,2 --seeds 6 --trainer simulated",
    );
    assert!(
        validated.stdout.contains("by the dose response, steps -2, 0, 1, 2"),
        "{}",
        validated.stdout
    );
    let found: Value = serde_json::from_str(&place.read("fits/tiny/validation-6000.json")).unwrap();
    let response = &found["dose_response"];
    assert_eq!(response["seeds"].as_array().unwrap().len(), 6);
    let policies = found["policies"].as_array().unwrap();
    let mean = |name: &str| {
        let of = |row: &&Value| {
            row["policy"] == name
                || row["policy"]["dose"].as_f64().map(|t| format!("{t}")) == Some(name.to_owned())
        };
        policies.iter().find(of).unwrap()["mean_loss_nats"].as_f64().unwrap()
    };
    // the parabola of least squares through the four means, and the correction
    let (a, b, c, d) = (mean("-2"), mean("uniform"), mean("parallot"), mean("2"));
    let weights = parallot::validate::dose_weights(&[-2.0, 0.0, 1.0, 2.0]).unwrap();
    let by_hand: f64 = weights.iter().zip([a, b, c, d]).map(|(k, loss)| k * loss).sum();
    let gain = response["gain_nats"]["value"].as_f64().unwrap();
    let correction = response["correction_nats"].as_f64().unwrap();
    approx::assert_relative_eq!(gain, by_hand + correction, epsilon = 1e-9);
    let apart = policies.iter().find(|row| row["policy"] == "parallot").unwrap();
    let width = |value: &Value| {
        value["interval_90"]["hi"].as_f64().unwrap() - value["interval_90"]["lo"].as_f64().unwrap()
    };
    assert!(width(&response["gain_nats"]) < width(&apart["measured_gain_nats"]), "{found}");
    let allocated = place.done("allocate tiny --budget 6k");
    assert!(allocated.stdout.contains("measured: "), "{}", allocated.stdout);
}
