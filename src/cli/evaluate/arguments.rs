//! The flags of `parallot evaluate`, and the checked values that they give.

use super::super::count;
use super::super::failure::{Failure, OrFail};
use crate::corpus::{CorpusError, PromptStyle, Row, read_table};
use crate::evaluate::{Columns, Metric, Task};
use crate::files;
use crate::model::Pieces;
use crate::score::{Chrf, Normalisation, ScoreError, Words};
use crate::units::Lang;
use anyhow::anyhow;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Tokens of the longest sequence that can be asked for, whatever a model says that it allows.
const LONGEST: u64 = 131_072;

/// Flags of `parallot evaluate`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Folder of a checkpoint or of adapters, as `sweep --save` and Hugging Face's libraries write
    /// them
    pub model: Option<PathBuf>,
    /// What the model is asked, or `representation` for what its layers hold
    #[arg(long, value_enum, requires = "model", requires = "data")]
    pub task: Option<TaskName>,
    /// Rows to evaluate: JSONL, TSV, CSV or Parquet, or JSON as SQuAD has it; for `translation`
    /// also two plain files whose lines correspond, sources and targets; for `representation` one
    /// file per language of `--to`
    #[arg(long, value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// Columns of the data by their roles: source and target; question, context and answer; text
    /// and label. Fields of an object are named as `translation.en`, cells without a header by
    /// their places from 0
    #[arg(long, value_name = "ROLE=COLUMN", value_delimiter = ',', value_parser = pair)]
    pub columns: Vec<(String, String)>,
    /// Take only rows whose column `split` says this
    #[arg(long, value_name = "PART")]
    pub split: Option<String>,
    /// Language of the source texts
    #[arg(long, value_name = "LANG", default_value = "eng_Latn")]
    pub from: Lang,
    /// Language of the translations, or in which the answer should be
    #[arg(long, value_name = "LANG")]
    pub to: Vec<Lang>,
    /// Take at most so many rows
    #[arg(long, value_name = "N", value_parser = count::within::<usize>(1..=u64::MAX))]
    pub limit: Option<usize>,
    /// Rows with their answers before each question, from the head of the data or of `--shots-from`
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub shots: usize,
    /// Rows for these examples; without it they are taken from the data and not asked
    #[arg(long, value_name = "FILE")]
    pub shots_from: Option<PathBuf>,
    /// Form of the prompt, as in the `tuning` of an experiment
    #[arg(long, value_enum, default_value = "alpaca")]
    pub prompt: PromptName,
    /// Metrics of translations
    #[arg(long = "metric", value_enum, value_delimiter = ',', default_value = "bleu,chrf,chrf++")]
    pub metrics: Vec<MetricName>,
    /// How BLEU cuts words: 13a, intl, zh, char, none, or a `tokenizer.json`, which its file name
    /// signs
    #[arg(long, value_name = "WORDS", default_value = "13a")]
    pub words: String,
    /// Whose rules make answers to questions equal; MLQA's go by the language of `--to`
    #[arg(long, value_enum, default_value = "mlqa")]
    pub normalise: NormaliseName,
    /// Answer questions with a span of the text only
    #[arg(long, value_enum)]
    pub constrain: Option<Constrain>,
    /// The labels that can be answered
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Draw tokens instead of taking the likeliest
    #[arg(long)]
    pub sample: bool,
    /// Temperature of the draws
    #[arg(long, value_name = "T", default_value_t = 1.0)]
    pub temperature: f64,
    /// Draw from the likeliest tokens that together have this probability
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    pub top_p: f64,
    /// Seed of the draws
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Most tokens of an answer [default: 128, or half of a shorter context]
    #[arg(long, value_name = "N", value_parser = count::within::<usize>(1..=LONGEST))]
    pub max_tokens: Option<usize>,
    /// Rows that are answered together
    #[arg(
        long,
        value_name = "N",
        default_value_t = 16,
        value_parser = count::within::<usize>(1..=65_536)
    )]
    pub batch: usize,
    /// Tell the languages of answers apart by what this experiment's corpora teach, instead of by
    /// their scripts
    #[arg(long, value_name = "EXPERIMENT")]
    pub identify: Option<String>,
    /// Folder that the paths of its corpora are relative to
    #[arg(long, value_name = "FOLDER", env = "PARALLOT_DATA")]
    pub corpora: Option<PathBuf>,
    /// The model before it was tuned, to compare its layers with
    #[arg(long, value_name = "FOLDER")]
    pub against: Option<PathBuf>,
    /// Score this file, a segment a line, without a model
    #[arg(long, value_name = "FILE", requires = "references", conflicts_with = "model")]
    pub hypotheses: Option<PathBuf>,
    /// What it should say; may be repeated
    #[arg(long, value_name = "FILE")]
    pub references: Vec<PathBuf>,
    /// Add scores that another program made, such as COMET's: CSV or JSON
    #[arg(long, value_name = "FILE")]
    pub import: Vec<PathBuf>,
    /// Folder of the network that adapters belong to, where they do not name it
    #[arg(long, value_name = "FOLDER")]
    pub base: Option<PathBuf>,
    /// Longest sequence, tokens [default: what the model allows, up to 2048]
    #[arg(long, value_name = "TOKENS", value_parser = count::within::<usize>(2..=LONGEST))]
    pub context: Option<usize>,
    /// Where to run: `cpu`, `cuda` or `cuda:1`
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// One JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    /// Folder to write scores, answers, layers and plots to
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// What is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TaskName {
    /// Texts in another language.
    Translation,
    /// Questions about texts.
    Questions,
    /// Problems whose answers are numbers.
    Numbers,
    /// Labels of texts.
    Labels,
    /// What the layers hold.
    Representation,
}

