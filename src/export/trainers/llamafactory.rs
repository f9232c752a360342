//! LLaMA-Factory: `train.yaml`, `dataset_info.json` and one JSONL file per language.
//!
//! `num_samples` is the number of rows of the file, so that the trainer's permutation draws each
//! row once; `mix_strategy: concat` then keeps the counts. `max_samples` would cut every file and
//! is never written.

use super::{Plan, yaml};
use crate::export::plan::{
    ACCUMULATION, BATCH, EVALUATION, LEARNING_RATE, LOGGING, SEED, WARMUP, name, validation_name,
};
use crate::export::{DataFile, ExportError, Exported};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The keys of `train.yaml`, in the order in which they are written.
#[derive(Serialize)]
struct WireTrain<'a> {
    model_name_or_path: &'a str,
    stage: &'static str,
    do_train: bool,
    finetuning_type: &'static str,
    lora_target: &'static str,
    dataset_dir: String,
    dataset: String,
    mix_strategy: &'static str,
    template: &'a str,
    cutoff_len: u32,
    packing: bool,
    #[serde(flatten)]
    validation: Option<WireValidation>,
    num_train_epochs: f64,
    per_device_train_batch_size: u32,
    gradient_accumulation_steps: u32,
    learning_rate: f64,
    lr_scheduler_type: &'static str,
    warmup_steps: f64,
    bf16: bool,
    logging_steps: f64,
    save_strategy: &'static str,
    report_to: &'static str,
    seed: u32,
    output_dir: String,
}

#[derive(Serialize)]
struct WireValidation {
    eval_dataset: String,
    eval_on_each_dataset: bool,
    eval_strategy: &'static str,
    eval_steps: f64,
}

/// JSON has no comments: the index of the data sets names no version.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Result<Exported<'p>, ExportError> {
    let about =
        "exact counts: `num_samples` in `dataset_info.json` is the number of rows of each file";
    let data: Vec<DataFile> =
        plan.train_files().into_iter().chain(plan.validation_files()).collect();
    let files = vec![
        ("train.yaml".to_owned(), yaml(plan, about, &train(plan))?),
        (format!("{}/dataset_info.json", plan.folder()), dataset_info(plan, &data)),
    ];
    Ok(Exported { files, data, start: Some("llamafactory-cli train train.yaml".to_owned()) })
}

fn train<'s>(plan: &'s Plan) -> WireTrain<'s> {
    let join = |names: Vec<String>| names.join(",");
    let validated: Vec<String> = plan.validated().map(validation_name).collect();
    WireTrain {
        model_name_or_path: &plan.settings.model,
        stage: "sft",
        do_train: true,
        finetuning_type: "lora",
        lora_target: "all",
        dataset_dir: plan.folder(),
        dataset: join(plan.portions.iter().map(name).collect()),
        mix_strategy: "concat",
        template: &plan.settings.template,
        cutoff_len: plan.settings.limit,
        packing: false,
        validation: (!validated.is_empty()).then(|| WireValidation {
            eval_dataset: join(validated),
            eval_on_each_dataset: true,
            eval_strategy: "steps",
            eval_steps: EVALUATION,
        }),
        // one pass, else every count below would be multiplied: the trainer's own default is three
        num_train_epochs: 1.0,
        per_device_train_batch_size: BATCH,
        gradient_accumulation_steps: ACCUMULATION,
        learning_rate: LEARNING_RATE,
        lr_scheduler_type: "cosine",
        warmup_steps: WARMUP,
        bf16: true,
        logging_steps: LOGGING,
        save_strategy: "epoch",
        report_to: "none",
        seed: SEED,
        output_dir: plan.output(),
    }
}

fn dataset_info(plan: &Plan, data: &[DataFile]) -> Vec<u8> {
    let mut info = Map::new();
    for lines in data {
        let file = lines.path().trim_start_matches(&plan.folder()).trim_start_matches('/');
        let entry = json!({
            "file_name": file,
            "num_samples": lines.count(),
            "columns": { "prompt": "instruction", "query": "input", "response": "output" },
        });
        info.insert(file.trim_end_matches(".jsonl").to_owned(), entry);
    }
    format!("{:#}\n", Value::Object(info)).into_bytes()
}

#[cfg(test)]
mod tests {
    use crate::export::tests::{file, plan};
    use crate::export::{Format, Trainer, export};

    #[test]
    fn every_file_has_the_rows_that_the_index_says() {
        let plan = plan(Trainer::LlamaFactory, Format::Alpaca);
        let info: serde_json::Value =
            serde_json::from_str(&file(&plan, "data/0123abcd/dataset_info.json")).unwrap();
        let expected = [("muit_swh_Latn", 8), ("muit_swh_Latn_val", 2), ("muit_tur_Latn", 2)];
        assert_eq!(info.as_object().unwrap().len(), expected.len());
        for (name, rows) in expected {
            assert_eq!(info[name]["num_samples"], rows);
            let lines = file(
                &plan,
                &format!("data/0123abcd/{}", info[name]["file_name"].as_str().unwrap()),
            );
            assert_eq!(lines.lines().count(), rows);
            for line in lines.lines() {
                let row: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(
                    info[name]["columns"]
                        .as_object()
                        .unwrap()
                        .values()
                        .all(|column| row[column.as_str().unwrap()].is_string())
                );
            }
        }
    }

    #[test]
    fn the_configuration_is_the_one_the_trainer_reads() {
        insta::assert_snapshot!(file(&plan(Trainer::LlamaFactory, Format::Alpaca), "train.yaml"), @r"
        # parallot 0.1.0 (rev 0123abc), input sha256 00ff
        # tested with llamafactory 0.9.5, transformers 5.6.0, datasets 4.0.0, torch 2.11.0
        # exact counts: `num_samples` in `dataset_info.json` is the number of rows of each file
        model_name_or_path: Qwen/Qwen3-4B-Instruct-2507
        stage: sft
        do_train: true
        finetuning_type: lora
        lora_target: all
        dataset_dir: data/0123abcd
        dataset: muit_swh_Latn,muit_tur_Latn
        mix_strategy: concat
        template: qwen3_nothink
        cutoff_len: 9
        packing: false
        eval_dataset: muit_swh_Latn_val
        eval_on_each_dataset: true
        eval_strategy: steps
        eval_steps: 0.1
        num_train_epochs: 1.0
        per_device_train_batch_size: 4
        gradient_accumulation_steps: 4
        learning_rate: 0.0001
        lr_scheduler_type: cosine
        warmup_steps: 0.03
        bf16: true
        logging_steps: 0.01
        save_strategy: epoch
        report_to: none
        seed: 42
        output_dir: saves/muit-0123abcd
        ");
        let mut odd = plan(Trainer::LlamaFactory, Format::Alpaca);
        odd.settings.model = "a: # b\n".to_owned();
        let read: serde_yaml::Value =
            serde_yaml::from_slice(&export(&odd).unwrap().files[0].1).unwrap();
        assert_eq!(read["model_name_or_path"], "a: # b\n");
    }
}
