//! The report of some fits: what the pages, tables and plots are made from.

use super::{AllocationFile, Folders, HashedFits, StudyError, headline, version};
use crate::files;
use crate::record::{Manifest, RunRecord};
use crate::report::{Provenance, Report, csv};
use crate::similarity::Similarity;
use std::collections::BTreeMap;
use std::path::Path;

/// The allocation of an experiment, where one has been made.
pub fn read_allocation(folders: &Folders) -> Result<Option<AllocationFile>, StudyError> {
    files::read_json_if_there(&folders.fits.join("allocation.json"), |path, cause| {
        StudyError::Allocation { path, cause }
    })
}

/// Judges the allocation of an experiment anew by the validations that are there, where one has
/// been made of the fits that are there.
pub fn judge_anew(folders: &Folders, fits_sha256: &str) -> Result<(), StudyError> {
    let Ok(Some(allocation)) = read_allocation(folders) else { return Ok(()) };
    if allocation.fits_sha256 != fits_sha256 {
        return Ok(());
    }
    let json =
        serde_json::to_string_pretty(&allocation.judged(&headline::validations(folders)?))? + "\n";
    Ok(files::write(&folders.fits.join("allocation.json"), json.as_bytes())?)
}

/// What similarity predicts, where that has been computed.
pub fn read_similarity(folders: &Folders) -> Result<Option<Similarity>, StudyError> {
    files::read_json_if_there(&folders.fits.join("similarity.json"), |path, cause| {
        StudyError::Similarity { path, cause }
    })
}

/// Writes `allocation.json` and `allocation.csv` to a folder; `command` is what made them.
pub fn write_allocation(
    fits: &HashedFits,
    allocation: &AllocationFile,
    command: &str,
    out: &Path,
) -> Result<(), StudyError> {
    let commanded = AllocationFile { command: Some(command.to_owned()), ..allocation.clone() };
    let json = serde_json::to_string_pretty(&commanded)? + "\n";
    files::write(&out.join("allocation.json"), json.as_bytes())?;
    let names = BTreeMap::new();
    let report = report_of(fits, Some(allocation), &[], &names, command.to_owned());
    Ok(files::write(
        &out.join("allocation.csv"),
        &csv::allocation(&report, &allocation.comparison)?,
    )?)
}

/// English names of the languages of a sweep.
pub fn names(manifest: &Manifest) -> BTreeMap<String, String> {
    manifest.corpora.iter().map(|row| (row.lang.code().to_owned(), row.name.clone())).collect()
}

/// The report of some fits, without the validations beside them.
pub fn report_of<'a>(
    fits: &'a HashedFits,
    allocation: Option<&'a AllocationFile>,
    records: &'a [RunRecord],
    names: &'a BTreeMap<String, String>,
    command: String,
) -> Report<'a> {
    Report {
        title: &fits.file.source,
        provenance: Provenance {
            parallot: version().to_owned(),
            command,
            inputs: vec![("points", fits.file.input_sha256.clone()), ("fits", fits.sha256.clone())],
        },
        fits: &fits.file.fits,
        terms: allocation.map_or(&[], |allocation| &allocation.terms),
        comparison: allocation.map(|allocation| &allocation.comparison),
        verdict: allocation.map(AllocationFile::verdict),
        worth: allocation.and_then(AllocationFile::worth),
        to_know: allocation
            .and_then(|allocation| allocation.to_know.as_ref())
            .map(ToString::to_string),
        validations: &[],
        fits_sha256: &fits.sha256,
        path: allocation.map_or(&[], |allocation| &allocation.budget_path),
        front: allocation.map_or(&[], |allocation| &allocation.pareto_front),
        transfer: fits.file.transfer.as_ref(),
        joint: fits.file.joint.as_ref(),
        similarity: None,
        records,
        names,
    }
}
