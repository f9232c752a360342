//! Rows: the sides and the split word of every line of a source, whatever its format.

use super::cells;
use super::columns;
use super::error::CorpusError;
use super::lines::{Lines, utf8};
use super::objects::{self, Object};
use super::report::Reason;
use super::source::{Column, Format, Moses, Source, SourceFiles, Splitting};
use polars::prelude::StringChunked;
use std::path::Path;

/// One row as it stands in the file.
pub(super) struct Fields {
    pub english: String,
    pub other: String,
    pub split: Option<String>,
}

/// What is done with a row, given its line counted from 1; an error ends the reading.
pub(super) type Visit<'a> =
    &'a mut dyn FnMut(u64, Result<Fields, Reason>) -> Result<(), CorpusError>;

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

    /// The keys of the first row, where rows are objects.
    pub(super) fn first_keys(&self, path: &Path) -> Vec<String> {
        let is_json = matches!(self.files, SourceFiles::Table { format: Format::Jsonl, .. });
        is_json.then(|| objects::first_keys(path)).flatten().unwrap_or_default()
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
                    Format::Jsonl => visit_json(&path, &columns, visit),
                    Format::Tsv | Format::Csv => {
                        visit_cells(&path, *format, &columns, *header, visit)
                    }
                    Format::Parquet => visit_parquet(&path, &columns, visit),
                }
            }
        }
    }
}

fn visit_json(path: &Path, columns: &Columns<'_>, visit: Visit<'_>) -> Result<(), CorpusError> {
    let [english, other] = [columns.english, columns.other].map(Column::to_string);
    let split = columns.split.map(Column::to_string);
    let fields = |mut object: Object| {
        Ok(Fields {
            english: objects::text(&mut object, &english)?,
            other: objects::text(&mut object, &other)?,
            split: split.as_deref().map(|key| objects::text(&mut object, key)).transpose()?,
        })
    };
    objects::visit(path, Lines::open(path)?, &mut |number, object| {
        visit(number, object.and_then(fields))
    })
}

fn visit_cells(
    path: &Path,
    format: Format,
    columns: &Columns<'_>,
    header: bool,
    visit: Visit<'_>,
) -> Result<(), CorpusError> {
    let mut places = if header { None } else { Some(Places::of(columns, &[], path)?) };
    let mut row = |number: u64, cells: Result<Vec<String>, Reason>| match &places {
        Some(places) => {
            visit(number, cells.and_then(|mut cells| places.fields(&mut cells, columns)))
        }
        None => {
            let names =
                cells.map_err(|reason| CorpusError::Header { path: path.to_owned(), reason })?;
            let names: Vec<String> = names.iter().map(|name| name.trim().to_owned()).collect();
            places = Some(Places::of(columns, &names, path)?);
            Ok(())
        }
    };
    match format {
        Format::Csv => cells::csv(path, &mut row)?,
        _ => cells::tsv(Lines::open(path)?, &mut row)?,
    }
    match places {
        Some(_) => Ok(()),
        // a file without a line has no header either
        None => Places::of(columns, &[], path).map(|_| ()),
    }
}

/// Places of the columns in a row of cells.
struct Places {
    english: usize,
    other: usize,
    split: Option<usize>,
}

impl Places {
    fn of(columns: &Columns<'_>, names: &[String], path: &Path) -> Result<Self, CorpusError> {
        let place = |column: &Column| match column {
            Column::Index(index) => Ok(*index),
            Column::Name(name) => {
                names.iter().position(|found| found == name).ok_or_else(|| CorpusError::Column {
                    path: path.to_owned(),
                    column: name.clone(),
                    found: names.to_vec(),
                })
            }
        };
        Ok(Places {
            english: place(columns.english)?,
            other: place(columns.other)?,
            split: columns.split.map(place).transpose()?,
        })
    }

    fn fields(&self, cells: &mut [String], columns: &Columns<'_>) -> Result<Fields, Reason> {
        let mut cell = |place: usize, column: &Column| match cells.get_mut(place) {
            Some(cell) => Ok(std::mem::take(cell)),
            None => Err(Reason::Missing { column: column.to_string() }),
        };
        Ok(Fields {
            english: cell(self.english, columns.english)?,
            other: cell(self.other, columns.other)?,
            split: self
                .split
                .zip(columns.split)
                .map(|(place, column)| cell(place, column))
                .transpose()?,
        })
    }
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
                visit(
                    number,
                    sides.map(|(english, other)| Fields { english, other, split: None }),
                )?;
            }
            (None, None) => return Ok(()),
            (one, _) => {
                let (english_lines, other_lines) =
                    if one.is_some() { (english.count()?, both) } else { (both, other.count()?) };
                return Err(CorpusError::Uneven {
                    english: english_path,
                    other: other_path,
                    english_lines,
                    other_lines,
                });
            }
        }
    }
}

/// Rows of a Parquet file; a row's line is its number, counted from 1.
fn visit_parquet(path: &Path, columns: &Columns<'_>, visit: Visit<'_>) -> Result<(), CorpusError> {
    let wanted: Vec<String> = [Some(columns.english), Some(columns.other), columns.split]
        .into_iter()
        .flatten()
        .map(Column::to_string)
        .collect();
    let texts = columns::texts(path, &wanted)?;
    let (english, other, split) = (&texts[0], &texts[1], texts.get(2));
    let height = english.len();
    let cell = |cells: &StringChunked, row: usize, column: &Column| match cells.get(row) {
        Some(text) => Ok(text.to_owned()),
        None => Err(Reason::Missing { column: column.to_string() }),
    };
    let fields = |row: usize| {
        Ok(Fields {
            english: cell(english, row, columns.english)?,
            other: cell(other, row, columns.other)?,
            split: split
                .zip(columns.split)
                .map(|(cells, column)| cell(cells, row, column))
                .transpose()?,
        })
    };
    for row in 0..height {
        visit(row as u64 + 1, fields(row))?;
    }
    Ok(())
}
