//! What a fit says of amounts not measured.

use super::{Candidate, Fit, FitFile, Misfit, Prediction, misfit};
use crate::law::{Average, Law};
use crate::numeric::quantiles::around;
use crate::numeric::random::{Item, Purpose, generator};
use crate::units::Estimate;
use rand_distr::{Distribution, StandardNormal, StudentT};
use serde::de::Error;

/// Streams of the normal numbers that stand for misfit and for the noise of a run, the same at
/// every amount.
const MISFIT: u64 = 0;
const RUN: u64 = 1;

impl Fit {
    /// Loss at `pairs` with intervals, nats per target token: where the mean of many runs would
    /// lie. Within the sizes the intervals are those of the draws; beyond the largest, the misfit
    /// of the laws widens them. Pairs beyond the unique ones count for what they are worth, where
    /// that is known.
    pub fn predict(&self, pairs: f64) -> Prediction {
        self.predicted(pairs, 0.0)
    }

    /// As [`Fit::predict`], with the noise of one run added to the intervals: where a single new
    /// run would lie.
    pub fn predict_run(&self, pairs: f64) -> Prediction {
        self.predicted(pairs, self.noise_log)
    }

    fn predicted(&self, pairs: f64, noise_log: f64) -> Prediction {
        let (worth, largest) = (self.effective(pairs), self.largest_run());
        // where repeats were run, R was estimated under the laws that hold within
        let beyond = pairs > largest && largest == self.largest();
        let weight = |candidate: &Candidate| {
            if beyond { candidate.weight_beyond } else { candidate.weight_within }
        };
        let counted = self.candidates.iter().filter(|candidate| weight(candidate) > 0.0);
        let mean_ln: f64 =
            counted.map(|candidate| weight(candidate) * candidate.law.loss(worth).ln()).sum();
        let distance = (worth / self.effective(largest)).ln().max(0.0);
        let misfit_log = |draw: usize| {
            let drawn = draw.checked_rem(self.misfit_draws.len());
            drawn.map_or(self.misfit, |draw| self.misfit_draws[draw]).deviation_log(distance)
        };
        let (mut misfit, mut run) = (students(MISFIT), normals(RUN));
        let drawn_r = |draw: usize| {
            self.repetition.as_ref().and_then(|repetition| repetition.draws.get(draw).copied())
        };
        let draw = |(draw, law): (usize, &Law)| {
            law.loss(self.effective_at(pairs, drawn_r(draw)))
                * (misfit_log(draw) * misfit() + noise_log * run()).exp()
        };
        let draws = if beyond { &self.draws_beyond } else { &self.draws };
        prediction(mean_ln.exp(), draws.iter().enumerate().map(draw).collect())
    }

    /// The average of the forms by their weights within the sizes, of those laws that are `taken`;
    /// absent where none is.
    pub fn average(&self, taken: impl Fn(&Law) -> bool) -> Option<Average> {
        let counted = self
            .candidates
            .iter()
            .filter(|candidate| candidate.weight_within > 0.0 && taken(&candidate.law));
        Average::new(counted.map(|candidate| (candidate.weight_within, candidate.law))).ok()
    }

    /// Decades between the least size above 0 and the largest.
    pub fn decades(&self) -> f64 {
        let least = self
            .points
            .iter()
            .map(|point| point.pairs)
            .filter(|&pairs| pairs > 0.0)
            .fold(f64::INFINITY, f64::min);
        (self.largest() / least).log10()
    }

    /// The largest size that the law was fitted to, pairs.
    pub fn largest(&self) -> f64 {
        self.points.iter().map(|point| point.pairs).fold(0.0, f64::max)
    }

    /// The smallest size above 0 that was run; infinite where there is none.
    pub fn smallest_run(&self) -> f64 {
        self.all_points()
            .map(|point| point.pairs)
            .filter(|pairs| *pairs > 0.0)
            .fold(f64::INFINITY, f64::min)
    }

    /// The largest size that was run, with repeated pairs or without.
    pub fn largest_run(&self) -> f64 {
        self.all_points().map(|point| point.pairs).fold(0.0, f64::max)
    }
}

impl Misfit {
    /// Standard deviation of the ln loss at an ln distance beyond the largest size.
    pub fn deviation_log(&self, distance: f64) -> f64 {
        self.covariance_log(distance, distance).sqrt()
    }
}

impl FitFile {
    /// The file's text.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The languages: those of the fits, or of the joint law where no model of one language was
    /// tuned.
    pub fn langs(&self) -> Vec<&str> {
        match &self.joint {
            Some(joint) if self.fits.is_empty() => joint.langs.iter().map(String::as_str).collect(),
            _ => self.fits.iter().map(|fit| fit.curve.as_str()).collect(),
        }
    }

    /// Reads the file's text; laws and intervals are checked, and that a joint law is of the
    /// languages of the fits.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let file: Self = serde_json::from_str(text)?;
        if file.joint.as_ref().is_some_and(|joint| !joint.is_of(&file.langs())) {
            let expected = "expected the languages of the fits in their order, weights that sum to \
            1, and as many finite coordinates as it needs";
            return Err(serde_json::Error::custom(format!(
                "`joint` is damaged or of other fits, {expected}"
            )));
        }
        Ok(file)
    }
}

fn normals(stream: u64) -> impl FnMut() -> f64 {
    let mut generator = generator(0, Purpose::Prediction, Item::Nth(stream));
    move || StandardNormal.sample(&mut generator)
}

/// Student's numbers: how much the laws miss is known of the family, and differs between its
/// curves.
fn students(stream: u64) -> impl FnMut() -> f64 {
    let mut generator = generator(0, Purpose::Prediction, Item::Nth(stream));
    let student = StudentT::new(misfit::DEGREES).ok();
    move || student.map_or(0.0, |student| student.sample(&mut generator))
}

/// A value with the central half and 90 % of the draws; a point without draws.
pub(super) fn prediction(value: f64, mut draws: Vec<f64>) -> Prediction {
    let mut interval = |level| around(value, &mut draws, level).into();
    Prediction { value, interval_50: interval(0.5), interval_90: interval(0.9) }
}

/// A value with the central 90 % of the draws; a point without draws.
pub(super) fn estimate(value: f64, mut draws: Vec<f64>) -> Estimate {
    Estimate { value, interval_90: around(value, &mut draws, 0.9).into() }
}
