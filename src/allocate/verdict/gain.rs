//! A gain over uniform, as the laws predict it and as models tuned on both measured it.

use super::digits::{grouped, signed};
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
    /// Of the language farthest above what all pairs would bring it, in the unit of a loss.
    Fair,
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
    pub(super) fn differences(&self) -> Vec<String> {
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
    pub(super) fn is_above_0(&self) -> bool {
        self.draws_90.is_some_and(|draws| draws.lo > 0.0)
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
            GainOf::Fair => "of the language farthest from what all pairs would bring it",
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
