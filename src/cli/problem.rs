//! `parallot allocate --problem FILE`: a problem of any kind from a file, its answer as JSON or as
//! a table.

use super::failure::{Failure, OrFail};
use super::terminal::{note, say, table};
use crate::files;
use crate::fit::FitFile;
use crate::report::answer::{AnswerFile, AnswerLanguage};
use crate::report::eye::percent;
use crate::solver::{self, Fitted, Kernel, PosedProblem, ProblemFile, SolveError, Status, Syntax};
use crate::yaml;
use std::path::Path;
use std::time::Instant;

/// Reads, solves and prints a problem. Exit status, with JSON or without: 0 for amounts, 2 where
/// nothing meets the problem, 1 where nothing was found and nothing proven.
pub(super) fn run(path: &Path, json: bool) -> Result<(), Failure> {
    let problem = read(path)?;
    let start = Instant::now();
    let answer = solver::solve(&problem);
    let file = AnswerFile::new(&problem, &answer, start.elapsed().as_secs_f64());
    if json {
        say(&serde_json::to_string_pretty(&file).or_work()?);
    }
    let solution = answer.map_err(|error| match error {
        SolveError::NoneFound => {
            Failure::work(error).hint("finer grains or `at_most` for `exactly` leave more room")
        }
        error => Failure::input(error),
    })?;
    if !json {
        print(&file);
    }
    if solution.status == Status::Feasible {
        let gap = file.gap.map_or("nothing is proven".to_owned(), |gap| {
            format!("the gap is {gap:.1e} of the reducible loss")
        });
        note(&format!("warning: better amounts may exist: {gap}"));
    }
    Ok(())
}

/// Reads a problem, and the fits that it names.
fn read(path: &Path) -> Result<PosedProblem, Failure> {
    let text = files::read_text(path).or_input()?;
    let syntax = if path.extension().is_some_and(|extension| extension == "json") {
        Syntax::Json
    } else {
        Syntax::Yaml
    };
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::input(anyhow::anyhow!("cannot use problem `{}`: {error}", path.display()))
    };
    if syntax == Syntax::Yaml {
        yaml::checked(&text).map_err(|error| wrong(&error))?;
    }
    let file = ProblemFile::read(&text, syntax).map_err(|error| wrong(&error))?;
    let fits = file
        .fits
        .as_ref()
        .map(|fits| read_fits(&path.parent().unwrap_or(Path::new("")).join(fits)))
        .transpose()?;
    let fitted = |name: &str| {
        let fit = fits
            .as_ref()?
            .fits
            .iter()
            .find(|fit| fit.curve == name || fit.curve.split('_').next() == Some(name))?;
        Some(Fitted {
            law: Kernel::of(&fit.law)?,
            draws: fit.draws.iter().map(Kernel::of).collect::<Option<_>>()?,
        })
    };
    file.parts(fitted)
        .map_err(|error| wrong(&error))
        .and_then(|parts| PosedProblem::new(parts).map_err(|error| wrong(&error)))
}

fn read_fits(path: &Path) -> Result<FitFile, Failure> {
    let text = files::read_text(path).or_input()?;
    FitFile::from_json(&text).map_err(|error| {
        Failure::input(anyhow::anyhow!("cannot read fits `{}`: {error}", path.display()))
    })
}

fn print(file: &AnswerFile) {
    say(&table(
        &["language", "amount", "share", "epochs", "loss", "gain per 1k", "at bound"],
        file.languages.iter().map(row),
    ));
    let number =
        |number: Option<f64>| number.map_or("unknown".to_owned(), |number| number.to_string());
    let (objective, bound) = (number(file.objective), number(file.lower_bound));
    say(&format!("\n{}: objective {objective}, no allocation is below {bound}", file.status));
}

fn row(language: &AnswerLanguage) -> Vec<String> {
    vec![
        language.name.clone(),
        format!("{:.1}", language.amount),
        percent(language.share),
        language.epochs.map_or("-".to_owned(), |epochs| format!("{epochs:.2}")),
        language.loss_interval_90.map_or_else(
            || format!("{:.4}", language.loss),
            |interval| format!("{:.4} ({:.4} to {:.4})", language.loss, interval.lo, interval.hi),
        ),
        format!("{:.3e}", language.marginal_gain_per_1k),
        language.active.to_owned(),
    ]
}
