//! Data files: rows of one language or of all, rendered chunk by chunk.

use super::format::{Format, on_one_line, tagged_source};
use super::parquet;
use super::portion::{Portion, Row, Rows};
use crate::numeric::random::{Item, Purpose, generator};
use rand::RngExt;

/// Bytes of about one chunk.
const CHUNK: usize = 1 << 20;

/// What is written of each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A line.
    Line(Format),
    /// The source alone.
    Source,
    /// The target alone.
    Target,
    /// A row of a Parquet file with a column `messages`.
    Parquet,
}

/// So many rows of one language.
#[derive(Debug, Clone, Copy)]
struct Part<'p> {
    name: &'p str,
    rows: &'p Rows<'p>,
    count: u64,
}

/// A file of rows.
#[derive(Debug, Clone)]
pub struct DataFile<'p> {
    path: String,
    form: Form,
    parts: Vec<Part<'p>>,
    /// Of the order, where parts are pooled.
    seed: u64,
}

impl<'p> DataFile<'p> {
    /// The rows that a language is trained on, repeated from their beginning where they are fewer
    /// than those drawn.
    pub(super) fn train(path: String, format: Format, portion: &'p Portion<'p>) -> Self {
        DataFile { path, form: Form::Line(format), parts: vec![train(portion)], seed: 0 }
    }

    /// The rows that a language is validated on.
    pub(super) fn validation(path: String, format: Format, portion: &'p Portion<'p>) -> Self {
        DataFile { path, form: Form::Line(format), parts: vec![validation(portion)], seed: 0 }
    }

    /// The same in a Parquet file with a column `messages`.
    pub(super) fn into_parquet(self) -> Self {
        DataFile { path: self.path.replace(".jsonl", ".parquet"), form: Form::Parquet, ..self }
    }

    /// The rows of all languages that are trained on, in a seeded order.
    pub(super) fn pooled(
        path: String,
        format: Format,
        portions: &'p [Portion<'p>],
        seed: u64,
    ) -> Self {
        DataFile {
            path,
            form: Form::Line(format),
            parts: portions.iter().map(train).collect(),
            seed,
        }
    }

    /// The rows of all languages that are validated on.
    pub(super) fn pooled_validation(
        path: String,
        format: Format,
        portions: &'p [Portion<'p>],
        seed: u64,
    ) -> Self {
        DataFile {
            path,
            form: Form::Line(format),
            parts: portions.iter().map(validation).collect(),
            seed,
        }
    }

    /// The sources of the same rows, a line each.
    pub(super) fn sources(&self, path: String) -> Self {
        DataFile { path, form: Form::Source, ..self.clone() }
    }

    /// The targets of the same rows, a line each.
    pub(super) fn targets(&self, path: String) -> Self {
        DataFile { path, form: Form::Target, ..self.clone() }
    }

    /// Path, relative to the folder of the export.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Rows of the file.
    pub fn count(&self) -> u64 {
        self.parts.iter().map(|part| part.count).sum()
    }

    /// Rows of each language.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.parts.iter().map(|part| (part.name, part.count))
    }

    /// Whether its rows name their language.
    pub(super) fn names_language(&self) -> bool {
        self.parts.len() > 1 && matches!(self.form, Form::Line(format) if format != Format::Tsv)
    }

    /// The bytes, in order, in chunks of about a mebibyte.
    pub fn chunks(&self) -> Box<dyn Iterator<Item = Vec<u8>> + '_> {
        let (form, names_language) = (self.form, self.names_language());
        let line = move |(name, row): (&str, Row)| match form {
            Form::Line(format) => format.line(&row, names_language.then_some(name)),
            Form::Source => tagged_source(&row) + "\n",
            Form::Target => on_one_line(&row.output) + "\n",
            Form::Parquet => String::new(),
        };
        match form {
            Form::Parquet => Box::new(parquet::chunks(self.rows().map(|(_, row)| row))),
            _ => Box::new(joined(self.rows().map(line))),
        }
    }

    /// The rows with their languages. Pooled ones come in an order that is as likely as any other
    /// that keeps the order within each language, which is shuffled already; the repeats of a row
    /// stay a pass apart.
    fn rows(&self) -> impl Iterator<Item = (&str, Row)> {
        let mut rng = generator(self.seed, Purpose::Order, Item::All);
        let mut left: Vec<u64> = self.parts.iter().map(|part| part.count).collect();
        let mut all: u64 = left.iter().sum();
        std::iter::from_fn(move || {
            let mut drawn = rng.random_range(0..Some(all).filter(|all| *all > 0)?);
            let at = left.iter().position(|count| {
                let is_here = drawn < *count;
                drawn = drawn.saturating_sub(*count);
                is_here
            })?;
            let part = &self.parts[at];
            let place = (part.count - left[at]) % part.rows.len() as u64;
            left[at] -= 1;
            all -= 1;
            Some((part.name, part.rows.row(place as usize)))
        })
    }
}

