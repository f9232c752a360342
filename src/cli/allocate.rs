//! `parallot allocate`: a budget over languages by fitted laws.

use super::comparison;
use super::constraint::CVAR_LEVEL;
use super::failure::{Failure, OrFail};
use super::folders::Folders;
use super::headline::{self, ToKnow};
use super::mixture::MixtureArguments;
use super::report::report_of;
use super::terminal::{note, say};
use super::version;
use crate::allocate::{
    Active, Allocation, Budget, Comparison, Measured, Objective, ParetoPoint, Policy, Predicted, Problem, Term, Verdict, budget_path,
    compare, pareto_front,
};
use crate::files;
use crate::fit::FitFile;
use crate::report::csv;
use crate::report::eye::{self, grouped};
use crate::validate::{Asked, Validation, nearest};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The fits that the program brings: those of `experiments/bible-six.yaml`.
const SHIPPED: &str = include_str!("../../fits/bible-six/fits.json");

/// Policies that every allocation is compared with, where they are defined; uniform is the one to beat.
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

/// Flags of `parallot allocate`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Experiment whose fits to use; the fits shipped with the program where absent
    pub experiment: Option<String>,
    /// A file of fits, as `parallot fit` writes it
    #[arg(long, value_name = "FILE", conflicts_with = "experiment")]
    pub fits: Option<PathBuf>,
    /// A problem of any kind, as JSON of the schema `alloc-case/1` or the same in YAML
    #[arg(long, value_name = "FILE", conflicts_with_all = ["experiment", "fits", "budget", "out"])]
    pub problem: Option<PathBuf>,
    /// The problem
    #[command(flatten)]
    pub mixture: MixtureArguments,
    /// Print the allocation as JSON
    #[arg(long)]
    pub json: bool,
    /// Whether models are tuned on the allocation next, so that nobody need be told how to.
    #[arg(skip)]
    pub is_tried_next: bool,
    /// Folder to write `allocation.json` and `allocation.csv` to; that of the experiment's fits where one is given
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// An allocation with all that it came from, as written beside the fits.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllocationFile {
    /// Version and git revision of the program.
    pub parallot: String,
    /// What was fitted.
    pub source: String,
    /// Hash of the fits.
    pub fits_sha256: String,
    /// The one honest sentence.
    pub verdict: String,
    /// The policy that it recommends; none where the optimum is not proven.
    pub recommended: Option<Policy>,
    /// What models tuned on the allocation were measured to gain, where a validation of the experiment says.
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
}

impl AllocationFile {
    /// The verdict on it.
    pub fn verdict(&self) -> Verdict {
        self.comparison.verdict(self.measured)
    }

    /// The same file judged by the validations that are there now.
    pub fn judged(mut self, validations: &[Validation]) -> Self {
        let (is_mean, fits_sha256) = (self.objective == Objective::Mean.to_string(), self.fits_sha256.as_str());
        let asked = Asked { terms: &self.terms, allocation: &self.comparison.allocation, is_mean, fits_sha256 };
        let verdict = self.comparison.verdict(nearest(validations, asked).map(|(_, measured)| measured));
        self.measured = match verdict {
            Verdict::Measured { measured, .. } => Some(measured),
            // what does not decide is not told
            _ => None,
        };
        self.to_know = self.to_know.filter(|_| self.measured.is_none_or(|measured| measured.budget != measured.asked));
        AllocationFile { verdict: verdict.to_string(), recommended: verdict.recommended(), ..self }
    }
}

/// Runs the verb.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.problem {
        return super::problem::run(path, arguments.json);
    }
    let folders = arguments.experiment.as_deref().map(Folders::of).transpose()?;
    let fits = read_fits(arguments, folders.as_ref())?;
    let problem = arguments.mixture.pose(&fits.file)?;
    let out = arguments.out.clone().or_else(|| folders.as_ref().map(|folders| folders.fits.clone()));
    if let Some(out) = &out {
        files::check_writable(out).or_input()?;
    }
    let validations = folders.as_ref().map_or_else(|| Ok(Vec::new()), headline::validations)?;
    let mut allocation = allocate(&fits, &problem).judged(&validations);
    let experiment = arguments.experiment.as_deref().zip(folders.as_ref());
    if !arguments.is_tried_next {
        let asked = (experiment, &arguments.mixture);
        allocation.to_know = ToKnow::new(&allocation.verdict(), &problem, &allocation.comparison, &fits.file, asked);
    }
    warn(&fits.file, &allocation);
    if arguments.mixture.transfer {
        warn_of_transfer(&fits.file, &allocation);
    }
    if let Some(out) = &out {
        write(&fits, &allocation, out)?;
    }
    if arguments.json {
        say(&serde_json::to_string_pretty(&allocation).or_work()?);
    } else {
        comparison::print(&allocation, &validations);
        if let Some(out) = &out {
            say(&format!("\nallocation in `{}`", out.display()));
        }
        if let (Some(experiment), Some(Policy::Uniform), false) =
            (&arguments.experiment, allocation.recommended, allocation.verdict() == Verdict::Same)
        {
            say(&format!("`parallot export {experiment}` writes uniform; with `--policy parallot` the allocation above"));
        }
    }
    Ok(())
}

/// Fits and the hash of the file that held them.
pub struct HashedFits {
    /// The fits.
    pub file: FitFile,
    /// SHA-256 of the file.
    pub sha256: String,
}

