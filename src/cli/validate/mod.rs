//! `parallot validate`: models tuned on the allocation and on the baselines, against what the laws
//! predicted of them.

mod tables;
mod training;

use super::allocate;
use super::count;
use super::failure::{Failure, OrFail};
use super::mixture::MixtureArguments;
use super::sweep::{self, Trainer};
use super::terminal::{note, say};
use super::text::{self, TextArguments};
use super::{command, version};
use crate::allocate::{Budget, Laws, Policy, Problem, compare, coupling};
use crate::corpus::{Bitext, Split, Tongue};
use crate::files;
use crate::record::{RunRecord, Store, TrainingVersion};
use crate::report::eye::{duration, grouped, nats, signed};
use crate::report::{csv, validation_pictures};
use crate::spec::{BaseFiles, Experiment, RunSpec};
use crate::study::headline::{VALIDATED, validation_name};
use crate::study::{Folders, HashedFits, judge_anew};
use crate::sweep::{Cost, Plan, simulate};
use crate::validate::{Known, Prediction, Validation, difference_nats, predict, seeds_to_show};
use clap::Args;
use std::path::{Path, PathBuf};
use tables::{predicted, print};
use training::BaseTrainer;

/// Flags of `parallot validate`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Experiment whose fits predict, and whose languages are trained on
    pub experiment: String,
    /// The problem
    #[command(flatten)]
    pub mixture: MixtureArguments,
    /// Policies to train beside parallot and uniform, like `proportional,temperature-3.3,unimax-4`
    #[arg(long, value_name = "POLICY,…", value_delimiter = ',', default_value = VALIDATED)]
    pub policies: Vec<String>,
    /// Models per policy
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count::within::<u64>(1..=1000))]
    pub seeds: u64,
    /// Print the prediction, the models and their cost; train and write nothing but a base that is
    /// not kept
    #[arg(long)]
    pub list: bool,
    /// Set models that are there beside transfer that was fitted since, too; what it predicts is
    /// marked as hindsight
    #[arg(long, conflicts_with = "transfer")]
    pub hindsight: bool,
    /// Where to train: `cpu`, `cuda` or `cuda:1`; `cuda/f32` for f32 in place of bf16
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Models at a time, each on its share of the cores; by default one a core on the CPU, and one
    /// on a GPU
    #[arg(long, value_name = "N", value_parser = count::within::<usize>(count::JOBS))]
    pub jobs: Option<usize>,
    /// Folder of base models, which are kept by the hash of their spec
    #[arg(long, value_name = "FOLDER", env = "PARALLOT_CACHE", default_value = ".parallot-cache")]
    pub cache: PathBuf,
    /// Keep the weights or adapters of every model, in FOLDER/RUN, as transformers or peft loads
    /// them
    #[arg(long, value_name = "FOLDER")]
    pub save: Option<PathBuf>,
    /// Where the corpora are
    #[command(flatten)]
    pub text: TextArguments,
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
    /// Whether this is the trial of the quickstart.
    #[arg(skip)]
    pub is_trial: bool,
    /// Who trains
    #[arg(long, value_enum, default_value = "candle", hide = true)]
    pub trainer: Trainer,
}

/// Most pairs of a mixture, of which a model reads every one.
const MOST_PAIRS: f64 = 1e9;

/// Parts of a set of sentences, whose losses say how far sets differ by chance.
const PARTS: usize = 10;

/// All that is known before anything is trained.
struct Question {
    experiment: Experiment,
    folders: Folders,
    bitexts: Vec<Bitext>,
    untuned: Vec<Bitext>,
    tongues: Vec<Tongue>,
    base_files: BaseFiles,
    version: TrainingVersion,
    base_id: String,
    fits: HashedFits,
    problem: Problem,
    /// The same by the laws of each language alone.
    curves: Problem,
    policies: Vec<Policy>,
    seeds: Vec<u64>,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let question = Question::new(arguments)?;
    // the prediction of a trial of few seeds shall not stand in the way of a validation of more
    let kind = if arguments.is_trial { "trial" } else { "validate" };
    let store = Store::new(
        question.folders.records.join(format!("{kind}-{}", question.problem.budget().amount())),
    );
    files::check_writable(store.folder()).or_input()?;
    for folder in [&question.folders.fits, &question.folders.plots] {
        files::check_writable(folder).or_input()?;
    }
    let _lock = store
        .lock()
        .map_err(|error| Failure::work(error).hint("wait for the other validation, or stop it"))?;
    let trainer = question.trainer(arguments)?;
    let (prediction, sha256) = match arguments.hindsight {
        true => question.hindsight(&store)?,
        false => question.prediction(&store, trainer.as_ref(), arguments)?,
    };
    let runs = question.runs(&prediction);
    let all: Vec<RunSpec> = runs.iter().flatten().cloned().collect();
    let simulated = arguments.trainer == Trainer::Simulated;
    let plan = Plan::new(&all, &store, simulated).or_input()?;
    if arguments.list {
        question.list(&prediction, &plan, arguments);
        return Ok(());
    }
    sweep::check_version(question.version, &plan, &question.folders)?;
    match &trainer {
        Some(trainer) => question.train(trainer, &plan, &store, arguments)?,
        None => plan
            .missing
            .iter()
            .try_for_each(|spec| store.write(&simulate(&question.experiment, spec, version())))
            .or_work()?,
    }
    let left = Plan::new(&all, &store, simulated).or_input()?.missing.len();
    if left > 0 {
        let error = anyhow::anyhow!("{left} models are with other processes, expected all of them");
        return Err(Failure::work(error).hint(
            "wait for the other validation and start it again; \
        one that is gone counts for ten minutes",
        ));
    }
    let records = runs
        .iter()
        .map(|runs| {
            runs.iter()
                .filter_map(|run| store.read(&run.id).transpose())
                .collect::<Result<Vec<RunRecord>, _>>()
        })
        .collect::<Result<Vec<_>, _>>()
        .or_work()?;
    let validation = Validation {
        command: Some(command()),
        ..Validation::new(version(), &sha256, &prediction, &records)
    };
    question.write(&validation)?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&validation).or_work()?);
    } else {
        print(&validation, &question.folders);
    }
    Ok(())
}

