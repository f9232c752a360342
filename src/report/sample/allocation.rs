//! Pairs by weights, as a stand-in for an optimum, and as a policy of a comparison.

use super::laws::about;
use crate::allocate::{Active, AllocatedLanguage, Allocation, Budget, Policy, PolicyRow, Term};

/// Whole pairs by weight under caps, the last language taking the rest: a stand-in for an optimum.
pub(super) fn split(weights: &[f64], budget: u64) -> Vec<u64> {
    let total: f64 = weights.iter().sum();
    let mut pairs: Vec<u64> =
        weights.iter().map(|weight| (budget as f64 * weight / total) as u64).collect();
    if let Some(last) = pairs.last_mut() {
        *last = 0;
    }
    let rest = budget - pairs.iter().sum::<u64>();
    if let Some(last) = pairs.last_mut() {
        *last = rest;
    }
    pairs
}

pub(super) fn allocation(terms: &[Term], pairs: &[u64], budget: u64) -> Allocation {
    let gain = |term: &Term, pairs: u64| {
        1000.0 * (term.loss(pairs as f64) - term.loss(pairs as f64 + 1.0))
    };
    let languages =
        terms.iter().zip(pairs).enumerate().map(|(at, (term, &pairs))| AllocatedLanguage {
            lang: term.lang.clone(),
            pairs,
            share: pairs as f64 / budget as f64,
            epochs: term.unique.map(|unique| pairs as f64 / unique as f64),
            marginal_gain_per_1k: gain(term, pairs),
            active: if at % 4 == 1 && budget > 60_000 { Active::Upper } else { Active::None },
            loss_nats: term.loss(pairs as f64),
        });
    let languages: Vec<_> = languages.collect();
    let objective =
        languages.iter().map(|allocated| allocated.loss_nats).sum::<f64>() / languages.len() as f64;
    let shadow_price = languages
        .iter()
        .map(|allocated| allocated.marginal_gain_per_1k)
        .fold(f64::INFINITY, f64::min)
        / 1000.0;
    let budget = Budget::Pairs(budget);
    Allocation {
        languages,
        budget,
        objective,
        shadow_price,
        groups: vec![],
        lower_bound: objective,
        gap: 0.0,
    }
}

pub(super) fn policy(policy: Policy, terms: &[Term], pairs: Vec<u64>, gain: f64) -> PolicyRow {
    let losses: Vec<_> = terms
        .iter()
        .zip(&pairs)
        .map(|(term, &pairs)| about(term.loss(pairs as f64), 0.02))
        .collect();
    let mean = losses.iter().map(|loss| loss.value).sum::<f64>() / losses.len() as f64;
    PolicyRow {
        policy,
        pairs,
        mean_loss_nats: about(mean, 0.015),
        worst_loss_nats: about(losses.iter().map(|loss| loss.value).fold(0.0, f64::max), 0.02),
        loss_nats: losses,
        gain_nats: (policy != Policy::Uniform).then(|| about(gain, 0.009)),
        behind_nats: (policy != Policy::Parallot).then(|| about(0.021 - gain, 0.009)),
    }
}
