//! `parallot plan`: which models to tune so that a budget can be allocated, and when they are
//! enough.

mod known;
mod tables;

use super::constraint::Count;
use super::count;
use super::failure::{Failure, OrFail};
use super::mixture::{MixtureArguments, quoted, typed, typed_beyond_shares};
use super::terminal::{say, table};
use super::text::{self, TextArguments};
use super::{command, version};
use crate::allocate::{Policy, Problem, SolveError};
use crate::corpus::Bitext;
use crate::design::{
    Aim, Decision, DesignRow, Model, SEEDS, SPENT, around, first, first_count, next_count, to_csv,
};
use crate::files;
use crate::report::Provenance;
use crate::report::eye::{duration, grouped, nats};
use crate::spec::{DesignedRun, Experiment};
use crate::study::Folders;
use crate::sweep::Cost;
use crate::validate::{dose_correction, dose_spread, seeds_to_show};
use clap::Args;
use known::records;
use tables::standing_text;

/// Flags of `parallot plan`.
#[derive(Debug, Clone, Args)]
pub(super) struct Arguments {
    /// Experiment whose languages share the budget
    pub experiment: String,
    /// The problem
    #[command(flatten)]
    pub mixture: MixtureArguments,
    /// Models of the first design; unless said two per language, and six more than languages at
    /// least
    #[arg(long, value_name = "N", value_parser = count::within::<usize>(2..=10_000), conflicts_with_all = ["next", "validate"])]
    pub models: Option<usize>,
    /// Say whether the models so far decide the budget and, where they don't, add so many around
    /// the optimum; half the number of languages unless said
    #[arg(long, value_name = "N", num_args = 0..=1, value_parser = count::within::<usize>(1..=10_000))]
    pub next: Option<Option<usize>>,
    /// Expected regret below which no further model is worth its cost, nats per language; unless
    /// said, what a validation of eight seeds could not see
    #[arg(long, value_name = "NATS", requires = "next", value_parser = regret)]
    pub regret: Option<f64>,
    /// Most pairs to tune models on before a decision; ten budgets unless said
    #[arg(long, value_name = "PAIRS", requires = "next")]
    pub spend: Option<Count>,
    /// Say what it takes to see the predicted gain: seeds, models and hours of a comparison with
    /// uniform and of a dose response
    #[arg(long, conflicts_with = "next")]
    pub validate: bool,
    /// Seed of the design
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Device whose speed counts
    #[arg(long, default_value = "cpu")]
    pub device: String,
    /// Where the corpora are
    #[command(flatten)]
    pub text: TextArguments,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

fn regret(text: &str) -> Result<f64, String> {
    let nats = text.parse::<f64>().ok().filter(|nats| *nats > 0.0 && nats.is_finite());
    nats.ok_or_else(|| "expected a number of nats above 0".to_owned())
}

/// Steps of the dose response that is suggested; uniform and the allocation are among them.
const DOSES: [f64; 4] = [-1.0, 0.0, 1.0, 2.0];

/// All that is known before the next model.
struct Study {
    folders: Folders,
    experiment: Experiment,
    bitexts: Vec<Bitext>,
    langs: Vec<String>,
    aim: Aim,
    /// The design so far.
    rows: Vec<DesignRow>,
    cost: Cost,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let study = Study::new(arguments)?;
    match (arguments.next, arguments.validate) {
        (Some(count), _) => study.next(count, arguments),
        (None, true) => study.validate(arguments),
        (None, false) => study.first(arguments),
    }
}

impl Study {
    fn new(arguments: &Arguments) -> Result<Self, Failure> {
        let folders = Folders::of(&arguments.experiment)?;
        let experiment = folders.read()?;
        let budget = match arguments.mixture.budget {
            Some(Count(budget)) if budget > 0 => budget,
            _ => {
                let error = anyhow::anyhow!("no budget of pairs, expected `--budget PAIRS`");
                return Err(Failure::input(error));
            }
        };
        let bitexts = text::read(&experiment, &folders, &arguments.text)?;
        let langs: Vec<String> = bitexts.iter().map(|b| b.lang.code().to_owned()).collect();
        if langs.len() < 2 {
            let error = anyhow::anyhow!("the experiment has one language, expected at least two");
            return Err(Failure::input(error));
        }
        let rows = folders.read_design(&langs)?;
        let unique = bitexts.iter().map(|bitext| Some(bitext.train.len() as u64)).collect();
        let aim = Aim { budget, unique, passes: arguments.mixture.epochs, seed: arguments.seed };
        let records = records(&folders)?;
        let cost = Cost::new(&experiment, &bitexts, &records, &arguments.device);
        Ok(Study { folders, experiment, bitexts, langs, aim, rows, cost })
    }

