//! A made-up report for the tests of this module: laws, noise and an allocation in closed form, no
//! random numbers.

mod allocation;
mod laws;
mod run;

use super::{Provenance, Report};
use crate::allocate::{
    Allocation, Comparison, GainOf, Measured, ParetoPoint, Policy, PolicyRow, PredictedBy, Term,
};
use crate::fit::Fit;
use crate::fit::transfer::TransferFit;
use crate::law::{Form, Law};
use crate::record::RunRecord;
use crate::validate::{Asked, LossRow, PolicyResult, Validation, nearest};
use allocation::{allocation, policy, split};
use laws::{CODES, UNIQUE, about, fit, transfer, wobble};
use run::record;
use std::collections::BTreeMap;

/// What a [`Report`] borrows.
pub(super) struct Sample {
    pub fits: Vec<Fit>,
    pub terms: Vec<Term>,
    pub comparison: Comparison,
    pub path: Vec<Allocation>,
    pub front: Vec<ParetoPoint>,
    pub transfer: Option<TransferFit>,
    pub records: Vec<RunRecord>,
    pub names: BTreeMap<String, String>,
    pub validations: Vec<Validation>,
}

const BUDGET: u64 = 200_000;
const FITS: &str = "f175";

impl Sample {
    /// A report of so many languages, at most 13.
    pub(super) fn languages(count: usize) -> Sample {
        let fits: Vec<_> = (0..count).map(fit).collect();
        let weight = 1.0 / count as f64;
        let term = |fit: &Fit| {
            let upper = fit.unique.map(|unique| 2 * unique);
            Term { weight, upper, unique: fit.unique, ..Term::new(fit.curve.clone(), fit.law) }
        };
        let terms: Vec<_> = fits.iter().map(term).collect();
        let weights = |power: f64| {
            (0..count)
                .map(|at| (UNIQUE[at] as f64).powf(power) * (1.2 + wobble(3 * at)))
                .collect::<Vec<_>>()
        };
        let ours = split(&weights(0.25), BUDGET);
        let allocated = allocation(&terms, &ours, BUDGET);
        let policies = [
            (Policy::Parallot, ours, 0.021),
            (
                Policy::Uniform,
                split(&weights(0.0).iter().map(|_| 1.0).collect::<Vec<_>>(), BUDGET),
                0.0,
            ),
            (Policy::Proportional, split(&weights(1.0), BUDGET), -0.08),
            (Policy::Temperature(3.3), split(&weights(1.0 / 3.3), BUDGET), 0.004),
            (Policy::Temperature(5.0), split(&weights(0.2), BUDGET), 0.002),
            (Policy::UniMax(4.0), split(&weights(0.1), BUDGET), 0.001),
        ];
        let comparison = Comparison {
            shares: allocated
                .languages
                .iter()
                .map(|allocated| about(allocated.share, 0.15 * allocated.share))
                .collect(),
            allocation: allocated,
            policies: policies
                .into_iter()
                .map(|(kind, pairs, gain)| policy(kind, &terms, pairs, gain))
                .collect(),
            expected_regret_nats: 0.0,
            noise_regret_nats: 0.0,
            uniform_meets_groups: true,
            has_choice: true,
            gain_of: GainOf::Mean,
            predicted_by: PredictedBy::OneLanguage,
            slack_nats: 0.0,
            regret_formula_nats: Some(0.0),
            draws: 40,
        };
        let budgets = (0..25).map(|k| (10_000.0 * 1.26_f64.powi(k)) as u64);
        let path = budgets.map(|budget| {
            allocation(
                &terms,
                &split(&weights(0.6 / (1.0 + (budget as f64 / 30_000.0).ln().abs())), budget),
                budget,
            )
        });
        let path = path.collect();
        let runs = std::iter::once(None).chain((0..count).map(Some));
        let records = runs
            .map(|tuned| record(tuned, if tuned.is_some() { 32_000 } else { 0 }, count))
            .collect();
        let front = (0..5).map(|at| ParetoPoint {
            pairs: split(&weights(0.05 * f64::from(at)), BUDGET),
            mean_loss_nats: 1.98 + 0.001 * f64::from((4 - at) * (4 - at)),
            worst_loss_nats: 2.2 + 0.01 * f64::from(at),
        });
        let front = front.collect();
        let transfer = (fits.len() > 1).then(|| transfer(&CODES[..fits.len()]));
        Sample {
            fits,
            terms,
            comparison,
            path,
            front,
            transfer,
            records,
            names: BTreeMap::new(),
            validations: Vec::new(),
        }
    }

