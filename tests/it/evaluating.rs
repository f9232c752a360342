//! `evaluate` as a person calls it: files against files, a model's answers, its layers, and what is
//! said of input that is wrong.

use super::checkpoints::{fitted, folder};
use super::place::{Place, assert_transcript};
use parallot::files;
use parallot::model::checkpoint;
use parallot::spec::{LoraSpec, Module};
use std::path::Path;
use std::process::Command;

/// Texts, tables and a tiny model whose words are `w0` to `w61`.
fn place() -> Place {
    let place = Place::new();
    for path in files::walk(&folder("llama")).unwrap() {
        place.write(
            &format!("model/{}", path.file_name().unwrap().to_string_lossy()),
            files::read(&path).unwrap(),
        );
    }
    place.write("hyp.txt", "The cat sat on the mat.\nIt rains, and it pours: 3.5 mm!\n");
    place.write("ref.txt", "The cat sits on the mat.\nIt rains and pours: 3.5 mm!\n");
    place.write("other.txt", "A cat sat on a mat.\nIt is raining; it pours.\n");
    place.write("comet.csv", "segment,COMET\n1,0.5\n2,0.75\n");
    place.write(
        "pairs.tsv",
        "en\txx\tsplit\nw3 w4 w5\tw13 w14 w15\ttest\nw6 w7\tw16 \
    w17\ttest\nw8\tw18\ttrain\nw9 w9 w2\tw19 w12\ttest\n",
    );
    place.write(
        "sums.jsonl",
        "{\"question\": \"w1 w2\", \"answer\": 3}\n{\"question\": \"w5\", \"answer\": \"1,000\"}\n",
    );
    place.write(
        "labels.jsonl",
        "{\"text\": \"w1 w2\", \"label\": \"w5\"}\n{\"text\": \"w5\", \"label\": \"w6\"}\n{\"text\": \"w7\", \"label\": \"w6\"}\n",
    );
    let question = |id: u8, answer: &str| {
        format!(
            "{{\"id\": \"{id}\", \"question\": \"w2\", \"answers\": [{{\"text\": \"{answer}\"}}]}}"
        )
    };
    let questions = [question(1, "w21 w22"), question(2, "w25")].join(", ");
    let squad = format!(
        "{{\"data\": [{{\"paragraphs\": [{{\"context\": \"w21 w22 w23, w24 w25\", \"qas\": [{questions}]}}]}}]}}"
    );
    place.write("squad.json", squad);
    place
}

