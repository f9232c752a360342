//! Words: an English-like lexicon, and stems that a generator makes.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// A class of words that take the same places in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Noun,
    /// A verb with an object.
    Verb,
    /// A verb without one.
    Motion,
    Adjective,
    Adverb,
    Preposition,
    /// Singular and plural forms in turn: place `2 i` goes with one thing, `2 i + 1` with several.
    Determiner,
    Conjunction,
    /// The word that opens a relative clause.
    Relative,
}

/// All classes, with the number of stems of each that a lexicon of `words` content words has.
fn sizes(words: usize) -> [(Class, &'static str, usize); 9] {
    let share = |part: usize| words * part / 100;
    let content = share(20) + share(10) + share(18) + share(8);
    [
        (Class::Noun, NOUNS, words - content),
        (Class::Verb, VERBS, share(20)),
        (Class::Motion, MOTIONS, share(10)),
        (Class::Adjective, ADJECTIVES, share(18)),
        (Class::Adverb, ADVERBS, share(8)),
        (Class::Preposition, PREPOSITIONS, usize::MAX),
        (Class::Determiner, DETERMINERS, usize::MAX),
        (Class::Conjunction, CONJUNCTIONS, usize::MAX),
        (Class::Relative, "that", usize::MAX),
    ]
}

/// The stems of a language; the same place in two languages has the same meaning.
#[derive(Debug, Clone)]
pub(super) struct Lexicon {
    stems: [Vec<String>; 9],
}

impl Lexicon {
    /// The English-like lexicon: real words first, which are the frequent ones, then made ones up
    /// to the number asked.
    pub(super) fn english(words: usize, rng: &mut ChaCha8Rng) -> Self {
        let mut taken: BTreeSet<String> = sizes(words)
            .iter()
            .flat_map(|(_, list, _)| list.split_whitespace())
            .map(str::to_owned)
            .collect();
        let sounds = Sounds::draw(rng);
        let stems = sizes(words).map(|(_, list, size)| {
            let mut stems: Vec<String> =
                list.split_whitespace().take(size).map(str::to_owned).collect();
            // function words are a closed class
            while size != usize::MAX && stems.len() < size {
                stems.push(sounds.new_stem(&mut taken, rng));
            }
            stems
        });
        Lexicon { stems }
    }

    /// How many stems the language has.
    pub(super) fn len(&self) -> usize {
        self.stems.iter().map(Vec::len).sum()
    }

    /// How many stems a class has.
    pub(super) fn class_len(&self, class: Class) -> usize {
        self.stems[class as usize].len()
    }

    /// The stem of a meaning.
    pub(super) fn stem(&self, class: Class, place: usize) -> &str {
        &self.stems[class as usize][place]
    }

    /// Every stem replaced by what `sister` makes of it, given its number among all.
    pub(super) fn map(&self, mut sister: impl FnMut(usize, &str) -> String) -> Self {
        let mut number = 0;
        let stems = self.stems.each_ref().map(|class| {
            let next = |stem: &String| {
                number += 1;
                sister(number - 1, stem)
            };
            class.iter().map(next).collect()
        });
        Lexicon { stems }
    }

    /// All stems.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.stems.iter().flatten().map(String::as_str)
    }
}

/// The sounds of one language, from which its own stems are built.
pub(super) struct Sounds {
    onsets: Vec<&'static str>,
    vowels: Vec<&'static str>,
    codas: Vec<&'static str>,
}

impl Sounds {
    /// A part of the sounds there are, so that languages look different.
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        let mut some = |all: &[&'static str], count: usize| {
            let mut sounds = all.to_vec();
            sounds.shuffle(rng);
            sounds.truncate(count);
            sounds
        };
        Sounds {
            onsets: some(
                &[
                    "b", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w",
                    "z", "br", "dr", "kl", "st", "tr",
                ],
                12,
            ),
            vowels: some(&["a", "e", "i", "o", "u", "ai", "ei", "ou"], 5),
            codas: some(&["l", "m", "n", "r", "k", "t", "sk", "nd"], 4),
        }
    }

    /// A stem of two syllables or three.
    fn stem(&self, rng: &mut ChaCha8Rng) -> String {
        let mut stem = String::new();
        for _ in 0..rng.random_range(2..=3) {
            stem.push_str(self.onsets[rng.random_range(0..self.onsets.len())]);
            stem.push_str(self.vowels[rng.random_range(0..self.vowels.len())]);
        }
        stem + self.codas[rng.random_range(0..self.codas.len())]
    }

    /// A stem that is not taken yet, and is from now on.
    pub(super) fn new_stem(&self, taken: &mut BTreeSet<String>, rng: &mut ChaCha8Rng) -> String {
        loop {
            let stem = self.stem(rng);
            if taken.insert(stem.clone()) {
                return stem;
            }
        }
    }

    /// A short ending that begins with a vowel and is not taken yet.
    pub(super) fn new_ending(&self, taken: &mut BTreeSet<String>, rng: &mut ChaCha8Rng) -> String {
        loop {
            let vowel = self.vowels[rng.random_range(0..self.vowels.len())];
            let ending = format!("{vowel}{}", self.codas[rng.random_range(0..self.codas.len())]);
            if taken.insert(ending.clone()) {
                return ending;
            }
        }
    }
}

// only words that inflect regularly, and verbs that do not double a letter
const NOUNS: &str = "house day river friend teacher road book tree garden horse doctor table \
window door farmer king city village \
    ship letter song bird dog cat mother father brother sister boy girl queen soldier student \
writer painter baker driver guard \
    field forest mountain lake island bridge tower wall room kitchen school church market shop \
train boat car wheel lamp candle \
    mirror picture map coin ring crown box bag basket bottle cup plate spoon apple orange lemon \
cake egg flower seed leader \
    neighbour stranger hunter sailor singer dancer judge clerk merchant captain cloud star storm \
stone hill valley beach desert \
    animal lion bear rabbit monkey elephant story question answer problem game party journey dream \
plan machine engine";
const VERBS: &str = "want need watch help follow visit carry open close clean wash paint cook \
taste order offer borrow return lift \
    push pull touch kick count measure collect remember discover explore guard protect attack \
destroy repair plant admire answer \
    call join greet thank invite";
const MOTIONS: &str = "walk laugh smile wait work sleepwalk dance jump climb arrive listen talk \
shout whisper sail rest \
    remain tremble wander";
const ADJECTIVES: &str = "old young small big new good long short red green blue white black happy \
sad quiet loud strong weak rich \
    poor kind proud brave clever honest gentle angry tired hungry warm cold dark bright heavy \
light clean dirty empty full round \
    simple strange famous ancient";
const ADVERBS: &str = "quickly slowly often always today quietly loudly happily sadly carefully \
gladly again twice soon together \
    secretly suddenly rarely early late";
const PREPOSITIONS: &str = "in near behind under with from above beside without towards";
const DETERMINERS: &str = "the the a some this these my my our our every all your your no no";
const CONJUNCTIONS: &str = "and but because when while so";
