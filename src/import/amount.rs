//! The amount of data that a run saw, which rarely stands in its log: from its name, a setting, a
//! table, or the step.

use super::error::ImportError;
use super::log::Run;
use crate::files;
use crate::units::Pairs;
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Where amounts are taken from.
#[derive(Debug, Clone)]
pub enum Amount {
    /// What a pattern captures in the run's name, or else in its path: `-(\d+k?)$` finds 8000 in
    /// `zh-8k`.
    Pattern(Regex),
    /// A setting of the run by its key.
    Key(String),
    /// A table by the run's name or path.
    Table(AmountTable),
    /// The step of each value: the whole history of a run is a curve then.
    Step,
}

/// Amounts by run, as `run,x[,curve]`.
#[derive(Debug, Clone, PartialEq)]
pub struct AmountTable {
    rows: BTreeMap<String, TableRow>,
}

/// What the table says of a run.
#[derive(Debug, Clone, PartialEq)]
struct TableRow {
    x: f64,
    curve: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRow {
    run: String,
    x: String,
    #[serde(default)]
    curve: Option<String>,
}

impl Amount {
    /// The amount of a run; none where the source does not know the run, and for [`Amount::Step`].
    pub(super) fn of(&self, run: &Run) -> Result<Option<f64>, ImportError> {
        let text = match self {
            Amount::Pattern(pattern) => captured_of_run(pattern, run),
            Amount::Key(key) => run.params.get(key).cloned(),
            Amount::Table(table) => return Ok(table.row(run).map(|row| row.x)),
            Amount::Step => None,
        };
        text.map(|found| {
            amount(&found).ok_or_else(|| ImportError::Amount { run: run.name.clone(), found })
        })
        .transpose()
    }

    /// Whether the run's own name says it, and not only its path.
    pub(super) fn is_in_name(&self, run: &Run) -> bool {
        let unplaced = || Run::new(run.name.clone(), Path::new(""));
        matches!(
            self,
            Amount::Pattern(pattern) if captured_of_run(pattern, &unplaced()).is_some()
        )
    }

    /// The curve that the table says a run belongs to.
    pub(super) fn curve(&self, run: &Run) -> Option<String> {
        match self {
            Amount::Table(table) => table.row(run)?.curve.clone(),
            _ => None,
        }
    }
}

impl AmountTable {
    /// Reads a table; lines that start with `#` are comments.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let wrong = |cause: String| ImportError::Table { path: path.to_owned(), cause };
        let text = files::read_text(path)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let mut rows = BTreeMap::new();
        for row in reader.deserialize::<WireRow>() {
            let row = row.map_err(|error| wrong(error.to_string()))?;
            let x = amount(&row.x)
                .ok_or_else(|| ImportError::Amount { run: row.run.clone(), found: row.x })?;
            let curve = row.curve.filter(|curve| !curve.is_empty());
            if rows.insert(row.run.clone(), TableRow { x, curve }).is_some() {
                return Err(wrong(format!("run `{}` stands in it twice", row.run)));
            }
        }
        Ok(AmountTable { rows })
    }

    fn row(&self, run: &Run) -> Option<&TableRow> {
        self.rows.get(&run.name).or_else(|| self.rows.get(run.path.to_string_lossy().as_ref()))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Amount::Pattern(pattern) => write!(f, "the pattern `{pattern}` in its name or path"),
            Amount::Key(key) => write!(f, "the setting `{key}`"),
            Amount::Table(_) => write!(f, "the table"),
            Amount::Step => write!(f, "steps"),
        }
    }
}

/// An amount with an optional suffix, or any other number not below 0.
fn amount(text: &str) -> Option<f64> {
    let number = || text.trim().parse::<f64>().ok().filter(|x| x.is_finite() && *x >= 0.0);
    text.parse::<Pairs>().map(|pairs| pairs.0 as f64).ok().or_else(number)
}

/// What a pattern captures in a text: its first group that takes part, or the whole match where it
/// has none.
pub(super) fn captured(pattern: &Regex, text: &str) -> Option<String> {
    let captures = pattern.captures(text)?;
    captures
        .iter()
        .skip(1)
        .flatten()
        .next()
        .or(captures.get(0))
        .map(|found| found.as_str().to_owned())
}

/// What a pattern captures in the name of a run, or else in its path.
///
/// The number of a checkpoint counts only for a pattern that speaks of checkpoints: it is a step,
/// and no amount.
pub(super) fn captured_of_run(pattern: &Regex, run: &Run) -> Option<String> {
    let path = run.path.to_string_lossy();
    let text = |text: &str| match pattern.as_str().to_lowercase().contains("checkpoint") {
        true => captured(pattern, text),
        false => captured(pattern, &without_checkpoint(text).0),
    };
    text(&run.name).or_else(|| text(&path))
}

