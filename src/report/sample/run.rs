//! Records of runs on the base or on one language.

use super::laws::{CODES, offset, wobble};
use crate::record::{Evaluation, Outcome, RunRecord, Subject};
use crate::units::{Nats, Pairs, Tokens};

pub(super) fn record(tuned: Option<usize>, pairs: u64, count: usize) -> RunRecord {
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
