//! The `config.json` of a checkpoint, field by field: what it must say for the network here to be
//! the one that it means.

mod wire;

use crate::model::config::{ConfigError, Family, ModelConfig, RopeScaling};
use crate::model::tokenizer::{Mark, Marks, Vocabulary};
use serde::Deserialize;
use serde_json::{Value, json};
use wire::{WireConfig, WireRope, WireTokenizer, field, from_json, shown};

/// Ids of a `config.json`, which count where a `tokenizer_config.json` is silent.
#[derive(Debug, Clone, Copy, Default)]
pub struct MarkIds {
    bos: Option<u32>,
    eos: Option<u32>,
}

impl From<MarkIds> for Marks {
    fn from(ids: MarkIds) -> Self {
        Marks { bos: ids.bos.map(Mark::Id), eos: ids.eos.map(Mark::Id) }
    }
}

/// The sizes in a `config.json` and the ids of its marks. Sequences of `context` tokens must be as
/// the network knows them.
pub(super) fn parse(bytes: &[u8], context: usize) -> Result<(ModelConfig, MarkIds), ConfigError> {
    let json: Value = from_json(bytes)?;
    let model_type = &json["model_type"];
    let Ok(family) = Family::deserialize(model_type) else {
        return Err(field(
            "model_type",
            shown(model_type),
            "one of `llama`, `mistral`, `qwen2`, `qwen3`",
        ));
    };
    let wire: WireConfig = from_json(bytes)?;
    wire.check(family, context)?;
    let rope = wire.rope_parameters.as_ref().or(wire.rope_scaling.as_ref());
    let config = ModelConfig {
        family,
        vocab_size: wire.vocab_size,
        is_tied: wire.tie_word_embeddings,
        d_model: wire.hidden_size,
        n_layers: wire.num_hidden_layers,
        n_heads: wire.num_attention_heads,
        n_kv_heads: wire.num_key_value_heads.unwrap_or(wire.num_attention_heads),
        head_dim: wire.head_dim.unwrap_or(wire.hidden_size / wire.num_attention_heads.max(1)),
        d_ff: wire.intermediate_size,
        rope_theta: rope.and_then(|rope| rope.rope_theta).or(wire.rope_theta).unwrap_or(10_000.0),
        rope_scaling: rope.map_or(Ok(None), WireRope::scaling)?,
        norm_eps: wire.rms_norm_eps.unwrap_or(1e-6),
    };
    config.check().map_err(|error| match error {
        ConfigError::Zero { field: name } => field(published(name), 0, "at least 1"),
        ConfigError::Large { field: name, found, most } => {
            field(published(name), found, format!("at most {most}"))
        }
        ConfigError::Multiple { field: name, found, divisor } => {
            field(published(name), found, format!("a multiple of {divisor}"))
        }
        error => error,
    })?;
    Ok((config, MarkIds { bos: wire.bos_token_id, eos: wire.eos_token_id }))
}

/// The longest sequence, tokens, that a `config.json` allows to the network here; `None` where it
/// names no limit.
pub(super) fn longest(bytes: &[u8]) -> Result<Option<usize>, ConfigError> {
    let wire: WireConfig = from_json(bytes)?;
    let json: Value = from_json(bytes)?;
    let window =
        Family::deserialize(&json["model_type"]).ok().and_then(|family| wire.window(family));
    Ok(wire.max_position_embeddings.into_iter().chain(window).min())
}

