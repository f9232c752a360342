//! The weighted average of laws: the loss of one language where no form is certain.
//!
//! ```text
//! L(X) = sum_f weight_f L_f(X),   weight_f > 0,   sum_f weight_f = 1
//! ```
//!
//! An average of falling laws falls, and one of convex laws is convex. Losses are in nats per
//! target token, amounts in pairs.

use super::Law;
use serde::{Deserialize, Serialize};

/// A law and its share in an average.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Above 0.
    pub weight: f64,
    /// The law.
    pub law: Law,
}

/// Laws whose weights sum to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Weighted>", into = "Vec<Weighted>")]
pub struct Average(Vec<Weighted>);

/// Why laws have no average.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("weights of laws sum to {found}, expected numbers above 0 that sum to 1")]
pub struct AverageError {
    found: f64,
}

/// How far the weights of a file may be from 1.
const ROUNDING: f64 = 1e-9;

impl Average {
    /// The average of laws by weights that need not sum to 1; those of weight 0 are left out.
    pub fn new(laws: impl IntoIterator<Item = (f64, Law)>) -> Result<Self, AverageError> {
        let laws: Vec<(f64, Law)> = laws.into_iter().filter(|(weight, _)| *weight != 0.0).collect();
        let sum: f64 = laws.iter().map(|(weight, _)| weight).sum();
        let share = |(weight, law): (f64, Law)| Weighted { weight: weight / sum, law };
        Average::try_from(laws.into_iter().map(share).collect::<Vec<_>>())
            .map_err(|_| AverageError { found: sum })
    }

    /// The same without laws of less weight than this, as long as one is left.
    pub fn without_traces(&self, least: f64) -> Self {
        let kept =
            self.0.iter().filter(|part| part.weight >= least).map(|part| (part.weight, part.law));
        Average::new(kept).unwrap_or_else(|_| self.clone())
    }

    /// The same language in models of `total` pairs, where the laws are joint ones.
    pub fn of_total(&self, total: f64) -> Self {
        Average(
            self.0.iter().map(|part| Weighted { law: part.law.of_total(total), ..*part }).collect(),
        )
    }

    /// The laws with their weights.
    pub fn laws(&self) -> &[Weighted] {
        &self.0
    }

    fn sum(&self, value: impl Fn(&Law) -> f64) -> f64 {
        self.0.iter().map(|part| part.weight * value(&part.law)).sum()
    }

    /// Loss, infinite where one of the laws is.
    pub fn loss(&self, pairs: f64) -> f64 {
        self.sum(|law| law.loss(pairs))
    }

    /// The part of the loss above the floor.
    pub fn reducible(&self, pairs: f64) -> f64 {
        self.sum(|law| law.reducible(pairs))
    }

    /// The mean floor: the loss that no amount of data removes.
    pub fn irreducible(&self) -> f64 {
        self.sum(Law::irreducible)
    }

    /// `L(from) - L(to)` for `from <= to`, without the cancellation of the plain difference.
    pub fn fall(&self, from: f64, to: f64) -> f64 {
        self.sum(|law| law.fall(from, to))
    }

    /// First derivative, nats per target token per pair; never above 0, infinite at a pole.
    pub fn slope(&self, pairs: f64) -> f64 {
        self.sum(|law| law.slope(pairs))
    }

    /// Second derivative, nats per target token per pair squared.
    pub fn curvature(&self, pairs: f64) -> f64 {
        self.sum(|law| law.curvature(pairs))
    }

    /// The average of [`Law::extended_below`].
    pub fn extended_below(&self, from: f64, pairs: f64) -> (f64, f64) {
        let parts = self.0.iter().map(|part| (part.weight, part.law.extended_below(from, pairs)));
        parts.fold((0.0, 0.0), |(loss, slope), (weight, part)| {
            (loss + weight * part.0, slope + weight * part.1)
        })
    }

    /// Whether the loss is infinite without data.
    pub fn has_pole(&self) -> bool {
        self.0.iter().any(|part| part.law.has_pole())
    }
}

impl From<Law> for Average {
    fn from(law: Law) -> Self {
        Average(vec![Weighted { weight: 1.0, law }])
    }
}

impl TryFrom<Vec<Weighted>> for Average {
    type Error = AverageError;

    fn try_from(laws: Vec<Weighted>) -> Result<Self, AverageError> {
        let found: f64 = laws.iter().map(|part| part.weight).sum();
        let holds = laws.iter().all(|part| part.weight > 0.0) && (found - 1.0).abs() <= ROUNDING;
        if holds { Ok(Average(laws)) } else { Err(AverageError { found }) }
    }
}

impl From<Average> for Vec<Weighted> {
    fn from(average: Average) -> Self {
        average.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::law::Form;

    #[test]
    fn averages_lie_between_their_laws_and_weights_must_sum_to_1() {
        let power = Law::new(Form::Power, &[8.0, 0.1]).unwrap();
        let floored = Law::new(Form::PowerFloor, &[2.0, 9.0, 0.3]).unwrap();
        let average = Average::new([(3.0, power), (1.0, floored), (0.0, power)]).unwrap();
        assert_eq!(average.laws().len(), 2);
        for pairs in [1.0, 1e3, 1e6] {
            assert!(
                (average.loss(pairs) - 0.75 * power.loss(pairs) - 0.25 * floored.loss(pairs)).abs()
                    < 1e-12
            );
            assert!(
                (average.fall(pairs, 2.0 * pairs)
                    - (average.loss(pairs) - average.loss(2.0 * pairs)))
                .abs()
                    < 1e-12
            );
            let step = 1e-4 * pairs;
            let slope = (average.loss(pairs + step) - average.loss(pairs - step)) / (2.0 * step);
            assert!((slope / average.slope(pairs) - 1.0).abs() < 1e-6);
        }
        assert!(
            Average::new([]).is_err() && Average::new([(-1.0, power), (2.0, floored)]).is_err()
        );
        let json = serde_json::to_string(&average).unwrap();
        assert_eq!(serde_json::from_str::<Average>(&json).unwrap(), average);
        let wrong = json.replace("0.75", "0.5");
        assert!(
            serde_json::from_str::<Average>(&wrong)
                .unwrap_err()
                .to_string()
                .contains("weights of laws sum to 0.75, expected")
        );
    }
}
