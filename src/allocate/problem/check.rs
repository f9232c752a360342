//! Whether a problem can be met: terms in range, a budget between the bounds, groups that fit
//! together, and whole pairs that show it.
//!
//! Groups without a language in common fit where each can reach its range and what all of them need
//! costs no more than the budget. Groups that share languages are a linear program.

use super::posed::Posed;
use super::{Amount, Budget, Group, Problem, ProblemError, Rule};
use crate::allocate::{Drawn, Term};
use crate::solver::{self, Kernel};
use std::collections::HashSet;
use std::sync::Arc;

/// Relative rounding of a sum of costs.
pub(super) const ROUNDING: f64 = 1e-12;

/// What the sum of a group must lie between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits {
    /// At least; -inf where there is no such end.
    pub low: f64,
    /// At most; inf where there is no such end.
    pub high: f64,
    /// Whether it is cost that is summed, not pairs.
    pub in_cost: bool,
}

impl Limits {
    /// Whether a sum lies within, but for rounding and `slack`.
    fn hold(&self, sum: f64, slack: f64) -> bool {
        let near = |end: f64| if end.is_finite() { 1e-9 * end.abs() + slack } else { 0.0 };
        sum >= self.low - near(self.low) && sum <= self.high + near(self.high)
    }
}

impl Problem {
    /// What a group asks of its sum. A share of a budget of pairs is rounded to whole pairs, to the
    /// side that keeps the group's word. A cost that is to be met exactly is met to half a pair of
    /// the dearest member: whole pairs do not come nearer.
    pub(super) fn limits(&self, group: &Group) -> Limits {
        let (amount, in_cost) = match (group.amount, self.budget()) {
            (Amount::Pairs(pairs), _) => (pairs as f64, false),
            (Amount::Cost(cost), _) => (cost, true),
            (Amount::Share(share), Budget::Cost(cost)) => (share * cost, true),
            (Amount::Share(share), Budget::Pairs(pairs)) => {
                let exact = share * pairs as f64;
                let whole = match group.rule {
                    Rule::AtLeast => (exact - 1e-9).ceil(),
                    Rule::AtMost => (exact + 1e-9).floor(),
                    Rule::Exactly => exact.round(),
                };
                (whole, false)
            }
        };
        let dearest =
            group.members.iter().map(|&j| self.cost(&self.terms()[j])).fold(0.0, f64::max);
        let half = if in_cost { 0.5 * dearest } else { 0.0 };
        let (low, high) = match group.rule {
            Rule::AtLeast => (amount, f64::INFINITY),
            Rule::AtMost => (f64::NEG_INFINITY, amount),
            Rule::Exactly => (amount - half, amount + half),
        };
        Limits { low, high, in_cost }
    }

    /// What a pair of a language adds to the sum of a group.
    pub(super) fn coefficient(&self, limits: &Limits, j: usize) -> f64 {
        if limits.in_cost { self.cost(&self.terms()[j]) } else { 1.0 }
    }

    /// The sum of a group, in pairs or in cost.
    fn sum_of(&self, group: &Group, limits: &Limits, pairs: &[u64]) -> f64 {
        group.members.iter().map(|&j| self.coefficient(limits, j) * pairs[j] as f64).sum()
    }

    /// Whether pairs that know nothing of the groups meet them, a share of pairs to the pair.
    pub fn meets_groups(&self, pairs: &[u64]) -> bool {
        self.groups().iter().all(|group| {
            let limits = self.limits(group);
            let is_share = matches!(group.amount, Amount::Share(_)) && !limits.in_cost;
            limits.hold(self.sum_of(group, &limits, pairs), if is_share { 1.0 } else { 0.0 })
        })
    }

    /// Cost of an allocation: its pairs, or the cost of them.
    pub fn spent(&self, pairs: &[u64]) -> f64 {
        self.terms().iter().zip(pairs).map(|(term, &x)| self.cost(term) * x as f64).sum()
    }

    /// Whether pairs are within bounds and budget, all of a budget of pairs where no groups stand
    /// beside it, and meet the groups.
    pub fn holds(&self, pairs: &[u64]) -> bool {
        let bounds = self
            .terms()
            .iter()
            .zip(pairs)
            .all(|(term, &x)| x >= term.lower && x <= self.most(term));
        let all = || pairs.iter().map(|&x| u128::from(x)).sum::<u128>();
        let budget = match self.budget() {
            Budget::Pairs(budget) if self.groups().is_empty() => all() == u128::from(budget),
            Budget::Pairs(budget) => all() <= u128::from(budget),
            Budget::Cost(cost) => self.spent(pairs) <= cost * (1.0 + ROUNDING),
        };
        let group = |group: &Group| {
            let limits = self.limits(group);
            limits.hold(self.sum_of(group, &limits, pairs), 0.0)
        };
        pairs.len() == self.terms().len() && bounds && budget && self.groups().iter().all(group)
    }

