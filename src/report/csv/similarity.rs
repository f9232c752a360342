//! The table of a trial of gamma: each language as it was predicted from the others.

use super::columns::{reals, stamped, texts};
use crate::report::{Provenance, ReportError};
use crate::similarity::{Gain, Likeness, Miss, Score, Similarity, Trial};

/// One row per measure, predictor and language: what is known of the language, how far it was
/// predicted, then what is known of the predictor.
pub fn similarity(similarity: &Similarity) -> Result<Vec<u8>, ReportError> {
    type Row<'a> = (&'a Trial, &'a Score, usize);
    let scores = similarity
        .trials
        .iter()
        .flat_map(|trial| trial.scores.iter().map(move |score| (trial, score)));
    let rows: Vec<Row> = scores
        .flat_map(|(trial, score)| (0..score.misses.len()).map(move |at| (trial, score, at)))
        .collect();
    let of = |part: fn(&Likeness) -> f64| {
        rows.iter().map(move |&(_, _, at)| part(&similarity.languages[at]))
    };
    let miss =
        |part: fn(&Miss) -> f64| rows.iter().map(move |&(_, score, at)| part(&score.misses[at]));
    let gain = |part: fn(&Gain) -> f64| {
        rows.iter().map(move |(_, score, _)| score.gain.as_ref().map(part))
    };
    let columns = vec![
        texts("measure", rows.iter().map(|(trial, _, _)| trial.measure.to_string())),
        texts("predictor", rows.iter().map(|(_, score, _)| score.predictor.to_string())),
        texts("lang", rows.iter().map(|&(_, _, at)| similarity.languages[at].lang.as_str())),
        reals("cosine_parallel", of(|row| row.cosine.parallel)),
        reals("cosine_random", of(|row| row.cosine.random)),
        reals("gamma_cosine", of(|row| row.cosine.gamma.value)),
        reals("gamma_cosine_lo90", of(|row| row.cosine.gamma.interval_90.lo)),
        reals("gamma_cosine_hi90", of(|row| row.cosine.gamma.interval_90.hi)),
        reals("gamma_vocabulary", of(|row| row.vocabulary.gamma)),
        reals("shared_types", of(|row| row.vocabulary.types)),
        reals("level_log", rows.iter().map(|&(trial, _, at)| trial.levels_log[at])),
        reals("rms_log", miss(|miss| miss.rms_log)),
        reals("bias_log", miss(|miss| miss.bias_log)),
        reals("all_rms_log", rows.iter().map(|(_, score, _)| score.rms_log)),
        reals("gain_log", gain(|gain| gain.error_log.value)),
        reals("gain_lo90_log", gain(|gain| gain.error_log.interval_90.lo)),
        reals("gain_hi90_log", gain(|gain| gain.error_log.interval_90.hi)),
        reals("by_chance", gain(|gain| gain.by_chance)),
    ];
    stamped("similarity", &Provenance::of_similarity(similarity).stamp(), columns)
}
