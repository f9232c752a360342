//! What a fit says of amounts not measured.

use super::{Fit, FitFile, Prediction};
use crate::numeric::quantiles::central;
use crate::numeric::random::generator;
use crate::units::{Estimate, Interval};
use rand_distr::{Distribution, StandardNormal};

impl Fit {
    /// Loss of the law at `pairs` with intervals over the draws, nats per target token: where the mean of many runs would lie.
    pub fn predict(&self, pairs: f64) -> Prediction {
        prediction(self.law.loss(pairs), self.draws.iter().map(|law| law.loss(pairs)).collect())
    }

    /// As [`Fit::predict`], with the noise of one run added to the intervals: where a single new run would lie.
    pub fn predict_run(&self, pairs: f64) -> Prediction {
        let with_noise = |(number, law): (usize, &crate::law::Law)| {
            let normal: f64 = StandardNormal.sample(&mut generator(0, number as u64));
            law.loss(pairs) * (self.noise_log * normal).exp()
        };
        prediction(self.law.loss(pairs), self.draws.iter().enumerate().map(with_noise).collect())
    }

    /// Decades between the least size above 0 and the largest.
    pub fn decades(&self) -> f64 {
        let sizes = || self.points.iter().map(|point| point.pairs).filter(|&pairs| pairs > 0.0);
        (sizes().fold(0.0, f64::max) / sizes().fold(f64::INFINITY, f64::min)).log10()
    }
}

impl FitFile {
    /// The file's text.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads the file's text; laws and intervals are checked.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

fn prediction(value: f64, mut draws: Vec<f64>) -> Prediction {
    let mut interval = |level| match central(&mut draws, level) {
        (lo, hi) if lo.is_nan() => Interval::new(value, if hi.is_nan() { value } else { hi }),
        (lo, hi) => Interval::new(lo, hi),
    };
    Prediction { value, interval_50: interval(0.5), interval_90: interval(0.9) }
}

/// A value with the central 90 % of the draws; a point without draws.
pub(super) fn estimate(value: f64, draws: Vec<f64>) -> Estimate {
    Estimate { value, interval_90: prediction(value, draws).interval_90 }
}
