//! What mixtures say of all tau at once: a Gaussian posterior around a linearisation, its scales
//! weighed by how likely they make the data.

use super::Observed;
use crate::law::{Average, Law};
use crate::numeric::softmax;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// Scales tried of what all pairs of languages have in common, of what those that one language
/// gains from have, and of what each has alone.
const COMMON: [f64; 4] = [0.001, 0.01, 0.1, 1.0];
const ROW: [f64; 4] = [0.001, 0.01, 0.1, 1.0];
const OWN: [f64; 6] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
/// Variances tried of a mixture's ln loss about the coupled law, over that of a run about the law
/// of one language.
pub(super) const NOISE: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 16.0];

/// Rounds of linearising anew: the laws bend little over what transfer moves.
const ROUNDS: usize = 4;

/// One choice of scales.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scales {
    pub common: f64,
    pub row: f64,
    pub own: f64,
    /// Place in [`NOISE`].
    pub noise: usize,
}

/// All scales with their weights, and the mean of tau over them.
pub(super) struct Posterior {
    pub scales: Vec<(f64, Scales)>,
    pub tau: Vec<DVector<f64>>,
}

/// `sum over languages` of what the data say: precision and right side, and what is left of the
/// squares.
struct Evidence {
    precision: Vec<DMatrix<f64>>,
    right: Vec<DVector<f64>>,
    /// `r' C^-1 r + ln det C`.
    misfit: f64,
}

/// Residuals `ln loss - ln L(y) + J tau` and the Jacobian `J` of `ln L` in the taus of one
/// language, rows mixtures.
fn linearised(
    observed: &Observed,
    loss_and_slope: impl Fn(f64) -> (f64, f64),
    tau: &DVector<f64>,
) -> (DVector<f64>, DMatrix<f64>) {
    let worth = &observed.own + &observed.others * tau;
    let (mut residuals, mut jacobian) = (observed.ln_loss.clone(), observed.others.clone());
    for (m, &y) in worth.iter().enumerate() {
        let (loss, slope) = loss_and_slope(y);
        jacobian.row_mut(m).scale_mut(slope / loss);
        residuals[m] -= loss.ln();
    }
    residuals += &jacobian * tau;
    (residuals, jacobian)
}

fn evidence(
    observed: &[Observed],
    laws: &[Average],
    tau: &[DVector<f64>],
    noise: f64,
) -> Option<Evidence> {
    let mut all = Evidence { precision: Vec::new(), right: Vec::new(), misfit: 0.0 };
    for (i, one) in observed.iter().enumerate() {
        let (residuals, jacobian) =
            linearised(one, |y| laws[i].extended_below(one.trusted, y), &tau[i]);
        let runs = DMatrix::from_diagonal_element(
            residuals.len(),
            residuals.len(),
            noise * one.noise_log.powi(2),
        );
        let factor = Cholesky::new(&one.law_covariance + runs)?;
        let weighed = factor.solve(&jacobian);
        all.misfit += residuals.dot(&factor.solve(&residuals)) + ln_det(&factor);
        all.precision.push(jacobian.transpose() * &weighed);
        all.right.push(weighed.transpose() * residuals);
    }
    Some(all)
}

/// Prior covariance of all taus, language by language.
fn prior(languages: usize, scales: &Scales) -> DMatrix<f64> {
    let others = languages - 1;
    DMatrix::from_fn(languages * others, languages * others, |a, b| {
        let row = if a / others == b / others { scales.row.powi(2) } else { 0.0 };
        let own = if a == b { scales.own.powi(2) } else { 0.0 };
        scales.common.powi(2) + row + own
    })
}

fn ln_det(factor: &Cholesky<f64, Dyn>) -> f64 {
    2.0 * factor.l_dirty().diagonal().iter().map(|entry| entry.ln()).sum::<f64>()
}

/// Posterior precision of all taus, factored, and the right side of their mean.
fn stacked(
    prior_precision: &DMatrix<f64>,
    precision: &[DMatrix<f64>],
    right: &[DVector<f64>],
) -> Option<(Cholesky<f64, Dyn>, DVector<f64>)> {
    let others = right[0].len();
    let mut whole = prior_precision.clone();
    let mut side = DVector::zeros(whole.nrows());
    for (i, (block, part)) in precision.iter().zip(right).enumerate() {
        let mut place = whole.view_mut((i * others, i * others), (others, others));
        place += block;
        side.rows_mut(i * others, others).copy_from(part);
    }
    Some((Cholesky::new(whole)?, side))
}

