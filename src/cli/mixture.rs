//! The flags that pose an allocation problem, and the problem that they pose over some fits.

use super::constraint::{self, MeanTarget, assignments};
use super::failure::{Failure, OrFail};
use crate::allocate::{
    Amount, Budget, Coupling, Drawn, Group, Objective, Policy, Problem, ProblemError, Target, Term, least_budget, no_worse_than,
};
use crate::fit::{Fit, FitFile};
use crate::law::{Average, Law, Repetition};
use crate::optimum::Kernel;
use crate::units::{Pairs, Short};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What amounts are counted in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Unit {
    /// Translation pairs.
    #[default]
    Pairs,
    /// Training tokens, of which a pair of each language has as many as in the records.
    Tokens,
}

/// Weight of a form in an average below which it says nothing but where it has a pole.
const TRACE: f64 = 1e-3;

/// What is to be spent, on what, and within which bounds.
#[derive(Debug, Clone, Args)]
pub struct MixtureArguments {
    /// What to allocate, like `12000`, `60k` or `1.5M`
    #[arg(long, value_name = "PAIRS", required_unless_present_any = ["problem", "budget_cost", "target_loss", "target", "from"])]
    pub budget: Option<Pairs>,
    /// What `--budget`, `--min`, `--max` and amounts of groups are counted in
    #[arg(long, value_enum, default_value = "pairs")]
    pub unit: Unit,
    /// Most passes over the unique pairs of a language
    #[arg(long, value_name = "N", default_value_t = MixtureArguments::EPOCHS)]
    pub epochs: f64,
    /// Least pairs of a language, like `tur_Latn=10k`; may be repeated
    #[arg(long, value_name = "LANG=PAIRS")]
    pub min: Vec<String>,
    /// Most pairs of a language, like `swh_Latn=40k`; may be repeated
    #[arg(long, value_name = "LANG=PAIRS")]
    pub max: Vec<String>,
    /// Weight of a language's loss, like `hin_Deva=2`; 1 unless said; may be repeated
    #[arg(long, value_name = "LANG=WEIGHT")]
    pub weight: Vec<String>,
    /// What counts: `mean` over languages, the `worst` language, or `cvar:0.9`, the mean of the worst tenth of the draws
    #[arg(long, value_name = "OBJECTIVE", default_value = "mean")]
    pub objective: String,
    /// Cost of a pair, like `swh_Latn=0.02`; 1 unless said; may be repeated
    #[arg(long, value_name = "LANG=COST")]
    pub price: Vec<String>,
    /// What may be spent, in units of the prices, instead of `--budget`
    #[arg(long, value_name = "COST", conflicts_with = "budget", allow_hyphen_values = true, value_parser = constraint::cost)]
    pub budget_cost: Option<f64>,
    /// A sum of languages held by an amount or by a share of the budget, like `indic: hin+mar >= 20%`; may be repeated
    #[arg(long, value_name = "GROUP")]
    pub group: Vec<String>,
    /// No language's loss is above that under a policy by more than a share of it, like `uniform:0.5%`; may be repeated
    #[arg(long, value_name = "POLICY:SHARE", conflicts_with_all = ["target", "target_loss"])]
    pub no_worse_than: Vec<String>,
    /// Count what a pair of one language is worth to the others, as `parallot fit` found it in mixtures; goes with a budget and bounds only
    #[arg(long, conflicts_with_all = ["group", "no_worse_than", "target_loss", "target"])]
    pub transfer: bool,
    /// The mix in use, a YAML map from languages to pairs: what to move, and what it brings; its sum is the budget unless one is said
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// The least budget that brings languages to these losses in nats, like `tur=2.1,hin=2.3`, instead of a budget
    #[arg(long, value_name = "LANG=LOSS", value_delimiter = ',', conflicts_with_all = ["budget", "budget_cost"])]
    pub target_loss: Vec<String>,
    /// The least budget that brings the mean loss to `mean=2.1` nats, or with `--from` lowers it by `mean=-3%`
    #[arg(long, value_name = "TARGET", conflicts_with_all = ["budget", "budget_cost", "target_loss"])]
    pub target: Option<String>,
}

impl MixtureArguments {
    /// Passes over the unique pairs of a language unless others are asked for.
    pub const EPOCHS: f64 = 4.0;

