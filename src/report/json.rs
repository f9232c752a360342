//! The report's numbers as JSON, for programs.

use super::{Report, ReportError, held_out_error};
use crate::allocate::{Allocation, Comparison, Measured, Policy, Predicted, Verdict};
use crate::fit::{Candidate, Parameter, Termination};
use crate::validate::Validation;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct WireReport<'a> {
    parallot: &'a str,
    command: &'a str,
    inputs_sha256: BTreeMap<&'static str, &'a str>,
    title: &'a str,
    verdict: Option<String>,
    recommended: Option<Policy>,
    measured: Option<Measured>,
    predicted: Option<Predicted>,
    validations: &'a [Validation],
    fits: Vec<WireFit<'a>>,
    comparison: Option<&'a Comparison>,
    budget_path: &'a [Allocation],
}

/// A fit without its points and draws, which the fit file and `curves.csv` hold.
#[derive(Serialize)]
struct WireFit<'a> {
    lang: &'a str,
    form: &'static str,
    parameters: &'a [Parameter],
    termination: Termination,
    starts: usize,
    starts_agreed: usize,
    noise_log: f64,
    held_out_error_log: Option<f64>,
    candidates: &'a [Candidate],
    flags: Vec<String>,
    unique_pairs: Option<u64>,
}

/// One JSON object with the verdict, the fits, the comparison and the budget path.
pub fn json(report: &Report) -> Result<Vec<u8>, ReportError> {
    let fits = report.fits.iter().map(|fit| WireFit {
        lang: &fit.curve,
        form: fit.law.form().name(),
        parameters: &fit.parameters,
        termination: fit.termination,
        starts: fit.starts,
        starts_agreed: fit.starts_agreed,
        noise_log: fit.noise_log,
        held_out_error_log: held_out_error(fit),
        candidates: &fit.candidates,
        flags: fit.flags.iter().map(ToString::to_string).collect(),
        unique_pairs: fit.unique,
    });
    let wire = WireReport {
        parallot: &report.provenance.parallot,
        inputs_sha256: report
            .provenance
            .inputs
            .iter()
            .map(|(name, sha256)| (*name, sha256.as_str()))
            .collect(),
        command: &report.provenance.command,
        title: report.title,
        verdict: report.verdict.map(|verdict| verdict.to_string()),
        recommended: report.verdict.and_then(|verdict| verdict.recommended()),
        measured: match report.verdict {
            Some(Verdict::Measured { measured, .. }) => Some(measured),
            _ => None,
        },
        predicted: report.comparison.and_then(Comparison::predicted),
        validations: report.validations,
        fits: fits.collect(),
        comparison: report.comparison,
        budget_path: report.path,
    };
    let mut bytes = serde_json::to_vec_pretty(&wire)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::Sample;

    #[test]
    fn numbers_survive_the_trip() {
        let sample = Sample::languages(3);
        let read: serde_json::Value =
            serde_json::from_slice(&json(&sample.report()).unwrap()).unwrap();
        assert_eq!(read["parallot"], "0.1.0 (rev 0123abc)");
        assert_eq!(
            read["fits"][1]["parameters"][0]["estimate"]["value"],
            sample.fits[1].parameters[0].estimate.value
        );
        assert_eq!(
            read["comparison"]["allocation"]["languages"][2]["pairs"],
            sample.comparison.allocation.languages[2].pairs
        );
        assert_eq!(read["verdict"], sample.comparison.verdict(None).to_string());
        assert_eq!(
            (&read["recommended"], &read["measured"]),
            (&"parallot".into(), &serde_json::Value::Null)
        );
    }

    #[test]
    fn what_was_measured_is_told_beside_what_is_predicted() {
        let sample = Sample::languages(3).validated(150_000, -0.03);
        let read: serde_json::Value =
            serde_json::from_slice(&json(&sample.report()).unwrap()).unwrap();
        assert_eq!(read["recommended"], "uniform");
        assert_eq!(
            (&read["measured"]["budget"], &read["measured"]["gain_nats"]["value"]),
            (&150_000.into(), &(-0.03).into())
        );
        assert_eq!(
            (&read["predicted"]["gain_nats"], &read["predicted"]["by"]),
            (&0.021.into(), &"one_language".into())
        );
        assert_eq!(read["validations"][0]["policies"][0]["losses"][0]["is_held"], false);
    }
}
