//! Coupled programs: a primal-dual interior point method (Mehrotra's predictor and corrector) on
//! the functions of `model`.
//!
//! Slacks and multipliers of bounds, rows and functions multiply to `mu`, which falls to nothing;
//! each step solves the Newton equations of `system` once factored. The steps are only a way to
//! find multipliers: `certificate` says how good the amounts are, and decides when to stop.

mod barrier;
mod model;
mod normal;
mod rows;
mod start;
mod state;
mod step;
mod system;

use crate::solver::certificate::{Certificate, Duals, PrimalDual, certify};
use crate::solver::feasibility::implied;
use crate::solver::problem::{Over, Program, Range, sum};
use model::{Kind, Model};
use normal::Normal;
use rows::Linear;
use state::State;

/// Most steps; a dozen or two are usual.
const STEPS: usize = 150;
/// Relative gap that ends the search: as good as rounding.
const CLOSED: f64 = 1e-13;

/// How far `mu` must have fallen for a certificate to be worth its time.
const WORTH_A_LOOK: f64 = 1e-3;
/// A gap that is worth a slower method, and one that is where laws are envelopes.
const STALLED: f64 = 1e-10;
const LOOSE: f64 = 1e-6;
/// A gap that is not worth a second search.
const DONE: f64 = 1e-11;
/// Functions of a worst language that are always kept as rows of Newton's equations, and those that
/// may be in a second search.
const FEW: usize = 64;
const MANY: usize = 1500;
/// Points of the barrier method after which the faster one is tried again from there.
const RESTART: usize = 4;

/// Solves a feasible convex program from amounts that need not be feasible.
pub(crate) fn solve(program: &Program, start: &PrimalDual) -> PrimalDual {
    let interior = Interior::new(program, FEW);
    let mut known = interior.run(interior.start(start));
    if program.over == Over::Worst
        && known.gap > DONE
        && (FEW..MANY).contains(&program.kernels.len())
    {
        let other = Interior::new(program, MANY);
        known = known.or(other.run(other.start(start)));
    }
    // the bound of an envelope need not be tight: the search goes on where it is not
    let stalled =
        if program.kernels.iter().any(|kernel| kernel.chord.is_some()) { LOOSE } else { STALLED };
    if known.gap > stalled
        && let Some(inside) = implied::middle(program)
    {
        known = known.or(interior.by_barrier(&inside));
    }
    known.solution
}

/// What a search came to.
struct Found {
    /// Relative gap that the multipliers prove; infinite where nothing is proven.
    gap: f64,
    solution: PrimalDual,
}

impl Found {
    /// The better of two.
    fn or(self, other: Found) -> Found {
        if other.gap < self.gap { other } else { self }
    }
}

struct Interior<'a> {
    program: &'a Program,
    model: Model<'a>,
    normal: Normal,
    linear: Vec<Linear>,
    /// Their places among the budget and the program's rows.
    places: Vec<usize>,
    /// Upper bounds, a loose one where there is none.
    upper: Vec<f64>,
    /// Languages whose bounds leave them room.
    free: Vec<bool>,
}

impl<'a> Interior<'a> {
    fn new(program: &'a Program, keep: usize) -> Self {
        let room = program.room();
        let upper: Vec<f64> =
            program
                .own
                .iter()
                .map(|own| {
                    if own.upper.is_finite() {
                        own.upper
                    } else {
                        own.lower + 2.0 * room / own.cost
                    }
                })
                .collect();
        let free: Vec<bool> = program
            .own
            .iter()
            .zip(&upper)
            .map(|(own, &upper)| upper - own.lower > 1e-14 * upper.max(1e-300))
            .collect();
        let model = Model::new(program, keep, free.clone());
        let (places, linear) = Linear::independent(program, &free).into_iter().unzip();
        let normal = Normal::new(program, model.kind == Kind::Cvar);
        Interior { program, model, normal, linear, places, upper, free }
    }

