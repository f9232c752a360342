//! The table of a validation: what was predicted beside what was measured.

use super::columns::{counts, reals, stamped, texts};
use crate::report::{Provenance, ReportError};
use crate::units::Estimate;
use crate::validate::{CoupledRow, LossRow, PolicyResult, Validation};

/// One row per policy and language:
/// `policy,lang,pairs,predicted_loss_nats,lo90,hi90,measured_loss_nats,error_log,is_held,seeds`,
/// then the policy's gains, and what laws with transfer predicted.
pub fn validation(validation: &Validation) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<(&PolicyResult, &LossRow)> = validation
        .policies
        .iter()
        .flat_map(|policy| policy.losses.iter().map(move |row| (policy, row)))
        .collect();
    let coupled = |part: fn(&CoupledRow) -> f64| {
        let of = move |row: &LossRow| row.coupled.as_ref().map(part);
        rows.iter().map(|(_, row)| of(row)).collect::<Vec<_>>().into_iter()
    };
    let over_rows = |of: &dyn Fn(&PolicyResult) -> Option<f64>| {
        rows.iter().map(|(policy, _)| of(policy)).collect::<Vec<_>>().into_iter()
    };
    let gain = |part: fn(&Estimate) -> f64| {
        over_rows(&|policy| policy.measured_gain_nats.as_ref().map(part))
    };
    let behind = |part: fn(&Estimate) -> f64| {
        over_rows(&|policy| policy.measured_behind_nats.as_ref().map(part))
    };
    let columns = vec![
        texts("policy", rows.iter().map(|(policy, _)| policy.policy.to_string())),
        texts("lang", rows.iter().map(|(_, row)| row.lang.as_str())),
        counts("pairs", rows.iter().map(|(_, row)| row.pairs)),
        reals("predicted_loss_nats", rows.iter().map(|(_, row)| row.predicted_nats.value)),
        reals("predicted_lo90_nats", rows.iter().map(|(_, row)| row.predicted_nats.interval_90.lo)),
        reals("predicted_hi90_nats", rows.iter().map(|(_, row)| row.predicted_nats.interval_90.hi)),
        reals("measured_loss_nats", rows.iter().map(|(_, row)| row.measured_nats)),
        reals("error_log", rows.iter().map(|(_, row)| row.error_log)),
        texts("is_held", rows.iter().map(|(_, row)| row.is_held.to_string())),
        reals("coupled_loss_nats", coupled(|row| row.predicted_nats.value)),
        reals("coupled_lo90_nats", coupled(|row| row.predicted_nats.interval_90.lo)),
        reals("coupled_hi90_nats", coupled(|row| row.predicted_nats.interval_90.hi)),
        reals("coupled_error_log", coupled(|row| row.error_log)),
        counts("seeds", rows.iter().map(|(policy, _)| policy.seeds.len() as u64)),
        reals(
            "predicted_gain_nats",
            rows.iter().map(|(policy, _)| policy.predicted_gain_nats.value),
        ),
        reals(
            "coupled_gain_nats",
            rows.iter().map(|(policy, _)| policy.coupled_gain_nats.map(|gain| gain.value)),
        ),
        reals("measured_gain_nats", gain(|gain| gain.value)),
        reals("measured_gain_lo90_nats", gain(|gain| gain.interval_90.lo)),
        reals("measured_gain_hi90_nats", gain(|gain| gain.interval_90.hi)),
        reals("measured_behind_nats", behind(|behind| behind.value)),
        reals("measured_behind_lo90_nats", behind(|behind| behind.interval_90.lo)),
        reals("measured_behind_hi90_nats", behind(|behind| behind.interval_90.hi)),
    ];
    stamped("validation", &Provenance::of_validation(validation).stamp(), columns)
}
