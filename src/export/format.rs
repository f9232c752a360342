//! Formats: how a row is written.

use super::portion::Row;
use crate::corpus::{Instruction, PromptStyle, prompt};
use serde_json::{Value, json};

/// The form of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `messages`, a list of what the user asks and the assistant answers.
    Messages,
    /// `prompt` and `completion`, each a list of one message, so that the loss is over the answer
    /// alone.
    PromptCompletion,
    /// `instruction`, `input` and `output`.
    Alpaca,
    /// `text`, prompt and answer in one, with the marks of Alpaca between them.
    Plain,
    /// Source and target between tabs, the code of the target's language before the source.
    Tsv,
}

impl Format {
    /// Those that can be asked for.
    pub const ALL: [Format; 3] = [Format::Messages, Format::PromptCompletion, Format::Alpaca];

    /// By which it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Format::Messages => "messages",
            Format::PromptCompletion => "prompt-completion",
            Format::Alpaca => "alpaca",
            Format::Plain => "text",
            Format::Tsv => "tsv",
        }
    }

    /// The one of a name.
    pub fn of(name: &str) -> Option<Self> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Ending of the files.
    pub fn ending(self) -> &'static str {
        if self == Format::Tsv { "tsv" } else { "jsonl" }
    }

    /// Whether the model's own chat template makes the text that is read.
    pub fn is_chat(self) -> bool {
        matches!(self, Format::Messages | Format::PromptCompletion)
    }

    /// A row as a line; `lang` is named in it where languages are pooled.
    pub fn line(self, row: &Row, lang: Option<&str>) -> String {
        let asked = || json!({ "role": "user", "content": row.asked() });
        let answered = || json!({ "role": "assistant", "content": row.output });
        let mut object = match self {
            Format::Messages => json!({ "messages": [asked(), answered()] }),
            Format::PromptCompletion => json!({ "prompt": [asked()], "completion": [answered()] }),
            Format::Alpaca => {
                json!({ "instruction": row.instruction, "input": row.input, "output": row.output })
            }
            Format::Plain => json!({ "text": plain(row) }),
            Format::Tsv => {
                return format!("{}\t{}\n", tagged_source(row), on_one_line(&row.output));
            }
        };
        if let (Some(lang), Value::Object(fields)) = (lang, &mut object) {
            fields.insert("lang".to_owned(), lang.into());
        }
        format!("{object}\n")
    }
}

/// `>>tur_Latn<< source`: a model of several languages must be told which to write.
pub(super) fn tagged_source(row: &Row) -> String {
    format!(">>{}<< {}", row.to, on_one_line(&row.input))
}

/// Sentences are normalised, so that only instruction data could hold what ends a cell.
pub(super) fn on_one_line(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

fn plain(row: &Row) -> String {
    let record = Instruction {
        instruction: row.instruction.clone(),
        input: row.input.clone(),
        output: row.output.clone(),
    };
    let example = prompt::instruction_example(&record, PromptStyle::Alpaca);
    example.prompt + &example.response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_holds_the_whole_row() {
        let row = Row {
            instruction: "Translate.".into(),
            input: "a \"b\"".into(),
            output: "c".into(),
            to: "tur_Latn".into(),
        };
        let line = |format: Format, lang| format.line(&row, lang);
        let asked = r#"{"content":"Translate.\n\na \"b\"","role":"user"}"#;
        let answered = r#"{"content":"c","role":"assistant"}"#;
        assert_eq!(
            line(Format::Messages, None),
            format!("{{\"messages\":[{asked},{answered}]}}\n")
        );
        assert_eq!(
            line(Format::PromptCompletion, None),
            format!("{{\"completion\":[{answered}],\"prompt\":[{asked}]}}\n")
        );
        assert_eq!(
            line(Format::Alpaca, Some("tur_Latn")),
            "{\"input\":\"a \\\"b\\\"\",\"instruction\":\"Translate.\",\"lang\":\"tur_Latn\",\"output\":\"c\"}\n"
        );
        assert_eq!(line(Format::Tsv, None), ">>tur_Latn<< a \"b\"\tc\n");
        assert!(
            line(Format::Plain, None).contains("### Input:\\na \\\"b\\\"\\n\\n### Response:\\nc")
        );
    }
}
