//! Tables of texts: rows of named fields, as evaluation data comes.

use super::cells;
use super::columns;
use super::error::CorpusError;
use super::lines::{Lines, utf8};
use super::objects::{self, Object};
use super::source::Format;
use super::unpacked::{self, plain_name};
use crate::files::FileError;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
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

/// Reads a table: JSON Lines or an array of objects, TSV, CSV or Parquet, plain or packed, or JSON
/// as SQuAD has it, whose rows have `id`, `question`, `context` and `answer`. Fields of objects in
/// objects are named as `translation.en`.
///
/// `wanted` are the columns that are asked for: where all are numbers, the rows of TSV and CSV are
/// read without a header.
pub fn read_table(path: &Path, wanted: &[&str]) -> Result<Vec<Row>, CorpusError> {
    let rows = match Format::of(path) {
        Some(Format::Tsv) => {
            cells(path, wanted, |visit| cells::tsv(Lines::of_table(path)?, visit))?
        }
        Some(Format::Csv) => cells(path, wanted, |visit| cells::csv(path, visit))?,
        Some(Format::Parquet) => parquet(path)?,
        found => match (found.is_some() && plain_name(path).ends_with(".json"), start(path)?) {
            (true, Start::Questions | Start::Other) => questions(path)?,
            (_, Start::Objects) => objects(path)?,
            (false, _) if found.is_some() => objects(path)?,
            _ => return Err(CorpusError::PlainText { path: path.to_owned() }),
        },
    };
    if rows.is_empty() {
        Err(CorpusError::NoRows { path: path.to_owned(), rows: 0, reasons: String::new() })
    } else {
        Ok(rows)
    }
}

/// Reads two files whose lines correspond as rows of `source` and `target`.
pub fn read_parallel(source: &Path, target: &Path) -> Result<Vec<Row>, CorpusError> {
    let (sources, targets) = (read_lines(source)?, read_lines(target)?);
    if sources.len() != targets.len() {
        let (english, other) = (source.to_owned(), target.to_owned());
        return Err(CorpusError::Uneven {
            english,
            other,
            english_lines: sources.len() as u64,
            other_lines: targets.len() as u64,
        });
    }
    let fields = |source, target| {
        [("source".to_owned(), vec![source]), ("target".to_owned(), vec![target])].into()
    };
    let rows = (1..).zip(sources.into_iter().zip(targets));
    Ok(rows
        .map(|(number, (source, target))| Row { number, fields: fields(source, target) })
        .collect())
}

/// How a file starts.
enum Start {
    /// An array, or an object in a line.
    Objects,
    /// An object with the field `data`, as questions have it.
    Questions,
    /// Anything else.
    Other,
}

fn start(path: &Path) -> Result<Start, CorpusError> {
    let mut lines = Lines::of_table(path)?;
    while let Some((_, line)) = lines.next()? {
        return Ok(match serde_json::from_slice::<Object>(line) {
            _ if line.trim_ascii().is_empty() => continue,
            _ if line.trim_ascii_start().starts_with(b"[") => Start::Objects,
            Ok(object) if object.contains_key("data") => Start::Questions,
            Ok(_) => Start::Objects,
            Err(_) => Start::Other,
        });
    }
    Ok(Start::Other)
}

/// The lines of a plain or compressed text file; empty ones count.
pub fn read_lines(path: &Path) -> Result<Vec<String>, CorpusError> {
    let (mut lines, mut texts) = (Lines::of_table(path)?, Vec::new());
    while let Some((line, bytes)) = lines.next()? {
        let text = utf8(bytes).map_err(|reason| CorpusError::BadRow {
            path: path.to_owned(),
            line,
            reason,
        })?;
        texts.push(text.to_owned());
    }
    Ok(texts)
}

