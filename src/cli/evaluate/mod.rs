//! `parallot evaluate`: the scores of a model, or of two text files, and what the model's layers
//! hold.

mod answers;
mod arguments;
mod layers;
mod model;
mod output;

pub(super) use arguments::Arguments;

use super::failure::{Failure, OrFail};
use super::terminal::note;
use super::text::{self, TextArguments};
use crate::corpus::{Row, english_text, read_lines, read_parallel};
use crate::evaluate::{self, EvaluateError, Item, Setting, Task};
use crate::files;
use crate::model::{Choosing, Decoding};
use crate::score::{Identifier, Score};
use crate::study::Folders;
use crate::units::{Lang, Short};
use anyhow::anyhow;
use arguments::TaskName;
use output::Output;
use std::path::Path;

/// Sentences of each language that an identifier learns from.
const LEARNT: usize = 4000;

/// Most tokens of an answer where nobody says.
const MAX_TOKENS: usize = 128;

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(folder) = &arguments.out {
        files::check_writable(folder).or_input()?;
    }
    let mut output = match (&arguments.model, &arguments.hypotheses, arguments.task) {
        (None, Some(_), None) => of_files(arguments)?,
        (Some(_), None, Some(TaskName::Representation)) => layers::study(arguments)?,
        (Some(folder), None, Some(_)) => of_answers(arguments, folder)?,
        (None, None, None) if !arguments.import.is_empty() => Output::default(),
        _ => {
            let error = anyhow!(
                "nothing says what to evaluate, expected a model with `--task`, or `--hypotheses` \
                with `--references`"
            );
            return Err(Failure::input(error).hint(
                "`parallot evaluate MODEL --task translation --data FILE.tsv --to tur_Latn`",
            ));
        }
    };
    for path in &arguments.import {
        let bytes = files::read(path).or_input()?;
        let name =
            path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let scores = evaluate::outside(&bytes, &name)
            .map_err(|error| anyhow!("cannot read `{}`: {error}", path.display()))
            .or_input()?;
        if let Some(score) = scores.iter().find(|score| {
            score.segments > 0 && output.segments.is_some_and(|found| found != score.segments)
        }) {
            let (found, expected) = (score.segments, output.segments.unwrap_or_default());
            return Err(Failure::input(anyhow!(
                "`{}` has {found} segments, expected {expected}",
                path.display()
            )));
        }
        output.scores.extend(scores);
        output.inputs.push(files::hash(&bytes));
    }
    output.write(arguments)
}

/// The scores of a file of hypotheses.
fn of_files(arguments: &Arguments) -> Result<Output, Failure> {
    let hypotheses = arguments
        .hypotheses
        .iter()
        .map(|path| read_lines(path))
        .next()
        .transpose()
        .or_input()?
        .unwrap_or_default();
    let references = arguments
        .references
        .iter()
        .map(|path| read_lines(path))
        .collect::<Result<Vec<_>, _>>()
        .or_input()?;
    let metrics = arguments.metrics()?;
    let scores = metrics
        .iter()
        .map(|metric| metric.corpus(&hypotheses, &references))
        .collect::<Result<Vec<Score>, _>>()
        .or_input()?;
    let inputs = arguments
        .hypotheses
        .iter()
        .chain(&arguments.references)
        .map(|path| Ok(files::hash(&files::read(path)?)));
    let inputs = inputs.collect::<Result<_, files::FileError>>().or_input()?;
    Ok(Output { scores, inputs, segments: Some(hypotheses.len()), ..Output::default() })
}

/// The scores of what a model answers.
fn of_answers(arguments: &Arguments, folder: &Path) -> Result<Output, Failure> {
    let task = arguments.task()?;
    if let [first, second, ..] = arguments.to.as_slice() {
        return Err(Failure::input(anyhow!(
            "`--to {first}` and `--to {second}` are given, expected one language of the answers"
        )));
    }
    let metrics = arguments.metrics()?;
    let Data { rows, shots, inputs } = data(arguments)?;
    let items = task
        .items(&rows, &shots, &arguments.columns(task.roles())?, arguments.prompt.into())
        .map_err(hinted)?;
    let identifier =
        arguments.identify.as_deref().map(|name| identifier(name, arguments)).transpose()?;
    let opened = model::read(arguments, folder)?;
    let setting = Setting {
        decoding: decoding(arguments, opened.model.context())?,
        batch: arguments.batch,
        is_one_line: task.is_one_line(),
    };
    let answers = answers::answers(arguments, &opened, &items, &setting)?;
    let cut = answers.iter().filter(|answer| answer.prompt_tokens_cut > 0).count();
    if cut > 0 {
        note(&format!(
            "note: {cut} of {} prompts are longer than the context and lost their beginning",
            answers.len()
        ));
    }
    let mut scores = evaluate::scores(&task, &items, &answers, &metrics).or_work()?;
    let asked =
        arguments.to.first().filter(|_| task != Task::Numbers || arguments.identify.is_some());
    scores.extend(
        asked.and_then(|lang| evaluate::language_rate(&answers, lang, identifier.as_ref())),
    );
    let generations =
        items.iter().zip(&answers).map(|(item, answer)| generation(item, answer)).collect();
    Ok(Output { scores, generations, inputs, segments: Some(items.len()), ..Output::default() })
}

