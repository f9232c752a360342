//! Tables of an allocation: policies, the path of budgets, and the front to the worst language.

use super::columns::{amounts, counts, reals, stamped, texts, write};
use crate::allocate::{Active, Budget, Comparison, PolicyRow};
use crate::report::{Report, ReportError};

/// One row per policy and language. Intervals of shares, marginal gains and active bounds are those
/// of the optimum only.
pub fn allocation(report: &Report, comparison: &Comparison) -> Result<Vec<u8>, ReportError> {
    let languages = &comparison.allocation.languages;
    let rows: Vec<(usize, usize, &PolicyRow)> = comparison
        .policies
        .iter()
        .enumerate()
        .flat_map(|(policy, row)| (0..row.pairs.len()).map(move |lang| (policy, lang, row)))
        .collect();
    let total = |row: &PolicyRow| row.pairs.iter().sum::<u64>() as f64;
    // the first policy is the solved problem itself
    let ours = |policy: usize, lang: usize| languages.get(lang).filter(|_| policy == 0);
    let share = |policy: usize, lang: usize| comparison.shares.get(lang).filter(|_| policy == 0);
    let unique = |lang: usize| Some(report.term(&languages.get(lang)?.lang)?.unique? as f64);
    let columns = vec![
        texts("policy", rows.iter().map(|(_, _, row)| row.policy.to_string())),
        texts(
            "lang",
            rows.iter().map(|&(_, lang, _)| {
                languages.get(lang).map_or("", |allocated| allocated.lang.as_str())
            }),
        ),
        counts("pairs", rows.iter().map(|(_, lang, row)| row.pairs[*lang])),
        reals("share", rows.iter().map(|(_, lang, row)| row.pairs[*lang] as f64 / total(row))),
        reals(
            "share_lo90",
            rows.iter()
                .map(|&(policy, lang, _)| share(policy, lang).map(|share| share.interval_90.lo)),
        ),
        reals(
            "share_hi90",
            rows.iter()
                .map(|&(policy, lang, _)| share(policy, lang).map(|share| share.interval_90.hi)),
        ),
        reals(
            "epochs",
            rows.iter()
                .map(|(_, lang, row)| unique(*lang).map(|unique| row.pairs[*lang] as f64 / unique)),
        ),
        reals("loss_nats", rows.iter().map(|(_, lang, row)| Some(row.loss_nats.get(*lang)?.value))),
        reals(
            "loss_nats_lo90",
            rows.iter().map(|(_, lang, row)| Some(row.loss_nats.get(*lang)?.interval_90.lo)),
        ),
        reals(
            "loss_nats_hi90",
            rows.iter().map(|(_, lang, row)| Some(row.loss_nats.get(*lang)?.interval_90.hi)),
        ),
        reals(
            "marginal_gain_per_1k_nats",
            rows.iter().map(|&(policy, lang, _)| Some(ours(policy, lang)?.marginal_gain_per_1k)),
        ),
        texts(
            "active",
            rows.iter().map(|&(policy, lang, _)| {
                ours(policy, lang).map_or("", |allocated| active(allocated.active))
            }),
        ),
    ];
    let allocated = &comparison.allocation;
    let budget = match allocated.budget {
        Budget::Pairs(pairs) => format!("{pairs} pairs"),
        Budget::Cost(cost) => format!("{cost} units of cost"),
    };
    // of the optimum as a whole, which no row has a place for
    let solved = format!(
        "{}\n# budget {budget}, objective {:?} nats, lower bound {:?} nats, gap {:?}, shadow price \
        {:?} nats per unit of the budget",
        report.provenance.stamp(),
        allocated.objective,
        allocated.lower_bound,
        allocated.gap,
        allocated.shadow_price
    );
    stamped("allocation", &solved, columns)
}

fn active(active: Active) -> &'static str {
    match active {
        Active::None => "none",
        Active::Lower => "lower",
        Active::Floor => "floor",
        Active::Upper => "upper",
    }
}

