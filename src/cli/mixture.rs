//! The flags that pose an allocation problem, checked before any file is read, and the problem that
//! they pose over some fits.

use super::constraint::{self, Assigned, Count, Promise};
use super::failure::Failure;
use crate::allocate::{
    Budget, BuildError, GroupRequest, Laws, MeanTarget, Objective, Problem, ProblemBuilder,
    ProblemError, Unit,
};
use crate::fit::FitFile;
use clap::Args;
use std::path::PathBuf;

/// What is to be spent, on what, and within which bounds.
#[derive(Debug, Clone, Args)]
pub(super) struct MixtureArguments {
    /// What to allocate, like `12000`, `60k` or `1.5M`
    #[arg(
        long,
        value_name = "AMOUNT",
        required_unless_present_any = ["problem", "budget_cost", "target_loss", "target", "from"]
    )]
    pub budget: Option<Count>,
    /// What `--budget`, `--min`, `--max` and amounts of groups are counted in: `pairs` or `tokens`
    #[arg(long, value_name = "UNIT", default_value = "pairs")]
    pub unit: Unit,
    /// Most passes over the unique pairs of a language
    #[arg(long, value_name = "N", default_value_t = ProblemBuilder::EPOCHS)]
    pub epochs: f64,
    /// Least amount of a language, like `tur_Latn=10k`; may be repeated
    #[arg(long, value_name = "LANG=AMOUNT", value_parser = constraint::assigned::<Count>)]
    pub min: Vec<Assigned<Count>>,
    /// Most of a language, like `swh_Latn=40k`; may be repeated
    #[arg(long, value_name = "LANG=AMOUNT", value_parser = constraint::assigned::<Count>)]
    pub max: Vec<Assigned<Count>>,
    /// Weight of a language's loss, like `hin_Deva=2`; 1 unless said; may be repeated
    #[arg(long, value_name = "LANG=WEIGHT", value_parser = constraint::assigned::<f64>)]
    pub weight: Vec<Assigned<f64>>,
    /// What counts: `mean` over languages, the `worst` language, `fair`, the language farthest
    /// above what all pairs would bring it, or `cvar:0.9`, the mean of the worst tenth of the draws
    #[arg(long, value_name = "OBJECTIVE", default_value = "mean")]
    pub objective: Objective,
    /// Cost of a pair, like `swh_Latn=0.02`; 1 unless said; may be repeated
    #[arg(long, value_name = "LANG=COST", value_parser = constraint::assigned::<f64>)]
    pub price: Vec<Assigned<f64>>,
    /// What may be spent, in units of the prices, instead of `--budget`
    #[arg(
        long,
        value_name = "COST",
        conflicts_with = "budget",
        allow_hyphen_values = true,
        value_parser = constraint::cost
    )]
    pub budget_cost: Option<f64>,
    /// A sum of languages held by an amount or by a share of the budget, like
    /// `indic: hin+mar >= 20%`; may be repeated
    #[arg(long, value_name = "GROUP")]
    pub group: Vec<GroupRequest>,
    /// No language's loss is above that under a policy by more than a share of it, like
    /// `uniform:0.5%`; may be repeated
    #[arg(
        long,
        value_name = "POLICY:SHARE",
        value_parser = constraint::promise,
        conflicts_with_all = ["target", "target_loss"]
    )]
    pub no_worse_than: Vec<Promise>,
    /// Count what a pair of one language brings to the others, as `parallot fit` found it in
    /// mixtures; goes with a budget and bounds only
    #[arg(long, conflicts_with_all = ["group", "no_worse_than", "target_loss", "target"])]
    pub transfer: bool,
    /// Laws to stand on: `joint`, of the pooled model that will be trained, or `curves`, of models
    /// of one language each; unless said joint ones where mixtures were trained and the budget is
    /// one of pairs
    #[arg(long, value_name = "LAWS")]
    pub laws: Option<Laws>,
    /// The mix in use, a YAML map from languages to pairs or to shares of the budget: what to move,
    /// and what it brings; its sum is the budget unless one is said
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// The least budget that brings languages to these losses in nats, like `tur=2.1,hin=2.3`,
    /// instead of a budget
    #[arg(
        long,
        value_name = "LANG=LOSS",
        value_delimiter = ',',
        value_parser = constraint::assigned::<f64>,
        conflicts_with_all = ["budget", "budget_cost"]
    )]
    pub target_loss: Vec<Assigned<f64>>,
    /// The least budget that brings the mean loss to `mean=2.1` nats, or with `--from` lowers it by
    /// `mean=-3%`
    #[arg(
        long,
        value_name = "TARGET",
        conflicts_with_all = ["budget", "budget_cost", "target_loss"]
    )]
    pub target: Option<MeanTarget>,
}