    /// A plain budget of pairs, everything else as it is by default.
    pub fn plain(budget: Pairs) -> Self {
        MixtureArguments {
            budget: Some(budget),
            unit: Unit::Pairs,
            epochs: MixtureArguments::EPOCHS,
            min: vec![],
            max: vec![],
            weight: vec![],
            objective: "mean".to_owned(),
            price: vec![],
            budget_cost: None,
            group: vec![],
            no_worse_than: vec![],
            transfer: false,
            from: None,
            target_loss: vec![],
            target: None,
        }
    }

    /// The problem: one term a fit, bounded above by unique pairs times epochs where they are known.
    pub fn pose(&self, file: &FitFile) -> Result<Problem, Failure> {
        let terms = self.terms(file)?;
        let hinted = |error| hinted(error, self.unit);
        let names: Vec<String> = terms.iter().map(|term| term.lang.clone()).collect();
        let targeted = self.target.is_some() || !self.target_loss.is_empty();
        let budget = if targeted { Budget::ample(&terms, self.counts_cost()) } else { self.budget(&terms)? };
        let groups = self.groups(&names)?;
        let policies = self.no_worse_than.iter().map(|text| constraint::no_worse_than(text)).collect::<Result<Vec<_>, _>>()?;
        let objective = constraint::objective(&self.objective)?;
        let draws = draws(file);
        // the least budget that reaches a loss is what is asked for, not what else may be wise
        let floors = if self.target_loss.is_empty() { self.floors(file, &names)? } else { Vec::new() };
        let mut problem = Problem::new(terms, budget)
            .and_then(|problem| problem.with_draws(draws).with_floors(floors).with_objective(objective))
            .map_err(hinted)?;
        if targeted {
            if objective != Objective::Mean {
                let error = anyhow::anyhow!("a target and `--objective {objective}` are asked for, expected one of them");
                return Err(Failure::input(error).hint("targets are of the mean loss, or of named languages"));
            }
            problem = least_budget(&problem, &groups, &self.read_target(&problem, &names)?).or_input()?;
        } else {
            problem = problem.with_groups(groups).map_err(hinted)?;
        }
        for (policy, slack) in policies {
            if !policy.is_defined_for(&problem) {
                let error = anyhow::anyhow!("`--no-worse-than {policy}`: what the policy goes by is not known of every language");
                return Err(Failure::input(error).hint("`current` needs `--from FILE`, the others the unique pairs of each language"));
            }
            problem = no_worse_than(&problem, &policy.allocate(&problem), slack).map_err(hinted)?;
        }
        if !self.transfer {
            return Ok(problem);
        }
        let coupling = coupling(file).ok_or_else(|| {
            let error = anyhow::anyhow!("the fits hold no transfer, expected those of an experiment that trained mixtures");
            Failure::input(error)
                .hint("`mixtures: {count: N, least: PAIRS, most: PAIRS}` in the experiment, then `parallot sweep` and `fit`")
        })?;
        problem.with_coupling(coupling).map_err(|error| Failure::input(error).hint("leave out `--transfer`, or the other"))
    }

    /// Pairs that no language gets fewer of: half of the smallest size that was run, but for those whose least pairs are said.
    fn floors(&self, file: &FitFile, names: &[String]) -> Result<Vec<u64>, Failure> {
        let mut floors: Vec<u64> = file.fits.iter().map(|fit| (0.5 * fit.smallest_run()).ceil() as u64).collect();
        for (at, _) in assignments::<Pairs>("--min", &self.min, names)? {
            floors[at] = 0;
        }
        Ok(floors)
    }

    fn counts_cost(&self) -> bool {
        self.budget_cost.is_some() || !self.price.is_empty() || self.unit == Unit::Tokens
    }

