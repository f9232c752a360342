//! The similarity gamma of English and another language, and what it predicts of a language that
//! was never run.
//!
//! The law of x-LLaMA (Zhu et al. 2023), written for a loss, is `alpha (gamma_i X)^-beta`:
//! `gamma_i` in (0, 1] is the similarity of language i, `X` its pairs. With an alpha a language
//! gamma is absorbed. It has content only where alpha and beta are shared, and then it predicts the
//! curve of a new language. With `y_i(X)` a loss in a unit that languages share ([`Measure`]), a
//! prediction of language k is fitted to all others by
//!
//! ```text
//! none    ln y_i = a - b ln X
//! paper   ln y_i = a - b ln(gamma_i X)
//! free    ln y_i = a - b ln X + c ln gamma_i
//! ```
//!
//! by least squares over the means of the seeds, every language with the same weight, and scored by
//! the root mean square of `ln predicted - ln measured` on language k.

mod cosine;
mod forecast;
mod overlap;
mod verdict;

pub use cosine::{Cosine, middle_layers};
pub use overlap::Overlap;
pub use verdict::Finding;

use crate::fit::Fit;
use crate::units::Estimate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A recipe for gamma.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gamma {
    /// Cosine of parallel sentences in the middle layers of the base, beyond chance.
    Cosine,
    /// Subword tokens that the texts of both languages have in common.
    Vocabulary,
}

impl Gamma {
    /// All recipes.
    pub const ALL: [Gamma; 2] = [Gamma::Cosine, Gamma::Vocabulary];
}

/// How alike English and one language are to the base model, and the size of what its losses were
/// measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Likeness {
    /// Language code.
    pub lang: String,
    /// Dev pairs read.
    pub sentences: u64,
    /// Cosines of their hidden states.
    pub cosine: Cosine,
    /// Tokens of the train part.
    pub vocabulary: Overlap,
    /// Target tokens of the evaluation, which a loss is a mean over.
    pub target_tokens: u64,
    /// Bytes of UTF-8 of the English side of the evaluation.
    pub english_bytes: u64,
}

impl Likeness {
    /// Gamma by a recipe. The formula needs it above 0, which neither recipe promises.
    pub fn gamma(&self, gamma: Gamma) -> f64 {
        match gamma {
            Gamma::Cosine => self.cosine.gamma.value,
            Gamma::Vocabulary => self.vocabulary.gamma,
        }
    }
}

/// A unit of losses that languages share: nats per target token are not one, as tokens hold
/// different amounts of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Nats over the whole evaluation a byte of its English side: the same content costs so much in
    /// this language.
    Content,
    /// Loss over the loss of the base, in which the token cancels. What the format of the task
    /// costs the base is in it.
    Fall,
}

impl Measure {
    /// All measures, the main one first.
    pub const ALL: [Measure; 2] = [Measure::Content, Measure::Fall];
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Measure::Content => "content",
            Measure::Fall => "fall",
        })
    }
}

/// How the curve of a language is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Predictor {
    /// The shared curve of the others.
    None,
    /// With gamma as in the paper, where it multiplies the pairs.
    Paper(Gamma),
    /// With gamma under an exponent of its own.
    Free(Gamma),
    /// The shared curve, moved to the language's own losses at its two smallest sizes.
    OwnRuns,
    /// A yardstick that has seen the answer: the same form fitted to the language's own points.
    OwnPower,
    /// A yardstick that has seen the answer: the language's own law of `fits.json`.
    OwnLaw,
}

impl Predictor {
    /// All, in the order of tables.
    pub const ALL: [Predictor; 8] = [
        Predictor::None,
        Predictor::Paper(Gamma::Cosine),
        Predictor::Free(Gamma::Cosine),
        Predictor::Paper(Gamma::Vocabulary),
        Predictor::Free(Gamma::Vocabulary),
        Predictor::OwnRuns,
        Predictor::OwnPower,
        Predictor::OwnLaw,
    ];

    /// The recipe that it takes gamma from.
    pub fn gamma(self) -> Option<Gamma> {
        match self {
            Predictor::Paper(gamma) | Predictor::Free(gamma) => Some(gamma),
            _ => None,
        }
    }
}

