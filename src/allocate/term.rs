//! One language of a problem: its loss over pairs, what repeated pairs are worth to it, its bounds.
//!
//! ```text
//! L(X) = laws(d(X))      L' = laws'(d) d'      L'' = laws''(d) d'^2 + laws'(d) d''
//! ```
//!
//! `d` are the effective data of pairs, in unique ones (`law::Repetition`), and X itself where
//! nothing is known of repetition. Losses are in nats per target token. `d` rises and is concave,
//! so L falls, and is convex where the laws are.

use crate::law::{Average, Form, Law, Repetition};
use serde::{Deserialize, Serialize};

/// One language of a problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Language code, or any other name, unique in the problem.
    pub lang: String,
    /// Loss, nats per target token over unique pairs: the average of the laws that the fit weighs.
    pub laws: Average,
    /// What pairs beyond the unique ones are worth; absent = as much as new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repetition: Option<Repetition>,
    /// Weight in the objective, not negative.
    pub weight: f64,
    /// Cost of a pair where the budget is one of cost, above 0.
    pub cost: f64,
    /// Least pairs.
    pub lower: u64,
    /// Most pairs: unique pairs times allowed epochs; absent = no limit.
    pub upper: Option<u64>,
    /// Unique pairs of the corpus, where known; the size that proportional policies go by.
    pub unique: Option<u64>,
    /// Pairs of the mix that is in use, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<u64>,
}

/// One draw of what is uncertain of a language.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawn {
    /// Its law.
    pub law: Law,
    /// Passes that its repeats are worth at most; absent = as in the problem.
    pub r_star: Option<f64>,
}

impl From<Law> for Drawn {
    fn from(law: Law) -> Self {
        Drawn { law, r_star: None }
    }
}

impl Term {
    /// A language of weight and cost 1, without bounds, to which repeated pairs are new.
    pub fn new(lang: impl Into<String>, laws: impl Into<Average>) -> Self {
        let (lang, laws) = (lang.into(), laws.into());
        Term {
            lang,
            laws,
            repetition: None,
            weight: 1.0,
            cost: 1.0,
            lower: 0,
            upper: None,
            unique: None,
            current: None,
        }
    }

    /// The same language under a draw.
    pub fn under(&self, drawn: &Drawn) -> Self {
        let redrawn = |old: Repetition| {
            drawn
                .r_star
                .and_then(|r_star| Repetition::new(old.unique(), r_star).ok())
                .unwrap_or(old)
        };
        Term {
            laws: Average::from(drawn.law),
            repetition: self.repetition.map(redrawn),
            ..self.clone()
        }
    }

    /// Whether its laws are joint ones, of the pooled model that it is part of.
    pub fn is_joint(&self) -> bool {
        self.laws.laws().iter().any(|part| part.law.form() == Form::Joint)
    }

    /// What pairs are worth, in unique pairs.
    pub fn effective(&self, pairs: f64) -> f64 {
        self.repetition.map_or(pairs, |repetition| repetition.effective(pairs))
    }

    /// Effective data of one more pair, from 1 down to 0.
    pub fn effective_slope(&self, pairs: f64) -> f64 {
        self.repetition.map_or(1.0, |repetition| repetition.slope(pairs))
    }

    /// Loss, nats per target token; infinite at a pole.
    pub fn loss(&self, pairs: f64) -> f64 {
        self.laws.loss(self.effective(pairs))
    }

    /// `L(from) - L(to)` for `from <= to`, without the cancellation of the plain difference of
    /// losses.
    pub fn fall(&self, from: f64, to: f64) -> f64 {
        self.laws.fall(self.effective(from), self.effective(to))
    }

    /// First derivative, nats per target token per pair; never above 0.
    pub fn slope(&self, pairs: f64) -> f64 {
        self.laws.slope(self.effective(pairs)) * self.effective_slope(pairs)
    }

    /// Second derivative, nats per target token per pair squared.
    pub fn curvature(&self, pairs: f64) -> f64 {
        let (worth, slope) = (self.effective(pairs), self.effective_slope(pairs));
        let bend = self.repetition.map_or(0.0, |repetition| repetition.curvature(pairs));
        // without repetition no product of an infinite slope and 0
        self.laws.curvature(worth) * slope * slope
            + if bend == 0.0 { 0.0 } else { self.laws.slope(worth) * bend }
    }

    /// Least pairs for a finite objective: one where the law has a pole that counts.
    pub(super) fn least(&self) -> u64 {
        self.lower.max(u64::from(self.weight > 0.0 && self.laws.has_pole()))
    }
}
