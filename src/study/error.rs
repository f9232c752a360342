//! Why a study cannot go on, and what a person can do about it.

use crate::allocate::{BuildError, SolveError};
use crate::curve::{CurveError, TableError};
use crate::design;
use crate::files::FileError;
use crate::fit::FitError;
use crate::fit::joint::JointError;
use crate::record::RecordError;
use crate::report::ReportError;
use crate::spec::SpecError;
use std::path::PathBuf;

/// Why a study cannot go on.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum StudyError {
    /// A name that is no file, and no YAML in `experiments/`.
    #[error(
        "no experiment `{experiment}`, expected a YAML file or the name of one in `experiments/`"
    )]
    NoExperiment { experiment: String },
    /// A YAML whose name would name another folder than its own, like `..yaml`.
    #[error(
        "experiment `{}` is called `{name}`, expected a name that a folder can have",
        path.display()
    )]
    Called { path: PathBuf, name: String },
    /// A file of fits that is damaged, or of a version that is not read.
    #[error("cannot read fits `{name}`: {cause}")]
    Fits { name: String, cause: serde_json::Error },
    /// An `allocation.json` that is damaged, or of another version.
    #[error("cannot read allocation `{}`: {cause}", path.display())]
    Allocation { path: PathBuf, cause: serde_json::Error },
    /// A file of a validation that is damaged, or of another version.
    #[error("cannot read validation `{}`: {cause}", path.display())]
    Validation { path: PathBuf, cause: serde_json::Error },
    /// A `similarity.json` that is damaged, or of another version.
    #[error("cannot read similarities `{}`: {cause}", path.display())]
    Similarity { path: PathBuf, cause: serde_json::Error },
    /// A `design.csv` that is damaged, or of other languages.
    #[error("cannot read design `{}`: {cause}", path.display())]
    Design { path: PathBuf, cause: design::TableError },
    /// A curve over several model sizes, where fits are to be kept of which each is a law of pairs
    /// alone.
    #[error(
        "`{curve}` is fitted by a surface over model sizes, expected a law of the amount alone"
    )]
    Surface { curve: String },
    /// A table none of whose curves has a law.
    #[error("no curve of the table could be fitted, expected at least one")]
    NothingFitted,
    /// A file that cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// An experiment that does not hold.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A record or its folder that cannot be used.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// Points that are not a curve.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// A file that is no table of curves.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A curve without a law.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// A design of pooled models without a law.
    #[error(transparent)]
    Joint(#[from] JointError),
    /// What was asked for is no problem over the fits.
    #[error(transparent)]
    Problem(#[from] BuildError),
    /// A problem without an allocation.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A report that could not be rendered.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A result that does not go into JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl StudyError {
    /// What a person can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            StudyError::NoExperiment { .. } => Some("`parallot quickstart` makes one to copy from"),
            StudyError::Called { .. } => Some("rename the file, like `experiments/tiny.yaml`"),
            StudyError::Allocation { .. } => {
                Some("if another version wrote it, `parallot allocate` makes a new one")
            }
            StudyError::Validation { .. } => {
                Some("`parallot validate` writes it again from its records")
            }
            StudyError::Similarity { .. } => Some("`parallot similarity` makes new ones"),
            StudyError::Design { .. } => Some(
                "`parallot plan` writes it; a copy of the experiment under a new name has none",
            ),
            StudyError::Surface { .. } => {
                Some("leave out the column `n_params`, or keep the rows of one model size")
            }
            StudyError::Curve(_) | StudyError::Fit(_) => {
                Some("add sizes to the experiment and sweep again")
            }
            StudyError::Joint(_) => Some(
                "`parallot plan` designs the models that are missing, `parallot sweep` tunes them",
            ),
            StudyError::Table(_) => Some(
                "the columns are `curve,x,loss` and, where known, \
                `se,weight,seed,n_params,split,unique`; `parallot import` makes them from logs",
            ),
            _ => None,
        }
    }

    /// Whether the work failed, not what it was given.
    pub fn is_of_work(&self) -> bool {
        matches!(
            self,
            StudyError::Report(_) | StudyError::Json(_) | StudyError::Solve(SolveError::NoneFound)
        )
    }
}
