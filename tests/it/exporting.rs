//! Exports for every trainer: exact counts, what is told of long rows, and flags that have no
//! meaning.

use super::place::{Place, TINY, assert_transcript};
use serde_json::Value;

const TRAINERS: [&str; 11] = [
    "llamafactory",
    "jsonl",
    "trl",
    "axolotl",
    "ms-swift",
    "verl",
    "open-instruct",
    "hf-datasets",
    "megatron",
    "mosaicml-streaming",
    "tsv",
];

fn planned() -> Place {
    let place = Place::with_fits();
    place.done("allocate tiny --budget 6k --epochs 2");
    place
}

/// A column of `realised.csv` as whole numbers; nothing where a cell is empty.
fn column(place: &Place, folder: &str, name: &str) -> Vec<Option<u64>> {
    let table = place.read(format!("{folder}/realised.csv"));
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(table.as_bytes());
    let at = reader.headers().unwrap().iter().position(|found| found == name).unwrap();
    reader.records().map(|row| row.unwrap()[at].parse().ok()).collect()
}

#[test]
fn every_trainer_gets_the_planned_rows() {
    let place = planned();
    let mut runs = Vec::new();
    for trainer in TRAINERS {
        runs.push(
            place.done(&format!("export tiny --to {trainer} --out {trainer} --policy uniform")),
        );
        assert_eq!(column(&place, trainer, "rows_drawn"), [Some(2000); 3], "{trainer}");
        let data = place.exported(trainer);
        for lang in ["qaa_Latn", "qab_Latn", "qac_Latn"] {
            // Parquet is read back by the tests of the library
            if let Some(rows) = ["jsonl", "tsv"]
                .iter()
                .find_map(|ending| data.get(&format!("muit_{lang}.{ending}")))
            {
                assert_eq!(rows.lines().count(), 2000, "{trainer}");
                let first: Vec<&str> = rows.lines().take(400).collect();
                assert_eq!(
                    first,
                    rows.lines().skip(1600).collect::<Vec<_>>(),
                    "{trainer}: a whole pass of 1,600 pairs, then its beginning"
                );
            } else {
                assert!(data.contains_key(&format!("muit_{lang}.parquet")), "{trainer}");
            }
        }
    }
    assert_transcript("trainers", &runs);
}

#[test]
fn pooled_rows_are_those_of_the_languages_in_another_order() {
    let place = planned();
    for format in ["messages", "prompt-completion", "alpaca"] {
        place.done(&format!(
            "export tiny --to jsonl --format {format} --out {format} --policy uniform"
        ));
        let data = place.exported(format);
        let mut pooled: Vec<String> = Vec::new();
        for line in data["train.jsonl"].lines() {
            let mut row: Value = serde_json::from_str(line).unwrap();
            let lang = row.as_object_mut().unwrap().remove("lang").unwrap();
            pooled.push(format!("{} {row}", lang.as_str().unwrap()));
        }
        let of = |lang: &str| {
            data[&format!("muit_{lang}.jsonl")]
                .lines()
                .map(|line| format!("{lang} {line}"))
                .collect::<Vec<_>>()
        };
        let mut apart = ["qaa_Latn", "qab_Latn", "qac_Latn"].map(of).concat();
        assert_ne!(pooled, apart);
        apart.sort();
        pooled.sort();
        assert_eq!(pooled, apart, "{format}");
    }
    place.done("export tiny --to jsonl --out other --policy uniform --seed 1");
    assert_ne!(place.exported("messages")["train.jsonl"], place.exported("other")["train.jsonl"]);
}

#[test]
fn flags_that_have_no_meaning_are_refused() {
    let place = planned();
    let mut lines = vec![
        "export tiny --out out --to trl --template qwen",
        "export tiny --out out --to trl --format alpaca",
        "export tiny --out out --to jsonl --model a/b",
        "export tiny --out out --to tsv --limit 100",
        "export tiny --out out --to tsv --tokenizer a/b",
        "export tiny --out out --to llamafactory --format messages",
        "export tiny --out out --replace-long",
        "export tiny --out out --limit 0",
        "export tiny --out out --to torchtune",
        "export tiny --out out --format parquet",
    ];
    if cfg!(not(feature = "train")) {
        lines.push("export tiny --out out --tokenizer a/b");
    }
    let runs = lines.iter().map(|line| place.fails(2, line)).collect::<Vec<_>>();
    assert!(!place.path("out").exists());
    if cfg!(feature = "train") {
        assert_transcript("no_meaning", &runs);
    }
}

