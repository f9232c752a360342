//! Whole imports, from files that the tests write: every kind of log, its traps, and what is left
//! of it when it is damaged.

mod field;
mod fixtures;
mod readers;
mod seeds;

use super::*;
use fixtures::*;
use regex::Regex;
use std::path::PathBuf;

/// Rows and notes of some logs by the words `curve x loss [se] [seed]`, or the message of the
/// error.
fn import(paths: &[PathBuf], selection: &Selection) -> Result<(Vec<String>, Vec<String>), String> {
    let logs = read(paths, None, None).map_err(|error| error.to_string())?;
    let imported = select(&logs, selection).map_err(|error| error.to_string())?;
    let cell = |value: Option<String>| value.map_or(String::new(), |value| format!(" {value}"));
    let row = |row: &Row| {
        let (se, seed) =
            (row.se.map(|se| format!("se {se}")), row.seed.map(|seed| format!("seed {seed}")));
        format!("{} {} {}{}{}", row.curve, row.x, row.loss, cell(se), cell(seed))
    };
    Ok((imported.rows.iter().map(row).collect(), [logs.notes, imported.notes].concat()))
}

fn rows(paths: &[PathBuf], selection: &Selection) -> Vec<String> {
    import(paths, selection).unwrap().0
}

/// Amounts from the number after the last `-` of a name or of a folder.
fn by_name() -> Selection {
    Selection {
        amount: Some(Amount::Pattern(Regex::new(r"-(\d+k?)\b").unwrap())),
        ..Selection::default()
    }
}

fn by_key(key: &str) -> Selection {
    Selection { amount: Some(Amount::Key(key.to_owned())), ..Selection::default() }
}

fn by_step() -> Selection {
    Selection { amount: Some(Amount::Step), ..Selection::default() }
}

