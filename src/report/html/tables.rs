//! The page's tables: numbers rounded for the eye, with their intervals.

use super::markup::{Cell, table};
use crate::allocate::{Active, AllocatedLanguage, Comparison, distinct};
use crate::fit::Fit;
use crate::report::plot::policy_name;
use crate::report::{Report, eye, held_out_error, parameters as parameters_of};
use crate::units::Estimate;

/// What every language gets, and what it brings against uniform.
pub(super) fn verdict(report: &Report, comparison: &Comparison) -> String {
    let headings = [
        "language",
        "pairs",
        "pairs by uniform",
        "share (90\u{a0}% of the draws)",
        "unique pairs",
        "epochs",
        "predicted loss, nats per token (90\u{a0}% of the draws)",
        "less that by uniform, nats",
        "bound",
    ];
    let rows: Vec<_> = comparison
        .allocation
        .languages
        .iter()
        .enumerate()
        .map(|(at, allocated)| language(report, comparison, at, allocated))
        .collect();
    table(&headings, &rows)
}

fn language(
    report: &Report,
    comparison: &Comparison,
    at: usize,
    allocated: &AllocatedLanguage,
) -> Vec<Cell> {
    let loss_of = |policy: usize| comparison.policies.get(policy)?.loss_nats.get(at).copied();
    let difference =
        loss_of(0).zip(loss_of(1)).map(|(ours, uniform)| eye::signed(ours.value - uniform.value));
    let share = comparison
        .shares
        .get(at)
        .map(|share| ranged(&Estimate { value: allocated.share, ..*share }, eye::percent));
    let bound = match allocated.active {
        Active::None => "",
        Active::Lower => "least",
        Active::Floor => "floor",
        Active::Upper => "most",
    };
    vec![
        Cell::Text(report.name(&allocated.lang)),
        Cell::Number(eye::grouped(allocated.pairs)),
        Cell::optional(
            comparison
                .policies
                .get(1)
                .and_then(|uniform| uniform.pairs.get(at))
                .map(|&pairs| eye::grouped(pairs)),
        ),
        share.unwrap_or_else(|| Cell::Number(eye::percent(allocated.share))),
        Cell::optional(report.term(&allocated.lang).and_then(|term| term.unique).map(eye::grouped)),
        Cell::optional(allocated.epochs.map(|epochs| format!("{epochs:.2}"))),
        loss_of(0).map_or_else(
            || Cell::Number(eye::nats(allocated.loss_nats)),
            |loss| ranged(&loss, eye::nats),
        ),
        Cell::optional(difference),
        Cell::Text(bound.to_owned()),
    ]
}

/// Laws with all that says how far to trust them.
pub(super) fn fits(report: &Report) -> String {
    let headings = [
        "language",
        "law",
        "runs",
        "sizes from",
        "to",
        "held\u{2011}out error",
        "noise",
        "starts agreed",
        "Δ AICc of the next",
        "beware",
    ];
    let rows: Vec<_> = report.fits.iter().map(|fit| fit_row(report, fit)).collect();
    table(&headings, &rows)
}

fn fit_row(report: &Report, fit: &Fit) -> Vec<Cell> {
    let sizes = || fit.all_points().map(|point| point.pairs).filter(|&pairs| pairs > 0.0);
    let percent = |log: f64| format!("{} %", eye::significant(100.0 * log, 2));
    vec![
        Cell::Text(report.name(&fit.curve)),
        Cell::Text(fit.law.form().formula().to_owned()),
        Cell::Number(fit.all_points().count().to_string()),
        Cell::optional(sizes().reduce(f64::min).map(eye::amount)),
        Cell::optional(sizes().reduce(f64::max).map(eye::amount)),
        Cell::optional(held_out_error(fit).map(percent)),
        Cell::Number(percent(fit.noise_log)),
        Cell::Number(format!("{} of {}", fit.starts_agreed, fit.starts)),
        Cell::optional(
            aicc_ahead(fit).map(|ahead| format!("{ahead:+.1}").replace('-', "\u{2212}")),
        ),
        Cell::Long(fit.flags.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
    ]
}

/// AICc of the best other form less that of the chosen one.
fn aicc_ahead(fit: &Fit) -> Option<f64> {
    let (chosen, others): (Vec<_>, Vec<_>) =
        fit.candidates.iter().partition(|candidate| candidate.law.form() == fit.law.form());
    let best = others.iter().filter_map(|candidate| candidate.aicc).reduce(f64::min)?;
    Some(best - chosen.first()?.aicc?)
}

/// Parameters with their intervals, one column a name, languages below each other.
pub(super) fn parameters(report: &Report) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in report.fits.iter().flat_map(parameters_of) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let row = |fit: &Fit| {
        let cell = |name: &&str| {
            let found = parameters_of(fit).find(|(of_fit, _)| of_fit == name);
            found.map_or(Cell::optional(None), |(_, estimate)| {
                ranged(&estimate, |value| eye::significant(value, 3))
            })
        };
        std::iter::once(Cell::Text(report.name(&fit.curve))).chain(names.iter().map(cell)).collect()
    };
    let headings: Vec<&str> = std::iter::once("language").chain(names.iter().copied()).collect();
    table(&headings, &report.fits.iter().map(row).collect::<Vec<_>>())
}

/// Policies side by side, what was measured of them first.
pub(super) fn policies(report: &Report, comparison: &Comparison) -> String {
    let measured_by = report.measured_by();
    let gain = |gain: Option<Estimate>| {
        gain.map_or_else(|| Cell::optional(None), |gain| ranged(&gain, eye::signed))
    };
    let rows =
        distinct(&comparison.policies, 0.0).into_iter().map(|(row, same)| {
            let names = std::iter::once(row.policy).chain(same).map(policy_name);
            let names: Vec<String> = names.collect();
            let mut cells = vec![Cell::Long(names.join(" = "))];
            cells.extend(measured_by.map(|by| {
                gain(by.result_of(row.policy).and_then(|result| result.measured_gain_nats))
            }));
            let (mean, worst) =
                (ranged(&row.mean_loss_nats, eye::nats), ranged(&row.worst_loss_nats, eye::nats));
            cells.extend([gain(row.gain_nats), mean, worst, gain(row.behind_nats)]);
            cells
        });
    let measured = measured_by.map(|by| {
        format!("measured gain over uniform at {} pairs, nats (90\u{a0}%)", eye::grouped(by.budget))
    });
    let mut headings = vec!["policy"];
    headings.extend(measured.as_deref());
    headings.extend([
        "predicted gain over uniform, nats (90\u{a0}% of the draws)",
        "mean loss, nats per token (90\u{a0}%)",
        "worst language, nats per token (90\u{a0}%)",
        "parallot's predicted gain over it, nats (90\u{a0}%)",
    ]);
    table(&headings, &rows.collect::<Vec<_>>())
}

/// A number with its interval; alone where that is infinite, as of one seed.
pub(super) fn ranged(estimate: &Estimate, eye: impl Fn(f64) -> String) -> Cell {
    if estimate.interval_90.lo.is_infinite() {
        return Cell::Number(eye(estimate.value));
    }
    Cell::Ranged(eye(estimate.value), eye(estimate.interval_90.lo), eye(estimate.interval_90.hi))
}
