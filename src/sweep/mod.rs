//! Sweeps: which runs are missing, which of them are trained together, and running them, several at a time.

mod cost;
mod job;
mod simulated;

pub use cost::{Cost, Speed};
pub use job::Job;
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
        missing.sort_by_key(|run| run.subject.pairs());
        Ok(Plan { done, missing })
    }
}

/// Runs all that is missing, `workers` jobs at a time, and writes each record as soon as it is there.
/// `run(job, worker, write)` is called on a thread of worker `worker`; after the first error no further job is started.
pub fn run_missing<E: From<RecordError> + Send>(
    jobs: &[Job],
    store: &Store,
    workers: usize,
    run: impl Fn(&Job, usize, &dyn Fn(&RunRecord) -> Result<(), E>) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let write = |record: &RunRecord| Ok(store.write(record)?);
    let work = |worker: usize| {
        while failure.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            if let Err(error) = run(job, worker, &write) {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for worker in 0..workers.min(jobs.len()) {
            let work = &work;
            scope.spawn(move || work(worker));
        }
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests;
