//! Scores that other programs made, COMET above all: of a system, or of its segments, whose mean
//! counts.

use super::EvaluateError;
use crate::score::Score;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Fields of a segment that are no scores.
const NO_SCORES: [&str; 5] = ["segment", "id", "src", "mt", "ref"];

/// The scores in a file. CSV has a column per metric and a row a segment. JSON has objects with
/// `name`, `score` and perhaps `signature`, as sacrebleu prints them, or an object a segment with
/// numbers by their metrics, in one list or in the only list of an object, as COMET. Numbers alone,
/// one a line or in a list of JSON, are of the metric `name`, which is that of the file.
pub fn outside(bytes: &[u8], name: &str) -> Result<Vec<Score>, EvaluateError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let is_json =
        bytes.trim_ascii_start().starts_with(b"{") || bytes.trim_ascii_start().starts_with(b"[");
    let segments = match plain(bytes).or_else(|| printed(bytes)) {
        Some(values) => means(values.into_iter().map(|value| vec![(name.to_owned(), value)])),
        None if is_json => from_json(bytes),
        None => from_csv(bytes),
    };
    let scores = segments.map_err(|cause| EvaluateError::Outside { cause })?;
    match scores.iter().find(|score| !score.value.is_finite()) {
        None if scores.is_empty() => Err(EvaluateError::Outside {
            cause: "expected a number with the name of a metric".to_owned(),
        }),
        None => Ok(scores),
        Some(score) => Err(EvaluateError::Outside {
            cause: format!("`{}` is {}, expected a finite number", score.metric, score.value),
        }),
    }
}

/// Numbers without any name: one a line, or a list of JSON.
fn plain(bytes: &[u8]) -> Option<Vec<f64>> {
    if let Ok(values) = serde_json::from_slice::<Vec<f64>>(bytes) {
        return Some(values).filter(|values| !values.is_empty());
    }
    let lines = std::str::from_utf8(bytes)
        .ok()?
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let values = lines.map(|line| line.parse().ok()).collect::<Option<Vec<f64>>>()?;
    Some(values).filter(|values| !values.is_empty())
}

/// The scores of segments as `comet-score` prints them: `FILE<tab>Segment 3<tab>score: 0.8123`, and
/// at last that of the system. Those of several systems are not told apart, and none.
fn printed(bytes: &[u8]) -> Option<Vec<f64>> {
    let (mut values, mut systems) = (Vec::new(), BTreeSet::new());
    for line in std::str::from_utf8(bytes).ok()?.lines().filter(|line| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let (last, cells) = cells.split_last()?;
        let value = last.strip_prefix("score:")?.trim().parse().ok()?;
        systems.insert(*cells.first()?);
        if cells.get(1).is_some_and(|cell| cell.starts_with("Segment ")) {
            values.push(value);
        }
    }
    Some(values).filter(|values| !values.is_empty() && systems.len() == 1)
}

fn from_json(bytes: &[u8]) -> Result<Vec<Score>, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(object) if object.contains_key("score") => vec![Value::Object(object)],
        Value::Object(object) => {
            let mut lists = object.into_iter().filter_map(|(_, value)| {
                if let Value::Array(list) = value { Some(list) } else { None }
            });
            let (first, second) = (lists.next(), lists.next());
            first.filter(|_| second.is_none()).ok_or("expected one list of segments")?
        }
        _ => return Err("expected a list or an object".to_owned()),
    };
    let text = |object: &Value, key: &str| object[key].as_str().map(str::to_owned);
    let system = |object: &Value| {
        let (metric, value) = (text(object, "name")?, object["score"].as_f64()?);
        Some(Score {
            metric,
            value,
            signature: text(object, "signature").unwrap_or_else(|| "outside".to_owned()),
            segments: 0,
        })
    };
    if let Some(scores) = list.iter().map(system).collect::<Option<Vec<_>>>() {
        return Ok(scores);
    }
    let fields = |segment: &Value| -> Vec<(String, f64)> {
        let numbers = segment
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
        numbers.collect()
    };
    means(list.iter().map(fields))
}

fn from_csv(bytes: &[u8]) -> Result<Vec<Score>, String> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(bytes);
    let names = reader.headers().map_err(|error| error.to_string())?.clone();
    if let Some(number) = names.iter().find(|name| name.trim().parse::<f64>().is_ok()) {
        return Err(format!(
            "no metric is named: the first line has `{number}`, expected a header with the names \
            of columns"
        ));
    }
    let mut segments = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let numbers = names
            .iter()
            .zip(&record)
            .filter_map(|(name, cell)| Some((name.to_owned(), cell.trim().parse().ok()?)));
        segments.push(numbers.collect::<Vec<_>>());
    }
    means(segments.into_iter())
}

/// The mean of each metric, which every segment must have.
fn means(segments: impl Iterator<Item = Vec<(String, f64)>>) -> Result<Vec<Score>, String> {
    let (mut count, mut values) = (0, BTreeMap::<String, Vec<f64>>::new());
    for segment in segments {
        count += 1;
        for (name, value) in
            segment.into_iter().filter(|(name, _)| !NO_SCORES.contains(&name.as_str()))
        {
            values.entry(name).or_default().push(value);
        }
    }
    let mean = |(metric, values): (String, Vec<f64>)| match values.len() {
        found if found == count => Ok(Score {
            metric,
            value: values.iter().sum::<f64>() / count as f64,
            signature: "outside|mean:segments".to_owned(),
            segments: count,
        }),
        found => Err(format!("`{metric}` of {found} segments, expected {count}")),
    };
    values.into_iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_and_segments_are_read() {
        let found = |text: &str| {
            outside(text.as_bytes(), "bleurt").map(|scores| {
                scores
                    .into_iter()
                    .map(|score| (score.metric, score.value, score.segments))
                    .collect::<Vec<_>>()
            })
        };
        let comet = vec![("COMET".to_owned(), 0.75, 2)];
        assert_eq!(found("segment,COMET\n1,0.5\n2,1.0\n").unwrap(), comet);
        assert_eq!(
            found(r#"{"hyp.txt": [{"src": "a", "COMET": 0.5}, {"src": "b", "COMET": 1.0}]}"#)
                .unwrap(),
            comet
        );
        assert_eq!(
            found(r#"[{"name": "BLEU", "score": 25.5, "signature": "v"}]"#).unwrap(),
            [("BLEU".to_owned(), 25.5, 0)]
        );
        let bleurt = vec![("bleurt".to_owned(), 0.75, 2)];
        for text in [
            "0.5\n1.0\n",
            "\u{feff}0.5\r\n1\r\n",
            "[0.5, 1]",
            "h.txt\tSegment 0\tscore: 0.5\nh.txt\tSegment 1\tscore: 1.0\nh.txt\tscore: 0.7\n",
        ] {
            assert_eq!(found(text).unwrap(), bleurt, "{text}");
        }
        let error = found("1,0.5\n2,1.0\n").unwrap_err().to_string();
        assert!(error.contains("no metric is named: the first line has `1`"), "{error}");
        let two = "a.txt\tSegment 0\tscore: 0.5\nb.txt\tSegment 0\tscore: 1.0\n";
        for wrong in [
            "0.5\nmuch\n",
            "0.5\nnan\n",
            two,
            "",
            "segment,COMET\n1,0.5\n2,x\n",
            "{\"a\": [], \"b\": []}",
            "[1, \"x\"]",
            "segment,COMET\n1,nan\n",
        ] {
            assert!(found(wrong).is_err(), "{wrong}");
        }
    }
}
