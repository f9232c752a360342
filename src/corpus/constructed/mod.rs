//! Constructed languages: sisters of English at a known distance, for the quickstart and for tests
//! with a known truth.
//!
//! One grammar draws what sentences say. English puts it into English-like words, and every sister
//! into its own: it shares some stems with English, with or without regular sound changes, and has
//! its own order of words and its own endings. A language that shares more needs less data, so the
//! order of the sisters is known before any run.

mod grammar;
mod language;
mod lexicon;

use super::bitext::Bitext;
use super::error::CorpusError;
use super::pair::Pair;
use super::pool::Parts;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::Lang;
use grammar::Grammar;
use language::{Language, SOUND_CHANGES};
use lexicon::Lexicon;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What constructed languages are to be made; the English side is the same for all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constructed {
    /// Seed of words and sentences; a larger `train` with the same seed only adds sentences.
    pub seed: u64,
    /// Pairs of the train part.
    pub train: usize,
    /// Pairs of the dev part.
    pub dev: usize,
    /// Pairs of the test part.
    pub test: usize,
    /// Nouns, verbs, adjectives and adverbs of English; beyond some 250 they are made.
    #[serde(default = "default_words")]
    pub words: usize,
    /// The languages.
    pub sisters: Vec<Sister>,
}

/// Most pairs of a part: beyond some ten thousand the grammar repeats itself anyway.
const MOST_PAIRS: usize = 1_000_000;

fn default_words() -> usize {
    400
}

/// A sister of English.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sister {
    /// Its code; `qaa` to `qtz` are free for private use.
    pub lang: Lang,
    /// Its name in prompts.
    pub name: String,
    /// Share of stems that come from English, from 0 to 1.
    pub vocabulary: f64,
    /// Order of subject, verb and object, with which the order in phrases goes.
    pub order: WordOrder,
    /// What endings words take.
    pub morphology: Morphology,
    /// How many regular sound changes the shared stems have gone through.
    #[serde(default)]
    pub sound_changes: usize,
}

/// Order of subject, verb and object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WordOrder {
    /// As in English.
    Svo,
    /// Verb last, with postpositions and relative clauses before their noun.
    Sov,
    /// Verb first, with adjectives after their noun.
    Vso,
}

/// Endings of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Morphology {
    /// None: number and tense are not said.
    None,
    /// Those of English.
    English,
    /// Its own for the plural and the past.
    Suffix,
    /// Its own for the plural, the past and two cases; adjectives and verbs agree in number.
    Case,
}

impl Constructed {
    /// Three sisters, near, middle and far.
    pub fn quickstart() -> Result<Self, CorpusError> {
        serde_yaml::from_str(include_str!("quickstart.yaml")).map_err(|error| {
            CorpusError::Constructed {
                key: "quickstart",
                found: error.to_string(),
                expected: "a description",
            }
        })
    }

    /// Makes the languages, in the order of the sisters.
    pub fn build(&self) -> Result<Vec<Bitext>, CorpusError> {
        self.check()?;
        let mut rng = generator(self.seed, Purpose::Words, Item::All);
        let lexicon = Lexicon::english(self.words, &mut rng);
        let mut ranks: Vec<usize> = (0..lexicon.len()).collect();
        ranks.shuffle(&mut rng);
        let sisters: Vec<Language> = self
            .sisters
            .iter()
            // a stream for each code: a sister stays as it is whatever others are asked beside it
            .map(|sister| {
                let mut rng =
                    generator(self.seed, Purpose::Words, Item::Nth(number_of(&sister.lang)));
                Language::sister(sister, &lexicon, &ranks, &mut rng)
            })
            .collect();
        let english = Language::english(lexicon.clone());
        let rows = self.rows(
            &english,
            &sisters,
            Grammar::new(&lexicon, &mut generator(self.seed, Purpose::Sentences, Item::All)),
        )?;
        Ok(self
            .sisters
            .iter()
            .enumerate()
            .map(|(index, sister)| self.bitext(sister, &rows, index))
            .collect())
    }

    fn check(&self) -> Result<(), CorpusError> {
        let wrong =
            |key, found: String, expected| Err(CorpusError::Constructed { key, found, expected });
        if !(50..=20_000).contains(&self.words) {
            return wrong("words", self.words.to_string(), "a number from 50 to 20000");
        }
        let parts = [self.train, self.dev, self.test];
        if parts.iter().any(|&part| part > MOST_PAIRS) {
            return wrong("train, dev, test", format!("{parts:?}"), "at most 1000000 pairs each");
        }
        let mut langs = HashSet::new();
        for sister in &self.sisters {
            if !(0.0..=1.0).contains(&sister.vocabulary) {
                return wrong("vocabulary", sister.vocabulary.to_string(), "a share from 0 to 1");
            }
            if sister.sound_changes > SOUND_CHANGES.len() {
                return wrong("sound_changes", sister.sound_changes.to_string(), "at most 10");
            }
            if !langs.insert(&sister.lang) {
                return Err(CorpusError::SameSister { lang: sister.lang.clone() });
            }
        }
        if self.sisters.is_empty() {
            return wrong("sisters", "empty".to_owned(), "at least one language");
        }
        Ok(())
    }

    /// Sentences in English and every sister, each new in every language: so the parts share no
    /// sentence on either side.
    fn rows(
        &self,
        english: &Language,
        sisters: &[Language],
        mut grammar: Grammar<'_>,
    ) -> Result<Vec<Vec<String>>, CorpusError> {
        const MOST_REPEATS: usize = 10_000;
        let asked = self.test + self.dev + self.train;
        let mut seen: Vec<HashSet<String>> = vec![HashSet::new(); 1 + sisters.len()];
        let mut rows: Vec<Vec<String>> = Vec::with_capacity(asked);
        let mut repeats = 0;
        while rows.len() < asked {
            let sentence = grammar.sentence();
            let row: Vec<String> = std::iter::once(english)
                .chain(sisters)
                .map(|language| language.say(&sentence))
                .collect();
            if row.iter().zip(&seen).any(|(text, seen)| seen.contains(text)) {
                repeats += 1;
                if repeats == MOST_REPEATS {
                    return Err(CorpusError::Sentences { asked, found: rows.len() });
                }
                continue;
            }
            repeats = 0;
            for (text, seen) in row.iter().zip(&mut seen) {
                seen.insert(text.clone());
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Test comes first, then dev, so that they stay the same when train grows.
    fn bitext(&self, sister: &Sister, rows: &[Vec<String>], index: usize) -> Bitext {
        let pairs: Vec<Pair> = rows
            .iter()
            .map(|row| Pair { english: row[0].clone(), other: row[1 + index].clone() })
            .collect();
        let (test, rest) = pairs.split_at(self.test);
        let (dev, train) = rest.split_at(self.dev);
        let parts = Parts { train: train.to_vec(), dev: dev.to_vec(), test: test.to_vec() };
        Bitext::of_parts(sister.lang.clone(), sister.name.clone(), parts)
    }
}

/// The eight letters of a code as a number; above that of the English words.
fn number_of(lang: &Lang) -> u64 {
    lang.code().bytes().fold(0, |number, byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests;
