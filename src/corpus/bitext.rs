//! Bitext: the pairs of one language in three parts that share no sentence.

use super::error::CorpusError;
use super::pair::Pair;
use super::pool::{self, Parts};
use super::report::ReadReport;
use super::source::Source;
use crate::files;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::Lang;
use rand::seq::SliceRandom;
use std::collections::HashSet;
use std::path::Path;

/// The pairs of one language.
///
/// Invariants, by construction: no part repeats a pair; no sentence of either side stands in two
/// parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Bitext {
    /// The other language.
    pub lang: Lang,
    /// Its English name, for prompts.
    pub name: String,
    /// What runs learn from.
    pub train: Train,
    /// What choices are made on.
    pub dev: Dev,
    /// What is reported.
    pub test: Test,
}

/// Pairs and the hash of them in their order.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    pairs: Vec<Pair>,
    hash: String,
}

impl Part {
    fn new(pairs: Vec<Pair>) -> Self {
        // neither tabs nor line ends stand in a normalised sentence
        let parts = pairs
            .iter()
            .flat_map(|pair| [pair.english.as_bytes(), b"\t", pair.other.as_bytes(), b"\n"]);
        let hash = files::hash_parts(parts);
        Part { pairs, hash }
    }
}

macro_rules! part {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name(Part);

        impl $name {
            /// The pairs, in the order of the sources.
            pub fn pairs(&self) -> &[Pair] {
                &self.0.pairs
            }

            /// How many pairs there are.
            pub fn len(&self) -> usize {
                self.0.pairs.len()
            }

            /// Whether there is no pair.
            pub fn is_empty(&self) -> bool {
                self.0.pairs.is_empty()
            }

            /// SHA-256 of the pairs in their order.
            pub fn hash(&self) -> &str {
                &self.0.hash
            }
        }
    };
}

part! {
    /// The pairs that runs learn from, the only part that can be shuffled and cut.
    Train
}
part! {
    /// The pairs that choices are made on.
    Dev
}
part! {
    /// The pairs that results are reported on.
    Test
}

impl Test {
    /// The half that tells how test differs from dev, and the half that results are reported on, by
    /// the hash of the English side.
    pub fn halves(&self) -> (Vec<Pair>, Vec<Pair>) {
        // the order of `evaluated` goes by the first digits of the same hash
        let is_calibration = |pair: &Pair| {
            files::hash(pair.english.as_bytes()).bytes().last().is_some_and(|digit| digit < b'8')
        };
        self.pairs().iter().cloned().partition(is_calibration)
    }
}

/// What runs are scored on: at most so many pairs, in the order of the hash of their English side.
pub fn evaluated(pairs: &[Pair], most: usize) -> Vec<&Pair> {
    let mut pairs: Vec<&Pair> = pairs.iter().collect();
    pairs.sort_by_cached_key(|pair| files::hash(pair.english.as_bytes()));
    pairs.truncate(most);
    pairs
}

/// The train part in the order of one seed: every subset is a prefix, hence subsets are nested.
#[derive(Debug, Clone, PartialEq)]
pub struct Shuffled(Vec<Pair>);

impl Shuffled {
    /// The first `n` pairs.
    pub fn prefix(&self, n: usize) -> Result<&[Pair], CorpusError> {
        self.0.get(..n).ok_or(CorpusError::TooFew { asked: n, found: self.0.len() })
    }

    /// All pairs.
    pub fn pairs(&self) -> &[Pair] {
        &self.0
    }
}

impl Bitext {
    /// The train part in the order of a seed, for runs ([`Purpose::Pairs`]) or another purpose.
    /// Languages have orders of their own, so that those that translate the same text do not bring
    /// the same sentences to a model of several.
    pub fn shuffled(&self, seed: u64, purpose: Purpose) -> Shuffled {
        Shuffled(
            self.order(seed, purpose)
                .into_iter()
                .map(|place| self.train.0.pairs[place].clone())
                .collect(),
        )
    }

    /// The same order as places in the train part, where copies of all pairs would be too many.
    pub fn order(&self, seed: u64, purpose: Purpose) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.train.len()).collect();
        places.shuffle(&mut generator(seed, purpose, Item::Of(self.lang.code())));
        places
    }

    /// Reads and pools the sources of one language, with paths relative to `root`. Bad rows are
    /// counted, or the end if `strict`.
    pub fn read(
        lang: Lang,
        name: impl Into<String>,
        sources: &[Source],
        root: &Path,
        strict: bool,
    ) -> Result<(Self, ReadReport), CorpusError> {
        let (parts, report) = pool::read(sources, root, strict)?;
        Ok((Bitext::of_parts(lang, name.into(), parts), report))
    }

    /// Bitext of parts that are disjoint already.
    pub(super) fn of_parts(lang: Lang, name: String, parts: Parts) -> Self {
        Bitext {
            lang,
            name,
            train: Train(Part::new(parts.train)),
            dev: Dev(Part::new(parts.dev)),
            test: Test(Part::new(parts.test)),
        }
    }
}

/// Removes from every train part the pairs whose English is in dev or test of any language, or in
/// those of `untuned` ones; how many, a language at a time.
///
/// Every run is evaluated on every language, and the base model is pre-trained on the English of
/// the train parts: a sentence that is test in one language and train in another would be read by
/// the very runs it is to judge.
pub fn exclude_english(bitexts: &mut [Bitext], untuned: &[Bitext]) -> Vec<usize> {
    let held_out: HashSet<String> = bitexts
        .iter()
        .chain(untuned)
        .flat_map(|bitext| bitext.dev.pairs().iter().chain(bitext.test.pairs()))
        .map(|pair| pair.english.clone())
        .collect();
    bitexts
        .iter_mut()
        .map(|bitext| {
            let mut pairs = std::mem::take(&mut bitext.train.0.pairs);
            let before = pairs.len();
            pairs.retain(|pair| !held_out.contains(&pair.english));
            let removed = before - pairs.len();
            bitext.train = Train(Part::new(pairs));
            removed
        })
        .collect()
}

/// The different English sentences of the train parts, in order of appearance: the text that a base
/// model is pre-trained on.
pub fn english_text(bitexts: &[Bitext]) -> Vec<&str> {
    let mut seen = HashSet::new();
    let sides =
        bitexts.iter().flat_map(|bitext| bitext.train.pairs()).map(|pair| pair.english.as_str());
    sides.filter(|english| seen.insert(*english)).collect()
}
