//! The table of a design, `design.csv`: a model a row, as sweeps and other trainers read it.
//!
//! `batch,seed,total,x_LANG,…`: the batch that asked for the model, the seed of its training, pairs
//! of all languages and of each. With a column `loss_LANG` for each language beside, it is a table
//! that `parallot fit --mixtures` reads.

use crate::spec::DesignedRun;
use std::fmt::Write;

/// One model of a design and the batch that asked for it; the first design is batch 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesignRow {
    /// Batch.
    pub batch: u64,
    /// The model.
    pub run: DesignedRun,
}

/// Why a text is no table of a design.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum TableError {
    /// Columns of other languages, or none at all.
    #[error("columns are `{found}`, expected `{expected}`")]
    Columns { found: String, expected: String },
    /// A cell that is no number, or too few or too many of them.
    #[error("line {line} is `{found}`, expected {expected} whole numbers")]
    Row { line: usize, found: String, expected: usize },
    /// A sum that is none.
    #[error("`total` of line {line} is {found}, expected {expected}, the sum of its languages")]
    Total { line: usize, found: u64, expected: u64 },
}

/// Columns before those of the languages.
const FIRST: [&str; 3] = ["batch", "seed", "total"];

fn header(langs: &[String]) -> String {
    let columns = langs.iter().map(|lang| format!("x_{lang}"));
    FIRST.map(str::to_owned).into_iter().chain(columns).collect::<Vec<_>>().join(",")
}

/// The table's text.
pub fn to_csv(langs: &[String], rows: &[DesignRow]) -> String {
    let mut text = header(langs) + "\n";
    for DesignRow { batch, run } in rows {
        let pairs: Vec<String> = run.pairs.iter().map(u64::to_string).collect();
        let total: u64 = run.pairs.iter().sum();
        // writing to a string cannot fail
        let _ = writeln!(text, "{batch},{},{total},{}", run.seed, pairs.join(","));
    }
    text
}

/// Reads the table of a design of `langs`, in their order.
pub fn from_csv(langs: &[String], text: &str) -> Result<Vec<DesignRow>, TableError> {
    let mut lines = text.lines();
    let (found, expected) = (lines.next().unwrap_or_default().trim_end(), header(langs));
    if found != expected {
        return Err(TableError::Columns { found: found.to_owned(), expected });
    }
    let row = |(at, text): (usize, &str)| {
        let (line, expected) = (at + 2, FIRST.len() + langs.len());
        let cells: Option<Vec<u64>> =
            text.trim_end().split(',').map(|cell| cell.trim().parse().ok()).collect();
        let cells = cells.filter(|cells| cells.len() == expected);
        let cells =
            cells.ok_or_else(|| TableError::Row { line, found: text.to_owned(), expected })?;
        let (first, pairs) = cells.split_at(FIRST.len());
        let sum = pairs.iter().fold(0u64, |sum, &pairs| sum.saturating_add(pairs));
        match first {
            &[batch, seed, total] if total == sum => {
                Ok(DesignRow { batch, run: DesignedRun { pairs: pairs.to_vec(), seed } })
            }
            _ => Err(TableError::Total { line, found: first[2], expected: sum }),
        }
    };
    lines.enumerate().filter(|(_, text)| !text.trim().is_empty()).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written_and_damage_is_named() {
        let langs = ["tur_Latn".to_owned(), "ell_Grek".to_owned()];
        let row = |batch, pairs: [u64; 2], seed| DesignRow {
            batch,
            run: DesignedRun { pairs: pairs.to_vec(), seed },
        };
        let rows = vec![row(0, [400, 600], 1), row(1, [30, 0], 2)];
        let text = to_csv(&langs, &rows);
        assert_eq!(text, "batch,seed,total,x_tur_Latn,x_ell_Grek\n0,1,1000,400,600\n1,2,30,30,0\n");
        assert_eq!(from_csv(&langs, &text), Ok(rows.clone()));
        assert_eq!(from_csv(&langs, &text.replace('\n', "\r\n")), Ok(rows));
        let wrong = |from: &str, to: &str| {
            from_csv(&langs, &text.replace(from, to)).unwrap_err().to_string()
        };
        assert_eq!(
            wrong("x_tur_Latn", "x_fra_Latn"),
            "columns are `batch,seed,total,x_fra_Latn,x_ell_Grek`, expected \
             `batch,seed,total,x_tur_Latn,x_ell_Grek`"
        );
        assert_eq!(
            wrong("400,600", "400,600.5"),
            "line 2 is `0,1,1000,400,600.5`, expected 5 whole numbers"
        );
        assert_eq!(
            wrong("1000,400", "1001,400"),
            "`total` of line 2 is 1001, expected 1000, the sum of its languages"
        );
    }
}
