//! What is known by the models so far: the problem over their joint law, and how far from deciding
//! it is.

use super::{Arguments, Study};
use crate::allocate::{Comparison, Objective, Policy, Problem, compare};
use crate::cli::allocate::fits_of;
use crate::cli::failure::{Failure, OrFail};
use crate::cli::mixture::quoted;
use crate::corpus::Split;
use crate::design::Standing;
use crate::files;
use crate::fit::joint::JointFit;
use crate::record::{RunRecord, Store, points_csv};
use crate::spec::DesignedRun;
use crate::study::Folders;
use crate::units::{Estimate, Interval};
use crate::validate::difference_nats;

/// The problem over the fits that are there.
pub(super) struct Known {
    pub(super) problem: Problem,
    pub(super) joint: JointFit,
    pub(super) comparison: Comparison,
    pub(super) records: Vec<RunRecord>,
}

/// Records of the sweep; none before the first.
pub(super) fn records(folders: &Folders) -> Result<Vec<RunRecord>, Failure> {
    let store = Store::new(&folders.records);
    if !store.has_sweep() {
        return Ok(Vec::new());
    }
    Ok(store.read_sweep().or_input()?.1)
}

impl Study {
    /// The problem over the fits that are there, which must be of the records that are there.
    pub(super) fn known(&self, arguments: &Arguments) -> Result<Known, Failure> {
        let experiment = quoted(&arguments.experiment);
        let fit_anew = format!("`parallot fit {experiment}` makes them anew");
        let records = records(&self.folders)?;
        let points = points_csv(&records).or_work()?;
        let done = |run: &DesignedRun| {
            // what a model is tuned on does not go by the base
            let spec =
                self.experiment.mixed_run(&self.bitexts, "", &run.pairs, run.seed, Split::Dev);
            records.iter().any(|r| r.subject == spec.subject && r.seed == spec.seed)
        };
        let missing = self.rows.iter().filter(|row| !done(&row.run)).count();
        if missing > 0 {
            let error = anyhow::anyhow!(
                "{missing} of {} models of the design are not tuned, expected all",
                self.rows.len()
            );
            return Err(Failure::input(error)
                .hint(format!("`parallot sweep {experiment}`, then `parallot fit {experiment}`")));
        }
        let fits = fits_of(&self.folders)?;
        if files::hash(&points) != fits.file.input_sha256 {
            let error = anyhow::anyhow!("the fits are of other records than those that are there");
            return Err(Failure::input(error).hint(fit_anew));
        }
        let problem = arguments.mixture.pose(&fits.file)?;
        if problem.objective() != Objective::Mean {
            let error = anyhow::anyhow!(
                "`--objective {}` is not planned for, expected `mean`: a regret is held against \
                what a validation sees of the mean loss",
                problem.objective()
            );
            return Err(Failure::input(error)
                .hint("a design that decides the mean serves `allocate --objective` as well"));
        }
        let Some(joint) = fits.file.joint.clone().filter(|_| problem.is_joint()) else {
            let error = anyhow::anyhow!(
                "the problem does not stand on a joint law, by which models are planned"
            );
            return Err(Failure::input(error).hint(format!(
                "`parallot fit {experiment}` fits one where models of several languages were \
                tuned; the budget is one of pairs, without `--transfer` and targets"
            )));
        };
        let comparison = compare(&problem, &[Policy::Parallot, Policy::Uniform]).or_work()?;
        Ok(Known { problem, joint, comparison, records })
    }

    pub(super) fn standing(&self, known: &Known) -> Standing {
        let Known { problem, joint, comparison, records, .. } = known;
        let pooled = || records.iter().filter(|r| r.is_finished() && r.subject.is_mixture());
        let pairs = comparison.allocation.pairs();
        let [own, common] = joint.noise_log();
        let weights: Vec<f64> = problem.terms().iter().map(|term| term.weight).collect();
        let nothing = Estimate { value: 0.0, interval_90: Interval { lo: 0.0, hi: 0.0 } };
        Standing {
            models: pooled().count(),
            pairs: pooled().map(|record| record.subject.pairs().0 as f64).sum(),
            expected_regret_nats: comparison.expected_regret_nats,
            gain_nats: comparison.policies[0].gain_nats.unwrap_or(nothing),
            difference_nats: difference_nats(
                &weights,
                &problem.losses(&pairs),
                &vec![own; weights.len()],
                common,
            ),
        }
    }
}
