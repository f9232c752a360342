//! Planted laws: time, coverage of the intervals, and the regret of the allocations that the fits
//! lead to.

use parallot::allocate::{Policy, Problem, Term, compare};
use parallot::curve::{Curve, Point};
use parallot::fit::{Fit, Settings, fit_family};
use parallot::law::{Form, Law};
use parallot::numeric::random::{Item, Purpose, generator};
use parallot::solver::Kernel;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

fn normal(generator: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(generator)
}

/// Six languages of a population: floors, scales at 10,000 pairs and exponents, each about its
/// mean.
fn population(generator: &mut ChaCha8Rng, form: Form) -> Vec<Law> {
    let one = |generator: &mut ChaCha8Rng| {
        let alpha = (0.32 + 0.12 * normal(generator)).max(0.08);
        let (rho, floor) =
            ((-0.2 + 0.7 * normal(generator)).exp(), (1.4 + 0.4 * normal(generator)).max(0.2));
        let shift = (1e3f64.ln() + 0.5 * normal(generator)).exp();
        let parameters = match form {
            Form::Power => vec![(floor + rho) * 1e4f64.powf(0.4 * alpha), 0.4 * alpha],
            Form::PowerFloor => vec![floor, rho * 1e4f64.powf(alpha), alpha],
            Form::Offset => vec![floor, rho * (1e4 + shift).powf(alpha), alpha, shift],
            _ => {
                let (beta, transition) = (2.0 * alpha, 1e4f64.powf(2.0 * alpha));
                vec![floor, 2.0 * rho * transition, beta, transition]
            }
        };
        Law::new(form, &parameters).expect("a law")
    };
    (0..6).map(|_| one(generator)).collect()
}

fn curves(
    laws: &[Law],
    sizes: &[f64],
    seeds: u64,
    noise: f64,
    generator: &mut ChaCha8Rng,
) -> Vec<Curve> {
    let curve = |(number, law): (usize, &Law)| {
        let mut points = Vec::new();
        for &pairs in sizes {
            for seed in 0..seeds {
                points.push(Point {
                    pairs,
                    loss_nats: law.loss(pairs) * (noise * normal(generator)).exp(),
                    seed,
                });
            }
        }
        Curve::new(format!("c{number}"), points).expect("a curve")
    };
    laws.iter().enumerate().map(curve).collect()
}

fn together(curves: &[Curve], settings: &Settings) -> Vec<Fit> {
    fit_family(&curves.iter().collect::<Vec<_>>(), settings).expect("fits")
}

const DOUBLINGS: [f64; 8] = [1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 64e3, 128e3];

