//! `parallot sweep --status` and `--missing`: how far an experiment is, for people and for
//! schedulers.

use crate::cli::failure::{Failure, OrFail};
use crate::cli::terminal::{say, table};
use crate::record::{RunRecord, Store};
use crate::spec::RunSpec;
use crate::sweep::Plan;
use serde::Serialize;

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum State {
    /// It has a record.
    Finished,
    /// Its training diverged, which its record says.
    Diverged,
    /// A process is at work on it.
    Running { owner: String },
    /// The last process that was at work on it could not finish it.
    Failed { reason: String },
    /// Nobody is.
    Missing,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    run_id: &'a str,
    #[serde(flatten)]
    state: State,
}

/// Prints how far the runs are.
pub(super) fn print(
    runs: &[RunSpec],
    plan: &Plan,
    store: &Store,
    json: bool,
) -> Result<(), Failure> {
    let rows = runs
        .iter()
        .map(|run| Ok(Row { run_id: &run.id, state: state(run, &plan.done, store)? }))
        .collect::<Result<Vec<_>, Failure>>()?;
    if json {
        say(&serde_json::json!({ "runs": rows }).to_string());
        return Ok(());
    }
    let count =
        |is: fn(&State) -> bool| rows.iter().filter(|row| is(&row.state)).count().to_string();
    let counts = vec![
        count(|state| *state == State::Finished),
        count(|state| matches!(state, State::Running { .. })),
        count(|state| *state == State::Diverged),
        count(|state| matches!(state, State::Failed { .. })),
        count(|state| *state == State::Missing),
    ];
    say(&table(&["finished", "running", "diverged", "failed", "missing"], [counts]));
    for row in &rows {
        match &row.state {
            State::Running { owner } => say(&format!("running: {} by {owner}", row.run_id)),
            State::Failed { reason } => say(&format!("failed: {}: {reason}", row.run_id)),
            State::Finished | State::Diverged | State::Missing => {}
        }
    }
    Ok(())
}

fn state(run: &RunSpec, done: &[RunRecord], store: &Store) -> Result<State, Failure> {
    if let Some(record) = done.iter().find(|record| record.run_id == run.id) {
        return Ok(if record.is_finished() { State::Finished } else { State::Diverged });
    }
    Ok(match (store.claimed(&run.id).or_input()?, store.failure(&run.id)) {
        (Some(owner), _) => State::Running { owner: owner.to_string() },
        (None, Some(reason)) => State::Failed { reason },
        (None, None) => State::Missing,
    })
}

/// Prints the ids of the runs that nobody finished or is at work on, one a line.
pub(super) fn print_missing(plan: &Plan, store: &Store) -> Result<(), Failure> {
    for run in &plan.missing {
        if store.claimed(&run.id).or_input()?.is_none() {
            say(&run.id);
        }
    }
    Ok(())
}
