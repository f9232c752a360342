//! Megatron-LM and NeMo: texts, `prepare.sh`, which tokenizes them, and `blend.json`.
//!
//! A weight of a blend is a share of samples, which are windows of tokens and no rows; without
//! weights every data set is read to its end, and then the counts of the rows are exact.

use super::{Plan, script};
use crate::export::plan::{name, validation_name};
use crate::export::{DataFile, Exported};
use serde_json::json;

/// `text` is prompt and answer with the marks of Alpaca between them.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Exported<'p> {
    let (train, validation) = (plan.train_files(), plan.validation_files());
    // as the tokenizing program names what it makes of the key `text`
    let prefix = |name: String| format!("{}/{name}_text_document", plan.folder());
    let trained: Vec<String> = plan.portions.iter().map(|portion| prefix(name(portion))).collect();
    let validated: Vec<String> =
        plan.validated().map(|portion| prefix(validation_name(portion))).collect();
    // all three keys must be there
    let blend = json!({ "train": trained, "valid": validated, "test": validated });
    let paths = train.iter().chain(&validation).map(DataFile::path).collect::<Vec<_>>().join(" ");
    let body = format!(
        "# the flags of the tokenizer are yours: bash prepare.sh --tokenizer-type \
        HuggingFaceTokenizer --tokenizer-model NAME\n\
         for file in {paths}; do\n  \
         python3 \"${{MEGATRON:?the folder of a checkout of Megatron-LM}}/tools/preprocess_data.py\" --input \"$file\" \\\n    \
         --output-prefix \"${{file%.jsonl}}\" --json-keys text --append-eod \
        --workers \"$(nproc)\" \"$@\"\ndone"
    );
    let files = vec![
        ("blend.json".to_owned(), format!("{blend:#}\n").into_bytes()),
        ("prepare.sh".to_owned(), script(plan, &body)),
    ];
    let start = "MEGATRON=~/Megatron-LM bash prepare.sh --tokenizer-type HuggingFaceTokenizer \
    --tokenizer-model NAME  \
                 # then train, from this folder, with --per-split-data-args-path blend.json";
    Exported {
        files,
        data: train.into_iter().chain(validation).collect(),
        start: Some(start.to_owned()),
    }
}
