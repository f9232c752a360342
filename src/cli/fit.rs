//! `parallot fit`: the laws of an experiment's records.

use super::curves::{self, Outputs};
use super::failure::{Failure, OrFail};
use super::law_table::{HEADINGS, percent, row};
use super::terminal::{note, say, table};
use super::{command, count, joint, mixtures, transfer};
use crate::files;
use crate::fit::surface::SurfaceSettings;
use crate::fit::{Basis, Candidate, Fit, RepetitionFit, Settings};
use crate::law::{Form, SurfaceForm};
use crate::numeric::quantiles::quantile;
use crate::record::Store;
use crate::report::eye::significant;
use crate::report::{csv, draws_parquet};
use crate::study::{FitsOfRecords, Folders, Forms, HashedFits, fit_records, names, report_of};
use crate::sweep::is_simulated;
use crate::units::Estimate;
use clap::Args;
use std::path::{Path, PathBuf};

/// Flags of `parallot fit`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Experiment: a YAML file, or the name of one in `experiments/`
    #[arg(required_unless_present_any = ["curves", "mixtures"])]
    pub experiment: Option<String>,
    /// A table of curves to fit instead: CSV or Parquet with the columns `curve,x,loss` and, where
    /// known, `se,weight,seed,n_params,split,unique`; rows whose split is `predict` are predicted
    #[arg(long, value_name = "FILE", conflicts_with = "experiment")]
    pub curves: Option<PathBuf>,
    /// A table of mixtures to fit instead, of any domains and targets: CSV or Parquet, a run a row,
    /// with columns `p_DOMAIN` (shares) or `x_DOMAIN` (amounts), `loss_TARGET` and, where known,
    /// `run,split,seed,total,n_params`; runs whose split is `predict` are predicted
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "experiment", "curves", "family", "form", "held_back", "n_draws", "seed", "draws",
        ]
    )]
    pub mixtures: Option<PathBuf>,
    /// Losses of the mixtures in a table of their own; the two are joined by their first columns
    #[arg(long, value_name = "FILE", requires = "mixtures")]
    pub metrics: Option<PathBuf>,
    /// Column of the table that names the families whose curves share a prior; each curve is alone
    /// where absent
    #[arg(long, value_name = "COLUMN", requires = "curves")]
    pub family: Option<String>,
    /// Forms to weigh, or `auto` for all laws of the amount; `additive` and `multiplicative`
    /// fit a surface over `n_params` and the amount
    #[arg(long, value_name = "FORM,…", value_delimiter = ',', default_value = "auto")]
    pub form: Vec<String>,
    /// Doublings below the largest size that are held back to weigh the forms
    #[arg(long, value_name = "N", value_parser = count::within::<usize>(0..=64))]
    pub held_back: Option<usize>,
    /// Draws per curve, of which intervals are made
    #[arg(long, value_name = "N", value_parser = count::within::<usize>(count::DRAWS))]
    pub n_draws: Option<usize>,
    /// Seed of the draws
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Write the fits of the table to a file that `allocate --fits` reads; those of an experiment
    /// have their place
    #[arg(long, value_name = "FILE", conflicts_with = "experiment")]
    pub out: Option<PathBuf>,
    /// Write the draws of every law to a Parquet file
    #[arg(long, value_name = "FILE")]
    pub draws: Option<PathBuf>,
    /// Print the fits as JSON, or write them to a file
    #[arg(long, value_name = "OUT", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<String>,
}

