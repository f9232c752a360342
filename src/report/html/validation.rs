//! The page's section on validation: what was predicted of models tuned on each policy, and what
//! they came to.

use super::markup::{Cell, escape, table};
use super::tables::ranged;
use super::{capitalised, inline};
use crate::allocate::Policy;
use crate::report::plot::policy_name;
use crate::report::{Report, ReportError, eye, plot};
use crate::units::Estimate;
use crate::validate::{LossRow, PolicyResult, Validation};
use std::fmt::Write;

/// All validations of the experiment, the smallest budget first; nothing where there are none.
pub(super) fn section(report: &Report) -> Result<Option<String>, ReportError> {
    let parts = report
        .validations
        .iter()
        .map(|validation| part(report, validation))
        .collect::<Result<Vec<_>, _>>()?;
    Ok((!parts.is_empty()).then(|| parts.concat()))
}

fn part(report: &Report, validation: &Validation) -> Result<String, ReportError> {
    let mut html = String::new();
    if report.validations.len() > 1 {
        let _ = writeln!(html, "<h3>{} pairs</h3>", eye::grouped(validation.budget));
    }
    let budget = eye::grouped(validation.budget);
    let _ = writeln!(
        html,
        "<p>Models tuned on {budget} pairs: {}.</p>",
        escape(&validation.winner().to_string())
    );
    if validation.weights.iter().any(|weight| *weight != validation.weights[0]) {
        let langs = validation
            .policies
            .first()
            .map_or(&[][..], |row| &row.losses)
            .iter()
            .map(|row| report.name(&row.lang));
        let named: Vec<String> = langs
            .zip(&validation.weights)
            .map(|(lang, weight)| format!("{lang} {}", eye::significant(*weight, 3)))
            .collect();
        let _ = writeln!(html, "<p>Weights in the gain: {}.</p>", escape(&named.join(", ")));
    }
    if validation.fits_sha256 != report.fits_sha256 {
        html.push_str(
            "<p>The fits have changed since: what is predicted here is not what the fits \
        of this page predict.</p>\n",
        );
    }
    html.push_str(&policies(validation));
    html.push_str(&inline("validation", &plot::validation(validation))?);
    html.push_str(&outside(report, validation));
    html.push_str(&losses(report, validation));
    if let Some(coupled) = &validation.coupled {
        let _ = writeln!(html, "<p>{}.</p>", escape(&capitalised(&coupled.verdict)));
    }
    let _ = writeln!(
        html,
        "<p class=\"faint\">The predictions were written before the first of these models was \
        tuned; SHA-256 {}. Measured losses are means over the \
         seeds on test sentences, intervals of measured gains are Student's over the seeds. Data: \
        <code>validation-{}.csv</code> beside the \
         fits.</p>",
        escape(&validation.prediction_sha256),
        validation.budget
    );
    Ok(html)
}

/// Which policy gains what over uniform.
fn policies(validation: &Validation) -> String {
    let coupled = validation.policies.iter().any(|row| row.coupled_gain_nats.is_some());
    let row = |row: &PolicyResult| {
        let uniform = row.policy == Policy::Uniform;
        let gain = |gain: Option<Estimate>| {
            gain.filter(|_| !uniform)
                .map_or_else(|| Cell::optional(None), |gain| ranged(&gain, eye::signed))
        };
        let seeds = if row.diverged.is_empty() {
            String::new()
        } else {
            format!(", {} diverged", row.diverged.len())
        };
        let mut cells = vec![
            Cell::Long(name(row)),
            Cell::Number(format!("{}{seeds}", row.seeds.len())),
            Cell::optional(row.mean_loss_nats.is_finite().then(|| eye::nats(row.mean_loss_nats))),
            gain(row.measured_gain_nats),
            gain(Some(row.predicted_gain_nats)),
        ];
        cells.extend(coupled.then(|| gain(row.coupled_gain_nats)));
        cells
    };
    let mut headings = vec![
        "policy",
        "seeds",
        "measured mean loss, nats per token",
        "measured gain over uniform, nats (90\u{a0}%)",
        "predicted gain, nats (90\u{a0}% of the draws)",
    ];
    headings.extend(coupled.then_some("predicted with transfer, nats (90\u{a0}% of the draws)"));
    format!(
        "<div class=\"stacked\">{}</div>\n",
        table(&headings, &validation.policies.iter().map(row).collect::<Vec<_>>())
    )
}

/// A policy and those whose pairs are the same.
fn name(row: &PolicyResult) -> String {
    std::iter::once(&row.policy)
        .chain(&row.stands_for)
        .map(|&policy| policy_name(policy))
        .collect::<Vec<_>>()
        .join(" = ")
}

/// The losses that their intervals miss, in words.
fn outside(report: &Report, validation: &Validation) -> String {
    let (held, all) = validation.held();
    let of = |policy: &PolicyResult| {
        let missed: Vec<String> = policy
            .losses
            .iter()
            .filter(|row| !row.is_held)
            .map(|row| report.name(&row.lang))
            .collect();
        (!missed.is_empty())
            .then(|| format!("{}: {}", policy_name(policy.policy), missed.join(", ")))
    };
    let missed: Vec<String> = validation.policies.iter().filter_map(of).collect();
    let named = if missed.is_empty() {
        String::new()
    } else {
        format!(" Outside, by policy: {}.", missed.join("; "))
    };
    format!(
        "<p>{held} of {all} measured losses lie in their predicted 90 % intervals.{}</p>\n",
        escape(&named)
    )
}

/// What was predicted and measured of every language under every policy.
fn losses(report: &Report, validation: &Validation) -> String {
    let coupled = validation
        .policies
        .iter()
        .flat_map(|policy| &policy.losses)
        .any(|row| row.coupled.is_some());
    let cells = |policy: &PolicyResult, row: &LossRow| {
        let side =
            |is_held: bool| Cell::Text(if is_held { "inside" } else { "outside" }.to_owned());
        let mut cells = vec![
            Cell::Text(report.name(&row.lang)),
            Cell::Text(policy_name(policy.policy)),
            Cell::Number(eye::grouped(row.pairs)),
            Cell::Number(eye::nats(row.measured_nats)),
            ranged(&row.predicted_nats, eye::nats),
            side(row.is_held),
        ];
        if let Some(with) = &row.coupled {
            cells.extend([ranged(&with.predicted_nats, eye::nats), side(with.is_held)]);
        }
        cells
    };
    let langs = validation.policies.first().map_or(0, |policy| policy.losses.len());
    let of_lang = |at: usize| {
        validation
            .policies
            .iter()
            .filter_map(move |policy| Some(cells(policy, policy.losses.get(at)?)))
    };
    let rows: Vec<Vec<Cell>> = (0..langs).flat_map(of_lang).collect();
    let mut headings = vec![
        "language",
        "policy",
        "pairs",
        "measured loss, nats per token",
        "predicted loss, nats per token (90\u{a0}%)",
        "measured lies",
    ];
    if coupled {
        headings.extend(["predicted with transfer, nats per token (90\u{a0}%)", "measured lies"]);
    }
    table(&headings, &rows)
}
