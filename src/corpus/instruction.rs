//! Instruction data: Alpaca-style records, for the part of a mixture that is not translation.

use super::error::CorpusError;
use super::lines::Lines;
use super::objects::{self, Object};
use super::pool::normalised_lines;
use super::report::{FileReport, Reason};
use super::split::Split;
use crate::files;
use crate::units::Lang;
use std::path::Path;

/// A task, what it is about, and the answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Instruction {
    /// What is to be done.
    pub instruction: String,
    /// What it is to be done with; empty where the instruction says all.
    pub input: String,
    /// The answer.
    pub output: String,
}

/// The training records in one language.
#[derive(Debug, Clone, PartialEq)]
pub struct Tongue {
    /// Language of the answers.
    pub lang: Lang,
    /// The records.
    pub records: Vec<Instruction>,
}

impl Tongue {
    /// SHA-256 of the records of several languages in their order.
    pub fn hash(tongues: &[Tongue]) -> String {
        let record = |record: &'_ Instruction| {
            format!("{}\t{}\t{}\n", record.instruction, record.input, record.output)
        };
        let texts: Vec<String> = tongues
            .iter()
            .flat_map(|tongue| {
                std::iter::once(format!("{}\n", tongue.lang))
                    .chain(tongue.records.iter().map(record))
            })
            .collect();
        files::hash_parts(texts.iter().map(String::as_bytes))
    }
}

/// Instruction records by part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instructions {
    /// What runs learn from.
    pub train: Vec<Instruction>,
    /// What choices are made on.
    pub dev: Vec<Instruction>,
    /// What is reported.
    pub test: Vec<Instruction>,
}

impl Instructions {
    /// Reads JSON Lines, or an array, of `instruction`, `input`, `output` and `split`; `input` may
    /// be missing, and without `split` a record is train.
    pub fn read(path: &Path, root: &Path, strict: bool) -> Result<(Self, FileReport), CorpusError> {
        let whole = root.join(path);
        let mut read = Instructions::default();
        let mut report = FileReport { path: path.to_owned(), ..FileReport::default() };
        objects::visit(&whole, Lines::of_table(&whole)?, &mut |line, object| {
            report.rows += 1;
            match object.and_then(record) {
                Ok((record, split)) => {
                    report.count_kept(split);
                    read.part(split).push(record);
                }
                Err(reason) if strict => {
                    return Err(CorpusError::BadRow { path: whole.clone(), line, reason });
                }
                Err(reason) => report.count_bad(line, reason),
            }
            Ok(())
        })?;
        if read == Instructions::default() {
            let keys = objects::first_keys(&whole).unwrap_or_default();
            return Err(CorpusError::no_rows(whole, &report, keys));
        }
        Ok((read, report))
    }

    fn part(&mut self, split: Split) -> &mut Vec<Instruction> {
        match split {
            Split::Train => &mut self.train,
            Split::Dev => &mut self.dev,
            Split::Test => &mut self.test,
        }
    }
}

fn record(mut object: Object) -> Result<(Instruction, Split), Reason> {
    let mut required = |key: &str| match normalised_lines(&objects::text(&mut object, key)?) {
        text if text.is_empty() => Err(Reason::Empty { column: key.to_owned() }),
        text => Ok(text),
    };
    let (instruction, output) = (required("instruction")?, required("output")?);
    let input = match objects::text(&mut object, "input") {
        Err(Reason::Missing { .. }) => String::new(),
        other => normalised_lines(&other?),
    };
    let split = match objects::text(&mut object, "split") {
        Err(Reason::Missing { .. }) => Split::Train,
        other => Split::parse(&other?).ok_or(Reason::UnknownSplit)?,
    };
    Ok((Instruction { instruction, input, output }, split))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files;

    #[test]
    fn records_keep_their_line_breaks_and_bad_ones_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let text = concat!(
            "{\"instruction\": \"Sort.\", \"input\": \"b\\na\", \"output\": \"a\\r\\nb\", \"split\": \"test\"}\n",
            "{\"instruction\": \"Greet.\", \"output\": \"Hello\"}\n",
            "{\"instruction\": \"Greet.\", \"output\": \" \"}\n",
        );
        files::write(&folder.path().join("i.jsonl"), text.as_bytes()).unwrap();
        let (read, report) =
            Instructions::read(Path::new("i.jsonl"), folder.path(), false).unwrap();
        assert_eq!(
            read.test,
            [Instruction {
                instruction: "Sort.".into(),
                input: "b\na".into(),
                output: "a\nb".into()
            }]
        );
        assert_eq!(
            read.train,
            [Instruction {
                instruction: "Greet.".into(),
                input: String::new(),
                output: "Hello".into()
            }]
        );
        assert_eq!(
            report.to_string(),
            "`i.jsonl`: 3 rows, 1 train, 0 dev, 1 test\n  1 bad rows: `output` is empty, as in \
            line 3"
        );
        assert!(
            Instructions::read(Path::new("i.jsonl"), folder.path(), true)
                .unwrap_err()
                .to_string()
                .contains("line 3")
        );
    }
}