impl Arguments {
    fn outputs(&self) -> Outputs<'_> {
        Outputs {
            fits: self.out.as_deref(),
            json: self.json.as_deref(),
            draws: self.draws.as_deref(),
        }
    }
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.mixtures {
        return mixtures::run(
            path,
            arguments.metrics.as_deref(),
            arguments.json.as_deref(),
            arguments.out.as_deref(),
        );
    }
    let forms = forms(arguments)?;
    if let Some(path) = &arguments.curves {
        return curves::run(path, arguments.family.as_deref(), &forms, &arguments.outputs());
    }
    match (&arguments.experiment, forms) {
        (Some(experiment), Forms::Laws(settings) | Forms::Auto(settings, _)) => {
            run_experiment(experiment, settings, arguments)
        }
        (_, Forms::Surfaces(..)) => {
            let error = anyhow::anyhow!(
                "`--form {}` is over model sizes, found one model in an experiment",
                arguments.form.join(",")
            );
            Err(Failure::input(error)
                .hint("`--curves FILE` with a column `n_params` brings several"))
        }
        (None, _) => Err(Failure::input(anyhow::anyhow!(
            "no experiment, no `--curves` and no `--mixtures`, expected one of them"
        ))),
    }
}

fn run_experiment(
    experiment: &str,
    settings: Settings,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let folders = Folders::of(experiment)?;
    let inputs = files::list(&folders.records, "json").or_input()?;
    arguments.outputs().check_apart(inputs.iter().chain([&folders.experiment]))?;
    let (manifest, records) = Store::new(&folders.records).read_sweep().map_err(|error| {
        Failure::input(error).hint(format!("`parallot sweep {experiment}` makes the records"))
    })?;
    files::check_writable(&folders.fits).or_input()?;
    if records.iter().any(is_simulated) {
        note("warning: these records are simulated: their laws say nothing about any language");
    }
    let missing = manifest.runs.len() - records.len();
    if missing > 0 {
        note(&format!(
            "warning: {missing} of {} runs have no record yet; the fit uses the others",
            manifest.runs.len()
        ));
    }
    let FitsOfRecords { file, without_transfer, without_joint } =
        fit_records(&folders.name, &manifest, &records, settings)?;
    if let Some(error) = without_transfer {
        note(&format!("note: transfer is left out: {error}"));
    }
    if let Some(error) = without_joint {
        note(&format!("note: the joint law is left out: {error}"));
    }
    let json = file.to_json().or_work()?;
    files::write(&folders.fits.join("fits.json"), json.as_bytes()).or_work()?;
    let names = names(&manifest);
    let fits = HashedFits { sha256: files::hash(json.as_bytes()), file };
    let mut report = report_of(&fits, None, &records, &names, command());
    // the fits are written beside these files, not read for them
    report.provenance.inputs.retain(|(name, _)| *name == "points");
    let file = &fits.file;
    if !file.fits.is_empty() {
        let (curves, laws) = (csv::curves(&report).or_work()?, csv::laws(&report).or_work()?);
        files::write(&folders.fits.join("curves.csv"), &curves).or_work()?;
        files::write(&folders.fits.join("laws.csv"), &laws).or_work()?;
    }
    if let Some(found) = &file.transfer {
        files::write(&folders.fits.join("transfer.csv"), &csv::transfer(&report, found).or_work()?)
            .or_work()?;
        files::write(&folders.fits.join("untuned.csv"), &csv::untuned(&report, found).or_work()?)
            .or_work()?;
    } else if files::exists(&folders.fits.join("transfer.csv")) {
        note(&format!(
            "warning: `transfer.csv` in `{}` is of earlier fits; these hold no transfer",
            folders.fits.display()
        ));
    }
    if let Some(draws) = &arguments.draws {
        files::write(draws, &draws_parquet(&file.fits.iter().collect::<Vec<_>>()).or_work()?)
            .or_work()?;
    }
    match arguments.json.as_deref() {
        Some("-") => {
            say(&json);
            return Ok(());
        }
        Some(out) => files::write(Path::new(out), json.as_bytes()).or_work()?,
        None => {}
    }
    if !file.fits.is_empty() {
        say(&table(&HEADINGS, file.fits.iter().map(row)));
        let headings = ["form", "weight within", "weight beyond", "held-out error"];
        say(&format!("\n{}", table(&headings, weights(&file.fits))));
    }
    if let Some(text) = repetition(&file.fits) {
        say(&format!("\n{text}"));
    }
    file.transfer.iter().for_each(transfer::print);
    if let Some(fit) = &file.joint {
        if !file.fits.is_empty() {
            say("");
        }
        joint::print(fit);
    }
    say(&format!(
        "\n{} and {} draws in `{}`",
        if file.fits.is_empty() { "the joint law" } else { "laws, curves" },
        file.settings.draws,
        folders.fits.display()
    ));
    Ok(())
}

