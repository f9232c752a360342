//! A problem over fits, asked for in the words of a person: languages by name, amounts in pairs or
//! tokens, groups, objectives, targets.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use parallot::allocate::{Budget, Problem};
//! use parallot::study::HashedFits;
//!
//! let fits = HashedFits::read("fits.json".as_ref())?;
//! let builder = Problem::builder(&fits.file).budget(Budget::Pairs(30_000));
//! let problem = builder.max("swh_Latn", 10_000).build()?;
//! println!("{:?}", problem.solve()?.pairs());
//! # Ok(())
//! # }
//! ```

mod error;
mod joint;
mod names;
mod terms;
mod text;
mod transfer;

pub use error::{Ask, BuildError};
pub use joint::Laws;
pub use names::place_of;
pub(crate) use text::{CVAR_LEVEL, percent};
pub use text::{GroupRequest, MeanTarget, TextError};
pub use transfer::coupling;

use super::{Budget, Objective, Policy, Problem, Target, Term, least_budget, no_worse_than};
use crate::fit::joint::JointFit;
use crate::fit::{Fit, FitFile};
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
        let problem = match self.objective {
            Objective::Fair => problem.with_fair_weights()?,
            _ => problem,
        };
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
        let is_bare = self.fits.fits.is_empty();
        match (self.laws, found) {
            (Some(Laws::Curves), _) if is_bare => {
                Err(BuildError::NoCurves { asked: "`laws: curves`" })
            }
            (_, Err(asked)) if is_bare => Err(BuildError::NoCurves { asked }),
            (Some(Laws::Curves), _) | (None, Err(_)) => Ok(None),
            (Some(Laws::Joint), Err(beside)) => Err(BuildError::NoJoint { beside }),
            (Some(Laws::Joint) | None, Ok(found)) => Ok(Some(found)),
        }
    }

    /// Pairs that no language gets fewer of: half of the smallest size that was run, or what a
    /// joint law is trusted from, but for those whose least pairs are said.
    fn floors(&self, joint: Option<(&JointFit, u64)>) -> Result<Vec<u64>, BuildError> {
        let mut floors: Vec<u64> = match joint {
            Some((joint, _)) => vec![joint.trusted_from.ceil() as u64; joint.langs.len()],
            None => {
                let half = |fit: &Fit| (0.5 * fit.smallest_run()).ceil() as u64;
                self.fits.fits.iter().map(half).collect()
            }
        };
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
