//! `parallot export`: an allocation as a trainer's configuration and exact data files.

mod arguments;
#[cfg(feature = "train")]
mod counter;
#[cfg(not(feature = "train"))]
#[path = "no_counter.rs"]
mod counter;
mod fitting;
mod rows;

pub(super) use arguments::Arguments;

use super::failure::{Failure, OrFail};
use super::mixture::quoted;
use super::terminal::{note, say};
use super::text;
use super::written;
use crate::allocate::{Policy, PolicyRow};
use crate::corpus::{Bitext, Tongue};
use crate::export::{self, Plan, Portion, Settings, Trainer};
use crate::files;
use crate::report::eye::grouped;
use crate::spec::Experiment;
use crate::study::headline::validations;
use crate::study::{AllocationFile, Folders, read_allocation};
use counter::Counter;
use rows::Wish;
use std::path::Path;

/// Most rows of an export, some hundred gigabytes.
const MOST_ROWS: u64 = 1_000_000_000;

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let settings = arguments.settings()?;
    let counter = Counter::of(arguments, &settings)?;
    let folders = Folders::of(&arguments.experiment)?;
    let mut experiment = folders.read()?;
    let allocation = allocation(arguments, &folders)?;
    let chosen = chosen(&allocation, arguments.policy.as_deref())?;
    let total: u64 = chosen.pairs.iter().sum();
    if total > MOST_ROWS {
        let error = anyhow::anyhow!(
            "`{}` has {} pairs, expected at most {} to write",
            chosen.policy,
            grouped(total),
            grouped(MOST_ROWS)
        );
        return Err(Failure::input(error).hint(
            "a trainer reads a row for each of them; `parallot allocate \
            --budget N` makes a smaller one",
        ));
    }
    files::check_writable(&arguments.out).or_input()?;
    let bitexts = text::read(&experiment, &folders, &arguments.text)?;
    let tongues = instructions(arguments, &mut experiment, &folders)?;
    let wish = Wish { experiment: &experiment, seed: arguments.seed, counter: counter.as_ref() };
    let portions = portions(&wish, &allocation, chosen, &bitexts, &tongues)?;
    let stamp = format!(
        "parallot {}, fits sha256 {}, policy {}",
        allocation.parallot, allocation.fits_sha256, chosen.policy
    );
    let hash =
        plan_hash(arguments, &stamp, &settings, &experiment, (&portions, &bitexts, &tongues));
    tell_long(arguments, &portions, settings.limit);
    let plan = Plan::new(settings, portions, &stamp, &hash, arguments.seed).or_work()?;
    let exported = export::export(&plan).or_work()?;
    written::write(&exported, &arguments.out, &stamp, arguments.force)?;
    tell(&allocation, chosen.policy);
    let (out, count) = (arguments.out.display(), exported.data.len());
    say(&format!(
        "{} training rows in {count} data files, `realised.csv` and `README.md` in `{out}`",
        grouped(plan.rows())
    ));
    match &exported.start {
        Some(start) => say(&next(&arguments.out, start)),
        None => say(&next(&arguments.out, "python3 check_counts.py")),
    }
    Ok(())
}

/// The line that starts the trainer; a comment behind the command stays outside of its brackets.
fn next(out: &Path, start: &str) -> String {
    let (command, comment) = start
        .split_once("  # ")
        .map_or((start, String::new()), |(command, then)| (command, format!("  # {then}")));
    format!("next: (cd {} && {command}){comment}", quoted(&out.display().to_string()))
}

/// The allocation of an experiment, which must be of the fits that are there.
fn allocation(arguments: &Arguments, folders: &Folders) -> Result<AllocationFile, Failure> {
    let Some(allocation) = read_allocation(folders)? else {
        let error = anyhow::anyhow!(
            "`{}` has no allocation, expected `allocation.json` in `{}`",
            folders.name,
            folders.fits.display()
        );
        return Err(Failure::input(error)
            .hint(format!("`parallot allocate {} --budget N` makes it", arguments.experiment)));
    };
    let allocation = allocation.judged(&validations(folders)?);
    let fits = folders.fits.join("fits.json");
    if files::hash(&files::read(&fits).or_input()?) != allocation.fits_sha256 {
        let error = anyhow::anyhow!(
            "the allocation in `{}` is of other fits than `fits.json` there",
            folders.fits.display()
        );
        return Err(Failure::input(error).hint(format!(
            "`parallot allocate {} --budget N` makes a new one",
            arguments.experiment
        )));
    }
    Ok(allocation)
}

/// Instruction data of the recipe, where the trainer can read them.
fn instructions(
    arguments: &Arguments,
    experiment: &mut Experiment,
    folders: &Folders,
) -> Result<Vec<Tongue>, Failure> {
    if arguments.to == Trainer::Tsv && experiment.tuning.instructions.is_some() {
        note("note: the instruction data of the recipe are left out: they are no translations");
        return Ok(Vec::new());
    }
    text::instructions(experiment, folders, &arguments.text)
}

