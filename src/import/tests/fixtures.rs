//! Logs as the programs write them, made byte by byte; the seeds of the fuzz targets as well.

use super::super::tfrecord::{masked_crc, record};
use crate::files;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// A fresh folder of logs; gone when dropped.
pub(super) struct Place(tempfile::TempDir);

impl Place {
    pub(super) fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        files::write(&self.path(name), content.as_ref()).unwrap();
        self.path(name)
    }
}

/// `trainer_state.json` with the given rows of its history.
pub(super) fn trainer_state(global_step: u64, rows: &[&str]) -> String {
    let head = r#""best_metric": null, "epoch": 0.95, "is_hyper_param_search": false"#;
    format!(
        "{{\n  {head},\n  \"global_step\": {global_step},\n  \"log_history\": [\n    {}\n  ],\n  \"max_steps\": 300\n}}",
        rows.join(",\n    ")
    )
}

/// The history of a run of 150 steps with one eval set; rows of training and evaluation alternate.
pub(super) const HISTORY: [&str; 5] = [
    r#"{"epoch": 0.32, "learning_rate": 2e-05, "loss": 1.9, "step": 50}"#,
    r#"{"epoch": 0.32, "eval_loss": 1.75, "eval_runtime": 3.1, "step": 50}"#,
    r#"{"epoch": 0.95, "learning_rate": 0.0, "loss": 1.6, "step": 150}"#,
    r#"{"epoch": 0.95, "eval_loss": 1.5, "eval_runtime": 3.0, "step": 150}"#,
    r#"{"epoch": 0.95, "step": 150, "train_loss": 1.7, "train_runtime": 60.5}"#,
];

/// A field of a protobuf message: its number, and its content by wire type.
pub(super) fn varint_field(number: u64, value: u64) -> Vec<u8> {
    [varint(number << 3), varint(value)].concat()
}

pub(super) fn bytes_field(number: u64, bytes: &[u8]) -> Vec<u8> {
    [&varint(number << 3 | 2), &varint(bytes.len() as u64), bytes].concat()
}

pub(super) fn fixed32_field(number: u64, value: f32) -> Vec<u8> {
    [&varint(number << 3 | 5)[..], &value.to_le_bytes()].concat()
}

fn fixed64_field(number: u64, value: f64) -> Vec<u8> {
    [&varint(number << 3 | 1)[..], &value.to_le_bytes()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// An event with one value of a summary.
pub(super) fn event(step: u64, tag: &str, content: &[u8]) -> Vec<u8> {
    let value = [bytes_field(1, tag.as_bytes()), content.to_vec()].concat();
    let summary = bytes_field(1, &value);
    record(&[fixed64_field(1, 1.7e9), varint_field(2, step), bytes_field(5, &summary)].concat())
}

/// The record with which every event file starts.
pub(super) fn version() -> Vec<u8> {
    record(&[fixed64_field(1, 1.7e9), bytes_field(3, b"brain.Event:2")].concat())
}

/// A scalar as torch writes it.
pub(super) fn simple(value: f32) -> Vec<u8> {
    fixed32_field(2, value)
}

/// A scalar as TensorFlow 2 writes it, its bytes in `tensor_content`.
pub(super) fn tensor_content(value: f32) -> Vec<u8> {
    bytes_field(
        8,
        &[varint_field(1, 1), bytes_field(2, b""), bytes_field(4, &value.to_le_bytes())].concat(),
    )
}

/// A scalar as TensorFlow 2 writes it, in `float_val`, packed or not.
pub(super) fn float_val(value: f32, packed: bool) -> Vec<u8> {
    let field = if packed { bytes_field(5, &value.to_le_bytes()) } else { fixed32_field(5, value) };
    bytes_field(8, &[varint_field(1, 1), field].concat())
}

/// A scalar of double precision.
pub(super) fn double_val(value: f64) -> Vec<u8> {
    bytes_field(8, &[varint_field(1, 2), fixed64_field(6, value)].concat())
}

/// A record whose head is whole and whose data are missing.
pub(super) fn record_head(length: u64) -> Vec<u8> {
    let length = length.to_le_bytes();
    [&length[..], &masked_crc(&length).to_le_bytes()].concat()
}

/// MLflow's tables as far as they matter, with two runs alive and one deleted.
pub(super) fn mlflow(path: &Path) {
    files::create_folder(path.parent().unwrap()).unwrap();
    let connection = Connection::open(path).unwrap();
    let schema = "
        CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL, name VARCHAR(250), status VARCHAR(9), \
    lifecycle_stage VARCHAR(20));
        CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid \
    VARCHAR(32) NOT NULL);
        CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT \
    NOT NULL,
                              run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, \
    is_nan BOOLEAN DEFAULT '0' NOT NULL);
        INSERT INTO runs VALUES ('a1', 'zh-1k', 'FINISHED', 'active'), ('b2', NULL, 'FAILED', \
    'active'), ('c3', 'zh-4k', 'FINISHED', 'deleted');
        INSERT INTO params VALUES ('train_pairs', '1000', 'a1'), ('seed', '3', 'a1'), \
    ('train_pairs', '2000', 'b2'), ('train_pairs', '4000', 'c3');
        INSERT INTO metrics VALUES ('eval_loss', 1.5, 20, 'a1', 200, 0), ('eval_loss', 1.75, 10, \
    'a1', 100, 0), ('loss', 1, 10, 'a1', 100, 0),
            ('eval_loss', 1.25, 10, 'b2', 100, 0), ('eval_loss', 0, 20, 'b2', 200, 1), \
    ('eval_loss', 1.7976931348623157e308, 15, 'b2', 150, 0),
            ('eval_loss', 1, 10, 'c3', 100, 0);";
    connection.execute_batch(schema).unwrap();
}

