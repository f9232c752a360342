//! Sequences of tokens as a network reads them.

use super::pass::Part;
use std::sync::Arc;

/// Whole sequences laid end to end, and which of their tokens are to be predicted.
#[derive(Debug, Clone)]
pub struct Batch {
    pub(super) tokens: Vec<u32>,
    pub(super) lengths: Arc<[usize]>,
    /// Rows whose next token is a target.
    pub(super) rows: Vec<u32>,
    pub(super) targets: Arc<[u32]>,
}

impl Batch {
    /// The batch of some sequences. Of each, tokens from `first_target` on are predicted, each from
    /// all before it; the last token is only predicted, never read. Sequences without a token to
    /// predict are left out.
    pub fn new<'a>(sequences: impl IntoIterator<Item = (&'a [u32], usize)>) -> Self {
        let (mut tokens, mut lengths, mut rows, mut targets) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (sequence, first_target) in sequences {
            let first_target = first_target.max(1);
            if sequence.len() <= first_target {
                continue;
            }
            let start = tokens.len();
            tokens.extend_from_slice(&sequence[..sequence.len() - 1]);
            lengths.push(sequence.len() - 1);
            rows.extend((first_target..sequence.len()).map(|at| (start + at - 1) as u32));
            targets.extend_from_slice(&sequence[first_target..]);
        }
        Batch { tokens, lengths: lengths.into(), rows, targets: targets.into() }
    }

    /// The same sequences in parts of about `tokens` tokens: one, or an even number of them as far
    /// as whole sequences allow, so that two threads share them. None has more than `most`
    /// sequences, if that is given.
    pub(super) fn parts(&self, tokens: usize, most: Option<usize>) -> Vec<Part<'_>> {
        let most = most.unwrap_or(usize::MAX);
        let count = match (self.tokens.len() + tokens / 2) / tokens {
            0 | 1 => 1,
            more => more.next_multiple_of(2),
        };
        let (mut parts, mut start, mut target) = (Vec::<Part<'_>>::new(), 0, 0);
        let mut sequence = 0;
        while sequence < self.lengths.len() {
            let (first, from) = (sequence, start);
            let fits = |start: usize| {
                start * count / self.tokens.len() == from * count / self.tokens.len()
            };
            while sequence < self.lengths.len() && sequence - first < most && fits(start) {
                start += self.lengths[sequence];
                sequence += 1;
            }
            let targets =
                self.rows[target..].iter().take_while(|&&row| (row as usize) < start).count();
            parts.push(Part {
                tokens: &self.tokens[from..start],
                lengths: &self.lengths[first..sequence],
                rows: self.rows[target..target + targets]
                    .iter()
                    .map(|&row| row as usize - from)
                    .collect(),
                targets: &self.targets[target..target + targets],
            });
            target += targets;
        }
        parts
    }

    /// The same sequences in batches of at most `most`, or in one.
    pub(super) fn cut(&self, most: Option<usize>) -> Vec<Batch> {
        let parts = self.parts(self.tokens.len().max(1), most);
        let batch = |part: Part<'_>| Batch {
            tokens: part.tokens.to_vec(),
            lengths: part.lengths.into(),
            rows: part.rows.iter().map(|&row| row as u32).collect(),
            targets: part.targets.into(),
        };
        parts.into_iter().map(batch).collect()
    }

    /// The batch on a grid with a sequence a row and `columns` columns: its tokens, 0 beyond the
    /// end of a sequence, and the cells with a target.
    pub(super) fn grid(&self, rows: usize, columns: usize) -> (Vec<u32>, Vec<u32>) {
        let (mut tokens, mut cells, mut start, mut target) =
            (vec![0; rows * columns], Vec::with_capacity(self.rows.len()), 0, 0);
        for (row, &len) in self.lengths.iter().enumerate() {
            tokens[row * columns..][..len].copy_from_slice(&self.tokens[start..][..len]);
            while let Some(&at) = self.rows.get(target).filter(|&&at| (at as usize) < start + len) {
                cells.push((row * columns + at as usize - start) as u32);
                target += 1;
            }
            start += len;
        }
        (tokens, cells)
    }

    /// Sequences.
    pub(super) fn sequences(&self) -> usize {
        self.lengths.len()
    }

    /// Tokens read.
    pub fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Tokens of the longest sequence.
    pub(super) fn longest(&self) -> usize {
        self.lengths.iter().copied().max().unwrap_or(0)
    }

    /// Tokens predicted.
    pub fn targets(&self) -> usize {
        self.targets.len()
    }
}
