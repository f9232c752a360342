//! The report: fits, allocation and records → CSV, plots, JSON and one HTML page, all as bytes;
//! nothing here touches the disk.

pub mod answer;
pub mod csv;
mod draws;
pub mod eye;
mod html;
mod json;
pub mod plot;

pub use draws::draws_parquet;
pub use html::page;
pub use json::json;

use crate::allocate::{Allocation, Comparison, ParetoPoint, Term, Verdict};
use crate::fit::Fit;
use crate::fit::joint::JointFit;
use crate::fit::transfer::TransferFit;
use crate::record::RunRecord;
use crate::similarity::Similarity;
use crate::units::{Estimate, Lang};
use crate::validate::Validation;
use std::collections::BTreeMap;

/// Why a report could not be rendered.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum ReportError {
    /// A plot failed.
    #[error("plot `{plot}`: {cause}")]
    Plot { plot: &'static str, cause: plot::PlotError },
    /// A table failed.
    #[error("table `{table}`: {cause}")]
    Table { table: &'static str, cause: polars::error::PolarsError },
    /// The numbers do not go into JSON.
    #[error("cannot write the report as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Where a report comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    /// Version and git revision of the program.
    pub parallot: String,
    /// The command as it was typed; empty where it is not known.
    pub command: String,
    /// What it was made from, with the SHA-256 of each.
    pub inputs: Vec<(&'static str, String)>,
}

impl Provenance {
    fn new(parallot: &str, command: Option<&str>, input: (&'static str, &str)) -> Self {
        let command = command.unwrap_or_default().to_owned();
        Provenance {
            parallot: parallot.to_owned(),
            command,
            inputs: vec![(input.0, input.1.to_owned())],
        }
    }

    /// Where a validation comes from.
    pub fn of_validation(validation: &Validation) -> Self {
        Provenance::new(
            &validation.parallot,
            validation.command.as_deref(),
            ("prediction", &validation.prediction_sha256),
        )
    }

    /// Where similarities come from.
    pub fn of_similarity(similarity: &Similarity) -> Self {
        Provenance::new(
            &similarity.parallot,
            similarity.command.as_deref(),
            ("fits", &similarity.fits_sha256),
        )
    }

    /// The line with which every generated file starts.
    pub fn stamp(&self) -> String {
        let inputs = self.inputs.iter().map(|(name, sha256)| format!(", {name} sha256 {sha256}"));
        let command =
            if self.command.is_empty() { String::new() } else { format!(", {}", self.command) };
        format!("parallot {}{command}{}", self.parallot, inputs.collect::<String>())
    }
}

/// All that a report shows. Parts that were not computed are empty or absent and leave their
/// section out.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// Title: the name of the sweep or of the file fitted.
    pub title: &'a str,
    /// Where it comes from.
    pub provenance: Provenance,
    /// One fit a language.
    pub fits: &'a [Fit],
    /// The problem's languages, in its order.
    pub terms: &'a [Term],
    /// The allocation beside the baselines.
    pub comparison: Option<&'a Comparison>,
    /// What that says, by what was measured where something was.
    pub verdict: Option<Verdict>,
    /// What it would take to measure it.
    pub to_know: Option<String>,
    /// What the gain is worth in pairs, where it is known.
    pub worth: Option<String>,
    /// Models tuned on the allocation and on the baselines, the smallest budget first.
    pub validations: &'a [Validation],
    /// SHA-256 of the fits.
    pub fits_sha256: &'a str,
    /// Allocations over a range of budgets, rising.
    pub path: &'a [Allocation],
    /// The front between the mean and the worst language, from the least worst loss to the least
    /// mean.
    pub front: &'a [ParetoPoint],
    /// What languages bring each other, where mixtures were trained.
    pub transfer: Option<&'a TransferFit>,
    /// The joint law of pooled models, where mixtures were trained.
    pub joint: Option<&'a JointFit>,
    /// What the similarity of languages predicts of their curves.
    pub similarity: Option<&'a Similarity>,
    /// The small runs behind the fits; empty for a user's own curves.
    pub records: &'a [RunRecord],
    /// Names to show in place of those of [`Lang::name`], by language code.
    pub names: &'a BTreeMap<String, String>,
}

impl<'a> Report<'a> {
    /// The name of a language to show.
    pub fn name(&self, code: &str) -> String {
        let own = self.names.get(code).cloned();
        own.unwrap_or_else(|| {
            code.parse::<Lang>().map_or_else(|_| code.to_owned(), |lang| lang.name().to_owned())
        })
    }

    /// The problem's term of a language.
    pub fn term(&self, code: &str) -> Option<&'a Term> {
        self.terms.iter().find(|term| term.lang == code)
    }

    /// The validation that the verdict goes by.
    fn measured_by(&self) -> Option<&'a Validation> {
        let Some(Verdict::Measured { measured, .. }) = self.verdict else { return None };
        self.validations.iter().find(|validation| validation.budget == measured.budget)
    }

    /// Whether some run repeats pairs.
    fn repeats(&self) -> bool {
        self.fits.iter().any(|fit| {
            fit.repetition.as_ref().is_some_and(|repetition| !repetition.points.is_empty())
        })
    }

    /// Where a language stands among all; its colour goes by this.
    fn rank(&self, code: &str) -> usize {
        let terms = self.terms.iter().position(|term| term.lang == code);
        terms.or_else(|| self.fits.iter().position(|fit| fit.curve == code)).unwrap_or(0)
    }

    /// Every file of the report with its path: tables, plots as SVG and PNG, JSON and the page.
    pub fn files(&self) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
        let mut files = csv::tables(self)?;
        for (name, picture) in plot::pictures(self) {
            let failed = |cause| ReportError::Plot { plot: name, cause };
            let svg =
                format!("{}{}", comment(&self.provenance.stamp()), picture.svg().map_err(failed)?);
            files.push((format!("{name}.svg"), svg.into_bytes()));
            files.push((format!("{name}.png"), picture.png().map_err(failed)?));
        }
        for validation in self.validations {
            files.extend(validation_pictures(validation)?);
        }
        files.push(("report.json".to_owned(), json(self)?));
        files.push(("index.html".to_owned(), page(self)?.into_bytes()));
        Ok(files)
    }

    /// Seconds of computing by device, devices sorted.
    fn seconds_by_device(&self) -> BTreeMap<&'a str, f64> {
        let mut seconds = BTreeMap::new();
        for record in self.records {
            *seconds.entry(record.device.as_str()).or_insert(0.0) += record.wall_seconds;
        }
        seconds
    }

    /// Runs that did not finish.
    fn failed(&self) -> impl Iterator<Item = &'a RunRecord> {
        self.records.iter().filter(|record| !record.is_finished())
    }
}

