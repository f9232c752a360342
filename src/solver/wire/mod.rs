//! Problem files: the schema `alloc-case/1`, the problem alone or a whole case, as JSON or YAML.
//!
//! A file may leave out what has a natural value (weight and cost 1, bounds, groups, transfer, the
//! sum as objective), name languages where the schema has places, and say `fits: FILE` instead of
//! giving every language its `law`.

mod law;
mod value;

use crate::law::{AmountError, Repetition};
use crate::solver::kernel::Kernel;
use crate::solver::problem::{Counted, Language, Over, Parts, PartsError, Risk, Row, Rule};
use law::{Drawn, WireLaw};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::fmt;
use value::{Member, amount, some_amount};

/// Why a text is not a problem.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum ReadError {
    /// It is not of the schema: a field is missing, unknown or of another type.
    #[error("`{field}`: {cause}")]
    Schema { field: String, cause: String },
    /// A value is out of range.
    #[error(transparent)]
    Value(#[from] PartsError),
}

/// How a problem file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// JSON, as files that end with `.json`.
    Json,
    /// YAML of the same keys, as all other files.
    Yaml,
}

/// What fits know of a language.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The fitted law.
    pub law: Kernel,
    /// Its draws.
    pub draws: Vec<Kernel>,
}

/// A problem file of the right schema, its values not yet checked.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a map with the `budget` and the `languages` of a problem"
)]
pub struct ProblemFile {
    schema: Option<String>,
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(rename = "note")]
    _note: Option<IgnoredAny>,
    #[serde(rename = "tags")]
    _tags: Option<IgnoredAny>,
    #[serde(rename = "expected")]
    _expected: Option<IgnoredAny>,
    problem: Option<Box<ProblemFile>>,
    /// File of fits that languages without a law take theirs from, relative to the problem file.
    pub fits: Option<String>,
    budget: Option<WireBudget>,
    #[serde(default)]
    objective: WireObjective,
    languages: Option<Vec<WireLanguage>>,
    #[serde(default)]
    transfer: Vec<(Member, Member, f64)>,
    #[serde(default)]
    groups: Vec<WireGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map with an `amount`")]
