//! Noise of models, and the covariance of what their losses show beside the law.

use super::cells::Cell;
use super::local::Local;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Standard deviations of ln losses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Of a model of one language.
    pub alone_log: f64,
    /// Of one language in a pooled model.
    pub own_log: f64,
    /// Of a pooled model, common to its languages.
    pub common_log: f64,
    /// Added to a model of one language that repeats its pairs.
    pub repeated_log: f64,
}

impl Noise {
    /// What noises are before any data; also where each starts.
    pub(super) const START: Noise =
        Noise { alone_log: 0.006, own_log: 0.007, common_log: 0.003, repeated_log: 0.01 };

    pub(super) fn of(&self, cell: &Cell) -> f64 {
        let one = if cell.is_pooled() { self.own_log } else { self.alone_log };
        (cell.spread * one).hypot(if cell.is_repeated_alone { self.repeated_log } else { 0.0 })
    }
}

/// Covariance of what some cells show beside the law: noise, and what the law misses where that is
/// known.
pub(super) fn covariance(cells: &[Cell], noise: &Noise, local: Option<&Local>) -> DMatrix<f64> {
    let of = |i: usize, j: usize| {
        let (a, b) = (&cells[i], &cells[j]);
        let common = if a.run == b.run && a.is_pooled() { noise.common_log.powi(2) } else { 0.0 };
        let own = if i == j { noise.of(a).powi(2) } else { 0.0 };
        let missed = local
            .filter(|_| a.is_pooled() && b.is_pooled())
            .map_or(0.0, |local| local.covariance(a, b));
        common + own + missed
    };
    DMatrix::from_fn(cells.len(), cells.len(), |i, j| if i <= j { of(i, j) } else { of(j, i) })
}
