//! Laws, their fits with draws, and transfer between them.

use crate::curve::Point;
use crate::fit::transfer::{HeldOut, TauRow, TransferFit, Untuned};
use crate::fit::{Candidate, Fit, Flag, Misfit, Parameter, Termination};
use crate::law::{Form, Law};
use crate::units::{Estimate, Interval};

pub(super) const CODES: [&str; 13] = [
    "ara_Arab", "ben_Beng", "deu_Latn", "ell_Grek", "fin_Latn", "hin_Deva", "ind_Latn", "jpn_Jpan",
    "rus_Cyrl", "swh_Latn", "tha_Thai", "tur_Latn", "zho_Hans",
];
pub(super) const UNIQUE: [u64; 13] = [
    90_000, 12_000, 400_000, 60_000, 30_000, 150_000, 22_000, 300_000, 350_000, 9000, 14_000,
    80_000, 500_000,
];
const SIZES: [f64; 6] = [1000.0, 2000.0, 4000.0, 8000.0, 16_000.0, 32_000.0];

/// Noise of at most 1, the same each time.
pub(super) fn wobble(index: usize) -> f64 {
    (12.9898 * (index as f64 + 1.0)).sin()
}

pub(super) fn about(value: f64, half: f64) -> Estimate {
    Estimate { value, interval_90: Interval::new(value - half, value + half) }
}

pub(super) fn offset(at: usize, shift: f64) -> Law {
    let spread = at as f64;
    let parameters = [
        1.6 + 0.07 * spread,
        (9.0 + spread) * (1.0 + shift),
        0.28 + 0.015 * spread + 0.02 * shift,
        150.0 + 40.0 * spread,
    ];
    Law::new(Form::Offset, &parameters).unwrap()
}

pub(super) fn fit(at: usize) -> Fit {
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
        misfit_draws: Vec::new(),
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

pub(super) fn transfer(langs: &[&str]) -> TransferFit {
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
