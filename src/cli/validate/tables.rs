//! What is predicted and what was found, as tables for a person.

use super::super::terminal::{say, table};
use crate::allocate::Policy;
use crate::report::eye::{grouped, nats, signed};
use crate::study::Folders;
use crate::study::headline::validation_name;
use crate::units::Estimate;
use crate::validate::{Prediction, Validation};

/// A correction below which three steps are a parabola, nats: the rest is rounding.
const NO_CORRECTION: f64 = 1e-9;

/// What is predicted, as a table.
pub(super) fn predicted(prediction: &Prediction) -> String {
    let mut headings = vec!["policy".to_owned()];
    headings.extend(prediction.langs.iter().cloned());
    let has_transfer = prediction.policies.iter().any(|row| row.coupled.is_some());
    headings.push("predicted gain over uniform, nats (90 %)".to_owned());
    if has_transfer {
        headings.push("with transfer, nats (90 %)".to_owned());
    }
    let rows = prediction.policies.iter().map(|row| {
        let mut cells = vec![named(row.policy, &row.stands_for)];
        cells.extend(row.pairs.iter().map(|&pairs| grouped(pairs)));
        let uniform = row.policy == Policy::Uniform;
        cells.push(if uniform { "-".to_owned() } else { with_interval(row.gain_nats) });
        if has_transfer {
            let coupled = row.coupled.as_ref().filter(|_| !uniform);
            cells.push(
                coupled.map_or_else(|| "-".to_owned(), |coupled| with_interval(coupled.gain_nats)),
            );
        }
        cells
    });
    table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), rows)
}

/// A policy and those whose pairs are the same.
fn named(policy: Policy, stands_for: &[Policy]) -> String {
    std::iter::once(&policy)
        .chain(stands_for)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" = ")
}

fn with_interval(estimate: Estimate) -> String {
    if estimate.interval_90.lo.is_infinite() {
        return signed(estimate.value);
    }
    format!(
        "{} ({} to {})",
        signed(estimate.value),
        signed(estimate.interval_90.lo),
        signed(estimate.interval_90.hi)
    )
}

/// Prints what was found.
pub(super) fn print(validation: &Validation, folders: &Folders) {
    let has_transfer = validation.coupled.is_some();
    let rows = validation.policies.iter().flat_map(|policy| {
        policy.losses.iter().map(move |row| {
            let Estimate { value, interval_90 } = row.predicted_nats;
            let mut cells = vec![
                policy.policy.to_string(),
                row.lang.clone(),
                grouped(row.pairs),
                format!("{} ({} to {})", nats(value), nats(interval_90.lo), nats(interval_90.hi)),
                nats(row.measured_nats),
                format!("{:+.2} %", 100.0 * row.error_log),
                if row.is_held { "yes" } else { "no" }.to_owned(),
            ];
            if has_transfer {
                cells.push(row.coupled.as_ref().map_or_else(
                    || "-".to_owned(),
                    |row| format!("{:+.2} %", 100.0 * row.error_log),
                ));
                cells.push(
                    row.coupled
                        .as_ref()
                        .map_or("-", |row| if row.is_held { "yes" } else { "no" })
                        .to_owned(),
                );
            }
            cells
        })
    });
    let mut headings = vec![
        "policy",
        "language",
        "pairs",
        "predicted test loss, nats (90 %)",
        "measured, nats",
        "error",
        "held",
    ];
    if has_transfer {
        headings.extend(["with transfer", "held"]);
    }
    say(&table(&headings, rows));
    say("");
    let rows = validation.policies.iter().map(|policy| {
        let uniform = policy.policy == Policy::Uniform;
        let dash = || "-".to_owned();
        let mut cells = vec![
            named(policy.policy, &policy.stands_for),
            format!(
                "{}{}",
                policy.seeds.len(),
                if policy.diverged.is_empty() { "" } else { ", others diverged" }
            ),
            nats(policy.mean_loss_nats),
            if uniform { dash() } else { with_interval(policy.predicted_gain_nats) },
            policy.measured_gain_nats.map_or_else(dash, with_interval),
            policy.measured_behind_nats.map_or_else(dash, with_interval),
        ];
        if has_transfer {
            cells.insert(
                4,
                policy.coupled_gain_nats.filter(|_| !uniform).map_or_else(dash, with_interval),
            );
        }
        cells
    });
    let mut headings = vec![
        "policy",
        "seeds",
        "mean test loss, nats",
        "predicted gain over uniform, nats (90 %)",
        "measured gain, nats (90 %)",
        "parallot gains over it, nats (90 %)",
    ];
    if has_transfer {
        headings.insert(4, "with transfer, nats (90 %)");
    }
    say(&table(&headings, rows));
    let (held, all) = validation.held();
    say(&format!("\n{held} of {all} measured losses lie in their predicted 90 % intervals"));
    if let Some(coupled) = &validation.coupled {
        say(&format!(
            "with transfer {} of {} do; {}",
            coupled.held, coupled.losses, coupled.verdict
        ));
    }
    if let Some(response) = &validation.dose_response {
        let doses: Vec<String> = response.doses.iter().map(f64::to_string).collect();
        let added = match response.correction_nats {
            nothing if nothing.abs() < NO_CORRECTION => String::new(),
            nats => format!(", {} of it for what the law says is not quadratic", signed(nats)),
        };
        say(&format!(
            "by the dose response, steps {}: a gain of {} nats per language over uniform{added}",
            doses.join(", "),
            with_interval(response.gain_nats)
        ));
    }
    say(&format!("{} pairs: {}", grouped(validation.budget), validation.verdict));
    let here = folders.fits.join(format!("{}.json", validation_name(validation.budget)));
    say(&format!(
        "\nprediction {} was written first; result in `{}`",
        &validation.prediction_sha256[..16],
        here.display()
    ));
}
