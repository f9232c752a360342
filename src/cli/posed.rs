//! `parallot allocate` with prices, groups, another objective or target losses: a problem over fits for the general solver.

use super::failure::{Failure, OrFail};
use super::mixture::{MixtureArguments, assignments, place};
use crate::fit::FitFile;
use crate::optimum::{Budget, Group, Kernel, Language, Over, Parts, Problem, Risk, Rule};
use crate::units::Pairs;
use clap::Args;

/// What a problem may ask beyond bounds and weights.
#[derive(Debug, Clone, Default, Args)]
pub struct PosedArguments {
    /// What counts: `mean` over languages, the `worst` language, or `cvar:0.9`, the mean of the worst tenth of the draws
    #[arg(long, value_name = "OBJECTIVE")]
    pub objective: Option<String>,
    /// Cost of a pair, like `swh_Latn=0.02`; 1 unless said; may be repeated
    #[arg(long, value_name = "LANG=COST", requires = "budget_cost")]
    pub price: Vec<String>,
    /// What may be spent, in units of the prices, instead of `--budget`
    #[arg(long, value_name = "COST", conflicts_with = "budget")]
    pub budget_cost: Option<f64>,
    /// A sum of languages held by pairs or by a share of the budget, like `indic: hin+mar >= 20%`; may be repeated
    #[arg(long, value_name = "GROUP")]
    pub group: Vec<String>,
    /// The least budget that brings languages to these losses in nats, like `tur=2.1,hin=2.3`, instead of `--budget`
    #[arg(long, value_name = "LANG=LOSS", value_delimiter = ',', conflicts_with_all = ["budget", "budget_cost"])]
    pub target_loss: Vec<String>,
}

impl PosedArguments {
    /// Whether anything here was asked for.
    pub fn is_used(&self) -> bool {
        self.objective.is_some() || self.budget_cost.is_some() || !self.group.is_empty() || !self.target_loss.is_empty()
    }

    /// The problem over fits.
    pub fn pose(&self, mixture: &MixtureArguments, fits: &FitFile) -> Result<Problem, Failure> {
        let (over, risk) = self.read_objective()?;
        let drawn = matches!(risk, Risk::Cvar { .. });
        let terms = mixture.terms(fits)?;
        let mut languages = Vec::new();
        for (term, fit) in terms.into_iter().zip(&fits.fits) {
            let laws = if drawn { fit.draws.clone() } else { vec![fit.law] };
            let form = || {
                Failure::input(anyhow::anyhow!(
                    "a law of `{}` is convex first and then concave, expected one that is concave from 0 or nowhere",
                    term.lang
                ))
            };
            let laws = laws.iter().map(Kernel::of).collect::<Option<Vec<Kernel>>>().ok_or_else(form)?;
            let upper = term.upper.map(|upper| upper as f64);
            let share = if over == Over::Sum { fits.fits.len() as f64 } else { 1.0 };
            let (name, weight) = (term.lang.clone(), term.weight / share);
            languages.push(Language { name, weight, cost: 1.0, lower: term.lower as f64, upper, laws, repeat: None, grain: None });
        }
        let names: Vec<String> = languages.iter().map(|language| language.name.clone()).collect();
        for (lang, cost) in assignments::<f64>("--price", &self.price)? {
            languages[place(&names, "--price", &lang)?].cost = cost;
        }
        let amount = match self.target(&names, &mut languages)? {
            Some(least) => least,
            None => self.budget_cost.unwrap_or(mixture.budget.unwrap_or_default().0 as f64),
        };
        let costs: Vec<f64> = languages.iter().map(|language| language.cost).collect();
        let groups = self.group.iter().map(|text| group(text, &names, &costs, amount)).collect::<Result<_, _>>()?;
        let budget = Budget { amount, exactly: false };
        Problem::new(Parts { languages, budget, groups, transfer: Vec::new(), over, risk }).or_input()
    }

    fn read_objective(&self) -> Result<(Over, Risk), Failure> {
        let wrong = |text: &str| {
            Failure::input(anyhow::anyhow!("`--objective {text}`: expected `mean`, `worst` or `cvar:` and a level, like `cvar:0.9`"))
        };
        match self.objective.as_deref() {
            None | Some("mean") => Ok((Over::Sum, Risk::Mean)),
            Some("worst") => Ok((Over::Worst, Risk::Mean)),
            Some(text) => {
                let level = text.strip_prefix("cvar:").and_then(|level| level.parse().ok()).ok_or_else(|| wrong(text))?;
                Ok((Over::Sum, Risk::Cvar { level }))
            }
        }
    }

    /// Raises the lower bounds to what brings each language to its target, and says what that costs.
    fn target(&self, names: &[String], languages: &mut [Language]) -> Result<Option<f64>, Failure> {
        for (lang, loss) in assignments::<f64>("--target-loss", &self.target_loss)? {
            let language = &mut languages[place(names, "--target-loss", &lang)?];
            let needed = language.laws.iter().map(|law| law.data_for(loss)).fold(0.0, f64::max);
            if needed.is_nan() || needed > language.upper.unwrap_or(f64::MAX) {
                let (name, most) =
                    (&language.name, language.upper.map_or("any amount".to_owned(), |upper| format!("at most {upper} pairs")));
                let error = anyhow::anyhow!("`--target-loss {lang}={loss}`: {most} of `{name}` do not bring it there");
                return Err(Failure::input(error).hint("`--epochs` and `--max` bound the pairs of a language"));
            }
            language.lower = language.lower.max(needed);
        }
        let least: f64 = languages.iter().map(|language| language.cost * language.lower).sum();
        Ok((!self.target_loss.is_empty()).then_some(least))
    }
}

/// Reads `name: a+b >= 20%`.
fn group(text: &str, names: &[String], costs: &[f64], budget: f64) -> Result<Group, Failure> {
    let wrong = || {
        let error = anyhow::anyhow!("`--group {text}` is no group, expected a name, languages and an amount, like `indic: hin+mar >= 20%`");
        Failure::input(error)
    };
    let (name, rest) = text.split_once(':').ok_or_else(wrong)?;
    let rules = [(">=", Rule::AtLeast), ("<=", Rule::AtMost), ("=", Rule::Exactly)];
    let (sign, rule) = rules.into_iter().find(|(sign, _)| rest.contains(sign)).ok_or_else(wrong)?;
    let (members, amount) = rest.split_once(sign).ok_or_else(wrong)?;
    let members = members.split('+').map(|member| place(names, "--group", member.trim())).collect::<Result<Vec<_>, _>>()?;
    let (terms, amount) = match amount.trim().strip_suffix('%') {
        Some(share) => {
            let share: f64 = share.trim().parse().map_err(|_| wrong())?;
            (members.into_iter().map(|j| (j, costs[j])).collect(), share / 100.0 * budget)
        }
        None => (members.into_iter().map(|j| (j, 1.0)).collect(), amount.trim().parse::<Pairs>().or_input()?.0 as f64),
    };
    Ok(Group { name: name.trim().to_owned(), terms, rule, amount })
}
