//! The optimum in whole pairs, as the general solver of `optimum` finds it, and what it says of each language.

use super::level::{least_worst, worst_loss};
use super::problem::{Amount, Budget, Group, Objective, Problem, Rule};
use super::{Active, Allocation, Allotted, Drawn, GroupPrice, Term, baseline};
use crate::law::Average;
use crate::optimum::{self, Conflict, Counted, Kernel, Language, Over, Parts, Repeat, Risk, Status};

/// Share of the objective that is only the rounding which a bound allows for: the plan is exact.
const ROUNDING: f64 = 1e-14;

/// Pairs of unequal cost up to which the best whole numbers are searched for, a knapsack; of more the continuous optimum is rounded.
const FEW_PAIRS: f64 = 1000.0;

/// A problem as the general solver takes it: the mean over the laws of each language's average, or over the draws.
pub(super) struct Posed(optimum::Parts);

impl Posed {
    /// The weighted sum under the averages, or over the draws where the problem asks for their tail.
    pub(super) fn of(problem: &Problem) -> Self {
        match problem.objective() {
            Objective::Tail(level) => Posed::drawn(problem, Risk::Cvar { level }),
            Objective::Mean | Objective::Worst => {
                let places = problem.terms().iter().map(|term| term.laws.laws().len()).max().unwrap_or(1);
                Posed::new(problem, Risk::Mean, |_, term| averaged(&term.laws, places))
            }
        }
    }

    /// The weighted sum over the draws of the laws; repeats are worth what they are by the fit in all of them.
    pub(super) fn drawn(problem: &Problem, risk: Risk) -> Self {
        let draw = |laws: &Vec<Drawn>, i: usize, term: &Term| laws.get(i).map_or(term.laws.laws()[0].law, |drawn| drawn.law);
        Posed::new(problem, risk, |i, term| problem.draws().iter().filter_map(|laws| Kernel::of(&draw(laws, i, term))).collect())
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
            lower: term.lower as f64,
            upper: Some(problem.most(term) as f64),
            laws: extended(i, laws(i, term)),
            draws: Vec::new(),
            repeat: repeat(problem, term),
            grain: Some(1.0),
        };
        let exactly = matches!(problem.budget(), Budget::Pairs(_)) && problem.groups().is_empty();
        Posed(Parts {
            languages: problem.terms().iter().enumerate().map(language).collect(),
            budget: optimum::Budget { amount: problem.budget().amount(), exactly },
            groups: problem.groups().iter().map(|group| row(problem, group)).collect(),
            transfer: problem.coupling().map_or_else(Vec::new, |coupling| coupling.tau.clone()),
            counted: Counted::Pairs,
            over: Over::Sum,
            risk,
        })
    }

    /// Why no whole pairs meet the constraints at a finite loss; what only solving shows is solved for.
    pub(super) fn conflict(self) -> Option<Conflict> {
        let posed = optimum::Problem::new(self.0).ok()?;
        match optimum::solve(&posed).status {
            Status::Infeasible(conflict) => Some(conflict),
            Status::NoFiniteValue(languages) => {
                let constraints =
                    vec!["the groups".to_owned(), format!("{} gets nothing and its law is infinite there", languages.join(", "))];
                Some(Conflict { constraints, short: 1.0 })
            }
            Status::Optimal | Status::Feasible => None,
        }
    }

    /// The optimum in whole pairs; absent only where none meet the groups. Where whole pairs cannot be had exactly and fast, and no group minds,
    /// they are the continuous optimum rounded, and the bound is that of the continuous one.
    pub(super) fn solve(self, problem: &Problem) -> Option<(Vec<u64>, optimum::Solved)> {
        let Posed(mut parts) = self;
        let risk = parts.risk;
        let found = |posed: &optimum::Problem| {
            let answer = optimum::solve(posed);
            answer.solved.filter(|_| matches!(answer.status, Status::Optimal | Status::Feasible))
        };
        let posed = optimum::Problem::new(parts.clone()).ok()?;
        let cheapest = problem.terms().iter().map(|term| problem.cost(term)).fold(f64::INFINITY, f64::min);
        let even = matches!(problem.budget(), Budget::Pairs(_)) || problem.budget().amount() <= FEW_PAIRS * cheapest;
        if posed.has_exact_grains() && even || !problem.groups().is_empty() && !problem.is_draw() {
            let solved = found(&posed)?;
            return Some((solved.x.iter().map(|&x| x.round() as u64).collect(), solved));
        }
        parts.languages.iter_mut().for_each(|language| language.grain = None);
        let posed = optimum::Problem::new(parts).ok()?;
        let solved = found(&posed)?;
        let pairs = baseline::rounded(problem, &solved.x);
        // exchanges compare every language with every other, and know no groups
        let few = problem.terms().len() <= 1000 && matches!(problem.budget(), Budget::Pairs(_)) && problem.objective() == Objective::Mean;
        let pairs = if few && risk == Risk::Mean && problem.groups().is_empty() { exchanged(problem, pairs) } else { pairs };
        let x: Vec<f64> = pairs.iter().map(|&pairs| pairs as f64).collect();
        let objective = posed.objective(&x);
        let reducible = (solved.objective - solved.lower_bound) / solved.gap;
        let gap = if solved.gap > 0.0 { (objective - solved.lower_bound) / reducible } else { 0.0 };
        Some((pairs, optimum::Solved { x, objective, gap, ..solved }))
    }
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

