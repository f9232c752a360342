//! A checked problem: terms, a budget, and the proof that some allocation meets both.

use super::{Allocation, Term, solution};
use crate::law::Law;
use crate::optimum::Kernel;
use rayon::prelude::*;
use std::collections::HashSet;

/// Terms and a budget that some allocation meets.
///
/// Invariants, checked in [`Problem::new`]: at least one term; names unique; weights finite, not negative, with a finite sum above 0;
/// `lower <= upper`; the budget at most [`Problem::MAX_BUDGET`], the lower bounds sum to at most the budget and the upper bounds to at
/// least; the objective is finite somewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    terms: Vec<Term>,
    budget: u64,
}

/// Why terms and a budget are not a problem.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProblemError {
    #[error("the law of `{lang}`, `{form}`, is convex first and then concave, expected one that is concave from 0 or nowhere")]
    Form { lang: String, form: &'static str },
    #[error("there is no language to give pairs to, expected at least one")]
    Empty,
    #[error("`{lang}` stands twice in the problem, expected once")]
    Duplicate { lang: String },
    #[error("weight of `{lang}` is {found}, expected a finite number not below 0")]
    Weight { lang: String, found: f64 },
    #[error("weights sum to {found}, expected a finite number above 0")]
    WeightSum { found: f64 },
    #[error("lower bound of `{lang}` is {lower} pairs, above its upper bound of {upper}")]
    Crossed { lang: String, lower: u64, upper: u64 },
    #[error("budget of {budget} pairs is too large, expected at most {most}")]
    TooLarge { budget: u64, most: u64 },
    #[error("budget of {budget} pairs is {short} below the lower bounds, which sum to {least}")]
    BelowLower { budget: u64, least: u128, short: u128 },
    #[error("budget of {budget} pairs is {over} above the upper bounds, which sum to {most}; capped are {}", capped.join(", "))]
    AboveUpper { budget: u64, most: u128, over: u128, capped: Vec<String> },
    #[error("no finite loss: {} get no pair and their laws are infinite there; a budget of at least {least} pairs and upper bounds above 0 are needed", langs.join(", "))]
    NoFiniteValue { langs: Vec<String>, least: u128 },
}

impl Problem {
    /// Largest budget, 2^53 pairs: above it an `f64` no longer tells neighbouring whole numbers apart.
    pub const MAX_BUDGET: u64 = 1 << 53;

    /// Checks terms and budget (pairs).
    pub fn new(terms: Vec<Term>, budget: u64) -> Result<Self, ProblemError> {
        check_terms(&terms)?;
        check_budget(&terms, budget)?;
        Ok(Problem { terms, budget })
    }

    /// The languages, in the order given.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The budget, pairs.
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// The optimum in whole pairs that sum to the budget, with its certificate. A language of weight 0 gets its lower bound
    /// unless the others are full.
    pub fn solve(&self) -> Allocation {
        solution::solve(self)
    }

    /// The same terms under another budget.
    pub fn with_budget(&self, budget: u64) -> Result<Self, ProblemError> {
        check_budget(&self.terms, budget)?;
        Ok(Problem { terms: self.terms.clone(), budget })
    }

    /// The same problem with other laws, in the order of the terms; a term beyond the end of `laws` keeps its own.
    pub fn with_laws(&self, laws: &[Law]) -> Result<Self, ProblemError> {
        let mut terms = self.terms.clone();
        terms.iter_mut().zip(laws).for_each(|(term, &law)| term.law = law);
        check_terms(&terms)?;
        check_budget(&terms, self.budget)?;
        Ok(Problem { terms, budget: self.budget })
    }

    /// Weighted sum of losses of an allocation, nats per target token; terms of weight 0 have no part in it.
    pub fn objective(&self, pairs: &[u64]) -> f64 {
        self.terms.iter().zip(pairs).filter(|(term, _)| term.weight > 0.0).map(|(term, &x)| term.weight * term.law.loss(x as f64)).sum()
    }

    /// Most pairs that `term` can get in this problem.
    pub(super) fn most(&self, term: &Term) -> u64 {
        term.upper.unwrap_or(u64::MAX).min(self.budget)
    }
}

impl Term {
    /// Least pairs for a finite objective: one where the law has a pole that counts.
    pub(super) fn least(&self) -> u64 {
        self.lower.max(u64::from(self.weight > 0.0 && self.law.has_pole()))
    }
}

fn check_terms(terms: &[Term]) -> Result<(), ProblemError> {
    if terms.is_empty() {
        return Err(ProblemError::Empty);
    }
    let mut seen = HashSet::new();
    for term in terms {
        if !seen.insert(&term.lang) {
            return Err(ProblemError::Duplicate { lang: term.lang.clone() });
        }
        if !(term.weight.is_finite() && term.weight >= 0.0) {
            return Err(ProblemError::Weight { lang: term.lang.clone(), found: term.weight });
        }
        if Kernel::of(&term.law).is_none() {
            return Err(ProblemError::Form { lang: term.lang.clone(), form: term.law.form().name() });
        }
        if let Some(upper) = term.upper.filter(|&upper| upper < term.lower) {
            return Err(ProblemError::Crossed { lang: term.lang.clone(), lower: term.lower, upper });
        }
    }
    let sum: f64 = terms.iter().map(|term| term.weight).sum();
    if sum.is_finite() && sum > 0.0 { Ok(()) } else { Err(ProblemError::WeightSum { found: sum }) }
}

fn check_budget(terms: &[Term], budget: u64) -> Result<(), ProblemError> {
    if budget > Problem::MAX_BUDGET {
        return Err(ProblemError::TooLarge { budget, most: Problem::MAX_BUDGET });
    }
    let wide = u128::from;
    let least: u128 = terms.iter().map(|term| wide(term.lower)).sum();
    if least > wide(budget) {
        return Err(ProblemError::BelowLower { budget, least, short: least - wide(budget) });
    }
    let uppers: Option<u128> = terms.iter().map(|term| term.upper.map(wide)).sum();
    if let Some(most) = uppers.filter(|&most| most < wide(budget)) {
        let capped = terms.iter().map(|term| format!("`{}`", term.lang)).collect();
        return Err(ProblemError::AboveUpper { budget, most, over: wide(budget) - most, capped });
    }
    let least: u128 = terms.iter().map(|term| wide(term.least())).sum();
    let starved = |term: &&Term| term.least() > term.lower && (least > wide(budget) || term.upper == Some(0));
    let langs: Vec<String> = terms.iter().filter(starved).map(|term| format!("`{}`", term.lang)).collect();
    if langs.is_empty() { Ok(()) } else { Err(ProblemError::NoFiniteValue { langs, least }) }
}

/// The optimum at each budget, pairs. Budgets that no allocation meets are left out: an allocation names its budget.
pub fn budget_path(problem: &Problem, budgets: &[u64]) -> Vec<Allocation> {
    budgets.par_iter().filter_map(|&budget| Some(problem.with_budget(budget).ok()?.solve())).collect()
}
