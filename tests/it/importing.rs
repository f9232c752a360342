//! `import` as a person calls it: logs in, the table of curves out, and what is said when they are
//! not what they should be.

use super::place::{Place, assert_transcript};

/// A state of a trainer whose only evaluation is on two sets.
fn state(zh: &str, tr: &str) -> String {
    format!(
        "{{\"global_step\": 10, \"log_history\": [{{\"eval_tr_loss\": {tr}, \"eval_zh_loss\": {zh}, \"step\": 10}}]}}"
    )
}

/// Runs on two languages, one of which diverged, beside a file that is no log.
fn runs() -> Place {
    let place = Place::new();
    for (run, zh, tr) in [
        ("zh-1k", "1.5", "2.5"),
        ("zh-2k", "1.25", "2.5"),
        ("zh-4k", "NaN", "NaN"),
        ("tr-1k", "2.75", "1.75"),
    ] {
        place.write(&format!("out/{run}/trainer_state.json"), state(zh, tr));
        place.write(&format!("out/{run}/config.json"), "{\"hidden_size\": 8}");
    }
    place
}

#[test]
fn logs_become_a_table_of_curves() {
    let place = runs();
    place.write(
        "scores/zh.json",
        "[{\"name\": \"BLEU\", \"score\": 25.0, \"signature\": \"version:2.6.0\"}]",
    );
    place.write("sizes.csv", "run,x,curve\nzh,8k,Chinese\n");
    let lines = [
        r"import out --size -(\d+k)$ --curve ^([a-z]+)- --out curves.csv",
        r"import out --size -(\d+k)$ --metric eval_zh_loss",
        "import out/zh-1k out/zh-2k --x step",
        "import scores/zh.json --size-table sizes.csv",
    ];
    let runs = lines.map(|line| place.done(line));
    assert_transcript("import", &runs);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, filters => [(r"\d+\.\d+\.\d+ \(rev [0-9a-z]+\)", "[version]")] }, {
        insta::assert_snapshot!("import_table", place.read("curves.csv"));
    });
}

#[test]
fn logs_that_are_none() {
    let place = runs();
    place.write("empty.json", "");
    place.write("events.out.tfevents.1", "not an event file at all");
    place.write("mlflow.db", "SQLite format 3\0");
    place.write("sizes.csv", "run,size\nzh,8k\n");
    let lines = [
        "import",
        "import nowhere --x step",
        "import empty.json --x step",
        "import empty.json --x step --from trainer-state",
        "import events.out.tfevents.1 --x step",
        "import mlflow.db --x step",
        "import out --from excel",
        "import out --from sacrebleu --x step",
        "import out",
        "import out --size step(",
        "import out --size [a-z]+",
        "import out --size (\\d)$",
        "import out --size-key pairs",
        "import out --size-table sizes.csv",
        "import out --size-key pairs --x step",
        "import out --x step --metric bleu",
        "import out --x step --take first",
        "import out --x step --ceiling nan",
        "import out --x step --ceiling 1",
        "import out/zh-4k --x step",
        "import out --size -(\\d+k)$ --curve ^out",
        "import out/zh-1k --x step --out out",
    ];
    assert_transcript("import_failures", &lines.map(|line| place.fails(2, line)));
}