    /// The sample with another name for one language.
    pub(super) fn named(mut self, code: &str, name: &str) -> Sample {
        self.names.insert(code.to_owned(), name.to_owned());
        self
    }

    /// The sample with models tuned on its allocation and on uniform: the first language came out
    /// above its interval under both.
    pub(super) fn validated(mut self, budget: u64, gain: f64) -> Sample {
        let rows = &self.comparison.policies[..2];
        let result = |row: &PolicyRow| {
            let loss = |(at, (term, &pairs)): (usize, (&Term, &u64))| {
                let predicted_nats = about(term.loss(pairs as f64), 0.02);
                let measured_nats = predicted_nats.value + if at == 0 { 0.05 } else { 0.004 };
                LossRow {
                    lang: term.lang.clone(),
                    pairs: (pairs as f64 * budget as f64 / BUDGET as f64).round() as u64,
                    predicted_nats,
                    measured_nats,
                    error_log: (measured_nats / predicted_nats.value).ln(),
                    is_held: at > 0,
                    coupled: None,
                }
            };
            let ours = row.policy == Policy::Parallot;
            PolicyResult {
                policy: row.policy,
                stands_for: Vec::new(),
                seeds: vec![1, 2, 3],
                diverged: Vec::new(),
                losses: self.terms.iter().zip(&row.pairs).enumerate().map(loss).collect(),
                mean_loss_nats: row.mean_loss_nats.value,
                predicted_gain_nats: about(if ours { 0.021 } else { 0.0 }, 0.009),
                coupled_gain_nats: None,
                measured_gain_nats: ours.then(|| about(gain, 0.01)),
                measured_behind_nats: (!ours).then(|| about(gain, 0.01)),
            }
        };
        self.validations.push(Validation {
            command: Some("parallot validate x --budget 9".to_owned()),
            parallot: "0.1.0 (rev 0123abc)".to_owned(),
            prediction_sha256: "ab12".repeat(16),
            fits_sha256: FITS.to_owned(),
            weights: Vec::new(),
            budget,
            policies: rows.iter().map(result).collect(),
            coupled: None,
            dose_response: None,
            verdict: "as the test has it".to_owned(),
        });
        self
    }

    /// What the validation nearest in budget measured.
    fn measured(&self) -> Option<Measured> {
        let asked = Asked {
            terms: &self.terms,
            allocation: &self.comparison.allocation,
            is_mean: true,
            fits_sha256: FITS,
        };
        nearest(&self.validations, asked).map(|(_, measured)| measured)
    }

    /// The report.
    pub(super) fn report(&self) -> Report<'_> {
        Report {
            title: "sample",
            provenance: Provenance {
                parallot: "0.1.0 (rev 0123abc)".to_owned(),
                command: "parallot report sample --budget 200000".to_owned(),
                inputs: vec![("points", "5e9f".repeat(16))],
            },
            fits: &self.fits,
            terms: &self.terms,
            comparison: Some(&self.comparison),
            verdict: Some(self.comparison.verdict(self.measured())),
            to_know: None,
            worth: None,
            validations: &self.validations,
            fits_sha256: FITS,
            path: &self.path,
            front: &self.front,
            transfer: self.transfer.as_ref(),
            joint: None,
            similarity: None,
            records: &self.records,
            names: &self.names,
        }
    }
}

/// Reports at the edges of what can be drawn.
pub(super) fn extremes() -> Vec<Sample> {
    let scaled = |loss: f64, pairs: f64| {
        let mut sample = Sample::languages(2);
        for fit in &mut sample.fits {
            fit.law = Law::new(Form::Power, &[loss, 1e-9]).unwrap();
            fit.draws = vec![fit.law];
            fit.points
                .iter_mut()
                .for_each(|point| (point.loss_nats, point.pairs) = (loss, point.pairs * pairs));
        }
        sample
    };
    let mut bare = Sample::languages(3);
    bare.fits.iter_mut().for_each(|fit| {
        (fit.unique, fit.draws, fit.points) = (None, Vec::new(), fit.points[1..].to_vec())
    });
    bare.terms.iter_mut().for_each(|term| (term.unique, term.upper) = (None, None));
    bare.path.clear();
    bare.front.clear();
    bare.records.clear();
    let mut zero = Sample::languages(2);
    zero.comparison.allocation.languages[0].pairs = 0;
    zero.path.truncate(1);
    vec![scaled(2.0, 1.0), scaled(1e-12, 1e9), scaled(1e12, 1e-2), bare, zero]
}