impl MixtureArguments {
    /// A plain budget of pairs, everything else as it is by default.
    pub(super) fn plain(pairs: u64) -> Self {
        MixtureArguments {
            budget: Some(Count(pairs)),
            unit: Unit::Pairs,
            epochs: ProblemBuilder::EPOCHS,
            min: vec![],
            max: vec![],
            weight: vec![],
            objective: Objective::Mean,
            price: vec![],
            budget_cost: None,
            group: vec![],
            no_worse_than: vec![],
            transfer: false,
            laws: None,
            from: None,
            target_loss: vec![],
            target: None,
        }
    }

    /// The problem over fits.
    pub(super) fn pose(&self, file: &FitFile) -> Result<Problem, Failure> {
        if self.budget == Some(Count(0)) {
            let one = if self.unit == Unit::Tokens { "token" } else { "pair" };
            return Err(Failure::input(anyhow::anyhow!(
                "`--budget` is 0, expected at least 1 {one}"
            )));
        }
        let mut builder =
            Problem::builder(file).unit(self.unit).epochs(self.epochs).objective(self.objective);
        if let Some(laws) = self.laws {
            builder = builder.laws(laws);
        }
        if let Some(Count(amount)) = self.budget {
            builder = builder.budget(Budget::Pairs(amount));
        }
        if let Some(cost) = self.budget_cost {
            builder = builder.budget(Budget::Cost(cost));
        }
        for Assigned { lang, value: Count(amount), .. } in &self.min {
            builder = builder.min(lang, *amount);
        }
        for Assigned { lang, value: Count(amount), .. } in &self.max {
            builder = builder.max(lang, *amount);
        }
        for Assigned { lang, value, .. } in &self.weight {
            builder = builder.weight(lang, *value);
        }
        for Assigned { lang, value, .. } in &self.price {
            builder = builder.price(lang, *value);
        }
        for group in &self.group {
            builder = builder.group(group.clone());
        }
        for promise in &self.no_worse_than {
            builder = builder.no_worse_than(promise.policy, promise.slack);
        }
        if self.transfer {
            builder = builder.transfer();
        }
        if let Some(path) = &self.from {
            let pairs =
                self.budget.filter(|_| self.unit == Unit::Pairs).map(|Count(budget)| budget);
            builder = builder.current(constraint::read_mix(path, pairs)?);
        }
        if let Some(target) = self.target {
            builder = builder.target(target);
        }
        if !self.target_loss.is_empty() {
            builder = builder.target_losses(
                self.target_loss.iter().map(|given| (given.lang.clone(), given.value)).collect(),
            );
        }
        builder.build().map_err(|error| hinted(error, self.unit))
    }
}

