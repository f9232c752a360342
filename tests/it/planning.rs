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
        text.lines().skip(2).filter_map(|line| line.split('-').next()).collect();
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
    let again = place.done("plan tiny --budget 6k").stdout;
    assert!(again.contains("12 models"), "{again}");
    let other = place.fails(2, "plan tiny --budget 7k");
    assert!(other.stderr.contains("holds 12 models of another design"), "{}", other.stderr);
    assert_eq!(place.read("experiments/records/tiny/design.csv"), before);
}

#[test]
fn a_design_that_another_trainer_tuned_is_a_table_of_mixtures() {
    let place = pooled();
    place.done("plan tiny --budget 6k");
    let text = place.read("experiments/records/tiny/design.csv");
    let losses = |line: &str| -> String {
        let own = line.split(',').skip(3).map(|cell| cell.parse::<f64>().unwrap());
        own.map(|own| format!(",{}", 1.0 + 30.0 / (own + 200.0).sqrt())).collect()
    };
    let table: Vec<String> = (text.lines().enumerate())
        .map(|(at, line)| match at {
            0 => line.to_owned(),
            1 => format!("{line},loss_qaa_Latn,loss_qab_Latn,loss_qac_Latn"),
            _ => line.to_owned() + &losses(line),
        })
        .collect();
    place.write("tuned.csv", table.join("\n"));
    place.done("fit --mixtures tuned.csv --out fits.json");
    let allocated = place.done("allocate --fits fits.json --budget 6k");
    assert!(allocated.stdout.contains("qab_Latn"), "{}", allocated.stdout);
}

#[test]
fn what_is_not_planned_or_measured_is_refused() {
    let place = pooled();
    place.done("plan tiny --budget 6k");
    place.done("sweep tiny --trainer simulated");
    place.done("fit tiny --n-draws 20");
    let refused = [
        "plan tiny --budget 6k --next 0",
        "plan tiny --budget 6k --next --objective worst",
        "plan tiny --budget 6k --max qaa=1k",
        "plan tiny --from mix.yaml",
        "validate tiny --budget 6k --objective fair --trainer simulated",
        "validate tiny --budget 6k --doses 0,1 --trainer simulated",
        "validate tiny --budget 6k --doses 9 --trainer simulated",
    ];
    let runs: Vec<_> = refused.iter().map(|line| place.fails(2, line)).collect();
    assert_transcript("not_planned", &runs);
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
    let by_hand = (7.0 * a + 13.0 * b + c - 21.0 * d) / 55.0;
    let gain = response["gain_nats"]["value"].as_f64().unwrap();
    let correction = response["correction_nats"].as_f64().unwrap();
    approx::assert_relative_eq!(gain, by_hand + correction, epsilon = 1e-9);
    // the interval is at least as wide as the correction may be wrong by
    let end = |name: &str| response["gain_nats"]["interval_90"][name].as_f64().unwrap();
    assert!(end("hi") - gain > correction.abs() && gain - end("lo") > correction.abs(), "{found}");
    let allocated = place.done("allocate tiny --budget 6k");
    assert!(allocated.stdout.contains("measured: "), "{}", allocated.stdout);
}
