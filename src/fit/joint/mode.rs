//! The most likely coordinates of a joint law, how well they are known, and how likely they make
//! the data.
//!
//! ```text
//! minimise  r' S^-1 r + z'z,     r_mi = ln loss_mi - ln L_i(X_m; z)
//! S = diag(sigma_mi^2) + [m = m'] sigma_a^2 (+ k, what the law misses)
//! z | data ~ N(z^, H^-1),    H = J' S^-1 J + I          (Laplace)
//! ln evidence = - (minimum + ln det H + ln det S) / 2
//! ```
//!
//! The law bends within what is not known of it, so that draws are no normal numbers around the
//! mode: each is a mode of its own, of losses that got noise and of a prior whose means did
//! (randomised maximum likelihood, Oliver et al. 1996), searched from the mode with the `H` there.
//!
//! `sigma_a` is what one model has in common in all its languages, which averaging over languages
//! does not remove. The noises are taken from the residuals over what the fit leaves free, in a few
//! rounds.

use super::cells::Cell;
use super::coordinates::Frame;
use super::local::Local;
use super::noise::Noise;
use super::scales::most_likely;
use super::whitener::{Whitener, blocks};
use crate::numeric::blocked;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// Data of a fit.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub cells: &'a [Cell],
    pub unique: &'a [Option<f64>],
}

/// A mode and what is known around it.
#[derive(Clone)]
pub(super) struct Mode {
    pub z: DVector<f64>,
    /// Of `H`.
    pub precision: Cholesky<f64, Dyn>,
    pub noise: Noise,
    /// What the law misses; absent where it is not counted.
    pub local: Option<Local>,
    pub evidence: f64,
}

/// What is said of some cells: ln losses, jointly normal.
pub(super) struct Forecast {
    pub mean: DVector<f64>,
    pub covariance: DMatrix<f64>,
}

/// Steps of the minimiser.
const STEPS: usize = 60;
/// Rounds of taking noises from residuals.
const ROUNDS: usize = 4;
/// Largest step in a coordinate.
const REACH: f64 = 2.0;
/// Relative decrease that counts as none.
const DECREASE: f64 = 1e-9;
/// Steps towards the mode of a draw, and the decrease of twice its negative ln density that counts
/// as none.
const DRAW_STEPS: usize = 60;
const DRAW_DECREASE: f64 = 1e-3;
/// Cells that the noise before any data counts for.
const PRIOR_CELLS: f64 = 2.0;

/// Residuals and derivatives over their noise.
struct Whitened {
    residuals: DVector<f64>,
    jacobian: DMatrix<f64>,
}

/// `ln loss - ln L` of every cell, and the derivatives of `ln L`.
pub(super) fn linearised(
    frame: &Frame,
    data: Data,
    z: &DVector<f64>,
) -> (DVector<f64>, DMatrix<f64>) {
    let dimension = frame.dimension();
    let mut rows = vec![0.0; data.cells.len() * dimension];
    let mut residuals = DVector::zeros(data.cells.len());
    for (at, (cell, row)) in data.cells.iter().zip(rows.chunks_mut(dimension)).enumerate() {
        residuals[at] = cell.ln_loss - frame.predict(z, cell, data.unique[cell.lang], Some(row));
    }
    (residuals, DMatrix::from_row_slice(data.cells.len(), dimension, &rows))
}

fn residuals(frame: &Frame, data: Data, z: &DVector<f64>) -> DVector<f64> {
    let of = |cell: &Cell| cell.ln_loss - frame.predict(z, cell, data.unique[cell.lang], None);
    DVector::from_iterator(data.cells.len(), data.cells.iter().map(of))
}

fn whitened(frame: &Frame, data: Data, whitener: &Whitener, z: &DVector<f64>) -> Option<Whitened> {
    let (residuals, jacobian) = linearised(frame, data, z);
    Some(Whitened {
        residuals: whitener.apply_to_column(&residuals)?,
        jacobian: whitener.apply(&jacobian)?,
    })
}

/// Levenberg-Marquardt from `z`: the mode, residuals and derivatives there, and `H`.
fn minimise(
    frame: &Frame,
    data: Data,
    whitener: &Whitener,
    mut z: DVector<f64>,
) -> Option<(DVector<f64>, Whitened, DMatrix<f64>)> {
    let objective = |z: &DVector<f64>| {
        let whitened = whitener.apply_to_column(&residuals(frame, data, z))?;
        Some(whitened.norm_squared() + z.norm_squared()).filter(|value| value.is_finite())
    };
    let (mut damping, mut value) = (1e-3, objective(&z)?);
    for _ in 0..STEPS {
        let Whitened { residuals, jacobian } = whitened(frame, data, whitener, &z)?;
        let hessian = blocked::squared(&jacobian) + DMatrix::identity(z.len(), z.len());
        let downhill = jacobian.tr_mul(&residuals) - &z;
        let mut found = None;
        for _ in 0..10 {
            let mut damped = hessian.clone();
            (0..z.len()).for_each(|j| damped[(j, j)] *= 1.0 + damping);
            let mut step = damped.cholesky()?.solve(&downhill);
            let longest = step.amax();
            if longest > REACH {
                step *= REACH / longest;
            }
            let moved = &z + step;
            if let Some(lower) = objective(&moved).filter(|&lower| lower < value) {
                found = Some((moved, lower));
                break;
            }
            damping *= 5.0;
        }
        let Some((moved, lower)) = found else { break };
        let fallen = value - lower;
        (z, value, damping) = (moved, lower, (damping / 5.0).max(1e-9));
        if fallen < DECREASE * value {
            break;
        }
    }
    let whitened = whitened(frame, data, whitener, &z)?;
    let hessian = blocked::squared(&whitened.jacobian) + DMatrix::identity(z.len(), z.len());
    Some((z, whitened, hessian))
}

