//! The one sentence of a comparison, and the policy that it recommends.
//!
//! What was measured comes before what is predicted, and uniform is kept unless something speaks
//! against it. Nothing that a verdict says is stored twice: who won and what is recommended follow
//! from the intervals that it holds.

mod digits;
mod gain;

use super::{Comparison, Policy};
use digits::eye;
pub use gain::{Finding, GainOf, Measured, Predicted, PredictedBy};
use std::fmt;

/// Which policy to follow, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Bounds, groups or targets leave one allocation.
    NoChoice,
    /// The optimum is not proven: another allocation may be better by so much, nats per target
    /// token.
    Unproven {
        /// What the certificate leaves open, as in [`Comparison::slack_nats`]; infinite without a
        /// bound.
        slack_nats: f64,
    },
    /// The laws ask for the uniform allocation.
    Same,
    /// Uniform does not meet the groups.
    NoUniform {
        /// Gain by the laws over the uniform allocation that the groups forbid.
        predicted: Predicted,
    },
    /// Models were tuned on both.
    Measured {
        /// Gain of those of an allocation of parallot over those of uniform.
        measured: Measured,
        /// Gain by the laws at the allocation that is asked; it also decides where another one was
        /// measured.
        predicted: Predicted,
    },
    /// No models were tuned on both.
    Predicted {
        /// Gain over uniform by the laws; parallot is followed where its interval is above 0.
        predicted: Predicted,
    },
}

impl Comparison {
    /// What is predicted of our allocation; absent where the optimum is not proven.
    pub fn predicted(&self) -> Option<Predicted> {
        let gain = self.policies.first()?.gain_nats?;
        let draws_90 = (self.draws > 0).then_some(gain.interval_90);
        Some(Predicted { gain_nats: gain.value, draws_90, of: self.gain_of, by: self.predicted_by })
    }

    /// Our allocation against uniform, by what was measured where that is given.
    pub fn verdict(&self, measured: Option<Measured>) -> Verdict {
        let [ours, uniform, ..] = self.policies.as_slice() else { return Verdict::NoChoice };
        match (self.predicted(), measured) {
            _ if !self.has_choice => Verdict::NoChoice,
            (None, _) => Verdict::Unproven { slack_nats: self.slack_nats },
            (Some(_), _) if ours.pairs == uniform.pairs => Verdict::Same,
            (Some(predicted), _) if !self.uniform_meets_groups => Verdict::NoUniform { predicted },
            (Some(predicted), Some(measured)) => Verdict::Measured { measured, predicted },
            (Some(predicted), None) => Verdict::Predicted { predicted },
        }
    }
}

impl Verdict {
    /// The policy to follow; none where the optimum is not proven.
    pub fn recommended(&self) -> Option<Policy> {
        let follow = match self {
            Verdict::Unproven { .. } => return None,
            Verdict::NoChoice | Verdict::NoUniform { .. } => true,
            Verdict::Same => false,
            // a win elsewhere is no win here where the laws do not promise one
            Verdict::Measured { measured, predicted } => {
                measured.finding() == Finding::Parallot
                    && (measured.is_of_this_mix() || predicted.is_above_0())
            }
            Verdict::Predicted { predicted } => predicted.is_above_0(),
        };
        Some(if follow { Policy::Parallot } else { Policy::Uniform })
    }

    /// Which policy, and the one reason.
    pub fn headline(&self) -> String {
        let policy =
            if self.recommended() == Some(Policy::Parallot) { "parallot" } else { "keep uniform" };
        match self {
            Verdict::NoChoice => format!("{policy}: bounds or targets leave nothing to choose"),
            Verdict::Unproven { slack_nats } => format!("no verdict: {}", unproven(*slack_nats)),
            Verdict::Same => format!("{policy}: the laws ask for the uniform allocation"),
            Verdict::NoUniform { .. } => format!("{policy}: uniform does not meet the groups"),
            Verdict::Measured { measured, .. } => format!("{policy}: {measured}"),
            Verdict::Predicted { predicted } => match predicted.draws_90 {
                None => format!(
                    "{policy}: without draws of the laws the predicted gain of parallot, \
                    {predicted}, has no interval"
                ),
                Some(draws) if draws.hi < 0.0 => {
                    format!("{policy}: the predicted gain of parallot is below 0, {predicted}")
                }
                Some(draws) if draws.lo <= 0.0 => {
                    format!("{policy}: the predicted gain of parallot holds 0, {predicted}")
                }
                Some(_) => format!(
                    "{policy}, by prediction, not measured: a gain over uniform of {predicted}"
                ),
            },
        }
    }

    /// What is to be said beside it: the prediction and whom it comes from, and in what a
    /// measurement differs from what is asked.
    pub fn beside(&self) -> Vec<String> {
        match self {
            Verdict::NoChoice | Verdict::Unproven { .. } | Verdict::Same => Vec::new(),
            Verdict::NoUniform { predicted } => {
                vec![format!("against it a gain of {predicted} is predicted, {}", predicted.by)]
            }
            Verdict::Predicted { predicted } => vec![predicted.by.to_string()],
            Verdict::Measured { measured, predicted } => {
                let mut lines = vec![format!(
                    "predicted is a gain over uniform of {predicted}, {}",
                    predicted.by
                )];
                lines.extend(measured.differences());
                if measured.finding() == Finding::Parallot
                    && self.recommended() == Some(Policy::Uniform)
                {
                    lines.push("here the laws predict no gain".to_owned());
                }
                lines
            }
        }
    }

    /// What a warning says where the optimum is not proven.
    pub fn warning(&self) -> Option<String> {
        match self {
            Verdict::Unproven { slack_nats } => Some(unproven(*slack_nats)),
            _ => None,
        }
    }
}

fn unproven(slack_nats: f64) -> String {
    match slack_nats.is_finite() {
        true => format!(
            "the optimum is not proven, another allocation may be better by up to {} nats per \
            language",
            eye(slack_nats)
        ),
        false => "the optimum is not proven, no bound on a better allocation was found".to_owned(),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline())?;
        self.beside().iter().try_for_each(|line| write!(f, "; {line}"))
    }
}

#[cfg(test)]
mod tests;
