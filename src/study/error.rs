//! Why a study cannot go on, and what a person can do about it.

use crate::allocate::{BuildError, SolveError};
use crate::curve::{CurveError, TableError};
use crate::files::FileError;
use crate::fit::FitError;
use crate::record::RecordError;
use crate::report::ReportError;
use crate::spec::SpecError;
use std::path::PathBuf;

/// Why a study cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    #[error("no experiment `{experiment}`, expected a YAML file or the name of one in `experiments/`")]
    NoExperiment { experiment: String },
    #[error("experiment `{}` is called `{name}`, expected a name that a folder can have", path.display())]
    Called { path: PathBuf, name: String },
    #[error("cannot read fits `{name}`: {cause}")]
    Fits { name: String, cause: serde_json::Error },
    #[error("cannot read allocation `{}`: {cause}", path.display())]
    Allocation { path: PathBuf, cause: serde_json::Error },
    #[error("cannot read validation `{}`: {cause}", path.display())]
    Validation { path: PathBuf, cause: serde_json::Error },
    #[error("cannot read similarities `{}`: {cause}", path.display())]
    Similarity { path: PathBuf, cause: serde_json::Error },
    #[error("`{curve}` is fitted by a surface over model sizes, expected a law of the amount alone")]
    Surface { curve: String },
    #[error("no curve of the table could be fitted, expected at least one")]
    NothingFitted,
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Records(#[from] RecordError),
    #[error(transparent)]
    Curve(#[from] CurveError),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Fit(#[from] FitError),
    #[error(transparent)]
    Problem(#[from] BuildError),
    #[error(transparent)]
    Solve(#[from] SolveError),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl StudyError {
    /// What a person can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            StudyError::NoExperiment { .. } => Some("`parallot quickstart` makes one to copy from"),
            StudyError::Called { .. } => Some("rename the file, like `experiments/tiny.yaml`"),
            StudyError::Allocation { .. } => Some("if another version wrote it, `parallot allocate` makes a new one"),
            StudyError::Validation { .. } => Some("`parallot validate` writes it again from its records"),
            StudyError::Similarity { .. } => Some("`parallot similarity` makes new ones"),
            StudyError::Surface { .. } => Some("leave out the column `n_params`, or keep the rows of one model size"),
            StudyError::Curve(_) | StudyError::Fit(_) => Some("add sizes to the experiment and sweep again"),
            StudyError::Table(_) => Some(
                "the columns are `curve,x,loss` and, where known, `se,weight,seed,n_params,split,unique`; `parallot import` makes them from logs",
            ),
            _ => None,
        }
    }

    /// Whether the work failed, not what it was given.
    pub fn is_of_work(&self) -> bool {
        matches!(self, StudyError::Report(_) | StudyError::Json(_) | StudyError::Solve(SolveError::NoneFound))
    }
}
