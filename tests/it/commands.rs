//! Random commands of `allocate`, whole: what is spent is at most the budget, all of a budget of
//! pairs is given, bounds and groups are kept.
//!
//! More of them, and how long they took:
//!
//! ```sh
//! export PARALLOT_COMMANDS=2000 PROPTEST_RNG_SEED=17
//! cargo test --release --locked --test it commands -- --nocapture
//! ```

use super::place::{Place, Ran};
use parallot::numeric::random::{Item, Purpose, generator};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Instant;

/// Fits that the repository keeps, and the codes of their languages as people write them.
const FITS: [(&str, &[&str]); 2] = [
    ("bible-six", &["ar", "el", "hi", "ru", "vi", "zh"]),
    ("thirteen", &["ar", "de", "el", "fr", "hi", "id", "ja", "ru", "es", "sw", "tr", "vi", "zh"]),
];

/// A command and what it asks for, as its result is checked.
#[derive(Default)]
struct Asked {
    line: String,
    languages: Vec<&'static str>,
    /// In units of cost: 1 for a pair of a budget of pairs, tokens where the result says so.
    budget: f64,
    in_tokens: bool,
    prices: BTreeMap<usize, f64>,
    least: BTreeMap<usize, f64>,
    most: BTreeMap<usize, f64>,
    groups: Vec<(Vec<usize>, &'static str, f64)>,
    has_cost: bool,
}

/// A number whose logarithm is even between two others.
fn spread(random: &mut ChaCha8Rng, least: f64, most: f64) -> f64 {
    (least.ln() + (most / least).ln() * random.random::<f64>()).exp()
}

/// Four significant digits, as people write.
fn written(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap()
}

fn asked(random: &mut ChaCha8Rng) -> Asked {
    let (fits, languages) = FITS[random.random_range(0..2)];
    let home = env!("CARGO_MANIFEST_DIR");
    let mut asked = Asked { languages: languages.to_vec(), ..Asked::default() };
    asked.line = format!("allocate --fits {home}/fits/{fits}/fits.json --json");
    let n = languages.len();
    match random.random_range(0..4) {
        0 => {
            asked.has_cost = true;
            for i in (0..n).filter(|_| random.random_bool(0.5)).collect::<Vec<_>>() {
                let price = written(spread(random, 1e-3, 300.0));
                asked.prices.insert(i, price);
                asked.line += &format!(" --price {}={price}", languages[i]);
            }
            asked.budget = written(spread(random, 20.0, 1e5));
            asked.line += &format!(" --budget-cost {}", asked.budget);
        }
        1 => {
            (asked.has_cost, asked.in_tokens) = (true, true);
            asked.budget = spread(random, 1e4, 1e7).round();
            asked.line += &format!(" --unit tokens --budget {}", asked.budget);
        }
        _ => {
            asked.budget = spread(random, 10.0, 1e6).round();
            asked.line += &format!(" --budget {}", asked.budget);
        }
    }
    let share = asked.budget / n as f64;
    for (i, code) in languages.iter().enumerate() {
        if random.random_bool(0.15) {
            asked.line += &format!(" --weight {code}={}", written(spread(random, 1e-5, 100.0)));
        }
        if random.random_bool(0.1) && !asked.prices.contains_key(&i) {
            let least = (spread(random, 1e-3, 0.5) * share).round();
            asked.least.insert(i, least);
            asked.line += &format!(" --min {code}={least}");
        }
        if random.random_bool(0.1)
            && !asked.prices.contains_key(&i)
            && !asked.least.contains_key(&i)
        {
            let most = (spread(random, 0.1, 20.0) * share).ceil();
            asked.most.insert(i, most);
            asked.line += &format!(" --max {code}={most}");
        }
    }
    if random.random_bool(0.25) {
        asked.line += " --transfer";
        return asked;
    }
    for g in 0..random.random_range(0..3) {
        let members: Vec<usize> = (0..n).filter(|_| random.random_bool(0.3)).collect();
        if !members.is_empty() {
            let (rule, percent) =
                ([">=", "<=", "="][random.random_range(0..3)], random.random_range(1..100));
            let codes: Vec<&str> = members.iter().map(|&i| languages[i]).collect();
            asked.line += &format!(" --group g{g}:{}{rule}{percent}%", codes.join("+"));
            asked.groups.push((members, rule, 0.01 * f64::from(percent)));
        }
    }
    asked.line +=
        ["", "", " --objective worst", " --objective cvar:0.8"][random.random_range(0..4)];
    asked
}

/// Checks a result against what was asked.
fn check(asked: &Asked, ran: &Ran) {
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let comparison = &answer["comparison"];
    let pairs: Vec<f64> = comparison["allocation"]["languages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|language| language["pairs"].as_f64().unwrap())
        .collect();
    let costs: Vec<f64> = answer["terms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|term| if asked.has_cost { term["cost"].as_f64().unwrap() } else { 1.0 })
        .collect();
    let sum = |members: &[usize]| members.iter().map(|&i| costs[i] * pairs[i]).sum::<f64>();
    let spent = sum(&(0..pairs.len()).collect::<Vec<_>>());
    assert!(spent <= asked.budget * (1.0 + 1e-9), "{spent} of {} spent\n{ran}", asked.budget);
    if !asked.has_cost && asked.groups.is_empty() {
        assert_eq!(spent, asked.budget, "{ran}");
    }
    // a bound in tokens is one of pairs, rounded to the inside
    let counted = |i: usize| if asked.in_tokens { costs[i] * pairs[i] } else { pairs[i] };
    asked.least.iter().for_each(|(&i, &least)| {
        assert!(counted(i) >= least * (1.0 - 1e-9), "{}\n{ran}", asked.languages[i])
    });
    asked.most.iter().for_each(|(&i, &most)| {
        assert!(counted(i) <= most * (1.0 + 1e-9), "{}\n{ran}", asked.languages[i])
    });
    for (members, rule, share) in &asked.groups {
        let (found, wanted) = (sum(members), share * asked.budget);
        let dearest = members.iter().map(|&i| costs[i]).fold(0.0, f64::max);
        // a share of pairs is rounded to whole ones, a cost that is held exactly to half of the
        // dearest pair
        let slack =
            1e-9 * wanted + if asked.has_cost && *rule != "=" { 0.0 } else { 0.5 * dearest };
        let kept = match *rule {
            ">=" => found >= wanted - slack,
            "<=" => found <= wanted + slack,
            _ => (found - wanted).abs() <= slack,
        };
        assert!(kept, "{found} {rule} {wanted}\n{ran}");
    }
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    assert!(number(&comparison["noise_regret_nats"]) >= 0.0, "{ran}");
    assert!(number(&comparison["allocation"]["gap"]) >= 0.0, "{ran}");
    assert!(
        number(&comparison["allocation"]["lower_bound"])
            <= number(&comparison["allocation"]["objective"]),
        "{ran}"
    );
}

#[test]
fn random_commands_keep_their_word() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (count, seed) = (number("PARALLOT_COMMANDS", 40), number("PROPTEST_RNG_SEED", 4));
    let place = Place::new();
    let (mut seconds, mut refused) = (Vec::new(), 0);
    for at in 0..count {
        let asked = asked(&mut generator(seed, Purpose::Planted, Item::Nth(at)));
        let start = Instant::now();
        let ran = place.run(&asked.line);
        seconds.push((start.elapsed().as_secs_f64(), asked.line.clone()));
        if ran.stdout.is_empty() {
            // nothing meets some of what chance asks for, and that is said
            ran.failed(2);
            refused += 1;
        } else {
            check(&asked, &ran.succeeded());
        }
    }
    seconds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (slowest, line) = &seconds[seconds.len() - 1];
    println!(
        "{count} commands from seed {seed}, {refused} refused, median {:.2} s, longest \
        {slowest:.2} s: {line}",
        seconds[seconds.len() / 2].0
    );
}
