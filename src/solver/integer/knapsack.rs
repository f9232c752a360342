//! Steps of unequal cost: a knapsack, searched over partial plans that a price has not ruled out.
//!
//! ```text
//! F = D(lambda) + sum_i r_i(k_i) + lambda (budget - spent)
//! r_i(k) = f_i(k) + lambda u_i k - min_k [f_i(k) + lambda u_i k]
//! ```
//!
//! Every term after `D` is not negative. With a plan of excess `G = F - D` in hand, only steps with
//! `r_i(k) <= G` can be part of a better one: a few a language. Languages are added one after the
//! other; of two partial plans the one that costs more and brings less is dropped.

use super::steps::Steps;

/// A partial plan: what it has spent, its `sum r`, the plan it continues and the steps it adds.
#[derive(Debug, Clone, Copy)]
struct Plan {
    spent: f64,
    regret: f64,
    before: u32,
    steps: u64,
}

/// One knapsack.
pub(crate) struct Knapsack<'a> {
    pub languages: &'a [Steps<'a>],
    /// Cost of a step of each language.
    pub costs: &'a [f64],
    pub budget: f64,
    pub exact: bool,
    pub price: f64,
}

/// What a search comes to.
pub(crate) enum Searched {
    /// The best plan of all.
    Best(Vec<u64>),
    /// There is no plan at all.
    None,
    /// Too many partial plans to search.
    TooMany,
}

/// Most partial plans of one language.
const PLANS: usize = 300_000;
/// Relative rounding of a sum of costs.
const ROUNDING: f64 = 1e-12;

