//! The coordinates that the joint law is fitted in: every one is standard normal before any data.
//!
//! ```text
//! A_i       = ln unit - 0.3 + z
//! ln beta_i = ln 0.35 + 0.8 z + 0.15 z_i
//! ln E_i    = ln(unit / 4) + 0.5 z + 0.3 z_i
//! ln D_i    = ln(x0 / 5) + 1.5 z + 0.7 z_i
//! ln R*_i   = ln 5 + z + 0.5 z_i, in pooled models + 0.5 + 0.7 z
//! kappa_i   = 0.2 z + s z_i  or  ln c_i = ln 0.03 + z + s z_i
//! ln a      = ln 0.8 + 0.2 z,   ln b = 0.8 z
//! in models of one language   ln L + (0.05 z + 0.03 z_i) + (0.05 z + 0.03 z_i) ln(X / x0)
//! on the test set             ln L + 0.05 z_i
//! ```
//!
//! A model of one language is not one of several without the others: it takes fewer steps, most of
//! them of warm-up where it is small. What its curve shows beyond that of a pooled model, in level
//! and steepness, has coordinates of its own; with models of both kinds they are found, and without
//! any of several languages they widen what is predicted of those.
//!
//! z without an index is common to the languages, z_i each language's own; s is chosen by evidence.
//! Means and spreads are those of two studies of pooled models, with losses in units of the study,
//! and of published curves of fine-tuning.

use super::cells::Cell;
use crate::law::joint::{Interference, Joint, PARAMETERS, References, Setting};
use nalgebra::DVector;
use serde::{Deserialize, Serialize};

/// Coordinates that the languages share.
const COMMON: usize = 10;
/// Coordinates of one language.
const OWN: usize = 8;

/// How a parameter of the law comes about: its mean, the spread of what is common and of what is a
/// language's own.
#[derive(Clone, Copy)]
struct Origin {
    mean: f64,
    common: Option<(usize, f64)>,
    own: Option<(usize, f64)>,
}

/// Spread of the ln of what test sentences lose over dev sentences.
const SHIFT: f64 = 0.05;
/// ln of R* in pooled models over that in models of one language: mean and spread.
const POOLED_PASSES: (f64, f64) = (0.5, 0.7);
/// Spreads of what is different in models of one language, in level and in steepness: common to the
/// languages and each one's own.
const ALONE: (f64, f64) = (0.05, 0.03);
/// Places of its coordinates, common and own.
const ALONE_AT: [(usize, usize); 2] = [(8, 6), (9, 7)];
/// Place of the coordinate of that factor.
const POOLED_AT: usize = 4;
/// Place of R* among the parameters.
const PASSES: usize = 4;

/// Coordinates of a joint law of some languages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frame {
    pub languages: usize,
    pub interference: Interference,
    pub references: References,
    /// ln of a loss of the study, nats per target token.
    pub ln_unit: f64,
    /// Spread of the effect between languages.
    pub spread: f64,
    /// Whether some models were scored on the test set.
    pub has_test: bool,
}

impl Frame {
    /// Spreads of the effect that are tried.
    pub(super) fn spreads(interference: Interference) -> &'static [f64] {
        match interference {
            Interference::None => &[0.1],
            Interference::Data => &[0.03, 0.1, 0.3],
            Interference::Loss => &[0.3, 0.6, 1.2],
        }
    }

    /// Coordinates in all.
    pub(super) fn dimension(&self) -> usize {
        COMMON + self.languages * (OWN + usize::from(self.has_test))
    }

    fn origins(&self) -> [Origin; PARAMETERS] {
        let of = |mean, common, own| Origin { mean, common, own };
        let effect = match self.interference {
            Interference::None => of(0.0, None, None),
            Interference::Data => of(0.0, Some((5, 0.2)), Some((5, self.spread))),
            Interference::Loss => of(0.03f64.ln(), Some((5, 1.0)), Some((5, self.spread))),
        };
        [
            of(self.ln_unit - 0.3, None, Some((0, 1.0))),
            of(0.35f64.ln(), Some((0, 0.8)), Some((1, 0.15))),
            of(self.ln_unit - 4f64.ln(), Some((1, 0.5)), Some((2, 0.3))),
            of((self.references.own / 5.0).ln(), Some((2, 1.5)), Some((3, 0.7))),
            of(5f64.ln(), Some((3, 1.0)), Some((4, 0.5))),
            effect,
            of(0.8f64.ln(), Some((6, 0.2)), None),
            of(0.0, Some((7, 0.8)), None),
        ]
    }

    fn own(&self, lang: usize) -> usize {
        COMMON + lang * OWN
    }

    /// Place of the test shift of a language.
    fn shift_at(&self, lang: usize) -> usize {
        COMMON + self.languages * OWN + lang
    }

    /// What is known of a language before its law.
    pub(super) fn setting(&self, unique: Option<f64>) -> Setting {
        Setting { interference: self.interference, references: self.references, unique }
    }

    /// The law of a language at coordinates, in pooled models or alone.
    pub(super) fn law(&self, z: &DVector<f64>, lang: usize, is_pooled: bool) -> Joint {
        let own = self.own(lang);
        let mut values = self.origins().map(|origin| {
            let common = origin.common.map_or(0.0, |(at, spread)| spread * z[at]);
            origin.mean + common + origin.own.map_or(0.0, |(at, spread)| spread * z[own + at])
        });
        if is_pooled {
            values[PASSES] += POOLED_PASSES.0 + POOLED_PASSES.1 * z[POOLED_AT];
        }
        Joint::from_array(values)
    }

    /// `ln L` of a cell at coordinates; its derivatives are added to `row`, which has one entry per
    /// coordinate.
    pub(super) fn predict(
        &self,
        z: &DVector<f64>,
        cell: &Cell,
        unique: Option<f64>,
        row: Option<&mut [f64]>,
    ) -> f64 {
        let law = self.law(z, cell.lang, cell.is_pooled());
        let setting = self.setting(unique);
        let offset: f64 = self.offsets(cell).map(|(at, by)| by * z[at]).sum();
        let Some(row) = row else {
            return law.ln_loss(&setting, cell.own, cell.rest) + offset;
        };
        let found = law.gradient(&setting, cell.own, cell.rest);
        let own = self.own(cell.lang);
        for (origin, by) in self.origins().iter().zip(found.by) {
            if let Some((at, spread)) = origin.common {
                row[at] += spread * by;
            }
            if let Some((at, spread)) = origin.own {
                row[own + at] += spread * by;
            }
        }
        if cell.is_pooled() {
            row[POOLED_AT] += POOLED_PASSES.1 * found.by[PASSES];
        }
        self.offsets(cell).for_each(|(at, by)| row[at] += by);
        found.value + offset
    }

    /// Coordinates that move the ln loss of a cell without being part of the law, and by how much.
    fn offsets(&self, cell: &Cell) -> impl Iterator<Item = (usize, f64)> + use<> {
        let shift = cell.is_test.then(|| (self.shift_at(cell.lang), SHIFT));
        let (own, distance) = (self.own(cell.lang), (cell.own / self.references.own).ln());
        let alone = if cell.is_pooled() { &[][..] } else { &ALONE_AT };
        let alone = alone.iter().zip([1.0, distance]).flat_map(move |(&(common, at), factor)| {
            [(common, factor * ALONE.0), (own + at, factor * ALONE.1)]
        });
        shift.into_iter().chain(alone)
    }
}
