//! A file as texts, whatever its format.

use super::fault::Fault;
use crate::parquet::guarded;
use polars::prelude::{Column, DataType, ParquetReader, PolarsResult, SerReader};
use std::io::Cursor;

/// A file as texts.
pub(super) struct Texts {
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Texts {
    pub(super) fn new(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.starts_with(b"PAR1") { Texts::of_parquet(bytes) } else { Texts::of_csv(bytes) }
    }

    fn of_csv(bytes: &[u8]) -> Result<Self, Fault> {
        let refused = |error: csv::Error| Fault::Format { format: "CSV", cause: error.to_string() };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader =
            csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(bytes);
        let texts =
            |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        let header = texts(reader.headers().map_err(refused)?);
        let rows = reader
            .records()
            .map(|record| Ok(texts(&record.map_err(refused)?)))
            .collect::<Result<_, Fault>>()?;
        Ok(Texts { header, rows })
    }

    fn of_parquet(bytes: &[u8]) -> Result<Self, Fault> {
        let frame = guarded(|| ParquetReader::new(Cursor::new(bytes.to_vec())).finish());
        let columns = frame.and_then(|frame| {
            let text = |column: &Column| -> PolarsResult<Vec<String>> {
                let texts = column.cast(&DataType::String)?;
                Ok(texts.str()?.iter().map(|text| text.unwrap_or_default().to_owned()).collect())
            };
            let header = frame.get_column_names().iter().map(|name| name.to_string()).collect();
            Ok((
                header,
                frame.columns().iter().map(text).collect::<PolarsResult<Vec<_>>>()?,
                frame.height(),
            ))
        });
        let (header, columns, height) = columns
            .map_err(|error| Fault::Format { format: "Parquet", cause: error.to_string() })?;
        Ok(Texts {
            header,
            rows: (0..height)
                .map(|row| columns.iter().map(|column| column[row].clone()).collect())
                .collect(),
        })
    }
}
