//! The learning rate over a run: linear warm-up, then a cosine.

use crate::spec::Optimisation;
use std::f64::consts::PI;

/// Learning rate as a function of the step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    peak_lr: f64,
    min_lr: f64,
    warmup_steps: u64,
    steps: u64,
}

impl Schedule {
    /// The schedule of a run of `steps` steps.
    pub fn new(optimisation: &Optimisation, steps: u64) -> Self {
        Schedule {
            peak_lr: optimisation.peak_lr,
            min_lr: optimisation.peak_lr * optimisation.min_lr_share,
            warmup_steps: (optimisation.warmup_share * steps as f64).ceil() as u64,
            steps,
        }
    }

    /// Rate of step `step`, counted from 0: rises to the peak over the warm-up and reaches the minimum at the last step.
    pub fn lr(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.peak_lr * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let done = (step - self.warmup_steps + 1) as f64 / (self.steps - self.warmup_steps).max(1) as f64;
        self.min_lr + 0.5 * (self.peak_lr - self.min_lr) * (1.0 + (PI * done.min(1.0)).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_peak_and_falls_to_its_minimum() {
        let schedule = Schedule::new(&Optimisation { peak_lr: 0.2, min_lr_share: 0.1, warmup_share: 0.1, ..Optimisation::default() }, 100);
        let rates: Vec<f64> = (0..100).map(|step| schedule.lr(step)).collect();
        approx::assert_relative_eq!(rates[0], 0.02);
        approx::assert_relative_eq!(rates[9], 0.2);
        approx::assert_relative_eq!(rates[99], 0.02, max_relative = 1e-12);
        assert!(rates[..10].is_sorted() && rates[9..].windows(2).all(|pair| pair[1] < pair[0]));
    }

    #[test]
    fn a_run_of_one_step_has_a_finite_rate() {
        let one = Schedule::new(&Optimisation::default(), 1).lr(0);
        assert!(one.is_finite() && one > 0.0);
    }
}
