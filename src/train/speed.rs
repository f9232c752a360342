//! How fast a machine trains: named networks on one batch of random sequences, step after step.

use super::schedule::Schedule;
use super::stack::{Member, fit_stack};
use super::steps::{Ended, Progress, Sequence, batch_of, fit_batches};
use super::{TrainError, select_device};
use crate::model::{Llama, ModelConfig, Stack};
use crate::numeric::quantiles::quantile;
use crate::numeric::random::{Item, Purpose, generator};
use crate::spec::{Optimisation, Preset};
use candle_core::DType;
use rand::RngExt;

/// Tokens that a sequence of the workload reads; the second half of them is followed by a target.
const CONTEXT: usize = 128;

/// Sequences of the batch.
const SEQUENCES: usize = 16;

/// Steps before the first that counts: memory is handed out and caches fill.
pub const WARM_UP_STEPS: usize = 3;

/// A network whose speed is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Workload {
    /// Name on the command line.
    pub name: &'static str,
    /// Its sizes.
    pub config: ModelConfig,
}

/// `s` and `m`, which other trainers are compared on, and the presets.
pub fn workloads() -> [Workload; 5] {
    let plain = |d_model, n_layers, d_ff| ModelConfig {
        vocab_size: 4096,
        d_model,
        n_layers,
        n_heads: 8,
        n_kv_heads: 8,
        head_dim: d_model / 8,
        d_ff,
        ..ModelConfig::of(Preset::Nano, None)
    };
    let preset = |name, preset| Workload { name, config: ModelConfig::of(preset, None) };
    [
        Workload { name: "s", config: plain(256, 4, 704) },
        Workload { name: "m", config: plain(512, 6, 1408) },
        preset("nano", Preset::Nano),
        preset("micro", Preset::Micro),
        preset("small", Preset::Small),
    ]
}

/// What was measured of a workload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Median over the steps that count, tokens read a second by all copies.
    pub tokens_per_second: f64,
    /// Loss of the first of all steps, nats per target token.
    pub loss_first: f64,
    /// Loss of the last step, nats per target token.
    pub loss_last: f64,
}

/// Trains a workload for `steps` steps after the warm-up, on `cpu`, `cuda` or `cuda:i`; where `stack` is above 1, as many copies of it side by side. `clock` gives seconds from any fixed moment;
/// `observe` is called after every step.
pub fn measure(
    workload: &Workload,
    device: &str,
    stack: usize,
    steps: usize,
    clock: &dyn Fn() -> f64,
    mut observe: impl FnMut(),
) -> Result<Speed, TrainError> {
    let device = select_device(device)?;
    let model = Llama::random(workload.config, CONTEXT, DType::F32, &device, &mut generator(0, Purpose::Weights, Item::All))?;
    let mut rng = generator(0, Purpose::Speed, Item::All);
    let mut sequence = || (0..=CONTEXT).map(|_| rng.random_range(0..workload.config.vocab_size as u32)).collect();
    let sequences: Vec<Sequence> = (0..SEQUENCES).map(|_| (sequence(), CONTEXT / 2 + 1)).collect();
    let batches = vec![batch_of(&sequences); WARM_UP_STEPS + steps];
    let (mut marks, mut losses) = (Vec::new(), Vec::new());
    let observe = |progress: Progress| {
        marks.push(clock());
        losses.push(progress.loss_nats);
        observe();
    };
    let optimisation = Optimisation::default();
    let ended = if stack > 1 {
        let schedule = Schedule::whole(&optimisation, batches.len() as u64);
        let mut members: Vec<Member> = (0..stack).map(|_| Member::new(batches.clone(), schedule)).collect();
        fit_stack(&Stack::new(&model, stack)?, &mut members, &optimisation, observe)?;
        members[0].ended()
    } else {
        fit_batches(&model, &batches, &optimisation, observe)?
    };
    if let Ended::Diverged { step, reason, .. } = ended {
        return Err(TrainError::SpeedDiverged { name: workload.name, step, reason });
    }
    let tokens = (stack * SEQUENCES * CONTEXT) as f64;
    let mut speeds: Vec<f64> = marks[WARM_UP_STEPS - 1..].windows(2).map(|mark| tokens / (mark[1] - mark[0])).collect();
    speeds.sort_by(f64::total_cmp);
    Ok(Speed { tokens_per_second: quantile(&speeds, 0.5), loss_first: losses[0], loss_last: losses[losses.len() - 1] })
}
