//! Checkpoints of the Hugging Face world: ours against `transformers` and `peft`.
//! `checkpoints/make.py` made the folders and `expected.json` beside it; `checkpoints/check.py`
//! loads what we write.

use super::place::{Place, Ran, TINY, assert_transcript};
use candle_core::Device;
use parallot::files;
use parallot::model::{Batch, Llama, Ops, Vocabulary, checkpoint};
use parallot::record::Store;
use parallot::spec::{CheckpointFiles, LoraSpec, Module, Optimisation};
use parallot::train::fit_batches;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Deserialize)]
struct Expected {
    sequences: Vec<Vec<u32>>,
    /// A family, a sequence, a token, a row of the vocabulary.
    logits: BTreeMap<String, Vec<Vec<Vec<f32>>>>,
}

/// The checkpoint of a family.
pub fn folder(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/checkpoints").join(family)
}

pub fn read(folder: &Path) -> (Llama, Vocabulary) {
    checkpoint::read(&CheckpointFiles::find(folder).unwrap(), 32, &Device::Cpu).unwrap()
}

/// Logits at every token of a sequence.
pub fn logits(model: &Llama, tokens: &[u32]) -> Vec<Vec<f32>> {
    // the last token of a sequence is predicted and not read
    let sequence = [tokens, &[0]].concat();
    model.logits(&Batch::new([(sequence.as_slice(), 1)])).unwrap().to_vec2::<f32>().unwrap()
}

#[test]
fn logits_equal_transformers_in_every_family() {
    let expected: Expected =
        serde_json::from_str(include_str!("checkpoints/expected.json")).unwrap();
    assert_eq!(expected.logits.keys().collect::<Vec<_>>(), ["llama", "mistral", "qwen2", "qwen3"]);
    for (family, theirs) in &expected.logits {
        let (model, _) = read(&folder(family));
        for ops in [Ops::Fused, Ops::Composed] {
            let model = model.with_ops(ops);
            let mut largest = 0f32;
            for (tokens, theirs) in expected.sequences.iter().zip(theirs) {
                let ours = logits(&model, tokens);
                assert_eq!((ours.len(), ours[0].len()), (theirs.len(), theirs[0].len()));
                let distances = ours
                    .iter()
                    .flatten()
                    .zip(theirs.iter().flatten())
                    .map(|(ours, theirs)| (ours - theirs).abs());
                largest = distances.fold(largest, f32::max);
            }
            println!("{family} by {ops:?} ops: largest distance {largest:e}");
            assert!(largest < 1e-4, "{family} by {ops:?} ops: {largest}");
        }
    }
}

#[test]
fn marks_are_those_of_the_checkpoint() {
    let ids =
        ["llama", "mistral", "qwen2", "qwen3"].map(|family| read(&folder(family)).1.mark_ids());
    assert_eq!(ids, [(Some(0), 1), (Some(0), 1), (None, 0), (None, 0)]);
    // without a `tokenizer_config.json` the ids of the `config.json` count
    let place = checkpoint_in_a_place("llama");
    std::fs::remove_file(place.path("model/tokenizer_config.json")).unwrap();
    assert_eq!(read(&place.path("model")).1.mark_ids(), (Some(1), 2));
}

/// The tiny experiment on a checkpoint, short.
pub fn tiny_on(checkpoint: &str, tuning: &str) -> String {
    let (head, tail) = TINY.split_once("base:").unwrap();
    let (_, tail) = tail.split_once("tuning: {").unwrap();
    let tail = tail
        .replace("[0, 100, 200, 400, 800, 1600]", "[0, 40]")
        .replace("seeds: [1, 2]", "seeds: [1]");
    format!("{head}base: {{checkpoint: {checkpoint}, context: 32}}\ntuning: {{{tuning}{tail}")
}

/// A copy of the checkpoint of a family in `model/`, and the tiny experiment on it.
fn checkpoint_in_a_place(family: &str) -> Place {
    let place = Place::new();
    for path in files::walk(&folder(family)).unwrap() {
        place.write(
            &format!("model/{}", path.file_name().unwrap().to_string_lossy()),
            files::read(&path).unwrap(),
        );
    }
    place.write("tiny.yaml", tiny_on("model", ""));
    place
}

/// What a sweep on a changed checkpoint says.
fn refused(family: &str, file: &str, from: &str, to: &str) -> Ran {
    let place = checkpoint_in_a_place(family);
    let file = format!("model/{file}");
    let text = place.read(&file);
    assert!(text.contains(from), "{from}");
    place.write(&file, text.replace(from, to));
    let mut ran = place.fails(2, "sweep tiny.yaml");
    ran.line += &format!("  # {family}, {from} is {to}");
    ran
}