    /// The best amounts met from a state on.
    fn run(&self, mut state: State) -> Found {
        let first = self.complementarity(&state);
        let mut best: Option<(Certificate, PrimalDual)> = None;
        let mut stale = 0;
        for _ in 0..STEPS {
            let ratios: Vec<f64> = state.q.iter().zip(&state.v).map(|(q, v)| q / v).collect();
            let local = self.model.local(&state.x, &state.e, &state.q, &ratios, &state.prices);
            let mu = self.complementarity(&state);
            stale += 1;
            // a certificate costs as much as a gradient, and while mu is large it proves little
            if mu < WORTH_A_LOOK * first
                && let Some((certificate, solution)) = self.certified(&state)
            {
                let scale = certificate.objective - self.program.floor();
                if best.as_ref().is_none_or(|(known, _)| certificate.excess < known.excess) {
                    stale = 0;
                    let closed = certificate.excess <= CLOSED * scale;
                    best = Some((certificate, solution));
                    if closed {
                        break;
                    }
                }
                if best.as_ref().is_some_and(|(known, _)| stale > 8 && known.excess < 1e-10 * scale)
                {
                    break;
                }
            }
            if stale > 60 || !self.step(&mut state, &local, &ratios) {
                break;
            }
        }
        best.map_or_else(
            || Found { gap: f64::INFINITY, solution: self.solution(&state) },
            |known| self.found(known),
        )
    }

    /// The best amounts that the barrier method meets, and the faster method from its points.
    fn by_barrier(&self, inside: &[f64]) -> Found {
        let mut best = Found {
            gap: f64::INFINITY,
            solution: PrimalDual { x: inside.to_vec(), duals: Duals::default(), ln_price: None },
        };
        let mut visits = 0;
        self.follow(inside, |state| {
            visits += 1;
            let certified = self.certified(state).map(|known| self.found(known));
            let again = (visits % RESTART == 0).then(|| self.run(state.clone()));
            for found in certified.into_iter().chain(again) {
                if found.gap < best.gap {
                    best = found;
                }
            }
            best.gap > STALLED
        });
        best
    }

    /// The amounts of a state moved onto the rows, with what its multipliers prove of them; absent
    /// where they are far from the rows.
    fn certified(&self, state: &State) -> Option<(Certificate, PrimalDual)> {
        // next to a corner nothing can move far enough in proportion to its way to the bounds
        let x = rows::restored(&self.linear, &state.x, &self.ways(state))
            .or_else(|| implied::nearest(self.program, &state.x))?;
        let solution = PrimalDual { x, ..self.solution(state) };
        Some((certify(self.program, &solution.x, &solution.duals), solution))
    }

    fn found(&self, (certificate, solution): (Certificate, PrimalDual)) -> Found {
        let gap = certificate.excess / (certificate.objective - self.program.floor());
        Found { gap: if gap.is_nan() { f64::INFINITY } else { gap }, solution }
    }

    /// The amounts and multipliers of a state, in the program's own terms.
    fn solution(&self, state: &State) -> PrimalDual {
        let multiplier = |place: usize| {
            self.places.iter().position(|&found| found == place).map_or(0.0, |at| state.rows[at])
        };
        let row = |(g, row): (usize, &Range)| {
            if row.upper.is_finite() { multiplier(g + 1) } else { -multiplier(g + 1) }
        };
        let rows = self.program.rows.iter().enumerate().map(row).collect();
        let atoms = self.model.atom_weights(&state.e, &state.q);
        PrimalDual {
            x: state.x.clone(),
            duals: Duals { budget: multiplier(0), rows, atoms },
            ln_price: None,
        }
    }

    /// How far each amount may move before it meets a bound.
    fn ways(&self, state: &State) -> Vec<f64> {
        let way = |i: usize| if self.free[i] { state.below[i].min(state.above[i]) } else { 0.0 };
        (0..state.x.len()).map(way).collect()
    }

    /// Mean product of slack and multiplier.
    fn complementarity(&self, state: &State) -> f64 {
        let free = || (0..state.x.len()).filter(|&i| self.free[i]);
        let bounds = free().map(|i| state.low[i] * state.below[i] + state.high[i] * state.above[i]);
        let rows = (0..self.linear.len())
            .filter(|&r| !self.linear[r].equation)
            .map(|r| state.slack[r] * state.rows[r]);
        let functions = state.v.iter().zip(&state.q).map(|(v, q)| v * q);
        let count = 2 * free().count() + rows.clone().count() + state.v.len();
        sum(bounds.chain(rows).chain(functions)) / count as f64
    }
}
