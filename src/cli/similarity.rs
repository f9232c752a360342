//! `parallot similarity`: gamma by two recipes, and what it predicts of a language left out.

use super::allocate;
use super::failure::{Failure, OrFail};
use super::sweep::{self, Trainer};
use super::terminal::{bar, bars, note, say, table};
use super::text::{self, TextArguments};
use super::{command, version};
use crate::corpus::{Bitext, evaluated};
use crate::evaluate::{EvaluateError, cosine, overlap};
use crate::files;
use crate::record::{Evaluation, RunRecord, Store};
use crate::report::eye::{signed, significant};
use crate::report::{csv, similarity_pictures};
use crate::similarity::{self, Gamma, Likeness, Measure, Similarity, Trial, middle_layers, trials};
use crate::spec::Experiment;
use crate::study::{Folders, HashedFits};
use crate::train::Base;
use anyhow::anyhow;
use clap::Args;
use std::path::PathBuf;

/// Flags of `parallot similarity`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Experiment that has been swept and fitted: a YAML file, or the name of one in `experiments/`
    pub experiment: String,
    /// Where to read the sentences, and to train the base if it is not kept: `cpu`, `cuda` or
    /// `cuda:1`; `cuda/f32` for f32 in place of bf16
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Folder of base models, which are kept by the hash of their spec
    #[arg(long, value_name = "FOLDER", env = "PARALLOT_CACHE", default_value = ".parallot-cache")]
    pub cache: PathBuf,
    /// Where the corpora are
    #[command(flatten)]
    pub text: TextArguments,
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folders = Folders::of(&arguments.experiment)?;
    let experiment = folders.read()?;
    sweep::check_device(&arguments.device, Trainer::Candle)?;
    let fits = allocate::fits_of(&folders)?;
    let bitexts = text::read(&experiment, &folders, &arguments.text)?;
    sweep::check_parts(&bitexts)?;
    check_languages(&fits, &bitexts, &arguments.experiment)?;
    // what cannot be predicted is found before anything is computed
    similarity::check(bitexts.len()).or_input()?;
    let base_files = sweep::base_files(&experiment, &folders)?;
    let (manifest, records) = Store::new(&folders.records).read_sweep().or_input()?;
    let base_id =
        experiment.base_id(&bitexts, base_files.sha256().as_deref(), manifest.training_version);
    if manifest.base_id != base_id {
        let error = anyhow!(
            "the records are of base `{}`, expected that of the experiment, `{base_id}`",
            manifest.base_id
        );
        return Err(Failure::input(error).hint(format!(
            "`parallot sweep {0}` and `parallot fit {0}` make them anew",
            arguments.experiment
        )));
    }
    for folder in [&folders.fits, &folders.plots] {
        files::check_writable(folder).or_input()?;
    }
    let scored = scored(&experiment, &bitexts, &records)?;
    let (languages, layers) = match kept(&folders, &base_id, &scored) {
        Some(kept) => {
            note("note: base and sentences are those of `similarity.json`: its cosines are kept");
            kept
        }
        None => {
            files::check_writable(&arguments.cache).or_input()?;
            let base = sweep::base(
                &experiment,
                &bitexts,
                &base_files,
                manifest.training_version,
                (&arguments.device, &arguments.cache),
                &bars(),
            )?;
            let layers = middle_layers(base.model.config().n_layers).collect();
            (likenesses(&experiment, &bitexts, &scored, &base)?, layers)
        }
    };
    let (trials, verdict) = trials(&fits.file.fits, &languages).or_input()?;
    let similarity = Similarity {
        parallot: version().to_owned(),
        command: Some(command()),
        source: fits.file.source,
        fits_sha256: fits.sha256,
        base_id,
        layers,
        languages,
        trials,
        verdict,
    };
    write(&similarity, &folders)?;
    match arguments.json {
        true => say(&serde_json::to_string_pretty(&similarity).or_work()?),
        false => print(&similarity, &folders),
    }
    Ok(())
}

