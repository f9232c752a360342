//! The further variables and multipliers that the interior point starts from.

use super::{Kind, Model};

impl Model<'_> {
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
}
