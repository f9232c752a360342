//! A pair of sentences.

/// A sentence and its translation, in Unicode NFC with single spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The English side.
    pub english: String,
    /// The side in the other language.
    pub other: String,
}
