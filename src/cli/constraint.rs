//! Flags of a problem, read before any file is: languages with a value, costs, promises, and the
//! mix in use.

use super::failure::{Failure, OrFail};
use crate::allocate::{Policy, Problem, percent};
use crate::files;
use crate::numeric::largest_remainders;
use crate::units::{Pairs, Short};
use crate::yaml;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

/// A language and what is said of it, `LANG=VALUE`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assigned<T> {
    /// The language, as it was written.
    pub lang: String,
    /// The value.
    pub value: T,
    /// All of it, as it was written.
    pub text: String,
}

/// An amount of pairs or tokens: `12000`, `12k`, `1.5M`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Count(pub u64);

impl FromStr for Count {
    type Err = <Pairs as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Pairs>().map(|Pairs(count)| Count(count))
    }
}

/// Reads `LANG=VALUE`.
pub(super) fn assigned<T: FromStr>(text: &str) -> Result<Assigned<T>, String>
where
    T::Err: std::fmt::Display,
{
    let (lang, value) = text
        .split_once('=')
        .ok_or("no `=`, expected a language and a number, like `tur_Latn=2`")?;
    let value = value.parse().map_err(|error: T::Err| error.to_string())?;
    Ok(Assigned { lang: lang.to_owned(), value, text: text.to_owned() })
}

/// A policy, and by what fraction of a language's loss under it that loss may be worse.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Promise {
    /// The policy.
    pub policy: Policy,
    /// The fraction.
    pub slack: f64,
    /// As it was written.
    pub text: String,
}

/// Reads `uniform:0.5%`.
pub(super) fn promise(text: &str) -> Result<Promise, String> {
    let wrong = || {
        "expected a policy and a share of its loss, like `uniform:0.5%`; policies are `uniform`, \
        `proportional`, `temperature-3.3`, \
         `unimax-4`, and `current` with `--from`"
            .to_owned()
    };
    let (policy, slack) = text.split_once(':').unwrap_or((text, "0%"));
    let slack = percent(slack).or((slack.trim() == "0").then_some(0.0));
    let slack = slack.filter(|slack| *slack >= 0.0).ok_or_else(wrong)?;
    Ok(Promise { policy: policy.parse().map_err(|_| wrong())?, slack, text: text.to_owned() })
}

/// Reads a cost: a number, or pairs' short form like `30k`.
pub(super) fn cost(text: &str) -> Result<f64, String> {
    let short = || text.parse::<Pairs>().map(|Pairs(amount)| amount as f64);
    text.trim()
        .parse::<f64>()
        .or_else(|_| short())
        .map_err(|_| format!("`{text}` is no cost, expected a number like `5000`, `0.5` or `30k`"))
}

/// What a file of the mix in use says of a language: pairs as a number or a text like `12k`, or a
/// share.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Number(u64),
    Share(f64),
    Text(String),
}

/// How far the shares of a mix may be from a sum of 1.
const ROUNDED: f64 = 0.01;

/// Reads the mix in use: a YAML map from languages to pairs, or to shares of the budget.
pub(super) fn read_mix(path: &Path, budget: Option<u64>) -> Result<Vec<(String, u64)>, Failure> {
    let text = files::read_text(path).or_input()?;
    let wrong = |cause: String| {
        let error = anyhow::anyhow!("cannot use the mix `{}`: {cause}", path.display());
        Failure::input(error).hint(
            "a mix is a YAML map from languages to pairs, like `tur_Latn: 12k`, or to shares \
            of `--budget`, like `tur_Latn: 0.2`",
        )
    };
    // a map of YAML knows of keys that stand twice
    yaml::checked(&text)
        .and_then(serde_yaml::from_str::<serde_yaml::Mapping>)
        .map_err(|error| wrong(error.to_string()))?;
    let read = serde_path_to_error::deserialize(serde_yaml::Deserializer::from_str(&text));
    let given: BTreeMap<String, Given> =
        read.map_err(|error: serde_path_to_error::Error<serde_yaml::Error>| {
            wrong(format!(
                "`{}` is no number of pairs, expected a whole number or a text like `12k`",
                error.path()
            ))
        })?;
    if given.values().any(|given| matches!(given, Given::Share(_))) {
        let share = |(lang, given): (&String, &Given)| match given {
            Given::Share(share) if share.is_finite() && *share >= 0.0 => Ok(*share),
            Given::Number(share @ 0..=1) => Ok(*share as f64),
            _ => Err(wrong(format!(
                "`{lang}` is no share, expected a number from 0 to 1 as of the others"
            ))),
        };
        let shares = given.iter().map(share).collect::<Result<Vec<f64>, Failure>>()?;
        let sum: f64 = shares.iter().sum();
        if (sum - 1.0).abs() > ROUNDED {
            return Err(wrong(format!("its shares add up to {}, expected 1", Short(sum))));
        }
        let budget = budget.ok_or_else(|| {
            wrong("its shares are of no budget of pairs, expected `--budget` beside it".to_owned())
        })?;
        let shares: Vec<f64> = shares.iter().map(|share| share / sum).collect();
        return Ok(given.into_keys().zip(largest_remainders(&shares, budget)).collect());
    }
    let mut mix = Vec::with_capacity(given.len());
    for (lang, given) in given {
        let pairs = match given {
            Given::Number(pairs) if pairs <= Problem::MAX_BUDGET => pairs,
            Given::Number(pairs) => {
                return Err(wrong(format!(
                    "`{lang}` is {pairs}, expected at most {} pairs",
                    Problem::MAX_BUDGET
                )));
            }
            // without a share among them there is none
            Given::Share(share) => {
                return Err(wrong(format!("`{lang}` is {share}, expected pairs")));
            }
            Given::Text(text) => {
                text.parse::<Pairs>().map_err(|error| wrong(format!("`{lang}`: {error}")))?.0
            }
        };
        mix.push((lang, pairs));
    }
    if mix.iter().all(|(_, pairs)| *pairs == 0) {
        return Err(wrong("it has no pairs".to_owned()));
    }
    Ok(mix)
}