/// A group's row. A share of a budget of pairs is rounded to whole pairs, to the side that keeps the group's word.
fn row(problem: &Problem, group: &Group) -> optimum::Group {
    let (amount, costs) = match (group.amount, problem.budget()) {
        (Amount::Pairs(pairs), _) => (pairs as f64, false),
        (Amount::Cost(cost), _) => (cost, true),
        (Amount::Share(share), Budget::Cost(cost)) => (share * cost, true),
        (Amount::Share(share), Budget::Pairs(pairs)) => {
            let exact = share * pairs as f64;
            let whole = match group.rule {
                Rule::AtLeast => (exact - 1e-9).ceil(),
                Rule::AtMost => (exact + 1e-9).floor(),
                Rule::Exactly => exact.round(),
            };
            (whole, false)
        }
    };
    let coefficient = |&j: &usize| (j, if costs { problem.cost(&problem.terms()[j]) } else { 1.0 });
    optimum::Group { name: group.name.clone(), terms: group.members.iter().map(coefficient).collect(), rule: group.rule, amount }
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
    // the sum in the order of the terms, digit for digit what anybody adds up; a tail is the solver's
    let tail = matches!(problem.objective(), Objective::Tail(_));
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

/// Whole pairs of a problem as posed. A checked problem has some; the lower bounds stand in where whole pairs cannot meet its groups.
pub(super) fn whole(problem: &Problem, posed: Posed) -> (Vec<u64>, Option<optimum::Solved>) {
    match posed.solve(problem) {
        Some((pairs, solved)) => (pairs, Some(solved)),
        None => (problem.terms().iter().map(|term| term.lower).collect(), None),
    }
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

/// Moves single pairs to where they gain more, while any does: what rounding left. Only where every pair costs the same.
fn exchanged(problem: &Problem, mut pairs: Vec<u64>) -> Vec<u64> {
    if problem.coupling().is_some() {
        return exchanged_coupled(problem, pairs);
    }
    let terms = problem.terms();
    let fall = |i: usize, x: u64| terms[i].weight * terms[i].fall(x as f64, x as f64 + 1.0);
    for _ in 0..4 * terms.len() {
        let up = (0..terms.len()).filter(|&i| pairs[i] < problem.most(&terms[i])).map(|i| (fall(i, pairs[i]), i));
        let down = (0..terms.len()).filter(|&i| pairs[i] > terms[i].least()).map(|i| (fall(i, pairs[i] - 1), i));
        let (best, worst) = (up.max_by(|a, b| a.0.total_cmp(&b.0)), down.min_by(|a, b| a.0.total_cmp(&b.0)));
        match (best, worst) {
            (Some((gain, to)), Some((loss, from))) if gain > loss && to != from => {
                pairs[to] += 1;
                pairs[from] -= 1;
            }
            _ => break,
        }
    }
    pairs
}

/// The same under transfer, where a move is worth what the sum says; of few languages, and not for one draw of many.
fn exchanged_coupled(problem: &Problem, mut pairs: Vec<u64>) -> Vec<u64> {
    const FEW: usize = 32;
    /// Pairs below which rounding is more than nothing even of one draw.
    const SMALL: f64 = 1000.0;
    let terms = problem.terms();
    if terms.len() > FEW || problem.is_draw() && problem.budget().amount() > SMALL {
        return pairs;
    }
    let mut least = problem.weighted_loss(&pairs);
    for _ in 0..4 * terms.len() {
        let moves = (0..terms.len()).flat_map(|from| (0..terms.len()).map(move |to| (from, to)));
        let allowed = |&(from, to): &(usize, usize)| from != to && pairs[from] > terms[from].lower && pairs[to] < problem.most(&terms[to]);
        let after = |(from, to): (usize, usize)| {
            let mut moved = pairs.clone();
            (moved[from], moved[to]) = (moved[from] - 1, moved[to] + 1);
            (problem.weighted_loss(&moved), moved)
        };
        match moves.filter(allowed).map(after).min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((loss, moved)) if loss < least => (least, pairs) = (loss, moved),
            _ => break,
        }
    }
    pairs
}

fn describe(problem: &Problem, pairs: &[u64], objective: f64, excess: f64) -> Allocation {
    let given = pairs.iter().sum::<u64>() as f64;
    let total = if let (Budget::Pairs(budget), true) = (problem.budget(), problem.groups().is_empty()) { budget as f64 } else { given };
    let mut languages: Vec<Allotted> = problem.terms().iter().zip(pairs).map(|(term, &x)| allotted(term, x, total.max(1.0))).collect();
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

fn allotted(term: &Term, pairs: u64, total: f64) -> Allotted {
    let x = pairs as f64;
    Allotted {
        lang: term.lang.clone(),
        pairs,
        share: x / total,
        epochs: term.unique.filter(|&unique| unique > 0).map(|unique| x / unique as f64),
        // a language of weight 0 has no part in the objective, even at a pole
        marginal_gain_per_1k: if term.weight == 0.0 { 0.0 } else { -1000.0 * term.weight * term.slope(x) },
        active: match pairs {
            _ if pairs == term.lower => Active::Lower,
            _ if term.upper == Some(pairs) => Active::Upper,
            _ => Active::None,
        },
        loss_nats: term.loss(x),
    }
}
