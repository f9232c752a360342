//! The command line: flags to checked values, one file a verb; the only stdout, stderr, environment
//! and clock.

mod allocate;
mod allocator;
mod apart;
#[cfg(feature = "train")]
mod bench;
mod comparison;
mod constraint;
mod count;
mod curves;
#[cfg(feature = "train")]
mod evaluate;
mod export;
mod failure;
mod fit;
#[cfg(feature = "train")]
mod hub;
mod import;
mod joint;
mod law_table;
mod mixture;
mod mixtures;
mod plan;
mod problem;
mod quickstart;
mod report;
mod shares;
#[cfg(feature = "train")]
mod similarity;
mod sweep;
mod terminal;
mod text;
mod transfer;
#[cfg(feature = "train")]
mod validate;
mod written;

pub use allocator::Allocator;

use crate::study::version;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use failure::Failure;
use std::panic;
use std::process::ExitCode;

/// Decides how many translation pairs each language gets when the budget is limited.
#[derive(Debug, Parser)]
#[command(
    name = "parallot",
    version = version(),
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Do all of it on languages that the program makes itself: runs, laws, allocation, report, in
    /// a few minutes on a CPU
    Quickstart(quickstart::Arguments),
    /// Design the models that decide a budget, and say when they are enough
    Plan(plan::Arguments),
    /// Run the small training runs of an experiment that are missing
    Sweep(sweep::Arguments),
    /// Turn the logs of trainers and evaluators into curves to be fitted
    Import(import::Arguments),
    /// Fit the loss laws of an experiment's records
    Fit(fit::Arguments),
    /// Allocate a budget of translation pairs by fitted laws
    Allocate(allocate::Arguments),
    /// Score a model's translations and answers, or two text files, and look at its layers
    #[cfg(feature = "train")]
    Evaluate(Box<evaluate::Arguments>),
    /// Draw the plots and the page of an experiment's fits and allocation
    Report(report::Arguments),
    /// Write the data files and the configuration of an allocation for a trainer
    Export(export::Arguments),
    /// Tune models on an allocation and on the baselines, and say who won
    #[cfg(feature = "train")]
    Validate(validate::Arguments),
    /// Compute how similar languages are to English, and how well that predicts a language that was
    /// never run
    #[cfg(feature = "train")]
    Similarity(similarity::Arguments),
    /// Measure how fast this machine trains
    #[cfg(feature = "train")]
    Bench(bench::Arguments),
}

/// The command as it was typed, quoted where a shell needs it.
fn command() -> String {
    let words = std::env::args_os().skip(1).map(|word| mixture::quoted(&word.to_string_lossy()));
    std::iter::once("parallot".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Parses the arguments of the process and runs the verb. Exit status: 0 done, 1 the work failed, 2
/// wrong usage or input.
pub fn main() -> ExitCode {
    // SAFETY: the first thing that the process does, before any thread
    #[cfg(feature = "train")]
    unsafe {
        crate::train::keep_candle_on_its_thread();
    }
    let cli = match Cli::command()
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => {
            // clap's own text and exit codes: 0 for help and version, which are results, 2 for
            // usage
            terminal::keep(error.print());
            return match error.exit_code() {
                0 => ended(terminal::all_said()),
                code => ExitCode::from(u8::try_from(code).unwrap_or(2)),
            };
        }
    };
    quiet_panics();
    let done = panic::catch_unwind(|| run(cli.verb)).unwrap_or_else(|_| {
        let fault = Failure::work(anyhow::anyhow!("a fault of parallot itself, not of its input"));
        Err(fault.hint(
            "`RUST_BACKTRACE=1` in the environment shows where; please report it with the command",
        ))
    });
    ended(done.and_then(|()| terminal::all_said()))
}

/// The exit status, once what failed is said.
fn ended(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::note(&failure.to_string());
            ExitCode::from(failure.status())
        }
    }
}

/// Readers turn panics of polars on damaged files into errors, and `main` all others: nobody is to
/// read of them beside, unless a backtrace is asked for.
fn quiet_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        panic::set_hook(Box::new(|_| {}));
    }
}

fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Quickstart(arguments) => quickstart::run(&arguments),
        Verb::Plan(arguments) => plan::run(&arguments),
        Verb::Sweep(arguments) => sweep::run(&arguments),
        Verb::Import(arguments) => import::run(&arguments),
        Verb::Fit(arguments) => fit::run(&arguments),
        Verb::Allocate(arguments) => allocate::run(&arguments),
        #[cfg(feature = "train")]
        Verb::Evaluate(arguments) => evaluate::run(&arguments),
        Verb::Report(arguments) => report::run(&arguments),
        Verb::Export(arguments) => export::run(&arguments),
        #[cfg(feature = "train")]
        Verb::Validate(arguments) => validate::run(&arguments),
        #[cfg(feature = "train")]
        Verb::Similarity(arguments) => similarity::run(&arguments),
        #[cfg(feature = "train")]
        Verb::Bench(arguments) => bench::run(&arguments),
    }
}
