//! Points as the long CSV that `fit --curves` reads: `curve,x,loss[,se][,seed]`, every digit kept.

use super::error::ImportError;
use super::select::Row;

/// Writes rows below a comment line with `stamp`; columns that no row has a value for are left out.
pub fn to_csv(rows: &[Row], stamp: &str) -> Result<Vec<u8>, ImportError> {
    let has_se = rows.iter().any(|row| row.se.is_some());
    let has_seed = rows.iter().any(|row| row.seed.is_some());
    let chosen = |cells: [String; 5]| {
        let wanted = [true, true, true, has_se, has_seed];
        cells
            .into_iter()
            .zip(wanted)
            .filter_map(|(cell, wanted)| wanted.then_some(cell))
            .collect::<Vec<_>>()
    };
    let mut bytes = format!("# {stamp}\n").into_bytes();
    // named as a comment mark, `#` at the start of a curve's name gets quotes
    let mut writer = csv::WriterBuilder::new().comment(Some(b'#')).from_writer(&mut bytes);
    writer.write_record(chosen(["curve", "x", "loss", "se", "seed"].map(str::to_owned)))?;
    for row in rows {
        let or_empty = |value: Option<String>| value.unwrap_or_default();
        let (se, seed) = (row.se.map(|se| se.to_string()), row.seed.map(|seed| seed.to_string()));
        writer.write_record(chosen([
            row.curve.clone(),
            row.x.to_string(),
            row.loss.to_string(),
            or_empty(se),
            or_empty(seed),
        ]))?;
    }
    writer.flush().map_err(csv::Error::from)?;
    drop(writer);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_values_are_left_out_and_odd_names_quoted() {
        let row = |curve: &str, se, seed| Row {
            curve: curve.to_owned(),
            x: 8000.0,
            loss: 0.1 + 0.2,
            se,
            seed,
        };
        let csv = |rows: &[Row]| String::from_utf8(to_csv(rows, "stamp").unwrap()).unwrap();
        assert_eq!(
            csv(&[row("zh", None, None)]),
            "# stamp\ncurve,x,loss\nzh,8000,0.30000000000000004\n"
        );
        assert_eq!(
            csv(&[row("#1, \"a\"", Some(0.5), None), row("b", None, Some(7))]),
            "# stamp\ncurve,x,loss,se,seed\n\"#1, \"\"a\"\"\",8000,0.30000000000000004,0.5,\nb,8000,0.30000000000000004,,7\n"
        );
    }
}
