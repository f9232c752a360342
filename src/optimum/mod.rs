//! The optimum of a budget over languages, exact and proven: laws of every shape, repetition, transfer, groups, whole grains, the sum or the
//! worst language, the mean or the CVaR over draws.
//!
//! ```text
//! minimise  F(X)   subject to   sum_i cost_i X_i <= amount (or =),   lo_i <= X_i <= hi_i,   group rows,   X_i in whole grains
//! ```
//!
//! [`Problem`] is checked, [`solve`] answers, and every answer carries a lower bound on the optimum that does not rest on the solver's word:
//! `certificate` computes it from multipliers alone. Which solver runs goes by the structure:
//!
//! | structure | module |
//! |---|---|
//! | nothing couples the languages | `separable`: one price, found by Newton's method |
//! | the same, for the worst language | `level`: one level |
//! | the worst of coupled languages, of any shape | `reach`: one level, met by linear programs |
//! | transfer, groups, CVaR over draws | `interior`: an interior point method |
//! | laws that start concave | `branch`: branch and bound over convex envelopes |
//! | whole grains | `grain`: greedy on exact gains, or a search pruned by the price |

mod answer;
mod branch;
mod certificate;
mod convex;
mod demand;
mod envelope;
mod feasible;
mod grain;
mod implied;
mod interior;
mod kernel;
mod level;
mod model;
mod normal;
mod problem;
mod program;
mod reach;
mod repeat;
mod rows;
mod separable;
mod simplex;
mod state;
mod system;
mod transfer;
mod wire;

pub use answer::{Answer, Solved, Status, can_be_met, meeting, meeting_whole, nearest_whole, solve, solve_within};
pub use feasible::{Conflict, Unmet};
pub use kernel::Kernel;
pub use problem::{Budget, Group, Language, Parts, Problem, ProblemError, Rule};
pub use program::{Over, Risk};
pub use repeat::Repeat;
pub use transfer::Counted;
pub use wire::{Fitted, ProblemFile, ReadError, Syntax};

#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod hard_cases;
#[cfg(test)]
mod signed;
#[cfg(test)]
mod tests;