/// What each language gets, and instruction data in the languages that the recipe names.
fn portions<'a>(
    wish: &Wish<'a>,
    allocation: &AllocationFile,
    chosen: &PolicyRow,
    bitexts: &'a [Bitext],
    tongues: &'a [Tongue],
) -> Result<Vec<Portion<'a>>, Failure> {
    let (mut portions, mut own) = (Vec::new(), Vec::new());
    for (language, &pairs) in allocation.comparison.allocation.languages.iter().zip(&chosen.pairs) {
        let bitext = bitexts.iter().find(|bitext| bitext.lang.code() == language.lang);
        let bitext = bitext.ok_or_else(|| {
            anyhow::anyhow!(
                "the allocation names `{}`, which the experiment has not",
                language.lang
            )
        });
        let bitext = bitext.or_input()?;
        own.extend(Some(&bitext.lang).filter(|_| pairs > 0));
        portions.push(rows::of_pairs(wish, bitext, pairs)?);
    }
    if !tongues.is_empty() {
        portions.extend(rows::of_instructions(wish, tongues, &own)?);
    }
    Ok(portions)
}

/// What names a plan in paths: eight digits of the hash of all that decides its rows.
fn plan_hash(
    arguments: &Arguments,
    stamp: &str,
    settings: &Settings,
    experiment: &Experiment,
    (portions, bitexts, tongues): (&[Portion], &[Bitext], &[Tongue]),
) -> String {
    let Arguments { to, seed, format, limit, tokenizer, replace_long, .. } = arguments;
    let mut lines = format!(
        "{stamp}\n{} {seed} {format:?} {limit:?} {tokenizer:?} {replace_long}\n",
        to.name()
    );
    lines += &format!(
        "{settings:?} {:?} {}\n",
        experiment.tuning.direction, experiment.evaluation.pairs
    );
    lines.extend(bitexts.iter().map(|bitext| format!("{}\n", bitext.name)));
    lines.extend(
        portions
            .iter()
            .map(|portion| format!("{} {} {}\n", portion.name, portion.drawn, portion.replaced)),
    );
    lines.extend(
        bitexts.iter().map(|bitext| format!("{} {}\n", bitext.train.hash(), bitext.dev.hash())),
    );
    lines += &Tongue::hash(tongues);
    files::hash(lines.as_bytes())[..8].to_owned()
}

/// Rows above the limit that stay, and those that were replaced.
fn tell_long(arguments: &Arguments, portions: &[Portion], limit: u32) {
    for portion in portions {
        let over = portion.rows_over(limit).unwrap_or(0);
        if over > 0 {
            let (name, drawn) = (&portion.name, grouped(portion.drawn));
            note(&format!(
                "note: `{name}`: {} of {drawn} rows have more than {limit} tokens; {}",
                grouped(over),
                arguments.of_long_rows()
            ));
        }
        if portion.replaced > 0 {
            note(&format!(
                "note: `{}`: those that follow stand in the place of {} long rows",
                portion.name,
                grouped(portion.replaced)
            ));
        }
    }
}

/// The policy to write: the one asked for, or else the recommended one.
fn chosen<'a>(
    allocation: &'a AllocationFile,
    asked: Option<&str>,
) -> Result<&'a PolicyRow, Failure> {
    let rows = &allocation.comparison.policies;
    let names =
        || rows.iter().map(|row| format!("`{}`", row.policy)).collect::<Vec<_>>().join(", ");
    if let Some(name) = asked {
        let row = rows.iter().find(|row| row.policy.to_string() == name);
        return row.ok_or_else(|| {
            let error =
                anyhow::anyhow!("`--policy` names `{name}`, expected a policy of the allocation");
            Failure::input(error).hint(format!("its policies are {}", names()))
        });
    }
    let Some(recommended) = allocation.recommended else {
        let error = anyhow::anyhow!(
            "the allocation recommends no policy, expected one to write: {}",
            allocation.verdict
        );
        return Err(
            Failure::input(error).hint(format!("`--policy POLICY` chooses one of {}", names()))
        );
    };
    let row = rows.iter().find(|row| row.policy == recommended);
    row.ok_or_else(|| {
        Failure::input(anyhow::anyhow!(
            "the allocation has no row of `{recommended}`, which it recommends"
        ))
    })
}

/// Which policy is written, and why, or why not.
fn tell(allocation: &AllocationFile, written: Policy) {
    let verdict = allocation.verdict();
    match verdict.recommended() {
        Some(recommended) if recommended == written => {
            say(&format!("policy `{written}`, as recommended: {verdict}"))
        }
        Some(recommended) => {
            say(&format!("policy `{written}`, as asked for"));
            note(&format!("note: the recommended policy is `{recommended}`: {verdict}"));
        }
        None => {
            say(&format!("policy `{written}`, as asked for"));
            note(&format!("note: no policy is recommended: {verdict}"));
        }
    }
}
