//! A made-up report for the tests of this module: laws, noise and an allocation in closed form, no
//! random numbers.

use super::{Provenance, Report};
use crate::allocate::{
    Active, AllocatedLanguage, Allocation, Budget, Comparison, GainOf, Measured, ParetoPoint,
    Policy, PolicyRow, PredictedBy, Term,
};
use crate::curve::Point;
use crate::fit::transfer::{HeldOut, TauRow, TransferFit, Untuned};
use crate::fit::{Candidate, Fit, Flag, Misfit, Parameter, Termination};
use crate::law::{Form, Law};
use crate::record::{Evaluation, Outcome, RunRecord, Subject};
use crate::units::{Estimate, Interval, Nats, Pairs, Tokens};
use crate::validate::{Asked, LossRow, PolicyResult, Validation, nearest};
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

const CODES: [&str; 13] = [
    "ara_Arab", "ben_Beng", "deu_Latn", "ell_Grek", "fin_Latn", "hin_Deva", "ind_Latn", "jpn_Jpan",
    "rus_Cyrl", "swh_Latn", "tha_Thai", "tur_Latn", "zho_Hans",
];
const SIZES: [f64; 6] = [1000.0, 2000.0, 4000.0, 8000.0, 16_000.0, 32_000.0];
const BUDGET: u64 = 200_000;
const FITS: &str = "f175";

/// Noise of at most 1, the same each time.
fn wobble(index: usize) -> f64 {
    (12.9898 * (index as f64 + 1.0)).sin()
}

fn about(value: f64, half: f64) -> Estimate {
    Estimate { value, interval_90: Interval::new(value - half, value + half) }
}

fn transfer(langs: &[&str]) -> TransferFit {
    let pairs = || {
        langs
            .iter()
            .enumerate()
            .flat_map(|(i, to)| langs.iter().enumerate().map(move |(j, from)| (i, j, to, from)))
    };
    let row = |(i, j, to, from): (usize, usize, &&str, &&str)| {
        let tau = about(0.1 * wobble(7 * i + j), 0.04);
        TauRow { to: (*to).to_owned(), from: (*from).to_owned(), tau }
    };
    TransferFit {
        langs: langs.iter().map(|lang| (*lang).to_owned()).collect(),
        mixtures: 24,
        largest_pairs: Some(64_000.0),
        losses: 24 * langs.len(),
        tau: pairs().filter(|(i, j, _, _)| i != j).map(row).collect(),
        noise_ratio: 2.0,
        held_out: HeldOut { separable_log: 0.04, coupled_log: 0.02, losses: 24 * langs.len() },
        untuned: vec![Untuned {
            lang: langs[0].to_owned(),
            mixtures: 5,
            change_log: about(0.4, 0.1),
        }],
        trusted_from: vec![500.0; langs.len()],
        draws: Vec::new(),
    }
}

fn offset(at: usize, shift: f64) -> Law {
    let spread = at as f64;
    let parameters = [
        1.6 + 0.07 * spread,
        (9.0 + spread) * (1.0 + shift),
        0.28 + 0.015 * spread + 0.02 * shift,
        150.0 + 40.0 * spread,
    ];
    Law::new(Form::Offset, &parameters).unwrap()
}

fn fit(at: usize) -> Fit {
    let law = offset(at, 0.0);
    let mut points = vec![Point { pairs: 0.0, loss_nats: law.loss(0.0) * 1.02, seed: 0 }];
    for (size, pairs) in SIZES.into_iter().enumerate() {
        points.extend((0..3).map(|seed| {
            let noise = 0.012 * wobble(100 * at + 10 * size + seed as usize);
            Point { pairs, loss_nats: law.loss(pairs) * (1.0 + noise), seed }
        }));
    }
    let parameters = law.parameters().into_iter().map(|(name, value)| Parameter {
        name: name.to_owned(),
        estimate: about(value, 0.1 * value),
        profile_90: None,
    });
    let candidate = |law, weight, held_out| Candidate {
        law,
        reach_efoldings: None,
        weight_within: weight,
        weight_beyond: weight,
        rmse_log: 0.009,
        held_out_error: held_out,
        aicc: Some(-120.5),
    };
    let power = Law::new(Form::Power, &[8.0, 0.12]).unwrap();
    let draws: Vec<Law> = (0..40).map(|draw| offset(at, 0.05 * wobble(7 * at + draw))).collect();
    Fit {
        curve: CODES[at].to_owned(),
        law,
        parameters: parameters.collect(),
        termination: Termination::Converged,
        starts: 64,
        starts_agreed: 60,
        noise_log: 0.01,
        misfit: Misfit { level_log: 0.002, slope_log: 0.001 },
        family: CODES.len(),
        candidates: vec![candidate(law, 0.9, Some(0.008)), candidate(power, 0.1, Some(0.061))],
        flags: if at % 5 == 1 {
            vec![Flag::FloorNotIdentified, Flag::StartsDisagree { agreed: 3, starts: 64 }]
        } else {
            Vec::new()
        },
        unique: Some(UNIQUE[at]),
        tokens_per_pair: Some(60.0),
        points,
        repetition: None,
        draws: draws.clone(),
        draws_beyond: draws,
    }
}

