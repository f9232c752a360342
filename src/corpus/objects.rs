//! JSON objects, one a line or in one array, and the texts in them.

use super::error::CorpusError;
use super::lines::{Lines, utf8};
use super::report::Reason;
use super::unpacked;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;
use std::io::Read;
use std::path::Path;

/// An object of JSON.
pub(super) type Object = Map<String, Value>;

/// What is done with an object, given its line, or its place in the array, counted from 1; an error
/// ends the reading.
pub(super) type Visit<'a> =
    &'a mut dyn FnMut(u64, Result<Object, Reason>) -> Result<(), CorpusError>;

/// Most bytes of a file that is one array.
const MOST_ARRAY: u64 = 4 << 30;

/// Visits every object of a file; `lines` are those of the file at `path`.
pub(super) fn visit(path: &Path, mut lines: Lines, visit: Visit<'_>) -> Result<(), CorpusError> {
    let mut is_first = true;
    while let Some((number, line)) = lines.next()? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if is_first && line.trim_ascii_start().starts_with(b"[") {
            return array(path, visit);
        }
        is_first = false;
        visit(
            number,
            utf8(line).and_then(|line| serde_json::from_str(line).map_err(|_| Reason::NotJson)),
        )?;
    }
    Ok(())
}

/// Visits every object of an array, of which one at a time is in memory.
fn array(path: &Path, visit: Visit<'_>) -> Result<(), CorpusError> {
    let mut fault = None;
    let text = unpacked::open(path)?.take(MOST_ARRAY);
    let mut json = serde_json::Deserializer::from_reader(text);
    let read = (&mut json)
        .deserialize_seq(Elements { visit, fault: &mut fault })
        .and_then(|()| json.end());
    match (fault, read) {
        (Some(fault), _) => Err(fault),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => {
            Err(CorpusError::Array { path: path.to_owned(), cause: error.to_string() })
        }
    }
}

/// Hands the elements of an array on, each as it is read.
struct Elements<'a, 'b> {
    visit: Visit<'a>,
    /// What ended the reading, which the reader's own error cannot carry.
    fault: &'b mut Option<CorpusError>,
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut number = 0;
        while let Some(element) = elements.next_element::<Value>()? {
            number += 1;
            let object =
                if let Value::Object(object) = element { Ok(object) } else { Err(Reason::NotJson) };
            if let Err(fault) = (self.visit)(number, object) {
                *self.fault = Some(fault);
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Takes a text out of an object.
pub(super) fn text(object: &mut Object, key: &str) -> Result<String, Reason> {
    match take(object, key) {
        Some(Value::String(text)) => Ok(text),
        Some(Value::Null) | None => Err(Reason::Missing { column: key.to_owned() }),
        Some(_) => Err(Reason::NotText { column: key.to_owned() }),
    }
}

/// Takes a value out of an object by its key, or by the keys on the way to it with dots between:
/// `translation.en`.
fn take(object: &mut Object, key: &str) -> Option<Value> {
    if let Some(value) = object.remove(key) {
        return Some(value);
    }
    key.match_indices('.')
        .find_map(|(at, _)| take(object.get_mut(&key[..at])?.as_object_mut()?, &key[at + 1..]))
}

/// The keys of the first object of a file, those of objects in it behind a dot.
pub(super) fn first_keys(path: &Path) -> Option<Vec<String>> {
    let (mut first, mut keys) = (None, Vec::new());
    let stop = || CorpusError::Array { path: path.to_owned(), cause: String::new() };
    let _ = visit(path, Lines::open(path).ok()?, &mut |_, object| {
        first = object.ok();
        Err(stop())
    });
    for (key, value) in first? {
        match value {
            Value::Object(inner) => keys.extend(inner.keys().map(|inner| format!("{key}.{inner}"))),
            _ => keys.push(key),
        }
    }
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    fn found(text: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        files::write(&path, text.as_bytes()).unwrap();
        let mut found = Vec::new();
        let lines = Lines::open(&path).map_err(|error| error.to_string())?;
        let read = visit(&path, lines, &mut |number, object| {
            found.push(match object {
                Ok(mut object) => {
                    format!(
                        "{number} {}",
                        super::text(&mut object, "translation.en")
                            .unwrap_or_else(|reason| reason.to_string())
                    )
                }
                Err(reason) => format!("{number} {reason}"),
            });
            Ok(())
        });
        read.map(|()| found).map_err(|error| error.to_string())
    }

    #[test]
    fn lines_and_arrays_give_the_same_objects() {
        let expected = ["1 a", "2 b", "3 `translation.en` is missing"];
        let [a, b, c] = [
            r#"{"translation": {"en": "a"}}"#,
            r#"{"translation.en": "b"}"#,
            r#"{"translation": ["a"]}"#,
        ];
        assert_eq!(found(&format!("{a}\n{b}\n{c}\n")).unwrap(), expected);
        assert_eq!(found(&format!("[{a}, {b}, {c}]")).unwrap(), expected);
        assert_eq!(found(&format!("\u{feff} [\n  {a},\n  {b},\n  {c}\n]\n")).unwrap(), expected);
        assert_eq!(
            found("[1, {\"translation\": {\"en\": 3}}]").unwrap(),
            ["1 not a JSON object", "2 `translation.en` is not a text"]
        );
    }

    #[test]
    fn a_damaged_array_is_an_error_that_says_where() {
        for text in ["[{\"a\": 1}", "[{\"a\": 1}] x", "[{\"a\" 1}]", "["] {
            let error = found(text).unwrap_err();
            assert!(
                error.contains("as a JSON array of objects") && error.contains("line 1"),
                "{text}: {error}"
            );
        }
        assert_eq!(found("[]").unwrap(), Vec::<String>::new());
    }
}
