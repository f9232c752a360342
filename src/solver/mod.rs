//! The optimum of a budget over languages, exact and proven: laws of every shape, repetition,
//! transfer, groups, whole grains, the sum or the worst language, the mean or the CVaR over draws.
//!
//! ```text
//! minimise    F(X)
//! subject to  sum_i cost_i X_i <= amount (or =),
//!             lo_i <= X_i <= hi_i,   group rows,   X_i in whole grains
//! ```
//!
//! [`PosedProblem`] is checked, [`solve`] answers, and every answer carries a lower bound on the
//! optimum that does not rest on the solver's word: `certificate` computes it from multipliers
//! alone.
//!
//! | folder | what it does |
//! |---|---|
//! | `problem` | a posed problem, checked, and its numbers without names |
//! | `wire` | problem files |
//! | `feasibility` | amounts that meet the constraints, or the conflict between them |
//! | `certificate` | the bound that proves an answer |
//! | `separable` | nothing couples the languages: one price by Newton's method, or one `level` |
//! | `interior` | transfer, groups, CVaR over draws: an interior point method |
//! | `nonconvex` | laws that start concave: `branch` and bound on envelopes, a level to `reach` |
//! | `integer` | whole grains: greedy on exact gains, or a search pruned by the price |
//!
//! Levels are of the worst language: one that all come to, or, where they are coupled, the least
//! that can be reached. `kernel` is the law of one language as all of them see it, with its convex
//! envelope, `solve` goes from a problem to its answer by its structure.

mod certificate;
mod convex;
mod error;
mod feasibility;
mod integer;
mod interior;
mod kernel;
mod nonconvex;
mod problem;
mod separable;
mod solution;
mod solve;
mod wire;

pub use error::{Conflict, SolveError};
pub use kernel::Kernel;
pub use problem::{Counted, Language, Over, Parts, PartsError, PosedProblem, Risk, Row, Rule};
pub use solution::{Solution, Status};
pub use solve::solve;
pub(crate) use solve::{check, nearest_whole, solve_in_fractions, whole_point};
pub use wire::{Fitted, ProblemFile, ReadError, Syntax};

#[cfg(test)]
mod tests;
