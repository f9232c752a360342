//! An allocation for a person: what every language gets, the policies side by side, and the
//! verdict.

use super::terminal::{say, table};
use crate::allocate::{
    Active, Allocation, Budget, Comparison, GainOf, Policy, PolicyRow, PredictedBy, Status,
    distinct,
};
use crate::report::eye::{self, grouped, nats, percent, signed};
use crate::study::AllocationFile;
use crate::units::Estimate;
use crate::validate::Validation;

/// Prints an allocation for a person.
pub(super) fn print(file: &AllocationFile, validations: &[Validation]) {
    let comparison = &file.comparison;
    if let Some(measured) = &file.measured {
        say(&format!("measured: {measured}\n"));
    }
    say(&languages(file));
    for (term, language) in file.terms.iter().zip(&comparison.allocation.languages) {
        let (pairs, worth) = (language.pairs as f64, term.effective(language.pairs as f64));
        if let (true, Some(repetition)) = (worth < pairs, term.repetition) {
            let (lang, r_star) = (&term.lang, eye::significant(repetition.r_star(), 3));
            say(&format!(
                "{} pairs of `{lang}` are worth {} unique ones (R* {r_star})",
                grouped(language.pairs),
                grouped(worth as u64)
            ));
        }
    }
    say("");
    say(&policies(file, validations));
    for line in same_pairs(comparison) {
        say(&line);
    }
    if let Some(line) = of_draws(comparison).filter(|_| comparison.has_choice) {
        say(&format!("\n{line}"));
    }
    if comparison.gain_of == GainOf::Fair {
        say(&format!("\n{}", excesses(file)));
    }
    let weights = file.terms.iter().map(|term| term.weight).sum::<f64>();
    say(&format!("\n{}", solved(&comparison.allocation, comparison.gain_of, weights)));
    if comparison.draws > 0 {
        let regret = comparison.expected_regret_nats;
        let formula = comparison
            .regret_formula_nats
            .map_or(String::new(), |formula| format!(", by the formula {}", nats(formula)));
        say(&format!(
            "\nexpected regret against knowing the laws: {} nats per language{formula}",
            nats(regret)
        ));
    }
    if comparison.draws > 0 && comparison.predicted_by != PredictedBy::Joint {
        let noise = nats(comparison.noise_regret_nats);
        say(&format!(
            "noise alone: {noise} nats per language; predicted gains of parallot are lowered by \
            twice that, for the laws that predict them also \
             chose it (docs/method.md)"
        ));
    }
    let verdict = file.verdict();
    say(&format!(
        "\nverdict on {}: {}",
        eye::budget(comparison.allocation.budget),
        verdict.headline()
    ));
    verdict.beside().iter().for_each(|line| say(line));
    if let Some(worth) = file.worth() {
        say(&worth);
    }
    if let Some(to_know) = &file.to_know {
        say(&format!("to know: {to_know}"));
    }
}

/// How the problem was solved, and what more of the budget would bring: of a mean over languages
/// per unit of weight.
fn solved(allocation: &Allocation, of: GainOf, weights: f64) -> String {
    let (status, gap) = match allocation.gap {
        gap if gap.is_infinite() => ("no bound", "unknown".to_owned()),
        gap if allocation.status() == Status::Optimal => ("optimal", eye::significant(gap, 2)),
        gap => ("feasible, not proven to be the best", eye::significant(gap, 2)),
    };
    let (more, unit) = match allocation.budget {
        Budget::Pairs(_) => (1000.0, "1,000 further pairs"),
        Budget::Cost(_) => (1.0, "a further unit of cost"),
    };
    let (what, price) = match of {
        GainOf::Mean => ("mean loss", more * allocation.shadow_price / weights),
        GainOf::Worst | GainOf::Fair => ("worst loss", more * allocation.shadow_price),
    };
    format!(
        "{status}: gap {gap} of the reducible loss; {unit} would lower the {what} by {} nats",
        nats(price)
    )
}

/// How far the language that is worst off is above what all pairs would bring it, by policy.
fn excesses(file: &AllocationFile) -> String {
    let of = |row: &PolicyRow| {
        let losses = row.loss_nats.iter().map(|loss| loss.value);
        let over = losses.zip(&file.terms).filter(|(_, term)| term.weight > 0.0);
        let over = over.map(|(loss, term)| {
            (loss / file.comparison.allocation.budget.loss_alone(term) - 1.0, term.lang.as_str())
        });
        over.max_by(|a, b| a.0.total_cmp(&b.0))
    };
    let text = |row: &PolicyRow| {
        let (excess, lang) = of(row)?;
        Some(format!("{} {} (`{lang}`)", row.policy, percent(excess)))
    };
    let rows: Vec<String> = file.comparison.policies.iter().take(2).filter_map(text).collect();
    format!(
        "loss above what all pairs would bring the language, of the one that is worst off: {}",
        rows.join(", ")
    )
}

