//! Where the predictor and corrector stall: a primal barrier method, slower and sure.
//!
//! ```text
//! minimise  objective(z) - mu (sum ln slacks + sum ln h(z))   on the equations
//! mu -> 0,   z = (x, e)
//! ```
//!
//! Every point is strictly inside. Newton's steps are those of the interior point with each
//! multiplier `mu / slack`, and are shortened until the potential falls (Armijo), which convexity
//! promises. A point that is centred at a small `mu` is also a good start for the faster method.

use super::Interior;
use super::model::{Kind, Local};
use super::rows::Linear;
use super::state::State;
use crate::solver::kernel::Jet;
use crate::solver::problem::sum;

/// Newton's steps at one `mu`, and in all, where a step is not so dear that a few must do.
const NEWTON: usize = 40;
const IN_ALL: usize = 600;
const DEAR: usize = 200_000;
/// What `mu` falls by when a point is centred.
const SHRINK: f64 = 0.15;
/// Fall of the potential still to be had, in units of `mu`, at which a point is centred.
const CENTRED: f64 = 1e-2;
/// Complementarity, relative to what is left to gain, at which the barrier ends.
const ENOUGH: f64 = 1e-12;
/// Part of the slope that a step must bring, and how often a step is halved.
const ARMIJO: f64 = 1e-2;
const HALVINGS: usize = 60;

