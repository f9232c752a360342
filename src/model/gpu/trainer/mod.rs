//! R plain networks in training on a card: their weights and moments in flat buffers, and the loop
//! over steps.

mod update;

use super::card::{Card, Launch, bytes_of, bytes_of_mut};
use super::feed::{Shape, feed};
use super::layout::Layout;
use super::pass::{Pass, Weights, arguments};
use super::places::{FACTORS, Keeps, Places, Plan, TOLD};
use super::{Networks, Part, Precision, Setting, Told};
use crate::model::attention::Rope;
use crate::model::batch::Batch;
use crate::spec::Optimisation;
use candle_core::Result;
use rayon::prelude::*;
use update::{Last, factors};

/// Threads of a block of the optimiser, and most of its blocks a run.
const THREADS: usize = 256;
const BLOCKS: usize = 1 << 12;

/// Flat buffers, `layout.stride` entries a run.
#[derive(Debug)]
struct Buffers<M> {
    weights: M,
    /// The weights as factors, where they are of another type.
    factors: Option<M>,
    /// Gradients and both moments, once a step has been done.
    trained: Option<[M; 3]>,
}

impl<C: Card + 'static> Networks for Trainer<C> {
    fn steps(
        &mut self,
        steps: &[Vec<Part<'_>>],
        optimisation: &Optimisation,
    ) -> Result<Vec<Vec<Told>>> {
        self.all_steps(steps, optimisation)
    }

    fn loss(&mut self, batches: &[&Batch]) -> Result<Vec<f64>> {
        self.losses(batches)
    }

    fn variables(&self, run: usize) -> Result<Vec<Vec<f32>>> {
        self.variables_of(run)
    }

    fn fork(&self) -> Result<Box<dyn Networks>> {
        Ok(Box::new(self.copy()?))
    }
}

/// What a pass over batches of up to some shape needs.
#[derive(Debug)]
struct Room<M> {
    plan: Plan,
    places: Places,
    _memory: M,
}

/// Networks in training.
#[derive(Debug)]
pub(super) struct Trainer<C: Card> {
    card: C,
    setting: Setting,
    layout: Layout,
    buffers: Buffers<C::Memory>,
    room: Option<Room<C::Memory>>,
    stopped: C::Memory,
    rope: [Vec<f32>; 2],
    steps: i32,
}

impl<C: Card> Trainer<C> {
    /// Networks that all begin with the same variables, in the order of `Llama::variables`.
    pub(super) fn new(
        card: C,
        setting: Setting,
        rope: &Rope,
        variables: &[Vec<f32>],
    ) -> Result<Self> {
        let layout = Layout::new(&setting.config);
        let entries = setting.runs * layout.stride;
        let factors = match setting.precision {
            Precision::F32 => None,
            Precision::Bf16 => Some(card.alloc(2 * entries)?),
        };
        let weights = card.alloc(4 * entries)?;
        let (cos, sin) = rope.tables(rope.context());
        let rope = [cos, sin].map(|table| table.iter().map(|&value| value as f32).collect());
        let stopped = card.alloc(4 * setting.runs)?;
        let buffers = Buffers { weights, factors, trained: None };
        let trainer =
            Trainer { card, setting, layout, buffers, room: None, stopped, rope, steps: 0 };
        for run in 0..setting.runs {
            for (&(from, _), variable) in trainer.layout.variables().iter().zip(variables) {
                let at = 4 * (run * trainer.layout.stride + from) as u64;
                trainer
                    .card
                    .write(C::address(&trainer.buffers.weights) + at, bytes_of(variable))?;
            }
        }
        trainer.round()?;
        Ok(trainer)
    }

    /// A copy that goes on apart, on the same card.
    fn copy(&self) -> Result<Self> {
        let card = self.card.another()?;
        let copy = |memory: &C::Memory, bytes: usize| {
            let own = card.alloc(bytes)?;
            card.copy(C::address(memory), C::address(&own), bytes)?;
            Ok::<_, candle_core::Error>(own)
        };
        let entries = self.setting.runs * self.layout.stride;
        let buffers = Buffers {
            weights: copy(&self.buffers.weights, 4 * entries)?,
            factors: self
                .buffers
                .factors
                .as_ref()
                .map(|memory| copy(memory, 2 * entries))
                .transpose()?,
            trained: match &self.buffers.trained {
                Some([g, m, v]) => {
                    Some([copy(g, 4 * entries)?, copy(m, 4 * entries)?, copy(v, 4 * entries)?])
                }
                None => None,
            },
        };
        let stopped = copy(&self.stopped, 4 * self.setting.runs)?;
        let (layout, rope) = (self.layout.clone(), self.rope.clone());
        Ok(Trainer {
            card,
            setting: self.setting,
            layout,
            buffers,
            room: None,
            stopped,
            rope,
            steps: self.steps,
        })
    }

