//! Simulated worlds: gains of chosen mixtures hold in them, and bounds are kept.

use super::*;
use crate::numeric::differences::derivative;
use crate::numeric::random::{Item, Purpose, generator};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// A world of four domains and three targets: each target falls with its own domain and a little
/// with a neighbour, and every model has noise of its own.
struct World {
    scales: Vec<f64>,
    exponents: Vec<f64>,
    seed: u64,
}

const NOISE_COMMON: f64 = 0.003;

const NOISE_OWN: f64 = 0.003;

impl World {
    fn new(seed: u64) -> Self {
        let mut random = generator(seed, Purpose::Planted, Item::Of("world"));
        let mut between = |lo: f64, hi: f64| lo + (hi - lo) * random.random::<f64>();
        World {
            scales: (0..3).map(|_| between(0.05, 0.3)).collect(),
            exponents: (0..3).map(|_| between(0.2, 0.6)).collect(),
            seed,
        }
    }

    fn losses(&self, shares: &[f64]) -> Vec<f64> {
        let one = |t: usize| {
            1.5 + self.scales[t]
                * (shares[t] + 0.2 * shares[(t + 1) % 4] + 0.01).powf(-self.exponents[t])
        };
        (0..3).map(one).collect()
    }

    fn mean(&self, shares: &[f64]) -> f64 {
        self.losses(shares).iter().sum::<f64>() / 3.0
    }

    /// Losses of one model.
    fn model(&self, shares: &[f64], number: u64) -> Vec<f64> {
        let mut random = generator(self.seed, Purpose::Planted, Item::NthOf("model", number));
        let mut normal = || -> f64 { StandardNormal.sample(&mut random) };
        let common = NOISE_COMMON * normal();
        self.losses(shares)
            .iter()
            .map(|loss| loss * (common + NOISE_OWN * normal()).exp())
            .collect()
    }

    fn table(&self, runs: u64) -> MixtureTable {
        let mut random = generator(self.seed, Purpose::Planted, Item::Of("design"));
        let mut text = "p_a,p_b,p_c,p_d,loss_a,loss_b,loss_c\n".to_owned();
        for run in 0..runs {
            let parts: Vec<f64> = (0..4).map(|_| -random.random::<f64>().max(1e-9).ln()).collect();
            let shares: Vec<f64> =
                parts.iter().map(|part| part / parts.iter().sum::<f64>()).collect();
            let cells: Vec<String> =
                shares.iter().chain(&self.model(&shares, run)).map(f64::to_string).collect();
            text += &(cells.join(",") + "\n");
        }
        read(&text).unwrap()
    }
}

fn even() -> Vec<f64> {
    vec![0.25; 4]
}

