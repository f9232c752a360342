//! Tasks: rows of a table → prompts and the answers that are right.

use super::EvaluateError;
use super::spans::spans;
use crate::corpus::prompt::{self, PromptStyle};
use crate::corpus::{Example, Instruction, Row};
use crate::score::{Normalisation, number};
use crate::units::Lang;
use std::collections::BTreeMap;

/// What a model is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// A text in another language.
    Translation {
        /// Language of the text that is read.
        from: Lang,
        /// Language that the model is to write.
        to: Lang,
    },
    /// A question about a text, as in XQuAD and MLQA; with `by_spans`, the answer is a span of the
    /// text.
    Questions {
        /// What is made equal before answers are compared with those that are right.
        normalisation: Normalisation,
        /// Whether only spans of the text are allowed as answers.
        by_spans: bool,
    },
    /// A problem whose answer is a number, as in MGSM.
    Numbers,
    /// Which of some labels a text has.
    Labels(Vec<String>),
}

/// One thing asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Name or number of the row.
    pub id: String,
    /// What is read.
    pub prompt: String,
    /// Answers that are right, at least one.
    pub truths: Vec<String>,
    /// The only answers that are allowed, where not all are.
    pub choices: Option<Vec<String>>,
}

/// The columns of a table that play the roles of a task; a role without a column has one of its own
/// name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns(BTreeMap<String, String>);

impl Columns {
    /// The columns of `role=column` pairs, of some roles.
    pub fn new(pairs: &[(String, String)], roles: &[&str]) -> Result<Self, EvaluateError> {
        if let Some((role, _)) = pairs.iter().find(|(role, _)| !roles.contains(&role.as_str())) {
            return Err(EvaluateError::Role { found: role.clone(), expected: roles.join(", ") });
        }
        let mut columns = BTreeMap::new();
        for (role, column) in pairs {
            if let Some(first) = columns.insert(role.clone(), column.clone()) {
                return Err(EvaluateError::SameRole {
                    role: role.clone(),
                    first,
                    second: column.clone(),
                });
            }
        }
        Ok(Columns(columns))
    }

    /// The texts of a row in a role.
    pub fn texts<'a>(&self, row: &'a Row, role: &str) -> Result<&'a [String], EvaluateError> {
        let column = self.0.get(role).map_or(role, String::as_str);
        row.fields.get(column).map(Vec::as_slice).filter(|texts| !texts.is_empty()).ok_or_else(
            || EvaluateError::Field {
                row: row.number,
                column: column.to_owned(),
                found: row
                    .fields
                    .keys()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
            },
        )
    }
}