    /// The weights as factors, from the weights.
    fn round(&self) -> Result<()> {
        let Some(factors) = &self.buffers.factors else { return Ok(()) };
        let entries = self.setting.runs * self.layout.stride;
        let arguments = arguments![C::address(&self.buffers.weights), C::address(factors), entries];
        self.card.launch(&Launch {
            kernel: "round_bf16",
            grid: [entries.div_ceil(THREADS).min(BLOCKS), 1, 1],
            threads: THREADS,
            shared: 0,
            arguments,
        })
    }

    fn variables_of(&self, run: usize) -> Result<Vec<Vec<f32>>> {
        let variable = |&(from, len): &(usize, usize)| {
            let mut values = vec![0.0; len];
            self.card.read(
                C::address(&self.buffers.weights) + 4 * (run * self.layout.stride + from) as u64,
                bytes_of_mut(&mut values),
            )?;
            Ok(values)
        };
        self.layout.variables().iter().map(variable).collect()
    }

    /// Gradients of the last step of a run, likewise.
    #[cfg(test)]
    pub(super) fn gradients(&self, run: usize) -> Result<Vec<Vec<f32>>> {
        let gradients =
            self.buffers.trained.as_ref().map_or(0, |[gradients, ..]| C::address(gradients));
        let variable = |&(from, len): &(usize, usize)| {
            let mut values = vec![0.0; len];
            self.card.read(
                gradients + 4 * (run * self.layout.stride + from) as u64,
                bytes_of_mut(&mut values),
            )?;
            Ok(values)
        };
        self.layout.variables().iter().map(variable).collect()
    }

    /// Makes room for batches of up to a shape; what was there is gone.
    fn make_room(&mut self, shape: Shape, trains: bool) -> Result<()> {
        let keeps = match (trains, self.setting.recomputes) {
            (false, _) => Keeps::Nothing,
            (true, true) => Keeps::Inputs,
            (true, false) => Keeps::All,
        };
        let holds = |room: &Room<C::Memory>| {
            room.plan.keeps == keeps && room.plan.shape.and(shape) == room.plan.shape
        };
        if self.room.as_ref().is_some_and(holds) {
            return Ok(());
        }
        let shape = self.room.as_ref().map_or(shape, |room| room.plan.shape.and(shape));
        // the old memory is free before the new is asked for
        self.room = None;
        let Setting { config, runs, precision, .. } = self.setting;
        let context = self.rope[0].len() / (config.head_dim / 2);
        let plan = Plan { config, runs, shape, context, precision, keeps };
        let (_, bytes) = Places::from(0, &plan, &self.layout);
        let memory = self.card.alloc(bytes)?;
        let (places, _) = Places::from(C::address(&memory), &plan, &self.layout);
        self.card.write(places.cosines, bytes_of(&self.rope[0]))?;
        self.card.write(places.sines, bytes_of(&self.rope[1]))?;
        self.card.forget()?;
        self.room = Some(Room { plan, places, _memory: memory });
        Ok(())
    }

    fn weights(&self) -> Weights {
        let master = C::address(&self.buffers.weights);
        let factors = self.buffers.factors.as_ref().map_or(master, C::address);
        let gradients =
            self.buffers.trained.as_ref().map_or(0, |[gradients, ..]| C::address(gradients));
        Weights { master, factors, gradients }
    }

    fn losses(&mut self, batches: &[&Batch]) -> Result<Vec<f64>> {
        let shape = Shape::of(batches.iter().copied());
        self.make_room(shape, false)?;
        let Some(room) = &self.room else { return Ok(Vec::new()) };
        self.card.write(room.places.feed, bytes_of(&feed(batches, shape)))?;
        let pass = Pass {
            card: &self.card,
            plan: &room.plan,
            layout: &self.layout,
            places: &room.places,
            weights: self.weights(),
            shape,
        };
        pass.loss()?;
        let mut nats = vec![0f32; self.setting.runs * shape.m];
        self.card.read(room.places.nats, bytes_of_mut(&mut nats))?;
        Ok(nats.chunks(shape.m).map(|rows| rows.iter().map(|&row| f64::from(row)).sum()).collect())
    }

