//! Tables that are read and refused, and mixtures of a known law that are predicted.

use super::*;
use crate::files;
use crate::numeric::differences::derivative;
use crate::numeric::random::{Item, Purpose, generator};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use std::path::PathBuf;

fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    files::write(&path, text.as_bytes()).unwrap();
    path
}

fn read(text: &str) -> Result<MixtureTable, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, "t.csv", text);
    MixtureTable::read(&path, None)
        .map_err(|error| error.to_string().replace(&path.display().to_string(), "t.csv"))
}

#[test]
fn shares_and_amounts_are_one_table() {
    let shares = read("run,p_a,p_b,loss_t,split,n_params,total\nx,0.25,0.75,2.5,,1e6,400\ny,1,,,predict,1e6,400\n").unwrap();
    let [x, y] = [shares.fitted().next().unwrap(), shares.asked().next().unwrap()];
    assert_eq!(
        (x.shares.as_slice(), x.total, x.n_params, x.losses.as_slice()),
        ([0.25, 0.75].as_slice(), Some(400.0), Some(1e6), [Some(2.5)].as_slice())
    );
    assert_eq!(
        (y.shares.as_slice(), y.losses.as_slice()),
        ([1.0, 0.0].as_slice(), [None].as_slice())
    );
    let amounts = read("run,x_a,x_b,loss_t\nx,100,300,2.5\n").unwrap();
    assert_eq!(amounts.fitted().next().unwrap().shares, [0.25, 0.75]);
    assert_eq!(amounts.fitted().next().unwrap().total, Some(400.0));
    let folder = tempfile::tempdir().unwrap();
    let (ratios, metrics) = (
        write(&folder, "r.csv", "index,a,b\n1,0.25,0.75\n2,1,0\n"),
        write(&folder, "m.csv", "index,t\n2,3\n1,2.5\n"),
    );
    let two = MixtureTable::read(&ratios, Some(&metrics)).unwrap();
    assert_eq!(
        (two.domains(), two.targets()),
        (["a".to_owned(), "b".to_owned()].as_slice(), ["t".to_owned()].as_slice())
    );
    assert_eq!(two.fitted().map(|run| run.losses[0].unwrap()).collect::<Vec<_>>(), [2.5, 3.0]);
    let less = write(&folder, "l.csv", "index,t\n1,2.5\n");
    assert!(
        MixtureTable::read(&ratios, Some(&less))
            .unwrap_err()
            .to_string()
            .ends_with("no row for the run `2`, which the other table has")
    );
    let more = write(&folder, "o.csv", "index,t\n1,2.5\n2,3\n3,4\n");
    assert!(
        MixtureTable::read(&ratios, Some(&more))
            .unwrap_err()
            .to_string()
            .ends_with("no row for the run `3`, which the other table has")
    );
}

#[test]
fn what_is_no_table_is_said_to_be_none() {
    for (text, expected) in [
        (
            "p_a,p_b,loss_t,note\n",
            "`t.csv`: the column `note`, expected `run`, `split`, `seed`, `total`, `n_params`, \
            `p_DOMAIN` or `x_DOMAIN`, `unique_DOMAIN`, and `loss_TARGET`",
        ),
        ("p_a,p_b\n", "`t.csv`: 0 columns of targets, expected at least 1"),
        ("p_a,loss_t\n", "`t.csv`: 1 columns of domains, expected at least 2"),
        ("p_a,x_b,loss_t\n", "`t.csv`: columns `p_…` and `x_…`, expected shares or amounts"),
        ("p_a,p_b,p_b,loss_t\n", "`t.csv`: the column `p_b` stands in the header twice"),
        ("p_a,p_b,loss_t\n.5,.4,2\n", "`t.csv`: row 1: the shares add up to 0.9, expected 1"),
        (
            "p_a,p_b,loss_t\n.5,.5,-2\n",
            "`t.csv`: row 1, column `loss_t`: found `-2`, expected a finite number above 0",
        ),
        ("x_a,x_b,loss_t\n0,0,2\n", "`t.csv`: row 1: all amounts are 0, expected one above"),
        (
            "x_a,x_b,total,loss_t\n1,2,4,2\n",
            "`t.csv`: row 1: `total` is 4, expected 3, the sum of its amounts",
        ),
        (
            "p_a,p_b,n_params,loss_t\n1,0,1e6,2\n0,1,,3\n",
            "`t.csv`: row 2, column `n_params`: found nothing, expected a number as in other rows",
        ),
        (
            "run,p_a,p_b,loss_t\nx,1,0,2\nx,0,1,2\n",
            "`t.csv`: two rows for the run `x`, expected one",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), expected);
    }
}

