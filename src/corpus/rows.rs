//! Rows: the sides and the split word of every line of a source, whatever its format.

use super::error::CorpusError;
use super::lines::Lines;
use super::report::Reason;
use super::source::{Column, Format, Moses, Source, SourceFiles, Splitting};
use crate::files;
use crate::parquet::guarded;
use polars::prelude::{ParquetReader, SerReader, StringChunked};
use serde_json::Value;
use std::path::Path;

/// One row as it stands in the file.
pub(super) struct Fields {
    pub english: String,
    pub other: String,
    pub split: Option<String>,
}

/// What is done with a row, given its line counted from 1; an error ends the reading.
pub(super) type Visit<'a> = &'a mut dyn FnMut(u64, Result<Fields, Reason>) -> Result<(), CorpusError>;

/// The columns of a table.
struct Columns<'a> {
    english: &'a Column,
    other: &'a Column,
    split: Option<&'a Column>,
}

impl Source {
    /// The file that reports name: the only one, or the English one of two.
    pub(super) fn path(&self) -> &Path {
        match &self.files {
            SourceFiles::Table { path, .. } => path,
            SourceFiles::Moses(moses) => &moses.english,
        }
    }

    /// What the columns of the two sides are called.
    pub(super) fn columns(&self) -> [String; 2] {
        match &self.files {
            SourceFiles::Table { english, other, .. } => [english.to_string(), other.to_string()],
            SourceFiles::Moses(_) => ["english".to_owned(), "other".to_owned()],
        }
    }

    /// Visits every row in the order of the file.
    pub(super) fn visit(&self, root: &Path, visit: Visit<'_>) -> Result<(), CorpusError> {
        let split = match &self.splitting {
            Splitting::Column(column) => Some(column),
            Splitting::Whole(_) | Splitting::Hash(_) => None,
        };
        match &self.files {
            SourceFiles::Moses(moses) => visit_moses(moses, root, visit),
            SourceFiles::Table { path, format, english, other, header } => {
                let columns = Columns { english, other, split };
                let path = root.join(path);
                match format {
                    Format::Jsonl => visit_jsonl(&path, &columns, visit),
                    Format::Tsv => visit_tsv(&path, &columns, *header, visit),
                    Format::Parquet => visit_parquet(&path, &columns, visit),
                }
            }
        }
    }
}

/// A line as text.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Reason> {
    std::str::from_utf8(bytes).map_err(|_| Reason::NotUtf8)
}

/// The object of one line of JSON.
pub(super) fn json_object(line: &[u8]) -> Result<serde_json::Map<String, Value>, Reason> {
    serde_json::from_str(utf8(line)?).map_err(|_| Reason::NotJson)
}

/// Takes a text out of an object.
pub(super) fn json_text(object: &mut serde_json::Map<String, Value>, key: &str) -> Result<String, Reason> {
    match object.remove(key) {
        Some(Value::String(text)) => Ok(text),
        Some(Value::Null) | None => Err(Reason::Missing { column: key.to_owned() }),
        Some(_) => Err(Reason::NotText { column: key.to_owned() }),
    }
}

fn visit_jsonl(path: &Path, columns: &Columns<'_>, visit: Visit<'_>) -> Result<(), CorpusError> {
    let [english, other] = [columns.english, columns.other].map(Column::to_string);
    let split = columns.split.map(Column::to_string);
    let fields = |line: &[u8]| {
        let mut object = json_object(line)?;
        Ok(Fields {
            english: json_text(&mut object, &english)?,
            other: json_text(&mut object, &other)?,
            split: split.as_deref().map(|key| json_text(&mut object, key)).transpose()?,
        })
    };
    let mut lines = Lines::open(path)?;
    while let Some((number, line)) = lines.next()? {
        if !line.trim_ascii().is_empty() {
            visit(number, fields(line))?;
        }
    }
    Ok(())
}

