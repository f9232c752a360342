//! Curves: the loss of one language against its amount of pairs, checked once so that a fit can
//! rely on it.

mod table;

use crate::record::{RunRecord, Subject};
use crate::units::Lang;
use serde::{Deserialize, Serialize};
pub use table::{CurveTable, Fault, Query, Row, TableCurve, TableError};

/// One measured loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Amount of data, pairs; 0 is the base model.
    pub pairs: f64,
    /// Loss, nats per target token.
    pub loss_nats: f64,
    /// Seed of the run; equal `pairs` with different seeds are repeats.
    pub seed: u64,
}

/// Why points are not a curve.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum CurveError {
    /// A value no law can take.
    #[error("`{curve}`: {field} is {found} at point {index}, expected {expected}")]
    Value { curve: String, field: &'static str, found: f64, expected: &'static str, index: usize },
    /// Fewer sizes than any law needs.
    #[error("`{curve}`: {found} different sizes above 0, at least {needed} are needed")]
    TooFew { curve: String, found: usize, needed: usize },
    /// The same, of runs that repeat nothing.
    #[error(
        "`{curve}`: {found} different sizes above 0 up to its {unique} unique pairs, at least \
        {needed} are needed"
    )]
    TooFewUnique { curve: String, found: usize, needed: usize, unique: u64 },
}

/// Passes up to which repeats count as new pairs.
const NEARLY_FRESH: f64 = 1.125;

/// Points of one language, sorted by pairs and then seed.
///
/// Invariants, checked in [`Curve::new`]: amounts finite and not negative, losses finite and
/// positive, at least three different amounts above 0 (a law of two parameters and one to check
/// it).
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    name: String,
    points: Vec<Point>,
    weights: Vec<f64>,
}

impl Curve {
    /// Least number of different amounts above 0.
    pub const MIN_SIZES: usize = 3;

    /// Sorts and checks the points, which count the same.
    pub fn new(name: impl Into<String>, points: Vec<Point>) -> Result<Self, CurveError> {
        let weights = vec![1.0; points.len()];
        Curve::with_weights(name, points, weights)
    }

    /// Sorts and checks the points, each with its weight: an inverse variance of the ln loss up to
    /// a factor.
    pub fn with_weights(
        name: impl Into<String>,
        points: Vec<Point>,
        weights: Vec<f64>,
    ) -> Result<Self, CurveError> {
        let name = name.into();
        for (index, &weight) in weights.iter().enumerate() {
            if !(weight.is_finite() && weight > 0.0) {
                let (field, expected) = ("weight", "a finite number above 0");
                return Err(CurveError::Value {
                    curve: name,
                    field,
                    found: weight,
                    expected,
                    index,
                });
            }
        }
        for (index, point) in points.iter().enumerate() {
            let wrong = |field, found, expected| CurveError::Value {
                curve: name.clone(),
                field,
                found,
                expected,
                index,
            };
            if !(point.pairs.is_finite() && point.pairs >= 0.0) {
                return Err(wrong("pairs", point.pairs, "a finite number not below 0"));
            }
            if !(point.loss_nats.is_finite() && point.loss_nats > 0.0) {
                return Err(wrong("loss_nats", point.loss_nats, "a finite number above 0"));
            }
        }
        let mut rows: Vec<(Point, f64)> = points.into_iter().zip(weights).collect();
        rows.sort_by(|(a, _), (b, _)| a.pairs.total_cmp(&b.pairs).then(a.seed.cmp(&b.seed)));
        let (points, weights) = rows.into_iter().unzip();
        let curve = Curve { name, points, weights };
        let found = curve.sizes().iter().filter(|&&size| size > 0.0).count();
        if found < Self::MIN_SIZES {
            return Err(CurveError::TooFew { curve: curve.name, found, needed: Self::MIN_SIZES });
        }
        Ok(curve)
    }

