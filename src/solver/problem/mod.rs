//! A checked problem: languages with laws and bounds, a budget, groups, transfer, and what counts.

mod program;
mod transfer;

pub use program::{Over, Risk};
pub(crate) use program::{Own, Program, Range, sum};
pub use transfer::Counted;
pub(crate) use transfer::Transfer;

use crate::law::Repetition;
use crate::solver::kernel::Kernel;
use std::collections::HashSet;
use std::fmt;

/// One language.
#[derive(Debug, Clone, PartialEq)]
pub struct Language {
    /// Name, unique in the problem.
    pub name: String,
    /// Weight of its loss, not below 0; with 0 it has no part in the objective, even where its loss
    /// is infinite.
    pub weight: f64,
    /// Cost of a pair, above 0.
    pub cost: f64,
    /// Least amount, pairs.
    pub lower: f64,
    /// Most, pairs; absent = no limit.
    pub upper: Option<f64>,
    /// Its law, unweighted: one for each parameter draw, or a single one.
    pub laws: Vec<Kernel>,
    /// Draws of its law that the objective does not ask for, which tell how far its loss is known;
    /// empty where there are none.
    pub draws: Vec<Kernel>,
    /// What repeated data is worth; absent = as much as new data.
    pub repeat: Option<Repetition>,
    /// Amounts must be whole multiples of this, pairs; absent = any amount.
    pub grain: Option<f64>,
}

/// Which side of a sum is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Not above.
    AtMost,
    /// Not below.
    AtLeast,
    /// Equal.
    Exactly,
}

/// A row `sum coefficient_j x_j` held by an amount.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Name, for messages.
    pub name: String,
    /// Language and coefficient.
    pub terms: Vec<(usize, f64)>,
    /// Which side is held.
    pub rule: Rule,
    /// By what.
    pub amount: f64,
}

/// What a problem consists of, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// The languages.
    pub languages: Vec<Language>,
    /// What may be spent, in units of cost.
    pub budget: f64,
    /// Whether all of it must be spent.
    pub is_exact: bool,
    /// Rows of groups.
    pub rows: Vec<Row>,
    /// Triples `(i, j, tau)`: language `i` profits from a pair of `j` as from `tau` of its own.
    pub transfer: Vec<(usize, usize, f64)>,
    /// What the pairs of `j` count as there. Where they count as themselves a tau may be below 0,
    /// and the laws must be finite at every amount ([`Kernel::extended_below`]).
    pub counted: Counted,
    /// How languages count together.
    pub over: Over,
    /// How draws count together.
    pub risk: Risk,
}

/// A posed problem: every number is in range. Whether anything meets its constraints is for the
/// solver to say.
#[derive(Debug, Clone)]
pub struct PosedProblem {
    parts: Parts,
    pub(crate) program: Program,
}

/// Why parts are not a problem: the field that is wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{field}` is {found}, expected {expected}")]
pub struct PartsError {
    /// Path of the field, like `languages[3].cost`.
    pub field: String,
    /// What stands there.
    pub found: String,
    /// What could.
    pub expected: String,
}

impl PartsError {
    pub(crate) fn new(
        field: impl Into<String>,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        PartsError { field: field.into(), found: found.to_string(), expected: expected.into() }
    }
}

/// Largest budget: sums and squares of amounts stay numbers.
const MOST: f64 = 1e100;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::AtMost => "at most",
            Rule::AtLeast => "at least",
            Rule::Exactly => "exactly",
        })
    }
}

impl Row {
    /// What it asks for, in words.
    pub(crate) fn asks(&self) -> String {
        format!("group `{}` asks for {} {}", self.name, self.rule, self.amount)
    }
}

impl PosedProblem {
    /// Checks the parts.
    pub fn new(parts: Parts) -> Result<Self, PartsError> {
        if parts.languages.is_empty() {
            return Err(PartsError::new("languages", "empty", "at least one language"));
        }
        let draws = parts.languages[0].laws.len();
        let mut names = HashSet::new();
        for (i, language) in parts.languages.iter().enumerate() {
            check_language(language, i, draws)?;
            if !names.insert(language.name.as_str()) {
                return Err(PartsError::new(
                    format!("languages[{i}].name"),
                    format!("`{}` again", language.name),
                    "a name of its own",
                ));
            }
        }
        check_whole(&parts)?;
        number("budget.amount", parts.budget, parts.budget >= 0.0, "a finite number not below 0")?;
        number("budget.amount", parts.budget, parts.budget <= MOST, "a number not above 1e100")?;
        for (g, row) in parts.rows.iter().enumerate() {
            check_row(row, g, parts.languages.len())?;
        }
        for (t, &(i, j, tau)) in parts.transfer.iter().enumerate() {
            member(&format!("transfer[{t}][0]"), i, parts.languages.len())?;
            member(&format!("transfer[{t}][1]"), j, parts.languages.len())?;
            let field = format!("transfer[{t}][2]");
            match parts.counted {
                Counted::Effective => {
                    number(&field, tau, tau >= 0.0, "a finite number not below 0")?
                }
                Counted::Pairs => number(&field, tau, true, "a finite number")?,
            }
        }
        if let Risk::Cvar { level } = parts.risk {
            number(
                "objective.cvar_level",
                level,
                (0.0..1.0).contains(&level),
                "a number from 0 to below 1",
            )?;
        }
        let program = program(&parts);
        Ok(PosedProblem { parts, program })
    }

    /// Unweighted loss of each language at some amounts, the mean over draws; infinite at a pole.
    pub fn losses(&self, x: &[f64]) -> Vec<f64> {
        let data = self.program.data(x);
        let loss = |(language, &y): (&Language, &f64)| {
            language.laws.iter().map(|law| law.floor + law.value(y)).sum::<f64>()
                / language.laws.len() as f64
        };
        self.parts.languages.iter().zip(&data).map(loss).collect()
    }

