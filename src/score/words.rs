//! How BLEU cuts a line into words: the tokenizers of sacrebleu.

use super::ScoreError;
use regex::Regex;
use std::fmt;
use std::sync::{Arc, LazyLock};

/// A function from a text to the pieces of a subword tokenizer, or what is wrong with the text.
type Pieces = Arc<dyn Fn(&str) -> Result<Vec<String>, String> + Send + Sync>;

/// A way to cut a line into words.
#[derive(Clone)]
pub enum Words {
    /// At white space.
    None,
    /// As `mteval-v13a`, for languages in Latin script.
    Mteval13a,
    /// As `mteval-v14` for any script: punctuation and symbols by their Unicode category.
    International,
    /// Every Chinese character a word, the rest as `mteval-v13a`.
    Chinese,
    /// Every character a word.
    Characters,
    /// Pieces of a subword tokenizer, such as that of FLORES-101 (spBLEU).
    Pieces {
        /// Name of the tokenizer in the signature of a score: that of its file without the ending.
        name: String,
        /// Cuts a line into its pieces.
        pieces: Pieces,
    },
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Patterns and what they are replaced by, one after the other.
type Rules = [(Regex, &'static str)];

fn rules<const N: usize>(rules: [(&str, &'static str); N]) -> [(Regex, &'static str); N] {
    rules.map(|(pattern, by)| {
        (
            Regex::new(pattern)
                .unwrap_or_else(|error| unreachable!("a pattern of this file: {error}")),
            by,
        )
    })
}

/// Symbols and punctuation apart; full stop and comma unless between digits; the dash after a
/// digit.
static MTEVAL_13A: LazyLock<[(Regex, &str); 4]> = LazyLock::new(|| {
    rules([
        (r"([{-~\[-` -&(-+:-@/])", " ${1} "),
        (r"([^0-9])([.,])", "${1} ${2} "),
        (r"([.,])([^0-9])", " ${1} ${2}"),
        (r"([0-9])(-)", "${1} ${2} "),
    ])
});

/// Punctuation apart unless between numbers; symbols apart.
static INTERNATIONAL: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
    rules([
        (r"(\P{N})(\p{P})", "${1} ${2} "),
        (r"(\p{P})(\P{N})", " ${1} ${2}"),
        (r"(\p{S})", " ${1} "),
    ])
});

fn replaced(line: &str, rules: &Rules) -> String {
    rules
        .iter()
        .fold(line.to_owned(), |line, (pattern, by)| pattern.replace_all(&line, *by).into_owned())
}

/// White space as Python has it: Unicode's, and the four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// What stands between white space.
pub(super) fn split(line: &str) -> impl Iterator<Item = &str> {
    line.split(is_space).filter(|word| !word.is_empty())
}

/// Characters that sacrebleu sets apart in Chinese. Two of its ranges are of code points beyond 16
/// bits, which it writes such that they mean U+2001 to U+2A6D and U+2F81 to U+2FA1; its scores are
/// the standard, so they do here.
const CHINESE: [(u32, u32); 22] = [
    (0x3400, 0x4db5),
    (0x4e00, 0x9fa5),
    (0x9fa6, 0x9fbb),
    (0xf900, 0xfa2d),
    (0xfa30, 0xfa6a),
    (0xfa70, 0xfad9),
    (0x2001, 0x2a6d),
    (0x2f81, 0x2fa1),
    (0xff00, 0xffef),
    (0x2e80, 0x2eff),
    (0x3000, 0x303f),
    (0x31c0, 0x31ef),
    (0x2f00, 0x2fdf),
    (0x2ff0, 0x2fff),
    (0x3100, 0x312f),
    (0x31a0, 0x31bf),
    (0xfe10, 0xfe1f),
    (0xfe30, 0xfe4f),
    (0x2600, 0x26ff),
    (0x2700, 0x27bf),
    (0x3200, 0x32ff),
    (0x3300, 0x33ff),
];

fn is_chinese(c: char) -> bool {
    CHINESE.iter().any(|&(first, last)| (first..=last).contains(&u32::from(c)))
}

impl Words {
    /// The way of this name; subword tokenizers come from files instead.
    pub fn named(name: &str) -> Result<Self, ScoreError> {
        match name {
            "none" => Ok(Words::None),
            "13a" => Ok(Words::Mteval13a),
            "intl" => Ok(Words::International),
            "zh" => Ok(Words::Chinese),
            "char" => Ok(Words::Characters),
            found => Err(ScoreError::Words { found: found.to_owned() }),
        }
    }

    /// Its name in a signature.
    pub fn name(&self) -> &str {
        match self {
            Words::None => "none",
            Words::Mteval13a => "13a",
            Words::International => "intl",
            Words::Chinese => "zh",
            Words::Characters => "char",
            Words::Pieces { name, .. } => name,
        }
    }

    /// The words of a line.
    pub fn cut(&self, line: &str) -> Result<Vec<String>, ScoreError> {
        let line = line.trim_end_matches(is_space);
        let text = match self {
            Words::None => line.to_owned(),
            Words::Mteval13a => {
                let line = line.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
                let line = line
                    .replace("&quot;", "\"")
                    .replace("&amp;", "&")
                    .replace("&lt;", "<")
                    .replace("&gt;", ">");
                replaced(&format!(" {line} "), &*MTEVAL_13A)
            }
            Words::International => replaced(line, &*INTERNATIONAL),
            Words::Chinese => {
                let spaced = |c: char| if is_chinese(c) { format!(" {c} ") } else { c.to_string() };
                replaced(
                    &line.trim_matches(is_space).chars().map(spaced).collect::<String>(),
                    &*MTEVAL_13A,
                )
            }
            Words::Characters => line.chars().flat_map(|c| [c, ' ']).collect(),
            Words::Pieces { name, pieces } => pieces(line)
                .map_err(|cause| ScoreError::Pieces { name: name.clone(), cause })?
                .join(" "),
        };
        Ok(split(&text).map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(words: Words, line: &str) -> String {
        words.cut(line).unwrap().join(" ")
    }

    #[test]
    fn numbers_stay_whole_and_marks_stand_apart() {
        assert_eq!(
            cut(Words::Mteval13a, "Pay $1,000.50 now, (or) 3-5 &quot;times&quot;."),
            "Pay $ 1,000.50 now , ( or ) 3 - 5 \" times \" ."
        );
        assert_eq!(cut(Words::Mteval13a, "«Ja», in 1999."), "«Ja» , in 1999 .");
        assert_eq!(cut(Words::International, "«Ja», in 1999."), "« Ja » , in 1999.");
        assert_eq!(cut(Words::Chinese, "我有iPhone 3.5，“好”"), "我 有 iPhone 3.5 ， “ 好 ”");
        assert_eq!(cut(Words::Characters, "ab c"), "a b c");
        assert_eq!(cut(Words::None, "a\u{1c}b, "), "a b,");
        assert!(Words::named("ja-mecab").is_err());
    }
}