#[test]
fn checkpoints_that_are_not_understood_are_refused() {
    let config = |family: &str, from: &str, to: &str| refused(family, "config.json", from, to);
    let mut runs = vec![
        config("llama", "\"llama\"", "\"gpt2\""),
        config("llama", "\"silu\"", "\"gelu\""),
        config("llama", "\"llama3\"", "\"yarn\""),
        config("llama", "\"high_freq_factor\": 4.0,", ""),
        config("llama", "\"attention_bias\": false", "\"attention_bias\": true"),
        config("llama", "\"vocab_size\": 64", "\"vocab_size\": \"many\""),
        config("llama", "\"hidden_size\": 16,", ""),
        config("llama", "\"num_attention_heads\": 4", "\"num_attention_heads\": 3"),
        config(
            "llama",
            "\"pretraining_tp\": 1",
            "\"quantization_config\": {\"quant_method\": \"awq\"}",
        ),
        config("llama", "\"max_position_embeddings\": 128", "\"max_position_embeddings\": 16"),
        config("mistral", "\"sliding_window\": 32", "\"sliding_window\": 31"),
        config("llama", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3"),
        config("llama", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1"),
        config("llama", "\"intermediate_size\": 24", "\"intermediate_size\": 20"),
        config("llama", "\"vocab_size\": 64", "\"vocab_size\": 60"),
        refused("qwen2", "tokenizer_config.json", "<|end|>", "<|stop|>"),
        refused("qwen2", "tokenizer_config.json", "\"eos_token\"", "\"unk_token\""),
        refused("mistral", "model.safetensors.index.json", "model-00002-of", "model-00009-of"),
    ];
    let place = checkpoint_in_a_place("llama");
    place.write("model/model.safetensors", "no header");
    runs.push(place.fails(2, "sweep tiny.yaml"));
    std::fs::rename(place.path("model/model.safetensors"), place.path("model/pytorch_model.bin"))
        .unwrap();
    runs.push(place.fails(2, "sweep tiny.yaml --list"));
    std::fs::remove_file(place.path("model/pytorch_model.bin")).unwrap();
    runs.push(place.fails(2, "sweep tiny.yaml --list"));
    place.write("tiny.yaml", tiny_on("model, seed: 1", ""));
    runs.push(place.fails(2, "sweep tiny.yaml --list"));
    place.write("tiny.yaml", tiny_on("model", "method: {lora: {rank: 4, dropout: 1}}, "));
    runs.push(place.fails(2, "sweep tiny.yaml --list"));
    place.write(
        "tiny.yaml",
        tiny_on("model", "method: {lora: {target_modules: [q_proj, q_proj]}}, "),
    );
    runs.push(place.fails(2, "sweep tiny.yaml --list"));
    assert_transcript("checkpoints", &runs);
}

/// Ids of the runs of `tiny.yaml`.
pub fn ids(place: &Place) -> Vec<String> {
    let list: serde_json::Value =
        serde_json::from_str(&place.done("sweep tiny.yaml --list --json").stdout).unwrap();
    list["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["run_id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn ids_follow_the_content_of_a_checkpoint_and_not_its_name() {
    let place = checkpoint_in_a_place("qwen3");
    let kept = ids(&place);
    std::fs::rename(place.path("model"), place.path("other")).unwrap();
    place.write("tiny.yaml", tiny_on("other", ""));
    assert_eq!(ids(&place), kept);
    for file in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
        let path = format!("other/{file}");
        let before = files::read(&place.path(&path)).unwrap();
        // spaces may end each of these files
        place.write(&path, [before.as_slice(), b" "].concat());
        assert!(ids(&place).iter().zip(&kept).all(|(found, kept)| found != kept), "{file}");
        place.write(&path, before);
    }
    place.write("tiny.yaml", tiny_on("other", "method: {lora: {rank: 4}}, "));
    let adapted = ids(&place);
    assert_eq!(adapted[0], kept[0], "the base is not tuned");
    assert!(adapted[1..].iter().zip(&kept[1..]).all(|(found, kept)| found != kept));
}

#[test]
fn a_saved_network_is_a_checkpoint_that_evaluates_as_it_did() {
    let place = Place::new();
    place.write(
        "small.yaml",
        TINY.replace("[0, 100, 200, 400, 800, 1600]", "[0, 40]")
            .replace("seeds: [1, 2]", "seeds: [1]"),
    );
    place.done("sweep small.yaml --save weights");
    let (_, records) = Store::new(place.path("records/small")).read_sweep().unwrap();
    let trained = &records[1];
    let saved = format!("weights/{}", trained.run_id);
    assert!(files::exists(&place.path(&saved).join("model.safetensors")));
    assert!(
        !files::exists(&place.path(format!("weights/{}", records[0].run_id))),
        "the base is not trained"
    );
    place.write("tiny.yaml", tiny_on(&saved, "").replace("context: 32", "context: 64"));
    place.done("sweep tiny.yaml");
    let (_, again) = Store::new(place.path("records/tiny")).read_sweep().unwrap();
    assert_eq!(again[0].evaluations(), trained.evaluations());
    assert!(records[0].evaluations() != trained.evaluations());
}

/// Trains on a checkpoint and returns the folder of the run's weights.
fn trained(place: &Place, method: &str) -> PathBuf {
    place.write(
        "tiny.yaml",
        tiny_on("model", &format!("method: {method}, optimisation: {{peak_lr: 0.02}}, ")),
    );
    place.done("sweep tiny.yaml --save weights");
    let (_, records) = Store::new(place.path("records/tiny")).read_sweep().unwrap();
    let losses: Vec<f64> =
        records.iter().map(|record| record.evaluations()[0].loss_nats()).collect();
    assert!(
        losses[1] < losses[0] - 0.05,
        "training must move the loss for a comparison to say anything: {losses:?}"
    );
    place.path("weights").join(&records[1].run_id)
}

/// Names and shapes of the tensors in a file.
fn shapes(path: &Path) -> Vec<(String, Vec<usize>)> {
    let bytes = files::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut shapes: Vec<_> =
        file.tensors().into_iter().map(|(name, view)| (name, view.shape().to_vec())).collect();
    shapes.sort();
    shapes
}

const LORA: &str = "{lora: {rank: 2, alpha: 6, dropout: 0.1, target_modules: [q_proj, v_proj, o_proj, gate_proj]}}";

#[test]
fn adapters_are_saved_under_the_names_of_peft() {
    let place = checkpoint_in_a_place("llama");
    let folder = trained(&place, LORA);
    let found = shapes(&folder.join("adapter_model.safetensors"));
    let expected = |layer: usize, module: &str, m: usize, k: usize| {
        let at = format!("base_model.model.model.layers.{layer}.{module}");
        [(format!("{at}.lora_A.weight"), vec![2, k]), (format!("{at}.lora_B.weight"), vec![m, 2])]
    };
    let modules = [
        ("mlp.gate_proj", 24, 16),
        ("self_attn.o_proj", 16, 32),
        ("self_attn.q_proj", 32, 16),
        ("self_attn.v_proj", 16, 16),
    ];
    let expected: Vec<_> = (0..2)
        .flat_map(|layer| modules.map(|(module, m, k)| expected(layer, module, m, k)))
        .flatten()
        .collect();
    assert_eq!(found, expected);
    let config: serde_json::Value =
        serde_json::from_slice(&files::read(&folder.join("adapter_config.json")).unwrap()).unwrap();
    assert_eq!(
        (&config["r"], &config["lora_alpha"], &config["lora_dropout"]),
        (&2.into(), &6.0.into(), &0.1.into())
    );
}

#[test]
fn trained_weights_are_saved_under_the_names_of_the_checkpoint() {
    for family in ["llama", "qwen2"] {
        let place = checkpoint_in_a_place(family);
        let folder = trained(&place, "full");
        assert_eq!(
            shapes(&folder.join("model.safetensors")),
            shapes(&place.path("model/model.safetensors"))
        );
        let config = |path: &Path| {
            serde_json::from_slice::<serde_json::Value>(&files::read(path).unwrap()).unwrap()
        };
        let (mut before, after) =
            (config(&place.path("model/config.json")), config(&folder.join("config.json")));
        before["dtype"] = "float32".into();
        assert_eq!(after, before);
        let (model, _) = read(&folder);
        assert_ne!(logits(&model, &[1, 2, 3]), logits(&read(&place.path("model")).0, &[1, 2, 3]));
    }
}

/// The network of a family after some steps.
pub fn fitted(family: &str, method: Option<&LoraSpec>) -> Llama {
    let (base, _) = read(&folder(family));
    let model = method.map_or_else(|| base.copy(), |lora| base.with_lora(lora, 1)).unwrap();
    let sequence = |s: u32| (0..12).map(|i| (s * 31 + i * i * 7 + 1) % 64).collect::<Vec<_>>();
    let sequences: Vec<_> = (0..4).map(sequence).collect();
    let batch = Batch::new(sequences.iter().map(|tokens| (tokens.as_slice(), 3)));
    fit_batches(
        &model,
        &vec![batch; 8],
        &Optimisation { peak_lr: 0.02, ..Optimisation::default() },
        |_| (),
    )
    .unwrap();
    model
}

/// Full tuning and adapters in every family, loaded by `transformers` and `peft`: their logits must
/// be ours.
#[test]
fn what_is_saved_loads_elsewhere() {
    let Some(python) = std::env::var_os("PARALLOT_PYTHON") else {
        println!("skipped: PARALLOT_PYTHON names no Python with torch, transformers and peft");
        return;
    };
    let tokens = [3, 9, 27, 11, 60, 2, 5, 5, 31];
    let lora = LoraSpec {
        rank: 2,
        alpha: 6.0,
        dropout: 0.1,
        target_modules: vec![Module::KProj, Module::VProj, Module::OProj, Module::UpProj],
    };
    for family in ["llama", "mistral", "qwen2", "qwen3"] {
        for method in [None, Some(&lora)] {
            let (place, model) = (Place::new(), fitted(family, method));
            checkpoint::write_trained(&place.path("trained"), &model, &folder(family)).unwrap();
            place.write(
                "ours.json",
                serde_json::json!({ "tokens": tokens, "logits": logits(&model, &tokens) })
                    .to_string(),
            );
            let script =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/checkpoints/check.py");
            let arguments =
                [&script, &folder(family), &place.path("trained"), &place.path("ours.json")];
            let output = Command::new(&python).args(arguments).output().unwrap();
            let (said, complaint) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            print!("{family}: {said}");
            assert!(output.status.success(), "{family}: {said}{complaint}");
        }
    }
}