fn read_fits(arguments: &Arguments, folders: Option<&Folders>) -> Result<HashedFits, Failure> {
    match (&arguments.fits, folders) {
        (Some(path), _) => fits_of_file(path),
        (None, Some(folders)) => {
            let hint = format!("`parallot fit {}` makes them", folders.experiment.display());
            fits_of_file(&folders.fits.join("fits.json")).map_err(|failure| failure.hint(hint))
        }
        (None, None) => {
            note("note: these are the laws shipped with the program, of a 1 M-parameter model on Bible text; yours will differ");
            parse_fits(SHIPPED, "the shipped fits")
        }
    }
}

/// Reads a file of fits.
pub fn fits_of_file(path: &std::path::Path) -> Result<HashedFits, Failure> {
    parse_fits(&files::read_text(path).or_input()?, &path.display().to_string())
}

fn parse_fits(json: &str, name: &str) -> Result<HashedFits, Failure> {
    let file = FitFile::from_json(json).map_err(|error| anyhow::anyhow!("cannot read fits `{name}`: {error}")).or_input()?;
    Ok(HashedFits { file, sha256: files::hash(json.as_bytes()) })
}

/// Solves a problem over fits and compares the result with the baselines over the draws of the laws; to be [`AllocationFile::judged`].
fn allocate(fits: &HashedFits, problem: &Problem) -> AllocationFile {
    let single = problem.objective() == Objective::Mean;
    let policies: Vec<Policy> =
        POLICIES.into_iter().filter(|policy| single || !matches!(policy, Policy::DrawsMean | Policy::DrawsCvar(_))).collect();
    let comparison = compare(problem, &policies);
    AllocationFile {
        parallot: version().to_owned(),
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
        pareto_front: pareto_front(problem, FRONT),
        comparison,
    }
}

/// How far beyond the largest run a law may be read without a word, as a factor.
const FAR: f64 = 4.0;

/// Names what a person should know before following the allocation.
fn warn(fits: &FitFile, allocation: &AllocationFile) {
    if let Some(warning) = allocation.verdict().warning() {
        note(&format!("warning: {warning}; gap {} of the reducible loss", eye::significant(allocation.comparison.allocation.gap, 2)));
    }
    let languages = &allocation.comparison.allocation.languages;
    let held: Vec<String> = (languages.iter().filter(|language| language.active == Active::Floor))
        .map(|language| format!("`{}` at {}", language.lang, grouped(language.pairs)))
        .collect();
    if !held.is_empty() {
        note(&format!("note: held at half of the smallest size that was run, or of an even share: {}", held.join(", ")));
        note("hint: `--min LANG=0` lets a language have fewer pairs, where its law is read far below its runs");
    }
    let below: Vec<String> = (fits.fits.iter().zip(languages.iter().zip(&allocation.terms)))
        .filter(|(fit, (language, term))| term.weight > 0.0 && (language.pairs as f64) < 0.5 * fit.smallest_run())
        .map(|(fit, (language, _))| format!("`{}` {} of {}", language.lang, grouped(language.pairs), grouped(fit.smallest_run() as u64)))
        .collect();
    if !below.is_empty() {
        note(&format!("warning: far fewer pairs than the smallest run, where laws are extrapolated downwards: {}", below.join(", ")));
    }
    for (fit, language) in fits.fits.iter().zip(languages) {
        let largest = fit.largest_run();
        if language.pairs as f64 > FAR * largest {
            let (pairs, lang, largest) = (grouped(language.pairs), &language.lang, grouped(largest as u64));
            note(&format!(
                "warning: {pairs} pairs of `{lang}` are far beyond its largest run, {largest} pairs; intervals are too narrow there"
            ));
        }
    }
}

/// Transfer is linear in the pairs of others, and was fitted to mixtures of some size.
fn warn_of_transfer(fits: &FitFile, allocation: &AllocationFile) {
    let total: u64 = allocation.comparison.allocation.pairs().iter().sum();
    let largest = fits.transfer.as_ref().and_then(|transfer| transfer.largest_pairs);
    if let Some(largest) = largest.filter(|largest| total as f64 > FAR * largest) {
        let (total, largest) = (grouped(total), grouped(largest as u64));
        note(&format!(
            "warning: {total} pairs are far beyond the largest mixture, {largest} pairs; what languages take from each other is extrapolated"
        ));
    }
}

/// Budgets of three decades around one, ten a decade.
fn budgets(budget: Budget) -> Vec<Budget> {
    let at = |tenth: i32| budget.of((budget.amount() * 10f64.powf(f64::from(tenth) / 10.0)).round());
    (-15..=15).map(at).filter(|budget| budget.amount() > 0.0).collect()
}

/// Writes the files of an allocation.
pub fn write(fits: &HashedFits, allocation: &AllocationFile, out: &std::path::Path) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(allocation).or_work()? + "\n";
    files::write(&out.join("allocation.json"), json.as_bytes()).or_work()?;
    let (fits, records, names) = (&fits.file, &[], BTreeMap::new());
    let report = report_of(
        fits,
        Some(allocation),
        records,
        &names,
        format!("parallot allocate --budget {}", allocation.comparison.allocation.budget.amount()),
    );
    files::write(&out.join("allocation.csv"), &csv::allocation(&report, &allocation.comparison).or_work()?).or_work()
}