/// The gain that one model of each then shows lies in its interval nine times in ten, though ours
/// was chosen by the laws that predict it; and the choice is near the best there is.
#[test]
fn gains_of_chosen_mixtures_hold_in_simulated_worlds() {
    let (mut held, mut lost, mut attainable) = (0, 0.0, 0.0);
    const WORLDS: u64 = 40;
    for seed in 0..WORLDS {
        let world = World::new(seed);
        let table = world.table(32);
        let fits = MixtureFits::new(&table, &fit_mixtures(&table)).unwrap();
        let laws = fits.laws().unwrap();
        let found = ShareProblem::new(&laws, 100_000).solve(0).unwrap();
        let ours: Vec<f64> = found.domains.iter().map(|row| row.share).collect();
        assert!((ours.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let mean = |losses: Vec<f64>| losses.iter().sum::<f64>() / 3.0;
        let measured = mean(world.model(&even(), 1000)) - mean(world.model(&ours, 1001));
        let gain = found.policies[1].parallot_gains.unwrap();
        held += u64::from(gain.interval_90.contains(measured));
        let f = |shares: &[f64]| {
            let slope = |at: usize| {
                let along = |share: f64| {
                    let mut moved = shares.to_vec();
                    moved[at] = share;
                    world.mean(&moved)
                };
                derivative(along, shares[at], 1e-5)
            };
            (world.mean(shares), (0..4).map(slope).collect())
        };
        let (_, best) = simplex::minimise(f, &even(), &[1e-3; 4], &[1.0; 4]);
        lost += world.mean(&ours) - best;
        attainable += world.mean(&even()) - best;
    }
    println!(
        "gains in their intervals: {held} of {WORLDS}; share of the attainable gain lost: {:.3}",
        lost / attainable
    );
    assert!((32..=40).contains(&held), "{held} of {WORLDS}");
    assert!(lost < 0.15 * attainable, "{lost} of {attainable}");
}

#[test]
fn bounds_blocks_and_a_pull_are_kept() {
    let world = World::new(7);
    let table = world.table(40);
    let fits = MixtureFits::new(&table, &fit_mixtures(&table)).unwrap();
    let again: MixtureFits = serde_json::from_str(&serde_json::to_string(&fits).unwrap()).unwrap();
    let laws = again.laws().unwrap();
    let problem = || ShareProblem::new(&laws, 1000);
    let shares = |problem: ShareProblem<'_>| {
        problem.solve(0).unwrap().domains.iter().map(|row| row.share).collect::<Vec<f64>>()
    };
    let free = shares(problem());
    let bound = problem().max("a", 100).unwrap().min("d", 300).unwrap().solve(0).unwrap();
    assert_eq!(bound.domains.iter().map(|row| row.amount).sum::<u64>(), 1000);
    assert_eq!(
        (bound.domains[0].amount, bound.domains[0].held, bound.domains[3].held),
        (100, Held::Max, Held::Min)
    );
    assert!(
        bound.domains[3].amount == 300
            && bound.policies[0].mean_loss >= problem().solve(0).unwrap().policies[0].mean_loss
    );
    // a block keeps the proportions of the mix in use
    let mix = [("a", 3.0), ("b", 1.0), ("c", 1.0), ("d", 1.0)]
        .map(|(name, part)| (name.to_owned(), part));
    let frozen = shares(
        problem().current(&mix).unwrap().freeze("old", &["a".to_owned(), "b".to_owned()]).unwrap(),
    );
    assert!((frozen[0] - 3.0 * frozen[1]).abs() < 1e-9, "{frozen:?}");
    // the stronger the pull, the nearer the mix
    let apart = |shares: &[f64]| {
        shares
            .iter()
            .zip([0.5, 1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0])
            .map(|(a, b)| (a - b).abs())
            .sum::<f64>()
    };
    let [weak, strong] =
        [0.01, 10.0].map(|pull| apart(&shares(problem().near(&mix, pull).unwrap())));
    assert!(
        apart(&free) >= weak && weak > strong && strong < 0.02,
        "{} {weak} {strong}",
        apart(&free)
    );
    // what cannot be is said
    let error = |problem: Result<ShareProblem<'_>, ShareError>| {
        problem.and_then(|problem| problem.solve(0)).unwrap_err().to_string()
    };
    assert_eq!(
        error(problem().max("e", 1)),
        "`e` is no domain of the fits, expected one of `a`, `b`, `c`, `d`"
    );
    assert_eq!(
        error(problem().min("a", 600).and_then(|p| p.min("b", 600))),
        "the lower bounds of all domains add up to 1.2 of the budget, expected at most 1"
    );
    assert_eq!(
        error(problem().weights(&[("a".to_owned(), -1.0)])),
        "weights of the targets sum to 1, expected numbers not below 0 with a sum above 0"
    );
    assert_eq!(
        error(problem().min("a", 600).and_then(|p| p.max("a", 400))),
        "`a` is held to at least 0.6 and at most 0.4 of the budget, expected a range"
    );
    assert!(
        error(problem().freeze("x", &["a".to_owned(), "b".to_owned()]))
            .starts_with("the block `x` has nothing in the mix in use")
    );
    assert_eq!(
        error(problem().n_params(1e9)),
        "the size of a model is asked for, expected `n_params` of the runs in the table"
    );
    assert_eq!(
        error(problem().epochs(2.0, true)),
        "passes over unique amounts are held, expected a column `unique_DOMAIN` in the table"
    );
    let twice = problem()
        .current(&mix)
        .unwrap()
        .freeze("x", &["a".to_owned(), "b".to_owned()])
        .and_then(|p| p.freeze("y", &["b".to_owned(), "c".to_owned()]));
    assert_eq!(error(twice), "`b` stands in two frozen blocks, expected one");
}