/// `meta.yaml` of a run in MLflow's file store.
pub(super) fn meta(id: &str, name: &str, status: u8, stage: &str) -> String {
    format!(
        "artifact_uri: file:///x\nend_time: 1\nlifecycle_stage: {stage}\nrun_id: {id}\nrun_name: \
        {name}\nstatus: {status}\ntags: []\n"
    )
}

/// Results of lm-evaluation-harness, with the scores of two tasks.
pub(super) fn lm_eval(zh: &str, tr: &str) -> String {
    format!(
        r#"{{"results": {{"belebele_zho": {{"alias": "belebele_zho", {zh}}}, "belebele_tur": {{"alias": "belebele_tur", {tr}}}}},
            "n-shot": {{"belebele_zho": 0}}, "higher_is_better": {{"belebele_zho": {{"acc": true}}, "belebele_tur": {{"acc": true}}}},
            "config": {{"model": "hf", "limit": NaN}}, "date": 1.7e9}}"#
    )
}

/// One score of sacrebleu.
pub(super) fn sacrebleu(name: &str, score: f64, version: &str) -> String {
    format!(
        r#"{{"name": "{name}", "score": {score}, "signature": "nrefs:1|case:mixed|eff:yes|version:{version}", "nrefs": "1"}}"#
    )
}

/// A panel of W&B with two runs, one of them with the separator in its name, and an empty cell.
pub(super) const PANEL: &str = "\
\"Step\",\"zh-1k - eval/zh_loss\",\"zh-1k - eval/zh_loss__MIN\",\"zh-1k - eval/zh_loss__MAX\",\"zh \
- 2k - eval/zh_loss\",\"zh - 2k - _step\"
\"50\",\"1.75\",\"1.7\",\"1.8\",\"\",\"50\"
\"100\",\"1.5\",\"1.5\",\"1.5\",\"1.25\",\"100\"
";

/// A table of runs of W&B.
pub(super) const TABLE: &str = "\
\"Name\",\"State\",\"config.pairs\",\"config.seed\",\"eval/zh_loss\"
\"a\",\"finished\",\"1000\",\"1\",\"1.5\"
\"b\",\"crashed\",\"2000\",\"2\",\"1.25\"
\"c\",\"finished\",\"4000\",\"2\",\"NaN\"
";