/// One row per policy: predicted mean and worst loss, gain over uniform, how far it is behind ours.
pub fn policies(report: &Report, comparison: &Comparison) -> Result<Vec<u8>, ReportError> {
    let rows = || comparison.policies.iter();
    let columns = vec![
        texts("policy", rows().map(|row| row.policy.to_string())),
        reals("mean_loss_nats", rows().map(|row| row.mean_loss_nats.value)),
        reals("mean_loss_nats_lo90", rows().map(|row| row.mean_loss_nats.interval_90.lo)),
        reals("mean_loss_nats_hi90", rows().map(|row| row.mean_loss_nats.interval_90.hi)),
        reals("gain_nats", rows().map(|row| row.gain_nats.map(|gain| gain.value))),
        reals("gain_nats_lo90", rows().map(|row| row.gain_nats.map(|gain| gain.interval_90.lo))),
        reals("gain_nats_hi90", rows().map(|row| row.gain_nats.map(|gain| gain.interval_90.hi))),
        reals("worst_loss_nats", rows().map(|row| row.worst_loss_nats.value)),
        reals("worst_loss_nats_lo90", rows().map(|row| row.worst_loss_nats.interval_90.lo)),
        reals("worst_loss_nats_hi90", rows().map(|row| row.worst_loss_nats.interval_90.hi)),
        reals("behind_parallot_nats", rows().map(|row| row.behind_nats.map(|behind| behind.value))),
        reals(
            "behind_parallot_nats_lo90",
            rows().map(|row| row.behind_nats.map(|behind| behind.interval_90.lo)),
        ),
        reals(
            "behind_parallot_nats_hi90",
            rows().map(|row| row.behind_nats.map(|behind| behind.interval_90.hi)),
        ),
        counts("draws", rows().map(|_| comparison.draws as u64)),
    ];
    write("policies", report, columns)
}

/// One row a budget and language of the path.
pub fn budget(report: &Report) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<_> = report
        .path
        .iter()
        .flat_map(|at| at.languages.iter().map(move |allocated| (at, allocated)))
        .collect();
    let of_cost = report.path.iter().any(|at| matches!(at.budget, Budget::Cost(_)));
    let columns = vec![
        amounts(
            if of_cost { "budget_cost" } else { "budget_pairs" },
            rows.iter().map(|(at, _)| at.budget.amount()).collect(),
        ),
        texts("lang", rows.iter().map(|(_, allocated)| allocated.lang.as_str())),
        counts("pairs", rows.iter().map(|(_, allocated)| allocated.pairs)),
        reals("share", rows.iter().map(|(_, allocated)| allocated.share)),
        reals("loss_nats", rows.iter().map(|(_, allocated)| allocated.loss_nats)),
        reals(
            "marginal_gain_per_1k_nats",
            rows.iter().map(|(_, allocated)| allocated.marginal_gain_per_1k),
        ),
        texts("active", rows.iter().map(|(_, allocated)| active(allocated.active))),
    ];
    write("budget", report, columns)
}

/// One row per point of the front between the mean and the worst language, and language.
pub fn pareto(report: &Report) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<_> = report
        .front
        .iter()
        .enumerate()
        .flat_map(|(place, point)| {
            report
                .terms
                .iter()
                .zip(&point.pairs)
                .map(move |(term, &pairs)| (place, point, term, pairs))
        })
        .collect();
    let columns = vec![
        counts("point", rows.iter().map(|row| row.0 as u64)),
        reals("mean_loss_nats", rows.iter().map(|row| row.1.mean_loss_nats)),
        reals("worst_loss_nats", rows.iter().map(|row| row.1.worst_loss_nats)),
        texts("lang", rows.iter().map(|row| row.2.lang.as_str())),
        counts("pairs", rows.iter().map(|row| row.3)),
        reals("loss_nats", rows.iter().map(|row| row.2.loss(row.3 as f64))),
    ];
    write("pareto", report, columns)
}
