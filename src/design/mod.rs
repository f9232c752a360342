//! Designs of models for the joint law, and when enough of them were tuned to allocate a budget.

mod decision;
mod models;

pub use decision::{Decision, SEEDS, SPENT, Standing};
pub use models::{Aim, Model, around, first, first_count};