impl Task {
    /// The roles of columns.
    pub fn roles(&self) -> &'static [&'static str] {
        match self {
            Task::Translation { .. } => &["source", "target"],
            Task::Questions { .. } => &["question", "context", "answer"],
            Task::Numbers => &["question", "answer"],
            Task::Labels(_) => &["text", "label"],
        }
    }

    /// Whether an answer ends with its line. Problems are worked out over several.
    pub fn is_one_line(&self) -> bool {
        *self != Task::Numbers
    }

    /// The items of some rows, each after the examples that `shots` make.
    pub fn items(
        &self,
        rows: &[Row],
        shots: &[Row],
        columns: &Columns,
        style: PromptStyle,
    ) -> Result<Vec<Item>, EvaluateError> {
        let mut before = String::new();
        for row in shots {
            let example = self.example(row, columns, style)?;
            before += &format!("{}{}\n\n", example.prompt, example.response);
        }
        rows.iter()
            .map(|row| {
                let truths =
                    columns.texts(row, self.roles().last().copied().unwrap_or_default())?.to_vec();
                self.check(row, &truths)?;
                Ok(Item {
                    id: row.text("id").map_or_else(|| row.number.to_string(), str::to_owned),
                    prompt: format!("{before}{}", self.example(row, columns, style)?.prompt),
                    truths,
                    choices: self.choices(row, columns)?,
                })
            })
            .collect()
    }

    fn choices(&self, row: &Row, columns: &Columns) -> Result<Option<Vec<String>>, EvaluateError> {
        Ok(match self {
            Task::Labels(labels) => Some(labels.clone()),
            Task::Questions { by_spans: true, .. } => {
                Some(spans(&columns.texts(row, "context")?[0]))
            }
            _ => None,
        })
    }

    fn check(&self, row: &Row, truths: &[String]) -> Result<(), EvaluateError> {
        let (row, found) = (row.number, truths[0].clone());
        match self {
            Task::Numbers if number(&found).is_none() => Err(EvaluateError::Number { row, found }),
            Task::Labels(labels) if !labels.contains(&found) => {
                Err(EvaluateError::Label { row, found, expected: labels.join(", ") })
            }
            _ => Ok(()),
        }
    }

    /// Prompt and right answer of a row.
    fn example(
        &self,
        row: &Row,
        columns: &Columns,
        style: PromptStyle,
    ) -> Result<Example, EvaluateError> {
        let text = |role: &str| Ok::<_, EvaluateError>(columns.texts(row, role)?[0].clone());
        let ask = |instruction: String, input: String, output: String| {
            prompt::instruction_example(&Instruction { instruction, input, output }, style)
        };
        Ok(match self {
            Task::Translation { from, to } => prompt::translation(
                &text("source")?,
                &text("target")?,
                from.name(),
                to.name(),
                style,
            ),
            Task::Questions { .. } => {
                let instruction = format!(
                    "Answer the question with words of the text below.\nQuestion: {}",
                    text("question")?
                );
                ask(instruction, text("context")?, text("answer")?)
            }
            Task::Numbers => ask(
                "Solve the problem below and give the number that answers it.".to_owned(),
                text("question")?,
                text("answer")?,
            ),
            Task::Labels(labels) => ask(
                format!("Which label fits the text below? Labels: {}.", labels.join(", ")),
                text("text")?,
                text("label")?,
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u64, fields: &[(&str, &str)]) -> Row {
        Row {
            number,
            fields: fields
                .iter()
                .map(|(name, text)| ((*name).to_owned(), vec![(*text).to_owned()]))
                .collect(),
        }
    }

    #[test]
    fn shots_come_before_the_question() {
        let task = Task::Labels(vec!["good".into(), "bad".into()]);
        let rows = [
            row(1, &[("text", "A fine day"), ("label", "good")]),
            row(2, &[("text", "Rain"), ("label", "bad")]),
        ];
        let items =
            task.items(&rows[1..], &rows[..1], &Columns::default(), PromptStyle::Compact).unwrap();
        let one = |text: &str| {
            format!("Which label fits the text below? Labels: good, bad.\n{text}\nAnswer:\n")
        };
        assert_eq!(items[0].prompt, format!("{}good\n\n{}", one("A fine day"), one("Rain")));
        assert_eq!(
            (items[0].truths[0].as_str(), items[0].choices.as_ref().unwrap().len()),
            ("bad", 2)
        );
        let wrong = task.items(
            &[row(3, &[("text", "x"), ("label", "fair")])],
            &[],
            &Columns::default(),
            PromptStyle::Compact,
        );
        assert_eq!(
            wrong.unwrap_err().to_string(),
            "row 3: the label is `fair`, expected one of good, bad"
        );
    }

    #[test]
    fn columns_play_roles() {
        let task = Task::Translation {
            from: "eng_Latn".parse().unwrap(),
            to: "tur_Latn".parse().unwrap(),
        };
        let pairs = |pairs: [(&str, &str); 2]| {
            pairs.map(|(role, column)| (role.to_owned(), column.to_owned()))
        };
        let columns =
            Columns::new(&pairs([("source", "en"), ("target", "xx")]), task.roles()).unwrap();
        let items = task
            .items(
                &[row(7, &[("en", "One."), ("xx", "Bir.")])],
                &[],
                &columns,
                PromptStyle::Compact,
            )
            .unwrap();
        assert_eq!(
            (items[0].prompt.as_str(), items[0].truths[0].as_str()),
            ("English:\nOne.\nTurkish:\n", "Bir.")
        );
        let missing = task
            .items(&[row(7, &[("en", "One.")])], &[], &columns, PromptStyle::Compact)
            .unwrap_err();
        assert_eq!(missing.to_string(), "row 7 has no `xx`, found `en`");
        assert!(Columns::new(&pairs([("source", "en"), ("goal", "xx")]), task.roles()).is_err());
    }
}