    /// The first design.
    fn first(&self, arguments: &Arguments) -> Result<(), Failure> {
        if let Some(flag) = only_of_problems(&arguments.mixture) {
            let error = anyhow::anyhow!(
                "`{flag}` beside a first design, which serves every problem of the budget"
            );
            return Err(Failure::input(error).hint("`--next` and `--validate` take it"));
        }
        let count = arguments.models.unwrap_or(first_count(self.langs.len()));
        let designed = self.numbered(first(&self.aim, count), 0);
        let is_there = !self.rows.is_empty();
        if is_there && !self.rows.starts_with(&designed) {
            let error = anyhow::anyhow!(
                "`{}` holds {} models of another design, expected none",
                self.folders.design().display(),
                self.rows.len()
            );
            return Err(Failure::input(error).hint(
                "`--next` adds models to it; without the file a new design is made, and records \
                of the old one are left out of fits",
            ));
        }
        // batches that were added since stay
        let rows = if is_there { self.rows.clone() } else { designed };
        if !is_there {
            self.write(&rows)?;
        }
        if arguments.json {
            return self.print_json(&rows, None);
        }
        self.print(&rows);
        let (experiment, budget) = (quoted(&arguments.experiment), self.aim.budget);
        say(&format!(
            "\ndesign in `{}`\n`parallot sweep {experiment}` tunes the models, `parallot fit \
            {experiment}` fits their joint law, and `parallot plan {experiment} --budget {budget} \
            --next` says whether they decide the budget",
            self.folders.design().display()
        ));
        Ok(())
    }

    /// Whether the models so far decide, and the batch that follows where they don't.
    fn next(&self, count: Option<usize>, arguments: &Arguments) -> Result<(), Failure> {
        let known = self.known(arguments)?;
        let standing = self.standing(&known);
        let matters = arguments.regret.unwrap_or(standing.seen_nats());
        let count = count.unwrap_or(next_count(self.langs.len()));
        let batch = self.rows.iter().map(|row| row.batch).max().unwrap_or(0) + 1;
        let models = around(&self.aim, &known.comparison.allocation.pairs(), count, batch);
        let batch_pairs: u64 = models.iter().map(Model::total).sum();
        let spend = arguments.spend.map_or(SPENT * self.aim.budget as f64, |Count(x)| x as f64);
        let decision = standing.decide(matters, batch_pairs as f64, spend);
        let mut rows = self.rows.clone();
        let added = self.numbered(models, batch);
        if decision == Decision::Undecided {
            rows.extend(added.iter().cloned());
            self.write(&rows)?;
        }
        if arguments.json {
            return self.print_json(&rows, Some((standing, matters, decision)));
        }
        say(&standing_text(&standing, self.aim.budget));
        let below = if arguments.regret.is_some() {
            format!("{} nats, as asked", nats(matters))
        } else {
            format!(
                "{} nats, the standard error of a gain that a validation of {SEEDS} seeds measures",
                nats(matters)
            )
        };
        let experiment = quoted(&arguments.experiment);
        match decision {
            Decision::Decided => say(&format!(
                "decided: the expected regret is below {below}; `parallot allocate {experiment} \
                --budget {}{}` says which mix to take",
                self.aim.budget,
                typed(&arguments.mixture)
            )),
            Decision::Undecided => {
                say(&format!("not decided: the expected regret is above {below}\n"));
                self.print(&added);
                say(&format!(
                    "\nthey are added to `{}`; `parallot sweep {experiment}` and `parallot fit \
                    {experiment}` come next",
                    self.folders.design().display()
                ));
            }
            Decision::Unaffordable => say(&format!(
                "not decided, and no model is added: the expected regret is above {below}, and {} \
                models more would make it {} of the {} pairs that may be spent (`--spend`)",
                added.len(),
                grouped((standing.pairs as u64).saturating_add(batch_pairs)),
                grouped(spend as u64)
            )),
        }
        Ok(())
    }

