//! A design and what is known of it, for a person and as JSON.

use super::Study;
use crate::cli::failure::{Failure, OrFail};
use crate::cli::terminal::{say, table};
use crate::corpus::Split;
use crate::design::{Decision, DesignRow, Standing};
use crate::report::eye::{duration, grouped, nats, signed, significant};
use crate::spec::DesignedRun;
use crate::units::Estimate;

/// What is known so far.
pub(super) fn standing_text(standing: &Standing, budget: u64) -> String {
    let Estimate { value, interval_90 } = standing.gain_nats;
    format!(
        "{} models of several languages, {} pairs ({} budgets)\npredicted gain over uniform {} \
        nats per language (90 %: {} to {}); expected regret against knowing the laws {} nats",
        standing.models,
        grouped(standing.pairs as u64),
        significant(standing.pairs / budget as f64, 2),
        signed(value),
        signed(interval_90.lo),
        signed(interval_90.hi),
        nats(standing.expected_regret_nats)
    )
}

impl Study {
    pub(super) fn train_tokens(&self, run: &DesignedRun) -> f64 {
        let spec = self.experiment.mixed_run(&self.bitexts, "", &run.pairs, run.seed, Split::Dev);
        self.cost.train_tokens(&spec)
    }

    /// Seconds of so many models of the budget, an even mix each.
    pub(super) fn seconds_of(&self, models: u64) -> Option<f64> {
        let even = self.aim.budget / self.langs.len() as u64;
        let run = DesignedRun { pairs: vec![even; self.langs.len()], seed: 0 };
        Some(models as f64 * self.cost.seconds(self.train_tokens(&run))?)
    }

    pub(super) fn print(&self, rows: &[DesignRow]) {
        let mut headings = vec!["batch", "seed", "pairs"];
        headings.extend(self.langs.iter().map(String::as_str));
        let cells = rows.iter().map(|DesignRow { batch, run }| {
            let total: u64 = run.pairs.iter().sum();
            let first = [batch.to_string(), run.seed.to_string(), grouped(total)];
            first.into_iter().chain(run.pairs.iter().map(|&pairs| grouped(pairs))).collect()
        });
        say(&table(&headings, cells));
        let pairs: u64 = rows.iter().flat_map(|row| &row.run.pairs).sum();
        let tokens: f64 = rows.iter().map(|row| self.train_tokens(&row.run)).sum();
        let seconds: Option<f64> =
            rows.iter().map(|row| self.cost.seconds(self.train_tokens(&row.run))).sum();
        let time = seconds.map_or_else(
            || "; `parallot sweep --list` measures how long they take".to_owned(),
            |seconds| format!(", about {} on one job", duration(seconds)),
        );
        say(&format!(
            "\n{} models, {} pairs ({} budgets), about {} training tokens{time}",
            rows.len(),
            grouped(pairs),
            significant(pairs as f64 / self.aim.budget as f64, 2),
            grouped(tokens.round() as u64)
        ));
    }

    pub(super) fn print_json(
        &self,
        rows: &[DesignRow],
        known: Option<(Standing, f64, Decision)>,
    ) -> Result<(), Failure> {
        let model = |DesignRow { batch, run }: &DesignRow| {
            serde_json::json!({
                "batch": batch, "seed": run.seed, "pairs": run.pairs,
                "train_tokens": self.train_tokens(run).round(),
                "seconds": self.cost.seconds(self.train_tokens(run)),
            })
        };
        let plan = serde_json::json!({
            "langs": self.langs, "budget": self.aim.budget,
            "models": rows.iter().map(model).collect::<Vec<_>>(),
            "standing": known.map(|known| known.0),
            "regret_nats": known.map(|known| known.1),
            "decision": known.map(|known| known.2),
        });
        say(&serde_json::to_string_pretty(&plan).or_work()?);
        Ok(())
    }
}
