//! Scores: what is written against what should have been written, from texts alone.
//!
//! With a segment's hypothesis and its references, n-grams `g` of order `n` and their counts `c`,
//! over a whole corpus:
//!
//! ```text
//! BLEU  = 100 min(1, e^{1 - r/h}) (p_1 p_2 p_3 p_4)^{1/4}
//!         p_n = sum_g min(c_hyp(g), c_ref(g)) / sum_g c_hyp(g)
//! chrF  = 100 (1 + b^2) P R / (b^2 P + R),   b = 2
//!         P, R means over orders of matches / hypothesis, / reference
//! F1    = 2 P R / (P + R)
//!         P, R the shares of common words in answer and truth
//! ```
//!
//! BLEU and chrF equal sacrebleu's and carry its signatures; exact match and F1 equal those of the
//! SQuAD and the MLQA script.

mod answers;
mod bleu;
mod chrf;
mod language;
mod words;

pub use answers::{Articles, Normalisation, exact_match, f1, number, says_number};
pub use bleu::Bleu;
pub use chrf::Chrf;
pub use language::{Identifier, is_in_script};
pub use words::Words;

use serde::Serialize;

/// The version of sacrebleu whose scores are these.
const SACREBLEU: &str = "2.6.0";

/// What is wrong with texts that are to be scored.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum ScoreError {
    /// Hypotheses and references that do not correspond.
    #[error("{hypotheses} hypotheses and {references} references, expected as many")]
    Uneven { hypotheses: usize, references: usize },
    /// Nothing to score.
    #[error("no segment, expected at least one")]
    Empty,
    /// The tokenizer of a metric refused a text.
    #[error("tokenizer `{name}`: {cause}")]
    Pieces { name: String, cause: String },
    /// A word that names no way to cut.
    #[error(
        "`{found}` cuts no text into words, expected `13a`, `intl`, `zh`, `char`, `none` or a \
        `tokenizer.json`"
    )]
    Words { found: String },
}

/// The score of a corpus.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Name of the metric.
    pub metric: String,
    /// From 0 to 100, or on the scale of the program that made it.
    pub value: f64,
    /// All that decides it beside the texts.
    pub signature: String,
    /// Segments scored.
    pub segments: usize,
}

/// Checks that there are texts, and as many references in every set as hypotheses.
fn check(hypotheses: &[String], references: &[Vec<String>]) -> Result<(), ScoreError> {
    if hypotheses.is_empty() || references.is_empty() {
        return Err(ScoreError::Empty);
    }
    match references.iter().find(|set| set.len() != hypotheses.len()) {
        Some(set) => {
            Err(ScoreError::Uneven { hypotheses: hypotheses.len(), references: set.len() })
        }
        None => Ok(()),
    }
}