fn objects(path: &Path) -> Result<Vec<Row>, CorpusError> {
    let mut rows = Vec::new();
    objects::visit(path, Lines::of_table(path)?, &mut |number, object| {
        let object = object.map_err(|reason| CorpusError::BadRow {
            path: path.to_owned(),
            line: number,
            reason,
        })?;
        let mut fields = BTreeMap::new();
        for (name, value) in object {
            add(&mut fields, name, value);
        }
        rows.push(Row { number, fields });
        Ok(())
    })?;
    Ok(rows)
}

/// Adds the texts of a value under its name, those of an object under names behind a dot.
fn add(fields: &mut BTreeMap<String, Vec<String>>, name: String, value: Value) {
    match value {
        Value::Object(inner) => inner
            .into_iter()
            .for_each(|(inner, value)| add(fields, format!("{name}.{inner}"), value)),
        value => match texts(value) {
            texts if texts.is_empty() => {}
            texts => drop(fields.insert(name, texts)),
        },
    }
}

fn texts(value: Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(values) => values.into_iter().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Object(_) => Vec::new(),
    }
}

/// Rows of cells, named by the header, or by their places where the columns asked for are numbers
/// and no header has such names.
fn cells(
    path: &Path,
    wanted: &[&str],
    read: impl FnOnce(cells::Visit<'_>) -> Result<(), CorpusError>,
) -> Result<Vec<Row>, CorpusError> {
    let are_places = !wanted.is_empty() && wanted.iter().all(|name| name.parse::<usize>().is_ok());
    let (mut names, mut rows, mut bytes) = (None::<Vec<String>>, Vec::new(), 0);
    read(&mut |number, cells| {
        let cells = cells.map_err(|reason| CorpusError::BadRow {
            path: path.to_owned(),
            line: number,
            reason,
        })?;
        bytes += cells.iter().map(String::len).sum::<usize>();
        if bytes > MOST_BYTES {
            return Err(CorpusError::LargeTable {
                path: path.to_owned(),
                most: MOST_BYTES as u64,
                what: "bytes",
            });
        }
        let is_header = names.is_none()
            && !(are_places && wanted.iter().any(|name| !cells.iter().any(|cell| cell == name)));
        match &names {
            None if is_header => names = Some(cells),
            None => {
                names = Some((0..cells.len()).map(|place| place.to_string()).collect());
                rows.push(row(number, names.as_deref().unwrap_or_default(), cells));
            }
            Some(names) => rows.push(row(number, names, cells)),
        }
        Ok(())
    })?;
    Ok(rows)
}

/// Most bytes of a table of cells, which are all kept.
const MOST_BYTES: usize = 1 << 30;

fn row(number: u64, names: &[String], cells: Vec<String>) -> Row {
    Row {
        number,
        fields: names.iter().cloned().zip(cells.into_iter().map(|cell| vec![cell])).collect(),
    }
}

fn parquet(path: &Path) -> Result<Vec<Row>, CorpusError> {
    let columns = columns::columns(path, None)?;
    let height = columns.first().map_or(0, |(_, series)| series.len());
    let mut rows: Vec<Row> =
        (1..=height as u64).map(|number| Row { number, ..Row::default() }).collect();
    for (name, series) in columns {
        for (row, value) in rows.iter_mut().zip(series.rechunk().iter()) {
            match columns::value_texts(&value) {
                texts if texts.is_empty() => {}
                texts => drop(row.fields.insert(name.clone(), texts)),
            }
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
    let mut bytes = Vec::new();
    let read = unpacked::open(path)?.take(MOST_BYTES as u64).read_to_end(&mut bytes);
    read.map_err(|cause| FileError { action: "read", path: path.to_owned(), cause })?;
    let squad: Squad =
        serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&bytes))
            .map_err(|error| CorpusError::Squad {
                path: path.to_owned(),
                cause: error.to_string(),
            })?;
    let paragraphs = squad.data.into_iter().flat_map(|article| article.paragraphs);
    let row = |context: &str, question: Question| {
        let one = |text: String| vec![text];
        let answers = question.answers.into_iter().map(|answer| answer.text).collect();
        let fields = [
            ("id", one(question.id)),
            ("question", one(question.question)),
            ("context", one(context.to_owned())),
            ("answer", answers),
        ];
        fields.map(|(name, texts)| (name.to_owned(), texts)).into()
    };
    let rows = paragraphs.flat_map(|Paragraph { context, qas }| {
        qas.into_iter().map(move |question| row(&context, question)).collect::<Vec<_>>()
    });
    Ok((1..).zip(rows).map(|(number, fields)| Row { number, fields }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    fn read_columns(name: &str, text: &str, wanted: &[&str]) -> Result<Vec<Row>, CorpusError> {
        let folder = tempfile::tempdir().unwrap();
        files::write(&folder.path().join(name), text.as_bytes()).unwrap();
        read_table(&folder.path().join(name), wanted)
    }

    fn read(name: &str, text: &str) -> Result<Vec<Row>, CorpusError> {
        read_columns(name, text, &[])
    }

    #[test]
    fn rows_of_every_format_are_the_same() {
        let expected =
            read("a.jsonl", "{\"en\": \"a\", \"tr\": \"b\"}\n{\"en\": \"c\", \"tr\": \"d\"}\n")
                .unwrap();
        let json = r#"[{"en": "a", "tr": "b"}, {"en": "c", "tr": "d"}]"#;
        for (name, text) in [
            ("a.json", "{\"en\": \"a\", \"tr\": \"b\"}\n{\"en\": \"c\", \"tr\": \"d\"}\n"),
            ("a.json", json),
            ("a.txt", json),
        ] {
            assert_eq!(read(name, text).unwrap(), expected, "{name}");
        }
        let fields = |rows: Vec<Row>| rows.into_iter().map(|row| row.fields).collect::<Vec<_>>();
        assert_eq!(
            fields(read("a.csv", "en,tr\n\"a\",b\nc,d\n").unwrap()),
            fields(expected.clone())
        );
        let nested = read("a.json", "{\"translation\": {\"en\": \"a\", \"tr\": \"b\"}}\n").unwrap();
        assert_eq!(
            (nested[0].text("translation.en"), nested[0].text("translation.tr")),
            (Some("a"), Some("b"))
        );
        let places = read_columns("a.tsv", "a\tb\nc\td\n", &["0", "1"]).unwrap();
        assert_eq!(
            (places.len(), places[0].text("1"), places[1].text("0")),
            (2, Some("b"), Some("c"))
        );
        assert_eq!(
            read_columns("a.tsv", "0\t1\nc\td\n", &["0", "1"]).unwrap().len(),
            1,
            "a header of numbers"
        );
        assert!(
            read("a.devtest", "a sentence\n").unwrap_err().to_string().contains("is plain text")
        );
    }

    #[test]
    fn three_formats_give_the_same_row() {
        let squad = r#"{"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": "c", "qas": [
            {
                "id": "1", "question": "q",
                "answers": [{"text": "a", "answer_start": 3}, {"text": "b", "answer_start": 3}]
            }]}]}]}"#;
        let jsonl =
            r#"{"id": 1, "question": "q", "context": "c", "answer": ["a", "b"], "more": null}"#;
        let expected = read("a.json", squad).unwrap();
        assert_eq!(read("a.jsonl", jsonl).unwrap(), expected);
        assert_eq!(expected[0].fields["answer"], ["a", "b"]);
        let tsv = read("a.tsv", "id\tquestion\tcontext\tanswer\n1\tq\tc\ta\n").unwrap();
        assert_eq!(
            (tsv[0].number, tsv[0].text("answer"), tsv[0].text("none")),
            (2, Some("a"), None)
        );
        assert!(read("a.json", "{\"data\": 3}").unwrap_err().to_string().contains("data"));
        assert!(read("a.tsv", "id\tquestion\n").is_err());
    }
}
