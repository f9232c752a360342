//! Laws that start concave: branch and bound over their convex envelopes.
//!
//! The optimum of the envelopes on a box of amounts bounds the objective from below, and its
//! amounts, read by the laws themselves, bound it from above. Where one budget is all that couples
//! the languages, at most one of them ends inside its chord (Shapley and Folkman); the box is split
//! at the language whose law and envelope are furthest apart. Under transfer it is the effective
//! data that is split.

use crate::solver::certificate::{PrimalDual, certify};
use crate::solver::convex;
use crate::solver::feasibility::SLACK;
use crate::solver::feasibility::implied::{self, Inside};
use crate::solver::feasibility::repair;
use crate::solver::kernel::Kernel;
use crate::solver::problem::{Own, Program, Range};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Relative gap that ends the search.
const CLOSED: f64 = 1e-10;
/// The same where amounts are whole grains, of which the best is wanted, and boxes after which as
/// good as the best will do.
const CLOSED_WHOLE: f64 = 1e-13;
const PATIENCE: usize = 256;

/// A box, the optimum of the envelopes on it, and where to split it.
struct Node {
    program: Program,
    /// Effective data of each language on the box, least and most.
    ranges: Vec<(f64, f64)>,
    solution: PrimalDual,
    bound: f64,
    split: Option<Split>,
}

/// What a box is split at.
enum Split {
    /// Effective data of a language, where its law and its envelope are apart.
    Data(usize),
    /// The amount of a language: what is at most this, and what is more.
    Amount(usize, f64),
}

/// The best amounts found, absent where none were that meet the rows, and a bound below which none
/// can be: infinite where there are none. Amounts are whole grains where there are `grains`.
pub(crate) fn solve(
    program: &Program,
    grains: Option<&[f64]>,
    nodes: usize,
) -> (Option<PrimalDual>, f64) {
    let ranges =
        program.data(&program.own.iter().map(|own| own.lower).collect::<Vec<_>>()).into_iter();
    let ranges: Vec<(f64, f64)> =
        ranges.zip(program.data(&program.reach().collect::<Vec<_>>())).collect();
    let root = explore(program.clone(), ranges, grains);
    let floor = program.floor();
    let mut best = (f64::INFINITY, root.solution.clone());
    let mut open = BinaryHeap::new();
    improve(program, grains, &root, repair::MOST, &mut best);
    open.push(root);
    // the least bound of boxes that nothing splits: what rounding leaves
    let mut settled = f64::INFINITY;
    for explored in 0..nodes {
        let closed = if grains.is_some() && explored < PATIENCE { CLOSED_WHOLE } else { CLOSED };
        let target = best.0 - closed * (best.0 - floor);
        if open.peek().is_none_or(|node| node.bound >= target) {
            break;
        }
        let Some(node) = open.pop() else { break };
        let Some(split) = &node.split else {
            // a box of one point has nothing that its own amounts do not show
            if !grains.is_some_and(|_| node.program.own.iter().all(|own| own.lower == own.upper)) {
                settled = settled.min(node.bound);
            }
            continue;
        };
        for child in halves(&node, split, grains).into_iter().flatten() {
            improve(program, grains, &child, repair::FEW, &mut best);
            open.push(Node { bound: child.bound.max(node.bound), ..child });
        }
    }
    let bound = open.peek().map_or(best.0, |node| node.bound).min(settled).min(best.0);
    (best.0.is_finite().then_some(best.1), bound)
}

/// Takes the amounts of a node where they are feasible and better: as they are, or rounded down and
/// filled up, or the first that hold of so many looks near by.
fn improve(
    program: &Program,
    grains: Option<&[f64]>,
    node: &Node,
    looks: usize,
    best: &mut (f64, PrimalDual),
) {
    let mut x = grains.map_or_else(
        || node.solution.x.clone(),
        |grains| filled(program, grains, &node.solution.x),
    );
    // while there are none any that hold will do
    if let Some(grains) = grains.filter(|_| best.0.is_infinite() && !program.holds(&x)) {
        x = repair::repaired(program, grains, &x, looks).unwrap_or(x);
    }
    let objective = program.objective(&x);
    if objective < best.0 && program.holds(&x) {
        *best = (objective, PrimalDual { x, ..node.solution.clone() });
    }
}

