//! `parallot allocate`: a budget over languages by fitted laws.

use super::constraint::TAIL;
use super::failure::{Failure, OrFail};
use super::folders::Folders;
use super::mixture::MixtureArguments;
use super::report::report_of;
use super::terminal::{note, say, table};
use super::version;
use crate::allocate::{
    Active, Allocation, Budget, Comparison, Objective, ParetoPoint, Policy, Problem, Term, budget_path, compare, pareto_front,
};
use crate::files;
use crate::fit::FitFile;
use crate::report::csv;
use crate::report::eye::{self, grouped, nats, percent, signed};
use crate::units::Estimate;
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
    Policy::DrawsTail(TAIL),
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
    /// The languages with their laws and bounds.
    pub terms: Vec<Term>,
    /// What counts: `mean`, `worst` or `cvar:` and a level.
    pub objective: String,
    /// The one honest sentence.
    pub verdict: String,
    /// The allocation beside the baselines.
    pub comparison: Comparison,
    /// The same problem at other budgets.
    pub budget_path: Vec<Allocation>,
    /// The front between the mean and the worst language.
    pub pareto_front: Vec<ParetoPoint>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.problem {
        return super::problem::run(path, arguments.json);
    }
    let folders = arguments.experiment.as_deref().map(Folders::of).transpose()?;
    let fits = read_fits(arguments, folders.as_ref())?;
    let problem = arguments.mixture.pose(&fits.file)?;
    let out = arguments.out.clone().or_else(|| folders.map(|folders| folders.fits));
    if let Some(out) = &out {
        files::check_writable(out).or_input()?;
    }
    let allocation = allocate(&fits, &problem);
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
        print(&allocation);
        if let Some(out) = &out {
            say(&format!("\nallocation in `{}`", out.display()));
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

/// Solves a problem over fits and compares the result with the baselines under the bootstrap draws.
pub fn allocate(fits: &HashedFits, problem: &Problem) -> AllocationFile {
    let single = problem.objective() == Objective::Mean;
    let policies: Vec<Policy> =
        POLICIES.into_iter().filter(|policy| single || !matches!(policy, Policy::DrawsMean | Policy::DrawsTail(_))).collect();
    let comparison = compare(problem, &policies);
    AllocationFile {
        parallot: version().to_owned(),
        source: fits.file.source.clone(),
        fits_sha256: fits.sha256.clone(),
        terms: problem.terms().to_vec(),
        objective: problem.objective().to_string(),
        verdict: comparison.verdict().to_string(),
        budget_path: budget_path(problem, &budgets(problem.budget())),
        pareto_front: pareto_front(problem, FRONT),
        comparison,
    }
}

/// How far beyond the largest run a law may be read without a word, as a factor.
const FAR: f64 = 4.0;

/// Names what a person should know before following the allocation.
fn warn(fits: &FitFile, allocation: &AllocationFile) {
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

/// Prints an allocation for a person.
pub fn print(file: &AllocationFile) {
    let comparison = &file.comparison;
    let moves = file.terms.iter().any(|term| term.current.is_some());
    let rows = comparison.allocation.languages.iter().zip(&comparison.shares).enumerate().map(|(at, (language, share))| {
        let loss = comparison.policies.first().map(|ours| ours.loss_nats[at]);
        let current = file.terms.get(at).and_then(|term| term.current).unwrap_or(0);
        let mut cells = vec![
            language.lang.clone(),
            grouped(language.pairs),
            percent(language.share),
            format!("{} to {}", percent(share.interval_90.lo), percent(share.interval_90.hi)),
            language.epochs.map_or("-".to_owned(), |epochs| format!("{epochs:.2}")),
            loss.map_or("-".to_owned(), |loss| with_interval(loss, nats)),
            match language.active {
                Active::None => "-",
                Active::Lower => "least",
                Active::Floor => "floor",
                Active::Upper => "most",
            }
            .to_owned(),
        ];
        if moves {
            let sign = if language.pairs < current { "\u{2212}" } else { "+" };
            cells.insert(2, format!("{sign}{}", grouped(language.pairs.abs_diff(current))));
        }
        cells
    });
    let mut headings = vec!["language", "pairs", "share", "90 % interval", "epochs", "loss, nats a token", "at bound"];
    if moves {
        headings.insert(2, "move");
    }
    say(&table(&headings, rows));
    for (term, language) in file.terms.iter().zip(&comparison.allocation.languages) {
        let (pairs, worth) = (language.pairs as f64, term.worth(language.pairs as f64));
        if let (true, Some(repetition)) = (worth < pairs, term.repetition) {
            let (lang, r_star) = (&term.lang, eye::significant(repetition.r_star(), 3));
            say(&format!("{} pairs of `{lang}` are worth {} unique ones (R* {r_star})", grouped(language.pairs), grouped(worth as u64)));
        }
    }
    say("");
    let rows = comparison.policies.iter().map(|row| {
        let uniform = row.policy == Policy::Uniform;
        vec![
            row.policy.to_string(),
            nats(row.mean_loss_nats.value),
            nats(row.worst_loss_nats.value),
            if uniform { "-".to_owned() } else { with_interval(row.gain_nats, signed) },
            if uniform { "-".to_owned() } else { format!("{:.2}", row.chance_to_beat_uniform) },
            if row.policy == Policy::Parallot { "-".to_owned() } else { format!("{:.2}", row.chance_parallot_beats) },
        ]
    });
    say(&table(
        &["policy", "mean loss, nats", "worst language", "gain over uniform (90 %)", "chance to beat it", "parallot beats it"],
        rows,
    ));
    if comparison.draws > 0 {
        let regret = comparison.expected_regret_nats;
        let formula = comparison.regret_formula_nats.map_or(String::new(), |formula| format!(", by the formula {}", nats(formula)));
        say(&format!("\nexpected regret against knowing the laws: {} nats{formula}", nats(regret)));
        let noise = nats(comparison.noise_regret_nats);
        say(&format!(
            "noise alone: {noise} nats; gains of parallot are lowered by twice that, for the laws that predict them also chose it (METHODOLOGY.md)"
        ));
    }
    say(&format!("\nverdict on {}: {}", eye::budget(comparison.allocation.budget), file.verdict));
}

fn with_interval(estimate: Estimate, eye: impl Fn(f64) -> String) -> String {
    format!("{} ({} to {})", eye(estimate.value), eye(estimate.interval_90.lo), eye(estimate.interval_90.hi))
}
