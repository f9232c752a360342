//! Answers: exact match and F1 as the official scripts of SQuAD and MLQA have them, and numbers.

use super::words::split;
use regex::Regex;
use std::collections::HashMap;
use std::sync::LazyLock;

/// What is made equal before answers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalisation {
    /// SQuAD 1.1, by which XQuAD is scored in every language: lower case, no marks of ASCII, no
    /// English articles.
    Squad,
    /// MLQA: lower case, no punctuation of any script, the articles of the language gone, Chinese
    /// characters apart.
    Mlqa(Articles),
}

/// Languages whose articles MLQA's script knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Articles {
    /// Without articles, or unknown to the script.
    None,
    /// English.
    English,
    /// Spanish.
    Spanish,
    /// Vietnamese classifiers and possessive.
    Vietnamese,
    /// German.
    German,
    /// Arabic, whose article is a part of its word; the script takes these letters away wherever
    /// they stand.
    Arabic,
    /// Chinese, without articles and without spaces.
    Chinese,
}

/// What `\w` matches in Python: letters, numbers and the underscore, and no combining marks.
static WORD: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\p{L}\p{N}_]+"));
static PUNCTUATION: LazyLock<Regex> = LazyLock::new(|| pattern(r"[\p{P}$+<=>^`|~]"));
/// Groups of three digits after a first one to three, or digits, with decimals after a point or
/// comma.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[-−]?(?:\d{1,3}(?:[.,'’٬\u{a0}\u{202f}]\d{3})+|\d+)(?:[.,٫]\d+)?"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| unreachable!("a pattern of this file: {error}"))
}

impl Normalisation {
    /// MLQA's for a language by its code (`deu_Latn`).
    pub fn mlqa(code: &str) -> Self {
        Normalisation::Mlqa(match code.split('_').next() {
            Some("eng") => Articles::English,
            Some("spa") => Articles::Spanish,
            Some("vie") => Articles::Vietnamese,
            Some("deu") => Articles::German,
            Some("arb" | "ara") => Articles::Arabic,
            Some("zho" | "cmn") => Articles::Chinese,
            _ => Articles::None,
        })
    }

    /// Its name in a signature.
    pub fn name(self) -> &'static str {
        match self {
            Normalisation::Squad => "squad",
            Normalisation::Mlqa(_) => "mlqa",
        }
    }

    fn articles(self) -> &'static [&'static str] {
        match self {
            Normalisation::Squad | Normalisation::Mlqa(Articles::English) => &["a", "an", "the"],
            Normalisation::Mlqa(Articles::Spanish) => {
                &["un", "una", "unos", "unas", "el", "la", "los", "las"]
            }
            Normalisation::Mlqa(Articles::Vietnamese) => &["của", "là", "cái", "chiếc", "những"],
            Normalisation::Mlqa(Articles::German) => &[
                "ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den",
                "dem", "des",
            ],
            Normalisation::Mlqa(Articles::None | Articles::Arabic | Articles::Chinese) => &[],
        }
    }

    /// The words of an answer that are compared.
    fn words(self, answer: &str) -> Vec<String> {
        let lower = answer.to_lowercase();
        let text = match self {
            Normalisation::Squad => lower.replace(|c: char| c.is_ascii_punctuation(), ""),
            Normalisation::Mlqa(_) => PUNCTUATION.replace_all(&lower, "").into_owned(),
        };
        let without = |word: &regex::Captures<'_>| {
            if self.articles().contains(&&word[0]) { " ".to_owned() } else { word[0].to_owned() }
        };
        let text = WORD.replace_all(&text, without);
        let text = match self {
            Normalisation::Mlqa(Articles::Arabic) => text.replace("ال", " "),
            Normalisation::Mlqa(Articles::Chinese) => text.chars().map(apart).collect(),
            _ => text.into_owned(),
        };
        split(&text).map(str::to_owned).collect()
    }
}

/// A Chinese character with space around it; the script knows those of Unicode 1.1.
fn apart(c: char) -> String {
    if ('\u{4e00}'..='\u{9fa5}').contains(&c) { format!(" {c} ") } else { c.to_string() }
}

/// Whether an answer is one of the truths, 0 or 1.
pub fn exact_match(answer: &str, truths: &[String], normalisation: Normalisation) -> f64 {
    let words = normalisation.words(answer);
    if truths.iter().any(|truth| normalisation.words(truth) == words) { 1.0 } else { 0.0 }
}

