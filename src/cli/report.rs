//! `parallot report`: tables, plots and the page of an experiment's fits and allocation.

use super::allocate::fits_of;
use super::command;
use super::failure::{Failure, OrFail};
use super::terminal::{note, say};
use crate::files;
use crate::record::Store;
use crate::report::Report;
use crate::study::headline::validations;
use crate::study::{Folders, names, read_allocation, read_similarity, report_of};
use clap::Args;
use std::path::PathBuf;

/// Flags of `parallot report`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Experiment: a YAML file, or the name of one in `experiments/`
    pub experiment: String,
    /// Folder to write to; `plots/NAME` beside the experiments where absent
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folders = Folders::of(&arguments.experiment)?;
    let out = arguments.out.clone().unwrap_or_else(|| folders.plots.clone());
    let fits = fits_of(&folders)?;
    let validations = validations(&folders)?;
    let allocation = read_allocation(&folders)?
        .map(|allocation| allocation.judged(&validations))
        .filter(|allocation| {
            let current = allocation.fits_sha256 == fits.sha256;
            if !current {
                note(
                    "warning: the allocation is of other fits and is left out; `parallot allocate` \
            makes a new one",
                );
            }
            current
        });
    let similarity = read_similarity(&folders)?.filter(|similarity| {
        let current = similarity.fits_sha256 == fits.sha256;
        if !current {
            note(
                "warning: the similarities are of other fits and are left out; `parallot \
            similarity` makes new ones",
            );
        }
        current
    });
    let (manifest, records) = Store::new(&folders.records).read_sweep().or_input()?;
    files::check_writable(&out).or_input()?;
    let names = names(&manifest);
    let report = report_of(&fits, allocation.as_ref(), &records, &names, command());
    let report = Report { similarity: similarity.as_ref(), validations: &validations, ..report };
    for (name, bytes) in report.files().or_work()? {
        files::write(&out.join(name), &bytes).or_work()?;
    }
    say(&format!("report in `{}`", out.join("index.html").display()));
    Ok(())
}
