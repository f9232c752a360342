//! Designs: which models are tuned so that the joint law can be fitted.
//!
//! ```text
//! steps       X_i = N 2^{s_i} / sum_j 2^{s_j},    s_i = +-1, half of them +1, then -s
//! Dirichlet   X_i = N p_i,                        p uniform over all shares
//! around x*   X_i = N x*_i 1.7^{s_i} / sum_j x*_j 1.7^{s_j}
//! ```
//!
//! `N`, pairs of a model, goes through T/8, T/4 and T/2 of the budget T: the law is read at T, and
//! a design that stays below T/4 loses two to four times as much of what can be gained. Steps tell
//! languages apart, shares of Dirichlet look at the corners. A language whose even share of T
//! repeats its pairs is asked for two passes where its step is up, so that its repeats are
//! seen. Two models are tuned once more with another seed, from which the noise of models is known.

use crate::numeric::random::{Item, Purpose, generator};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Parts of the budget that models of a first design have, one after the other.
const FIRST_TOTALS: [f64; 3] = [0.5, 0.25, 0.125];
/// The same of a batch around an optimum.
const NEXT_TOTALS: [f64; 2] = [0.5, 0.25];
/// Step of a first design.
const FIRST_STEP: f64 = 2.0;
/// Step of a batch around an optimum.
const NEXT_STEP: f64 = 1.7;
/// Passes over the unique pairs of a language that repeats, where its step is up.
const REPEATED_PASSES: f64 = 2.0;
/// Models that are tuned with two seeds.
const TWICE: usize = 2;
/// Least share of a model that a language has, over an even one: below it says little of the law.
const LEAST: f64 = 0.1;

/// What a design is made for.
#[derive(Debug, Clone, PartialEq)]
pub struct Aim {
    /// Budget that shall be allocated, pairs.
    pub budget: u64,
    /// Unique pairs per language, where they are known.
    pub unique: Vec<Option<u64>>,
    /// Most passes over them.
    pub passes: f64,
    /// Seed of the design.
    pub seed: u64,
}

/// One model that a design asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Pairs per language.
    pub pairs: Vec<u64>,
    /// How many models of the same pairs stand before it: each has another seed.
    pub again: usize,
}

impl Model {
    /// Pairs of all languages.
    pub fn total(&self) -> u64 {
        self.pairs.iter().sum()
    }
}

/// Models that a first design has unless asked otherwise: two per language, and six more than
/// languages at least.
pub fn first_count(languages: usize) -> usize {
    (2 * languages).max(languages + 6)
}

/// Models of a batch around an optimum unless asked otherwise: one per two languages.
pub fn next_count(languages: usize) -> usize {
    languages.div_ceil(2)
}

/// A first design of `count` models.
pub fn first(aim: &Aim, count: usize) -> Vec<Model> {
    let mut rng = generator(aim.seed, Purpose::Mixtures, Item::Of("plan"));
    let twice = if count > 3 * TWICE { TWICE } else { 0 };
    let mut signs = Signs::default();
    let mut models: Vec<Model> = Vec::with_capacity(count);
    for at in 0..count - twice {
        // a pair of opposite steps, then a pair of Dirichlet shares, all totals of each
        let total = aim.budget as f64 * FIRST_TOTALS[(at / 2) % FIRST_TOTALS.len()];
        let even = vec![1.0 / aim.unique.len() as f64; aim.unique.len()];
        let (shares, up) = if (at / 2).is_multiple_of(2) {
            let up = signs.next(aim.unique.len(), &mut rng);
            (stepped(&even, &up, FIRST_STEP), up)
        } else {
            (dirichlet(aim.unique.len(), &mut rng), vec![false; aim.unique.len()])
        };
        models.push(Model { pairs: aim.pairs(&shares, &up, total), again: 0 });
    }
    let again: Vec<Model> =
        models[..twice].iter().map(|model| Model { again: 1, ..model.clone() }).collect();
    models.extend(again);
    models
}

/// A batch of `count` models around an optimum: its pairs are moved up and down. `number` says
/// which batch it is, from 1.
pub fn around(aim: &Aim, optimum: &[u64], count: usize, number: u64) -> Vec<Model> {
    let mut rng = generator(aim.seed, Purpose::Mixtures, Item::NthOf("plan", number));
    let total: u64 = optimum.iter().sum();
    let least = LEAST / optimum.len() as f64;
    let shares: Vec<f64> =
        optimum.iter().map(|&pairs| (pairs as f64 / total.max(1) as f64).max(least)).collect();
    let mut signs = Signs::default();
    let model = |at: usize| {
        let up = signs.next(optimum.len(), &mut rng);
        let total = aim.budget as f64 * NEXT_TOTALS[(at / 2) % NEXT_TOTALS.len()];
        let pairs = aim.pairs(&stepped(&shares, &up, NEXT_STEP), &up, total);
        Model { pairs, again: 0 }
    };
    (0..count).map(model).collect()
}

impl Aim {
    /// Whole pairs of some shares of a total. Languages that are up and repeat at the budget have
    /// two passes asked for; none has more than its most passes, and what it lacks goes to the
    /// others.
    fn pairs(&self, shares: &[f64], up: &[bool], total: f64) -> Vec<u64> {
        let sum: f64 = shares.iter().sum();
        let even = self.budget as f64 / shares.len() as f64;
        let mut asked: Vec<f64> = shares.iter().map(|share| total * share / sum).collect();
        for (i, asked) in asked.iter_mut().enumerate() {
            if let Some(unique) = self.unique[i].map(|unique| unique as f64)
                && up[i]
                && even > unique
            {
                // half of a small model is enough for one language
                *asked = asked.max((REPEATED_PASSES * unique).min(total / 2.0));
            }
        }
        let caps: Vec<f64> = self
            .unique
            .iter()
            .map(|unique| unique.map_or(f64::INFINITY, |unique| unique as f64 * self.passes))
            .collect();
        filled(&asked, &caps, total).into_iter().map(|pairs| pairs.round() as u64).collect()
    }
}

