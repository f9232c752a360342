//! Answers that are kept as they are written, so that an evaluation that was stopped goes on where
//! it was.

use super::super::failure::{Failure, OrFail};
use super::super::terminal::{bar, bars, note};
use super::super::version;
use super::arguments::Arguments;
use super::hinted;
use super::model::Opened;
use crate::evaluate::{self, Answer, Item, Setting};
use crate::files;
use std::path::{Path, PathBuf};

/// Batches that are kept together.
const BATCHES: usize = 4;

/// The answers to all items. With a folder to write to, those of some batches at a time are kept
/// below it under the hash of all that determines them, and not asked for again.
pub(super) fn answers(
    arguments: &Arguments,
    opened: &Opened,
    items: &[Item],
    setting: &Setting,
) -> Result<Vec<Answer>, Failure> {
    let key = key(arguments, opened, items, setting);
    let size = BATCHES * setting.batch;
    let path = |number: usize| {
        arguments
            .out
            .as_ref()
            .map(|folder| folder.join("answers").join(format!("{}-{number:05}.json", &key[..16])))
    };
    let shown = bar(&bars(), items.len() as u64, "answers");
    let (mut answers, mut kept) = (Vec::with_capacity(items.len()), 0);
    for (number, items) in items.chunks(size).enumerate() {
        let path: Option<PathBuf> = path(number);
        if let Some(known) = path.as_deref().and_then(|path| read(path, items)) {
            kept += known.len();
            shown.inc(known.len() as u64);
            answers.extend(known);
            continue;
        }
        let part = evaluate::answer(
            &opened.model,
            &opened.vocabulary,
            items,
            number * size,
            setting,
            |done| shown.inc(done),
        );
        let part = part.map_err(hinted)?;
        if let Some(path) = path {
            files::write(&path, (serde_json::to_string(&part).or_work()? + "\n").as_bytes())
                .or_work()?;
        }
        answers.extend(part);
    }
    shown.finish_and_clear();
    if kept > 0 {
        note(&format!(
            "note: {kept} of {} answers were there and are not asked for again",
            items.len()
        ));
    }
    Ok(answers)
}

/// The hash of all that determines the answers: program, model, device, context, how answers are
/// chosen, and what is asked.
fn key(arguments: &Arguments, opened: &Opened, items: &[Item], setting: &Setting) -> String {
    let mut text = format!(
        "{} {} {} {} {setting:?}",
        version(),
        opened.sha256,
        arguments.device,
        opened.model.context()
    );
    for item in items {
        text += &format!("\n{:?} {:?} {:?}", item.id, item.prompt, item.choices);
    }
    files::hash(text.as_bytes())
}

/// Kept answers, where a file holds those of just these items; a file that does not is written
/// anew.
fn read(path: &Path, items: &[Item]) -> Option<Vec<Answer>> {
    if !files::exists(path) {
        return None;
    }
    let answers: Vec<Answer> = serde_json::from_slice(&files::read(path).ok()?).ok()?;
    answers.iter().map(|answer| &answer.id).eq(items.iter().map(|item| &item.id)).then_some(answers)
}
