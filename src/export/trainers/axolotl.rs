//! Axolotl: `axolotl.yaml`.
//!
//! What it prepares it finds again by path, type and split, whatever the file holds now; the plan
//! in every path keeps it from old rows. Long rows are dropped in silence.

use super::{Plan, yaml};
use crate::export::plan::{ACCUMULATION, BATCH, LEARNING_RATE, SEED, WARMUP};
use crate::export::{DataFile, ExportError, Exported, Format};
use serde::Serialize;

#[derive(Serialize)]
struct WireAxolotl<'a> {
    base_model: &'a str,
    datasets: Vec<WireDataset>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    test_datasets: Vec<WireDataset>,
    dataset_prepared_path: String,
    shuffle_merged_datasets: bool,
    val_set_size: u32,
    sequence_len: u32,
    sample_packing: bool,
    eval_sample_packing: bool,
    adapter: &'static str,
    lora_r: u32,
    lora_alpha: u32,
    lora_target_linear: bool,
    micro_batch_size: u32,
    gradient_accumulation_steps: u32,
    num_epochs: u32,
    optimizer: &'static str,
    learning_rate: f64,
    lr_scheduler: &'static str,
    warmup_ratio: f64,
    bf16: bool,
    logging_steps: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    evals_per_epoch: Option<u32>,
    saves_per_epoch: u32,
    seed: u32,
    output_dir: String,
}

#[derive(Serialize)]
struct WireDataset {
    path: String,
    ds_type: &'static str,
    split: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_messages: Option<&'static str>,
}

/// One data set per language; a chat is written by the template of the model.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Result<Exported<'p>, ExportError> {
    let (train, validation) = (plan.train_files(), plan.validation_files());
    let is_chat = plan.settings.format == Format::Messages;
    let dataset = |file: &DataFile| WireDataset {
        path: file.path().to_owned(),
        ds_type: "json",
        split: "train",
        r#type: if is_chat { "chat_template" } else { "alpaca" },
        field_messages: is_chat.then_some("messages"),
    };
    let wire = WireAxolotl {
        base_model: &plan.settings.model,
        datasets: train.iter().map(dataset).collect(),
        test_datasets: validation.iter().map(dataset).collect(),
        dataset_prepared_path: format!("prepared/{}", plan.hash),
        shuffle_merged_datasets: true,
        val_set_size: 0,
        sequence_len: plan.settings.limit,
        sample_packing: false,
        eval_sample_packing: false,
        adapter: "lora",
        lora_r: 16,
        lora_alpha: 32,
        lora_target_linear: true,
        micro_batch_size: BATCH,
        gradient_accumulation_steps: ACCUMULATION,
        num_epochs: 1,
        optimizer: "adamw_torch",
        learning_rate: LEARNING_RATE,
        lr_scheduler: "cosine",
        warmup_ratio: WARMUP,
        bf16: true,
        logging_steps: 1,
        evals_per_epoch: (!validation.is_empty()).then_some(10),
        saves_per_epoch: 1,
        seed: SEED,
        output_dir: plan.output(),
    };
    let about = "exact counts: each file holds the rows of a language; rows longer than \
    `sequence_len` are dropped in silence";
    let files = vec![("axolotl.yaml".to_owned(), yaml(plan, about, &wire)?)];
    Ok(Exported {
        files,
        data: train.into_iter().chain(validation).collect(),
        start: Some("axolotl train axolotl.yaml".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use crate::export::tests::{file, plan};
    use crate::export::{Format, Trainer};

    #[test]
    fn the_configuration_is_the_one_the_trainer_reads() {
        insta::assert_snapshot!(file(&plan(Trainer::Axolotl, Format::Messages), "axolotl.yaml"), @r"
        # parallot 0.1.0 (rev 0123abc), input sha256 00ff
        # loading tested with axolotl 0.19.0, transformers 5.16.1, datasets 4.8.4
        # exact counts: each file holds the rows of a language; rows longer than `sequence_len` are dropped in silence
        base_model: Qwen/Qwen3-4B-Instruct-2507
        datasets:
        - path: data/0123abcd/muit_swh_Latn.jsonl
          ds_type: json
          split: train
          type: chat_template
          field_messages: messages
        - path: data/0123abcd/muit_tur_Latn.jsonl
          ds_type: json
          split: train
          type: chat_template
          field_messages: messages
        test_datasets:
        - path: data/0123abcd/muit_swh_Latn_val.jsonl
          ds_type: json
          split: train
          type: chat_template
          field_messages: messages
        dataset_prepared_path: prepared/0123abcd
        shuffle_merged_datasets: true
        val_set_size: 0
        sequence_len: 9
        sample_packing: false
        eval_sample_packing: false
        adapter: lora
        lora_r: 16
        lora_alpha: 32
        lora_target_linear: true
        micro_batch_size: 4
        gradient_accumulation_steps: 4
        num_epochs: 1
        optimizer: adamw_torch
        learning_rate: 0.0001
        lr_scheduler: cosine
        warmup_ratio: 0.03
        bf16: true
        logging_steps: 1
        evals_per_epoch: 10
        saves_per_epoch: 1
        seed: 42
        output_dir: saves/muit-0123abcd
        ");
        let alpaca = file(&plan(Trainer::Axolotl, Format::Alpaca), "axolotl.yaml");
        assert!(
            alpaca.contains("  type: alpaca\n") && !alpaca.contains("field_messages"),
            "{alpaca}"
        );
    }
}