/// What is asked for, scaled to a total, no entry above its cap: what one lacks goes to the others
/// in proportion.
fn filled(asked: &[f64], caps: &[f64], total: f64) -> Vec<f64> {
    let mut is_full = vec![false; asked.len()];
    loop {
        let full: f64 = (0..asked.len()).filter(|&i| is_full[i]).map(|i| caps[i]).sum();
        let open: f64 = (0..asked.len()).filter(|&i| !is_full[i]).map(|i| asked[i]).sum();
        let scale = if open > 0.0 { (total - full).max(0.0) / open } else { 0.0 };
        let over: Vec<usize> =
            (0..asked.len()).filter(|&i| !is_full[i] && scale * asked[i] > caps[i]).collect();
        if over.is_empty() {
            let pairs = |i: usize| if is_full[i] { caps[i] } else { scale * asked[i] };
            return (0..asked.len()).map(pairs).collect();
        }
        over.into_iter().for_each(|i| is_full[i] = true);
    }
}

fn stepped(shares: &[f64], up: &[bool], step: f64) -> Vec<f64> {
    shares.iter().zip(up).map(|(share, &up)| if up { share * step } else { share / step }).collect()
}

/// Shares that are uniform over all shares, none below a tenth of an even one.
fn dirichlet(languages: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let draws: Vec<f64> = (0..languages).map(|_| -(1.0 - rng.random::<f64>()).ln()).collect();
    let sum: f64 = draws.iter().sum();
    let least = LEAST / languages as f64;
    draws.iter().map(|draw| (draw / sum).max(least)).collect()
}

/// Signs of steps: half of them up, drawn anew for every second model, whose neighbour has the
/// opposite ones.
#[derive(Default)]
struct Signs(Option<Vec<bool>>);

impl Signs {
    fn next(&mut self, languages: usize, rng: &mut ChaCha8Rng) -> Vec<bool> {
        if let Some(drawn) = self.0.take() {
            return drawn.iter().map(|up| !up).collect();
        }
        let mut up: Vec<bool> = (0..languages).map(|i| i < languages / 2).collect();
        up.shuffle(rng);
        self.0 = Some(up.clone());
        up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aim(unique: Vec<Option<u64>>) -> Aim {
        Aim { budget: 24_000, unique, passes: 4.0, seed: 1 }
    }

    #[test]
    fn a_first_design_has_its_totals_its_steps_and_two_models_twice() {
        let aim = aim(vec![Some(100_000); 6]);
        let models = first(&aim, first_count(6));
        assert_eq!((models.len(), &models), (12, &first(&aim, 12)));
        for model in &models {
            let part = model.total() as f64 / 24_000.0;
            assert!(
                FIRST_TOTALS.iter().any(|total| (part - total).abs() < 3e-4),
                "{part} of the budget"
            );
        }
        // a pair of steps: what one has twice, the other has half of
        let (a, b) = (&models[0].pairs, &models[1].pairs);
        assert!(a.iter().zip(b).all(|(a, b)| a.abs_diff(4 * b) <= 4 || b.abs_diff(4 * a) <= 4));
        assert_eq!(a.iter().filter(|&&pairs| pairs > 2000).count(), 3);
        assert_eq!((&models[10].pairs, models[10].again), (&models[0].pairs, 1));
        assert_ne!(first(&Aim { seed: 2, ..aim }, 12), models);
    }

    #[test]
    fn what_repeats_at_the_budget_repeats_in_the_design_and_no_cap_is_passed() {
        let aim = aim(vec![Some(900), Some(100_000), None, Some(100_000)]);
        let models = first(&aim, 12);
        let most = models.iter().map(|model| model.pairs[0]).max().unwrap();
        assert!((1800..=3600).contains(&most), "{most}");
        assert!(models.iter().all(|model| model.pairs.iter().all(|&pairs| pairs > 0)));
    }

    #[test]
    fn a_batch_lies_around_its_optimum() {
        let aim = aim(vec![Some(100_000); 4]);
        let optimum = [12_000, 6_000, 6_000, 0];
        let models = around(&aim, &optimum, 4, 1);
        let mean = |i: usize| {
            models
                .iter()
                .map(|model| (model.pairs[i] as f64 / model.total() as f64).ln())
                .sum::<f64>()
                / 4.0
        };
        assert!((mean(0) - 0.5f64.ln()).abs() < 0.2 && mean(3) < 0.06f64.ln());
        assert!(models.iter().all(|model| model.pairs[3] > 0), "a language at 0 is looked at");
        assert_ne!(models, around(&aim, &optimum, 4, 2));
    }

    #[test]
    fn a_total_is_filled_as_far_as_caps_allow() {
        assert_eq!(
            filled(&[1.0, 1.0, 2.0], &[5.0, 100.0, 100.0], 40.0),
            vec![5.0, 35.0 / 3.0, 70.0 / 3.0]
        );
        assert_eq!(filled(&[1.0, 1.0], &[5.0, 6.0], 40.0), vec![5.0, 6.0]);
    }
}
