//! Every kind of log with the traps that it sets.

use super::*;
use crate::files;

#[test]
fn of_several_checkpoints_the_furthest_is_read() {
    let place = Place::new();
    place.write("zh-8k/checkpoint-50/trainer_state.json", trainer_state(50, &HISTORY[..2]));
    place.write("zh-8k/checkpoint-150/trainer_state.json", trainer_state(150, &HISTORY));
    let (rows, notes) = import(&[place.path("zh-8k")], &by_name()).unwrap();
    assert_eq!(rows, ["eval_loss 8000 1.5"]);
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains("checkpoint-150")
            && notes[0].ends_with("at step 50 is a beginning of it"),
        "{notes:?}"
    );
    // the number of a checkpoint is no amount
    assert_eq!(read(&[place.path("zh-8k")], None, None).unwrap().runs[0].path, place.path("zh-8k"));
    // a run begun anew in the same folder is another history
    place.write(
        "zh-8k/checkpoint-50/trainer_state.json",
        trainer_state(50, &[r#"{"eval_loss": 9.5, "step": 50}"#]),
    );
    assert!(
        import(&[place.path("zh-8k")], &by_name()).unwrap().1[0]
            .ends_with("is a history of its own, left out")
    );
}

#[test]
fn eval_sets_of_a_trainer_are_curves() {
    let place = Place::new();
    let row = r#"{"eval_tr_loss": 2.5, "eval_tr_runtime": 1, "eval_zh_loss": 1.5, "epoch": 1.0, "step": 10}"#;
    let path = place.write("mix-8k/trainer_state.json", trainer_state(10, &[row]));
    assert_eq!(rows(&[path], &by_name()), ["tr 8000 2.5", "zh 8000 1.5"]);
}

#[test]
fn scalars_of_torch_and_of_tensorflow_are_read() {
    let place = Place::new();
    let tags = [
        simple(1.5),
        tensor_content(1.5),
        float_val(1.5, true),
        float_val(1.5, false),
        double_val(1.5),
    ];
    for content in tags {
        // images and texts stand between the scalars
        let image = bytes_field(4, b"png");
        let text = bytes_field(8, &varint_field(1, 7));
        let events = [
            version(),
            event(50, "sample", &image),
            event(50, "note", &text),
            event(100, "eval/loss", &content),
        ];
        let path = place.write("zh-8k/events.out.tfevents.1.host", events.concat());
        assert_eq!(rows(&[path], &by_name()), ["eval/loss 8000 1.5"]);
    }
}

#[test]
fn event_files_of_one_folder_are_one_run_and_a_step_logged_again_counts_once() {
    let place = Place::new();
    let early = [
        version(),
        event(50, "eval/zh_loss", &simple(2.0)),
        event(100, "eval/zh_loss", &simple(9.0)),
    ];
    place.write("zh-8k/events.out.tfevents.1.host", early.concat());
    let late = [
        version(),
        event(100, "eval/zh_loss", &simple(1.75)),
        event(150, "eval/zh_loss", &simple(1.5)),
    ];
    place.write("zh-8k/events.out.tfevents.2.host", late.concat());
    assert_eq!(rows(&[place.path("zh-8k")], &by_step()), ["zh 50 2", "zh 100 1.75", "zh 150 1.5"]);
}

#[test]
fn the_last_record_may_be_cut_short_and_no_other_damage_passes() {
    let place = Place::new();
    let whole =
        [version(), event(50, "eval/loss", &simple(2.0)), event(100, "eval/loss", &simple(1.5))]
            .concat();
    let path = place.write("zh-8k/events.out.tfevents.1.host", &whole[..whole.len() - 3]);
    let (rows, notes) = import(std::slice::from_ref(&path), &by_step()).unwrap();
    assert_eq!(rows, ["eval/loss 50 2"]);
    assert!(notes[0].ends_with("is cut short and left out"), "{notes:?}");
    let mut bad = whole.clone();
    bad[whole.len() / 2] ^= 1;
    place.write("zh-8k/events.out.tfevents.1.host", bad);
    assert!(
        read(std::slice::from_ref(&path), None, None)
            .unwrap_err()
            .to_string()
            .contains("the checksum of the")
    );
    place.write("zh-8k/events.out.tfevents.1.host", [whole, record_head(u64::MAX)].concat());
    assert_eq!(import(&[path], &by_step()).unwrap().0.len(), 2);
}

#[test]
fn a_panel_has_one_run_a_column() {
    let place = Place::new();
    let path = place.write("panel.csv", PANEL);
    assert_eq!(
        rows(std::slice::from_ref(&path), &by_step()),
        ["zh - 2k/zh 100 1.25", "zh-1k/zh 50 1.75", "zh-1k/zh 100 1.5"]
    );
    let selection = Selection {
        amount: Some(Amount::Pattern(Regex::new(r"(\d+k)").unwrap())),
        ..Selection::default()
    };
    assert_eq!(rows(&[path], &selection), ["zh 1000 1.5", "zh 2000 1.25"]);
    // two runs of one name, and a wall time that is no step
    let path = place.write(
        "twice.csv",
        "Relative Time (Process),a-1k - eval_loss,a-1k - eval_loss\n0.5,2,NaN\n1.5,1.5,1.25\n",
    );
    assert_eq!(
        rows(std::slice::from_ref(&path), &by_name()),
        ["eval_loss 1000 1.25", "eval_loss 1000 1.5"]
    );
    assert_eq!(import(&[path], &by_step()).unwrap_err(), "no value of `eval_loss` has a step");
    let path = place.write("word.csv", "Step,a-1k - eval_loss\n1,much\n");
    assert!(
        read(&[path], None, None)
            .unwrap_err()
            .to_string()
            .ends_with("row 1 of column `a-1k - eval_loss` is `much`, expected a number")
    );
}

#[test]
fn a_table_of_runs_has_settings_states_and_last_values() {
    let place = Place::new();
    let path = place.write("runs.csv", format!("\u{feff}{TABLE}"));
    let (rows, notes) = import(&[path], &by_key("pairs")).unwrap();
    assert_eq!(rows, ["zh 1000 1.5 seed 1", "zh 2000 1.25 seed 2"]);
    assert!(
        notes[0].starts_with("run `b` of")
            && notes[0].ends_with("is crashed, not finished; its last values are taken"),
        "{notes:?}"
    );
    assert_eq!(notes[1], "run `c`: `eval/zh_loss` is NaN; the run is left out");
}

#[test]
fn a_database_of_mlflow_keeps_what_is_deleted_out_and_nan_as_a_flag() {
    let place = Place::new();
    mlflow(&place.path("mlflow.db"));
    let (rows, notes) = import(&[place.path("mlflow.db")], &by_key("train_pairs")).unwrap();
    assert_eq!(rows, ["eval_loss 1000 1.5 seed 3"]);
    assert!(notes[0].contains("is FAILED, not FINISHED"), "{notes:?}");
    assert_eq!(notes[1], "run `b2`: `eval_loss` is NaN at step 200; the run is left out");
    let best = Selection { take: Take::Best, ..by_key("train_pairs") };
    let (rows, notes) = import(&[place.path("mlflow.db")], &best).unwrap();
    assert_eq!(rows, ["eval_loss 1000 1.5 seed 3", "eval_loss 2000 1.25"]);
    assert_eq!(
        notes[1], "run `b2`: 2 of 3 values of `eval_loss` are not finite and left out",
        "an infinity is stored as a finite number"
    );
}

#[test]
fn a_database_is_not_changed_and_a_hostile_view_not_run() {
    let place = Place::new();
    let path = place.path("mlflow.db");
    mlflow(&path);
    let before = files::read(&path).unwrap();
    read(std::slice::from_ref(&path), None, None).unwrap();
    assert_eq!(files::read(&path).unwrap(), before);
    let forever =
        "DROP TABLE params; CREATE VIEW params AS WITH RECURSIVE n(i) AS (SELECT 1 UNION \
    ALL SELECT i + 1 FROM n)
        SELECT 'k' AS key, i AS value, 'a1' AS run_uuid FROM n;";
    rusqlite::Connection::open(&path).unwrap().execute_batch(forever).unwrap();
    assert!(read(&[path], None, None).unwrap_err().to_string().contains("as mlflow: "));
}

#[test]
fn the_file_store_of_mlflow_is_read_with_keys_that_are_folders() {
    let place = Place::new();
    place.write("mlruns/0/meta.yaml", "experiment_id: '0'\nname: Default\n");
    for (run, name, stage) in
        [("a1", "zh-1k", "active"), ("b2", "zh-2k", "active"), ("c3", "zh-4k", "deleted")]
    {
        place.write(&format!("mlruns/0/{run}/meta.yaml"), meta(run, name, 3, stage));
        place.write(&format!("mlruns/0/{run}/params/seed"), "7");
        // steps out of order, as two processes write them
        place.write(
            &format!("mlruns/0/{run}/metrics/eval/zh_loss"),
            "1700000000200 1.5 200\n1700000000100 1.75 100\n",
        );
        place.write(&format!("mlruns/0/{run}/metrics/loss"), "1700000000100 nan 100\n");
    }
    assert_eq!(
        rows(&[place.path("mlruns")], &by_name()),
        ["zh 1000 1.5 seed 7", "zh 2000 1.5 seed 7"]
    );
    let hash = || read(&[place.path("mlruns")], None, None).unwrap().input_sha256;
    let before = hash();
    place.write("mlruns/0/b2/metrics/eval/zh_loss", "1700000000200 one 200\n");
    assert!(
        read(&[place.path("mlruns")], None, None)
            .unwrap_err()
            .to_string()
            .contains("line 1 is `1700000000200 one 200`")
    );
    place.write("mlruns/0/b2/metrics/eval/zh_loss", "1700000000200 1.25 200\n");
    assert_ne!(hash(), before);
}

#[test]
fn the_newest_results_of_each_task_count_and_the_harness_says_what_is_better() {
    let place = Place::new();
    let old = lm_eval(
        r#""acc,none": 0.25, "acc_stderr,none": "N/A""#,
        r#""acc,none": 0.5, "acc_stderr,none": 0.0625"#,
    );
    place.write("zh-8k/results_2025-01-01T00-00-00.1.json", old);
    let new = r#"{"results": {"belebele_zho": {"acc,none": 0.375, "acc_stderr,none": 0.03125}}, "higher_is_better": {}, "date": 2e9}"#;
    place.write("zh-8k/results_2025-02-01T00-00-00.1.json", new);
    let (rows, notes) = import(&[place.path("zh-8k")], &by_name()).unwrap();
    assert_eq!(rows, ["belebele_tur 8000 0.5 se 0.0625", "belebele_zho 8000 0.625 se 0.03125"]);
    assert!(
        notes[0].ends_with("replace older ones in that folder")
            && notes[1] == "higher `acc,none` is better: loss = 1 - acc,none",
        "{notes:?}"
    );
}

#[test]
fn the_harness_may_know_no_error_and_no_filter() {
    let place = Place::new();
    let text = lm_eval(
        r#""acc,none": 0.25, "acc_stderr,none": "N/A", "acc_norm,none": 0.5"#,
        r#""acc": 0.5, "acc_stderr": 0.0625"#,
    );
    let path = place.write("zh-8k/results_1.json", text);
    let error = import(std::slice::from_ref(&path), &by_name()).unwrap_err();
    assert_eq!(error, "no run has the metric `eval_loss`, found `acc`, `acc_norm`");
    let acc = Selection { metric: Some("acc".to_owned()), ..by_name() };
    assert_eq!(rows(&[path], &acc), ["belebele_tur 8000 0.5 se 0.0625", "belebele_zho 8000 0.75"]);
}

#[test]
fn scores_of_sacrebleu_are_objects_or_lists_and_of_one_signature() {
    let place = Place::new();
    let both =
        format!("[{}, {}]", sacrebleu("BLEU", 25.0, "2.6.0"), sacrebleu("chrF2", 50.5, "2.6.0"));
    place.write("zh-1k/scores.json", both);
    place.write("zh-2k/scores.json", sacrebleu("chrF2", 75.0, "2.6.0"));
    let chrf = Selection {
        metric: Some("chrF2".to_owned()),
        curve: Some(Regex::new("/([a-z]+)-").unwrap()),
        ..by_name()
    };
    let (rows, notes) = import(&[place.path(".")], &chrf).unwrap();
    assert_eq!(rows, ["zh 1000 49.5", "zh 2000 25"]);
    assert_eq!(notes, ["higher `chrF2` is better: loss = 100 - chrF2"]);
    place.write("zh-2k/scores.json", sacrebleu("chrF2", 75.0, "2.5.1"));
    let error = import(&[place.path(".")], &chrf).unwrap_err();
    assert!(
        error.starts_with("chrF2 has the signature nrefs:1")
            && error.ends_with("expected one signature"),
        "{error}"
    );
}

#[test]
fn damage_to_a_log_of_any_kind_is_an_error_that_names_the_file_once() {
    let place = Place::new();
    for (kind, log) in seeds::logs() {
        for garbage in [
            &b""[..],
            b"\0\xff\xfe",
            b"{",
            b"[[[[",
            b"{\"results\": 1}",
            b"\"Name\", \"x\n",
            b"SQLite format 3\0 and no more",
        ] {
            let path = place.write("damaged", garbage);
            let (name, runs) =
                (path.display().to_string(), read(std::slice::from_ref(&path), Some(kind), None));
            match runs {
                Err(error) => {
                    assert_eq!(error.to_string().matches(&name).count(), 1, "{kind}: {error}")
                }
                Ok(logs) => assert!(
                    logs.runs.iter().all(|run| run.series.is_empty()),
                    "{kind} reads {garbage:?}"
                ),
            }
        }
        for cut in 0..=log.len().min(400) {
            let path = place.write("cut", &log[..log.len() * cut / log.len().min(400)]);
            let _ = read(&[path], Some(kind), None);
        }
    }
}
