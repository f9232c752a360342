//! Columns of a table, and the table with its stamp.

use crate::report::{Report, ReportError};
use polars::prelude::{Column, CsvWriter, DataFrame, SerWriter};

/// A column of numbers; what is not finite is absent.
pub(super) fn reals<T: Into<Option<f64>>>(name: &str, values: impl Iterator<Item = T>) -> Column {
    let values: Vec<Option<f64>> =
        values.map(|value| value.into().filter(|value| value.is_finite())).collect();
    Column::new(name.into(), values)
}

pub(super) fn counts(name: &str, values: impl Iterator<Item = u64>) -> Column {
    Column::new(name.into(), values.collect::<Vec<u64>>())
}

/// Amounts as whole numbers where all of them are.
pub(super) fn amounts(name: &str, values: Vec<f64>) -> Column {
    let whole = values.iter().all(|value| value.fract() == 0.0 && *value < 9_007_199_254_740_992.0);
    if whole {
        counts(name, values.iter().map(|&value| value as u64))
    } else {
        reals(name, values.into_iter())
    }
}

/// A column of texts; the empty text is absent.
pub(super) fn texts<T: Into<String>>(name: &str, values: impl Iterator<Item = T>) -> Column {
    let values: Vec<Option<String>> =
        values.map(|value| Some(value.into()).filter(|text| !text.is_empty())).collect();
    Column::new(name.into(), values)
}

pub(super) fn write(
    table: &'static str,
    report: &Report,
    columns: Vec<Column>,
) -> Result<Vec<u8>, ReportError> {
    stamped(table, &report.provenance.stamp(), columns)
}

pub(super) fn stamped(
    table: &'static str,
    stamp: &str,
    columns: Vec<Column>,
) -> Result<Vec<u8>, ReportError> {
    let failed = |cause| ReportError::Table { table, cause };
    let mut frame = DataFrame::new_infer_height(columns).map_err(failed)?;
    let mut bytes = format!("# {stamp}\n").into_bytes();
    CsvWriter::new(&mut bytes).finish(&mut frame).map_err(failed)?;
    Ok(bytes)
}
