//! What a model was tuned on.

use crate::units::{Lang, Pairs};
use serde::{Deserialize, Serialize};

/// What a model was tuned on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Nothing: the base model itself, which every language shares.
    Base,
    /// Pairs of one language.
    Language {
        /// The language that is not English.
        lang: Lang,
        /// Pairs read; beyond the unique ones whole passes over them, then the beginning of one.
        pairs: Pairs,
    },
    /// Pairs of several languages at once, at least one row.
    Mixture(Vec<MixRow>),
}

/// Pairs of one language in a mixture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixRow {
    /// Language.
    pub lang: Lang,
    /// Pairs; beyond the unique ones whole passes over them, then the beginning of one.
    pub pairs: Pairs,
}

/// Fields of a file that say of no subject what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// A language beside a mixture.
    #[error("`lang` and `mix` are both given, expected at most one of them")]
    Both,
    /// The base model with pairs.
    #[error("`pairs` is {found} without `lang` or `mix`, expected 0, those of the base model")]
    Untuned { found: Pairs },
    /// A sum that is none.
    #[error("`pairs` is {found}, expected the {expected} of `mix`")]
    Sum { found: Pairs, expected: Pairs },
}

impl Subject {
    /// The subject of three fields of a file.
    pub(super) fn of(
        lang: Option<Lang>,
        mix: Vec<MixRow>,
        pairs: Pairs,
    ) -> Result<Self, SubjectError> {
        let subject = match (lang, mix.is_empty()) {
            (Some(lang), true) => Subject::Language { lang, pairs },
            (Some(_), false) => return Err(SubjectError::Both),
            (None, true) => Subject::Base,
            (None, false) => Subject::Mixture(mix),
        };
        match subject.pairs() {
            expected if expected == pairs => Ok(subject),
            _ if subject == Subject::Base => Err(SubjectError::Untuned { found: pairs }),
            expected => Err(SubjectError::Sum { found: pairs, expected }),
        }
    }

    /// Pairs of all languages together; none of the base.
    pub fn pairs(&self) -> Pairs {
        match self {
            Subject::Base => Pairs(0),
            Subject::Language { pairs, .. } => *pairs,
            // a file may hold any numbers
            Subject::Mixture(rows) => {
                Pairs(rows.iter().fold(0, |sum, row| row.pairs.0.saturating_add(sum)))
            }
        }
    }

    /// The language of a model of one language.
    pub fn lang(&self) -> Option<&Lang> {
        match self {
            Subject::Language { lang, .. } => Some(lang),
            Subject::Base | Subject::Mixture(_) => None,
        }
    }

    /// The rows of a mixture; none of anything else.
    pub fn mix(&self) -> &[MixRow] {
        match self {
            Subject::Mixture(rows) => rows,
            Subject::Base | Subject::Language { .. } => &[],
        }
    }

    /// Whether it is a mixture.
    pub fn is_mixture(&self) -> bool {
        matches!(self, Subject::Mixture(_))
    }

    /// Languages with their pairs, in their order.
    pub fn parts(&self) -> impl Iterator<Item = (&Lang, Pairs)> {
        let single = match self {
            Subject::Language { lang, pairs } => Some((lang, *pairs)),
            Subject::Base | Subject::Mixture(_) => None,
        };
        single.into_iter().chain(self.mix().iter().map(|row| (&row.lang, row.pairs)))
    }

    /// Pairs of one language.
    pub fn pairs_of(&self, lang: &Lang) -> Pairs {
        Pairs(self.parts().filter(|(part, _)| *part == lang).map(|(_, pairs)| pairs.0).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(code: &str, pairs: u64) -> MixRow {
        MixRow { lang: code.parse().unwrap(), pairs: Pairs(pairs) }
    }

    #[test]
    fn fields_that_contradict_each_other_are_no_subject() {
        let greek: Lang = "ell_Grek".parse().unwrap();
        let mix = vec![row("ell_Grek", 40), row("rus_Cyrl", 60)];
        let mixture = Subject::of(None, mix.clone(), Pairs(100)).unwrap();
        assert_eq!((mixture.pairs_of(&greek), mixture.pairs()), (Pairs(40), Pairs(100)));
        assert_eq!(Subject::of(None, vec![], Pairs(0)), Ok(Subject::Base));
        let language = Subject::of(Some(greek.clone()), vec![], Pairs(7)).unwrap();
        assert_eq!((language.lang(), language.pairs_of(&greek)), (Some(&greek), Pairs(7)));
        let wrong =
            |lang, mix, pairs| Subject::of(lang, mix, Pairs(pairs)).unwrap_err().to_string();
        assert_eq!(
            wrong(Some(greek), mix.clone(), 100),
            "`lang` and `mix` are both given, expected at most one of them"
        );
        assert_eq!(
            wrong(None, vec![], 5),
            "`pairs` is 5 without `lang` or `mix`, expected 0, those of the base model"
        );
        assert_eq!(wrong(None, mix, 99), "`pairs` is 99, expected the 100 of `mix`");
    }
}
