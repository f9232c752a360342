//! The runs that the corpora are large enough for.

use crate::cli::terminal::note;
use crate::corpus::Bitext;
use crate::report::eye::grouped;
use crate::spec::{Experiment, RunSpec};

/// Runs that the corpora are large enough for; those left out are named.
pub(super) fn available(
    runs: Vec<RunSpec>,
    experiment: &Experiment,
    bitexts: &[Bitext],
) -> Vec<RunSpec> {
    let fits = |run: &RunSpec| {
        let bitext = bitexts.iter().find(|bitext| Some(&bitext.lang) == run.subject.lang());
        bitext.is_none_or(|bitext| run.subject.pairs().0 <= experiment.most_pairs(bitext))
    };
    let (fitting, larger): (Vec<_>, Vec<_>) = runs.into_iter().partition(fits);
    for bitext in bitexts {
        let mut sizes: Vec<u64> = larger
            .iter()
            .filter(|run| run.subject.lang() == Some(&bitext.lang))
            .map(|run| run.subject.pairs().0)
            .collect();
        sizes.dedup();
        if let Some(smallest) = sizes.first() {
            let unique = grouped(bitext.train.len() as u64);
            let passes = if experiment.passes == 1 {
                String::new()
            } else {
                format!(" and is read {} times at most", experiment.passes)
            };
            note(&format!(
                "note: `{}` has {unique} training pairs{passes}, so its sizes from {} on are left \
                out",
                bitext.lang,
                grouped(*smallest)
            ));
        }
    }
    let largest = fitting
        .iter()
        .filter(|run| run.subject.is_mixture())
        .map(|run| run.subject.pairs().0)
        .max();
    if let Some((spec, largest)) = experiment
        .mixtures
        .zip(largest)
        .filter(|(spec, largest)| *largest < spec.most.0 - spec.most.0 / 20)
    {
        let (most, largest) = (grouped(spec.most.0), grouped(largest));
        note(&format!(
            "note: the largest mixture has {largest} pairs, not {most}: the corpora hold no more \
            of what it draws"
        ));
    }
    fitting
}
