//! Fits of a sweep, from its records, and fits as they are kept.

use super::{StudyError, version};
use crate::curve::curves_of_records;
use crate::files;
use crate::fit::joint::{JointError, JointFit, ModelRun, fit_joint};
use crate::fit::transfer::{MixtureRun, TransferError, TransferFit, Untuned, fit_transfer};
use crate::fit::{self, Fit, FitFile, Settings};
use crate::mixture::MixtureFits;
use crate::record::{Evaluation, Manifest, RunRecord, Subject, points_csv};
use crate::report::ReportError;
use crate::units::Lang;
use std::path::Path;

/// Fits and the hash of the file that held them.
#[derive(Debug, Clone)]
pub struct HashedFits {
    /// The fits.
    pub file: FitFile,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Fits of records, and what was left out of them.
#[derive(Debug, Clone)]
pub struct FitsOfRecords {
    /// The fits.
    pub file: FitFile,
    /// Why transfer is not among them though mixtures were trained: a sweep trains them last, and
    /// its laws can be had before.
    pub without_transfer: Option<TransferError>,
    /// Why the joint law is not among them though mixtures were trained.
    pub without_joint: Option<JointError>,
}

impl HashedFits {
    /// Reads a file of fits.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        HashedFits::parse(&files::read_text(path)?, &path.display().to_string())
    }

    /// Reads the text of such a file; `name` says in errors which.
    pub fn parse(json: &str, name: &str) -> Result<Self, StudyError> {
        let file = FitFile::from_json(json)
            .map_err(|cause| StudyError::Fits { name: name.to_owned(), cause })?;
        Ok(HashedFits { file, sha256: files::hash(json.as_bytes()) })
    }

    /// Fits as a file of them would be hashed.
    pub fn of(file: FitFile) -> Result<Self, StudyError> {
        let sha256 = files::hash(file.to_json()?.as_bytes());
        Ok(HashedFits { file, sha256 })
    }
}

/// Fits of a table of mixtures as they are kept.
pub fn fits_of_mixtures(source: &str, input_sha256: &str, mixtures: MixtureFits) -> FitFile {
    FitFile {
        parallot: version().to_owned(),
        source: source.to_owned(),
        input_sha256: input_sha256.to_owned(),
        settings: Settings::default(),
        fits: Vec::new(),
        transfer: None,
        joint: None,
        mixtures: Some(mixtures),
    }
}

/// Fits every language of a sweep. A language that cannot be fitted fails the whole: an allocation
/// without it would be another problem.
pub fn fit_records(
    name: &str,
    manifest: &Manifest,
    records: &[RunRecord],
    settings: Settings,
) -> Result<FitsOfRecords, StudyError> {
    let langs: Vec<Lang> = manifest.corpora.iter().map(|row| row.lang.clone()).collect();
    let unique: Vec<Option<u64>> =
        manifest.corpora.iter().map(|row| Some(row.train_pairs.0)).collect();
    let is_pooled = is_pooled(manifest, records);
    let curves = match is_pooled {
        true => Vec::new(),
        false => curves_of_records(&langs, records).into_iter().collect::<Result<Vec<_>, _>>()?,
    };
    let mut fits = fit::fit_all(&curves, &settings, &unique)?;
    fits.iter_mut()
        .zip(&langs)
        .for_each(|(fit, lang)| fit.tokens_per_pair = tokens_per_pair(records, lang));
    let points =
        points_csv(records).map_err(|cause| ReportError::Table { table: "points", cause })?;
    let transferred = match is_pooled {
        true => Ok(None),
        false => transfer_of_records(records, &langs, &fits, settings.seed),
    };
    let (transfer, without_transfer) = match transferred {
        Ok(transfer) => (transfer, None),
        Err(error) => (None, Some(error)),
    };
    let (joint, without_joint) = match joint_of_records(records, &langs, &unique, &settings) {
        Ok(joint) => (joint, None),
        // without curves there is no other law
        Err(error) if is_pooled => return Err(error.into()),
        Err(error) => (None, Some(error)),
    };
    let input_sha256 = files::hash(&points);
    let file = FitFile {
        parallot: version().to_owned(),
        source: name.to_owned(),
        input_sha256,
        settings,
        fits,
        transfer,
        joint,
        mixtures: None,
    };
    Ok(FitsOfRecords { file, without_transfer, without_joint })
}

