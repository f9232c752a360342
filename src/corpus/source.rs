//! Sources: which files hold a corpus, which columns are its sides, and how it is split.

use super::error::CorpusError;
use super::split::{HashSplit, Split};
use super::unpacked::plain_name;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// The files of one corpus, as `{path: bible/ar.jsonl.gz, english: en, other: xx, split: split}`.
///
/// Invariants, checked when it is read: one set of files; a known format; JSON Lines and Parquet
/// name their columns, the columns of a TSV file are all named or all numbered; one way to split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WireSource", into = "WireSource")]
pub struct Source {
    pub(super) files: SourceFiles,
    pub(super) splitting: Splitting,
}

/// Where the rows stand.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SourceFiles {
    Table { path: PathBuf, format: Format, english: Column, other: Column, header: bool },
    Moses(Moses),
}

/// What says which part a row belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Splitting {
    Column(Column),
    Whole(Split),
    Hash(HashSplit),
}

/// Two files whose lines correspond.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moses {
    pub english: PathBuf,
    pub other: PathBuf,
}

/// How the rows of one file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One JSON object a line, or an array of objects.
    Jsonl,
    /// Columns between tabs, without quotes.
    Tsv,
    /// Columns between commas, or between semicolons, with quotes.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// A column by its name, or by its place counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// Place, in files without a header.
    Index(usize),
    /// Name in the header, key of the object.
    Name(String),
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Column::Index(index) => index.fmt(f),
            Column::Name(name) => name.fmt(f),
        }
    }
}

/// What a person writes.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireSource {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moses: Option<Moses>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    #[serde(skip_serializing_if = "Option::is_none")]
    english: Option<Column>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other: Option<Column>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<Column>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "as")]
    whole: Option<Split>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dev_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_share: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dev_max: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_max: Option<usize>,
}

impl TryFrom<WireSource> for Source {
    type Error = CorpusError;

    fn try_from(wire: WireSource) -> Result<Self, CorpusError> {
        let (files, path) = match (&wire.path, &wire.moses) {
            (Some(path), None) => (wire.table(path)?, path),
            (None, Some(moses)) => (wire.moses(moses)?, &moses.english),
            (Some(_), Some(_)) => return Err(CorpusError::SourceFiles { found: "both" }),
            (None, None) => return Err(CorpusError::SourceFiles { found: "neither" }),
        };
        Ok(Source { splitting: wire.splitting(path)?, files })
    }
}

impl WireSource {
    fn table(&self, path: &Path) -> Result<SourceFiles, CorpusError> {
        let wrong = |key, found: String, expected| CorpusError::SourceKey {
            path: path.to_owned(),
            key,
            found,
            expected,
        };
        let missing = |key| wrong(key, "missing".to_owned(), "the name or the number of a column");
        let format = self.format.or_else(|| Format::of(path)).ok_or_else(|| {
            wrong(
                "format",
                "missing".to_owned(),
                "`jsonl`, `tsv`, `csv` or `parquet` where the file's name does not say it",
            )
        })?;
        let english = self.english.clone().ok_or_else(|| missing("english"))?;
        let other = self.other.clone().ok_or_else(|| missing("other"))?;
        if english == other {
            return Err(wrong(
                "other",
                format!("`{other}`"),
                "another column than that of `english`",
            ));
        }
        let header = self.header.unwrap_or(matches!(english, Column::Name(_)));
        for (key, column) in
            [("english", Some(&english)), ("other", Some(&other)), ("split", self.split.as_ref())]
        {
            match (format, column) {
                (Format::Jsonl | Format::Parquet, Some(Column::Index(index))) => {
                    return Err(wrong(
                        key,
                        format!("`{index}`"),
                        "a name, for only the columns of TSV and CSV files are numbered",
                    ));
                }
                (Format::Tsv | Format::Csv, Some(Column::Name(name))) if !header => {
                    return Err(wrong(
                        key,
                        format!("`{name}`"),
                        "a number, for the file has no header",
                    ));
                }
                _ => {}
            }
        }
        if !format.has_cells() && self.header.is_some() {
            return Err(wrong(
                "header",
                "given".to_owned(),
                "nothing, for only TSV and CSV files have a header",
            ));
        }
        Ok(SourceFiles::Table { path: path.to_owned(), format, english, other, header })
    }

    fn moses(&self, moses: &Moses) -> Result<SourceFiles, CorpusError> {
        let given = [
            ("format", self.format.is_some()),
            ("english", self.english.is_some()),
            ("other", self.other.is_some()),
            ("header", self.header.is_some()),
            ("split", self.split.is_some()),
        ];
        match given.into_iter().find(|&(_, given)| given) {
            Some((key, _)) => {
                let expected = "nothing, for Moses files have no columns";
                Err(CorpusError::SourceKey {
                    path: moses.english.clone(),
                    key,
                    found: "given".to_owned(),
                    expected,
                })
            }
            None => Ok(SourceFiles::Moses(moses.clone())),
        }
    }

    fn splitting(&self, path: &Path) -> Result<Splitting, CorpusError> {
        let wrong = |key, found: String, expected| CorpusError::SourceKey {
            path: path.to_owned(),
            key,
            found,
            expected,
        };
        let by_hash = [
            ("dev_share", self.dev_share.is_some()),
            ("test_share", self.test_share.is_some()),
            ("dev_max", self.dev_max.is_some()),
            ("test_max", self.test_max.is_some()),
        ];
        let hash_key = by_hash.into_iter().find(|&(_, given)| given).map(|(key, _)| key);
        match (&self.split, self.whole, hash_key) {
            (Some(_), Some(_), _) => Err(wrong("as", "given".to_owned(), "nothing beside `split`")),
            (Some(_), _, Some(key)) | (_, Some(_), Some(key)) => {
                Err(wrong(key, "given".to_owned(), "nothing beside `split` or `as`"))
            }
            (Some(column), None, None) => Ok(Splitting::Column(column.clone())),
            (None, Some(whole), None) => Ok(Splitting::Whole(whole)),
            (None, None, _) => self.hash_split(wrong).map(Splitting::Hash),
        }
    }

