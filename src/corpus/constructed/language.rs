//! Languages: a lexicon, an order and endings, which put what a sentence says into words.

use super::grammar::{Action, Clause, Phrase, Sentence};
use super::lexicon::{Class, Lexicon, Sounds};
use super::{Morphology, Sister, WordOrder};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// What a phrase is in its clause.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Subject,
    Object,
    Oblique,
}

/// The endings of a language that has its own.
struct Endings {
    plural: String,
    past: String,
    object: String,
    oblique: String,
}

/// One of the languages that sentences are put into.
pub(super) struct Language {
    lexicon: Lexicon,
    order: WordOrder,
    morphology: Morphology,
    endings: Endings,
}

/// Regular correspondences between letters, of which a sister has the first few in an order of its
/// own.
pub(super) const SOUND_CHANGES: [(&str, &str); 10] = [
    ("th", "d"),
    ("c", "k"),
    ("p", "b"),
    ("w", "v"),
    ("o", "u"),
    ("s", "z"),
    ("g", "k"),
    ("e", "i"),
    ("f", "v"),
    ("a", "o"),
];

impl Language {
    /// English itself.
    pub(super) fn english(lexicon: Lexicon) -> Self {
        let none = || String::new();
        let endings = Endings { plural: none(), past: none(), object: none(), oblique: none() };
        Language { lexicon, order: WordOrder::Svo, morphology: Morphology::English, endings }
    }

    /// A sister of English. `ranks` orders the meanings: a sister shares those of the lowest ranks,
    /// hence two sisters that share different numbers of words share the same words as far as they
    /// go.
    pub(super) fn sister(
        sister: &Sister,
        english: &Lexicon,
        ranks: &[usize],
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let sounds = Sounds::draw(rng);
        let mut changes = SOUND_CHANGES.to_vec();
        changes.shuffle(rng);
        let inherited = |stem: &str| {
            changes
                .iter()
                .take(sister.sound_changes)
                .fold(stem.to_owned(), |stem, (old, new)| stem.replace(old, new))
        };
        let shared = (sister.vocabulary * english.len() as f64).round() as usize;
        // a made stem must not look like an inherited one of another meaning
        let mut taken: BTreeSet<String> =
            english.iter().flat_map(|stem| [stem.to_owned(), inherited(stem)]).collect();
        let lexicon = english.map(|number, stem| {
            if ranks[number] < shared { inherited(stem) } else { sounds.new_stem(&mut taken, rng) }
        });
        let mut taken = BTreeSet::new();
        let mut ending = || sounds.new_ending(&mut taken, rng);
        let endings =
            Endings { plural: ending(), past: ending(), object: ending(), oblique: ending() };
        Language { lexicon, order: sister.order, morphology: sister.morphology, endings }
    }

    /// The sentence in this language.
    pub(super) fn say(&self, sentence: &Sentence) -> String {
        let mut words = self.clause(&sentence.first);
        if let Some((conjunction, clause)) = &sentence.second {
            words.push(self.lexicon.stem(Class::Conjunction, *conjunction).to_owned());
            words.extend(self.clause(clause));
        }
        if self.morphology == Morphology::English {
            for at in 1..words.len() {
                if words[at - 1] == "a" && words[at].starts_with(['a', 'e', 'i', 'o', 'u']) {
                    words[at - 1].push('n');
                }
            }
        }
        let mut text = words.join(" ");
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        text + "."
    }

    fn clause(&self, clause: &Clause) -> Vec<String> {
        let subject = self.phrase(&clause.subject, Role::Subject);
        let (verb, object) = self.action(&clause.action, clause.subject.plural);
        let place = clause
            .place
            .as_ref()
            .map_or_else(Vec::new, |(preposition, phrase)| self.place(*preposition, phrase));
        let manner: Vec<String> = clause
            .manner
            .iter()
            .map(|&adverb| self.lexicon.stem(Class::Adverb, adverb).to_owned())
            .collect();
        match self.order {
            WordOrder::Svo => [subject, verb, object, manner, place].concat(),
            WordOrder::Sov => [subject, place, manner, object, verb].concat(),
            WordOrder::Vso => [verb, subject, object, manner, place].concat(),
        }
    }

    /// The verb, and its object if it has one.
    fn action(&self, action: &Action, plural_subject: bool) -> (Vec<String>, Vec<String>) {
        let verb =
            self.verb(self.lexicon.stem(action.class, action.verb), action.past, plural_subject);
        (
            vec![verb],
            action
                .object
                .as_ref()
                .map_or_else(Vec::new, |object| self.phrase(object, Role::Object)),
        )
    }