/// Whether a sweep tunes no model of one language, and some of several.
fn is_pooled(manifest: &Manifest, records: &[RunRecord]) -> bool {
    let is_alone = |subject: &Subject| matches!(subject, Subject::Language { .. });
    manifest.runs.iter().any(|run| run.subject.is_mixture())
        && !manifest.runs.iter().any(|run| is_alone(&run.subject))
        && !records.iter().any(|record| is_alone(&record.subject))
}

/// Training tokens of a pair of a language: the mean over its runs.
fn tokens_per_pair(records: &[RunRecord], lang: &Lang) -> Option<f64> {
    let runs = || {
        records.iter().filter(|record| record.subject.lang() == Some(lang) && record.is_finished())
    };
    let (tokens, pairs) = runs().fold((0, 0), |(tokens, pairs), run| {
        (tokens + run.train_tokens.0, pairs + run.subject.pairs().0)
    });
    (pairs > 0).then(|| tokens as f64 / pairs as f64)
}

/// The joint law of the models of a sweep; none where it trained no mixtures.
fn joint_of_records(
    records: &[RunRecord],
    langs: &[Lang],
    unique: &[Option<u64>],
    settings: &Settings,
) -> Result<Option<JointFit>, JointError> {
    let finished =
        records.iter().filter(|record| record.is_finished() && record.subject != Subject::Base);
    let run = |record: &RunRecord| ModelRun {
        pairs: langs.iter().map(|lang| record.subject.pairs_of(lang).0 as f64).collect(),
        loss_nats: langs.iter().map(|lang| Some(record.evaluation(lang)?.loss_nats())).collect(),
        is_test: false,
    };
    if !records.iter().any(|record| record.subject.is_mixture()) || langs.len() < 2 {
        return Ok(None);
    }
    let names: Vec<String> = langs.iter().map(|lang| lang.code().to_owned()).collect();
    let unique: Vec<Option<f64>> =
        unique.iter().map(|unique| unique.map(|unique| unique as f64)).collect();
    fit_joint(&names, &finished.map(run).collect::<Vec<_>>(), &unique, settings).map(Some)
}

/// Transfer between the languages of a sweep; none where it trained no mixtures.
fn transfer_of_records(
    records: &[RunRecord],
    langs: &[Lang],
    fits: &[Fit],
    seed: u64,
) -> Result<Option<TransferFit>, TransferError> {
    let finished = || records.iter().filter(|record| record.is_finished());
    let losses = |record: &RunRecord| {
        langs
            .iter()
            .map(|lang| Some(record.evaluation(lang)?.loss_nats()))
            .collect::<Option<Vec<f64>>>()
    };
    let mixture = |record: &RunRecord| {
        let pairs = langs.iter().map(|lang| record.subject.pairs_of(lang).0 as f64).collect();
        Some(MixtureRun { pairs, loss_nats: losses(record)? })
    };
    let mixtures: Vec<MixtureRun> =
        finished().filter(|record| record.subject.is_mixture()).filter_map(mixture).collect();
    if mixtures.is_empty() || langs.len() < 2 {
        return Ok(None);
    }
    let base_run = finished().find(|record| record.subject == Subject::Base);
    let base = base_run.and_then(losses);
    let base: Vec<Option<f64>> =
        (0..langs.len()).map(|i| base.as_ref().map(|losses| losses[i])).collect();
    let mut fitted = fit_transfer(fits, &mixtures, &base, seed)?;
    let of_mixtures: Vec<&RunRecord> =
        finished().filter(|record| record.subject.is_mixture()).collect();
    fitted.untuned.extend(
        base_run
            .map_or(&[][..], |run| &run.untuned)
            .iter()
            .filter_map(|base| untuned(base, &of_mixtures)),
    );
    Ok(Some(fitted))
}

/// What mixtures did to a language that none is tuned on.
fn untuned(base: &Evaluation, mixtures: &[&RunRecord]) -> Option<Untuned> {
    let of = |record: &&RunRecord| {
        record.untuned.iter().find(|scored| scored.lang == base.lang).map(Evaluation::loss_nats)
    };
    Untuned::new(
        base.lang.code(),
        mixtures.iter().filter_map(of).map(|loss| (loss / base.loss_nats()).ln()).collect(),
    )
}
