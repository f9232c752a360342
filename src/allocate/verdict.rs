//! The one sentence of a comparison, and the policy that it recommends.
//!
//! What was measured comes before what is predicted, and uniform is kept unless something speaks
//! against it. Nothing that a verdict says is stored twice: who won and what is recommended follow
//! from the intervals that it holds.

use super::{Comparison, Policy};
use crate::units::{Estimate, Interval};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Which laws predict a gain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictedBy {
    /// Those of each language alone.
    OneLanguage,
    /// Those with transfer between the languages.
    Transfer,
    /// The joint law of the pooled model.
    Joint,
}

/// What a gain is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GainOf {
    /// The weighted mean of the losses over languages.
    Mean,
    /// The worst weighted loss.
    Worst,
}

/// A predicted gain over uniform, nats per target token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicted {
    /// The gain: mean over the draws of the laws.
    pub gain_nats: f64,
    /// The middle 90 % of the draws; absent without draws.
    pub draws_90: Option<Interval>,
    /// What it is of.
    pub of: GainOf,
    /// Which laws predict it.
    pub by: PredictedBy,
}

/// What models tuned on the allocation were measured to gain over models tuned on uniform.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// Pairs that they were tuned on.
    pub budget: u64,
    /// Pairs of the allocation that the measurement is set beside.
    pub asked: u64,
    /// Models per policy.
    pub seeds: usize,
    /// The gain, nats per target token, with Student's interval over the seeds.
    pub gain_nats: Estimate,
    /// Share of the pairs that the allocation gives to other languages than the models had them of.
    pub moved_share: f64,
    /// Whether the fits have changed since.
    pub fits_changed: bool,
}

/// Who won a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The interval of the gain is above 0.
    Parallot,
    /// It is below 0.
    Uniform,
    /// It holds 0.
    Undecided,
}

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

/// Share of the pairs that must go elsewhere for a mix to be another one.
const OTHER_MIX: f64 = 0.02;

impl Measured {
    /// Who won.
    pub fn finding(&self) -> Finding {
        match self.gain_nats.interval_90 {
            Interval { lo, .. } if lo > 0.0 => Finding::Parallot,
            Interval { hi, .. } if hi < 0.0 => Finding::Uniform,
            _ => Finding::Undecided,
        }
    }

    /// Whether the models were tuned on the very allocation.
    pub fn is_of_this_mix(&self) -> bool {
        self.budget == self.asked && self.moved_share <= OTHER_MIX
    }

    /// In what the models were tuned on something else than is asked now; empty where in nothing.
    fn differences(&self) -> Vec<String> {
        let mut differences = Vec::new();
        if self.budget != self.asked {
            differences.push(format!(
                "measured at {} pairs, not at the {} asked for",
                grouped(self.budget),
                grouped(self.asked)
            ));
        }
        if self.moved_share > OTHER_MIX {
            let percent = 100.0 * self.moved_share;
            differences.push(format!(
                "measured of another mix: {percent:.0} % of the pairs go to other languages now"
            ));
        }
        if self.fits_changed {
            differences.push("the fits have changed since it was measured".to_owned());
        }
        differences
    }
}

impl Predicted {
    /// Whether all but the lowest twentieth of the draws gain.
    fn is_above_0(&self) -> bool {
        self.draws_90.is_some_and(|draws| draws.lo > 0.0)
    }
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

impl fmt::Display for PredictedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PredictedBy::OneLanguage => {
                "by laws of models tuned on one language; pooled models differ"
            }
            PredictedBy::Transfer => "by laws with transfer fitted to small mixtures",
            PredictedBy::Joint => "by the joint law of pooled models, fitted to small mixtures",
        })
    }
}

impl fmt::Display for Predicted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.of {
            GainOf::Mean => "per language",
            GainOf::Worst => "of the worst language",
        };
        write!(f, "{} nats {of}", signed(self.gain_nats))?;
        self.draws_90.map_or(Ok(()), |draws| {
            write!(
                f,
                " ({} to {}, 90 % of the draws of the laws)",
                signed(draws.lo),
                signed(draws.hi)
            )
        })
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.finding() {
            Finding::Parallot => "parallot won in",
            Finding::Uniform => "uniform won in",
            Finding::Undecided => "neither won in",
        };
        let Estimate { value, interval_90: Interval { lo, hi } } = self.gain_nats;
        let (budget, gain) = (grouped(self.budget), signed(value));
        write!(
            f,
            "{who} models tuned on {budget} pairs: parallot gained {gain} nats per language over \
            uniform "
        )?;
        match self.seeds {
            1 => write!(f, "(one seed, which has no interval)"),
            seeds => {
                write!(f, "({} to {}, 90 % interval over {seeds} seeds)", signed(lo), signed(hi))
            }
        }
    }
}

/// A number with its sign.
fn signed(value: f64) -> String {
    format!("{}{}", if value < 0.0 { "-" } else { "+" }, eye(value.abs()))
}

/// Four decimals, or more where they would show less than two digits.
fn eye(value: f64) -> String {
    let zeros = if value == 0.0 || !value.is_finite() { 0.0 } else { -value.abs().log10().floor() };
    let decimals = (zeros + 1.0).clamp(4.0, 12.0) as usize;
    format!("{value:.decimals$}")
}

