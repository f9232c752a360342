//! The sentence that says whether gamma predicts a new language.

use super::{Gain, Predictor, Trial};

/// Largest share of reassigned gammas that may predict as well.
const CHANCE: f64 = 0.05;

/// What a gain says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The paired interval is above 0, and reassigned gammas seldom do as well.
    Helps,
    /// The paired interval is below 0.
    Misleads,
    /// Neither.
    CannotTell,
}

impl Gain {
    /// What it says.
    pub fn finding(&self) -> Finding {
        let interval = self.error_log.interval_90;
        match () {
            () if interval.lo > 0.0 && self.by_chance <= CHANCE => Finding::Helps,
            () if interval.hi < 0.0 => Finding::Misleads,
            () => Finding::CannotTell,
        }
    }
}

/// The sentence of a trial.
pub(super) fn verdict(trial: &Trial) -> String {
    let languages = trial.levels_log.len();
    let none = trial.score(Predictor::None).map_or(f64::NAN, |score| score.rms_log);
    let of = |wanted: Finding| {
        let found = trial
            .scores
            .iter()
            .filter(|score| score.gain.as_ref().is_some_and(|gain| gain.finding() == wanted));
        found
            .map(|score| format!("{} ({:.3})", score.predictor, score.rms_log))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let [helps, misleads, open] = [Finding::Helps, Finding::Misleads, Finding::CannotTell].map(of);
    let opening = match (helps.is_empty(), misleads.is_empty(), open.is_empty()) {
        (true, true, true) => {
            return "no verdict: no gamma is above 0 for every language".to_owned();
        }
        (false, _, _) => "gamma helps to predict a new language".to_owned(),
        (true, true, false) => {
            format!("{languages} languages cannot tell whether gamma helps to predict a new one")
        }
        (true, false, _) => format!(
            "nothing shows that gamma helps to predict a new language ({languages} left out in \
            turn)"
        ),
    };
    let parts = [("better with", helps), ("worse with", misleads), ("undecided with", open)];
    let parts = parts
        .into_iter()
        .filter(|(_, who)| !who.is_empty())
        .map(|(word, who)| format!("{word} {who}"));
    format!(
        "{opening}: error of ln loss {none:.3} without it; {}",
        parts.collect::<Vec<_>>().join("; ")
    )
}
