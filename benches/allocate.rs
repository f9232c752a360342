//! Milliseconds and gaps of the allocator on random problems of each kind:
//! `cargo bench --bench allocate -- [part of a name]`.

use parallot::law::Repetition;
use parallot::numeric::random::{Item, Purpose, generator};
use parallot::solver::{
    Counted, Kernel, Language, Over, Parts, PosedProblem, Risk, Row, Rule, solve,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Pairs per language at an even share.
const SHARE: f64 = 2e4;

/// A random law: P-shaped, rectified with an exponent below 1, or S-shaped.
#[derive(Clone, Copy)]
enum Shape {
    Power,
    Rectified,
    SShaped,
}

fn law(shape: Shape, rng: &mut ChaCha8Rng) -> Kernel {
    let (floor, reducible) = (rng.random_range(0.0..2.5), 10f64.powf(rng.random_range(-0.5..0.6)));
    match shape {
        Shape::Power => {
            let (exponent, offset) =
                (rng.random_range(0.1..0.7), SHARE * 10f64.powf(rng.random_range(-2.0..0.7)));
            Kernel::shifted(floor, reducible * (SHARE + offset).powf(exponent), exponent, offset)
        }
        Shape::Rectified | Shape::SShaped => {
            let range = if matches!(shape, Shape::SShaped) { 1.2..3.0 } else { 0.2..1.0 };
            let exponent: f64 = rng.random_range(range);
            let transition = (SHARE * 10f64.powf(rng.random_range(-1.0..0.5))).powf(exponent);
            Kernel::rectified(
                floor,
                reducible * (transition + SHARE.powf(exponent)),
                exponent,
                transition,
            )
        }
    }
}

/// `n` languages with `draws` laws each, and a budget of an even share per language.
fn parts(n: usize, draws: usize, shape: Shape, rng: &mut ChaCha8Rng) -> Parts {
    let language = |i: usize| Language {
        name: format!("l{i}"),
        weight: rng.random_range(0.5..1.5),
        cost: if rng.random_bool(0.5) { 1.0 } else { rng.random_range(0.5..2.0) },
        lower: 0.0,
        upper: None,
        laws: (0..draws).map(|_| law(shape, rng)).collect(),
        draws: Vec::new(),
        repeat: None,
        grain: None,
    };
    let languages = (0..n).map(language).collect();
    Parts {
        languages,
        budget: SHARE * n as f64,
        is_exact: false,
        rows: Vec::new(),
        transfer: Vec::new(),
        counted: Counted::Effective,
        over: Over::Sum,
        risk: Risk::Mean,
    }
}

/// Transfer from the languages for which `profits` says so.
fn transfer(
    parts: Parts,
    most: f64,
    rng: &mut ChaCha8Rng,
    profits: impl Fn(usize, usize) -> bool,
) -> Parts {
    let n = parts.languages.len();
    let pairs =
        (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|&(i, j)| i != j && profits(i, j));
    Parts { transfer: pairs.map(|(i, j)| (i, j, rng.random_range(0.0..most))).collect(), ..parts }
}

fn groups(mut parts: Parts, rows: usize, rng: &mut ChaCha8Rng) -> Parts {
    let n = parts.languages.len();
    let group = |g: usize| {
        let terms: Vec<(usize, f64)> =
            (0..n).filter(|_| rng.random_bool(0.15)).map(|j| (j, 1.0)).chain([(g, 1.0)]).collect();
        let amount = SHARE * terms.len() as f64 * rng.random_range(0.5..0.8);
        Row {
            name: format!("g{g}"),
            terms,
            rule: if g.is_multiple_of(2) { Rule::AtMost } else { Rule::AtLeast },
            amount,
        }
    };
    parts.rows = (0..rows).map(group).collect();
    parts.budget *= 1.2;
    parts
}

fn each(mut parts: Parts, mut change: impl FnMut(&mut Language)) -> Parts {
    parts.languages.iter_mut().for_each(&mut change);
    parts
}

/// Every problem of the table in `benches/README.md`.
fn problems(rng: &mut ChaCha8Rng) -> Vec<(String, Parts)> {
    let mut all = vec![
        ("separable, closed forms, n = 10,000".to_owned(), parts(10_000, 1, Shape::Power, rng)),
        ("separable, rectified, n = 10,000".to_owned(), parts(10_000, 1, Shape::Rectified, rng)),
    ];
    let repeated = parts(10_000, 1, Shape::Power, rng);
    let repeated = each(repeated, |language| {
        let (unique, r_star) =
            (SHARE * 10f64.powf(rng.random_range(-1.3..0.3)), rng.random_range(2.0..15.0));
        language.repeat = Some(Repetition::new(unique, r_star).expect("both numbers are above 0"));
    });
    all.push(("separable, repetition, n = 10,000".to_owned(), repeated));
    all.push(("mean over draws, 6 x 200".to_owned(), parts(6, 200, Shape::Power, rng)));
    all.push(("mean over draws, 300 x 30".to_owned(), parts(300, 30, Shape::Power, rng)));
    for n in [100, 200, 400] {
        let plain = parts(n, 1, Shape::Power, rng);
        all.push((
            format!("dense transfer, n = {n}"),
            transfer(plain, 1.0 / (n as f64).sqrt(), rng, |_, _| true),
        ));
    }
    for n in [1000, 3000] {
        let plain = parts(n, 1, Shape::Power, rng);
        all.push((
            format!("sparse transfer in families of 20, n = {n}"),
            transfer(plain, 0.2, rng, |i, j| i / 20 == j / 20),
        ));
    }
    let worst = Parts { over: Over::Worst, ..parts(5000, 1, Shape::Power, rng) };
    all.push(("worst of 5,000".to_owned(), worst));
    all.push((
        "CVaR over draws, 12 x 200".to_owned(),
        Parts { risk: Risk::Cvar { level: 0.9 }, ..parts(12, 200, Shape::Power, rng) },
    ));
    let plain = parts(100, 1, Shape::Power, rng);
    all.push(("groups, n = 100 x 12".to_owned(), groups(plain, 12, rng)));
    let mut s_shaped = parts(100, 1, Shape::SShaped, rng);
    s_shaped.budget *= 0.5;
    all.push(("S-shaped, n = 100".to_owned(), s_shaped));
    let mut whole = each(parts(1000, 1, Shape::Rectified, rng), |language| {
        (language.cost, language.grain) = (1.0, Some(1.0))
    });
    whole.budget = 1e6;
    all.push(("whole numbers, n = 1,000, budget 1e6".to_owned(), whole));
    all
}

#[allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench reports to a person")]
fn main() {
    let wanted =
        std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let problems = problems(&mut generator(1, Purpose::Planted, Item::All));
    println!("{:<46} {:>10} {:>10} {:>9}", "problem", "median ms", "least ms", "gap");
    for (name, parts) in problems.into_iter().filter(|(name, _)| name.contains(&wanted)) {
        let problem = PosedProblem::new(parts).unwrap();
        let gap = solve(&problem).map_or(f64::NAN, |solved| solved.gap);
        let time = |_| {
            let start = Instant::now();
            let _ = std::hint::black_box(solve(&problem));
            1e3 * start.elapsed().as_secs_f64()
        };
        let mut times: Vec<f64> = (0..21).map(time).collect();
        times.sort_by(f64::total_cmp);
        println!("{name:<46} {:>10.3} {:>10.3} {gap:>9.1e}", times[times.len() / 2], times[0]);
    }
}
