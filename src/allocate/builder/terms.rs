//! The terms of a problem: one per fit, with its law, bounds, weight, cost and the mix in use.

use super::super::{Budget, Term};
use super::error::{Ask, BuildError};
use super::{ProblemBuilder, Unit};
use crate::law::joint::AtTotal;
use crate::law::{Average, Law, Repetition};
use crate::solver::Kernel;

/// Weight of a form in an average below which it says nothing but where it has a pole.
const TRACE: f64 = 1e-3;

impl ProblemBuilder<'_> {
    /// One term per fit, with bounds, weights, costs and the mix in use.
    pub(super) fn terms(&self) -> Result<Vec<Term>, BuildError> {
        if !(self.epochs.is_finite() && self.epochs > 0.0) {
            return Err(BuildError::Epochs { found: self.epochs });
        }
        if self.unit == Unit::Tokens
            && (!self.prices.is_empty() || matches!(self.budget, Some(Budget::Cost(_))))
        {
            return Err(BuildError::TokensAndPrices);
        }
        let mut terms = self.terms_of_pooled();
        for fit in &self.fits.fits {
            let cost = match (self.unit, fit.tokens_per_pair) {
                (Unit::Pairs, _) => 1.0,
                (Unit::Tokens, tokens) => {
                    tokens.ok_or_else(|| BuildError::NoTokens { lang: fit.curve.clone() })?
                }
            };
            // an average of the forms that the allocator can take; without any its own error names
            // the form
            let taken = |law: &Law| Kernel::of(law).is_some();
            let laws = fit
                .average(taken)
                .map_or_else(|| Average::from(fit.law), |average| average.without_traces(TRACE));
            let upper = fit.unique.map(|unique| (unique as f64 * self.epochs) as u64);
            let r_star = fit.repetition.as_ref().map(|repetition| repetition.r_star.value);
            let repetition = fit
                .unique
                .zip(r_star)
                .and_then(|(unique, r_star)| Repetition::new(unique as f64, r_star).ok());
            terms.push(Term {
                cost,
                upper,
                unique: fit.unique,
                repetition,
                ..Term::new(fit.curve.clone(), laws)
            });
        }
        // in tokens a bound is met by as many pairs as it pays for
        let unit = |term: &Term| if self.unit == Unit::Tokens { term.cost } else { 1.0 };
        for (at, amount) in self.placed(Ask::Min, &self.least)? {
            terms[at].lower = (amount as f64 / unit(&terms[at])).ceil() as u64;
        }
        for (at, amount) in self.placed(Ask::Max, &self.most)? {
            let most = (amount as f64 / unit(&terms[at])).floor() as u64;
            terms[at].upper = Some(terms[at].upper.map_or(most, |upper| upper.min(most)));
        }
        self.placed(Ask::Weight, &self.weights)?
            .into_iter()
            .for_each(|(at, weight)| terms[at].weight = weight);
        self.placed(Ask::Price, &self.prices)?
            .into_iter()
            .for_each(|(at, cost)| terms[at].cost = cost);
        if let Some(mix) = &self.current {
            terms.iter_mut().for_each(|term| term.current = Some(0));
            self.placed(Ask::From, mix)?
                .into_iter()
                .for_each(|(at, pairs)| terms[at].current = Some(pairs));
        }
        Ok(terms)
    }

    /// One term per language of fits without curves, by the joint law at its largest total; none of
    /// other fits.
    fn terms_of_pooled(&self) -> Vec<Term> {
        let bare = self.fits.joint.as_ref().filter(|_| self.fits.fits.is_empty());
        let Some(joint) = bare else { return Vec::new() };
        let laws = joint.laws_at(joint.totals.1).into_iter();
        let term = |(lang, laws): (usize, Vec<(f64, AtTotal)>)| {
            let laws = laws.into_iter().map(|(weight, law)| (weight, Law::at_total(law)));
            let unique = joint.unique()[lang].map(|unique| unique as u64);
            let upper = unique.map(|unique| (unique as f64 * self.epochs) as u64);
            let average = Average::new(laws).ok()?;
            Some(Term { upper, unique, ..Term::new(joint.langs[lang].clone(), average) })
        };
        laws.enumerate().filter_map(term).collect()
    }
}
