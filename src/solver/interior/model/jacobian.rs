//! Derivatives of the functions in the amounts and in the further variables, as a product with them
//! needs them.

use super::{Local, Model};
use faer::Mat;

/// Derivatives of the functions.
pub(super) enum Jacobian {
    None,
    /// Gradients of the draws in `x`, a row each.
    Cvar(Mat<f64>),
    /// For each atom the derivative in `y` and in `e_k`.
    Worst(Vec<(f64, f64)>),
}

impl Model<'_> {
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

    pub(super) fn add_transposed_e(&self, jacobian: &Jacobian, r: &[f64], in_e: &mut [f64]) {
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
}
