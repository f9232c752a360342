//! parallot allocates a budget of translation pairs over languages.
//!
//! Language i has a loss law `L_i(X)`, in nats per target token, that falls with its amount of
//! pairs `X`. Small training runs give points of every law, `fit` turns points into laws with
//! intervals, and `allocate` solves
//!
//! ```text
//! minimise  sum_i w_i L_i(X_i)   subject to   sum_i X_i = budget,   lower_i <= X_i <= upper_i
//! ```
//!
//! Each stage is a pure function of the one before and leaves a plain file behind: corpora → small
//! runs → records → curves → laws → allocation → report and training configuration. The modules
//! below stand lowest layer first; a module names only lower layers, and a test holds that.

#![warn(missing_docs, unreachable_pub)]

pub mod files;
pub mod numeric;
pub mod parquet;
pub mod units;
pub mod yaml;

pub mod corpus;
pub mod law;
pub mod record;
pub mod score;

pub mod curve;
pub mod import;
pub mod mixture;
pub mod solver;
pub mod spec;

pub mod fit;
#[cfg(feature = "train")]
pub mod model;

pub mod allocate;

pub mod design;
pub mod similarity;
pub mod validate;

#[cfg(feature = "train")]
pub mod evaluate;
pub mod export;
pub mod report;
pub mod sweep;
#[cfg(feature = "train")]
pub mod train;

pub mod study;

pub mod cli;