impl Mode {
    /// The mode of some cells, with noises taken from them.
    pub(super) fn new(frame: &Frame, data: Data) -> Option<Self> {
        let mut noise = Noise::START;
        let mut z = DVector::zeros(frame.dimension());
        for _ in 0..ROUNDS {
            let whitener = Whitener::new(data.cells, &noise, None)?;
            let (found, whitened, hessian) = minimise(frame, data, &whitener, z)?;
            z = found;
            noise = updated(frame, data, &noise, &z, &whitened, &hessian.cholesky()?);
        }
        Mode::from(frame, data, noise, None, z)
    }

    /// The same with what the law misses counted: scales from the residuals, then the coordinates
    /// anew.
    pub(super) fn with_local(&self, frame: &Frame, data: Data) -> Option<Self> {
        let first = data.cells.iter().position(Cell::is_pooled)?;
        let residuals = residuals(frame, data, &self.z);
        // as large as they would be without what the fit took from them
        let free = free(
            &whitened(frame, data, &Whitener::new(data.cells, &self.noise, None)?, &self.z)?,
            &self.precision,
        );
        let pooled = DVector::from_fn(residuals.len() - first, |at, _| {
            residuals[first + at] / free[first + at].sqrt()
        });
        let (local, noise) = most_likely(&data.cells[first..], &pooled, self.noise);
        Mode::from(frame, data, noise, Some(local), self.z.clone())
    }

    /// The mode of some cells at given scales, searched from `z`.
    pub(super) fn from(
        frame: &Frame,
        data: Data,
        noise: Noise,
        local: Option<Local>,
        z: DVector<f64>,
    ) -> Option<Self> {
        let whitener = Whitener::new(data.cells, &noise, local.as_ref())?;
        let (z, whitened, hessian) = minimise(frame, data, &whitener, z)?;
        let precision = hessian.cholesky()?;
        let ln_precision: f64 = precision.l().diagonal().iter().map(|d| d.ln()).sum();
        let squares = whitened.residuals.norm_squared() + z.norm_squared();
        Some(Mode {
            evidence: -0.5 * squares - ln_precision - whitener.ln_determinant(),
            z,
            precision,
            noise,
            local,
        })
    }

    /// Coordinates drawn from what is known of them, by standard normal numbers for each cell and
    /// for each coordinate.
    pub(super) fn draw(
        &self,
        frame: &Frame,
        data: Data,
        whitener: &Whitener,
        noise: &DVector<f64>,
        prior: &DVector<f64>,
    ) -> DVector<f64> {
        let residuals = |z: &DVector<f64>| {
            whitener.apply_to_column(&residuals(frame, data, z)).map(|residuals| residuals + noise)
        };
        let objective = |whitened: &DVector<f64>, z: &DVector<f64>| {
            whitened.norm_squared() + (z - prior).norm_squared()
        };
        let mut z = self.z.clone();
        let Some(mut whitened) = residuals(&z) else { return z };
        let mut value = objective(&whitened, &z);
        for _ in 0..DRAW_STEPS {
            let (_, jacobian) = linearised(frame, data, &z);
            let Some(pulled) = whitener.apply_transposed(&whitened) else { break };
            let step = self.precision.solve(&(jacobian.tr_mul(&pulled) - (&z - prior)));
            let shorter = (0..6).find_map(|halvings| {
                let moved = &z + &step * 0.5f64.powi(halvings);
                let found = residuals(&moved)?;
                let lower = objective(&found, &moved);
                (lower < value).then_some((moved, found, lower))
            });
            let Some((moved, found, lower)) = shorter else { break };
            let fallen = value - lower;
            (z, whitened, value) = (moved, found, lower);
            if fallen < DRAW_DECREASE {
                break;
            }
        }
        z
    }

