//! Studies in a world: models are tuned by a design, a law is fitted, a budget is allocated.

use super::world::{Kind, PASSES, Truth, World, normal, problem, uniform};
use parallot::allocate::{Drawn, Policy, Problem, Term, compare};
use parallot::curve::{Curve, Point};
use parallot::design::{Aim, Decision, Model, SPENT, Standing, around, first};
use parallot::fit::joint::{JointFit, ModelRun, fit_joint};
use parallot::fit::{Settings, fit_all};
use parallot::law::{Average, Law, Repetition};
use parallot::numeric::random::{Item, Purpose, generator};
use parallot::units::{Estimate, Interval};
use parallot::validate::{difference_nats, gain_by_doses};

#[derive(Clone, Copy)]
pub enum Design {
    /// Models of one language each, laws of each language alone.
    Curves,
    /// Half models of one language, half random mixtures; the joint law.
    Half,
    /// The first design; the joint law.
    First,
    /// The same; the mix of the least mean loss over the draws.
    FirstByDraws,
    /// A first design of one model per language, then batches around the optimum so far.
    Batches,
}

impl Design {
    pub const ALL: [Design; 5] =
        [Design::Curves, Design::Half, Design::First, Design::FirstByDraws, Design::Batches];

    pub fn name(self) -> &'static str {
        match self {
            Design::Curves => "models of one language",
            Design::Half => "half one language, half mixtures",
            Design::First => "pooled at once",
            Design::FirstByDraws => "pooled at once, by the mean over draws",
            Design::Batches => "pooled in batches",
        }
    }
}

/// Sizes of models of one language, over an even share of the budget or its unique pairs.
const SIZES: [f64; 4] = [0.125, 0.25, 0.5, 1.0];

/// Share of the attainable gain over uniform that an allocation by so many models loses; none where
/// the design cannot be fitted, and in worlds where next to nothing can be gained.
pub fn compared(kind: Kind, truth: Truth, seed: u64, design: Design, count: usize) -> Option<f64> {
    let mut world = World::new(kind, truth, seed);
    let n = kind.languages;
    let (best, attainable) = attainable(&world)?;
    let ours = match design {
        Design::Curves if count < 3 * n => return None,
        Design::Curves => by_curves(&mut world, count / n)?,
        Design::Half if count < 2 * n => return None,
        Design::Half => {
            let mut runs = alone(&mut world, (count / n / 2).max(1));
            let aim = aim(&world, seed);
            let mut rng = generator(seed, Purpose::Planted, Item::Of("half"));
            while runs.len() < count {
                let total = kind.budget as f64 * [0.03, 0.06, 0.12][runs.len() % 3];
                let shares: Vec<f64> =
                    (0..n).map(|_| (-1.5 * normal(&mut rng, 0.0, 1.0)).exp()).collect();
                let sum: f64 = shares.iter().sum();
                let pairs = shares.iter().zip(&aim.unique).map(|(share, unique)| {
                    ((total * share / sum) as u64).clamp(1, unique.unwrap_or(u64::MAX))
                });
                runs.push(world.run(&pairs.collect::<Vec<_>>()));
            }
            by_joint(&world, &runs)?.0
        }
        Design::First | Design::FirstByDraws => {
            let models = first(&aim(&world, seed), count);
            let runs = tuned(&mut world, &models);
            let (ours, by_draws, _) = by_joint(&world, &runs)?;
            if matches!(design, Design::First) { ours } else { by_draws }
        }
        Design::Batches => {
            let aim = aim(&world, seed);
            let models = first(&aim, n.min(count));
            let mut runs = tuned(&mut world, &models);
            let mut ours = by_joint(&world, &runs)?.0;
            let mut batch = 0;
            while runs.len() < count {
                batch += 1;
                let models = around(&aim, &ours, (n / 2).min(count - runs.len()), batch);
                runs.extend(tuned(&mut world, &models));
                ours = by_joint(&world, &runs)?.0;
            }
            ours
        }
    };
    Some((world.mean(&real(&ours)) - best) / attainable)
}

/// A study that was played to its end.
pub struct Study {
    pub is_decided: bool,
    pub models: usize,
    pub pairs: f64,
    pub regret_nats: f64,
    pub expected_nats: f64,
    pub matters_nats: f64,
    pub gain_nats: f64,
}

