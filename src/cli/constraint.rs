//! What a problem may ask, as people write it on a command line: groups, objectives, targets, what must not get worse, the mix in use.

use super::failure::{Failure, OrFail};
use crate::allocate::{Amount, Group, Objective, Policy, Problem, Rule};
use crate::files;
use crate::units::{Lang, Pairs, Short};
use crate::yaml;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Level that the worst draws lie above where none is said.
pub const CVAR_LEVEL: f64 = 0.9;

/// Reads `LANG=VALUE` flags as places of languages and their values. Two flags of one language are an error, however they spell it.
pub fn assignments<T: std::str::FromStr>(flag: &str, texts: &[String], names: &[String]) -> Result<Vec<(usize, T)>, Failure>
where
    T::Err: std::fmt::Display,
{
    let mut read: Vec<(usize, T)> = Vec::with_capacity(texts.len());
    for text in texts {
        let (lang, value) = text
            .split_once('=')
            .ok_or_else(|| anyhow::anyhow!("`{flag} {text}` has no `=`, expected a language and a number, like `tur_Latn=2`"))
            .or_input()?;
        let at = place(names, flag, lang)?;
        if let Some(before) = read.iter().position(|(known, _)| *known == at) {
            let (before, name) = (&texts[before], &names[at]);
            let error = anyhow::anyhow!("`{flag} {before}` and `{flag} {text}` are both of `{name}`, expected each language once");
            return Err(Failure::input(error));
        }
        read.push((at, value.parse().map_err(|error| anyhow::anyhow!("`{flag} {text}`: {error}")).or_input()?));
    }
    Ok(read)
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
        "cvar" => Ok(Objective::Cvar(CVAR_LEVEL)),
        _ => text.strip_prefix("cvar:").and_then(|level| level.parse().ok()).map(Objective::Cvar).ok_or_else(wrong),
    }
}

/// Reads `name: a+b >= 20%`, also with `<=` and `=`, and with pairs for the share.
fn group(text: &str, names: &[String]) -> Result<Group, Failure> {
    let wrong = || {
        let error = anyhow::anyhow!("`--group {text}` is no group, expected a name, languages and an amount, like `indic: hin+mar >= 20%`");
        Failure::input(error)
    };
    let (name, rest) = text.split_once(':').ok_or_else(wrong)?;
    let rules = [(">=", Rule::AtLeast), ("<=", Rule::AtMost), ("=", Rule::Exactly)];
    let (sign, rule) = rules.into_iter().find(|(sign, _)| rest.contains(sign)).ok_or_else(wrong)?;
    let (members, amount) = rest.split_once(sign).ok_or_else(wrong)?;
    let given: Vec<&str> = members.split('+').map(str::trim).collect();
    let members = given.iter().map(|member| place(names, "--group", member)).collect::<Result<Vec<_>, _>>()?;
    if let Some((first, second)) = repeated(&members) {
        let (name, first, second) = (&names[members[first]], given[first], given[second]);
        let error = anyhow::anyhow!("`--group {text}` counts `{name}` twice, as `{first}` and `{second}`, expected each language once");
        return Err(Failure::input(error));
    }
    let amount = match percent(amount) {
        Some(share) if (0.0..=1.0).contains(&share) => Amount::Share(share),
        Some(share) => {
            let error = anyhow::anyhow!("`--group {text}`: {} % of the budget, expected 0 to 100 %", Short(100.0 * share));
            return Err(Failure::input(error));
        }
        None => Amount::Pairs(amount.trim().parse::<Pairs>().or_input()?.0),
    };
    Ok(Group { name: name.trim().to_owned(), members, rule, amount })
}

/// Reads the groups of a problem, each of a name of its own: messages tell them apart by it.
pub fn groups(texts: &[String], names: &[String]) -> Result<Vec<Group>, Failure> {
    let groups = texts.iter().map(|text| group(text, names)).collect::<Result<Vec<_>, _>>()?;
    let called: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    if let Some((first, second)) = repeated(&called) {
        let (name, first, second) = (called[first], &texts[first], &texts[second]);
        let error = anyhow::anyhow!("`--group {first}` and `--group {second}` are both called `{name}`, expected each name once");
        return Err(Failure::input(error));
    }
    Ok(groups)
}

