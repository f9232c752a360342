//! Text logs of trainers, by one table of patterns: which lines tell of an evaluation, at which
//! step, and the values in them.
//!
//! Any other log is read by a pattern of the user's, whose groups are `step`, `value` and perhaps
//! `metric`.

use super::error::{ImportError, malformed};
use super::kind::Kind;
use super::log::{Run, name_of_folder};
use crate::files;
use regex::{Captures, Regex};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a program logs.
struct Format {
    program: &'static str,
    /// Lines of evaluations; a group `set` is put before the keys.
    line: &'static str,
    /// The step, in such a line or in one before it.
    step: &'static str,
    /// One value in such a line, with groups `key` and `value`.
    value: &'static str,
}

/// A number as programs write it.
const NUMBER: &str = r"(?P<value>-?(?:\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|nan|inf|NaN|Infinity))";

/// The programs; the first that knows a line of a file reads it. `NUMBER` stands for a number.
const FORMATS: [Format; 9] = [
    Format {
        program: "fairseq",
        line: r"\| (?:valid|test)\w* \| \{",
        step: r#"num_updates": "?(\d+)"#,
        value: r#""(?P<key>\w+)": "?NUMBER"?"#,
    },
    Format {
        program: "fairseq",
        line: r"valid on '(?P<set>[^']+)' subset",
        step: r"num_updates (\d+)",
        value: r"\|\s*(?P<key>[a-z_0-9]+) NUMBER",
    },
    Format {
        program: "Marian",
        line: r"\[valid\] .*Up\. \d",
        step: r"Up\. ([\d,]+)",
        value: r"Up\. [\d,]+ : (?P<key>[\w-]+) : NUMBER",
    },
    Format {
        program: "JoeyNMT",
        line: r"^Steps:\s*\d+\s.*(?:PPL|ppl|[Ll]oss):",
        step: r"^Steps:\s*(\d+)",
        value: r"\s(?P<key>[A-Za-z][\w-]*):\s*NUMBER",
    },
    Format {
        program: "OpenNMT-py",
        line: r"(?i)Validation (?:perplexity|accuracy|xent): ",
        step: r"\bStep (\d+)/",
        value: r"(?i)Validation (?P<key>perplexity|accuracy|xent): NUMBER",
    },
    Format {
        program: "Sockeye",
        line: r"Checkpoint \[\d+\].*\bValidation-",
        step: r"\bUpdates=(\d+)",
        value: r"\bValidation-(?P<key>[\w-]+)=NUMBER",
    },
    Format {
        program: "Sockeye",
        line: r"^\d+\t.*\b[\w-]+-val=",
        step: r"\bupdates=(\d+)",
        value: r"\b(?P<key>[a-z0-9]+(?:-[a-z0-9]+)*-val)=NUMBER",
    },
    Format {
        program: "Megatron",
        line: r"validation loss at iteration \d+",
        step: r"at iteration (\d+)",
        value: r"\|\s*(?P<key>[A-Za-z][\w ]*?(?: value| PPL)): NUMBER",
    },
    Format {
        program: "torchtune",
        line: r"^Step \d+ \| \w+:",
        step: r"^Step (\d+) \|",
        value: r"[ |](?P<key>[A-Za-z]\w*):NUMBER",
    },
];

/// Endings of the names of text logs.
const ENDINGS: [&str; 5] = [".log", ".txt", ".out", ".err", ".metrics"];

/// Names that say nothing of the run, which is that of the folder.
const GENERIC: [&str; 11] = [
    "train",
    "valid",
    "validation",
    "validations",
    "training",
    "log",
    "logs",
    "output",
    "nohup",
    "metrics",
    "console",
];

/// Largest text that is looked at for lines of evaluations, bytes.
const MOST: u64 = 256 << 20;

/// A format, ready to read.
#[derive(Debug)]
struct Reader {
    program: &'static str,
    line: Regex,
    step: Option<Regex>,
    value: Regex,
}

impl Reader {
    fn of(format: &Format) -> Option<Self> {
        let pattern = |text: &str| Regex::new(&text.replace("NUMBER", NUMBER)).ok();
        let (line, step, value) =
            (pattern(format.line)?, pattern(format.step)?, pattern(format.value)?);
        Some(Reader { program: format.program, line, step: Some(step), value })
    }

    fn all() -> Vec<Reader> {
        FORMATS.iter().filter_map(Reader::of).collect()
    }
}

/// Whether a file may be a text log by its name.
pub(super) fn is_named(path: &Path) -> bool {
    let name =
        path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    ENDINGS.iter().any(|end| name.ends_with(end)) || GENERIC.contains(&name.as_str())
}

