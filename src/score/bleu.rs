//! BLEU (Papineni et al. 2002) of a corpus, as sacrebleu computes it (Post 2018).

use super::words::Words;
use super::{SACREBLEU, Score, ScoreError, check};
use std::collections::HashMap;

/// Longest n-gram.
const ORDERS: usize = 4;

/// Counts that add up over segments.
#[derive(Debug, Clone, Default)]
struct Counts {
    hypothesis: u64,
    reference: u64,
    matched: [u64; ORDERS],
    total: [u64; ORDERS],
}

type Grams<'a> = HashMap<&'a [String], u64>;

fn grams(words: &[String]) -> Grams<'_> {
    let mut grams = Grams::new();
    for gram in (1..=ORDERS).flat_map(|n| words.windows(n)) {
        *grams.entry(gram).or_default() += 1;
    }
    grams
}

impl Counts {
    fn add(&mut self, hypothesis: &[String], references: &[Vec<String>]) {
        let mut most = Grams::new();
        for (gram, count) in references.iter().flat_map(|reference| grams(reference)) {
            let entry = most.entry(gram).or_default();
            *entry = count.max(*entry);
        }
        for (gram, count) in grams(hypothesis) {
            self.total[gram.len() - 1] += count;
            self.matched[gram.len() - 1] += count.min(most.get(gram).copied().unwrap_or(0));
        }
        // of two references that are as close, the shorter one counts
        let closest = references
            .iter()
            .map(Vec::len)
            .min_by_key(|&len| (len.abs_diff(hypothesis.len()), len));
        self.hypothesis += hypothesis.len() as u64;
        self.reference += closest.unwrap_or(0) as u64;
    }

    /// The score; orders without a match are smoothed by halving, as in `mteval-v13a`.
    fn score(&self) -> f64 {
        if self.matched.iter().all(|&matched| matched == 0) {
            return 0.0;
        }
        let (mut halvings, mut log_sum) = (1.0, 0.0);
        for (&matched, &total) in self.matched.iter().zip(&self.total) {
            log_sum += match (matched, total) {
                (_, 0) => return 0.0,
                (0, total) => {
                    halvings *= 2.0;
                    (100.0 / (halvings * total as f64)).ln()
                }
                (matched, total) => (100.0 * matched as f64 / total as f64).ln(),
            };
        }
        let (h, r) = (self.hypothesis as f64, self.reference as f64);
        let brevity = if h < r { (1.0 - r / h).exp() } else { 1.0 };
        brevity * (log_sum / ORDERS as f64).exp()
    }
}

/// BLEU over words cut in one way.
#[derive(Debug, Clone)]
pub struct Bleu {
    words: Words,
}

impl Bleu {
    /// BLEU over the words that `words` gives.
    pub fn new(words: Words) -> Self {
        Bleu { words }
    }

    /// The score of a corpus; `references` are sets, each with one reference a segment.
    pub fn corpus(
        &self,
        hypotheses: &[String],
        references: &[Vec<String>],
    ) -> Result<Score, ScoreError> {
        check(hypotheses, references)?;
        let mut counts = Counts::default();
        for (at, hypothesis) in hypotheses.iter().enumerate() {
            let references = references
                .iter()
                .map(|set| self.words.cut(&set[at]))
                .collect::<Result<Vec<_>, _>>()?;
            counts.add(&self.words.cut(hypothesis)?, &references);
        }
        let signature = format!(
            "nrefs:{}|case:mixed|eff:no|tok:{}|smooth:exp|version:{SACREBLEU}",
            references.len(),
            self.words.name()
        );
        Ok(Score {
            metric: "BLEU".to_owned(),
            value: counts.score(),
            signature,
            segments: hypotheses.len(),
        })
    }
}