/// Amounts rounded to whole grains, down but for rounding; then single grains where they lower the
/// objective most and still fit.
fn filled(program: &Program, grains: &[f64], x: &[f64]) -> Vec<f64> {
    let whole = |(&x, (own, &grain)): (&f64, (&Own, &f64))| {
        (grain * (x / grain + 1e-6).floor()).clamp(own.lower, own.upper)
    };
    let mut x: Vec<f64> = x.iter().zip(program.own.iter().zip(grains)).map(whole).collect();
    let lacks = |x: &[f64]| {
        program
            .rows
            .iter()
            .map(|row| (row.lower - row.at(x)).max(row.at(x) - row.upper).max(0.0))
            .sum::<f64>()
    };
    for _ in 0..2 * x.len() {
        let now = (lacks(&x), program.objective(&x));
        let more = |i: usize| {
            let mut next = x.clone();
            next[i] += grains[i];
            let fits = next[i] <= program.own[i].upper
                && program.spent(&next) <= program.budget * (1.0 + 1e-13);
            fits.then(|| (lacks(&next), program.objective(&next), next))
        };
        let choices = (0..x.len()).filter_map(more);
        let Some((lack, objective, next)) =
            choices.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)))
        else {
            break;
        };
        // nearer to the groups, or within them and better; what must all be spent goes on where
        // nothing gets better
        if lack < now.0 || lack == now.0 && (objective < now.1 || program.exact) {
            x = next;
        } else {
            break;
        }
    }
    x
}

/// The box below and above where a language stands; absent where no amounts are left.
fn halves(node: &Node, split: &Split, grains: Option<&[f64]>) -> [Option<Node>; 2] {
    let parts = match *split {
        Split::Amount(i, at) => {
            let grain = grains.map_or(1.0, |grains| grains[i]);
            let below = grain * (at / grain).floor();
            let own = node.program.own[i];
            [(own.lower, below), (below + grain, own.upper)].map(|(lower, upper)| {
                let mut program = node.program.clone();
                program.own[i] = Own { lower, upper, ..own };
                (program, node.ranges.clone())
            })
        }
        Split::Data(i) => {
            let at = node.program.data(&node.solution.x)[i];
            let (least, most) = node.ranges[i];
            // a relaxed optimum at the end of its range is split in the middle
            let inside = 1e-9 * (most - least);
            let at =
                if at > least + inside && at < most - inside { at } else { 0.5 * (least + most) };
            [(least, at), (at, most)].map(|range| {
                let mut ranges = node.ranges.clone();
                ranges[i] = range;
                (narrowed(&node.program, i, range), ranges)
            })
        }
    };
    parts.map(|(program, ranges)| {
        let room = program.room();
        let fits =
            room >= -SLACK * program.budget && program.own.iter().all(|own| own.lower <= own.upper);
        let spends = !program.exact
            || program.own.iter().map(|own| own.cost * own.upper).sum::<f64>()
                >= program.budget * (1.0 - SLACK);
        if !(fits && spends) {
            return None;
        }
        let program = if program.rows.is_empty() { program } else { flattened(program)? };
        Some(explore(program, ranges, grains))
    })
}

/// The program with its hidden equations written out; absent where nothing meets its rows.
fn flattened(program: Program) -> Option<Program> {
    match implied::inside(&program) {
        Inside::Open => Some(program),
        Inside::Flat(flat) => Some(*flat),
        Inside::Empty => None,
    }
}

/// The program with the effective data of one language held: by its own bounds, or under transfer
/// from below by a row. From above no row is needed, for more data never hurts.
fn narrowed(program: &Program, i: usize, (least, most): (f64, f64)) -> Program {
    let mut program = program.clone();
    match (&program.transfer, program.own[i].repeat) {
        (None, repeat) => {
            let amount = |data: f64| repeat.map_or(data, |repeat| repeat.amount_for(data));
            let own = &mut program.own[i];
            (own.lower, own.upper) = (own.lower.max(amount(least)), own.upper.min(amount(most)));
        }
        (Some(transfer), _) => {
            let terms = transfer.row(i).to_vec();
            program.rows.push(Range { terms, lower: least, upper: f64::INFINITY });
        }
    }
    program
}

