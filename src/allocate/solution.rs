//! The optimum in whole pairs, as the solver finds it, and what it says of each language.

use super::level::{least_worst, worst_loss};
use super::problem::{Budget, Group, Objective, Problem, Rule};
use super::{Active, AllocatedLanguage, Allocation, Drawn, GroupPrice, Term, baseline, whole};
use crate::law::Average;
use crate::solver::{self, Counted, Kernel, Language, Over, Parts, Repeat, Risk};

/// Share of the objective that is only the rounding which a bound allows for: the plan is exact.
const ROUNDING: f64 = 1e-13;

/// Pairs of unequal cost up to which the best whole numbers are searched for, a knapsack; of more the continuous optimum is rounded.
const FEW_PAIRS: f64 = 1000.0;

/// Boxes that a search over laws that start concave may open: of the problem, of one over draws, and of one of many about it.
const BOXES: usize = 256;
const BOXES_OVER_DRAWS: usize = 24;
const BOXES_OF_SKETCH: usize = 8;

/// Draws that one of many problems goes by where its objective is one over draws.
const DRAWS_OF_SKETCH: usize = 100;

/// Whole pairs within the bounds up to which all are looked at.
const FEW_POINTS: f64 = 4096.0;

/// A problem as the general solver takes it: the mean over the laws of each language's average, or over the draws.
pub(super) struct Posed {
    parts: solver::Parts,
    /// The group that each row is of: a cost that is held exactly has two.
    groups: Vec<usize>,
    /// Whether laws are the averages of the fit, not draws.
    is_average: bool,
}

impl Posed {
    /// The weighted sum under the averages, or over the draws where the problem asks for their CVaR.
    pub(super) fn of(problem: &Problem) -> Self {
        match problem.objective() {
            Objective::Cvar(level) => Posed::drawn(problem, Risk::Cvar { level }),
            Objective::Mean | Objective::Worst => {
                let places = problem.terms().iter().map(|term| term.laws.laws().len()).max().unwrap_or(1);
                Posed { is_average: true, ..Posed::new(problem, Risk::Mean, |_, term| averaged(&term.laws, places)) }
            }
        }
    }

    /// The weighted sum over the draws of the laws; repeats are worth what they are by the fit in all of them.
    pub(super) fn drawn(problem: &Problem, risk: Risk) -> Self {
        let draw = |laws: &Vec<Drawn>, i: usize, term: &Term| laws.get(i).map_or(term.laws.laws()[0].law, |drawn| drawn.law);
        // of many problems a few draws, evenly apart, show as much as can be seen
        let stride = if problem.is_sketch() { problem.draws().len().div_ceil(DRAWS_OF_SKETCH) } else { 1 };
        let draws = || problem.draws().iter().step_by(stride.max(1));
        Posed::new(problem, risk, |i, term| draws().filter_map(|laws| Kernel::of(&draw(laws, i, term))).collect())
    }

    /// Bounds, budget and groups alone, for questions of what can be met: one law for all, and no transfer.
    pub(super) fn without_laws(problem: &Problem) -> Self {
        let mut posed = Posed::new(problem, Risk::Mean, |_, _| vec![Kernel::shifted(0.0, 1.0, 1.0, 1.0)]);
        posed.parts.transfer.clear();
        posed
    }

