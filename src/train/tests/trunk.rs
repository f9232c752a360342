//! Branches of a trunk are the runs that they stand for.

use super::*;
use crate::spec::{ScheduleSpec, TrunkSpec};
use crate::units::Pairs;

/// The experiment above under a trunk, with sizes that are no multiples of a batch.
fn trunk_of(method: Method, peak_lr: f64) -> (Experiment, Vec<Bitext>, Base) {
    let (mut experiment, bitexts, base) = prepared(EXPERIMENT);
    experiment.tuning.schedule =
        ScheduleSpec::Trunk(TrunkSpec { warmup_steps: 2, cooldown_share: 0.4 });
    experiment.tuning.method = method;
    experiment.tuning.optimisation.peak_lr = peak_lr;
    experiment.sizes = [10, 23, 60].map(Pairs).to_vec();
    experiment.seeds = vec![1];
    (experiment, bitexts, base)
}

/// The branches of the first language, grown from one trunk, and each trained by itself.
fn grown_and_alone(
    (experiment, bitexts, base): &(Experiment, Vec<Bitext>, Base),
) -> (Vec<RunRecord>, Vec<RunRecord>) {
    let tuner = Tuner::new(experiment, bitexts, base, "test", "cpu").unwrap();
    let runs = &experiment.runs(bitexts, &base.id)[..3];
    let mut runner = tuner.runner();
    let grown = runs.iter().map(|run| runner.run(run, &|| 0.0, |_| ()).unwrap()).collect();
    (grown, runs.iter().map(|run| tuner.run(run, &|| 0.0, |_| ()).unwrap()).collect())
}

#[test]
fn branches_of_a_trunk_are_the_runs_trained_by_themselves() {
    let lora = LoraSpec {
        rank: 4,
        alpha: 16.0,
        dropout: 0.1,
        target_modules: vec![Module::QProj, Module::DownProj],
    };
    for method in [Method::Full, Method::Lora(lora)] {
        let (grown, alone) = grown_and_alone(&trunk_of(method, 0.003));
        assert_eq!(grown.iter().map(|record| record.steps).collect::<Vec<_>>(), [3, 6, 15]);
        let computed = |records: &[RunRecord]| {
            records.iter().map(|record| record.computed_tokens.unwrap().0).collect::<Vec<_>>()
        };
        for (grown, alone) in grown.iter().zip(&alone) {
            assert_eq!(alone.computed_tokens, Some(alone.train_tokens));
            assert_eq!(
                *grown,
                RunRecord { computed_tokens: grown.computed_tokens, ..alone.clone() }
            );
        }
        // trunks of 1, 3 and 9 steps, cool-downs of 2, 3 and 6: 9 + 11 steps in place of 24
        let (shared, apart): (u64, u64) =
            (computed(&grown).iter().sum(), computed(&alone).iter().sum());
        assert!(
            (0.75..0.9).contains(&(shared as f64 / apart as f64)),
            "{shared} of {apart} tokens"
        );
        assert_eq!(computed(&grown)[0], computed(&alone)[0]);
    }
}

#[test]
fn a_trunk_that_diverges_takes_its_longer_branches_with_it() {
    let (grown, alone) = grown_and_alone(&trunk_of(Method::Full, 1e6));
    let steps: Vec<_> = grown
        .iter()
        .map(|record| matches!(record.outcome, Outcome::Diverged { .. }).then_some(record.steps))
        .collect();
    let [_, Some(second), Some(third)] = steps[..] else { panic!("{steps:?}") };
    assert!(second < 6 && third < 9, "{steps:?}");
    assert!(grown.iter().zip(&alone).all(|(grown, alone)| grown.outcome == alone.outcome));
}

#[test]
fn a_trunk_is_not_continued_by_what_is_not_on_its_way() {
    let (experiment, bitexts, base) = trunk_of(Method::Full, 0.003);
    let tuner = Tuner::new(&experiment, &bitexts, &base, "test", "cpu").unwrap();
    let runs = experiment.runs(&bitexts, &base.id);
    let mut runner = tuner.runner();
    // falling amounts, then another language
    for run in [&runs[2], &runs[1], &runs[3]] {
        assert_eq!(
            runner.run(run, &|| 0.0, |_| ()).unwrap(),
            tuner.run(run, &|| 0.0, |_| ()).unwrap()
        );
    }
}
