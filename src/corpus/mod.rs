//! Corpora: bitext and constructed languages, deduplicated, split, as nested prefixes of one seeded
//! shuffle.
//!
//! A [`Source`] describes the files of a corpus, [`Bitext::read`] reads the sources of one language
//! into three parts that share no sentence on either side, and [`Bitext::shuffled`] gives the one
//! order whose prefixes are the subsets of a sweep. [`Constructed`] makes languages whose distance
//! to English is known, and [`prompt`] turns pairs into what a model reads.

mod bitext;
mod cells;
mod columns;
pub mod constructed;
mod error;
mod instruction;
mod lines;
mod objects;
mod pair;
mod pool;
pub mod prompt;
mod report;
mod rows;
mod source;
mod split;
mod table;
mod unpacked;

pub use bitext::{Bitext, Dev, Shuffled, Test, Train, english_text, evaluated, exclude_english};
pub use constructed::Constructed;
pub use error::CorpusError;
pub use instruction::{Instruction, Instructions, Tongue};
pub use pair::Pair;
pub use prompt::{Example, PromptStyle};
pub use report::{BadRow, FileReport, ReadReport, Reason};
pub use source::{Column, Format, Source};
pub use split::{HashSplit, Split};
pub use table::{Row, read_lines, read_parallel, read_table};
#[cfg(test)]
mod tests;
