//! One step of the interior point: Newton's equations at a point, a predictor, a corrector, and how
//! far they may go.

use super::Interior;
use super::model::Local;
use super::normal::Parts;
use super::state::State;
use super::system::System;
use faer::Mat;

/// Share of the way to the nearest bound that a step may go.
const NEAR: f64 = 0.995;
/// Largest factor by which a step may raise `mu`, and how often it is halved: where data repeated
/// many times are worth next to nothing, the Newton equations see no end of them.
const RISE: f64 = 1.5;
const SHORTER: usize = 4;

impl Interior<'_> {
    /// One predictor and corrector step; false where the equations break down.
    pub(crate) fn step(&self, state: &mut State, local: &Local, ratios: &[f64]) -> bool {
        let Some(system) = self.system(state, local, ratios) else { return false };
        let mu = self.complementarity(state);
        let plain = self.direction(&system, state, local, ratios, 0.0, None);
        let reach = self.longest(state, &plain).min(1.0);
        let ahead = self.complementarity(&self.moved(state, &plain, reach, local));
        let centering = (ahead / mu).powi(3).clamp(1e-8, 1.0);
        // a first direction that soon meets a bound says little of the second order at its end
        let corrected = self.direction(
            &system,
            state,
            local,
            ratios,
            centering * mu,
            Some((&plain, reach * reach)),
        );
        let mut step = (NEAR * self.longest(state, &corrected)).min(1.0);
        if !step.is_finite() || step < 1e-14 {
            return false;
        }
        let mut next = self.moved(state, &corrected, step, local);
        for _ in 0..SHORTER {
            if self.complementarity(&next) <= RISE * mu {
                break;
            }
            step *= 0.5;
            next = self.moved(state, &corrected, step, local);
        }
        *state = next;
        state.x.iter().all(|x| x.is_finite())
    }

    pub(crate) fn system(&self, state: &State, local: &Local, ratios: &[f64]) -> Option<System> {
        let n = state.x.len();
        let barrier = |i: usize| {
            if self.free[i] {
                local.bend[i] + state.low[i] / state.below[i] + state.high[i] / state.above[i]
            } else {
                1.0
            }
        };
        let diagonal: Vec<f64> = (0..n).map(barrier).collect();
        let slopes: Vec<f64> =
            (0..n).map(|i| if self.free[i] { local.slopes[i] } else { 0.0 }).collect();
        let border = self.model.border(local, &state.q, ratios);
        let draws =
            self.model.draw_gradients(local).map(|gradients| (border.draws.as_slice(), gradients));
        let factor = self.normal.factor(&Parts {
            weights: &local.weights,
            slopes: &slopes,
            diagonal: &diagonal,
            free: &self.free,
            draws,
        })?;
        let (extra, rows) = (border.corner.ncols(), self.linear.len());
        let mut columns = Mat::zeros(n, extra + rows);
        let mut corner = Mat::zeros(extra + rows, extra + rows);
        for b in 0..extra {
            (0..n).filter(|&i| self.free[i]).for_each(|i| columns[(i, b)] = border.columns[(i, b)]);
            (0..extra).for_each(|a| corner[(a, b)] = border.corner[(a, b)]);
        }
        for (r, row) in self.linear.iter().enumerate() {
            row.terms
                .iter()
                .filter(|term| self.free[term.0])
                .for_each(|&(j, a)| columns[(j, extra + r)] += a);
            corner[(extra + r, extra + r)] =
                if row.equation { 0.0 } else { -state.slack[r] / state.rows[r] };
        }
        Some(System::new(factor, columns, corner))
    }

    /// The Newton direction towards complementarity `target`, second order terms of a first
    /// direction counted.
    pub(crate) fn direction(
        &self,
        system: &System,
        state: &State,
        local: &Local,
        ratios: &[f64],
        target: f64,
        first: Option<(&State, f64)>,
    ) -> State {
        let n = state.x.len();
        let product = |a: fn(&State) -> &Vec<f64>, b: fn(&State) -> &Vec<f64>, i: usize| {
            first.map_or(0.0, |(first, part)| part * a(first)[i] * b(first)[i])
        };
        // (target - second order) / slack, by kind of slack; the slack of a lower bound moves with
        // x, that of an upper one against it
        let low = |i: usize| (target - product(|s| &s.x, |s| &s.low, i)) / state.below[i];
        let high = |i: usize| (target + product(|s| &s.x, |s| &s.high, i)) / state.above[i];
        let function = |j: usize| (target - product(|s| &s.v, |s| &s.q, j)) / state.v[j];
        let row = |r: usize| (target - product(|s| &s.slack, |s| &s.rows, r)) / state.rows[r];
        let missed: Vec<f64> = local.h.iter().zip(&state.v).map(|(h, v)| h - v).collect();
        let kept = self.model.kept;
        let pushed: Vec<f64> = (0..missed.len())
            .map(|j| if j < kept { 0.0 } else { function(j) - ratios[j] * missed[j] - state.q[j] })
            .collect();
        let (push_x, push_e) = self.model.transposed(local, &pushed);
        let mut held = vec![0.0; n];
        self.linear
            .iter()
            .zip(&state.rows)
            .for_each(|(row, mu)| row.terms.iter().for_each(|&(j, a)| held[j] += a * mu));
        let right_x: Vec<f64> = (0..n)
            .map(|i| {
                if self.free[i] {
                    -local.gradient[i] - held[i] + low(i) - high(i) + push_x[i]
                } else {
                    0.0
                }
            })
            .collect();
        let right_kept = (0..kept).map(|j| (function(j) - state.q[j]) / ratios[j] - missed[j]);
        let right_e: Vec<f64> = local
            .gradient_e
            .iter()
            .zip(&push_e)
            .map(|(g, push)| push - g)
            .chain(right_kept)
            .collect();
        let right_rows: Vec<f64> = (self.linear.iter().enumerate())
            .map(|(r, linear)| {
                let off = linear.amount - linear.at(&state.x);
                if linear.equation { off } else { off - row(r) }
            })
            .collect();
        let (dx, mut de, drows) = self.solve(system, local, ratios, right_x, right_e, right_rows);
        let turned = de.split_off(local.gradient_e.len());
        let along = self.model.along(local, &dx, &de);
        let dv: Vec<f64> =
            along.iter().zip(&missed).map(|(along, missed)| along + missed).collect();
        let dq = (0..dv.len())
            .map(|j| {
                turned
                    .get(j)
                    .map_or_else(|| function(j) - state.q[j] - ratios[j] * dv[j], |turned| -turned)
            })
            .collect();
        let dslack = (self.linear.iter().enumerate())
            .map(|(r, linear)| {
                if linear.equation {
                    0.0
                } else {
                    row(r) - state.slack[r] - state.slack[r] / state.rows[r] * drows[r]
                }
            })
            .collect();
        let zero_unless_free = |i: usize, value: f64| if self.free[i] { value } else { 0.0 };
        State {
            low: (0..n)
                .map(|i| {
                    zero_unless_free(
                        i,
                        low(i) - state.low[i] - state.low[i] / state.below[i] * dx[i],
                    )
                })
                .collect(),
            high: (0..n)
                .map(|i| {
                    zero_unless_free(
                        i,
                        high(i) - state.high[i] + state.high[i] / state.above[i] * dx[i],
                    )
                })
                .collect(),
            slack: dslack,
            rows: drows,
            v: dv,
            q: dq,
            prices: Vec::new(),
            above: dx.iter().map(|dx| -dx).collect(),
            below: dx.clone(),
            x: dx,
            e: de,
        }
    }

    /// Solves the bordered equations; the levels of draws under CVaR, which the border leaves out,
    /// are put back.
    fn solve(
        &self,
        system: &System,
        local: &Local,
        ratios: &[f64],
        x: Vec<f64>,
        e: Vec<f64>,
        rows: Vec<f64>,
    ) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut right_x = x;
        let mut extra = e.clone();
        if let Some(gradients) = self.model.draw_gradients(local) {
            let draws = gradients.nrows();
            let (own, tail) = ratios.split_at(draws);
            let part = |k: usize| e[k] / (own[k] + tail[k]);
            for (i, right) in right_x.iter_mut().enumerate().filter(|(i, _)| self.free[*i]) {
                *right += (0..draws).map(|k| own[k] * gradients[(k, i)] * part(k)).sum::<f64>();
            }
            extra = vec![e[draws] + (0..draws).map(|k| tail[k] * part(k)).sum::<f64>()];
        }
        let count = extra.len();
        let mut in_x = Mat::from_fn(right_x.len(), 1, |i, _| right_x[i]);
        let mut in_border =
            Mat::from_fn(
                count + rows.len(),
                1,
                |b, _| if b < count { extra[b] } else { rows[b - count] },
            );
        system.solve(&mut in_x, &mut in_border);
        let dx: Vec<f64> = (0..right_x.len()).map(|i| in_x[(i, 0)]).collect();
        let drows = (0..rows.len()).map(|r| in_border[(count + r, 0)]).collect();
        let de = match self.model.draw_gradients(local) {
            None => (0..count).map(|b| in_border[(b, 0)]).collect(),
            Some(gradients) => {
                let draws = gradients.nrows();
                let (own, tail) = ratios.split_at(draws);
                let eta = in_border[(0, 0)];
                let along = |k: usize| {
                    dx.iter().enumerate().map(|(i, dx)| gradients[(k, i)] * dx).sum::<f64>()
                };
                let level =
                    |k: usize| (e[k] + own[k] * along(k) + tail[k] * eta) / (own[k] + tail[k]);
                (0..draws).map(level).chain([eta]).collect()
            }
        };
        (dx, de, drows)
    }

    /// The longest step that keeps every slack and multiplier above 0.
    pub(crate) fn longest(&self, state: &State, d: &State) -> f64 {
        let mut step = f64::INFINITY;
        let mut hold = |value: f64, change: f64| {
            if change < 0.0 {
                step = step.min(-value / change);
            }
        };
        for i in (0..state.x.len()).filter(|&i| self.free[i]) {
            hold(state.below[i], d.below[i]);
            hold(state.above[i], d.above[i]);
            hold(state.low[i], d.low[i]);
            hold(state.high[i], d.high[i]);
        }
        for (r, _) in self.linear.iter().enumerate().filter(|(_, row)| !row.equation) {
            hold(state.slack[r], d.slack[r]);
            hold(state.rows[r], d.rows[r]);
        }
        self.model.rooms(&state.e, &d.e).for_each(|(room, change)| hold(room, change));
        for j in 0..state.v.len() {
            hold(state.v[j], d.v[j]);
            hold(state.q[j], d.q[j]);
        }
        step
    }

    pub(crate) fn moved(&self, state: &State, d: &State, step: f64, local: &Local) -> State {
        let add =
            |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + step * b).collect::<Vec<f64>>();
        let (below, above) = (add(&state.below, &d.below), add(&state.above, &d.above));
        let own =
            self.program.own.iter().zip(&self.upper).zip(below.iter().zip(&above)).zip(&state.x);
        let x = own.map(|(((own, upper), (below, above)), &x)| match below.total_cmp(above) {
            _ if own.lower >= *upper => x,
            std::cmp::Ordering::Less => own.lower + below,
            _ => upper - above,
        });
        let x = x.collect();
        let prices = if state.prices.is_empty() {
            Vec::new()
        } else {
            self.moved_prices(state, d, step, local)
        };
        State {
            x,
            below,
            above,
            e: add(&state.e, &d.e),
            low: add(&state.low, &d.low),
            high: add(&state.high, &d.high),
            slack: add(&state.slack, &d.slack),
            rows: add(&state.rows, &d.rows),
            v: add(&state.v, &d.v),
            q: add(&state.q, &d.q),
            prices,
        }
    }

    /// Multipliers of the data follow their own linear model, on their logarithms so that they stay
    /// above 0.
    fn moved_prices(&self, state: &State, d: &State, step: f64, local: &Local) -> Vec<f64> {
        let dy = self.program.forward(&local.slopes, &d.x);
        let y = self.program.data(&state.x);
        let moved = |(i, &price): (usize, &f64)| {
            if price == 0.0 {
                return 0.0;
            }
            let change =
                (self.model.marginal(i, y[i]).0 / price).ln() - local.weights[i] / price * dy[i];
            price * (step * change).clamp(-5.0, 5.0).exp()
        };
        state.prices.iter().enumerate().map(moved).collect()
    }
}
