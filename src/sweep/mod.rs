//! Sweeps: which runs are missing, which of them are trained together, and running them, several at
//! a time.

mod cost;
mod job;
mod simulated;

pub use cost::{Cost, Speed};
pub use job::Job;
pub use simulated::{is_simulated, simulate};

use crate::files::{Claim, Owner};
use crate::record::{RecordError, RunRecord, Store};
use crate::spec::RunSpec;
use std::fmt::Display;
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
    /// Looks every run up in the store. A simulated record is none to a sweep that trains, and the
    /// other way round.
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

/// Where runs are kept, and by whom they are done.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// Their records.
    pub store: &'a Store,
    /// This process.
    pub owner: &'a Owner,
    /// Whether the runs are simulated; records of the other kind are none.
    pub simulated: bool,
}

impl Site<'_> {
    /// The runs of a job that this process can do: those without a record that no other is at work
    /// on, with the claims on them.
    fn claimed(&self, job: &Job) -> Result<(Vec<RunSpec>, Vec<Claim>), RecordError> {
        let (mut runs, mut claims) = (Vec::new(), Vec::new());
        for run in job.runs() {
            let Some(claim) = self.store.claim(&run.id, self.owner)? else { continue };
            // another process may have finished it since it was found missing
            if self
                .store
                .read(&run.id)?
                .is_none_or(|record| is_simulated(&record) != self.simulated)
            {
                self.store.forget_failure(&run.id)?;
                runs.push(run.clone());
                claims.push(claim);
            }
        }
        Ok((runs, claims))
    }
}

/// Runs all that is missing, `workers` jobs at a time, and writes each record as soon as it is
/// there. A run that another process is at work on is left to it. `run(job, worker, write)` is
/// called on a thread of worker `worker`; after the first error no further job is started, and the
/// runs that it cost keep it as the reason why they failed.
pub fn run_missing<E: From<RecordError> + Display + Send>(
    jobs: &[Job],
    site: &Site<'_>,
    workers: usize,
    run: impl Fn(&Job, usize, &dyn Fn(&RunRecord) -> Result<(), E>) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let write = |record: &RunRecord| Ok(site.store.write(record)?);
    let one = |job: &Job, worker: usize| -> Result<(), E> {
        let (runs, _claims) = site.claimed(job)?;
        if runs.is_empty() {
            return Ok(());
        }
        let job = job.of_runs(runs);
        run(&job, worker, &write).inspect_err(|error| {
            for run in
                job.runs().iter().filter(|run| !matches!(site.store.read(&run.id), Ok(Some(_))))
            {
                // the error itself is what is told
                let _ = site.store.write_failure(&run.id, &error.to_string());
            }
        })
    };
    let work = |worker: usize| {
        while failure.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
            if let Err(error) = one(job, worker) {
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