#[test]
fn files_models_and_layers() {
    let place = place();
    let on_pairs = "--prompt compact --data pairs.tsv --columns source=en,target=xx --split test \
    --to tur_Latn";
    let lines = [
        "evaluate --hypotheses hyp.txt --references ref.txt --words intl".to_owned(),
        "evaluate --hypotheses hyp.txt --references ref.txt --references other.txt --metric chrf \
        --import comet.csv --json"
            .to_owned(),
        "evaluate --hypotheses hyp.txt --references ref.txt --metric bleu --words \
        model/tokenizer.json"
            .to_owned(),
        format!("evaluate model --task translation {on_pairs} --max-tokens 6 --out out"),
        format!(
            "evaluate model --task translation {on_pairs} --max-tokens 6 --shots 1 --sample \
        --temperature 0.7 --top-p 0.9 --seed 3"
        ),
        "evaluate model --task questions --data squad.json --to deu_Latn --constrain spans --out \
        out/qa"
            .to_owned(),
        "evaluate model --task labels --data labels.jsonl --labels w5,w6 --out out/labels"
            .to_owned(),
        "evaluate model --task numbers --data sums.jsonl --max-tokens 3".to_owned(),
        format!("evaluate model --task representation {on_pairs} --against model --out out/layers"),
    ];
    let runs = lines.map(|line| place.done(&line));
    assert_transcript("evaluate", &runs);
    let names = place.tree("out").into_iter().map(|(path, _)| path.to_string_lossy().into_owned());
    // kept answers are named by a hash
    let names: Vec<String> = names.filter(|name| !name.contains("/answers/")).collect();
    let expected = "out/generations.jsonl out/labels/generations.jsonl out/labels/scores.csv \
    out/layers/layers.png out/layers/layers.svg \
         out/layers/plane-against.png out/layers/plane-against.svg out/layers/plane-model.png \
    out/layers/plane-model.svg \
         out/layers/plane.csv out/layers/representation.csv out/qa/generations.jsonl \
    out/qa/scores.csv out/scores.csv";
    assert_eq!(names.join(" "), expected);
    let answers = |file: &str| -> Vec<serde_json::Value> {
        place.read(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let context = "w21 w22 w23, w24 w25";
    assert!(
        answers("out/qa/generations.jsonl")
            .iter()
            .all(|answer| context.contains(answer["answer"].as_str().unwrap()))
    );
    assert!(
        answers("out/labels/generations.jsonl")
            .iter()
            .all(|answer| ["w5", "w6"].contains(&answer["answer"].as_str().unwrap()))
    );
    assert!(place.read("out/scores.csv").starts_with("# parallot "));
}

#[test]
fn adapters_answer_as_their_network_with_them() {
    let place = place();
    let lora = LoraSpec {
        rank: 2,
        alpha: 6.0,
        dropout: 0.1,
        target_modules: vec![Module::QProj, Module::VProj, Module::DownProj],
    };
    checkpoint::write_trained(
        &place.path("adapters"),
        &fitted("llama", Some(&lora)),
        &folder("llama"),
    )
    .unwrap();
    let lens = |model: &str| {
        let line = "--task representation --data pairs.tsv --columns source=en,target=xx --to \
        tur_Latn --json";
        let said = place.done(&format!("evaluate {model} {line}")).stdout;
        serde_json::from_str::<serde_json::Value>(&said).unwrap()["layers"].clone()
    };
    assert_ne!(lens("adapters"), lens("model"));
    assert_eq!(lens("adapters"), lens("adapters --base model"));
}

#[test]
fn evaluations_that_are_none() {
    let place = place();
    place.write("short.txt", "one line\n");
    place.write(
        "adapters/adapter_config.json",
        "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"nowhere\", \"r\": 2, \
        \"lora_alpha\": 2, \"target_modules\": [\"q_proj\"]}",
    );
    place.write(
        "dora/adapter_config.json",
        "{\"peft_type\": \"LORA\", \"use_dora\": true, \"base_model_name_or_path\": \"model\", \
        \"r\": 2, \"lora_alpha\": 2, \"target_modules\": [\"q_proj\"]}",
    );
    place.write("empty.csv", "segment\n1\n");
    let translation = "--task translation --data pairs.tsv --columns source=en,target=xx";
    let lines = [
        "evaluate".to_owned(),
        "evaluate model".to_owned(),
        "evaluate model --task translation".to_owned(),
        "evaluate --hypotheses hyp.txt".to_owned(),
        "evaluate --hypotheses hyp.txt --references short.txt".to_owned(),
        "evaluate --hypotheses hyp.txt --references none.txt".to_owned(),
        "evaluate --hypotheses hyp.txt --references ref.txt --words ja-mecab".to_owned(),
        "evaluate --hypotheses hyp.txt --references ref.txt --words hyp.txt".to_owned(),
        "evaluate --hypotheses hyp.txt --references ref.txt --import empty.csv".to_owned(),
        "evaluate --hypotheses short.txt --references short.txt --import comet.csv".to_owned(),
        format!("evaluate model {translation}"),
        "evaluate model --task translation --data pairs.tsv --to tur_Latn".to_owned(),
        "evaluate model --task translation --data pairs.tsv --to tur_Latn --columns goal=xx"
            .to_owned(),
        "evaluate model --task translation --data pairs.tsv --to tur_Latn --columns \
        source=en,source=xx"
            .to_owned(),
        "evaluate model --task translation --data pairs.tsv --to tur_Latn --to deu_Latn".to_owned(),
        format!("evaluate model {translation} --to tur_Latn --split dev"),
        format!("evaluate model {translation} --to tur_Latn --shots 5"),
        format!("evaluate model {translation} --to tur_Latn --temperature 0"),
        format!("evaluate model {translation} --to tur_Latn --top-p 2"),
        format!("evaluate model {translation} --to tur_Latn --context 129"),
        format!("evaluate model {translation} --to tur_Latn --context 128 --max-tokens 200"),
        format!("evaluate nowhere {translation} --to tur_Latn"),
        format!("evaluate adapters {translation} --to tur_Latn"),
        format!("evaluate dora {translation} --to tur_Latn"),
        format!("evaluate model {translation} --to tur_Latn --device gpu"),
        "evaluate model --task labels --data labels.jsonl --labels w5".to_owned(),
        "evaluate model --task labels --data labels.jsonl --labels w5,w7".to_owned(),
        "evaluate model --task representation --data pairs.tsv --columns source=en,target=xx"
            .to_owned(),
    ];
    assert_transcript("evaluate_failures", &lines.map(|line| place.fails(2, &line)));
}

/// Greedy answers and every quantity of every layer, found again by `transformers`.
#[test]
fn answers_and_layers_equal_transformers() {
    let Some(python) = std::env::var_os("PARALLOT_PYTHON") else {
        println!("skipped: PARALLOT_PYTHON names no Python with torch and transformers");
        return;
    };
    let words = |seed: usize| {
        (0..2 + seed % 7)
            .map(|i| format!("w{}", (seed * 31 + i * i * 7 + 1) % 62))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let rows: String =
        (0..40).map(|row| format!("{}\t{}\n", words(2 * row), words(2 * row + 1))).collect();
    for family in ["llama", "mistral", "qwen2", "qwen3"] {
        let (place, model) = (Place::new(), folder(family));
        place.write("pairs.tsv", format!("source\ttarget\n{rows}"));
        let line = format!(
            "evaluate {} --prompt compact --data pairs.tsv --to tur_Latn --context 32 --out out",
            model.display()
        );
        place.done(&format!("{line} --task translation --max-tokens 8"));
        place.done(&format!("{line} --task representation"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/evaluating.py");
        let output = Command::new(&python)
            .args([&script, &model, &place.path("pairs.tsv"), &place.path("out")])
            .output()
            .unwrap();
        let (said, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        print!("{family}: {said}");
        assert!(output.status.success(), "{family}: {said}{complaint}");
    }
}

/// Ten rows in batches of one, so that four stand in a file.
#[test]
fn an_evaluation_that_was_stopped_goes_on_where_it_was() {
    let place = place();
    let rows: String =
        (0..10).map(|row| format!("w{} w{}\tw{}\n", row + 3, row + 5, row + 20)).collect();
    place.write("ten.tsv", format!("source\ttarget\n{rows}"));
    let line = "evaluate model --task translation --prompt compact --data ten.tsv --to tur_Latn \
    --max-tokens 4 --batch 1 --out ten \
                --sample --temperature 0.9 --seed 5";
    place.done(line);
    let whole = place.read("ten/generations.jsonl");
    let parts = || {
        place
            .tree("ten/answers")
            .into_iter()
            .map(|(path, _)| path.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(parts().len(), 3, "{:?}", parts());
    // the second part was not reached, and what the first holds is taken as it is
    let (first, second) = (parts()[0].clone(), parts()[1].clone());
    let answers: Vec<serde_json::Value> = serde_json::from_str(&place.read(&first)).unwrap();
    let known = answers[0]["text"].as_str().unwrap().to_owned();
    place.write(
        &first,
        place.read(&first).replacen(&format!("\"text\":\"{known}\""), "\"text\":\"kept\"", 1),
    );
    std::fs::remove_file(place.path(&second)).unwrap();
    let resumed = place.done(line);
    assert!(resumed.stderr.contains("note: 6 of 10 answers were there"), "{resumed}");
    let again = place.read("ten/generations.jsonl");
    assert!(again.contains("\"answer\":\"kept\""), "{again}");
    let rest = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rest(&again), rest(&whole), "an answer depends on where it was stopped");
    // a part that is damaged is written anew, and other settings are other answers
    place.write(&first, "[{]");
    place.done(line);
    assert_eq!(place.read("ten/generations.jsonl"), whole);
    assert!(!place.done(&line.replace("--seed 5", "--seed 6")).stderr.contains("were there"));
    assert_eq!(parts().len(), 6);
}
