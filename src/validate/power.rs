//! How many models it takes to see a gain.
//!
//! ```text
//! d = sqrt(2 (sum_i (w_i L_i s_i)^2 + (s_a sum_i w_i L_i)^2)) / sum_i w_i
//! chance(n) = P(t_{n-1}(G sqrt(n) / d) > t_{n-1, 0.95})
//! ```
//!
//! `d` is what two models of one seed differ by, nats, and `chance(n)` that the 90 % interval of n
//! seeds lies above 0, where the gain is `G`.
//! `s_i` is the noise of one language in one model and `s_a` what a model has in common in all its
//! languages, both of ln loss. Seeds that are paired may have less.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Chance with which a gain shall show.
const CHANCE: f64 = 0.9;
/// Most seeds that are looked at.
const MOST: u64 = 1000;

/// Standard deviation of the difference of the weighted mean losses of two models, nats per target
/// token, from the losses of one and the noises of ln loss.
pub fn difference_nats(
    weights: &[f64],
    losses_nats: &[f64],
    own_log: &[f64],
    common_log: f64,
) -> f64 {
    let parts = || weights.iter().zip(losses_nats).map(|(weight, loss)| weight * loss);
    let own: f64 = parts().zip(own_log).map(|(part, own)| (part * own).powi(2)).sum();
    let common = common_log * parts().sum::<f64>();
    (2.0 * (own + common.powi(2))).sqrt() / weights.iter().sum::<f64>()
}

/// Seeds with which a gain shows in nine of ten validations; none where a thousand are too few.
pub fn seeds_to_show(gain_nats: f64, difference_nats: f64) -> Option<u64> {
    (2..=MOST).find(|&seeds| {
        chance(gain_nats, difference_nats, seeds).is_some_and(|chance| chance >= CHANCE)
    })
}

/// Chance that Student's 90 % interval of so many paired differences lies above 0, by the normal
/// approximation of the non-central t (Johnson and Welch 1940).
fn chance(gain_nats: f64, difference_nats: f64, seeds: u64) -> Option<f64> {
    let (count, free) = (seeds as f64, seeds as f64 - 1.0);
    let bound = StudentsT::new(0.0, 1.0, free).ok()?.inverse_cdf(0.95);
    let shift = gain_nats * count.sqrt() / difference_nats;
    let place =
        (shift - bound * (1.0 - 1.0 / (4.0 * free))) / (1.0 + bound.powi(2) / (2.0 * free)).sqrt();
    Some(Normal::standard().cdf(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::random::{Item, Purpose, generator};
    use crate::units::Estimate;
    use rand_distr::{Distribution, StandardNormal};

    #[test]
    fn seeds_show_a_gain_as_often_as_they_say() {
        for (gain, difference) in [(0.01, 0.02), (0.01, 0.01), (0.01, 0.005)] {
            let seeds = seeds_to_show(gain, difference).unwrap();
            let mut generator = generator(1, Purpose::Planted, Item::All);
            let mut shown = || {
                let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
                let differences: Vec<f64> =
                    (0..seeds).map(|_| gain + difference * normal()).collect();
                Estimate::of_mean(&differences).unwrap().interval_90.lo > 0.0
            };
            let share = (0..4000).filter(|_| shown()).count() as f64 / 4000.0;
            // three standard errors below, and less than one seed more above
            assert!((0.88..0.97).contains(&share), "{seeds} seeds: {share}");
            assert!(chance(gain, difference, seeds - 1).unwrap() < CHANCE);
        }
        assert_eq!(seeds_to_show(1e-6, 0.01), None);
        assert_eq!(seeds_to_show(-0.01, 0.01), None);
    }

    #[test]
    fn two_models_differ_by_what_is_their_own_and_what_is_common() {
        let (weights, losses) = ([1.0, 3.0], [2.0, 1.0]);
        let alone = difference_nats(&weights, &losses, &[0.01, 0.02], 0.0);
        approx::assert_relative_eq!(
            alone,
            (2.0 * (0.02f64.powi(2) + 0.06f64.powi(2))).sqrt() / 4.0
        );
        // averaging over languages leaves what is common
        let common = difference_nats(&weights, &losses, &[0.0, 0.0], 0.01);
        approx::assert_relative_eq!(common, 0.01 * 5.0 / 4.0 * 2f64.sqrt());
    }
}
