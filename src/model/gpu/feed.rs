//! The batches of R runs as a card reads them: arrays of one length, padded with rows that see only
//! themselves and have no target.

use crate::model::batch::Batch;
use std::ops::Range;

/// No row.
const NONE: u32 = u32::MAX;

/// Rows of a tile of the attention: lengths are multiples of it.
const TILE: usize = 64;

/// Rows and targets of each run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Shape {
    /// Tokens read.
    pub n: usize,
    /// Of them, those with a target.
    pub m: usize,
}

impl Shape {
    /// One that holds each of some batches. Lengths are rounded up by an eighth at most, so that
    /// many batches share a few shapes.
    pub(super) fn of<'a>(batches: impl IntoIterator<Item = &'a Batch>) -> Self {
        let most = batches.into_iter().fold(Shape::default(), |most, batch| Shape {
            n: most.n.max(batch.tokens()),
            m: most.m.max(batch.targets()),
        });
        Shape::rounded(most.n, most.m)
    }

    /// One that holds so many tokens and targets.
    pub(super) fn rounded(tokens: usize, targets: usize) -> Self {
        Shape { n: rounded(tokens), m: rounded(targets) }
    }

    /// One that holds both.
    pub(super) fn and(self, other: Self) -> Self {
        Shape { n: self.n.max(other.n), m: self.m.max(other.m) }
    }

    /// Words of a feed for so many runs.
    pub(super) fn words(self, runs: usize) -> usize {
        runs * (5 * self.n + 2 * self.m)
    }
}

fn rounded(len: usize) -> usize {
    let step = (len.next_power_of_two() / 16).max(TILE);
    len.max(1).next_multiple_of(step)
}

/// Parts of a feed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// (R, n)
    Tokens,
    /// First row of the own sequence, (R, n).
    Start,
    /// One past the last row of the own sequence, (R, n).
    End,
    /// Place among the rows with a target, or none; (R, n).
    Place,
    /// Rows by their tokens, then none; (R, n).
    Order,
    /// Rows with a target, then none; (R, m).
    Rows,
    /// (R, m)
    Targets,
}

/// Where a part lies in a feed, in words.
pub(super) fn place(part: Part, shape: Shape, runs: usize) -> Range<usize> {
    let (n, m) = (runs * shape.n, runs * shape.m);
    let (from, len) = match part {
        Part::Tokens => (0, n),
        Part::Start => (n, n),
        Part::End => (2 * n, n),
        Part::Place => (3 * n, n),
        Part::Order => (4 * n, n),
        Part::Rows => (5 * n, m),
        Part::Targets => (5 * n + m, m),
    };
    from..from + len
}

/// The feed of a step: a batch a run, all of at most `shape`.
pub(super) fn feed(batches: &[&Batch], shape: Shape) -> Vec<u32> {
    let runs = batches.len();
    let mut words = vec![0; shape.words(runs)];
    for (run, batch) in batches.iter().enumerate() {
        let mut fill = |part: Part, len: usize, values: &mut dyn Iterator<Item = u32>| {
            let whole = place(part, shape, runs);
            words[whole.start + run * len..][..len]
                .iter_mut()
                .zip(values)
                .for_each(|(word, value)| *word = value);
        };
        let n = batch.tokens.len();
        let alone = (n as u32..shape.n as u32).map(|row| row..row + 1);
        let mut from = 0;
        let sequences = batch.lengths.iter().flat_map(|&len| {
            from += len as u32;
            std::iter::repeat_n(from - len as u32..from, len)
        });
        let bounds: Vec<Range<u32>> = sequences.chain(alone).collect();
        let mut places = vec![NONE; shape.n];
        (0..).zip(&batch.rows).for_each(|(at, &row)| places[row as usize] = at);
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_by_key(|&row| batch.tokens[row as usize]);
        let none = std::iter::repeat(NONE);
        fill(Part::Tokens, shape.n, &mut batch.tokens.iter().copied());
        fill(Part::Start, shape.n, &mut bounds.iter().map(|bounds| bounds.start));
        fill(Part::End, shape.n, &mut bounds.iter().map(|bounds| bounds.end));
        fill(Part::Place, shape.n, &mut places.into_iter());
        fill(Part::Order, shape.n, &mut order.into_iter().chain(none.clone()));
        fill(Part::Rows, shape.m, &mut batch.rows.iter().copied().chain(none));
        fill(Part::Targets, shape.m, &mut batch.targets.iter().copied());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_few_and_little_is_padded() {
        assert_eq!(
            [0, 1, 64, 65, 400, 1024, 1025, 2048].map(rounded),
            [64, 64, 64, 128, 448, 1024, 1152, 2048]
        );
        assert!((1000..100_000).step_by(37).all(|len| (rounded(len) as f64) < 1.13 * len as f64));
    }

    #[test]
    fn a_feed_is_what_the_batches_are() {
        let batch = Batch::new([([5, 3, 5, 9].as_slice(), 2), ([3, 7].as_slice(), 1)]);
        let shape = Shape { n: 6, m: 4 };
        let words = feed(&[&batch, &batch], shape);
        let of = |part, run: usize| {
            let whole = place(part, shape, 2);
            let len = whole.len() / 2;
            words[whole.start + run * len..][..len].to_vec()
        };
        for run in [0, 1] {
            assert_eq!(of(Part::Tokens, run), [5, 3, 5, 3, 0, 0]);
            assert_eq!(of(Part::Start, run), [0, 0, 0, 3, 4, 5]);
            assert_eq!(of(Part::End, run), [3, 3, 3, 4, 5, 6]);
            assert_eq!(of(Part::Place, run), [NONE, 0, 1, 2, NONE, NONE]);
            assert_eq!(of(Part::Order, run), [1, 3, 0, 2, NONE, NONE]);
            assert_eq!(of(Part::Rows, run), [1, 2, 3, NONE]);
            assert_eq!(of(Part::Targets, run), [5, 9, 7, 0]);
        }
    }
}
