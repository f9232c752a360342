//! A problem over fits, asked for in the words of a person: languages by name, amounts in pairs or
//! tokens, groups, objectives, targets.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use parallot::allocate::{Budget, Problem};
//! use parallot::study::HashedFits;
//!
//! let fits = HashedFits::read("fits.json".as_ref())?;
//! let problem = Problem::builder(&fits.file).budget(Budget::Pairs(30_000)).max("swh_Latn", 10_000).build()?;
//! println!("{:?}", problem.solve()?.pairs());
//! # Ok(())
//! # }
//! ```

mod error;
mod joint;
mod text;
mod transfer;

pub use error::{Ask, BuildError};
pub use joint::Laws;
pub(crate) use text::{CVAR_LEVEL, percent};
pub use text::{GroupRequest, MeanTarget, TextError};
pub use transfer::coupling;

use super::{Budget, Group, Objective, Policy, Problem, Target, Term, least_budget, no_worse_than};
use crate::fit::joint::JointFit;
use crate::fit::{Fit, FitFile};
use crate::law::{Average, Law, Repetition};
use crate::solver::Kernel;
use crate::units::Lang;
use std::str::FromStr;

/// What amounts are counted in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unit {
    /// Translation pairs.
    #[default]
    Pairs,
    /// Training tokens, of which a pair of each language has as many as in the records.
    Tokens,
}

/// Weight of a form in an average below which it says nothing but where it has a pole.
const TRACE: f64 = 1e-3;

/// What the least budget is to reach.
#[derive(Debug, Clone, PartialEq)]
enum Aim {
    Mean(MeanTarget),
    Losses(Vec<(String, f64)>),
}

/// A problem over fits as it is put together; [`ProblemBuilder::build`] checks it.
#[derive(Debug, Clone)]
pub struct ProblemBuilder<'a> {
    fits: &'a FitFile,
    budget: Option<Budget>,
    unit: Unit,
    epochs: f64,
    least: Vec<(String, u64)>,
    most: Vec<(String, u64)>,
    weights: Vec<(String, f64)>,
    prices: Vec<(String, f64)>,
    objective: Objective,
    groups: Vec<GroupRequest>,
    promises: Vec<(Policy, f64)>,
    counts_transfer: bool,
    laws: Option<Laws>,
    current: Option<Vec<(String, u64)>>,
    aim: Option<Aim>,
}

impl Problem {
    /// A problem over fits, one language each.
    pub fn builder(fits: &FitFile) -> ProblemBuilder<'_> {
        ProblemBuilder {
            fits,
            budget: None,
            unit: Unit::Pairs,
            epochs: ProblemBuilder::EPOCHS,
            least: Vec::new(),
            most: Vec::new(),
            weights: Vec::new(),
            prices: Vec::new(),
            objective: Objective::Mean,
            groups: Vec::new(),
            promises: Vec::new(),
            counts_transfer: false,
            laws: None,
            current: None,
            aim: None,
        }
    }
}

