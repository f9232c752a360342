//! JSON as Python writes it: `NaN`, `Infinity` and `-Infinity` stand bare, which JSON itself has no
//! words for.

use super::error::{ImportError, malformed};
use super::kind::Kind;
use crate::files;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// Numbers that JSON has no words for.
const BARE: [(&str, f64); 3] =
    [("NaN", f64::NAN), ("Infinity", f64::INFINITY), ("-Infinity", f64::NEG_INFINITY)];

/// Reads a JSON file of a kind of log.
pub(super) fn read(path: &Path, kind: Kind) -> Result<Value, ImportError> {
    serde_json::from_str(&strict(&files::read_text(path)?))
        .map_err(|error| malformed(path, kind, error))
}

/// The object in a line.
pub(super) fn object(line: &str) -> Result<Map<String, Value>, serde_json::Error> {
    serde_json::from_str(&strict(line))
}

/// The same text with the bare words quoted, so that a strict reader takes it; what stands in
/// strings is left alone.
fn strict(text: &str) -> String {
    let mut strict = String::with_capacity(text.len() + 16);
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while let Some(first) = rest.chars().next() {
        let word = BARE.iter().map(|(word, _)| *word).find(|word| rest.starts_with(word));
        let (taken, quote) = match word {
            Some(word) => (word.len(), "\""),
            None if first == '"' => (string_length(rest), ""),
            None => (first.len_utf8(), ""),
        };
        let (head, tail) = rest.split_at(taken);
        strict.extend([quote, head, quote]);
        rest = tail;
    }
    strict
}

/// Bytes of the string that a text starts with, both quotes included; all of the text where the
/// string does not end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A number, the bare words included.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => BARE.iter().find(|(word, _)| word == text).map(|(_, value)| *value),
        value => value.as_f64(),
    }
}

/// The entries of an object that are a text, a number or a truth value, as texts.
pub(super) fn scalars(object: &Map<String, Value>) -> BTreeMap<String, String> {
    let scalar = |(key, value): (&String, &Value)| match value {
        Value::String(text) => Some((key.clone(), text.clone())),
        Value::Number(_) | Value::Bool(_) => Some((key.clone(), value.to_string())),
        _ => None,
    };
    object.iter().filter_map(scalar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_are_numbers_and_strings_stay() {
        let text = r#"{"a": NaN, "b": [-Infinity, Infinity,-1.5], "NaN \" NaN": "Infinity and \\", "é": "NaN"}"#;
        let value: Value = serde_json::from_str(&strict(text)).unwrap();
        assert!(number(&value["a"]).unwrap().is_nan());
        assert_eq!(
            value["b"].as_array().unwrap().iter().map(number).collect::<Vec<_>>(),
            [Some(f64::NEG_INFINITY), Some(f64::INFINITY), Some(-1.5)]
        );
        assert_eq!(value["NaN \" NaN"], "Infinity and \\");
    }

    #[test]
    fn strict_json_is_left_as_it_is() {
        for text in ["", "{}", "\"open", "\"\\", "{\"a\\\"\": [1, \"x\"]}", "null", "ü"] {
            assert_eq!(strict(text), text);
        }
        assert_eq!(strict("\u{feff}[]"), "[]");
    }
}
