//! The one sentence of a comparison.

use super::Comparison;
use crate::units::Estimate;
use std::fmt;

/// Whether the allocation is worth leaving uniform for. The gain is in nats per target token, a weighted mean over languages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// The 90 % interval of the gain is above 0.
    Beats { gain: Estimate, chance: f64 },
    /// It is not, so the laws do not tell the two apart, or speak for uniform.
    KeepUniform { gain: Estimate, chance: f64 },
    /// Uniform does not meet the groups.
    NoUniform { gain: Estimate },
    /// The allocation is the uniform one.
    Same,
    /// There are no draws, so the gain has no interval.
    NoDraws { gain: f64 },
}

impl Comparison {
    /// Our allocation against uniform.
    pub fn verdict(&self) -> Verdict {
        let [ours, uniform, ..] = self.policies.as_slice() else { return Verdict::Same };
        let (gain, chance) = (ours.gain_nats, ours.chance_to_beat_uniform);
        match () {
            () if ours.pairs == uniform.pairs => Verdict::Same,
            () if !self.uniform_meets_groups => Verdict::NoUniform { gain },
            () if self.draws == 0 => Verdict::NoDraws { gain: gain.value },
            () if gain.interval_90.lo > 0.0 => Verdict::Beats { gain, chance },
            () => Verdict::KeepUniform { gain, chance },
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Verdict::Beats { gain, chance } => write!(
                f,
                "beats uniform with probability {chance:.2}; the gain is {} nats a language (90 % interval {} to {})",
                eye(gain.value),
                eye(gain.interval_90.lo),
                eye(gain.interval_90.hi)
            ),
            Verdict::KeepUniform { gain, chance } => {
                let (lo, hi) = (gain.interval_90.lo, gain.interval_90.hi);
                let relation = if hi < 0.0 { "is below 0" } else { "holds 0" };
                write!(f, "keep uniform: the interval of the gain, {} to {} nats a language, {relation} ", eye(lo), eye(hi))?;
                write!(f, "(probability to beat uniform {chance:.2})")
            }
            Verdict::NoUniform { gain } => write!(
                f,
                "uniform does not meet the groups; against it the gain is {} nats a language (90 % interval {} to {})",
                eye(gain.value),
                eye(gain.interval_90.lo),
                eye(gain.interval_90.hi)
            ),
            Verdict::Same => write!(f, "keep uniform: the laws ask for the uniform allocation"),
            Verdict::NoDraws { gain } => {
                write!(f, "undecided: without draws the gain over uniform, {} nats a language, has no interval", eye(gain))
            }
        }
    }
}

/// Three decimals, or more where they would show less than two digits.
fn eye(value: f64) -> String {
    let zeros = if value == 0.0 || !value.is_finite() { 0.0 } else { -value.abs().log10().floor() };
    let decimals = (zeros + 1.0).clamp(3.0, 12.0) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Interval;

    fn estimate(value: f64, lo: f64, hi: f64) -> Estimate {
        Estimate { value, interval_90: Interval { lo, hi } }
    }

    #[test]
    fn sentences() {
        let beats = Verdict::Beats { gain: estimate(0.021, 0.004, 0.038), chance: 0.932 };
        let text = "beats uniform with probability 0.93; the gain is 0.021 nats a language (90 % interval 0.0040 to 0.038)";
        assert_eq!(beats.to_string(), text);
        let keep = Verdict::KeepUniform { gain: estimate(0.002, -0.004, 0.009), chance: 0.71 };
        let text = "keep uniform: the interval of the gain, -0.0040 to 0.0090 nats a language, holds 0 (probability to beat uniform 0.71)";
        assert_eq!(keep.to_string(), text);
        assert!(Verdict::KeepUniform { gain: estimate(-1.0, -2.0, -0.5), chance: 0.0 }.to_string().contains("is below 0"));
        assert_eq!(eye(0.000_012_34), "0.000012");
        assert_eq!(eye(0.0), "0.000");
    }
}
