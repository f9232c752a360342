//! Signatures: how scores were computed. Within a curve there is one, for otherwise its points are
//! of different metrics.

use super::error::ImportError;
use super::history::History;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The signature of each curve, and where it was first seen.
#[derive(Debug, Default)]
pub(super) struct Signatures(BTreeMap<String, (String, PathBuf)>);

impl Signatures {
    /// Checks that a series is of its curve's signature.
    pub(super) fn check(&mut self, history: &History<'_>) -> Result<(), ImportError> {
        let Some(found) = history.signature else { return Ok(()) };
        let path = &history.run.path;
        let (expected, first) =
            self.0.entry(history.curve.clone()).or_insert_with(|| (found.to_owned(), path.clone()));
        if expected == found {
            return Ok(());
        }
        let (metric, first, expected) =
            (history.metric.key.clone(), first.clone(), expected.clone());
        Err(ImportError::Signature {
            metric,
            path: path.clone(),
            found: found.to_owned(),
            first,
            expected,
        })
    }

    /// What is to be said of curves whose signatures differ: that their losses are of different
    /// metrics.
    pub(super) fn note(&self) -> Option<String> {
        let mut curves = self.0.iter();
        let (first, (signature, _)) = curves.next()?;
        let (other, (second, _)) = curves.find(|(_, (other, _))| other != signature)?;
        Some(format!(
            "curve `{other}` has the signature {second} and `{first}` has {signature}: their \
            losses are not compared with each other"
        ))
    }
}
