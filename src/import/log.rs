//! What every kind of log is read into: runs, and what was measured in them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// One training run, as a log tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The run's name in the log, or that of its folder or file where the log holds none.
    pub name: String,
    /// File or folder that the run was read from.
    pub path: PathBuf,
    /// Settings that the log holds, as it writes them.
    pub params: BTreeMap<String, String>,
    /// What was measured.
    pub series: BTreeMap<Metric, Series>,
}

/// What a series measures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metric {
    /// Key in the log: `eval_zh_loss`, `acc,none`, `chrF2`.
    pub key: String,
    /// Eval set or task, where the log keeps it apart from the key.
    pub set: Option<String>,
}

/// The values of one metric in one run, in the order of the log.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// The values.
    pub readings: Vec<Reading>,
    /// Whether higher is better, where the log says so.
    pub higher_is_better: Option<bool>,
    /// How the values were computed, where the log says so: scores of one curve must agree in it.
    pub signature: Option<String>,
}

/// One measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Optimiser step, where the log has one.
    pub step: Option<f64>,
    /// The value; NaN and infinities as logged.
    pub value: f64,
    /// Standard error of the value, in its unit, where the log has one.
    pub se: Option<f64>,
}

impl Run {
    /// A run of which nothing is known but its name and place.
    pub(super) fn new(name: impl Into<String>, path: &Path) -> Self {
        Run {
            name: name.into(),
            path: path.to_owned(),
            params: BTreeMap::new(),
            series: BTreeMap::new(),
        }
    }

    /// Adds a value at the end of the series of a key.
    pub(super) fn push(&mut self, key: &str, step: Option<f64>, value: f64) {
        let metric = Metric { key: key.to_owned(), set: None };
        self.series.entry(metric).or_default().readings.push(Reading { step, value, se: None });
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.set {
            Some(set) => write!(f, "{} on {set}", self.key),
            None => self.key.fmt(f),
        }
    }
}

/// Name of a run whose log holds none: that of the folder, or of the file itself where the path
/// names no folder.
pub(super) fn name_of_folder(file: &Path) -> String {
    let folder = file.parent().and_then(Path::file_name);
    folder.or(file.file_stem()).map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
