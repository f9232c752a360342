//! Sweeps: which runs are missing, and running them, several at a time.

mod cost;
mod simulated;

pub use cost::Cost;
pub use simulated::{is_simulated, simulate};

use crate::record::{RecordError, RunRecord, Store};
use crate::spec::RunSpec;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What of a sweep is done and what is missing.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Records of the sweep's runs, whatever their outcome.
    pub done: Vec<RunRecord>,
    /// Runs without a record, the smallest first: all curves get their first points early.
    pub missing: Vec<RunSpec>,
}

impl Plan {
    /// Looks every run up in the store. A simulated record is none to a sweep that trains, and the other way round.
    pub fn new(runs: &[RunSpec], store: &Store, simulated: bool) -> Result<Self, RecordError> {
        let (mut done, mut missing) = (Vec::new(), Vec::new());
        for run in runs {
            match store.read(&run.id)?.filter(|record| is_simulated(record) == simulated) {
                Some(record) => done.push(record),
                None => missing.push(run.clone()),
            }
        }
        missing.sort_by_key(|run| run.pairs);
        Ok(Plan { done, missing })
    }
}

/// Runs all that is missing, `jobs` at a time, and writes each record as soon as it is there.
/// `run(spec, job)` is called on a thread of job `job`; after the first error no further run is started.
pub fn run_missing<E: From<RecordError> + Send>(
    missing: &[RunSpec],
    store: &Store,
    jobs: usize,
    run: impl Fn(&RunSpec, usize) -> Result<RunRecord, E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let work = |job: usize| {
        while failure.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            let Some(spec) = missing.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            let outcome = run(spec, job).and_then(|record| Ok(store.write(&record)?));
            if let Err(error) = outcome {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for job in 0..jobs.min(missing.len()) {
            let work = &work;
            scope.spawn(move || work(job));
        }
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests;
