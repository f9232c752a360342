//! What a validation asks: the experiment, its problem, the policies and seeds, checked before
//! anything is trained.

use super::super::allocate;
use super::super::failure::{Failure, OrFail};
use super::super::mixture::MixtureArguments;
use super::super::sweep;
use super::super::terminal::note;
use super::super::text;
use super::Arguments;
use crate::allocate::{Budget, Laws, Policy, Problem};
use crate::corpus::{Bitext, Split, Tongue};
use crate::record::{Store, TrainingVersion};
use crate::spec::{BaseFiles, Experiment, RunSpec};
use crate::study::{Folders, HashedFits};
use crate::validate::Prediction;

/// Most pairs of a mixture, of which a model reads every one.
const MOST_PAIRS: f64 = 1e9;

/// All that is known before anything is trained.
pub(super) struct Question {
    pub(super) experiment: Experiment,
    pub(super) folders: Folders,
    pub(super) bitexts: Vec<Bitext>,
    pub(super) untuned: Vec<Bitext>,
    pub(super) tongues: Vec<Tongue>,
    pub(super) base_files: BaseFiles,
    pub(super) version: TrainingVersion,
    pub(super) base_id: String,
    pub(super) fits: HashedFits,
    pub(super) problem: Problem,
    /// The same by the laws of each language alone, where models of one language were tuned.
    pub(super) curves: Option<Problem>,
    pub(super) policies: Vec<Policy>,
    pub(super) seeds: Vec<u64>,
}

impl Question {
    pub(super) fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let folders = Folders::of(&arguments.experiment)?;
        let mut experiment = folders.read()?;
        sweep::check_device(&arguments.device, arguments.trainer)?;
        let fits = allocate::fits_of(&folders)?;
        let problem = arguments.mixture.pose(&fits.file)?;
        let alone = MixtureArguments {
            laws: Some(Laws::Curves),
            transfer: false,
            ..arguments.mixture.clone()
        };
        let has_curves = !fits.file.fits.is_empty();
        let curves = has_curves.then(|| alone.pose(&fits.file)).transpose()?;
        if problem.objective().is_of_worst() {
            let error = anyhow::anyhow!(
                "`--objective {}` is not measured, expected `mean` or `cvar`: models are compared \
                by their mean loss",
                problem.objective()
            );
            return Err(Failure::input(error)
                .hint("`--from` and `--policies current` tune models on any mix"));
        }
        if !matches!(problem.budget(), Budget::Pairs(_)) {
            let error = anyhow::anyhow!(
                "the budget is one of cost, expected pairs: mixtures of equal cost and unequal \
                size differ in more than data"
            );
            return Err(Failure::input(error));
        }
        if problem.budget().amount() > MOST_PAIRS {
            let error = anyhow::anyhow!(
                "budget of {} is too large to train on, expected at most {MOST_PAIRS}",
                problem.budget()
            );
            return Err(Failure::input(error));
        }
        let (bitexts, untuned) = text::read_all(&experiment, &folders, &arguments.text)?;
        experiment.untuned_sha256 =
            untuned.iter().map(|bitext| bitext.test.hash().to_owned()).collect();
        let tongues = text::instructions(&mut experiment, &folders, &arguments.text)?;
        sweep::check_parts(&bitexts)?;
        if let Some(bitext) = bitexts.iter().find(|bitext| bitext.test.is_empty()) {
            let error = anyhow::anyhow!(
                "`{}` has no test pairs, expected at least one: mixtures are scored on them",
                bitext.lang
            );
            return Err(Failure::input(error)
                .hint("a `split` column, `as: test` or `test_share` says which pairs are which"));
        }
        let codes: Vec<&str> = bitexts.iter().map(|bitext| bitext.lang.code()).collect();
        if problem.terms().iter().map(|term| term.lang.as_str()).ne(codes.iter().copied()) {
            let fitted: Vec<&str> = problem.terms().iter().map(|term| term.lang.as_str()).collect();
            let error = anyhow::anyhow!(
                "the fits are of {}, expected those of the experiment, {}",
                fitted.join(", "),
                codes.join(", ")
            );
            return Err(Failure::input(error)
                .hint(format!("`parallot fit {}` makes them anew", arguments.experiment)));
        }
        let mut policies = policies(&arguments.policies, &problem)?;
        // uniform and the allocation are steps of their own names
        let doses = arguments.doses.iter().filter(|dose| ![0.0, 1.0].contains(*dose));
        for dose in doses.map(|&dose| Policy::Dose(dose)) {
            if !policies.contains(&dose) {
                policies.push(dose);
            }
        }
        if !arguments.doses.is_empty() && !policies.iter().any(|p| matches!(p, Policy::Dose(_))) {
            let error = anyhow::anyhow!(
                "`--doses` names uniform and the allocation alone, expected a step besides 0 and 1"
            );
            return Err(Failure::input(error).hint("`--doses -1,2` is a good choice"));
        }
        let base_files = sweep::base_files(&experiment, &folders)?;
        let version = Store::new(&folders.records).training_version().or_input()?;
        let base_id = experiment.base_id(&bitexts, base_files.sha256().as_deref(), version);
        let seeds = (1..=arguments.seeds).collect();
        Ok(Question {
            experiment,
            folders,
            bitexts,
            untuned,
            tongues,
            base_files,
            version,
            base_id,
            fits,
            problem,
            curves,
            policies,
            seeds,
        })
    }

    /// One run a policy of the prediction and seed.
    pub(super) fn runs(&self, prediction: &Prediction) -> Vec<Vec<RunSpec>> {
        let run = |pairs: &[u64], seed: u64| {
            self.experiment.mixed_run(&self.bitexts, &self.base_id, pairs, seed, Split::Test)
        };
        prediction
            .policies
            .iter()
            .map(|row| prediction.seeds.iter().map(|&seed| run(&row.pairs, seed)).collect())
            .collect()
    }
}

/// Parallot, uniform and the baselines asked for, as far as they are defined.
fn policies(names: &[String], problem: &Problem) -> Result<Vec<Policy>, Failure> {
    let mut policies = vec![Policy::Parallot, Policy::Uniform];
    for name in names {
        let policy: Policy = name.parse().map_err(|()| {
            let error = anyhow::anyhow!("`--policies` names `{name}`, expected a baseline");
            Failure::input(error).hint(
                "baselines are `proportional`, `temperature-3.3`, \
            `unimax-4`, and `current` with `--from`",
            )
        })?;
        if !policy.is_defined_for(problem) {
            note(&format!(
                "note: `{policy}` is left out: what it goes by is not known of every language"
            ));
        } else if !policies.contains(&policy) {
            policies.push(policy);
        }
    }
    Ok(policies)
}