/// What every language gets.
fn languages(file: &AllocationFile) -> String {
    let comparison = &file.comparison;
    let moves = file.terms.iter().any(|term| term.current.is_some());
    let rows = comparison.allocation.languages.iter().zip(&comparison.shares).enumerate().map(
        |(at, (language, share))| {
            let loss = comparison.policies.first().map(|ours| ours.loss_nats[at]);
            let current = file.terms.get(at).and_then(|term| term.current).unwrap_or(0);
            let mut cells = vec![
                language.lang.clone(),
                grouped(language.pairs),
                percent(language.share),
                format!("{} to {}", percent(share.interval_90.lo), percent(share.interval_90.hi)),
                language.epochs.map_or("-".to_owned(), |epochs| format!("{epochs:.2}")),
                loss.map_or("-".to_owned(), |loss| with_interval(loss, nats)),
                match language.active {
                    Active::None => "-",
                    Active::Lower => "least",
                    Active::Floor => "floor",
                    Active::Upper => "most",
                }
                .to_owned(),
            ];
            if moves {
                let sign = if language.pairs < current { "\u{2212}" } else { "+" };
                cells.insert(2, format!("{sign}{}", grouped(language.pairs.abs_diff(current))));
            }
            cells
        },
    );
    let mut headings = vec![
        "language",
        "pairs",
        "share",
        "90 % of the draws",
        "epochs",
        "predicted loss, nats per token (90 % of the draws)",
        "at bound",
    ];
    if moves {
        headings.insert(2, "move");
    }
    table(&headings, rows)
}

/// The policies, what was measured of them first.
fn policies(file: &AllocationFile, validations: &[Validation]) -> String {
    let measured_by = file.measured.and_then(|measured| {
        validations.iter().find(|validation| validation.budget == measured.budget)
    });
    let dash = || "-".to_owned();
    let rows = distinct(&file.comparison.policies, 0.0).into_iter().map(|(row, _)| {
        let mut cells = vec![row.policy.to_string()];
        if let Some(validation) = measured_by {
            let measured =
                validation.result_of(row.policy).and_then(|result| result.measured_gain_nats);
            cells.push(measured.map_or_else(dash, |gain| with_interval(gain, signed)));
        }
        cells.extend([
            row.gain_nats.map_or_else(dash, |gain| with_interval(gain, signed)),
            nats(row.mean_loss_nats.value),
            nats(row.worst_loss_nats.value),
        ]);
        cells
    });
    let predicted = "predicted gain over uniform, nats (90 % of the draws)";
    let mut headings =
        vec!["policy", predicted, "mean loss, nats per token", "worst language, nats per token"];
    let of_measured = measured_by.map(|by| {
        format!("measured gain over uniform at {} pairs, nats (90 %)", grouped(by.budget))
    });
    if let Some(heading) = &of_measured {
        headings.insert(1, heading);
    }
    table(&headings, rows)
}

/// Policies that allocate the same pairs as one of the table.
fn same_pairs(comparison: &Comparison) -> Vec<String> {
    let of = |(row, policies): (&PolicyRow, Vec<Policy>)| {
        let others: Vec<String> = policies.iter().map(|other| format!("`{other}`")).collect();
        let verb = if others.len() > 1 { "allocate" } else { "allocates" };
        (!others.is_empty())
            .then(|| format!("{} {verb} the same pairs as `{}`", others.join(", "), row.policy))
    };
    distinct(&comparison.policies, 0.0).into_iter().filter_map(of).collect()
}

/// Why a policy that was chosen over the draws is not the one recommended.
fn of_draws(comparison: &Comparison) -> Option<String> {
    let names: Vec<String> = comparison
        .policies
        .iter()
        .filter(|row| row.policy.is_of_draws())
        .map(|row| row.policy.to_string())
        .collect();
    let are = if names.len() > 1 { "are" } else { "is" };
    (!names.is_empty()).then(|| {
        format!(
            "{} {are} chosen by the draws that predict here, which flatters: no reason to \
        prefer them to parallot",
            names.join(" and ")
        )
    })
}

/// A number with its interval; alone where it has none.
fn with_interval(estimate: Estimate, eye: impl Fn(f64) -> String) -> String {
    let (lo, hi) = (estimate.interval_90.lo, estimate.interval_90.hi);
    if lo.is_infinite() || lo == hi {
        return eye(estimate.value);
    }
    format!("{} ({} to {})", eye(estimate.value), eye(lo), eye(hi))
}
