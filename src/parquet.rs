//! Parquet files of others: polars panics on some that are damaged; here such a panic is an error
//! like any other.

use polars::prelude::{PolarsError, PolarsResult, polars_err};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does a piece of reading; a panic in it is an error that says the file is damaged.
///
/// The work must own what it changes: after a panic nothing of it is looked at again.
pub fn guarded<T>(work: impl FnOnce() -> PolarsResult<T>) -> PolarsResult<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(damaged(panic.as_ref())))
}

fn damaged(panic: &(dyn Any + Send)) -> PolarsError {
    let literal = panic.downcast_ref::<&str>().copied();
    let cause =
        literal.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no cause given");
    polars_err!(ComputeError: "the file is damaged: {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        assert_eq!(guarded(|| Ok(1)).unwrap(), 1);
        assert_eq!(
            guarded::<()>(|| panic!("a {}", "word")).unwrap_err().to_string(),
            "the file is damaged: a word"
        );
        assert_eq!(
            guarded::<()>(|| panic!("words")).unwrap_err().to_string(),
            "the file is damaged: words"
        );
    }
}
