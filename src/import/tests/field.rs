//! Logs in the layouts that they lie about in: folders of parts, resumed runs, checkpoints, exports
//! by scripts.

use super::*;

/// Event files with one value of a tag at some steps.
fn events(values: &[(u64, &str, f32)]) -> Vec<u8> {
    let events = values.iter().map(|(step, tag, value)| event(*step, tag, &simple(*value)));
    std::iter::once(version()).chain(events).collect::<Vec<_>>().concat()
}

fn asked(metric: &str) -> Selection {
    Selection { metric: Some(metric.to_owned()), ..by_name() }
}

#[test]
fn parts_of_a_run_are_sets_and_no_repeats() {
    let place = Place::new();
    for (run, valid) in [("tr-500", 3.5), ("tr-1000", 3.25)] {
        place.write(
            &format!("tb/{run}/train/events.out.tfevents.1.a"),
            events(&[(10, "loss", 2.0)]),
        );
        place.write(
            &format!("tb/{run}/train_inner/events.out.tfevents.1.a"),
            events(&[(10, "loss", 2.25)]),
        );
        place.write(
            &format!("tb/{run}/valid/events.out.tfevents.1.a"),
            events(&[(10, "loss", valid)]),
        );
    }
    let (found, notes) = import(&[place.path("tb")], &asked("loss")).unwrap();
    let expected = [
        "train 500 2",
        "train 1000 2",
        "train_inner 500 2.25",
        "train_inner 1000 2.25",
        "valid 500 3.5",
        "valid 1000 3.25",
    ];
    assert_eq!(found, expected);
    assert!(
        notes[0].contains("`train`, `train_inner`, `valid`")
            && notes[0].contains("`--metric valid/KEY`"),
        "{notes:?}"
    );
    assert_eq!(
        rows(&[place.path("tb")], &asked("valid/loss")),
        ["valid 500 3.5", "valid 1000 3.25"]
    );
    // one curve has no room for three
    let by_lang = Selection { curve: Some(Regex::new("(tr)-").unwrap()), ..asked("loss") };
    assert!(
        import(&[place.path("tb")], &by_lang)
            .unwrap_err()
            .contains("`loss on train` and `loss on train_inner`")
    );
}

#[test]
fn scalars_that_torch_adds_together_are_sets_by_their_folders() {
    let place = Place::new();
    place.write("tr-500/loss_dev/events.out.tfevents.1.a", events(&[(10, "loss", 3.5)]));
    place.write("tr-500/loss_zh-1/events.out.tfevents.1.a", events(&[(10, "loss", 2.5)]));
    assert_eq!(rows(&[place.path("tr-500")], &asked("loss")), ["dev 500 3.5", "zh-1 500 2.5"]);
}

#[test]
fn folders_that_nothing_tells_apart_are_an_error_that_names_them() {
    let place = Place::new();
    for part in ["a", "b"] {
        place
            .write(&format!("tr-500/{part}/events.out.tfevents.1.a"), events(&[(10, "loss", 3.5)]));
    }
    let error = import(&[place.path("tr-500")], &asked("loss")).unwrap_err();
    assert!(
        error.contains("tr-500/a` and `")
            && error.ends_with("curve `loss` at 500, expected one folder a run"),
        "{error}"
    );
    // runs named alike are repeats
    for seed in ["s1", "s2"] {
        place.write(
            &format!("all/{seed}/zh-500/events.out.tfevents.1.a"),
            events(&[(10, "loss", 3.5)]),
        );
    }
    assert_eq!(rows(&[place.path("all")], &asked("loss")).len(), 2);
}

#[test]
fn a_run_that_was_resumed_is_one_run() {
    let place = Place::new();
    let (first, second) =
        ("out/tr-2000/runs/Nov30_09-00-00_node-1", "out/tr-2000/runs/Dec01_09-00-00_node-1");
    // the steps after the checkpoint at 100 were lost
    place.write(
        &format!("{first}/events.out.tfevents.1.a"),
        events(&[(50, "eval/loss", 4.0), (100, "eval/loss", 3.5), (150, "eval/loss", 3.0)]),
    );
    place.write(
        &format!("{second}/events.out.tfevents.2.a"),
        events(&[(150, "eval/loss", 3.25), (200, "eval/loss", 2.75)]),
    );
    place.write(
        "out/tr-500/runs/Nov30_09-00-00_node-1/events.out.tfevents.1.a",
        events(&[(50, "eval/loss", 4.5)]),
    );
    let (found, notes) = import(&[place.path("out")], &by_name()).unwrap();
    assert_eq!(found, ["eval/loss 500 4.5", "eval/loss 2000 2.75"]);
    assert!(notes[0].contains("goes on from the folders before it, from step 150"), "{notes:?}");
    let steps = rows(&[place.path("out/tr-2000")], &by_step());
    assert_eq!(
        steps,
        ["eval/loss 50 4", "eval/loss 100 3.5", "eval/loss 150 3.25", "eval/loss 200 2.75"]
    );
}

