//! What ends a command: an error, advice, and the exit status.

use std::fmt;

/// An error on its way to the user.
#[derive(Debug)]
pub struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    status: u8,
}

impl Failure {
    /// The command line or an input file is wrong: exit status 2.
    pub fn input(error: impl Into<anyhow::Error>) -> Self {
        Failure { error: error.into(), hint: None, status: 2 }
    }

    /// The work itself failed: exit status 1.
    pub fn work(error: impl Into<anyhow::Error>) -> Self {
        Failure { error: error.into(), hint: None, status: 1 }
    }

    /// Adds what the user can do.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Failure { hint: Some(hint.into()), ..self }
    }

    /// Exit status.
    pub fn status(&self) -> u8 {
        self.status
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {:#}", self.error)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, "\nhint: {hint}"))
    }
}

/// Turns the errors of lower layers into failures where they are met.
pub trait OrFail<T> {
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
