//! The joint law of a sweep that trained mixtures, for a person.

use super::terminal::{say, table};
use crate::fit::joint::{JointFit, JointForm};
use crate::law::joint::Interference;
use crate::report::eye::significant;

/// Prints its forms and how well it predicts.
pub(super) fn print(fit: &JointFit) {
    let row = |form: &JointForm| {
        let acts_on = if form.interference == Interference::Loss { "loss" } else { "data" };
        let noise = format!(
            "{} % own, {} % common",
            percent(form.noise.own_log),
            percent(form.noise.common_log)
        );
        vec![
            acts_on.to_owned(),
            format!("{:.2}", form.weight),
            format!("{} %", percent(form.held_out_log)),
            noise,
        ]
    };
    let headings = ["joint law: others act on", "weight", "held-out error", "noise of a model"];
    say(&table(&headings, fit.forms.iter().map(row)));
    let held = fit.held_out;
    say(&format!(
        "mixtures left out, {} losses, are predicted to {} % by the joint law, to {} % without \
        interference; {:.0} % of them lie in their 90 % intervals",
        held.losses,
        percent(held.joint_log),
        percent(held.separable_log),
        100.0 * held.coverage_90
    ));
}

fn percent(log: f64) -> String {
    significant(100.0 * log, 2)
}
