//! What is not linear in a coupled program, as the interior point sees it: functions
//! `h(x, e) >= 0`, concave, with their derivatives.
//!
//! | objective | variables beside the amounts | functions |
//! |---|---|---|
//! | sum, mean over draws | none | none: the objective itself is smooth |
//! | sum, CVaR over draws | level `e_k` of each draw, `eta` | `e_k - F_k(x)`, `e_k - eta` |
//! | worst language | `e_k` | `ln(e_k - w E) - ln(w L_ik(y_i) - w E)` |
//! | the same, CVaR over draws | `e_k`, `eta` | these, `e_k - eta` |
//!
//! The logarithms make the worst language's functions nearly straight over decades of data, and
//! keep them concave: every convex law here has a convex logarithm. With `gamma = 1 / ((1 - p) K)`
//! CVaR is `gamma sum_k e_k + (1 - K gamma) eta`.

mod border;
mod functions;
mod jacobian;
mod levels;

use crate::solver::kernel::Jet;
use crate::solver::problem::{Over, Program, Risk};
use faer::Mat;
use jacobian::Jacobian;

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
