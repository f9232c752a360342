//! Rows of a table as texts, whatever the format.

use super::Fault;
use super::cells::{Cells, Columns};
use polars::prelude::{DataType, ParquetReader, PolarsError, SerReader, StringChunked};
use std::io::Cursor;

/// What a Parquet file starts with.
pub(super) const PARQUET: &[u8] = b"PAR1";

/// What is done with each row; an error ends the reading.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&Cells<'_>) -> Result<(), Fault>;

/// Visits the rows of CSV: a header, quotes as in RFC 4180, comment lines that start with `#`, any
/// line ends, a byte order mark or none.
pub(super) fn visit_csv(bytes: &[u8], family: Option<&str>, visit: Visit<'_>) -> Result<(), Fault> {
    let line_of =
        |offset: usize| 1 + bytes[..offset].iter().filter(|&&byte| byte == b'\n').count() as u64;
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Fault::NotText { line: line_of(error.valid_up_to()) })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    let names =
        reader.headers().map_err(|error| refused(error, text))?.iter().map(str::to_owned).collect();
    let columns = Columns::new(names, family)?;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| refused(error, text))? {
        let number = record.position().map_or(0, |position| first_line(position, text));
        visit(&Cells {
            unit: "line",
            number,
            columns: &columns,
            text: &|at| record.get(at).unwrap_or_default(),
        })?;
    }
    Ok(())
}

/// The line where a row starts; its position is that of the comments and empty lines before it.
fn first_line(position: &csv::Position, text: &str) -> u64 {
    let rest =
        usize::try_from(position.byte()).ok().and_then(|byte| text.get(byte..)).unwrap_or_default();
    let skipped = rest
        .split_inclusive('\n')
        .take_while(|line| line.starts_with('#') || line.trim_end().is_empty());
    position.line() + skipped.count() as u64
}

fn refused(error: csv::Error, text: &str) -> Fault {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, |position| first_line(position, text));
            Fault::Uneven { line, found: *len, expected: *expected_len }
        }
        _ => Fault::Format { format: "CSV", cause: error.to_string() },
    }
}

/// Visits the rows of Parquet; numbers go by their text, which keeps every digit.
pub(super) fn visit_parquet(
    bytes: &[u8],
    family: Option<&str>,
    visit: Visit<'_>,
) -> Result<(), Fault> {
    // on some damaged files polars panics where it should refuse
    let decoded = std::panic::catch_unwind(|| decode(bytes, family));
    let damaged = |_| Fault::Format { format: "Parquet", cause: "the file is damaged".to_owned() };
    let Decoded { columns, texts, rows } = decoded.map_err(damaged)??;
    for row in 0..rows {
        let text = |at: usize| {
            texts
                .get(at)
                .and_then(Option::as_ref)
                .and_then(|texts| texts.get(row))
                .unwrap_or_default()
        };
        visit(&Cells { unit: "row", number: row as u64 + 1, columns: &columns, text: &text })?;
    }
    Ok(())
}

/// A Parquet file as texts, one a column of the header that is read.
struct Decoded {
    columns: Columns,
    texts: Vec<Option<StringChunked>>,
    rows: usize,
}

fn decode(bytes: &[u8], family: Option<&str>) -> Result<Decoded, Fault> {
    let refused =
        |cause: PolarsError| Fault::Format { format: "Parquet", cause: cause.to_string() };
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let names =
        reader.schema().map_err(refused)?.iter_names().map(|name| name.to_string()).collect();
    let columns = Columns::new(names, family)?;
    let wanted: Vec<String> =
        columns.names().iter().filter(|name| columns.is_read(name)).cloned().collect();
    let frame = reader.with_columns(Some(wanted)).finish().map_err(refused)?;
    let text = |name: &String| -> Result<Option<StringChunked>, Fault> {
        if !columns.is_read(name) {
            return Ok(None);
        }
        let column = frame
            .column(name)
            .and_then(|column| column.cast(&DataType::String))
            .map_err(refused)?;
        // one chunk of as many texts as the file says, or the index of a row would mean nothing
        let texts = column.str().map_err(refused)?.rechunk().into_owned();
        match texts.downcast_as_array().len() {
            rows if rows == frame.height() => Ok(Some(texts)),
            _ => Err(Fault::Format {
                format: "Parquet",
                cause: format!("column `{name}` has not as many cells as the file has rows"),
            }),
        }
    };
    let texts = columns.names().iter().map(text).collect::<Result<_, _>>()?;
    Ok(Decoded { rows: frame.height(), texts, columns })
}
