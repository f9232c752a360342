//! Fair shares: languages held against what all of the budget would bring each.
//!
//! ```text
//! minimise over X   max_i ln L_i(X_i) - ln L_i(all)      as   max_i w_i M / L_i(all) L_i(X_i)
//! ```
//!
//! `M` is the weighted mean of the `L_i(all)`, so that the largest weighted loss stays in the unit
//! of a loss.

use super::{Budget, Problem, ProblemError};
use crate::allocate::Term;

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
    /// The same problem with every weight over what all of the budget would bring the language.
    pub fn with_fair_weights(mut self) -> Result<Self, ProblemError> {
        let budget = self.budget;
        let weights: f64 = self.terms.iter().map(|term| term.weight).sum();
        let counted = || self.terms.iter().filter(|term| term.weight > 0.0);
        let all: f64 = counted().map(|term| term.weight * budget.loss_alone(term)).sum();
        for term in self.terms.iter_mut().filter(|term| term.weight > 0.0) {
            term.weight *= all / weights / budget.loss_alone(term);
        }
        self.posed.take();
        self.checked()
    }
}