/// Two runs of a trainer, named for language and amount and evaluated on two sets.
fn two_languages() -> Place {
    let place = Place::new();
    for (run, zh, tr) in [("zh-1k", 1.5, 2.5), ("zh-2k", 1.25, 2.5), ("tr-1k", 2.75, 1.75)] {
        let row = format!(r#"{{"eval_tr_loss": {tr}, "eval_zh_loss": {zh}, "step": 10}}"#);
        place.write(&format!("out/{run}/trainer_state.json"), trainer_state(10, &[&row]));
    }
    place
}

#[test]
fn nothing_is_guessed_about_amounts() {
    let place = two_languages();
    let error = import(&[place.path("out")], &Selection::default()).unwrap_err();
    assert_eq!(error, "nothing says how much data each run saw, found `tr-1k`, `zh-1k`, `zh-2k`");
    let error = import(&[place.path("out")], &by_key("pairs")).unwrap_err();
    assert_eq!(
        error,
        "no run has an amount by the setting `pairs`, found `tr-1k`, `zh-1k`, `zh-2k`"
    );
}

#[test]
fn a_run_named_for_a_language_gives_the_curve_of_that_language() {
    let place = two_languages();
    let selection = Selection { curve: Some(Regex::new("^([a-z]+)-").unwrap()), ..by_name() };
    let (rows, notes) = import(&[place.path("out")], &selection).unwrap();
    assert_eq!(rows, ["tr 1000 1.75", "zh 1000 1.5", "zh 2000 1.25"]);
    assert_eq!(notes, ["of runs evaluated on several sets, that of the curve's name is taken"]);
}

#[test]
fn without_a_pattern_curves_are_eval_sets_and_repeats_are_told() {
    let place = two_languages();
    let (rows, notes) = import(&[place.path("out")], &by_name()).unwrap();
    assert_eq!(
        rows,
        [
            "tr 1000 1.75",
            "tr 1000 2.5",
            "tr 2000 2.5",
            "zh 1000 1.5",
            "zh 1000 2.75",
            "zh 2000 1.25"
        ]
    );
    assert_eq!(notes.len(), 2);
    assert_eq!(
        notes[1],
        "curve `zh` has points of one amount and seed, first at 1000; they are taken as repeats"
    );
}

#[test]
fn a_curve_with_two_values_of_one_run_is_refused() {
    let place = two_languages();
    let selection = Selection { curve: Some(Regex::new("/(out)/").unwrap()), ..by_name() };
    let error = import(&[place.path("out")], &selection).unwrap_err();
    assert_eq!(
        error,
        "run `tr-1k` gives curve `out` two values: `eval_tr_loss` and `eval_zh_loss`, expected one"
    );
}

#[test]
fn with_steps_every_run_is_a_curve_of_its_own() {
    let place = Place::new();
    for run in ["a", "b"] {
        place.write(&format!("{run}/trainer_state.json"), trainer_state(150, &HISTORY));
    }
    assert_eq!(rows(&[place.path("a")], &by_step()), ["eval_loss 50 1.75", "eval_loss 150 1.5"]);
    assert_eq!(
        rows(&[place.path("a"), place.path("b")], &by_step()),
        ["a 50 1.75", "a 150 1.5", "b 50 1.75", "b 150 1.5"]
    );
}

#[test]
fn last_best_and_mean_of_a_history() {
    let place = Place::new();
    let rows_of = |losses: &[&str]| {
        let row =
            |(step, loss): (usize, &&str)| format!(r#"{{"eval_loss": {loss}, "step": {step}}}"#);
        let rows: Vec<String> = losses.iter().enumerate().map(row).collect();
        trainer_state(9, &rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let path = place.write("a-10/trainer_state.json", rows_of(&["3", "1", "2", "1.5"]));
    let take = |word: &str| {
        import(std::slice::from_ref(&path), &Selection { take: word.parse().unwrap(), ..by_name() })
    };
    assert_eq!(take("last").unwrap().0, ["eval_loss 10 1.5"]);
    assert_eq!(take("best").unwrap().0, ["eval_loss 10 1"]);
    assert_eq!(take("mean:2").unwrap().0, ["eval_loss 10 1.75"]);
    assert_eq!(take("mean:9").unwrap().0, ["eval_loss 10 1.875"]);
    for word in ["", "first", "mean", "mean:", "mean:0", "mean:-1", "mean:x"] {
        assert!(word.parse::<Take>().is_err(), "{word}");
    }
    // a run that diverged has no last value; what it had before is not the loss at its amount
    place.write("a-10/trainer_state.json", rows_of(&["3", "1", "Infinity", "NaN"]));
    assert_eq!(take("last").unwrap_err(), "no run has a finite `eval_loss`");
    let (rows, notes) = take("best").unwrap();
    assert_eq!(rows, ["eval_loss 10 1"]);
    assert_eq!(notes, ["run `a-10`: 2 of 4 values of `eval_loss` are not finite and left out"]);
    let (rows, notes) = import(std::slice::from_ref(&path), &by_step()).unwrap();
    assert_eq!(rows, ["eval_loss 0 3", "eval_loss 1 1"]);
    assert_eq!(
        notes,
        ["run `a-10`: 2 of 4 values of `eval_loss` are not finite or have no step, and are left \
            out"]
    );
}

#[test]
fn a_metric_is_named_where_there_are_several() {
    let place = Place::new();
    let path = place.write(
        "a-10/trainer_state.json",
        trainer_state(1, &[r#"{"eval_bleu": 20, "loss": 2, "step": 1}"#]),
    );
    let import = |metric: Option<&str>| {
        import(
            std::slice::from_ref(&path),
            &Selection { metric: metric.map(str::to_owned), ..by_name() },
        )
    };
    assert_eq!(
        import(None).unwrap_err(),
        "no run has the metric `eval_loss`, found `eval_bleu`, `loss`"
    );
    assert_eq!(
        import(Some("bleu")).unwrap_err(),
        "no run has the metric `bleu`, found `eval_bleu`, `loss`"
    );
    assert_eq!(import(Some("loss")).unwrap().0, ["loss 10 2"]);
    let (rows, notes) = import(Some("eval_bleu")).unwrap();
    assert_eq!(rows, ["eval_bleu 10 80"]);
    assert_eq!(notes, ["higher `eval_bleu` is better: loss = 100 - eval_bleu"]);
}

#[test]
fn scores_need_a_ceiling_above_them_and_losses_are_above_0() {
    let place = Place::new();
    let row =
        r#"{"eval_acc": 45, "eval_bleu": 0.25, "eval_fluency": 3, "eval_loss": -0.5, "step": 1}"#;
    let path = place.write("a-10/trainer_state.json", trainer_state(1, &[row]));
    let import = |metric: &str, ceiling: Option<f64>| {
        let sense = ceiling.map(|ceiling| Sense::Rises { ceiling });
        import(
            std::slice::from_ref(&path),
            &Selection { metric: Some(metric.to_owned()), sense, ..by_name() },
        )
    };
    assert_eq!(
        import("eval_acc", None).unwrap_err(),
        "`eval_acc` of run `a-10` is 45, expected a score below the ceiling 1"
    );
    assert_eq!(import("eval_acc", Some(100.0)).unwrap().0, ["eval_acc 10 55"]);
    assert!(
        import("eval_bleu", None).unwrap().1[0]
            .ends_with("no score is above 1, so that the ceiling may be 1")
    );
    assert_eq!(
        import("eval_fluency", None).unwrap_err(),
        "nothing says whether a higher `eval_fluency` is better"
    );
    assert_eq!(import("eval_fluency", Some(5.0)).unwrap().0, ["eval_fluency 10 2"]);
    assert_eq!(
        import("eval_loss", None).unwrap_err(),
        "`eval_loss` of run `a-10` is -0.5, expected a loss above 0"
    );
}

#[test]
fn the_order_of_the_logs_changes_nothing() {
    let place = two_languages();
    let folders = ["out/zh-2k", "out/tr-1k", "out/zh-1k"].map(|name| place.path(name));
    let other = ["out/tr-1k", "out/zh-1k", "out/zh-2k", "out/zh-1k"].map(|name| place.path(name));
    assert_eq!(read(&folders, None, None).unwrap(), read(&other, None, None).unwrap());
    assert_eq!(read(&folders, None, None).unwrap().input_sha256.len(), 64);
}

#[test]
fn logs_of_two_programs_are_not_mixed_unless_one_is_named() {
    let place = two_languages();
    place.write(
        "out/zh-1k/runs/today/events.out.tfevents.1.host",
        [version(), event(10, "eval/loss", &simple(9.0))].concat(),
    );
    let error = read(&[place.path("out")], None, None).unwrap_err().to_string();
    assert!(
        error.contains("is trainer-state and")
            && error.contains("is tensorboard, expected logs of one kind"),
        "{error}"
    );
    assert_eq!(read(&[place.path("out")], Some(Kind::TrainerState), None).unwrap().runs.len(), 3);
    assert_eq!(read(&[place.path("out")], Some(Kind::Tensorboard), None).unwrap().runs.len(), 1);
    place.write("notes/readme.json", "{\"a\": 1}");
    assert!(
        read(&[place.path("notes")], None, None)
            .unwrap_err()
            .to_string()
            .starts_with("no log below")
    );
    assert!(
        read(&[place.path("notes/readme.json")], None, None)
            .unwrap_err()
            .to_string()
            .starts_with("cannot tell what kind of log")
    );
}