    /// A language with the verb last has postpositions, as such languages nearly always do.
    fn place(&self, preposition: usize, phrase: &Phrase) -> Vec<String> {
        let word = vec![self.lexicon.stem(Class::Preposition, preposition).to_owned()];
        let phrase = self.phrase(phrase, Role::Oblique);
        if self.order == WordOrder::Sov { [phrase, word].concat() } else { [word, phrase].concat() }
    }

    /// Relative clauses come first where the verb is last, adjectives after the noun where the verb
    /// is first, again as is usual.
    fn phrase(&self, phrase: &Phrase, role: Role) -> Vec<String> {
        let determiner = vec![
            self.lexicon
                .stem(Class::Determiner, 2 * phrase.determiner + usize::from(phrase.plural))
                .to_owned(),
        ];
        let adjective: Vec<String> = phrase
            .adjective
            .iter()
            .map(|&at| self.adjective(self.lexicon.stem(Class::Adjective, at), phrase.plural))
            .collect();
        let noun =
            vec![self.noun(self.lexicon.stem(Class::Noun, phrase.noun), phrase.plural, role)];
        let relative = phrase.relative.as_ref().map_or_else(Vec::new, |action| {
            let that = vec![self.lexicon.stem(Class::Relative, 0).to_owned()];
            let (verb, object) = self.action(action, phrase.plural);
            if self.order == WordOrder::Sov {
                [object, verb, that].concat()
            } else {
                [that, verb, object].concat()
            }
        });
        match self.order {
            WordOrder::Svo => [determiner, adjective, noun, relative].concat(),
            WordOrder::Sov => [relative, determiner, adjective, noun].concat(),
            WordOrder::Vso => [determiner, noun, adjective, relative].concat(),
        }
    }

    fn noun(&self, stem: &str, plural: bool, role: Role) -> String {
        let number = if plural { self.endings.plural.as_str() } else { "" };
        match self.morphology {
            Morphology::None => stem.to_owned(),
            Morphology::English if plural => english_s(stem),
            Morphology::English => stem.to_owned(),
            Morphology::Suffix => format!("{stem}{number}"),
            Morphology::Case => {
                let case = match role {
                    Role::Subject => "",
                    Role::Object => &self.endings.object,
                    Role::Oblique => &self.endings.oblique,
                };
                format!("{stem}{number}{case}")
            }
        }
    }

    /// Adjectives agree with their noun only where nouns have cases.
    fn adjective(&self, stem: &str, plural: bool) -> String {
        if self.morphology == Morphology::Case && plural {
            format!("{stem}{}", self.endings.plural)
        } else {
            stem.to_owned()
        }
    }

    fn verb(&self, stem: &str, past: bool, plural: bool) -> String {
        match self.morphology {
            Morphology::None => stem.to_owned(),
            Morphology::English if past => english_ed(stem),
            Morphology::English if plural => stem.to_owned(),
            Morphology::English => english_s(stem),
            Morphology::Suffix if past => format!("{stem}{}", self.endings.past),
            Morphology::Suffix => stem.to_owned(),
            Morphology::Case => {
                let tense = if past { self.endings.past.as_str() } else { "" };
                let number = if plural { self.endings.plural.as_str() } else { "" };
                format!("{stem}{tense}{number}")
            }
        }
    }
}

/// Whether a `y` at the end is a vowel of its own: `city`, not `day`.
fn ends_in_vocal_y(stem: &str) -> bool {
    stem.ends_with('y') && !["ay", "ey", "oy", "uy"].iter().any(|end| stem.ends_with(end))
}

/// English plural of a noun, and third person of a verb.
pub(super) fn english_s(stem: &str) -> String {
    if ends_in_vocal_y(stem) {
        format!("{}ies", &stem[..stem.len() - 1])
    } else if ["s", "x", "z", "ch", "sh"].iter().any(|end| stem.ends_with(end)) {
        format!("{stem}es")
    } else {
        format!("{stem}s")
    }
}

/// English past of a verb.
pub(super) fn english_ed(stem: &str) -> String {
    if ends_in_vocal_y(stem) {
        format!("{}ied", &stem[..stem.len() - 1])
    } else if stem.ends_with('e') {
        format!("{stem}d")
    } else {
        format!("{stem}ed")
    }
}
