//! Tables of what was fitted: points, laws, and what languages bring each other.

use super::columns::{amounts, counts, reals, texts, write};
use crate::curve::Point;
use crate::fit::Fit;
use crate::fit::transfer::TransferFit;
use crate::report::{R_STAR, Report, ReportError, held_out_error, parameters};

/// ln measured - ln fitted of one point.
pub fn residual_log(fit: &Fit, point: &Point) -> f64 {
    (point.loss_nats / fit.law.loss(fit.effective(point.pairs))).ln()
}

/// One row a measured point:
/// `lang,pairs,effective_pairs,seed,loss_nats,fitted_loss_nats,residual_log`. `effective_pairs` are
/// the unique pairs that as good a loss takes: fewer than `pairs` where some are repeated.
pub fn curves(report: &Report) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<(&Fit, &Point)> = report
        .fits
        .iter()
        .flat_map(|fit| fit.all_points().map(move |point| (fit, point)))
        .collect();
    let worth = |&(fit, point): &(&Fit, &Point)| fit.effective(point.pairs);
    let fitted = |row: &(&Fit, &Point)| row.0.law.loss(worth(row));
    let columns = vec![
        texts("lang", rows.iter().map(|(fit, _)| fit.curve.as_str())),
        amounts("pairs", rows.iter().map(|(_, point)| point.pairs).collect()),
        amounts("effective_pairs", rows.iter().map(worth).collect()),
        counts("seed", rows.iter().map(|(_, point)| point.seed)),
        reals("loss_nats", rows.iter().map(|(_, point)| point.loss_nats)),
        reals("fitted_loss_nats", rows.iter().map(fitted)),
        reals("residual_log", rows.iter().map(|(fit, point)| residual_log(fit, point))),
    ];
    write("curves", report, columns)
}

/// One row an ordered pair of languages: `lang,from_lang,tau,tau_lo90,tau_hi90`.
pub fn transfer(report: &Report, transfer: &TransferFit) -> Result<Vec<u8>, ReportError> {
    let columns = vec![
        texts("lang", transfer.tau.iter().map(|row| row.to.as_str())),
        texts("from_lang", transfer.tau.iter().map(|row| row.from.as_str())),
        reals("tau", transfer.tau.iter().map(|row| row.tau.value)),
        reals("tau_lo90", transfer.tau.iter().map(|row| row.tau.interval_90.lo)),
        reals("tau_hi90", transfer.tau.iter().map(|row| row.tau.interval_90.hi)),
    ];
    write("transfer", report, columns)
}

/// One row per language that mixtures left out:
/// `lang,mixtures,change_log,change_lo90_log,change_hi90_log` of its loss against the base model's.
pub fn untuned(report: &Report, transfer: &TransferFit) -> Result<Vec<u8>, ReportError> {
    let rows = || transfer.untuned.iter();
    let columns = vec![
        texts("lang", rows().map(|row| row.lang.as_str())),
        counts("mixtures", rows().map(|row| row.mixtures as u64)),
        reals("change_log", rows().map(|row| row.change_log.value)),
        reals("change_lo90_log", rows().map(|row| row.change_log.interval_90.lo)),
        reals("change_hi90_log", rows().map(|row| row.change_log.interval_90.hi)),
    ];
    write("untuned", report, columns)
}

/// One row a parameter: `lang,form,parameter,value,lo90,hi90`, then what is known of the whole fit.
/// The last of a language is `r_star`, where its unique pairs are known; its `form` is
/// `repetition`.
pub fn laws(report: &Report) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<_> = report
        .fits
        .iter()
        .flat_map(|fit| parameters(fit).map(move |parameter| (fit, parameter)))
        .collect();
    let fits = || rows.iter().map(|(fit, _)| *fit);
    let flags =
        |fit: &Fit| fit.flags.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let columns = vec![
        texts("lang", fits().map(|fit| fit.curve.as_str())),
        texts(
            "form",
            rows.iter().map(
                |(fit, (name, _))| {
                    if *name == R_STAR { "repetition" } else { fit.law.form().name() }
                },
            ),
        ),
        texts("parameter", rows.iter().map(|(_, (name, _))| *name)),
        reals("value", rows.iter().map(|(_, (_, estimate))| estimate.value)),
        reals("lo90", rows.iter().map(|(_, (_, estimate))| estimate.interval_90.lo)),
        reals("hi90", rows.iter().map(|(_, (_, estimate))| estimate.interval_90.hi)),
        reals("held_out_error_log", fits().map(held_out_error)),
        reals("noise_log", fits().map(|fit| fit.noise_log)),
        counts("starts", fits().map(|fit| fit.starts as u64)),
        counts("starts_agreed", fits().map(|fit| fit.starts_agreed as u64)),
        texts("flags", fits().map(flags)),
    ];
    write("laws", report, columns)
}
