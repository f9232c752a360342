//! The transfer of a sweep that trained mixtures, for a person.

use super::terminal::{say, table};
use crate::fit::transfer::{TransferFit, Untuned};
use crate::report::eye::significant;
use crate::units::Estimate;

/// Prints what was found.
pub(super) fn print(transfer: &TransferFit) {
    let names = &transfer.langs;
    let headings: Vec<String> =
        ["to \\ from".to_owned()].into_iter().chain(names.iter().cloned()).collect();
    let cell = |to: &String, from: &String| {
        let row = transfer.tau.iter().find(|row| row.to == *to && row.from == *from);
        row.map_or("1".to_owned(), |row| {
            format!(
                "{:+.3}{}",
                row.tau.value,
                if row.tau.interval_90.contains(0.0) { "" } else { " *" }
            )
        })
    };
    let rows = names.iter().map(|to| {
        std::iter::once(to.clone()).chain(names.iter().map(|from| cell(to, from))).collect()
    });
    say(&format!("\n{}", table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), rows)));
    let found = transfer.tau.iter().filter(|row| !row.tau.interval_90.contains(0.0)).count();
    let held = transfer.held_out;
    say(&format!(
        "\nwhat a pair of one language brings to another, by {} mixtures; * where the 90 % \
        interval leaves 0 out: {found} of {}",
        transfer.mixtures,
        transfer.tau.len()
    ));
    say(&format!(
        "mixtures left out are predicted to {} % by laws with transfer, to {} % by laws alone",
        significant(100.0 * held.coupled_log, 3),
        significant(100.0 * held.separable_log, 3)
    ));
    if !transfer.untuned.is_empty() {
        let row = |row: &Untuned| {
            vec![row.lang.clone(), row.mixtures.to_string(), percent(row.change_log)]
        };
        let headings = [
            "language left out or not tuned",
            "mixtures",
            "loss against the base model (middle 90 % of mixtures)",
        ];
        say(&format!("\n{}", table(&headings, transfer.untuned.iter().map(row))));
    }
}

fn percent(change_log: Estimate) -> String {
    let of = |log: f64| format!("{:+.1} %", 100.0 * log.exp_m1());
    format!(
        "{} ({} to {})",
        of(change_log.value),
        of(change_log.interval_90.lo),
        of(change_log.interval_90.hi)
    )
}
