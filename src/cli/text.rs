//! The bitexts of an experiment: read from its files, or constructed.

use super::failure::{Failure, OrFail};
use super::terminal::note;
use crate::corpus::{Bitext, CorpusError, FileReport, Instructions, Tongue, exclude_english};
use crate::record::CorpusRow;
use crate::report::eye::grouped;
use crate::spec::{Experiment, LanguageSpec, Text};
use crate::study::Folders;
use crate::units::Pairs;
use clap::Args;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where the corpora are and how strictly they are read.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct TextArguments {
    /// Folder that the paths of corpora are relative to, instead of the `data` key of the
    /// experiment
    #[arg(long, value_name = "FOLDER", env = "PARALLOT_DATA")]
    pub data: Option<PathBuf>,
    /// Stop at the first bad row of a corpus instead of leaving it out
    #[arg(long)]
    pub strict: bool,
}

/// Reads or builds the bitexts that runs are tuned on and tells what was left out.
pub(super) fn read(
    experiment: &Experiment,
    folders: &Folders,
    arguments: &TextArguments,
) -> Result<Vec<Bitext>, Failure> {
    Ok(read_all(experiment, folders, arguments)?.0)
}

/// The bitexts that runs are tuned on, and those that they are only scored on.
pub(super) fn read_all(
    experiment: &Experiment,
    folders: &Folders,
    arguments: &TextArguments,
) -> Result<(Vec<Bitext>, Vec<Bitext>), Failure> {
    let (mut bitexts, root) = match &experiment.text {
        Text::Constructed(spec) => {
            let wrong = |error| {
                anyhow::anyhow!(
                    "cannot make the languages of `{}`: {error}",
                    folders.experiment.display()
                )
            };
            let bitexts = spec.build().map_err(wrong).or_input()?;
            if experiment.untuned.is_empty() {
                return Ok((bitexts, Vec::new()));
            }
            (bitexts, root_of(None, folders, arguments))
        }
        Text::Corpora { root, languages } => {
            let root = root_of(root.as_ref(), folders, arguments);
            (read_languages(languages, &root, arguments)?, root)
        }
    };
    let untuned = read_languages(&experiment.untuned, &root, arguments)?;
    if let Some(bitext) = untuned.iter().find(|bitext| bitext.test.is_empty()) {
        let error = anyhow::anyhow!(
            "`{}` under `untuned` has no test pairs, expected at least one: runs are scored on \
            them",
            bitext.lang
        );
        return Err(Failure::input(error)
            .hint("a `split` column, `as: test` or `test_share` says which pairs are which"));
    }
    let elsewhere = exclude_english(&mut bitexts, &untuned);
    for (bitext, removed) in bitexts.iter().zip(elsewhere).filter(|(_, removed)| *removed > 0) {
        let (lang, removed) = (&bitext.lang, grouped(removed as u64));
        note(&format!(
            "note: `{lang}` loses {removed} training pairs whose English is in the dev or test \
            part of another language"
        ));
    }
    Ok((bitexts, untuned))
}

fn read_languages(
    languages: &[LanguageSpec],
    root: &Path,
    arguments: &TextArguments,
) -> Result<Vec<Bitext>, Failure> {
    let mut bitexts = Vec::new();
    for language in languages {
        let name = language.name.as_deref().unwrap_or(language.lang.name());
        let (bitext, report) =
            Bitext::read(language.lang.clone(), name, &language.corpora, root, arguments.strict)
                .map_err(hinted)?;
        let left_out = |file: &FileReport| {
            file.duplicates + file.leaked_from_train + file.leaked_from_dev + file.above_bound
        };
        if report.bad_rows() > 0 {
            note(&format!("warning: {report}"));
        } else if report.files.iter().any(|file| left_out(file) > 0) {
            note(&format!("note: {report}"));
        }
        bitexts.push(bitext);
    }
    Ok(bitexts)
}

/// The folder that paths of texts are relative to.
fn root_of(root: Option<&PathBuf>, folders: &Folders, arguments: &TextArguments) -> PathBuf {
    let below = |root: &PathBuf| folders.base().join(root);
    arguments.data.clone().or_else(|| root.map(below)).unwrap_or_else(|| folders.base().to_owned())
}

/// Reads the training part of the instruction data that an experiment asks for, one entry per
/// language, and notes its hash in the experiment: to be called before runs get their ids.
pub(super) fn instructions(
    experiment: &mut Experiment,
    folders: &Folders,
    arguments: &TextArguments,
) -> Result<Vec<Tongue>, Failure> {
    let root = match &experiment.text {
        Text::Constructed(_) => root_of(None, folders, arguments),
        Text::Corpora { root, .. } => root_of(root.as_ref(), folders, arguments),
    };
    let Some(spec) = &mut experiment.tuning.instructions else { return Ok(Vec::new()) };
    let mut tongues: Vec<Tongue> = Vec::new();
    for file in &spec.files {
        let (read, report) =
            Instructions::read(&file.path, &root, arguments.strict).map_err(hinted)?;
        if report.bad_rows() > 0 {
            note(&format!("warning: {report}"));
        }
        match tongues.iter_mut().find(|tongue| tongue.lang == file.lang) {
            Some(tongue) => tongue.records.extend(read.train),
            None => tongues.push(Tongue { lang: file.lang.clone(), records: read.train }),
        }
    }
    spec.sha256 = Some(Tongue::hash(&tongues));
    Ok(tongues)
}

fn hinted(error: CorpusError) -> Failure {
    let hint = match &error {
        CorpusError::File(file) if file.cause.kind() == ErrorKind::NotFound => {
            "`--data FOLDER` or PARALLOT_DATA says where the corpora are"
        }
        CorpusError::File(_) => "the file may be cut short; fetch it again",
        CorpusError::LongLine { .. } => {
            "the file may be of another format than its name says; `format` in the experiment \
            names it"
        }
        CorpusError::BadRow { .. } => "without `--strict` bad rows are left out and counted",
        _ => return Failure::input(error),
    };
    Failure::input(error).hint(hint)
}

/// What later stages must know of the corpora, which they do not read.
pub(super) fn rows(bitexts: &[Bitext]) -> Vec<CorpusRow> {
    let row = |bitext: &Bitext| CorpusRow {
        lang: bitext.lang.clone(),
        name: bitext.name.clone(),
        train_pairs: Pairs(bitext.train.len() as u64),
        dev_pairs: Pairs(bitext.dev.len() as u64),
        test_pairs: Pairs(bitext.test.len() as u64),
        train_sha256: bitext.train.hash().to_owned(),
        dev_sha256: bitext.dev.hash().to_owned(),
        test_sha256: bitext.test.hash().to_owned(),
    };
    bitexts.iter().map(row).collect()
}