fn split(all: &DVector<f64>, languages: usize) -> Vec<DVector<f64>> {
    let others = all.len() / languages;
    (0..languages).map(|i| all.rows(i * others, others).into_owned()).collect()
}

/// The priors of every choice of scales but the noise, inverted once.
pub(super) struct Priors(Vec<(Scales, DMatrix<f64>, f64)>);

impl Priors {
    pub(super) fn new(languages: usize) -> Self {
        let scales = COMMON.iter().flat_map(|&common| {
            ROW.iter().flat_map(move |&row| {
                OWN.iter().map(move |&own| Scales { common, row, own, noise: 0 })
            })
        });
        let inverted = |scales: Scales| {
            let factor = Cholesky::new(prior(languages, &scales))?;
            let ln_det = ln_det(&factor);
            Some((scales, factor.inverse(), ln_det))
        };
        Priors(scales.filter_map(inverted).collect())
    }
}

impl Posterior {
    /// The posterior under the central laws, whose own uncertainty counts as noise that the
    /// mixtures of one language share.
    pub(super) fn new(observed: &[Observed], laws: &[Average], priors: &Priors) -> Option<Self> {
        let languages = observed.len();
        let mut posterior =
            Posterior { scales: Vec::new(), tau: vec![DVector::zeros(languages - 1); languages] };
        for _ in 0..ROUNDS {
            posterior = posterior.round(observed, laws, priors)?;
        }
        Some(posterior)
    }

    fn round(
        &self,
        observed: &[Observed],
        laws: &[Average],
        Priors(priors): &Priors,
    ) -> Option<Self> {
        let mut found: Vec<(f64, Scales, DVector<f64>)> = Vec::new();
        for (at, &noise) in NOISE.iter().enumerate() {
            let Evidence { precision, right, misfit } = evidence(observed, laws, &self.tau, noise)?;
            for (scales, inverse, prior_ln_det) in priors {
                let (factor, side) = stacked(inverse, &precision, &right)?;
                let mean = factor.solve(&side);
                // ln p(data) up to a constant, the Gaussian integral over all taus
                let ln = -0.5 * (misfit - side.dot(&mean) + ln_det(&factor) + prior_ln_det);
                found.push((ln, Scales { noise: at, ..*scales }, mean));
            }
        }
        let weights = softmax(&found.iter().map(|(ln, _, _)| *ln).collect::<Vec<_>>());
        let mut mean = DVector::zeros(found[0].2.len());
        let mut scales = Vec::with_capacity(found.len());
        for ((_, one, tau), weight) in found.iter().zip(weights) {
            mean.axpy(weight, tau, 1.0);
            scales.push((weight, *one));
        }
        Some(Posterior { scales, tau: split(&mean, observed.len()) })
    }

    /// The taus that belong to one draw of the laws and one choice of scales, with `normals` as
    /// many standard normal numbers as there are taus.
    pub(super) fn draw(
        &self,
        observed: &[Observed],
        laws: &[Law],
        scales: &Scales,
        normals: &DVector<f64>,
    ) -> Option<Vec<DVector<f64>>> {
        let languages = observed.len();
        let prior_precision = Cholesky::new(prior(languages, scales))?.inverse();
        let mut tau = self.tau.clone();
        let mut factor = None;
        for _ in 0..ROUNDS {
            let (mut precision, mut right) = (Vec::new(), Vec::new());
            for (i, one) in observed.iter().enumerate() {
                let (residuals, jacobian) =
                    linearised(one, |y| laws[i].extended_below(one.trusted, y), &tau[i]);
                let weight = 1.0 / (NOISE[scales.noise] * one.noise_log.powi(2));
                precision.push(weight * jacobian.transpose() * &jacobian);
                right.push(weight * jacobian.transpose() * residuals);
            }
            let (found, side) = stacked(&prior_precision, &precision, &right)?;
            tau = split(&found.solve(&side), languages);
            factor = Some(found);
        }
        let mut noise = normals.clone();
        factor?.l_dirty().tr_solve_lower_triangular_mut(&mut noise);
        let noise = split(&noise, languages);
        Some(tau.into_iter().zip(noise).map(|(tau, noise)| tau + noise).collect())
    }
}
