//! Import: the logs that trainers and evaluators leave behind → points of curves, loss against
//! amount of data.
//!
//! A log knows values `v` of a metric at steps; a curve needs pairs `(x, loss)`, where `x` is the
//! amount of data that a run saw. Four choices lie between the two, and none is made silently:
//! which metric, which row of a history, what `x` is, and, where higher is better, from which
//! ceiling `loss = ceiling - v` is counted.
//!
//! ```text
//! files ──find──▶ one kind of log ──its reader──▶ runs ──select──▶ rows ──table──▶ CSV
//!
//! curve,x,loss[,se][,seed]
//! ```
//!
//! Readers take untrusted bytes: a file that is not what its name says is an error that names the
//! file, never a panic.

mod amount;
mod error;
mod event_folders;
mod find;
mod history;
mod json;
mod kind;
mod lightning;
mod lm_eval;
mod log;
mod metric;
mod mlflow;
mod mlflow_store;
mod python;
mod sacrebleu;
mod select;
mod signature;
mod table;
mod tensorboard;
mod text_log;
mod tfrecord;
mod trainer_log;
mod trainer_state;
mod wandb;
mod wandb_api;

pub use amount::{Amount, AmountTable};
pub use error::ImportError;
pub use find::{Logs, read};
pub use history::Take;
pub use kind::Kind;
pub use log::{Metric, Reading, Run, Series};
pub use metric::Sense;
pub use select::{Imported, Row, Selection, select};
pub use table::to_csv;

#[cfg(test)]
mod tests;
