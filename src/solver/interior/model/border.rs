//! The border of Newton's equations: the blocks that the further variables take part in.

use super::jacobian::Jacobian;
use super::{Local, Model};
use crate::solver::problem::Transfer;
use faer::Mat;

/// Blocks of the further variables.
pub(crate) struct Border {
    pub columns: Mat<f64>,
    pub corner: Mat<f64>,
    /// Weights of the draws' gradients in the normal matrix.
    pub draws: Vec<f64>,
}

impl Model<'_> {
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
}
