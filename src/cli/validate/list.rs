//! What `--list` says: the prediction, the seeds that would show it, and what the models cost.

use super::super::terminal::say;
use super::tables::predicted;
use super::{Arguments, Question};
use crate::allocate::Policy;
use crate::report::eye::{duration, grouped, nats, signed};
use crate::sweep::{Cost, Plan};
use crate::validate::{
    Prediction, difference_nats, dose_correction, dose_of, dose_spread, seeds_to_show,
};

impl Question {
    pub(super) fn list(&self, prediction: &Prediction, plan: &Plan, arguments: &Arguments) {
        say(&predicted(prediction));
        if let Some(power) = self.power(prediction) {
            say(&format!("\n{power}"));
        }
        if plan.missing.is_empty() {
            say(&format!("\nnone of {} models missing", plan.done.len()));
            return;
        }
        let cost = Cost::new(&self.experiment, &self.bitexts, &plan.done, &arguments.device);
        let tokens: f64 = plan.missing.iter().map(|run| cost.train_tokens(run)).sum();
        let seconds: Option<f64> =
            plan.missing.iter().map(|run| cost.seconds(cost.train_tokens(run))).sum();
        let time = seconds
            .map_or(String::new(), |seconds| format!(", about {} on one job", duration(seconds)));
        let (missing, all) = (plan.missing.len(), plan.missing.len() + plan.done.len());
        say(&format!(
            "\n{missing} of {all} models missing, about {} training tokens{time}",
            grouped(tokens.round() as u64)
        ));
    }

    /// How many seeds it takes to see the gain that is predicted, by the noise of pooled models;
    /// nothing where only models of one language are known, whose noise has no part that is common
    /// to the languages.
    fn power(&self, prediction: &Prediction) -> Option<String> {
        let ours = prediction
            .policies
            .iter()
            .find(|row| row.policy == Policy::Parallot)
            .filter(|_| self.problem.is_joint())?;
        let losses: Vec<f64> = ours.loss_nats.iter().map(|loss| loss.value).collect();
        let (own_log, common_log) = self.noise();
        let apart = difference_nats(&prediction.weights, &losses, &own_log, common_log);
        let gain = ours.gain_nats.value;
        let arms = prediction.policies.iter().filter_map(|row| Some((dose_of(row.policy)?, row)));
        let weights = &prediction.weights;
        let (doses, by_law): (Vec<f64>, Vec<f64>) = arms
            .map(|(dose, row)| {
                let losses = row.loss_nats.iter().zip(weights).filter(|(_, weight)| **weight > 0.0);
                let sum: f64 = losses.map(|(loss, weight)| weight * loss.value).sum();
                (dose, sum / weights.iter().sum::<f64>())
            })
            .unzip();
        let response = dose_spread(&doses).zip(dose_correction(&doses, &by_law));
        let (spread, correction) = response.unwrap_or((1.0, 0.0));
        let noise = format!(
            "two models differ by {} nats in their mean, by the noise of the design",
            nats(apart)
        );
        let by = if response.is_some() { "by the dose response " } else { "" };
        Some(match seeds_to_show(gain - correction.abs(), apart * spread) {
            Some(seeds) => {
                format!(
                    "{by}the predicted gain of parallot, {}, shows in nine of ten validations of \
                    {seeds} seeds where it comes: {noise}",
                    signed(gain)
                )
            }
            None if gain <= 0.0 => format!("no gain of parallot is predicted: {noise}"),
            None => format!(
                "the predicted gain of parallot, {}, does not show with a thousand seeds: {noise}",
                signed(gain)
            ),
        })
    }
}