impl ProblemBuilder<'_> {
    /// Passes over the unique pairs of a language unless others are asked for.
    pub const EPOCHS: f64 = 4.0;

    /// What is spent: pairs, or units of cost. Without it the mix in use says it.
    pub fn budget(self, budget: impl Into<Budget>) -> Self {
        ProblemBuilder { budget: Some(budget.into()), ..self }
    }

    /// What bounds and amounts of groups are counted in. In tokens a pair costs its tokens, and the
    /// budget is one of cost.
    pub fn unit(self, unit: Unit) -> Self {
        ProblemBuilder { unit, ..self }
    }

    /// Most passes over the unique pairs of a language.
    pub fn epochs(self, epochs: f64) -> Self {
        ProblemBuilder { epochs, ..self }
    }

    /// Least amount of a language, by its code or as much of it as is enough.
    pub fn min(mut self, lang: impl Into<String>, amount: u64) -> Self {
        self.least.push((lang.into(), amount));
        self
    }

    /// Most of a language.
    pub fn max(mut self, lang: impl Into<String>, amount: u64) -> Self {
        self.most.push((lang.into(), amount));
        self
    }

    /// Weight of a language's loss; 1 unless said.
    pub fn weight(mut self, lang: impl Into<String>, weight: f64) -> Self {
        self.weights.push((lang.into(), weight));
        self
    }

    /// Cost of a pair of a language; 1 unless said.
    pub fn price(mut self, lang: impl Into<String>, cost: f64) -> Self {
        self.prices.push((lang.into(), cost));
        self
    }

    /// What counts.
    pub fn objective(self, objective: Objective) -> Self {
        ProblemBuilder { objective, ..self }
    }

    /// A sum of languages held by an amount.
    pub fn group(mut self, group: GroupRequest) -> Self {
        self.groups.push(group);
        self
    }

    /// No language's loss is above that under a policy by more than a fraction of it.
    pub fn no_worse_than(mut self, policy: Policy, slack: f64) -> Self {
        self.promises.push((policy, slack));
        self
    }

    /// Count what a pair of one language brings to the others, as it was fitted to mixtures.
    pub fn transfer(self) -> Self {
        ProblemBuilder { counts_transfer: true, ..self }
    }

    /// Which laws the problem stands on; unless said the joint ones where they can be had, else
    /// those of curves.
    pub fn laws(self, laws: Laws) -> Self {
        ProblemBuilder { laws: Some(laws), ..self }
    }

    /// The mix in use: pairs per language; languages that it leaves out have none.
    pub fn current(self, mix: Vec<(String, u64)>) -> Self {
        ProblemBuilder { current: Some(mix), ..self }
    }

    /// Instead of a budget the least one that brings the mean loss so far.
    pub fn target(self, target: MeanTarget) -> Self {
        ProblemBuilder { aim: Some(Aim::Mean(target)), ..self }
    }

    /// Instead of a budget the least one that brings languages to these losses, nats per target
    /// token.
    pub fn target_losses(self, losses: Vec<(String, f64)>) -> Self {
        ProblemBuilder { aim: Some(Aim::Losses(losses)), ..self }
    }

    /// The checked problem: one term per fit, bounded above by unique pairs times epochs where they
    /// are known.
    pub fn build(self) -> Result<Problem, BuildError> {
        if self.counts_transfer
            && !(self.groups.is_empty() && self.promises.is_empty() && self.aim.is_none())
        {
            return Err(BuildError::TransferBesideMore);
        }
        let mut terms = self.terms()?;
        let groups = self.placed_groups()?;
        let budget = if self.aim.is_some() {
            Budget::ample(&terms, self.counts_cost())
        } else {
            self.spent(&terms)?
        };
        let joint = self.joint(budget)?;
        // the least budget that reaches a loss is what is asked for, not what else may be wise
        let floors =
            if matches!(self.aim, Some(Aim::Losses(_))) { Vec::new() } else { self.floors(joint)? };
        let draws = match joint {
            Some((fit, total)) => joint::at_total(&mut terms, fit, total),
            None => transfer::draws(self.fits),
        };
        let problem = Problem::new(terms, budget)?.with_draws(draws).with_floors(floors);
        let mut problem = problem.with_objective(self.objective)?;
        problem = match &self.aim {
            Some(_) if self.objective != Objective::Mean => {
                return Err(BuildError::TargetBesideObjective { objective: self.objective });
            }
            Some(aim) => least_budget(&problem, &groups, &self.target_of(aim, &problem)?)?,
            None => problem.with_groups(groups)?,
        };
        for &(policy, slack) in &self.promises {
            if !policy.is_defined_for(&problem) {
                return Err(BuildError::UnknownPolicy { policy });
            }
            problem = no_worse_than(&problem, &policy.allocate(&problem)?, slack)?;
        }
        if !self.counts_transfer {
            return Ok(problem);
        }
        Ok(problem.with_coupling(coupling(self.fits).ok_or(BuildError::NoTransfer)?)?)
    }

    /// The joint law and the pairs of the model that it is asked about, where the problem stands on
    /// it.
    fn joint(&self, budget: Budget) -> Result<Option<(&JointFit, u64)>, BuildError> {
        let found = match (&self.fits.joint, budget) {
            (None, _) => Err("fits without a joint law"),
            _ if self.counts_transfer => Err("transfer"),
            _ if self.aim.is_some() => Err("a target"),
            (_, Budget::Cost(_)) => Err("a budget of cost or of tokens"),
            (Some(fit), Budget::Pairs(total)) => Ok((fit, total)),
        };
        match (self.laws, found) {
            (Some(Laws::Curves), _) | (None, Err(_)) => Ok(None),
            (Some(Laws::Joint), Err(beside)) => Err(BuildError::NoJoint { beside }),
            (Some(Laws::Joint) | None, Ok(found)) => Ok(Some(found)),
        }
    }

    fn names(&self) -> Vec<&str> {
        self.fits.fits.iter().map(|fit| fit.curve.as_str()).collect()
    }

    /// The place of a language given by its code, or by the start of it or its two letters where
    /// they are enough: `tur` or `tr` for `tur_Latn`.
    fn place(&self, ask: Ask, lang: &str) -> Result<usize, BuildError> {
        place_of(&self.names(), lang).ok_or_else(|| BuildError::UnknownLang {
            ask,
            lang: lang.to_owned(),
            known: self.names().iter().map(|&name| name.to_owned()).collect(),
        })
    }

    /// Values by the places of their languages. Two of one language are an error, however they
    /// spell it.
    fn placed<T: Copy>(
        &self,
        ask: Ask,
        given: &[(String, T)],
    ) -> Result<Vec<(usize, T)>, BuildError> {
        let places = given
            .iter()
            .map(|(lang, value)| Ok((self.place(ask, lang)?, *value)))
            .collect::<Result<Vec<_>, BuildError>>()?;
        if let Some((first, second)) =
            repeated(&places.iter().map(|(at, _)| at).collect::<Vec<_>>())
        {
            let lang = self.names()[places[first].0].to_owned();
            return Err(BuildError::Repeated {
                ask,
                lang,
                first: given[first].0.clone(),
                second: given[second].0.clone(),
            });
        }
        Ok(places)
    }

    fn placed_groups(&self) -> Result<Vec<Group>, BuildError> {
        if let Some((first, _)) =
            repeated(&self.groups.iter().map(|group| &group.name).collect::<Vec<_>>())
        {
            return Err(BuildError::RepeatedGroup { name: self.groups[first].name.clone() });
        }
        let placed = |group: &GroupRequest| {
            let members = group
                .members
                .iter()
                .map(|member| self.place(Ask::Group, member))
                .collect::<Result<Vec<_>, _>>()?;
            if let Some((first, second)) = repeated(&members) {
                let lang = self.names()[members[first]].to_owned();
                let (first, second) = (group.members[first].clone(), group.members[second].clone());
                return Err(BuildError::RepeatedMember {
                    group: group.name.clone(),
                    lang,
                    first,
                    second,
                });
            }
            Ok(Group {
                name: group.name.clone(),
                members,
                rule: group.rule,
                amount: group.amount_in(self.unit),
            })
        };
        self.groups.iter().map(placed).collect()
    }

    /// Pairs that no language gets fewer of: half of the smallest size that was run, or what a
    /// joint law is trusted from, but for those whose least pairs are said.
    fn floors(&self, joint: Option<(&JointFit, u64)>) -> Result<Vec<u64>, BuildError> {
        let trusted =
            |fit: &Fit| joint.map_or(0.5 * fit.smallest_run(), |(joint, _)| joint.trusted_from);
        let mut floors: Vec<u64> =
            self.fits.fits.iter().map(|fit| trusted(fit).ceil() as u64).collect();
        for (at, _) in self.placed(Ask::Min, &self.least)? {
            floors[at] = 0;
        }
        Ok(floors)
    }

    fn counts_cost(&self) -> bool {
        matches!(self.budget, Some(Budget::Cost(_)))
            || !self.prices.is_empty()
            || self.unit == Unit::Tokens
    }

    fn spent(&self, terms: &[Term]) -> Result<Budget, BuildError> {
        match (self.budget, self.unit) {
            (Some(Budget::Pairs(_)), _) if !self.prices.is_empty() => {
                Err(BuildError::PricesAndPairs)
            }
            (Some(budget), _) if !(budget.amount() > 0.0 && budget.amount().is_finite()) => {
                Err(BuildError::NoBudget { found: budget.amount() })
            }
            (Some(Budget::Pairs(tokens)), Unit::Tokens) => Ok(Budget::Cost(tokens as f64)),
            (Some(budget), _) => Ok(budget),
            (None, _) if self.current.is_none() => Err(BuildError::NothingToSpend),
            (None, _) => {
                let current: Vec<u64> =
                    terms.iter().map(|term| term.current.unwrap_or(0)).collect();
                Ok(Budget::spent_by(terms, &current, self.counts_cost()))
            }
        }
    }

    /// One term per fit, with bounds, weights, costs and the mix in use.
    fn terms(&self) -> Result<Vec<Term>, BuildError> {
        if !(self.epochs.is_finite() && self.epochs > 0.0) {
            return Err(BuildError::Epochs { found: self.epochs });
        }
        if self.unit == Unit::Tokens
            && (!self.prices.is_empty() || matches!(self.budget, Some(Budget::Cost(_))))
        {
            return Err(BuildError::TokensAndPrices);
        }
        let mut terms = Vec::with_capacity(self.fits.fits.len());
        for fit in &self.fits.fits {
            let cost = match (self.unit, fit.tokens_per_pair) {
                (Unit::Pairs, _) => 1.0,
                (Unit::Tokens, tokens) => {
                    tokens.ok_or_else(|| BuildError::NoTokens { lang: fit.curve.clone() })?
                }
            };
            // an average of the forms that the allocator can take; without any its own error names
            // the form
            let taken = |law: &Law| Kernel::of(law).is_some();
            let laws = fit
                .average(taken)
                .map_or_else(|| Average::from(fit.law), |average| average.without_traces(TRACE));
            let upper = fit.unique.map(|unique| (unique as f64 * self.epochs) as u64);
            let r_star = fit.repetition.as_ref().map(|repetition| repetition.r_star.value);
            let repetition = fit
                .unique
                .zip(r_star)
                .and_then(|(unique, r_star)| Repetition::new(unique as f64, r_star).ok());
            terms.push(Term {
                cost,
                upper,
                unique: fit.unique,
                repetition,
                ..Term::new(fit.curve.clone(), laws)
            });
        }
        // in tokens a bound is met by as many pairs as it pays for
        let unit = |term: &Term| if self.unit == Unit::Tokens { term.cost } else { 1.0 };
        for (at, amount) in self.placed(Ask::Min, &self.least)? {
            terms[at].lower = (amount as f64 / unit(&terms[at])).ceil() as u64;
        }
        for (at, amount) in self.placed(Ask::Max, &self.most)? {
            let most = (amount as f64 / unit(&terms[at])).floor() as u64;
            terms[at].upper = Some(terms[at].upper.map_or(most, |upper| upper.min(most)));
        }
        self.placed(Ask::Weight, &self.weights)?
            .into_iter()
            .for_each(|(at, weight)| terms[at].weight = weight);
        self.placed(Ask::Price, &self.prices)?
            .into_iter()
            .for_each(|(at, cost)| terms[at].cost = cost);
        if let Some(mix) = &self.current {
            terms.iter_mut().for_each(|term| term.current = Some(0));
            self.placed(Ask::From, mix)?
                .into_iter()
                .for_each(|(at, pairs)| terms[at].current = Some(pairs));
        }
        Ok(terms)
    }

    fn target_of(&self, aim: &Aim, problem: &Problem) -> Result<Target, BuildError> {
        match aim {
            Aim::Losses(losses) => {
                if let Some((lang, found)) =
                    losses.iter().find(|(_, loss)| !(loss.is_finite() && *loss > 0.0))
                {
                    let lang = self.names()[self.place(Ask::TargetLoss, lang)?].to_owned();
                    return Err(BuildError::TargetLoss { lang, found: *found });
                }
                Ok(Target::Losses(self.placed(Ask::TargetLoss, losses)?))
            }
            Aim::Mean(MeanTarget::Nats(nats)) => Ok(Target::Mean(*nats)),
            Aim::Mean(MeanTarget::Change(_)) if !Policy::Current.is_defined_for(problem) => {
                Err(BuildError::ChangeOfNothing)
            }
            Aim::Mean(MeanTarget::Change(change)) => {
                let weights: f64 = problem.terms().iter().map(|term| term.weight).sum();
                Ok(Target::Mean(
                    problem.weighted_loss(&Policy::Current.allocate(problem)?) / weights
                        * (1.0 + change),
                ))
            }
        }
    }
}

