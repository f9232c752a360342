//! TRL: `sft.yaml` for `trl sft --config`, and `train.py`, which does the same and reports the loss
//! of each language.
//!
//! The mixture of the command line has no data to evaluate on but a part of the training data,
//! hence the program. Long rows are cut, and then dropped where nothing of the answer is left.

use super::{Plan, yaml};
use crate::export::plan::{
    ACCUMULATION, BATCH, EVALUATION, LEARNING_RATE, LOGGING, SEED, WARMUP, validation_name,
};
use crate::export::{ExportError, Exported};
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct WireTrl<'a> {
    model_name_or_path: &'a str,
    dtype: &'static str,
    datasets: Vec<WireDataset>,
    max_length: u32,
    packing: bool,
    completion_only_loss: bool,
    use_peft: bool,
    lora_r: u32,
    lora_alpha: u32,
    lora_target_modules: &'static str,
    num_train_epochs: u32,
    per_device_train_batch_size: u32,
    gradient_accumulation_steps: u32,
    learning_rate: f64,
    lr_scheduler_type: &'static str,
    warmup_steps: f64,
    bf16: bool,
    logging_steps: f64,
    report_to: &'static str,
    save_strategy: &'static str,
    seed: u32,
    output_dir: String,
}

#[derive(Serialize)]
struct WireDataset {
    path: &'static str,
    data_files: String,
    split: &'static str,
}

/// `prompt` and `completion` of a chat: the loss is over the answer alone.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Result<Exported<'p>, ExportError> {
    let train = plan.train_files();
    let dataset =
        |path: &str| WireDataset { path: "json", data_files: path.to_owned(), split: "train" };
    let wire = WireTrl {
        model_name_or_path: &plan.settings.model,
        dtype: "bfloat16",
        datasets: train.iter().map(|file| dataset(file.path())).collect(),
        max_length: plan.settings.limit,
        // packed rows would make fewer steps than the rate and the warm-up are for
        packing: false,
        completion_only_loss: true,
        use_peft: true,
        lora_r: 16,
        lora_alpha: 32,
        lora_target_modules: "all-linear",
        num_train_epochs: 1,
        per_device_train_batch_size: BATCH,
        gradient_accumulation_steps: ACCUMULATION,
        learning_rate: LEARNING_RATE,
        lr_scheduler_type: "cosine",
        warmup_steps: WARMUP,
        bf16: true,
        logging_steps: LOGGING,
        report_to: "none",
        save_strategy: "epoch",
        seed: SEED,
        output_dir: plan.output(),
    };
    let about = "exact counts: each file holds the rows of a language, and every row is read once";
    let files = vec![
        ("sft.yaml".to_owned(), yaml(plan, about, &wire)?),
        ("train.py".to_owned(), program(plan).into_bytes()),
    ];
    let data = train.into_iter().chain(plan.validation_files()).collect();
    Ok(Exported {
        files,
        data,
        start: Some(
            "python3 train.py  # or trl sft --config sft.yaml, without losses per language"
                .to_owned(),
        ),
    })
}

fn program(plan: &Plan) -> String {
    let mut text = plan.head()
        + "\"\"\"`trl sft --config sft.yaml`, with the loss of each language; takes the same \
        flags.\"\"\"\n\n";
    text += "import sys\n\nfrom datasets import load_dataset\n";
    text += "from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig, \
    SFTTrainer, TrlParser, get_dataset, get_peft_config\n\n";
    text += "# rows to validate on, per language\nVALIDATION = {\n";
    for portion in plan.validated() {
        let name = validation_name(portion);
        let _ = writeln!(text, "    \"{name}\": \"{}\",", plan.path(&name));
    }
    let _ = write!(text, "}}\nROWS = {}\nEVALUATION_STEPS = {EVALUATION}\n", plan.rows());
    text + PROGRAM
}

const PROGRAM: &str = r#"
if __name__ == "__main__":
    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig))
    _, training, model, mixture = parser.parse_args_and_config(["--config", "sft.yaml", *sys.argv[1:]])
    train = get_dataset(mixture)["train"]
    assert len(train) == ROWS, f"{len(train)} rows, expected {ROWS}"
    validation = {name: load_dataset("json", data_files=path, split="train") for name, path in VALIDATION.items()}
    if validation:
        training.eval_strategy, training.eval_steps = "steps", EVALUATION_STEPS
    training.model_init_kwargs = {"dtype": model.dtype}
    trainer = SFTTrainer(
        model=model.model_name_or_path,
        args=training,
        train_dataset=train,
        eval_dataset=validation or None,
        peft_config=get_peft_config(model),
    )
    trainer.train()
    trainer.save_model(training.output_dir)
"#;

#[cfg(test)]
mod tests {
    use crate::export::tests::{file, plan};
    use crate::export::{Format, Trainer};

    #[test]
    fn the_configuration_is_the_one_the_trainer_reads() {
        insta::assert_snapshot!(file(&plan(Trainer::Trl, Format::PromptCompletion), "sft.yaml"), @r"
        # parallot 0.1.0 (rev 0123abc), input sha256 00ff
        # tested with trl 1.16.0, transformers 5.24.0, datasets 5.2.0, torch 2.11.0
        # exact counts: each file holds the rows of a language, and every row is read once
        model_name_or_path: Qwen/Qwen3-4B-Instruct-2507
        dtype: bfloat16
        datasets:
        - path: json
          data_files: data/0123abcd/muit_swh_Latn.jsonl
          split: train
        - path: json
          data_files: data/0123abcd/muit_tur_Latn.jsonl
          split: train
        max_length: 9
        packing: false
        completion_only_loss: true
        use_peft: true
        lora_r: 16
        lora_alpha: 32
        lora_target_modules: all-linear
        num_train_epochs: 1
        per_device_train_batch_size: 4
        gradient_accumulation_steps: 4
        learning_rate: 0.0001
        lr_scheduler_type: cosine
        warmup_steps: 0.03
        bf16: true
        logging_steps: 0.01
        report_to: none
        save_strategy: epoch
        seed: 42
        output_dir: saves/muit-0123abcd
        ");
    }
}
