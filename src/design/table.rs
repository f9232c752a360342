//! The table of a design, `design.csv`: a model a row, as sweeps and other trainers read it.
//!
//! `run,seed,total,x_LANG,…`: the run as `BATCH-NUMBER`, the seed of its training, pairs of all
//! languages and of each; lines that start with `#` are comments. With a column `loss_LANG` for
//! each language beside, it is a table that `parallot fit --mixtures` reads.

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
    #[error("line {line} is `{found}`, expected a run like `0-1` and {expected} whole numbers")]
    Row { line: usize, found: String, expected: usize },
    /// A sum that is none.
    #[error("`total` of line {line} is {found}, expected {expected}, the sum of its languages")]
    Total { line: usize, found: u64, expected: u64 },
}

/// Columns before those of the languages.
const FIRST: [&str; 3] = ["run", "seed", "total"];

fn header(langs: &[String]) -> String {
    let columns = langs.iter().map(|lang| format!("x_{lang}"));
    FIRST.map(str::to_owned).into_iter().chain(columns).collect::<Vec<_>>().join(",")
}

/// The table's text; `stamp` says what made it.
pub fn to_csv(stamp: &str, langs: &[String], rows: &[DesignRow]) -> String {
    let mut text = format!("# {stamp}\n{}\n", header(langs));
    for (at, DesignRow { batch, run }) in rows.iter().enumerate() {
        let number = rows[..at].iter().filter(|before| before.batch == *batch).count() + 1;
        let pairs: Vec<String> = run.pairs.iter().map(u64::to_string).collect();
        let total: u64 = run.pairs.iter().sum();
        // writing to a string cannot fail
        let _ = writeln!(text, "{batch}-{number},{},{total},{}", run.seed, pairs.join(","));
    }
    text
}

/// Reads the table of a design of `langs`, in their order.
pub fn from_csv(langs: &[String], text: &str) -> Result<Vec<DesignRow>, TableError> {
    let lines = text.lines().map(str::trim).enumerate();
    let mut lines = lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
    let (found, expected) = (lines.next().map_or("", |(_, text)| text), header(langs));
    if found != expected {
        return Err(TableError::Columns { found: found.to_owned(), expected });
    }
    lines.map(|(at, text)| row(langs, at + 1, text)).collect()
}

fn row(langs: &[String], line: usize, text: &str) -> Result<DesignRow, TableError> {
    let expected = FIRST.len() - 1 + langs.len();
    let wrong = || TableError::Row { line, found: text.to_owned(), expected };
    let (name, rest) = text.split_once(',').ok_or_else(wrong)?;
    let batch = name.split_once('-').and_then(|(batch, _)| batch.parse().ok()).ok_or_else(wrong)?;
    let cells: Option<Vec<u64>> = rest.split(',').map(|cell| cell.trim().parse().ok()).collect();
    let cells = cells.filter(|cells| cells.len() == expected).ok_or_else(wrong)?;
    let (seed, found, pairs) = (cells[0], cells[1], &cells[2..]);
    let sum = pairs.iter().fold(0u64, |sum, &pairs| sum.saturating_add(pairs));
    if found != sum {
        return Err(TableError::Total { line, found, expected: sum });
    }
    Ok(DesignRow { batch, run: DesignedRun { pairs: pairs.to_vec(), seed } })
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
        let text = to_csv("made by hand", &langs, &rows);
        assert_eq!(
            text,
            "# made by hand\nrun,seed,total,x_tur_Latn,x_ell_Grek\n0-1,1,1000,400,600\n\
             1-1,2,30,30,0\n"
        );
        assert_eq!(from_csv(&langs, &text), Ok(rows.clone()));
        assert_eq!(from_csv(&langs, &text.replace('\n', "\r\n")), Ok(rows));
        let wrong = |from: &str, to: &str| {
            from_csv(&langs, &text.replace(from, to)).unwrap_err().to_string()
        };
        assert_eq!(
            wrong("x_tur_Latn", "x_fra_Latn"),
            "columns are `run,seed,total,x_fra_Latn,x_ell_Grek`, expected \
             `run,seed,total,x_tur_Latn,x_ell_Grek`"
        );
        assert_eq!(
            wrong("400,600", "400,600.5"),
            "line 3 is `0-1,1,1000,400,600.5`, expected a run like `0-1` and 4 whole numbers"
        );
        assert_eq!(
            wrong("1000,400", "1001,400"),
            "`total` of line 3 is 1001, expected 1000, the sum of its languages"
        );
    }
}
