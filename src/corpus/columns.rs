//! Columns of Parquet files as texts: plain ones, and the fields of structs, as `translation.en`.

use super::error::CorpusError;
use crate::files;
use crate::parquet::guarded;
use polars::prelude::{
    AnyValue, DataType, ParquetReader, PolarsError, SerReader, Series, StringChunked,
};
use std::path::Path;

/// The columns of these names, in their order.
pub(super) fn texts(path: &Path, wanted: &[String]) -> Result<Vec<StringChunked>, CorpusError> {
    let refused = |cause: PolarsError| CorpusError::Parquet {
        path: path.to_owned(),
        cause: cause.to_string(),
    };
    let series = columns(path, Some(wanted))?;
    let text = |(name, series): (String, Series)| {
        let found = format!("`{}`", series.dtype());
        let wrong = |_| CorpusError::ColumnType { path: path.to_owned(), column: name, found };
        // the dictionaries of pandas and Arrow hold texts
        let is_dictionary =
            matches!(series.dtype(), DataType::Categorical(..) | DataType::Enum(..));
        let series = if is_dictionary {
            guarded(|| series.cast(&DataType::String)).map_err(refused)?
        } else {
            series
        };
        series.str().cloned().map_err(wrong)
    };
    series.into_iter().map(text).collect()
}

/// Some columns of a file, or all, those of structs by their fields.
pub(super) fn columns(
    path: &Path,
    wanted: Option<&[String]>,
) -> Result<Vec<(String, Series)>, CorpusError> {
    let refused = |cause: PolarsError| CorpusError::Parquet {
        path: path.to_owned(),
        cause: cause.to_string(),
    };
    // polars wants a file that it can map, hence no packed one
    let mut reader = ParquetReader::new(files::open(path)?);
    let schema = guarded(|| reader.schema()).map_err(refused)?;
    let found: Vec<(String, Vec<String>)> = schema
        .iter_values()
        .flat_map(|field| paths(&field.name, &DataType::from_arrow_field(field)))
        .collect();
    let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
    let wanted = wanted.map_or_else(|| names.clone(), <[String]>::to_vec);
    let way = |name: &String| {
        let known = found.iter().find(|(found, _)| found == name).map(|(_, way)| way.clone());
        known.ok_or_else(|| CorpusError::Column {
            path: path.to_owned(),
            column: name.clone(),
            found: names.clone(),
        })
    };
    let ways = wanted.iter().map(way).collect::<Result<Vec<_>, _>>()?;
    let mut outer: Vec<String> = ways.iter().map(|way| way[0].clone()).collect();
    outer.sort();
    outer.dedup();
    let frame = guarded(|| reader.with_columns(Some(outer)).finish()).map_err(refused)?;
    let series = |(name, way): (String, Vec<String>)| {
        let series = guarded(|| {
            let mut series = frame.column(&way[0])?.as_materialized_series().clone();
            for field in &way[1..] {
                series = series.struct_()?.field_by_name(field)?;
            }
            Ok(series)
        });
        Ok((name, series.map_err(refused)?))
    };
    wanted.into_iter().zip(ways).map(series).collect()
}

/// The names by which a column, or the fields of a struct, are known, and the way to each.
fn paths(name: &str, dtype: &DataType) -> Vec<(String, Vec<String>)> {
    let DataType::Struct(fields) = dtype else {
        return vec![(name.to_owned(), vec![name.to_owned()])];
    };
    let inner = fields.iter().flat_map(|field| paths(field.name(), field.dtype()));
    inner
        .map(|(inner, way)| (format!("{name}.{inner}"), [vec![name.to_owned()], way].concat()))
        .collect()
}

/// The texts of a value: one, several of a list, or none of what is no text and no number.
pub(super) fn value_texts(value: &AnyValue<'_>) -> Vec<String> {
    match value {
        AnyValue::String(text) => vec![(*text).to_owned()],
        AnyValue::StringOwned(text) => vec![text.to_string()],
        AnyValue::List(values) => values.iter().flat_map(|value| value_texts(&value)).collect(),
        value if value.dtype().is_primitive_numeric() => vec![value.to_string()],
        _ => Vec::new(),
    }
}
