//! Portions: the rows that one language gets, made one at a time.

use super::ExportError;
use std::collections::BTreeSet;
use std::fmt;

/// One training example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// What is asked.
    pub instruction: String,
    /// The text it is asked of; empty where the instruction says all.
    pub input: String,
    /// The answer.
    pub output: String,
    /// Code of the language of the answer.
    pub to: String,
}

impl Row {
    /// What a user says in a chat.
    pub fn asked(&self) -> String {
        self.asked_with("\n\n")
    }

    /// The same with something else between the instruction and its text.
    pub fn asked_with(&self, between: &str) -> String {
        if self.input.is_empty() {
            self.instruction.clone()
        } else {
            format!("{}{between}{}", self.instruction, self.input)
        }
    }
}

/// Tokens of a row as the trainer makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// Those before the answer.
    pub prompt: u32,
    /// All.
    pub total: u32,
}

/// Rows that are made when they are asked for, so that ten million of them need no memory.
pub struct Rows<'a> {
    count: usize,
    make: Box<dyn Fn(usize) -> Row + Sync + 'a>,
}

impl<'a> Rows<'a> {
    /// So many rows, and how each is made.
    pub fn new(count: usize, make: impl Fn(usize) -> Row + Sync + 'a) -> Self {
        Rows { count, make: Box::new(make) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The row at a place below [`Rows::len`].
    pub fn row(&self, index: usize) -> Row {
        (self.make)(index)
    }
}

impl fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.count)
    }
}

/// What one language gets.
#[derive(Debug)]
pub struct Portion<'a> {
    /// Language code; before it `instructions_` where the rows are no translations.
    pub name: String,
    /// Rows that are read.
    pub drawn: u64,
    /// The unique rows, in a seeded order. More are read than there are: whole passes in this
    /// order, then its beginning.
    pub rows: Rows<'a>,
    /// Rows to validate on; none leaves the language out of validation.
    pub validation: Rows<'a>,
    /// Tokens of each unique row, where they were counted; as long as `rows`.
    pub lengths: Option<Vec<Length>>,
    /// Rows above the limit in whose place the next ones stand.
    pub replaced: u64,
}

impl Portion<'_> {
    /// Different rows among those drawn.
    pub fn unique_drawn(&self) -> u64 {
        self.drawn.min(self.rows.len() as u64)
    }

    /// Rows drawn that have more tokens than `limit`; none where they were not counted.
    pub fn rows_over(&self, limit: u32) -> Option<u64> {
        self.sum(|length| u64::from(length.total > limit))
    }

    /// The sum over all rows drawn of a number that each has; none where they were not counted.
    pub(super) fn sum(&self, of: impl Fn(&Length) -> u64) -> Option<u64> {
        let lengths = self
            .lengths
            .as_ref()
            .filter(|lengths| lengths.len() == self.rows.len() && !lengths.is_empty())?;
        let sum = |lengths: &[Length]| lengths.iter().map(&of).sum::<u64>();
        let (passes, rest) = (self.drawn / lengths.len() as u64, self.drawn % lengths.len() as u64);
        Some(passes * sum(lengths) + sum(&lengths[..rest as usize]))
    }
}

/// The portions with rows, once it is sure that each can be written.
pub(super) fn checked(portions: Vec<Portion<'_>>) -> Result<Vec<Portion<'_>>, ExportError> {
    let mut seen = BTreeSet::new();
    for portion in &portions {
        let name = || portion.name.clone();
        if portion.name.is_empty()
            || !portion.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        {
            return Err(ExportError::Name { found: name() });
        }
        if !seen.insert(&portion.name) {
            return Err(ExportError::Twice { lang: name() });
        }
        if portion.drawn > 0 && portion.rows.is_empty() {
            return Err(ExportError::NoRows { lang: name(), pairs: portion.drawn });
        }
    }
    let present: Vec<_> = portions.into_iter().filter(|portion| portion.drawn > 0).collect();
    if present.is_empty() { Err(ExportError::Empty) } else { Ok(present) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::portion;
    use super::*;

    #[test]
    fn sums_follow_the_rows_drawn() {
        let lengths = || Some([10, 20, 40].map(|total| Length { prompt: 1, total }).to_vec());
        let total = |drawn| {
            Portion { lengths: lengths(), ..portion("x", drawn) }
                .sum(|length| u64::from(length.total))
        };
        assert_eq!((total(2), total(7)), (Some(30), Some(150)));
        assert_eq!(portion("x", 7).sum(|_| 1), None);
        assert_eq!(portion("x", 7).unique_drawn(), 3);
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let error = |portions| checked(portions).unwrap_err();
        assert_eq!(error(vec![portion("a", 0)]), ExportError::Empty);
        for name in ["", "../etc", "a,b", "a b", "<script>"] {
            assert_eq!(error(vec![portion(name, 1)]), ExportError::Name { found: name.to_owned() });
        }
        assert_eq!(
            error(vec![portion("a", 1), portion("a", 0)]),
            ExportError::Twice { lang: "a".to_owned() }
        );
        let none = Portion { rows: Rows::new(0, |_| Row::default()), ..portion("a", 5) };
        assert_eq!(error(vec![none]), ExportError::NoRows { lang: "a".to_owned(), pairs: 5 });
    }
}
