//! What a gain is worth in pairs: the budget at which a baseline would lose as much less.

use super::score::score;
use super::{Budget, Policy, Problem};
use crate::units::{Estimate, Interval};
use serde::{Deserialize, Serialize};

/// What a baseline loses at budgets around one, by the fitted laws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselinePath {
    /// The baseline.
    pub policy: Policy,
    /// The budget that the gain is at, pairs.
    pub budget: u64,
    /// By rising budget.
    pub points: Vec<PathPoint>,
}

/// What a baseline loses at a budget.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathPoint {
    /// Pairs.
    pub pairs: u64,
    /// Weighted mean of the losses, or the worst of them where that counts, nats per target token.
    pub loss_nats: f64,
}

/// Points an octave, and octaves on each side.
const POINTS: (i32, i32) = (8, 2);

impl BaselinePath {
    /// Of a baseline from a quarter of the problem's budget to four times it, as far as bounds and
    /// groups allow. None of a budget of cost, and where the baseline is not defined or is an
    /// optimum.
    pub fn new(problem: &Problem, policy: Policy) -> Option<Self> {
        let Budget::Pairs(budget) = problem.budget() else { return None };
        if policy == Policy::Parallot
            || policy == Policy::Current
            || policy.is_of_draws()
            || !policy.is_defined_for(problem)
        {
            return None;
        }
        let problem = problem.clone().with_draws(Vec::<Vec<super::Drawn>>::new());
        let at = |step: i32| {
            let pairs =
                (budget as f64 * 2f64.powf(f64::from(step) / f64::from(POINTS.0))).round() as u64;
            let resized = problem.with_budget(Budget::Pairs(pairs)).ok()?;
            let loss_nats = score(&resized, &resized.losses(&policy.allocate(&resized).ok()?));
            loss_nats.is_finite().then_some(PathPoint { pairs, loss_nats })
        };
        let reach = POINTS.0 * POINTS.1;
        let mut points: Vec<PathPoint> = (-reach..=reach).filter_map(at).collect();
        points.dedup_by_key(|point| point.pairs);
        Some(BaselinePath { policy, budget, points })
    }

    /// The budget at which the baseline loses so much less than at the budget that the path is
    /// around, pairs: from point to point a line in the ln of the budget. None beyond its ends.
    pub fn pairs_for(&self, gain_nats: f64) -> Option<f64> {
        let now = self.points.iter().find(|point| point.pairs == self.budget)?.loss_nats;
        let asked = now - gain_nats;
        let (a, b) = self
            .points
            .iter()
            .zip(&self.points[1..])
            .find(|(a, b)| b.loss_nats <= asked && asked <= a.loss_nats)?;
        let way = if a.loss_nats > b.loss_nats {
            (a.loss_nats - asked) / (a.loss_nats - b.loss_nats)
        } else {
            0.0
        };
        Some(((a.pairs as f64).ln() * (1.0 - way) + (b.pairs as f64).ln() * way).exp())
    }

    /// The same of a gain with its interval. None where an end of it lies beyond the path.
    pub fn pairs_for_estimate(&self, gain_nats: Estimate) -> Option<Estimate> {
        let (lo, hi) =
            (self.pairs_for(gain_nats.interval_90.lo)?, self.pairs_for(gain_nats.interval_90.hi)?);
        Some(Estimate { value: self.pairs_for(gain_nats.value)?, interval_90: Interval { lo, hi } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allocate::Term;
    use crate::law::{Form, Law};

    #[test]
    fn a_gain_is_worth_the_pairs_that_bring_it() {
        let (scale, exponent, budget) = (3.0f64, 0.3, 10_000);
        let law = Law::new(Form::PowerFloor, &[0.5, scale, exponent]).unwrap();
        let term = |lang: &str, unique: u64| Term { unique: Some(unique), ..Term::new(lang, law) };
        let problem = Problem::new(vec![term("a", 40_000), term("b", 10_000)], budget).unwrap();
        let path = BaselinePath::new(&problem, Policy::Uniform).unwrap();
        // each of two languages gets half, so the mean loss is a law of the total with the same
        // exponent
        let loss = |pairs: f64| 0.5 + scale * (pairs / 2.0).powf(-exponent);
        assert!(
            (path.points[0].loss_nats - loss(path.points[0].pairs as f64)).abs() < 1e-4,
            "{:?}",
            path.points[0]
        );
        for more in [0.5, 1.05, 1.5, 3.0] {
            let pairs = path.pairs_for(loss(10_000.0) - loss(10_000.0 * more)).unwrap();
            approx::assert_relative_eq!(pairs, 10_000.0 * more, max_relative = 2e-3);
        }
        assert_eq!(path.pairs_for(loss(10_000.0)), None, "no budget brings the floor");
        // another baseline has another path
        let proportional = BaselinePath::new(&problem, Policy::Proportional).unwrap();
        assert!(proportional.points[0].loss_nats > path.points[0].loss_nats);
        assert_eq!(BaselinePath::new(&problem, Policy::Parallot), None);
        assert_eq!(
            BaselinePath::new(&problem.with_budget(Budget::Cost(5.0)).unwrap(), Policy::Uniform),
            None
        );
    }
}
