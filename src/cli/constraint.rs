//! What a problem may ask, as people write it on a command line: groups, objectives, targets, what must not get worse, the mix in use.

use super::failure::{Failure, OrFail};
use crate::allocate::{Amount, Group, Objective, Policy, Rule};
use crate::files;
use crate::units::{Lang, Pairs};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Level that the worst draws lie above where none is said.
pub const TAIL: f64 = 0.9;

/// Reads `LANG=VALUE` flags.
pub fn assignments<T: std::str::FromStr>(flag: &str, texts: &[String]) -> Result<Vec<(String, T)>, Failure>
where
    T::Err: std::fmt::Display,
{
    let lang = |text: &'_ String| text.split('=').next().map(str::to_owned);
    if let Some(again) = texts.iter().enumerate().find(|(at, text)| texts[..*at].iter().any(|before| lang(before) == lang(text))) {
        return Err(Failure::input(anyhow::anyhow!("`{flag} {}` names its language again, expected each once", again.1)));
    }
    texts
        .iter()
        .map(|text| {
            let (lang, value) = text
                .split_once('=')
                .ok_or_else(|| anyhow::anyhow!("`{flag} {text}` has no `=`, expected a language and a number, like `tur_Latn=2`"))?;
            let value = value.parse().map_err(|error| anyhow::anyhow!("`{flag} {text}`: {error}"))?;
            Ok((lang.to_owned(), value))
        })
        .collect::<Result<_, anyhow::Error>>()
        .or_input()
}

/// The place of a language given by its code, or by the start of it or its two letters where they are enough: `tur` or `tr` for `tur_Latn`.
pub fn place(known: &[String], flag: &str, lang: &str) -> Result<usize, Failure> {
    let two_letters = |name: &str| name.parse::<Lang>().ok().and_then(|known| known.two_letters());
    let is_meant = |name: &String| name == lang || name.split('_').next() == Some(lang) || two_letters(name) == Some(lang);
    let matching: Vec<usize> = (0..known.len()).filter(|&at| is_meant(&known[at])).collect();
    match matching.as_slice() {
        [at] => Ok(*at),
        _ => {
            let error = anyhow::anyhow!("`{flag}` names `{lang}`, expected one of {}", known.join(", "));
            Err(Failure::input(error))
        }
    }
}

/// Reads `mean`, `worst`, `cvar` or `cvar:0.9`.
pub fn objective(text: &str) -> Result<Objective, Failure> {
    let wrong =
        || Failure::input(anyhow::anyhow!("`--objective {text}`: expected `mean`, `worst` or `cvar:` and a level, like `cvar:0.9`"));
    match text {
        "mean" => Ok(Objective::Mean),
        "worst" => Ok(Objective::Worst),
        "cvar" => Ok(Objective::Tail(TAIL)),
        _ => text.strip_prefix("cvar:").and_then(|level| level.parse().ok()).map(Objective::Tail).ok_or_else(wrong),
    }
}

/// Reads `name: a+b >= 20%`, also with `<=` and `=`, and with pairs for the share.
pub fn group(text: &str, names: &[String]) -> Result<Group, Failure> {
    let wrong = || {
        let error = anyhow::anyhow!("`--group {text}` is no group, expected a name, languages and an amount, like `indic: hin+mar >= 20%`");
        Failure::input(error)
    };
    let (name, rest) = text.split_once(':').ok_or_else(wrong)?;
    let rules = [(">=", Rule::AtLeast), ("<=", Rule::AtMost), ("=", Rule::Exactly)];
    let (sign, rule) = rules.into_iter().find(|(sign, _)| rest.contains(sign)).ok_or_else(wrong)?;
    let (members, amount) = rest.split_once(sign).ok_or_else(wrong)?;
    let members = members.split('+').map(|member| place(names, "--group", member.trim())).collect::<Result<Vec<_>, _>>()?;
    let amount = match percent(amount) {
        Some(share) if (0.0..=1.0).contains(&share) => Amount::Share(share),
        Some(share) => {
            let error = anyhow::anyhow!("`--group {text}`: {} % of the budget, expected 0 to 100 %", 100.0 * share);
            return Err(Failure::input(error));
        }
        None => Amount::Pairs(amount.trim().parse::<Pairs>().or_input()?.0),
    };
    Ok(Group { name: name.trim().to_owned(), members, rule, amount })
}

/// Reads `uniform:0.5%`: a policy, and by how much of its loss a language may be worse.
pub fn no_worse_than(text: &str) -> Result<(Policy, f64), Failure> {
    let wrong = || {
        Failure::input(anyhow::anyhow!("`--no-worse-than {text}`: expected a policy and a share of its loss, like `uniform:0.5%`"))
            .hint("policies are `uniform`, `proportional`, `temperature-3.3`, `unimax-4`, and `current` with `--from`")
    };
    let (policy, slack) = text.split_once(':').unwrap_or((text, "0%"));
    let slack = percent(slack).or((slack.trim() == "0").then_some(0.0)).filter(|slack| *slack >= 0.0).ok_or_else(wrong)?;
    Ok((policy.parse().map_err(|_| wrong())?, slack))
}