impl Knapsack<'_> {
    /// The best plan. Each round admits steps of four times the excess of the last, from `excess`
    /// on, until a plan is found.
    pub(crate) fn solve(&self, excess: f64) -> Searched {
        let mut excess = excess.max(f64::MIN_POSITIVE);
        loop {
            let choices: Vec<Vec<(u64, f64)>> =
                (0..self.languages.len()).map(|i| self.choices(i, excess)).collect();
            let all = choices
                .iter()
                .zip(self.languages)
                .all(|(choices, steps)| choices.len() as u64 == steps.upper - steps.lower + 1);
            match self.search(&choices, excess) {
                Searched::None if !all && excess.is_finite() => excess *= 4.0,
                // each step alone may be within an excess that a plan of several is not
                Searched::None if excess.is_finite() => excess = f64::INFINITY,
                other => return other,
            }
        }
    }

    /// What a plan misses the price's bound by: `sum r + lambda (budget - spent)`.
    pub(crate) fn excess(&self, counts: &[u64]) -> f64 {
        let regret = |(i, &k): (usize, &u64)| (self.value(i, k) - self.bottom(i)).max(0.0);
        counts.iter().enumerate().map(regret).sum::<f64>()
            + self.price * (self.budget - self.spent(counts)).max(0.0)
    }

    /// A plan filled up: of the steps that still fit, always the one that gains most for its cost.
    pub(crate) fn filled(&self, mut counts: Vec<u64>) -> Vec<u64> {
        let mut left = self.budget - self.spent(&counts);
        loop {
            let fits = |&i: &usize| {
                counts[i] < self.languages[i].upper && self.costs[i] <= left * (1.0 + ROUNDING)
            };
            let worth = |i: usize| self.languages[i].gain(counts[i]) / self.costs[i];
            let Some(i) =
                (0..counts.len()).filter(fits).max_by(|&a, &b| worth(a).total_cmp(&worth(b)))
            else {
                return counts;
            };
            counts[i] += 1;
            left -= self.costs[i];
        }
    }

    fn spent(&self, counts: &[u64]) -> f64 {
        counts.iter().zip(self.costs).map(|(&steps, cost)| steps as f64 * cost).sum()
    }

    /// Loss and price of `k` steps of a language.
    fn value(&self, i: usize, k: u64) -> f64 {
        let steps = &self.languages[i];
        steps.loss(k) + self.price * self.costs[i] * (k - steps.lower) as f64
    }

    /// The least of that over all steps.
    fn bottom(&self, i: usize) -> f64 {
        self.value(i, self.turn(i)).min(self.value(i, self.languages[i].lower))
    }

    /// Steps of a language with `r` at most `excess`, and their `r`: an interval about the least in
    /// the convex part, dear as that may be beside nothing, and one from the lowest.
    fn choices(&self, i: usize, excess: f64) -> Vec<(u64, f64)> {
        let steps = &self.languages[i];
        let (turn, bottom) = (self.turn(i), self.bottom(i));
        let within =
            |k: u64| Some((k, self.value(i, k) - bottom)).filter(|(_, regret)| *regret <= excess);
        let below = (steps.lower..turn).rev().map_while(within);
        let mut choices: Vec<(u64, f64)> =
            below.chain((turn..=steps.upper).map_while(within)).take(PLANS).collect();
        choices.sort_by_key(|choice| choice.0);
        let first = choices.first().map_or(turn, |choice| choice.0);
        let from_lowest: Vec<(u64, f64)> = (steps.lower..first).map_while(within).collect();
        [from_lowest, choices].concat()
    }

    /// Where the price's loss is least in the convex part, which starts at the end of the chord.
    fn turn(&self, i: usize) -> u64 {
        self.least(i).max(self.languages[i].tangent())
    }

    /// The least of the price's loss where the law is convex: the last step that gains as much as
    /// it costs.
    fn least(&self, i: usize) -> u64 {
        let steps = &self.languages[i];
        let (mut low, mut high) = (steps.lower, steps.upper);
        while low < high {
            let middle = low + (high - low) / 2;
            if steps.gain(middle) > self.price * self.costs[i] {
                low = middle + 1
            } else {
                high = middle
            }
        }
        low
    }

    fn search(&self, choices: &[Vec<(u64, f64)>], excess: f64) -> Searched {
        let least: f64 = choices
            .iter()
            .zip(self.costs)
            .map(|(own, cost)| own.first().map_or(f64::INFINITY, |c| c.0 as f64 * cost))
            .sum();
        let most = self.budget * (1.0 + ROUNDING);
        let mut layers: Vec<Vec<Plan>> =
            vec![vec![Plan { spent: 0.0, regret: 0.0, before: 0, steps: 0 }]];
        let mut to_come = least;
        for (own, cost) in choices.iter().zip(self.costs) {
            to_come -= own.first().map_or(0.0, |choice| choice.0 as f64 * cost);
            let last = &layers[layers.len() - 1];
            let mut plans = Vec::with_capacity(last.len() * own.len().min(4));
            for (before, plan) in last.iter().enumerate() {
                let continued = own.iter().map(|&(k, regret)| Plan {
                    spent: plan.spent + k as f64 * cost,
                    regret: plan.regret + regret,
                    before: before as u32,
                    steps: k,
                });
                plans.extend(
                    continued.filter(|plan| plan.spent + to_come <= most && plan.regret <= excess),
                );
                if plans.len() > 8 * PLANS {
                    return Searched::TooMany;
                }
            }
            layers.push(self.undominated(plans));
            if layers[layers.len() - 1].len() > PLANS {
                return Searched::TooMany;
            }
        }
        let value = |plan: &Plan| plan.regret - self.price * plan.spent;
        let spends = |plan: &&Plan| !self.exact || plan.spent >= self.budget * (1.0 - ROUNDING);
        let last = layers[layers.len() - 1].iter().enumerate().filter(|(_, plan)| spends(plan));
        let Some((mut at, _)) = last.min_by(|a, b| value(a.1).total_cmp(&value(b.1))) else {
            return Searched::None;
        };
        let mut counts = Vec::with_capacity(choices.len());
        for layer in layers[1..].iter().rev() {
            counts.push(layer[at].steps);
            at = layer[at].before as usize;
        }
        counts.reverse();
        Searched::Best(counts)
    }

    /// Plans such that none costs as little and brings as much as another; of equal cost only,
    /// where all must be spent.
    fn undominated(&self, mut plans: Vec<Plan>) -> Vec<Plan> {
        let value = |plan: &Plan| plan.regret - self.price * plan.spent;
        plans.sort_by(|a, b| a.spent.total_cmp(&b.spent).then(value(a).total_cmp(&value(b))));
        let mut kept: Vec<Plan> = Vec::new();
        for plan in plans {
            let dominated = kept.last().is_some_and(|last| {
                let as_cheap = !self.exact || plan.spent - last.spent <= ROUNDING * self.budget;
                as_cheap && value(last) <= value(&plan)
            });
            if !dominated {
                kept.push(plan);
            }
        }
        kept
    }
}
