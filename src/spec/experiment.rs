//! The experiment: what an experiment YAML says, checked.

use super::base::{BaseSpec, WireBase};
use super::error::SpecError;
use super::limits::{MOST_PASSES, count};
use super::mixtures::{DesignedRun, MixtureSpec};
use super::tuning::{Evaluation, Tuning};
use crate::corpus::{Constructed, Source};
use crate::files;
use crate::units::{Lang, Pairs};
use crate::yaml;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Most runs of a design.
const MOST_RUNS: usize = 100_000;

/// A language of a sweep and its corpora.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageSpec {
    /// Code.
    pub lang: Lang,
    /// English name for prompts; from a table where absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Files of pairs with English.
    pub corpora: Vec<Source>,
}

/// Where the pairs come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Text {
    /// Files, below the root folder if one is given in the YAML.
    Corpora {
        /// Folder that the paths of corpora are relative to, itself relative to the YAML (its key
        /// `data`); that of the YAML where absent.
        root: Option<PathBuf>,
        /// Languages that runs are tuned on, in the order of the YAML, each with its corpora.
        languages: Vec<LanguageSpec>,
    },
    /// Languages made by the program.
    Constructed(Constructed),
}

/// A checked experiment: languages x sizes x seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// Name: that of the file.
    pub name: String,
    /// What it is for and how to read it.
    pub analysis: String,
    /// The pairs.
    pub text: Text,
    /// The base model.
    pub base: BaseSpec,
    /// The small runs.
    pub tuning: Tuning,
    /// Amounts, rising; 0 is the base model.
    pub sizes: Vec<Pairs>,
    /// Seeds, one run a language, size and seed.
    pub seeds: Vec<u64>,
    /// Most passes over the unique pairs of a language that a run makes to have its size.
    pub passes: u32,
    /// Runs on several languages at once.
    pub mixtures: Option<MixtureSpec>,
    /// Models of a design that was planned, noted before the runs are listed.
    pub design: Vec<DesignedRun>,
    /// Languages that no run is tuned on, which every run is scored on.
    pub untuned: Vec<LanguageSpec>,
    /// SHA-256 of their test pairs, noted once they are read and before runs get their ids.
    pub untuned_sha256: Vec<String>,
    /// The evaluation.
    pub evaluation: Evaluation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireExperiment {
    analysis: String,
    #[serde(default)]
    data: Option<PathBuf>,
    #[serde(default)]
    languages: Vec<LanguageSpec>,
    #[serde(default)]
    constructed: Option<Constructed>,
    base: WireBase,
    #[serde(default)]
    tuning: Tuning,
    #[serde(default)]
    sizes: Vec<Pairs>,
    seeds: Vec<u64>,
    #[serde(default = "one")]
    passes: u32,
    #[serde(default)]
    mixtures: Option<MixtureSpec>,
    #[serde(default)]
    untuned: Vec<LanguageSpec>,
    #[serde(default)]
    evaluation: Evaluation,
}

impl Experiment {
    /// Reads and checks an experiment file.
    pub fn read(path: &Path) -> Result<Self, SpecError> {
        let text = files::read_text(path)?;
        let name =
            path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Experiment::parse(&name, &text).map_err(|error| match error {
            SpecError::Yaml { cause, .. } => SpecError::Yaml { path: path.to_owned(), cause },
            error => SpecError::In { path: path.to_owned(), cause: Box::new(error) },
        })
    }

