//! What would make training fail or mislead, found before anything is trained.

use super::Trainer;
use crate::cli::failure::Failure;
use crate::corpus::Bitext;
use crate::record::TrainingVersion;
use crate::study::Folders;
use crate::sweep::Plan;

/// What is missing of an older version of the training code is not made: it would be another
/// measurement among those that are there.
pub(in crate::cli) fn check_version(
    found: TrainingVersion,
    plan: &Plan,
    folders: &Folders,
) -> Result<(), Failure> {
    if found.is_current() || plan.missing.is_empty() {
        return Ok(());
    }
    let (missing, all) = (plan.missing.len(), plan.missing.len() + plan.done.len());
    let (folder, current) = (folders.records.display(), TrainingVersion::CURRENT);
    let error = anyhow::anyhow!(
        "`{folder}` is of training version {found} and {missing} of {all} runs are missing, \
        expected version {current} or none missing"
    );
    Err(Failure::input(error).hint(
        "versions shuffle their pairs differently; a copy of the experiment under a new name is \
        swept anew, and `fit`, `report` and \
         `validate --hindsight` read what is there",
    ))
}

/// A language that cannot be trained on or evaluated is found before anything is trained.
pub(in crate::cli) fn check_parts(bitexts: &[Bitext]) -> Result<(), Failure> {
    let Some(bitext) =
        bitexts.iter().find(|bitext| bitext.dev.is_empty() || bitext.train.is_empty())
    else {
        return Ok(());
    };
    let part = if bitext.dev.is_empty() { "dev" } else { "train" };
    let error = anyhow::anyhow!("`{}` has no {part} pairs, expected at least one", bitext.lang);
    Err(Failure::input(error)
        .hint("a `split` column, `as: dev` or `dev_share` says which pairs are which"))
}

/// Whether there is such a device.
#[cfg(feature = "train")]
pub(in crate::cli) fn check_device(device: &str, _: Trainer) -> Result<(), Failure> {
    let hint = "`--device cpu` runs everywhere; CUDA needs an NVIDIA GPU and a build with \
    `--features cuda`";
    crate::train::select_device(device).map(drop).map_err(|error| Failure::input(error).hint(hint))
}

#[cfg(not(feature = "train"))]
pub(in crate::cli) fn check_device(_: &str, trainer: Trainer) -> Result<(), Failure> {
    match trainer {
        Trainer::Simulated => Ok(()),
        Trainer::Candle => Err(Failure::input(anyhow::anyhow!(
            "this build cannot train, expected the cargo feature `train`"
        ))),
    }
}