/// Runs on a design without a pattern, of which the last `asked` are to be predicted, with the
/// losses of a law of three domains.
fn planted(runs: usize, asked: usize) -> (MixtureTable, Vec<f64>) {
    let mut text = String::from("p_a,p_b,p_c,n_params,loss_t,loss_u,split\n");
    let mut truth = Vec::new();
    for at in 0..runs {
        let [a, b, c] = crate::numeric::random::halton(at + 1).map(|u| -u.ln());
        let (sum, n) = (a + b + c, [1e6f64, 1e7][at % 2]);
        let [a, b, c] = [a, b, c].map(|part| part / sum);
        let loss = 1.5 + 0.4 * (a + 0.3 * b + 0.02).powf(-0.3) + 3.0 * n.powf(-0.2) + 0.1 * c;
        truth.push(loss);
        let split = if at + asked >= runs { "predict" } else { "" };
        text += &format!("{a},{b},{c},{n},{loss},{},{split}\n", if at < 3 { "2" } else { "" });
    }
    (read(&text).unwrap(), truth.split_off(runs - asked))
}

#[test]
fn mixtures_of_a_known_law_are_predicted() {
    let (table, truth) = planted(48, 16);
    let fits = fit_mixtures(&table);
    // three losses are too few
    assert_eq!(fits[1], None);
    let fit = fits[0].as_ref().unwrap();
    assert_eq!((fit.left_out.runs, fit.predicted.len()), (32, 16));
    assert!(
        fit.left_out.error < 0.004
            && fit.left_out.spearman.unwrap() > 0.98
            && fit.left_out.within_90 > 0.7,
        "{:?}",
        fit.left_out
    );
    let errors: Vec<f64> = fit
        .predicted
        .iter()
        .zip(&truth)
        .map(|(predicted, truth)| (predicted.loss / truth - 1.0).abs())
        .collect();
    assert!(errors.iter().sum::<f64>() / 16.0 < 0.004, "{errors:?}");
    let inside = fit.predicted.iter().zip(&truth).filter(|(predicted, truth)| {
        (predicted.interval_90.lo..=predicted.interval_90.hi).contains(truth)
    });
    assert!(inside.count() >= 12);
    assert!(
        fit.predicted.iter().all(|one| one.interval_90.lo < one.interval_50.lo
            && one.interval_50.hi < one.interval_90.hi)
    );
}

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

/// One tight bound does not free the others: what was tried gives way as far as there is need of
/// room.
#[test]
fn what_was_tried_gives_way_no_further_than_it_must() {
    let rows: String = (0..12)
        .map(|at| {
            let (a, b) = (0.2 + 0.2 * (at % 4) as f64 / 3.0, 0.2 + 0.2 * (at / 4) as f64 / 2.0);
            format!("{a},{b},{},{}\n", 1.0 - a - b, 3.0 - a - 2.0 * b)
        })
        .collect();
    let table = read(&format!("p_a,p_b,p_c,loss_t\n{rows}")).unwrap();
    let fits = MixtureFits::new(&table, &fit_mixtures(&table)).unwrap();
    let laws = fits.laws().unwrap();
    let found = ShareProblem::new(&laws, 1000).max("a", 50).unwrap().solve(0).unwrap();
    let shares: Vec<f64> = found.domains.iter().map(|row| row.share).collect();
    // 0.05 to a; b and c have 0.95 between them, which is 0.05 beyond the 0.4 and 0.6 that were
    // tried of each at most only in part
    assert!((shares[0] - 0.05).abs() < 1e-9 && shares[1] < 0.5 && shares[2] > 0.45, "{shares:?}");
    assert_eq!(found.domains[0].held, Held::Max);
    assert!(
        !found.policies[0].is_tried && !found.verdict.starts_with("follow"),
        "{}",
        found.verdict
    );
}

