//! A trainer that trains nothing: losses of planted laws with seeded noise, to try a pipeline in a
//! second.

use crate::files;
use crate::record::{Evaluation, Outcome, RunRecord};
use crate::spec::{Experiment, RunSpec};
use crate::units::Pairs;
use crate::units::{Lang, Nats, Tokens};

/// The device that simulated records name.
const SIMULATED: &str = "simulated";

/// Whether a record is of a simulated run, which says nothing about any language.
pub fn is_simulated(record: &RunRecord) -> bool {
    record.device == SIMULATED
}

/// What a pair of the language before is worth in a simulated mixture.
const TRANSFER: f64 = 0.2;

/// Target tokens that a simulated evaluation claims.
const TARGET_TOKENS: u64 = 10_000;

/// The record of a simulated run: language k of the sweep follows
/// `1 + (1 + k/2) ((X + 200) / 1000)^-(0.5 - 0.05 k)` on its own data and stays at its loss without
/// data on that of others, times noise of 0.5 % that the run's id seeds. In a mixture a pair of the
/// language before it is worth a fifth of its own.
pub fn simulate(experiment: &Experiment, run: &RunSpec, version: &str) -> RunRecord {
    let langs = experiment.langs();
    let evaluations = (0..langs.len()).map(|k| evaluation(k, &langs, run)).collect();
    let pairs = run.subject.pairs().0;
    RunRecord {
        run_id: run.id.clone(),
        parallot: version.to_owned(),
        sweep: experiment.name.clone(),
        subject: run.subject.clone(),
        seed: run.seed,
        device: SIMULATED.to_owned(),
        threads: 1,
        stack: None,
        outcome: Outcome::Finished(evaluations),
        calibration: Vec::new(),
        untuned: Vec::new(),
        steps: pairs,
        train_tokens: Tokens(100 * pairs),
        computed_tokens: None,
        train_loss_nats: None,
        wall_seconds: 0.0,
        tokens_per_second: None,
    }
}

fn evaluation(k: usize, langs: &[Lang], run: &RunSpec) -> Evaluation {
    let pairs = |i: usize| run.subject.pairs_of(&langs[i]).0 as f64;
    let lang = &langs[k];
    let others = if run.subject.is_mixture() && k > 0 { TRANSFER * pairs(k - 1) } else { 0.0 };
    let own = pairs(k) + others;
    let k = k as f64;
    let loss = 1.0 + (1.0 + 0.5 * k) * ((own + 200.0) / 1000.0).powf(-(0.5 - 0.05 * k));
    // 32 bits of a hash, evenly spread over -1 to 1
    let digits = files::hash(format!("{}{lang}", run.id).as_bytes());
    let noise = u32::from_str_radix(&digits[..8], 16)
        .map_or(0.0, |bits| f64::from(bits) / f64::from(u32::MAX) * 2.0 - 1.0);
    Evaluation {
        lang: lang.clone(),
        nats: Nats(loss * (1.0 + 0.005 * noise) * TARGET_TOKENS as f64),
        target_tokens: Tokens(TARGET_TOKENS),
        target_bytes: 3 * TARGET_TOKENS,
        pairs: Pairs(250),
    }
}
