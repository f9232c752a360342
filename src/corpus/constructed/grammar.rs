//! Grammar: what a sentence says, drawn at random, before any language puts it into words.

use super::lexicon::{Class, Lexicon};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// One clause, or two with a conjunction.
pub(super) struct Sentence {
    pub first: Clause,
    pub second: Option<(usize, Clause)>,
}

/// Who does what to whom, where and how.
pub(super) struct Clause {
    pub subject: Phrase,
    pub action: Action,
    pub place: Option<(usize, Phrase)>,
    pub manner: Option<usize>,
}

/// A verb, with an object where it takes one.
pub(super) struct Action {
    pub class: Class,
    pub verb: usize,
    pub past: bool,
    pub object: Option<Phrase>,
}

/// A noun and what stands with it.
pub(super) struct Phrase {
    pub determiner: usize,
    pub adjective: Option<usize>,
    pub noun: usize,
    pub plural: bool,
    pub relative: Option<Box<Action>>,
}

/// Draws sentences; frequent words are much more frequent than rare ones, as in any language.
pub(super) struct Grammar<'a> {
    lexicon: &'a Lexicon,
    rng: &'a mut ChaCha8Rng,
}

impl<'a> Grammar<'a> {
    pub(super) fn new(lexicon: &'a Lexicon, rng: &'a mut ChaCha8Rng) -> Self {
        Grammar { lexicon, rng }
    }

    pub(super) fn sentence(&mut self) -> Sentence {
        let first = self.clause();
        let second = self.chance(0.15).then(|| (self.word(Class::Conjunction), self.clause()));
        Sentence { first, second }
    }

    fn clause(&mut self) -> Clause {
        Clause {
            subject: self.phrase(true),
            action: self.action(true),
            place: self.chance(0.3).then(|| (self.word(Class::Preposition), self.phrase(false))),
            manner: self.chance(0.25).then(|| self.word(Class::Adverb)),
        }
    }

    fn action(&mut self, may_nest: bool) -> Action {
        let class = if self.chance(0.7) { Class::Verb } else { Class::Motion };
        let object = (class == Class::Verb).then(|| self.phrase(may_nest));
        Action { class, verb: self.word(class), past: self.chance(0.6), object }
    }

    /// A phrase in a relative clause has none of its own, so that sentences end.
    fn phrase(&mut self, may_nest: bool) -> Phrase {
        Phrase {
            determiner: self.rng.random_range(0..self.lexicon.class_len(Class::Determiner) / 2),
            adjective: self.chance(0.35).then(|| self.word(Class::Adjective)),
            noun: self.word(Class::Noun),
            plural: self.chance(0.35),
            relative: (may_nest && self.chance(0.08)).then(|| Box::new(self.action(false))),
        }
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// The place of a word, with a probability that falls about as 1 / (rank + 3): the logarithm of
    /// the rank is uniform.
    fn word(&mut self, class: Class) -> usize {
        const OFFSET: f64 = 3.0;
        let count = self.lexicon.class_len(class);
        let share: f64 = self.rng.random();
        let rank = OFFSET * ((count as f64 + OFFSET) / OFFSET).powf(share) - OFFSET;
        (rank as usize).min(count - 1)
    }
}