    /// What a fit to the cells of `data` says of other cells, whatever losses those hold: the mean
    /// of many models of each.
    ///
    /// ```text
    /// mean       = ln L(z^) + c' S^-1 r
    /// covariance = k - c' S^-1 c + (J_* - c' S^-1 J) H^-1 (J_* - c' S^-1 J)'
    /// ```
    ///
    /// `c` is what the law misses in the cells fitted times what it misses in those asked for,
    /// `J_*` their derivatives.
    pub(super) fn forecast(&self, frame: &Frame, data: Data, asked: &[Cell]) -> Option<Forecast> {
        let (minus, jacobian) = linearised(frame, Data { cells: asked, ..data }, &self.z);
        let mean = DVector::from_fn(asked.len(), |at, _| asked[at].ln_loss - minus[at]);
        let Some(local) = &self.local else {
            return Some(Forecast {
                mean,
                covariance: &jacobian * self.precision.solve(&jacobian.transpose()),
            });
        };
        let whitener = Whitener::new(data.cells, &self.noise, self.local.as_ref())?;
        let missed = |a: &Cell, b: &Cell| {
            if a.is_pooled() && b.is_pooled() { local.covariance(a, b) } else { 0.0 }
        };
        let cross = DMatrix::from_fn(data.cells.len(), asked.len(), |i, j| {
            missed(&data.cells[i], &asked[j])
        });
        let own = DMatrix::from_fn(asked.len(), asked.len(), |i, j| missed(&asked[i], &asked[j]));
        let Whitened { residuals, jacobian: fitted } = whitened(frame, data, &whitener, &self.z)?;
        let cross = whitener.apply(&cross)?;
        let free = jacobian - cross.tr_mul(&fitted);
        let covariance =
            own - blocked::squared(&cross) + &free * self.precision.solve(&free.transpose());
        Some(Forecast { mean: mean + cross.tr_mul(&residuals), covariance })
    }
}

/// Share of each residual's variance that the fit leaves free: 1 less its leverage.
fn free(whitened: &Whitened, precision: &Cholesky<f64, Dyn>) -> Vec<f64> {
    let solved = precision.solve(&whitened.jacobian.transpose());
    let leverage =
        |at: usize| whitened.jacobian.row(at).transpose().dot(&solved.column(at)).min(0.99);
    (0..solved.ncols()).map(|at| 1.0 - leverage(at)).collect()
}

/// Noises from residuals over what the fit leaves free.
fn updated(
    frame: &Frame,
    data: Data,
    noise: &Noise,
    z: &DVector<f64>,
    whitened: &Whitened,
    precision: &Cholesky<f64, Dyn>,
) -> Noise {
    let raw = residuals(frame, data, z);
    let free = free(whitened, precision);
    // each kind by its own cells, drawn to what is known before any data
    let of_kind = |start: f64, counts: &dyn Fn(&Cell) -> bool, square: &dyn Fn(usize) -> f64| {
        let (squares, degrees) = (0..raw.len())
            .filter(|&at| counts(&data.cells[at]))
            .fold((0.0, 0.0), |(squares, degrees), at| (squares + square(at), degrees + free[at]));
        ((squares + PRIOR_CELLS * start.powi(2)) / (degrees + PRIOR_CELLS)).max(1e-10).sqrt()
    };
    let scaled = |at: usize| (raw[at] / data.cells[at].spread).powi(2);
    let alone_log = of_kind(
        Noise::START.alone_log,
        &|cell| !cell.is_pooled() && !cell.is_repeated_alone,
        &scaled,
    );
    let beyond =
        |at: usize| (raw[at].powi(2) - (data.cells[at].spread * noise.alone_log).powi(2)).max(0.0);
    let repeated_log = of_kind(Noise::START.repeated_log, &|cell| cell.is_repeated_alone, &beyond);
    let (own_log, common_log) = within_and_between(data.cells, &raw, &free);
    Noise { alone_log, own_log, common_log, repeated_log }
}

/// Noise of one language in a pooled model and what its languages have in common, by an analysis of
/// variance over the models.
fn within_and_between(cells: &[Cell], raw: &DVector<f64>, free: &[f64]) -> (f64, f64) {
    let (mut within, mut within_degrees, mut between, mut between_degrees, mut sizes) =
        (0.0, 0.0, 0.0, 0.0, 0.0);
    for block in blocks(cells).into_iter().filter(|block| block.len() > 1) {
        let count = block.len() as f64;
        let scaled: Vec<f64> = block.clone().map(|at| raw[at] / cells[at].spread).collect();
        let mean = scaled.iter().sum::<f64>() / count;
        let share = free[block].iter().sum::<f64>() / count;
        within += scaled.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        within_degrees += share * (count - 1.0);
        between += count * mean * mean;
        between_degrees += share;
        sizes += count * share;
    }
    let start = Noise::START;
    let own = (within + PRIOR_CELLS * start.own_log.powi(2)) / (within_degrees + PRIOR_CELLS);
    let languages = sizes / f64::max(between_degrees, 1e-9);
    let common = (between - between_degrees * own).max(0.0) / languages.max(1.0);
    (
        (own).max(1e-10).sqrt(),
        ((common + PRIOR_CELLS * start.common_log.powi(2)) / (between_degrees + PRIOR_CELLS))
            .sqrt(),
    )
}
