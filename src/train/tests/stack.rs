//! Runs side by side are the runs trained by themselves, up to rounding, and each fails for itself.

use super::*;
use crate::model::Saving;
use crate::train::stack::SideBySide;

fn optimisation() -> Optimisation {
    Optimisation { peak_lr: 0.01, ..Optimisation::default() }
}

/// Batches of three runs: of different sequences, lengths and numbers of sequences, one of them a
/// step shorter.
fn batches(run: usize) -> Vec<Batch> {
    let all = sequences(40);
    let own = |step: usize| batch_of(&all[5 * run + 3 * step..][..3 + (run + step) % 3]);
    (0..8 - run / 2).map(own).collect()
}

/// What three runs end with, side by side and each by itself, and how their models then score the
/// same sequences, nats in total.
fn side_by_side_and_alone(dtype: DType) -> [Vec<(Ended, f64)>; 2] {
    let base = model(TINY, dtype);
    let batches: Vec<Vec<Batch>> = (0..3).map(batches).collect();
    let score = |model: &Llama| evaluate(model, &sequences(20), 64).unwrap().0;
    let mut stack = SideBySide::new(&base, 3, Saving::default()).unwrap();
    let member = |batches: &Vec<Batch>| {
        Member::new(batches.clone(), Schedule::whole(&optimisation(), batches.len() as u64))
    };
    let mut members: Vec<Member> = batches.iter().map(member).collect();
    fit_stack(&mut stack, &mut members, &optimisation(), |_| ()).unwrap();
    let stacked = members
        .iter()
        .enumerate()
        .map(|(run, member)| (member.ended(), score(&stack.member(run).unwrap())))
        .collect();
    let alone = batches.iter().map(|batches| {
        let model = base.copy().unwrap();
        (fit_batches(&model, batches, &optimisation(), |_| ()).unwrap(), score(&model))
    });
    [stacked, alone.collect()]
}

#[test]
fn a_stack_ends_as_its_runs_by_themselves() {
    for (dtype, tolerance) in [(DType::F64, 1e-10), (DType::F32, 1e-5)] {
        let [stacked, alone] = side_by_side_and_alone(dtype);
        let (mut worst, mut scores) = (0.0f64, Vec::new());
        for ((ended, score), (own_ended, own_score)) in stacked.iter().zip(&alone) {
            let (
                Ended::Finished { tokens, last_loss_nats: loss },
                Ended::Finished { tokens: own_tokens, last_loss_nats: own_loss },
            ) = (ended, own_ended)
            else {
                panic!("{ended:?} {own_ended:?}")
            };
            assert_eq!(tokens, own_tokens);
            worst = worst.max((loss / own_loss - 1.0).abs()).max((score / own_score - 1.0).abs());
            scores.push(*score);
        }
        assert!(worst < tolerance, "{worst:e} in {dtype:?}");
        assert!(
            scores[0] != scores[1] && scores[1] != scores[2],
            "the runs are different ones: {scores:?}"
        );
    }
}

#[test]
fn a_member_that_diverges_does_not_hurt_the_others() {
    let base = model(TINY, DType::F32);
    let whole = Optimisation { peak_lr: 1e6, ..optimisation() };
    let run = |peaks: [&Optimisation; 2]| {
        let mut stack = SideBySide::new(&base, 2, Saving::default()).unwrap();
        let member = |(run, optimisation): (usize, &&Optimisation)| {
            Member::new(batches(run), Schedule::whole(optimisation, batches(run).len() as u64))
        };
        let mut members: Vec<Member> = peaks.iter().enumerate().map(member).collect();
        fit_stack(&mut stack, &mut members, &optimisation(), |_| ()).unwrap();
        let score = evaluate(&stack.member(1).unwrap(), &sequences(20), 64).unwrap().0;
        (members[0].ended(), members[1].ended(), score.to_bits())
    };
    let (broken, beside_broken, score) = run([&whole, &optimisation()]);
    let (sound, beside_sound, same) = run([&optimisation(), &optimisation()]);
    assert!(
        matches!(broken, Ended::Diverged { .. }) && matches!(sound, Ended::Finished { .. }),
        "{broken:?} {sound:?}"
    );
    assert_eq!((beside_broken, score), (beside_sound, same), "to the bit");
}

#[test]
fn records_of_a_stack_are_those_of_its_runs_up_to_rounding() {
    let (experiment, bitexts, base) = prepared(EXPERIMENT);
    let tuner = Tuner::new(&experiment, &bitexts, &base, "test", "cpu").unwrap();
    let runs: Vec<_> = experiment
        .runs(&bitexts, &base.id)
        .into_iter()
        .filter(|run| run.subject.pairs().0 == 24)
        .collect();
    let records = tuner.run_stack(&runs, &|| 0.0, |_| ()).unwrap();
    assert_eq!(records.len(), 4);
    for (run, record) in runs.iter().zip(records) {
        let alone = tuner.run(run, &|| 0.0, |_| ()).unwrap();
        assert_eq!(
            (&record.run_id, record.steps, record.train_tokens, record.stack),
            (&run.id, 6, alone.train_tokens, Some(4))
        );
        for (own, alone) in record.evaluations().iter().zip(alone.evaluations()) {
            assert_eq!((own.target_tokens, own.pairs), (alone.target_tokens, alone.pairs));
            approx::assert_relative_eq!(own.nats.0, alone.nats.0, max_relative = 1e-5);
        }
    }
}

#[test]
fn adapters_are_trained_one_after_the_other() {
    let (mut experiment, bitexts, base) = prepared(EXPERIMENT);
    experiment.tuning.method = Method::Lora(LoraSpec::default());
    let tuner = Tuner::new(&experiment, &bitexts, &base, "test", "cpu").unwrap();
    let runs = experiment.runs(&bitexts, &base.id)[1..3].to_vec();
    let alone: Vec<_> = runs.iter().map(|run| tuner.run(run, &|| 0.0, |_| ()).unwrap()).collect();
    assert_eq!(tuner.run_stack(&runs, &|| 0.0, |_| ()).unwrap(), alone);
}