fn visit_tsv(path: &Path, columns: &Columns<'_>, header: bool, visit: Visit<'_>) -> Result<(), CorpusError> {
    let mut lines = Lines::open(path)?;
    let names: Vec<String> = match header.then(|| lines.next()).transpose()?.flatten() {
        Some((_, line)) => String::from_utf8_lossy(line).split('\t').map(|name| name.trim().to_owned()).collect(),
        None => Vec::new(),
    };
    let place = |column: &Column| match column {
        Column::Index(index) => Ok(*index),
        Column::Name(name) => names.iter().position(|found| found == name).ok_or_else(|| CorpusError::Column {
            path: path.to_owned(),
            column: name.clone(),
            found: names.clone(),
        }),
    };
    let (english, other, split) = (place(columns.english)?, place(columns.other)?, columns.split.map(place).transpose()?);
    let fields = |line: &[u8]| {
        let cells: Vec<&str> = utf8(line)?.split('\t').collect();
        let cell = |place: usize, column: &Column| match cells.get(place) {
            Some(cell) => Ok((*cell).to_owned()),
            None => Err(Reason::Missing { column: column.to_string() }),
        };
        Ok(Fields {
            english: cell(english, columns.english)?,
            other: cell(other, columns.other)?,
            split: split.zip(columns.split).map(|(place, column)| cell(place, column)).transpose()?,
        })
    };
    while let Some((number, line)) = lines.next()? {
        if !line.trim_ascii().is_empty() {
            visit(number, fields(line))?;
        }
    }
    Ok(())
}

/// Lines of two files; an empty line is a bad row, for leaving it out would shift all that follow.
fn visit_moses(moses: &Moses, root: &Path, visit: Visit<'_>) -> Result<(), CorpusError> {
    let (english_path, other_path) = (root.join(&moses.english), root.join(&moses.other));
    let (mut english, mut other) = (Lines::open(&english_path)?, Lines::open(&other_path)?);
    let mut both = 0;
    loop {
        let (one, two) = (english.next()?, other.next()?);
        match (one, two) {
            (Some((number, one)), Some((_, two))) => {
                both = number;
                let sides = utf8(one).and_then(|one| Ok((one.to_owned(), utf8(two)?.to_owned())));
                visit(number, sides.map(|(english, other)| Fields { english, other, split: None }))?;
            }
            (None, None) => return Ok(()),
            (one, _) => {
                let (english_lines, other_lines) = if one.is_some() { (english.count()?, both) } else { (both, other.count()?) };
                return Err(CorpusError::Uneven { english: english_path, other: other_path, english_lines, other_lines });
            }
        }
    }
}

/// Rows of a Parquet file; a row's line is its number, counted from 1.
fn visit_parquet(path: &Path, columns: &Columns<'_>, visit: Visit<'_>) -> Result<(), CorpusError> {
    let refused = |cause: polars::error::PolarsError| CorpusError::Parquet { path: path.to_owned(), cause: cause.to_string() };
    let wanted: Vec<String> =
        [Some(columns.english), Some(columns.other), columns.split].into_iter().flatten().map(Column::to_string).collect();
    let mut reader = ParquetReader::new(files::open(path)?);
    let schema = guarded(|| reader.schema()).map_err(refused)?;
    let found: Vec<String> = schema.iter_names().map(|name| name.to_string()).collect();
    if let Some(column) = wanted.iter().find(|name| !found.contains(name)) {
        return Err(CorpusError::Column { path: path.to_owned(), column: column.clone(), found });
    }
    let frame = guarded(|| reader.with_columns(Some(wanted)).finish()).map_err(refused)?;
    let texts = |column: &Column| -> Result<StringChunked, CorpusError> {
        let name = column.to_string();
        let series = frame.column(&name).map_err(refused)?.as_materialized_series();
        let wrong = |_| CorpusError::ColumnType { path: path.to_owned(), column: name.clone(), found: format!("`{}`", series.dtype()) };
        series.str().cloned().map_err(wrong)
    };
    let (english, other, split) = (texts(columns.english)?, texts(columns.other)?, columns.split.map(texts).transpose()?);
    let cell = |cells: &StringChunked, row: usize, column: &Column| match cells.get(row) {
        Some(text) => Ok(text.to_owned()),
        None => Err(Reason::Missing { column: column.to_string() }),
    };
    let fields = |row: usize| {
        Ok(Fields {
            english: cell(&english, row, columns.english)?,
            other: cell(&other, row, columns.other)?,
            split: split.as_ref().zip(columns.split).map(|(cells, column)| cell(cells, row, column)).transpose()?,
        })
    };
    for row in 0..frame.height() {
        visit(row as u64 + 1, fields(row))?;
    }
    Ok(())
}
