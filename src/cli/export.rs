//! `parallot export`: an allocation as a trainer's configuration and exact data files.

use super::failure::{Failure, OrFail};
use super::terminal::{note, say};
use super::text::{self, TextArguments};
use super::written;
use crate::allocate::{Policy, PolicyRow};
use crate::corpus::{Bitext, Instruction, Pair, evaluated, prompt, prompt::Choice};
use crate::export::{Portion, Row, Settings, llamafactory};
use crate::files;
use crate::numeric::random::Purpose;
use crate::report::eye::grouped;
use crate::study::AllocationFile;
use crate::study::headline::validations;
use crate::study::{Folders, read_allocation};
use crate::units::Direction;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Flags of `parallot export`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Experiment: a YAML file, or the name of one in `experiments/`
    pub experiment: String,
    /// Trainer to write for
    #[arg(long, value_enum, default_value = "llamafactory")]
    pub to: Trainer,
    /// Folder to write to
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Model to tune: its name on the hub, or its folder
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Prompt template of the model, by its name in the trainer
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,
    /// Policy whose pairs to write, a row of the comparison that `parallot allocate` prints; the recommended one where absent
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

/// Trainers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Trainer {
    /// LLaMA-Factory.
    Llamafactory,
}

/// Most rows of an export, some hundred gigabytes.
const MOST_ROWS: u64 = 1_000_000_000;

/// Training and validation examples of one language.
struct Examples {
    lang: String,
    pairs: u64,
    train: Vec<Instruction>,
    validation: Vec<Instruction>,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = settings(arguments)?;
    let folders = Folders::of(&arguments.experiment)?;
    let experiment = folders.read()?;
    let Some(allocation) = read_allocation(&folders)? else {
        let error = anyhow::anyhow!("`{}` has no allocation, expected `allocation.json` in `{}`", folders.name, folders.fits.display());
        return Err(Failure::input(error).hint(format!("`parallot allocate {} --budget N` makes it", arguments.experiment)));
    };
    let allocation = allocation.judged(&validations(&folders)?);
    let fits = folders.fits.join("fits.json");
    if files::hash(&files::read(&fits).or_input()?) != allocation.fits_sha256 {
        let error = anyhow::anyhow!("the allocation in `{}` is of other fits than `fits.json` there", folders.fits.display());
        return Err(Failure::input(error).hint(format!("`parallot allocate {} --budget N` makes a new one", arguments.experiment)));
    }
    let chosen = chosen(&allocation, arguments.policy.as_deref())?;
    let total: u64 = chosen.pairs.iter().sum();
    if total > MOST_ROWS {
        let error = anyhow::anyhow!("`{}` has {} pairs, expected at most {} to write", chosen.policy, grouped(total), grouped(MOST_ROWS));
        return Err(
            Failure::input(error).hint("a trainer reads a row for each of them; `parallot allocate --budget N` makes a smaller one")
        );
    }
    files::check_writable(&arguments.out).or_input()?;
    let bitexts = text::read(&experiment, &folders, &arguments.text)?;
    let direction = experiment.tuning.direction;
    let examples = allocation
        .comparison
        .allocation
        .languages
        .iter()
        .zip(&chosen.pairs)
        .map(|(language, &pairs)| {
            let bitext = bitexts.iter().find(|bitext| bitext.lang.code() == language.lang);
            let bitext = bitext.ok_or_else(|| anyhow::anyhow!("the allocation names `{}`, which the experiment has not", language.lang));
            Ok(examples(bitext.or_input()?, pairs, direction, experiment.evaluation.pairs, arguments.seed))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let rows: Vec<(Vec<Row>, Vec<Row>)> = examples.iter().map(|language| (rows(&language.train), rows(&language.validation))).collect();
    let portions: Vec<Portion> = examples
        .iter()
        .zip(&rows)
        .map(|(language, (rows, validation))| Portion {
            lang: &language.lang,
            pairs: language.pairs,
            rows,
            validation,
            target_tokens: None,
        })
        .collect();
    let stamp = format!("parallot {}, fits sha256 {}, policy {}", allocation.parallot, allocation.fits_sha256, chosen.policy);
    let exported = llamafactory(&portions, &settings, &stamp).or_work()?;
    let count = exported.data.len();
    written::write(&exported, &arguments.out, &stamp, arguments.force)?;
    let out = arguments.out.display();
    tell(&allocation, chosen.policy);
    say(&format!("{} training rows in {count} data files, `train.yaml` and `realised.csv` in `{out}`", grouped(total)));
    say(&format!("next: (cd {out} && llamafactory-cli train train.yaml)"));
    Ok(())
}

/// The policy to write: the one asked for, or else the recommended one.
fn chosen<'a>(allocation: &'a AllocationFile, asked: Option<&str>) -> Result<&'a PolicyRow, Failure> {
    let rows = &allocation.comparison.policies;
    let names = || rows.iter().map(|row| format!("`{}`", row.policy)).collect::<Vec<_>>().join(", ");
    if let Some(name) = asked {
        let row = rows.iter().find(|row| row.policy.to_string() == name);
        return row.ok_or_else(|| {
            let error = anyhow::anyhow!("`--policy` names `{name}`, expected a policy of the allocation");
            Failure::input(error).hint(format!("its policies are {}", names()))
        });
    }
    let Some(recommended) = allocation.recommended else {
        let error = anyhow::anyhow!("the allocation recommends no policy, expected one to write: {}", allocation.verdict);
        return Err(Failure::input(error).hint(format!("`--policy POLICY` chooses one of {}", names())));
    };
    let row = rows.iter().find(|row| row.policy == recommended);
    row.ok_or_else(|| Failure::input(anyhow::anyhow!("the allocation has no row of `{recommended}`, which it recommends")))
}

