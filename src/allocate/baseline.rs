//! The baselines: ways to spend a budget that read no law. They know bounds and costs, not groups.

use super::problem::{Budget, Posed, Problem, Slot, round};
use super::{Policy, Term};
use crate::numeric::roots::falling_root;
use crate::solver::{Risk, SolveError};

impl Policy {
    /// Pairs per language by this policy, whole, within the bounds, summing to a budget of pairs or
    /// costing at most one of cost.
    ///
    /// A policy is a value per language, and each gets that value times one common factor, clipped
    /// into its bounds; the factor is the one that spends the budget, so what a clipped language
    /// leaves or takes is shared by the policy's own rule. Fractions go to the largest remainders,
    /// ties by order. [`Policy::UniMax`] fills its epochs first and spreads what they cannot hold
    /// evenly. [`Policy::Current`] is the mix in use as it is. Only the policies that are an
    /// optimum can have an error. Where [`Policy::is_defined_for`] says no, this is
    /// [`Policy::Uniform`].
    pub fn allocate(&self, problem: &Problem) -> Result<Vec<u64>, SolveError> {
        let (terms, budget) = (problem.terms(), problem.budget().amount());
        let slot = |term: &Term| Slot {
            least: term.lower,
            most: problem.most(term),
            cost: problem.cost(term),
        };
        let slots: Vec<Slot> = terms.iter().map(slot).collect();
        let sizes: Option<Vec<f64>> =
            terms.iter().map(|term| term.unique.map(|unique| unique as f64)).collect();
        let even = vec![1.0; terms.len()];
        Ok(match (self, sizes.filter(|_| self.is_defined_for(problem))) {
            (Policy::Parallot, _) => problem.solve()?.pairs(),
            (Policy::DrawsMean, _) if self.is_defined_for(problem) => {
                over_draws(problem, Risk::Mean)?
            }
            (Policy::DrawsCvar(level), _) if self.is_defined_for(problem) => {
                over_draws(problem, Risk::Cvar { level: *level })?
            }
            (Policy::Current, _) if self.is_defined_for(problem) => {
                terms.iter().map(|term| term.current.unwrap_or(0)).collect()
            }
            (Policy::Proportional, Some(sizes)) => fill(&slots, &sizes, budget),
            (Policy::Temperature(t), Some(sizes)) => {
                let largest = sizes.iter().copied().fold(0.0, f64::max);
                let values: Vec<f64> =
                    sizes.iter().map(|size| (size / largest.max(1.0)).powf(1.0 / t)).collect();
                fill(&slots, &values, budget)
            }
            (Policy::Dose(steps), _) if self.is_defined_for(problem) => {
                let (even, ours) = (fill(&slots, &even, budget), problem.solve()?.pairs());
                // an amount of 0 has no ratio; one pair stands for it
                let stepped = |(&even, &ours): (&u64, &u64)| {
                    let [even, ours] = [even, ours].map(|pairs| pairs.max(1) as f64);
                    even * (ours / even).powf(*steps)
                };
                let values: Vec<f64> = even.iter().zip(&ours).map(stepped).collect();
                fill(&slots, &values, budget)
            }
            (Policy::UniMax(epochs), Some(sizes)) => unimax(&slots, &sizes, *epochs, budget),
            _ => fill(&slots, &even, budget),
        })
    }

    /// Whether the policy's numbers are known: those that go by unique pairs need them of every
    /// language, those that go by draws need draws, a temperature must be above 0, epochs not below
    /// 0, a level from 0 to below 1.
    pub fn is_defined_for(&self, problem: &Problem) -> bool {
        let sized = || problem.terms().iter().all(|term| term.unique.is_some());
        match *self {
            Policy::Parallot | Policy::Uniform => true,
            Policy::DrawsMean => !problem.draws().is_empty(),
            Policy::DrawsCvar(level) => !problem.draws().is_empty() && (0.0..1.0).contains(&level),
            Policy::Current => problem.terms().iter().all(|term| term.current.is_some()),
            Policy::Proportional => sized(),
            Policy::Temperature(t) => t > 0.0 && t.is_finite() && sized(),
            Policy::UniMax(epochs) => epochs >= 0.0 && sized(),
            Policy::Dose(steps) => steps.is_finite(),
        }
    }
}