/// Six curves of eight sizes and three seeds: the time of everything that `fit` does.
pub fn speed() {
    let mut generator = generator(1, Purpose::Planted, Item::All);
    let laws = population(&mut generator, Form::PowerFloor);
    let curves = curves(&laws, &DOUBLINGS, 3, 0.01, &mut generator);
    for draws in [0, 200, 1000] {
        let mut seconds: Vec<f64> = (0..7)
            .map(|_| {
                let start = std::time::Instant::now();
                together(&curves, &Settings { draws, ..Settings::default() });
                start.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        println!("{draws:5} draws: median {:.3} s, least {:.3} s", seconds[3], seconds[0]);
    }
}

/// How often the 90 % interval holds the planted law, within the sizes and at two and eight times
/// the largest.
pub fn coverage() {
    for seeds_sizes in [(1u64, 6usize), (3, 8)] {
        for form in [Form::Power, Form::PowerFloor, Form::Offset, Form::Rectified] {
            for noise in [0.003, 0.01, 0.03] {
                let families = std::env::var("PARALLOT_FAMILIES")
                    .map_or(40, |count| count.parse().expect("a number"));
                let mut held = [[0usize; 3]; 2];
                for family in 0..families {
                    let mut generator = generator(11, Purpose::Planted, Item::Nth(family));
                    let laws = population(&mut generator, form);
                    let sizes = &DOUBLINGS[..seeds_sizes.1];
                    let curves = curves(&laws, sizes, seeds_sizes.0, noise, &mut generator);
                    let settings = Settings { draws: 200, ..Settings::default() };
                    let alone: Vec<Fit> = curves
                        .iter()
                        .map(|curve| parallot::fit::fit(curve, &settings).expect("a fit"))
                        .collect();
                    for (how, fits) in [together(&curves, &settings), alone].iter().enumerate() {
                        for (law, fit) in laws.iter().zip(fits) {
                            let most = sizes[sizes.len() - 1];
                            for (at, pairs) in
                                [most / 4.0, 2.0 * most, 8.0 * most].into_iter().enumerate()
                            {
                                held[how][at] += usize::from(
                                    fit.predict(pairs).interval_90.contains(law.loss(pairs)),
                                );
                            }
                        }
                    }
                }
                let total = 6.0 * families as f64;
                let share = |how: usize, at: usize| 100.0 * held[how][at] as f64 / total;
                println!(
                    "{:11} {} sizes x {} seeds, {:.1} % noise: one family {:.0} % within, {:.0} % \
                    at 2x, {:.0} % at 8x; alone {:.0}, {:.0}, {:.0}",
                    form.name(),
                    seeds_sizes.1,
                    seeds_sizes.0,
                    100.0 * noise,
                    share(0, 0),
                    share(0, 1),
                    share(0, 2),
                    share(1, 0),
                    share(1, 1),
                    share(1, 2)
                );
            }
        }
    }
}

/// Regret of the allocation, per cent of the reducible loss at the optimum, of our fits and of
/// least squares with the true form.
pub fn regret() {
    let six = &DOUBLINGS[..5];
    for (label, form, sizes, budget) in [
        ("5 sizes, 6e5", Form::PowerFloor, six, 600_000u64),
        ("8 sizes, 6e5", Form::PowerFloor, &DOUBLINGS[..], 600_000),
        ("5 sizes, 6e6", Form::PowerFloor, six, 6_000_000),
        ("6 sizes, 6e6, offset", Form::Offset, &DOUBLINGS[..6], 6_000_000),
        ("8 sizes, 6e5, offset", Form::Offset, &DOUBLINGS[..], 600_000),
    ] {
        for noise in [0.005, 0.01, 0.02] {
            let families = std::env::var("PARALLOT_FAMILIES")
                .map_or(100, |count| count.parse().expect("a number"));
            let mut sums = [0.0; 8];
            for family in 0..families {
                let mut generator = generator(23, Purpose::Planted, Item::Nth(family));
                let laws = population(&mut generator, form);
                let curves = curves(&laws, sizes, 1, noise, &mut generator);
                let auto = together(&curves, &Settings { draws: 100, ..Settings::default() });
                let own = together(
                    &curves,
                    &Settings { draws: 0, forms: vec![form], ..Settings::default() },
                );
                let true_problem = problem(&laws, budget);
                let best = true_problem.weighted_loss(&amounts(&true_problem));
                let reducible = best - laws.iter().map(Law::irreducible).sum::<f64>();
                let cost =
                    |pairs: &[u64]| 100.0 * (true_problem.weighted_loss(pairs) - best) / reducible;
                let first = |fit: &Fit| {
                    fit.candidates
                        .iter()
                        .map(|one| one.law)
                        .find(taken)
                        .expect("a law that the allocator takes")
                };
                let plug_in = |fits: &[Fit]| {
                    cost(&amounts(&problem(&fits.iter().map(first).collect::<Vec<_>>(), budget)))
                };
                let comparison =
                    compare(&averaged(&auto, budget), &[Policy::DrawsMean]).expect("an optimum");
                let row = |policy: Policy| {
                    comparison
                        .policies
                        .iter()
                        .find(|row| row.policy == policy)
                        .map_or(f64::NAN, |row| cost(&row.pairs))
                };
                let said = |nats: f64| 100.0 * nats * laws.len() as f64 / reducible;
                let found = [
                    plug_in(&auto),
                    row(Policy::Parallot),
                    row(Policy::DrawsMean),
                    plug_in(&own),
                    row(Policy::Uniform),
                    said(comparison.expected_regret_nats),
                    said(comparison.noise_regret_nats),
                    said(comparison.regret_formula_nats.unwrap_or(f64::NAN)),
                ];
                sums.iter_mut().zip(found).for_each(|(sum, found)| *sum += found / families as f64);
            }
            let [chosen, average, draws, own, uniform, simulated, noise_alone, formula] = sums;
            println!(
                "{label}, {:.1} % noise: average of forms {average:.2} %, chosen form {chosen:.2} \
                %, mean over draws {draws:.2} %, \
                 true form {own:.2} %, uniform {uniform:.2} %; expected by draws {simulated:.2} %, \
                by the formula {formula:.2} %, of noise alone {noise_alone:.2} %",
                100.0 * noise
            );
        }
    }
}

fn problem(laws: &[Law], budget: u64) -> Problem {
    let term =
        |(number, &law): (usize, &Law)| Term { lower: 1, ..Term::new(number.to_string(), law) };
    Problem::new(laws.iter().enumerate().map(term).collect(), budget).expect("a problem")
}

fn amounts(problem: &Problem) -> Vec<u64> {
    problem.solve().expect("an optimum").languages.iter().map(|allocated| allocated.pairs).collect()
}

fn taken(law: &Law) -> bool {
    Kernel::of(law).is_some()
}

/// The problem over the average of the forms, with the draws of the laws.
fn averaged(fits: &[Fit], budget: u64) -> Problem {
    let term = |(number, fit): (usize, &Fit)| Term {
        lower: 1,
        ..Term::new(number.to_string(), fit.average(taken).expect("an average"))
    };
    let draws =
        (0..fits[0].draws.len()).map(|draw| fits.iter().map(|fit| fit.draws[draw]).collect());
    let draws = draws.filter(|laws: &Vec<Law>| laws.iter().all(taken)).collect();
    Problem::new(fits.iter().enumerate().map(term).collect(), budget)
        .expect("a problem")
        .with_draws(draws)
}
