//! What is not linear in a coupled program, as the interior point sees it: functions
//! `h(x, e) >= 0`, concave, with their derivatives.
//!
//! | objective | variables beside the amounts | functions |
//! |---|---|---|
//! | sum, mean over draws | none | none: the objective itself is smooth |
//! | sum, CVaR over draws | level `e_k` of each draw, `eta` | `e_k - F_k(x)`, `e_k - eta` |
//! | worst language | `e_k`, for CVaR `eta` too | `ln(e_k - w E) - ln(w L_ik(y_i) - w E)`, for CVaR `e_k - eta` |
//!
//! The logarithms make the worst language's functions nearly straight over decades of data, and
//! keep them concave: every convex law here has a convex logarithm. With `gamma = 1 / ((1 - p) K)`
//! CVaR is `gamma sum_k e_k + (1 - K gamma) eta`.

use crate::solver::kernel::Jet;
use crate::solver::problem::{Over, Program, Risk, Transfer};
use faer::Mat;

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Smooth,
    Cvar,
    Worst,
}

/// A coupled program with what its functions need.
pub(crate) struct Model<'a> {
    pub program: &'a Program,
    pub kind: Kind,
    /// Kernels that have a function of their own: those of weight above 0 of a worst language.
    pub atoms: Vec<usize>,
    /// Weight of each further variable in the objective: every `e_k`, then `eta`.
    pub objective: Vec<f64>,
    /// Functions that Newton's equations keep as rows of their own; others are eliminated, which
    /// costs digits where they are tight but takes no room.
    pub kept: usize,
    /// Languages whose bounds leave them room.
    pub free: Vec<bool>,
}

/// Functions and derivatives at one point, the multipliers `q` of the functions given.
pub(crate) struct Local {
    /// `d'(x)`.
    pub slopes: Vec<f64>,
    /// Second derivative of the Lagrangian in `y`, functions' own squares counted.
    pub weights: Vec<f64>,
    /// Second derivative in `x` that repetition adds.
    pub bend: Vec<f64>,
    /// Gradient of the Lagrangian in `x` and in the further variables.
    pub gradient: Vec<f64>,
    pub gradient_e: Vec<f64>,
    /// The functions.
    pub h: Vec<f64>,
    jacobian: Jacobian,
}

enum Jacobian {
    None,
    /// Gradients of the draws in `x`, a row each.
    Cvar(Mat<f64>),
    /// For each atom the derivative in `y` and in `e_k`.
    Worst(Vec<(f64, f64)>),
}

impl<'a> Model<'a> {
    /// With at most `keep` functions of a worst language they are kept as rows. Languages that are
    /// not `free` do not move.
    pub(crate) fn new(program: &'a Program, keep: usize, free: Vec<bool>) -> Self {
        let draws = program.draws;
        let even = vec![1.0 / draws as f64; draws];
        let level = match program.risk {
            Risk::Cvar { level } if level > 0.0 => Some(level),
            _ => None,
        };
        let gamma = level.map(|level| 1.0 / ((1.0 - level) * draws as f64));
        let tail =
            gamma.map(|gamma| [vec![gamma; draws], vec![1.0 - draws as f64 * gamma]].concat());
        let kind = match (program.over, &tail) {
            (Over::Worst, _) => Kind::Worst,
            (Over::Sum, Some(_)) => Kind::Cvar,
            (Over::Sum, None) => Kind::Smooth,
        };
        let objective = if kind == Kind::Smooth { Vec::new() } else { tail.unwrap_or(even) };
        let atoms: Vec<usize> = (0..program.kernels.len())
            .filter(|&at| kind == Kind::Worst && !program.kernels[at].is_idle())
            .collect();
        let kept = if atoms.len() <= keep { atoms.len() } else { 0 };
        Model { program, kind, atoms, objective, kept, free }
    }

    /// Whether a mean of the worst draws counts.
    pub(crate) fn has_cvar(&self) -> bool {
        self.objective.len() > self.program.draws
    }

