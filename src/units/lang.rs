//! A language: its code, and its names where the table has it.

use super::UnitError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A language in its script, as a FLORES code: `tur_Latn`, `zho_Hans`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lang(String);

impl Lang {
    /// English, the pivot of every pair.
    pub fn english() -> Self {
        Lang("eng_Latn".to_owned())
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.0
    }

    /// The English name of the language for prompts and plots, or the code where the table has
    /// none.
    pub fn name(&self) -> &str {
        self.row().map_or(&self.0, |(_, _, name)| name)
    }

    /// The ISO 639-1 code, `tr` of `tur_Latn`, where the table has the language.
    pub fn two_letters(&self) -> Option<&'static str> {
        self.row().map(|(_, short, _)| *short)
    }

    fn row(&self) -> Option<&'static (&'static str, &'static str, &'static str)> {
        NAMES.iter().find(|(code, _, _)| self.0.starts_with(code))
    }
}

/// ISO 639-3 code, ISO 639-1 code and English name.
const NAMES: [(&str, &str, &str); 36] = [
    ("eng", "en", "English"),
    ("ara", "ar", "Arabic"),
    ("arb", "ar", "Arabic"),
    ("ben", "bn", "Bengali"),
    ("bul", "bg", "Bulgarian"),
    ("ces", "cs", "Czech"),
    ("deu", "de", "German"),
    ("ell", "el", "Greek"),
    ("est", "et", "Estonian"),
    ("fas", "fa", "Persian"),
    ("fin", "fi", "Finnish"),
    ("fra", "fr", "French"),
    ("heb", "he", "Hebrew"),
    ("hin", "hi", "Hindi"),
    ("hun", "hu", "Hungarian"),
    ("ind", "id", "Indonesian"),
    ("ita", "it", "Italian"),
    ("jpn", "ja", "Japanese"),
    ("kor", "ko", "Korean"),
    ("mar", "mr", "Marathi"),
    ("nld", "nl", "Dutch"),
    ("pol", "pl", "Polish"),
    ("por", "pt", "Portuguese"),
    ("ron", "ro", "Romanian"),
    ("rus", "ru", "Russian"),
    ("spa", "es", "Spanish"),
    ("swe", "sv", "Swedish"),
    ("swh", "sw", "Swahili"),
    ("tam", "ta", "Tamil"),
    ("tel", "te", "Telugu"),
    ("tha", "th", "Thai"),
    ("tur", "tr", "Turkish"),
    ("ukr", "uk", "Ukrainian"),
    ("urd", "ur", "Urdu"),
    ("vie", "vi", "Vietnamese"),
    ("zho", "zh", "Chinese"),
];

impl FromStr for Lang {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bytes = text.as_bytes();
        let well_formed = bytes.len() == 8
            && bytes[..3].iter().all(u8::is_ascii_lowercase)
            && bytes[3] == b'_'
            && bytes[4].is_ascii_uppercase()
            && bytes[5..].iter().all(u8::is_ascii_lowercase);
        if well_formed {
            Ok(Lang(text.to_owned()))
        } else {
            Err(UnitError::Lang { found: text.to_owned() })
        }
    }
}

impl TryFrom<String> for Lang {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Self, UnitError> {
        text.parse()
    }
}

impl From<Lang> for String {
    fn from(lang: Lang) -> String {
        lang.0
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_flores_codes() {
        assert_eq!(
            "rus_Cyrl".parse::<Lang>().map(|l| l.name().to_owned()),
            Ok("Russian".to_owned())
        );
        assert_eq!(
            "qaa_Latn".parse::<Lang>().map(|l| l.name().to_owned()),
            Ok("qaa_Latn".to_owned())
        );
        for text in ["ru", "rus", "rus-Cyrl", "RUS_Cyrl", "rus_cyrl", "русс_Cyrl", ""] {
            assert!(text.parse::<Lang>().is_err(), "{text}");
        }
    }
}