/// Whether a line of a file is one that is read.
pub(super) fn is_log(path: &Path, pattern: Option<&Regex>) -> Result<bool, ImportError> {
    let text = text(path)?;
    let readers = Reader::all();
    let known = |line: &str| {
        pattern.map_or_else(
            || readers.iter().any(|reader| reader.line.is_match(line)),
            |own| own.is_match(line),
        )
    };
    Ok(text.lines().any(known))
}

fn text(path: &Path) -> Result<String, ImportError> {
    // a terminal's output may hold bytes that are no text
    Ok(String::from_utf8_lossy(&files::head(path, MOST)?).into_owned())
}

/// Reads one run a file, or a folder where the names of files say nothing. `pattern` reads the
/// lines in place of the table.
pub(super) fn read(
    paths: &[PathBuf],
    pattern: Option<&Regex>,
    notes: &mut Vec<String>,
) -> Result<Vec<Run>, ImportError> {
    let readers = Reader::all();
    let mut runs: BTreeMap<PathBuf, Run> = BTreeMap::new();
    for path in paths {
        let text = text(path)?;
        let found = match pattern {
            Some(pattern) => by_pattern(&text, pattern),
            None => by_table(&text, &readers, notes),
        };
        if found.is_empty() {
            let expected = pattern.map_or_else(
                || format!("no line of an evaluation, expected one of {}", programs()),
                |pattern| format!("no line that `{pattern}` matches with a number"),
            );
            return Err(malformed(path, Kind::Text, expected));
        }
        let stem =
            path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let folder = path.parent().filter(|folder| folder.file_name().is_some());
        let place =
            folder.filter(|_| GENERIC.contains(&stem.to_lowercase().as_str())).unwrap_or(path);
        let name = if place == path { stem } else { name_of_folder(path) };
        let run = runs.entry(place.to_owned()).or_insert_with(|| Run::new(name, place));
        for (key, values) in found {
            let known = run.series.keys().any(|metric| metric.key == key);
            // a log for all and one for evaluations alone say the same twice
            for (step, value) in values.into_iter().filter(|_| !known) {
                run.push(&key, step, value);
            }
        }
    }
    Ok(runs.into_values().collect())
}

/// Names of the programs, for messages.
fn programs() -> String {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.program).collect();
    names.dedup();
    names.join(", ")
}

/// Values by key, in the order of the log.
type Found = BTreeMap<String, Vec<(Option<f64>, f64)>>;

fn by_table(text: &str, readers: &[Reader], notes: &mut Vec<String>) -> Found {
    let mut found = Found::new();
    let first =
        text.lines().find_map(|line| readers.iter().find(|reader| reader.line.is_match(line)));
    let Some(reader) = first else { return found };
    let mut last_step = None;
    for line in text.lines() {
        let step =
            reader.step.as_ref().and_then(|step| number(step.captures(line)?.get(1)?.as_str()));
        last_step = step.or(last_step);
        let Some(head) = reader.line.captures(line) else { continue };
        if let Some(step) = last_step {
            forget_from(&mut found, step);
        }
        for values in reader.value.captures_iter(line) {
            let (Some(key), Some(value)) =
                (values.name("key"), values.name("value").and_then(|value| number(value.as_str())))
            else {
                continue;
            };
            let key = head.name("set").map_or_else(
                || key.as_str().to_owned(),
                |set| format!("{}_{}", set.as_str(), key.as_str()),
            );
            if !["num_updates", "epoch", "Steps"].iter().any(|count| key.ends_with(count)) {
                found.entry(key).or_default().push((last_step, value));
            }
        }
    }
    if reader.program == "fairseq" {
        notes.push("losses of fairseq are in bits, to the base 2, and kept so".to_owned());
    }
    found
}

/// Drops what was logged after this step: a run that was resumed logs it anew.
fn forget_from(found: &mut Found, step: f64) {
    found
        .values_mut()
        .for_each(|values| values.retain(|(known, _)| known.is_none_or(|known| known <= step)));
}

/// What a pattern of the user's finds: groups by name, or else the first as the step and the last
/// as the value.
fn by_pattern(text: &str, pattern: &Regex) -> Found {
    let mut found = Found::new();
    let value_of = |captures: &Captures<'_>| {
        let value = ["value", "loss"].iter().find_map(|name| captures.name(name));
        let last = || captures.iter().skip(1).flatten().last();
        number(value.or_else(last)?.as_str())
    };
    for captures in text.lines().filter_map(|line| pattern.captures(line)) {
        let Some(value) = value_of(&captures) else { continue };
        let named = pattern.capture_names().flatten().next().is_some();
        let step = captures
            .name("step")
            .or_else(|| captures.get(1).filter(|_| !named && captures.len() > 2));
        let step = step.and_then(|step| number(step.as_str()));
        if let Some(step) = step {
            forget_from(&mut found, step);
        }
        let key = captures.name("metric").map_or("loss", |metric| metric.as_str());
        found.entry(key.to_owned()).or_default().push((step, value));
    }
    found
}

