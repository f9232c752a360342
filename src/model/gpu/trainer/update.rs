//! The end of a step: losses, norms, AdamW.

use super::super::card::{Address, Card, Launch, typed};
use super::super::pass::{Pass, Weights, arguments};
use super::super::places::{FACTORS, SQUARE_BLOCKS};
use super::super::{Part, Precision};
use super::{BLOCKS, THREADS};
use crate::spec::Optimisation;
use candle_core::Result;

/// Added to the root of the second moment.
const EPS: f32 = 1e-8;

/// What every run is told of a step: `Factors` of `kernels.cu`.
pub(super) fn factors(
    parts: &[Part<'_>],
    optimisation: &Optimisation,
    step: i32,
    hopeless: f64,
) -> Vec<f64> {
    let Optimisation { beta1, beta2, grad_clip, weight_decay, .. } = *optimisation;
    let of_run = |part: &Part<'_>| -> [f64; FACTORS] {
        let rate = part.lr / (1.0 - beta1.powi(step));
        let (unbias2, keep) = (1.0 / (1.0 - beta2.powi(step)), 1.0 - part.lr * weight_decay);
        [
            part.batch.targets() as f64,
            grad_clip,
            rate,
            unbias2,
            keep,
            f64::from(u8::from(part.takes_part)),
            hopeless,
        ]
    };
    parts.iter().flat_map(of_run).collect()
}

/// The end of a step: losses, norms, AdamW.
pub(super) struct Last<'a> {
    pub weights: Weights,
    pub moments: [Address; 2],
    pub stopped: Address,
    pub optimisation: &'a Optimisation,
}

impl Last<'_> {
    pub(super) fn losses<C: Card>(&self, pass: &Pass<'_, C>, adds: bool) -> Result<()> {
        let p = pass.places;
        let arguments =
            arguments![p.nats, p.factors, p.told, self.stopped, pass.shape.m, usize::from(adds)];
        pass.card.launch(&Launch {
            kernel: "losses",
            grid: [pass.plan.runs, 1, 1],
            threads: THREADS,
            shared: 0,
            arguments,
        })
    }

    pub(super) fn update<C: Card>(&self, pass: &Pass<'_, C>) -> Result<()> {
        let (p, runs, stride) = (pass.places, pass.plan.runs, pass.layout.stride);
        let arguments = arguments![self.weights.gradients, stride, p.squares];
        pass.card.launch(&Launch {
            kernel: "squares",
            grid: [SQUARE_BLOCKS, runs, 1],
            threads: THREADS,
            shared: 0,
            arguments,
        })?;
        let small = if pass.plan.precision == Precision::F32 { 0 } else { self.weights.factors };
        let Optimisation { beta1, beta2, .. } = *self.optimisation;
        let arguments = arguments![
            self.weights.master,
            small,
            self.weights.gradients,
            self.moments[0],
            self.moments[1],
            stride,
            pass.layout.decayed,
            p.squares,
            SQUARE_BLOCKS,
            p.factors,
            p.told,
            self.stopped,
            beta1 as f32,
            beta2 as f32,
            EPS,
        ];
        let grid = [stride.div_ceil(THREADS).min(BLOCKS), runs, 1];
        pass.card.launch(&Launch {
            kernel: typed!(pass.plan.precision, "adamw"),
            grid,
            threads: THREADS,
            shared: 0,
            arguments,
        })
    }
}
