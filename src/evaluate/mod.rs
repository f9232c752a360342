//! Evaluation of a trained model: its answers to tasks and their scores, and what its layers hold
//! of languages.
//!
//! A [`Task`] turns the rows of a table into [`Item`]s, each a prompt and the answers that are
//! right; [`answer`] writes a model's own answers, freely or out of choices, and [`scores`]
//! compares. [`representation`] looks at the residual stream of parallel sentences instead.

mod answer;
mod outside;
mod representation;
mod scoring;
mod similarity;
mod spans;
mod task;

pub use answer::{Answer, Setting, answer};
pub use outside::outside;
pub use representation::{LayerRow, Parallel, Point, Study, representation};
pub use scoring::{Metric, language_rate, scores};
pub use similarity::{cosine, overlap};
pub use spans::spans;
pub use task::{Columns, Item, Task};

use crate::model::TokenizerError;

/// Why there is no evaluation.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum EvaluateError {
    /// The tensor library failed.
    #[error("tensors: {0}")]
    Tensor(#[from] candle_core::Error),
    /// The tokenizer failed.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// A row without a field of the task.
    #[error("row {row} has no `{column}`, found {found}")]
    Field { row: u64, column: String, found: String },
    /// An answer that is no number.
    #[error("row {row}: the answer is `{found}`, expected a number")]
    Number { row: u64, found: String },
    /// A label that is none.
    #[error("row {row}: the label is `{found}`, expected one of {expected}")]
    Label { row: u64, found: String, expected: String },
    /// Columns that are not of the task.
    #[error("`{found}` is no column of the task, expected {expected}")]
    Role { found: String, expected: String },
    /// Two columns for one role.
    #[error("the columns `{first}` and `{second}` both play `{role}`, expected one")]
    SameRole { role: String, first: String, second: String },
    /// A prompt that leaves no room for an answer.
    #[error(
        "the context of {context} tokens has no room for {max_tokens} tokens of an answer and a \
        prompt"
    )]
    Context { context: usize, max_tokens: usize },
    /// Nothing to do.
    #[error("{found} rows are left, expected at least {needed}")]
    TooFew { found: usize, needed: usize },
    /// A file of scores that is none.
    #[error("no scores: {cause}")]
    Outside { cause: String },
}
