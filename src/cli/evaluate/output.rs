//! What an evaluation prints and the files that it writes.

use super::super::failure::{Failure, OrFail};
use super::super::terminal::{say, table};
use super::super::version;
use super::arguments::Arguments;
use crate::files;
use crate::report::plot::Picture;
use crate::score::Score;
use crate::units::Lang;
use serde_json::{Value, json};

/// What one layer of a model holds of one language.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LayerValues {
    /// `model`, or `against` for the one that it is compared with.
    pub model: &'static str,
    /// Blocks before it.
    pub layer: usize,
    /// The language.
    pub lang: Lang,
    /// Quantities by their names.
    pub values: Vec<(&'static str, f64)>,
}

/// The results of an evaluation.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Scores of the whole data.
    pub scores: Vec<Score>,
    /// One object an answer.
    pub generations: Vec<Value>,
    /// What each layer holds.
    pub layers: Vec<LayerValues>,
    /// Further tables: file name and content.
    pub tables: Vec<(&'static str, String)>,
    /// Plots by name.
    pub pictures: Vec<(String, Picture)>,
    /// SHA-256 of every file that was read.
    pub inputs: Vec<String>,
    /// Segments that were scored.
    pub segments: Option<usize>,
}

impl Output {
    /// Prints the results, and writes them where a folder is given.
    pub(super) fn write(&self, arguments: &Arguments) -> Result<(), Failure> {
        match arguments.json {
            true => say(&self.json().to_string()),
            false => self.say(),
        }
        let Some(folder) = &arguments.out else { return Ok(()) };
        let stamp = format!(
            "# parallot {}, input sha256 {}\n",
            version(),
            files::hash(self.inputs.concat().as_bytes())
        );
        let mut tables = self.tables.clone();
        if !self.scores.is_empty() {
            tables.push(("scores.csv", self.csv()));
        }
        for (name, text) in tables {
            files::write(&folder.join(name), format!("{stamp}{text}").as_bytes()).or_work()?;
        }
        if !self.generations.is_empty() {
            let lines: String =
                self.generations.iter().map(|generation| format!("{generation}\n")).collect();
            files::write(&folder.join("generations.jsonl"), lines.as_bytes()).or_work()?;
        }
        for (name, picture) in &self.pictures {
            files::write(&folder.join(format!("{name}.svg")), picture.svg().or_work()?.as_bytes())
                .or_work()?;
            files::write(&folder.join(format!("{name}.png")), &picture.png().or_work()?)
                .or_work()?;
        }
        Ok(())
    }

    fn say(&self) {
        if !self.scores.is_empty() {
            let row = |score: &Score| {
                let segments =
                    if score.segments > 0 { score.segments.to_string() } else { "?".to_owned() };
                vec![
                    score.metric.clone(),
                    format!("{:.2}", score.value),
                    segments,
                    score.signature.clone(),
                ]
            };
            say(&table(&["metric", "score", "segments", "signature"], self.scores.iter().map(row)));
        }
        if let Some(first) = self.layers.first() {
            let names: Vec<String> =
                first.values.iter().map(|(name, _)| name.replace('_', " ")).collect();
            let headers: Vec<&str> = ["model", "language", "layer"]
                .into_iter()
                .chain(names.iter().map(String::as_str))
                .collect();
            let rows = self.layers.iter().map(|LayerValues { model, layer, lang, values }| {
                let values = values.iter().map(|(_, value)| format!("{value:.3}"));
                [(*model).to_owned(), lang.name().to_owned(), layer.to_string()]
                    .into_iter()
                    .chain(values)
                    .collect()
            });
            say(&table(&headers, rows));
        }
    }

    fn json(&self) -> Value {
        let layer = |LayerValues { model, layer, lang, values }: &LayerValues| {
            let mut object = json!({ "model": model, "layer": layer, "lang": lang.code() });
            values.iter().for_each(|(name, value)| object[*name] = json!(value));
            object
        };
        json!({
            "parallot": version(), "scores": self.scores,
            "layers": self.layers.iter().map(layer).collect::<Vec<_>>(),
        })
    }

    fn csv(&self) -> String {
        let row = |score: &Score| {
            // no signature holds a quote
            format!("{},{},{},\"{}\"\n", score.metric, score.value, score.segments, score.signature)
        };
        format!(
            "metric,score,segments,signature\n{}",
            self.scores.iter().map(row).collect::<String>()
        )
    }
}
