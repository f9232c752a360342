//! Runs of one length trained side by side as one stack: each with its own batches, rate and
//! gradient norm, and each for itself where it fails.

use super::TrainError;
use super::adamw::{EPS, Factors};
use super::run::{Trained, Tuner};
use super::schedule::Schedule;
use super::steps::{AT_ONCE, Divergence, Ended, Progress, Trail, endless, hopeless, most_nats};
use crate::model::{Batch, Llama, Networks, Part, Saving, Setting, Stack, on_card, take_variables};
use crate::record::RunRecord;
use crate::spec::{Optimisation, RunSpec};
use candle_core::backprop::GradStore;
use candle_core::{DType, Result, Tensor, Var, bail};

/// One run of a stack.
pub struct Member {
    /// Its batches, one per step.
    pub batches: Vec<Batch>,
    /// Its rates.
    pub schedule: Schedule,
    trail: Trail,
    divergence: Option<Divergence>,
}

impl Member {
    /// A run at its start.
    pub fn new(batches: Vec<Batch>, schedule: Schedule) -> Self {
        Member { batches, schedule, trail: Trail::default(), divergence: None }
    }

    /// Tokens read so far.
    pub fn tokens(&self) -> u64 {
        self.trail.tokens()
    }

    /// How it ended.
    pub fn ended(&self) -> Ended {
        self.trail.ended(self.divergence.clone())
    }

    /// The batch of a step, if it takes part in it.
    fn batch(&self, step: u64) -> Option<&Batch> {
        self.batches.get(step as usize).filter(|_| self.divergence.is_none())
    }
}

/// Networks that are trained side by side.
pub enum SideBySide {
    /// By candle's operations, wherever these are.
    Host(Stack),
    /// By our own on a card, which has the variables; beside what they began as.
    Card(Box<dyn Networks>, Llama),
}

impl SideBySide {
    /// `runs` copies of a plain network; only a card saves memory here.
    pub fn new(
        model: &Llama,
        runs: usize,
        saving: Saving,
    ) -> std::result::Result<Self, TrainError> {
        let Saving { micro_batch, recomputes } = saving;
        let setting = Setting {
            micro_batch,
            recomputes,
            hopeless: most_nats(model.config().vocab_size),
            ..Setting::plain(model, runs)
        };
        Ok(match on_card(model, setting)? {
            Some(networks) => SideBySide::Card(networks, model.clone()),
            None => SideBySide::Host(Stack::new(model, runs)?),
        })
    }

    /// A copy of one of them.
    pub fn member(&self, run: usize) -> std::result::Result<Llama, TrainError> {
        Ok(match self {
            SideBySide::Host(stack) => stack.member(run)?,
            SideBySide::Card(networks, model) => {
                let member = model.copy()?;
                take_variables(&member, networks.as_ref(), run)?;
                member
            }
        })
    }
}

/// Trains networks in place on the batches of the members. `observe` sees the steps of the longest
/// of them, and the mean of their losses.
pub fn fit_stack(
    networks: &mut SideBySide,
    members: &mut [Member],
    optimisation: &Optimisation,
    observe: impl FnMut(Progress),
) -> std::result::Result<(), TrainError> {
    match networks {
        SideBySide::Host(stack) => fit_on_host(stack, members, optimisation, observe),
        SideBySide::Card(networks, model) => fit_on_card(
            networks.as_mut(),
            model.config().vocab_size,
            members,
            optimisation,
            observe,
        ),
    }
}

/// Steps of the longest member.
fn most_steps(members: &[Member]) -> u64 {
    members.iter().map(|member| member.batches.len() as u64).max().unwrap_or(0)
}

/// What the members say after a step: those who took part move on or fail.
fn after(
    members: &mut [Member],
    step: u64,
    steps: u64,
    took_part: &[bool],
    told: impl Fn(usize) -> (f64, Option<String>),
) -> Progress {
    let mut sum = 0.0;
    for (run, member) in members.iter_mut().enumerate().filter(|(run, _)| took_part[*run]) {
        let (nats, failed) = told(run);
        sum += nats / member.batches[step as usize].targets() as f64;
        match failed {
            Some(reason) => member.divergence = Some(Divergence { step, reason }),
            None => member.trail.step(&member.batches[step as usize], nats),
        }
    }
    let (count, tokens) =
        (took_part.iter().filter(|&&part| part).count(), members.iter().map(Member::tokens).sum());
    Progress { step: step + 1, steps, tokens, loss_nats: sum / count as f64 }
}

