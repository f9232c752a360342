//! What ends a command: an error, advice, and the exit status.

use crate::files::FileError;
use crate::study::StudyError;
use std::fmt;

/// An error on its way to the user.
#[derive(Debug)]
pub(super) struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    status: u8,
}

impl Failure {
    /// The command line or an input file is wrong: exit status 2. A full disk is no fault of an
    /// input.
    pub(super) fn input(error: impl Into<anyhow::Error>) -> Self {
        let error = error.into();
        let is_full = error.downcast_ref::<FileError>().is_some_and(FileError::is_full);
        Failure { error, hint: None, status: if is_full { 1 } else { 2 } }
    }

    /// The work itself failed: exit status 1.
    pub(super) fn work(error: impl Into<anyhow::Error>) -> Self {
        Failure { error: error.into(), hint: None, status: 1 }
    }

    /// Adds what the user can do.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Failure { hint: Some(hint.into()), ..self }
    }

    /// Exit status.
    pub(super) fn status(&self) -> u8 {
        self.status
    }
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        let (hint, is_of_work) = (error.hint(), error.is_of_work());
        // the layer is transparent: what failed is the error that is shown
        let failure = match error {
            // an output that cannot be written is no fault of an input
            StudyError::File(error) if error.action == "write" => Failure::work(error),
            StudyError::File(error) => Failure::input(error),
            error if is_of_work => Failure::work(error),
            error => Failure::input(error),
        };
        Failure { hint: hint.map(str::to_owned), ..failure }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {:#}", self.error)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

/// Turns the errors of lower layers into failures where they are met.
pub(super) trait OrFail<T> {
    /// The command line or an input file is wrong: exit status 2.
    fn or_input(self) -> Result<T, Failure>;
    /// The work itself failed: exit status 1.
    fn or_work(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrFail<T> for Result<T, E> {
    fn or_input(self) -> Result<T, Failure> {
        self.map_err(Failure::input)
    }

    fn or_work(self) -> Result<T, Failure> {
        self.map_err(Failure::work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::path::PathBuf;

    #[test]
    fn a_full_disk_is_no_wrong_input() {
        let status = |kind| {
            Failure::input(FileError {
                action: "write",
                path: PathBuf::from("x"),
                cause: io::Error::from(kind),
            })
            .status()
        };
        assert_eq!(
            (status(io::ErrorKind::StorageFull), status(io::ErrorKind::PermissionDenied)),
            (1, 2)
        );
    }
}
