//! Ids of runs, and the checks of an experiment that no sweep would survive.

use super::*;
use crate::corpus::{Bitext, PromptStyle};
use crate::record::{Subject, TrainingVersion};
use crate::units::{Direction, Lang};
use std::collections::HashSet;

const EXPERIMENT: &str = "\
analysis: a try
base: {preset: nano, pretraining: {tokens: 1000, shares: {eng_Latn: 0.9}}}
sizes: [40, 0, 10]
seeds: [2, 1]
constructed:
  seed: 1
  train: 60
  dev: 8
  test: 8
  sisters:
  - {lang: qaa_Latn, name: Near, vocabulary: 0.9, order: svo, morphology: english}
  - {lang: qac_Latn, name: Far, vocabulary: 0.1, order: sov, morphology: case}
";

fn parse(from: &str, to: &str) -> (Experiment, Vec<Bitext>) {
    assert!(EXPERIMENT.contains(from), "{from}");
    let experiment = Experiment::parse("try", &EXPERIMENT.replace(from, to)).unwrap();
    let Text::Constructed(languages) = &experiment.text else { panic!("not constructed") };
    let bitexts = languages.build().unwrap();
    (experiment, bitexts)
}

/// Ids of the runs of a variant of the experiment.
fn ids(from: &str, to: &str) -> Vec<String> {
    let (experiment, bitexts) = parse(from, to);
    let base = experiment.base_id(&bitexts, None, TrainingVersion::CURRENT);
    experiment.runs(&bitexts, &base).into_iter().map(|run| run.id).collect()
}

#[test]
fn runs_are_languages_by_sizes_by_seeds_after_one_base() {
    let (experiment, bitexts) = parse("", "");
    let runs = experiment.runs(&bitexts, "base");
    assert_eq!(runs.len(), 1 + 2 * 2 * 2);
    assert_eq!(runs[0].subject, Subject::Base);
    let order: Vec<_> = runs[1..5].iter().map(|run| (run.subject.pairs().0, run.seed)).collect();
    assert_eq!(order, [(10, 2), (10, 1), (40, 2), (40, 1)]);
    let different: HashSet<_> = runs.iter().map(|run| &run.id).collect();
    assert_eq!(different.len(), runs.len());
    assert!(runs.iter().all(|run| run.id.len() == 16));
}

#[test]
fn an_id_changes_with_all_that_determines_a_run_and_with_nothing_else() {
    let kept = ids("", "");
    for (from, to) in [
        ("a try", "another try"),
        (
            "seeds: [2, 1]",
            "seeds: [2, 1]\ntuning: {epochs: 1, method: full, schedule: whole, recompute: true}",
        ),
        ("[40, 0, 10]", "[0, 10, 40]"),
        (
            "seeds: [2, 1]",
            "seeds: [2, 1]\nevaluation: {pairs: 250, calibration: false}\nuntuned: []",
        ),
    ] {
        assert_eq!(ids(from, to), kept, "{to}");
    }
    let changes = [
        ("tokens: 1000", "tokens: 1001"),
        ("eng_Latn: 0.9", "eng_Latn: 0.8"),
        ("preset: nano", "preset: micro"),
        ("preset: nano", "preset: nano, seed: 1"),
        ("seeds: [2, 1]", "seeds: [2, 1]\nevaluation: {pairs: 3}"),
        ("seeds: [2, 1]", "seeds: [2, 1]\nevaluation: {calibration: true}"),
        ("seeds: [2, 1]", "seeds: [2, 1]\ntuning: {direction: x-en}"),
        ("train: 60", "train: 61"),
        ("dev: 8", "dev: 9"),
        ("vocabulary: 0.1", "vocabulary: 0.2"),
    ];
    for (from, to) in changes {
        let changed = ids(from, to);
        assert!(changed.iter().zip(&kept).all(|(changed, kept)| changed != kept), "{to}");
    }
    for tuning in ["epochs: 2", "method: {lora: {}}", "schedule: trunk", "micro_batch_pairs: 4"] {
        let tuned = ids("seeds: [2, 1]", &format!("seeds: [2, 1]\ntuning: {{{tuning}}}"));
        assert_eq!(tuned[0], kept[0], "the base is not tuned");
        assert!(tuned[1..].iter().zip(&kept[1..]).all(|(tuned, kept)| tuned != kept), "{tuning}");
    }
    // a further size or seed leaves the runs that there are
    let more = ids("[40, 0, 10]", "[0, 10, 40, 50]");
    assert!(kept.iter().all(|id| more.contains(id)) && more.len() == kept.len() + 4);
}