fn fit_on_card(
    networks: &mut dyn Networks,
    vocab_size: usize,
    members: &mut [Member],
    optimisation: &Optimisation,
    mut observe: impl FnMut(Progress),
) -> std::result::Result<(), TrainError> {
    let steps = most_steps(members);
    for from in (0..steps).step_by(AT_ONCE) {
        let until = steps.min(from + AT_ONCE as u64);
        // who does not take part any more computes what another one does, and leaves it
        let parts_of = |step: u64| -> Option<Vec<Part<'_>>> {
            let other = members.iter().find_map(|member| member.batch(step))?;
            let own = members.iter().map(|member| {
                let (own, lr) = (member.batch(step), member.schedule.lr(step));
                Part { batch: own.unwrap_or(other), lr, takes_part: own.is_some() }
            });
            Some(own.collect())
        };
        let parts: Vec<Vec<Part<'_>>> = (from..until).map_while(parts_of).collect();
        if parts.is_empty() {
            return Ok(());
        }
        let told = networks.steps(&parts, optimisation)?;
        for (step, told) in (from..).zip(&told) {
            let took_part: Vec<bool> =
                members.iter().map(|member| member.batch(step).is_some()).collect();
            if !took_part.contains(&true) {
                return Ok(());
            }
            let targets: Vec<usize> =
                members.iter().map(|member| member.batch(step).map_or(0, Batch::targets)).collect();
            let of = |run: usize| {
                (
                    told[run].nats,
                    hopeless(told[run].nats / targets[run] as f64, vocab_size)
                        .or(endless(told[run].norm)),
                )
            };
            observe(after(members, step, steps, &took_part, of));
        }
    }
    Ok(())
}

fn fit_on_host(
    stack: &Stack,
    members: &mut [Member],
    optimisation: &Optimisation,
    mut observe: impl FnMut(Progress),
) -> std::result::Result<(), TrainError> {
    let mut optimiser = StackedAdamW::new(stack, *optimisation)?;
    let steps = most_steps(members);
    for step in 0..steps {
        // who does not take part any more computes what another one does, and leaves it
        let Some(other) = members.iter().find_map(|member| member.batch(step)) else {
            return Ok(());
        };
        let batches: Vec<&Batch> =
            members.iter().map(|member| member.batch(step).unwrap_or(other)).collect();
        let losses = stack.losses(&batches)?; // (R)
        let nats: Vec<f64> = losses.to_dtype(DType::F64)?.to_vec1()?;
        let targets: Vec<f64> = batches.iter().map(|batch| batch.targets() as f64).collect();
        let mut takes_part: Vec<bool> =
            members.iter().map(|member| member.batch(step).is_some()).collect();
        for (run, member) in members.iter_mut().enumerate().filter(|(run, _)| takes_part[*run]) {
            member.divergence = hopeless(nats[run] / targets[run], stack.config().vocab_size)
                .map(|reason| Divergence { step, reason });
        }
        takes_part
            .iter_mut()
            .zip(&*members)
            .for_each(|(takes_part, member)| *takes_part &= member.divergence.is_none());
        let rates: Vec<f64> = members.iter().map(|member| member.schedule.lr(step)).collect();
        let norms =
            optimiser.step(stack, &losses.sum_all()?.backward()?, &targets, &rates, &takes_part)?;
        observe(after(members, step, steps, &takes_part, |run| (nats[run], endless(norms[run]))));
    }
    Ok(())
}

/// AdamW for a stack, with a norm, a scale and a rate a run.
struct StackedAdamW {
    /// First and second moment of each variable, (R, shape).
    moments: Vec<(Tensor, Tensor)>,
    optimisation: Optimisation,
    steps: i32,
}

impl StackedAdamW {
    fn new(stack: &Stack, optimisation: Optimisation) -> Result<Self> {
        let zeros = |var: &Var| Ok((var.zeros_like()?, var.zeros_like()?));
        Ok(StackedAdamW {
            moments: stack.variables().iter().map(zeros).collect::<Result<_>>()?,
            optimisation,
            steps: 0,
        })
    }

