//! Whole pairs per language from amounts: within bounds and within the budget, by largest
//! remainders.

use super::Problem;
use crate::allocate::Term;

/// What a language can take.
#[derive(Debug, Clone, Copy)]
pub(in crate::allocate) struct Slot {
    /// Least pairs.
    pub least: u64,
    /// Most pairs.
    pub most: u64,
    /// Cost of a pair.
    pub cost: f64,
}

/// Amounts that meet the bounds and the budget in whole pairs: down, and what is left to the
/// largest remainders.
pub(super) fn rounded(problem: &Problem, amounts: &[f64]) -> Vec<u64> {
    let slot = |(i, term): (usize, &Term)| Slot {
        least: problem.least(i),
        most: problem.most(term),
        cost: problem.cost(term),
    };
    round(
        &problem.terms().iter().enumerate().map(slot).collect::<Vec<_>>(),
        amounts,
        problem.budget().amount(),
    )
}

/// Rounds down and gives what is left to the largest remainders with room, ties by order.
pub(in crate::allocate) fn round(slots: &[Slot], amounts: &[f64], budget: f64) -> Vec<u64> {
    let mut pairs: Vec<u64> = slots
        .iter()
        .zip(amounts)
        .map(|(slot, &x)| (x as u64).clamp(slot.least, slot.most))
        .collect();
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_by(|&i, &j| amounts[j].fract().total_cmp(&amounts[i].fract()));
    let spent: f64 = slots.iter().zip(&pairs).map(|(slot, &x)| slot.cost * x as f64).sum();
    // a budget of so many pairs' cost to the last digit pays for as many
    let cheapest = slots.iter().map(|slot| slot.cost).fold(f64::INFINITY, f64::min);
    let mut left = budget - spent + (1e-12 * budget).min(0.5 * cheapest);
    loop {
        let before = left;
        for &i in &order {
            if slots[i].cost <= left && pairs[i] < slots[i].most {
                pairs[i] += 1;
                left -= slots[i].cost;
            }
        }
        if left == before {
            return pairs;
        }
    }
}
