//! A model's own answers to items.

use super::EvaluateError;
use super::task::Item;
use crate::model::{Choices, Decoding, Llama, Request, Vocabulary, generate};
use serde::{Deserialize, Serialize};

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// How tokens are chosen, and how many at most.
    pub decoding: Decoding,
    /// Items that are answered together, at least 1.
    pub batch: usize,
    /// Whether an answer ends with its first line.
    pub is_one_line: bool,
}

/// What a model wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The item.
    pub id: String,
    /// The answer, without white space around it.
    pub text: String,
    /// Tokens written.
    pub tokens: usize,
    /// Tokens that the prompt lost at its start because the context is too short for it.
    pub prompt_tokens_cut: usize,
}

/// Answers items in their order, before which `first` others were asked, a whole number of batches:
/// sampling goes by the place among all. `observe` is called with the number of items answered
/// since its last call.
pub fn answer(
    model: &Llama,
    vocabulary: &Vocabulary,
    items: &[Item],
    first: usize,
    setting: &Setting,
    mut observe: impl FnMut(u64),
) -> Result<Vec<Answer>, EvaluateError> {
    let (context, max_tokens) = (model.context(), setting.decoding.max_tokens);
    let eos = vocabulary.mark_ids().1;
    let mut answers = Vec::with_capacity(items.len());
    for (number, items) in items.chunks(setting.batch).enumerate() {
        let mut read = Vec::with_capacity(items.len());
        for item in items {
            // the last token that is written is not read
            let room = (context + 1).checked_sub(max_tokens).filter(|&room| room > 1);
            let prompt = vocabulary.prompt(
                &item.prompt,
                room.ok_or(EvaluateError::Context { context, max_tokens })?,
            )?;
            let choices = item
                .choices
                .iter()
                .flatten()
                .map(|choice| vocabulary.encode(choice))
                .collect::<Result<Vec<_>, _>>()?;
            read.push((prompt, Choices::new(choices.clone(), eos), choices));
        }
        let mut requests = Vec::with_capacity(read.len());
        for (at, ((prompt, _), choices, _)) in read.iter().enumerate() {
            requests.push(Request {
                prompt,
                choices: choices.as_ref(),
                stream: (first + number * setting.batch + at) as u64,
            });
        }
        let responses = generate(model, eos, &requests, &setting.decoding)?;
        for ((item, ((_, cut), _, choices)), tokens) in items.iter().zip(&read).zip(responses) {
            // a tokenizer may not give a choice back to the letter
            let chosen =
                item.choices.iter().flatten().zip(choices).find(|(_, choice)| **choice == tokens);
            let text = match chosen {
                Some((text, _)) => text.clone(),
                None => vocabulary.decode(&tokens)?,
            };
            let text = if setting.is_one_line {
                text.trim_start().lines().next().unwrap_or_default()
            } else {
                &text
            };
            let text = text.trim().to_owned();
            answers.push(Answer {
                id: item.id.clone(),
                text,
                tokens: tokens.len(),
                prompt_tokens_cut: *cut,
            });
        }
        observe(items.len() as u64);
    }
    Ok(answers)
}