/// The error with the flags that mend it.
fn hinted(error: BuildError, unit: Unit) -> Failure {
    let hint = match &error {
        BuildError::Problem(error) => Some(hint_of(error, unit)),
        BuildError::NoTokens { .. } => {
            Some("fits of an experiment do; `--price LANG=TOKENS --budget-cost N` says it by hand")
        }
        BuildError::TokensAndPrices => Some("a pair costs its tokens, or its price"),
        BuildError::PricesAndPairs => Some("`--budget-cost` is such a budget"),
        BuildError::TargetBesideObjective { .. } => {
            Some("targets are of the mean loss, or of named languages")
        }
        BuildError::ChangeOfNothing => Some("`--from FILE` gives the mix in use"),
        BuildError::UnknownPolicy { .. } => {
            Some("`current` needs `--from FILE`, the others the unique pairs of each language")
        }
        BuildError::NoTransfer => Some(
            "`mixtures: {count: N, least: PAIRS, most: PAIRS}` in the experiment, then `parallot \
            sweep` and `fit`",
        ),
        BuildError::NoJoint { .. } => {
            Some("leave out `--laws`: the laws of models of one language each decide then")
        }
        BuildError::TransferBesideMore => Some("leave out `--transfer`, or the other"),
        _ => None,
    };
    let failure = Failure::input(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn hint_of(error: &ProblemError, unit: Unit) -> &'static str {
    match error {
        ProblemError::Weight { .. } | ProblemError::WeightSum { .. } => {
            "`--weight LANG=WEIGHT` sets the weight of a language, 1 unless said"
        }
        ProblemError::Cost { .. } => "`--price LANG=COST` sets the cost of a pair, 1 unless said",
        ProblemError::Form { .. } => "`parallot fit --form` names the forms to weigh",
        ProblemError::NoDraws => "`parallot fit` draws laws unless `--n-draws 0` is said",
        ProblemError::Coupled { .. } => "leave out `--transfer`, or the other",
        ProblemError::NoFiniteValue { .. }
        | ProblemError::BelowLower { .. }
        | ProblemError::BuysNothing { .. }
        | ProblemError::TooLarge { .. }
            if unit == Unit::Tokens =>
        {
            "with `--unit tokens` a unit of cost is a token; `--budget`, `--min` and `--max` set \
            what must fit together"
        }
        ProblemError::NoFiniteValue { .. } => {
            "`--weight LANG=0` leaves a language out, and with it its loss; `--budget` and `--max` \
            give it pairs"
        }
        _ => {
            "`--budget`, `--epochs`, `--min`, `--max`, `--group` and `--no-worse-than` set what \
            must fit together"
        }
    }
}

/// The flags of a problem of pairs but for its budget, as they are typed.
pub(super) fn typed(flags: &MixtureArguments) -> String {
    let mut typed = String::new();
    let mut flag = |name: &str, value: &str| typed += &format!(" {name} {}", quoted(value));
    let counts = [("--min", &flags.min), ("--max", &flags.max)];
    counts
        .into_iter()
        .for_each(|(name, given)| given.iter().for_each(|given| flag(name, &given.text)));
    flags.weight.iter().for_each(|given| flag("--weight", &given.text));
    flags.group.iter().for_each(|group| flag("--group", group.text()));
    flags.no_worse_than.iter().for_each(|promise| flag("--no-worse-than", &promise.text));
    if flags.epochs != ProblemBuilder::EPOCHS {
        flag("--epochs", &flags.epochs.to_string());
    }
    if flags.unit != Unit::Pairs {
        flag("--unit", "tokens");
    }
    if let Some(path) = &flags.from {
        flag("--from", &path.display().to_string());
    }
    if flags.transfer { typed + " --transfer" } else { typed }
}

/// A flag that fits of mixtures know nothing of, where one was given.
pub(super) fn typed_beyond_shares(flags: &MixtureArguments) -> Option<&'static str> {
    let given = [
        ("--unit", flags.unit != Unit::Pairs),
        ("--objective", flags.objective != Objective::Mean),
        ("--price", !flags.price.is_empty()),
        ("--budget-cost", flags.budget_cost.is_some()),
        ("--group", !flags.group.is_empty()),
        ("--no-worse-than", !flags.no_worse_than.is_empty()),
        ("--transfer", flags.transfer),
        ("--laws", flags.laws.is_some()),
        ("--target-loss", !flags.target_loss.is_empty()),
        ("--target", flags.target.is_some()),
    ];
    given.into_iter().find_map(|(name, is_given)| is_given.then_some(name))
}

/// A word as a shell takes it for one.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "=_.,:%-+/".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_typed_as_a_shell_takes_them() {
        let plain = MixtureArguments::plain(3000);
        assert_eq!(typed(&plain), "");
        let group = vec!["indic: hin+mar >= 20%".parse().unwrap(), "it's: a >= 3".parse().unwrap()];
        let min = vec![constraint::assigned("qaa=10").unwrap()];
        let all = MixtureArguments { epochs: 1.5, min, group, transfer: true, ..plain };
        let expected = r" --min qaa=10 --group 'indic: hin+mar >= 20%' --group 'it'\''s: a >= 3' --epochs 1.5 --transfer";
        assert_eq!(typed(&all), expected);
    }
}
