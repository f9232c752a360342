//! How fast a machine trains: named networks on one batch of random sequences, step after step.

use super::schedule::Schedule;
use super::stack::{Member, SideBySide, fit_stack};
use super::steps::{Ended, Progress, Sequence, batch_of, fit_batches, steps_at_once};
use super::{Hardware, TrainError, select_device};
use crate::model::{Llama, ModelConfig, Saving};
use crate::numeric::quantiles::quantile;
use crate::numeric::random::{Item, Purpose, generator};
use crate::spec::{Optimisation, Preset};
use candle_core::DType;
use rand::RngExt;

/// Tokens that a sequence of the workload reads; the second half of them is followed by a target.
const CONTEXT: usize = 128;

/// Sequences of the batch where none is said.
pub const SEQUENCES: usize = 16;

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

/// `s` and `m`, which other trainers are compared on, the presets, and the shape of SmolLM2-135M.
pub fn workloads() -> [Workload; 6] {
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
        Workload {
            name: "135m",
            config: ModelConfig {
                vocab_size: 49_152,
                d_model: 576,
                n_layers: 30,
                n_heads: 9,
                n_kv_heads: 3,
                head_dim: 64,
                d_ff: 1536,
                ..ModelConfig::of(Preset::Nano, None)
            },
        },
    ]
}

/// How much is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Copies that are trained side by side as one.
    pub stack: usize,
    /// Sequences of a batch.
    pub sequences: usize,
    /// Steps after the warm-up.
    pub steps: usize,
}

/// What was measured of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Speed {
    /// Median over the steps that count, tokens read a second by all copies.
    pub tokens_per_second: f64,
    /// Loss of every step from the first, those of the warm-up among them, nats per target token.
    pub losses_nats: Vec<f64>,
}

/// Trains a workload for some steps after the warm-up, on some hardware ([`select_device`]).
/// `clock` gives seconds from any fixed moment; `observe` is called after every step.
pub fn measure(
    workload: &Workload,
    device: &str,
    size: Size,
    clock: &dyn Fn() -> f64,
    mut observe: impl FnMut(),
) -> Result<Speed, TrainError> {
    let (Hardware { device, precision }, Size { stack, sequences, steps }) =
        (select_device(device)?, size);
    let model = Llama::random(
        workload.config,
        CONTEXT,
        DType::F32,
        &device,
        &mut generator(0, Purpose::Weights, Item::All),
    )?;
    let model = model.with_precision(precision);
    // a card does many steps at a time, which are measured together
    let at_once = steps_at_once(&model);
    let (warm_up, steps) =
        (WARM_UP_STEPS.next_multiple_of(at_once), steps.next_multiple_of(at_once));
    let mut rng = generator(0, Purpose::Speed, Item::All);
    let mut sequence =
        || (0..=CONTEXT).map(|_| rng.random_range(0..workload.config.vocab_size as u32)).collect();
    let batch: Vec<Sequence> = (0..sequences).map(|_| (sequence(), CONTEXT / 2 + 1)).collect();
    let batches = vec![batch_of(&batch); warm_up + steps];
    let (mut marks, mut losses) = (Vec::new(), Vec::new());
    let observe = |progress: Progress| {
        marks.push(clock());
        losses.push(progress.loss_nats);
        observe();
    };
    let optimisation = Optimisation::default();
    let ended = if stack > 1 {
        let schedule = Schedule::whole(&optimisation, batches.len() as u64);
        let mut members: Vec<Member> =
            (0..stack).map(|_| Member::new(batches.clone(), schedule)).collect();
        fit_stack(
            &mut SideBySide::new(&model, stack, Saving::default())?,
            &mut members,
            &optimisation,
            observe,
        )?;
        members[0].ended()
    } else {
        fit_batches(&model, &batches, &optimisation, observe)?
    };
    if let Ended::Diverged { step, reason, .. } = ended {
        return Err(TrainError::SpeedDiverged { name: workload.name, step, reason });
    }
    let tokens = (at_once * stack * sequences * CONTEXT) as f64;
    let looked_at: Vec<f64> = marks[warm_up - 1..].iter().copied().step_by(at_once).collect();
    let mut speeds: Vec<f64> =
        looked_at.windows(2).map(|mark| tokens / (mark[1] - mark[0])).collect();
    speeds.sort_by(f64::total_cmp);
    Ok(Speed { tokens_per_second: quantile(&speeds, 0.5), losses_nats: losses })
}