impl Budget {
    /// What a mix costs: its pairs, or the cost of them.
    pub fn spent_by(terms: &[Term], pairs: &[u64], of_cost: bool) -> Self {
        match of_cost {
            true => {
                Budget::Cost(terms.iter().zip(pairs).map(|(term, &x)| term.cost * x as f64).sum())
            }
            false => Budget::Pairs(pairs.iter().sum()),
        }
    }
}

/// The optimum over the draws; with groups, where each draw costs more, as one of many problems.
fn over_draws(problem: &Problem, risk: Risk) -> Result<Vec<u64>, SolveError> {
    let problem = if problem.groups().is_empty() { problem.clone() } else { problem.sketched() };
    Ok(Posed::drawn(&problem, risk)?.solve(&problem)?.0)
}

fn unimax(slots: &[Slot], sizes: &[f64], epochs: f64, budget: f64) -> Vec<u64> {
    let even = vec![1.0; slots.len()];
    let cap = |(slot, size): (&Slot, &f64)| Slot {
        most: ((size * epochs) as u64).clamp(slot.least, slot.most),
        ..*slot
    };
    let capped: Vec<Slot> = slots.iter().zip(sizes).map(cap).collect();
    if cost_of(&capped, |slot| slot.most) >= budget {
        return fill(&capped, &even, budget);
    }
    let rest: Vec<Slot> = slots
        .iter()
        .zip(&capped)
        .map(|(slot, capped)| Slot { least: capped.most, ..*slot })
        .collect();
    fill(&rest, &even, budget)
}

fn cost_of(slots: &[Slot], pairs: impl Fn(&Slot) -> u64) -> f64 {
    slots.iter().map(|slot| slot.cost * pairs(slot) as f64).sum()
}

/// Whole amounts `clip(c value, least, most)` that cost `budget`, as far as the slots admit;
/// languages of value 0 are filled evenly, last.
fn fill(slots: &[Slot], values: &[f64], budget: f64) -> Vec<u64> {
    let held: f64 = slots
        .iter()
        .zip(values)
        .map(|(slot, &value)| slot.cost * if value > 0.0 { slot.most } else { slot.least } as f64)
        .sum();
    if held < budget && values.contains(&0.0) {
        let full = |(slot, &value): (&Slot, &f64)| {
            if value > 0.0 { Slot { least: slot.most, ..*slot } } else { *slot }
        };
        let rest: Vec<Slot> = slots.iter().zip(values).map(full).collect();
        return fill(&rest, &vec![1.0; values.len()], budget);
    }
    let amount = |factor: f64, (slot, &value): (&Slot, &f64)| {
        (factor * value).clamp(slot.least as f64, slot.most as f64)
    };
    let amounts =
        |ln_factor: f64| slots.iter().zip(values).map(move |pair| amount(ln_factor.exp(), pair));
    let spent = |ln_factor: f64| {
        slots.iter().zip(amounts(ln_factor)).map(|(slot, x)| slot.cost * x).sum::<f64>()
    };
    let positive = || slots.iter().zip(values).filter(|(_, value)| **value > 0.0);
    // so little that nobody gets a whole pair by it, and so much that everybody is full
    let little = positive()
        .map(|(_, value)| 1e-3 / (value * slots.len() as f64))
        .fold(f64::INFINITY, f64::min)
        .min(1e300);
    let much =
        positive().map(|(slot, value)| (slot.most as f64 + 1.0) / value).fold(little, f64::max);
    let root = falling_root(|ln_factor| budget - spent(ln_factor), little.ln(), much.ln());
    round(slots, &amounts(root.left).collect::<Vec<f64>>(), budget)
}