    /// Checks the text of an experiment file.
    pub fn parse(name: &str, text: &str) -> Result<Self, SpecError> {
        let wire: Result<WireExperiment, _> = yaml::checked(text).and_then(serde_yaml::from_str);
        let wire = wire.map_err(|cause| SpecError::Yaml { path: PathBuf::from(name), cause })?;
        let text = match (wire.languages.is_empty(), wire.constructed) {
            (false, None) => Text::Corpora { root: wire.data, languages: wire.languages },
            (true, Some(constructed)) => Text::Constructed(constructed),
            (true, None) => {
                return Err(SpecError::value(
                    "languages",
                    "empty",
                    "at least one language, or `constructed`",
                ));
            }
            (false, Some(_)) => {
                return Err(SpecError::value(
                    "constructed",
                    "given beside `languages`",
                    "one of the two",
                ));
            }
        };
        let mut sizes = wire.sizes;
        sizes.sort();
        let experiment = Experiment {
            name: name.to_owned(),
            analysis: wire.analysis,
            text,
            base: wire.base.resolve()?,
            tuning: wire.tuning,
            sizes,
            seeds: wire.seeds,
            passes: wire.passes,
            mixtures: wire.mixtures,
            design: Vec::new(),
            untuned: wire.untuned,
            untuned_sha256: Vec::new(),
            evaluation: wire.evaluation,
        };
        experiment.check()?;
        Ok(experiment)
    }

    fn check(&self) -> Result<(), SpecError> {
        let langs = self.langs();
        self.check_runs(langs.len())?;
        if let Some(lang) = repeated(&langs) {
            return Err(SpecError::value(
                "languages",
                format!("`{lang}` twice"),
                "each language once",
            ));
        }
        let languages =
            if let Text::Corpora { languages, .. } = &self.text { &languages[..] } else { &[] };
        if let Some(language) =
            languages.iter().chain(&self.untuned).find(|language| language.corpora.is_empty())
        {
            return Err(SpecError::value(
                format!("corpora` of `{}", language.lang),
                "empty",
                "at least one file",
            ));
        }
        let untuned: Vec<Lang> =
            self.untuned.iter().map(|language| language.lang.clone()).collect();
        if let Some(lang) = repeated(&untuned).or_else(|| {
            untuned.iter().find(|lang| langs.contains(lang) || **lang == Lang::english())
        }) {
            return Err(SpecError::value(
                "untuned",
                format!("`{lang}`"),
                "each language once, and none that is tuned on or English",
            ));
        }
        if langs.contains(&Lang::english()) {
            return Err(SpecError::value(
                "languages",
                "`eng_Latn`",
                "languages other than English, which is one side of every pair",
            ));
        }
        if let Some(size) = repeated(&self.sizes) {
            return Err(SpecError::value("sizes", format!("{size} twice"), "each size once"));
        }
        if let Some(seed) = repeated(&self.seeds) {
            return Err(SpecError::value("seeds", format!("{seed} twice"), "each seed once"));
        }
        if self.seeds.is_empty() {
            return Err(SpecError::value("seeds", "empty", "at least one seed"));
        }
        count("passes", self.passes.into(), 1..=MOST_PASSES)?;
        if let Some(mixtures) = &self.mixtures {
            mixtures.check(langs.len())?;
        }
        count("evaluation.pairs", self.evaluation.pairs as u64, 1..=u64::MAX)?;
        self.tuning.check()?;
        self.base.check(&langs)
    }

    /// A design is listed, hashed and looked up run by run.
    fn check_runs(&self, langs: usize) -> Result<(), SpecError> {
        let runs = [self.sizes.len(), self.seeds.len(), langs]
            .into_iter()
            .fold(1_usize, |runs, many| runs.saturating_mul(many.max(1)));
        if runs > MOST_RUNS {
            return Err(SpecError::value(
                "sizes` by `seeds",
                format!("a design of {runs} runs"),
                format!("at most {MOST_RUNS}"),
            ));
        }
        Ok(())
    }

    /// The languages, in their order.
    pub fn langs(&self) -> Vec<Lang> {
        match &self.text {
            Text::Corpora { languages, .. } => {
                languages.iter().map(|language| language.lang.clone()).collect()
            }
            Text::Constructed(constructed) => {
                constructed.sisters.iter().map(|sister| sister.lang.clone()).collect()
            }
        }
    }
}

fn one() -> u32 {
    1
}

fn repeated<T: PartialEq>(items: &[T]) -> Option<&T> {
    items.iter().enumerate().find(|(at, item)| items[..*at].contains(item)).map(|(_, item)| item)
}