    /// Number of functions.
    pub(crate) fn functions(&self) -> usize {
        let own = if self.kind == Kind::Cvar { self.program.draws } else { self.atoms.len() };
        own + if self.has_cvar() { self.program.draws } else { 0 }
    }

    /// Functions before those of `eta`.
    fn own_functions(&self) -> usize {
        self.functions() - if self.has_cvar() { self.program.draws } else { 0 }
    }

    /// Further variables and multipliers to start from: the levels above every loss at `x`, the
    /// multipliers as the objective asks.
    pub(crate) fn start(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        if self.kind == Kind::Smooth {
            return (Vec::new(), Vec::new());
        }
        let draws = self.program.draws;
        let jets = self.program.jets(&self.program.data(x));
        let losses = self.program.draw_objectives(&jets);
        let mean = losses.iter().sum::<f64>() / draws as f64;
        let deviation =
            (losses.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / draws as f64).sqrt();
        let pad = 0.5 * deviation
            + 1e-2
                * self
                    .program
                    .kernels
                    .iter()
                    .zip(&jets)
                    .map(|(_, jet)| jet.value)
                    .fold(0.0, f64::max);
        let above = |k: usize| match self.kind {
            Kind::Worst => {
                let own = self.atoms.iter().filter(|&&at| at % draws == k);
                own.map(|&at| self.program.kernels[at].floor + 1.3 * jets[at].value)
                    .fold(losses[k], f64::max)
            }
            _ => losses[k] + pad,
        };
        let mut e: Vec<f64> = (0..draws).map(above).collect();
        let even = 1.0 / draws as f64;
        let per_draw = self.atoms.len() as f64 / draws as f64;
        let mut q: Vec<f64> = match self.kind {
            Kind::Worst => self
                .atoms
                .iter()
                .map(|&at| even / per_draw * (e[at % draws] - self.program.kernels[at].floor))
                .collect(),
            _ => vec![even; draws],
        };
        if self.has_cvar() {
            let eta = mean.min(e.iter().copied().fold(f64::INFINITY, f64::min) - pad);
            q.extend((0..draws).map(|k| (self.objective[k] - even).max(1e-3 * even)));
            e.push(eta);
        }
        (e, q)
    }

