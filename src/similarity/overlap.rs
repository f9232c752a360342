//! Gamma by vocabulary: the share of subword tokens that the texts of two languages have in common.
//!
//! With `p_t` and `q_t` the relative frequencies of token t in the English text and in the other:
//!
//! ```text
//! gamma = sum_t min(p_t, q_t)
//! ```
//!
//! one less the total variation distance of the two distributions: 1 for the same text, 0 for texts
//! without a common token.

use serde::{Deserialize, Serialize};

/// What two texts share of a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlap {
    /// Tokens of the English text.
    pub english_tokens: u64,
    /// Tokens of the other text.
    pub other_tokens: u64,
    /// `sum_t min(p_t, q_t)`.
    pub gamma: f64,
    /// Types in both texts over types in either (Jaccard), for comparison: rare tokens count as
    /// much as frequent ones.
    pub types: f64,
}

impl Overlap {
    /// From how often each token stands in either text; tokens beyond the end of one stand there
    /// never.
    pub fn new(english: &[u64], other: &[u64]) -> Self {
        let (english_tokens, other_tokens): (u64, u64) = (english.iter().sum(), other.iter().sum());
        let count = |counts: &[u64], token: usize| counts.get(token).copied().unwrap_or(0);
        let tokens = || {
            (0..english.len().max(other.len()))
                .map(|token| (count(english, token), count(other, token)))
        };
        let share = |count: u64, of: u64| count as f64 / of.max(1) as f64;
        let common =
            tokens().map(|(p, q)| share(p, english_tokens).min(share(q, other_tokens))).sum();
        let both = tokens().filter(|&(p, q)| p > 0 && q > 0).count();
        let either = tokens().filter(|&(p, q)| p > 0 || q > 0).count();
        Overlap {
            english_tokens,
            other_tokens,
            gamma: common,
            types: both as f64 / either.max(1) as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_count_and_lengths_do_not() {
        // p = (.5, .5, 0), q = (.1, .2, .7): .1 + .2
        let found = Overlap::new(&[5, 5], &[10, 20, 70]);
        approx::assert_relative_eq!(found.gamma, 0.3, epsilon = 1e-12);
        approx::assert_relative_eq!(found.types, 2.0 / 3.0, epsilon = 1e-12);
        approx::assert_relative_eq!(Overlap::new(&[1, 3], &[100, 300]).gamma, 1.0, epsilon = 1e-12);
        assert_eq!(
            (Overlap::new(&[4, 0], &[0, 4]).gamma, Overlap::new(&[], &[]).gamma),
            (0.0, 0.0)
        );
    }
}