#[test]
fn a_run_begun_anew_beside_another_is_an_error_that_names_both() {
    let place = Place::new();
    for (date, loss) in [("Nov26_09-00-00_node-1", 3.5), ("Nov26_12-00-00_node-1", 3.0)] {
        place.write(
            &format!("tr-2000/runs/{date}/events.out.tfevents.1.a"),
            events(&[(50, "eval/loss", 4.0), (100, "eval/loss", loss)]),
        );
    }
    let size = Some(Amount::Pattern(Regex::new(r"tr-(\d+)").unwrap()));
    let error =
        import(&[place.path("tr-2000")], &Selection { amount: size, ..by_name() }).unwrap_err();
    assert!(
        error.contains("Nov26_09")
            && error.contains("Nov26_12")
            && error.contains("expected one folder a run"),
        "{error}"
    );
}

fn harness(model: &str, arguments: &str, acc: f64) -> String {
    format!(
        r#"{{"results": {{"xnli_tr": {{"acc,none": {acc}, "acc_stderr,none": 0.25}}}}, "higher_is_better": {{"xnli_tr": {{"acc": true}}}},
            "config": {{"model": "hf", "model_args": {arguments}}}, "model_name": "{model}"}}"#
    )
}

#[test]
fn models_in_one_folder_are_told_apart_by_file_and_by_what_was_evaluated() {
    let place = Place::new();
    for (model, acc) in [("tr-500", 0.5), ("tr-1000", 0.75)] {
        let text = harness(&format!("out/{model}"), &format!("\"pretrained=out/{model}\""), acc);
        place.write(&format!("files/{model}_2025-03-01T10-00-00.123456.json"), text);
        // adapters are evaluated under the name of their base
        let text =
            harness("base", &format!(r#"{{"pretrained": "base", "peft": "out/{model}"}}"#), acc);
        place.write(&format!("peft/base/results_2025-03-01T10-0{}-00.1.json", model.len()), text);
    }
    let expected = ["xnli_tr 500 0.5 se 0.25", "xnli_tr 1000 0.25 se 0.25"];
    assert_eq!(rows(&[place.path("files")], &asked("acc")), expected);
    assert_eq!(rows(&[place.path("peft")], &asked("acc")), expected);
}

#[test]
fn checkpoints_of_a_model_are_its_history_and_their_number_is_no_amount() {
    let place = Place::new();
    for (step, acc) in [(62, 0.25), (125, 0.5)] {
        let model = format!("out/tr-500/checkpoint-{step}");
        let text = harness(&model, &format!("\"pretrained={model}\""), acc);
        place.write(
            &format!("evals/out__tr-500__checkpoint-{step}/results_2025-03-01T10-00-00.1.json"),
            text,
        );
    }
    let last = Selection {
        amount: Some(Amount::Pattern(Regex::new(r"-(\d+)$").unwrap())),
        ..asked("acc")
    };
    let (found, notes) = import(&[place.path("evals")], &last).unwrap();
    assert_eq!(found, ["xnli_tr 500 0.5 se 0.25"]);
    assert!(
        notes[0].ends_with("was evaluated at 62, 125: the checkpoints of one run"),
        "{notes:?}"
    );
    let steps = Selection { metric: Some("acc".to_owned()), ..by_step() };
    assert_eq!(
        rows(&[place.path("evals")], &steps),
        ["xnli_tr 62 0.75 se 0.25", "xnli_tr 125 0.5 se 0.25"]
    );
}

#[test]
fn llamafactory_logs_and_last_values_are_runs() {
    let place = Place::new();
    let line = |step: u32, key: &str, value: f64| {
        format!(
            "{{\"current_steps\": {step}, \"total_steps\": 10, \"{key}\": {value}, \"epoch\": 0.5}}\n"
        )
    };
    let log =
        [line(5, "loss", 4.0), line(5, "eval_loss", 3.75), line(10, "eval_loss", 3.5)].concat();
    place.write("saves/tr-500/trainer_log.jsonl", &log);
    place.write(
        "saves/tr-500/all_results.json",
        r#"{"epoch": 1.0, "eval_loss": 3.5, "eval_bleu": 12.5}"#,
    );
    place.write("saves/tr-1000/eval_results.json", r#"{"epoch": 1.0, "eval_loss": 3.25}"#);
    assert_eq!(
        rows(&[place.path("saves")], &by_name()),
        ["eval_loss 500 3.5", "eval_loss 1000 3.25"]
    );
    assert_eq!(rows(&[place.path("saves")], &asked("eval_bleu")), ["eval_bleu 500 87.5"]);
    assert_eq!(
        rows(&[place.path("saves/tr-500/trainer_log.jsonl")], &by_step()),
        ["eval_loss 5 3.75", "eval_loss 10 3.5"]
    );
    // the state of the trainer says the same, and only it of its checkpoints is said
    place.write(
        "saves/tr-500/trainer_state.json",
        trainer_state(10, &[r#"{"eval_loss": 3.5, "step": 10}"#]),
    );
    let (found, notes) = import(&[place.path("saves/tr-500")], &by_name()).unwrap();
    assert_eq!((found, notes.len()), (vec!["eval_loss 500 3.5".to_owned()], 0));
    // resumed at 5, and cut short while it was written
    let path = place.write(
        "tr-8/trainer_log.jsonl",
        [&log, &line(6, "eval_loss", 3.25), "{\"current_"].concat(),
    );
    let (found, notes) = import(&[path], &by_step()).unwrap();
    assert_eq!(found, ["eval_loss 5 3.75", "eval_loss 6 3.25"]);
    assert!(notes[0].contains("is cut short"), "{notes:?}");
}

#[test]
fn tables_of_the_api_of_wandb_are_read() {
    let place = Place::new();
    let project = ",summary,config,name\n0,\"{'eval/loss': 3.5, '_step': 41}\",\"{'seed': 1, 'n': 500}\",tr-500\n\
        1,\"{'eval/loss': nan}\",\"{'seed': 2, 'n': 1000}\",tr-1000\n2,\"{'eval/loss': 3.25}\",\"{'seed': 2, 'n': 2000}\",tr-2000\n";
    let path = place.write("project.csv", project);
    assert_eq!(
        rows(std::slice::from_ref(&path), &asked("eval/loss")),
        ["eval/loss 500 3.5 seed 1", "eval/loss 2000 3.25 seed 2"]
    );
    assert_eq!(rows(&[path], &by_key("n")).len(), 2);
    let history = ",_runtime,_timestamp,train/loss,eval/loss,_step\n0,1.5,1.7e9,4.0,,0\n1,2.5,1.7e9,,3.75,1\n2,3.5,1.7e9,,3.5,3\n";
    place.write("history/tr-500.csv", history);
    assert_eq!(rows(&[place.path("history")], &by_name()), ["eval/loss 500 3.5"]);
    assert_eq!(rows(&[place.path("history")], &by_step()), ["eval/loss 1 3.75", "eval/loss 3 3.5"]);
    let path = place.write("bad.csv", ",summary,config,name\n0,x,{},a\n");
    assert!(
        read(&[path], None, None)
            .unwrap_err()
            .to_string()
            .ends_with("row 1 of column `summary` is no dict of Python")
    );
}

#[test]
fn folders_of_wandb_hold_last_values_and_settings() {
    let place = Place::new();
    let folder = "wandb/run-20250301_100000-ab12cd/files";
    place.write(
        &format!("{folder}/wandb-summary.json"),
        r#"{"eval/loss": 3.5, "_step": 10, "nested": {"loss": 1.5}}"#,
    );
    place.write(
        &format!("{folder}/config.yaml"),
        "wandb_version: 1\n_wandb: {value: {a: 1}}\nn: {desc: null, value: 500}\nseed: \
        {value: 3}\n",
    );
    assert_eq!(
        rows(
            &[place.path("wandb")],
            &Selection { metric: Some("eval/loss".to_owned()), ..by_key("n") }
        ),
        ["eval/loss 500 3.5 seed 3"]
    );
}

#[test]
fn a_panel_may_count_tokens() {
    let place = Place::new();
    let path = place
        .write("panel.csv", "train/num_input_tokens_seen,a - eval/loss\n50000,3.5\n100000,3.25\n");
    let (found, notes) = import(&[path], &by_step()).unwrap();
    assert_eq!(found, ["eval/loss 50000 3.5", "eval/loss 100000 3.25"]);
    assert!(
        notes[0].ends_with("is `train/num_input_tokens_seen`, and counts as the step"),
        "{notes:?}"
    );
}

#[test]
fn models_that_mlflow_logs_beside_runs_are_passed_over() {
    let place = Place::new();
    place.write("mlruns/0/a1/meta.yaml", meta("a1", "zh-1k", 3, "active"));
    place.write("mlruns/0/a1/metrics/eval_loss", "1700000000200 1.5 200\n");
    place.write(
        "mlruns/0/models/m-1/meta.yaml",
        "model_id: m-1\nname: zh-1k\nsource_run_id: a1\nstatus: 2\n",
    );
    place.write("mlruns/0/models/m-1/metrics/eval_loss", "1700000000200 1.5 200 a1\n");
    assert_eq!(rows(&[place.path("mlruns")], &by_name()), ["eval_loss 1000 1.5"]);
}

#[test]
fn signatures_may_differ_between_curves_and_intervals_are_errors() {
    let place = Place::new();
    for (name, score, version) in
        [("zh-500", 25.0, "2.6.0"), ("zh-1000", 50.0, "2.6.0"), ("ja-500", 12.5, "2.4.0")]
    {
        place.write(&format!("{name}.json"), sacrebleu("BLEU", score, version));
    }
    let selection = Selection { curve: Some(Regex::new("^([a-z]+)-").unwrap()), ..asked("BLEU") };
    let (found, notes) = import(&[place.path(".")], &selection).unwrap();
    assert_eq!(found, ["ja 500 87.5", "zh 500 75", "zh 1000 50"]);
    assert!(notes.iter().any(|note| note.contains("curve `zh` has the signature")), "{notes:?}");
    assert!(
        import(&[place.path(".")], &asked("BLEU")).unwrap_err().ends_with("expected one signature")
    );
    let confident = r#"{"name": "BLEU", "score": 25.0, "signature": "v", "confidence_mean": 25.1, "confidence_var": 0.98}"#;
    let path = place.write("tr-500/a.json", confident);
    assert_eq!(rows(&[path], &asked("BLEU")), ["BLEU 500 75 se 0.5"]);
    let systems = r#"[{"system": "tr-500.txt", "BLEU": {"score": 25.0, "ci": 0.98}}, {"system": "tr-1000.txt", "BLEU": "50.0 (μ = 50.1 ± 0.5)"}]"#;
    let path = place.write("systems.json", systems);
    assert_eq!(rows(&[path], &asked("BLEU")), ["BLEU 500 75 se 0.5", "BLEU 1000 50"]);
}

#[test]
fn text_logs_are_runs_by_folder_or_by_file() {
    let place = Place::new();
    let marian =
        |loss: f64| format!("[valid] Ep. 1 : Up. 100 : ce-mean-words : {loss} : new best\n");
    place.write("logs/tr-500/valid.log", marian(3.5));
    place.write("logs/tr-500/train.log", marian(3.5));
    place.write("logs/tr-1000.log", marian(3.25));
    place.write("logs/notes.txt", "nothing\n");
    assert_eq!(
        rows(&[place.path("logs")], &by_name()),
        ["ce-mean-words 500 3.5", "ce-mean-words 1000 3.25"]
    );
    let path = place.write("own/tr-500.txt", "at 100 got 3.5\nat 200 got 3.25\n");
    let pattern = Regex::new(r"at (?P<step>\d+) got (?P<value>[\d.]+)").unwrap();
    let logs = read(&[place.path("own")], None, Some(&pattern)).unwrap();
    assert_eq!(select(&logs, &by_name()).unwrap().rows[0].loss, 3.25);
    let error = read(&[path], None, Some(&Regex::new("no (x)").unwrap())).unwrap_err().to_string();
    assert!(error.ends_with("no line that `no (x)` matches with a number"), "{error}");
}

#[test]
fn metrics_of_lightning_are_runs_by_the_folder_above_their_version() {
    let place = Place::new();
    place.write(
        "tr-500/lightning_logs/version_7/metrics.csv",
        "epoch,step,train_loss,val_loss\n0,9,3.75,\n0,9,,3.5\n1,19,,3.25\n",
    );
    assert_eq!(rows(&[place.path("tr-500")], &asked("val_loss")), ["val_loss 500 3.25"]);
    place.write("tr-500/lightning_logs/version_8/metrics.csv", "epoch,step,val_loss\n0,9,3.5\n");
    let size = Some(Amount::Pattern(Regex::new(r"tr-(\d+)").unwrap()));
    assert!(
        import(&[place.path("tr-500")], &Selection { amount: size, ..asked("val_loss") })
            .unwrap_err()
            .contains("expected one folder a run")
    );
}
