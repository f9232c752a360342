//! Tests of the whole program, in one binary.

mod failures;
mod layering;
#[cfg(feature = "train")]
mod parity;
mod place;
mod verbs;
