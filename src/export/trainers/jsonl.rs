//! JSON lines for whatever reads them: one pooled and shuffled file, and one per language.

use super::Plan;
use crate::export::{DataFile, Exported};

/// `train` holds every row of every language and names the language of each; the files per language
/// hold the same rows.
pub(super) fn files<'p>(plan: &'p Plan<'_>) -> Exported<'p> {
    let format = plan.settings.format;
    let mut data = vec![DataFile::pooled(plan.path("train"), format, &plan.portions, plan.seed)];
    if plan.validated().next().is_some() {
        data.push(DataFile::pooled_validation(
            plan.path("validation"),
            format,
            &plan.portions,
            plan.seed,
        ));
    }
    data.extend(plan.train_files());
    data.extend(plan.validation_files());
    Exported { files: Vec::new(), data, start: None }
}
