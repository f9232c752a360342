//! Parquet files with one column `messages`, a list of roles and contents, in groups of rows.

use super::portion::Row;
use polars::prelude::{
    DataFrame, IntoSeries, NamedFrom, ParquetCompression, ParquetWriter, PolarsResult, Series,
    StructChunked,
};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a group.
const GROUP: usize = 1 << 13;

/// What is in memory and has two columns of text can be written.
const WRITABLE: &str = "texts in memory have a Parquet form";

/// Where the writer puts its bytes until they are taken.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The bytes of a file of rows, a chunk per group and one that ends the file.
pub(super) fn chunks<'r>(
    mut rows: impl Iterator<Item = Row> + 'r,
) -> impl Iterator<Item = Vec<u8>> + 'r {
    let sink = Sink::default();
    let schema = frame(&[]).expect(WRITABLE).schema().clone();
    let writer = ParquetWriter::new(sink.clone())
        .with_compression(ParquetCompression::Uncompressed)
        .batched(&schema);
    let mut writer = Some(writer.expect(WRITABLE));
    std::iter::from_fn(move || {
        let group: Vec<Row> = rows.by_ref().take(GROUP).collect();
        if group.is_empty() {
            writer.take()?.finish().expect(WRITABLE);
        } else {
            writer.as_mut()?.write_batch(&frame(&group).expect(WRITABLE)).expect(WRITABLE);
        }
        Some(sink.take())
    })
}

fn frame(rows: &[Row]) -> PolarsResult<DataFrame> {
    let contents: Vec<String> =
        rows.iter().flat_map(|row| [row.asked(), row.output.clone()]).collect();
    let roles: Vec<&str> = rows.iter().flat_map(|_| ["user", "assistant"]).collect();
    let columns = [Series::new("role".into(), roles), Series::new("content".into(), contents)];
    let flat = StructChunked::from_series("".into(), 2 * rows.len(), columns.iter())?.into_series();
    // a list of no rows has no type: an empty one is cut from a list of one empty row
    let lists: Vec<Series> =
        (0..rows.len().max(1)).map(|index| flat.slice(2 * index as i64, 2)).collect();
    let column = Series::new("messages".into(), lists).slice(0, rows.len());
    DataFrame::new_infer_height(vec![column.into()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{ParquetReader, SerReader};
    use std::io::Cursor;

    #[test]
    fn groups_are_read_back_as_one_table() {
        let row = |index: usize| Row {
            instruction: "Say.".into(),
            output: format!("ş{index}"),
            ..Row::default()
        };
        let count = GROUP + 3;
        let parts: Vec<Vec<u8>> = chunks((0..count).map(row)).collect();
        assert_eq!(parts.len(), 3, "two groups and the end");
        let read = ParquetReader::new(Cursor::new(parts.concat())).finish().unwrap();
        assert_eq!(read.shape(), (count, 1));
        let last = read
            .column("messages")
            .unwrap()
            .as_materialized_series()
            .list()
            .unwrap()
            .get_as_series(count - 1)
            .unwrap();
        assert_eq!(format!("{}", last.get(0).unwrap()), "{\"user\",\"Say.\"}");
        assert_eq!(
            format!("{}", last.get(1).unwrap()),
            format!("{{\"assistant\",\"ş{}\"}}", count - 1)
        );
    }
}
