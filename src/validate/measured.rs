//! What kept validations say of an allocation that is asked for now.

use super::outcome::Validation;
use crate::allocate::{Allocation, Budget, Measured, Policy, Term};

/// What an allocation is asked with: a validation answers only a question of its own languages and
/// weights.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The languages.
    pub terms: &'a [Term],
    /// What they get.
    pub allocation: &'a Allocation,
    /// Whether the mean loss counts.
    pub is_mean: bool,
    /// SHA-256 of the fits.
    pub fits_sha256: &'a str,
}

/// The validation nearest in budget of those that answer the question, and what it measured; of two
/// equally near ones the first.
pub fn nearest<'a>(
    validations: &'a [Validation],
    asked: Asked,
) -> Option<(&'a Validation, Measured)> {
    let answers =
        validations.iter().filter_map(|validation| Some((validation, validation.measured(asked)?)));
    let distance =
        |measured: &Measured| (measured.budget as f64 / measured.asked as f64).ln().abs();
    answers.min_by(|a, b| distance(&a.1).total_cmp(&distance(&b.1)))
}

impl Validation {
    /// What it measured of the allocation; absent where it asked another question, or no seed
    /// finished both parallot and uniform.
    pub fn measured(&self, asked: Asked) -> Option<Measured> {
        let ours = self.policies.iter().find(|row| row.policy == Policy::Parallot)?;
        let gain_nats = self.gain_nats()?;
        let pairs = asked.allocation.pairs();
        let given: u64 = pairs.iter().sum();
        let same_languages =
            ours.losses.iter().map(|row| &row.lang).eq(asked.terms.iter().map(|term| &term.lang));
        let is_answer = same_languages
            && asked.is_mean
            && matches!(asked.allocation.budget, Budget::Pairs(_))
            && same_weights(&self.weights, asked.terms)
            && given > 0
            && self.budget > 0;
        let tuned = ours.losses.iter().map(|row| row.pairs as f64 / self.budget as f64);
        let moved = tuned
            .zip(&pairs)
            .map(|(share, &pairs)| (share - pairs as f64 / given as f64).abs())
            .sum::<f64>()
            / 2.0;
        is_answer.then_some(Measured {
            budget: self.budget,
            asked: given,
            seeds: match &self.dose_response {
                Some(response) => response.seeds.len(),
                None => self.seeds_of_both(),
            },
            gain_nats,
            moved_share: moved,
            fits_changed: self.fits_sha256 != asked.fits_sha256,
        })
    }

    /// Seeds that finished both parallot and uniform.
    fn seeds_of_both(&self) -> usize {
        let seeds = |policy: Policy| {
            self.policies.iter().find(|row| row.policy == policy).map_or(&[][..], |row| &row.seeds)
        };
        seeds(Policy::Parallot).iter().filter(|seed| seeds(Policy::Uniform).contains(seed)).count()
    }
}

/// Whether weights are those of the terms but for a factor. Validations of version 0.1.0 do not say
/// theirs; they count as equal.
fn same_weights(weights: &[f64], terms: &[Term]) -> bool {
    let even = vec![1.0; terms.len()];
    let weights = if weights.is_empty() { &even } else { weights };
    let (sum, asked) =
        (weights.iter().sum::<f64>(), terms.iter().map(|term| term.weight).sum::<f64>());
    let same = |(weight, term): (&f64, &Term)| (weight / sum - term.weight / asked).abs() < 1e-9;
    weights.len() == terms.len() && weights.iter().zip(terms).all(same)
}
