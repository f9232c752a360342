//! The small print under pictures and tables.

use super::markup::escape;
use crate::allocate::Comparison;
use crate::fit::Basis;
use crate::fit::transfer::TransferFit;
use crate::report::{Report, eye};

pub(super) const CURVES: &str = "<p class=\"faint\">Each point is one run on one language alone, \
    evaluated on a fixed set; the tick at the left is the base model. Beyond the largest size run \
    the law is an extrapolation, drawn grey. Data: <code>curves.csv</code>.</p>\n";
pub(super) const RINGS: &str = "<p class=\"faint\">Rings are runs that repeat pairs. No law was \
    fitted to them: they say what repeats are worth, by which the law bends beyond the unique \
    pairs.</p>\n";
pub(super) const RESIDUALS: &str = "<p class=\"faint\">Held-out error: the law fitted without the \
    largest sizes, against what was measured there. It is what an allocation rests on; a fit to \
    points already seen is not.</p>\n";
pub(super) const LAWS: &str = "<p class=\"faint\">Held-out error and noise are root mean squares \
    of the relative error. Intervals are over the draws of the laws. Data: \
    <code>laws.csv</code>.</p>\n";
pub(super) const ALLOCATION: &str = "<p class=\"faint\">Whiskers: 90 % of the allocations when \
    the problem is solved anew for every draw of the laws. Data: \
    <code>allocation.csv</code>.</p>\n";
pub(super) const BUDGET: &str = "<p class=\"faint\">The best mix depends on the scale: a share \
    that is right for a small budget is not for a large one. Data: <code>budget.csv</code>.</p>\n";
pub(super) const MARGINAL: &str = "<p class=\"faint\">At the optimum all bars are equal, except \
    for languages held by a bound: a bar that sticks out says what more data of that language \
    would be worth.</p>\n";
pub(super) const PARETO: &str = "<p class=\"faint\">What holding the worst language to a loss \
    costs the mean; the line is proven, policies above it are dominated. Data: \
    <code>pareto.csv</code>, <code>policies.csv</code>.</p>\n";
pub(super) const OTHER_LANGUAGES: &str = "<p class=\"faint\">Blue: tuning on the row's language \
    alone lowers the loss on the column's. The allocation counts the diagonal only, unless \
    transfer was asked for.</p>\n";
pub(super) const SIMILARITY: &str = "<p class=\"faint\">Gamma of the paper's law by two recipes \
    of our own, as the paper gives none; each language's curve was predicted from those of the \
    others. Data: <code>similarity.csv</code>.</p>\n";

pub(super) fn transfer_note(report: &Report, transfer: &TransferFit) -> String {
    let percent = |log: f64| eye::significant(100.0 * log, 3);
    let left_out: Vec<String> = (transfer.untuned.iter())
        .map(|row| {
            format!(
                "{} {:+.0} %",
                escape(&report.name(&row.lang)),
                100.0 * row.change_log.value.exp_m1()
            )
        })
        .collect();
    let untuned = match left_out.is_empty() {
        true => String::new(),
        false => format!(
            "<p class=\"faint\">Languages that a mixture leaves out or that none is tuned on, loss \
            against the base model, mean over such mixtures: {}. Data: \
             <code>untuned.csv</code>.</p>\n",
            left_out.join(", ")
        ),
    };
    untuned
        + &format!(
            "<p class=\"faint\">From models tuned on mixtures: a pair of the column's language \
            counts as so many of the row's. Mixtures left out of \
         the fit are predicted to {} % with transfer and to {} % without. Data: \
            <code>transfer.csv</code>.</p>\n",
            percent(transfer.held_out.coupled_log),
            percent(transfer.held_out.separable_log)
        )
}

/// What the effective data of repeats rest on; nothing where none is known.
pub(super) fn repetition_note(report: &Report) -> String {
    let of = |basis: Basis| {
        let fits = report.fits.iter().filter(|fit| {
            fit.repetition.as_ref().is_some_and(|repetition| repetition.basis == basis)
        });
        fits.map(|fit| escape(&report.name(&fit.curve))).collect::<Vec<_>>().join(", ")
    };
    let (measured, family, prior) = (of(Basis::Measured), of(Basis::Family), of(Basis::Prior));
    let mut parts = Vec::new();
    parts.extend((!measured.is_empty()).then(|| format!("by its own runs for {measured}")));
    parts.extend((!family.is_empty()).then(|| format!("by the runs of the others for {family}")));
    parts.extend(
        (!prior.is_empty()).then(|| "by its prior alone, since no run repeats a pair".to_owned()),
    );
    if parts.is_empty() {
        return String::new();
    }
    format!(
        "<p class=\"faint\">r_star: passes over the unique pairs that all repeats together are \
        worth at most; known {}.</p>\n",
        parts.join(", ")
    )
}

pub(super) fn policies_note(comparison: &Comparison) -> String {
    let draws = eye::grouped(comparison.draws as u64);
    let flattered = match comparison.policies.iter().any(|row| row.policy.is_of_draws()) {
        true => {
            " The policies over draws are chosen by the draws that predict here, which flatters: \
            no reason to prefer them to parallot."
        }
        false => "",
    };
    format!(
        "<p class=\"faint\">Predicted over {draws} draws of the laws, {}. A positive gain is a \
        lower loss than uniform.{flattered} Data: \
         <code>policies.csv</code>.</p>\n",
        comparison.predicted_by
    )
}
