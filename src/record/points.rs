//! Records as a table: the points of all runs.

use super::outcome::Outcome;
use super::run::RunRecord;
use crate::units::Lang;
use polars::prelude::*;

/// The points of some records as CSV, one row per run and language evaluated; a diverged run is one
/// row without a loss. `mix` is what a mixture was tuned on, `LANG=PAIRS` with spaces between.
/// Nothing in it depends on the speed of the machine.
pub fn points_csv(records: &[RunRecord]) -> PolarsResult<Vec<u8>> {
    let mut rows = Vec::new();
    for record in records {
        let evaluations = record.evaluations().iter().map(Some);
        rows.extend(evaluations.map(|evaluation| (record, evaluation)));
        if record.evaluations().is_empty() {
            rows.push((record, None));
        }
    }
    let outcome = |record: &RunRecord| match record.outcome {
        Outcome::Finished(_) => "finished",
        Outcome::Diverged { .. } => "diverged",
    };
    let mut frame = df!(
        "run_id" => rows.iter().map(|(r, _)| r.run_id.as_str()).collect::<Vec<_>>(),
        "outcome" => rows.iter().map(|(r, _)| outcome(r)).collect::<Vec<_>>(),
        "lang" => rows.iter().map(|(r, _)| r.subject.lang().map(Lang::code)).collect::<Vec<_>>(),
        "mix" => rows.iter().map(|(r, _)| mix(r)).collect::<Vec<_>>(),
        "pairs" => rows.iter().map(|(r, _)| r.subject.pairs().0).collect::<Vec<_>>(),
        "seed" => rows.iter().map(|(r, _)| r.seed).collect::<Vec<_>>(),
        "evaluated_lang" => rows.iter().map(|(_, e)| e.map(|e| e.lang.code())).collect::<Vec<_>>(),
        "loss_nats" => rows.iter().map(|(_, e)| e.map(|e| e.loss_nats())).collect::<Vec<_>>(),
        "total_nats" => rows.iter().map(|(_, e)| e.map(|e| e.nats.0)).collect::<Vec<_>>(),
        "target_tokens" => rows.iter().map(|(_, e)| e.map(|e| e.target_tokens.0)).collect::<Vec<_>>(),
        "target_bytes" => rows.iter().map(|(_, e)| e.map(|e| e.target_bytes)).collect::<Vec<_>>(),
        "evaluated_pairs" => rows.iter().map(|(_, e)| e.map(|e| e.pairs.0)).collect::<Vec<_>>(),
    )?;
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes).finish(&mut frame)?;
    Ok(bytes)
}

fn mix(record: &RunRecord) -> Option<String> {
    let parts: Vec<String> =
        record.subject.mix().iter().map(|row| format!("{}={}", row.lang, row.pairs)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::{Evaluation, MixRow, Subject};
    use super::*;
    use crate::units::{Nats, Pairs, Tokens};

    fn record(outcome: Outcome) -> RunRecord {
        RunRecord {
            run_id: "0011".into(),
            parallot: "0.1.0".into(),
            sweep: "x".into(),
            subject: Subject::Language { lang: "rus_Cyrl".parse().unwrap(), pairs: Pairs(100) },
            seed: 1,
            device: "cpu".into(),
            threads: 1,
            stack: None,
            outcome,
            calibration: Vec::new(),
            untuned: Vec::new(),
            steps: 7,
            train_tokens: Tokens(900),
            computed_tokens: None,
            train_loss_nats: Some(3.5),
            wall_seconds: 1.5,
            tokens_per_second: Some(600.0),
        }
    }

    #[test]
    fn a_diverged_run_is_a_row_without_a_loss() {
        let evaluation = Evaluation {
            lang: "ell_Grek".parse().unwrap(),
            nats: Nats(30.0),
            target_tokens: Tokens(8),
            target_bytes: 20,
            pairs: Pairs(2),
        };
        let diverged = Outcome::Diverged { step: 3, reason: "loss of NaN".into() };
        let row = |code: &str, pairs| MixRow { lang: code.parse().unwrap(), pairs: Pairs(pairs) };
        let mixture = RunRecord {
            subject: Subject::Mixture(vec![row("ell_Grek", 40), row("rus_Cyrl", 60)]),
            ..record(diverged.clone())
        };
        let csv =
            points_csv(&[record(Outcome::Finished(vec![evaluation])), record(diverged), mixture])
                .unwrap();
        insta::assert_snapshot!(String::from_utf8(csv).unwrap(), @r"
        run_id,outcome,lang,mix,pairs,seed,evaluated_lang,loss_nats,total_nats,target_tokens,target_bytes,evaluated_pairs
        0011,finished,rus_Cyrl,,100,1,ell_Grek,3.75,30.0,8,20,2
        0011,diverged,rus_Cyrl,,100,1,,,,,,
        0011,diverged,,ell_Grek=40 rus_Cyrl=60,100,1,,,,,,
        ");
    }
}
