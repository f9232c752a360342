//! Ranges of numbers in an experiment.

use super::error::SpecError;
use crate::units::Short;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Most passes over the pairs of a language, by `passes` and by `epochs` each.
pub(super) const MOST_PASSES: u64 = 1000;

/// Checks a count, whose absurd values would not end in an error but in a memory that is full.
pub(super) fn count(key: &str, value: u64, range: RangeInclusive<u64>) -> Result<(), SpecError> {
    let (least, most) = (range.start(), range.end());
    match range.contains(&value) {
        true => Ok(()),
        false if *most == u64::MAX => {
            Err(SpecError::value(key, value, format!("at least {least}")))
        }
        false => {
            Err(SpecError::value(key, value, format!("a whole number from {least} to {most}")))
        }
    }
}

pub(super) fn share(key: &(impl Display + ?Sized), value: f64) -> Result<(), SpecError> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(SpecError::value(key.to_string(), Short(value), "a number from 0 to 1"))
    }
}
