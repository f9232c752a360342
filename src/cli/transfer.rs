//! The transfer of a sweep that trained mixtures: fitted after its laws, and shown.

use super::failure::{Failure, OrFail};
use super::terminal::{note, say, table};
use crate::fit::Fit;
use crate::fit::transfer::{MixtureRun, TransferFit, Untuned, fit_transfer};
use crate::record::{Outcome, RunRecord};
use crate::report::eye::significant;
use crate::units::{Estimate, Lang};

/// Transfer between the languages of a sweep; none where it trained no mixtures.
pub fn of_records(records: &[RunRecord], fits: &[Fit], seed: u64) -> Result<Option<TransferFit>, Failure> {
    let langs: Vec<Lang> = fits.iter().map(|fit| fit.curve.parse()).collect::<Result<_, _>>().or_work()?;
    let finished = || records.iter().filter(|record| record.outcome == Outcome::Finished);
    let losses = |record: &RunRecord| langs.iter().map(|lang| Some(record.evaluation(lang)?.loss_nats())).collect::<Option<Vec<f64>>>();
    let mixture = |record: &RunRecord| {
        let pairs = langs.iter().map(|lang| record.pairs_of(lang) as f64).collect();
        Some(MixtureRun { pairs, loss_nats: losses(record)? })
    };
    let mixtures: Vec<MixtureRun> = finished().filter(|record| !record.mix.is_empty()).filter_map(mixture).collect();
    if mixtures.is_empty() || langs.len() < 2 {
        return Ok(None);
    }
    let base = finished().find(|record| record.is_base()).and_then(losses);
    let base: Vec<Option<f64>> = (0..langs.len()).map(|i| base.as_ref().map(|losses| losses[i])).collect();
    match fit_transfer(fits, &mixtures, &base, seed) {
        Ok(found) => Ok(Some(found)),
        // a sweep trains mixtures last: its laws can be had before
        Err(error) => {
            note(&format!("note: transfer is left out: {error}"));
            Ok(None)
        }
    }
}

/// Prints what was found.
pub fn print(transfer: &TransferFit) {
    let names = &transfer.langs;
    let headings: Vec<String> = ["worth to \\ of".to_owned()].into_iter().chain(names.iter().cloned()).collect();
    let cell = |to: &String, from: &String| {
        let row = transfer.tau.iter().find(|row| row.to == *to && row.from == *from);
        row.map_or("1".to_owned(), |row| format!("{:+.3}{}", row.tau.value, if row.tau.interval_90.contains(0.0) { "" } else { " *" }))
    };
    let rows = names.iter().map(|to| std::iter::once(to.clone()).chain(names.iter().map(|from| cell(to, from))).collect());
    say(&format!("\n{}", table(&headings.iter().map(String::as_str).collect::<Vec<_>>(), rows)));
    let found = transfer.tau.iter().filter(|row| !row.tau.interval_90.contains(0.0)).count();
    let held = transfer.held_out;
    say(&format!(
        "\nwhat a pair of one language is worth to another, by {} mixtures; * where the 90 % interval leaves 0 out: {found} of {}",
        transfer.mixtures,
        transfer.tau.len()
    ));
    say(&format!(
        "mixtures left out are predicted to {} % by laws with transfer, to {} % by laws alone",
        significant(100.0 * held.coupled_log, 3),
        significant(100.0 * held.separable_log, 3)
    ));
    if !transfer.untuned.is_empty() {
        let row = |row: &Untuned| vec![row.lang.clone(), row.mixtures.to_string(), percent(row.change_log)];
        let headings = ["language left out", "mixtures", "loss against the base model (middle 90 % of mixtures)"];
        say(&format!("\n{}", table(&headings, transfer.untuned.iter().map(row))));
    }
}

fn percent(change_log: Estimate) -> String {
    let of = |log: f64| format!("{:+.1} %", 100.0 * log.exp_m1());
    format!("{} ({} to {})", of(change_log.value), of(change_log.interval_90.lo), of(change_log.interval_90.hi))
}
