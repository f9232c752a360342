//! Outputs of a command that must not be its inputs.

use super::failure::Failure;
use crate::files;
use std::path::Path;

/// Refuses a file to be written that is an input of the same command, by whichever path.
pub(super) fn check_apart(
    flag: &str,
    out: &Path,
    inputs: impl IntoIterator<Item = impl AsRef<Path>>,
) -> Result<(), Failure> {
    match inputs.into_iter().any(|input| files::is_same(out, input.as_ref())) {
        true => Err(Failure::input(anyhow::anyhow!(
            "`{flag} {}` is an input of the command, expected another file",
            out.display()
        ))),
        false => Ok(()),
    }
}
