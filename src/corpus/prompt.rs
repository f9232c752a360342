//! Prompts: what a model reads before the words it is to write.

use super::instruction::Instruction;
use super::pair::Pair;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::{Direction, Lang};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// What a model reads and what it should write; a loss is over the response only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Read, ends with a line break.
    pub prompt: String,
    /// Written.
    pub response: String,
}

/// The scaffold around an instruction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptStyle {
    /// `### Instruction:`, `### Input:`, `### Response:`, the form that most tuned models know;
    /// about 40 tokens.
    #[default]
    Alpaca,
    /// The names of the two languages and no more; for models so small that a scaffold would be
    /// most of what they read.
    Compact,
    /// A question with an empty place for its answer, then what to do with it: the question is
    /// translated, nobody answers it.
    Question,
}

/// What decides the wording of an example and, where both directions are asked, its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// Always the first wording; directions alternate by the place of the pair.
    Evaluation {
        /// Place of the pair in the set that is scored, counted from 0.
        index: usize,
    },
    /// Drawn from the seed, the language and the place of the pair, hence the same for a pair in
    /// every nested subset.
    Training {
        /// Seed of what is made of the pairs: a run, a tokenizer or an export.
        seed: u64,
        /// The language of the pair that is not English.
        lang: &'a Lang,
        /// Place of the pair among those read, counted from 0; it counts on from pass to pass, so
        /// that a repeat is worded anew.
        index: usize,
    },
}

/// Ways to ask for a translation, of `{from}` into `{to}`.
pub const INSTRUCTIONS: [&str; 10] = [
    "Translate the text below from {from} into {to}.",
    "Give the {to} version of this {from} text.",
    "How would one say the following in {to}?",
    "Write in {to} what is said here in {from}.",
    "Below is a text in {from}. Put it into {to}.",
    "A reader knows {to} but no {from}. Translate this text for that reader.",
    "Restate this in {to} and keep its meaning.",
    "What does this {from} text read like in {to}?",
    "Render the {from} input in natural {to}.",
    "Your task is translation: the input is {from}, the answer is {to}.",
];

/// The example that a pair gives.
pub fn example(
    pair: &Pair,
    direction: Direction,
    lang_name: &str,
    style: PromptStyle,
    choice: Choice<'_>,
) -> Example {
    match style {
        PromptStyle::Alpaca => {
            instruction_example(&instruction(pair, direction, lang_name, choice), style)
        }
        PromptStyle::Compact => compact(&wording(pair, direction, lang_name, choice).1),
        PromptStyle::Question => question(&wording(pair, direction, lang_name, choice).1),
    }
}

/// The example of a text `source` in the language named `from` and its translation into the one
/// named `to`, in the wording of evaluation.
pub fn translation(
    source: &str,
    target: &str,
    from: &str,
    to: &str,
    style: PromptStyle,
) -> Example {
    let sides = Sides { source, target, from, to };
    match style {
        PromptStyle::Alpaca => instruction_example(&filled(INSTRUCTIONS[0], &sides), style),
        PromptStyle::Compact => compact(&sides),
        PromptStyle::Question => question(&sides),
    }
}

/// The instruction record that a pair gives, as trainers read it.
pub fn instruction(
    pair: &Pair,
    direction: Direction,
    lang_name: &str,
    choice: Choice<'_>,
) -> Instruction {
    let (template, sides) = wording(pair, direction, lang_name, choice);
    filled(template, &sides)
}

fn compact(&Sides { source, target, from, to }: &Sides<'_>) -> Example {
    Example { prompt: format!("{from}:\n{source}\n{to}:\n"), response: target.to_owned() }
}

fn question(&Sides { source, target, from, to }: &Sides<'_>) -> Example {
    let prompt = format!("{source}\nAnswer: \"\"\nTranslate the input from {from} to {to}:\n");
    Example { prompt, response: format!("{target}\nAnswer: \"\"") }
}

fn filled(template: &str, &Sides { source, target, from, to }: &Sides<'_>) -> Instruction {
    Instruction {
        instruction: template.replace("{from}", from).replace("{to}", to),
        input: source.to_owned(),
        output: target.to_owned(),
    }
}

/// Texts and names of what is read and what is written.
struct Sides<'a> {
    source: &'a str,
    target: &'a str,
    from: &'a str,
    to: &'a str,
}

fn wording<'a>(
    pair: &'a Pair,
    direction: Direction,
    lang_name: &'a str,
    choice: Choice<'_>,
) -> (&'static str, Sides<'a>) {
    let (template, backwards) = match choice {
        Choice::Evaluation { index } => (0, index % 2 == 1),
        Choice::Training { seed, lang, index } => {
            let mut rng = generator(seed, Purpose::Wording, Item::NthOf(lang.code(), index as u64));
            (rng.random_range(0..INSTRUCTIONS.len()), rng.random_bool(0.5))
        }
    };
    let to_english = match direction {
        Direction::FromEnglish => false,
        Direction::ToEnglish => true,
        Direction::Both => backwards,
    };
    let sides = if to_english {
        Sides { source: &pair.other, target: &pair.english, from: lang_name, to: "English" }
    } else {
        Sides { source: &pair.english, target: &pair.other, from: "English", to: lang_name }
    };
    (INSTRUCTIONS[template], sides)
}

