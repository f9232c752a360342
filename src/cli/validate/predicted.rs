//! The prediction of a validation: made and written before anything is trained, or the one that is
//! there.

use super::super::failure::{Failure, OrFail};
use super::super::sweep::{self, Trainer};
use super::super::version;
use super::training::BaseTrainer;
use super::{Arguments, Question};
use crate::allocate::{Problem, compare, coupling};
use crate::files;
use crate::record::Store;
use crate::spec::RunSpec;
use crate::sweep::Plan;
use crate::validate::{Known, Prediction, predict};
use std::path::Path;

/// What to do about a prediction that is not the one asked for.
const TUNED: &str = "models were tuned for it; remove the folder to predict and train anew";

impl Question {
    /// The prediction: the one that is there, or a new one, written before anything is trained.
    /// Beside it the hash of its file.
    pub(super) fn prediction(
        &self,
        store: &Store,
        trainer: Option<&BaseTrainer>,
        arguments: &Arguments,
    ) -> Result<(Prediction, String), Failure> {
        let path = store.folder().join("prediction.json");
        let comparison = compare(&self.problem, &self.policies).or_work()?;
        let shifts = self.shifts(trainer)?;
        let joint = self.fits.file.joint.as_ref().filter(|_| self.problem.is_joint());
        let (own_log, common_log) = self.noise();
        let noise_log: Vec<f64> = own_log.iter().map(|own| own.hypot(common_log)).collect();
        let joint = joint.map(|joint| (joint, self.fits.file.settings.seed));
        let known =
            Known { shifts: &shifts, noise_log: &noise_log, seeds: self.seeds.len(), joint };
        let coupled = if self.problem.is_joint() { None } else { self.coupled() };
        let coupled = coupled.as_ref().map(|(problem, noise_ratio)| (problem, *noise_ratio));
        let policies = predict(&self.problem.uncoupled(), coupled, &comparison, known);
        if policies.len() < 2 {
            let error = anyhow::anyhow!(
                "the allocation and all baselines are the same to a half per cent of the budget, \
                expected two policies"
            );
            return Err(
                Failure::input(error).hint("there is nothing to train: any of them is as good")
            );
        }
        let prediction = Prediction {
            parallot: version().to_owned(),
            source: self.fits.file.source.clone(),
            fits_sha256: self.fits.sha256.clone(),
            base_id: self.base_id.clone(),
            budget: self.problem.budget().amount() as u64,
            langs: self.problem.terms().iter().map(|term| term.lang.clone()).collect(),
            weights: self.problem.terms().iter().map(|term| term.weight).collect(),
            seeds: self.seeds.clone(),
            shifts,
            policies,
            is_hindsight: false,
        };
        let json = serde_json::to_string_pretty(&prediction).or_work()? + "\n";
        if !files::exists(&path) {
            let runs: Vec<RunSpec> = self.runs(&prediction).concat();
            let plan =
                Plan::new(&runs, store, arguments.trainer == Trainer::Simulated).or_input()?;
            sweep::check_version(self.version, &plan, &self.folders)?;
            let done = plan.done.len();
            if done > 0 {
                let error = anyhow::anyhow!(
                    "`{}` is missing and {done} of its models are trained, expected both or \
                    neither",
                    path.display()
                );
                return Err(Failure::input(error).hint(
                    "a prediction does not follow its models; remove \
                    the folder to predict and train anew",
                ));
            }
            // what is only listed can be asked otherwise
            if !arguments.list {
                files::write(&path, json.as_bytes()).or_work()?;
            }
            return Ok((prediction, files::hash(json.as_bytes())));
        }
        let (known, sha256) = read_prediction(&path)?;
        // another build of the program may round otherwise; what it is asked must be the same
        let question = |prediction: &Prediction| {
            let pairs: Vec<_> =
                prediction.policies.iter().map(|row| (row.policy, row.pairs.clone())).collect();
            (
                prediction.fits_sha256.clone(),
                prediction.base_id.clone(),
                prediction.seeds.clone(),
                prediction.weights.clone(),
                pairs,
            )
        };
        if question(&known) != question(&prediction) {
            let error = anyhow::anyhow!(
                "prediction `{}` is of other fits, policies or seeds, expected those asked for",
                path.display()
            );
            return Err(Failure::input(error).hint(TUNED));
        }
        Ok((known, sha256))
    }

    /// The prediction that is there, beside what transfer that was fitted since would have
    /// predicted.
    pub(super) fn hindsight(&self, store: &Store) -> Result<(Prediction, String), Failure> {
        let path = store.folder().join("prediction.json");
        let (known, sha256) = read_prediction(&path)?;
        let langs: Vec<String> =
            self.problem.terms().iter().map(|term| term.lang.clone()).collect();
        if known.base_id != self.base_id || known.langs != langs {
            let error = anyhow::anyhow!(
                "prediction `{}` is of another base or other languages, expected those of the \
                experiment",
                path.display()
            );
            return Err(Failure::input(error).hint(TUNED));
        }
        let (problem, noise_ratio) = self.coupled().ok_or_else(|| {
            let error = anyhow::anyhow!(
                "the fits hold no transfer, expected those of an experiment that trained mixtures"
            );
            Failure::input(error)
                .hint("without `--hindsight` the laws of each language alone are put to the test")
        })?;
        let noise_log: Vec<f64> = self.fits.file.fits.iter().map(|fit| fit.noise_log).collect();
        Ok((known.in_hindsight(&problem, noise_ratio, &noise_log), sha256))
    }

    /// The problem with transfer between its languages, where the fits know of it, and the variance
    /// of a mixture's ln loss over that of a run.
    fn coupled(&self) -> Option<(Problem, f64)> {
        let noise_ratio = self.fits.file.transfer.as_ref()?.noise_ratio;
        let curves = self.curves.clone()?;
        Some((curves.with_coupling(coupling(&self.fits.file)?).ok()?, noise_ratio))
    }

    /// Standard deviation of the ln loss of each language in one model, and of what a model has in
    /// common in all of them: of pooled models where the joint law predicts, of models of one
    /// language otherwise.
    pub(super) fn noise(&self) -> (Vec<f64>, f64) {
        match self.fits.file.joint.as_ref().filter(|_| self.problem.is_joint()) {
            Some(joint) => {
                let [own, common] = joint.noise_log();
                (vec![own; joint.langs.len()], common)
            }
            None => (self.fits.file.fits.iter().map(|fit| fit.noise_log).collect(), 0.0),
        }
    }
}

/// A prediction and the hash of its file.
fn read_prediction(path: &Path) -> Result<(Prediction, String), Failure> {
    let text = files::read_text(path).or_input()?;
    let read = serde_json::from_str(&text);
    let read = read.map_err(|error| {
        Failure::input(anyhow::anyhow!("cannot read prediction `{}`: {error}", path.display()))
            .hint(TUNED)
    })?;
    Ok((read, files::hash(text.as_bytes())))
}
