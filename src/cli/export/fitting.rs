//! The rows that are written of a language once their tokens are counted.

use crate::export::Length;

/// Which rows, and how long they are.
pub(super) struct Fitting {
    /// Their places among all.
    pub places: Vec<usize>,
    /// The tokens of each.
    pub lengths: Vec<Length>,
    /// Rows above the limit that were left out.
    pub skipped: u64,
}