/// A whole number with its thousands apart.
fn grouped(value: u64) -> String {
    match value {
        0..1000 => value.to_string(),
        _ => format!("{},{:03}", grouped(value / 1000), value % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted(gain_nats: f64, lo: f64, hi: f64) -> Predicted {
        Predicted {
            gain_nats,
            draws_90: Some(Interval { lo, hi }),
            of: GainOf::Mean,
            by: PredictedBy::OneLanguage,
        }
    }

    fn measured(value: f64, lo: f64, hi: f64) -> Measured {
        let gain_nats = Estimate { value, interval_90: Interval { lo, hi } };
        Measured {
            budget: 28_370,
            asked: 28_370,
            seeds: 5,
            gain_nats,
            moved_share: 0.0,
            fits_changed: false,
        }
    }

    #[test]
    fn a_prediction_is_followed_where_it_is_above_0_and_says_that_it_is_none_of_measurement() {
        let follow = Verdict::Predicted { predicted: predicted(0.021, 0.004, 0.038) };
        assert_eq!(follow.recommended(), Some(Policy::Parallot));
        assert_eq!(
            follow.to_string(),
            "parallot, by prediction, not measured: a gain over uniform of +0.0210 nats per \
            language \
             (+0.0040 to +0.0380, 90 % of the draws of the laws); by laws of models tuned on one \
            language; pooled models differ"
        );
        for (lo, hi, word) in
            [(-0.004, 0.009, "holds 0"), (0.0, 0.009, "holds 0"), (-0.009, -0.004, "is below 0")]
        {
            let keep = Verdict::Predicted { predicted: predicted(0.002, lo, hi) };
            assert_eq!(keep.recommended(), Some(Policy::Uniform));
            assert!(
                keep.to_string()
                    .starts_with(&format!("keep uniform: the predicted gain of parallot {word}, ")),
                "{keep}"
            );
        }
        let no_draws = Verdict::Predicted {
            predicted: Predicted { draws_90: None, ..predicted(0.1, 0.0, 0.0) },
        };
        assert_eq!(no_draws.recommended(), Some(Policy::Uniform));
        assert!(
            no_draws.to_string().contains("+0.1000 nats per language, has no interval"),
            "{no_draws}"
        );
    }

    #[test]
    fn what_was_measured_decides_whatever_was_predicted() {
        let sure = predicted(0.03, 0.025, 0.036);
        let of = |measured| Verdict::Measured { measured, predicted: sure };
        let lost = of(measured(-0.0319, -0.0382, -0.0256));
        assert_eq!(lost.recommended(), Some(Policy::Uniform));
        assert!(
            lost.to_string()
                .starts_with("keep uniform: uniform won in models tuned on 28,370 pairs: "),
            "{lost}"
        );
        assert!(
            lost.to_string().contains("predicted is a gain over uniform of +0.0300 nats"),
            "{lost}"
        );
        let undecided = of(measured(0.0023, -0.0078, 0.0123));
        assert_eq!(undecided.recommended(), Some(Policy::Uniform));
        assert!(undecided.to_string().contains("neither won"), "{undecided}");
        let one = of(Measured { seeds: 1, ..measured(0.2, f64::NEG_INFINITY, f64::INFINITY) });
        assert_eq!(one.recommended(), Some(Policy::Uniform));
        assert!(
            one.to_string().contains("one seed, which has no interval")
                && !one.to_string().contains("inf"),
            "{one}"
        );
        assert_eq!(of(measured(0.0133, 0.0059, 0.0207)).recommended(), Some(Policy::Parallot));
    }

    #[test]
    fn a_win_elsewhere_counts_where_the_laws_promise_one_here() {
        let won = measured(0.0133, 0.0059, 0.0207);
        let unsure = predicted(0.001, -0.001, 0.003);
        let of = |measured, predicted| Verdict::Measured { measured, predicted };
        assert_eq!(
            of(won, unsure).recommended(),
            Some(Policy::Parallot),
            "the very mix was measured"
        );
        let elsewhere = Measured { asked: 30_000, fits_changed: true, moved_share: 0.124, ..won };
        assert_eq!(of(elsewhere, unsure).recommended(), Some(Policy::Uniform));
        let kept = of(elsewhere, predicted(0.02, 0.01, 0.03));
        assert_eq!(kept.recommended(), Some(Policy::Parallot));
        for word in [
            "28,370 pairs, not at the 30,000 asked for",
            "another mix: 12 % of the pairs",
            "the fits have changed since",
        ] {
            assert!(kept.to_string().contains(word), "{word}: {kept}");
        }
    }

    #[test]
    fn numbers_keep_two_digits() {
        assert_eq!(
            (eye(0.000_012_34), eye(0.0), signed(-0.25)),
            ("0.000012".into(), "0.0000".into(), "-0.2500".into())
        );
        assert_eq!((grouped(0), grouped(1_002_003)), ("0".into(), "1,002,003".into()));
        let infinite = Verdict::Unproven { slack_nats: f64::INFINITY };
        assert_eq!((infinite.recommended(), infinite.to_string().contains("inf")), (None, false));
    }
}