#[test]
fn a_trunk_is_a_word_or_its_keys() {
    let schedule = |keys: &str| {
        parse("seeds: [2, 1]", &format!("seeds: [2, 1]\ntuning: {{schedule: {keys}}}"))
            .0
            .tuning
            .schedule
    };
    assert_eq!(schedule("trunk"), ScheduleSpec::Trunk(TrunkSpec::default()));
    let other = TrunkSpec { cooldown_share: 0.5, ..TrunkSpec::default() };
    assert_eq!(schedule("{trunk: {cooldown_share: 0.5}}"), ScheduleSpec::Trunk(other));
    assert_eq!([1, 2, 3, 40].map(|steps| other.cooldown_steps(steps)), [1, 1, 2, 20]);
    assert_eq!(TrunkSpec { cooldown_share: 0.0, ..other }.cooldown_steps(40), 1);
}

#[test]
fn a_recipe_is_where_the_keys_start() {
    let tuning =
        |keys: &str| parse("seeds: [2, 1]", &format!("seeds: [2, 1]\ntuning: {{{keys}}}")).0.tuning;
    let plain = parse("", "").0.tuning;
    assert_eq!(tuning("recipe: translation"), plain);
    let questions = tuning("recipe: question-translation");
    let modules = vec![Module::QProj, Module::VProj];
    let lora = |rank| {
        Method::Lora(LoraSpec { rank, alpha: 16.0, dropout: 0.0, target_modules: modules.clone() })
    };
    assert_eq!(
        (questions.direction, questions.prompt, questions.epochs),
        (Direction::ToEnglish, PromptStyle::Question, 3)
    );
    assert_eq!((questions.method.clone(), questions.optimisation.warmup_share), (lora(8), 0.1));
    let changed = tuning(
        "recipe: question-translation, epochs: 1, method: {lora: {rank: 4}}, optimisation: \
        {peak_lr: 0.5}",
    );
    let optimisation = Optimisation { peak_lr: 0.5, ..questions.optimisation };
    assert_eq!(changed, Tuning { epochs: 1, method: lora(4), optimisation, ..questions });
    assert_eq!(tuning("recipe: question-translation, method: full").method, Method::Full);
    let files = "instructions: {files: [{lang: eng_Latn, path: a.jsonl}], most: 5}";
    for (recipe, scope, direction) in [
        ("coit", Scope::Own, Direction::FromEnglish),
        ("muit", Scope::All, Direction::FromEnglish),
        ("translation-following", Scope::Own, Direction::Both),
    ] {
        let tuning = tuning(&format!("recipe: {recipe}, {files}"));
        let instructions = tuning.instructions.unwrap();
        assert_eq!(
            (instructions.scope, instructions.most, tuning.direction),
            (scope, Some(5), direction),
            "{recipe}"
        );
        let error = Experiment::parse(
            "x",
            &EXPERIMENT
                .replace("seeds: [2, 1]", &format!("seeds: [2, 1]\ntuning: {{recipe: {recipe}}}")),
        );
        assert!(
            error
                .unwrap_err()
                .to_string()
                .starts_with("`tuning.instructions.files` is empty, expected at least one file")
        );
    }
}

