//! What is computed in one piece: a run, the branches of a trunk, or a stack of runs.

use crate::record::Subject;
use crate::spec::{RunSpec, ScheduleSpec};

/// Runs that are computed together.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// One run by itself.
    Run(RunSpec),
    /// Runs of one language and seed, their amounts rising, of which each goes on from what the one
    /// before has in common with it.
    Trunk(Vec<RunSpec>),
    /// Runs of one size, each with its own language and seed, side by side.
    Stack(Vec<RunSpec>),
}

impl Job {
    /// The jobs of some runs, in the order of the first run of each. At most `stack` runs of a size
    /// are trained side by side, where sizes share nothing.
    pub fn of(runs: &[RunSpec], schedule: &ScheduleSpec, stack: usize) -> Vec<Job> {
        match schedule {
            ScheduleSpec::Whole if stack > 1 => stacks(runs, stack),
            ScheduleSpec::Whole => runs.iter().cloned().map(Job::Run).collect(),
            ScheduleSpec::Trunk(_) => trunks(runs),
        }
    }

    /// The same kind of job with some of its runs, of which there is at least one.
    pub fn of_runs(&self, runs: Vec<RunSpec>) -> Self {
        match self {
            Job::Run(run) => Job::Run(runs.into_iter().next().unwrap_or_else(|| run.clone())),
            Job::Trunk(_) => Job::Trunk(runs),
            Job::Stack(_) => Job::Stack(runs),
        }
    }

    /// Its runs, in the order in which they finish.
    pub fn runs(&self) -> &[RunSpec] {
        match self {
            Job::Run(run) => std::slice::from_ref(run),
            Job::Trunk(runs) | Job::Stack(runs) => runs,
        }
    }
}

fn stacks(runs: &[RunSpec], stack: usize) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    for run in runs {
        let size = run.subject.pairs();
        let has_room = |job: &&mut Job| {
            matches!(
                job,
                Job::Stack(members)
                    if members[0].subject.pairs() == size && members.len() < stack
            )
        };
        match (&run.subject, jobs.iter_mut().find(has_room)) {
            (Subject::Base | Subject::Mixture(_), _) => jobs.push(Job::Run(run.clone())),
            (Subject::Language { .. }, Some(Job::Stack(members))) => members.push(run.clone()),
            (Subject::Language { .. }, _) => jobs.push(Job::Stack(vec![run.clone()])),
        }
    }
    jobs
}

fn trunks(runs: &[RunSpec]) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    for run in runs {
        let is_own = |branch: &RunSpec| {
            branch.subject.lang() == run.subject.lang() && branch.seed == run.seed
        };
        let shares = |job: &&mut Job| matches!(job, Job::Trunk(branches) if is_own(&branches[0]));
        match (&run.subject, jobs.iter_mut().find(shares)) {
            (Subject::Base | Subject::Mixture(_), _) => jobs.push(Job::Run(run.clone())),
            (Subject::Language { .. }, Some(Job::Trunk(branches))) => branches.push(run.clone()),
            (Subject::Language { .. }, _) => jobs.push(Job::Trunk(vec![run.clone()])),
        }
    }
    for job in &mut jobs {
        if let Job::Trunk(branches) = job {
            branches.sort_by_key(|run| run.subject.pairs());
        }
    }
    jobs
}