/// The place of a language among names, where one is meant and no other.
pub fn place_of(names: &[&str], lang: &str) -> Option<usize> {
    let two_letters = |name: &str| name.parse::<Lang>().ok().and_then(|known| known.two_letters());
    let is_meant = |name: &str| {
        name == lang || name.split('_').next() == Some(lang) || two_letters(name) == Some(lang)
    };
    let mut matching = (0..names.len()).filter(|&at| is_meant(names[at]));
    matching.next().filter(|_| matching.next().is_none())
}

/// The places of the first item that stands twice.
fn repeated<T: PartialEq>(items: &[T]) -> Option<(usize, usize)> {
    (0..items.len())
        .find_map(|at| Some((items[..at].iter().position(|item| *item == items[at])?, at)))
}

impl FromStr for Unit {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        match text {
            "pairs" => Ok(Unit::Pairs),
            "tokens" => Ok(Unit::Tokens),
            _ => Err(TextError("expected `pairs` or `tokens`".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_meant_by_as_much_of_their_code_as_is_enough() {
        let names = ["tur_Latn", "zho_Hans", "zho_Hant"];
        assert_eq!(
            (place_of(&names, "tr"), place_of(&names, "tur"), place_of(&names, "zho_Hant")),
            (Some(0), Some(0), Some(2))
        );
        // two scripts of one language: the start of the code says too little
        assert_eq!(
            (place_of(&names, "zh"), place_of(&names, "zho"), place_of(&names, "swh")),
            (None, None, None)
        );
        assert_eq!((repeated(&[1, 2, 1]), repeated(&[1, 2, 3])), (Some((0, 2)), None));
    }
}