    fn all_steps(
        &mut self,
        steps: &[Vec<Part<'_>>],
        optimisation: &Optimisation,
    ) -> Result<Vec<Vec<Told>>> {
        let runs = self.setting.runs;
        let cut: Vec<Vec<Vec<Batch>>> = match self.setting.micro_batch {
            Some(_) => steps
                .iter()
                .map(|parts| {
                    parts.iter().map(|part| part.batch.cut(self.setting.micro_batch)).collect()
                })
                .collect(),
            None => Vec::new(),
        };
        let empty = Batch::new([]);
        let micro = |step: usize| -> Vec<Vec<&Batch>> {
            match cut.get(step) {
                None => vec![steps[step].iter().map(|part| part.batch).collect()],
                Some(of_runs) => {
                    let most = of_runs.iter().map(Vec::len).max().unwrap_or(0);
                    (0..most)
                        .map(|at| {
                            of_runs.iter().map(|parts| parts.get(at).unwrap_or(&empty)).collect()
                        })
                        .collect()
                }
            }
        };
        let largest = (0..steps.len())
            .flat_map(&micro)
            .fold(Shape::default(), |most, batches| most.and(Shape::of(batches)));
        self.make_room(largest, true)?;
        if self.buffers.trained.is_none() {
            let bytes = 4 * runs * self.layout.stride;
            self.buffers.trained =
                Some([self.card.alloc(bytes)?, self.card.alloc(bytes)?, self.card.alloc(bytes)?]);
        }
        // all that the card is told of these steps goes over at once, so that no step waits for the
        // host
        let micro: Vec<Vec<Vec<&Batch>>> = (0..steps.len()).map(micro).collect();
        let feeds: Vec<(Shape, Vec<u32>)> =
            micro.par_iter().flatten().map(|batches| fed(batches)).collect();
        let words = feeds.iter().flat_map(|(_, words)| words.iter().copied()).collect::<Vec<u32>>();
        let step = self.steps;
        let told = (1..)
            .zip(steps)
            .flat_map(|(at, parts)| factors(parts, optimisation, step + at, self.setting.hopeless))
            .collect::<Vec<f64>>();
        self.steps += steps.len() as i32;
        let (told_bytes, factors_bytes) = (runs * TOLD * 8, runs * FACTORS * 8);
        let [words_at, factors_at, history] =
            [4 * words.len(), 8 * told.len(), steps.len() * told_bytes]
                .map(|bytes| self.card.alloc(bytes));
        let (words_memory, factors_memory, history) = (words_at?, factors_at?, history?);
        self.card.write(C::address(&words_memory), bytes_of(&words))?;
        self.card.write(C::address(&factors_memory), bytes_of(&told))?;
        let weights = self.weights();
        let (Some(room), Some([_, m, v])) = (&self.room, &self.buffers.trained) else {
            return Ok(Vec::new());
        };
        let (places, plan, layout) = (&room.places, &room.plan, &self.layout);
        let last = Last {
            weights,
            moments: [m, v].map(C::address),
            stopped: C::address(&self.stopped),
            optimisation,
        };
        let (mut next, mut feeds) = (C::address(&words_memory), feeds.iter());
        for (at, micro) in micro.iter().enumerate() {
            self.card.copy(
                C::address(&factors_memory) + (at * factors_bytes) as u64,
                places.factors,
                factors_bytes,
            )?;
            for (part, (shape, words)) in (0..micro.len()).zip(&mut feeds) {
                self.card.copy(next, places.feed, 4 * words.len())?;
                next += 4 * words.len() as u64;
                let (shape, adds, is_last) = (*shape, part > 0, part + 1 == micro.len());
                let key = (shape.n as u64) << 34
                    | (shape.m as u64) << 2
                    | u64::from(adds) << 1
                    | u64::from(is_last);
                self.card.repeat(key, &|card| {
                    let pass = Pass { card, plan, layout, places, weights, shape };
                    pass.loss_and_gradients(adds)?;
                    last.losses(&pass, adds)?;
                    if is_last { last.update(&pass) } else { Ok(()) }
                })?;
            }
            self.card.copy(
                places.told,
                C::address(&history) + (at * told_bytes) as u64,
                told_bytes,
            )?;
        }
        let mut told = vec![0f64; steps.len() * runs * TOLD];
        self.card.read(C::address(&history), bytes_of_mut(&mut told))?;
        let of_step = |told: &[f64]| {
            told.chunks(TOLD).map(|told| Told { nats: told[0], norm: told[1] }).collect()
        };
        Ok(told.chunks(runs * TOLD).map(of_step).collect())
    }
}

/// The feed of some batches, and its shape.
fn fed(batches: &[&Batch]) -> (Shape, Vec<u32>) {
    let shape = Shape::of(batches.iter().copied());
    (shape, feed(batches, shape))
}
