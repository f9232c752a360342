//! The joint law of pooled models: its forms, and how well it predicts mixtures left out.

use super::markup::{Cell, table};
use crate::fit::joint::{JointFit, JointForm};
use crate::law::joint::Interference;
use crate::report::eye::{grouped, significant};

/// Forms, held-out errors and noises as a table, and what they rest on.
pub(super) fn joint(fit: &JointFit) -> String {
    let percent = |log: f64| format!("{}\u{a0}%", significant(100.0 * log, 2));
    let row = |form: &JointForm| {
        let acts_on = match form.interference {
            Interference::None => "nothing",
            Interference::Data => "effective data",
            Interference::Loss => "loss",
        };
        vec![
            Cell::Text(acts_on.to_owned()),
            Cell::Number(format!("{:.2}", form.weight)),
            Cell::Number(percent(form.held_out_log)),
            Cell::Number(percent(form.noise.own_log)),
            Cell::Number(percent(form.noise.common_log)),
        ]
    };
    let headings = [
        "other languages act on",
        "weight",
        "held-out error",
        "noise of a language in a model",
        "noise of a model",
    ];
    let held = fit.held_out;
    format!(
        "<p>{} mixtures of {} to {} pairs. Left out, their {} losses are predicted to {} by the \
        joint law, to {} by laws in which languages do not act on each other; {:.0}\u{a0}% lie in \
        their 90\u{a0}% intervals.</p>\n{}",
        fit.mixtures,
        grouped(fit.totals.0.round() as u64),
        grouped(fit.totals.1.round() as u64),
        held.losses,
        percent(held.joint_log),
        percent(held.separable_log),
        100.0 * held.coverage_90,
        table(&headings, &fit.forms.iter().map(row).collect::<Vec<_>>())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joint_law_is_shown_with_its_error_and_its_coverage() {
        let json = include_str!("../../../fits/smollm2-seven/fits.json");
        let fit = crate::fit::FitFile::from_json(json).unwrap().joint.unwrap();
        let html = joint(&fit);
        let error = format!("predicted to {}", significant(100.0 * fit.held_out.joint_log, 2));
        assert!(html.contains(&error), "{html}");
        assert_eq!(html.matches("<tr>").count(), 1 + fit.forms.len());
    }
}
