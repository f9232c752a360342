//! Flags of `parallot export`, and what they mean for each trainer.

use super::super::failure::Failure;
use super::super::text::TextArguments;
use crate::export::{Format, OnLong, Settings, Trainer};
use anyhow::anyhow;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

/// Flags of `parallot export`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct Arguments {
    /// Experiment: a YAML file, or the name of one in `experiments/`
    pub experiment: String,
    /// Trainer to write for, or a form that others read
    #[arg(
        long,
        value_name = "TRAINER",
        default_value = Trainer::ALL[0].name(),
        value_parser = trainers()
    )]
    pub to: Trainer,
    /// Folder to write to
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// How a row is written, where the trainer reads several forms; the one that suits it best
    /// where absent
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    pub format: Option<Format>,
    /// Model to tune: its name on the hub, or its folder
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Prompt template of the model, by its name in LLaMA-Factory; other trainers take it from the
    /// model
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,
    /// Longest row that the trainer reads, tokens; 2048 where absent
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Tokenizer to count rows with: a folder, or a model on the hub
    #[arg(long, value_name = "NAME")]
    pub tokenizer: Option<String>,
    /// Put the next pairs in the place of those above the limit
    #[arg(long, requires = "tokenizer")]
    pub replace_long: bool,
    /// Policy whose pairs to write, a row of the comparison that `parallot allocate` prints; the
    /// recommended one where absent
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<String>,
    /// Seed of the order of the pairs and of their wordings
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Write over files in the folder that are not as an export left them
    #[arg(long)]
    pub force: bool,
    /// Where the corpora are
    #[command(flatten)]
    pub text: TextArguments,
}

impl Arguments {
    /// The recommended policy for a trainer, with nothing else said.
    pub(in crate::cli) fn new(experiment: String, to: Trainer, out: PathBuf) -> Self {
        Arguments {
            experiment,
            to,
            out,
            format: None,
            model: None,
            template: None,
            limit: None,
            tokenizer: None,
            replace_long: false,
            policy: None,
            seed: 0,
            force: false,
            text: TextArguments::default(),
        }
    }

    /// The settings of the trainer, once it is sure that each flag has a meaning for it.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let (trainer, formats) = (self.to, self.to.formats());
        let format = self.format.unwrap_or(formats[0]);
        if !formats.contains(&format) {
            let names = formats
                .iter()
                .map(|format| format!("`{}`", format.name()))
                .collect::<Vec<_>>()
                .join(", ");
            let error = anyhow!(
                "`--format {}` is none that `{}` reads, expected {names}",
                format.name(),
                trainer.name()
            );
            return Err(Failure::input(error)
                .hint("without `--format` rows are written as the trainer reads them best"));
        }
        let mut settings = Settings::new(trainer, format);
        (settings.model, settings.template) = self.model_and_template(&settings)?;
        if trainer == Trainer::Tsv && self.tokenizer.is_some() {
            return Err(self.has_no_meaning(
                "--tokenizer",
                "programs that translate make a vocabulary of their own",
            ));
        }
        if let Some(limit) = self.limit {
            let hint = match trainer {
                Trainer::Tsv => "programs that translate have a limit of their own",
                _ => "with `--tokenizer NAME` rows above it are counted",
            };
            if !trainer.has_limit() && self.tokenizer.is_none() {
                return Err(self.has_no_meaning("--limit", hint));
            }
            settings.limit = limit;
        }
        Ok(settings)
    }

    /// Model and template go together: with the template of another family its marks are ordinary
    /// text, and the model is bad.
    fn model_and_template(&self, default: &Settings) -> Result<(String, String), Failure> {
        let (model, template) = (default.model.clone(), default.template.clone());
        if !self.to.names_model() && self.model.is_some() {
            return Err(self.has_no_meaning(
                "--model",
                "`--tokenizer NAME` counts rows as that model reads them",
            ));
        }
        if self.to != Trainer::LlamaFactory {
            if self.template.is_some() {
                return Err(self.has_no_meaning(
                    "--template",
                    "the chat template is the one that comes with the model",
                ));
            }
            return Ok((self.model.clone().unwrap_or(model), template));
        }
        match (&self.model, &self.template) {
            (None, None) => Ok((model, template)),
            (Some(asked), None) if *asked == model => Ok((model, template)),
            (Some(asked), Some(template)) => Ok((asked.clone(), template.clone())),
            (Some(asked), None) => {
                let error = anyhow!(
                    "`--model {asked}` stands without `--template`, expected the template that \
                    goes with the model"
                );
                Err(Failure::input(error).hint(
                    "`--template NAME` is LLaMA-Factory's name of it: `llama3` for Llama 3, `qwen` \
                    for Qwen 2.5, `alpaca` for a base model",
                ))
            }
            (None, Some(asked)) => {
                let error = anyhow!(
                    "`--template {asked}` stands without `--model`, expected the model that goes \
                    with it"
                );
                Err(Failure::input(error)
                    .hint(format!("without both it is `{model}` with `{template}`")))
            }
        }
    }

    fn has_no_meaning(&self, flag: &str, hint: &str) -> Failure {
        Failure::input(anyhow!(
            "`{flag}` has no meaning for `--to {}`, expected it absent",
            self.to.name()
        ))
        .hint(hint)
    }

    /// What to say of rows above the limit that stay.
    pub(super) fn of_long_rows(&self) -> &'static str {
        match self.to.on_long() {
            OnLong::Truncates => "they are cut",
            OnLong::TruncatesOrDrops => {
                "they are cut, and dropped where nothing of the answer is left"
            }
            OnLong::Drops => "they are dropped in silence",
            OnLong::Open => "what becomes of them is up to the trainer",
        }
    }
}

fn trainers() -> impl TypedValueParser<Value = Trainer> {
    let names = PossibleValuesParser::new(Trainer::ALL.map(Trainer::name));
    names.try_map(|name| Trainer::of(&name).ok_or("a trainer"))
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let names = PossibleValuesParser::new(Format::ALL.map(Format::name));
    names.try_map(|name| Format::of(&name).ok_or("a format"))
}
