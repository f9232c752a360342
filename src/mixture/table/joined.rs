//! Two tables as one, by the names of the runs in their first columns.

use super::columns::Holds;
use super::fault::Fault;
use super::texts::Texts;
use std::collections::HashMap;

/// One table of two, its columns named as those of one file are.
pub(super) fn joined(mixtures: Texts, losses: Texts) -> Result<Texts, Fault> {
    let mut by_run: HashMap<&str, &Vec<String>> = HashMap::new();
    for row in &losses.rows {
        let run = row.first().map_or("", String::as_str);
        if by_run.insert(run, row).is_some() {
            return Err(Fault::SameRun { run: run.to_owned() });
        }
    }
    let named = |prefix: &'static str| {
        move |name: &String| {
            if Holds::of(name).is_some() { name.clone() } else { format!("{prefix}{name}") }
        }
    };
    let of_losses = losses.header.iter().skip(1).map(named("loss_"));
    let header = std::iter::once("run".to_owned())
        .chain(mixtures.header.iter().skip(1).map(named("p_")))
        .chain(of_losses)
        .collect();
    let mut rows = Vec::new();
    for mut row in mixtures.rows {
        let run = row.first().cloned().unwrap_or_default();
        let other = by_run.remove(run.as_str()).ok_or(Fault::Unjoined { run })?;
        row.extend(other.iter().skip(1).cloned());
        rows.push(row);
    }
    match losses
        .rows
        .iter()
        .filter_map(|row| row.first())
        .find(|run| by_run.contains_key(run.as_str()))
    {
        // losses of no known mixture would be ignored
        Some(run) => Err(Fault::Unjoined { run: run.clone() }),
        None => Ok(Texts { header, rows }),
    }
}
