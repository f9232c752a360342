//! The flags that pose an allocation problem, and the problem that they pose over some fits.

use super::failure::{Failure, OrFail};
use crate::allocate::{Problem, ProblemError, Term};
use crate::fit::FitFile;
use crate::units::Pairs;
use clap::Args;

/// What is to be spent, and within which bounds.
#[derive(Debug, Clone, Args)]
pub struct MixtureArguments {
    /// Pairs to allot, like `12000`, `60k` or `1.5M`
    #[arg(long, value_name = "PAIRS", required_unless_present_any = ["problem", "budget_cost", "target_loss"])]
    pub budget: Option<Pairs>,
    /// Most passes over the unique pairs of a language
    #[arg(long, value_name = "N", default_value_t = 4.0)]
    pub epochs: f64,
    /// Least pairs of a language, like `tur_Latn=10k`; may be repeated
    #[arg(long, value_name = "LANG=PAIRS")]
    pub min: Vec<String>,
    /// Most pairs of a language, like `swh_Latn=40k`; may be repeated
    #[arg(long, value_name = "LANG=PAIRS")]
    pub max: Vec<String>,
    /// Weight of a language's loss, like `hin_Deva=2`; 1 unless said; may be repeated
    #[arg(long, value_name = "LANG=WEIGHT")]
    pub weight: Vec<String>,
}

impl MixtureArguments {
    /// The problem: one term a fit, bounded above by unique pairs times epochs where they are known.
    pub fn pose(&self, file: &FitFile) -> Result<Problem, Failure> {
        let budget = self.budget.unwrap_or_default().0;
        if budget == 0 {
            return Err(Failure::input(anyhow::anyhow!("`--budget` is 0, expected at least 1 pair")));
        }
        Problem::new(self.terms(file)?, budget).map_err(hinted)
    }

    /// One term a fit, with bounds and weights.
    pub fn terms(&self, file: &FitFile) -> Result<Vec<Term>, Failure> {
        if !(self.epochs.is_finite() && self.epochs > 0.0) {
            return Err(Failure::input(anyhow::anyhow!("`--epochs` is {}, expected a finite number above 0", self.epochs)));
        }
        let mut terms: Vec<Term> = file
            .fits
            .iter()
            .map(|fit| Term {
                lang: fit.curve.clone(),
                law: fit.law,
                weight: 1.0,
                lower: 0,
                upper: fit.unique.map(|unique| (unique as f64 * self.epochs) as u64),
                unique: fit.unique,
            })
            .collect();
        for (lang, Pairs(pairs)) in assignments("--min", &self.min)? {
            term(&mut terms, "--min", &lang)?.lower = pairs;
        }
        for (lang, Pairs(pairs)) in assignments("--max", &self.max)? {
            let term = term(&mut terms, "--max", &lang)?;
            term.upper = Some(term.upper.map_or(pairs, |upper| upper.min(pairs)));
        }
        for (lang, weight) in assignments::<f64>("--weight", &self.weight)? {
            term(&mut terms, "--weight", &lang)?.weight = weight;
        }
        Ok(terms)
    }
}

fn hinted(error: ProblemError) -> Failure {
    let hint = match error {
        ProblemError::Weight { .. } | ProblemError::WeightSum { .. } => {
            "`--weight LANG=WEIGHT` sets the weight of a language, 1 unless said"
        }
        _ => "`--budget`, `--epochs`, `--min` and `--max` set what must fit together",
    };
    Failure::input(error).hint(hint)
}

/// Reads `LANG=VALUE` flags.
pub(super) fn assignments<T: std::str::FromStr>(flag: &str, texts: &[String]) -> Result<Vec<(String, T)>, Failure>
where
    T::Err: std::fmt::Display,
{
    texts
        .iter()
        .map(|text| {
            let (lang, value) = text
                .split_once('=')
                .ok_or_else(|| anyhow::anyhow!("`{flag} {text}` has no `=`, expected a language and a number, like `tur_Latn=2`"))?;
            let value = value.parse().map_err(|error| anyhow::anyhow!("`{flag} {text}`: {error}"))?;
            Ok((lang.to_owned(), value))
        })
        .collect::<Result<_, anyhow::Error>>()
        .or_input()
}

fn term<'a>(terms: &'a mut [Term], flag: &str, lang: &str) -> Result<&'a mut Term, Failure> {
    let known: Vec<String> = terms.iter().map(|term| term.lang.clone()).collect();
    place(&known, flag, lang).map(|at| &mut terms[at])
}

/// The place of a language given by its code, or by the start of it where that is enough: `tur` for `tur_Latn`.
pub(super) fn place(known: &[String], flag: &str, lang: &str) -> Result<usize, Failure> {
    let matching: Vec<usize> = (0..known.len()).filter(|&at| known[at] == lang || known[at].split('_').next() == Some(lang)).collect();
    match matching.as_slice() {
        [at] => Ok(*at),
        _ => {
            let error = anyhow::anyhow!("`{flag}` names `{lang}`, expected one of {}", known.join(", "));
            Err(Failure::input(error))
        }
    }
}
