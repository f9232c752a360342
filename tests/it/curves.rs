//! `fit --curves` as a person calls it: a table in, predictions and curves out, and what is said of
//! a table that is none.

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
            text +=
                &format!("all,{x},{:.6},{n},\n", 1.7 + 400.0 * n.powf(-0.4) + 40.0 * x.powf(-0.45));
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
        "fit --curves curves.csv --family group --n-draws 100 --json out.json --draws \
        draws.parquet",
        "fit --curves curves.csv --form power_floor --n-draws 100",
        "fit --curves models.csv --n-draws 100",
    ];
    let runs = lines.map(|line| place.done(line));
    assert_transcript("curves", &runs);
    let out: Value = serde_json::from_str(&place.read("out.json")).unwrap();
    for (prediction, (curve, floor)) in
        out["predictions"].as_array().unwrap().iter().zip([("zh", 1.5), ("tr", 1.2)])
    {
        let truth = floor + 30.0 * 32000f64.powf(-0.4);
        let number = |value: &Value| value.as_f64().unwrap();
        assert_eq!(
            (&prediction["curve"], number(&prediction["x"])),
            (&Value::from(curve), 32000.0)
        );
        assert!((number(&prediction["prediction"]) / truth - 1.0).abs() < 0.02, "{prediction}");
        let (lo, hi) =
            (number(&prediction["interval_90"][0]), number(&prediction["interval_90"][1]));
        assert!(
            lo < truth && truth < hi && lo < number(&prediction["interval_50"][0]),
            "{prediction}"
        );
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
    let wrong = ["score.csv", "text.csv", "empty.csv", "nowhere.csv"]
        .map(|file| place.fails(2, &format!("fit --curves {file}")));
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
fn mixtures_of_a_table_are_predicted() {
    let place = Place::new();
    let rows = |with_losses: bool| {
        let row = |at: usize| {
            let (a, b) =
                (0.1 + 0.08 * at as f64, (0.9 - 0.08 * at as f64) * (0.3 + 0.1 * (at % 4) as f64));
            let (web, code) = (3.0 + 0.3 * (-3.0 * a).exp(), 1.5 + 0.5 * (-4.0 * b).exp());
            let losses = if with_losses { format!(",{web:.4},{code:.4}") } else { String::new() };
            format!("r{at},{a:.4},{b:.4},{:.4}{losses}\n", 1.0 - a - b)
        };
        (0..10).map(row).collect::<String>()
    };
    let header = "run,p_web,p_code,p_books,loss_web,loss_code,split\n";
    let lines = rows(true).replace('\n', ",\n");
    place.write("mixtures.csv", format!("{header}{lines}new,0.5,0.3,0.2,,,predict\n"));
    place.write("ratios.csv", format!("index,web,code,books\n{}", rows(false)));
    place.write(
        "metrics.csv",
        format!(
            "index,held-out\n{}",
            (0..10).map(|at| format!("r{at},{}\n", 3.0 - 0.01 * at as f64)).collect::<String>()
        ),
    );
    place.write("few.csv", "p_a,p_b,loss_t\n1,0,2\n0,1,3\n");
    place.write("other.csv", "p_a,p_b,loss_t,note\n1,0,2,x\n");
    place.write("mix.yaml", "web: 0.5\ncode: 0.25\nbooks: 0.25\n");
    let runs = [
        place.done("fit --mixtures mixtures.csv --json out.json"),
        place.done("fit --mixtures ratios.csv --metrics metrics.csv"),
        place.fails(1, "fit --mixtures few.csv"),
        place.fails(2, "fit --mixtures other.csv"),
        place.fails(2, "fit --mixtures mixtures.csv --json mixtures.csv"),
        place.fails(2, "fit --mixtures mixtures.csv --family run"),
        place.done("fit --mixtures mixtures.csv --out fits.json"),
        place.done("allocate --fits fits.json --budget 10k"),
        place.done(
            "allocate --fits fits.json --budget 10k --from mix.yaml --freeze old:web+books --max \
            code=3k --weight code=2 --out chosen",
        ),
        place.done("allocate --fits fits.json --budget 10k --near mix.yaml --pull 1 --min books=0"),
        place.fails(2, "allocate --fits fits.json --budget 10k --group g:web+code>=50%"),
        place.fails(2, "allocate --fits fits.json --budget 10k --max tea=1k"),
        place.fails(
            2,
            "allocate --fits fits.json --budget 10k --max web=1k --max code=1k --max \
        books=1k",
        ),
        place.fails(2, "allocate --budget 10k --freeze old:web+books"),
        place.fails(2, "allocate --fits fits.json --budget 10k --freeze web"),
    ];
    assert_transcript("own_mixtures", &runs);
    let out: Value = serde_json::from_str(&place.read("out.json")).unwrap();
    let found = &out["predictions"][0];
    assert_eq!((&found["run"], &found["target"]), (&Value::from("new"), &Value::from("web")));
    let number = |value: &Value| value.as_f64().unwrap();
    let truth = 3.0 + 0.3 * (-1.5f64).exp();
    assert!((number(&found["prediction"]) / truth - 1.0).abs() < 0.002, "{found}");
    let [lo, low, high, hi] = [("90", 0), ("50", 0), ("50", 1), ("90", 1)]
        .map(|(level, end)| number(&found[format!("interval_{level}")][end]));
    assert!(lo < low && low < high && high < hi);
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
        assert!(
            ran.status.success() && text.contains(said),
            "{name}: {text}{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }
}
