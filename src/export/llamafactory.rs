//! LLaMA-Factory: `train.yaml`, `data/dataset_info.json` and one JSONL file per language.
//!
//! `num_samples` is the number of rows of the file, so that the trainer's permutation draws each row once;
//! `mix_strategy: concat` then keeps the counts. `max_samples` would cut every file and is never written.

use super::portion::{JsonLines, Portion, checked};
use super::{ExportError, Exported};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// What the configuration says beside the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Model on the hub, or its folder.
    pub model: String,
    /// Prompt template of the model, by its name in LLaMA-Factory.
    pub template: String,
    /// Longest example, tokens.
    pub cutoff_len: u32,
    /// Where the trainer puts the tuned model.
    pub output_dir: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            model: "Qwen/Qwen3-4B-Instruct-2507".to_owned(),
            template: "qwen3_nothink".to_owned(),
            cutoff_len: 2048,
            output_dir: "saves/muit".to_owned(),
        }
    }
}

/// The keys of `train.yaml`, in the order in which they are written.
#[derive(Serialize)]
struct WireTrain<'a> {
    model_name_or_path: &'a str,
    stage: &'static str,
    do_train: bool,
    finetuning_type: &'static str,
    lora_target: &'static str,
    dataset_dir: &'static str,
    dataset: String,
    mix_strategy: &'static str,
    template: &'a str,
    cutoff_len: u32,
    #[serde(flatten)]
    validation: Option<WireValidation>,
    num_train_epochs: f64,
    per_device_train_batch_size: u32,
    gradient_accumulation_steps: u32,
    learning_rate: f64,
    lr_scheduler_type: &'static str,
    warmup_ratio: f64,
    seed: u32,
    output_dir: &'a str,
}

#[derive(Serialize)]
struct WireValidation {
    eval_dataset: String,
    eval_on_each_dataset: bool,
    eval_strategy: &'static str,
    eval_steps: u32,
}

/// Everything LLaMA-Factory needs, and `realised.csv`, which says what it will draw.
///
/// `stamp` is the line of version and input hash with which the YAML and the table start; JSON has no comments.
/// A language without pairs is left out: the trainer refuses empty files.
pub fn llamafactory<'a>(portions: &[Portion<'a>], settings: &Settings, stamp: &str) -> Result<Exported<'a>, ExportError> {
    let present = checked(portions)?;
    let mut data = Vec::new();
    for portion in &present {
        data.push(JsonLines::new(format!("data/{}.jsonl", name(portion)), portion.rows, portion.pairs));
        if !portion.validation.is_empty() {
            let count = portion.validation.len() as u64;
            data.push(JsonLines::new(format!("data/{}.jsonl", validation_name(portion)), portion.validation, count));
        }
    }
    let files = vec![
        ("train.yaml".to_owned(), train(&present, settings, stamp)?),
        ("data/dataset_info.json".to_owned(), dataset_info(&data)),
        ("realised.csv".to_owned(), realised(&present, stamp)),
    ];
    Ok(Exported { files, data })
}

fn name(portion: &Portion) -> String {
    format!("muit_{}", portion.lang)
}

fn validation_name(portion: &Portion) -> String {
    format!("muit_{}_val", portion.lang)
}

fn train(present: &[&Portion], settings: &Settings, stamp: &str) -> Result<Vec<u8>, ExportError> {
    let join = |names: Vec<String>| names.join(",");
    let validated: Vec<String> =
        present.iter().filter(|portion| !portion.validation.is_empty()).map(|portion| validation_name(portion)).collect();
    let wire = WireTrain {
        model_name_or_path: &settings.model,
        stage: "sft",
        do_train: true,
        finetuning_type: "lora",
        lora_target: "all",
        dataset_dir: "data",
        dataset: join(present.iter().map(|portion| name(portion)).collect()),
        mix_strategy: "concat",
        template: &settings.template,
        cutoff_len: settings.cutoff_len,
        validation: (!validated.is_empty()).then(|| WireValidation {
            eval_dataset: join(validated),
            eval_on_each_dataset: true,
            eval_strategy: "steps",
            eval_steps: 200,
        }),
        // one pass, else every count below would be multiplied: the trainer's own default is three
        num_train_epochs: 1.0,
        // effective batch 128 on 8 GPUs, warm-up and decay as in the x-LLaMA paper's script; the rate is usual for LoRA
        per_device_train_batch_size: 4,
        gradient_accumulation_steps: 4,
        learning_rate: 1e-4,
        lr_scheduler_type: "cosine",
        warmup_ratio: 0.03,
        seed: 42,
        output_dir: &settings.output_dir,
    };
    let yaml = serde_yaml::to_string(&wire).map_err(|cause| ExportError::Yaml { cause: cause.to_string() })?;
    Ok(format!("# {stamp}\n# exact counts: `num_samples` in data/dataset_info.json is the number of rows of each file\n{yaml}")
        .into_bytes())
}

