//! Tables of texts: rows of named fields, as evaluation data comes.

use super::error::CorpusError;
use super::lines::Lines;
use super::rows::{json_object, utf8};
use crate::files;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// One row: the texts of each field, more than one where the file has a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Line, or place among the questions of a file, counted from 1.
    pub number: u64,
    /// Texts by the name of their field.
    pub fields: BTreeMap<String, Vec<String>>,
}

impl Row {
    /// The first text of a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.first().map(String::as_str)
    }
}

/// Reads a table: `.jsonl` of texts, numbers and lists of texts, `.tsv` with a header, both plain or compressed, or `.json` as SQuAD has it,
/// whose rows have `id`, `question`, `context` and `answer`.
pub fn read_table(path: &Path) -> Result<Vec<Row>, CorpusError> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let plain = name.trim_end_matches(".gz").trim_end_matches(".zst");
    let rows = match plain.rsplit('.').next() {
        Some("json") => questions(path)?,
        Some("tsv") => tsv(path)?,
        _ => jsonl(path)?,
    };
    if rows.is_empty() { Err(CorpusError::NoRows { path: path.to_owned(), rows: 0 }) } else { Ok(rows) }
}

/// The lines of a plain or compressed text file; empty ones count.
pub fn read_lines(path: &Path) -> Result<Vec<String>, CorpusError> {
    let (mut lines, mut texts) = (Lines::of_table(path)?, Vec::new());
    while let Some((line, bytes)) = lines.next()? {
        let text = utf8(bytes).map_err(|reason| CorpusError::BadRow { path: path.to_owned(), line, reason })?;
        texts.push(text.to_owned());
    }
    Ok(texts)
}

fn jsonl(path: &Path) -> Result<Vec<Row>, CorpusError> {
    let (mut lines, mut rows) = (Lines::of_table(path)?, Vec::new());
    while let Some((number, line)) = lines.next()? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let object = json_object(line).map_err(|reason| CorpusError::BadRow { path: path.to_owned(), line: number, reason })?;
        let fields = object.into_iter().map(|(name, value)| (name, texts(value))).filter(|(_, texts)| !texts.is_empty());
        rows.push(Row { number, fields: fields.collect() });
    }
    Ok(rows)
}

fn texts(value: Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(values) => values.into_iter().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Object(_) => Vec::new(),
    }
}

fn tsv(path: &Path) -> Result<Vec<Row>, CorpusError> {
    let (mut lines, mut names, mut rows) = (Lines::of_table(path)?, Vec::new(), Vec::new());
    while let Some((number, line)) = lines.next()? {
        let line = utf8(line).map_err(|reason| CorpusError::BadRow { path: path.to_owned(), line: number, reason })?;
        let cells = || line.split('\t').map(str::to_owned);
        if number == 1 {
            names = cells().collect();
        } else if !line.trim().is_empty() {
            rows.push(Row { number, fields: names.iter().cloned().zip(cells().map(|cell| vec![cell])).collect() });
        }
    }
    Ok(rows)
}

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    id: String,
    question: String,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

fn questions(path: &Path) -> Result<Vec<Row>, CorpusError> {
    let bytes = files::read(path)?;
    let squad: Squad = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&bytes))
        .map_err(|error| CorpusError::Squad { path: path.to_owned(), cause: error.to_string() })?;
    let paragraphs = squad.data.into_iter().flat_map(|article| article.paragraphs);
    let row = |context: &str, question: Question| {
        let one = |text: String| vec![text];
        let answers = question.answers.into_iter().map(|answer| answer.text).collect();
        let fields =
            [("id", one(question.id)), ("question", one(question.question)), ("context", one(context.to_owned())), ("answer", answers)];
        fields.map(|(name, texts)| (name.to_owned(), texts)).into()
    };
    let rows =
        paragraphs.flat_map(|Paragraph { context, qas }| qas.into_iter().map(move |question| row(&context, question)).collect::<Vec<_>>());
    Ok((1..).zip(rows).map(|(number, fields)| Row { number, fields }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Vec<Row>, CorpusError> {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join(name), text.as_bytes()).unwrap();
        read_table(&folder.path().join(name))
    }

    #[test]
    fn three_formats_give_the_same_row() {
        let squad = r#"{"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": "c", "qas": [
            {"id": "1", "question": "q", "answers": [{"text": "a", "answer_start": 3}, {"text": "b", "answer_start": 3}]}]}]}]}"#;
        let jsonl = r#"{"id": 1, "question": "q", "context": "c", "answer": ["a", "b"], "more": null}"#;
        let expected = read("a.json", squad).unwrap();
        assert_eq!(read("a.jsonl", jsonl).unwrap(), expected);
        assert_eq!(expected[0].fields["answer"], ["a", "b"]);
        let tsv = read("a.tsv", "id\tquestion\tcontext\tanswer\n1\tq\tc\ta\n").unwrap();
        assert_eq!((tsv[0].number, tsv[0].text("answer"), tsv[0].text("none")), (2, Some("a"), None));
        assert!(read("a.json", "{\"data\": 3}").unwrap_err().to_string().contains("data"));
        assert!(read("a.tsv", "id\tquestion\n").is_err());
    }
}
