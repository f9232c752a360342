//! A design of small runs on several languages at once, from which transfer between them is fitted.
//!
//! Of `count` mixtures, the k-th has `least (most / least)^(k / (count - 1))` pairs. Every language
//! takes part in it with a chance of 3/4, and the shares of those that do are uniform over all
//! shares (exponential draws over their sum), so that amounts of two languages vary by themselves.
//! More mixtures than languages are needed, and three times as many are better: each language's law
//! learns a number per language from them.

use super::error::SpecError;
use super::limits::count;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::Pairs;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

/// One model on several languages that a design asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesignedRun {
    /// Pairs per language, in their order.
    pub pairs: Vec<u64>,
    /// Seed of its training.
    pub seed: u64,
}

/// Chance that a language takes part in a mixture.
const PART: f64 = 0.75;

/// Most pairs of a mixture, above which an `f64` no longer tells whole numbers apart.
const MOST_PAIRS: u64 = 1 << 53;

/// How many mixtures, and how large.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixtureSpec {
    /// Number of mixtures.
    pub count: usize,
    /// Pairs of the smallest, all languages together.
    pub least: Pairs,
    /// Pairs of the largest.
    pub most: Pairs,
    /// Seed of the shares.
    #[serde(default)]
    pub seed: u64,
}

impl MixtureSpec {
    pub(super) fn check(&self, languages: usize) -> Result<(), SpecError> {
        count("mixtures.count", self.count as u64, 1..=10_000)?;
        count("mixtures.least", self.least.0, 1..=MOST_PAIRS)?;
        count("mixtures.most", self.most.0, 1..=MOST_PAIRS)?;
        if self.most < self.least {
            return Err(SpecError::value("mixtures.most", self.most, "at least `mixtures.least`"));
        }
        if languages < 2 {
            return Err(SpecError::value(
                "mixtures",
                "of one language",
                "at least two languages to mix",
            ));
        }
        Ok(())
    }

    /// Pairs per mixture and language, no language above its entry in `caps`: what a language lacks
    /// is left out.
    pub fn design(&self, caps: &[u64]) -> Vec<Vec<u64>> {
        let mut rng = generator(self.seed, Purpose::Mixtures, Item::All);
        let step = (self.most.0 as f64 / self.least.0 as f64).ln() / (self.count - 1).max(1) as f64;
        let mixture = |k: usize| {
            let total = (self.least.0 as f64 * (step * k as f64).exp()).round();
            let draws = loop {
                let draws: Vec<f64> = caps
                    .iter()
                    .map(|_| if rng.random::<f64>() < PART { exponential(&mut rng) } else { 0.0 })
                    .collect();
                if draws.iter().filter(|draw| **draw > 0.0).count() >= 2 {
                    break draws;
                }
            };
            let sum: f64 = draws.iter().sum();
            let whole = |(draw, &cap): (&f64, &u64)| ((total * draw / sum).round() as u64).min(cap);
            draws.iter().zip(caps).map(whole).collect()
        };
        (0..self.count).map(mixture).collect()
    }
}

/// A draw of mean 1.
fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: MixtureSpec =
        MixtureSpec { count: 40, least: Pairs(1000), most: Pairs(8000), seed: 3 };

    #[test]
    fn totals_rise_evenly_in_their_logarithm_and_no_cap_is_passed() {
        let design = SPEC.design(&[100_000, 300, 100_000]);
        assert_eq!(design, SPEC.design(&[100_000, 300, 100_000]));
        assert!(
            design.iter().all(|pairs| pairs[1] <= 300)
                && design.iter().any(|pairs| pairs[1] == 300)
        );
        let free = SPEC.design(&[100_000; 3]);
        let totals: Vec<u64> = free.iter().map(|pairs| pairs.iter().sum()).collect();
        assert!(
            totals[0].abs_diff(1000) <= 1 && totals[39].abs_diff(8000) <= 1 && totals.is_sorted()
        );
        assert!(totals[13].abs_diff(2000) <= 1);
    }

    #[test]
    fn languages_vary_by_themselves_and_some_stay_out() {
        let design = SPEC.design(&[100_000; 6]);
        let out = design.iter().flatten().filter(|pairs| **pairs == 0).count() as f64 / 240.0;
        assert!((0.15..0.35).contains(&out), "{out}");
        let shares: Vec<Vec<f64>> = design
            .iter()
            .map(|pairs| {
                pairs.iter().map(|&x| x as f64 / pairs.iter().sum::<u64>() as f64).collect()
            })
            .collect();
        let mean = |i: usize| shares.iter().map(|row| row[i]).sum::<f64>() / 40.0;
        for i in 0..6 {
            assert!((0.08..0.26).contains(&mean(i)), "{}", mean(i));
        }
    }
}
