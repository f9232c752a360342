//! Literals of Python: what `str` makes of a dict, as cells of tables hold them.

use serde_json::{Map, Value};

/// Deepest nesting that is read.
const DEEPEST: usize = 64;

/// The object that a text of Python, or of JSON, stands for; none where it is no object.
pub(super) fn object(text: &str) -> Option<Map<String, Value>> {
    let mut rest = text.trim();
    let value = value(&mut rest, DEEPEST)?;
    match value {
        Value::Object(object) if rest.trim().is_empty() => Some(object),
        _ => None,
    }
}

/// The value that a text starts with; `rest` is what follows it.
fn value(rest: &mut &str, deepest: usize) -> Option<Value> {
    let deepest = deepest.checked_sub(1)?;
    *rest = rest.trim_start();
    match rest.chars().next()? {
        '{' => {
            let mut object = Map::new();
            items(rest, '}', |rest| {
                let key = match value(rest, deepest)? {
                    Value::String(key) => key,
                    key => key.to_string(),
                };
                *rest = rest.trim_start().strip_prefix(':')?;
                object.insert(key, value(rest, deepest)?);
                Some(())
            })?;
            Some(Value::Object(object))
        }
        open @ ('[' | '(') => {
            let mut list = Vec::new();
            items(rest, if open == '[' { ']' } else { ')' }, |rest| {
                list.push(value(rest, deepest)?);
                Some(())
            })?;
            Some(Value::Array(list))
        }
        quote @ ('\'' | '"') => string(rest, quote).map(Value::String),
        _ => word(rest),
    }
}

/// Items between commas up to a closing mark.
fn items<'a>(
    rest: &mut &'a str,
    close: char,
    mut item: impl FnMut(&mut &'a str) -> Option<()>,
) -> Option<()> {
    *rest = &rest[1..];
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(close) {
            *rest = after;
            return Some(());
        }
        item(rest)?;
        *rest = rest.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => *rest = after,
            None if rest.starts_with(close) => {}
            None => return None,
        }
    }
}

/// A text in quotes; of the escapes those that stand for a line break, a tab, a quote and a
/// backslash.
fn string(rest: &mut &str, quote: char) -> Option<String> {
    let mut text = String::new();
    let mut chars = rest[1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                other => text.push(other),
            },
            c if c == quote => {
                *rest = &rest[1 + at + c.len_utf8()..];
                return Some(text);
            }
            c => text.push(c),
        }
    }
    None
}

/// A word or a number; what is not finite stays a text, by which `json::number` knows it.
fn word(rest: &mut &str) -> Option<Value> {
    let end = rest.find([',', ':', '}', ']', ')']).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    Some(match word.trim() {
        "" => return None,
        "None" | "null" => Value::Null,
        "True" | "true" => Value::Bool(true),
        "False" | "false" => Value::Bool(false),
        "nan" | "NaN" => Value::String("NaN".to_owned()),
        "inf" | "Infinity" => Value::String("Infinity".to_owned()),
        "-inf" | "-Infinity" => Value::String("-Infinity".to_owned()),
        word => serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dicts_become_objects() {
        let text = r#"{'a': 1, 'b/c': -2.5e-05, "it's": 'x\'y', 'n': None, 't': True, 'l': [1, (2, 3),], 'd': {'e': nan}, 'f': inf}"#;
        let expected = json!({
            "a": 1, "b/c": -2.5e-5, "it's": "x'y", "n": null, "t": true, "l": [1, [2, 3]],
            "d": {"e": "NaN"}, "f": "Infinity",
        });
        assert_eq!(object(text).map(Value::Object), Some(expected));
        assert_eq!(object("{}"), Some(Map::new()));
        assert_eq!(
            object(r#" {"a": "é", "b": null} "#).map(Value::Object),
            Some(json!({"a": "é", "b": null}))
        );
    }

    #[test]
    fn what_is_no_dict_is_none() {
        for text in [
            "",
            "3",
            "[1]",
            "{",
            "{'a'",
            "{'a': }",
            "{'a': 1} x",
            "{'a' 1}",
            "{'a': 'b}",
            &"{'a':".repeat(100),
        ] {
            assert_eq!(object(text), None, "{text}");
        }
    }
}