#[test]
fn a_tokenizer_of_its_own_is_another_base() {
    let (experiment, bitexts) = parse("", "");
    assert_ne!(
        experiment.base_id(&bitexts, None, TrainingVersion::CURRENT),
        experiment.base_id(&bitexts, Some("00ff"), TrainingVersion::CURRENT)
    );
}

#[test]
fn each_version_of_the_training_code_has_ids_of_its_own() {
    let (experiment, bitexts) = parse("", "");
    let of = |version| experiment.base_id(&bitexts, None, version);
    assert_ne!(of(TrainingVersion::FIRST), of(TrainingVersion::CURRENT));
    let ids = |base: &str| {
        experiment.runs(&bitexts, base).into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    let (first, current) = (ids(&of(TrainingVersion::FIRST)), ids(&of(TrainingVersion::CURRENT)));
    assert!(first.iter().all(|id| !current.contains(id)));
}

#[test]
fn shares_of_a_base_sum_to_one() {
    let (experiment, _) = parse("", "");
    let BaseSpec::Preset(base) = &experiment.base else { panic!("not a preset") };
    let shares = base.pretraining.shares_of(&experiment.langs());
    assert_eq!(shares[0], (Lang::english(), 0.9));
    approx::assert_relative_eq!(shares[1].1, 0.05, max_relative = 1e-12);
    approx::assert_relative_eq!(
        shares.iter().map(|(_, share)| share).sum::<f64>(),
        1.0,
        max_relative = 1e-12
    );
    for shares in [
        "{eng_Latn: 0.9, qaa_Latn: 0.2}",
        "{eng_Latn: 0.5, qaa_Latn: 0.2, qac_Latn: 0.2}",
        "{eng_Latn: .nan}",
    ] {
        let text = EXPERIMENT.replace("{eng_Latn: 0.9}", shares);
        assert!(Experiment::parse("try", &text).is_err(), "{shares}");
    }
}

#[test]
fn mixtures_come_last_and_leave_the_other_runs() {
    let kept = ids("", "");
    let (experiment, bitexts) = parse(
        "seeds: [2, 1]",
        "seeds: [2, 1]\npasses: 2\nmixtures: {count: 5, least: 20, most: 200}",
    );
    let base = experiment.base_id(&bitexts, None, TrainingVersion::CURRENT);
    let runs = experiment.runs(&bitexts, &base);
    assert!(
        runs.iter().zip(&kept).all(|(run, kept)| run.id == *kept) && runs.len() == kept.len() + 5
    );
    let mixtures = &runs[kept.len()..];
    assert!(mixtures.iter().all(|run| run.subject.mix().len() == 2));
    assert_eq!(mixtures.iter().map(|run| run.seed).collect::<Vec<_>>(), [2, 1, 2, 1, 2]);
    // two passes over 60 pairs at most
    let largest: Vec<u64> = mixtures[4].subject.mix().iter().map(|row| row.pairs.0).collect();
    assert!(
        largest.iter().all(|pairs| *pairs <= 120)
            && largest.iter().sum::<u64>() == mixtures[4].subject.pairs().0
    );
    let pairs: Vec<u64> = mixtures[0].subject.mix().iter().map(|row| row.pairs.0).collect();
    let on = |part| experiment.mixed_run(&bitexts, &base, &pairs, 2, part).id;
    assert_eq!(on(crate::corpus::Split::Dev), mixtures[0].id);
    assert_ne!(
        on(crate::corpus::Split::Test),
        mixtures[0].id,
        "what is scored on test is another run"
    );
    for (keys, expected) in [
        ("mixtures: {count: 0, least: 20, most: 200}", "`mixtures.count` is 0"),
        ("mixtures: {count: 3, least: 200, most: 20}", "`mixtures.most` is 20"),
        ("passes: 0", "`passes` is 0"),
    ] {
        let error = Experiment::parse(
            "x",
            &EXPERIMENT.replace("seeds: [2, 1]", &format!("seeds: [2, 1]\n{keys}")),
        )
        .unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