/// The example that an instruction record gives.
pub fn instruction_example(record: &Instruction, style: PromptStyle) -> Example {
    let prompt = match style {
        PromptStyle::Alpaca | PromptStyle::Question => alpaca(&record.instruction, &record.input),
        PromptStyle::Compact if record.input.is_empty() => {
            format!("{}\nAnswer:\n", record.instruction)
        }
        PromptStyle::Compact => format!("{}\n{}\nAnswer:\n", record.instruction, record.input),
    };
    Example { prompt, response: record.output.clone() }
}

fn alpaca(instruction: &str, input: &str) -> String {
    if input.is_empty() {
        format!(
            "An instruction follows. Write a response that fulfils it.\n\n### \
            Instruction:\n{instruction}\n\n### Response:\n"
        )
    } else {
        format!(
            "An instruction follows, with an input to apply it to. Write a response that fulfils \
            it.\n\n\
             ### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn pair() -> Pair {
        Pair { english: "Good morning.".into(), other: "Günaydın.".into() }
    }

    fn turkish(direction: Direction, style: PromptStyle, choice: Choice<'_>) -> Example {
        example(&pair(), direction, "Turkish", style, choice)
    }

    #[test]
    fn evaluation_has_one_wording() {
        let first =
            turkish(Direction::FromEnglish, PromptStyle::Alpaca, Choice::Evaluation { index: 0 });
        assert_eq!(
            first,
            turkish(Direction::FromEnglish, PromptStyle::Alpaca, Choice::Evaluation { index: 7 })
        );
        assert_eq!(
            first.prompt,
            "An instruction follows, with an input to apply it to. Write a response that fulfils \
            it.\n\n\
             ### Instruction:\nTranslate the text below from English into Turkish.\n\n### \
            Input:\nGood morning.\n\n### Response:\n"
        );
        assert_eq!(first.response, "Günaydın.");
        let compact =
            turkish(Direction::ToEnglish, PromptStyle::Compact, Choice::Evaluation { index: 0 });
        assert_eq!(
            compact,
            Example {
                prompt: "Turkish:\nGünaydın.\nEnglish:\n".into(),
                response: "Good morning.".into()
            }
        );
    }

    #[test]
    fn a_question_is_translated_with_its_empty_answer() {
        let made =
            turkish(Direction::ToEnglish, PromptStyle::Question, Choice::Evaluation { index: 0 });
        assert_eq!(
            made.prompt,
            "Günaydın.\nAnswer: \"\"\nTranslate the input from Turkish to English:\n"
        );
        assert_eq!(made.response, "Good morning.\nAnswer: \"\"");
    }

    #[test]
    fn training_uses_every_wording_and_both_directions() {
        let [turkish_code, other] =
            ["tur_Latn", "swh_Latn"].map(|code| code.parse::<Lang>().unwrap());
        let of = |seed, lang, index| {
            turkish(Direction::Both, PromptStyle::Alpaca, Choice::Training { seed, lang, index })
        };
        let made = |seed, index| of(seed, &turkish_code, index);
        let prompts: BTreeSet<String> = (0..400).map(|index| made(1, index).prompt).collect();
        // a wording that does not name its source reads the same only in one direction, for the
        // text differs
        assert_eq!(prompts.len(), 2 * INSTRUCTIONS.len());
        let backwards = (0..400).filter(|&index| made(1, index).response == pair().english).count();
        assert!((140..260).contains(&backwards), "{backwards}");
        assert_eq!(made(1, 3), made(1, 3));
        assert!((0..20).any(|index| made(1, index) != made(2, index)));
        assert!(
            (0..20).any(|index| made(1, index) != of(1, &other, index)),
            "languages are worded apart"
        );
    }

    #[test]
    fn no_placeholder_is_left() {
        let lang: Lang = "tur_Latn".parse().unwrap();
        for index in 0..100 {
            let prompt = turkish(
                Direction::Both,
                PromptStyle::Alpaca,
                Choice::Training { seed: 0, lang: &lang, index },
            )
            .prompt;
            assert!(!prompt.contains(['{', '}']), "{prompt}");
        }
    }

    #[test]
    fn an_instruction_without_input_has_no_input_section() {
        let record = Instruction {
            instruction: "Greet.".into(),
            input: String::new(),
            output: "Hello".into(),
        };
        assert!(!instruction_example(&record, PromptStyle::Alpaca).prompt.contains("### Input:"));
        assert_eq!(instruction_example(&record, PromptStyle::Compact).prompt, "Greet.\nAnswer:\n");
    }
}