impl Interior<'_> {
    /// Centred points from amounts strictly inside, each of a smaller `mu`, as `visit` takes them;
    /// ends where `visit` says so, where `mu` is as good as nothing, or where the equations break
    /// down.
    pub(crate) fn follow(&self, inside: &[f64], mut visit: impl FnMut(&State) -> bool) {
        let mut state = self.inside(inside);
        let count = (2 * state.x.len() + state.slack.len() + state.v.len()) as f64;
        let mut mu = (0.1 * self.left(&state) / count).max(f64::MIN_POSITIVE);
        let mut steps = 0;
        let most = IN_ALL.min(DEAR / self.program.kernels.len());
        while steps < most {
            for _ in 0..NEWTON {
                steps += 1;
                self.multiply(&mut state, mu);
                let Some((next, fall)) = self.newton(&state, mu) else { return };
                state = next;
                if fall <= CENTRED * mu {
                    break;
                }
            }
            self.multiply(&mut state, mu);
            if !visit(&state) || mu * count <= ENOUGH * self.left(&state) {
                return;
            }
            mu *= SHRINK;
        }
    }

    /// A state at amounts inside, its levels above every loss, its multipliers still to be set.
    fn inside(&self, x: &[f64]) -> State {
        let (e, q) = self.model.start(x);
        let own = &self.program.own;
        let nothing = vec![0.0; x.len()];
        State {
            below: x.iter().zip(own).map(|(x, own)| x - own.lower).collect(),
            above: x.iter().zip(&self.upper).map(|(x, upper)| upper - x).collect(),
            x: x.to_vec(),
            low: nothing.clone(),
            high: nothing,
            slack: self
                .linear
                .iter()
                .map(|row| if row.equation { 0.0 } else { row.amount - row.at(x) })
                .collect(),
            rows: vec![0.0; self.linear.len()],
            v: vec![1.0; q.len()],
            prices: if self.model.kind == Kind::Smooth { vec![0.0; x.len()] } else { Vec::new() },
            e,
            q,
        }
    }

    /// Sets every multiplier to what `mu` makes of its slack; those of equations stay.
    fn multiply(&self, state: &mut State, mu: f64) {
        for i in (0..state.x.len()).filter(|&i| self.free[i]) {
            state.low[i] = mu / state.below[i];
            state.high[i] = mu / state.above[i];
        }
        for (r, row) in self.linear.iter().enumerate().filter(|(_, row)| !row.equation) {
            state.slack[r] = row.amount - row.at(&state.x);
            state.rows[r] = mu / state.slack[r];
        }
        state.v = self.functions(state);
        state.q = state.v.iter().map(|v| mu / v).collect();
        if self.model.kind == Kind::Smooth {
            let y = self.program.data(&state.x);
            state.prices = (0..y.len()).map(|i| self.model.marginal(i, y[i]).0).collect();
        }
    }

    /// The point that Newton's step leads to, and by how much the potential was to fall; absent
    /// where the equations break down.
    fn newton(&self, state: &State, mu: f64) -> Option<(State, f64)> {
        let ratios: Vec<f64> = state.q.iter().zip(&state.v).map(|(q, v)| q / v).collect();
        let local = self.model.local(&state.x, &state.e, &state.q, &ratios, &state.prices);
        let system = self.system(state, &local, &ratios)?;
        let d = self.direction(&system, state, &local, &ratios, mu, None);
        let fall = -self.slope(state, &local, &d, mu);
        let potential = self.potential(state, mu);
        let mut step = 1.0;
        for _ in 0..HALVINGS {
            let next = self.moved(state, &d, step, &local);
            if self.potential(&next, mu) <= potential - ARMIJO * step * fall && fall > 0.0 {
                return Some((next, fall));
            }
            step *= 0.5;
        }
        // nothing to be had but rounding: the multipliers of equations are those of the whole step
        let mut here = state.clone();
        let equations = self.linear.iter().enumerate().filter(|(_, row)| row.equation);
        equations.for_each(|(r, _)| here.rows[r] += d.rows[r]);
        (fall.is_finite()).then_some((here, 0.0))
    }

    /// The slope of the potential along a direction.
    fn slope(&self, state: &State, local: &Local, d: &State, mu: f64) -> f64 {
        let along = |gradient: &[f64], d: &[f64]| sum(gradient.iter().zip(d).map(|(g, d)| g * d));
        let free = (0..state.x.len()).filter(|&i| self.free[i]);
        let bounds = sum(free.map(|i| (state.high[i] - state.low[i]) * d.x[i]));
        let moved = |row: &Linear| sum(row.terms.iter().map(|&(j, a)| a * d.x[j]));
        let rows = self.linear.iter().enumerate().filter(|(_, row)| !row.equation);
        let rows = sum(rows.map(|(r, row)| mu / state.slack[r] * moved(row)));
        along(&local.gradient, &d.x) + along(&local.gradient_e, &d.e) + bounds + rows
    }

    /// The functions of `model` at a state, without their derivatives.
    fn functions(&self, state: &State) -> Vec<f64> {
        let (program, draws, e) = (self.program, self.program.draws, &state.e);
        let y = program.data(&state.x);
        let value = |at: usize| program.kernels[at].value(y[at / draws]);
        let tail = (0..draws).filter(|_| self.model.has_cvar()).map(|k| e[k] - e[draws]);
        match self.model.kind {
            Kind::Smooth => Vec::new(),
            Kind::Cvar => {
                let jets: Vec<Jet> = (0..program.kernels.len())
                    .map(|at| Jet { value: value(at), ..Jet::default() })
                    .collect();
                program
                    .draw_objectives(&jets)
                    .iter()
                    .zip(e)
                    .map(|(loss, e)| e - loss)
                    .chain(tail)
                    .collect()
            }
            Kind::Worst => {
                let own =
                    self.model.atoms.iter().map(|&at| {
                        (e[at % draws] - program.kernels[at].floor).ln() - value(at).ln()
                    });
                own.chain(tail).collect()
            }
        }
    }

    /// What is left to gain at a state: the objective above its floor, or above 0.
    fn left(&self, state: &State) -> f64 {
        match self.model.kind {
            Kind::Smooth => self.reducible(&state.x),
            _ => sum(self.model.objective.iter().zip(&state.e).map(|(weight, e)| weight * e)).abs(),
        }
    }

    fn reducible(&self, x: &[f64]) -> f64 {
        sum(self.program.jets(&self.program.data(x)).iter().map(|jet| jet.value))
            / self.program.draws as f64
    }

    /// The potential; infinite where anything is not strictly inside.
    fn potential(&self, state: &State, mu: f64) -> f64 {
        let mut slacks = Vec::with_capacity(2 * state.x.len() + self.linear.len() + state.v.len());
        (0..state.x.len())
            .filter(|&i| self.free[i])
            .for_each(|i| slacks.extend([state.below[i], state.above[i]]));
        slacks.extend(
            self.linear.iter().filter(|row| !row.equation).map(|row| row.amount - row.at(&state.x)),
        );
        if self.model.rooms(&state.e, &state.e).any(|(room, _)| room <= 0.0) {
            return f64::INFINITY;
        }
        slacks.extend(self.functions(state));
        if slacks.iter().any(|slack| slack.is_nan() || *slack <= 0.0) {
            return f64::INFINITY;
        }
        let objective = match self.model.kind {
            Kind::Smooth => self.reducible(&state.x),
            _ => sum(self.model.objective.iter().zip(&state.e).map(|(weight, e)| weight * e)),
        };
        let potential = objective - mu * sum(slacks.iter().map(|slack| slack.ln()));
        if potential.is_nan() { f64::INFINITY } else { potential }
    }
}