    fn budget(&self, terms: &[Term]) -> Result<Budget, Failure> {
        if self.budget.is_some() && !self.price.is_empty() {
            let error = anyhow::anyhow!("`--price` and `--budget` are given, expected a budget in units of the prices");
            return Err(Failure::input(error).hint("`--budget-cost` is such a budget"));
        }
        match (self.budget_cost, self.budget, self.unit) {
            (Some(cost), _, _) if cost > 0.0 && cost.is_finite() => Ok(Budget::Cost(cost)),
            (Some(cost), _, _) => {
                Err(Failure::input(anyhow::anyhow!("`--budget-cost` is {}, expected a finite number above 0", Short(cost))))
            }
            (None, Some(Pairs(0)), unit) => {
                let one = if unit == Unit::Tokens { "token" } else { "pair" };
                Err(Failure::input(anyhow::anyhow!("`--budget` is 0, expected at least 1 {one}")))
            }
            (None, Some(Pairs(pairs)), Unit::Pairs) => Ok(Budget::Pairs(pairs)),
            (None, Some(Pairs(tokens)), Unit::Tokens) => Ok(Budget::Cost(tokens as f64)),
            (None, None, _) => {
                let current: Vec<u64> = terms.iter().map(|term| term.current.unwrap_or(0)).collect();
                Ok(Budget::spent_by(terms, &current, self.counts_cost()))
            }
        }
    }

    /// One term a fit, with bounds, weights, costs and the mix in use.
    fn terms(&self, file: &FitFile) -> Result<Vec<Term>, Failure> {
        if !(self.epochs.is_finite() && self.epochs > 0.0) {
            return Err(Failure::input(anyhow::anyhow!("`--epochs` is {}, expected a finite number above 0", Short(self.epochs))));
        }
        let mut terms = Vec::with_capacity(file.fits.len());
        for fit in &file.fits {
            let cost = match (self.unit, fit.tokens_per_pair) {
                (Unit::Pairs, _) => 1.0,
                (Unit::Tokens, Some(tokens)) => tokens,
                (Unit::Tokens, None) => {
                    let error = anyhow::anyhow!("`--unit tokens`: the fits do not say how many tokens a pair of `{}` has", fit.curve);
                    return Err(
                        Failure::input(error).hint("fits of an experiment do; `--price LANG=TOKENS --budget-cost N` says it by hand")
                    );
                }
            };
            // an average of the forms that the allocator can take; without any its own error names the form
            let taken = |law: &Law| Kernel::of(law).is_some();
            let laws = fit.average(taken).map_or_else(|| Average::from(fit.law), |average| average.without_traces(TRACE));
            let upper = fit.unique.map(|unique| (unique as f64 * self.epochs) as u64);
            let r_star = fit.repetition.as_ref().map(|repetition| repetition.r_star.value);
            let repetition = fit.unique.zip(r_star).and_then(|(unique, r_star)| Repetition::new(unique as f64, r_star).ok());
            terms.push(Term { cost, upper, unique: fit.unique, repetition, ..Term::new(fit.curve.clone(), laws) });
        }
        let names: Vec<String> = terms.iter().map(|term| term.lang.clone()).collect();
        for (at, Pairs(amount)) in assignments("--min", &self.min, &names)? {
            let term = &mut terms[at];
            term.lower = (amount as f64 / self.unit_of(term)).ceil() as u64;
        }
        for (at, Pairs(amount)) in assignments("--max", &self.max, &names)? {
            let term = &mut terms[at];
            let most = (amount as f64 / self.unit_of(term)).floor() as u64;
            term.upper = Some(term.upper.map_or(most, |upper| upper.min(most)));
        }
        for (at, weight) in assignments("--weight", &self.weight, &names)? {
            terms[at].weight = weight;
        }
        for (at, cost) in assignments("--price", &self.price, &names)? {
            terms[at].cost = cost;
        }
        if self.unit == Unit::Tokens && (!self.price.is_empty() || self.budget_cost.is_some()) {
            let error = anyhow::anyhow!("`--unit tokens` and prices are asked for, expected one of them");
            return Err(Failure::input(error).hint("a pair costs its tokens, or its price"));
        }
        if let Some(path) = &self.from {
            let pairs = constraint::read_mix(path, &names)?;
            terms.iter_mut().zip(pairs).for_each(|(term, pairs)| term.current = Some(pairs));
        }
        Ok(terms)
    }

    /// Amounts that one pair of a language counts.
    fn unit_of(&self, term: &Term) -> f64 {
        if self.unit == Unit::Tokens { term.cost } else { 1.0 }
    }

    fn groups(&self, names: &[String]) -> Result<Vec<Group>, Failure> {
        let counted = |group: Group| match (group.amount, self.unit) {
            (Amount::Pairs(tokens), Unit::Tokens) => Group { amount: Amount::Cost(tokens as f64), ..group },
            _ => group,
        };
        Ok(constraint::groups(&self.group, names)?.into_iter().map(counted).collect())
    }