struct WireBudget {
    #[serde(deserialize_with = "amount")]
    amount: f64,
    #[serde(default)]
    rule: WireRule,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum WireRule {
    #[default]
    AtMost,
    AtLeast,
    Exactly,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(deny_unknown_fields, expecting = "a map of `over_languages` and `over_draws`")]
struct WireObjective {
    #[serde(default)]
    over_languages: WireOver,
    #[serde(default)]
    over_draws: WireDraws,
    cvar_level: Option<f64>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum WireOver {
    #[default]
    Sum,
    Worst,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum WireDraws {
    #[default]
    None,
    Mean,
    Cvar,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map with the `name` and the `law` of a language")]
struct WireLanguage {
    name: String,
    #[serde(default = "one")]
    weight: f64,
    #[serde(default = "one")]
    cost: f64,
    #[serde(default, deserialize_with = "amount")]
    lo: f64,
    #[serde(default, deserialize_with = "some_amount")]
    hi: Option<f64>,
    law: Option<WireLaw>,
    draws: Option<Drawn>,
    repeat: Option<WireRepeat>,
    #[serde(default, deserialize_with = "some_amount")]
    grain: Option<f64>,
}

fn one() -> f64 {
    1.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map of `unique` and `r`")]
struct WireRepeat {
    #[serde(deserialize_with = "amount")]
    unique: f64,
    r: f64,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a map with the `name`, `terms`, `rule` and `amount` of a group"
)]
struct WireGroup {
    name: String,
    terms: Vec<(Member, f64)>,
    rule: WireRule,
    #[serde(deserialize_with = "amount")]
    amount: f64,
}

impl ProblemFile {
    /// Reads a text.
    pub fn read(text: &str, syntax: Syntax) -> Result<Self, ReadError> {
        let file: ProblemFile = match syntax {
            Syntax::Json => serde_json::from_str(text).or_else(|_| {
                // once more with the path, which is slower
                located(serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(
                    text,
                )))
            })?,
            Syntax::Yaml => {
                located(serde_path_to_error::deserialize(serde_yaml::Deserializer::from_str(text)))?
            }
        };
        if let Some(schema) = file.schema.as_ref().filter(|schema| *schema != "alloc-case/1") {
            return Err(PartsError::new("schema", format!("`{schema}`"), "`alloc-case/1`").into());
        }
        match file.problem {
            Some(problem) => Ok(*problem),
            None => Ok(file),
        }
    }

    /// The parts of the problem; languages without a law get it from `fitted`, by name.
    pub fn parts(self, fitted: impl Fn(&str) -> Option<Fitted>) -> Result<Parts, ReadError> {
        let missing = |field: &str| ReadError::Schema {
            field: field.to_owned(),
            cause: "is missing".to_owned(),
        };
        let budget = self.budget.ok_or_else(|| missing("budget"))?;
        if budget.rule == WireRule::AtLeast {
            return Err(
                PartsError::new("budget.rule", "`at_least`", "`at_most` or `exactly`").into()
            );
        }
        let drawn = self.objective.over_draws != WireDraws::None;
        let wire = self.languages.ok_or_else(|| missing("languages"))?;
        if wire.is_empty() {
            return Err(PartsError::new("languages", "empty", "at least one language").into());
        }
        let languages = wire
            .into_iter()
            .enumerate()
            .map(|(i, wire)| wire.check(i, drawn, &fitted))
            .collect::<Result<Vec<_>, _>>()?;
        let places: HashMap<&str, usize> =
            languages.iter().enumerate().map(|(i, language)| (language.name.as_str(), i)).collect();
        let place = |member: &Member, field: String| match member {
            Member::Place(place) => Ok(*place),
            Member::Name(name) => places
                .get(name.as_str())
                .copied()
                .ok_or_else(|| PartsError::new(field, format!("`{name}`"), "a language")),
        };
        let mut rows = Vec::new();
        for (g, wire) in self.groups.iter().enumerate() {
            let terms = wire.terms.iter().enumerate();
            let terms = terms.map(|(t, (member, coefficient))| {
                Ok((place(member, format!("groups[{g}].terms[{t}][0]"))?, *coefficient))
            });
            let rule = match wire.rule {
                WireRule::AtMost => Rule::AtMost,
                WireRule::AtLeast => Rule::AtLeast,
                WireRule::Exactly => Rule::Exactly,
            };
            rows.push(Row {
                name: wire.name.clone(),
                terms: terms.collect::<Result<_, PartsError>>()?,
                rule,
                amount: wire.amount,
            });
        }
        let mut transfer = Vec::with_capacity(self.transfer.len());
        for (t, (i, j, tau)) in self.transfer.iter().enumerate() {
            transfer.push((
                place(i, format!("transfer[{t}][0]"))?,
                place(j, format!("transfer[{t}][1]"))?,
                *tau,
            ));
        }
        let risk = match (self.objective.over_draws, self.objective.cvar_level) {
            (WireDraws::Cvar, Some(level)) => Risk::Cvar { level },
            (WireDraws::Cvar, None) => return Err(missing("objective.cvar_level")),
            (_, Some(level)) => {
                return Err(PartsError::new(
                    "objective.cvar_level",
                    level,
                    "none where `over_draws` is not `cvar`",
                )
                .into());
            }
            _ => Risk::Mean,
        };
        let over = match self.objective.over_languages {
            WireOver::Sum => Over::Sum,
            WireOver::Worst => Over::Worst,
        };
        let (budget, is_exact) = (budget.amount, budget.rule == WireRule::Exactly);
        Ok(Parts {
            languages,
            budget,
            is_exact,
            rows,
            transfer,
            counted: Counted::Effective,
            over,
            risk,
        })
    }
}

fn located<T, E: fmt::Display>(
    read: Result<T, serde_path_to_error::Error<E>>,
) -> Result<T, ReadError> {
    read.map_err(|error| ReadError::Schema {
        field: error.path().to_string(),
        cause: error.inner().to_string(),
    })
}

impl WireLanguage {
    fn check(
        self,
        i: usize,
        drawn: bool,
        fitted: impl Fn(&str) -> Option<Fitted>,
    ) -> Result<Language, ReadError> {
        let (laws, draws) = match &self.law {
            Some(law) => {
                (law.kernels(i, self.draws.as_ref().filter(|_| drawn), drawn)?, Vec::new())
            }
            None => {
                let cause = format!("is missing, and the fits have no `{}`", self.name);
                let fitted = fitted(&self.name)
                    .ok_or(ReadError::Schema { field: format!("languages[{i}].law"), cause })?;
                if drawn { (fitted.draws, Vec::new()) } else { (vec![fitted.law], fitted.draws) }
            }
        };
        let repeat = self.repeat.map(|wire| wire.check(i)).transpose()?;
        let WireLanguage { name, weight, cost, lo, hi, grain, .. } = self;
        Ok(Language { name, weight, cost, lower: lo, upper: hi, laws, draws, repeat, grain })
    }
}

impl WireRepeat {
    fn check(self, i: usize) -> Result<Repetition, PartsError> {
        Repetition::new(self.unique, self.r).map_err(
            |AmountError::Parameter { parameter, found, expected }| {
                let name = if parameter == "unique" { "unique" } else { "r" };
                PartsError::new(format!("languages[{i}].repeat.{name}"), found, expected)
            },
        )
    }
}
