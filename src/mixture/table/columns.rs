//! What a column holds, by its name, and what its cells say of a run or of a domain.

use super::Run;
use super::fault::Fault;
use super::texts::Texts;

/// Largest distance of a sum of shares from 1.
const ROUNDED: f64 = 0.01;

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Holds {
    Run,
    Split,
    Seed,
    Total,
    Params,
    Share(String),
    Amount(String),
    Unique(String),
    Loss(String),
}

impl Holds {
    pub(super) fn of(name: &str) -> Option<Self> {
        let after = |prefix| name.strip_prefix(prefix).map(str::to_owned);
        match name {
            "run" => Some(Holds::Run),
            "split" => Some(Holds::Split),
            "seed" => Some(Holds::Seed),
            "total" => Some(Holds::Total),
            "n_params" => Some(Holds::Params),
            _ => after("p_")
                .map(Holds::Share)
                .or(after("x_").map(Holds::Amount))
                .or(after("unique_").map(Holds::Unique))
                .or(after("loss_").map(Holds::Loss)),
        }
    }
}

/// The unique amount of each domain: what its column says in every row that says something.
pub(super) fn unique(
    texts: &Texts,
    columns: &[Holds],
    domains: &[String],
) -> Result<Vec<Option<f64>>, Fault> {
    let mut unique = vec![None; domains.len()];
    for (at, column) in columns.iter().enumerate() {
        let Holds::Unique(name) = column else { continue };
        let Some(place) = domains.iter().position(|domain| domain == name) else {
            return Err(Fault::Unmixed { name: name.clone(), domains: domains.to_vec() });
        };
        for (row, cell) in texts
            .rows
            .iter()
            .map(|cells| cells[at].as_str())
            .enumerate()
            .filter(|(_, cell)| !cell.is_empty())
        {
            let wrong = || Fault::Cell {
                row: row + 1,
                column: format!("unique_{name}"),
                found: cell.to_owned(),
                expected: "a finite number above 0",
            };
            let found = cell
                .parse::<f64>()
                .ok()
                .filter(|found| found.is_finite() && *found > 0.0)
                .ok_or_else(wrong)?;
            let expected = *unique[place].get_or_insert(found);
            if found != expected {
                let (found, expected) = (found.to_string(), expected.to_string());
                return Err(Fault::Unlike { row: row + 1, name: name.clone(), found, expected });
            }
        }
    }
    Ok(unique)
}

/// A row of cells as a run.
pub(super) fn run(
    row: usize,
    header: &[String],
    columns: &[Holds],
    cells: &[String],
) -> Result<Run, Fault> {
    let mut run = Run {
        name: format!("{row}"),
        shares: vec![],
        total: None,
        n_params: None,
        losses: vec![],
        is_asked: false,
    };
    let mut are_amounts = false;
    for ((name, column), cell) in header.iter().zip(columns).zip(cells) {
        let wrong =
            |expected| Fault::Cell { row, column: name.clone(), found: cell.clone(), expected };
        let number = |is_right: fn(f64) -> bool, expected| match cell.parse::<f64>() {
            // a table of losses that are asked for may say so in the way of its program
            _ if cell.is_empty() || cell.eq_ignore_ascii_case("nan") => Ok(None),
            Ok(value) if value.is_finite() && is_right(value) => Ok(Some(value)),
            _ => Err(wrong(expected)),
        };
        let above = |value: f64| value > 0.0;
        match column {
            Holds::Run if cell.is_empty() => {}
            Holds::Run => run.name.clone_from(cell),
            Holds::Split => match cell.as_str() {
                "" | "fit" | "train" => {}
                "predict" => run.is_asked = true,
                _ => return Err(wrong("`fit`, `train`, `predict` or nothing")),
            },
            Holds::Seed => drop(number(
                |seed| seed >= 0.0 && seed.fract() == 0.0,
                "a whole number not below 0",
            )?),
            Holds::Total => run.total = number(above, "a finite number above 0")?,
            Holds::Params => run.n_params = number(above, "a finite number above 0")?,
            Holds::Unique(_) => {}
            Holds::Loss(_) => run.losses.push(number(above, "a finite number above 0")?),
            Holds::Share(_) | Holds::Amount(_) => {
                are_amounts |= matches!(column, Holds::Amount(_));
                run.shares.push(
                    number(|share| share >= 0.0, "a finite number not below 0")?.unwrap_or(0.0),
                );
            }
        }
    }
    let sum: f64 = run.shares.iter().sum();
    if are_amounts {
        let total = *run.total.get_or_insert(sum);
        if sum <= 0.0 {
            return Err(Fault::Nothing { row });
        }
        if (total / sum - 1.0).abs() > ROUNDED {
            return Err(Fault::Total { row, total: total.to_string(), found: sum.to_string() });
        }
    } else if (sum - 1.0).abs() > ROUNDED {
        return Err(Fault::Shares { row, found: sum.to_string() });
    }
    run.shares.iter_mut().for_each(|share| *share /= sum);
    Ok(run)
}