    fn new(problem: &Problem, risk: Risk, laws: impl Fn(usize, &Term) -> Vec<Kernel>) -> Self {
        let extended = |i: usize, laws: Vec<Kernel>| match problem.coupling() {
            Some(coupling) => laws.into_iter().map(|law| law.extended_below(coupling.trusted_from[i])).collect(),
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
        let full: f64 = problem.terms().iter().map(|term| problem.cost(term) * problem.most(term) as f64).sum();
        let exactly = match problem.budget() {
            Budget::Pairs(_) => problem.groups().is_empty(),
            // where pairs of one language harm another the least loss may be at less than the budget, of which transfer knows nothing: it was
            // fitted to mixtures of other sizes
            Budget::Cost(cost) => problem.coupling().is_some() && full >= cost,
        };
        let rows: Vec<(usize, solver::Group)> =
            problem.groups().iter().enumerate().flat_map(|(g, group)| rows(problem, group).into_iter().map(move |row| (g, row))).collect();
        let (groups, rows) = rows.into_iter().unzip();
        let parts = Parts {
            languages: problem.terms().iter().enumerate().map(language).collect(),
            budget: solver::Budget { amount: problem.budget().amount(), exactly },
            groups: rows,
            transfer: problem.coupling().map_or_else(Vec::new, |coupling| coupling.tau.clone()),
            counted: Counted::Pairs,
            over: Over::Sum,
            risk,
        };
        Posed { parts, groups, is_average: false }
    }

    /// The same with other lower bounds.
    pub(super) fn starting_at(mut self, least: &[u64]) -> Self {
        self.parts.languages.iter_mut().zip(least).for_each(|(language, &least)| language.lower = least as f64);
        self
    }

    /// The problem of the general solver; absent where a number is out of its range.
    pub(super) fn into_problem(self) -> Option<solver::Problem> {
        solver::Problem::new(self.parts).ok()
    }

    /// The optimum in whole pairs: exact where that can be had fast, else near the continuous optimum, whose bound it keeps. Absent only where
    /// no whole pairs were found.
    pub(super) fn solve(self, problem: &Problem) -> Option<(Vec<u64>, solver::Solved)> {
        let Posed { mut parts, groups, is_average } = self;
        let posed = solver::Problem::new(parts.clone()).ok()?;
        let (pairs, solved) = match exact(problem, &posed) {
            Some(found) => found,
            None => {
                parts.languages.iter_mut().for_each(|language| language.grain = None);
                let boxes = match (problem.is_sketch(), is_average) {
                    (true, true) => BOXES_OF_SKETCH,
                    (true, false) => 1,
                    (false, false) => BOXES_OVER_DRAWS,
                    (false, true) => BOXES,
                };
                let continuous = solver::solve_within(&solver::Problem::new(parts).ok()?, boxes).solved;
                let start =
                    continuous.as_ref().map_or_else(|| Some(amounts(problem.witness.as_ref()?)), |solved| Some(solved.x.clone()))?;
                let pairs = whole::near(problem, &posed, is_average, &start)?;
                let x = amounts(&pairs);
                let (objective, nothing) = (posed.objective(&x), solver::Solved::unproven(x.clone(), posed.objective(&x)));
                (pairs, solver::Solved { x, objective, ..continuous.unwrap_or(nothing) })
            }
        };
        let multipliers = (0..problem.groups().len()).map(|g| {
            let own = groups.iter().zip(&posed.parts().groups).zip(&solved.group_multipliers).filter(|((of, _), _)| **of == g);
            // of two rows that hold one cost the lower end pulls the other way
            let signed = |((_, row), worth): ((&usize, &solver::Group), &f64)| if row.rule == Rule::AtLeast { -worth } else { *worth };
            if problem.groups()[g].rule == Rule::AtLeast { own.map(|(_, worth)| *worth).sum() } else { own.map(signed).sum::<f64>() }
        });
        let group_multipliers = multipliers.collect();
        Some((pairs, solver::Solved { group_multipliers, ..solved }))
    }
}

/// The optimum where whole pairs are exact and fast: pairs of one cost without groups, a small knapsack, or few enough to look at all.
fn exact(problem: &Problem, posed: &solver::Problem) -> Option<(Vec<u64>, solver::Solved)> {
    let costs = || problem.terms().iter().map(|term| problem.cost(term));
    let cheapest = costs().fold(f64::INFINITY, f64::min);
    let is_even = matches!(problem.budget(), Budget::Pairs(_)) || costs().all(|cost| cost == cheapest);
    let is_small = !problem.is_sketch() && problem.budget().amount() <= FEW_PAIRS * cheapest;
    let points: f64 = (0..problem.terms().len()).map(|i| (problem.most(&problem.terms()[i]) - problem.least(i)) as f64 + 1.0).product();
    let is_few = !problem.is_sketch() && points <= FEW_POINTS;
    if !(posed.has_exact_grains() && (is_even || is_small) || is_few) {
        return None;
    }
    let solved = solver::solve(posed).solved?;
    let pairs: Vec<u64> = solved.x.iter().map(|&x| x.round() as u64).collect();
    problem.holds(&pairs).then_some((pairs, solved))
}

fn amounts(pairs: &[u64]) -> Vec<f64> {
    pairs.iter().map(|&x| x as f64).collect()
}

/// Repetition of a language that can come to repeat pairs.
fn repeat(problem: &Problem, term: &Term) -> Option<Repeat> {
    let repetition = term.repetition.filter(|repetition| repetition.unique() < problem.most(term) as f64)?;
    Some(Repeat { unique: repetition.unique(), r: repetition.r_star() })
}

/// One kernel a law of an average, so weighted that their mean is the average; idle ones fill up the places.
fn averaged(laws: &Average, places: usize) -> Vec<Kernel> {
    let part = |part: &crate::law::Weighted| Some(Kernel::of(&part.law)?.weighted(part.weight * places as f64));
    let idle = Kernel::shifted(0.0, 1.0, 1.0, 1.0).weighted(0.0);
    laws.laws().iter().filter_map(part).chain(std::iter::repeat(idle)).take(places).collect()
}

/// A group's row; two where a cost is held exactly, which whole pairs meet only nearly.
fn rows(problem: &Problem, group: &Group) -> Vec<solver::Group> {
    let limits = problem.limits(group);
    let row = |rule: Rule, amount: f64| solver::Group {
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

/// Solves a checked problem.
pub(super) fn solve(problem: &Problem) -> Allocation {
    if problem.objective() == Objective::Worst {
        return solve_worst(problem);
    }
    let (pairs, solved) = whole(problem, Posed::of(problem));
    let Some(solved) = solved else { return describe(problem, &pairs, problem.weighted_loss(&pairs), f64::INFINITY) };
    let excess = solved.objective - solved.lower_bound;
    let excess = if excess <= ROUNDING * solved.objective { 0.0 } else { excess };
    // the sum in the order of the terms, digit for digit what anybody adds up; CVaR is the solver's
    let tail = matches!(problem.objective(), Objective::Cvar(_));
    let objective = if tail { solved.objective } else { problem.weighted_loss(&pairs) };
    let mut allocation = describe(problem, &pairs, objective, excess);
    let plain = matches!(problem.budget(), Budget::Pairs(_)) && problem.groups().is_empty() && problem.coupling().is_none() && !tail;
    if !plain {
        allocation.shadow_price = solved.budget_multiplier;
    }
    let price = |(group, &shadow_price): (&Group, &f64)| GroupPrice { group: group.name.clone(), shadow_price };
    allocation.groups = problem.groups().iter().zip(&solved.group_multipliers).map(price).collect();
    allocation
}

/// Whole pairs of a problem as posed. Where none were found that are good, those that a checked problem is known to have stand in, unproven.
pub(super) fn whole(problem: &Problem, posed: Posed) -> (Vec<u64>, Option<solver::Solved>) {
    let found = posed.solve(problem).filter(|(pairs, _)| problem.holds(pairs));
    let Some((pairs, solved)) = found else {
        let known = problem.witness.as_ref().map(|pairs| pairs.to_vec());
        return (known.unwrap_or_else(|| baseline::rounded(problem, &amounts(&problem.all_least()))), None);
    };
    (pairs, Some(solved))
}

/// The least worst loss, and of all allocations that reach it the one of the least sum.
fn solve_worst(problem: &Problem) -> Allocation {
    let (held, unreached) = least_worst(problem);
    let (pairs, _) = whole(problem, Posed::of(&held));
    let worst = worst_loss(problem, &pairs);
    let all = worst_loss(problem, &problem.terms().iter().map(|term| problem.most(term)).collect::<Vec<_>>());
    let bound = if worst <= all { worst } else { unreached.min(worst) };
    let mut allocation = describe(problem, &pairs, worst, worst - bound);
    // what a unit of budget does for the worst loss: the slope of every language that is at the level
    let at_level = |(term, &x): (&Term, &u64)| {
        let slope = -term.weight * term.slope(x as f64);
        let near = term.weight * term.loss(x as f64) >= worst - slope;
        (near && x < problem.most(term) && slope > 0.0).then(|| problem.cost(term) / slope)
    };
    let cost: f64 = problem.terms().iter().zip(&pairs).filter_map(at_level).sum();
    let stuck = problem.terms().iter().zip(&pairs).any(|(term, &x)| x >= problem.most(term) && term.weight * term.loss(x as f64) >= worst);
    allocation.shadow_price = if stuck || cost == 0.0 { 0.0 } else { 1.0 / cost };
    allocation
}

fn describe(problem: &Problem, pairs: &[u64], objective: f64, excess: f64) -> Allocation {
    let given = pairs.iter().sum::<u64>() as f64;
    let total = if let (Budget::Pairs(budget), true) = (problem.budget(), problem.groups().is_empty()) { budget as f64 } else { given };
    let language = |(i, (term, &x)): (usize, (&Term, &u64))| allocated(term, x, problem.floor(i), total.max(1.0));
    let mut languages: Vec<AllocatedLanguage> = problem.terms().iter().zip(pairs).enumerate().map(language).collect();
    if let Some(coupling) = problem.coupling() {
        let both = coupling.losses(problem.terms(), pairs).into_iter().zip(coupling.gains(problem.terms(), pairs));
        languages.iter_mut().zip(both).for_each(|(row, (loss, gain))| {
            (row.loss_nats, row.marginal_gain_per_1k) = (loss, 1000.0 * gain);
        });
    }
    let floor: f64 = match problem.objective() {
        Objective::Worst => 0.0,
        _ => problem.terms().iter().map(|term| term.weight * term.laws.irreducible()).sum(),
    };
    let price = |(term, &x): (&Term, &u64)| term.weight * term.fall(x as f64, x as f64 + 1.0);
    let wanting = problem.terms().iter().zip(pairs).filter(|(term, x)| term.weight > 0.0 && term.upper.is_none_or(|upper| **x < upper));
    Allocation {
        languages,
        budget: problem.budget(),
        objective,
        shadow_price: wanting.map(price).fold(0.0, f64::max),
        groups: Vec::new(),
        lower_bound: objective - excess,
        gap: if excess.is_infinite() {
            excess
        } else if excess > 0.0 {
            excess / (objective - floor)
        } else {
            0.0
        },
    }
}

fn allocated(term: &Term, pairs: u64, floor: u64, total: f64) -> AllocatedLanguage {
    let x = pairs as f64;
    AllocatedLanguage {
        lang: term.lang.clone(),
        pairs,
        share: x / total,
        epochs: term.unique.filter(|&unique| unique > 0).map(|unique| x / unique as f64),
        // a language of weight 0 has no part in the objective, even at a pole
        marginal_gain_per_1k: if term.weight == 0.0 { 0.0 } else { -1000.0 * term.weight * term.slope(x) },
        active: match pairs {
            _ if pairs == term.lower => Active::Lower,
            _ if pairs == floor => Active::Floor,
            _ if term.upper == Some(pairs) => Active::Upper,
            _ => Active::None,
        },
        loss_nats: term.loss(x),
    }
}