/// Reads a mix of domains: a YAML map from names to shares or amounts, not below 0.
pub(super) fn read_shares(path: &Path) -> Result<Vec<(String, f64)>, Failure> {
    let text = files::read_text(path).or_input()?;
    let wrong = |cause: String| {
        let error = anyhow::anyhow!("cannot use the mix `{}`: {cause}", path.display());
        Failure::input(error).hint(
            "a mix is a YAML map from domains to shares or amounts, like `web: 0.3` or `web: 12k`",
        )
    };
    let given: serde_yaml::Mapping = yaml::checked(&text)
        .and_then(serde_yaml::from_str)
        .map_err(|error| wrong(error.to_string()))?;
    let amount = |value: &serde_yaml::Value| {
        let short = || value.as_str()?.parse::<Pairs>().ok().map(|Pairs(amount)| amount as f64);
        value.as_f64().or_else(short).filter(|amount| amount.is_finite() && *amount >= 0.0)
    };
    let one = |(name, value): (&serde_yaml::Value, &serde_yaml::Value)| {
        let name = name.as_str().map_or_else(
            || serde_yaml::to_string(name).unwrap_or_default().trim().to_owned(),
            str::to_owned,
        );
        let amount = amount(value).ok_or_else(|| {
            wrong(format!("`{name}` is no share or amount, expected a number not below 0"))
        })?;
        Ok((name, amount))
    };
    let mix = given.iter().map(one).collect::<Result<Vec<_>, Failure>>()?;
    if mix.iter().all(|(_, amount)| *amount == 0.0) {
        Err(wrong("all of it is 0".to_owned()))
    } else {
        Ok(mix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_and_what_is_none_is_said() {
        assert_eq!(
            assigned::<f64>("mr=1.5"),
            Ok(Assigned { lang: "mr".to_owned(), value: 1.5, text: "mr=1.5".to_owned() })
        );
        assert_eq!(assigned::<Count>("tur=10k").map(|given| given.value), Ok(Count(10_000)));
        for text in ["tur", "tur=many", "tur=-1"] {
            assert!(assigned::<Count>(text).is_err(), "{text}");
        }
        let read = |text: &str| promise(text).map(|promise| (promise.policy, promise.slack)).ok();
        assert_eq!(read("temperature-3.3:1%"), Some((Policy::Temperature(3.3), 0.01)));
        assert_eq!(read("current"), Some((Policy::Current, 0.0)));
        assert_eq!(read("uniform:0"), Some((Policy::Uniform, 0.0)));
        assert_eq!(
            (read("best:1%"), read("uniform:-1%"), read("uniform:inf%")),
            (None, None, None)
        );
    }

    #[test]
    fn shares_of_a_mix_are_pairs_of_the_budget() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mix.yaml");
        files::write(&path, b"a: 0.5\nb: 0.25\nc: 0.25\nd: 0\n").unwrap();
        let mix = read_mix(&path, Some(1001)).unwrap();
        // the remainder of a half and of two quarters goes to the half
        assert_eq!(mix.iter().map(|(_, pairs)| *pairs).collect::<Vec<_>>(), [501, 250, 250, 0]);
        assert!(read_mix(&path, None).is_err());
        files::write(&path, b"a: 0.5\nb: 12k\n").unwrap();
        assert!(read_mix(&path, Some(1001)).is_err());
    }
}
