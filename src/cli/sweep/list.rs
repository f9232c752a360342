//! `parallot sweep --list`: the runs and what they cost.

use super::Arguments;
use crate::cli::terminal::{say, table};
use crate::record::Subject;
use crate::report::eye::{duration, grouped};
use crate::spec::{Experiment, RunSpec};
use crate::sweep::{Cost, Job, Plan};
use std::collections::HashMap;

/// What a run is tuned on.
fn named(run: &RunSpec) -> String {
    match &run.subject {
        Subject::Base => "(base)".to_owned(),
        Subject::Language { lang, .. } => lang.to_string(),
        Subject::Mixture(rows) => format!("(mixture of {})", rows.len()),
    }
}

/// Prints all runs; `memory` estimates the peak of a process that does one of them at a time,
/// bytes. The cost of a branch of a trunk is what it adds to the branches before it that are
/// missing too, or are done too.
pub(super) fn list(
    runs: &[RunSpec],
    plan: &Plan,
    experiment: &Experiment,
    cost: &Cost,
    memory: &dyn Fn(&RunSpec) -> Option<f64>,
    arguments: &Arguments,
) {
    let is_done = |run: &RunSpec| plan.done.iter().any(|record| record.run_id == run.id);
    let (done, missing): (Vec<_>, Vec<_>) = runs.iter().cloned().partition(is_done);
    let mut computed = HashMap::new();
    for job in [done, missing].iter().flat_map(|runs| Job::of(runs, &experiment.tuning.schedule, 1))
    {
        computed
            .extend(job.runs().iter().map(|run| run.id.clone()).zip(cost.computed_tokens(&job)));
    }
    let tokens = |run: &RunSpec| computed[&run.id];
    let seconds = |run: &RunSpec| cost.seconds(tokens(run));
    if arguments.json {
        let row = |run: &RunSpec| {
            serde_json::json!({
                "run_id": run.id, "lang": run.subject.lang(), "mix": run.subject.mix(),
                "pairs": run.subject.pairs(), "seed": run.seed, "done": is_done(run),
                "train_tokens": cost.train_tokens(run).round(),
                "computed_tokens": tokens(run).round(), "seconds": seconds(run),
                "peak_memory_bytes": memory(run).map(f64::round),
            })
        };
        say(&serde_json::json!({ "runs": runs.iter().map(row).collect::<Vec<_>>() }).to_string());
        return;
    }
    let row = |run: &RunSpec| {
        vec![
            named(run),
            grouped(run.subject.pairs().0),
            run.seed.to_string(),
            grouped(tokens(run).round() as u64),
            seconds(run).map_or("?".to_owned(), duration),
            memory(run).map_or("?".to_owned(), |bytes| {
                format!("{} MB", grouped((bytes / 1e6).round() as u64))
            }),
            if is_done(run) { "done" } else { "missing" }.to_owned(),
            run.id.clone(),
        ]
    };
    say(&table(
        &["language", "pairs", "seed", "about tokens", "about time", "peak memory", "state", "run"],
        runs.iter().map(row),
    ));
    if plan.missing.is_empty() {
        say(&format!("\nnone of {} runs missing", runs.len()));
        return;
    }
    let tokens: f64 = plan.missing.iter().map(tokens).sum();
    let seconds: Option<f64> = plan.missing.iter().map(seconds).sum();
    let time = seconds.map_or("time unknown on this device".to_owned(), |s| {
        format!("about {} on one job", duration(s))
    });
    let (missing, all) = (plan.missing.len(), runs.len());
    say(&format!(
        "\n{missing} of {all} runs missing, about {} training tokens, {time}",
        grouped(tokens.round() as u64)
    ));
}