    fn hash_split(
        &self,
        wrong: impl Fn(&'static str, String, &'static str) -> CorpusError,
    ) -> Result<HashSplit, CorpusError> {
        let default = HashSplit::default();
        let split = HashSplit {
            dev_share: self.dev_share.unwrap_or(default.dev_share),
            test_share: self.test_share.unwrap_or(default.test_share),
            dev_max: self.dev_max.unwrap_or(default.dev_max),
            test_max: self.test_max.unwrap_or(default.test_max),
        };
        for (key, share) in [("dev_share", split.dev_share), ("test_share", split.test_share)] {
            if !(0.0..1.0).contains(&share) {
                return Err(wrong(key, share.to_string(), "a share from 0 to below 1"));
            }
        }
        if split.dev_share + split.test_share >= 1.0 {
            return Err(wrong(
                "dev_share",
                split.dev_share.to_string(),
                "a share that leaves some to train beside `test_share`",
            ));
        }
        Ok(split)
    }
}

impl From<Source> for WireSource {
    /// Writes every default out, so that a stored description keeps its meaning.
    fn from(source: Source) -> WireSource {
        let mut wire = match source.files {
            SourceFiles::Table { path, format, english, other, header } => WireSource {
                path: Some(path),
                format: Some(format),
                english: Some(english),
                other: Some(other),
                header: format.has_cells().then_some(header),
                ..WireSource::default()
            },
            SourceFiles::Moses(moses) => WireSource { moses: Some(moses), ..WireSource::default() },
        };
        match source.splitting {
            Splitting::Column(column) => wire.split = Some(column),
            Splitting::Whole(split) => wire.whole = Some(split),
            Splitting::Hash(split) => {
                wire.dev_share = Some(split.dev_share);
                wire.test_share = Some(split.test_share);
                wire.dev_max = Some(split.dev_max);
                wire.test_max = Some(split.test_max);
            }
        }
        wire
    }
}

impl Format {
    /// The format that the name of a file says, packed or not.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match plain_name(path).rsplit_once('.')?.1 {
            "jsonl" | "json" | "ndjson" => Some(Format::Jsonl),
            "tsv" => Some(Format::Tsv),
            "csv" => Some(Format::Csv),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }

    /// Whether rows are cells, whose columns have places.
    fn has_cells(self) -> bool {
        matches!(self, Format::Tsv | Format::Csv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(yaml: &str) -> Result<Source, String> {
        serde_yaml::from_str(yaml).map_err(|error| error.to_string())
    }

    #[test]
    fn a_description_keeps_its_meaning_through_yaml() {
        for yaml in [
            "{path: bible/ar.jsonl.gz, english: en, other: xx, split: split}",
            "{path: x.tsv.zst, english: 0, other: 2}",
            "{path: x.tsv, english: 0, other: 2, header: true, as: test}",
            "{path: x.csv.bz2, english: source, other: target}",
            "{path: train.json, english: translation.en, other: translation.tr}",
            "{path: x.dat, format: parquet, english: en, other: xx, dev_share: 0.1, dev_max: 5}",
            "{moses: {english: news.en, other: news.tr}, as: validation}",
        ] {
            let read = source(yaml).unwrap();
            let written = serde_yaml::to_string(&read).unwrap();
            assert_eq!(source(&written).unwrap(), read, "{written}");
        }
    }

    #[test]
    fn contradictions_name_the_file_and_the_key() {
        for (yaml, message) in [
            ("{english: en, other: xx}", "a source has `path` or `moses`, found neither"),
            (
                "{path: a.txt, english: en, other: xx}",
                "source `a.txt`: `format` is missing, expected `jsonl`",
            ),
            ("{path: a.jsonl, english: en}", "source `a.jsonl`: `other` is missing"),
            (
                "{path: a.jsonl, english: 0, other: xx}",
                "source `a.jsonl`: `english` is `0`, expected a name",
            ),
            (
                "{path: a.jsonl, english: en, other: en}",
                "source `a.jsonl`: `other` is `en`, expected another column",
            ),
            (
                "{path: a.tsv, english: 0, other: xx}",
                "source `a.tsv`: `other` is `xx`, expected a number",
            ),
            (
                "{path: a.jsonl, english: en, other: xx, split: s, dev_share: 0.1}",
                "source `a.jsonl`: `dev_share` is given",
            ),
            (
                "{path: a.jsonl, english: en, other: xx, test_share: .nan}",
                "source `a.jsonl`: `test_share` is NaN",
            ),
            (
                "{path: a.jsonl, english: en, other: xx, dev_share: 0.5, test_share: 0.5}",
                "source `a.jsonl`: `dev_share` is 0.5",
            ),
            ("{moses: {english: a, other: b}, split: s}", "source `a`: `split` is given"),
            ("{path: a.jsonl, english: en, other: xx, spilt: s}", "unknown field `spilt`"),
        ] {
            let error = source(yaml).unwrap_err();
            assert!(error.contains(message), "{yaml}: {error}");
        }
    }
}
