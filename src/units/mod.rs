//! What a number is: amounts of data, languages, directions and intervals.

mod lang;

pub use lang::Lang;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::fmt;
use std::str::FromStr;

/// A text that does not denote the unit it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum UnitError {
    /// Not a FLORES code.
    #[error(
        "`{found}` is not a language code, expected three letters, `_` and a script, like \
        `tur_Latn`"
    )]
    Lang { found: String },
    /// Not a whole non-negative amount.
    #[error(
        "`{found}` is not an amount, expected a whole number with an optional `k`, `M`, `B` or \
        `G`, like `1.5M`"
    )]
    Amount { found: String },
    /// Not a direction of translation.
    #[error("`{found}` is not a direction, expected `en-x`, `x-en` or `both`")]
    Direction { found: String },
}

/// A number of translation pairs.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Pairs(pub u64);

/// A number of tokens.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Tokens(pub u64);

/// A total or mean cross-entropy in nats.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nats(pub f64);

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Pairs {
    type Err = UnitError;

    /// Reads `12000`, `12k`, `1.5M`, `10B` or `2G`; the result must be a whole number.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let wrong = || UnitError::Amount { found: text.to_owned() };
        let digits = text.trim().replace('_', "");
        let (number, factor) = match digits.char_indices().last() {
            Some((at, 'k' | 'K')) => (&digits[..at], 1e3),
            Some((at, 'M')) => (&digits[..at], 1e6),
            Some((at, 'G' | 'B')) => (&digits[..at], 1e9),
            _ => (digits.as_str(), 1.0),
        };
        if !number.starts_with(|c: char| c.is_ascii_digit()) || number.contains(['e', 'E']) {
            return Err(wrong());
        }
        let value = number.parse::<f64>().map_err(|_| wrong())? * factor;
        // above 2^53 an f64 no longer tells neighbouring whole numbers apart
        let rounded = value.round();
        if rounded > 9_007_199_254_740_992.0 || (value - rounded).abs() > 1e-6 {
            return Err(wrong());
        }
        Ok(Pairs(rounded as u64))
    }
}

/// Which side of a pair is to be produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(try_from = "String", into = "String")]
pub enum Direction {
    /// English is read, the other language written: the direction that the x-LLaMA paper found to
    /// help most.
    #[default]
    FromEnglish,
    /// The other language is read, English written.
    ToEnglish,
    /// Pairs alternate between the two directions.
    Both,
}

impl TryFrom<String> for Direction {
    type Error = UnitError;

    fn try_from(text: String) -> Result<Self, UnitError> {
        match text.as_str() {
            "en-x" => Ok(Direction::FromEnglish),
            "x-en" => Ok(Direction::ToEnglish),
            "both" => Ok(Direction::Both),
            _ => Err(UnitError::Direction { found: text }),
        }
    }
}

impl From<Direction> for String {
    fn from(direction: Direction) -> String {
        match direction {
            Direction::FromEnglish => "en-x",
            Direction::ToEnglish => "x-en",
            Direction::Both => "both",
        }
        .to_owned()
    }
}

/// JSON of numbers that may be infinite, which JSON itself has no word for: finite ones as numbers,
/// others as `"inf"`, `"-inf"`, `"NaN"`. For `#[serde(with = "…")]`.
pub mod any_number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes a number.
    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() {
            serializer.serialize_f64(*value)
        } else {
            serializer.serialize_str(&value.to_string())
        }
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wire {
        Number(f64),
        Word(String),
    }

    /// Reads what [`serialize`] wrote.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match Wire::deserialize(deserializer)? {
            Wire::Number(value) => Ok(value),
            Wire::Word(word) => match word.as_str() {
                "inf" => Ok(f64::INFINITY),
                "-inf" => Ok(f64::NEG_INFINITY),
                "NaN" => Ok(f64::NAN),
                _ => Err(D::Error::custom(format!(
                    "`{word}` is not a number, expected one, or `inf`, `-inf` or `NaN`"
                ))),
            },
        }
    }
}

/// Any number, for messages: in plain notation where that is short, `1e300` without its three
/// hundred digits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Short(pub f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = self.0 == 0.0 || !self.0.is_finite() || (1e-6..1e16).contains(&self.0.abs());
        if is_plain { self.0.fmt(f) } else { write!(f, "{:e}", self.0) }
    }
}

/// A closed interval; a level (50 %, 90 %) is said where it is used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    #[serde(with = "any_number")]
    pub lo: f64,
    /// Upper end, not below `lo`.
    #[serde(with = "any_number")]
    pub hi: f64,
}

impl From<(f64, f64)> for Interval {
    fn from((a, b): (f64, f64)) -> Self {
        Interval::new(a, b)
    }
}

impl Interval {
    /// The interval between two ends in either order.
    pub fn new(a: f64, b: f64) -> Self {
        Interval { lo: a.min(b), hi: a.max(b) }
    }

    /// Whether the interval holds `value`.
    pub fn contains(&self, value: f64) -> bool {
        self.lo <= value && value <= self.hi
    }
}

/// A number with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Point estimate.
    #[serde(with = "any_number")]
    pub value: f64,
    /// 90 % interval.
    pub interval_90: Interval,
}

impl Estimate {
    /// The mean of some values with Student's interval, infinite where there is one value; absent
    /// of nothing.
    pub fn of_mean(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        match values.len() {
            0 => None,
            1 => Some(Estimate {
                value: mean,
                interval_90: Interval { lo: f64::NEG_INFINITY, hi: f64::INFINITY },
            }),
            _ => {
                let error = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>()
                    / (count - 1.0)
                    / count)
                    .sqrt();
                let half = StudentsT::new(0.0, 1.0, count - 1.0).ok()?.inverse_cdf(0.95) * error;
                Some(Estimate {
                    value: mean,
                    interval_90: Interval { lo: mean - half, hi: mean + half },
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_their_suffixes() {
        for (text, pairs) in [
            ("12000", 12_000),
            ("12k", 12_000),
            ("1.5M", 1_500_000),
            ("2G", 2_000_000_000),
            ("1_000", 1000),
        ] {
            assert_eq!(text.parse(), Ok(Pairs(pairs)), "{text}");
        }
        for text in ["", "k", "-5", "1e9", "1.5", "NaN", "inf", "5 pairs", "99999999999999999999"] {
            assert!(text.parse::<Pairs>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_in_messages_are_short() {
        for (value, text) in [
            (1e300, "1e300"),
            (-2.5e-9, "-2.5e-9"),
            (0.0, "0"),
            (9e15, "9000000000000000"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(Short(value).to_string(), text);
        }
    }

    #[test]
    fn infinite_numbers_survive_json() {
        let estimate = Estimate {
            value: f64::INFINITY,
            interval_90: Interval { lo: f64::NEG_INFINITY, hi: 0.1 + 0.2 },
        };
        let json = serde_json::to_string(&estimate).unwrap();
        assert_eq!(serde_json::from_str::<Estimate>(&json).unwrap(), estimate, "{json}");
        assert!(serde_json::from_str::<Interval>(r#"{"lo": "low", "hi": 1}"#).is_err());
    }
}