/// Forms of prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PromptName {
    /// Alpaca's.
    Alpaca,
    /// The names of the languages and no more.
    Compact,
}

impl From<PromptName> for PromptStyle {
    fn from(name: PromptName) -> Self {
        match name {
            PromptName::Alpaca => PromptStyle::Alpaca,
            PromptName::Compact => PromptStyle::Compact,
        }
    }
}

/// Metrics of translations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricName {
    /// BLEU.
    Bleu,
    /// chrF.
    Chrf,
    /// chrF++.
    #[value(name = "chrf++")]
    ChrfPlusPlus,
}

/// Rules of normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NormaliseName {
    /// MLQA's, by language.
    Mlqa,
    /// SQuAD's, by which XQuAD is scored.
    Squad,
}

/// What answers are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Constrain {
    /// Spans of the text.
    Spans,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (role, column) = text.split_once('=').ok_or("expected ROLE=COLUMN")?;
    Ok((role.to_owned(), column.to_owned()))
}

impl Arguments {
    /// What the model is asked.
    pub(crate) fn task(&self) -> Result<Task, Failure> {
        let to = || {
            self.to.first().cloned().ok_or_else(|| {
                Failure::input(anyhow!("no `--to`, expected the language of the answers"))
            })
        };
        Ok(match self.task {
            Some(TaskName::Translation) => Task::Translation { from: self.from.clone(), to: to()? },
            Some(TaskName::Questions) => {
                let normalisation = match self.normalise {
                    NormaliseName::Squad => Normalisation::Squad,
                    NormaliseName::Mlqa => Normalisation::mlqa(to()?.code()),
                };
                Task::Questions { normalisation, by_spans: self.constrain.is_some() }
            }
            Some(TaskName::Labels) if self.labels.len() < 2 => {
                return Err(Failure::input(anyhow!(
                    "{} labels, expected at least 2",
                    self.labels.len()
                ))
                .hint("`--labels a,b` names them"));
            }
            Some(TaskName::Labels) => Task::Labels(self.labels.clone()),
            Some(TaskName::Numbers | TaskName::Representation) | None => Task::Numbers,
        })
    }

    /// Metrics of translations.
    pub(crate) fn metrics(&self) -> Result<Vec<Metric>, Failure> {
        let metric = |name: &MetricName| {
            Ok(match name {
                MetricName::Bleu => Metric::Bleu(self.words()?),
                MetricName::Chrf => Metric::Chrf(Chrf::plain()),
                MetricName::ChrfPlusPlus => Metric::Chrf(Chrf::plus_plus()),
            })
        };
        self.metrics.iter().map(metric).collect()
    }

    fn words(&self) -> Result<Words, Failure> {
        let path = Path::new(&self.words);
        let by_name = Words::named(&self.words);
        if !(matches!(by_name, Err(ScoreError::Words { .. })) && files::exists(path)) {
            return by_name.or_input();
        }
        let failed = |error| anyhow!("cannot read `{}`: {error}", path.display());
        let pieces =
            Pieces::from_json(&files::read(path).or_input()?).map_err(failed).or_input()?;
        let name =
            path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Ok(Words::Pieces {
            name,
            pieces: Arc::new(move |text| pieces.cut(text).map_err(|error| error.to_string())),
        })
    }

    /// The columns that play some roles.
    pub(crate) fn columns(&self, roles: &[&str]) -> Result<Columns, Failure> {
        Columns::new(&self.columns, roles).or_input()
    }

    /// The rows of a file that are of the part asked for.
    pub(crate) fn rows(&self, path: &Path) -> Result<Vec<Row>, Failure> {
        Ok(self.of_part(self.all_rows(path)?))
    }

    /// The rows that are of the part asked for.
    pub(crate) fn of_part(&self, mut rows: Vec<Row>) -> Vec<Row> {
        if let Some(part) = &self.split {
            rows.retain(|row| row.text("split") == Some(part));
        }
        rows
    }

    /// All rows of a file.
    pub(crate) fn all_rows(&self, path: &Path) -> Result<Vec<Row>, Failure> {
        let wanted: Vec<&str> = self.columns.iter().map(|(_, column)| column.as_str()).collect();
        read_table(path, &wanted).map_err(|error| match &error {
            CorpusError::PlainText { .. } => Failure::input(error).hint(
                "for a translation, `--data SOURCES --data TARGETS` reads two plain files \
                whose lines correspond",
            ),
            _ => Failure::input(error),
        })
    }
}
