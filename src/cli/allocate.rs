//! `parallot allocate`: a budget over languages by fitted laws.

use super::failure::{Failure, OrFail};
use super::mixture::{MixtureArguments, quoted, typed};
use super::shares::{self, ShareArguments};
use super::terminal::{note, say};
use super::{command, comparison};
use crate::allocate::{Active, BaselinePath, Policy, Verdict};
use crate::files;
use crate::fit::{Fit, FitFile};
use crate::report::eye::{self, grouped};
use crate::study::headline::{Asked, ToKnow, validations};
use crate::study::{AllocationFile, Folders, HashedFits, write_allocation};
use clap::Args;
use std::path::PathBuf;

/// The fits that the program brings: those of `experiments/bible-six.yaml`.
const SHIPPED: &str = include_str!("../../fits/bible-six/fits.json");

/// Flags of `parallot allocate`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
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
    /// What fits of mixtures can be asked for beside
    #[command(flatten)]
    pub shares: ShareArguments,
    /// Say what the gain is worth in pairs of this baseline, like `proportional` or
    /// `temperature-3.3`
    #[arg(
        long,
        value_name = "POLICY",
        default_value = "uniform",
        conflicts_with = "problem",
        value_parser = baseline
    )]
    pub equivalent: Policy,
    /// Print the allocation as JSON
    #[arg(long)]
    pub json: bool,
    /// Whether models are tuned on the allocation next, so that nobody need be told how to.
    #[arg(skip)]
    pub is_tried_next: bool,
    /// Folder to write `allocation.json` and `allocation.csv` to; that of the experiment's fits
    /// where one is given
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// A policy that can be asked for at any budget.
fn baseline(name: &str) -> Result<Policy, String> {
    let policy = name.parse::<Policy>().ok().filter(|policy| {
        !matches!(policy, Policy::Parallot | Policy::Current) && !policy.is_of_draws()
    });
    policy.ok_or_else(|| {
        "expected a baseline: `uniform`, `proportional`, `temperature-3.3`, `unimax-4`".to_owned()
    })
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.problem {
        return super::problem::run(path, arguments.json);
    }
    let folders = arguments.experiment.as_deref().map(Folders::of).transpose()?;
    let fits = read_fits(arguments, folders.as_ref())?;
    if let Some(mixtures) = &fits.file.mixtures {
        if arguments.equivalent != Policy::Uniform {
            let error = anyhow::anyhow!(
                "`--equivalent` does not go with fits of mixtures, expected laws of languages"
            );
            return Err(Failure::input(error));
        }
        let (flags, own, out) = (&arguments.mixture, &arguments.shares, arguments.out.as_deref());
        return shares::run(
            &shares::Asked { flags, own, out, json: arguments.json },
            &fits,
            mixtures,
        );
    }
    if let Some(flag) = arguments.shares.given() {
        let error = anyhow::anyhow!("`{flag}` goes with fits of mixtures, found laws of languages");
        return Err(Failure::input(error)
            .hint("`parallot fit --mixtures FILE --out fits.json` makes fits of mixtures"));
    }
    let problem = arguments.mixture.pose(&fits.file)?;
    let out =
        arguments.out.clone().or_else(|| folders.as_ref().map(|folders| folders.fits.clone()));
    if let Some(out) = &out {
        files::check_writable(out).or_input()?;
    }
    let validations = folders.as_ref().map_or_else(|| Ok(Vec::new()), validations)?;
    let mut allocation = AllocationFile::new(&fits, &problem)?.judged(&validations);
    if arguments.equivalent != Policy::Uniform {
        allocation.baseline_path = BaselinePath::new(&problem, arguments.equivalent);
        if allocation.worth().is_none() {
            let policy = arguments.equivalent;
            note(&format!(
                "note: what the gain is worth in pairs of `{policy}` is not known: it is not \
                compared, or no budget of it is near enough"
            ));
        }
    }
    if !arguments.is_tried_next {
        let (flags, experiment) =
            (typed(&arguments.mixture), arguments.experiment.as_deref().map(quoted));
        let asked = experiment.as_deref().zip(folders.as_ref());
        let asked = asked.map(|(experiment, folders)| Asked { experiment, folders, flags: &flags });
        allocation.to_know =
            ToKnow::new(&allocation.verdict(), &problem, &allocation.comparison, &fits.file, asked);
    }
    warn(&fits.file, &allocation, problem.is_joint());
    if arguments.mixture.transfer || problem.is_joint() {
        warn_of_totals(&fits.file, &allocation);
    }
    allocation.command = Some(command());
    if let Some(out) = &out {
        write_allocation(&fits, &allocation, &command(), out)?;
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
            say(&format!(
                "`parallot export {experiment}` writes uniform; with `--policy parallot` the \
                allocation above"
            ));
        }
    }
    Ok(())
}

