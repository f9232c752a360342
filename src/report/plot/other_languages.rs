//! Other languages: what tuning on one language does to the loss on every other.

use super::{Anchor, FAINT, Ink, Picture, TEXT, WHITE, WIDTH, fitted};
use crate::record::{RunRecord, Subject};
use crate::report::Report;
use crate::units::Lang;

const BETTER: Ink = Ink(33, 102, 172, 1.0);
const WORSE: Ink = Ink(178, 24, 43, 1.0);
/// Cells above this strength carry white text.
const STRONG: f64 = 0.55;

/// Change of loss on one language after tuning on another, relative to the base model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OtherLanguages {
    /// Languages tuned on and evaluated, in the order of the report.
    pub langs: Vec<Lang>,
    /// Row: tuned on, column: evaluated; loss over the base model's loss, less one. Absent where no
    /// run finished.
    pub change: Vec<Vec<Option<f64>>>,
}

impl OtherLanguages {
    /// Mean over seeds of the largest finished size of every language; `None` without runs to
    /// compare.
    pub(super) fn new(report: &Report) -> Option<Self> {
        let finished: Vec<_> =
            report.records.iter().filter(|record| record.is_finished()).collect();
        let mut langs: Vec<Lang> =
            finished.iter().filter_map(|record| record.subject.lang().cloned()).collect();
        langs.sort_by_key(|lang| (report.rank(lang.code()), lang.clone()));
        langs.dedup();
        let base: Vec<_> =
            finished.iter().copied().filter(|record| record.subject == Subject::Base).collect();
        let row = |tuned: &Lang| {
            let runs =
                || finished.iter().copied().filter(|record| record.subject.lang() == Some(tuned));
            let largest = runs().map(|record| record.subject.pairs()).max();
            let runs: Vec<_> =
                runs().filter(|record| Some(record.subject.pairs()) == largest).collect();
            let change =
                |lang: &Lang| Some(mean_loss(&runs, lang)? / mean_loss(&base, lang)? - 1.0);
            langs.iter().map(change).collect::<Vec<_>>()
        };
        let change: Vec<_> = langs.iter().map(row).collect();
        change.iter().flatten().any(Option::is_some).then_some(OtherLanguages { langs, change })
    }
}

fn mean_loss(runs: &[&RunRecord], lang: &Lang) -> Option<f64> {
    let losses: Vec<f64> = runs
        .iter()
        .filter_map(|run| run.evaluation(lang))
        .map(|evaluation| evaluation.loss_nats())
        .collect();
    (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64)
}

/// The heat map of `OtherLanguages`; `None` where the records hold nothing to compare.
pub fn other_languages(report: &Report) -> Option<Picture> {
    let others = OtherLanguages::new(report)?;
    let count = others.langs.len() as f64;
    let names: Vec<_> = others.langs.iter().map(|lang| report.name(lang.code())).collect();
    let side = ((WIDTH - 130.0) / count).min(86.0);
    let height = side.min(40.0);
    let title =
        "Loss against the base model (row: tuned on, at the largest size; column: evaluated on)";
    let mut picture = Picture::new((130.0 + side * count).max(600.0), 64.0 + height * count);
    picture.text((10.0, 14.0), 14.0, Anchor::Start, TEXT, title);
    let strongest = others
        .change
        .iter()
        .flatten()
        .flatten()
        .map(|change| change.abs())
        .filter(|c| c.is_finite())
        .fold(1e-9, f64::max);
    for (at, name) in names.iter().enumerate() {
        let x = 126.0 + side * (at as f64 + 0.5);
        let column = fitted(&picture, 12.0, name, side - 4.0);
        picture.text((x, 44.0), 12.0, Anchor::Middle, TEXT, column);
        let row = fitted(&picture, 12.0, name, 110.0);
        picture.text((118.0, 56.0 + height * (at as f64 + 0.5)), 12.0, Anchor::End, TEXT, row);
    }
    for (row, changes) in others.change.iter().enumerate() {
        for (column, change) in changes.iter().enumerate() {
            let corner = (126.0 + side * column as f64, 56.0 + height * row as f64);
            draw_cell(&mut picture, corner, (side, height), *change, strongest);
        }
    }
    Some(picture)
}

fn draw_cell(
    picture: &mut Picture,
    (left, top): (f64, f64),
    (width, height): (f64, f64),
    change: Option<f64>,
    strongest: f64,
) {
    let middle = (left + width / 2.0, top + height / 2.0);
    let Some(change) = change.filter(|change| change.is_finite()) else {
        return picture.text(middle, 11.0, Anchor::Middle, FAINT, "no run");
    };
    let strength = (change.abs() / strongest).sqrt();
    let ink = if change < 0.0 { BETTER } else { WORSE };
    picture.rect(
        (left + 1.0, top + 1.0),
        (left + width - 1.0, top + height - 1.0),
        ink.alpha(0.04 + 0.9 * strength),
    );
    let sign = if change < 0.0 { "\u{2212}" } else { "+" };
    let text = format!("{sign}{:.1} %", 100.0 * change.abs());
    picture.text(middle, 11.0, Anchor::Middle, if strength > STRONG { WHITE } else { TEXT }, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Outcome;
    use crate::report::sample::Sample;
    use crate::units::Pairs;

    #[test]
    fn only_the_largest_finished_size_counts_and_the_base_is_the_measure() {
        let mut sample = Sample::languages(2);
        let others = OtherLanguages::new(&sample.report()).unwrap();
        assert_eq!(others.langs.len(), 2);
        assert!(others.change[0][0].unwrap() < 0.0);
        let tuned = sample.records[1].clone();
        let mut evaluations = tuned.evaluations().to_vec();
        evaluations.iter_mut().for_each(|evaluation| evaluation.nats.0 *= 9.0);
        let finished = Outcome::Finished(evaluations);
        let worse = |pairs, outcome| {
            let lang = tuned.subject.lang().unwrap().clone();
            RunRecord {
                subject: Subject::Language { lang, pairs: Pairs(pairs) },
                outcome,
                ..tuned.clone()
            }
        };
        sample.records.push(worse(10, finished.clone()));
        sample
            .records
            .push(worse(64_000, Outcome::Diverged { step: 3, reason: "loss of NaN".to_owned() }));
        assert_eq!(OtherLanguages::new(&sample.report()).unwrap(), others);
        sample.records.push(worse(64_000, finished));
        assert_ne!(OtherLanguages::new(&sample.report()).unwrap(), others);
        sample.records.retain(|record| record.subject.lang().is_some());
        assert_eq!(OtherLanguages::new(&sample.report()), None);
    }
}