/// A line of XML that nobody sees; two hyphens would end it.
fn comment(text: &str) -> String {
    format!("<!-- {} -->\n", text.replace("--", "&#45;&#45;"))
}

/// The picture of similarities as SVG and PNG, with their names.
pub fn similarity_pictures(similarity: &Similarity) -> Result<[(String, Vec<u8>); 2], ReportError> {
    let picture = plot::similarity(similarity);
    let failed = |cause| ReportError::Plot { plot: "similarity", cause };
    let svg = format!(
        "{}{}",
        comment(&Provenance::of_similarity(similarity).stamp()),
        picture.svg().map_err(failed)?
    );
    Ok([
        ("similarity.svg".to_owned(), svg.into_bytes()),
        ("similarity.png".to_owned(), picture.png().map_err(failed)?),
    ])
}

/// The picture of a validation as SVG and PNG, with their names.
pub fn validation_pictures(validation: &Validation) -> Result<[(String, Vec<u8>); 2], ReportError> {
    let picture = plot::validation(validation);
    let failed = |cause| ReportError::Plot { plot: "validation", cause };
    let svg = format!(
        "{}{}",
        comment(&Provenance::of_validation(validation).stamp()),
        picture.svg().map_err(failed)?
    );
    let name = |ending: &str| format!("validation-{}.{ending}", validation.budget);
    Ok([(name("svg"), svg.into_bytes()), (name("png"), picture.png().map_err(failed)?)])
}

/// Name of the parameter of repetition.
const R_STAR: &str = "r_star";

/// Parameters of the law of a fit, and of repetition where it is known, by their names.
fn parameters(fit: &Fit) -> impl Iterator<Item = (&str, Estimate)> {
    let of_law =
        fit.parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.estimate));
    of_law.chain(fit.repetition.iter().map(|repetition| (R_STAR, repetition.r_star)))
}

/// The error of the chosen form on the sizes kept back from it.
fn held_out_error(fit: &Fit) -> Option<f64> {
    fit.candidates.iter().find(|candidate| candidate.law.form() == fit.law.form())?.held_out_error
}

#[cfg(test)]
mod sample;