const UNIQUE: [u64; 13] = [
    90_000, 12_000, 400_000, 60_000, 30_000, 150_000, 22_000, 300_000, 350_000, 9000, 14_000,
    80_000, 500_000,
];

/// Whole pairs by weight under caps, the last language taking the rest: a stand-in for an optimum.
fn split(weights: &[f64], budget: u64) -> Vec<u64> {
    let total: f64 = weights.iter().sum();
    let mut pairs: Vec<u64> =
        weights.iter().map(|weight| (budget as f64 * weight / total) as u64).collect();
    if let Some(last) = pairs.last_mut() {
        *last = 0;
    }
    let rest = budget - pairs.iter().sum::<u64>();
    if let Some(last) = pairs.last_mut() {
        *last = rest;
    }
    pairs
}

fn allocation(terms: &[Term], pairs: &[u64], budget: u64) -> Allocation {
    let gain = |term: &Term, pairs: u64| {
        1000.0 * (term.loss(pairs as f64) - term.loss(pairs as f64 + 1.0))
    };
    let languages =
        terms.iter().zip(pairs).enumerate().map(|(at, (term, &pairs))| AllocatedLanguage {
            lang: term.lang.clone(),
            pairs,
            share: pairs as f64 / budget as f64,
            epochs: term.unique.map(|unique| pairs as f64 / unique as f64),
            marginal_gain_per_1k: gain(term, pairs),
            active: if at % 4 == 1 && budget > 60_000 { Active::Upper } else { Active::None },
            loss_nats: term.loss(pairs as f64),
        });
    let languages: Vec<_> = languages.collect();
    let objective =
        languages.iter().map(|allocated| allocated.loss_nats).sum::<f64>() / languages.len() as f64;
    let shadow_price = languages
        .iter()
        .map(|allocated| allocated.marginal_gain_per_1k)
        .fold(f64::INFINITY, f64::min)
        / 1000.0;
    let budget = Budget::Pairs(budget);
    Allocation {
        languages,
        budget,
        objective,
        shadow_price,
        groups: vec![],
        lower_bound: objective,
        gap: 0.0,
    }
}

fn policy(policy: Policy, terms: &[Term], pairs: Vec<u64>, gain: f64) -> PolicyRow {
    let losses: Vec<_> = terms
        .iter()
        .zip(&pairs)
        .map(|(term, &pairs)| about(term.loss(pairs as f64), 0.02))
        .collect();
    let mean = losses.iter().map(|loss| loss.value).sum::<f64>() / losses.len() as f64;
    PolicyRow {
        policy,
        pairs,
        mean_loss_nats: about(mean, 0.015),
        worst_loss_nats: about(losses.iter().map(|loss| loss.value).fold(0.0, f64::max), 0.02),
        loss_nats: losses,
        gain_nats: (policy != Policy::Uniform).then(|| about(gain, 0.009)),
        behind_nats: (policy != Policy::Parallot).then(|| about(0.021 - gain, 0.009)),
    }
}

fn record(tuned: Option<usize>, pairs: u64, count: usize) -> RunRecord {
    let evaluation = |on: usize| {
        let own = if tuned == Some(on) {
            1.0
        } else {
            0.12 * (1.0 + wobble(31 * on + tuned.unwrap_or(0))) - 0.05
        };
        let loss =
            offset(on, 0.0).loss(pairs as f64 * own.max(0.0)) * if own < 0.0 { 1.03 } else { 1.0 };
        let lang = CODES[on].parse().unwrap();
        Evaluation {
            lang,
            nats: Nats(1000.0 * loss),
            target_tokens: Tokens(1000),
            target_bytes: 4000,
            pairs: Pairs(40),
        }
    };
    RunRecord {
        run_id: format!("run-{tuned:?}-{pairs}"),
        parallot: "0.1.0 (rev 0123abc)".to_owned(),
        sweep: "sample".to_owned(),
        subject: tuned.map_or(Subject::Base, |at| Subject::Language {
            lang: CODES[at].parse().unwrap(),
            pairs: Pairs(pairs),
        }),
        seed: 0,
        device: "cpu".to_owned(),
        threads: 2,
        stack: None,
        outcome: Outcome::Finished((0..count).map(evaluation).collect()),
        calibration: Vec::new(),
        untuned: Vec::new(),
        steps: pairs / 32,
        train_tokens: Tokens(pairs * 60),
        computed_tokens: None,
        train_loss_nats: None,
        wall_seconds: 12.5,
        tokens_per_second: None,
    }
}

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
