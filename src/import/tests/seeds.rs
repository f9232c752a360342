//! One log of every kind in one file, and how they become the first inputs of the fuzz targets.

use super::*;
use crate::files;

/// The content of a log of each kind.
pub(super) fn logs() -> Vec<(Kind, Vec<u8>)> {
    let place = Place::new();
    mlflow(&place.path("mlflow.db"));
    let tensor = event(100, "eval/zh_loss", &tensor_content(1.5));
    let events = [
        version(),
        event(50, "eval/zh_loss", &simple(2.0)),
        tensor,
        event(150, "eval/zh_loss", &double_val(1.25)),
    ];
    let acc = r#""acc,none": 0.25, "acc_stderr,none": "N/A""#;
    vec![
        (Kind::TrainerState, trainer_state(150, &HISTORY).into_bytes()),
        (Kind::Tensorboard, events.concat()),
        (Kind::Wandb, PANEL.into()),
        (Kind::Wandb, TABLE.into()),
        (Kind::Mlflow, files::read(&place.path("mlflow.db")).unwrap()),
        (Kind::LmEval, lm_eval(acc, acc).into_bytes()),
        (Kind::Lightning, b"epoch,step,train_loss,val_loss\n0,9,3.5,\n0,9,,3.25\n".to_vec()),
        (Kind::Text, b"[valid] Ep. 1 : Up. 100 : ce-mean-words : 3.5 : new best\n".to_vec()),
        (Kind::Sacrebleu, format!("[{}]", sacrebleu("chrF2", 50.5, "2.6.0")).into_bytes()),
    ]
}

/// Writes the seeds below the folder that `PARALLOT_FUZZ_CORPUS` names; does nothing without it.
#[test]
fn every_kind_is_recognised_and_a_seed() {
    let place = Place::new();
    for (index, (kind, log)) in logs().into_iter().enumerate() {
        let path = place.write("log", &log);
        let logs = read(&[path], None, None).unwrap();
        let first = logs
            .runs
            .first()
            .and_then(|run| run.series.values().next())
            .map(|series| series.readings.len());
        assert!(first.is_some_and(|count| count > 0), "{kind}: {logs:?}");
        // texts, for NaN is not equal to itself
        assert_eq!(
            format!("{:?}", read(&[place.path("log")], Some(kind), None).unwrap()),
            format!("{logs:?}")
        );
        if let Ok(corpus) = std::env::var("PARALLOT_FUZZ_CORPUS") {
            let target = format!("import_{}", kind.name().replace('-', "_"));
            files::write(&PathBuf::from(corpus).join(target).join(index.to_string()), &log)
                .unwrap();
        }
    }
}