    fn read_target(&self, problem: &Problem, names: &[String]) -> Result<Target, Failure> {
        let Some(text) = &self.target else {
            let losses = assignments::<f64>("--target-loss", &self.target_loss, names)?;
            if let Some((at, loss)) = losses.iter().find(|(_, loss)| !(loss.is_finite() && *loss > 0.0)) {
                let error =
                    anyhow::anyhow!("`--target-loss` of `{}` is {}, expected a finite number of nats above 0", names[*at], Short(*loss));
                return Err(Failure::input(error));
            }
            return Ok(Target::Losses(losses));
        };
        match constraint::target(text)? {
            MeanTarget::Nats(nats) => Ok(Target::Mean(nats)),
            MeanTarget::Change(_) if !Policy::Current.is_defined_for(problem) => {
                let error = anyhow::anyhow!("`--target {text}` is a change, and there is nothing that it changes");
                Err(Failure::input(error).hint("`--from FILE` gives the mix in use"))
            }
            MeanTarget::Change(change) => {
                let weights: f64 = problem.terms().iter().map(|term| term.weight).sum();
                Ok(Target::Mean(problem.weighted_loss(&Policy::Current.allocate(problem)) / weights * (1.0 + change)))
            }
        }
    }
}

/// Draws of the laws and of what repeats are worth, one `Vec` per draw, in the order of the fits.
fn draws(file: &FitFile) -> Vec<Vec<Drawn>> {
    let r_star = |fit: &Fit, draw: usize| fit.repetition.as_ref().and_then(|repetition| repetition.draws.get(draw).copied());
    let one = |draw: usize| file.fits.iter().map(|fit| Drawn { law: fit.draws[draw], r_star: r_star(fit, draw) }).collect();
    taken(file).into_iter().map(one).collect()
}

/// Draws that the allocator can take: those that it cannot are few, and as unlikely in one language as in another.
fn taken(file: &FitFile) -> Vec<usize> {
    let count = file.fits.iter().map(|fit| fit.draws.len()).min().unwrap_or(0);
    (0..count).filter(|&draw| file.fits.iter().all(|fit| Kernel::of(&fit.draws[draw]).is_some())).collect()
}

/// Transfer as fitted; absent where no mixtures were trained.
pub fn coupling(file: &FitFile) -> Option<Coupling> {
    let transfer = file.transfer.as_ref()?;
    let place = |lang: &String| file.fits.iter().position(|fit| fit.curve == *lang);
    let tau = transfer.tau.iter().map(|row| Some((place(&row.to)?, place(&row.from)?, row.tau.value)));
    let draws = taken(file).into_iter().filter_map(|draw| transfer.draws.get(draw).cloned()).collect();
    Some(Coupling { tau: tau.collect::<Option<_>>()?, trusted_from: transfer.trusted_from.clone(), draws })
}

fn hinted(error: ProblemError, unit: Unit) -> Failure {
    let hint = match error {
        ProblemError::Weight { .. } | ProblemError::WeightSum { .. } => {
            "`--weight LANG=WEIGHT` sets the weight of a language, 1 unless said"
        }
        ProblemError::Cost { .. } => "`--price LANG=COST` sets the cost of a pair, 1 unless said",
        ProblemError::Form { .. } => "`parallot fit --form` names the forms to weigh",
        ProblemError::NoDraws => "`parallot fit` draws laws unless `--n-draws 0` is said",
        ProblemError::NoFiniteValue { .. }
        | ProblemError::BelowLower { .. }
        | ProblemError::BuysNothing { .. }
        | ProblemError::TooLarge { .. }
            if unit == Unit::Tokens =>
        {
            "with `--unit tokens` a unit of cost is a token; `--budget`, `--min` and `--max` set what must fit together"
        }
        ProblemError::NoFiniteValue { .. } => {
            "`--weight LANG=0` leaves a language out, and with it its loss; `--budget` and `--max` give it pairs"
        }
        _ => "`--budget`, `--epochs`, `--min`, `--max`, `--group` and `--no-worse-than` set what must fit together",
    };
    Failure::input(error).hint(hint)
}
