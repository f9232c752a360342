//! Why there is no answer: constraints in each other's way, losses that are infinite, or a search
//! that ended.

use super::problem::PartsError;
use std::fmt;

/// Why a problem has no amounts to answer with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SolveError {
    /// No amounts meet the constraints.
    #[error("no allocation meets the problem: {0}")]
    Infeasible(Conflict),
    /// Some amounts meet the constraints, but the loss of these languages is infinite in all of
    /// them.
    #[error("no finite loss: {} can get nothing, and its law is infinite there", .0.join(", "))]
    NoFiniteValue(Vec<String>),
    /// The search found no amounts that meet the constraints at a finite loss, and no proof that
    /// there are none.
    #[error("no amounts that meet the problem were found, and no proof that there are none")]
    NoneFound,
    /// A number of the problem is out of its range.
    #[error(transparent)]
    Parts(#[from] PartsError),
}

/// Constraints that cannot all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// What each of them asks for, in words.
    pub constraints: Vec<String>,
    /// By how much they miss each other, in the unit of the last.
    pub short: f64,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: short by {}", self.constraints.join(", but "), self.short)
    }
}

impl SolveError {
    /// That these constraints miss each other by so much.
    pub(crate) fn conflict(constraints: impl Into<Vec<String>>, short: f64) -> Self {
        SolveError::Infeasible(Conflict { constraints: constraints.into(), short })
    }

    /// Its word in answers as files.
    pub fn word(&self) -> &'static str {
        match self {
            SolveError::Infeasible(_) => "infeasible",
            SolveError::NoFiniteValue(_) => "no_finite_value",
            SolveError::NoneFound => "none_found",
            SolveError::Parts(_) => "not_posed",
        }
    }
}
