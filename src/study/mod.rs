//! The workflow as a library: open an experiment, fit its records, pose a problem, solve and
//! compare, write.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use parallot::allocate::{Budget, Problem};
//! use parallot::fit::Settings;
//! use parallot::study::Study;
//!
//! let study = Study::open("experiments/bible-six.yaml")?;
//! let fits = study.fit(&Settings::default())?;
//! let builder = Problem::builder(&fits.file).budget(Budget::Pairs(30_000));
//! let problem = builder.max("ell_Grek", 6_000).build()?;
//! let allocation = study.allocate(&fits, &problem)?;
//! println!("{}", allocation.verdict);
//! study.write(&fits, &allocation, "fits/bible-six".as_ref())?;
//! # Ok(())
//! # }
//! ```
//!
//! Records of a sweep ([`Study::fit`]) and a table of curves ([`fit_table`], [`fits_of_table`]) are
//! two sources of the same [`crate::fit::FitFile`].

mod allocation;
mod curves;
mod error;
mod fits;
mod folders;
pub mod headline;
mod report;

pub use allocation::{AllocationFile, POLICIES};
pub use curves::{Fitted, Forms, fit_table, fits_of_table};
pub use error::StudyError;
pub use fits::{FitsOfRecords, HashedFits, fit_records, fits_of_mixtures};
pub use folders::Folders;
pub use report::{
    judge_anew, names, read_allocation, read_similarity, report_of, write_allocation,
};

use crate::allocate::Problem;
use crate::fit::Settings;
use crate::record::Store;
use std::path::Path;

/// Version and git revision of the program.
pub fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (rev ", env!("PARALLOT_REVISION"), ")")
}

/// An experiment and the folders beside it.
#[derive(Debug, Clone)]
pub struct Study {
    folders: Folders,
}

impl Study {
    /// The study of an experiment, given by its file, or by its name below `experiments/`.
    pub fn open(experiment: &str) -> Result<Self, StudyError> {
        Folders::of(experiment).map(|folders| Study { folders })
    }

    /// Where its files are.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// Fits the records that are there.
    pub fn fit(&self, settings: &Settings) -> Result<HashedFits, StudyError> {
        let (manifest, records) = Store::new(&self.folders.records).read_sweep()?;
        HashedFits::of(fit_records(&self.folders.name, &manifest, &records, settings.clone())?.file)
    }

    /// The fits that are kept.
    pub fn fits(&self) -> Result<HashedFits, StudyError> {
        HashedFits::read(&self.folders.fits.join("fits.json"))
    }

    /// The optimum of a problem beside the baselines, judged by the validations that are kept.
    pub fn allocate(
        &self,
        fits: &HashedFits,
        problem: &Problem,
    ) -> Result<AllocationFile, StudyError> {
        Ok(AllocationFile::new(fits, problem)?.judged(&headline::validations(&self.folders)?))
    }

    /// Writes `fits.json`, `allocation.json` and `allocation.csv` to a folder.
    pub fn write(
        &self,
        fits: &HashedFits,
        allocation: &AllocationFile,
        out: &Path,
    ) -> Result<(), StudyError> {
        crate::files::write(&out.join("fits.json"), fits.file.to_json()?.as_bytes())?;
        write_allocation(fits, allocation, "parallot as a library", out)
    }
}
