//! One row of a table: texts → checked numbers.

use super::{Fault, Query, Row};
use std::str::FromStr;

/// Columns that every table has.
const NEEDED: [&str; 3] = ["curve", "x", "loss"];
/// Characters of a cell that a message shows.
const SHOWN: usize = 40;

/// Where each column stands in a table.
pub(super) struct Columns {
    names: Vec<String>,
    family: Option<String>,
}

/// Whether a row is measured or asked for.
pub(super) enum Split {
    Fit,
    Predict,
}

/// The cells of one row.
pub(super) struct Cells<'a> {
    /// What rows are counted in, `line` or `row`.
    pub unit: &'static str,
    /// Number of the row, counted from 1.
    pub number: u64,
    pub columns: &'a Columns,
    /// Text of the column at an index; empty where there is none.
    pub text: &'a dyn Fn(usize) -> &'a str,
}

impl Columns {
    /// Checks a header.
    pub(super) fn new(names: Vec<String>, family: Option<&str>) -> Result<Self, Fault> {
        let names: Vec<String> = names.into_iter().map(|name| name.trim().to_owned()).collect();
        if names.iter().all(String::is_empty) {
            return Err(Fault::Empty);
        }
        if let Some(column) =
            NEEDED.into_iter().chain(family).find(|column| !names.iter().any(|name| name == column))
        {
            let found = shown(&names.join(", "));
            return Err(Fault::Missing { column: column.to_owned(), found });
        }
        let columns = Columns { names, family: family.map(str::to_owned) };
        let repeated = |name: &&String| {
            columns.is_read(name) && columns.names.iter().filter(|other| other == name).count() > 1
        };
        match columns.names.iter().find(repeated) {
            Some(column) => Err(Fault::Twice { column: column.clone() }),
            None => Ok(columns),
        }
    }

    /// Whether anything in a column of this name matters.
    pub(super) fn is_read(&self, name: &str) -> bool {
        let optional = ["split", "se", "weight", "seed", "n_params", "unique"];
        NEEDED.contains(&name) || optional.contains(&name) || self.family.as_deref() == Some(name)
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

/// A cell as messages show it.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        _ if text.is_empty() => "nothing".to_owned(),
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

impl Cells<'_> {
    /// Where the row stands, for messages.
    pub(super) fn place(&self) -> String {
        format!("{} {}", self.unit, self.number)
    }

    /// The trimmed text of a column; empty where the column is missing.
    fn text(&self, column: &str) -> &str {
        self.columns
            .names
            .iter()
            .position(|name| name == column)
            .map_or("", |at| (self.text)(at).trim())
    }

    fn wrong(&self, column: &str, expected: &'static str) -> Fault {
        Fault::Cell {
            place: self.place(),
            column: column.to_owned(),
            found: shown(self.text(column)),
            expected,
        }
    }

    pub(super) fn curve(&self) -> Result<&str, Fault> {
        let name = self.text("curve");
        if name.is_empty() { Err(self.wrong("curve", "the name of a curve")) } else { Ok(name) }
    }

    pub(super) fn family(&self) -> Option<&str> {
        let name = self.columns.family.as_deref().map(|column| self.text(column))?;
        (!name.is_empty()).then_some(name)
    }

    pub(super) fn split(&self) -> Result<Split, Fault> {
        match self.text("split") {
            "" | "fit" | "train" => Ok(Split::Fit),
            "predict" => Ok(Split::Predict),
            _ => Err(self.wrong("split", "`fit`, `train`, `predict` or nothing")),
        }
    }

    /// The finite number of a cell, if it meets `is_right`; nothing where the cell is empty.
    fn number(
        &self,
        column: &str,
        is_right: impl Fn(f64) -> bool,
        expected: &'static str,
    ) -> Result<Option<f64>, Fault> {
        let text = self.text(column);
        match f64::from_str(text) {
            _ if text.is_empty() => Ok(None),
            Ok(number) if number.is_finite() && is_right(number) => Ok(Some(number)),
            _ => Err(self.wrong(column, expected)),
        }
    }

    /// The whole number of a cell; `7.0`, as data frames with gaps have it, is 7.
    fn whole(&self, column: &str) -> Result<Option<u64>, Fault> {
        let text = self.text(column);
        let digits = text.strip_suffix(".0").unwrap_or(text);
        match digits.parse() {
            _ if text.is_empty() => Ok(None),
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(self.wrong(column, "a whole number not below 0")),
        }
    }

    fn x(&self) -> Result<f64, Fault> {
        let expected = "a finite number not below 0";
        self.number("x", |x| x >= 0.0, expected)?.ok_or_else(|| self.wrong("x", expected))
    }

    fn n_params(&self) -> Result<Option<f64>, Fault> {
        self.number("n_params", |number| number > 0.0, "a finite number above 0, or nothing")
    }

    pub(super) fn row(&self) -> Result<Row, Fault> {
        let expected = "a finite number above 0";
        Ok(Row {
            x: self.x()?,
            loss: self
                .number("loss", |loss| loss > 0.0, expected)?
                .ok_or_else(|| self.wrong("loss", expected))?,
            se: self.number("se", |se| se > 0.0, "a finite number above 0, or nothing")?,
            weight: self
                .number(
                    "weight",
                    |weight| weight >= 0.0,
                    "a finite number not below 0, or nothing",
                )?
                .unwrap_or(1.0),
            seed: self.whole("seed")?,
            n_params: self.n_params()?,
            unique: self.whole("unique")?,
        })
    }

    pub(super) fn query(&self, position: usize) -> Result<Query, Fault> {
        let is_unknown = f64::from_str(self.text("loss")).is_ok_and(f64::is_nan);
        let loss = if is_unknown {
            None
        } else {
            self.number("loss", |loss| loss > 0.0, "a finite number above 0, or nothing")?
        };
        Ok(Query {
            position,
            x: self.x()?,
            n_params: self.n_params()?,
            unique: self.whole("unique")?,
            loss,
        })
    }
}
