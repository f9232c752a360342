//! What pooled models of given mixtures show beside the law: what it misses, drift beyond the
//! design, and noise.
//!
//! ```text
//! g_mi + D_m (phi_0 + phi_i),     g ~ GP(0, (1 + 1.5 D_m)^2 k),     phi ~ N(0, 0.01^2)
//! D_m = max(0, ln(T_m / largest total of the design))
//! ```
//!
//! `k` is that of [`super::local`], not conditioned on the models of the design: a mixture among
//! them is known better than this says. The growth and the drift were chosen by the losses of two
//! validations at 2.4 and 7.8 times the largest total of their designs.

use super::cells::Cell;
use super::noise::covariance;
use super::{JointFit, JointForm, Noise};
use crate::numeric::random::{Item, Purpose, generator};
use nalgebra::{DMatrix, DVector};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Growth of what the law misses, an e-folding beyond the largest total.
const GROWTH: f64 = 1.5;
/// Standard deviation of the drift an e-folding beyond the largest total, common to the languages
/// and each one's own.
const DRIFT_LOG: f64 = 0.01;
/// Added to the diagonal, relative to its largest entry, so that two mixtures that are the same
/// have a factor.
const JITTER: f64 = 1e-9;

impl JointFit {
    /// Draws of what models of some mixtures show beside the law, ln loss: a draw, mixture and
    /// language. `mixtures` are pairs per language.
    pub fn missed(&self, mixtures: &[Vec<u64>], draws: usize, seed: u64) -> Vec<Vec<Vec<f64>>> {
        let cells: Vec<Cell> = mixtures
            .iter()
            .enumerate()
            .flat_map(|(run, pairs)| self.cells_of(run, pairs))
            .collect();
        let factors: Vec<DMatrix<f64>> =
            self.forms.iter().map(|form| self.factor(form, &cells)).collect();
        let languages = self.langs.len();
        let draw = |number: usize| {
            let mut generator =
                generator(seed, Purpose::Laws, Item::NthOf("missed", number as u64));
            let normals =
                DVector::from_fn(cells.len(), |_, _| StandardNormal.sample(&mut generator));
            let drawn = &factors[self.form_at((number as f64 + 0.5) / draws as f64)] * normals;
            drawn.as_slice().chunks(languages).map(<[f64]>::to_vec).collect()
        };
        (0..draws).into_par_iter().map(draw).collect()
    }

    /// Standard deviations of the ln loss of one language in one pooled model: its own, and what
    /// the model has in common in all its languages.
    pub fn noise_log(&self) -> [f64; 2] {
        let mean = |of: fn(&Noise) -> f64| {
            self.forms.iter().map(|form| form.weight * of(&form.noise).powi(2)).sum::<f64>().sqrt()
        };
        [mean(|noise| noise.own_log), mean(|noise| noise.common_log)]
    }

    /// e-foldings of a total beyond the largest of the design.
    fn beyond(&self, total: f64) -> f64 {
        (total / self.totals.1).ln().max(0.0)
    }

    fn cells_of(&self, run: usize, pairs: &[u64]) -> Vec<Cell> {
        let total = pairs.iter().sum::<u64>() as f64;
        let root_shares: Vec<f64> =
            pairs.iter().map(|&pairs| (pairs as f64 / total).sqrt()).collect();
        let of = |(lang, &own): (usize, &u64)| {
            // below what was looked at, an amount is as far as one can tell
            let own = (own as f64).max(self.trusted_from).min(total);
            let rest = (total - own).max(f64::MIN_POSITIVE);
            Cell {
                run,
                lang,
                own,
                rest,
                root_shares: root_shares.clone(),
                ln_loss: 0.0,
                spread: 1.0,
                is_repeated_alone: false,
                is_test: false,
            }
        };
        pairs.iter().enumerate().map(of).collect()
    }

    /// A factor of the covariance of what a form misses and of the drift; where rounding leaves
    /// none, that of cells which miss apart from each other.
    fn factor(&self, form: &JointForm, cells: &[Cell]) -> DMatrix<f64> {
        let none = Noise { alone_log: 0.0, own_log: 0.0, common_log: 0.0, repeated_log: 0.0 };
        let mut all = covariance(cells, &none, Some(&form.local));
        let beyond: Vec<f64> = cells.iter().map(|cell| self.beyond(cell.total())).collect();
        for i in 0..cells.len() {
            for j in 0..cells.len() {
                let grown = all[(i, j)] * (1.0 + GROWTH * beyond[i]) * (1.0 + GROWTH * beyond[j]);
                let drifts = if cells[i].lang == cells[j].lang { 2.0 } else { 1.0 };
                all[(i, j)] = grown + drifts * DRIFT_LOG.powi(2) * beyond[i] * beyond[j];
            }
        }
        let diagonal = all.diagonal();
        let jitter = JITTER * diagonal.max();
        (0..cells.len()).for_each(|i| all[(i, i)] += jitter);
        all.cholesky()
            .map_or_else(|| DMatrix::from_diagonal(&diagonal.map(f64::sqrt)), |factor| factor.l())
    }

    /// The form that a place from 0 to 1 falls on, by their weights.
    fn form_at(&self, place: f64) -> usize {
        let mut sum = 0.0;
        let above = |form: &JointForm| {
            sum += form.weight;
            place < sum
        };
        self.forms.iter().position(above).unwrap_or(0)
    }
}
