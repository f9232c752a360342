//! chrF and chrF++ (Popović 2015, 2017) of a corpus, as sacrebleu computes them.

use super::words::{is_space, split};
use super::{SACREBLEU, Score, ScoreError, check};
use std::collections::HashMap;
use std::hash::Hash;

/// Longest n-gram of characters.
const CHARACTERS: usize = 6;
/// Recall weighs `BETA^2` times as much as precision.
const BETA: f64 = 2.0;

/// n-grams of one order: in the hypothesis, in the reference, in both.
type Counts = [u64; 3];

/// The characters of a segment without white space, and its words with punctuation apart.
struct Segment {
    characters: Vec<char>,
    words: Vec<String>,
}

impl Segment {
    fn new(text: &str) -> Self {
        Segment {
            characters: text.chars().filter(|&c| !is_space(c)).collect(),
            words: split(text).flat_map(without_mark).collect(),
        }
    }
}

/// A word with the mark of ASCII that ends it, or else the one that starts it, apart.
fn without_mark(word: &str) -> Vec<String> {
    let mut characters = word.chars();
    let (first, last) = (characters.next(), characters.next_back());
    let is_mark = |c: Option<char>| c.is_some_and(|c| c.is_ascii_punctuation());
    match () {
        () if is_mark(last) => {
            [&word[..word.len() - 1], &word[word.len() - 1..]].map(str::to_owned).to_vec()
        }
        () if last.is_some() && is_mark(first) => {
            [&word[..1], &word[1..]].map(str::to_owned).to_vec()
        }
        () => vec![word.to_owned()],
    }
}

fn counts<T: Eq + Hash>(hypothesis: &[T], reference: &[T], n: usize) -> Counts {
    let count = |items: &'_ [T]| items.len().saturating_sub(n - 1) as u64;
    let mut left: HashMap<&[T], u64> = HashMap::new();
    for gram in reference.windows(n) {
        *left.entry(gram).or_default() += 1;
    }
    let mut matched = 0;
    for gram in hypothesis.windows(n) {
        if let Some(left) = left.get_mut(gram).filter(|left| **left > 0) {
            *left -= 1;
            matched += 1;
        }
    }
    // where the reference has no n-gram of an order, those of the hypothesis are no mistakes
    let found = if left.is_empty() { 0 } else { count(hypothesis) };
    [found, count(reference), matched]
}

/// Harmonic mean of precision and recall, each a mean over the orders that both sides have;
/// percent.
fn score(counts: &[Counts]) -> f64 {
    let orders =
        || counts.iter().filter(|[hypothesis, reference, _]| *hypothesis > 0 && *reference > 0);
    let count = orders().count() as f64;
    let mean = |side: usize| {
        orders().map(|counts| counts[2] as f64 / counts[side] as f64).sum::<f64>() / count
    };
    if count == 0.0 || mean(0) + mean(1) == 0.0 {
        return 0.0;
    }
    let (precision, recall, factor) = (mean(0), mean(1), BETA * BETA);
    100.0 * (1.0 + factor) * precision * recall / (factor * precision + recall)
}

/// chrF: with no words, or chrF++: with n-grams of up to two words beside those of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chrf {
    words: usize,
}

impl Chrf {
    /// chrF.
    pub fn plain() -> Self {
        Chrf { words: 0 }
    }

    /// chrF++.
    pub fn plus_plus() -> Self {
        Chrf { words: 2 }
    }

    /// The score of a corpus; `references` are sets, each with one reference a segment, of which
    /// the best counts.
    pub fn corpus(
        &self,
        hypotheses: &[String],
        references: &[Vec<String>],
    ) -> Result<Score, ScoreError> {
        check(hypotheses, references)?;
        let mut sums = vec![[0; 3]; CHARACTERS + self.words];
        for (at, hypothesis) in hypotheses.iter().enumerate() {
            let best = self.best(hypothesis, references.iter().map(|set| set[at].as_str()));
            sums.iter_mut().zip(best).for_each(|(sum, counts)| {
                sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count)
            });
        }
        let signature = format!(
            "nrefs:{}|case:mixed|eff:yes|nc:{CHARACTERS}|nw:{}|space:no|version:{SACREBLEU}",
            references.len(),
            self.words
        );
        let metric = format!("chrF{BETA}{}", "+".repeat(self.words));
        Ok(Score { metric, value: score(&sums), signature, segments: hypotheses.len() })
    }

    /// The counts of all orders against the reference that scores best, the first of equals.
    fn best<'a>(&self, hypothesis: &str, references: impl Iterator<Item = &'a str>) -> Vec<Counts> {
        let hypothesis = Segment::new(hypothesis);
        let all = |reference: &str| -> Vec<Counts> {
            let reference = Segment::new(reference);
            let characters =
                (1..=CHARACTERS).map(|n| counts(&hypothesis.characters, &reference.characters, n));
            characters
                .chain((1..=self.words).map(|n| counts(&hypothesis.words, &reference.words, n)))
                .collect()
        };
        let better = |best: Vec<Counts>, next: Vec<Counts>| {
            if score(&next) > score(&best) { next } else { best }
        };
        references.map(all).reduce(better).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_leaves_a_word() {
        let words = |text: &str| Segment::new(text).words.join(" ");
        assert_eq!(words("(hi) \"yes ! well... ，好"), "(hi ) \" yes ! well.. . ，好");
    }
}
