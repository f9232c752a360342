//! Fits as rows of a table for a person.

use crate::fit::Fit;
use crate::report::eye::significant;

/// Headings of a table of fits.
pub(super) const HEADINGS: [&str; 5] = ["curve", "law", "held-out error", "noise", "flags"];

/// One row of a table of fits.
pub(super) fn row(fit: &Fit) -> Vec<String> {
    let parameters: Vec<String> = fit
        .law
        .parameters()
        .iter()
        .map(|(name, value)| format!("{name} {}", significant(*value, 3)))
        .collect();
    let flags: Vec<String> = fit.flags.iter().map(ToString::to_string).collect();
    let held_out = fit.candidates.first().and_then(|best| best.held_out_error);
    vec![
        fit.curve.clone(),
        format!("{}: {}", fit.law.form().name(), parameters.join(", ")),
        held_out.map_or("-".to_owned(), percent),
        percent(fit.noise_log),
        if flags.is_empty() { "-".to_owned() } else { flags.join("; ") },
    ]
}

/// A difference of logarithms as what it nearly is: a relative error.
pub(super) fn percent(log: f64) -> String {
    format!("{:.2} %", 100.0 * log)
}
