//! What a design measured, as cells: the ln loss of one language in one model.
//!
//! A language counts in a model that was tuned on enough of it: at least `low = 0.4 x_small` pairs,
//! `x_small` the smallest amount that the design was made to look at. Between the two its ln loss
//! is uncertain the more, the fewer the pairs: `1 + ln(x_small / X)` times.

use crate::law::joint::References;
use crate::numeric::quantiles::quantile;

/// One model of a design: pairs of every language, and the losses that were measured.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRun {
    /// Pairs per language.
    pub pairs: Vec<f64>,
    /// Loss per language, nats per target token; absent where it was not measured.
    pub loss_nats: Vec<Option<f64>>,
    /// Whether it was scored on other sentences than the rest of the design, the test set.
    pub is_test: bool,
}

impl ModelRun {
    /// Pairs of all languages.
    pub fn total(&self) -> f64 {
        self.pairs.iter().sum()
    }
}

/// Loss of one language in one model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// Place of the model among the runs.
    pub run: usize,
    pub lang: usize,
    /// Pairs of the language.
    pub own: f64,
    /// Pairs of all others.
    pub rest: f64,
    /// Square roots of the shares of all languages in the model.
    pub root_shares: Vec<f64>,
    pub ln_loss: f64,
    /// Factor of the standard deviation.
    pub spread: f64,
    /// Whether pairs beyond the unique ones count, in a model of one language.
    pub is_repeated_alone: bool,
    pub is_test: bool,
}

impl Cell {
    /// Pairs of the model.
    pub(super) fn total(&self) -> f64 {
        self.own + self.rest
    }

    /// Whether the model was tuned on more than this language.
    pub(super) fn is_pooled(&self) -> bool {
        self.rest > 0.0
    }
}

/// Share of the smallest amount looked at, below which a language does not count.
const LOW: f64 = 0.4;
/// Share of the amounts in models of several languages that may lie below what the design was made
/// to look at.
const LOW_DECILE: f64 = 0.1;
/// Passes from which a model of one language counts as one of repeats.
const REPEATED: f64 = 1.125;

/// The cells of some runs, those of one language first, and the scales of the design.
pub(super) fn cells(runs: &[ModelRun], unique: &[Option<f64>]) -> (Vec<Cell>, References) {
    let small = smallest(runs);
    let mut cells = Vec::new();
    for (run, model) in runs.iter().enumerate() {
        let total = model.total();
        for (lang, (&own, loss)) in model.pairs.iter().zip(&model.loss_nats).enumerate() {
            let Some(loss) = loss.filter(|_| own >= LOW * small) else { continue };
            let rest = total - own;
            let root_shares = model.pairs.iter().map(|pairs| (pairs / total).sqrt()).collect();
            cells.push(Cell {
                run,
                lang,
                own,
                rest,
                root_shares,
                ln_loss: loss.ln(),
                spread: 1.0 + (small / own).ln().max(0.0),
                is_repeated_alone: rest == 0.0
                    && unique[lang].is_some_and(|unique| own > REPEATED * unique),
                is_test: model.is_test,
            });
        }
    }
    cells.sort_by_key(|cell: &Cell| (cell.is_pooled(), cell.run));
    let pooled = || cells.iter().filter(|cell| cell.is_pooled());
    let mean = |amount: fn(&Cell) -> f64| {
        let logs: Vec<f64> = pooled().map(|cell| amount(cell).ln()).collect();
        (logs.iter().sum::<f64>() / logs.len().max(1) as f64).exp()
    };
    let references =
        References { own: mean(|cell| cell.own), rest: mean(|cell| cell.rest), low: LOW * small };
    (cells, references)
}

/// The smallest amount looked at: the smallest size of a model of one language, or a low decile of
/// what models of several give a language, whichever is less.
fn smallest(runs: &[ModelRun]) -> f64 {
    let given = |run: &ModelRun| {
        run.pairs.iter().copied().filter(|&pairs| pairs > 0.0).collect::<Vec<f64>>()
    };
    let (alone, pooled): (Vec<Vec<f64>>, Vec<Vec<f64>>) =
        runs.iter().map(given).partition(|pairs| pairs.len() == 1);
    let mut pooled = pooled.concat();
    pooled.sort_by(f64::total_cmp);
    let least = alone.concat().into_iter().fold(f64::INFINITY, f64::min);
    if pooled.is_empty() { least } else { least.min(quantile(&pooled, LOW_DECILE)) }
}