#[test]
fn instruction_data_of_a_recipe_are_exported() {
    let place = Place::new();
    let record = |lang: &str, index: usize| {
        format!("{{\"instruction\": \"Count to {index} in {lang}.\", \"output\": \"done\"}}\n")
    };
    for lang in ["eng_Latn", "qaa_Latn", "qad_Latn"] {
        place.write(
            &format!("data/{lang}.jsonl"),
            (0..30).map(|index| record(lang, index)).collect::<String>(),
        );
    }
    let files = ["eng_Latn", "qaa_Latn", "qad_Latn"]
        .map(|lang| format!("{{lang: {lang}, path: {lang}.jsonl}}"))
        .join(", ");
    let tuning = format!("recipe: coit, instructions: {{files: [{files}], most: 20}}");
    place.write(
        "experiments/tiny.yaml",
        TINY.replace("batch_pairs: 4", &format!("batch_pairs: 4, {tuning}")),
    );
    place.done("sweep tiny --trainer simulated --data data");
    place.done("fit tiny --n-draws 20");
    place.done("allocate tiny --budget 3k");
    place.done("export tiny --out out --to trl --data data --policy uniform");
    let data = place.exported("out");
    // those of English and of the languages with pairs, at most so many
    let records: Vec<(&str, usize)> = data
        .iter()
        .filter(|(name, _)| name.contains("instructions"))
        .map(|(name, rows)| (name.as_str(), rows.lines().count()))
        .collect();
    assert_eq!(
        records,
        [("muit_instructions_eng_Latn.jsonl", 20), ("muit_instructions_qaa_Latn.jsonl", 20)]
    );
    let told = place.done("export tiny --out pairs --to tsv --data data --policy uniform");
    assert!(
        told.stderr
            .contains("the instruction data of the recipe are left out: they are no translations"),
        "{told}"
    );
    assert!(!place.exported("pairs").keys().any(|name| name.contains("instructions")));
}

/// A tokenizer whose tokens are bytes, but for few merges, and the template of a chat.
#[cfg(feature = "train")]
fn tokenizer(place: &Place, folder: &str, template: Option<&str>) {
    let vocabulary =
        parallot::model::Vocabulary::train(["The house is green."].into_iter(), 258).unwrap();
    place.write(&format!("{folder}/tokenizer.json"), vocabulary.to_json().unwrap());
    let config = template.map_or_else(
        || serde_json::json!({}),
        |text| serde_json::json!({ "chat_template": text, "eos_token": "</s>" }),
    );
    place.write(&format!("{folder}/tokenizer_config.json"), config.to_string());
}

#[cfg(feature = "train")]
const TEMPLATE: &str = "{% for message in messages %}{{ message.role + ':' + message.content + eos_token }}{% endfor %}\
                        {% if add_generation_prompt %}assistant:{% endif %}";

#[cfg(feature = "train")]
#[test]
fn rows_above_the_limit_are_counted_and_replaced() {
    let place = planned();
    tokenizer(&place, "model", Some(TEMPLATE));
    // bytes of `user:`, the question, a mark, `assistant:`, the answer and a mark: every token is a
    // byte
    let length = |row: &str| {
        let row: Value = serde_json::from_str(row).unwrap();
        let text = |at: usize| row["messages"][at]["content"].as_str().unwrap().len() as u64;
        (16 + text(0), 17 + text(0) + text(1))
    };
    let policy = "--policy uniform --tokenizer model";
    let mut runs =
        vec![place.done(&format!("export tiny --to axolotl --out plain {policy} --limit 150"))];
    let data = place.exported("plain");
    for (index, lang) in ["qaa_Latn", "qab_Latn", "qac_Latn"].into_iter().enumerate() {
        let lengths: Vec<(u64, u64)> =
            data[&format!("muit_{lang}.jsonl")].lines().map(length).collect();
        let of = |name: &str| column(&place, "plain", name)[index].unwrap();
        let over = lengths.iter().filter(|(_, total)| *total > 150).count() as u64;
        assert!(over > 20 && over < 1900, "{over}");
        assert_eq!((of("rows_over_limit"), of("rows_trained")), (over, 2000 - over));
        assert_eq!(of("tokens"), lengths.iter().map(|(_, total)| total).sum::<u64>());
        assert_eq!(
            of("target_tokens"),
            lengths.iter().map(|(prompt, total)| total - prompt).sum::<u64>()
        );
    }
    runs.push(place.done(&format!(
        "export tiny --to axolotl --out replaced {policy} --limit 150 --replace-long"
    )));
    assert_eq!(
        column(&place, "replaced", "rows_trained"),
        [Some(2000); 3],
        "the plan is read to the row"
    );
    for (name, rows) in place.exported("replaced").iter().filter(|(name, _)| !name.contains("_val"))
    {
        assert!(rows.lines().all(|row| length(row).1 <= 150), "{name}");
        // what fits stays as it was, in its order
        let mut all = data[name].lines();
        let unique = column(&place, "replaced", "unique_rows")[0].unwrap() as usize;
        assert!(
            rows.lines().take(unique.min(500)).all(|row| all.any(|found| found == row)),
            "{name}"
        );
    }
    runs.push(place.done(&format!("export tiny --to jsonl --out open {policy} --limit 150")));
    assert_eq!(column(&place, "open", "rows_trained"), [None; 3]);
    runs.push(place.fails(
        2,
        &format!("export tiny --to axolotl --out none {policy} --limit 20 --replace-long"),
    ));
    assert_transcript("long_rows", &runs);
}

#[cfg(all(feature = "train", unix))]
#[test]
fn a_model_without_a_chat_template_is_named() {
    let place = planned();
    tokenizer(&place, "base", None);
    tokenizer(&place, "odd", Some("{{ raise_exception('no user') }}"));
    let runs = [
        place.fails(2, "export tiny --to trl --out out --model base"),
        place.fails(2, "export tiny --to axolotl --out out --tokenizer base"),
        place.done(
            "export tiny --to axolotl --out out --model base --format alpaca --tokenizer base",
        ),
        place.fails(1, "export tiny --to trl --out out --tokenizer odd"),
        place
            .run_after(
                "export HF_HUB_OFFLINE=1 HF_HOME=here",
                "export tiny --to trl --out out --tokenizer a/nowhere",
            )
            .failed(2),
    ];
    assert_transcript("no_template", &runs);
}