/// A first design, then batches until it is decided or can't be afforded.
pub fn played(kind: Kind, truth: Truth, seed: u64) -> Option<Study> {
    let mut world = World::new(kind, truth, 1000 + seed);
    let (best, gain_nats) = attainable(&world)?;
    let aim = aim(&world, seed);
    let models = first(&aim, parallot::design::first_count(kind.languages));
    let mut runs = tuned(&mut world, &models);
    let mut batch = 0;
    loop {
        let (ours, _, standing) = by_joint(&world, &runs)?;
        let matters_nats = standing.seen_nats();
        batch += 1;
        let next = around(&aim, &ours, kind.languages.div_ceil(2), batch);
        let next_pairs: u64 = next.iter().map(Model::total).sum();
        let spent = SPENT * kind.budget as f64;
        let decision = standing.decide(matters_nats, next_pairs as f64, spent);
        if decision != Decision::Undecided {
            return Some(Study {
                is_decided: decision == Decision::Decided,
                models: runs.len(),
                pairs: standing.pairs,
                regret_nats: world.mean(&real(&ours)) - best,
                expected_nats: standing.expected_regret_nats,
                matters_nats,
                gain_nats,
            });
        }
        runs.extend(tuned(&mut world, &next));
    }
}

/// What a dose response and a comparison with uniform measure of an allocation, beside what it
/// truly gains.
pub struct Response {
    pub truth_nats: f64,
    pub by_doses: Estimate,
    pub apart: Estimate,
}

/// The allocation by a first design, put to the test by models of `seeds` on every dose.
pub fn responded(
    kind: Kind,
    truth: Truth,
    seed: u64,
    doses: &[f64],
    seeds: usize,
) -> Option<Response> {
    let mut world = World::new(kind, truth, 2000 + seed);
    let models = first(&aim(&world, seed), parallot::design::first_count(kind.languages));
    let runs = tuned(&mut world, &models);
    let problem = posed(&world, &joint(&world, &runs)?)?;
    let mix = |dose: &f64| Policy::Dose(*dose).allocate(&problem).ok();
    let mixes = doses.iter().map(mix).collect::<Option<Vec<_>>>()?;
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let mut measured = |pairs: &Vec<u64>| {
        let losses = world.run(pairs).loss_nats.into_iter();
        mean(&losses.map(|loss| loss.unwrap_or(f64::NAN)).collect::<Vec<_>>())
    };
    let losses: Vec<Vec<f64>> =
        (0..seeds).map(|_| mixes.iter().map(&mut measured).collect()).collect();
    let by_law: Vec<f64> = mixes.iter().map(|pairs| mean(&problem.losses(pairs))).collect();
    let at = |dose: f64| doses.iter().position(|known| *known == dose);
    let (even, ours) = (at(0.0)?, at(1.0)?);
    let differences: Vec<f64> = losses.iter().map(|losses| losses[even] - losses[ours]).collect();
    Some(Response {
        truth_nats: world.mean(&real(&mixes[even])) - world.mean(&real(&mixes[ours])),
        by_doses: gain_by_doses(doses, &losses, &by_law)?.0,
        apart: Estimate::of_mean(&differences)?,
    })
}

/// The least loss that can be had, and what it gains over uniform; none where that is nothing.
fn attainable(world: &World) -> Option<(f64, f64)> {
    let best = world.mean(&world.best());
    let gain = world.mean(&uniform(&world.caps(), world.kind.budget as f64)) - best;
    (gain > 1e-4).then_some((best, gain))
}

fn aim(world: &World, seed: u64) -> Aim {
    Aim { budget: world.kind.budget, unique: world.unique.clone(), passes: PASSES, seed }
}

fn tuned(world: &mut World, models: &[Model]) -> Vec<ModelRun> {
    models.iter().map(|model| world.run(&model.pairs)).collect()
}

fn real(pairs: &[u64]) -> Vec<f64> {
    pairs.iter().map(|&pairs| pairs as f64).collect()
}