#[test]
fn unique_amounts_cap_passes() {
    let rows: String = (0..12)
        .map(|at| {
            let a = 0.1 + 0.07 * at as f64;
            format!("{a},{},500,2000,{}\n", 1.0 - a, 2.0 - 0.5 * a)
        })
        .collect();
    let table = read(&format!("p_a,p_b,unique_a,unique_b,loss_t\n{rows}")).unwrap();
    let fits = MixtureFits::new(&table, &fit_mixtures(&table)).unwrap();
    let laws = fits.laws().unwrap();
    let found = ShareProblem::new(&laws, 2000).epochs(2.0, true).unwrap().solve(0).unwrap();
    assert_eq!((found.domains[0].amount, found.domains[0].held), (1000, Held::Max));
    assert!(
        found.policies.iter().any(|row| row.policy == "proportional" && row.amounts == [400, 1600])
    );
    for (text, expected) in [
        (
            "p_a,p_b,unique_c,loss_t\n.5,.5,3,2\n",
            "`t.csv`: the column `unique_c`, expected a domain of the table: `a`, `b`",
        ),
        (
            "p_a,p_b,unique_a,loss_t\n.5,.5,3,2\n.5,.5,4,2\n",
            "`t.csv`: row 2, column `unique_a`: found 4, expected 3 as in an earlier row",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), expected);
    }
}

/// What one model of a mixture gains over one of another lies in its interval nine times in ten:
/// held-out runs of the Pile, pairs of one size.
#[test]
fn gains_between_held_out_runs_of_the_pile_hold() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/fitdata/mixture/pile5.csv");
    if !path.exists() {
        assert!(std::env::var("CI").is_err(), "the published mixtures are missing");
        println!("skipped: the published mixtures are not here");
        return;
    }
    let text = files::read_text(&path)
        .unwrap()
        .replacen("model,", "n_params,", 1)
        .replace("M,train,", "e6,fit,")
        .replace("M,eval,", "e6,predict,");
    let table = read(&text).unwrap();
    let fits = MixtureFits::new(&table, &fit_mixtures(&table)).unwrap();
    let laws = fits.laws().unwrap();
    let asked: Vec<&Run> = table.asked().collect();
    let mean = |run: &Run| run.losses.iter().map(|loss| loss.unwrap()).sum::<f64>() / 5.0;
    let (mut pairs, mut held, mut signs) = (0, 0, 0);
    for (at, a) in asked.iter().enumerate() {
        for b in asked[..at].iter().filter(|b| b.n_params == a.n_params) {
            let gain = ShareProblem::new(&laws, 1)
                .n_params(a.n_params.unwrap())
                .unwrap()
                .gain(&a.shares, &b.shares);
            let measured = mean(b) - mean(a);
            pairs += 1;
            held += usize::from(gain.interval_90.contains(measured));
            signs += usize::from((gain.value > 0.0) == (measured > 0.0));
        }
    }
    println!("{held} of {pairs} gains in their intervals, {signs} of the right sign");
    assert!(
        pairs == 60 && held * 100 >= 80 * pairs && signs * 100 >= 80 * pairs,
        "{held} and {signs} of {pairs}"
    );
}