    /// The curve of the runs that repeat next to nothing, and the points of the others: those of
    /// more than `unique` pairs and an eighth. Even where all repeats are worth half a pass, an
    /// eighth of one is worth 0.9 of as many new pairs, and hardly moves a loss.
    pub fn split_at(&self, unique: u64) -> Result<(Curve, Vec<Point>), CurveError> {
        let fresh =
            self.points.partition_point(|point| point.pairs <= NEARLY_FRESH * unique as f64);
        let (points, weights) = (self.points[..fresh].to_vec(), self.weights[..fresh].to_vec());
        let curve =
            Curve::with_weights(self.name.clone(), points, weights).map_err(
                |error| match error {
                    CurveError::TooFew { curve, found, needed } => {
                        CurveError::TooFewUnique { curve, found, needed, unique }
                    }
                    other => other,
                },
            )?;
        Ok((curve, self.points[fresh..].to_vec()))
    }

    /// Name, the language code for curves of a sweep.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Points, sorted.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// Amount, loss and weight of the points with data: those that a law can be fitted to. The base
    /// model is none of them: its loss holds what the first hundred pairs teach, the format of the
    /// task, and no law of the amount predicts that.
    pub fn weighted(&self) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
        let rows = self.points.iter().zip(&self.weights).filter(|(point, _)| point.pairs > 0.0);
        rows.map(|(point, &weight)| (point.pairs, point.loss_nats, weight))
    }

    /// The different amounts, rising.
    pub fn sizes(&self) -> Vec<f64> {
        let mut sizes: Vec<f64> = self.points.iter().map(|point| point.pairs).collect();
        sizes.dedup();
        sizes
    }

    /// The largest amount, pairs.
    pub fn largest(&self) -> f64 {
        self.points.last().map_or(0.0, |point| point.pairs)
    }
}

/// The curve of every language of a sweep on its own data: loss on language i of the runs tuned on
/// language i. The base model belongs to every curve. Mixtures and unfinished runs give no points.
pub fn curves_of_records(langs: &[Lang], records: &[RunRecord]) -> Vec<Result<Curve, CurveError>> {
    langs
        .iter()
        .map(|lang| {
            let points = records
                .iter()
                .filter(|record| {
                    record.is_finished()
                        && (record.subject == Subject::Base || record.subject.lang() == Some(lang))
                })
                .filter_map(|record| {
                    let evaluation = record.evaluation(lang)?;
                    Some(Point {
                        pairs: record.subject.pairs().0 as f64,
                        loss_nats: evaluation.loss_nats(),
                        seed: record.seed,
                    })
                })
                .collect();
            Curve::new(lang.code(), points)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(pairs: f64, loss_nats: f64) -> Point {
        Point { pairs, loss_nats, seed: 0 }
    }

    #[test]
    fn points_are_sorted_and_sizes_distinct() {
        let curve = Curve::new(
            "x",
            vec![
                point(40.0, 2.0),
                point(10.0, 3.0),
                point(0.0, 5.0),
                point(10.0, 3.1),
                point(20.0, 2.5),
            ],
        )
        .unwrap();
        assert_eq!(curve.sizes(), [0.0, 10.0, 20.0, 40.0]);
        assert_eq!(curve.largest(), 40.0);
    }

    #[test]
    fn runs_that_repeat_are_split_off() {
        let points = [0.0, 10.0, 20.0, 40.0, 80.0].map(|pairs| point(pairs, 3.0)).to_vec();
        let curve = Curve::new("x", points).unwrap();
        let (fresh, repeated) = curve.split_at(40).unwrap();
        assert_eq!(
            (fresh.sizes(), repeated),
            (vec![0.0, 10.0, 20.0, 40.0], vec![point(80.0, 3.0)])
        );
        assert_eq!(curve.split_at(36).unwrap().0, fresh, "an eighth is next to nothing");
        let error = curve.split_at(35).unwrap_err().to_string();
        assert_eq!(
            error,
            "`x`: 2 different sizes above 0 up to its 35 unique pairs, at least 3 are needed"
        );
    }

    #[test]
    fn bad_points_name_the_field_and_the_value() {
        let error = Curve::new("x", vec![point(10.0, f64::NAN)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`x`: loss_nats is NaN at point 0, expected a finite number above 0"
        );
        assert!(Curve::new("x", vec![point(-1.0, 2.0)]).is_err());
        let few =
            Curve::new("x", vec![point(0.0, 9.0), point(10.0, 2.0), point(20.0, 1.9)]).unwrap_err();
        assert_eq!(few, CurveError::TooFew { curve: "x".into(), found: 2, needed: 3 });
    }
}
