//! Designs of models for the joint law, and when enough of them were tuned to allocate a budget.

mod decision;
mod models;
mod table;

pub use decision::{Decision, SEEDS, SPENT, Standing};
pub use models::{Aim, Model, around, first, first_count, next_count};
pub use table::{DesignRow, TableError, from_csv, to_csv};
