//! The points of one curve as a fit sees them: ln amounts, ln losses and how much each counts.

use super::coordinates::Scales;

/// Points above which a curve is averaged over equal steps of the ln amount: a law has at most six
/// parameters to learn from them.
const MOST_POINTS: usize = 512;
/// Steps of that average.
const STEPS: usize = 256;

/// ln amounts less the reference, ln losses, weights (inverse variances up to a factor) and
/// distances below the largest amount, rising.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) z: Vec<f64>,
    pub(super) ln_loss: Vec<f64>,
    pub(super) weight: Vec<f64>,
}

impl Series {
    /// From `(amount, loss, weight)` of points with data, in any order.
    pub(super) fn new(points: impl Iterator<Item = (f64, f64, f64)>, scales: &Scales) -> Self {
        let mut rows: Vec<(f64, f64, f64)> = points
            .map(|(x, loss, weight)| (x.ln() - scales.ln_reference, loss.ln(), weight))
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        if rows.len() > MOST_POINTS {
            rows = averaged(&rows);
        }
        Series {
            z: rows.iter().map(|row| row.0).collect(),
            ln_loss: rows.iter().map(|row| row.1).collect(),
            weight: rows.iter().map(|row| row.2).collect(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.z.len()
    }

    /// Largest ln amount less the reference.
    pub(super) fn end(&self) -> f64 {
        self.z.last().copied().unwrap_or(0.0)
    }

    /// Different amounts.
    pub(super) fn sizes(&self) -> Vec<f64> {
        let mut sizes = self.z.clone();
        sizes.dedup();
        sizes
    }

    /// The points up to and including an ln amount, and those beyond it.
    pub(super) fn split(&self, last: f64) -> (Series, Series) {
        let kept = self.z.partition_point(|&z| z <= last);
        let part = |range: std::ops::Range<usize>| Series {
            z: self.z[range.clone()].to_vec(),
            ln_loss: self.ln_loss[range.clone()].to_vec(),
            weight: self.weight[range].to_vec(),
        };
        (part(0..kept), part(kept..self.len()))
    }
}

fn averaged(rows: &[(f64, f64, f64)]) -> Vec<(f64, f64, f64)> {
    let (least, most) = (rows[0].0, rows[rows.len() - 1].0);
    let step = |z: f64| ((z - least) / (most - least) * STEPS as f64) as usize;
    let mean = |rows: &[(f64, f64, f64)]| {
        let weight: f64 = rows.iter().map(|row| row.2).sum();
        let mean = |value: fn(&(f64, f64, f64)) -> f64| {
            rows.iter().map(|row| row.2 * value(row)).sum::<f64>() / weight
        };
        (mean(|row| row.0), mean(|row| row.1), weight)
    };
    rows.chunk_by(|a, b| step(a.0) == step(b.0)).map(mean).collect()
}
