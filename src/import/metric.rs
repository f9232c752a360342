//! Names of metrics: which series are the one asked for, on which eval set, and whether higher is
//! better.

use super::log::{Metric, Run, Series};
use std::collections::BTreeSet;

/// What is taken where no metric is named.
pub(super) const DEFAULT: &str = "eval_loss";

/// How keys of evaluations start; between this and the metric's own name stands the eval set:
/// `eval_zh_loss`, `eval/zh_loss`.
const EVALUATION: [&str; 2] = ["eval_", "eval/"];

/// Starts of the words of metrics that are scores, with the score of a perfect translation or
/// answer.
const SCORES: [(&str, f64); 8] = [
    ("acc", 1.0),
    ("exact", 1.0),
    ("f1", 1.0),
    ("bleu", 100.0),
    ("sacrebleu", 100.0),
    ("spbleu", 100.0),
    ("chrf", 100.0),
    ("comet", 100.0),
];

/// Words of metrics that fall when all goes well.
const LOSSES: [&str; 13] = [
    "loss",
    "ce",
    "xent",
    "entropy",
    "perplexity",
    "ppl",
    "nll",
    "ter",
    "wer",
    "cer",
    "error",
    "bpb",
    "bits",
];

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sense {
    /// Lower is better: the value is the loss.
    Falls,
    /// Higher is better: the loss is what is missing to the ceiling.
    Rises {
        /// Score of a perfect model.
        ceiling: f64,
    },
}

impl Sense {
    /// The sense of a metric by what is given, by what the log says, and by its name; none where
    /// they do not say enough.
    pub(super) fn of(metric: &Metric, series: &Series, given: Option<Sense>) -> Option<Sense> {
        let score =
            SCORES.iter().find(|(score, _)| words(&metric.key).any(|word| word.starts_with(score)));
        let rises = score.map(|&(_, ceiling)| Sense::Rises { ceiling });
        let falls =
            words(&metric.key).any(|word| LOSSES.contains(&word.as_str())).then_some(Sense::Falls);
        given.or(match series.higher_is_better {
            Some(true) => rises,
            Some(false) => Some(Sense::Falls),
            None => falls.or(rises),
        })
    }

    /// The loss that a value stands for.
    pub(super) fn loss(self, value: f64) -> f64 {
        match self {
            Sense::Falls => value,
            Sense::Rises { ceiling } => ceiling - value,
        }
    }
}

/// The words of a key, in lower case.
fn words(key: &str) -> impl Iterator<Item = String> + '_ {
    key.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase)
}

/// The series of a run that are the metric asked for, each with its eval set, if it has one.
pub(super) fn matching<'a>(
    run: &'a Run,
    asked: &str,
) -> Vec<(&'a Metric, Option<&'a str>, &'a Series)> {
    run.series
        .iter()
        .filter_map(|(metric, series)| Some((metric, eval_set(metric, asked)?, series)))
        .collect()
}

/// The eval set on which a series is the metric asked for; an outer `None` is another metric. Sets
/// that `export` names are languages.
fn eval_set<'a>(metric: &'a Metric, asked: &str) -> Option<Option<&'a str>> {
    let exported = |set: &'a str| {
        set.strip_prefix("muit_")
            .and_then(|set| set.strip_suffix("_val"))
            .filter(|lang| !lang.is_empty())
    };
    logged_set(metric, asked).map(|set| set.map(|set| exported(set).unwrap_or(set)))
}

fn logged_set<'a>(metric: &'a Metric, asked: &str) -> Option<Option<&'a str>> {
    let after_eval = |key: &'a str| EVALUATION.iter().find_map(|start| key.strip_prefix(start));
    let of_set = |set: &str| {
        asked
            .strip_prefix(set)?
            .strip_prefix('/')
            .filter(|asked| metric.key == *asked || name(metric) == *asked)
    };
    let is_named = metric.key == asked || name(metric) == asked;
    if is_named || metric.set.as_deref().and_then(of_set).is_some() {
        return Some(metric.set.as_deref());
    }
    let stem = EVALUATION.iter().find_map(|start| asked.strip_prefix(start))?;
    let rest = after_eval(&metric.key)?.strip_suffix(stem)?;
    match rest.strip_suffix(['_', '/']) {
        Some(set) if !set.is_empty() => Some(Some(set)),
        _ => rest.is_empty().then_some(None),
    }
}