fn dataset_info(data: &[JsonLines]) -> Vec<u8> {
    let mut info = Map::new();
    for lines in data {
        let file = lines.path().trim_start_matches("data/");
        let entry = json!({
            "file_name": file,
            "num_samples": lines.count(),
            "columns": { "prompt": "instruction", "query": "input", "response": "output" },
        });
        info.insert(file.trim_end_matches(".jsonl").to_owned(), entry);
    }
    format!("{:#}\n", Value::Object(info)).into_bytes()
}

/// One row per language: `lang,unique_rows,repetitions,rows_drawn,share,target_tokens`; tokens are empty where not counted.
fn realised(present: &[&Portion], stamp: &str) -> Vec<u8> {
    let total: u64 = present.iter().map(|portion| portion.pairs).sum();
    let mut csv = format!("# {stamp}\nlang,unique_rows,repetitions,rows_drawn,share,target_tokens\n");
    for portion in present {
        let (unique, drawn) = (portion.unique_drawn(), portion.pairs);
        let tokens = portion.tokens_drawn().map(|tokens| tokens.to_string()).unwrap_or_default();
        let (repetitions, share) = (drawn as f64 / unique as f64, drawn as f64 / total as f64);
        let _ = writeln!(csv, "{},{unique},{repetitions},{drawn},{share},{tokens}", portion.lang);
    }
    csv.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::Row;
    use super::*;

    const ROW: Row = Row { instruction: "Translate.", input: "a", output: "b" };
    const ROWS: [Row; 3] = [ROW; 3];
    const STAMP: &str = "parallot 0.1.0 (rev 0123abc), input sha256 00ff";

    fn portions() -> Vec<Portion<'static>> {
        let portion = |lang, pairs| Portion { lang, pairs, rows: &ROWS, validation: &[], target_tokens: None };
        let tokens = Some([5_u32, 6, 7].as_slice());
        vec![
            Portion { validation: &ROWS[..2], ..portion("swh_Latn", 8) },
            portion("fin_Latn", 0),
            Portion { target_tokens: tokens, ..portion("tur_Latn", 2) },
        ]
    }

    fn file(path: &str) -> String {
        let files = llamafactory(&portions(), &Settings::default(), STAMP).unwrap().into_files();
        let found = files.into_iter().find(|(found, _)| found == path).unwrap_or_else(|| panic!("no {path}"));
        String::from_utf8(found.1).unwrap()
    }

    #[test]
    fn every_file_has_the_rows_that_the_index_says() {
        let info: serde_json::Value = serde_json::from_str(&file("data/dataset_info.json")).unwrap();
        let expected = [("muit_swh_Latn", 8), ("muit_swh_Latn_val", 2), ("muit_tur_Latn", 2)];
        assert_eq!(info.as_object().unwrap().len(), expected.len());
        for (name, rows) in expected {
            assert_eq!(info[name]["num_samples"], rows);
            let lines = file(&format!("data/{}", info[name]["file_name"].as_str().unwrap()));
            assert_eq!(lines.lines().count(), rows);
            for line in lines.lines() {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(info[name]["columns"].as_object().unwrap().values().all(|column| row[column.as_str().unwrap()].is_string()));
            }
        }
    }

    #[test]
    fn the_configuration_is_the_one_the_trainer_reads() {
        insta::assert_snapshot!(file("train.yaml"), @r"
        # parallot 0.1.0 (rev 0123abc), input sha256 00ff
        # exact counts: `num_samples` in data/dataset_info.json is the number of rows of each file
        model_name_or_path: Qwen/Qwen3-4B-Instruct-2507
        stage: sft
        do_train: true
        finetuning_type: lora
        lora_target: all
        dataset_dir: data
        dataset: muit_swh_Latn,muit_tur_Latn
        mix_strategy: concat
        template: qwen3_nothink
        cutoff_len: 2048
        eval_dataset: muit_swh_Latn_val
        eval_on_each_dataset: true
        eval_strategy: steps
        eval_steps: 200
        num_train_epochs: 1.0
        per_device_train_batch_size: 4
        gradient_accumulation_steps: 4
        learning_rate: 0.0001
        lr_scheduler_type: cosine
        warmup_ratio: 0.03
        seed: 42
        output_dir: saves/muit
        ");
        let odd = Settings { model: "a: # b\n".to_owned(), ..Settings::default() };
        let exported = llamafactory(&portions(), &odd, STAMP).unwrap();
        let read: serde_yaml::Value = serde_yaml::from_slice(&exported.files[0].1).unwrap();
        assert_eq!(read["model_name_or_path"], "a: # b\n");
    }

    #[test]
    fn what_will_be_drawn_is_told_and_adds_up() {
        insta::assert_snapshot!(file("realised.csv"), @r"
        # parallot 0.1.0 (rev 0123abc), input sha256 00ff
        lang,unique_rows,repetitions,rows_drawn,share,target_tokens
        swh_Latn,3,2.6666666666666665,8,0.8,
        tur_Latn,2,1,2,0.2,11
        ");
    }
}
