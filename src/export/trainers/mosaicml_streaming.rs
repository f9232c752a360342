//! MosaicML's streaming: `prepare.py`, which writes the shards, and `train.yaml` with one stream
//! per language for LLM Foundry.
//!
//! `choose` is an absolute count; `repeat` would round each stream down, `proportion` would change
//! the shares.

use super::{Plan, yaml};
use crate::export::plan::{BATCH, LEARNING_RATE, SEED, WARMUP};
use crate::export::{DataFile, ExportError, Exported};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Serialize)]
struct WireFoundry<'a> {
    max_seq_len: u32,
    model: WireModel<'a>,
    tokenizer: WireTokenizer<'a>,
    train_loader: WireLoader,
    global_train_batch_size: u64,
    device_train_microbatch_size: &'static str,
    device_eval_batch_size: u32,
    max_duration: &'static str,
    eval_interval: &'static str,
    optimizer: WireOptimizer,
    scheduler: WireScheduler,
    precision: &'static str,
    seed: u32,
    save_folder: String,
}

#[derive(Serialize)]
struct WireModel<'a> {
    name: &'static str,
    pretrained: bool,
    pretrained_model_name_or_path: &'a str,
}

#[derive(Serialize)]
struct WireTokenizer<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct WireOptimizer {
    name: &'static str,
    lr: f64,
}

#[derive(Serialize)]
struct WireScheduler {
    name: &'static str,
    t_warmup: String,
    alpha_f: f64,
}

#[derive(Serialize)]
struct WireLoader {
    name: &'static str,
    dataset: WireDataset,
    drop_last: bool,
}

#[derive(Serialize)]
struct WireDataset {
    streams: BTreeMap<String, WireStream>,
    max_seq_len: u32,
    decoder_only_format: bool,
    shuffle: bool,
    packing_ratio: Option<f64>,
}

#[derive(Serialize)]
struct WireStream {
    local: String,
    split: &'static str,
    choose: u64,
}

/// Shards lie in `shards/PLAN/LANG/train`.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Result<Exported<'p>, ExportError> {
    let (train, limit) = (plan.train_files(), plan.settings.limit);
    let shards = |name: &str| format!("shards/{}/{name}", plan.hash);
    let stream = |name: &str, choose| WireStream { local: shards(name), split: "train", choose };
    let streams = plan
        .portions
        .iter()
        .map(|portion| (portion.name.clone(), stream(&portion.name, portion.drawn)))
        .collect();
    let wire = WireFoundry {
        max_seq_len: limit,
        model: WireModel {
            name: "hf_causal_lm",
            pretrained: true,
            pretrained_model_name_or_path: &plan.settings.model,
        },
        tokenizer: WireTokenizer { name: &plan.settings.model },
        train_loader: WireLoader {
            name: "finetuning",
            dataset: WireDataset {
                streams,
                max_seq_len: limit,
                decoder_only_format: true,
                shuffle: true,
                packing_ratio: None,
            },
            drop_last: false,
        },
        // every field that LLM Foundry has no default for
        global_train_batch_size: plan.batch(),
        device_train_microbatch_size: "auto",
        device_eval_batch_size: BATCH,
        max_duration: "1ep",
        eval_interval: "1ep",
        optimizer: WireOptimizer { name: "decoupled_adamw", lr: LEARNING_RATE },
        scheduler: WireScheduler {
            name: "cosine_with_warmup",
            t_warmup: format!("{WARMUP}dur"),
            alpha_f: 0.1,
        },
        precision: "amp_bf16",
        seed: SEED,
        save_folder: plan.output(),
    };
    let about = "exact counts: `choose` is the number of rows of each stream; `prepare.py` writes \
    the shards first";
    let files = vec![
        ("train.yaml".to_owned(), yaml(plan, about, &wire)?),
        ("prepare.py".to_owned(), program(plan, &train).into_bytes()),
    ];
    let data = train.into_iter().chain(plan.validation_files()).collect();
    Ok(Exported {
        files,
        data,
        start: Some("python3 prepare.py  # then train with LLM Foundry and train.yaml".to_owned()),
    })
}

fn program(plan: &Plan, train: &[DataFile]) -> String {
    let mut text = plan.head()
        + "\"\"\"Writes the shards of every stream.\"\"\"\n\nimport json\n\nfrom streaming import \
        MDSWriter\n\n";
    text += "# file, folder and rows of each stream\nSTREAMS = [\n";
    for (file, portion) in train.iter().zip(&plan.portions) {
        let _ = writeln!(
            text,
            "    (\"{}\", \"shards/{}/{}/train\", {}),",
            file.path(),
            plan.hash,
            portion.name,
            file.count()
        );
    }
    text + "]\n" + PROGRAM
}

const PROGRAM: &str = r#"
for path, folder, planned in STREAMS:
    rows = 0
    with open(path, encoding="utf-8") as lines, MDSWriter(out=folder, columns={"messages": "json"}, exist_ok=True) as shards:
        for line in lines:
            shards.write(json.loads(line))
            rows += 1
    assert rows == planned, f"{path}: {rows} rows, expected {planned}"
"#;