    /// One step of the runs that take part, with the gradients of their total losses. Returns the
    /// norm of the gradient of the mean loss of each before clipping; where it is not finite, that
    /// run is left as it was.
    fn step(
        &mut self,
        stack: &Stack,
        gradients: &GradStore,
        targets: &[f64],
        rates: &[f64],
        takes_part: &[bool],
    ) -> Result<Vec<f64>> {
        let gradient = |var: &Var| match gradients.get(var) {
            Some(gradient) => Ok(gradient.clone()),
            None => bail!("variable of a stack without a gradient"),
        };
        let gradients = stack.variables().iter().map(gradient).collect::<Result<Vec<_>>>()?;
        // (R)
        let squares =
            |gradient: &Tensor| gradient.sqr()?.flatten_from(1)?.sum(1)?.to_dtype(DType::F64);
        let squares = gradients.iter().map(squares).collect::<Result<Vec<_>>>()?;
        let squares: Vec<f64> = Tensor::stack(&squares, 0)?.sum(0)?.to_vec1()?;
        let norms: Vec<f64> =
            squares.iter().zip(targets).map(|(square, targets)| square.sqrt() / targets).collect();
        let moves: Vec<bool> = norms
            .iter()
            .zip(takes_part)
            .map(|(norm, &takes_part)| takes_part && norm.is_finite())
            .collect();
        self.steps += 1;
        let Optimisation { beta1, beta2, .. } = self.optimisation;
        let runs = norms.iter().zip(targets).zip(rates);
        let factors: Vec<Factors> = runs
            .map(|((norm, targets), lr)| {
                Factors::new(&self.optimisation, self.steps, *norm, *targets, *lr)
            })
            .collect();
        for ((var, (m, v)), gradient) in
            stack.variables().iter().zip(&mut self.moments).zip(gradients)
        {
            let each = |of: fn(&Factors) -> f64| -> Result<Tensor> {
                let values: Vec<f64> = factors.iter().map(of).collect();
                // (R, 1, ..)
                let shape = [&[values.len()], vec![1; var.dims().len() - 1].as_slice()].concat();
                Tensor::from_vec(values, shape, &candle_core::Device::Cpu)?
                    .to_dtype(var.dtype())?
                    .to_device(var.device())
            };
            let gradient = gradient.broadcast_mul(&each(|f| f.gradient)?)?;
            let next_m = ((&*m * beta1)? + (&gradient * (1.0 - beta1))?)?;
            let next_v = ((&*v * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
            let root = (next_v.broadcast_mul(&each(|f| f.unbias2)?)?.sqrt()? + EPS)?;
            let change = next_m.broadcast_mul(&each(|f| f.rate)?)?.div(&root)?;
            let is_matrix = var.dims().len() > 2;
            let kept = if is_matrix {
                var.broadcast_mul(&each(|f| f.keep)?)?
            } else {
                var.as_tensor().clone()
            };
            let next = (kept - change)?;
            let moved = |new: &Tensor, old: &Tensor| chosen(&moves, new, old);
            (*m, *v) = (moved(&next_m, m)?, moved(&next_v, v)?);
            var.set(&moved(&next, &var.as_detached_tensor())?)?;
        }
        Ok(norms)
    }
}

/// The new rows (first axis) of those who move, the old ones of the others.
fn chosen(moves: &[bool], new: &Tensor, old: &Tensor) -> Result<Tensor> {
    if moves.iter().all(|&moves| moves) {
        return Ok(new.clone());
    }
    let rows = moves
        .iter()
        .enumerate()
        .map(|(run, &moves)| if moves { new } else { old }.narrow(0, run, 1));
    Tensor::cat(&rows.collect::<Result<Vec<_>>>()?, 0)
}

impl Tuner<'_> {
    /// Trains runs of about one length as one stack, and evaluates each. A network that cannot
    /// stand in a stack ([`Llama::is_plain`]), or that is to save memory on the host, is trained by
    /// itself, run after run. The seconds of the training are shared among the runs by their
    /// tokens.
    ///
    /// [`Llama::is_plain`]: crate::model::Llama::is_plain
    pub fn run_stack(
        &self,
        specs: &[RunSpec],
        clock: &dyn Fn() -> f64,
        mut observe: impl FnMut(Progress),
    ) -> std::result::Result<Vec<RunRecord>, TrainError> {
        let tuning = &self.experiment.tuning;
        let saving = Saving { micro_batch: tuning.micro_batch_pairs, recomputes: tuning.recompute };
        let on_host = self.base.model.device().is_cpu();
        if on_host && saving != Saving::default() || !self.fresh_model(0)?.is_plain() {
            return specs.iter().map(|spec| self.run(spec, clock, &mut observe)).collect();
        }
        let start = clock();
        let member = |spec: &RunSpec| {
            let batches = self.batches(spec)?;
            let schedule =
                Schedule::of(&tuning.schedule, &tuning.optimisation, batches.len() as u64);
            Ok(Member::new(batches, schedule))
        };
        let mut members =
            specs.iter().map(member).collect::<std::result::Result<Vec<_>, TrainError>>()?;
        let mut stack = SideBySide::new(&self.base.model, specs.len(), saving)?;
        fit_stack(&mut stack, &mut members, &tuning.optimisation, observe)?;
        let (seconds, tokens) = (clock() - start, members.iter().map(Member::tokens).sum::<u64>());
        let record = |(run, (spec, member)): (usize, (&RunSpec, &Member))| {
            let share = member.tokens() as f64 / tokens.max(1) as f64;
            let trained = Trained {
                tokens_per_second: (tokens > 0).then(|| tokens as f64 / seconds),
                stack: Some(specs.len()),
                ..Trained::of(member.ended(), member.schedule.steps())
            };
            self.record(spec, &stack.member(run)?, trained, clock() - share * seconds, clock)
        };
        specs.iter().zip(&members).enumerate().map(record).collect()
    }
}
