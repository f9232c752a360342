//! `fit --curves` as a person calls it: a table in, predictions and curves out, and what is said of a table that is none.

use super::place::{Place, assert_transcript};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Six sizes of two languages after a law with a floor, and two losses asked for.
fn table() -> String {
    let mut text = String::from("# made by hand\ncurve,x,loss,split,group,n_params\n");
    for (curve, floor) in [("zh", 1.5), ("tr", 1.2)] {
        for (k, x) in [500.0f64, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0].into_iter().enumerate() {
            let loss = (floor + 30.0 * x.powf(-0.4)) * (1.0 + 0.004 * (k as f64 * 2.3).sin());
            text += &format!("{curve},{x},{loss:.5},fit,both,\n");
        }
        text += &format!("{curve},32000,,predict,both,\n");
    }
    text
}

/// One law over models and data in a single curve.
fn models() -> String {
    let mut text = String::from("curve,x,loss,n_params,split\n");
    for n in [1e6f64, 4e6, 16e6, 64e6] {
        for x in [1e3f64, 4e3, 16e3, 64e3] {
            text += &format!("all,{x},{:.6},{n},\n", 1.7 + 400.0 * n.powf(-0.4) + 40.0 * x.powf(-0.45));
        }
    }
    text + "all,64000,,256000000,predict\n"
}

#[test]
fn a_table_is_fitted_and_what_it_asks_for_predicted() {
    let place = Place::new();
    place.write("curves.csv", table());
    place.write("models.csv", models());
    let lines = [
        "fit --curves curves.csv --family group --n-draws 100 --json out.json --draws draws.parquet",
        "fit --curves curves.csv --form power_floor --n-draws 100",
        "fit --curves models.csv --n-draws 100",
    ];
    let runs = lines.map(|line| place.done(line));
    assert_transcript("curves", &runs);
    let out: Value = serde_json::from_str(&place.read("out.json")).unwrap();
    for (prediction, (curve, floor)) in out["predictions"].as_array().unwrap().iter().zip([("zh", 1.5), ("tr", 1.2)]) {
        let truth = floor + 30.0 * 32000f64.powf(-0.4);
        let number = |value: &Value| value.as_f64().unwrap();
        assert_eq!((&prediction["curve"], number(&prediction["x"])), (&Value::from(curve), 32000.0));
        assert!((number(&prediction["prediction"]) / truth - 1.0).abs() < 0.02, "{prediction}");
        let (lo, hi) = (number(&prediction["interval_90"][0]), number(&prediction["interval_90"][1]));
        assert!(lo < truth && truth < hi && lo < number(&prediction["interval_50"][0]), "{prediction}");
    }
    for curve in out["curves"].as_array().unwrap() {
        for key in ["curve", "law", "weights", "parameters", "termination", "flags"] {
            assert!(curve.get(key).is_some(), "{key} of {curve}");
        }
    }
}

#[test]
fn tables_that_are_none() {
    let place = Place::new();
    place.write("short.csv", "curve,x,loss\na,1,2\na,2,1.9\nb,1,3\nb,2,2.8\nb,4,2.5\nb,8,2.4\n");
    place.write("score.csv", "curve,x,loss\na,1,0\n");
    place.write("text.csv", "curve,x,loss\na,one,2\n");
    place.write("empty.csv", "");
    let wrong = ["score.csv", "text.csv", "empty.csv", "nowhere.csv"].map(|file| place.fails(2, &format!("fit --curves {file}")));
    let others = [
        place.fails(1, "fit --curves short.csv --n-draws 20"),
        place.fails(2, "fit --curves short.csv --family group"),
        place.fails(2, "fit --curves short.csv --form additive,power"),
        place.fails(2, "fit bible --form additive"),
        place.fails(2, "fit"),
    ];
    assert_transcript("curves_wrong", &wrong.into_iter().chain(others).collect::<Vec<_>>());
}

#[test]
fn own_curves_become_an_allocation() {
    let place = Place::new();
    place.write("curves.csv", include_str!("../../examples/curves.csv"));
    let runs = vec![
        place.done("fit --curves curves.csv --n-draws 50 --out own/fits.json"),
        place.done("allocate --fits own/fits.json --budget 30k --out own"),
        place.fails(1, "fit --curves curves.csv --form additive --out fits.json"),
        place.fails(2, "fit --curves curves.csv --out curves.csv"),
    ];
    assert_transcript("own_curves", &runs);
    let allocation: Value = serde_json::from_str(&place.read("own/allocation.json")).unwrap();
    let languages = allocation["comparison"]["allocation"]["languages"].as_array().unwrap();
    assert_eq!(languages.iter().map(|row| row["pairs"].as_u64().unwrap()).sum::<u64>(), 30_000);
    // four passes over the unique pairs of the smallest corpus
    assert!(languages[1]["pairs"].as_u64().unwrap() <= 24_000, "{}", languages[1]);
}

#[test]
fn examples_run() {
    let programs = Path::new(env!("CARGO_BIN_EXE_parallot")).parent().unwrap().join("examples");
    for (name, said) in [
        ("allocate_from_csv", "tur_Latn "),
        ("fit_curves", "nats at 16,000 pairs"),
        ("solve_problem", "gap"),
        ("custom_report", "lang,pairs,predicted_loss_nats"),
    ] {
        let program = programs.join(name);
        if !program.exists() {
            // `cargo test` builds them, `cargo test --test it` does not
            assert!(std::env::var("CI").is_err(), "{} is missing", program.display());
            println!("skipped: `{name}` is not built");
            continue;
        }
        let ran = Command::new(&program).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success() && text.contains(said), "{name}: {text}{}", String::from_utf8_lossy(&ran.stderr));
    }
}
