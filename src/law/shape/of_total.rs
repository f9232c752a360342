//! `R(X) = L(X; T) - E` of the joint law in models of T pairs ([`AtTotal`]), times a factor.

use super::{Gradient, Jet, LnJet};
use crate::law::joint::AtTotal;
use crate::numeric::roots::falling_root;

/// The shape of a language in models of one total.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OfTotal {
    law: AtTotal,
    ln_factor: f64,
}

/// Range of `ln X` in which a loss is looked for.
const LN_PAIRS: (f64, f64) = (-7.0, 40.0);
/// Relative step below which a fall is its slope times the step.
const SHORT: f64 = 1e-5;

impl OfTotal {
    /// The shape of a law.
    pub(crate) fn new(law: AtTotal) -> Self {
        OfTotal { law, ln_factor: 0.0 }
    }

    /// The law that the shape is of, without a factor.
    pub(in crate::law) fn law(&self) -> &AtTotal {
        &self.law
    }

    pub(super) fn numbers(&self, _: f64) -> Vec<f64> {
        self.law.numbers()
    }

    pub(super) fn multiply(&mut self, ln_factor: f64) {
        self.ln_factor += ln_factor;
    }

    /// The ln of the scale, and the exponent.
    pub(super) fn size(&self) -> (f64, f64) {
        (self.law.law().level + self.ln_factor, self.law.law().ln_exponent.exp())
    }

    pub(super) fn jet(&self, x: f64) -> Jet {
        let (found, factor) = (self.law.jet(x), self.ln_factor.exp());
        Jet {
            value: factor * (found.value - self.law.irreducible()),
            slope: factor * found.first,
            curvature: factor * found.second,
        }
    }

    pub(super) fn ln_reducible(&self, x: f64) -> f64 {
        self.ln_factor + (self.law.jet(x).value - self.law.irreducible()).ln()
    }

    pub(super) fn ln_ratio(&self, to: f64, more: f64) -> f64 {
        if more > SHORT * to {
            return self.ln_reducible(to - more) - self.ln_reducible(to);
        }
        let middle = self.jet(to - 0.5 * more);
        -middle.slope / middle.value * more
    }

    pub(super) fn ln_steepness(&self, x: f64) -> LnJet {
        let found = self.law.jet(x);
        if found.first < 0.0 {
            (self.ln_factor + (-found.first).ln(), found.second / found.first)
        } else {
            (f64::NEG_INFINITY, 0.0)
        }
    }

    pub(super) fn concave_range(&self) -> Option<(f64, f64)> {
        Some((0.0, self.law.convex_from())).filter(|range| range.1 > 0.0)
    }

    pub(super) fn amount_at(&self, ln_reducible: f64) -> f64 {
        if self.ln_reducible(0.0) <= ln_reducible {
            return 0.0;
        }
        let excess = |v: f64| self.ln_reducible(v.exp()) - ln_reducible;
        if excess(LN_PAIRS.1) > 0.0 {
            f64::INFINITY
        } else {
            falling_root(excess, LN_PAIRS.0, LN_PAIRS.1).right.exp()
        }
    }

    /// Its parameters are no natural ones of a curve: it is fitted to mixtures, where it has
    /// derivatives of its own.
    pub(super) fn gradient(&self, v: f64) -> Gradient {
        (self.ln_reducible(v.exp()), [0.0; 4])
    }
}