impl Question {
    fn new(arguments: &Arguments) -> Result<Self, Failure> {
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
        let curves = alone.pose(&fits.file)?;
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
        let policies = policies(&arguments.policies, &problem)?;
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

    /// The prediction: the one that is there, or a new one, written before anything is trained.
    /// Beside it the hash of its file.
    fn prediction(
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

    /// Standard deviation of the ln loss of each language in one model, and of what a model has in
    /// common in all of them: of pooled models where the joint law predicts, of models of one
    /// language otherwise.
    fn noise(&self) -> (Vec<f64>, f64) {
        let joint = self.fits.file.joint.as_ref().filter(|_| self.problem.is_joint());
        let [own, common] = joint.map_or([None, None], |joint| joint.noise_log().map(Some));
        (
            self.fits.file.fits.iter().map(|fit| own.unwrap_or(fit.noise_log)).collect(),
            common.unwrap_or(0.0),
        )
    }

    /// How many seeds it takes to see the gain that is predicted, by the noise of pooled models;
    /// nothing where only models of one language are known, whose noise has no part that is common
    /// to the languages.
    fn power(&self, prediction: &Prediction) -> Option<String> {
        let ours = prediction
            .policies
            .iter()
            .find(|row| row.policy == Policy::Parallot)
            .filter(|_| self.problem.is_joint())?;
        let losses: Vec<f64> = ours.loss_nats.iter().map(|loss| loss.value).collect();
        let (own_log, common_log) = self.noise();
        let apart = difference_nats(&prediction.weights, &losses, &own_log, common_log);
        let gain = ours.gain_nats.value;
        let noise = format!(
            "two models differ by {} nats in their mean, by the noise of the design",
            nats(apart)
        );
        Some(match seeds_to_show(gain, apart) {
            Some(seeds) => {
                format!(
                    "the predicted gain of parallot, {}, shows in nine of ten validations of \
                    {seeds} seeds where it comes: {noise}",
                    signed(gain)
                )
            }
            None if gain <= 0.0 => format!("no gain of parallot is predicted: {noise}"),
            None => format!(
                "the predicted gain of parallot, {}, does not show with a thousand seeds: {noise}",
                signed(gain)
            ),
        })
    }

    /// The problem with transfer between its languages, where the fits know of it, and the variance
    /// of a mixture's ln loss over that of a run.
    fn coupled(&self) -> Option<(Problem, f64)> {
        let noise_ratio = self.fits.file.transfer.as_ref()?.noise_ratio;
        Some((self.curves.clone().with_coupling(coupling(&self.fits.file)?).ok()?, noise_ratio))
    }

    /// The prediction that is there, beside what transfer that was fitted since would have
    /// predicted.
    fn hindsight(&self, store: &Store) -> Result<(Prediction, String), Failure> {
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

    /// One run a policy of the prediction and seed.
    fn runs(&self, prediction: &Prediction) -> Vec<Vec<RunSpec>> {
        let run = |pairs: &[u64], seed: u64| {
            self.experiment.mixed_run(&self.bitexts, &self.base_id, pairs, seed, Split::Test)
        };
        prediction
            .policies
            .iter()
            .map(|row| prediction.seeds.iter().map(|&seed| run(&row.pairs, seed)).collect())
            .collect()
    }

    fn list(&self, prediction: &Prediction, plan: &Plan, arguments: &Arguments) {
        say(&predicted(prediction));
        if let Some(power) = self.power(prediction) {
            say(&format!("\n{power}"));
        }
        if plan.missing.is_empty() {
            say(&format!("\nnone of {} models missing", plan.done.len()));
            return;
        }
        let cost = Cost::new(&self.experiment, &self.bitexts, &plan.done, &arguments.device);
        let tokens: f64 = plan.missing.iter().map(|run| cost.train_tokens(run)).sum();
        let seconds: Option<f64> =
            plan.missing.iter().map(|run| cost.seconds(cost.train_tokens(run))).sum();
        let time = seconds
            .map_or(String::new(), |seconds| format!(", about {} on one job", duration(seconds)));
        let (missing, all) = (plan.missing.len(), plan.missing.len() + plan.done.len());
        say(&format!(
            "\n{missing} of {all} models missing, about {} training tokens{time}",
            grouped(tokens.round() as u64)
        ));
    }

    fn write(&self, validation: &Validation) -> Result<(), Failure> {
        let (fits, plots) = (&self.folders.fits, &self.folders.plots);
        let (name, json) = (
            validation_name(validation.budget),
            serde_json::to_string_pretty(validation).or_work()? + "\n",
        );
        files::write(&fits.join(format!("{name}.json")), json.as_bytes()).or_work()?;
        files::write(&fits.join(format!("{name}.csv")), &csv::validation(validation).or_work()?)
            .or_work()?;
        for (name, bytes) in validation_pictures(validation).or_work()? {
            files::write(&plots.join(name), &bytes).or_work()?;
        }
        Ok(judge_anew(&self.folders, &self.fits.sha256)?)
    }
}

/// What to do about a prediction that is not the one asked for.
const TUNED: &str = "models were tuned for it; remove the folder to predict and train anew";

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