/// What a mean loss is to become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MeanTarget {
    /// Nats per target token.
    Nats(f64),
    /// A change against the mix in use, as a fraction of its mean loss.
    Change(f64),
}

/// Reads `mean=2.1` or `mean=-3%`.
pub fn target(text: &str) -> Result<MeanTarget, Failure> {
    let wrong = || {
        let error = anyhow::anyhow!("`--target {text}`: expected a mean loss in nats or a fall of it, like `mean=2.1` or `mean=-3%`");
        Failure::input(error).hint("`--target-loss tur=2.1` sets the loss of a language")
    };
    let value = text.strip_prefix("mean=").ok_or_else(wrong)?;
    match (percent(value), value.trim().parse::<f64>()) {
        (Some(change), _) if change < 0.0 && change > -1.0 => Ok(MeanTarget::Change(change)),
        (None, Ok(nats)) if nats > 0.0 && nats.is_finite() => Ok(MeanTarget::Nats(nats)),
        _ => Err(wrong()),
    }
}

/// Reads a cost: a number, or pairs' short form like `30k`.
pub fn cost(text: &str) -> Result<f64, String> {
    let short = || text.parse::<Pairs>().map(|Pairs(amount)| amount as f64);
    text.trim()
        .parse::<f64>()
        .or_else(|_| short())
        .map_err(|_| format!("`{text}` is no cost, expected a number like `5000`, `0.5` or `30k`"))
}

/// `20%` as a fraction.
fn percent(text: &str) -> Option<f64> {
    let share: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    share.is_finite().then_some(share / 100.0)
}

/// Pairs of a language in a file of the mix in use: a number, or a text like `12k`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Number(u64),
    Text(String),
}

/// Reads the mix in use: a YAML map from languages to pairs. Languages that it leaves out have none.
pub fn read_mix(path: &Path, names: &[String]) -> Result<Vec<u64>, Failure> {
    let text = files::read_text(path).or_input()?;
    let wrong = |cause: String| {
        let error = anyhow::anyhow!("cannot use the mix `{}`: {cause}", path.display());
        Failure::input(error).hint("a mix is a YAML map from languages to pairs, like `tur_Latn: 12k`")
    };
    // a map of YAML knows of keys that stand twice
    serde_yaml::from_str::<serde_yaml::Mapping>(&text).map_err(|error| wrong(error.to_string()))?;
    let read = serde_path_to_error::deserialize(serde_yaml::Deserializer::from_str(&text));
    let given: BTreeMap<String, Given> = read.map_err(|error: serde_path_to_error::Error<serde_yaml::Error>| {
        wrong(format!("`{}` is no number of pairs, expected a whole number or a text like `12k`", error.path()))
    })?;
    let mut pairs = vec![0; names.len()];
    for (lang, given) in given {
        let at = place(names, "--from", &lang)?;
        pairs[at] = match given {
            Given::Number(pairs) => pairs,
            Given::Text(text) => text.parse::<Pairs>().map_err(|error| wrong(format!("`{lang}`: {error}")))?.0,
        };
    }
    if pairs.iter().sum::<u64>() == 0 {
        return Err(wrong("it has no pairs".to_owned()));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["tur_Latn", "hin_Deva", "mar_Deva"].map(str::to_owned).to_vec()
    }

    #[test]
    fn constraints_are_read_and_what_is_none_is_said() {
        let indic = group("indic: hin + mar >= 20%", &names()).unwrap();
        assert_eq!((indic.members, indic.rule, indic.amount), (vec![1, 2], Rule::AtLeast, Amount::Share(0.2)));
        assert_eq!(group("t: tur <= 12k", &names()).unwrap().amount, Amount::Pairs(12_000));
        assert_eq!(group("t: mr + tr <= 12k", &names()).unwrap().members, [2, 0]);
        // two scripts of one language: the start of the code says too little
        assert!(place(&["zho_Hans".to_owned(), "zho_Hant".to_owned()], "--min", "zh").is_err());
        for text in ["indic", "x: tur > 3", "x: tur >= 120%", "x: swh >= 3", "x: tur >= many"] {
            assert!(group(text, &names()).is_err(), "{text}");
        }
        assert_eq!(objective("cvar:0.8").unwrap(), Objective::Tail(0.8));
        assert!(objective("best").is_err());
        assert_eq!(no_worse_than("temperature-3.3:1%").unwrap(), (Policy::Temperature(3.3), 0.01));
        assert_eq!(no_worse_than("current").unwrap(), (Policy::Current, 0.0));
        assert_eq!(no_worse_than("uniform:0").unwrap(), (Policy::Uniform, 0.0));
        assert!(assignments::<f64>("--weight", &["tur=1".to_owned(), "tur=2".to_owned()]).is_err());
        assert!(no_worse_than("best:1%").is_err() && no_worse_than("uniform:-1%").is_err());
        assert_eq!(target("mean=-3%").unwrap(), MeanTarget::Change(-0.03));
        assert_eq!(target("mean=2.1").unwrap(), MeanTarget::Nats(2.1));
        for text in ["mean=3%", "mean=-300%", "worst=2", "mean=x"] {
            assert!(target(text).is_err(), "{text}");
        }
    }
}
