//! ms-swift: `train.yaml` for `swift sft`. Long rows are dropped, its default, since cut answers
//! teach to stop short.

use super::{Plan, yaml};
use crate::export::plan::{ACCUMULATION, BATCH, EVALUATION, LEARNING_RATE, SEED, WARMUP};
use crate::export::{DataFile, ExportError, Exported};
use serde::Serialize;

#[derive(Serialize)]
struct WireSwift<'a> {
    model: &'a str,
    torch_dtype: &'static str,
    tuner_type: &'static str,
    lora_rank: u32,
    lora_alpha: u32,
    target_modules: &'static str,
    dataset: Vec<String>,
    #[serde(flatten)]
    validation: Option<WireValidation>,
    split_dataset_ratio: u32,
    max_length: u32,
    truncation_strategy: &'static str,
    packing: bool,
    num_train_epochs: u32,
    per_device_train_batch_size: u32,
    gradient_accumulation_steps: u32,
    learning_rate: f64,
    lr_scheduler_type: &'static str,
    warmup_ratio: f64,
    bf16: bool,
    logging_steps: u32,
    save_strategy: &'static str,
    seed: u32,
    output_dir: String,
}

#[derive(Serialize)]
struct WireValidation {
    val_dataset: Vec<String>,
    eval_strategy: &'static str,
    eval_steps: f64,
}

/// One file per language, each read once.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Result<Exported<'p>, ExportError> {
    let (train, validation) = (plan.train_files(), plan.validation_files());
    let paths =
        |files: &[DataFile]| files.iter().map(|file| file.path().to_owned()).collect::<Vec<_>>();
    let wire = WireSwift {
        model: &plan.settings.model,
        torch_dtype: "bfloat16",
        tuner_type: "lora",
        lora_rank: 16,
        lora_alpha: 32,
        target_modules: "all-linear",
        dataset: paths(&train),
        validation: (!validation.is_empty()).then(|| WireValidation {
            val_dataset: paths(&validation),
            eval_strategy: "steps",
            eval_steps: EVALUATION,
        }),
        split_dataset_ratio: 0,
        max_length: plan.settings.limit,
        truncation_strategy: "delete",
        packing: false,
        num_train_epochs: 1,
        per_device_train_batch_size: BATCH,
        gradient_accumulation_steps: ACCUMULATION,
        learning_rate: LEARNING_RATE,
        lr_scheduler_type: "cosine",
        warmup_ratio: WARMUP,
        bf16: true,
        // a whole number, which it insists on
        logging_steps: 1,
        save_strategy: "epoch",
        seed: SEED,
        output_dir: plan.output(),
    };
    let about = "exact counts: each file holds the rows of a language; rows longer than \
    `max_length` are dropped";
    let files = vec![("train.yaml".to_owned(), yaml(plan, about, &wire)?)];
    Ok(Exported {
        files,
        data: train.into_iter().chain(validation).collect(),
        start: Some("swift sft train.yaml".to_owned()),
    })
}
