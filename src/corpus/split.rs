//! Splits: which part of a corpus a row belongs to, by what the row says or by the hash of its
//! English side.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A part of a corpus; later parts win where a sentence stands in two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Split {
    /// What runs learn from.
    Train,
    /// What choices are made on.
    Dev,
    /// What is reported.
    Test,
}

impl Split {
    /// The part that a split column names; `None` for a word of another meaning.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Split::Train),
            "dev" | "valid" | "validation" | "val" => Some(Split::Dev),
            "test" => Some(Split::Test),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Dev => "dev",
            Split::Test => "test",
        }
    }
}

impl TryFrom<String> for Split {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Split::parse(&text)
            .ok_or_else(|| format!("`{text}` is not a split, expected `train`, `dev` or `test`"))
    }
}

impl From<Split> for String {
    fn from(split: Split) -> String {
        split.word().to_owned()
    }
}

/// Shares of a corpus that become dev and test, by the hash of the English side.
///
/// Equal English falls on the same part in every corpus and every language. Of a large corpus only
/// the `dev_max` and `test_max` rows of least hash are kept; the others are dropped rather than
/// trained on, so that this stays true.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HashSplit {
    /// Share of dev, from 0 to 1.
    pub dev_share: f64,
    /// Share of test, from 0 to 1.
    pub test_share: f64,
    /// Most rows of dev.
    pub dev_max: usize,
    /// Most rows of test.
    pub test_max: usize,
}

impl Default for HashSplit {
    fn default() -> Self {
        HashSplit { dev_share: 0.02, test_share: 0.02, dev_max: 2000, test_max: 2000 }
    }
}

impl HashSplit {
    /// The part of a row, and its place on `[0, 1)`, by which the rows of dev and of test are
    /// ranked.
    pub(super) fn part(&self, english: &str) -> (Split, f64) {
        let digest = Sha256::digest(english.as_bytes());
        // 53 bits are what an f64 holds exactly
        let place = digest[..8].iter().fold(0u64, |bits, &byte| bits << 8 | u64::from(byte)) >> 11;
        let place = place as f64 / (1u64 << 53) as f64;
        if place < self.test_share {
            (Split::Test, place)
        } else if place < self.test_share + self.dev_share {
            (Split::Dev, place)
        } else {
            (Split::Train, place)
        }
    }

    /// The place below which the rows of a part are kept, where there are more of them than `most`.
    pub(super) fn bound(mut places: Vec<f64>, most: usize) -> Option<f64> {
        if places.len() <= most {
            return None;
        }
        places.sort_by(f64::total_cmp);
        Some(places[most])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_out_as_asked_and_depend_on_english_only() {
        let split = HashSplit { dev_share: 0.1, test_share: 0.05, ..HashSplit::default() };
        let parts: Vec<Split> =
            (0..20_000).map(|i| split.part(&format!("sentence {i}")).0).collect();
        let count = |part| parts.iter().filter(|&&found| found == part).count() as f64 / 20_000.0;
        // four standard deviations of a binomial share
        assert!((count(Split::Dev) - 0.1).abs() < 4.0 * (0.09f64 / 20_000.0).sqrt());
        assert!((count(Split::Test) - 0.05).abs() < 4.0 * (0.0475f64 / 20_000.0).sqrt());
    }

    #[test]
    fn other_spellings_are_read() {
        for (text, split) in [
            ("train", Split::Train),
            ("Validation", Split::Dev),
            ("valid", Split::Dev),
            (" test ", Split::Test),
        ] {
            assert_eq!(Split::parse(text), Some(split), "{text}");
        }
        assert_eq!(Split::parse("extra"), None);
    }
}
