//! Tests of the whole program, in one binary.

mod committed;
#[cfg(feature = "train")]
mod constructed;
mod failures;
mod layering;
#[cfg(feature = "train")]
mod parity;
mod pipeline;
mod place;
#[cfg(feature = "train")]
mod resume;
mod verbs;