/// The places of the first item that stands twice.
fn repeated<T: PartialEq>(items: &[T]) -> Option<(usize, usize)> {
    (0..items.len()).find_map(|at| Some((items[..at].iter().position(|item| *item == items[at])?, at)))
}

/// Reads `uniform:0.5%`: a policy, and by how much of its loss per language may be worse.
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
    yaml::checked(&text).and_then(serde_yaml::from_str::<serde_yaml::Mapping>).map_err(|error| wrong(error.to_string()))?;
    let read = serde_path_to_error::deserialize(serde_yaml::Deserializer::from_str(&text));
    let given: BTreeMap<String, Given> = read.map_err(|error: serde_path_to_error::Error<serde_yaml::Error>| {
        wrong(format!("`{}` is no number of pairs, expected a whole number or a text like `12k`", error.path()))
    })?;
    let langs: Vec<&String> = given.keys().collect();
    let places = langs.iter().map(|lang| place(names, "--from", lang)).collect::<Result<Vec<_>, _>>()?;
    if let Some((first, second)) = repeated(&places) {
        let (name, first, second) = (&names[places[first]], langs[first], langs[second]);
        return Err(wrong(format!("`{first}` and `{second}` are both `{name}`, expected each language once")));
    }
    let mut pairs = vec![0; names.len()];
    for (at, (lang, given)) in places.into_iter().zip(&given) {
        pairs[at] = match given {
            Given::Number(pairs) if *pairs <= Problem::MAX_BUDGET => *pairs,
            Given::Number(pairs) => return Err(wrong(format!("`{lang}` is {pairs}, expected at most {} pairs", Problem::MAX_BUDGET))),
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
        assert_eq!(objective("cvar:0.8").unwrap(), Objective::Cvar(0.8));
        assert!(objective("best").is_err());
        assert_eq!(no_worse_than("temperature-3.3:1%").unwrap(), (Policy::Temperature(3.3), 0.01));
        assert_eq!(no_worse_than("current").unwrap(), (Policy::Current, 0.0));
        assert_eq!(no_worse_than("uniform:0").unwrap(), (Policy::Uniform, 0.0));
        assert_eq!(assignments::<f64>("--weight", &["mr=1".to_owned(), "tur=2".to_owned()], &names()).unwrap(), [(2, 1.0), (0, 2.0)]);
        assert!(no_worse_than("best:1%").is_err() && no_worse_than("uniform:-1%").is_err());
        assert_eq!(target("mean=-3%").unwrap(), MeanTarget::Change(-0.03));
        assert_eq!(target("mean=2.1").unwrap(), MeanTarget::Nats(2.1));
        for text in ["mean=3%", "mean=-300%", "worst=2", "mean=x"] {
            assert!(target(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_language_named_twice_is_an_error_however_it_is_spelt() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        for (first, second) in [("tur=1", "tur=2"), ("tr=1", "tur_Latn=1"), ("tur=1", "tr=1")] {
            let error = assignments::<f64>("--weight", &texts(&[first, second]), &names()).unwrap_err().to_string();
            assert!(error.contains(&format!("`--weight {first}` and `--weight {second}` are both of `tur_Latn`")), "{error}");
        }
        let error = group("g: hi + tur + hin >= 20%", &names()).unwrap_err().to_string();
        assert!(error.contains("counts `hin_Deva` twice, as `hi` and `hin`"), "{error}");
        let error = groups(&texts(&["g: tur >= 1%", "h: tur >= 1%", "g: hin >= 1%"]), &names()).unwrap_err().to_string();
        assert!(error.contains("`--group g: tur >= 1%` and `--group g: hin >= 1%` are both called `g`"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let mix = folder.path().join("mix.yaml");
        for (text, expected) in [
            ("tr: 5\nhin: 3\ntur_Latn: 4\n", "`tr` and `tur_Latn` are both `tur_Latn`"),
            ("tr: 18446744073709551615\nhin: 1\n", "`tr` is 18446744073709551615, expected at most 9007199254740992 pairs"),
        ] {
            files::write(&mix, text.as_bytes()).unwrap();
            let error = read_mix(&mix, &names()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
