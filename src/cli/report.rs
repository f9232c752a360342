//! `parallot report`: tables, plots and the page of an experiment's fits and allocation.

use super::allocate::{AllocationFile, fits_of_file};
use super::failure::{Failure, OrFail};
use super::folders::Folders;
use super::headline;
use super::terminal::{note, say};
use crate::files;
use crate::fit::FitFile;
use crate::record::{Manifest, RunRecord, Store};
use crate::report::{Provenance, Report};
use crate::similarity::Similarity;
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Flags of `parallot report`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Experiment: a YAML file, or the name of one in `experiments/`
    pub experiment: String,
    /// Folder to write to; `plots/NAME` beside the experiments where absent
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
}

/// Runs the verb.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folders = Folders::of(&arguments.experiment)?;
    let out = arguments.out.clone().unwrap_or_else(|| folders.plots.clone());
    let fits = fits_of_file(&folders.fits.join("fits.json"))
        .map_err(|failure| failure.hint(format!("`parallot fit {}` makes it", arguments.experiment)))?;
    let validations = headline::validations(&folders)?;
    let allocation = read_allocation(&folders)?.map(|allocation| allocation.judged(&validations)).filter(|allocation| {
        let current = allocation.fits_sha256 == fits.sha256;
        if !current {
            note("warning: the allocation is of other fits and is left out; `parallot allocate` makes a new one");
        }
        current
    });
    let similarity = read_similarity(&folders)?.filter(|similarity| {
        let current = similarity.fits_sha256 == fits.sha256;
        if !current {
            note("warning: the similarities are of other fits and are left out; `parallot similarity` makes new ones");
        }
        current
    });
    let (manifest, records) = Store::new(&folders.records).read_sweep().or_input()?;
    files::check_writable(&out).or_input()?;
    let names = names(&manifest);
    let command = format!("parallot report {}", arguments.experiment);
    let report = report_of(&fits.file, allocation.as_ref(), &records, &names, command);
    let report = Report { similarity: similarity.as_ref(), validations: &validations, fits_sha256: &fits.sha256, ..report };
    for (name, bytes) in report.files().or_work()? {
        files::write(&out.join(name), &bytes).or_work()?;
    }
    say(&format!("report in `{}`", out.join("index.html").display()));
    Ok(())
}

/// The allocation of an experiment, where one has been made.
pub fn read_allocation(folders: &Folders) -> Result<Option<AllocationFile>, Failure> {
    let path = folders.fits.join("allocation.json");
    if !files::exists(&path) {
        return Ok(None);
    }
    parse_allocation(&path).map(Some)
}

fn parse_allocation(path: &Path) -> Result<AllocationFile, Failure> {
    let text = files::read_text(path).or_input()?;
    let read = serde_json::from_str(&text).map_err(|error| anyhow::anyhow!("cannot read allocation `{}`: {error}", path.display()));
    read.map_err(|error| Failure::input(error).hint("if another version wrote it, `parallot allocate` makes a new one"))
}

/// Judges the allocation of an experiment anew by the validations that are there, where one has been made of the fits that are there.
#[cfg(feature = "train")]
pub fn judge_anew(folders: &Folders, fits_sha256: &str) -> Result<(), Failure> {
    let Ok(Some(allocation)) = read_allocation(folders) else { return Ok(()) };
    if allocation.fits_sha256 != fits_sha256 {
        return Ok(());
    }
    let json = serde_json::to_string_pretty(&allocation.judged(&headline::validations(folders)?)).or_work()? + "\n";
    files::write(&folders.fits.join("allocation.json"), json.as_bytes()).or_work()
}

/// What similarity predicts, where that has been computed.
fn read_similarity(folders: &Folders) -> Result<Option<Similarity>, Failure> {
    let path = folders.fits.join("similarity.json");
    if !files::exists(&path) {
        return Ok(None);
    }
    let text = files::read_text(&path).or_input()?;
    let read = serde_json::from_str(&text).map_err(|error| anyhow::anyhow!("cannot read similarities `{}`: {error}", path.display()));
    read.map(Some).map_err(|error| Failure::input(error).hint("`parallot similarity` makes new ones"))
}

/// English names of the languages of a sweep.
pub fn names(manifest: &Manifest) -> BTreeMap<String, String> {
    manifest.corpora.iter().map(|row| (row.lang.code().to_owned(), row.name.clone())).collect()
}

/// The report of some fits, without the validations beside them.
pub fn report_of<'a>(
    fits: &'a FitFile,
    allocation: Option<&'a AllocationFile>,
    records: &'a [RunRecord],
    names: &'a BTreeMap<String, String>,
    command: String,
) -> Report<'a> {
    Report {
        title: &fits.source,
        provenance: Provenance { parallot: fits.parallot.clone(), input_sha256: fits.input_sha256.clone(), command },
        fits: &fits.fits,
        terms: allocation.map_or(&[], |allocation| &allocation.terms),
        comparison: allocation.map(|allocation| &allocation.comparison),
        verdict: allocation.map(AllocationFile::verdict),
        to_know: allocation.and_then(|allocation| allocation.to_know.as_ref()).map(ToString::to_string),
        validations: &[],
        fits_sha256: "",
        path: allocation.map_or(&[], |allocation| &allocation.budget_path),
        front: allocation.map_or(&[], |allocation| &allocation.pareto_front),
        transfer: fits.transfer.as_ref(),
        similarity: None,
        records,
        names,
    }
}
