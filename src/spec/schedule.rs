//! How the runs of one language and seed share their training: not at all, or as branches of one
//! trunk.

use super::error::SpecError;
use super::limits::share;
use serde::{Deserialize, Serialize};

/// Learning rates of the runs of one language and seed, and what they have in common.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub enum ScheduleSpec {
    /// Each size is a run of its own: warm-up and cosine over all of its steps, passes in fresh
    /// orders.
    #[default]
    Whole,
    /// All sizes share one run at constant rate, of which each cools down a branch.
    Trunk(TrunkSpec),
}

/// Warm-up, a constant rate and a cool-down (Hägele et al. 2024). Until it cools down, a run does
/// what every longer one does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrunkSpec {
    /// Steps over which the rate rises, the same for all sizes.
    pub warmup_steps: u64,
    /// Share of a run's steps over which the rate falls.
    pub cooldown_share: f64,
}

impl Default for TrunkSpec {
    fn default() -> Self {
        TrunkSpec { warmup_steps: 10, cooldown_share: 0.2 }
    }
}

/// What a person writes: `whole`, `trunk` or `{trunk: {...}}`.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a schedule is expected to be `whole`, `trunk` or \
    `{trunk: {warmup_steps: N, cooldown_share: S}}`"
)]
enum Wire {
    Word(Word),
    Keys(Keys),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Whole,
    Trunk,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    trunk: TrunkSpec,
}

impl From<Wire> for ScheduleSpec {
    fn from(wire: Wire) -> Self {
        match wire {
            Wire::Word(Word::Whole) => ScheduleSpec::Whole,
            Wire::Word(Word::Trunk) => ScheduleSpec::Trunk(TrunkSpec::default()),
            Wire::Keys(Keys { trunk }) => ScheduleSpec::Trunk(trunk),
        }
    }
}

impl From<ScheduleSpec> for Wire {
    fn from(spec: ScheduleSpec) -> Self {
        match spec {
            ScheduleSpec::Whole => Wire::Word(Word::Whole),
            ScheduleSpec::Trunk(trunk) => Wire::Keys(Keys { trunk }),
        }
    }
}

impl ScheduleSpec {
    pub(super) fn is_whole(&self) -> bool {
        *self == ScheduleSpec::Whole
    }

    pub(super) fn check(&self, epochs: u32) -> Result<(), SpecError> {
        let ScheduleSpec::Trunk(trunk) = self else { return Ok(()) };
        share("tuning.schedule.trunk.cooldown_share", trunk.cooldown_share)?;
        if epochs > 1 {
            // a second pass over the pairs of one size is none over those of the next
            return Err(SpecError::value(
                "tuning.epochs",
                epochs,
                "1 beside `schedule: trunk`, whose branches read each pair once",
            ));
        }
        Ok(())
    }
}

impl TrunkSpec {
    /// Steps of the cool-down of a run of `steps` steps: at least the last one.
    pub fn cooldown_steps(&self, steps: u64) -> u64 {
        ((self.cooldown_share * steps as f64).ceil() as u64).clamp(1, steps.max(1))
    }
}