/// Which policy is written, and why, or why not.
fn tell(allocation: &AllocationFile, written: Policy) {
    let verdict = allocation.verdict();
    match verdict.recommended() {
        Some(recommended) if recommended == written => say(&format!("policy `{written}`, as recommended: {verdict}")),
        Some(recommended) => {
            say(&format!("policy `{written}`, as asked for"));
            note(&format!("note: the recommended policy is `{recommended}`: {verdict}"));
        }
        None => {
            say(&format!("policy `{written}`, as asked for"));
            note(&format!("note: no policy is recommended: {verdict}"));
        }
    }
}

fn examples(bitext: &Bitext, pairs: u64, direction: Direction, validation: usize, seed: u64) -> Examples {
    let instruct = |pair: &Pair, choice: Choice<'_>| prompt::instruction(pair, direction, &bitext.name, choice);
    let shuffled = bitext.shuffled(seed, Purpose::Pairs);
    // rows beyond the allocated ones are never drawn
    let unique = shuffled.pairs().iter().take(usize::try_from(pairs).unwrap_or(usize::MAX)).enumerate();
    // those that the sweep scores, so that a trainer's losses can be held against its curves
    let dev = evaluated(bitext.dev.pairs(), validation).into_iter().enumerate();
    Examples {
        lang: bitext.lang.code().to_owned(),
        pairs,
        train: unique.map(|(index, pair)| instruct(pair, Choice::Training { seed, lang: &bitext.lang, index })).collect(),
        validation: dev.map(|(index, pair)| instruct(pair, Choice::Evaluation { index })).collect(),
    }
}

fn rows(examples: &[Instruction]) -> Vec<Row<'_>> {
    examples.iter().map(|example| Row { instruction: &example.instruction, input: &example.input, output: &example.output }).collect()
}

/// Model and template go together: with the template of another family its marks are ordinary text, and the model is bad.
fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let default = Settings::default();
    let (model, template) = match (&arguments.model, &arguments.template) {
        (None, None) => (default.model, default.template),
        (Some(model), None) if *model == default.model => (default.model, default.template),
        (Some(model), Some(template)) => (model.clone(), template.clone()),
        (Some(model), None) => {
            let error = anyhow::anyhow!("`--model {model}` stands without `--template`, expected the template that goes with the model");
            return Err(Failure::input(error).hint(
                "`--template NAME` is LLaMA-Factory's name of it: `llama3` for Llama 3, `qwen` for Qwen 2.5, `alpaca` for a base model",
            ));
        }
        (None, Some(template)) => {
            let error = anyhow::anyhow!("`--template {template}` stands without `--model`, expected the model that goes with it");
            return Err(Failure::input(error).hint(format!("without both it is `{}` with `{}`", default.model, default.template)));
        }
    };
    Ok(Settings { model, template, ..default })
}