fn check_languages(fits: &HashedFits, bitexts: &[Bitext], experiment: &str) -> Result<(), Failure> {
    let fitted: Vec<&str> = fits.file.fits.iter().map(|fit| fit.curve.as_str()).collect();
    let codes: Vec<&str> = bitexts.iter().map(|bitext| bitext.lang.code()).collect();
    if fitted == codes {
        return Ok(());
    }
    if fitted.is_empty() {
        let error =
            anyhow!("the fits hold no laws of one language, expected those of the languages");
        return Err(Failure::input(error)
            .hint("`sizes:` in the experiment tunes models of one language each"));
    }
    let error = anyhow!(
        "the fits are of {}, expected those of the experiment, {}",
        fitted.join(", "),
        codes.join(", ")
    );
    Err(Failure::input(error).hint(format!("`parallot fit {experiment}` makes them anew")))
}

/// What the losses of one language are means over.
#[derive(Clone, Copy, PartialEq)]
struct Scored {
    sentences: u64,
    target_tokens: u64,
    english_bytes: u64,
}

/// The sentences that each language is scored on, by their sizes.
fn scored(
    experiment: &Experiment,
    bitexts: &[Bitext],
    records: &[RunRecord],
) -> Result<Vec<Scored>, Failure> {
    let of = |bitext: &Bitext| {
        let pairs = evaluated(bitext.dev.pairs(), experiment.evaluation.pairs);
        Ok(Scored {
            sentences: pairs.len() as u64,
            target_tokens: target_tokens(bitext, records)?,
            english_bytes: pairs.iter().map(|pair| pair.english.len() as u64).sum(),
        })
    };
    bitexts.iter().map(of).collect()
}

/// What was found before, with the layers that were read, where it is of this base and of as many
/// sentences of the same sizes: laws that are fitted anew move what is predicted, not how alike
/// languages are.
fn kept(
    folders: &Folders,
    base_id: &str,
    scored: &[Scored],
) -> Option<(Vec<Likeness>, Vec<usize>)> {
    let text = files::read_text(&folders.fits.join("similarity.json")).ok()?;
    let kept: Similarity = serde_json::from_str(&text).ok()?;
    let of = |row: &Likeness| Scored {
        sentences: row.sentences,
        target_tokens: row.target_tokens,
        english_bytes: row.english_bytes,
    };
    let is_same =
        kept.base_id == base_id && kept.languages.iter().map(of).eq(scored.iter().copied());
    is_same.then_some((kept.languages, kept.layers))
}

/// How alike each language and English are to the base: dev sentences, on which runs were scored,
/// and the text of the train part.
fn likenesses(
    experiment: &Experiment,
    bitexts: &[Bitext],
    scored: &[Scored],
    base: &Base,
) -> Result<Vec<Likeness>, Failure> {
    let shown = bar(&bars(), 2 * bitexts.len() as u64, "similarity");
    let of = |(bitext, scored): (&Bitext, &Scored)| {
        let (lang, pairs) =
            (bitext.lang.code(), evaluated(bitext.dev.pairs(), experiment.evaluation.pairs));
        shown.set_message(bitext.name.clone());
        let cosine = cosine(&base.model, &base.vocabulary, &pairs, lang, || ())
            .map_err(|error| failed(lang, error))?;
        shown.inc(1);
        let vocabulary =
            overlap(&base.vocabulary, bitext.train.pairs()).map_err(|error| failed(lang, error))?;
        shown.inc(1);
        Ok(Likeness {
            lang: lang.to_owned(),
            sentences: scored.sentences,
            cosine,
            vocabulary,
            target_tokens: scored.target_tokens,
            english_bytes: scored.english_bytes,
        })
    };
    let found = bitexts.iter().zip(scored).map(of).collect();
    shown.finish_and_clear();
    found
}

/// Target tokens that the runs were scored on, the same in all of them.
fn target_tokens(bitext: &Bitext, records: &[RunRecord]) -> Result<u64, Failure> {
    let evaluation: Option<&Evaluation> =
        records.iter().find_map(|record| record.evaluation(&bitext.lang));
    evaluation.map(|evaluation| evaluation.target_tokens.0).ok_or_else(|| {
        Failure::input(anyhow!(
            "no record has a loss on `{}`, expected at least one finished run",
            bitext.lang
        ))
    })
}

