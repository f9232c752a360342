//! How many runs are trained at a time, and on how many threads each.

use super::Arguments;
#[cfg(feature = "train")]
use crate::cli::failure::{Failure, OrFail};

/// Runs at a time. Two runs side by side on a core each train more tokens per second than one run
/// on both (benches/README.md).
#[cfg(feature = "train")]
pub(in crate::cli) fn jobs_of(device: &str, asked: Option<usize>) -> usize {
    asked.unwrap_or(if device == "cpu" { cores() } else { 1 })
}

/// One pool of threads a job.
#[cfg(feature = "train")]
pub(in crate::cli) fn pools(jobs: usize) -> Result<Vec<rayon::ThreadPool>, Failure> {
    (0..jobs)
        .map(|_| rayon::ThreadPoolBuilder::new().num_threads(threads_of(jobs)).build())
        .collect::<Result<_, _>>()
        .or_work()
}

/// Runs side by side in one job.
pub(super) fn stack_of(arguments: &Arguments) -> usize {
    arguments
        .stack
        .map_or(if arguments.device == "cpu" { 1 } else { GPU_STACK }, |runs| runs as usize)
}

/// Runs that a GPU trains side by side.
const GPU_STACK: usize = 16;

/// Threads of a run that has its share of the cores.
#[cfg(feature = "train")]
pub(super) fn threads_of(jobs: usize) -> usize {
    (cores() / jobs).max(1)
}

#[cfg(feature = "train")]
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