    /// By how much each level is above the floor of each function's law, and how that moves with
    /// the levels: it must stay above 0.
    pub(crate) fn rooms<'b>(
        &'b self,
        e: &'b [f64],
        de: &'b [f64],
    ) -> impl Iterator<Item = (f64, f64)> + 'b {
        let draws = self.program.draws;
        self.atoms
            .iter()
            .map(move |&at| (e[at % draws] - self.program.kernels[at].floor, de[at % draws]))
    }

    /// Everything at one point. `prices` are the multipliers of the data in the smooth case;
    /// `ratios` are `q / v`.
    pub(crate) fn local(
        &self,
        x: &[f64],
        e: &[f64],
        q: &[f64],
        ratios: &[f64],
        prices: &[f64],
    ) -> Local {
        let program = self.program;
        let own: Vec<Jet> = program.own.iter().zip(x).map(|(own, &x)| own.effective(x)).collect();
        let slopes: Vec<f64> = own.iter().map(|jet| jet.slope).collect();
        let y = program.data(x);
        let data = match self.kind {
            Kind::Smooth => self.smooth(&y, prices),
            Kind::Cvar => self.cvar(&y, e, q, &slopes),
            Kind::Worst => self.worst(&y, e, q, ratios),
        };
        let held = if self.kind == Kind::Smooth {
            prices.iter().map(|price| -price).collect()
        } else {
            data.pull.clone()
        };
        let held = program
            .transfer
            .as_ref()
            .map_or_else(|| held.clone(), |transfer| transfer.by_effective(&held));
        let mut gradient_e = self.objective.clone();
        self.add_transposed_e(
            &data.jacobian,
            &q.iter().map(|q| -q).collect::<Vec<_>>(),
            &mut gradient_e,
        );
        Local {
            bend: held.iter().zip(&own).map(|(pull, jet)| pull * jet.curvature).collect(),
            gradient: program.backward(&slopes, &data.pull),
            slopes,
            weights: data.weights,
            gradient_e,
            h: data.h,
            jacobian: data.jacobian,
        }
    }

    /// The Newton model of a smooth objective: `ln` of the marginal value, not the value itself, is
    /// linear in the data, so that a start decades away does no harm.
    fn smooth(&self, y: &[f64], prices: &[f64]) -> InData {
        let program = self.program;
        let (mut weights, mut pull) = (vec![0.0; y.len()], vec![0.0; y.len()]);
        for (i, &price) in prices.iter().enumerate().filter(|(_, price)| **price > 0.0) {
            let (fall, bend) = self.marginal(i, y[i]);
            weights[i] = price * bend / fall;
            pull[i] = -price * (1.0 + (fall / price).ln());
        }
        debug_assert_eq!(program.len(), y.len());
        InData { weights, pull, h: Vec::new(), jacobian: Jacobian::None }
    }

    /// Whether a language has one amount only and its data nothing else, so that it never moves,
    /// however steep its law is there.
    fn is_fixed(&self, i: usize) -> bool {
        let own = &self.program.own[i];
        self.program.transfer.is_none() && own.lower >= own.upper
    }

    /// The jet without its derivatives where nothing moves.
    fn held(&self, i: usize, jet: Jet) -> Jet {
        if self.is_fixed(i) { Jet { value: jet.value, ..Jet::default() } } else { jet }
    }

    /// `-dF/dy_i` and `d2F/dy_i^2` of the mean over draws.
    pub(crate) fn marginal(&self, i: usize, y: f64) -> (f64, f64) {
        if self.is_fixed(i) {
            return (0.0, 0.0);
        }
        let jets = self.program.draws_of(i).iter().map(|kernel| kernel.jet(y));
        let (fall, bend) =
            jets.fold((0.0, 0.0), |(fall, bend), jet| (fall - jet.slope, bend + jet.curvature));
        (fall / self.program.draws as f64, bend / self.program.draws as f64)
    }

    fn cvar(&self, y: &[f64], e: &[f64], q: &[f64], slopes: &[f64]) -> InData {
        let (program, draws) = (self.program, self.program.draws);
        let jets: Vec<Jet> = program
            .jets(y)
            .into_iter()
            .enumerate()
            .map(|(at, jet)| self.held(at / draws, jet))
            .collect();
        let losses = program.draw_objectives(&jets);
        let over = |of: fn(&Jet) -> f64| -> Vec<f64> {
            jets.chunks(draws)
                .map(|own| own.iter().zip(q).map(|(jet, q)| q * of(jet)).sum())
                .collect()
        };
        let mut gradients = Mat::zeros(draws, y.len());
        for k in 0..draws {
            let row = program.backward(
                slopes,
                &(0..y.len()).map(|i| jets[i * draws + k].slope).collect::<Vec<_>>(),
            );
            (0..y.len()).filter(|&j| self.free[j]).for_each(|j| gradients[(k, j)] = row[j]);
        }
        let eta = e[draws];
        let h =
            (0..draws).map(|k| e[k] - losses[k]).chain((0..draws).map(|k| e[k] - eta)).collect();
        InData {
            weights: over(|jet| jet.curvature),
            pull: over(|jet| jet.slope),
            h,
            jacobian: Jacobian::Cvar(gradients),
        }
    }

    fn worst(&self, y: &[f64], e: &[f64], q: &[f64], ratios: &[f64]) -> InData {
        let (program, draws) = (self.program, self.program.draws);
        let (mut weights, mut pull) = (vec![0.0; y.len()], vec![0.0; y.len()]);
        let mut h = Vec::with_capacity(self.functions());
        let mut derivatives = Vec::with_capacity(self.atoms.len());
        for (a, &at) in self.atoms.iter().enumerate() {
            let (i, k) = (at / draws, at % draws);
            let jet = self.held(i, program.kernels[at].negative_ln(y[i]));
            let room = e[k] - program.kernels[at].floor;
            h.push(room.ln() + jet.value);
            let eliminated = if self.kept > 0 { 0.0 } else { ratios[a] };
            weights[i] += eliminated * jet.slope * jet.slope - q[a] * jet.curvature;
            pull[i] -= q[a] * jet.slope;
            derivatives.push((jet.slope, 1.0 / room));
        }
        if self.has_cvar() {
            h.extend((0..draws).map(|k| e[k] - e[draws]));
        }
        InData { weights, pull, h, jacobian: Jacobian::Worst(derivatives) }
    }

    /// `J (dx, de)`.
    pub(crate) fn along(&self, local: &Local, dx: &[f64], de: &[f64]) -> Vec<f64> {
        let draws = self.program.draws;
        let mut along: Vec<f64> = match &local.jacobian {
            Jacobian::None => Vec::new(),
            Jacobian::Cvar(gradients) => (0..draws)
                .map(|k| {
                    de[k] - dx.iter().enumerate().map(|(j, dx)| gradients[(k, j)] * dx).sum::<f64>()
                })
                .collect(),
            Jacobian::Worst(derivatives) => {
                let dy = self.program.forward(&local.slopes, dx);
                let own = self.atoms.iter().zip(derivatives);
                own.map(|(at, (in_y, in_e))| in_y * dy[at / draws] + in_e * de[at % draws])
                    .collect()
            }
        };
        if self.has_cvar() {
            along.extend((0..draws).map(|k| de[k] - de[draws]));
        }
        along
    }

    /// `J' r` in `x` and in the further variables.
    pub(crate) fn transposed(&self, local: &Local, r: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let n = self.program.len();
        let in_x = match &local.jacobian {
            Jacobian::None => vec![0.0; n],
            Jacobian::Cvar(gradients) => (0..n)
                .map(|j| -(0..self.program.draws).map(|k| gradients[(k, j)] * r[k]).sum::<f64>())
                .collect(),
            Jacobian::Worst(derivatives) => {
                let mut pull = vec![0.0; n];
                for ((at, (in_y, _)), r) in self.atoms.iter().zip(derivatives).zip(r) {
                    pull[at / self.program.draws] += in_y * r;
                }
                self.program.backward(&local.slopes, &pull)
            }
        };
        let mut in_e = vec![0.0; self.objective.len()];
        self.add_transposed_e(&local.jacobian, r, &mut in_e);
        (in_x, in_e)
    }

    fn add_transposed_e(&self, jacobian: &Jacobian, r: &[f64], in_e: &mut [f64]) {
        let draws = self.program.draws;
        match jacobian {
            Jacobian::None => {}
            Jacobian::Cvar(_) => (0..draws).for_each(|k| in_e[k] += r[k]),
            Jacobian::Worst(derivatives) => {
                self.atoms
                    .iter()
                    .zip(derivatives)
                    .zip(r)
                    .for_each(|((at, (_, slope)), r)| in_e[at % draws] += slope * r);
            }
        }
        if self.has_cvar() {
            for (k, r) in r[self.own_functions()..].iter().enumerate() {
                in_e[k] += r;
                in_e[draws] -= r;
            }
        }
    }

    /// The blocks of Newton's equations that the further variables take part in.
    pub(crate) fn border(&self, local: &Local, q: &[f64], ratios: &[f64]) -> Border {
        let (n, draws) = (self.program.len(), self.program.draws);
        let tail = &ratios[self.own_functions()..];
        match &local.jacobian {
            Jacobian::None => {
                Border { columns: Mat::zeros(n, 0), corner: Mat::zeros(0, 0), draws: Vec::new() }
            }
            Jacobian::Cvar(gradients) => {
                // the level of each draw is eliminated: what is left of its two functions is their
                // harmonic sum
                let joint: Vec<f64> =
                    ratios[..draws].iter().zip(tail).map(|(a, b)| a * b / (a + b)).collect();
                let column =
                    |j: usize| -(0..draws).map(|k| joint[k] * gradients[(k, j)]).sum::<f64>();
                let total: f64 = joint.iter().sum();
                Border {
                    columns: Mat::from_fn(n, 1, |j, _| column(j)),
                    corner: Mat::from_fn(1, 1, |_, _| total),
                    draws: joint,
                }
            }
            Jacobian::Worst(derivatives) => {
                let size = self.objective.len();
                let (mut columns, mut corner) = (
                    Mat::zeros(n, size + self.kept),
                    Mat::zeros(size + self.kept, size + self.kept),
                );
                let mut pulls = vec![vec![0.0; n]; draws];
                for (a, (&at, (in_y, in_e))) in self.atoms.iter().zip(derivatives).enumerate() {
                    let (i, k) = (at / draws, at % draws);
                    corner[(k, k)] += q[a] * in_e * in_e;
                    if self.kept > 0 {
                        self.row(i, &local.slopes)
                            .for_each(|(j, part)| columns[(j, size + a)] = part * in_y);
                        corner[(k, size + a)] = *in_e;
                        corner[(size + a, k)] = *in_e;
                        corner[(size + a, size + a)] = -1.0 / ratios[a];
                    } else {
                        pulls[k][i] = ratios[a] * in_y * in_e;
                        corner[(k, k)] += ratios[a] * in_e * in_e;
                    }
                }
                for (k, pull) in pulls.into_iter().enumerate().filter(|_| self.kept == 0) {
                    let column = self.program.backward(&local.slopes, &pull);
                    (0..n).for_each(|j| columns[(j, k)] = column[j]);
                }
                for (k, ratio) in tail.iter().enumerate() {
                    corner[(k, k)] += ratio;
                    corner[(draws, draws)] += ratio;
                    corner[(k, draws)] -= ratio;
                    corner[(draws, k)] -= ratio;
                }
                Border { columns, corner, draws: Vec::new() }
            }
        }
    }

    /// Amounts that move the data of language `i`, its own among them, and `dy_i/dx_j`.
    fn row<'b>(&'b self, i: usize, slopes: &'b [f64]) -> impl Iterator<Item = (usize, f64)> + 'b {
        let own = self.program.transfer.is_none().then_some((i, slopes[i]));
        let coupled = move |transfer: &'b Transfer| {
            transfer
                .row(i)
                .iter()
                .map(move |&(j, tau)| (j, transfer.derivative(i, (j, tau), slopes[j])))
        };
        self.program.transfer.iter().flat_map(coupled).chain(own)
    }

    /// Gradients of the draws, where they are part of the normal matrix.
    pub(crate) fn draw_gradients<'b>(&self, local: &'b Local) -> Option<&'b Mat<f64>> {
        if let Jacobian::Cvar(gradients) = &local.jacobian { Some(gradients) } else { None }
    }

    /// Weight of each kernel in a subgradient of the objective, from the multipliers of the
    /// functions.
    pub(crate) fn atom_weights(&self, e: &[f64], q: &[f64]) -> Vec<f64> {
        let (n, draws) = (self.program.len(), self.program.draws);
        match self.kind {
            Kind::Smooth => Vec::new(),
            Kind::Cvar => (0..n * draws).map(|at| q[at % draws]).collect(),
            Kind::Worst => {
                let mut weights = vec![0.0; n * draws];
                for (q, &at) in q.iter().zip(&self.atoms) {
                    weights[at] = q / (e[at % draws] - self.program.kernels[at].floor);
                }
                weights
            }
        }
    }
}

/// Blocks of the further variables.
pub(crate) struct Border {
    pub columns: Mat<f64>,
    pub corner: Mat<f64>,
    /// Weights of the draws' gradients in the normal matrix.
    pub draws: Vec<f64>,
}

struct InData {
    weights: Vec<f64>,
    pull: Vec<f64>,
    h: Vec<f64>,
    jacobian: Jacobian,
}