/// The name of a metric: the key without the filter that lm-evaluation-harness puts behind a comma.
fn name(metric: &Metric) -> &str {
    match metric.set {
        Some(_) => metric.key.split_once(',').map_or(&metric.key, |(name, _)| name),
        None => &metric.key,
    }
}

/// The names of all metrics of some runs, sorted.
pub(super) fn names(runs: &[Run]) -> Vec<String> {
    let names: BTreeSet<&str> = runs.iter().flat_map(|run| run.series.keys()).map(name).collect();
    names.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(key: &str, set: Option<&str>) -> Metric {
        Metric { key: key.to_owned(), set: set.map(str::to_owned) }
    }

    #[test]
    fn eval_sets_stand_between_the_prefix_and_the_name() {
        let cases = [
            ("eval_loss", "eval_loss", Some(None)),
            ("eval/loss", "eval_loss", Some(None)),
            ("eval_zh_loss", "eval_loss", Some(Some("zh"))),
            ("eval/zh_loss", "eval_loss", Some(Some("zh"))),
            ("eval/zh/loss", "eval/loss", Some(Some("zh"))),
            ("eval_en_zh_bleu", "eval_bleu", Some(Some("en_zh"))),
            ("eval_zh_loss", "eval_zh_loss", Some(None)),
            ("loss", "loss", Some(None)),
            ("loss", "eval_loss", None),
            ("eval_loss", "loss", None),
            ("train_loss", "eval_loss", None),
            ("eval_closs", "eval_loss", None),
            ("eval__loss", "eval_loss", None),
            ("eval_muit_tur_Latn_val_loss", "eval_loss", Some(Some("tur_Latn"))),
            ("eval_muit__val_loss", "eval_loss", Some(Some("muit__val"))),
            ("eval_muit_tur_Latn_loss", "eval_loss", Some(Some("muit_tur_Latn"))),
        ];
        for (key, asked, expected) in cases {
            assert_eq!(eval_set(&metric(key, None), asked), expected, "{key} for {asked}");
        }
        assert_eq!(eval_set(&metric("acc,none", Some("xnli_zh")), "acc"), Some(Some("xnli_zh")));
        assert_eq!(
            eval_set(&metric("acc,none", Some("xnli_zh")), "acc,none"),
            Some(Some("xnli_zh"))
        );
        assert_eq!(eval_set(&metric("acc_norm,none", Some("xnli_zh")), "acc"), None);
        assert_eq!(eval_set(&metric("loss", Some("valid")), "valid/loss"), Some(Some("valid")));
        assert_eq!(eval_set(&metric("loss", Some("train")), "valid/loss"), None);
    }

    #[test]
    fn the_log_is_believed_before_the_name_and_the_user_before_both() {
        let sense = |key: &str, higher_is_better, given| {
            Sense::of(&metric(key, None), &Series { higher_is_better, ..Series::default() }, given)
        };
        assert_eq!(sense("eval_loss", None, None), Some(Sense::Falls));
        assert_eq!(sense("eval/zh_accuracy", None, None), Some(Sense::Rises { ceiling: 1.0 }));
        assert_eq!(sense("chrF2", None, None), Some(Sense::Rises { ceiling: 100.0 }));
        assert_eq!(sense("TER", None, None), Some(Sense::Falls));
        assert_eq!(sense("acc_loss", None, None), Some(Sense::Falls));
        assert_eq!(sense("fluency", None, None), None);
        assert_eq!(sense("fluency", Some(true), None), None, "a ceiling is not known");
        assert_eq!(sense("fluency", Some(false), None), Some(Sense::Falls));
        assert_eq!(sense("acc,none", Some(true), None), Some(Sense::Rises { ceiling: 1.0 }));
        assert_eq!(sense("acc", None, Some(Sense::Falls)), Some(Sense::Falls));
    }
}
