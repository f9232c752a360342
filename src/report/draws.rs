//! The draws of fits as Parquet, for an allocator or any other program: one row per draw, one
//! column a parameter.

use super::ReportError;
use crate::fit::Fit;
use crate::law::{Form, Law};
use polars::prelude::*;

/// `curve,draw,beyond,form` and every parameter of every form, absent where a form lacks it. Draws
/// with `beyond` hold above the largest size and need not hold below; draw k of one curve belongs
/// with draw k of another.
pub fn draws_parquet(fits: &[&Fit]) -> Result<Vec<u8>, ReportError> {
    let of = |beyond: bool| {
        let draws =
            move |fit: &Fit| if beyond { fit.draws_beyond.clone() } else { fit.draws.clone() };
        fits.iter().flat_map(move |fit| {
            let number =
                move |(draw, law): (usize, Law)| (fit.curve.clone(), draw as u64, beyond, law);
            draws(fit).into_iter().enumerate().map(number).collect::<Vec<_>>()
        })
    };
    let rows: Vec<(String, u64, bool, Law)> = of(false).chain(of(true)).collect();
    let mut columns = vec![
        Column::new("curve".into(), rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>()),
        Column::new("draw".into(), rows.iter().map(|row| row.1).collect::<Vec<_>>()),
        Column::new("beyond".into(), rows.iter().map(|row| row.2).collect::<Vec<_>>()),
        Column::new("form".into(), rows.iter().map(|row| row.3.form().name()).collect::<Vec<_>>()),
    ];
    let mut names: Vec<&str> = Vec::new();
    Form::ALL.iter().flat_map(|form| form.parameter_names()).for_each(|name| {
        if !names.contains(name) {
            names.push(name);
        }
    });
    for name in names {
        let value = |law: &Law| {
            law.parameters().into_iter().find(|(other, _)| *other == name).map(|(_, value)| value)
        };
        columns.push(Column::new(
            name.into(),
            rows.iter().map(|row| value(&row.3)).collect::<Vec<Option<f64>>>(),
        ));
    }
    let failed = |cause| ReportError::Table { table: "draws", cause };
    let mut frame = DataFrame::new_infer_height(columns).map_err(failed)?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(&mut frame).map_err(failed)?;
    Ok(bytes)
}
