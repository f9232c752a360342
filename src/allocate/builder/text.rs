//! The texts of a request, as people write them: groups, objectives, targets.

use super::Unit;
use crate::allocate::{Amount, Objective, Rule};
use crate::units::{Pairs, Short};
use std::str::FromStr;

/// Level that the worst draws lie above where none is said.
pub(crate) const CVAR_LEVEL: f64 = 0.9;

/// What was expected instead of a text.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(pub String);

/// A group by the names of its languages.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRequest {
    /// Name, for messages.
    pub name: String,
    /// Its languages.
    pub members: Vec<String>,
    /// Which side is held.
    pub rule: Rule,
    /// By what; [`Amount::Pairs`] is counted in the unit of the problem.
    pub amount: Amount,
    /// As it was written.
    text: String,
}

/// What a mean loss is to become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MeanTarget {
    /// Nats per target token.
    Nats(f64),
    /// A change against the mix in use, as a fraction of its mean loss.
    Change(f64),
}

impl GroupRequest {
    /// What it is held by where amounts are counted so.
    pub(super) fn amount_in(&self, unit: Unit) -> Amount {
        match (self.amount, unit) {
            (Amount::Pairs(tokens), Unit::Tokens) => Amount::Cost(tokens as f64),
            (amount, _) => amount,
        }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for GroupRequest {
    type Err = TextError;

    /// Reads `name: a+b >= 20%`, also with `<=` and `=`, and with an amount for the share.
    fn from_str(text: &str) -> Result<Self, TextError> {
        let wrong = || {
            TextError(
                "expected a name, languages and an amount, like `indic: hin+mar >= 20%`".to_owned(),
            )
        };
        let (name, rest) = text.split_once(':').ok_or_else(wrong)?;
        let rules = [(">=", Rule::AtLeast), ("<=", Rule::AtMost), ("=", Rule::Exactly)];
        let (sign, rule) =
            rules.into_iter().find(|(sign, _)| rest.contains(sign)).ok_or_else(wrong)?;
        let (members, amount) = rest.split_once(sign).ok_or_else(wrong)?;
        let amount = match percent(amount) {
            Some(share) if (0.0..=1.0).contains(&share) => Amount::Share(share),
            Some(share) => {
                return Err(TextError(format!(
                    "{} % of the budget, expected 0 to 100 %",
                    Short(100.0 * share)
                )));
            }
            None => Amount::Pairs(
                amount.trim().parse::<Pairs>().map_err(|error| TextError(error.to_string()))?.0,
            ),
        };
        let members = members.split('+').map(|member| member.trim().to_owned()).collect();
        Ok(GroupRequest {
            name: name.trim().to_owned(),
            members,
            rule,
            amount,
            text: text.to_owned(),
        })
    }
}

impl FromStr for Objective {
    type Err = TextError;

    /// Reads `mean`, `worst`, `fair`, `cvar` or `cvar:0.9`.
    fn from_str(text: &str) -> Result<Self, TextError> {
        let level = |text: &str| text.parse().ok().filter(|level| (0.0..1.0).contains(level));
        match (text, text.strip_prefix("cvar:")) {
            ("mean", _) => Ok(Objective::Mean),
            ("worst", _) => Ok(Objective::Worst),
            ("fair", _) => Ok(Objective::Fair),
            ("cvar", _) => Ok(Objective::Cvar(CVAR_LEVEL)),
            (_, Some(rest)) => level(rest).map(Objective::Cvar).ok_or_else(|| {
                TextError("expected a level from 0 to below 1, like `cvar:0.9`".to_owned())
            }),
            _ => Err(TextError(
                "expected `mean`, `worst`, `fair` or `cvar:` and a level, like `cvar:0.9`"
                    .to_owned(),
            )),
        }
    }
}

impl FromStr for MeanTarget {
    type Err = TextError;

    /// Reads `mean=2.1` or `mean=-3%`.
    fn from_str(text: &str) -> Result<Self, TextError> {
        let wrong = || {
            TextError(
                "expected a mean loss in nats or a fall of it, like `mean=2.1` or `mean=-3%`"
                    .to_owned(),
            )
        };
        let value = text.strip_prefix("mean=").ok_or_else(wrong)?;
        match (percent(value), value.trim().parse::<f64>()) {
            (Some(change), _) if change < 0.0 && change > -1.0 => Ok(MeanTarget::Change(change)),
            (None, Ok(nats)) if nats > 0.0 && nats.is_finite() => Ok(MeanTarget::Nats(nats)),
            _ => Err(wrong()),
        }
    }
}

/// `20%` as a fraction.
pub(crate) fn percent(text: &str) -> Option<f64> {
    let share: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    share.is_finite().then_some(share / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_and_what_is_none_is_said() {
        let indic: GroupRequest = "indic: hin + mar >= 20%".parse().unwrap();
        assert_eq!(
            (indic.members, indic.rule, indic.amount),
            (vec!["hin".to_owned(), "mar".to_owned()], Rule::AtLeast, Amount::Share(0.2))
        );
        assert_eq!("t: tur <= 12k".parse::<GroupRequest>().unwrap().amount, Amount::Pairs(12_000));
        for text in ["indic", "x: tur > 3", "x: tur >= 120%", "x: tur >= many"] {
            assert!(text.parse::<GroupRequest>().is_err(), "{text}");
        }
        assert_eq!("cvar:0.8".parse(), Ok(Objective::Cvar(0.8)));
        assert!("best".parse::<Objective>().is_err() && "cvar:1".parse::<Objective>().is_err());
        assert_eq!("mean=-3%".parse(), Ok(MeanTarget::Change(-0.03)));
        assert_eq!("mean=2.1".parse(), Ok(MeanTarget::Nats(2.1)));
        for text in ["mean=3%", "mean=-300%", "worst=2", "mean=x"] {
            assert!(text.parse::<MeanTarget>().is_err(), "{text}");
        }
    }
}