fn read_fits(arguments: &Arguments, folders: Option<&Folders>) -> Result<HashedFits, Failure> {
    match (&arguments.fits, folders) {
        (Some(path), _) => Ok(HashedFits::read(path)?),
        (None, Some(folders)) => fits_of(folders),
        (None, None) => {
            note(
                "note: these are the laws shipped with the program, of a 1 M-parameter model on \
                Bible text; yours will differ",
            );
            Ok(HashedFits::parse(SHIPPED, "the shipped fits")?)
        }
    }
}

/// The fits that are kept for an experiment.
pub(super) fn fits_of(folders: &Folders) -> Result<HashedFits, Failure> {
    let hint = format!("`parallot fit {}` makes them", folders.experiment.display());
    let fits = HashedFits::read(&folders.fits.join("fits.json"))
        .map_err(|error| Failure::from(error).hint(&hint))?;
    if fits.file.mixtures.is_some() {
        let error = anyhow::anyhow!(
            "the fits of `{}` are of mixtures of a table, expected laws of its languages",
            folders.name
        );
        return Err(Failure::input(error).hint(
            "`parallot allocate --fits FILE` reads fits of mixtures; `parallot fit NAME` \
            makes those of an experiment",
        ));
    }
    Ok(fits)
}

/// How far beyond the largest run a law may be read without a word, as a factor.
const FAR: f64 = 4.0;

/// Names what a person should know before following the allocation.
fn warn(fits: &FitFile, allocation: &AllocationFile, is_joint: bool) {
    if let Some(warning) = allocation.verdict().warning() {
        note(&format!(
            "warning: {warning}; gap {} of the reducible loss",
            eye::significant(allocation.comparison.allocation.gap, 2)
        ));
    }
    let languages = &allocation.comparison.allocation.languages;
    let held: Vec<String> = (languages.iter().filter(|language| language.active == Active::Floor))
        .map(|language| format!("`{}` at {}", language.lang, grouped(language.pairs)))
        .collect();
    if !held.is_empty() {
        let least = if is_joint {
            "the least that its mixtures looked at"
        } else {
            "half of the smallest size that was run"
        };
        note(&format!("note: held at {least}, or at half of an even share: {}", held.join(", ")));
        note(
            "hint: `--min LANG=0` lets a language have fewer pairs, where its law is read far \
            below its runs",
        );
    }
    let joint = fits.joint.as_ref().filter(|_| is_joint);
    let trusted = |fit: &Fit| joint.map_or(0.5 * fit.smallest_run(), |joint| joint.trusted_from);
    let below: Vec<String> = (fits.fits.iter().zip(languages.iter().zip(&allocation.terms)))
        .filter(|(fit, (language, term))| {
            term.weight > 0.0 && (language.pairs as f64) < trusted(fit)
        })
        .map(|(fit, (language, _))| {
            format!(
                "`{}` {} of {}",
                language.lang,
                grouped(language.pairs),
                grouped(fit.smallest_run() as u64)
            )
        })
        .collect();
    if !below.is_empty() {
        note(&format!(
            "warning: far fewer pairs than the smallest run, where laws are extrapolated \
            downwards: {}",
            below.join(", ")
        ));
    }
    for (fit, language) in fits.fits.iter().zip(languages) {
        let largest = fit.largest_run();
        if language.pairs as f64 > FAR * largest {
            let (pairs, lang, largest) =
                (grouped(language.pairs), &language.lang, grouped(largest as u64));
            note(&format!(
                "warning: {pairs} pairs of `{lang}` are far beyond its largest run, {largest} \
                pairs; intervals are too narrow there"
            ));
        }
    }
}

/// What languages take from each other was fitted to mixtures of some size.
fn warn_of_totals(fits: &FitFile, allocation: &AllocationFile) {
    let total: u64 = allocation.comparison.allocation.pairs().iter().sum();
    let of_transfer = || fits.transfer.as_ref().and_then(|transfer| transfer.largest_pairs);
    let largest = fits.joint.as_ref().map(|joint| joint.totals.1).or_else(of_transfer);
    if let Some(largest) = largest.filter(|largest| total as f64 > FAR * largest) {
        let (total, largest) = (grouped(total), grouped(largest as u64));
        note(&format!(
            "warning: {total} pairs are far beyond the largest mixture, {largest} pairs; what \
            languages take from each other is extrapolated"
        ));
    }
}
