//! Tests of the whole program, in one binary.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails, in helpers as well")]

mod allocating;
#[cfg(feature = "train")]
mod checkpoints;
mod circles;
mod commands;
mod committed;
#[cfg(feature = "train")]
mod constructed;
mod curves;
#[cfg(feature = "train")]
mod evaluating;
mod exporting;
mod failures;
#[cfg(feature = "train")]
mod generating;
#[cfg(feature = "train")]
mod headline;
#[cfg(feature = "train")]
mod hub;
mod importing;
mod layering;
mod licences;
mod limits;
mod mixing;
#[cfg(feature = "train")]
mod parity;
mod pipeline;
mod place;
mod planning;
mod reference;
mod repeating;
#[cfg(feature = "train")]
mod resume;
mod scores;
mod seeds;
mod sharing;
#[cfg(feature = "train")]
mod similarity;
#[cfg(feature = "train")]
mod validating;
mod verbs;
#[cfg(feature = "train")]
mod versions;
mod words;