/// A number, perhaps with commas between its thousands.
fn number(text: &str) -> Option<f64> {
    text.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let found = by_table(text, &Reader::all(), &mut Vec::new());
        let say = |(key, values): (String, Vec<(Option<f64>, f64)>)| {
            let values: Vec<String> = values
                .iter()
                .map(|(step, value)| format!("{}:{value}", step.unwrap_or(-1.0)))
                .collect();
            format!("{key} {}", values.join(" "))
        };
        found.into_iter().map(say).collect()
    }

    #[test]
    fn the_table_is_made_of_patterns() {
        assert_eq!(Reader::all().len(), FORMATS.len());
    }

    #[test]
    fn every_program_is_read() {
        let json = "2021 | INFO | train | \
        {\"epoch\": 1, \"train_loss\": \"4.3\", \"train_num_updates\": \"100\"}\n\
            2021 | INFO | valid | \
        {\"epoch\": 1, \"valid_loss\": \"3.5\", \"valid_num_updates\": \"100\"}\n";
        assert_eq!(found(json), ["valid_loss 100:3.5"]);
        let simple = "2019 | INFO | valid | epoch 001 | valid on 'valid' subset | loss 3.5 | ppl \
        12 | num_updates 100 | best_loss 3.5\n";
        assert_eq!(
            found(simple),
            ["valid_best_loss 100:3.5", "valid_loss 100:3.5", "valid_ppl 100:12"]
        );
        let marian = "[2021] [valid] Ep. 1 : Up. 1,000 : ce-mean-words : 3.5 : new best\n[2021] \
        Ep. 1 : Up. 1500 : Sen. 5 : Cost 9.9\n";
        assert_eq!(found(marian), ["ce-mean-words 1000:3.5"]);
        let joey = "Steps: 100\tloss: 3.89\tacc: 0.5\tppl: 55.5\tbleu: 1.0\tLR: 0.0003\t*\n";
        assert_eq!(
            found(joey),
            ["LR 100:0.0003", "acc 100:0.5", "bleu 100:1", "loss 100:3.89", "ppl 100:55.5"]
        );
        let onmt = "[2021 INFO] Step 1000/ 5000; acc: 40.1; ppl: 9.5; xent: 2.2\n[2021 INFO] \
        Validation perplexity: 12.5\n\
            [2021 INFO] Validation accuracy: 51.5\n";
        assert_eq!(found(onmt), ["accuracy 1000:51.5", "perplexity 1000:12.5"]);
        let sockeye = "[INFO] Checkpoint [1]\tUpdates=2000 Epoch=1\n[INFO] Checkpoint \
        [1]\tTrain-perplexity=9\n\
            [INFO] Checkpoint [1]\tValidation-perplexity=12.5\n";
        assert_eq!(found(sockeye), ["perplexity 2000:12.5"]);
        let metrics =
            "1\tbleu-val=0.25\tepoch=0\tperplexity-train=9.0\tperplexity-val=12.5\tupdates=2000\n";
        assert_eq!(found(metrics), ["bleu-val 2000:0.25", "perplexity-val 2000:12.5"]);
        let megatron = " validation loss at iteration 1000 | lm loss value: 2.5E+00 | lm loss PPL: \
        1.2E+01 | \n";
        assert_eq!(found(megatron), ["lm loss PPL 1000:12", "lm loss value 1000:2.5"]);
        assert_eq!(
            found("Step 10 | loss:2.5 lr:2e-05 tokens_per_second_per_gpu:100 \n"),
            ["loss 10:2.5", "lr 10:0.00002", "tokens_per_second_per_gpu 10:100"]
        );
    }

    #[test]
    fn what_was_logged_before_a_run_was_resumed_is_forgotten() {
        let line =
            |step: u32, loss: f64| format!("[valid] Ep. 1 : Up. {step} : ce : {loss} : new best\n");
        assert_eq!(
            found(&[line(100, 4.0), line(200, 3.0), line(150, 3.5)].concat()),
            ["ce 100:4 150:3.5"]
        );
    }

    #[test]
    fn a_pattern_names_its_groups_or_counts_them() {
        let text = "at 100 got 3.5\nnoise\nat 200 got 3.25\n";
        let by = |pattern: &str| by_pattern(text, &Regex::new(pattern).unwrap());
        let both =
            Found::from([("loss".to_owned(), vec![(Some(100.0), 3.5), (Some(200.0), 3.25)])]);
        assert_eq!(by(r"at (\d+) got ([\d.]+)"), both);
        assert_eq!(by(r"at (?P<step>\d+) got (?P<value>[\d.]+)"), both);
        assert_eq!(by(r"got (?P<value>[\d.]+)")["loss"], [(None, 3.5), (None, 3.25)]);
        assert_eq!(by(r"(?P<metric>got) (?P<value>[\d.]+)")["got"].len(), 2);
        assert!(by("nothing (x)").is_empty());
    }
}
