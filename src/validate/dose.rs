//! The dose response: models tuned on steps from uniform towards the allocation and away from it.
//!
//! ```text
//! X_i(t) = T u_i (x_i / u_i)^t / sum_j u_j (x_j / u_j)^t
//!          t = 0 uniform, 1 the allocation, -1 its mirror
//! L(t) = a + S t + C t^2,   gain = L(0) - L(1) = -(S + C)
//! ```
//!
//! The mean loss is nearly quadratic along this path, so that steps as far as -2 and 2 say of the
//! step of 1 what it alone shows only with several times the models. What the law says is not
//! quadratic, its own gain less that of the parabola through its own losses, is added.

use super::prediction::{PolicyPrediction, Prediction};
use crate::allocate::Policy;
use crate::record::RunRecord;
use crate::units::{Estimate, Interval};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// What a dose response measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoseResponse {
    /// Steps that models were tuned on, rising.
    pub doses: Vec<f64>,
    /// Seeds that finished all of them.
    pub seeds: Vec<u64>,
    /// Gain of the allocation over uniform, nats per target token: the mean over the seeds with
    /// Student's interval, corrected.
    pub gain_nats: Estimate,
    /// What was added for what is not quadratic, by the law.
    pub correction_nats: f64,
}

/// The dose of a policy, where it is one.
pub fn dose_of(policy: Policy) -> Option<f64> {
    match policy {
        Policy::Uniform => Some(0.0),
        Policy::Parallot => Some(1.0),
        Policy::Dose(dose) => Some(dose),
        _ => None,
    }
}

/// Weights by which the mean losses of some doses add up to the gain: those of the parabola of
/// least squares. None of fewer than three doses.
fn weights(doses: &[f64]) -> Option<Vec<f64>> {
    let mut distinct = doses.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    if distinct.len() < 3 {
        return None;
    }
    let powers = DMatrix::from_fn(doses.len(), 3, |row, power| doses[row].powi(power as i32));
    let normal = (powers.transpose() * &powers).cholesky()?;
    // the gain is -(S + C)
    let by = normal.solve(&DVector::from_vec(vec![0.0, -1.0, -1.0]));
    Some((powers * by).iter().copied().collect())
}

/// What a gain that is read off a parabola lacks by a law that is none, from the mean losses of the
/// law at the doses.
pub fn correction(doses: &[f64], by_law: &[f64]) -> Option<f64> {
    let at = |dose: f64| doses.iter().position(|known| *known == dose).map(|at| by_law[at]);
    Some(at(0.0)? - at(1.0)? - parabola(&weights(doses)?, by_law))
}

/// What the gains of one seed differ by, over what two models of it differ by.
pub fn spread(doses: &[f64]) -> Option<f64> {
    let squares: f64 = weights(doses)?.iter().map(|weight| weight * weight).sum();
    Some((squares / 2.0).sqrt())
}

fn parabola(weights: &[f64], losses: &[f64]) -> f64 {
    weights.iter().zip(losses).map(|(weight, loss)| weight * loss).sum()
}

/// The gain of the allocation over uniform from mean losses by seed and dose, and what was added to
/// it for what the law, by its own losses at the doses, says is no parabola, by which the interval
/// is widened. None of fewer than three doses, without 0 and 1 among them, and without a seed.
pub fn gain_by_doses(
    doses: &[f64],
    losses: &[Vec<f64>],
    by_law: &[f64],
) -> Option<(Estimate, f64)> {
    let weights = weights(doses)?;
    let gain = |losses: &[f64]| parabola(&weights, losses);
    let correction = correction(doses, by_law)?;
    let gains: Vec<f64> = losses.iter().map(|losses| gain(losses) + correction).collect();
    let Estimate { value, interval_90: Interval { lo, hi } } = Estimate::of_mean(&gains)?;
    // the law that says what is no parabola may be wrong by as much
    let [below, above] = [value - lo, hi - value].map(|half| half.hypot(correction));
    let interval_90 = Interval { lo: value - below, hi: value + above };
    Some((Estimate { value, interval_90 }, correction))
}

impl DoseResponse {
    /// Of the models of a validation, where some of its policies are doses; `records[p]` are those
    /// of policy p.
    pub(super) fn new(prediction: &Prediction, records: &[Vec<RunRecord>]) -> Option<Self> {
        let arms = prediction.policies.iter().zip(records);
        let mut arms: Vec<(f64, &PolicyPrediction, &Vec<RunRecord>)> =
            arms.filter_map(|(row, records)| Some((dose_of(row.policy)?, row, records))).collect();
        arms.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mean = |losses: &[f64]| {
            let all = prediction.weights.iter().zip(losses).filter(|(weight, _)| **weight > 0.0);
            all.map(|(weight, loss)| weight * loss).sum::<f64>()
                / prediction.weights.iter().sum::<f64>()
        };
        let of_seed = |seed: u64| {
            let finished = |records: &Vec<RunRecord>| {
                let record = records.iter().find(|r| r.seed == seed && r.is_finished())?;
                Some(mean(&prediction.measured(record)))
            };
            let losses: Option<Vec<f64>> =
                arms.iter().map(|(_, _, records)| finished(records)).collect();
            Some((seed, losses?))
        };
        let (seeds, losses): (Vec<u64>, Vec<Vec<f64>>) =
            prediction.seeds.iter().filter_map(|&seed| of_seed(seed)).unzip();
        let by_law = |row: &PolicyPrediction| {
            mean(&row.loss_nats.iter().map(|loss| loss.value).collect::<Vec<_>>())
        };
        let by_law: Vec<f64> = arms.iter().map(|(_, row, _)| by_law(row)).collect();
        let doses: Vec<f64> = arms.iter().map(|(dose, ..)| *dose).collect();
        let (gain_nats, correction_nats) = gain_by_doses(&doses, &losses, &by_law)?;
        Some(DoseResponse { doses, seeds, gain_nats, correction_nats })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_give_the_gain_of_every_parabola_with_the_least_spread() {
        for doses in
            [vec![-2.0, 0.0, 1.0, 2.0], vec![-1.0, 0.0, 1.0], vec![-3.0, 0.0, 1.0, 2.0, 3.0]]
        {
            let found = weights(&doses).unwrap();
            for (a, s, c) in [(3.0, -0.1, 0.05), (1.0, 0.2, 0.0), (0.0, 0.0, 1.0)] {
                let loss = |t: f64| a + s * t + c * t * t;
                let gain: f64 = found.iter().zip(&doses).map(|(k, &t)| k * loss(t)).sum();
                approx::assert_relative_eq!(gain, loss(0.0) - loss(1.0), epsilon = 1e-12);
            }
        }
        // a comparison with uniform has 1, with half the models of four doses
        approx::assert_relative_eq!(spread(&[-2.0, 0.0, 1.0, 2.0]).unwrap(), 0.33, epsilon = 0.01);
        approx::assert_relative_eq!(spread(&[-1.0, 0.0, 1.0, 2.0]).unwrap(), 0.32, epsilon = 0.01);
        assert_eq!(weights(&[0.0, 1.0]), None);
        assert_eq!(weights(&[0.0, 1.0, 1.0]), None);
    }
}
