//! Tests of the whole program, in one binary.

#[cfg(feature = "train")]
mod parity;
