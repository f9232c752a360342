//! Which language a text is in: by its script, and by n-grams of characters learnt from a user's
//! own corpora.
//!
//! With counts `c(g)` of the n-grams of a language, n up to 3, a text belongs to the language with
//! the largest `sum_g log((c(g) + 1/2) / (N + V/2))`, N n-grams in all and V different ones in any
//! language (Cavnar and Trenkle 1994, as naive Bayes).

use crate::units::Lang;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Longest n-gram.
const ORDERS: usize = 3;
/// Added to every count.
const SMOOTHING: f64 = 0.5;

/// Scripts by their ISO 15924 codes, as a class of Unicode each. Japanese, Korean and Chinese are
/// written in several.
const SCRIPTS: [(&str, &str); 26] = [
    ("Latn", r"\p{Latin}"),
    ("Cyrl", r"\p{Cyrillic}"),
    ("Arab", r"\p{Arabic}"),
    ("Hans", r"\p{Han}"),
    ("Hant", r"\p{Han}"),
    ("Hani", r"\p{Han}"),
    ("Jpan", r"[\p{Han}\p{Hiragana}\p{Katakana}]"),
    ("Kore", r"[\p{Hangul}\p{Han}]"),
    ("Hang", r"\p{Hangul}"),
    ("Deva", r"\p{Devanagari}"),
    ("Beng", r"\p{Bengali}"),
    ("Grek", r"\p{Greek}"),
    ("Hebr", r"\p{Hebrew}"),
    ("Thai", r"\p{Thai}"),
    ("Taml", r"\p{Tamil}"),
    ("Telu", r"\p{Telugu}"),
    ("Gujr", r"\p{Gujarati}"),
    ("Guru", r"\p{Gurmukhi}"),
    ("Knda", r"\p{Kannada}"),
    ("Mlym", r"\p{Malayalam}"),
    ("Sinh", r"\p{Sinhala}"),
    ("Mymr", r"\p{Myanmar}"),
    ("Khmr", r"\p{Khmer}"),
    ("Ethi", r"\p{Ethiopic}"),
    ("Geor", r"\p{Georgian}"),
    ("Armn", r"\p{Armenian}"),
];

static CLASSES: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    SCRIPTS.iter().filter_map(|&(code, class)| Some((code, Regex::new(class).ok()?))).collect()
});
static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\p{L}").ok());

/// Whether most letters of a text are of the script of a language; `None` where the script is
/// unknown here.
pub fn is_in_script(text: &str, lang: &Lang) -> Option<bool> {
    let (_, script) = lang.code().split_once('_')?;
    let (_, class) = CLASSES.iter().find(|(code, _)| *code == script)?;
    let letters = LETTER.as_ref()?.find_iter(text);
    let (all, own) = letters.fold((0, 0), |(all, own), letter| {
        (all + 1, own + usize::from(class.is_match(letter.as_str())))
    });
    Some(2 * own > all)
}

/// Tells some languages apart.
#[derive(Debug, Clone)]
pub struct Identifier {
    langs: Vec<Lang>,
    /// n-gram to its logarithmic probability in each language.
    weights: BTreeMap<String, Vec<f64>>,
    /// Of an n-gram that a language has not, among those that another has.
    unseen: Vec<f64>,
}

/// n-grams of the lower-cased text, white space at its ends.
fn grams(text: &str) -> impl Iterator<Item = String> {
    let characters: Vec<char> = format!(" {} ", text.to_lowercase()).chars().collect();
    (1..=ORDERS).flat_map(move |n| {
        characters.windows(n).map(|gram| gram.iter().collect()).collect::<Vec<String>>()
    })
}

impl Identifier {
    /// Learns from texts of each language.
    pub fn learn<'a>(samples: impl IntoIterator<Item = (Lang, Vec<&'a str>)>) -> Self {
        let (mut langs, mut counts) = (Vec::new(), Vec::new());
        for (lang, texts) in samples {
            let mut found: BTreeMap<String, f64> = BTreeMap::new();
            texts
                .into_iter()
                .flat_map(grams)
                .for_each(|gram| *found.entry(gram).or_default() += 1.0);
            langs.push(lang);
            counts.push(found);
        }
        let known: BTreeSet<&String> = counts.iter().flat_map(BTreeMap::keys).collect();
        let totals: Vec<f64> = counts
            .iter()
            .map(|found| found.values().sum::<f64>() + SMOOTHING * known.len() as f64)
            .collect();
        let weight =
            |count: Option<&f64>, total: &f64| ((count.unwrap_or(&0.0) + SMOOTHING) / total).ln();
        let row = |gram: &String| {
            counts
                .iter()
                .zip(&totals)
                .map(|(found, total)| weight(found.get(gram), total))
                .collect()
        };
        let weights = known.iter().map(|&gram| (gram.clone(), row(gram))).collect();
        Identifier {
            langs,
            weights,
            unseen: totals.iter().map(|total| weight(None, total)).collect(),
        }
    }

    /// The languages that it tells apart.
    pub fn langs(&self) -> &[Lang] {
        &self.langs
    }

    /// The language of a text, the first of equals; `None` for a text without letters.
    pub fn identify(&self, text: &str) -> Option<&Lang> {
        if !text.chars().any(char::is_alphabetic) {
            return None;
        }
        let mut sums = vec![0.0; self.langs.len()];
        for gram in grams(text) {
            let weights = self.weights.get(&gram).unwrap_or(&self.unseen);
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
        }
        let best =
            sums.iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(at, _)| &self.langs[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(code: &str) -> Lang {
        code.parse().unwrap()
    }

    #[test]
    fn most_letters_decide_the_script() {
        assert_eq!(is_in_script("12 дома, house", &lang("rus_Cyrl")), Some(false));
        assert_eq!(is_in_script("12 дома, дом", &lang("rus_Cyrl")), Some(true));
        assert_eq!(is_in_script("123", &lang("rus_Cyrl")), Some(false));
        assert_eq!(is_in_script("これは本です", &lang("jpn_Jpan")), Some(true));
        assert_eq!(is_in_script("x", &lang("qaa_Zzzz")), None);
    }

    #[test]
    fn languages_of_one_script_are_told_apart() {
        let samples = [
            (
                lang("eng_Latn"),
                vec!["the house is in the wood", "this is what they think of the thing"],
            ),
            (
                lang("deu_Latn"),
                vec!["das haus ist in dem wald", "das ist nicht was sie von der sache denken"],
            ),
        ];
        let identifier = Identifier::learn(samples);
        assert_eq!(identifier.identify("they think"), Some(&lang("eng_Latn")));
        assert_eq!(identifier.identify("sie denken nicht"), Some(&lang("deu_Latn")));
        assert_eq!(identifier.identify("12 34"), None);
    }
}