fn failed(lang: &str, error: EvaluateError) -> Failure {
    match error {
        EvaluateError::TooFew { found, needed } => {
            let error =
                anyhow!("`{lang}` has {found} dev pairs to compare, expected at least {needed}");
            Failure::input(error).hint("`evaluation: {pairs: N}` says how many are read")
        }
        _ => Failure::work(error),
    }
}

fn write(similarity: &Similarity, folders: &Folders) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(similarity).or_work()? + "\n";
    files::write(&folders.fits.join("similarity.json"), json.as_bytes()).or_work()?;
    files::write(&folders.fits.join("similarity.csv"), &csv::similarity(similarity).or_work()?)
        .or_work()?;
    let pictures = similarity_pictures(similarity).or_work()?;
    pictures
        .iter()
        .try_for_each(|(name, bytes)| files::write(&folders.plots.join(name), bytes).or_work())
}

fn print(similarity: &Similarity, folders: &Folders) {
    let headings = [
        "language",
        "cosine, parallel",
        "random",
        "gamma by cosine (90 %)",
        "gamma by vocabulary",
        "types shared",
        "nats a byte of English",
    ];
    let content = similarity.trials.iter().find(|trial| trial.measure == Measure::Content);
    let rows = similarity.languages.iter().enumerate().map(|(at, row)| {
        let gamma = row.cosine.gamma;
        vec![
            row.lang.clone(),
            format!("{:.3}", row.cosine.parallel),
            format!("{:.3}", row.cosine.random),
            format!(
                "{:.4} ({:.4} to {:.4})",
                gamma.value, gamma.interval_90.lo, gamma.interval_90.hi
            ),
            format!("{:.4}", row.gamma(Gamma::Vocabulary)),
            format!("{:.3}", row.vocabulary.types),
            content.map_or_else(String::new, |trial| significant(trial.levels_log[at].exp(), 3)),
        ]
    });
    say(&table(&headings, rows));
    for trial in &similarity.trials {
        let unit = match trial.measure {
            Measure::Content => "nats a byte of English",
            Measure::Fall => "loss over that of the base",
        };
        say(&format!(
            "\nleft out and predicted, error of ln y, y in {unit}:\n{}",
            errors(similarity, trial)
        ));
    }
    if similarity.trials.iter().all(|trial| trial.measure != Measure::Fall) {
        note(
            "note: falls are left out: the experiment has no size 0, so nothing is known of the \
            base",
        );
    }
    let layers: Vec<String> = similarity.layers.iter().map(ToString::to_string).collect();
    say(&format!("\n{}", similarity.verdict));
    let (fits, plot) = (folders.fits.join("similarity.json"), folders.plots.join("similarity.svg"));
    say(&format!(
        "cosines of layers {}; numbers in `{}`, plot in `{}`",
        layers.join(", "),
        fits.display(),
        plot.display()
    ));
}

/// One row per predictor, one column per language.
fn errors(similarity: &Similarity, trial: &Trial) -> String {
    let langs = similarity.languages.iter().map(|row| row.lang.as_str());
    let headings: Vec<&str> = ["predicted by"]
        .into_iter()
        .chain(langs)
        .chain(["all", "gain over none (90 %)", "by chance"])
        .collect();
    let rows = trial.scores.iter().map(|score| {
        let misses = score.misses.iter().map(|miss| format!("{:.3}", miss.rms_log));
        let gain = score.gain.as_ref().map_or(["-".to_owned(), "-".to_owned()], |gain| {
            let interval = gain.error_log.interval_90;
            let error = format!(
                "{} ({} to {})",
                signed(gain.error_log.value),
                signed(interval.lo),
                signed(interval.hi)
            );
            [error, format!("{:.3}", gain.by_chance)]
        });
        [score.predictor.to_string()]
            .into_iter()
            .chain(misses)
            .chain([format!("{:.3}", score.rms_log)])
            .chain(gain)
            .collect()
    });
    table(&headings, rows)
}
