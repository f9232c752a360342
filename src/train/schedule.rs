//! The learning rate over a run: linear warm-up, then a cosine; or a constant rate, then a
//! cool-down.

use crate::spec::{Optimisation, ScheduleSpec};
use std::f64::consts::PI;

/// Learning rate as a function of the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    peak_lr: f64,
    min_lr: f64,
    warmup_steps: u64,
    fall_steps: u64,
    steps: u64,
    fall: Fall,
}

/// How the rate falls from its peak, by the share of the fall that is done.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fall {
    /// `(1 + cos(pi done)) / 2`.
    Cosine,
    /// `1 - sqrt(done)` (Hägele et al. 2024).
    Root,
}

impl Schedule {
    /// Warm-up and cosine of a run of `steps` steps.
    pub fn whole(optimisation: &Optimisation, steps: u64) -> Self {
        let warmup_steps = (optimisation.warmup_share * steps as f64).ceil() as u64;
        let (peak_lr, min_lr) =
            (optimisation.peak_lr, optimisation.peak_lr * optimisation.min_lr_share);
        Schedule {
            peak_lr,
            min_lr,
            warmup_steps,
            fall_steps: steps - warmup_steps.min(steps),
            steps,
            fall: Fall::Cosine,
        }
    }

    /// What a spec asks for of a run of `steps` steps.
    pub fn of(spec: &ScheduleSpec, optimisation: &Optimisation, steps: u64) -> Self {
        let whole = Schedule::whole(optimisation, steps);
        match spec {
            ScheduleSpec::Whole => whole,
            ScheduleSpec::Trunk(trunk) => Schedule {
                warmup_steps: trunk.warmup_steps,
                fall_steps: trunk.cooldown_steps(steps),
                fall: Fall::Root,
                ..whole
            },
        }
    }

    /// Steps of the run.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Steps until the rate falls.
    pub fn steps_before_fall(&self) -> u64 {
        self.steps - self.fall_steps.min(self.steps)
    }

    /// Rate of step `step`, counted from 0: rises linearly over the warm-up and reaches the minimum
    /// at the last step.
    pub fn lr(&self, step: u64) -> f64 {
        let risen = |lr: f64| {
            if step < self.warmup_steps {
                lr * (step + 1) as f64 / self.warmup_steps as f64
            } else {
                lr
            }
        };
        if step < self.steps_before_fall() {
            return risen(self.peak_lr);
        }
        let done = (step - self.steps_before_fall() + 1) as f64 / self.fall_steps.max(1) as f64;
        let left = match self.fall {
            Fall::Cosine => 0.5 * (1.0 + (PI * done.min(1.0)).cos()),
            Fall::Root => 1.0 - done.min(1.0).sqrt(),
        };
        risen(self.min_lr + (self.peak_lr - self.min_lr) * left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::TrunkSpec;

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_its_minimum() {
        let schedule = Schedule::whole(
            &Optimisation {
                peak_lr: 0.2,
                min_lr_share: 0.1,
                warmup_share: 0.1,
                ..Optimisation::default()
            },
            100,
        );
        let rates: Vec<f64> = (0..100).map(|step| schedule.lr(step)).collect();
        approx::assert_relative_eq!(rates[0], 0.02);
        approx::assert_relative_eq!(rates[9], 0.2);
        approx::assert_relative_eq!(rates[99], 0.02, max_relative = 1e-12);
        assert!(rates[..10].is_sorted() && rates[9..].windows(2).all(|pair| pair[1] < pair[0]));
    }

    #[test]
    fn until_it_cools_down_a_run_of_a_trunk_has_the_rates_of_a_longer_one() {
        let optimisation =
            Optimisation { peak_lr: 0.2, min_lr_share: 0.1, ..Optimisation::default() };
        let spec = ScheduleSpec::Trunk(TrunkSpec { warmup_steps: 4, cooldown_share: 0.25 });
        let [short, long] = [40, 100].map(|steps| Schedule::of(&spec, &optimisation, steps));
        assert_eq!((short.steps_before_fall(), long.steps_before_fall()), (30, 75));
        assert!((0..30).all(|step| short.lr(step) == long.lr(step)));
        approx::assert_relative_eq!(short.lr(0), 0.05);
        assert_eq!((short.lr(3), short.lr(29)), (0.2, 0.2));
        let fall: Vec<f64> = (29..40).map(|step| short.lr(step)).collect();
        assert!(fall.windows(2).all(|pair| pair[1] < pair[0]));
        approx::assert_relative_eq!(short.lr(39), 0.02, max_relative = 1e-12);
        // a tenth of the fall: 1 - sqrt(0.1) of the way is left
        approx::assert_relative_eq!(
            short.lr(30),
            0.02 + 0.18 * (1.0 - 0.1f64.sqrt()),
            max_relative = 1e-12
        );
    }

    #[test]
    fn a_run_of_one_step_has_a_finite_rate() {
        for spec in [ScheduleSpec::Whole, ScheduleSpec::Trunk(TrunkSpec::default())] {
            let one = Schedule::of(&spec, &Optimisation::default(), 1).lr(0);
            assert!(one.is_finite() && one > 0.0);
        }
    }
}
