//! Fair shares: languages held against what all of the budget would bring each.
//!
//! ```text
//! minimise over X   max_i ln L_i(X_i) - ln L_i(all)      as   max_i w_i M / L_i(all) L_i(X_i)
//! ```
//!
//! `M` is the weighted mean of the `L_i(all)`, so that the largest weighted loss stays in the unit
//! of a loss.

use super::check::check_terms;
use super::{Budget, Problem, ProblemError};
use crate::allocate::Term;
use std::sync::Arc;

impl Budget {
    /// Loss of a language where all of the budget is its own, as far as it may have it, nats per
    /// target token.
    pub fn loss_alone(self, term: &Term) -> f64 {
        let pairs = match self {
            Budget::Pairs(pairs) => pairs as f64,
            Budget::Cost(cost) => cost / term.cost,
        };
        term.loss(term.upper.map_or(pairs, |upper| pairs.min(upper as f64)))
    }
}

impl Problem {
    /// The same problem with every weight over what all of the budget would bring the language, by
    /// which allocations of other budgets are judged as well.
    pub fn with_fair_weights(self) -> Result<Self, ProblemError> {
        let (mut problem, budget) = (self.with_asked_weights(), self.budget);
        let asked: Vec<f64> = problem.terms.iter().map(|term| term.weight).collect();
        let counted = problem.terms.iter().filter(|term| term.weight > 0.0);
        let all: f64 = counted.map(|term| term.weight * budget.loss_alone(term)).sum();
        let mean = all / asked.iter().sum::<f64>();
        for term in problem.terms.iter_mut().filter(|term| term.weight > 0.0) {
            term.weight *= mean / budget.loss_alone(term);
        }
        problem.asked_weights = Some(Arc::new(asked));
        problem.posed.take();
        check_terms(&problem.terms)?;
        problem.checked()
    }

    /// The same problem with the weights that were asked for.
    pub fn with_asked_weights(&self) -> Self {
        let mut problem = self.clone();
        if let Some(weights) = problem.asked_weights.take() {
            let terms = problem.terms.iter_mut().zip(weights.iter());
            terms.for_each(|(term, &weight)| term.weight = weight);
            problem.posed.take();
        }
        problem
    }

    /// Weights of the languages in a mean: those that were asked for.
    pub fn mean_weights(&self) -> Vec<f64> {
        match &self.asked_weights {
            Some(weights) => weights.to_vec(),
            None => self.terms.iter().map(|term| term.weight).collect(),
        }
    }
}