/// A name or path without the piece `checkpoint-N`, and N; the whole where it has none.
pub(super) fn without_checkpoint(text: &str) -> (String, Option<f64>) {
    // a literal that a test reads
    let Ok(piece) = Regex::new(CHECKPOINT) else { return (text.to_owned(), None) };
    let step = piece.captures(text).and_then(|captures| captures.get(1)?.as_str().parse().ok());
    (piece.replace_all(text, "").into_owned(), step)
}

/// How a checkpoint is named after its run: `/checkpoint-62`, `__checkpoint-62`, `-checkpoint_62`.
const CHECKPOINT: &str = r"(?:^|[-_./]+)(?:checkpoint|ckpt|global_step)[-_]?(\d+)\b/?";

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str, path: &str) -> Run {
        Run::new(name, Path::new(path))
    }

    #[test]
    fn patterns_look_at_the_name_first_and_read_suffixes() {
        let amount = Amount::Pattern(Regex::new(r"-(\d+(?:\.\d+)?[kM]?)(?:$|/)").unwrap());
        let cases = [
            ("zh-8000", "x", Some(8000.0)),
            ("zh-8k", "x", Some(8000.0)),
            ("zh-1.5M", "x-3", Some(1.5e6)),
            ("a run", "out/zh-250/trainer_state.json", Some(250.0)),
            ("a run", "out", None),
        ];
        for (name, path, expected) in cases {
            assert_eq!(amount.of(&run(name, path)).unwrap(), expected, "{name} at {path}");
        }
        let words = Amount::Pattern(Regex::new("zh-(.*)").unwrap());
        let error = words.of(&run("zh-large", "")).unwrap_err().to_string();
        assert_eq!(
            error,
            "the amount of run `zh-large` is `large`, expected a number not below 0 such as \
            `8000`, `8k` or `1.5M`"
        );
    }

    #[test]
    fn the_number_of_a_checkpoint_is_no_amount_unless_it_is_asked_for() {
        let last = Regex::new(r"-(\d+k?)$").unwrap();
        for name in [
            "out/tr-500/checkpoint-62",
            "out__tr-500__checkpoint-62",
            "tr-500-checkpoint_62",
            "tr-500/ckpt-62/",
            "tr-500/global_step62",
        ] {
            assert_eq!(captured_of_run(&last, &run(name, "")).as_deref(), Some("500"), "{name}");
            assert_eq!(captured_of_run(&last, &run("a", name)).as_deref(), Some("500"), "{name}");
            assert_eq!(without_checkpoint(name).1, Some(62.0), "{name}");
        }
        let asked = Regex::new(r"checkpoint-(\d+)").unwrap();
        assert_eq!(
            captured_of_run(&asked, &run("out/tr-500/checkpoint-62", "")).as_deref(),
            Some("62")
        );
        assert_eq!(without_checkpoint("zh-8k"), ("zh-8k".to_owned(), None));
    }

    #[test]
    fn settings_may_be_numbers_as_python_writes_them() {
        let amount = Amount::Key("train_samples".to_owned());
        for (text, expected) in
            [("8000", 8000.0), ("8000.0", 8000.0), ("1e6", 1e6), ("0.5", 0.5), ("0", 0.0)]
        {
            let mut run = run("a", "");
            run.params.insert("train_samples".to_owned(), text.to_owned());
            assert_eq!(amount.of(&run).unwrap(), Some(expected), "{text}");
        }
        for text in ["-1", "NaN", "inf", "None", ""] {
            let mut run = run("a", "");
            run.params.insert("train_samples".to_owned(), text.to_owned());
            assert!(amount.of(&run).is_err(), "{text}");
        }
    }

    #[test]
    fn a_table_knows_runs_by_name_or_path_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sizes.csv");
        files::write(&path, b"# ours\nrun, x, curve\na,8k,zh\nout/b.json,500,\n").unwrap();
        let amount = Amount::Table(AmountTable::read(&path).unwrap());
        assert_eq!(amount.of(&run("a", "")).unwrap(), Some(8000.0));
        assert_eq!(amount.of(&run("b", "out/b.json")).unwrap(), Some(500.0));
        assert_eq!(
            (amount.curve(&run("a", "")), amount.curve(&run("b", "out/b.json"))),
            (Some("zh".to_owned()), None)
        );
        assert_eq!(amount.of(&run("c", "")).unwrap(), None);
        for bad in [
            "run,x\na,1\na,2\n",
            "run,x\na,-1\n",
            "run,size\na,1\n",
            "run,x\na\n",
            "run,x,curve,note\na,1,b,c\n",
        ] {
            files::write(&path, bad.as_bytes()).unwrap();
            assert!(AmountTable::read(&path).is_err(), "{bad}");
        }
    }
}
