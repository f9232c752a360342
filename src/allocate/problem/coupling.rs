//! Transfer between the languages of a problem, as fitted to mixtures.
//!
//! ```text
//! loss_i(X) = L_i(y_i),    y_i = d_i(X_i) + sum_j tau_ij X_j
//! ```
//!
//! `d_i` is the worth under repetition. A tau is of either sign, so data may come below 0: below
//! the amount at which a law is trusted, what is above its floor goes on as an exponential. The sum
//! of the losses stays convex in the amounts, so the optimum stays proven.

use super::{Objective, Problem, ProblemError};
use crate::allocate::Term;
use std::sync::Arc;

/// Transfer between the languages of a problem, in the order of its terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Coupling {
    /// `(i, j, tau_ij)`: a pair of language `j` counts as so many of language `i`.
    pub tau: Vec<(usize, usize, f64)>,
    /// Amount of each language from which its law is trusted, pairs, above 0.
    pub trusted_from: Vec<f64>,
    /// For each draw of the laws the taus that belong to it, in the order of `tau`.
    pub draws: Vec<Vec<f64>>,
}

impl Coupling {
    /// The same with what comes to each language as in one draw of its own; as fitted where there
    /// is no such draw.
    pub(in crate::allocate) fn drawn(&self, draws: &[usize]) -> Self {
        let mut drawn = self.clone();
        for (at, row) in drawn.tau.iter_mut().enumerate() {
            let tau = draws.get(row.0).and_then(|&draw| self.draws.get(draw)?.get(at));
            row.2 = tau.copied().unwrap_or(row.2);
        }
        drawn
    }

    /// What the pairs of all languages are worth to each.
    fn data(&self, terms: &[Term], pairs: &[u64]) -> Vec<f64> {
        let mut data: Vec<f64> =
            terms.iter().zip(pairs).map(|(term, &x)| term.effective(x as f64)).collect();
        self.tau.iter().for_each(|&(to, from, tau)| data[to] += tau * pairs[from] as f64);
        data
    }

    /// Loss of each language, nats per target token.
    pub(in crate::allocate) fn losses(&self, terms: &[Term], pairs: &[u64]) -> Vec<f64> {
        let data = self.data(terms, pairs);
        (0..terms.len())
            .map(|i| terms[i].laws.extended_below(self.trusted_from[i], data[i]).0)
            .collect()
    }

    /// Fall of the weighted sum of losses a further pair of each language, at the margin; below 0
    /// where its pairs harm more than they help.
    pub(in crate::allocate) fn gains(&self, terms: &[Term], pairs: &[u64]) -> Vec<f64> {
        let data = self.data(terms, pairs);
        let steepness = |i: usize| {
            -terms[i].weight * terms[i].laws.extended_below(self.trusted_from[i], data[i]).1
        };
        let mut gains: Vec<f64> = (0..terms.len())
            .map(|i| steepness(i) * terms[i].effective_slope(pairs[i] as f64))
            .collect();
        self.tau.iter().for_each(|&(to, from, tau)| gains[from] += tau * steepness(to));
        gains
    }
}

impl Problem {
    /// The same problem with transfer between its languages, which only the mean as objective goes
    /// with.
    pub fn with_coupling(mut self, coupling: Coupling) -> Result<Self, ProblemError> {
        match self.objective() {
            _ if !self.groups().is_empty() => Err(ProblemError::Coupled { beside: "groups" }),
            Objective::Worst | Objective::Fair => {
                Err(ProblemError::Coupled { beside: "the worst language as objective" })
            }
            Objective::Cvar(_) => {
                Err(ProblemError::Coupled { beside: "CVaR over draws as objective" })
            }
            Objective::Mean => {
                self.posed.take();
                self.coupling = Some(Arc::new(coupling));
                Ok(self)
            }
        }
    }

    /// The same problem without transfer.
    pub fn uncoupled(&self) -> Self {
        let mut alone = self.clone();
        alone.coupling = None;
        alone.posed.take();
        alone
    }

    /// The same problem under one of its draws: laws, effective data of repeats and transfer.
    pub fn drawn(&self, draw: usize) -> Result<Self, ProblemError> {
        Ok(self
            .with_laws(self.draws.get(draw).map_or(&[][..], Vec::as_slice))?
            .with_taus_of(&vec![draw; self.terms().len()]))
    }

    /// The same problem with the transfer to each language of one of its draws.
    pub(in crate::allocate) fn with_taus_of(mut self, draws: &[usize]) -> Self {
        self.posed.take();
        self.coupling = self.coupling.map(|coupling| Arc::new(coupling.drawn(draws)));
        self
    }

    /// Transfer between the languages, where it counts.
    pub fn coupling(&self) -> Option<&Coupling> {
        self.coupling.as_deref()
    }
}
