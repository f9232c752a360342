//! Worlds whose laws are known: what models of a mixture lose in them, and which mixture is best.

use parallot::allocate::{Problem, Term};
use parallot::fit::joint::ModelRun;
use parallot::law::Law;
use parallot::law::joint::{AtTotal, Interference, Joint, References, Setting};
use parallot::numeric::random::{Item, Purpose, generator};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Which law is true.
#[derive(Clone, Copy, PartialEq)]
pub enum Truth {
    /// The joint law that is fitted.
    Same,
    /// Another: what a pair brings goes from language to language,
    /// `y_i = d_i + sum_j tau_ij X_j^a`.
    Pairwise,
}

impl Truth {
    pub fn name(self) -> &'static str {
        match self {
            Truth::Same => "the law that is fitted",
            Truth::Pairwise => "another law",
        }
    }
}

/// What is decided.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    pub languages: usize,
    pub budget: u64,
    /// Whether half of the languages have fewer pairs than an even share.
    pub repeats: bool,
    /// Spread of the effects of the others' data, as of the studies that are like it.
    pub effects: (f64, f64),
    /// Noise of one language in one model, and of a model.
    pub noise_log: (f64, f64),
}

pub const KINDS: [Kind; 3] = [
    Kind {
        name: "6 languages, none repeats",
        languages: 6,
        budget: 28_370,
        repeats: false,
        effects: (0.15, 0.07),
        noise_log: (0.0036, 0.0019),
    },
    Kind {
        name: "13 languages, half repeat",
        languages: 13,
        budget: 78_000,
        repeats: true,
        effects: (0.15, 0.1),
        noise_log: (0.0063, 0.0043),
    },
    Kind {
        name: "40 languages, half repeat",
        languages: 40,
        budget: 240_000,
        repeats: true,
        effects: (0.1, 0.07),
        noise_log: (0.0063, 0.0043),
    },
];

pub struct World {
    pub kind: Kind,
    pub unique: Vec<Option<u64>>,
    laws: Vec<Joint>,
    /// The same where no other language counts.
    alone: Vec<AtTotal>,
    setting: Setting,
    /// Pairs that a pair of the row's language brings to that of the column, where they are drawn.
    taus: Option<Vec<Vec<f64>>>,
    pub noise_log: (f64, f64),
    rng: ChaCha8Rng,
}

/// Exponent of the others' pairs where they go from language to language.
const PAIRWISE: f64 = 0.8;
/// Passes over the unique pairs at most.
pub const PASSES: f64 = 4.0;

impl World {
    pub fn new(kind: Kind, truth: Truth, seed: u64) -> Self {
        let mut rng = generator(seed, Purpose::Planted, Item::Of(kind.name));
        let n = kind.languages;
        let even = kind.budget as f64 / n as f64;
        let references = References { own: 0.3 * even, rest: 0.3 * kind.budget as f64, low: 100.0 };
        let setting = Setting { interference: Interference::Data, references, unique: None };
        let (rest, own) = (normal(&mut rng, -0.25, 0.1), normal(&mut rng, -0.4, 0.4));
        let law = |rng: &mut ChaCha8Rng| {
            Joint::from_array([
                normal(rng, 0.9, 0.3),
                normal(rng, -1.0, 0.15),
                normal(rng, -0.2, 0.3),
                normal(rng, 5.5, 0.5),
                normal(rng, 1.8, 0.3),
                normal(rng, kind.effects.0, kind.effects.1),
                rest,
                own,
            ])
        };
        let laws: Vec<Joint> = (0..n).map(|_| law(&mut rng)).collect();
        let unique = |i: usize, rng: &mut ChaCha8Rng| {
            let few = kind.repeats && i.is_multiple_of(2);
            let over = if few { rng.random_range(0.25..0.9) } else { rng.random_range(4.0..9.0) };
            Some((even * over) as u64)
        };
        let unique: Vec<Option<u64>> = (0..n).map(|i| unique(i, &mut rng)).collect();
        let taus = (truth == Truth::Pairwise).then(|| {
            let tau = |rng: &mut ChaCha8Rng| normal(rng, -0.01, 0.02) * 10.0 / n as f64 * 4.0;
            (0..n).map(|_| (0..n).map(|_| tau(&mut rng)).collect()).collect()
        });
        let none = |unique: &Option<u64>| Setting {
            unique: unique.map(|unique| unique as f64),
            interference: Interference::None,
            ..setting
        };
        // far beyond any amount, so that no tail is read
        let total = 20.0 * kind.budget as f64;
        let alone = laws.iter().zip(&unique).map(|(&law, u)| AtTotal::new(law, none(u), total));
        let alone = alone.collect();
        World { kind, unique, laws, alone, setting, taus, noise_log: kind.noise_log, rng }
    }

    fn setting_of(&self, i: usize) -> Setting {
        let unique = self.unique[i].map(|unique| unique as f64);
        Setting { unique, ..self.setting }
    }

    /// The laws in models of so many pairs, where the law that is fitted is true.
    fn laws_at(&self, total: f64) -> Vec<AtTotal> {
        let law = |i: usize| AtTotal::new(self.laws[i], self.setting_of(i), total);
        (0..self.laws.len()).map(law).collect()
    }