    /// What it takes to see the predicted gain.
    fn validate(&self, arguments: &Arguments) -> Result<(), Failure> {
        let known = self.known(arguments)?;
        let standing = self.standing(&known);
        let gain = standing.gain_nats.value;
        let tests = [
            ("allocation against uniform", "", 1.0, 0.0, 2),
            (
                "dose response, steps -1, 0, 1, 2",
                " --doses -1,2",
                dose_spread(&DOSES).unwrap_or(1.0),
                correction(&known.problem).or_work()?,
                DOSES.len() as u64,
            ),
        ];
        let row = |(name, flags, spread, correction, arms): &Test| {
            // an interval is widened by no more than what was corrected
            let seeds = seeds_to_show(gain - correction.abs(), standing.difference_nats * spread);
            (*name, *flags, seeds.map(|seeds| (seeds, seeds * arms)))
        };
        let found: Vec<_> = tests.iter().map(row).collect();
        if arguments.json {
            let rows: Vec<_> = found
                .iter()
                .map(|(test, _, found)| {
                    serde_json::json!({
                        "test": test, "seeds": found.map(|found| found.0),
                        "models": found.map(|found| found.1),
                        "seconds": found.and_then(|found| self.seconds_of(found.1)),
                    })
                })
                .collect();
            say(&serde_json::json!({ "standing": standing, "tests": rows }).to_string());
            return Ok(());
        }
        say(&standing_text(&standing, self.aim.budget));
        say(&format!(
            "two models differ by {} nats in their mean loss; a test shows the gain in nine of ten \
            tries where it comes\n",
            nats(standing.difference_nats)
        ));
        if gain <= 0.0 {
            say("no gain is predicted, so there is nothing to show");
            return Ok(());
        }
        let cells = found.iter().map(|(name, _, found)| {
            let dash = || "more than 1,000".to_owned();
            let time = found.and_then(|found| self.seconds_of(found.1));
            vec![
                (*name).to_owned(),
                found.map_or_else(dash, |found| found.0.to_string()),
                found.map_or_else(dash, |found| grouped(found.1)),
                time.map_or("?".to_owned(), duration),
            ]
        });
        say(&table(&["test", "seeds", "models", "time on one job"], cells));
        let best = found
            .iter()
            .filter_map(|(_, flags, found)| Some((flags, (*found)?)))
            .min_by_key(|(_, (_, models))| *models);
        if let Some((flags, (seeds, _))) = best {
            say(&format!(
                "\n`parallot validate {} --budget {}{} --policies uniform --seeds {seeds}{flags}`",
                quoted(&arguments.experiment),
                self.aim.budget,
                typed(&arguments.mixture)
            ));
        }
        Ok(())
    }

    /// Models with the seeds of the experiment; one that stands there again has another.
    fn numbered(&self, models: Vec<Model>, batch: u64) -> Vec<DesignRow> {
        let seeds = &self.experiment.seeds;
        let largest = seeds.iter().copied().max().unwrap_or(0);
        let mut given: Vec<DesignRow> = Vec::with_capacity(models.len());
        for (at, model) in models.into_iter().enumerate() {
            let before = given.iter().filter(|row| row.run.pairs == model.pairs);
            let seed = match model.again {
                0 => seeds[at % seeds.len()],
                again => (seeds.iter().copied())
                    .find(|seed| before.clone().all(|row| row.run.seed != *seed))
                    .unwrap_or(largest.saturating_add(again as u64)),
            };
            given.push(DesignRow { batch, run: DesignedRun { pairs: model.pairs, seed } });
        }
        given
    }

    fn write(&self, rows: &[DesignRow]) -> Result<(), Failure> {
        let path = self.folders.design();
        let stamp =
            Provenance { parallot: version().to_owned(), command: command(), inputs: vec![] }
                .stamp();
        files::write(&path, to_csv(&stamp, &self.langs, rows).as_bytes()).or_work()
    }
}

/// A test of a gain: its name, its flags, how far gains of one seed differ over those of a
/// comparison with uniform, what the law corrects in it, and models per seed.
type Test = (&'static str, &'static str, f64, f64, u64);

/// What the law corrects in the suggested dose response.
fn correction(problem: &Problem) -> Result<f64, SolveError> {
    let weights = problem.mean_weights();
    let mean = |dose: &f64| {
        let losses = problem.losses(&Policy::Dose(*dose).allocate(problem)?);
        let sum: f64 = weights.iter().zip(losses).map(|(weight, loss)| weight * loss).sum();
        Ok(sum / weights.iter().sum::<f64>())
    };
    let by_law = DOSES.iter().map(mean).collect::<Result<Vec<f64>, SolveError>>()?;
    Ok(dose_correction(&DOSES, &by_law).unwrap_or_default())
}

/// A flag that only a problem takes, where one was given.
fn only_of_problems(flags: &MixtureArguments) -> Option<&'static str> {
    let given = [
        ("--min", !flags.min.is_empty()),
        ("--max", !flags.max.is_empty()),
        ("--weight", !flags.weight.is_empty()),
        ("--from", flags.from.is_some()),
    ];
    let given = given.into_iter().find_map(|(name, is_given)| is_given.then_some(name));
    given.or_else(|| typed_beyond_shares(flags))
}
