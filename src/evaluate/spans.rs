//! The spans of a text that can be answers: some words in a row, cut at the borders of words.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// Most words of a span; a character of a script without spaces is a word.
const MOST_WORDS: usize = 20;

/// A character of a script without spaces, a run of letters and digits, or a mark.
static WORD: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]|[[\p{L}\p{M}\p{N}]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]]+|\S";
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("a pattern of this file: {error}"))
});

/// The different spans of a text, in the order of their first places. None starts or ends with
/// punctuation, but brackets, quotes and percent signs may be its ends.
pub fn spans(text: &str) -> Vec<String> {
    let words: Vec<Range<usize>> = WORD.find_iter(text).map(|word| word.range()).collect();
    let is_end = |word: &Range<usize>| {
        !matches!(
            &text[word.clone()],
            "." | ","
                | ";"
                | ":"
                | "!"
                | "?"
                | "。"
                | "，"
                | "、"
                | "؛"
                | "،"
                | "؟"
                | "।"
                | "："
                | "；"
        )
    };
    let mut seen = std::collections::HashSet::new();
    let mut found = Vec::new();
    for (at, first) in words.iter().enumerate().filter(|(_, word)| is_end(word)) {
        for last in words[at..].iter().take(MOST_WORDS).filter(|word| is_end(word)) {
            let span = &text[first.start..last.end];
            if seen.insert(span) {
                found.push(span.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_whole_words() {
        assert_eq!(
            spans("In 1999, iOS."),
            ["In", "In 1999", "In 1999, iOS", "1999", "1999, iOS", "iOS"]
        );
        assert_eq!(spans("我有A1。"), ["我", "我有", "我有A1", "有", "有A1", "A1"]);
        assert_eq!(spans("a a"), ["a", "a a"]);
        assert_eq!(spans(&"w ".repeat(50)).len(), MOST_WORDS);
    }
}
