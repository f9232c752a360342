//! An allocation with all that it came from, judged by the validations that are there.

use super::headline::ToKnow;
use super::{HashedFits, StudyError, version};
use crate::allocate::{
    Allocation, BaselinePath, Budget, CVAR_LEVEL, Comparison, Measured, Objective, ParetoPoint,
    Policy, Predicted, Problem, Term, Verdict, budget_path, compare, pareto_front,
};
use crate::report::eye::grouped;
use crate::validate::{Asked, Validation, nearest};
use serde::{Deserialize, Serialize};

/// Policies that every allocation is compared with, where they are defined; uniform is the one to
/// beat.
pub const POLICIES: [Policy; 9] = [
    Policy::Parallot,
    Policy::Uniform,
    Policy::Proportional,
    Policy::Temperature(3.3),
    Policy::Temperature(5.0),
    Policy::UniMax(4.0),
    Policy::Current,
    Policy::DrawsMean,
    Policy::DrawsCvar(CVAR_LEVEL),
];

/// Allocations of a front between the mean and the worst language.
const FRONT: usize = 21;

/// An allocation with all that it came from, as written beside the fits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllocationFile {
    /// Version and git revision of the program.
    pub parallot: String,
    /// The command as typed; absent in files of version 0.1.0 and of programs that call the
    /// library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What was fitted.
    pub source: String,
    /// Hash of the fits.
    pub fits_sha256: String,
    /// The sentence that says which policy to follow, and by what.
    pub verdict: String,
    /// The policy that it recommends; none where the optimum is not proven.
    pub recommended: Option<Policy>,
    /// What models tuned on the allocation were measured to gain, where a validation of the
    /// experiment says.
    pub measured: Option<Measured>,
    /// What is predicted of it.
    pub predicted: Option<Predicted>,
    /// What it would take to know, where it was not measured.
    pub to_know: Option<ToKnow>,
    /// The languages with their laws and bounds.
    pub terms: Vec<Term>,
    /// What counts: `mean`, `worst` or `cvar:` and a level.
    pub objective: String,
    /// The allocation beside the baselines.
    pub comparison: Comparison,
    /// The same problem at other budgets.
    pub budget_path: Vec<Allocation>,
    /// The front between the mean and the worst language.
    pub pareto_front: Vec<ParetoPoint>,
    /// What a baseline loses at other budgets, from which a gain has a worth in pairs; absent of
    /// files of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_path: Option<BaselinePath>,
}

impl AllocationFile {
    /// Solves a problem over fits and compares the result with the baselines over the draws of the
    /// laws; to be [`AllocationFile::judged`].
    pub fn new(fits: &HashedFits, problem: &Problem) -> Result<Self, StudyError> {
        let single = problem.objective() == Objective::Mean;
        let policies: Vec<Policy> = POLICIES
            .into_iter()
            .filter(|policy| single || !matches!(policy, Policy::DrawsMean | Policy::DrawsCvar(_)))
            .collect();
        let comparison = compare(problem, &policies)?;
        Ok(AllocationFile {
            parallot: version().to_owned(),
            command: None,
            source: fits.file.source.clone(),
            fits_sha256: fits.sha256.clone(),
            terms: problem.terms().to_vec(),
            objective: problem.objective().to_string(),
            verdict: String::new(),
            recommended: None,
            measured: None,
            predicted: comparison.predicted(),
            to_know: None,
            budget_path: budget_path(problem, &budgets(problem.budget())),
            pareto_front: pareto_front(&problem.with_asked_weights(), FRONT)?,
            baseline_path: BaselinePath::new(problem, Policy::Uniform),
            comparison,
        })
    }

    /// What the gain over a baseline is worth in pairs: over uniform as measured of this mix, or
    /// else as predicted. None where no gain or no such budget is known.
    pub fn worth(&self) -> Option<String> {
        let path = self.baseline_path.as_ref()?;
        let row = self.comparison.policies.iter().find(|row| row.policy == path.policy)?;
        let measured = self
            .measured
            .filter(|measured| path.policy == Policy::Uniform && measured.is_of_this_mix());
        let gain_nats = measured.map_or(row.behind_nats, |measured| Some(measured.gain_nats))?;
        let pairs = path.pairs_for_estimate(gain_nats)?;
        let [value, lo, hi] = [pairs.value, pairs.interval_90.lo, pairs.interval_90.hi]
            .map(|pairs| grouped(pairs.round() as u64));
        let more = 100.0 * (pairs.value / path.budget as f64 - 1.0);
        let (policy, budget) = (path.policy, grouped(path.budget));
        // test losses may fall otherwise than those that the laws were fitted to
        let (laws, kind) = if measured.is_some() {
            ("the laws, which are of dev", "measured on test")
        } else {
            ("the laws", "predicted")
        };
        let than = format!(
            "{:.1} % {} than {budget}",
            more.abs(),
            if more < 0.0 { "fewer" } else { "more" }
        );
        Some(format!(
            "by {laws}, {policy} would need {value} pairs ({lo} to {hi}) for what is {kind}, {than}"
        ))
    }

    /// The verdict on it.
    pub fn verdict(&self) -> Verdict {
        self.comparison.verdict(self.measured)
    }

    /// The same file judged by the validations that are there now.
    pub fn judged(mut self, validations: &[Validation]) -> Self {
        let (is_mean, fits_sha256) =
            (self.objective == Objective::Mean.to_string(), self.fits_sha256.as_str());
        let asked = Asked {
            terms: &self.terms,
            allocation: &self.comparison.allocation,
            is_mean,
            fits_sha256,
        };
        let verdict =
            self.comparison.verdict(nearest(validations, asked).map(|(_, measured)| measured));
        self.measured = match verdict {
            Verdict::Measured { measured, .. } => Some(measured),
            // what does not decide is not told
            _ => None,
        };
        self.to_know = self
            .to_know
            .filter(|_| self.measured.is_none_or(|measured| measured.budget != measured.asked));
        AllocationFile { verdict: verdict.to_string(), recommended: verdict.recommended(), ..self }
    }
}

/// Budgets of three decades around one, ten per decade.
fn budgets(budget: Budget) -> Vec<Budget> {
    let at =
        |tenth: i32| budget.of((budget.amount() * 10f64.powf(f64::from(tenth) / 10.0)).round());
    (-15..=15).map(at).filter(|budget| budget.amount() > 0.0).collect()
}