/// F1 of the words of an answer against the truth that fits it best, from 0 to 1.
pub fn f1(answer: &str, truths: &[String], normalisation: Normalisation) -> f64 {
    let answer = normalisation.words(answer);
    let one = |truth: &String| {
        let truth = normalisation.words(truth);
        let mut left: HashMap<&str, usize> = HashMap::new();
        truth.iter().for_each(|word| *left.entry(word).or_default() += 1);
        let is_common = |word: &&String| match left.get_mut(word.as_str()).filter(|left| **left > 0)
        {
            Some(left) => {
                *left -= 1;
                true
            }
            None => false,
        };
        let common = answer.iter().filter(is_common).count() as f64;
        if common == 0.0 { 0.0 } else { 2.0 * common / (answer.len() + truth.len()) as f64 }
    };
    truths.iter().map(one).fold(0.0, f64::max)
}

/// The last number of a text, in digits of any script. A point or comma before exactly three digits
/// parts thousands.
pub fn number(text: &str) -> Option<f64> {
    let text: String = text.chars().map(western).collect();
    let last = NUMBER.find_iter(&text).last()?.as_str().replace('−', "-");
    let groups = last
        .rfind(['.', ',', '٫'])
        .filter(|&at| last.len() - at - last[at..].chars().next().map_or(0, char::len_utf8) != 3);
    let (whole, decimals) = last.split_at(groups.unwrap_or(last.len()));
    let digits =
        |part: &str| part.chars().filter(|c| c.is_ascii_digit() || *c == '-').collect::<String>();
    format!("{}.{}", digits(whole), digits(decimals) + "0").parse().ok()
}

/// Whether the last number of an answer is the true one.
pub fn says_number(answer: &str, truth: f64) -> bool {
    number(answer).is_some_and(|found| (found - truth).abs() <= 1e-6 * truth.abs().max(1.0))
}

/// The ASCII digit of a decimal digit; blocks of ten start at these zeros.
fn western(c: char) -> char {
    const ZEROS: [u32; 10] =
        [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0ae6, 0x0be6, 0x0c66, 0x0e50, 0x1040, 0xff10];
    let digit =
        ZEROS.iter().find_map(|&zero| u32::from(c).checked_sub(zero).filter(|digit| *digit < 10));
    digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_lose_their_own_articles() {
        let words = |code: &str, text: &str| Normalisation::mlqa(code).words(text).join("|");
        assert_eq!(words("deu_Latn", "Der Hund, das „Tier“"), "hund|tier");
        assert_eq!(words("eng_Latn", "Der Hund, the „Tier“"), "der|hund|tier");
        assert_eq!(words("arb_Arab", "الكتاب"), "كتاب");
        assert_eq!(words("zho_Hans", "《红楼梦》 iPhone 12"), "红|楼|梦|iphone|12");
        assert_eq!(words("tur_Latn", "«Ankara'da»"), "ankarada");
        assert_eq!(Normalisation::Squad.words("The «Ja», a-b").join("|"), "«ja»|ab");
    }

    #[test]
    fn the_best_truth_counts() {
        let truths = ["in the big house".to_owned(), "house".to_owned()];
        assert_eq!(exact_match("The house.", &truths, Normalisation::Squad), 1.0);
        assert_eq!(exact_match("big house", &truths, Normalisation::Squad), 0.0);
        approx::assert_relative_eq!(f1("big house", &truths, Normalisation::Squad), 0.8);
        assert_eq!(f1("house house", &truths[1..], Normalisation::Squad), 2.0 / 3.0);
        assert_eq!(f1("", &truths, Normalisation::Squad), 0.0);
    }

    #[test]
    fn numbers_are_read_in_many_ways() {
        let cases = [
            ("so it is $1,234.50 in 3 days: 18", Some(18.0)),
            ("1.234.567", Some(1_234_567.0)),
            ("она заработает 1\u{a0}000 рублей", Some(1000.0)),
            ("उत्तर १८ है", Some(18.0)),
            ("答案是１８。", Some(18.0)),
            ("−2.5", Some(-2.5)),
            ("3,50", Some(3.5)),
            ("none", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text), expected, "{text}");
        }
        assert!(says_number("70,000 dollars", 70_000.0) && !says_number("7", 70.0));
    }
}
