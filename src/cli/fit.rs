//! `parallot fit`: the laws of an experiment's records.

use super::failure::{Failure, OrFail};
use super::folders::Folders;
use super::report::{names, report_of};
use super::terminal::{note, say, table};
use super::version;
use crate::curve::curves_of_records;
use crate::files;
use crate::fit::{self, Fit, FitFile, Settings};
use crate::law::Form;
use crate::record::{Manifest, RunRecord, Store, points_csv};
use crate::report::csv;
use crate::report::eye::significant;
use crate::sweep::is_simulated;
use crate::units::Lang;
use clap::Args;

/// Flags of `parallot fit`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Experiment: a YAML file, or the name of one in `experiments/`
    pub experiment: String,
    /// Forms to choose from, or `auto` for all of them
    #[arg(long, value_name = "FORM,…", value_delimiter = ',', default_value = "auto")]
    pub form: Vec<String>,
    /// Largest sizes kept back to choose the form
    #[arg(long, value_name = "N")]
    pub held_back: Option<usize>,
    /// Bootstrap refits, of which intervals are made
    #[arg(long, value_name = "N")]
    pub bootstraps: Option<usize>,
    /// Seed of starts and bootstrap
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Print the fits as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the verb.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folders = Folders::of(&arguments.experiment)?;
    let settings = settings(arguments)?;
    let (manifest, records) = Store::new(&folders.records)
        .read_sweep()
        .map_err(|error| Failure::input(error).hint(format!("`parallot sweep {}` makes the records", arguments.experiment)))?;
    files::check_writable(&folders.fits).or_input()?;
    if records.iter().any(is_simulated) {
        note("warning: these records are simulated: their laws say nothing about any language");
    }
    let missing = manifest.runs.len() - records.len();
    if missing > 0 {
        note(&format!("warning: {missing} of {} runs have no record yet; the fit uses the others", manifest.runs.len()));
    }
    let file = fit_records(&folders.name, &manifest, &records, settings)?;
    let json = file.to_json().or_work()?;
    files::write(&folders.fits.join("fits.json"), json.as_bytes()).or_work()?;
    let command = format!("parallot fit {}", arguments.experiment);
    let names = names(&manifest);
    let report = report_of(&file, None, &records, &names, command);
    files::write(&folders.fits.join("curves.csv"), &csv::curves(&report).or_work()?).or_work()?;
    files::write(&folders.fits.join("laws.csv"), &csv::laws(&report).or_work()?).or_work()?;
    if arguments.json {
        say(&json);
        return Ok(());
    }
    say(&table(&["language", "law", "held-out error", "noise", "flags"], file.fits.iter().map(row)));
    say(&format!("\nlaws, curves and {} bootstrap draws in `{}`", file.settings.bootstraps, folders.fits.display()));
    Ok(())
}

fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let mut settings = Settings { seed: arguments.seed, ..Settings::default() };
    if arguments.form != ["auto"] {
        let forms = arguments.form.iter().map(|name| name.parse::<Form>()).collect::<Result<_, _>>();
        let names: Vec<_> = Form::ALL.iter().map(|form| form.name()).collect();
        settings.forms = forms.map_err(|error| Failure::input(error).hint(format!("`--form auto` chooses among {}", names.join(", "))))?;
    }
    settings.held_back = arguments.held_back.unwrap_or(settings.held_back);
    settings.bootstraps = arguments.bootstraps.unwrap_or(settings.bootstraps);
    Ok(settings)
}

/// Fits every language of a sweep. A language that cannot be fitted fails the whole: an allocation without it would be another problem.
pub fn fit_records(name: &str, manifest: &Manifest, records: &[RunRecord], settings: Settings) -> Result<FitFile, Failure> {
    let langs: Vec<Lang> = manifest.corpora.iter().map(|row| row.lang.clone()).collect();
    let curves = curves_of_records(&langs, records).into_iter().collect::<Result<Vec<_>, _>>();
    let hint = "add sizes to the experiment and sweep again";
    let curves = curves.map_err(|error| Failure::input(error).hint(hint))?;
    let unique: Vec<Option<u64>> = manifest.corpora.iter().map(|row| Some(row.train_pairs.0)).collect();
    let fits = fit::fit_all(&curves, &settings, &unique);
    let points = points_csv(records).or_work()?;
    Ok(FitFile {
        parallot: version().to_owned(),
        source: name.to_owned(),
        input_sha256: files::hash(&points),
        settings,
        fits: fits.map_err(|error| Failure::input(error).hint(hint))?,
    })
}

fn row(fit: &Fit) -> Vec<String> {
    let parameters: Vec<String> = fit.law.parameters().iter().map(|(name, value)| format!("{name} {}", significant(*value, 3))).collect();
    let flags: Vec<String> = fit.flags.iter().map(ToString::to_string).collect();
    let held_out = fit.candidates.first().and_then(|best| best.held_out_error);
    vec![
        fit.curve.clone(),
        format!("{}: {}", fit.law.form().name(), parameters.join(", ")),
        held_out.map_or("-".to_owned(), percent),
        percent(fit.noise_log),
        if flags.is_empty() { "-".to_owned() } else { flags.join("; ") },
    ]
}

/// A difference of logarithms as what it nearly is: a relative error.
fn percent(log: f64) -> String {
    format!("{:.2} %", 100.0 * log)
}
