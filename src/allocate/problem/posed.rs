//! A problem as the solver takes it.

use super::{Budget, Group, Objective, Problem, Rule};
use crate::allocate::{Drawn, Term};
use crate::law::{Average, Repetition, Weighted};
use crate::solver::{Counted, Kernel, Language, Over, Parts, PartsError, PosedProblem, Risk, Row};

/// Draws that one of many problems goes by where its objective is one over draws.
const DRAWS_OF_SKETCH: usize = 100;

/// A problem posed to the solver: the mean over the laws of each language's average, or over the
/// draws.
#[derive(Debug)]
pub(in crate::allocate) struct Posed {
    pub problem: PosedProblem,
    /// The group that each row is of: a cost that is held exactly has two.
    pub(super) groups: Vec<usize>,
    /// Whether laws are the averages of the fit, not draws.
    pub is_average: bool,
}

impl Posed {
    /// The weighted sum under the averages, or over the draws where the problem asks for their
    /// CVaR.
    pub(in crate::allocate) fn of(problem: &Problem) -> Result<Self, PartsError> {
        match problem.objective() {
            Objective::Cvar(level) => Posed::drawn(problem, Risk::Cvar { level }),
            Objective::Mean | Objective::Worst | Objective::Fair => {
                let places =
                    problem.terms().iter().map(|term| term.laws.laws().len()).max().unwrap_or(1);
                let posed =
                    Posed::new(problem, Risk::Mean, |_, term| averaged(&term.laws, places))?;
                Ok(Posed { is_average: true, ..posed })
            }
        }
    }

    /// The weighted sum over the draws of the laws; repeats are worth what they are by the fit in
    /// all of them.
    pub(in crate::allocate) fn drawn(problem: &Problem, risk: Risk) -> Result<Self, PartsError> {
        let draw = |laws: &Vec<Drawn>, i: usize, term: &Term| {
            laws.get(i).map_or(term.laws.laws()[0].law, |drawn| drawn.law)
        };
        // of many problems a few draws, evenly apart, show as much as can be seen
        let stride =
            if problem.is_sketch() { problem.draws().len().div_ceil(DRAWS_OF_SKETCH) } else { 1 };
        let draws = || problem.draws().iter().step_by(stride.max(1));
        Posed::new(problem, risk, |i, term| {
            draws().filter_map(|laws| Kernel::of(&draw(laws, i, term))).collect()
        })
    }

    fn new(
        problem: &Problem,
        risk: Risk,
        laws: impl Fn(usize, &Term) -> Vec<Kernel>,
    ) -> Result<Self, PartsError> {
        let extended = |i: usize, laws: Vec<Kernel>| match problem.coupling() {
            Some(coupling) => {
                laws.into_iter().map(|law| law.extended_below(coupling.trusted_from[i])).collect()
            }
            None => laws,
        };
        let language = |(i, term): (usize, &Term)| Language {
            name: term.lang.clone(),
            weight: term.weight,
            cost: problem.cost(term),
            lower: problem.least(i) as f64,
            upper: Some(problem.most(term) as f64),
            laws: extended(i, laws(i, term)),
            draws: Vec::new(),
            repeat: repeat(problem, term),
            grain: Some(1.0),
        };
        let full: f64 =
            problem.terms().iter().map(|term| problem.cost(term) * problem.most(term) as f64).sum();
        let is_exact = match problem.budget() {
            Budget::Pairs(_) => problem.groups().is_empty(),
            // where pairs of one language harm another the least loss may be at less than the
            // budget, of which transfer knows nothing: it was fitted to mixtures of other sizes
            Budget::Cost(cost) => problem.coupling().is_some() && full >= cost,
        };
        let rows = problem
            .groups()
            .iter()
            .enumerate()
            .flat_map(|(g, group)| rows(problem, group).into_iter().map(move |row| (g, row)));
        let (groups, rows) = rows.unzip();
        let parts = Parts {
            languages: problem.terms().iter().enumerate().map(language).collect(),
            budget: problem.budget().amount(),
            is_exact,
            rows,
            transfer: problem.coupling().map_or_else(Vec::new, |coupling| coupling.tau.clone()),
            counted: Counted::Pairs,
            over: Over::Sum,
            risk,
        };
        Ok(Posed { problem: PosedProblem::new(parts)?, groups, is_average: false })
    }
}

/// Repetition of a language that can come to repeat pairs.
fn repeat(problem: &Problem, term: &Term) -> Option<Repetition> {
    term.repetition.filter(|repetition| repetition.unique() < problem.most(term) as f64)
}

/// One kernel a law of an average, so weighted that their mean is the average; idle ones fill up
/// the places.
fn averaged(laws: &Average, places: usize) -> Vec<Kernel> {
    let part = |part: &Weighted| Some(Kernel::of(&part.law)?.weighted(part.weight * places as f64));
    let idle = Kernel::shifted(0.0, 1.0, 1.0, 1.0).weighted(0.0);
    laws.laws().iter().filter_map(part).chain(std::iter::repeat(idle)).take(places).collect()
}

/// A group's row; two where a cost is held exactly, which whole pairs meet only nearly.
fn rows(problem: &Problem, group: &Group) -> Vec<Row> {
    let limits = problem.limits(group);
    let row = |rule: Rule, amount: f64| Row {
        name: group.name.clone(),
        terms: group.members.iter().map(|&j| (j, problem.coefficient(&limits, j))).collect(),
        rule,
        amount,
    };
    match group.rule {
        Rule::AtLeast => vec![row(Rule::AtLeast, limits.low)],
        Rule::AtMost => vec![row(Rule::AtMost, limits.high)],
        Rule::Exactly if limits.low == limits.high => vec![row(Rule::Exactly, limits.low)],
        Rule::Exactly => vec![row(Rule::AtLeast, limits.low), row(Rule::AtMost, limits.high)],
    }
}