fn train<'p>(portion: &'p Portion<'p>) -> Part<'p> {
    Part { name: &portion.name, rows: &portion.rows, count: portion.drawn }
}

fn validation<'p>(portion: &'p Portion<'p>) -> Part<'p> {
    Part { name: &portion.name, rows: &portion.validation, count: portion.validation.len() as u64 }
}

/// Lines in chunks that end with a line.
fn joined<'l>(mut lines: impl Iterator<Item = String> + 'l) -> impl Iterator<Item = Vec<u8>> + 'l {
    std::iter::from_fn(move || {
        let mut chunk = lines.next()?.into_bytes();
        while chunk.len() < CHUNK {
            let Some(line) = lines.next() else { break };
            chunk.extend(line.into_bytes());
        }
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::portion;
    use super::*;

    fn inputs(file: &DataFile) -> Vec<String> {
        let text = String::from_utf8(file.chunks().flatten().collect()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        let read = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["input"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        text.lines().map(read).collect()
    }

    fn of(drawn: u64) -> Vec<String> {
        let portion = portion("x", drawn);
        inputs(&DataFile::train("f".to_owned(), Format::Alpaca, &portion))
    }

    #[test]
    fn rows_repeat_in_whole_passes_and_then_from_the_beginning() {
        assert_eq!(of(2), ["x one", "x two"]);
        assert_eq!(of(7), ["x one", "x two", "x three", "x one", "x two", "x three", "x one"]);
        assert!(of(0).is_empty());
    }

    #[test]
    fn chunks_hold_every_line_once() {
        let portion = portion("x", 100_000);
        let lines = DataFile::train("f".to_owned(), Format::Alpaca, &portion);
        assert!(lines.chunks().count() > 3);
        assert_eq!(
            lines
                .chunks()
                .map(|chunk| chunk.iter().filter(|&&byte| byte == b'\n').count())
                .sum::<usize>(),
            100_000
        );
        assert!(lines.chunks().all(|chunk| chunk.ends_with(b"\n")));
    }

    #[test]
    fn a_pool_has_every_row_of_every_language_in_a_mixed_order() {
        let portions = [portion("x", 400), portion("y", 100), portion("z", 1)];
        let pool =
            |seed| inputs(&DataFile::pooled("f".to_owned(), Format::Alpaca, &portions, seed));
        let (one, other) = (pool(1), pool(2));
        assert_eq!(one, pool(1));
        assert_ne!(one, other);
        for (name, count) in [("x", 400), ("y", 100), ("z", 1)] {
            assert_eq!(one.iter().filter(|row| row.starts_with(name)).count(), count);
        }
        // of the first half a fifth is y, within four standard deviations of the hypergeometric
        // distribution
        let early = one[..250].iter().filter(|row| row.starts_with('y')).count();
        assert!((32..=68).contains(&early), "{early}");
        let of_x: Vec<&String> = one.iter().filter(|row| row.starts_with('x')).collect();
        assert!(of_x.chunks(3).all(|pass| pass[0] == "x one"), "passes are whole");
    }
}
