//! Pairs between tabs for programs that translate and nothing else: Marian and OpusTrainer read
//! `train.tsv`, eole `train.src` and `train.tgt`.
//!
//! A model of several languages must be told which to write: `>>tur_Latn<<` stands before each
//! source.

use super::Plan;
use crate::export::{DataFile, Exported};

/// The same rows three times: pooled in a table, pooled in two files side by side, and a table per
/// language.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Exported<'p> {
    let (format, folder) = (plan.settings.format, plan.folder());
    let mut data = Vec::new();
    let mut thrice = |name: &str, pooled: DataFile<'p>| {
        data.push(pooled.sources(format!("{folder}/{name}.src")));
        data.push(pooled.targets(format!("{folder}/{name}.tgt")));
        data.push(pooled);
    };
    thrice("train", DataFile::pooled(plan.path("train"), format, &plan.portions, plan.seed));
    if plan.validated().next().is_some() {
        thrice(
            "validation",
            DataFile::pooled_validation(plan.path("validation"), format, &plan.portions, plan.seed),
        );
    }
    data.extend(plan.train_files());
    data.extend(plan.validation_files());
    Exported { files: Vec::new(), data, start: None }
}

#[cfg(test)]
mod tests {
    use crate::export::tests::{file, plan};
    use crate::export::{Format, Trainer};

    #[test]
    fn the_two_sides_are_the_columns_of_the_table() {
        let plan = plan(Trainer::Tsv, Format::Tsv);
        let [table, sources, targets] = ["tsv", "src", "tgt"]
            .map(|ending| file(&plan, &format!("data/0123abcd/train.{ending}")));
        assert_eq!(table.lines().count(), 10);
        let joined: Vec<String> = sources
            .lines()
            .zip(targets.lines())
            .map(|(source, target)| format!("{source}\t{target}"))
            .collect();
        assert_eq!(table.lines().collect::<Vec<_>>(), joined);
        assert!(
            table.lines().all(|line| line.split('\t').count() == 2),
            "line ends of an answer are none of the table"
        );
        assert_eq!(
            table.lines().filter(|line| line.starts_with(">>swh_Latn<< swh_Latn ")).count(),
            8
        );
    }
}