    /// Least pairs of language `i` in an optimum: its lower bound, its floor, and one where its law
    /// has a pole that counts.
    pub(in crate::allocate) fn least(&self, i: usize) -> u64 {
        let term = &self.terms()[i];
        term.least().max(self.floor(i)).min(term.upper.unwrap_or(u64::MAX)).max(term.lower)
    }

    /// The floor of language `i` that the optimum keeps to, pairs; 0 where none is held.
    pub(in crate::allocate) fn floor(&self, i: usize) -> u64 {
        self.floors.get(i).copied().unwrap_or(0)
    }

    /// [`Problem::least`] of all.
    pub(in crate::allocate) fn all_least(&self) -> Vec<u64> {
        (0..self.terms().len()).map(|i| self.least(i)).collect()
    }

    pub(in crate::allocate) fn checked(mut self) -> Result<Self, ProblemError> {
        self.check_budget()?;
        self.settle_floors();
        self.witness = None;
        if self.groups().is_empty() {
            return Ok(self);
        }
        if self.is_sketch() {
            // of many problems none is worth a proof by whole pairs; those that are found are held
            // against the groups
            if self.fits(&self.all_least()) {
                return Ok(self);
            }
            solver::check(&self.posed()?.problem)?;
            return Err(ProblemError::NoWholePairs);
        }
        let whole: Vec<u64> = solver::whole_point(&self.posed()?.problem)?
            .iter()
            .map(|&x| x.round() as u64)
            .collect();
        if !self.holds(&whole) {
            return Err(ProblemError::NoWholePairs);
        }
        self.witness = Some(Arc::new(whole));
        Ok(self)
    }

    /// Whether bounds from `least` up, the budget and the groups leave anything; of whole pairs,
    /// where no pair is dearer than another.
    pub(in crate::allocate) fn fits(&self, least: &[u64]) -> bool {
        let most: Vec<u64> = self.terms().iter().map(|term| self.most(term)).collect();
        let spent = self.spent(least);
        let budget = self.budget().amount() * (1.0 + ROUNDING);
        if least.iter().zip(&most).any(|(least, most)| least > most) || spent > budget {
            return false;
        }
        let mut more = 0.0;
        for group in self.groups() {
            let limits = self.limits(group);
            if !limits.hold(self.sum_of(group, &limits, least), 0.0)
                && self.sum_of(group, &limits, least) > limits.low
            {
                return false;
            }
            let Some(cost) = self.cost_to_reach(group, &limits, least, &most) else { return false };
            more += cost;
        }
        if spent + more > budget {
            // what groups with a language in common need may be the same pairs
            return !self.are_apart() && self.fits_together(least);
        }
        self.are_apart() || self.fits_together(least)
    }

    /// What it costs to bring a group from `least` to its lower end, the cheapest members first;
    /// absent where all of them do not reach it.
    fn cost_to_reach(
        &self,
        group: &Group,
        limits: &Limits,
        least: &[u64],
        most: &[u64],
    ) -> Option<f64> {
        let mut missing = limits.low - self.sum_of(group, limits, least) - 1e-9 * limits.low.abs();
        let mut members: Vec<(f64, f64, f64)> = (group.members.iter())
            .map(|&j| {
                (
                    self.coefficient(limits, j),
                    self.cost(&self.terms()[j]),
                    (most[j] - least[j]) as f64,
                )
            })
            .collect();
        members.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
        let mut cost = 0.0;
        for (coefficient, price, room) in members {
            if missing <= 0.0 {
                break;
            }
            let pairs = (missing / coefficient).min(room);
            cost += pairs * price;
            missing -= pairs * coefficient;
        }
        (missing <= ROUNDING * limits.low.abs()).then_some(cost)
    }

    /// Whether no two groups have a language in common.
    fn are_apart(&self) -> bool {
        let mut seen = HashSet::new();
        self.groups().iter().flat_map(|group| &group.members).all(|member| seen.insert(*member))
    }

    fn fits_together(&self, least: &[u64]) -> bool {
        let starting =
            |posed: &Posed| posed.problem.clone().starting_at(least.iter().map(|&x| x as f64));
        self.posed().is_ok_and(|posed| solver::check(&starting(posed)).is_ok())
    }