    /// Unweighted loss of each language at some amounts under every draw that is known of its law;
    /// empty where there are none.
    pub fn loss_draws(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let data = self.program.data(x);
        let losses = |(language, &y): (&Language, &f64)| {
            let known = if language.laws.len() > 1 { &language.laws } else { &language.draws };
            known.iter().map(|law| law.floor + law.value(y)).collect()
        };
        self.parts.languages.iter().zip(&data).map(losses).collect()
    }

    /// The same problem with other lower bounds, each finite and not below 0.
    pub(crate) fn starting_at(mut self, lower: impl Iterator<Item = f64>) -> Self {
        for ((language, own), lower) in
            self.parts.languages.iter_mut().zip(&mut self.program.own).zip(lower)
        {
            (language.lower, own.lower) = (lower, lower);
        }
        self
    }

    /// The objective at some amounts.
    pub fn objective(&self, x: &[f64]) -> f64 {
        self.program.objective(x)
    }

    /// Whether whole grains are solved exactly and fast: a sum that no group or transfer couples,
    /// its mean over laws that are all convex, or of one law a language.
    pub fn has_exact_grains(&self) -> bool {
        let single_kind = self.program.is_convex() || self.program.draws == 1;
        self.parts.over == Over::Sum
            && self.parts.risk == Risk::Mean
            && self.program.is_separable()
            && single_kind
    }

    /// Names of the languages at some places.
    pub(crate) fn names(&self, places: &[usize]) -> Vec<String> {
        places.iter().map(|&i| self.parts.languages[i].name.clone()).collect()
    }

    /// The parts.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }
}

fn check_language(language: &Language, i: usize, draws: usize) -> Result<(), PartsError> {
    let field = |name: &str| format!("languages[{i}].{name}");
    let Language { weight, cost, lower, .. } = *language;
    number(&field("weight"), weight, weight >= 0.0, "a finite number not below 0")?;
    number(&field("cost"), cost, cost > 0.0, "a finite number above 0")?;
    number(&field("lo"), lower, lower >= 0.0, "a finite number not below 0")?;
    if let Some(upper) = language.upper {
        number(&field("hi"), upper, upper >= 0.0, "a finite number not below 0, or null")?;
    }
    if let Some(grain) = language.grain {
        number(&field("grain"), grain, grain > 0.0, "a finite number above 0")?;
    }
    if language.laws.len() != draws || draws == 0 {
        return Err(PartsError::new(
            field("draws"),
            format!("{} long", language.laws.len()),
            format!("as long as of the others, {draws}"),
        ));
    }
    Ok(())
}

/// What only all languages together can be asked.
fn check_whole(parts: &Parts) -> Result<(), PartsError> {
    let weights: f64 = parts.languages.iter().map(|language| language.weight).sum();
    if !weights.is_finite() {
        return Err(PartsError::new(
            "languages[..].weight",
            format!("{weights} in sum"),
            "a finite sum",
        ));
    }
    let grained = parts.languages.iter().filter(|language| language.grain.is_some()).count();
    match parts.languages.iter().position(|language| language.grain.is_none()) {
        Some(i) if grained > 0 => Err(PartsError::new(
            format!("languages[{i}].grain"),
            "absent",
            "one in every language or in none",
        )),
        _ => Ok(()),
    }
}

fn check_row(row: &Row, g: usize, languages: usize) -> Result<(), PartsError> {
    if row.terms.is_empty() {
        return Err(PartsError::new(
            format!("groups[{g}].terms"),
            format!("empty in `{}`", row.name),
            "at least one language",
        ));
    }
    for (t, &(j, coefficient)) in row.terms.iter().enumerate() {
        member(&format!("groups[{g}].terms[{t}][0]"), j, languages)?;
        number(&format!("groups[{g}].terms[{t}][1]"), coefficient, true, "a finite number")?;
    }
    number(&format!("groups[{g}].amount"), row.amount, true, "a finite number")
}

fn number(field: &str, found: f64, holds: bool, expected: &str) -> Result<(), PartsError> {
    if holds && found.is_finite() { Ok(()) } else { Err(PartsError::new(field, found, expected)) }
}

fn member(field: &str, found: usize, languages: usize) -> Result<(), PartsError> {
    if found < languages {
        Ok(())
    } else {
        Err(PartsError::new(
            field,
            found,
            format!("the place of a language, 0 to {}", languages - 1),
        ))
    }
}

fn program(parts: &Parts) -> Program {
    let own = |language: &Language| Own {
        cost: language.cost,
        lower: language.lower,
        upper: language.upper.unwrap_or(f64::INFINITY),
        repeat: language.repeat,
    };
    let range = |row: &Row| Range {
        terms: row.terms.clone(),
        lower: if row.rule == Rule::AtMost { f64::NEG_INFINITY } else { row.amount },
        upper: if row.rule == Rule::AtLeast { f64::INFINITY } else { row.amount },
    };
    let weighted = |language: &Language| {
        language.laws.iter().map(|law| law.weighted(language.weight)).collect::<Vec<_>>()
    };
    Program {
        kernels: parts.languages.iter().flat_map(weighted).collect(),
        draws: parts.languages[0].laws.len(),
        own: parts.languages.iter().map(own).collect(),
        budget: parts.budget,
        exact: parts.is_exact,
        rows: parts.rows.iter().map(range).collect(),
        transfer: (!parts.transfer.is_empty())
            .then(|| Transfer::new(parts.languages.len(), &parts.transfer, parts.counted)),
        over: parts.over,
        risk: parts.risk,
    }
}