/// The name in a `config.json` of a size of ours.
fn published(name: &'static str) -> &'static str {
    match name {
        "d_model" => "hidden_size",
        "n_layers" => "num_hidden_layers",
        "n_heads" => "num_attention_heads",
        "n_kv_heads" => "num_key_value_heads",
        "d_ff" => "intermediate_size",
        same => same,
    }
}

/// The marks that a `tokenizer_config.json` names, or else those of the `config.json`. A tokenizer
/// that names an end and no start has no start.
pub(super) fn marks(bytes: &[u8], ids: MarkIds) -> Result<Marks, ConfigError> {
    let wire: WireTokenizer = from_json(bytes)?;
    if wire.bos_token.is_none() && wire.eos_token.is_none() {
        return Ok(ids.into());
    }
    Ok(Marks {
        bos: wire.bos_token.filter(|_| wire.add_bos_token.unwrap_or(true)).map(Mark::Token),
        eos: wire.eos_token.map(Mark::Token).or(ids.eos.map(Mark::Id)),
    })
}

/// The `config.json` of a network of ours.
pub(super) fn written(config: &ModelConfig, context: usize, vocabulary: &Vocabulary) -> Value {
    let (bos, eos) = vocabulary.mark_ids();
    let architecture = match config.family {
        Family::Llama => "LlamaForCausalLM",
        Family::Mistral => "MistralForCausalLM",
        Family::Qwen2 => "Qwen2ForCausalLM",
        Family::Qwen3 => "Qwen3ForCausalLM",
    };
    let rope_scaling = config.rope_scaling.map(|scaling| match scaling {
        RopeScaling::Linear { factor } => json!({ "rope_type": "linear", "factor": factor }),
        RopeScaling::Llama3(scaling) => json!({
            "rope_type": "llama3",
            "factor": scaling.factor,
            "low_freq_factor": scaling.low_freq_factor,
            "high_freq_factor": scaling.high_freq_factor,
            "original_max_position_embeddings": scaling.original_max_position_embeddings,
        }),
    });
    json!({
        "architectures": [architecture],
        "model_type": config.family,
        "vocab_size": config.vocab_size,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_ff,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "rope_scaling": rope_scaling,
        "tie_word_embeddings": config.is_tied,
        "torch_dtype": "float32",
        "bos_token_id": bos,
        "eos_token_id": eos,
    })
}

/// A `config.json` for the same network with its weights in f32.
pub(super) fn in_f32(bytes: &[u8]) -> Result<Value, ConfigError> {
    let mut json: serde_json::Map<String, Value> = from_json(bytes)?;
    // newer libraries say `dtype`
    let name = if json.contains_key("dtype") { "dtype" } else { "torch_dtype" };
    json.insert(name.to_owned(), "float32".into());
    Ok(Value::Object(json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::config::Llama3Scaling;

    const SIZES: &str = r#""vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 24"#;

    fn parsed(rest: &str) -> Result<(ModelConfig, MarkIds), ConfigError> {
        parse(format!("{{{SIZES}, {rest}}}").as_bytes(), 32)
    }

    #[test]
    fn older_and_newer_files_say_the_same() {
        let scaling = r#""factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64"#;
        let forms = [
            format!(
                r#""rope_parameters": {{"rope_theta": 5e5, "rope_type": "llama3", {scaling}}}"#
            ),
            format!(
                r#""rope_theta": 5e5, "rope_scaling": {{"rope_type": "llama3", "type": "llama3", {scaling}}}"#
            ),
            format!(
                r#""rope_theta": 5e5, "rope_scaling": {{"type": "llama3", {scaling}}}, "rope_parameters": null"#
            ),
        ];
        let configs = forms
            .each_ref()
            .map(|rope| parsed(&format!(r#""model_type": "llama", {rope}"#)).unwrap().0);
        assert!(configs[0] == configs[1] && configs[1] == configs[2], "{configs:?}");
        assert!(
            matches!(
                configs[0].rope_scaling,
                Some(RopeScaling::Llama3(Llama3Scaling { factor: 8.0, .. }))
            ) && configs[0].rope_theta == 5e5
        );
        let linear =
            parsed(r#""model_type": "llama", "rope_scaling": {"type": "linear", "factor": 4.0}"#)
                .unwrap()
                .0;
        let plain = ModelConfig { rope_scaling: None, ..linear };
        assert_eq!(linear.rope_scaling, Some(RopeScaling::Linear { factor: 4.0 }));
        assert!(
            linear
                .rope_frequencies()
                .iter()
                .zip(plain.rope_frequencies())
                .all(|(slow, plain)| *slow == plain / 4.0)
        );
        assert!(
            parsed(r#""model_type": "llama", "rope_scaling": {"type": "linear", "factor": 0.5}"#)
                .is_err()
        );
        assert!(
            parsed(&format!(r#""model_type": "llama", {}"#, forms[0].replace("1.0", "4.0")))
                .is_err()
        );
        // what a file leaves out is as `transformers` has it
        let (plain, _) = parsed(r#""model_type": "qwen2""#).unwrap();
        let expected = (4, 4, 1e-6, 10_000.0, false, None);
        assert_eq!(
            (
                plain.n_kv_heads,
                plain.head_dim,
                plain.norm_eps,
                plain.rope_theta,
                plain.is_tied,
                plain.rope_scaling
            ),
            expected
        );
    }

    #[test]
    fn a_window_counts_where_it_is_in_use() {
        let qwen = |used: bool| {
            parsed(&format!(
                r#""model_type": "qwen2", "use_sliding_window": {used}, "sliding_window": 16"#
            ))
        };
        assert!(qwen(false).is_ok());
        assert_eq!(
            qwen(true).unwrap_err().to_string(),
            "`sliding_window` is 16, expected at least the `base.context` of 32"
        );
        assert!(parsed(r#""model_type": "mistral", "sliding_window": null"#).is_ok());
    }

    #[test]
    fn marks_are_texts_or_objects_or_ids() {
        let (_, ids) =
            parsed(r#""model_type": "llama", "bos_token_id": 7, "eos_token_id": [8, 9]"#).unwrap();
        let read = |json: &str| marks(json.as_bytes(), ids).unwrap();
        let token = |text: &str| Some(Mark::Token(text.to_owned()));
        assert_eq!(read("{}"), Marks { bos: Some(Mark::Id(7)), eos: Some(Mark::Id(8)) });
        let objects = r#"{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": {"content": "</s>"}}"#;
        assert_eq!(read(objects), Marks { bos: token("<s>"), eos: token("</s>") });
        assert_eq!(
            read(r#"{"bos_token": null, "eos_token": "<end>"}"#),
            Marks { bos: None, eos: token("<end>") }
        );
        assert_eq!(
            read(r#"{"bos_token": "<s>", "add_bos_token": false}"#),
            Marks { bos: None, eos: Some(Mark::Id(8)) }
        );
    }

    #[test]
    fn a_written_configuration_reads_back() {
        let linear = r#""rope_scaling": {"rope_type": "linear", "factor": 2.0}"#;
        let (config, _) = parsed(&format!(
            r#""model_type": "qwen3", "head_dim": 6, "num_key_value_heads": 2, {linear}"#
        ))
        .unwrap();
        let texts = ["a word and another"].into_iter().cycle().take(10);
        let vocabulary = Vocabulary::train(texts, 260).unwrap();
        let (read, ids) =
            parse(written(&config, 32, &vocabulary).to_string().as_bytes(), 32).unwrap();
        assert_eq!(read, config);
        assert_eq!((ids.bos, ids.eos), (vocabulary.mark_ids().0, Some(vocabulary.mark_ids().1)));
    }
}
