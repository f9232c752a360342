//! Which runs of an experiment a process is to do: all, a share of them, or some by their ids.

use crate::cli::failure::Failure;
use crate::spec::RunSpec;
use std::collections::BTreeSet;
use std::str::FromStr;

/// One of several shares of the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Shard {
    /// Its place, from 0.
    place: usize,
    /// How many there are.
    of: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(place, of)| {
            Some((place.parse::<usize>().ok()?, of.parse::<usize>().ok()?))
        });
        let (place, of) = parsed
            .filter(|(place, of)| (1..=*of).contains(place))
            .ok_or("expected K/N with K from 1 to N, like `3/16`")?;
        Ok(Shard { place: place - 1, of })
    }
}

/// Ids of the runs that were asked for; none where all are.
pub(super) fn chosen(
    runs: &[RunSpec],
    ids: &[String],
    shard: Option<Shard>,
    experiment: &str,
) -> Result<Option<BTreeSet<String>>, Failure> {
    if let Some(unknown) = ids.iter().find(|id| !runs.iter().any(|run| run.id == **id)) {
        let error = anyhow::anyhow!(
            "`--run {unknown}` is no run of the experiment, expected the id of one"
        );
        return Err(Failure::input(error).hint(format!(
            "`parallot sweep {} --missing` prints those that are missing",
            experiment
        )));
    }
    let Some(Shard { place, of }) = shard else {
        return Ok((!ids.is_empty()).then(|| ids.iter().cloned().collect()));
    };
    // runs of one size are of about one length: neighbours go to different shares
    let mut by_size: Vec<&RunSpec> = runs.iter().collect();
    by_size.sort_by_key(|run| run.subject.pairs());
    Ok(Some(by_size.iter().skip(place).step_by(of).map(|run| run.id.clone()).collect()))
}