fn generation(item: &Item, answer: &evaluate::Answer) -> serde_json::Value {
    serde_json::json!({
        "id": item.id, "prompt": item.prompt, "answer": answer.text, "truths": item.truths,
        "tokens": answer.tokens,
        "prompt_tokens_cut": answer.prompt_tokens_cut,
    })
}

/// What is asked.
struct Data {
    rows: Vec<Row>,
    /// Rows for the examples before each.
    shots: Vec<Row>,
    /// SHA-256 of the files.
    inputs: Vec<String>,
}

fn data(arguments: &Arguments) -> Result<Data, Failure> {
    let mut rows = match arguments.data.as_slice() {
        [path] => arguments.rows(path)?,
        [source, target] if arguments.task == Some(TaskName::Translation) => {
            arguments.of_part(read_parallel(source, target).or_input()?)
        }
        files => {
            return Err(Failure::input(anyhow!("{} files of `--data`, expected one", files.len())));
        }
    };
    let hashes = arguments
        .data
        .iter()
        .map(|path| Ok(files::hash(&files::read(path)?)))
        .collect::<Result<Vec<_>, files::FileError>>();
    let mut inputs = hashes.or_input()?;
    let shots = match &arguments.shots_from {
        Some(path) => {
            inputs.push(files::hash(&files::read(path).or_input()?));
            arguments.all_rows(path)?.into_iter().take(arguments.shots).collect()
        }
        // what is shown is not asked
        None => rows.drain(..arguments.shots.min(rows.len())).collect::<Vec<_>>(),
    };
    rows.truncate(arguments.limit.unwrap_or(usize::MAX));
    match rows.len() {
        0 => Err(Failure::input(EvaluateError::TooFew { found: 0, needed: 1 })),
        _ if shots.len() < arguments.shots => Err(Failure::input(EvaluateError::TooFew {
            found: shots.len(),
            needed: arguments.shots,
        })),
        _ => Ok(Data { rows, shots, inputs }),
    }
}

fn decoding(arguments: &Arguments, context: usize) -> Result<Decoding, Failure> {
    let (temperature, top_p) = (arguments.temperature, arguments.top_p);
    if !(temperature.is_finite() && temperature > 0.0) {
        return Err(Failure::input(anyhow!(
            "`--temperature` is {}, expected a finite number above 0",
            Short(temperature)
        )));
    }
    if !(top_p > 0.0 && top_p <= 1.0) {
        return Err(Failure::input(anyhow!(
            "`--top-p` is {}, expected a number above 0 and up to 1",
            Short(top_p)
        )));
    }
    let choosing = match arguments.sample {
        true => Choosing::Sampled { temperature, top_p, seed: arguments.seed },
        false => Choosing::Greedy,
    };
    Ok(Decoding {
        choosing,
        max_tokens: arguments.max_tokens.unwrap_or(MAX_TOKENS.min(context / 2)),
    })
}

/// Learns the languages of an experiment, English among them, from the train parts of its corpora.
fn identifier(name: &str, arguments: &Arguments) -> Result<Identifier, Failure> {
    let folders = Folders::of(name)?;
    let experiment = folders.read()?;
    let bitexts = text::read(
        &experiment,
        &folders,
        &TextArguments { data: arguments.corpora.clone(), strict: false },
    )?;
    let others = bitexts.iter().map(|bitext| {
        let texts = bitext.train.pairs().iter().take(LEARNT).map(|pair| pair.other.as_str());
        (bitext.lang.clone(), texts.collect())
    });
    let english =
        (Lang::english(), english_text(&bitexts).into_iter().take(LEARNT).collect::<Vec<_>>());
    Ok(Identifier::learn(std::iter::once(english).chain(others)))
}

/// Input that does not fit is the user's to mend, a failing tensor is not.
fn hinted(error: EvaluateError) -> Failure {
    match &error {
        EvaluateError::Tensor(_) | EvaluateError::Tokenizer(_) => Failure::work(error),
        EvaluateError::Field { .. } => {
            Failure::input(error).hint("`--columns ROLE=COLUMN` says which column plays which role")
        }
        EvaluateError::Context { .. } => {
            Failure::input(error).hint("`--max-tokens N` asks for shorter answers")
        }
        _ => Failure::input(error),
    }
}
