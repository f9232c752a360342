//! Answers against truths: the scores that go with a task, and the language of answers.

use super::answer::Answer;
use super::task::{Item, Task};
use crate::score::{
    Bleu, Chrf, Identifier, Score, ScoreError, Words, exact_match, f1, is_in_script, number,
    says_number,
};
use crate::units::Lang;

/// A metric of texts.
#[derive(Debug, Clone)]
pub enum Metric {
    /// BLEU over words.
    Bleu(Words),
    /// chrF, or chrF++.
    Chrf(Chrf),
}

impl Metric {
    /// The score of a corpus; `references` are sets, each with one reference a segment.
    pub fn corpus(
        &self,
        hypotheses: &[String],
        references: &[Vec<String>],
    ) -> Result<Score, ScoreError> {
        match self {
            Metric::Bleu(words) => Bleu::new(words.clone()).corpus(hypotheses, references),
            Metric::Chrf(chrf) => chrf.corpus(hypotheses, references),
        }
    }
}

/// The scores of answers: `metrics` of translations, exact match and F1 of answers from texts,
/// accuracy of numbers and labels; 0 to 100.
pub fn scores(
    task: &Task,
    items: &[Item],
    answers: &[Answer],
    metrics: &[Metric],
) -> Result<Vec<Score>, ScoreError> {
    let mean = |metric: &str, signature: String, score: &dyn Fn(&str, &Item) -> f64| {
        let sum: f64 =
            items.iter().zip(answers).map(|(item, answer)| score(&answer.text, item)).sum();
        let value = 100.0 * sum / items.len() as f64;
        Score { metric: metric.to_owned(), value, signature, segments: items.len() }
    };
    if items.is_empty() {
        return Err(ScoreError::Empty);
    }
    match task {
        Task::Translation { .. } => {
            let hypotheses: Vec<String> =
                answers.iter().map(|answer| answer.text.clone()).collect();
            let references = [items.iter().map(|item| item.truths[0].clone()).collect::<Vec<_>>()];
            metrics.iter().map(|metric| metric.corpus(&hypotheses, &references)).collect()
        }
        Task::Questions { normalisation, by_spans } => {
            let signature = || {
                format!(
                    "norm:{}|spans:{}",
                    normalisation.name(),
                    if *by_spans { "yes" } else { "no" }
                )
            };
            Ok(vec![
                mean("exact match", signature(), &|answer, item| {
                    exact_match(answer, &item.truths, *normalisation)
                }),
                mean("F1", signature(), &|answer, item| f1(answer, &item.truths, *normalisation)),
            ])
        }
        Task::Numbers => {
            let is_right = |answer: &str, item: &Item| {
                item.truths
                    .iter()
                    .filter_map(|truth| number(truth))
                    .any(|truth| says_number(answer, truth))
            };
            Ok(vec![mean("accuracy", "last:number".to_owned(), &|answer, item| {
                f64::from(u8::from(is_right(answer, item)))
            })])
        }
        Task::Labels(labels) => {
            let signature = format!("labels:{}", labels.len());
            Ok(vec![mean("accuracy", signature, &|answer, item| {
                f64::from(u8::from(item.truths.iter().any(|truth| truth == answer)))
            })])
        }
    }
}

/// The share of answers that are in a language, percent: by an identifier that knows it, or else by
/// its script. `None` where neither is known.
pub fn language_rate(
    answers: &[Answer],
    lang: &Lang,
    identifier: Option<&Identifier>,
) -> Option<Score> {
    let identifier = identifier.filter(|identifier| identifier.langs().contains(lang));
    let signature = match identifier {
        Some(identifier) => {
            format!("lang:{}|by:ngrams|among:{}", lang.code(), identifier.langs().len())
        }
        None => format!("lang:{}|by:script", lang.code()),
    };
    let is_in = |answer: &Answer| match identifier {
        Some(identifier) => Some(identifier.identify(&answer.text) == Some(lang)),
        None => is_in_script(&answer.text, lang),
    };
    let verdicts = answers
        .iter()
        .map(is_in)
        .collect::<Option<Vec<bool>>>()
        .filter(|verdicts| !verdicts.is_empty())?;
    let right = verdicts.iter().filter(|&&is_in| is_in).count();
    Some(Score {
        metric: "in language".to_owned(),
        value: 100.0 * right as f64 / verdicts.len() as f64,
        signature,
        segments: verdicts.len(),
    })
}
