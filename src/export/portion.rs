//! Portions: the rows that one language gets, and their file of JSON lines.

use super::ExportError;
use std::collections::BTreeSet;

/// One training example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row<'a> {
    /// What is asked.
    pub instruction: &'a str,
    /// The text it is asked of.
    pub input: &'a str,
    /// The answer.
    pub output: &'a str,
}

/// What one language gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Portion<'a> {
    /// Language code.
    pub lang: &'a str,
    /// Pairs allocated.
    pub pairs: u64,
    /// The unique rows, in the order of the corpus' seeded shuffle.
    /// More pairs than rows: whole passes in this order, then its beginning.
    pub rows: &'a [Row<'a>],
    /// Rows to validate on; none leaves the language out of validation.
    pub validation: &'a [Row<'a>],
    /// Target tokens of one pass over each row, where they were counted; as long as `rows`.
    pub target_tokens: Option<&'a [u32]>,
}

impl Portion<'_> {
    /// Different rows among those drawn.
    pub fn unique_drawn(&self) -> u64 {
        self.pairs.min(self.rows.len() as u64)
    }

    /// Target tokens of all rows drawn.
    pub fn tokens_drawn(&self) -> Option<u64> {
        let tokens = self.target_tokens.filter(|tokens| tokens.len() == self.rows.len() && !tokens.is_empty())?;
        let sum = |tokens: &[u32]| tokens.iter().copied().map(u64::from).sum::<u64>();
        let (passes, rest) = (self.pairs / tokens.len() as u64, self.pairs % tokens.len() as u64);
        Some(passes * sum(tokens) + sum(&tokens[..rest as usize]))
    }
}

/// The portions with pairs, once it is sure that each can be written.
pub(super) fn checked<'a, 'b>(portions: &'b [Portion<'a>]) -> Result<Vec<&'b Portion<'a>>, ExportError> {
    let mut seen = BTreeSet::new();
    for portion in portions {
        if portion.lang.is_empty() || !portion.lang.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return Err(ExportError::Name { found: portion.lang.to_owned() });
        }
        if !seen.insert(portion.lang) {
            return Err(ExportError::Twice { lang: portion.lang.to_owned() });
        }
        if portion.pairs > 0 && portion.rows.is_empty() {
            return Err(ExportError::NoRows { lang: portion.lang.to_owned(), pairs: portion.pairs });
        }
    }
    let present: Vec<_> = portions.iter().filter(|portion| portion.pairs > 0).collect();
    if present.is_empty() { Err(ExportError::Empty) } else { Ok(present) }
}

/// Bytes of about one chunk.
const CHUNK: usize = 1 << 20;

/// A file of JSON lines, rendered chunk by chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonLines<'a> {
    path: String,
    rows: &'a [Row<'a>],
    count: u64,
}

impl<'a> JsonLines<'a> {
    /// `count` rows, `rows` being repeated from their beginning where they are fewer; rows must not be empty.
    pub(super) fn new(path: String, rows: &'a [Row<'a>], count: u64) -> Self {
        JsonLines { path, rows, count }
    }

    /// Path, relative to the folder of the export.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Lines of the file.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The bytes, in order, in chunks of about a mebibyte that end with a line.
    pub fn chunks(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        let mut lines = (0..self.count).zip(self.rows.iter().cycle()).map(|(_, row)| line(row));
        std::iter::from_fn(move || {
            let mut chunk = lines.next()?;
            while chunk.len() < CHUNK {
                let Some(line) = lines.next() else { break };
                chunk.extend(line);
            }
            Some(chunk)
        })
    }
}

fn line(row: &Row) -> Vec<u8> {
    // `Value` escapes texts and cannot fail
    let [instruction, input, output] = [row.instruction, row.input, row.output].map(|text| serde_json::Value::from(text).to_string());
    format!("{{\"instruction\":{instruction},\"input\":{input},\"output\":{output}}}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn row(input: &str) -> Row<'_> {
        Row { instruction: "Translate.", input, output: "x\n\"y\"" }
    }

    const ROWS: [Row; 3] = [row("one"), row("two"), row("three")];

    fn portion(lang: &'static str, pairs: u64) -> Portion<'static> {
        Portion { lang, pairs, rows: &ROWS, validation: &[], target_tokens: Some(&[10, 20, 40]) }
    }

    fn inputs(count: u64) -> Vec<String> {
        let bytes: Vec<u8> = JsonLines::new("f".to_owned(), &ROWS, count).chunks().flatten().collect();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["input"].as_str().unwrap().to_owned();
        text.lines().map(read).collect()
    }

    #[test]
    fn rows_repeat_in_whole_passes_and_then_from_the_beginning() {
        assert_eq!(inputs(2), ["one", "two"]);
        assert_eq!(inputs(7), ["one", "two", "three", "one", "two", "three", "one"]);
        assert!(inputs(0).is_empty());
    }

    #[test]
    fn chunks_hold_every_line_once() {
        let lines = JsonLines::new("f".to_owned(), &ROWS, 100_000);
        assert!(lines.chunks().count() > 3);
        assert_eq!(lines.chunks().map(|chunk| chunk.iter().filter(|&&byte| byte == b'\n').count()).sum::<usize>(), 100_000);
        assert!(lines.chunks().all(|chunk| chunk.ends_with(b"\n")));
    }

    #[test]
    fn tokens_follow_the_rows_drawn() {
        assert_eq!(portion("x", 2).tokens_drawn(), Some(30));
        assert_eq!(portion("x", 7).tokens_drawn(), Some(150));
        assert_eq!(Portion { target_tokens: None, ..portion("x", 7) }.tokens_drawn(), None);
        assert_eq!(portion("x", 7).unique_drawn(), 3);
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        assert_eq!(checked(&[portion("a", 0)]), Err(ExportError::Empty));
        for name in ["", "../etc", "a,b", "a b", "<script>"] {
            assert_eq!(checked(&[portion(name, 1)]), Err(ExportError::Name { found: name.to_owned() }));
        }
        assert_eq!(checked(&[portion("a", 1), portion("a", 0)]), Err(ExportError::Twice { lang: "a".to_owned() }));
        let none = Portion { rows: &[], ..portion("a", 5) };
        assert_eq!(checked(&[none]), Err(ExportError::NoRows { lang: "a".to_owned(), pairs: 5 }));
    }
}
