//! The counter of a program that was built without tokenizers: there is none.

use super::super::failure::Failure;
use super::arguments::Arguments;
use super::fitting::Fitting;
use crate::export::{Row, Settings};
use anyhow::anyhow;

/// Counts nothing, and never is.
pub(super) enum Counter {}

impl Counter {
    /// None, or an error where one is asked for.
    pub(super) fn of(arguments: &Arguments, _settings: &Settings) -> Result<Option<Self>, Failure> {
        match &arguments.tokenizer {
            None => Ok(None),
            Some(_) => Err(Failure::input(anyhow!(
                "`--tokenizer` needs the feature `train`, which this program was built without"
            ))
            .hint("`cargo build --release` builds it with the feature")),
        }
    }

    /// Longest row, tokens.
    pub(super) fn limit(&self) -> u32 {
        match *self {}
    }

    /// The rows that are read.
    pub(super) fn fitting(
        &self,
        _all: usize,
        _needed: usize,
        _make: &(impl Fn(usize) -> Row + Sync),
    ) -> Result<Fitting, Failure> {
        match *self {}
    }
}