    /// Losses of a mixture, without noise.
    pub fn losses(&self, pairs: &[f64]) -> Vec<f64> {
        let total: f64 = pairs.iter().sum();
        let Some(taus) = &self.taus else {
            let laws = self.laws_at(total);
            return laws.iter().zip(pairs).map(|(law, &own)| law.jet(own).value).collect();
        };
        let powers: Vec<f64> = pairs.iter().map(|pairs| pairs.powf(PAIRWISE)).collect();
        let loss = |i: usize| {
            let brought: f64 =
                (0..pairs.len()).filter(|&j| j != i).map(|j| taus[j][i] * powers[j]).sum();
            // never more than half of what it has of its own goes
            let own = pairs[i] + brought.max(-0.5 * pairs[i]);
            self.alone[i].jet(own.max(1.0)).value
        };
        (0..pairs.len()).map(loss).collect()
    }

    pub fn mean(&self, pairs: &[f64]) -> f64 {
        self.losses(pairs).iter().sum::<f64>() / pairs.len() as f64
    }

    /// A model of a mixture, as it is scored.
    pub fn run(&mut self, pairs: &[u64]) -> ModelRun {
        let pairs: Vec<f64> = pairs.iter().map(|&pairs| pairs as f64).collect();
        let common = self.noise_log.1 * normal(&mut self.rng, 0.0, 1.0);
        let losses = self.losses(&pairs);
        let mut measured = |(loss, &own): (f64, &f64)| {
            let noise = common + self.noise_log.0 * normal(&mut self.rng, 0.0, 1.0);
            (own > 0.0).then(|| loss * noise.exp())
        };
        let loss_nats = losses.into_iter().zip(&pairs).map(&mut measured).collect();
        ModelRun { pairs, loss_nats, is_test: false }
    }

    /// Most pairs per language.
    pub fn caps(&self) -> Vec<f64> {
        let cap = |unique: &Option<u64>| unique.map_or(f64::INFINITY, |u| u as f64 * PASSES);
        self.unique.iter().map(cap).collect()
    }

    /// The best mixture under the truth: by the solver where a language's loss goes by its own
    /// pairs, else by exchange of ever smaller parts.
    pub fn best(&self) -> Vec<f64> {
        let (n, total) = (self.kind.languages, self.kind.budget as f64);
        if self.taus.is_none() {
            let laws = self.laws_at(total).into_iter().map(|law| vec![(1.0, law)]).collect();
            let solved = problem(self, laws).and_then(|problem| problem.solve().ok());
            let pairs = solved.map(|solution| solution.pairs()).unwrap_or_default();
            return pairs.into_iter().map(|pairs| pairs as f64).collect();
        }
        let caps = self.caps();
        let mut pairs = uniform(&caps, total);
        let mut best = self.mean(&pairs);
        let mut part = total / n as f64 / 2.0;
        while part > total / n as f64 / 200.0 {
            let mut is_better = false;
            for from in 0..n {
                for to in 0..n {
                    if from == to || pairs[from] <= part || pairs[to] + part > caps[to] {
                        continue;
                    }
                    pairs[from] -= part;
                    pairs[to] += part;
                    let mean = self.mean(&pairs);
                    if mean < best - 1e-9 {
                        (best, is_better) = (mean, true);
                    } else {
                        pairs[from] += part;
                        pairs[to] -= part;
                    }
                }
            }
            if !is_better {
                part /= 2.0;
            }
        }
        pairs
    }
}

/// Even shares, as far as caps allow.
pub fn uniform(caps: &[f64], total: f64) -> Vec<f64> {
    let (mut lo, mut hi) = (0.0, total);
    for _ in 0..60 {
        let level = 0.5 * (lo + hi);
        let sum: f64 = caps.iter().map(|cap| cap.min(level)).sum();
        if sum < total { lo = level } else { hi = level }
    }
    caps.iter().map(|cap| cap.min(hi)).collect()
}

/// A problem over laws of the budget's total, with the bounds of a world.
pub fn problem(world: &World, laws: Vec<Vec<(f64, AtTotal)>>) -> Option<Problem> {
    let term = |(i, laws): (usize, Vec<(f64, AtTotal)>)| {
        let laws = laws.into_iter().map(|(weight, law)| (weight, Law::at_total(law)));
        let average = parallot::law::Average::new(laws).ok()?;
        let upper = Some(world.caps()[i] as u64);
        let lower = (0.1 * world.kind.budget as f64 / world.kind.languages as f64) as u64;
        Some(Term {
            upper,
            lower,
            unique: world.unique[i],
            ..Term::new(format!("l{i:02}"), average)
        })
    };
    let terms = laws.into_iter().enumerate().map(term).collect::<Option<Vec<_>>>()?;
    Problem::new(terms, world.kind.budget).ok()
}

pub fn normal(rng: &mut ChaCha8Rng, mean: f64, spread: f64) -> f64 {
    let value: f64 = StandardNormal.sample(rng);
    mean + spread * value
}
