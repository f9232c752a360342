//! Amounts that meet a problem, and what is proven of them.

/// What is known of amounts that meet a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The gap proves that none are better.
    Optimal,
    /// Better ones may exist within the gap.
    Feasible,
}

/// Feasible amounts with a bound on the optimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// What is known.
    pub status: Status,
    /// Amount of each language, pairs.
    pub x: Vec<f64>,
    /// The objective at these amounts.
    pub objective: f64,
    /// No feasible amounts come below this.
    pub lower_bound: f64,
    /// `(objective - lower_bound)` over the objective less its floor.
    pub gap: f64,
    /// What a unit more of budget is worth; 0 where it would not be spent.
    pub budget_multiplier: f64,
    /// Its logarithm, where the number itself may be below the least double.
    pub ln_budget_multiplier: Option<f64>,
    /// What a unit of relaxing each row is worth; of either sign for rows held exactly.
    pub row_multipliers: Vec<f64>,
}

impl Status {
    /// Its word in answers as files.
    pub fn word(self) -> &'static str {
        match self {
            Status::Optimal => "optimal",
            Status::Feasible => "feasible",
        }
    }
}

impl Solution {
    /// Amounts of which nothing is proven.
    pub(crate) fn unproven(x: Vec<f64>, objective: f64) -> Self {
        Solution {
            status: Status::Feasible,
            x,
            objective,
            lower_bound: f64::NEG_INFINITY,
            gap: f64::INFINITY,
            budget_multiplier: 0.0,
            ln_budget_multiplier: None,
            row_multipliers: Vec::new(),
        }
    }
}
