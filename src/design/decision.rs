//! When enough models were tuned to allocate a budget.
//!
//! ```text
//! regret = E over the draws of  loss(ours) - least loss      what better laws would bring
//! seen   = d / sqrt(seeds)      standard error of a gain that a validation measures
//! ```
//!
//! Both are in nats per language; `d` is what two models differ by in their mean loss. A regret
//! below what a validation could see is not worth another model.

use crate::units::Estimate;
use serde::{Deserialize, Serialize};

/// Models per policy of the validation that sets what can be seen.
pub const SEEDS: u64 = 8;
/// Most pairs that are tuned on for a decision unless asked otherwise, budgets.
pub const SPENT: f64 = 10.0;

/// What is known before the next model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Models of several languages so far.
    pub models: usize,
    /// Pairs that they were tuned on.
    pub pairs: f64,
    /// What the allocation is expected to lose on the best one, nats per language.
    pub expected_regret_nats: f64,
    /// What it is predicted to gain over uniform, nats per language.
    pub gain_nats: Estimate,
    /// What two models differ by in their mean loss, nats.
    pub difference_nats: f64,
}

/// Whether to tune further models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// What further models could bring is too little to matter.
    Decided,
    /// Not yet: a batch more may do.
    Undecided,
    /// Not yet, and a batch more costs more than may be spent.
    Unaffordable,
}

impl Standing {
    /// What a validation could see, nats per language.
    pub fn seen_nats(&self) -> f64 {
        self.difference_nats / (SEEDS as f64).sqrt()
    }

    /// Whether to go on, below a regret that does not matter and within pairs that may be spent.
    pub fn decide(&self, regret_nats: f64, batch_pairs: f64, spent_pairs: f64) -> Decision {
        match () {
            () if self.expected_regret_nats <= regret_nats => Decision::Decided,
            () if self.pairs + batch_pairs > spent_pairs => Decision::Unaffordable,
            () => Decision::Undecided,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Interval;

    fn standing(expected_regret_nats: f64) -> Standing {
        let gain_nats = Estimate { value: 0.02, interval_90: Interval { lo: 0.01, hi: 0.03 } };
        Standing {
            models: 20,
            pairs: 60_000.0,
            expected_regret_nats,
            gain_nats,
            difference_nats: 0.008,
        }
    }

    #[test]
    fn a_regret_that_no_validation_sees_is_decided_and_a_batch_beyond_all_means_is_not_tuned() {
        let seen = standing(0.0).seen_nats();
        let decide = |regret, spent| standing(regret).decide(seen, 30_000.0, spent);
        assert_eq!(decide(0.0028, 0.0), Decision::Decided);
        assert_eq!(decide(0.0029, 90_000.0), Decision::Undecided);
        assert_eq!(decide(0.0029, 89_999.0), Decision::Unaffordable);
    }
}
