//! Counts how many tokens a model reads of each row, by its own tokenizer and chat template.

use super::super::failure::{Failure, OrFail};
use super::super::hub;
use super::arguments::Arguments;
use super::fitting::Fitting;
use crate::corpus::{Instruction, PromptStyle, prompt};
use crate::export::{Format, Length, Row, Settings, Trainer};
use crate::model::{Chat, ChatError};
use anyhow::anyhow;
use rayon::prelude::*;
use std::path::Path;

/// Rows that are counted before it is asked whether they are enough.
const PART: usize = 1 << 12;

/// Counts the tokens of rows.
pub(super) struct Counter {
    chat: Chat,
    is_chat: bool,
    /// What stands between an instruction and its text in a chat.
    between: &'static str,
    limit: u32,
    replaces: bool,
}

impl Counter {
    /// The counter that is asked for.
    pub(super) fn of(arguments: &Arguments, settings: &Settings) -> Result<Option<Self>, Failure> {
        // of a model in a folder it is known whether it has what a chat needs, asked or not
        let folder = Some(Path::new(&settings.model))
            .filter(|folder| settings.format.is_chat() && Chat::is_at(folder));
        if let Some(chat) = folder.map(Chat::read).transpose().or_input()? {
            checked(&chat, settings)?;
        }
        let Some(name) = &arguments.tokenizer else { return Ok(None) };
        let chat = Chat::read(&hub::tokenizer(name)?).or_input()?;
        checked(&chat, settings)?;
        // LLaMA-Factory writes by a template of its own, which is the model's where that has one
        // ms-swift makes chats of Alpaca's columns
        let rewrites = settings.names_template()
            || (settings.trainer == Trainer::MsSwift && settings.format == Format::Alpaca);
        let is_chat = settings.format.is_chat() || (rewrites && chat.has_template());
        let between = if rewrites { "\n" } else { "\n\n" };
        Ok(Some(Counter {
            chat,
            is_chat,
            between,
            limit: settings.limit,
            replaces: arguments.replace_long,
        }))
    }

    /// Longest row, tokens.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// The first `needed` of `all` rows, or of those below the limit.
    pub(super) fn fitting(
        &self,
        all: usize,
        needed: usize,
        make: &(impl Fn(usize) -> Row + Sync),
    ) -> Result<Fitting, Failure> {
        let mut fitting = Fitting { places: Vec::new(), lengths: Vec::new(), skipped: 0 };
        let mut at = 0;
        while at < all && fitting.places.len() < needed {
            let part = at..all.min(at + PART);
            at = part.end;
            let counted: Vec<(usize, Length)> = part
                .into_par_iter()
                .map(|place| Ok((place, self.length(&make(place))?)))
                .collect::<Result<_, ChatError>>()
                .or_work()?;
            for (place, length) in counted.into_iter() {
                if fitting.places.len() == needed {
                    break;
                }
                if self.replaces && length.total > self.limit {
                    fitting.skipped += 1;
                    continue;
                }
                fitting.places.push(place);
                fitting.lengths.push(length);
            }
        }
        Ok(fitting)
    }

    fn length(&self, row: &Row) -> Result<Length, ChatError> {
        let (prompt, total) = if self.is_chat {
            self.chat.chat_tokens(&row.asked_with(self.between), &row.output)?
        } else {
            let record = Instruction {
                instruction: row.instruction.clone(),
                input: row.input.clone(),
                output: row.output.clone(),
            };
            let example = prompt::instruction_example(&record, PromptStyle::Alpaca);
            self.chat.text_tokens(&example.prompt, &example.response)?
        };
        Ok(Length { prompt: tokens(prompt), total: tokens(total) })
    }
}

fn tokens(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn checked(chat: &Chat, settings: &Settings) -> Result<(), Failure> {
    if !settings.format.is_chat() || chat.has_template() {
        return Ok(());
    }
    let reads_alpaca = settings.trainer.formats().contains(&Format::Alpaca);
    let hint = if reads_alpaca {
        "`--format alpaca` needs none"
    } else {
        "`--to llamafactory --template alpaca` needs none"
    };
    Err(Failure::input(anyhow!(chat.without_template()))
        .hint(format!("a model that was tuned to follow instructions has one; {hint}")))
}