/// Models of one language, so many sizes each.
fn alone(world: &mut World, sizes: usize) -> Vec<ModelRun> {
    let n = world.kind.languages;
    let even = world.kind.budget as f64 / n as f64;
    let mut runs = Vec::new();
    for lang in 0..n {
        for size in &SIZES[SIZES.len() - sizes.min(SIZES.len())..] {
            let mut pairs = vec![0; n];
            // none repeats: a law of one language needs three sizes that don't
            let unique = world.unique[lang].map_or(even, |unique| even.min(unique as f64));
            pairs[lang] = (size * unique) as u64;
            runs.push(world.run(&pairs));
        }
    }
    runs
}

/// The allocation by laws of each language alone.
fn by_curves(world: &mut World, sizes: usize) -> Option<Vec<u64>> {
    let runs = alone(world, sizes);
    let n = world.kind.languages;
    let curve = |lang: usize| {
        let points = runs.iter().filter(|run| run.pairs[lang] > 0.0).map(|run| Point {
            pairs: run.pairs[lang],
            loss_nats: run.loss_nats[lang].unwrap_or(f64::NAN),
            seed: 0,
        });
        Curve::new(format!("l{lang:02}"), points.collect()).ok()
    };
    let curves = (0..n).map(curve).collect::<Option<Vec<_>>>()?;
    let settings = Settings { draws: 0, ..Settings::default() };
    let fits = fit_all(&curves, &settings, &world.unique).ok()?;
    let term = |(i, fit): (usize, &parallot::fit::Fit)| {
        let r_star = fit.repetition.as_ref().map(|repetition| repetition.r_star.value);
        let repetition = fit.unique.zip(r_star);
        let repetition = repetition.and_then(|(unique, r)| Repetition::new(unique as f64, r).ok());
        Term {
            upper: Some(world.caps()[i] as u64),
            unique: world.unique[i],
            repetition,
            ..Term::new(fit.curve.clone(), Average::from(fit.law))
        }
    };
    let terms: Vec<Term> = fits.iter().enumerate().map(term).collect();
    Some(Problem::new(terms, world.kind.budget).ok()?.solve().ok()?.pairs())
}

/// The joint law of some models.
fn joint(world: &World, runs: &[ModelRun]) -> Option<JointFit> {
    let langs: Vec<String> = (0..world.kind.languages).map(|i| format!("l{i:02}")).collect();
    let unique: Vec<Option<f64>> =
        world.unique.iter().map(|unique| unique.map(|unique| unique as f64)).collect();
    let settings = Settings { draws: 60, ..Settings::default() };
    fit_joint(&langs, runs, &unique, &settings).ok()
}

/// The budget of a world by a joint law, with its draws.
fn posed(world: &World, fit: &JointFit) -> Option<Problem> {
    let total = world.kind.budget as f64;
    let drawn = fit.draws_at(total).into_iter().map(|draw| {
        draw.into_iter().map(|law| Drawn::from(Law::at_total(law))).collect::<Vec<_>>()
    });
    Some(problem(world, fit.laws_at(total))?.with_draws(drawn.collect()))
}

/// The allocation by the joint law of some models, that of the least mean over its draws, and what
/// is known by it.
fn by_joint(world: &World, runs: &[ModelRun]) -> Option<(Vec<u64>, Vec<u64>, Standing)> {
    let n = world.kind.languages;
    let fit = joint(world, runs)?;
    let problem = posed(world, &fit)?;
    let policies = [Policy::Parallot, Policy::Uniform, Policy::DrawsMean];
    let comparison = compare(&problem, &policies).ok()?;
    let ours = comparison.allocation.pairs();
    let by_draws = comparison.policies.last()?.pairs.clone();
    let losses: Vec<f64> = problem.losses(&ours);
    let [own, common] = fit.noise_log();
    let nothing = Estimate { value: 0.0, interval_90: Interval { lo: 0.0, hi: 0.0 } };
    let standing = Standing {
        models: runs.len(),
        pairs: runs.iter().map(ModelRun::total).sum(),
        expected_regret_nats: comparison.expected_regret_nats,
        gain_nats: comparison.policies[0].gain_nats.unwrap_or(nothing),
        difference_nats: difference_nats(&vec![1.0; n], &losses, &vec![own; n], common),
    };
    Some((ours, by_draws, standing))
}