/// What to fit: laws of the amount, or a surface where its forms are named.
fn forms(arguments: &Arguments) -> Result<Forms, Failure> {
    let surfaces: Result<Vec<SurfaceForm>, _> =
        arguments.form.iter().map(|name| name.parse()).collect();
    let mut surface = SurfaceSettings { seed: arguments.seed, ..SurfaceSettings::default() };
    surface.draws = arguments.n_draws.unwrap_or(surface.draws);
    if let Ok(forms) = surfaces {
        return Ok(Forms::Surfaces(forms, surface));
    }
    let mut settings = Settings { seed: arguments.seed, ..Settings::default() };
    settings.held_back = arguments.held_back.unwrap_or(settings.held_back);
    settings.draws = arguments.n_draws.unwrap_or(settings.draws);
    if arguments.form == ["auto"] {
        return Ok(Forms::Auto(settings, surface));
    }
    let forms = arguments.form.iter().map(|name| name.parse::<Form>()).collect::<Result<_, _>>();
    let hint =
        "`--form auto` weighs all laws of the amount; `additive` and `multiplicative` stand alone";
    settings.forms = forms.map_err(|error| Failure::input(error).hint(hint))?;
    Ok(Forms::Laws(settings))
}

/// Forms by their weight over all curves, within the sizes and beyond, with the median held-out
/// error of what is believed everywhere.
fn weights(fits: &[Fit]) -> Vec<Vec<String>> {
    let row = |form: Form| {
        let of_form = || {
            fits.iter()
                .flat_map(|fit| &fit.candidates)
                .filter(move |candidate| candidate.law.form() == form)
        };
        let share = |weight: fn(&Candidate) -> f64| {
            format!("{:.2}", of_form().map(weight).sum::<f64>() / fits.len() as f64)
        };
        let mut errors: Vec<f64> = of_form()
            .filter(|one| one.reach_efoldings.is_none())
            .filter_map(|one| one.held_out_error)
            .collect();
        errors.sort_by(f64::total_cmp);
        let error =
            if errors.is_empty() { "-".to_owned() } else { percent(quantile(&errors, 0.5)) };
        vec![
            form.name().to_owned(),
            share(|one| one.weight_within),
            share(|one| one.weight_beyond),
            error,
        ]
    };
    let tried = |form: &Form| {
        fits.iter().flat_map(|fit| &fit.candidates).any(|candidate| candidate.law.form() == *form)
    };
    Form::ALL.into_iter().filter(tried).map(row).collect()
}

/// What repeated pairs are worth and what that rests on: a table, or a line where it is the prior
/// of every language.
fn repetition(fits: &[Fit]) -> Option<String> {
    let known: Vec<(&Fit, &RepetitionFit)> =
        fits.iter().filter_map(|fit| Some((fit, fit.repetition.as_ref()?))).collect();
    let of = |repetition: &RepetitionFit| {
        let Estimate { value, interval_90 } = repetition.r_star;
        let [value, lo, hi] =
            [value, interval_90.lo, interval_90.hi].map(|value| significant(value, 3));
        format!("{value} ({lo} to {hi})")
    };
    let (_, first) = known.first()?;
    if known.iter().all(|(_, repetition)| repetition.basis == Basis::Prior) {
        return Some(format!(
            "repeats are worth at most R* = {} passes, by the prior alone: no run repeats a pair",
            of(first)
        ));
    }
    let row = |(fit, repetition): &(&Fit, &RepetitionFit)| {
        let basis =
            if repetition.basis == Basis::Measured { "its own runs" } else { "runs of the others" };
        vec![
            fit.curve.clone(),
            of(repetition),
            basis.to_owned(),
            repetition.points.len().to_string(),
        ]
    };
    Some(table(
        &["curve", "R*, passes (90 %)", "known by", "runs that repeat"],
        known.iter().map(row),
    ))
}
