//! Amounts and members as a problem file writes them: numbers or short texts, places or names.

use crate::units::Pairs;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use std::fmt;

/// Reads an amount: a number, or a text like `1.5M`.
pub(super) fn amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    struct Short;
    impl Visitor<'_> for Short {
        type Value = f64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a number, or a text like `1.5M`")
        }
        fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
            Ok(number)
        }
        fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
            Ok(number as f64)
        }
        fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
            Ok(number as f64)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
            text.parse::<Pairs>().map(|Pairs(pairs)| pairs as f64).map_err(E::custom)
        }
    }
    deserializer.deserialize_any(Short)
}

pub(super) fn some_amount<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    #[derive(Deserialize)]
    struct Amount(#[serde(deserialize_with = "amount")] f64);
    Ok(Option::<Amount>::deserialize(deserializer)?.map(|Amount(amount)| amount))
}

/// A language by its place or its name.
pub(super) enum Member {
    Place(usize),
    Name(String),
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Member;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "the place or the name of a language")
            }
            fn visit_u64<E: Error>(self, place: u64) -> Result<Member, E> {
                Ok(Member::Place(usize::try_from(place).unwrap_or(usize::MAX)))
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<Member, E> {
                Ok(Member::Name(name.to_owned()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
