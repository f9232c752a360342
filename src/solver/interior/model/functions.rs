//! The functions of each objective and their derivatives in the data.

use super::Model;
use super::jacobian::Jacobian;
use crate::solver::kernel::Jet;
use faer::Mat;

/// Functions and derivatives in the data.
pub(super) struct InData {
    pub weights: Vec<f64>,
    pub pull: Vec<f64>,
    pub h: Vec<f64>,
    pub jacobian: Jacobian,
}

impl Model<'_> {
    /// The Newton model of a smooth objective: `ln` of the marginal value, not the value itself, is
    /// linear in the data, so that a start decades away does no harm.
    pub(super) fn smooth(&self, y: &[f64], prices: &[f64]) -> InData {
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

    pub(super) fn cvar(&self, y: &[f64], e: &[f64], q: &[f64], slopes: &[f64]) -> InData {
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

    pub(super) fn worst(&self, y: &[f64], e: &[f64], q: &[f64], ratios: &[f64]) -> InData {
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
}