    /// Decides what of the floors that are asked for is held.
    pub(super) fn settle_floors(&mut self) {
        self.floors.clear();
        self.posed.take();
        let counted = self.terms().iter().filter(|term| term.weight > 0.0).count();
        let pole = |i: usize| {
            let drawn = |laws: &Vec<Drawn>| laws.get(i).is_some_and(|drawn| drawn.law.has_pole());
            u64::from(self.draws.iter().any(drawn))
        };
        let floor = |(i, term): (usize, &Term)| {
            let half = (0.5 * self.budget().amount() / (self.cost(term) * counted as f64)) as u64;
            let asked = self.asked_floors.get(i).copied().unwrap_or(0).max(pole(i));
            if term.weight > 0.0 { asked.min(half).min(self.most(term)) } else { 0 }
        };
        let floors: Vec<u64> = self.terms().iter().enumerate().map(floor).collect();
        let least: Vec<u64> = self
            .terms()
            .iter()
            .zip(&floors)
            .map(|(term, floor)| term.least().max(*floor))
            .collect();
        if self.fits(&least) {
            self.floors = floors;
            self.posed.take();
        }
    }

    pub(super) fn check_budget(&self) -> Result<(), ProblemError> {
        let (budget, amount) = (self.budget(), self.budget().amount());
        if !(amount.is_finite() && amount >= 0.0) {
            return Err(ProblemError::Budget { found: amount });
        }
        if amount > Problem::MAX_BUDGET as f64 {
            return Err(ProblemError::TooLarge { budget, most: Problem::MAX_BUDGET });
        }
        let cheapest =
            self.terms().iter().map(|term| self.cost(term)).fold(f64::INFINITY, f64::min);
        if matches!(budget, Budget::Cost(_)) && amount > 0.0 && amount < cheapest * (1.0 - ROUNDING)
        {
            return Err(ProblemError::BuysNothing { budget, cheapest: Budget::Cost(cheapest) });
        }
        let total = |pairs: &dyn Fn(&Term) -> u64| {
            self.terms().iter().map(|term| self.cost(term) * pairs(term) as f64).sum::<f64>()
        };
        let least = total(&|term| term.lower);
        if least > amount * (1.0 + ROUNDING) {
            return Err(ProblemError::BelowLower { budget, least, short: least - amount });
        }
        let most = total(&|term| term.upper.unwrap_or(u64::MAX));
        let must_spend = matches!(budget, Budget::Pairs(_)) && self.groups().is_empty();
        if must_spend && self.terms().iter().all(|term| term.upper.is_some()) && most < amount {
            let capped = self.terms().iter().map(|term| format!("`{}`", term.lang)).collect();
            return Err(ProblemError::AboveUpper { budget, most, over: amount - most, capped });
        }
        let least = total(&Term::least);
        let above = least > amount * (1.0 + ROUNDING);
        let starved = |term: &&Term| term.least() > term.lower && (above || term.upper == Some(0));
        let langs: Vec<String> =
            self.terms().iter().filter(starved).map(|term| format!("`{}`", term.lang)).collect();
        let least = if let Budget::Pairs(_) = budget {
            Budget::Pairs(least.ceil() as u64)
        } else {
            Budget::Cost(least)
        };
        if langs.is_empty() { Ok(()) } else { Err(ProblemError::NoFiniteValue { langs, least }) }
    }
}

pub(super) fn check_terms(terms: &[Term]) -> Result<(), ProblemError> {
    if terms.is_empty() {
        return Err(ProblemError::Empty);
    }
    let mut seen = HashSet::new();
    for term in terms {
        let lang = || term.lang.clone();
        if !seen.insert(&term.lang) {
            return Err(ProblemError::Duplicate { lang: lang() });
        }
        if !(term.weight.is_finite() && term.weight >= 0.0) {
            return Err(ProblemError::Weight { lang: lang(), found: term.weight });
        }
        if !(term.cost.is_finite() && term.cost > 0.0) {
            return Err(ProblemError::Cost { lang: lang(), found: term.cost });
        }
        if let Some(part) = term.laws.laws().iter().find(|part| Kernel::of(&part.law).is_none()) {
            return Err(ProblemError::Form { lang: lang(), form: part.law.form().name() });
        }
        if let Some(upper) = term.upper.filter(|&upper| upper < term.lower) {
            return Err(ProblemError::Crossed { lang: lang(), lower: term.lower, upper });
        }
    }
    let sum: f64 = terms.iter().map(|term| term.weight).sum();
    if sum.is_finite() && sum > 0.0 { Ok(()) } else { Err(ProblemError::WeightSum { found: sum }) }
}