/// The program with every law replaced by its envelope on the box of its bounds.
pub(crate) fn envelopes(program: &Program) -> Program {
    let least = program.data(&program.own.iter().map(|own| own.lower).collect::<Vec<_>>());
    let most = program.data(&program.reach().collect::<Vec<_>>());
    enveloped(program, &least.into_iter().zip(most).collect::<Vec<_>>())
}

fn enveloped(program: &Program, ranges: &[(f64, f64)]) -> Program {
    let envelope = |(at, kernel): (usize, &Kernel)| {
        kernel.envelope(ranges[at / program.draws].0, ranges[at / program.draws].1)
    };
    let mut enveloped = Program {
        kernels: program.kernels.iter().enumerate().map(envelope).collect(),
        ..program.clone()
    };
    let reach: Vec<f64> = program.reach().collect();
    for (i, own) in enveloped.own.iter_mut().enumerate() {
        // beyond what the budget reaches an envelope is none
        if program.draws_of(i).iter().any(|kernel| !kernel.is_convex()) {
            own.upper = reach[i];
        }
    }
    enveloped
}

/// Solves the envelopes on a box.
fn explore(program: Program, ranges: Vec<(f64, f64)>, grains: Option<&[f64]>) -> Node {
    let reach: Vec<f64> = program.reach().collect();
    let ranges: Vec<(f64, f64)> = ranges
        .into_iter()
        .zip(program.data(&reach))
        .map(|((least, most), reach)| (least, most.min(reach)))
        .collect();
    let relaxed = enveloped(&program, &ranges);
    let solution = convex::solve(&relaxed);
    let bound = certify(&relaxed, &solution.x, &solution.duals).lower_bound();
    let data = program.data(&solution.x);
    let apart = |i: usize| -> f64 {
        let own = program.draws_of(i).iter().zip(relaxed.draws_of(i));
        own.map(|(law, envelope)| (law.value(data[i]) - envelope.value(data[i])).max(0.0)).sum()
    };
    let largest = |value: &dyn Fn(usize) -> f64, least: f64| {
        let all = (0..program.len()).map(|i| (i, value(i))).filter(|(_, value)| *value > least);
        all.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
    };
    let fraction = |i: usize| {
        grains.map_or(0.0, |grains| {
            (solution.x[i] / grains[i] - (solution.x[i] / grains[i]).round()).abs()
        })
    };
    let split = largest(&apart, 0.0)
        .map(Split::Data)
        .or_else(|| largest(&fraction, 1e-9).map(|i| Split::Amount(i, solution.x[i])));
    // whole amounts that are not the optimum of their box prove nothing of the rest of it
    let steps = |i: usize| {
        grains.map_or(0.0, |grains| {
            ((program.own[i].upper - program.own[i].lower) / grains[i]).min(1e300)
        })
    };
    let open = !program.holds(&solution.x)
        || program.objective(&solution.x) - bound > CLOSED_WHOLE * (bound - program.floor()).abs();
    let middle = |i: usize| {
        Split::Amount(i, 0.5 * (program.own[i].lower + program.own[i].upper.min(reach[i])))
    };
    let split = split.or_else(|| if open { largest(&steps, 0.5).map(middle) } else { None });
    // nor does an envelope solved badly of the laws below it
    let bent = |i: usize| {
        let (least, most) = ranges[i];
        let is_bent = program.draws_of(i).iter().any(|kernel| !kernel.is_convex());
        if is_bent && most - least > 1e-9 * most { most - least } else { 0.0 }
    };
    let split = split.or_else(|| {
        if open && grains.is_none() { largest(&bent, 0.0).map(Split::Data) } else { None }
    });
    Node { split, program, ranges, solution, bound }
}

impl Ord for Node {
    /// The lowest bound is the greatest node, so that a heap gives it first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.bound.total_cmp(&self.bound)
    }
}

impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Node {}
