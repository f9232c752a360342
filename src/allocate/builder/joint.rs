//! The joint law of the pooled model that will be trained, as a problem takes it: at a fixed total
//! a law of each language alone.

use super::super::{Drawn, Term};
use super::TextError;
use crate::fit::joint::JointFit;
use crate::law::{Average, Law};
use std::str::FromStr;

/// Which laws a problem stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Laws {
    /// The joint law of the pooled model that will be trained: of fits to mixtures, for a budget of
    /// pairs.
    Joint,
    /// The laws of models of one language each.
    Curves,
}

impl FromStr for Laws {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        match text {
            "joint" => Ok(Laws::Joint),
            "curves" => Ok(Laws::Curves),
            _ => Err(TextError("expected `joint` or `curves`".to_owned())),
        }
    }
}

/// Puts the laws of models of `total` pairs into the terms, in the order of the languages of the
/// fit, and gives the draws of them.
pub(super) fn at_total(terms: &mut [Term], fit: &JointFit, total: u64) -> Vec<Vec<Drawn>> {
    let total = total as f64;
    for (term, laws) in terms.iter_mut().zip(fit.laws_at(total)) {
        let laws = laws.into_iter().map(|(weight, law)| (weight, Law::at_total(law)));
        if let Ok(laws) = Average::new(laws) {
            // effective data under repetition are part of the joint law
            *term = Term { laws, repetition: None, ..term.clone() };
        }
    }
    let drawn =
        |draw: Vec<_>| draw.into_iter().map(|law| Drawn::from(Law::at_total(law))).collect();
    fit.draws_at(total).into_iter().map(drawn).collect()
}