impl fmt::Display for Gamma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Gamma::Cosine => "cosine",
            Gamma::Vocabulary => "vocabulary",
        })
    }
}

impl fmt::Display for Predictor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Predictor::None => f.write_str("none"),
            Predictor::Paper(gamma) => write!(f, "paper-{gamma}"),
            Predictor::Free(gamma) => write!(f, "free-{gamma}"),
            Predictor::OwnRuns => f.write_str("own-runs"),
            Predictor::OwnPower => f.write_str("own-power"),
            Predictor::OwnLaw => f.write_str("own-law"),
        }
    }
}

/// How far a prediction of one language missed, on its sizes above the two smallest.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Miss {
    /// Root mean square of `ln predicted - ln measured`.
    pub rms_log: f64,
    /// Mean of the same.
    pub bias_log: f64,
}

/// What gamma brings over no gamma.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gain {
    /// Mean over the languages of the error without gamma less the error with it, ln loss, with
    /// Student's paired interval.
    pub error_log: Estimate,
    /// Languages whose error is smaller with gamma.
    pub better: usize,
    /// Share of random reassignments of the gammas to the languages that predict at least as well.
    pub by_chance: f64,
}

/// A predictor over all languages, each left out once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The predictor.
    pub predictor: Predictor,
    /// One per language.
    pub misses: Vec<Miss>,
    /// Root of the mean over languages of the squared errors.
    pub rms_log: f64,
    /// Over no gamma; of predictors with a gamma only.
    pub gain: Option<Gain>,
}

/// All predictors in one measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// The measure.
    pub measure: Measure,
    /// How high the curve of each language lies: `ln y` at the geometric mean of all sizes, under a
    /// slope that all share.
    pub levels_log: Vec<f64>,
    /// One per predictor; those by a gamma that is not above 0 for every language are left out.
    pub scores: Vec<Score>,
}

impl Trial {
    /// The score of a predictor.
    pub fn score(&self, predictor: Predictor) -> Option<&Score> {
        self.scores.iter().find(|score| score.predictor == predictor)
    }
}

/// What similarity says of the languages of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Similarity {
    /// Version and git revision of the program.
    pub parallot: String,
    /// The command as typed; absent in files of version 0.1.0 and of programs that call the
    /// library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The experiment.
    pub source: String,
    /// SHA-256 of the fits.
    pub fits_sha256: String,
    /// Hash of the base model.
    pub base_id: String,
    /// Layers whose states were compared, counted in blocks before them.
    pub layers: Vec<usize>,
    /// One per language, in the order of the fits.
    pub languages: Vec<Likeness>,
    /// One per measure, the main one first.
    pub trials: Vec<Trial>,
    /// The sentence that says what was found, in the main measure.
    pub verdict: String,
}

/// Why nothing can be predicted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum SimilarityError {
    /// Nothing to leave out.
    #[error(
        "{found} languages, expected at least {needed}: one is left out, and the others must tell \
        gamma from the level"
    )]
    TooFew { found: usize, needed: usize },
}

/// Fewest languages.
const LEAST: usize = 3;

/// Checks that there are languages enough.
pub fn check(languages: usize) -> Result<(), SimilarityError> {
    if languages < LEAST {
        Err(SimilarityError::TooFew { found: languages, needed: LEAST })
    } else {
        Ok(())
    }
}

/// Leaves every language out once, in every measure. `likenesses` are in the order of the fits. The
/// measure [`Measure::Fall`] is left out where a curve has no point of the base.
pub fn trials(
    fits: &[Fit],
    likenesses: &[Likeness],
) -> Result<(Vec<Trial>, String), SimilarityError> {
    check(fits.len())?;
    let trials: Vec<Trial> = Measure::ALL
        .into_iter()
        .filter_map(|measure| {
            Some(forecast::trial(measure, &forecast::known(measure, fits, likenesses)?))
        })
        .collect();
    let verdict = trials.first().map_or_else(String::new, verdict::verdict);
    Ok((trials, verdict))
}

#[cfg(test)]
mod tests;
